"""Chances by option: which architecture is best at a size, and whether it reaches a target."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from forecaster.errors import RequestError
from forecaster.prediction.forecast import Forecast

Table = Any  # a DataFrame, where pandas' own annotations know no better
KEYS = ["domain", "task", "architecture", "n"]


def options_table(found: Forecast, target: float) -> pd.DataFrame:
    """One row a size and architecture, smallest size first, best forecast first within a size.

    Columns: ``domain, task, architecture, n, yhat, yhat_lower, yhat_upper, level, p_best, p_target``. ``p_best``
    is the chance of the lowest error among the architectures of the group at that size, ``p_target`` that of an
    error of ``target`` or less.
    """
    errors = draws_of(found)
    table: Table = found.table[[*KEYS, "yhat", "yhat_lower", "yhat_upper", "level"]].copy()
    table["p_best"] = chance_best(found, np.arange(len(errors)))
    table["p_target"] = np.mean(errors <= target, 0)
    return table.sort_values(["domain", "task", "n", "yhat"], ignore_index=True)


def draws_of(found: Forecast) -> np.ndarray:
    if found.draws is None:
        raise RequestError("this forecast carries no draws; make it with forecast()")
    return np.asarray(found.draws)


def chance_best(found: Forecast, chosen: np.ndarray) -> np.ndarray:
    """Share of the ``chosen`` draws in which each row has the lowest error of its group and size."""
    errors = draws_of(found)[chosen]
    best = np.empty(errors.shape[1])
    for rows in found.table.groupby(["domain", "task", "n"]).indices.values():
        winner = np.argmin(errors[:, rows], 1)
        best[rows] = np.bincount(winner, minlength=len(rows)) / len(errors)
    return best
