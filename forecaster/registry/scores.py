"""Scores of a registered forecast against its outcome, all on log error.

CRPS and log score are those of :mod:`~forecaster.evaluation.scoring`, from the joint draws that were kept. The weighted
interval score (WIS; Bracher et al. 2021) is made of the 23 quantiles; it approaches half the CRPS' integral as levels
grow dense, and is what the forecast hubs report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from forecaster.evaluation import scoring
from forecaster.registry.registration import QUANTILES, SAMPLES, Point

# Central intervals whose ends are among the quantiles, by level.
INTERVALS: Mapping[float, tuple[int, int]] = {
    round(1.0 - 2.0 * q, 2): (i, len(QUANTILES) - 1 - i) for i, q in reversed(list(enumerate(QUANTILES))) if q < 0.5
}
COUNTED = (0.5, 0.8, 0.95)  # levels whose hits the record tells
MIDDLE = len(QUANTILES) // 2


def wis(log_quantiles: Float[np.ndarray, " level"], y: float) -> float:
    """Weighted interval score of quantiles at ``QUANTILES`` for the outcome ``y``; lower is better."""
    total = 0.5 * abs(y - log_quantiles[MIDDLE])
    for level, (low, high) in INTERVALS.items():
        alpha = 1.0 - level
        lower, upper = log_quantiles[low], log_quantiles[high]
        score = upper - lower + 2.0 / alpha * (max(lower - y, 0.0) + max(y - upper, 0.0))
        total += alpha / 2.0 * score
    return float(total / (len(INTERVALS) + 0.5))


@dataclass(frozen=True)
class PointScore:
    """Scores of one point: proper scores, the outcome's place among the draws, and how far the baselines were off."""

    crps: float
    wis: float
    log_score: float
    pit: float
    hits: Mapping[float, bool]
    off: Mapping[str, float]


def point_score(point: Point, y: float) -> PointScore:
    """Score a point whose log error turned out to be ``y``."""
    drawn, truth = np.log(np.array(point.samples))[:, None], np.array([y])
    found = point.log_quantiles
    return PointScore(
        crps=float(scoring.crps(drawn, truth)[0]),
        wis=wis(found, y),
        log_score=float(scoring.log_density(drawn, truth)[0]),
        pit=float(scoring.pit(drawn, truth)[0]),
        hits={level: bool(found[low] <= y <= found[high]) for level, (low, high) in INTERVALS.items()},
        off={name: abs(float(np.log(value)) - y) for name, value in point.baselines.items()},
    )


def replica_hits(groups: Sequence[Sequence[Point]], seed: int = 0) -> Mapping[float, Float[np.ndarray, " replica"]]:
    """Hits of each interval that calibrated forecasts would have.

    ``groups`` are the scored points of each registration. Its joint draws take the place of the truth, each once; what
    was registered apart is taken for independent.
    """
    rng = np.random.default_rng(seed)
    totals = {level: np.zeros(SAMPLES) for level in INTERVALS}
    for points in groups:
        if not points:
            continue
        drawn = np.log(np.stack([point.samples for point in points], 1))  # [draw, point]
        ends = np.stack([point.log_quantiles for point in points], 1)  # [level, point]
        order = rng.permutation(np.resize(np.arange(len(drawn)), SAMPLES))
        for level, (low, high) in INTERVALS.items():
            inside: Bool[np.ndarray, "draw point"] = (drawn >= ends[low]) & (drawn <= ends[high])
            totals[level] += inside.sum(1)[order]
    return totals


def tail_chance(hits: float, replicas: Float[np.ndarray, " replica"]) -> float:
    """Chance, for a calibrated forecaster, of a count at least as far out, on either side."""
    count = len(replicas)
    below = (1 + np.sum(replicas <= hits)) / (1 + count)
    above = (1 + np.sum(replicas >= hits)) / (1 + count)
    return float(min(1.0, 2.0 * min(below, above)))


def brier(chances: Float[np.ndarray, " event"], reached: Float[np.ndarray, " event"]) -> float:
    """Mean squared difference of chances and what came; NaN without events."""
    return float(np.mean((chances - reached) ** 2)) if len(chances) else float("nan")
