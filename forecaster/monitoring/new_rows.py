"""New measurements of the curves of a posterior: read, completed and without those that were fitted already."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecaster._support.frames import Table
from forecaster.curves.learning_curves import KEYS, NO_TASK, LearningCurves
from forecaster.curves.reading.read import read_rows
from forecaster.errors import RequestError
from forecaster.inference.posterior import Posterior

New = str | Path | pd.DataFrame | LearningCurves


def new_rows(posterior: Posterior, source: New) -> Table:
    """The new measurements as a table, in their order of arrival.

    ``domain`` and ``task`` may be left out where the posterior holds one. RequestError where there are no rows, a
    column is missing, or a (domain, task) is not the posterior's.
    """
    table = _table(source)
    for i, column in enumerate(("domain", "task")):
        names = list(dict.fromkeys(group[i] for group in posterior.groups))
        if len(names) == 1 and (column not in table or (table[column] == NO_TASK).all()):
            table[column] = names[0]
    missing = [c for c in (*KEYS, "n", "error") if c not in table]
    if missing:
        raise RequestError(
            f"new rows: found no column {', '.join(missing)}; expected {', '.join((*KEYS, 'n', 'error'))}"
        )
    if table.empty:
        raise RequestError("new rows: found none; expected measurements made after the posterior was fitted")
    unknown = sorted(
        {"/".join(g) for g in zip(table["domain"], table["task"], strict=True) if g not in posterior.groups}
    )
    if unknown:
        known = ", ".join("/".join(g) for g in posterior.groups)
        raise RequestError(
            f"new rows: found {', '.join(unknown)}, but this posterior holds {known}; "
            "expected new measurements of the same domains and tasks. Fit all of them anew with forecaster.fit"
        )
    return table


def without_fitted(posterior: Posterior, rows: Table) -> Table:
    """The rows that the posterior was not fitted to: a table may hold old and new measurements."""
    known: Any = posterior.curves.table
    seen = set(zip(*(known[k] for k in KEYS), known["n"].round(6), np.round(np.log(known["error"]), 9), strict=True))
    own = zip(*(rows[k] for k in KEYS), rows["n"].round(6), np.round(np.log(rows["error"]), 9), strict=True)
    return rows[[key not in seen for key in own]].reset_index(drop=True)


def _table(source: New) -> Table:
    if isinstance(source, LearningCurves):
        return without_blank(source.table).copy()
    if isinstance(source, pd.DataFrame):
        return source.copy()
    return without_blank(read_rows(source))


def without_blank(table: Any) -> Table:
    """The table without columns that hold nothing."""
    return table.drop(columns=[c for c in table if table[c].isna().all()])
