"""Export: what a tracker wrote down about runs, under the tracker's own names; and the formats that are read so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Int

from forecaster._support.frames import Table
from forecaster.curves.importers.seen import Seen
from forecaster.curves.learning_curves import Note
from forecaster.curves.reading.columns import stripped

STEP = "step"  # the column that orders the points of a run, in what we make of logs


@dataclass(frozen=True, eq=False)
class Export:
    """Runs and what was recorded of them.

    Attributes
    ----------
    table : pandas.DataFrame
        One row for each recorded point, in the order of a run; cells as they were exported.
    run : array [point]
        Which run a point is of, from 0.
    names, states : tuple of str
        The name of each run, and its state: "" where it is finished or nothing tells.
    columns : mapping
        Our column names to those of the table, as far as the format itself says it.
    score : str or None
        The score that the error column holds, where the format says it.
    scored : bool
        Whether the error column that ``columns`` names holds scores, so that ``score`` has to be known.
    step : str or None
        The column that orders the points of a run.
    notes : tuple of Note
        Remarks from reading.
    """

    table: Table
    run: Int[np.ndarray, " point"]
    names: tuple[str, ...]
    states: tuple[str, ...]
    columns: Mapping[str, str] = field(default_factory=dict)
    score: str | None = None
    scored: bool = False
    step: str | None = None
    notes: tuple[Note, ...] = ()


def each_row(table: Table, names: Iterable[str], states: Iterable[str] = (), **more: Any) -> Export:
    """A table with a row for each run."""
    named = tuple(names)
    told = tuple(states) or ("",) * len(named)
    return Export(table.reset_index(drop=True), np.arange(len(named)), named, told, **more)


def one_run(name: str, points: Table, settings: Mapping[str, Any], state: str = "", **more: Any) -> Export:
    """The points of one run; its settings are the same at all of them. A recorded column goes before a setting."""
    alike = {key: [value] * len(points) for key, value in settings.items() if key not in points}
    table = pd.concat([points.reset_index(drop=True), pd.DataFrame(alike, dtype=object)], axis=1)
    return Export(table, np.zeros(len(points), dtype=int), (name,), (state,), **more)


def _place(one: Export) -> str:
    """The origin of an export, for error messages."""
    return one.names[0] if len(one.names) == 1 else f"a table of {len(one.names):,} runs"


def all_of(exports: Sequence[Export]) -> Export:
    """Several exports of one format as one; a column's meaning is kept where all exports agree on it."""
    first, sizes = exports[0], [len(one.names) for one in exports]
    starts = np.cumsum([0, *sizes[:-1]])
    return Export(
        pd.concat([stripped(_place(one), one.table).astype(object) for one in exports], ignore_index=True),
        np.concatenate([one.run + start for one, start in zip(exports, starts, strict=True)]),
        tuple(name for one in exports for name in one.names),
        tuple(state for one in exports for state in one.states),
        {ours: theirs for ours, theirs in first.columns.items() if all(e.columns.get(ours) == theirs for e in exports)},
        first.score if all(one.score == first.score for one in exports) else None,
        first.scored,
        first.step,
        tuple(dict.fromkeys(note for one in exports for note in one.notes)),
    )


def points_of(recorded: Iterable[tuple[int, str, Any]]) -> Table:
    """Points from (step, name, value) in the order in which they were recorded; of the same step and name the last.

    A run of which nothing was recorded has a point without values, so that it is counted.
    """
    rows: dict[int, dict[str, Any]] = {}
    for step, name, value in recorded:
        rows.setdefault(step, {})[name] = value
    return pd.DataFrame([{STEP: step, **rows[step]} for step in sorted(rows)] or [{STEP: 0}], dtype=object)


@dataclass(frozen=True)
class Format:
    """One kind of export.

    Attributes
    ----------
    id : str
        Its name as an option, such as ``wandb-runs``.
    title : str
        What it is, in words: ``a runs table of W&B``.
    claims : callable
        Whether a file is such an export.
    read : callable
        The runs of such a file; it may raise any of ``DAMAGED`` where the file is damaged.
    single : bool
        Whether a run has one value, its last, so that there is nothing to choose.
    together : callable, optional
        One export from several files of the same run, in the order of their paths.
    sizes : str
        Where the amount of training data usually stands, a sentence.
    """

    id: str
    title: str
    claims: Callable[[Seen], bool]
    read: Callable[[Seen], Export]
    single: bool = False
    together: Callable[[Sequence[Export]], Export] | None = None
    sizes: str = ""
