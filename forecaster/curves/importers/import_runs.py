"""import_runs: from what a tracker exported to the table that curves are read from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from forecaster.curves.how_read import Decimal, HowRead
from forecaster.curves.importers import asking, points
from forecaster.curves.importers.formats import Found, find
from forecaster.curves.importers.imported import Imported
from forecaster.curves.importers.points import RUN
from forecaster.curves.importers.request import Request, sources_of
from forecaster.curves.importers.take import Optimism, Take, in_words, optimism, taken
from forecaster.curves.learning_curves import KEYS, LearningCurves, Note, Table, listed
from forecaster.curves.metrics import metric_of_reading
from forecaster.curves.misread.refusal import expect_well_read
from forecaster.curves.reading.cells import Evidence
from forecaster.curves.reading.columns import (
    KNOWN,
    REQUIRED,
    check_constants,
    mapping_of,
    parts_of,
    renamed,
    rows_where,
    where_of,
    with_constants,
)
from forecaster.curves.reading.numbers import BLANK
from forecaster.curves.reading.read import check_options, read_curves
from forecaster.curves.reading.rows import as_error, rows_of
from forecaster.curves.reading.scores import named_score, score_of
from forecaster.errors import BadRow, CurveFileError, CurveRowsError, ForecasterError, RequestError
from forecaster.results.wording import counted

INFINITE = {"inf", "-inf", "infinity", "-infinity", "+inf", "+infinity"}
OF_ERROR = ("error_sd", "repeats", "metric")  # what a format says of its error says nothing of another column


def import_runs(
    source: str | Path | Iterable[str | Path],
    *,
    columns: Mapping[str, str | Sequence[str]] | None = None,
    take: str | None = None,
    names: str | None = None,
    where: Mapping[str, Any] | None = None,
    constants: Mapping[str, str | float] | None = None,
    score: str | None = None,
    percent: bool = False,
    full_size: float | None = None,
    decimal: Decimal | None = None,
    keep_unfinished: bool = False,
    as_they_are: bool = False,
    format: str | None = None,
) -> Imported:
    """Make the table of learning curves from what a tracker or a trainer exported.

    Read are: W&B (runs table, chart, history as Parquet), MLflow (``search_runs``, ``mlflow.db``, ``mlruns/``),
    TensorBoard (saved scalars, event files), Hugging Face's ``trainer_state.json``, Lightning's ``metrics.csv``, the
    log of Keras' CSVLogger, results of lm-eval, scikit-learn's ``learning_curve`` (.npz or JSON), and JSON records
    of ``{config, summary}``.

    Parameters
    ----------
    source : str, Path or several
        Files, or folders, which are searched for exports of one kind.
    columns : mapping, optional
        Our column names to those of the export, such as ``{"n": "config.train_size", "error": "val_loss"}``. ``n`` is
        never guessed; it may be a product: ``{"n": "step*256"}``. The column ``run`` has the names of the runs.
    take : str, optional
        Which point of a run counts: ``last``, ``best``, ``best=COLUMN`` (chosen by that column), ``step=N`` or
        ``every``. It has to be told where runs have several.
    names : str, optional
        What the names of runs say, such as ``{architecture}-n{n}-s{seed}``; ``*`` stands for anything.
    where : mapping, optional
        Keep the points that have this value, or one of these, in a column: ``{"params.sweep": "a"}``.
    constants : mapping, optional
        One value for all rows of one of our columns, such as ``{"domain": "language"}``.
    score : str, optional
        The error column holds this score, such as ``accuracy``, which becomes an error, as in ``read_curves``.
    percent : bool
        Errors or scores are in per cent.
    full_size : float, optional
        The size that sizes in per cent, or shares of 1, are a share of.
    decimal : {"comma", "point"}, optional
        The decimal mark, where the cells do not tell it.
    keep_unfinished : bool
        Count runs that crashed or are running, too.
    as_they_are : bool
        Take a table that looks misread all the same.
    format : str, optional
        The one format to read, where a folder has several, such as ``lightning``.

    Returns
    -------
    Imported
        ``table`` is the input table, ``curves`` the curves of it, ``dropped`` says how many runs were left out and why,
        ``again`` is the command that makes the same.

    Raises
    ------
    CurveFileError
        Nothing is an export that is read, or a file is damaged: the message says what was seen.
    CurveColumnsError
        It is not told which column is n, or another that is needed: the message has the columns that may be meant.
    CurveRowsError
        Some points cannot be used.
    RequestError
        It is not told which point of a run counts, or what was told makes no sense.

    Examples
    --------
    >>> import forecaster
    >>> found = forecaster.import_runs(
    ...     "forecaster/examples/runs.csv",
    ...     columns={"n": "train_size", "error": "test/error", "architecture": "model", "seed": "seed"},
    ...     constants={"domain": "tabular-classification"},
    ... )
    >>> found.dropped
    {'crashed': 2, 'running': 1}
    >>> len(found.curves.curves)
    3
    """
    sources = sources_of(source)
    if not sources:
        raise RequestError("found no source; expected the path of a file or folder, or several")
    how = HowRead(
        source=str(sources[0]),
        columns=mapping_of(columns or {}),
        constants=dict(constants or {}),
        where=where_of(where or {}),
        score=score,
        percent=percent,
        full_size=full_size,
        decimal=decimal,
        as_they_are=as_they_are,
    )
    return imported(Request(sources, how, take, names, format, keep_unfinished))


def imported(request: Request) -> Imported:
    """The table that a request makes; see :func:`import_runs`."""
    check_options(request.how)
    check_constants(request.how.constants)
    take = request.taken
    found = find(request.sources, request.format)
    if found.format.single and take.how != "last":
        raise asking.no_choice(request, found)
    chosen = _chosen(request, found)
    if chosen.several.any() and request.take is None:
        cost = optimism(chosen.run, chosen.error)
        raise asking.which_point(request, int(chosen.several.max()), _grows(chosen), cost)
    kept = taken(take, chosen.run, chosen.measured, _chosen_by(request, chosen, take), chosen.step)
    if left := len(set(chosen.run[chosen.measured].tolist()) - set(chosen.run[kept].tolist())):
        chosen = replace(chosen, dropped={**chosen.dropped, f"without a point for --take {request.take}": left})
    if take.how == "every" and not _grows(chosen) and chosen.several.any():
        raise asking.none_grows(request)
    return _result(request, found, chosen, kept)


# The points that may count ------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Chosen:
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


def _chosen(request: Request, found: Found) -> _Chosen:
    """The points of finished runs with an error, once everything that has to be told is told."""
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
    return _Chosen(table, columns, how, run, step, measured, error, several, dropped)


def _columns(request: Request, found: Found, by_name: Mapping[str, str]) -> dict[str, str]:
    """What serves as what: as the format says, as names say, as the user says, the later before the earlier."""
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


def _chosen_by(request: Request, chosen: _Chosen, take: Take) -> Float[np.ndarray, " point"]:
    """What the best point of a run is lowest in."""
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


def _grows(chosen: _Chosen) -> bool:
    """Whether n differs along any run."""
    sizes = chosen.table[chosen.columns["n"]].astype(str).to_numpy()[chosen.measured]
    seen: dict[int, set[str]] = {}
    for run, size in zip(chosen.run[chosen.measured], sizes, strict=True):
        seen.setdefault(int(run), set()).add(size)
    return any(len(own) > 1 for own in seen.values())


# The table ----------------------------------------------------------------------------------------


def _result(request: Request, found: Found, chosen: _Chosen, kept: Int[np.ndarray, " row"]) -> Imported:
    rows = chosen.table.iloc[kept]
    names = _unique(found.export.names)
    of_run = [names[run] for run in chosen.run[kept]]
    frame = renamed(request.name, rows, chosen.columns)
    frame = frame.drop(columns=[c for c in frame if c in KNOWN and c not in chosen.columns])
    frame = with_constants(request.name, frame, request.how.constants)
    frame.index = pd.RangeIndex(2, len(frame) + 2)
    try:
        made = rows_of(request.name, frame, chosen.how, request.typed, Evidence(rows))
    except CurveRowsError as error:
        raise CurveRowsError(request.name, error.rows, _whose(error.rows, of_run)) from None
    # that runs differ in name makes no repeats of what differs in its settings
    expect_well_read(made.table.drop(columns=RUN, errors="ignore"), made.how, request.typed)
    table = made.table.assign(**{RUN: pd.Series(of_run, frame.index, dtype="str")})
    table = table[[column for column in (*KNOWN, RUN) if column in table]]
    metric = metric_of_reading(made.how)
    if "metric" not in table and metric is not None:
        table = table.assign(metric=str(metric))
    table, notes = _with_seeds(request.name, table)
    order = [column for column in (*KNOWN, RUN) if column in table]
    table = table[order].sort_values([*KEYS, "n", RUN], ignore_index=True)
    notes = (*found.export.notes, *made.notes, *notes)
    cost = optimism(chosen.run, chosen.error) if request.taken.how == "best" and not request.taken.column else None
    curves, refused = _curves(table)
    notes += () if refused is None else (refused,)
    return Imported(
        table,
        _text(request, found, chosen, table, cost),
        summary=_summary(table),
        notes=notes,
        curves=curves,
        format=found.format.id,
        runs=len(found.export.names),
        dropped=dict(chosen.dropped),
        optimism=None if cost is None else asdict(cost),
        again=request.command(),
    )


def _unique(names: Sequence[str]) -> list[str]:
    """Names, the second and later of one kind with a number."""
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found


def _whose(bad: Sequence[BadRow], of_run: Sequence[str]) -> str:
    """Which runs refused rows are of, and what to do."""
    whose = listed(dict.fromkeys(of_run[row.row - 2] for row in bad), 5)
    return (
        f"Rows are numbered in the order of the runs; these are of {whose}. Leave such runs out with --where, or name "
        + ("another column with --map; nothing was written.")
    )


def _with_seeds(name: str, table: Table) -> tuple[Table, tuple[Note, ...]]:
    """With the runs as seeds where several are of one curve and size, and no column of seeds was named."""
    again = table.duplicated([*KEYS, "n"], keep=False) & (table.groupby([*KEYS, "n"])[RUN].transform("nunique") > 1)
    if "seed" in table or not again.any():
        return table, ()
    said = f"{int(again.sum())} runs share curve and size with others; they count as repeats, told apart by `seed`"
    return table.assign(seed=table[RUN]), (Note("repeats", f"{name}: {said}, the name of the run"),)


def _curves(table: Table) -> tuple[LearningCurves | None, Note | None]:
    """The curves of the table; else why it cannot be used as it is."""
    try:
        return read_curves(table, as_they_are=True), None
    except ForecasterError as error:
        said = str(error).removeprefix("table: ").partition("\n")[0]
        return None, Note("unusable", f"the table is made, but it cannot be forecast as it is: {said}")


def _summary(table: Table) -> pd.DataFrame:
    rows = []
    for key, own in table.groupby(KEYS, sort=False):
        means = own.groupby("n")["error"].mean()
        ends = {
            "n_min": means.index[0],
            "n_max": means.index[-1],
            "error_first": means.iloc[0],
            "error_last": means.iloc[-1],
        }
        rows.append({**dict(zip(KEYS, key, strict=True)), "points": len(own), **ends})
    return pd.DataFrame(rows)


def _text(request: Request, found: Found, chosen: _Chosen, table: Table, cost: Optimism | None) -> str:
    counts = len(set(table[RUN]))
    passed = f", beside {counted(found.passed, 'other file')}" if found.passed else ""
    curves = len(table[KEYS].drop_duplicates())
    said = [
        f"{counted(len(table), 'measurement')} of {counted(curves, 'curve')}, from {counts} of "
        f"{len(found.export.names)} runs in {found.format.title}{passed}."
    ]
    if chosen.dropped:
        said.append(f"Left out: {', '.join(f'{count} {reason}' for reason, count in chosen.dropped.items())}.")
    elif request.keep_unfinished:
        said.append("Unfinished runs count, too (--keep-unfinished).")
    said.append(_counts(request, found, cost))
    served = [f"{ours} is {theirs!r}" for ours, theirs in chosen.columns.items()]
    served += [f"{ours} is {value!r} for all rows" for ours, value in request.how.constants.items()]
    turned = f" The error is {chosen.how.turned}." if chosen.how.turned is not None else ""
    return "\n".join([*said, f"Read so: {'; '.join(served)}.{turned}", "The same in full:", f"  {request.command()}"])


def _counts(request: Request, found: Found, cost: Optimism | None) -> str:
    """Which point of a run counts, in a sentence."""
    take = request.taken
    if found.format.single:
        return "Each run has one value, its last as the tracker keeps it."
    if take.how == "every":
        return "Every point of a run counts."
    if take.how == "step":
        return f"Each run counts with its point at step {take.step:g}."
    if take.how == "last":
        return "Each run counts with its last point."
    if take.column is not None:
        return f"Each run counts with the point that is best by {take.column!r}."
    late = "it is chosen after the fact, so that it is too low; too few points say by how much"
    return f"Each run counts with its best point. Beware: {in_words(cost) if cost else late}."
