"""Asking: what an import has to be told, with the columns that may be meant and the command that says it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecaster._support.frames import Table
from forecaster.curves.how_read import HowRead
from forecaster.curves.importers.formats import FoundRuns
from forecaster.curves.importers.request import Request
from forecaster.curves.importers.settings import pattern_of
from forecaster.curves.importers.take import Optimism, in_words
from forecaster.curves.learning_curves import listed
from forecaster.curves.reading import names, suggestions
from forecaster.curves.reading.columns import REQUIRED
from forecaster.curves.reading.scores import KNOWN
from forecaster.errors import CurveColumnsError, CurveFileError, RequestError
from forecaster.results.wording import counted

LOOKED_AT = 5000  # points from which columns are guessed
PREFIX = re.compile(r"(params|metrics|config|summary|hparams|name)\.(?=.)")
IDS = ("run_id", "experiment_id", "artifact_uri")  # never what a curve is called
OPTIONAL = ("seed", "params", "compute")


def missing(
    request: Request, found: FoundRuns, table: Table, columns: Mapping[str, str], lacking: Sequence[str]
) -> CurveColumnsError:
    """Missing columns: those in the export, the likely candidates, and the command that names them."""
    how = replace(request.how, columns=dict(columns), score=request.how.score or found.export.score)
    guessed = _guessed(found, table, how, lacking)
    guess = guessed.how
    proposed = _suggested(request, found, guess)
    by_names = pattern_of(found.export.names) if "n" in lacking and request.names is None else None
    if by_names is not None and (_steps(found, guess) or "n" not in guess.columns):
        proposed = _by_names(proposed, found, by_names)
    told = {*proposed.how.columns, *proposed.how.constants, *columns, *_named(proposed)}
    hopeless = [ours for ours in ("n", "error") if ours in lacking and ours not in told]
    said = [
        f"{request.name}: found {found.format.title} with {counted(len(found.export.names), 'run')}, in which nothing "
        f"says what is {listed(lacking, quote=False)}; the columns are {listed(table.columns, 50)}; expected "
        f"{', '.join(REQUIRED)}."
    ]
    if not hopeless:
        said += ["Run:", *proposed.lines()]
    said += guessed.reasons(lacking, hopeless, _named(proposed))
    if "n" in lacking:
        called = listed(dict.fromkeys(found.export.names), 3)
        said.append(f"n is never guessed. {found.format.sizes} The runs are called {called}.")
    return CurveColumnsError(re.sub(r"--columns\b", "--map", "\n".join(said)))


@dataclass(frozen=True, eq=False)
class _Guess:
    """How columns are likeliest meant; and the same under names without prefixes, with the points looked at."""

    how: HowRead
    short: HowRead
    before: HowRead  # with the options given, and the columns that have our names
    points: Table
    full: Mapping[str, str]  # names without prefixes to columns

    def reasons(self, lacking: Sequence[str], hopeless: Sequence[str], without: set[str]) -> list[str]:
        """A line on each column where there is a choice or a condition; none on those ``without``."""
        taken = replace(self.short, columns={k: v for k, v in self.short.columns.items() if k not in without})
        asked = [ours for ours in lacking if ours not in without and ours not in self.before.columns]
        said = suggestions.reasons(self.points, self.before, taken, asked, hopeless)
        return [re.sub(r"'([^']+)'", lambda name: repr(self.full.get(name[1], name[1])), line) for line in said]


def _guessed(found: FoundRuns, table: Table, how: HowRead, lacking: Sequence[str]) -> _Guess:
    """How the columns are likeliest meant, by their names without prefixes such as ``params.``.

    Points looked at are the last of each run; where none of their columns may be n, all.
    """
    last = (
        table.mask(table == "").groupby(found.export.run[table.index], sort=False).last()
    )  # of each column that has any
    whole = table.iloc[np.unique(np.linspace(0, len(table) - 1, min(len(table), LOOKED_AT)).astype(int))]
    made = _guess_from(last, how, lacking)
    return made if "n" in made.how.columns else _guess_from(whole, how, lacking)


def _guess_from(points: Table, how: HowRead, lacking: Sequence[str]) -> _Guess:
    points = points.drop(columns=[column for column in IDS if column in points])
    short = _short(points)
    columns = dict(how.columns)
    for ours in (*lacking, *OPTIONAL):
        exact = next((full for full, bare in short.items() if bare == ours and full not in columns.values()), None)
        if exact is not None and ours not in columns and ours not in how.constants:
            columns[ours] = exact
    points = points.rename(columns={full: bare for full, bare in short.items() if full not in columns.values()})
    before = replace(how, columns=columns)
    guess = suggestions.guessed(points, before, [ours for ours in lacking if ours not in columns])
    guess = guess if guess.wide is None else before
    full = {bare: column for column, bare in short.items()}
    return _Guess(_in_full(guess, full), guess, before, points, full)


def _short(table: Table) -> dict[str, str]:
    """Columns to their names without prefixes; in full where two would be the same."""
    bare = {str(column): PREFIX.sub("", str(column), count=1) for column in table}
    counts = Counter(bare.values())
    return {full: name if counts[name] == 1 else full for full, name in bare.items()}


def _in_full(how: HowRead, full: Mapping[str, str]) -> HowRead:
    columns = {k: "+".join(full.get(part, part) for part in v.split("+")) for k, v in how.columns.items()}
    return replace(how, columns=columns, where={full.get(k, k): v for k, v in how.where.items()})


def _suggested(request: Request, found: FoundRuns, guess: HowRead) -> Request:
    """The request that takes the guess. Where n grows along a run every point counts, else the last of each."""
    own = {k: v for k, v in guess.columns.items() if found.export.columns.get(k) != v or k in request.how.columns}
    if request.names is not None:
        own = {k: v for k, v in own.items() if v != f"name.{k}"}
    if guess.score == found.export.score and request.how.score is None:
        guess = replace(guess, score=None)
    take = request.take or (None if found.format.single else "every" if _steps(found, guess) else "last")
    return replace(request, how=replace(guess, columns=own), take=take)


def _steps(found: FoundRuns, guess: HowRead) -> bool:
    """Whether the guess takes steps or epochs for sizes."""
    size = guess.columns.get("n", "")
    return bool(size) and (names.is_steps(size) or size in (found.export.step, "epoch"))


def _by_names(proposed: Request, found: FoundRuns, names: str) -> Request:
    """The same with sizes and architectures from the names of the runs."""
    made = replace(proposed, names=names, take=None if found.format.single else proposed.take and "last")
    said = _named(made)
    own = {k: v for k, v in made.how.columns.items() if k not in said}
    constants = {k: v for k, v in made.how.constants.items() if k not in said}
    return replace(made, how=replace(made.how, columns=own, constants=constants))


def _named(request: Request) -> set[str]:
    """Our columns that the names of runs say."""
    return set(re.findall(r"\{(\w+)\}", request.names or ""))


def which_point(request: Request, most: int, grows: bool, cost: Optimism | None) -> RequestError:
    """That a choice of points is wanted, each with its command."""
    said = [
        f"{request.name}: found up to {most} points of a run with an error; expected --take, since it decides what is "
        "forecast. Run one of:",
        *(["Every point, since n grows along a run:", *replace(request, take="every").lines()] if grows else []),
        "The last point, as the run ended:",
        *replace(request, take="last").lines(),
    ]
    if cost is not None:
        said += [f"The best point, though {in_words(cost)}:", *replace(request, take="best").lines()]
    said.append("--take step=N takes the point of one step; --take best=COLUMN chooses by another column.")
    return RequestError("\n".join(said))


def no_choice(request: Request, found: FoundRuns) -> RequestError:
    """That there is nothing to choose in an export of last values."""
    lines = replace(request, take=None).lines()
    said = (
        f"{request.name}: found --take {request.take}, though {found.format.title} has one value of each run; expected "
    )
    return RequestError("\n".join([f"{said}--take last, or the history of the runs. Run:", *lines]))


def none_grows(request: Request) -> RequestError:
    """That every point of a run would count as a repeat."""
    said = (
        f"{request.name}: found --take every, though n is the same along each run, so that its points would count as "
        "repeats; expected one that grows, as tokens seen. Run:"
    )
    return RequestError("\n".join([said, *replace(request, take="last").lines()]))


def which_score(request: Request) -> RequestError:
    """That scores need a name."""
    lines = replace(request, how=replace(request.how, score="accuracy")).lines()
    known = ", ".join(dict.fromkeys(score.name for score, _ in KNOWN))
    said = (
        f"{request.name}: found scores, and nothing that says which; expected --score NAME, such as {known}, or "
        "neg_... of scikit-learn. For accuracies run:"
    )
    return RequestError("\n".join([said, *lines]))


def none_finished(request: Request, states: Counter[str]) -> CurveFileError:
    """That every run is unfinished."""
    said = ", ".join(f"{count} {state}" for state, count in states.most_common())
    found = f"{request.name}: found no finished run ({said}); expected one at least. To count them all the same run:"
    return CurveFileError("\n".join([found, *replace(request, keep_unfinished=True).lines()]))
