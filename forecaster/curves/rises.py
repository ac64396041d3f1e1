"""Rises: where error goes up by more than its noise explains. No law that falls can follow such a curve.

Of a hundred noisy errors on a flat curve the last is well above the best: the best is the luckiest of them. So a rise
counts where noise would make one as large, anywhere on a flat curve of as many sizes, once in a hundred curves
(Bonferroni over all pairs). Where sizes are many, means of neighbours are compared, too: a rise that lasts needs not be
steep.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from forecaster.curves.repeats import Reduced, reduced

LEAST_RISE = float(np.log(1.05))  # of log error: a smaller rise is of no concern
BY_CHANCE = 0.01  # false alarms on a flat curve
FEW_REPEATS = 5  # repeats, less one a size, below which their scatter tells too little of the noise
# Sizes from which on neighbours are close: of fewer, their scatter around one another may be a rise itself.
MANY_SIZES = 20
TINY = 1e-12  # variance below which noise is none
Sizes = Float[np.ndarray, " size"]


class Rise(NamedTuple):
    """A rise above the best at smaller sizes, of log error; ``at_end``: it is still there at the largest size."""

    size: float
    at_end: bool


def clearest_rise(
    n: Float[np.ndarray, " measurement"],
    log_error: Float[np.ndarray, " measurement"],
    known: Float[np.ndarray, " measurement"],
) -> Rise | None:
    """The rise of a curve, ``n`` ascending, that exceeds its noise the most; None where noise explains all of them.

    ``known`` is the sd of each log error that is known beforehand, which counts where runs were not repeated. A rise is
    ``at_end`` where at least half of it is left at the largest size.
    """
    found = reduced(n, log_error)
    if len(found.x) < 2 or best_so_far(found.y) <= LEAST_RISE:
        return None
    variance, spare = noise_of(found, known)
    widths = [2**k for k in range(8) if 2 ** (k + 1) <= len(found.x)] if len(found.x) >= MANY_SIZES else [1]
    pairs = sum((len(found.x) - 2 * w + 1) * (len(found.x) - 2 * w + 2) // 2 for w in widths)
    beyond = sds_of(BY_CHANCE / pairs, spare)
    rises = [_clearest(found, variance, width, beyond) for width in widths]
    size, last = (max(found)[1] for found in zip(*rises, strict=True))
    return Rise(size, last >= 0.5 * size) if size else None


def best_so_far(y: Sizes) -> float:
    """The largest rise above the best at smaller sizes, noise and all."""
    return float(np.max(y - np.minimum.accumulate(y)))


def noise_of(found: Reduced, known: Float[np.ndarray, " measurement"]) -> tuple[Sizes, float]:
    """Variance of the mean at each size, and how many measurements tell it (infinite where it is taken as known).

    Of the scatter of repeats the median over sizes counts, so that one failed run does not pass for noise.
    """
    spare = found.repeats - 1.0
    if spare.sum() >= FEW_REPEATS:
        more = spare > 0
        typical = usual_variance(found.within[more] / spare[more], spare[more])
        return typical / found.repeats, float(spare.sum())
    given = np.bincount(found.which, known**2) / np.bincount(found.which)
    if len(found.x) < MANY_SIZES:
        return given / found.repeats, np.inf
    return np.maximum(given, around_neighbours(found.x, found.y) ** 2) / found.repeats, len(found.x) - 2.0


def usual_variance(variances: Sizes, spare: Sizes) -> float:
    """The median of sample variances, as a mean would have it: each over the median of its chi-square.

    ``spare`` are its degrees of freedom (Wilson & Hilferty 1931).
    """
    return float(np.median(variances / (1.0 - 2.0 / (9.0 * spare)) ** 3))


def around_neighbours(x: Sizes, y: Sizes) -> float:
    """Sd of one ``y``: 1.48 x the median distance from the line through a size's two neighbours, scaled to one point.

    NaN below three sizes.
    """
    weight = (x[1:-1] - x[:-2]) / (x[2:] - x[:-2])
    residual = y[1:-1] - (1 - weight) * y[:-2] - weight * y[2:]
    scaled = np.abs(residual) / np.sqrt(1 + (1 - weight) ** 2 + weight**2)
    return 1.48 * float(np.median(scaled)) if len(scaled) else np.nan


def sds_of(chance: float, spare: float) -> float:
    """The quantile that a normal error exceeds with this chance, in sds; ``spare`` degrees of freedom (Student's t)."""
    from scipy.special import ndtri, stdtrit

    return float(-(ndtri(chance) if np.isinf(spare) else stdtrit(spare, chance)))


def _clearest(found: Reduced, variance: Sizes, width: int, beyond: float) -> list[tuple[float, float]]:
    """Of means of ``width`` sizes the rise that most exceeds its noise, then the same of rises to the last of them.

    Each as so many sds and its size; zeros where none counts.
    """
    windows = np.lib.stride_tricks.sliding_window_view
    share = windows(found.repeats, width) / windows(found.repeats, width).sum(1, keepdims=True)
    mean, square = (share * windows(found.y, width)).sum(1), (share**2 * windows(variance, width)).sum(1)
    rise = mean - mean[:, None]  # [before, after]
    sds = rise / np.sqrt(np.maximum(square + square[:, None], TINY))
    counts = np.triu(np.ones(rise.shape, dtype=bool), width) & (rise > LEAST_RISE) & (sds > beyond)
    sds = np.where(counts, sds, 0.0)
    best = [np.unravel_index(np.argmax(sds), sds.shape), (np.argmax(sds[:, -1]), -1)]
    return [(float(sds[at]), float(rise[at]) if sds[at] else 0.0) for at in best]
