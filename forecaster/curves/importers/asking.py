"""Asking: what an import has to be told, with the columns that it may be and the command that says it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from forecaster.curves.how_read import HowRead
from forecaster.curves.importers.formats import Found
from forecaster.curves.importers.request import Request
from forecaster.curves.importers.take import Optimism, in_words
from forecaster.curves.learning_curves import Table, listed
from forecaster.curves.reading import names, suggestions
from forecaster.curves.reading.columns import REQUIRED
from forecaster.curves.reading.scores import KNOWN
from forecaster.errors import CurveColumnsError, CurveFileError, RequestError

LOOKED_AT = 5000  # points from which columns are guessed
SAID = {"n": "n, the training-set size,", "error": "error, which is lower where better,"}


def missing(
    request: Request, found: Found, table: Table, columns: Mapping[str, str], lacking: Sequence[str]
) -> Exception:
    """What is not told: the columns there are, which may be meant, and the command that takes them."""
    how = replace(request.how, columns=dict(columns), score=request.how.score or found.export.score)
    some = table.iloc[np.unique(np.linspace(0, len(table) - 1, min(len(table), LOOKED_AT)).astype(int))]
    guess = suggestions.guessed(some, how, lacking)
    if guess.wide is not None:
        guess = how
    said = [
        f"{request.name}: found {found.format.title} with {_counted(found)}, in which nothing says what is "
        f"{listed(lacking, quote=False)}; the columns are {listed(table.columns, 50)}; expected {', '.join(REQUIRED)}."
    ]
    hopeless = [ours for ours in ("n", "error") if ours in lacking and ours not in guess.columns]
    if not hopeless:
        said += ["Run:", f"  {_suggested(request, found, guess).command()}"]
    said += suggestions.reasons(some, replace(how, columns=_told(request, columns)), guess, lacking, hopeless)
    if "n" in lacking:
        called = listed(dict.fromkeys(found.export.names), 3)
        said.append(f"n is never guessed. {found.format.sizes} The runs are called {called}.")
    return CurveColumnsError("\n".join(said).replace("--columns ", "--map "))


def _told(request: Request, columns: Mapping[str, str]) -> dict[str, str]:
    """What the user, the names or the format said."""
    return {**columns, **request.how.columns}


def _suggested(request: Request, found: Found, guess: HowRead) -> Request:
    """The request that takes the guess. Where n grows along a run every point counts, else the last of each."""
    own = {k: v for k, v in guess.columns.items() if found.export.columns.get(k) != v or k in request.how.columns}
    own = {k: v for k, v in own.items() if not v.startswith("name.") or request.names is None}
    if guess.score == found.export.score and request.how.score is None:
        guess = replace(guess, score=None)
    size = guess.columns.get("n", "")
    steps = names.is_steps(size) or size in (found.export.step, "epoch")
    take = request.take or (None if found.format.single else "every" if steps else "last")
    return replace(request, how=replace(guess, columns=own), take=take)


def _counted(found: Found) -> str:
    count = len(found.export.names)
    return "1 run" if count == 1 else f"{count} runs"


def which_point(request: Request, found: Found, most: int, grows: bool, cost: Optimism | None) -> RequestError:
    """That a choice of points is wanted, each with its command."""

    def line(take: str) -> str:
        return f"  {replace(request, take=take).command()}"

    said = [
        f"{request.name}: found up to {most} points of a run with an error; expected --take, since it decides what is "
        "forecast. Run one of:",
        *(["Every point, since n grows along a run:", line("every")] if grows else []),
        "The last point, as the run ended:",
        line("last"),
    ]
    if cost is not None:
        said += [f"The best point; {in_words(cost)}:", line("best")]
    said.append("--take step=N takes the point of one step; --take best=COLUMN chooses by another column.")
    return RequestError("\n".join(said))


def no_choice(request: Request, found: Found) -> RequestError:
    """That there is nothing to choose in an export of last values."""
    plain = replace(request, take=None).command()
    return RequestError(
        f"{request.name}: found --take {request.take}, though {found.format.title} has one value of each run; expected "
        f"--take last, or the history of the runs. Run:\n  {plain}"
    )


def which_score(request: Request) -> RequestError:
    """That scores need a name."""
    command = replace(request, how=replace(request.how, score="accuracy")).command()
    known = ", ".join(dict.fromkeys(score.name for score, _ in KNOWN))
    return RequestError(
        f"{request.name}: found scores, and nothing that says which; expected --score NAME, such as {known}, or "
        f"neg_... of scikit-learn. For accuracies run:\n  {command}"
    )


def none_finished(request: Request, states: Counter[str]) -> CurveFileError:
    """That every run is unfinished."""
    said = ", ".join(f"{count} {state}" for state, count in states.most_common())
    command = replace(request, keep_unfinished=True).command()
    return CurveFileError(
        f"{request.name}: found no finished run ({said}); expected one at least. To count them all the same run:\n"
        f"  {command}"
    )
