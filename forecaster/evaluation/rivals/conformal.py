"""A simple rival that gives intervals: power law + floor, with split-conformal intervals of log error.

The point forecast is that of ``baselines.power_law_with_floor``. How far it may be off is taken from the other curves
of the same backtest: their absolute residuals at their own hidden sizes, each over the square root of the log distance
beyond the largest fitted size, as of a random walk. Of a single curve, residuals are those of a fit to its smaller
sizes, at the largest third of its fitted ones.

Points of one curve miss together, so every curve weighs the same: with K other curves, each has a mass of 1 / (K + 1),
and the curve at hand the rest, which lies at infinity (hierarchical conformal prediction: Lee, Barber and Willett 2023,
arXiv:2306.06342; with one point a curve it is split-conformal prediction: Lei et al. 2018, arXiv:1604.04173). Where
curves are exchangeable, an interval of level L holds a new curve's error with probability L at least. A level above
K / (K + 1), which so few curves cannot promise, ends at the largest residual.

The intervals of all levels are the central ones of one distribution, symmetric around the point forecast, which is
scored as a forecast is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from forecaster.curves.learning_curves import Curve
from forecaster.evaluation import scoring
from forecaster.evaluation.rivals.baselines import Fitted, Sizes, power_law_with_floor

LAW, BAND = "power law + floor", "power law + floor, conformal"
NEAREST = 0.1  # nats: nearer sizes count as so far ahead, since runs differ at any distance
RESIDUAL_QUANTILES = 500  # quantiles of the absolute residual that stand for its distribution
OWN = 3  # of a single curve, one in so many of its fitted sizes is held out
Residuals = Float[np.ndarray, " residual"]


@dataclass(frozen=True, eq=False)
class Band:
    """How far scaled log errors lie from the point forecast: quantiles, from ``count`` residuals."""

    half: Float[np.ndarray, " quantile"]
    count: int

    def around(self, middle: Sizes, scale: Sizes) -> Float[np.ndarray, "value point"]:
        """Equally likely values of log error around the point forecast ``middle``."""
        return middle + np.concatenate([-self.half[::-1], self.half])[:, None] * scale

    def score(self, middle: Sizes, scale: Sizes, truth: Sizes) -> scoring.PointScores:
        """Scores of the log errors ``truth``. The density is smoothed as one of ``count`` values."""
        values = self.around(middle, scale)
        low, high = np.quantile(values, [0.16, 0.84], axis=0)
        sd = 0.9 * np.minimum((high - low) / 2, np.std(values, 0)) * self.count**-0.2
        found = scoring.score(values, truth, values, np.broadcast_to(sd, values.shape))
        return replace(found, replicas=found.replicas[:0])  # it says nothing of how points miss together


def bands(curves: Mapping[str, tuple[Curve, Curve]]) -> dict[str, Band]:
    """The band of each curve (its fitted and its hidden rows), from the residuals of all others, by label."""
    if len(curves) == 1:
        return {label: band(own_residuals(known.n, known.error)) for label, (known, _) in curves.items()}
    each = [residuals(known.n, known.error, hidden.n, hidden.error) for known, hidden in curves.values()]
    values, whose = np.concatenate(each), np.repeat(np.arange(len(each)), [len(part) for part in each])
    order = np.argsort(values)
    values, whose = values[order], whose[order]
    return {label: band(values[whose != k], whose[whose != k]) for k, label in enumerate(curves)}


def band(values: Residuals, whose: Int[np.ndarray, " residual"] | None = None) -> Band:
    """The band of absolute residuals, each group of ``whose`` of the same weight (by default each of its own)."""
    order = np.argsort(values, kind="stable")
    groups = np.arange(len(values)) if whose is None else whose[order]
    _, group, size = np.unique(groups, return_inverse=True, return_counts=True)
    reached = np.cumsum(1.0 / size[group]) / (len(size) + 1.0)
    at = np.searchsorted(reached, (np.arange(RESIDUAL_QUANTILES) + 0.5) / RESIDUAL_QUANTILES)
    return Band(values[order][np.minimum(at, len(values) - 1)], len(values))


def residuals(fit_n: Fitted, fit_error: Fitted, n: Sizes, error: Sizes) -> Sizes:
    """Absolute residuals of log error at the hidden sizes ``n``, over :func:`distance_scale`."""
    off = np.log(error) - np.log(power_law_with_floor(fit_n, fit_error, n))
    return np.abs(off) / distance_scale(n, float(fit_n.max()))


def own_residuals(n: Fitted, error: Fitted) -> Sizes:
    """Residuals at the largest third of the sizes of one curve, by a fit to its others; of two sizes at least."""
    sizes = np.unique(n)
    late = n > sizes[-max(len(sizes) // OWN, 1) - 1]
    return residuals(n[~late], error[~late], n[late], error[late])


def distance_scale(n: Sizes, last: float) -> Sizes:
    """Square root of the log distance of sizes ``n`` beyond the largest fitted one."""
    return np.sqrt(np.maximum(np.log(n / last), NEAREST))
