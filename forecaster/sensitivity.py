"""What a decision hangs on: chances by option, and the forecast against the assumed floor.

Both tables regroup the draws of a :class:`Forecast` of measured curves; nothing is sampled anew.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from forecaster import laws
from forecaster.errors import RequestError
from forecaster.forecast import Forecast

Table = Any  # a DataFrame, where pandas' own annotations know no better
KEYS = ["domain", "task", "architecture", "n"]


def options_table(found: Forecast, target: float) -> pd.DataFrame:
    """One row a size and architecture, smallest size first, best forecast first within a size.

    Columns: ``domain, task, architecture, n, yhat, yhat_lower, yhat_upper, level, p_best, p_target``. ``p_best``
    is the chance of the lowest error among the architectures of the group at that size, ``p_target`` that of an
    error of ``target`` or less.
    """
    errors = _draws(found)
    table: Table = found.table[[*KEYS, "yhat", "yhat_lower", "yhat_upper", "level"]].copy()
    table["p_best"] = _chance_best(found, np.arange(len(errors)))
    table["p_target"] = np.mean(errors <= target, 0)
    return table.sort_values(["domain", "task", "n", "yhat"], ignore_index=True)


def floor_table(found: Forecast, bins: int = 5) -> pd.DataFrame:
    """The forecast if the floor were low, ..., high: draws split into ``bins`` equal parts by their floor.

    Columns: those of the forecast's key, ``part`` (1 = lowest floors), ``floor`` (median within the part),
    ``floor_lower`` and ``floor_upper`` (its range), ``yhat, yhat_lower, yhat_upper, level, p_best``.
    Measured curves only; others are left out.
    """
    errors, posterior = _draws(found), found.posterior
    if posterior is None:
        raise RequestError("this forecast carries no posterior; make it with forecast()")
    measured = {c.label for c in posterior.curves.curves}
    rows = []
    for row, record in enumerate(found.table.to_dict("records")):
        key = {k: record[k] for k in KEYS}
        label = "/".join(str(key[k]) for k in KEYS[:3])
        if label not in measured:
            continue
        draws = posterior.curve(label)
        floor = laws.floor(np, draws.level, draws.floor_logit)
        tails = [0.5 - record["level"] / 2, 0.5, 0.5 + record["level"] / 2]
        for part, chosen in enumerate(np.array_split(np.argsort(floor, kind="stable"), bins), 1):
            low, middle, high = np.quantile(errors[chosen, row], tails)
            rows.append(
                key
                | {
                    "part": part,
                    "floor": np.median(floor[chosen]),
                    "floor_lower": floor[chosen[0]],
                    "floor_upper": floor[chosen[-1]],
                    "yhat": middle,
                    "yhat_lower": low,
                    "yhat_upper": high,
                    "level": record["level"],
                    "p_best": _chance_best(found, chosen)[row],
                }
            )
    return pd.DataFrame(rows)


def _draws(found: Forecast) -> np.ndarray:
    if found.draws is None:
        raise RequestError("this forecast carries no draws; make it with forecast()")
    return np.asarray(found.draws)


def _chance_best(found: Forecast, chosen: np.ndarray) -> np.ndarray:
    """Share of the ``chosen`` draws in which each row has the lowest error of its group and size."""
    errors = _draws(found)[chosen]
    best = np.empty(errors.shape[1])
    for rows in found.table.groupby(["domain", "task", "n"]).indices.values():
        winner = np.argmin(errors[:, rows], 1)
        best[rows] = np.bincount(winner, minlength=len(rows)) / len(errors)
    return best
