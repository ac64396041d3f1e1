"""Proposals for the kernel: first by nested adaptive importance sampling, later fitted to the walkers.

A group's posterior is hyper-parameters (10) over curves (8 parameters each). Given the hyper-parameters the curves are
independent, so there are two small problems in place of a large one: a proposal for each curve under what the group's
prior leaves open, then one for the hyper-parameters, whose marginal likelihood is a sum over each curve's particles.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from forecaster.inference.engines.ensemble.batch import Batch
from forecaster.inference.engines.ensemble.kernels import gibbs
from forecaster.inference.engines.ensemble.kernels.particle_clouds import Cloud, Units, factors_of
from forecaster.inference.engines.ensemble.likelihood import Target
from forecaster.inference.engines.ensemble.settings import WIDER_PRIOR, Settings
from forecaster.inference.importance import student_mixture, tempering
from forecaster.inference.importance.student_mixture import Mixture
from forecaster.model.density import Local


class Proposals(NamedTuple):
    """Proposals for curves (values without level, in ``units``) and for groups (hyper-parameters in prior units)."""

    curves: Mixture
    units: Units
    hypers: Mixture

    def only(self, groups: Int[np.ndarray, " chosen"], curves: Int[np.ndarray, " their"]) -> Proposals:
        """The proposals of some groups and curves."""
        units = Units(self.units.mean[curves], self.units.sd[curves])
        return Proposals(self.curves.only(curves), units, self.hypers.only(groups))


def at_the_prior(batch: Batch, settings: Settings) -> Proposals:
    """The initial proposals."""
    return Proposals(
        student_mixture.prior_mixture(len(batch.owner), len(Local._fields), settings.components),
        pooled_prior(batch, batch.mean, batch.sd**2),
        student_mixture.prior_mixture(len(batch.mean), batch.mean.shape[1], settings.hyper_components),
    )


def pooled_prior(batch: Batch, mean: Float[np.ndarray, "group 10"], variance: Float[np.ndarray, "group 10"]) -> Units:
    """Of each curve's values, given moments of the hyper-parameters."""
    learned = np.exp(2.0 * mean[:, -2:] + 2.0 * variance[:, -2:])  # mean of the squared spread
    spread = np.concatenate([learned, batch.spread_fixed**2], -1)
    sd = WIDER_PRIOR * np.sqrt(variance[:, :-2] + spread)
    return Units(mean[:, :-2][batch.owner], sd[batch.owner])


def adapted(
    rng: np.random.Generator, target: Target, settings: Settings, pool: Executor
) -> tuple[Proposals, Int[np.ndarray, " curve"]]:
    """Adapted proposals for the curves, then for the groups given the curves' particles.

    Also returns the number of likelihood evaluations of each curve.
    """
    batch, n = target.batch, settings.adaptation_particles
    curves, units, hypers = at_the_prior(batch, settings)
    found = tempering.adapted(rng, curves, _curve_likelihood(target, units), n, settings.rounds)
    cloud = Cloud.drawn(rng, target, units, found.mixture, n)
    likelihood = hyper_likelihood(batch, cloud, pool)
    hypers, *_ = tempering.adapted(rng, hypers, likelihood, settings.adaptation_hypers, settings.rounds, settings.power)
    mean, variance = student_mixture.moments(hypers)
    new = pooled_prior(batch, batch.mean + batch.sd * mean, batch.sd**2 * variance)
    curves = student_mixture.rescaled(found.mixture, *(a[:, 1:] for a in (*units, *new)))
    return Proposals(curves, new, hypers), found.evaluations + n


def _curve_likelihood(target: Target, units: Units) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Log likelihood of points [row, particle, 7] of the curves ``rows``, levels integrated over their pooled prior."""

    def log_likelihood(
        points: Float[np.ndarray, "row particle 7"], rows: Int[np.ndarray, " row"]
    ) -> Float[np.ndarray, "row particle"]:
        mean, sd = units.mean[rows], units.sd[rows]
        integrated = target.log_likelihood(Units(mean, sd).local(points), rows)
        return gibbs.without_level(integrated, mean[:, :1], sd[:, :1] ** 2)

    return log_likelihood


def hyper_likelihood(batch: Batch, cloud: Cloud, pool: Executor) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Log marginal likelihood of hyper-parameters [k, n, 10] of ``groups`` [k], in units of their prior."""

    def log_likelihood(
        standard: Float[np.ndarray, "group n 10"], groups: Int[np.ndarray, " group"]
    ) -> Float[np.ndarray, "group n"]:
        curves = batch.curves_of(groups)
        some = batch.only(groups, curves)
        units = Units(cloud.units.mean[curves], cloud.units.sd[curves])
        weights = cloud.weighed(*factors_of(from_standard(some, standard), some, units), pool, curves)
        return some.reduce(np.add, weights.log_sum() + weights.constant)

    return log_likelihood


def from_standard(batch: Batch, standard: Float[np.ndarray, "group n 10"]) -> Float[np.ndarray, "group n 10"]:
    """Hyper-parameters, from units of their prior."""
    return batch.mean[:, None] + batch.sd[:, None] * standard


def to_standard(batch: Batch, hyper: Float[np.ndarray, "group n 10"]) -> Float[np.ndarray, "group n 10"]:
    """Hyper-parameters in units of their prior."""
    return (hyper - batch.mean[:, None]) / batch.sd[:, None]


# Fits to walkers ------------------------------------------------------------------------------------


class Fit(NamedTuple):
    """How proposals are fitted to walkers."""

    components: int  # of a curve's
    hyper_components: int
    wider: float  # inflation of curves' proposals
    tails: float = 0.0  # as for :func:`weights_by_rank`


def fitted(
    rng: np.random.Generator,
    batch: Batch,
    units: Units,
    hyper: Float[np.ndarray, "group walker 10"],
    values: Float[np.ndarray, "curve walker 8"],
    how: Fit,
) -> Proposals:
    """Proposals fitted to walkers, in these ``units``."""
    local, standard = units.standard(values)[..., 1:], to_standard(batch, hyper)
    curves = student_mixture.fitted(rng, how.components, local, weights_by_rank(local, how.tails))
    hypers = student_mixture.fitted(rng, how.hyper_components, standard, weights_by_rank(standard, how.tails))
    return Proposals(Mixture.of(curves.weight, curves.mean, how.wider * curves.chol), units, hypers)


def weights_by_rank(points: Float[np.ndarray, "row walker d"], tails: float) -> Float[np.ndarray, "row walker"]:
    """Weights of walkers, larger in the tails: otherwise a fit misses regions that few walkers have reached.

    The mean over quantities of a walker's rank, from 1 at the median to 0 at the ends, to the power ``-tails``. (The
    joint density would not do: with ten quantities it varies as much by chance.)
    """
    count = points.shape[1]
    rank = (points.argsort(1).argsort(1) + 0.5) / count
    weights = ((2.0 * np.minimum(rank, 1.0 - rank)) ** -tails).mean(-1)
    return weights / weights.sum(1, keepdims=True)
