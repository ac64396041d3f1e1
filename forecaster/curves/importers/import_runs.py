"""import_runs: from what a tracker exported to the table that curves are read from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Int

from forecaster._support.frames import Table
from forecaster.curves.how_read import Decimal, HowRead
from forecaster.curves.importers import asking
from forecaster.curves.importers.choosing import Chosen, chosen_by, chosen_points, grows
from forecaster.curves.importers.formats import FoundRuns, find
from forecaster.curves.importers.imported import Imported
from forecaster.curves.importers.points import RUN
from forecaster.curves.importers.prose import text_of
from forecaster.curves.importers.request import Request, sources_of
from forecaster.curves.importers.take import optimism, taken
from forecaster.curves.learning_curves import KEYS, LearningCurves, Note, listed
from forecaster.curves.metrics import metric_of_reading
from forecaster.curves.misread.refusal import expect_well_read
from forecaster.curves.reading.cells import MarkEvidence
from forecaster.curves.reading.columns import (
    KNOWN,
    check_constants,
    mapping_of,
    renamed,
    where_of,
    with_constants,
)
from forecaster.curves.reading.read import check_options, read_curves
from forecaster.curves.reading.rows import rows_of
from forecaster.errors import BadRow, CurveRowsError, ForecasterError, RequestError


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
    chosen = chosen_points(request, found)
    if chosen.several.any() and request.take is None:
        cost = optimism(chosen.run, chosen.error)
        raise asking.which_point(request, int(chosen.several.max()), grows(chosen), cost)
    kept = taken(take, chosen.run, chosen.measured, chosen_by(request, chosen, take), chosen.step)
    if left := len(set(chosen.run[chosen.measured].tolist()) - set(chosen.run[kept].tolist())):
        chosen = replace(chosen, dropped={**chosen.dropped, f"without a point for --take {request.take}": left})
    if take.how == "every" and not grows(chosen) and chosen.several.any():
        raise asking.none_grows(request)
    return _result(request, found, chosen, kept)


# The points that may count ------------------------------------------------------------------------


# The table ----------------------------------------------------------------------------------------


def _result(request: Request, found: FoundRuns, chosen: Chosen, kept: Int[np.ndarray, " row"]) -> Imported:
    rows = chosen.table.iloc[kept]
    names = _unique(found.export.names)
    of_run = [names[run] for run in chosen.run[kept]]
    frame = renamed(request.name, rows, chosen.columns)
    frame = frame.drop(columns=[c for c in frame if c in KNOWN and c not in chosen.columns])
    frame = with_constants(request.name, frame, request.how.constants)
    frame.index = pd.RangeIndex(2, len(frame) + 2)
    try:
        made = rows_of(request.name, frame, chosen.how, request.typed, MarkEvidence(rows))
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
        text_of(request, found, chosen, table, cost),
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
