"""How a table was read: what its columns served as and how its cells were taken, to be shown and to be done again."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

ORDER = ("n", "error", "architecture", "task", "domain", "seed")  # in which a command names columns
TABLE = "table"  # the source of a data frame, which has no name
OPTIONS = ("domain", "task", "architecture", "metric", "n_test", "repeats", "error_sd")  # of values for all rows
Wide = Literal["models", "sizes"]
Decimal = Literal["comma", "point"]


@dataclass(frozen=True)
class HowRead:
    """How a table was read: enough to read it so again.

    Attributes
    ----------
    source : str
        The name of the file as it was given, or ``table``.
    columns : mapping
        Our column names to those of the table; a name made from several columns has ``+`` between them.
    constants : mapping
        Our column names to one value for all rows.
    where : mapping
        Columns of the table to the values whose rows were kept.
    score : str or None
        The score that the error column held, such as ``accuracy``; None where it held errors.
    percent : bool
        Whether errors (or scores) were divided by 100.
    full_size : float or None
        What sizes in per cent were a share of.
    wide : {"models", "sizes"} or None
        What stood in columns of its own and was put into rows.
    decimal : {"comma", "point"} or None
        The decimal mark that was prescribed; None where the cells told it.
    error_column : str
        The table's own name of the error column; of a chart's export, of what it shows; "" where it has none.
    size_unit : str or None
        The unit of sizes that were given as durations, such as ``hours``.
    n_min : float or None
        The size below which rows were left out.
    as_they_are : bool
        Whether a table that looks misread was to be read all the same.
    two_axes : bool
        Whether it was read as errors over two axes, ``n`` and ``params``.
    """

    source: str = TABLE
    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str | float] = field(default_factory=dict)
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    score: str | None = None
    percent: bool = False
    full_size: float | None = None
    wide: Wide | None = None
    decimal: Decimal | None = None
    error_column: str = "error"
    size_unit: str | None = None
    n_min: float | None = None
    as_they_are: bool = False
    two_axes: bool = False

    @property
    def turned(self) -> str | None:
        """How the error follows from the error column, such as ``1 - F1 / 100``; None where it is that column."""
        if self.score is None:
            return f"{self.error_column or 'error'} / 100" if self.percent else None
        score = f"{self.score} / 100" if self.percent else self.score
        return f"-{score}" if self.score.lower().startswith("neg_") else f"1 - {score}"

    @property
    def as_command(self) -> bool:
        """Whether a command can say it: a data frame has no name, and some constants are no options."""
        return self.source != TABLE and set(self.constants) <= set(OPTIONS)

    def options(self) -> tuple[str, ...]:
        """The options of the command line that read the table so."""
        said = []
        if self.columns:
            said += ["--columns", ",".join(f"{ours}={self.columns[ours]}" for ours in _ordered(self.columns))]
        said += [part for ours, value in self.constants.items() for part in (_option(ours), _plain(value))]
        said += [part for name, of in self.where.items() for one in of for part in ("--where", f"{name}={one}")]
        said += ["--wide", self.wide] if self.wide else []
        said += ["--score", self.score] if self.score else []
        said += ["--percent"] if self.percent else []
        said += ["--full-size", _plain(self.full_size)] if self.full_size is not None else []
        said += ["--decimal", self.decimal] if self.decimal else []
        said += ["--n-min", _plain(self.n_min)] if self.n_min is not None else []
        said += ["--as-they-are"] if self.as_they_are else []
        return tuple(said)

    def command(self, verb: str = "validate", more: Iterable[str] = ()) -> str:
        """The whole command that reads the table so, quoted for a shell; ``more`` are its other options."""
        return shlex.join(["forecaster", verb, self.source, *self.options(), *more])

    def arguments(self) -> dict[str, Any]:
        """The arguments of :func:`forecaster.read_curves` that read the table so, but for the source."""
        columns = {ours: self.columns[ours] for ours in _ordered(self.columns)}
        where = {name: of[0] if len(of) == 1 else tuple(of) for name, of in self.where.items()}
        given = {"columns": columns, "constants": dict(self.constants), "where": where, "wide": self.wide}
        given |= {"score": self.score, "percent": self.percent, "full_size": self.full_size, "decimal": self.decimal}
        given |= {"n_min": self.n_min, "as_they_are": self.as_they_are, "two_axes": self.two_axes}
        return {name: value for name, value in given.items() if value}

    def python(self) -> str:
        """The call in Python that reads the table so."""
        source = TABLE if self.source == TABLE else repr(self.source)
        return f"read_curves({', '.join([source, *(f'{k}={v!r}' for k, v in self.arguments().items())])})"


@dataclass(frozen=True)
class Command:
    """What a table is read for: the verb, and those of its options that are not about reading."""

    verb: str = "validate"
    more: tuple[str, ...] = ()
    python: bool = True  # whether :func:`forecaster.read_curves` reads the same

    def lines(self, how: HowRead) -> list[str]:
        """The command that reads a table so, ready to paste, and the call in Python; a data frame has that alone."""
        python = [f"  (in Python: {how.python()})"] if self.python else []
        return python if not how.as_command else [f"  {how.command(self.verb, self.more)}", *python]


VALIDATE = Command()


def _ordered(columns: Mapping[str, str]) -> list[str]:
    return [*(ours for ours in ORDER if ours in columns), *(ours for ours in columns if ours not in ORDER)]


def _option(ours: str) -> str:
    return f"--{ours.replace('_', '-')}"


def _plain(value: str | float) -> str:
    return f"{value:.15g}" if isinstance(value, int | float) else str(value)
