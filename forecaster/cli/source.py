"""request: what the command line was asked, turned into curves, a posterior, sizes to ask about, files to write.

Nothing heavy is imported before a request is answered, so that ``forecaster --help`` is quick.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecaster.cli import console
from forecaster.errors import OptionError, RequestError

if TYPE_CHECKING:
    from forecaster.checks.check import CheckReport
    from forecaster.curves.learning_curves import Group, LearningCurves
    from forecaster.inference.fit import Cards
    from forecaster.inference.posterior import Posterior
    from forecaster.results.check import Check

Table = Any  # a DataFrame; pandas' own annotations know no better
POSTERIOR_SUFFIXES = (".nc", ".netcdf")


@dataclass(frozen=True)
class Source:
    """Where the posterior comes from: a saved one, or curves and how to read and fit them."""

    path: Path
    columns: Sequence[str] = ()
    accuracy: bool = False
    domain: Sequence[str] = ()
    task: Sequence[str] = ()
    architecture: Sequence[str] = ()
    split: str | None = None
    card: str | None = None
    engine: str = "jax"
    seed: int = 0
    cache: bool = True

    @property
    def saved(self) -> bool:
        return self.path.suffix.lower() in POSTERIOR_SUFFIXES

    @cached_property
    def constants(self) -> dict[str, str]:
        """Options given once for a column that the file of curves has not: they name all its rows."""
        from forecaster.curves.columns import parse_columns
        from forecaster.curves.reading import lacking

        once = {k: getattr(self, k)[0] for k in ("domain", "task", "architecture") if len(getattr(self, k)) == 1}
        if self.saved or not once:
            return {}
        return {k: once[k] for k in lacking(str(self.path), columns=parse_columns(self.columns)) if k in once}

    def chooses(self, column: str) -> bool:
        """Whether the option of this name chooses some of the curves, and is not the name of all."""
        return bool(getattr(self, column)) and column not in self.constants

    def curves(self, architectures: bool = False) -> LearningCurves:
        """The curves chosen by domain, task and split; by architecture only where asked, for a fit pools them."""
        from forecaster.curves.columns import parse_columns
        from forecaster.curves.reading import read_curves

        mapping = parse_columns(self.columns)
        found = read_curves(str(self.path), columns=mapping, accuracy=self.accuracy, constants=self.constants)
        names = list(self.architecture) if architectures else []
        chosen = found.select(list(self.domain) or None, list(self.task) or None, names or None, self.split)
        self._check("architecture", chosen.table["architecture"])
        return chosen

    def curves_and_card(self) -> tuple[LearningCurves, Cards]:
        """The curves chosen, by architecture too, and the card named; those of a saved posterior, and its cards."""
        if not self.saved:
            return self.curves(architectures=True), self.card
        held = self._load()
        return held.curves.select(architecture=list(self.architecture) or None), held.cards

    def posterior(self, draws: int | None = None, architectures: bool = False) -> Posterior:
        """The saved posterior, or that of the curves: fitted now, or by the same request before."""
        if self.saved:
            return self._load(refit=architectures)
        curves = self.curves(architectures)
        say_notes(curves, self.card)
        options: dict[str, Any] = {"card": self.card, "engine": self.engine, "seed": self.seed, "draws": draws}
        with console.progress(f"Fitting {_counted(curves)}") as tell:
            if self.cache:
                from forecaster.inference.cache import fit_cached

                return fit_cached(curves, on_progress=tell, **options)
            from forecaster.inference.fit import fit

            return fit(curves, cache=False, on_progress=tell, **options)

    def _load(self, refit: bool = False) -> Posterior:
        from forecaster.inference.storage import load_posterior

        given = {
            "--columns": self.columns,
            "--accuracy": self.accuracy,
            "--split": self.split,
            "--card": self.card,
            "--engine": self.engine != "jax",
            "--architecture": refit and self.architecture,
        }
        wrong = [name for name, value in given.items() if value]
        if wrong:
            raise OptionError(
                f"{self.path}: found {', '.join(wrong)} beside a saved posterior, which is fitted already; "
                "leave it out, or give the curves themselves."
            )
        found = load_posterior(self.path)
        return found.only(*self._groups(found))

    def _groups(self, posterior: Posterior) -> tuple[Group, ...]:
        """The groups of the posterior that ``--domain`` and ``--task`` choose."""
        for column, names in zip(("domain", "task"), zip(*posterior.groups, strict=True), strict=True):
            self._check(column, names)
        found = [g for g in posterior.groups if self._wants(domain=g[0], task=g[1])]
        if not found:
            known = ", ".join("/".join(g) for g in posterior.groups)
            raise RequestError(f"no curves of the domain and task asked for; this posterior holds: {known}")
        self._check("architecture", (c.architecture for c in posterior.curves.curves if (c.domain, c.task) in found))
        return tuple(found)

    def rows(self, table: Table) -> Table:
        """The rows of a table that ``--domain``, ``--task`` and ``--architecture`` choose."""
        for column in ("domain", "task", "architecture"):
            wanted = list(getattr(self, column))
            if wanted and column in table:
                self._check(column, table[column])
                table = table[table[column].isin(wanted)]
        if table.empty:
            raise RequestError("no curve has the domain, task and architecture asked for, all three together")
        return table.reset_index(drop=True)

    def _check(self, column: str, names: Iterable[str]) -> None:
        """RequestError where the option of this name asks for what is not among ``names``."""
        known = list(dict.fromkeys(names))
        lost = [name for name in getattr(self, column) if name not in known]
        if lost:
            raise RequestError(f"found no {column} {', '.join(lost)}; expected one of {', '.join(known)}")

    def _wants(self, **names: str) -> bool:
        return all(not getattr(self, k) or name in getattr(self, k) for k, name in names.items())


def _counted(curves: LearningCurves) -> str:
    return "1 curve" if len(curves.curves) == 1 else f"{len(curves.curves)} curves"


def say_notes(curves: LearningCurves, card: Cards) -> None:
    """What is to be remarked on curves before they are fitted under this card, on stderr."""
    from forecaster.inference.validation import above_share

    console.print_notes((*curves.notes, *above_share(curves, card)), leave_out=["repeats"])
    if card is None:
        say_generic(curves)


def say_generic(curves: LearningCurves) -> None:
    """A note for each domain that has no card of its own, or none for errors of its kind."""
    from forecaster.domains.loading import card_for

    generic = {group: named for group, named in curves.metrics.items() if not card_for(group[0], named)[1]}
    for domain in dict.fromkeys(domain for domain, _ in generic):
        named, found = card_for(domain)
        why = f"no card is named like the domain {domain!r}"
        if found:
            other = next(m for group, of in generic.items() if group[0] == domain for m in of if not named.measures(m))
            why = f"the card {named.name} is one of {named.error_unit.split(',')[0]}, and the metric is {other!r}"
        console.say(
            f"Note: {why}; its priors are those of the generic card, which are wide. `forecaster domains` lists the "
            "cards, --card names one."
        )


def targets(source: Source, posterior: Posterior) -> list[Any]:
    """The measured curves that ``--domain``, ``--task`` and ``--architecture`` choose."""
    import pandas as pd

    from forecaster.prediction.paths import CurveKey, curve_keys

    rows = [(t.domain, t.task, t.architecture) for t in curve_keys(posterior)]
    chosen = source.rows(pd.DataFrame(rows, columns=["domain", "task", "architecture"]))
    return [CurveKey(*row) for row in chosen.itertuples(index=False, name=None)]


def pairs_of(source: Source, posterior: Posterior) -> tuple[Group | None, list[tuple[str, str]] | None]:
    """The group to compare in (None for all) and its pairs: all, those of one architecture, or among several."""
    from itertools import combinations

    groups = posterior.groups
    if len(groups) > 1 and source.chooses("architecture"):
        raise RequestError("several domains and tasks hold these; choose one with --domain and --task")
    group = next(iter(groups))
    if not source.chooses("architecture"):
        return (group if len(groups) == 1 else None), None
    chosen = [t.architecture for t in targets(source, posterior)]
    if len(chosen) > 1:
        return group, list(combinations(chosen, 2))
    others = [c.architecture for c in posterior.curves.curves if (c.domain, c.task) == group]
    return group, [(chosen[0], other) for other in others if other != chosen[0]]


def numbers(text: str, option: str, expected: str) -> list[float]:
    """``"1e6,1e7"`` as numbers; RequestError where one is not a positive, finite number."""
    out = []
    for part in text.split(","):
        try:
            number = float(part)
        except ValueError:
            number = -1.0
        if not 0 < number < float("inf"):
            raise OptionError(f"{option}: found {part.strip()!r}; expected {expected}")
        out.append(number)
    return out


def sizes_of(at: str | None) -> list[float]:
    """Sizes of ``--at`` where only numbers make sense; none where it is not given."""
    return [] if at is None else numbers(at, "--at", "sizes above 0, such as 1e6,1e7")


def check_share(value: float, option: str) -> None:
    """RequestError unless the option's value is a share, such as a level."""
    if not 0 < value < 1:
        raise OptionError(f"{option}: found {value:g}; expected a share between 0 and 1, such as 0.8")


def check_size(value: float | None, option: str, expected: str = "a size above 0, such as 1e6") -> None:
    """RequestError unless the option's value is positive and finite, or not given."""
    if value is not None and not 0 < value < float("inf"):
        raise OptionError(f"{option}: found {value:g}; expected {expected}")


def command_line() -> str:
    """The command as it was typed, for the memo to quote."""
    return shlex.join(["forecaster", *sys.argv[1:]])


def checked(posterior: Posterior, at: Sequence[float] = (), names: Collection[str] | None = ()) -> CheckReport:
    """What the checks say of the posterior; of these architectures alone where some are named."""
    from forecaster.checks.check import about, check
    from forecaster.prediction.paths import curve_keys

    _load_statistics()
    with console.progress("Checking the fit") as tell:
        found = check(posterior, at=at, on_progress=tell)
    chosen = [t for t in curve_keys(posterior) if t.architecture in (names or ())]
    if not chosen:
        return found
    own = about(found, chosen)
    if found.verdict == "FAIL" != own.verdict:
        console.say(
            "Note: a check says FAIL of curves not asked about; those of one task share what they learn: "
            "`forecaster check` without --architecture shows it."
        )
    return own


def _load_statistics() -> None:
    """ArviZ's, without JAX where nothing has sampled.

    ArviZ leaves a placeholder among the modules that becomes JAX when asked for anything, and SciPy asks wherever it
    finds one: most of a second for verbs on a saved posterior. So the placeholder goes again. Here, where the process
    is ours: whoever reads NumPyro's results by ArviZ needs it.
    """
    import_module("arviz_stats")
    if "jax._src" not in sys.modules:
        sys.modules.pop("jax", None)


def verdicts(posterior: Posterior, at: Sequence[float] = (), names: Collection[str] | None = ()) -> tuple[Check, ...]:
    """The checks alone, as other answers carry them."""
    return checked(posterior, at, names).checks


def refuse_architectures(source: Source) -> None:
    """RequestError where ``--architecture`` would choose what a memo is about; names that are not there first."""
    if not source.chooses("architecture"):
        return
    _ = source.posterior() if source.saved else source.curves()
    chosen = shlex.join(part for name in source.architecture for part in ("--architecture", name))
    raise RequestError(
        f"found {chosen}; expected none: a memo weighs all architectures of a task against each other. Leave it out "
        "(--domain and --task choose which memos are written), or fit these alone: "
        f"`forecaster fit CURVES {chosen} -o these.nc`, then `forecaster memo these.nc`"
    )


def check_targets(source: Source, targets: Iterable[float]) -> None:
    """With ``--accuracy`` a target is an error all the same: say so, and refuse one that must be an accuracy."""
    if not source.accuracy or source.saved:
        return
    worst = max(float(curve.error.max()) for curve in source.curves().curves)
    for target in targets:
        share = target if target < 1 else target / 100
        if target > worst:
            meant = f"an accuracy of {100 * share:g} % ask for --target {1 - share:g}" if share < 1 else "95 %, 0.05"
            raise RequestError(
                f"found --target {target:g} with --accuracy, above every measured error (at most {worst:.3g}); "
                f"expected an error, which is 1 - accuracy: for {meant}"
            )
        console.say(f"Note: a target is an error, with --accuracy too: {target:g} is an accuracy of {1 - target:.2%}.")
