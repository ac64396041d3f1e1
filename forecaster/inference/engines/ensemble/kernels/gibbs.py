"""Exact conditional draws: levels given the rest of a curve, hyper-parameters given the curves.

A curve's values are normal around the group's centres: ``values ~ Normal(centre, spread)``, of whose eight spreads the
first two (``domains.LEARNED``) are learned and the others fixed by the card. Its likelihood is normal in the level,
``exp(log_z) Normal(level; mean, variance)`` (:class:`~forecaster.model.density.LevelLikelihood`).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from forecaster.domains.quantities import LEARNED
from forecaster.inference.engines.ensemble import settings
from forecaster.inference.engines.ensemble.batch import Batch
from forecaster.model.density import LevelLikelihood

SPREADS = len(LEARNED)  # learned: those of the first quantities; their logarithms are the last hyper-parameters


def level_given(
    integrated: LevelLikelihood, mean: Float[np.ndarray, "curve _"], precision: Float[np.ndarray, "curve _"]
) -> tuple[Float[np.ndarray, "curve n"], Float[np.ndarray, "curve n"]]:
    """Mean and precision of levels given the rest of a curve; ``mean`` and ``precision`` are the level's prior."""
    found, variance = np.asarray(integrated.mean), np.asarray(integrated.variance)
    total = 1.0 / variance + precision
    return (found / variance + mean * precision) / total, total


def draw_level(
    rng: np.random.Generator,
    integrated: LevelLikelihood,
    mean: Float[np.ndarray, "curve _"],
    precision: Float[np.ndarray, "curve _"],
) -> Float[np.ndarray, "curve n"]:
    """Levels from :func:`level_given`."""
    middle, total = level_given(integrated, mean, precision)
    return middle + rng.standard_normal(middle.shape) / np.sqrt(total)


def without_level(
    integrated: LevelLikelihood, mean: Float[np.ndarray, "curve _"], variance: Float[np.ndarray, "curve _"]
) -> Float[np.ndarray, "curve n"]:
    """Log likelihood, up to a constant, with the level integrated over its normal prior."""
    total = np.asarray(integrated.variance) + variance
    return np.asarray(integrated.log_z) - 0.5 * (np.log(total) + (np.asarray(integrated.mean) - mean) ** 2 / total)


def log_given(
    hyper: Float[np.ndarray, "curve walker 10"],
    batch: Batch,
    values: Float[np.ndarray, "curve walker 7"],
    integrated: LevelLikelihood,
) -> Float[np.ndarray, "curve walker"]:
    """Log posterior of curves given hyper-parameters, up to a constant, levels integrated out."""
    fixed = np.log(batch.spread_fixed)[batch.owner][:, None]
    log_spread = np.concatenate([hyper[..., -1:], np.broadcast_to(fixed, (*hyper.shape[:2], fixed.shape[-1]))], -1)
    prior = -0.5 * (((values - hyper[..., 1:-2]) * np.exp(-log_spread)) ** 2).sum(-1)
    return prior + without_level(integrated, hyper[..., 0], np.exp(2.0 * hyper[..., -2]))


def draw_hyper(
    rng: np.random.Generator,
    batch: Batch,
    hyper: Float[np.ndarray, "group walker 10"],
    values: Float[np.ndarray, "curve walker 8"],
) -> Float[np.ndarray, "group walker 10"]:
    """Move hyper-parameters given the curves by ``settings.GIBBS_SWEEPS``, which evaluate no likelihood.

    Given the spreads, centres are exactly normal. The two learned log spreads take a Metropolis step each, in turn with
    their centres; the centres of the other quantities are drawn once.
    """
    count = np.bincount(batch.owner)[:, None, None].astype(float)
    total, squares = (batch.reduce(np.add, a) for a in (values, values[..., :SPREADS] ** 2))
    mean, precision = batch.mean[:, None], 1.0 / batch.sd[:, None] ** 2
    learned, others, spreads = slice(SPREADS), slice(SPREADS, values.shape[-1]), slice(values.shape[-1], None)

    def draw_centre(at: slice, inverse: np.ndarray) -> np.ndarray:
        """Draw the centres of the quantities ``at``, whose squared spreads have this inverse."""
        given = precision[..., at] + count * inverse
        middle = (mean[..., at] * precision[..., at] + total[..., at] * inverse) / given
        return middle + rng.standard_normal(middle.shape) / np.sqrt(given)

    def log_density(log_spread: np.ndarray, inverse: np.ndarray, around: np.ndarray) -> np.ndarray:
        prior = -0.5 * precision[..., spreads] * (log_spread - mean[..., spreads]) ** 2
        return prior - count * log_spread - 0.5 * around * inverse

    log_spread = hyper[..., spreads]
    inverse = np.exp(-2.0 * log_spread)
    centre = hyper[..., learned]
    scale = settings.SPREAD_STEP / np.sqrt(precision[..., spreads] + 2.0 * count)  # Laplace: 2 count is the curvature
    for _ in range(settings.GIBBS_SWEEPS):
        centre = draw_centre(learned, inverse)
        around = squares - centre * (2.0 * total[..., learned] - count * centre)  # sum of squares around the centre
        tried = log_spread + scale * rng.standard_normal(log_spread.shape)
        inverse_tried = np.exp(-2.0 * tried)
        gain = log_density(tried, inverse_tried, around) - log_density(log_spread, inverse, around)
        accepted = np.log(rng.random(gain.shape)) < gain
        log_spread, inverse = np.where(accepted, tried, log_spread), np.where(accepted, inverse_tried, inverse)
    return np.concatenate([centre, draw_centre(others, 1.0 / batch.spread_fixed[:, None] ** 2), log_spread], -1)
