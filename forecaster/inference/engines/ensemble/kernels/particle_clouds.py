"""Importance-weighted particle sets ("clouds"), one per curve, and their weights given hyper-parameters.

Given the hyper-parameters a curve's prior is normal, so the log weight of a particle is a scalar product of factors
(of the hyper-parameters) and features (of the particle). All weights of a cloud for many hyper-parameters are one
matrix product in single precision, and no likelihood is evaluated again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import Executor
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Float32, Int

from forecaster.inference.engines.ensemble import compilation, settings
from forecaster.inference.engines.ensemble.batch import Batch
from forecaster.inference.engines.ensemble.kernels import gibbs
from forecaster.inference.engines.ensemble.kernels.gibbs import SPREADS
from forecaster.inference.engines.ensemble.likelihood import Target
from forecaster.inference.engines.ensemble.settings import CELL
from forecaster.inference.importance import student_mixture
from forecaster.inference.importance.student_mixture import Mixture
from forecaster.model.density import LevelLikelihood


class Units(NamedTuple):
    """The pooled prior of a curve's values: proposals are standard normal in its units."""

    mean: Float[np.ndarray, "curve 8"]
    sd: Float[np.ndarray, "curve 8"]

    def standard(self, values: Float[np.ndarray, "curve n 8"]) -> Float[np.ndarray, "curve n 8"]:
        """``values`` in these units."""
        return (values - self.mean[:, None]) / self.sd[:, None]

    def local(self, points: Float[np.ndarray, "curve n 7"]) -> Float[np.ndarray, "curve n 7"]:
        """Values without the level of ``points`` in these units."""
        return self.mean[:, None, 1:] + self.sd[:, None, 1:] * points


class Cloud(NamedTuple):
    """Particles of each curve, prepared for weighting by hyper-parameters."""

    units: Units
    values: Float[np.ndarray, "curve particle 8"]  # in these units
    integrated: LevelLikelihood  # [curve, particle] each
    features: Float32[np.ndarray, "curve 11 particle"]  # those of `features_of`, and log weight relative to `top`
    top: Float[np.ndarray, " curve"]  # largest log weight of each curve's particles

    @classmethod
    def of(
        cls,
        rng: np.random.Generator,
        batch: Batch,
        units: Units,
        points: Float[np.ndarray, "curve particle 7"],
        log_q: Float[np.ndarray, "curve particle"],
        integrated: LevelLikelihood,
    ) -> Cloud:
        """Particles at ``points``, drawn with log density ``log_q``, each with a level drawn given the rest."""
        level = gibbs.draw_level(rng, integrated, units.mean[:, :1], units.sd[:, :1] ** -2)
        standard = (level - units.mean[:, :1]) / units.sd[:, :1]
        values = np.concatenate([standard[..., None], points], -1)
        log_weight = log_weight_of(values, batch, units, integrated, log_q)
        top = log_weight.max(1)
        whole = (features_of(values), (log_weight - top[:, None])[..., None])
        features = np.concatenate(whole, -1, dtype=np.float32).swapaxes(1, 2).copy()
        return cls(units, values, integrated, features, top)

    @classmethod
    def drawn(cls, rng: np.random.Generator, target: Target, units: Units, proposals: Mixture, n: int) -> Cloud:
        """New particles of every curve."""
        points, log_q = student_mixture.sample(rng, proposals, n)
        return cls.of(rng, target.batch, units, points, log_q, target.log_likelihood(units.local(points)))

    def weighed(
        self,
        factors: Float32[np.ndarray, "row hyper 11"],
        constant: Float[np.ndarray, "row hyper"],
        pool: Executor,
        curves: Int[np.ndarray, " row"] | None = None,
    ) -> Weights:
        """Weights given hyper-parameters with these :func:`factors_of`, for ``curves`` (default: all)."""

        def weigh(curve: int, factors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            with jax.enable_x64(False):  # a setting of the thread
                blocks = np.split(factors, range(settings.CALL_HYPERS, len(factors), settings.CALL_HYPERS))
                found = [program()(block, self.features[curve]) for block in blocks]
            peak, cells = (np.concatenate(a) for a in zip(*found, strict=True))
            return peak, cells

        found = pool.map(weigh, range(len(self.top)) if curves is None else curves.tolist(), factors)
        peak, cells = (np.stack(a) for a in zip(*found, strict=True))
        return Weights(factors, peak, cells, constant)

    def pick(
        self,
        weights: Weights,
        log_own: Float[np.ndarray, "curve k"] | None,
        uniform: Float[np.ndarray, "curve 2 k"],
        pool: Executor,
    ) -> Int[np.ndarray, "curve k"]:
        """A particle drawn by weight for each set of weights; -1: the walker's current one, of log weight ``log_own``.

        First a cell is drawn, then a particle inside it, so single weights are needed only there.
        """
        upto = np.cumsum(weights.cells, -1, dtype=float)
        own = 0.0 if log_own is None else np.exp(np.minimum(log_own - weights.peak, 300.0))  # no overflow
        wanted = uniform[:, 0] * (upto[..., -1] + own)
        cell = (upto < wanted[..., None]).sum(-1)  # beyond the last cell: the current one

        def inside(curve: int) -> np.ndarray:
            found = np.full(len(cell[curve]), -1)
            moves = np.flatnonzero(cell[curve] < upto.shape[-1])
            at = cell[curve, moves]
            cells = np.ascontiguousarray(self.features[curve].reshape(-1, upto.shape[-1], CELL).swapaxes(0, 1))
            log_weight = (weights.factors[curve, moves, None] @ cells.take(at, 0))[:, 0]
            sums = np.exp(log_weight - weights.peak[curve, moves, None]) @ UP_TO
            before = (sums < (uniform[curve, 1, moves] * sums[:, -1])[:, None]).sum(1)
            found[moves] = at * CELL + np.minimum(before, CELL - 1)
            return found

        return np.stack(list(pool.map(inside, range(len(cell)))))

    def at(
        self, picked: Int[np.ndarray, "curve walker"]
    ) -> tuple[Float[np.ndarray, "curve walker 8"], LevelLikelihood]:
        """Values and likelihoods of the particles ``picked``."""
        values = np.take_along_axis(self.values, picked[..., None], 1)
        values = self.units.mean[:, None] + self.units.sd[:, None] * values
        return values, LevelLikelihood(*(np.take_along_axis(a, picked, 1) for a in self.integrated))


class Weights(NamedTuple):
    """The weights of the curves' particles given some hyper-parameters."""

    factors: Float32[np.ndarray, "curve hyper 11"]  # of the particles' features
    peak: Float[np.ndarray, "curve hyper"]  # log of the largest weight
    cells: Float[np.ndarray, "curve hyper cell"]  # weights over the largest, summed over CELL particles
    constant: Float[np.ndarray, "curve hyper"]  # constant of the log weights

    def of(self, some: slice) -> Weights:
        """The weights given some of them."""
        return Weights(*(a[:, some] for a in self))

    def log_sum(self) -> Float[np.ndarray, "curve hyper"]:
        """Of the weights, without the constant."""
        return self.peak + np.log(self.cells.sum(-1))


UP_TO = np.triu(np.ones((CELL, CELL), np.float32))  # a product with it is faster than NumPy's cumsum


def _weighed(
    factors: Float[jax.Array, "hyper 11"], features: Float[jax.Array, "11 particle"]
) -> tuple[Float[jax.Array, " hyper"], Float[jax.Array, "hyper cell"]]:
    """``peak`` and ``cells`` of one curve's :class:`Weights`."""
    weights = factors @ features
    peak = weights.max(1)
    # Powers of two, and sums by a matrix product, take a third of the time of other formulations.
    weights = jnp.exp2(np.float32(1.0 / np.log(2.0)) * (weights - peak[:, None]))
    return peak, (weights.reshape(-1, CELL) @ jnp.ones((CELL,), weights.dtype)).reshape(len(factors), -1)


@functools.cache
def program() -> Callable[..., tuple[jax.Array, jax.Array]]:
    """The compiled weighing of one curve's particles: a third of the time that NumPy takes."""
    return compilation.compiled(_weighed)


def log_weight_of(
    values: Float[np.ndarray, "curve n 8"],
    batch: Batch,
    units: Units,
    integrated: LevelLikelihood,
    log_q: Float[np.ndarray, "curve n"],
) -> Float[np.ndarray, "curve n"]:
    """Log (likelihood / proposal), up to a constant, of ``values`` in these ``units``.

    ``log_q`` is the proposal's log density of all but the level, which is drawn given them. It includes the part
    of the prior that does not depend on hyper-parameters: the squares of values whose spreads are fixed.
    """
    level = units.mean[:, :1] + units.sd[:, :1] * values[..., 0]
    middle, precision = gibbs.level_given(integrated, units.mean[:, :1], units.sd[:, :1] ** -2)
    log_q_level = 0.5 * (np.log(precision) - precision * (level - middle) ** 2)
    log_like = -0.5 * (np.log(integrated.variance) + (level - integrated.mean) ** 2 / integrated.variance)
    found = np.nan_to_num(integrated.log_z + log_like - log_q_level - log_q, nan=-1e30, neginf=-1e30, posinf=-1e30)
    return found - 0.5 * np.einsum("cpq,cq->cp", values[..., SPREADS:] ** 2, _fixed_precision(batch, units))


def features_of(values: Float[np.ndarray, "curve n 8"]) -> Float[np.ndarray, "curve n 10"]:
    """What the curves' prior depends on: squares of values whose spreads are learned, and all values.

    In the units of the pooled prior all are of order one, and single precision errs by 1e-6 in a log weight.
    """
    return np.concatenate([values[..., :SPREADS] ** 2, values], -1)


def factors_of(
    hyper: Float[np.ndarray, "group k 10"], batch: Batch, units: Units
) -> tuple[Float32[np.ndarray, "curve k 11"], Float[np.ndarray, "curve k"]]:
    """The curves' normal prior under ``hyper`` as a product of these factors with :func:`features_of`, and constants.

    The last factor, one, is that of the particle's own log weight.
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


def _fixed_precision(batch: Batch, units: Units) -> Float[np.ndarray, "curve 6"]:
    """Of the curves' prior in these ``units``, where the card fixes its spreads."""
    return (units.sd[:, SPREADS:] / batch.spread_fixed[batch.owner]) ** 2
