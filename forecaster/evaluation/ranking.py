"""Whether forecasts rank two architectures as the hidden measurements do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from forecaster.curves.learning_curves import KEYS
from forecaster.evaluation import scoring
from forecaster.evaluation.one_curve import ScoredCurve
from forecaster.evaluation.tables import OURS, slug


class RankedPair(NamedTuple):
    """Two curves: a row of the table, and whether ``a`` is the better one in draws that stand in for the truth."""

    row: dict[str, Any]
    stand_ins: np.ndarray  # [replica]


def common_size(a: ScoredCurve, b: ScoredCurve) -> float | None:
    """Log of the largest size that both curves reach among hidden sizes; None where they share no range."""
    last = min(a.hidden[0][-1], b.hidden[0][-1])
    first = max(a.hidden[0][0], b.hidden[0][0])
    return float(last) if last >= first - 1e-9 else None


def ranked_pair(a: ScoredCurve, b: ScoredCurve, x: float) -> RankedPair:
    """Whether each method ranks two architectures as observed at ``x``, the largest log size that both reach."""

    def gap(of: Callable[[ScoredCurve], tuple[np.ndarray, np.ndarray]], at: float) -> float:
        return float(np.interp(at, *of(a)) - np.interp(at, *of(b)))

    observed = gap(lambda one: one.hidden, x)
    measured = gap(lambda one: one.fit, min(a.fit[0][-1], b.fit[0][-1]))
    ahead = _measured_at(a, x) < _measured_at(b, x)
    row = {k: a.row[k] for k in KEYS[:2]} | {"a": a.row["architecture"], "b": b.row["architecture"]}
    row |= {"n": np.exp(x), "log_ratio": observed, "p_better": float(np.mean(ahead))}
    gaps = {name: gap(lambda one, name=name: (one.hidden[0], one.predicted[name]), x) for name in a.predicted}
    row["right"] = _right(gaps.pop(OURS), observed)
    row["right_measured"] = _right(measured, observed)
    row |= {f"right_{slug(name)}": _right(value, observed) for name, value in gaps.items()}
    return RankedPair(row, scoring.stand_ins(ahead))


def _measured_at(one: ScoredCurve, x: float) -> np.ndarray:
    """Log error as measured at log size ``x``, [draw], between hidden sizes as the observed one is interpolated."""
    sizes = one.hidden[0]
    after = min(int(np.searchsorted(sizes, x)), len(sizes) - 1)
    before = max(after - 1, 0)
    gap = sizes[after] - sizes[before]
    share = np.clip((x - sizes[before]) / gap, 0.0, 1.0) if gap > 0 else 1.0
    return (1.0 - share) * one.runs[:, before] + share * one.runs[:, after]


def _right(predicted: float, observed: float) -> float:
    """1 where the sign agrees, one half where the prediction (or the truth) ties."""
    product = np.sign(predicted) * np.sign(observed)
    return float(0.5 * (1.0 + product))
