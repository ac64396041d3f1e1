"""What the command line was given: a table of curves, read once, or a posterior; and the posterior of either.

Nothing heavy is imported before a request is answered, so that ``forecaster --help`` is quick.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecaster.cli import console, remarks
from forecaster.cli.choosing import Choice
from forecaster.curves.how_read import VALIDATE, Command, Decimal, HowRead, Wide
from forecaster.errors import OptionError

if TYPE_CHECKING:
    from forecaster.curves.learning_curves import Group, LearningCurves
    from forecaster.domains.domain import Domain
    from forecaster.domains.floor_evidence import FloorEvidence
    from forecaster.inference.fit import Cards
    from forecaster.inference.posterior import Posterior

POSTERIOR_SUFFIXES = (".nc", ".netcdf")


@dataclass(frozen=True)
class Reading:
    """How a table of curves is read, and which of its curves are not fitted; what else was typed, for suggestions."""

    columns: Sequence[str] = ()
    where: Sequence[str] = ()
    constants: Mapping[str, str | float | None] = field(default_factory=dict)
    wide: Wide | None = None
    score: str | None = None
    percent: bool = False
    full_size: float | None = None
    decimal: Decimal | None = None
    n_min: float | None = None
    as_they_are: bool = False
    split: str | None = None
    leave_out: Sequence[str] = ()
    card: str | None = None
    typed: Command = VALIDATE
    by_metric: bool = False  # a task for each metric
    two_axes: bool = False  # errors over n and params

    def how(self) -> HowRead:
        """What was asked for, as a table is read; OptionError for options that make no sense."""
        from forecaster.curves.reading.columns import parse_columns, parse_where

        return HowRead(
            columns=parse_columns(self.columns),
            where=parse_where(self.where),
            wide=self.wide,
            score=self.score,
            percent=self.percent,
            full_size=self.full_size,
            decimal=self.decimal,
            n_min=self.n_min,
            as_they_are=self.as_they_are,
            two_axes=self.two_axes,
        )


@dataclass(frozen=True)
class Fitting:
    """How curves are fitted."""

    engine: str = "jax"
    seed: int = 0
    cache: bool = True
    record: bool = True
    floor: FloorEvidence | None = None


@dataclass(frozen=True, eq=False)
class Given:
    """Curves as they are fitted, their cards, which of them are asked about; the posterior, where one was saved."""

    curves: LearningCurves
    card: Cards
    choice: Choice
    saved: Posterior | None = None
    typed: Command = VALIDATE

    @property
    def chosen(self) -> LearningCurves:
        """The curves that are asked about."""
        return self.curves.select(architecture=list(self.choice.architecture) or None)

    def cards(self, fitting: Fitting) -> Mapping[Group, Domain]:
        """The cards of a fit, by (domain, task), with the evidence on the floor that was given beside them."""
        from forecaster.inference.fit import cards_of_well_read, with_floor

        return with_floor(self.curves, cards_of_well_read(self.curves, self.card, self.typed), fitting.floor)

    def posterior(self, fitting: Fitting, draws: int | None = None) -> Posterior:
        """The saved posterior, or that of the curves: fitted now, or by the same request before."""
        if self.saved is not None:
            return self.saved if fitting.record else self.saved.with_record(None)
        from forecaster.inference.fit import cards_of_well_read

        cards_of_well_read(self.curves, self.card, self.typed)
        remarks.on_curves(self.curves, self.card)
        options: dict[str, Any] = {"card": self.card, "engine": fitting.engine, "seed": fitting.seed, "draws": draws}
        options |= {"record": fitting.record, "floor": fitting.floor}
        with console.progress(f"Fitting {remarks.counted(self.curves)}") as tell:
            if fitting.cache:
                from forecaster.evaluation.fitting import fit_cached

                return fit_cached(self.curves, on_progress=tell, **options)
            from forecaster.evaluation.fitting import fit

            return fit(self.curves, cache=False, on_progress=tell, **options)


def is_posterior(path: Path) -> bool:
    return path.suffix.lower() in POSTERIOR_SUFFIXES


def read(path: Path, reading: Reading, named: Choice, fitting: Fitting | None = None) -> Given:
    """Read the file: a posterior where its suffix says so, else a table of curves.

    A name given once for a column that the table lacks names all its rows, and chooses nothing.
    """
    if is_posterior(path):
        return _saved(path, reading, named, fitting or Fitting())
    from forecaster.curves.reading.read import Cells

    cells = Cells.of(str(path), reading.how(), replace(reading.typed, more=(*named.options(), *reading.typed.more)))
    constants = named.constants(cells.missing)
    choice = named.without(constants)
    if reading.by_metric:
        cells = cells.by_metric()
        constants.pop("task", None)
    cells = replace(cells, command=replace(reading.typed, more=(*choice.options(), *reading.typed.more)))
    given = {ours: value for ours, value in reading.constants.items() if value is not None}
    found = cells.curves({**constants, **given})
    if reading.split is not None:
        found = found.select(split=reading.split)
    if reading.by_metric:
        choice = choice.by_metric(found)
    return Given(choice.curves(found.leave_out(reading.leave_out)), reading.card, choice, typed=cells.command)


def _floor_options(floor: FloorEvidence | None) -> dict[str, bool]:
    """The options that gave evidence on the floor."""
    if floor is None:
        return {}
    parts = {"--human": floor.human, "--label-noise": floor.label_noise, "--floor": floor.stated}
    return {name: part is not None for name, part in parts.items()}


def _saved(path: Path, reading: Reading, named: Choice, fitting: Fitting) -> Given:
    from forecaster.inference.storage import load_posterior

    options = {
        "--columns": reading.columns,
        "--where": reading.where,
        "--wide": reading.wide,
        "--score": reading.score,
        "--percent": reading.percent,
        "--full-size": reading.full_size is not None,
        "--decimal": reading.decimal,
        "--n-min": reading.n_min,
        "--as-they-are": reading.as_they_are,
        **{f"--{ours.replace('_', '-')}": value is not None for ours, value in reading.constants.items()},
        "--split": reading.split,
        "--leave-out": reading.leave_out,
        "--card": reading.card,
        "--engine": fitting.engine != "jax",
        **_floor_options(fitting.floor),
    }
    wrong = [name for name, value in options.items() if value]
    if wrong:
        raise OptionError(
            f"{path}: found {', '.join(wrong)} beside a saved posterior, which is fitted already; "
            "leave it out, or give the curves themselves."
        )
    found = load_posterior(path)
    held = found.only(*named.groups(found))
    return Given(held.curves, held.cards, named, held)
