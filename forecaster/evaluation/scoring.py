"""Proper scores and calibration of predictive draws against observations.

Everything is on log error, [draw, point] against [point], save the log score, which is a density on error itself,
as in the papers on learning curves. NumPy only; independent of the origin of the draws.

* CRPS: the sample form ``mean |draw - truth| - 1/2 mean |draw - draw'|`` over distinct pairs (Gneiting & Raftery
  2007, section 4.2): the absolute error of a forecast that is a point, in log error.
* Log score: log density of the error. The density of log error is a mixture of normals, one a draw: around the
  mean curve with the draw's own noise sd where these are given (Rao-Blackwell), else around the draw itself with
  Silverman's bandwidth. No kernel is narrower than that bandwidth, and ``TAIL`` of the mass is a Student t with
  three degrees of freedom on the draws' median and half their 68 % range, so that one miss costs much, not all.
* Coverage: a central interval of level L covers where ``|2 PIT - 1| <= L``.
* MSCE: mean over ``LEVELS`` of (coverage - level)^2; zero for a calibrated forecaster of many points.
* Points of a curve, and curves of a group, are correlated, so the coverage of a calibrated forecaster varies around its
  level. The expected range is obtained by scoring ``REPLICAS`` joint draws as if each were the truth.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float

LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
SHOWN = (0.5, 0.8, 0.9, 0.95)  # levels whose coverage and width the tables name
DISTANCES = (0.5, 1.0, 2.0)  # decades beyond the largest fitted size at which a bin ends; the last bin is open
BINS = ("0-0.5", "0.5-1", "1-2", ">2")
TAIL = 0.01
REPLICAS = 1000  # draws that stand in for the truth
CHANCE, SELDOM = 0.9, 0.99  # probabilities of the ranges of coverage that are reported
Draws = Float[np.ndarray, "draw point"]
Points = Float[np.ndarray, " point"]


@dataclass(frozen=True, eq=False)
class PointScores:
    """Scores of each point, [point]; ``width`` and ``covered`` are [level, point] over ``SHOWN``.

    ``replicas`` [replica, point] is the PIT of draws that stand in for the truth, a row a joint draw.
    """

    bias: Points  # median of log error minus the observed one
    crps: Points
    log_score: Points
    pit: Points
    width: Float[np.ndarray, "level point"]
    replicas: Float[np.ndarray, "replica point"]

    @property
    def covered(self) -> np.ndarray:
        return np.stack([covers(self.pit, level) for level in SHOWN])


def score(draws: Draws, truth: Points, mean: Draws | None = None, noise: Draws | None = None) -> PointScores:
    """Score predictive draws of log error against the observed log error ``truth``.

    ``mean`` and ``noise`` [draw, point], both or neither: the mean curve and the sd around it behind each draw.
    """
    halves = np.array(SHOWN) / 2
    low, high = np.quantile(draws, 0.5 - halves, axis=0), np.quantile(draws, 0.5 + halves, axis=0)
    return PointScores(
        bias=np.median(draws, 0) - truth,
        crps=crps(draws, truth),
        log_score=log_density(draws, truth, mean, noise) - truth,
        pit=pit(draws, truth),
        width=high - low,
        replicas=replica_pits(draws),
    )


def pooled(parts: Sequence[PointScores]) -> PointScores:
    """The points of all of them, concatenated."""
    names = [f.name for f in fields(PointScores)]
    return PointScores(**{name: np.concatenate([getattr(p, name) for p in parts], -1) for name in names})


def rmsle(predicted: Points, truth: Points) -> float:
    """Root mean square of log error, of one curve; both arguments are logs."""
    return float(np.sqrt(np.mean((predicted - truth) ** 2)))


def crps(draws: Draws, truth: Points) -> Points:
    """Continuous ranked probability score of each point; lower is better."""
    count = len(draws)
    ordered = np.sort(draws, 0)
    weight = 2.0 * np.arange(1, count + 1) - count - 1  # of each order statistic in the sum of pairs
    between = 2.0 * (weight @ ordered) / (count * max(count - 1, 1))
    return np.mean(np.abs(draws - truth), 0) - between / 2


def log_density(draws: Draws, truth: Points, mean: Draws | None = None, noise: Draws | None = None) -> Points:
    """Log predictive density of log error at ``truth``; the estimate is described above."""
    centre = draws if mean is None or noise is None else mean
    low, middle, high = np.quantile(draws, [0.16, 0.5, 0.84], axis=0)
    spread = np.maximum((high - low) / 2, 1e-6)
    narrow, wide = np.quantile(centre, [0.16, 0.84], axis=0)
    least = 0.9 * np.minimum((wide - narrow) / 2, np.std(centre, 0)) * len(centre) ** -0.2
    sd = np.maximum(least if mean is None or noise is None else np.maximum(noise, least), 1e-6)
    kernels = -0.5 * ((truth - centre) / sd) ** 2 - np.log(sd) - 0.5 * math.log(2.0 * math.pi)
    top = kernels.max(0)
    mixture = top + np.log(np.mean(np.exp(kernels - top), 0))
    t = (truth - middle) / spread
    tail = math.log(2.0 / (math.pi * math.sqrt(3.0))) - 2.0 * np.log1p(t**2 / 3.0) - np.log(spread)
    return np.logaddexp(math.log1p(-TAIL) + mixture, math.log(TAIL) + tail)


def pit(draws: Draws, truth: Points) -> Points:
    """Probability integral transform: where the truth ranks among the draws, in (0, 1); ties count half."""
    below = np.sum(draws < truth, 0) + 0.5 * np.sum(draws == truth, 0)
    return (below + 0.5) / (len(draws) + 1)


def replica_pits(draws: Draws, count: int = REPLICAS) -> Float[np.ndarray, "replica point"]:
    """PIT of ``count`` of the draws themselves, evenly spread; joint draws, which keep the correlation of points."""
    ranks = np.empty(draws.shape)
    np.put_along_axis(ranks, np.argsort(draws, 0), np.arange(len(draws))[:, None] + 0.5, 0)
    return (stand_ins(ranks, count) / len(draws)).astype(np.float32)


def stand_ins(draws: np.ndarray, count: int = REPLICAS) -> np.ndarray:
    """``count`` of the draws [draw, ...], evenly spread (all, of fewer), each of which stands in for the truth."""
    return draws[np.linspace(0, len(draws) - 1, min(count, len(draws))).astype(int)]


def by_chance(
    replicas: Float[np.ndarray, "replica point"], level: float, chance: float = CHANCE
) -> tuple[float, float]:
    """The range that holds a share ``chance`` of the coverages that calibrated intervals of this level would have."""
    return range_of(covers(replicas, level).mean(1), chance)


def range_of(shares: Float[np.ndarray, " replica"], chance: float = CHANCE) -> tuple[float, float]:
    """The range that holds so many of them."""
    low, high = np.quantile(shares, [0.5 - chance / 2, 0.5 + chance / 2])
    return float(low), float(high)


def ranges(name: str, replicas: Float[np.ndarray, "replica point"], level: float) -> dict[str, float]:
    """Both ranges of :func:`by_chance` as columns: ``name_low``, ``name_high``, ``name_low_99``, ``name_high_99``."""
    shares = covers(replicas, level).mean(1)
    (low, high), (least, most) = range_of(shares), range_of(shares, SELDOM)
    return {f"{name}_low": low, f"{name}_high": high, f"{name}_low_99": least, f"{name}_high_99": most}


def covers(ranks: np.ndarray, level: float) -> np.ndarray:
    """Whether the central interval of this level holds each point."""
    return np.abs(2.0 * ranks - 1.0) <= level


def coverage(ranks: Points, levels: Sequence[float] = LEVELS) -> Float[np.ndarray, " level"]:
    """Share of points that each central interval holds; NaN without points."""
    if len(ranks) == 0:
        return np.full(len(levels), np.nan)
    return np.array([np.mean(covers(ranks, level)) for level in levels])


def msce(ranks: Points) -> float:
    """Mean squared calibration error over ``LEVELS``."""
    return float(np.mean((coverage(ranks) - np.array(LEVELS)) ** 2))


def distance_bin(decades: Points) -> np.ndarray:
    """Index into ``BINS`` of each distance in decades."""
    return np.searchsorted(np.array(DISTANCES), decades, side="left")
