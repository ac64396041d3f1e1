"""Scores of the data requirement in a backtest: how well is the size forecast at which a hidden error is reached?"""

from __future__ import annotations

from typing import Any

import numpy as np

from forecaster.curves.learning_curves import Curve
from forecaster.evaluation.tables import slug
from forecaster.prediction.crossings import first_log_size

DENSE = 10  # fewer hidden sizes are too coarse for the first one that a noisy run reaches
MOST_LOWS = 24  # hidden errors of a curve that are taken as targets


def requirement_row(
    keys: dict[str, Any],
    known: Curve,
    hidden: tuple[np.ndarray, np.ndarray, np.ndarray],
    drawn: tuple[np.ndarray, np.ndarray],
    level: float,
) -> dict[str, Any] | None:
    """The size needed for the error observed at the largest hidden size; None where it was reached before."""
    sizes, observed, run = hidden
    goal = float(observed[-1])
    if goal >= np.log(known.error).min():
        return None
    true = float(sizes[np.argmax(observed <= goal)])
    grid, paths = drawn
    later = grid > sizes[-1]
    measured, each = np.append(sizes, grid[later]), np.concatenate([run, paths[:, later]], 1) <= goal
    by_run = np.where(each.any(1), measured[each.argmax(1)], np.inf)
    needed = np.exp(first_log_size(np.log(grid), paths, goal))
    row = keys | {"target": np.exp(goal), "n_true": true, "level": level, "p_never": float(np.mean(np.isinf(needed)))}
    dense = len(sizes) >= DENSE
    for own, found in (("", needed), ("run_", by_run if dense else np.full(len(run), np.nan))):
        low, middle, high, held = _interval(found, level, true)
        row |= {f"{own}n_median": middle, f"{own}n_lower": low, f"{own}n_upper": high}
        row[f"{own}covered"] = np.nan if np.isnan(middle) else float(held)
        row[f"{own}log2_ratio"] = float(np.log2(middle / true))
    return row | _lows(known, sizes, observed, drawn, level)


def _interval(needed: np.ndarray, level: float, true: float) -> tuple[float, float, float, bool]:
    """Lower end, median and upper end of sizes [draw], some infinite, and whether the true one lies between."""
    low, middle, high = np.quantile(needed, [0.5 - level / 2, 0.5, 0.5 + level / 2], method="inverted_cdf").tolist()
    return low, middle, high, low * (1 - 1e-9) <= true <= high * (1 + 1e-9)


def needed_by(far: dict[str, np.ndarray], grid: np.ndarray, need: dict[str, Any]) -> dict[str, float]:
    """The size at which each baseline's curve [grid] first reaches the target, and its log ratio to the true one."""
    row: dict[str, float] = {}
    for name, path in far.items():
        size = float(np.exp(first_log_size(np.log(grid), path[None], np.log(need["target"])))[0])
        row |= {f"n_{slug(name)}": size, f"log2_ratio_{slug(name)}": float(np.log2(size / need["n_true"]))}
    return row


def _lows(
    known: Curve, sizes: np.ndarray, observed: np.ndarray, drawn: tuple[np.ndarray, np.ndarray], level: float
) -> dict[str, float]:
    """How well the sizes are forecast at which each new lowest error is reached; the last error is among them."""
    before = np.minimum.accumulate(np.append(np.log(known.error).min(), observed))[:-1]
    new = np.flatnonzero(observed < before)
    new = new[np.unique(np.linspace(0, len(new) - 1, min(MOST_LOWS, len(new))).astype(int))]
    grid, paths = drawn
    held, ratios = [], []
    for i in new:
        needed = np.exp(first_log_size(np.log(grid), paths, observed[i]))
        _, middle, _, covers = _interval(needed, level, float(sizes[i]))
        held.append(covers)
        ratios.append(abs(np.log2(middle / sizes[i])))
    ratio = float(np.quantile(ratios, 0.5, method="inverted_cdf"))
    return {"lows": len(new), "lows_covered": float(np.mean(held)), "lows_log2_ratio": ratio}
