"""What is known in closed form of hyper-parameters and of curves, given the rest: the exact steps of Gibbs sampling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from forecaster.domains.quantities import CENTRES
from forecaster.inference.engines import clouds
from forecaster.inference.engines.clouds import SPREADS
from forecaster.inference.engines.likelihoods import Batch, summed
from forecaster.model.density import LevelLikelihood

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


class Prior(NamedTuple):
    """Of the hyper-parameters: mean and sd [..., 10], and the curves' spreads that are fixed [..., 6]."""

    mean: Array
    sd: Array
    spread_fixed: Array


class Chance(NamedTuple):
    """What :func:`given_curves` leaves to chance."""

    step: Array  # [refresh, ..., 2] standard normals
    least: Array  # [refresh, ..., 2] uniforms
    learned: Array  # [refresh, ..., 2] standard normals
    others: Array  # [..., 6] standard normals

    @classmethod
    def drawn(cls, rng: np.random.Generator, shape: tuple[int, ...], kind: type = float) -> Chance:
        """Of hyper-parameters [*shape, 10], as ``kind`` of numbers."""
        spreads = (REFRESHES, *shape, SPREADS)
        step, least = rng.standard_normal(spreads, dtype=kind), rng.random(spreads, dtype=kind)
        learned = rng.standard_normal(spreads, dtype=kind)
        return cls(step, least, learned, rng.standard_normal((*shape, len(CENTRES) - SPREADS), dtype=kind))


def in_turn(step: Callable[[Any, Any], tuple[Any, None]], carry: Any, each: tuple[Array, ...]) -> tuple[Any, None]:
    """``jax.lax.scan`` of a step without output, in Python."""
    for given in zip(*each, strict=True):
        carry, _ = step(carry, given)
    return carry, None


def given_curves(
    xp: Any,
    prior: Prior,
    count: Array,
    hyper: Array,
    total: Array,
    squares: Array,
    chance: Chance,
    scan: Callable[..., Any] = in_turn,
) -> Array:
    """Hyper-parameters [..., 10] moved given their ``count`` curves, in the arrays of the library ``xp``.

    ``total`` [..., 8] are sums of the curves' values, ``squares`` [..., 2] of the squares of the first. Centres given
    spreads are exactly normal; the two learned spreads take a Metropolis step each, in turn with their centres. The
    other centres need one draw.
    """
    precision = 1.0 / prior.sd**2
    learned, others = slice(SPREADS), slice(SPREADS, total.shape[-1])

    def fresh_centre(inverse: Array, at: slice, normal: Array) -> Array:
        """Of the quantities ``at``, given the inverse square of their spreads."""
        given = precision[..., at] + count * inverse
        middle = (prior.mean[..., at] * precision[..., at] + total[..., at] * inverse) / given
        return middle + normal / xp.sqrt(given)

    def log_density(log_spread: Array, inverse: Array, around: Array) -> Array:
        of_prior = -0.5 * precision[..., -SPREADS:] * (log_spread - prior.mean[..., -SPREADS:]) ** 2
        return of_prior - count * log_spread - 0.5 * around * inverse

    def refresh(now: tuple[Array, ...], given: tuple[Array, ...]) -> tuple[tuple[Array, ...], None]:
        (_, log_spread, inverse), (step, least, normal) = now, given
        centre = fresh_centre(inverse, learned, normal)
        around = squares - centre * (2.0 * total[..., learned] - count * centre)
        tried = log_spread + step
        inverse_tried = xp.exp(-2.0 * tried)
        takes = least < log_density(tried, inverse_tried, around) - log_density(log_spread, inverse, around)
        return (centre, xp.where(takes, tried, log_spread), xp.where(takes, inverse_tried, inverse)), None

    log_spread = hyper[..., -SPREADS:]
    steps = 1.5 / xp.sqrt(precision[..., -SPREADS:] + 2.0 * count) * chance.step
    begin = (hyper[..., learned], log_spread, xp.exp(-2.0 * log_spread))
    (centre, log_spread, _), _ = scan(refresh, begin, (steps, xp.log(chance.least), chance.learned))
    rest = fresh_centre(1.0 / prior.spread_fixed**2, others, chance.others)
    return xp.concatenate([centre, rest, log_spread], -1)


def refreshed(rng: np.random.Generator, batch: Batch, hyper: Array, values: Array) -> Array:
    """Move each draw's hyper-parameters [group, draw, 10] given its curves, ``values`` [curve, draw, 8]."""
    count = np.bincount(batch.owner)[:, None, None].astype(float)
    total, squares = (summed(batch, a) for a in (values, values[..., :SPREADS] ** 2))
    prior = Prior(batch.mean[:, None], batch.sd[:, None], batch.spread_fixed[:, None])
    return given_curves(np, prior, count, hyper, total, squares, Chance.drawn(rng, hyper.shape[:2]))
