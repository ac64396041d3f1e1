"""Columns: what each table of a result holds, declared once.

The terminal, the JSON reference (``docs/json.md``), the docstrings of results and the tests read the declarations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import groupby
from types import MappingProxyType
from typing import Any, Literal, get_args

Kind = Literal[
    "name",  # a name that the user gave: a domain, an architecture
    "text",  # words
    "size",  # an amount of training data; infinite: never
    "error",  # in the unit of the user's errors
    "ratio",  # of two sizes or two errors
    "chance",  # a probability, estimated from draws: never quite 0 or 1
    "share",  # a share that was counted or chosen, from 0 to 1
    "count",  # a whole number
    "number",  # any other number
    "flag",  # true or false
    "verdict",  # PASS, REVIEW or FAIL
    "money",  # in the currency of the costs
    "date",  # year-month-day
]
KINDS: tuple[str, ...] = get_args(Kind)
WORDS = ("name", "text", "verdict", "date")  # kinds that hold no numbers
ANY = "*"  # in the name of a column: whatever stands there


@dataclass(frozen=True)
class Column:
    """One column of a table, or several alike: a ``*`` in ``name`` stands for any text (``rmsle_*``).

    ``help`` says what it holds, without a full stop. ``terminal``: whether a terminal shows it (files and JSON have
    all). ``given``: fixed by the question, so that a terminal shows every digit, and says it once above the table where
    all rows are alike. ``key``: tells rows apart, so that every piece of a wide table repeats it. ``optional``: not in
    every such table. ``bound``: ``lower``, ``upper`` or ``least`` of the column before the underscore in its name.
    """

    name: str
    kind: Kind
    help: str
    terminal: bool = True
    given: bool = False
    key: bool = False
    optional: bool = False
    bound: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"column {self.name}: found kind {self.kind!r}; expected one of {', '.join(KINDS)}")
        if self.bound and not self.name.endswith(f"_{self.bound}"):
            raise ValueError(f"column {self.name}: expected a name that ends in _{self.bound}")

    @property
    def of(self) -> str:
        """The column that this one bounds; its own name where it bounds none."""
        return self.name.removesuffix(f"_{self.bound}") if self.bound else self.name

    @property
    def pattern(self) -> bool:
        return ANY in self.name

    def holds(self, name: str) -> bool:
        """Whether a column of this name is meant."""
        return fnmatchcase(name, self.name) if self.pattern else name == self.name


class Columns(Sequence[Column]):
    """The columns of one table, in order; ``rows`` says what a row is about (``a curve and size``)."""

    def __init__(self, rows: str, *columns: Column | Iterable[Column]) -> None:
        self.rows = rows
        self._columns = tuple(one for part in columns for one in ([part] if isinstance(part, Column) else part))
        names = self.names
        if len(set(names)) != len(names):
            raise ValueError(f"columns: {', '.join(n for n in dict.fromkeys(names) if names.count(n) > 1)} stand twice")

    def __len__(self) -> int:
        return len(self._columns)

    def __getitem__(self, index: Any) -> Any:
        return self._columns[index]

    def __iter__(self) -> Iterator[Column]:
        return iter(self._columns)

    def __repr__(self) -> str:
        return f"Columns: one row {self.rows}\n  {', '.join(self.names)}"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self)

    def named(self, name: str) -> Column | None:
        """The declaration of the column of this name, if any; one without ``*`` before one with."""
        return min((c for c in self if c.holds(name)), key=lambda c: c.pattern, default=None)

    def pick(self, *names: str, rows: str | None = None) -> Columns:
        """These columns alone, in this order, each to be shown on a terminal. KeyError for one that is not declared."""
        found = {column.name: column for column in self}
        return Columns(rows or self.rows, *(replace(found[name], terminal=True) for name in names))

    def faults(self, names: Iterable[Any]) -> list[str]:
        """How the columns of a table differ from those declared: missing, unknown or out of order; none if they agree.

        Neighbouring declarations with a ``*`` may come in any order among themselves.
        """
        given = [str(name) for name in names]
        found = [self.named(name) for name in given]
        wanted = [c for c in self if not c.optional and not c.pattern]
        faults = [f"no column {c.name}" for c in wanted if c.name not in given]
        faults += [f"unknown column {name}" for name, c in zip(given, found, strict=True) if c is None]
        place = self._places()
        ranks = [place[c.name] for c in found if c is not None]
        known = [name for name, c in zip(given, found, strict=True) if c is not None]
        faults += [f"column {known[i]} after {known[i - 1]}" for i in range(1, len(ranks)) if ranks[i] < ranks[i - 1]]
        return faults

    def check(self, table: Any) -> None:
        """ValueError where a DataFrame's columns are not those declared. A table without any columns holds nothing."""
        faults = self.faults(table.columns) if len(table.columns) else []
        if faults:
            raise ValueError(f"table of one row {self.rows}: {'; '.join(faults)}")

    def _places(self) -> dict[str, int]:
        """The place of each declaration; neighbours with a ``*`` share one."""
        places: dict[str, int] = {}
        for place, (_, alike) in enumerate(groupby(enumerate(self), key=lambda i: -1 if i[1].pattern else i[0])):
            places |= {column.name: place for _, column in alike}
        return places

    def together(self) -> list[tuple[tuple[Column, ...], str]]:
        """Neighbours that share kind and help, with that help."""
        return [(tuple(alike), said) for (said, _), alike in groupby(self, key=lambda c: (c.help, c.kind))]

    def lines(self) -> list[str]:
        """One line for each column, or neighbours that share their help, as a docstring shows them."""
        return [
            f"{', '.join(f'``{c.name}``' for c in alike)}: {said.replace('`', '``')} ({alike[0].kind})"
            for alike, said in self.together()
        ]

    def reference(self) -> list[str]:
        """The rows of a Markdown table: keys, kind, meaning."""
        return [
            f"| {', '.join(f'`{c.name}`' for c in alike)} | {alike[0].kind} | {said} |"
            for alike, said in self.together()
        ]


def declared[T](**entries: T) -> Mapping[str, T]:
    """An immutable mapping: the declarations of a type of result about its tables or keys, by name."""
    return MappingProxyType(entries)


# What many tables share ---------------------------------------------------------------------------

ABOUT = "the curve"
DOMAIN, TASK = (Column(name, "name", ABOUT, given=True, key=True) for name in ("domain", "task"))
ARCHITECTURE = Column("architecture", "name", ABOUT, key=True)
CURVE = (DOMAIN, TASK, ARCHITECTURE)
GROUP = tuple(replace(column, help="the curves that were fitted together") for column in (DOMAIN, TASK))
LEVEL = 0.8  # probability of an interval where none is asked for
GIVEN_LEVEL = Column("level", "share", "probability of each interval", given=True)


def size(help: str = "the size asked about") -> Column:
    """The column ``n`` that tells rows of one curve apart."""
    return Column("n", "size", help, key=True)


def interval(name: str, kind: Kind, help: str, **more: Any) -> tuple[Column, ...]:
    """A median and the two ends of its equal-tailed interval: ``name``, ``name_lower``, ``name_upper``."""
    ends = (Column(f"{name}_{end}", kind, help, bound=end, **more) for end in ("lower", "upper"))
    return (Column(name, kind, help, **more), *ends)
