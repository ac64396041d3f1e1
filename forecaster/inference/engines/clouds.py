"""Clouds of weighted particles, one a curve, and how hyper-parameters see them.

Given the hyper-parameters a curve's prior is normal, so that a particle's weight under any of them is a product of
factors with features of the particle: all weights of a cloud under many hyper-parameters are one matrix product, in
single precision, and no likelihood is evaluated again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from forecaster.domains.quantities import LEARNED
from forecaster.inference.engines import mixtures, programs
from forecaster.inference.engines.likelihoods import Batch, Likelihood
from forecaster.inference.engines.mixtures import Mixture
from forecaster.model.density import LevelLikelihood

Array = Any  # a NumPy array, or a JAX array inside a compiled function; docstrings name its axes
CELL = 64  # particles whose weights are first summed together; numbers of particles are multiples of it


class Units(NamedTuple):
    """The pooled prior of a curve's values, [curve, 8]: proposals are standard normal in its units."""

    mean: Array
    sd: Array

    def of(self, curves: Array) -> Units:
        """Those of some curves."""
        return Units(self.mean[curves], self.sd[curves])


class Cloud(NamedTuple):
    """Particles of each curve, in the units of ``units``, and log (likelihood / proposal)."""

    units: Units
    values: Array  # [curve, particle, 8]
    log_weight: Array  # [curve, particle]
    integrated: LevelLikelihood  # [curve, particle] each: the likelihood of the rest, and of the level


def cloud_of(
    rng: np.random.Generator,
    mixture: Mixture,
    units: Units,
    likelihood: Likelihood,
    n: int,
) -> Cloud:
    """Fresh particles of every curve."""
    points, log_q = mixtures.sample(rng, mixture, n)
    return cloud_at(rng, units, points, log_q, likelihood(plain(units, points)))


def plain(units: Units, points: Array) -> Array:
    """Values [curve, particle, 7] of ``points``, which are in the units of ``units``."""
    return units.mean[:, None, 1:] + units.sd[:, None, 1:] * points


def cloud_at(rng: np.random.Generator, units: Units, points: Array, log_q: Array, integrated: LevelLikelihood) -> Cloud:
    """Particles at ``points`` [curve, particle, 7] drawn with log density ``log_q``, each with a level."""
    level = fresh_level(rng, *level_given(integrated, units.mean[:, :1], units.sd[:, :1] ** -2))
    standard = (level - units.mean[:, :1]) / units.sd[:, :1]
    values = np.concatenate([standard[..., None], points], -1)
    return Cloud(units, values, log_weight_of(level, units, integrated, log_q), integrated)


def level_given(integrated: LevelLikelihood, mean: Array, precision: Array) -> tuple[Array, Array]:
    """Mean and precision [curve, particle] of the levels that come with the rest of a curve's values.

    ``mean`` and ``precision`` are those of the level's prior.
    """
    total = 1.0 / integrated.variance + precision
    return (integrated.mean / integrated.variance + mean * precision) / total, total


def fresh_level(rng: np.random.Generator, middle: Array, precision: Array) -> Array:
    """Levels [curve, particle] of this mean and precision."""
    return middle + rng.standard_normal(middle.shape) / np.sqrt(precision)


def without_level(integrated: LevelLikelihood, mean: Array, variance: Array, xp: Any = np) -> Array:
    """Log likelihood [curve, particle], up to a constant, with the level integrated over its normal prior."""
    total = integrated.variance + variance
    return integrated.log_z - 0.5 * (xp.log(total) + (integrated.mean - mean) ** 2 / total)


def log_weight_of(level: Array, units: Units, integrated: LevelLikelihood, log_q: Array) -> Array:
    """Log (likelihood / proposal) [curve, particle], up to a constant, where ``log_q`` is that of all but the level."""
    middle, precision = level_given(integrated, units.mean[:, :1], units.sd[:, :1] ** -2)
    log_q_level = 0.5 * (np.log(precision) - precision * (level - middle) ** 2)
    log_like = -0.5 * (np.log(integrated.variance) + (level - integrated.mean) ** 2 / integrated.variance)
    return np.nan_to_num(integrated.log_z + log_like - log_q_level - log_q, nan=-1e30, neginf=-1e30, posinf=-1e30)


SPREADS = len(LEARNED)  # that are learned: those of the first quantities, last among the hyper-parameters


def _fixed_precision(batch: Batch, units: Units) -> Array:
    """Of the curves' prior in these ``units``, where the card fixes its spreads: [curve, 6]."""
    return (units.sd[:, SPREADS:] / batch.spread_fixed[batch.owner]) ** 2


def of_fixed_spreads(values: Array, batch: Batch, units: Units) -> Array:
    """What squares of ``values`` [curve, particle, 8] add to a log weight whatever the hyper-parameters.

    Most spreads are fixed, and only what hyper-parameters change has to be told apart by them. [curve, particle]
    """
    return -0.5 * np.einsum("cpq,cq->cp", values[..., SPREADS:] ** 2, _fixed_precision(batch, units))


def features_of(values: Array) -> Array:
    """What the curves' prior depends on: [curve, particle, 10] of ``values`` [curve, particle, 8], which come last.

    Before them the squares of those whose spreads are learned. In a cloud's own units all are of order one, and errors
    of 1e-6 in a log weight are far below its noise: single precision serves.
    """
    return np.concatenate([values[..., :SPREADS] ** 2, values], -1)


def coefficients_of(hyper: Array, batch: Batch, units: Units) -> tuple[Array, Array]:
    """The curves' normal prior under ``hyper`` [group, k, 10] as a product with the features of :class:`Clouds`.

    Factors [curve, k, 11] in single precision and constants [curve, k].
    """
    owner = batch.owner
    centre = (hyper[..., :-SPREADS][owner] - units.mean[:, None]) / units.sd[:, None]
    precision = np.empty_like(centre)
    precision[..., :SPREADS] = np.exp(-2.0 * hyper[..., -SPREADS:])[owner] * units.sd[:, None, :SPREADS] ** 2
    precision[..., SPREADS:] = _fixed_precision(batch, units)[:, None]
    towards = precision * centre
    log_spread = np.log(batch.spread_fixed).sum(-1)[owner] - np.log(units.sd).sum(-1)
    log_spread = hyper[..., -SPREADS:].sum(-1)[owner] + log_spread[:, None]
    constant = -(0.5 * np.einsum("ckq,ckq->ck", towards, centre) + log_spread)
    ones = np.ones((*constant.shape, 1))
    return np.concatenate([-0.5 * precision[..., :SPREADS], towards, ones], -1, dtype=np.float32), constant


class Seen(NamedTuple):
    """The curves' clouds as each of some hyper-parameters sees them."""

    factors: Array  # [curve, k, 11] of the particles' features
    peak: Array  # [curve, k] log of the largest weight
    cells: Array  # [curve, k, cell] weights over the largest, summed over CELL particles
    constant: Array  # [curve, k] what the sum of weights lacks

    def of(self, some: slice) -> Seen:
        """By some of them."""
        return Seen(*(a[:, some] for a in self))

    def log_sum(self) -> Array:
        """Of weights without the constant, [curve, k]."""
        return self.peak + np.log(self.cells.sum(-1))


ROWS = 1024  # hyper-parameters that one call serves at the most: of more, the weights do not fit a processor's cache
UP_TO = np.triu(np.ones((CELL, CELL), np.float32))  # a product with it is faster than NumPy's cumsum


def _weighed(factors: Array, features: Array) -> tuple[Array, Array]:
    """``peak`` and ``cells`` of one curve's :class:`Seen`."""
    weights = factors @ features
    peak = weights.max(1)
    # Powers of two and sums by a product take a third of the time of other ways to say this.
    weights = jnp.exp2(np.float32(1.0 / np.log(2.0)) * (weights - peak[:, None]))
    return peak, (weights.reshape(-1, CELL) @ jnp.ones((CELL,), weights.dtype)).reshape(len(factors), -1)


@functools.cache
def program() -> Callable[[Array, Array], tuple[Array, Array]]:
    """The compiled weighing of one curve's cloud: a third of the time that NumPy takes."""
    return programs.compiled(_weighed, (0, 0))


class Clouds(NamedTuple):
    """Clouds of all curves, as a sweep needs them."""

    cloud: Cloud
    features: Array  # [curve, 11, particle]: those of features_of, and the log weight over the curve's largest
    top: Array  # [curve] that largest log weight, fixed spreads in it

    @classmethod
    def of(cls, cloud: Cloud, batch: Batch) -> Clouds:
        log_weight = cloud.log_weight + of_fixed_spreads(cloud.values, batch, cloud.units)
        top = log_weight.max(1)
        whole = (features_of(cloud.values), (log_weight - top[:, None])[..., None])
        return cls(cloud, np.concatenate(whole, -1, dtype=np.float32).swapaxes(1, 2).copy(), top)

    def seen(self, factors: Array, constant: Array, pool: Executor, curves: Array | None = None) -> Seen:
        """By hyper-parameters of these ``factors`` and ``constant``, which are of all curves or of ``curves`` alone."""

        def of_curve(curve: int, theirs: Array) -> tuple[Array, Array]:
            with jax.enable_x64(False):  # a setting of the thread
                blocks = np.split(theirs, range(ROWS, len(theirs), ROWS))
                found = [program()(block, self.features[curve]) for block in blocks]
            peak, cells = (np.concatenate(a) for a in zip(*found, strict=True))
            return peak, cells

        found = pool.map(of_curve, range(len(self.top)) if curves is None else curves, factors)
        peak, cells = (np.stack(a) for a in zip(*found, strict=True))
        return Seen(factors, peak, cells, constant)

    def pick(self, seen: Seen, log_own: Array | None, uniform: Array, pool: Executor) -> Array:
        """[curve, k]: for each way to see each cloud a particle, or -1 for the walker's own.

        First its cell, then inside it, by ``uniform`` [curve, 2, k].
        """
        upto = np.cumsum(seen.cells, -1, dtype=float)
        own = 0.0 if log_own is None else np.exp(np.minimum(log_own - seen.peak, 300.0))
        wanted = uniform[:, 0] * (upto[..., -1] + own)
        cell = (upto < wanted[..., None]).sum(-1)  # as many as there are where it is their own

        def of_curve(curve: int) -> Array:
            found = np.full(len(cell[curve]), -1)
            moves = np.flatnonzero(cell[curve] < upto.shape[-1])
            at = cell[curve, moves]
            cells = np.ascontiguousarray(self.features[curve].reshape(-1, upto.shape[-1], CELL).swapaxes(0, 1))
            weights = (seen.factors[curve, moves, None] @ cells.take(at, 0))[:, 0] - seen.peak[curve, moves, None]
            inside = np.exp(weights) @ UP_TO
            before = (inside < (uniform[curve, 1, moves] * inside[:, -1])[:, None]).sum(1)
            found[moves] = at * CELL + np.minimum(before, CELL - 1)
            return found

        return np.stack(list(pool.map(of_curve, range(len(cell)))))
