"""The points of an export that may count: of finished runs, with an error, each column under its name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from forecaster._support.frames import Table
from forecaster.curves.how_read import HowRead
from forecaster.curves.importers import asking, points
from forecaster.curves.importers.formats import FoundRuns
from forecaster.curves.importers.request import Request
from forecaster.curves.importers.take import Take
from forecaster.curves.learning_curves import listed
from forecaster.curves.reading.columns import (
    REQUIRED,
    parts_of,
    renamed,
    rows_where,
)
from forecaster.curves.reading.numbers import BLANK
from forecaster.curves.reading.rows import as_error
from forecaster.curves.reading.scores import named_score, score_of
from forecaster.errors import CurveFileError, RequestError

INFINITE = {"inf", "-inf", "infinity", "-infinity", "+inf", "+infinity"}
OF_ERROR = ("error_sd", "repeats", "metric")  # known of the format's own error column only


@dataclass(frozen=True, eq=False)
class Chosen:
    """The points of the runs that count, and what each column serves as.

    ``error`` is NaN where it was not measured or is no plain number; ``several``: the measured points of each run that
    has more than one, else 0.
    """

    table: Table
    columns: Mapping[str, str]
    how: HowRead
    run: Int[np.ndarray, " point"]
    step: Float[np.ndarray, " point"]
    measured: Bool[np.ndarray, " point"]
    error: Float[np.ndarray, " point"]
    several: Int[np.ndarray, " run"]
    dropped: Mapping[str, int]


def chosen_points(request: Request, found: FoundRuns) -> Chosen:
    """The points of finished runs with an error; an error asks for whatever option is missing."""
    export = found.export
    table, by_name = points.with_names(request.name, export, request.names)
    columns = _columns(request, found, by_name)
    table = rows_where(request.name, table, request.how.where)
    states = Counter(state for i, state in enumerate(export.states) if state and i in set(export.run[table.index]))
    if not request.keep_unfinished and any(states.values()):
        done = [export.states[run] == "" for run in export.run[table.index]]
        if not any(done):
            raise asking.none_finished(request, states)
        table = table[done]
    table = points.with_products(request.name, table, columns)
    if any(parts_of(theirs, table.columns) is None for theirs in columns.values()):
        renamed(request.name, table, columns)  # which refuses it, with the columns there are
    there = {*columns, *request.how.constants}
    if lacking := [ours for ours in REQUIRED if ours not in there]:
        raise asking.missing(request, found, table, columns, lacking)
    score = request.how.score or (export.score if columns["error"] == export.columns.get("error") else None)
    if score is None and export.scored and columns["error"] == export.columns.get("error"):
        raise asking.which_score(request)
    how = replace(request.how, columns=dict(columns), score=score, error_column=columns["error"])
    cells = [str(cell).strip().lower() for cell in table[columns["error"]]]
    infinite = np.array([cell in INFINITE for cell in cells], dtype=bool)
    measured = np.array([cell not in BLANK for cell in cells], dtype=bool) & ~infinite
    run = export.run[table.index]
    counts = np.bincount(run[measured], minlength=len(export.names))
    dropped = dict(states) if not request.keep_unfinished else {}
    dropped |= _unmeasured(run, counts, infinite, columns["error"])
    if not measured.any():
        raise CurveFileError(
            f"{request.name}: found no value in the column {columns['error']!r} of any run that counts; expected "
            f"errors. Name another column: --map error=THAT; the columns are {listed(table.columns, 50)}."
        )
    step = points.as_numbers(table[export.step]) if export.step in table else np.full(len(table), np.nan)
    error = np.where(measured, _errors(table[columns["error"]], how), np.nan)
    several = np.where(counts > 1, counts, 0)
    return Chosen(table, columns, how, run, step, measured, error, several, dropped)


def _columns(request: Request, found: FoundRuns, by_name: Mapping[str, str]) -> dict[str, str]:
    """Our columns by name: from the user's options, else from the names of runs, else from the format."""
    own = dict(found.export.columns)
    if "error" in request.how.columns and request.how.columns["error"] != own.get("error"):
        own = {ours: theirs for ours, theirs in own.items() if ours not in OF_ERROR}
    made = {**own, **by_name, **request.how.columns}
    return {ours: theirs for ours, theirs in made.items() if ours not in request.how.constants}


def _unmeasured(run: np.ndarray, counts: np.ndarray, infinite: np.ndarray, error: str) -> dict[str, int]:
    """How many runs have no error at all, by the reason."""
    without = [one for one in np.unique(run) if counts[one] == 0]
    diverged = set(run[infinite])
    found = {f"without {error!r}": sum(one not in diverged for one in without)}
    found[f"with {error!r} infinite"] = sum(one in diverged for one in without)
    return {reason: count for reason, count in found.items() if count}


def _errors(cells: Table, how: HowRead) -> Float[np.ndarray, " point"]:
    """Cells as errors, NaN where they are no plain numbers."""
    values = points.as_numbers(cells) / (100.0 if how.percent else 1.0)
    return as_error(values, None if how.score is None else named_score(how.score))


def chosen_by(request: Request, chosen: Chosen, take: Take) -> Float[np.ndarray, " point"]:
    """The values of which the best point of a run has the lowest."""
    if take.column is None:
        return chosen.error
    if take.column not in chosen.table:
        raise RequestError(
            f"{request.name}: found no column {take.column!r} for --take best={take.column}; expected one of "
            f"{listed(chosen.table.columns, 50)}."
        )
    values = points.as_numbers(chosen.table[take.column])
    score = score_of(take.column)
    return values if score is None else -values


def grows(chosen: Chosen) -> bool:
    """Whether n differs along any run."""
    sizes = chosen.table[chosen.columns["n"]].astype(str).to_numpy()[chosen.measured]
    seen: dict[int, set[str]] = {}
    for run, size in zip(chosen.run[chosen.measured], sizes, strict=True):
        seen.setdefault(int(run), set()).add(size)
    return any(len(own) > 1 for own in seen.values())
