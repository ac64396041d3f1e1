"""What is known in closed form of hyper-parameters and of curves, given the rest: the exact steps of Gibbs sampling."""

from __future__ import annotations

from typing import Any

import numpy as np

from forecaster.density import LevelLikelihood
from forecaster.domains import LEARNED
from forecaster.engines import clouds
from forecaster.engines.likelihoods import Batch, summed

Array = Any  # a NumPy array; docstrings name its axes


def log_given(hyper: Array, batch: Batch, values: Array, integrated: LevelLikelihood) -> Array:
    """Log posterior [curve, walker] of ``values`` [curve, walker, 7] given ``hyper``, levels integrated out."""
    fixed = np.log(batch.spread_fixed)[batch.owner][:, None]
    log_spread = np.concatenate([hyper[..., -1:], np.broadcast_to(fixed, (*hyper.shape[:2], fixed.shape[-1]))], -1)
    prior = -0.5 * (((values - hyper[..., 1:-2]) * np.exp(-log_spread)) ** 2).sum(-1)
    return prior + clouds.without_level(integrated, hyper[..., 0], np.exp(2.0 * hyper[..., -2]))


def fresh_level(rng: np.random.Generator, hyper: Array, integrated: LevelLikelihood) -> Array:
    """Levels [curve, walker] given hyper-parameters [curve, walker, 10] and the rest."""
    return clouds.fresh_level(rng, *clouds.level_given(integrated, hyper[..., 0], np.exp(-2.0 * hyper[..., -2])))


SPREADS = len(LEARNED)  # that are learned: those of the first quantities, last among the hyper-parameters
REFRESHES = 10  # Gibbs sweeps over the hyper-parameters given the curves, which cost no likelihood


def refreshed(rng: np.random.Generator, batch: Batch, hyper: Array, values: Array) -> Array:
    """Move each draw's hyper-parameters given its curves: [group, draw, 10]; resampling had left copies.

    Centres given spreads are exactly normal; the two learned spreads take a Metropolis step each, in turn with their
    centres. The other centres need one draw. ``values`` is [curve, draw, 8].
    """
    count = np.bincount(batch.owner)[:, None, None].astype(float)
    total, squares = (summed(batch, a) for a in (values, values[..., :SPREADS] ** 2))
    mean, sd = batch.mean[:, None], batch.sd[:, None]
    precision = 1.0 / sd**2

    def fresh_centre(inverse: Array, at: slice) -> Array:
        """Of the quantities ``at``, given the inverse square of their spreads."""
        given = precision[..., at] + count * inverse
        middle = (mean[..., at] * precision[..., at] + total[..., at] * inverse) / given
        return middle + rng.standard_normal(middle.shape) / np.sqrt(given)

    def log_spread_density(log_spread: Array, inverse: Array, around: Array) -> Array:
        prior = -0.5 * precision[..., -SPREADS:] * (log_spread - mean[..., -SPREADS:]) ** 2
        return prior - count * log_spread - 0.5 * around * inverse

    learned, others = slice(SPREADS), slice(SPREADS, values.shape[-1])
    log_spread = hyper[..., -SPREADS:]
    centre, inverse = hyper[..., learned], np.exp(-2.0 * log_spread)
    wide = 1.5 / np.sqrt(precision[..., -SPREADS:] + 2.0 * count)
    steps = wide * rng.standard_normal((REFRESHES, *log_spread.shape))
    least = np.log(rng.random(steps.shape))
    for step, gain in zip(steps, least, strict=True):
        centre = fresh_centre(inverse, learned)
        around = squares - centre * (2.0 * total[..., learned] - count * centre)
        tried = log_spread + step
        inverse_tried = np.exp(-2.0 * tried)
        takes = gain < log_spread_density(tried, inverse_tried, around) - log_spread_density(
            log_spread, inverse, around
        )
        log_spread, inverse = np.where(takes, tried, log_spread), np.where(takes, inverse_tried, inverse)
    rest = fresh_centre(1.0 / batch.spread_fixed[:, None] ** 2, others)
    return np.concatenate([centre, rest, log_spread], -1)
