"""What is known in closed form of hyper-parameters and of curves, given the rest: the exact steps of Gibbs sampling."""

from __future__ import annotations

from typing import Any

import numpy as np

from forecaster.density import LevelLikelihood
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


REFRESHES = 10  # Gibbs sweeps over the hyper-parameters given the curves, which cost no likelihood


def refreshed(rng: np.random.Generator, batch: Batch, hyper: Array, values: Array) -> Array:
    """Move each draw's hyper-parameters given its curves: [group, draw, 10]; resampling had left copies.

    Centres given spreads are exactly normal; the two learned spreads take a Metropolis step each. ``values`` is
    [curve, draw, 8].
    """
    count = np.bincount(batch.owner)[:, None, None].astype(float)
    total, squares = (summed(batch, a) for a in (values, values[..., :2] ** 2))
    mean, sd = batch.mean[:, None], batch.sd[:, None]
    fixed = np.broadcast_to(batch.spread_fixed[:, None], (*hyper.shape[:2], batch.spread_fixed.shape[1]))

    def log_spread_density(log_spread: Array, centre: Array) -> Array:
        around = squares - 2.0 * centre[..., :2] * total[..., :2] + count * centre[..., :2] ** 2
        prior = -0.5 * ((log_spread - mean[..., -2:]) / sd[..., -2:]) ** 2
        return prior - count * log_spread - 0.5 * around * np.exp(-2.0 * log_spread)

    log_spread = hyper[..., -2:]
    centre = hyper[..., :-2]
    wide = 1.5 / np.sqrt(1.0 / sd[..., -2:] ** 2 + 2.0 * count)
    for _ in range(REFRESHES):
        spread = np.concatenate([np.exp(log_spread), fixed], -1)
        precision = 1.0 / sd[..., :-2] ** 2 + count / spread**2
        middle = (mean[..., :-2] / sd[..., :-2] ** 2 + total / spread**2) / precision
        centre = middle + rng.standard_normal(middle.shape) / np.sqrt(precision)
        proposed = log_spread + wide * rng.standard_normal(log_spread.shape)
        gain = log_spread_density(proposed, centre) - log_spread_density(log_spread, centre)
        log_spread = np.where(np.log(rng.random(gain.shape)) < gain, proposed, log_spread)
    return np.concatenate([centre, log_spread], -1)
