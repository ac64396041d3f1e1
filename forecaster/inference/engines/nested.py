"""Where the fast engine begins: nested adaptive importance sampling over a batch of groups.

A group's posterior is hyper-parameters (10) over curves (8 parameters each). Given the hyper-parameters the
curves are independent, so there are two small problems instead of one large one:

1. per curve, a cloud of particles with importance weights, whose likelihoods are evaluated once, all together;
2. per group, the hyper-parameters, whose marginal likelihood is a sum over each curve's cloud: particles are
   reweighted to any hyper-parameters by one matrix product, with no further likelihood evaluations.

Both levels use :mod:`forecaster.inference.engines.mixtures`, whose proposals are all that is kept:
:mod:`forecaster.inference.engines.particle_gibbs` draws with them.

JAX compiles the curves' likelihood. The rest is NumPy, so that it can stop as soon as it has found its target.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from forecaster.inference.engines import likelihoods, mixtures, surrogates, tempering
from forecaster.inference.engines.clouds import Clouds, Units, cloud_of, coefficients_of, without_level
from forecaster.inference.engines.likelihoods import Batch, Likelihood, Room, summed
from forecaster.inference.engines.mixtures import Mixture
from forecaster.inference.engines.surrogates import Surrogate
from forecaster.model.density import Local

Array = Any  # a NumPy array; docstrings name its axes


class Effort(NamedTuple):
    """How hard to work."""

    chains: int = 4
    draws: int = 1000  # per chain
    particles: int = 1024  # per curve and chain in a sweep, the walkers' own steps included
    adaptation: int = 512  # particles per curve and round while proposals adapt
    hypers: int = 1024  # hyper-parameters per chain at the start
    hyper_adaptation: int = 1024  # hyper-parameters per round while their proposal adapts
    surrogates: int = 0  # components of each curve's surrogate; none: sweeps by clouds
    surrogate_points: int = 4096  # particles that a surrogate is fitted to
    moved: float = 0.8  # share of walkers that a sweep takes elsewhere, of each curve, where surrogates serve
    refits: tuple[int, ...] = (3,)  # sweeps before which, with surrogates, these and proposals are fitted again
    starts: int = 1  # adaptations, each with clouds of its own: of modes far apart each ends in what its clouds favour
    components: int = 12
    hyper_components: int = 8
    rounds: int = 14  # per level, at the most
    enough: float = 1.0  # power of the hyper-parameters' likelihood that their proposal is fitted to, at the least
    walkers: int = 250  # per chain: whole blocks of them
    block: int = 5  # walkers of a chain that share candidates
    candidates: int = 10  # hyper-parameters per block and sweep
    fitting: int = 5  # sweeps after whose walkers proposals are fitted,
    most_fits: int = 12  # more of them where many walkers stand at few particles,
    tails: float = 0.5  # by how much those far out count for more, as a power of their rank
    memory: float = 0.1  # correlation with the start from which on walkers are draws
    kept: int = 4  # sweeps of draws, at the least
    worth: float = 0.25  # independent draws over draws, up to which sweeps go on
    apart: float = 1.01  # R-hat of the chains, likewise
    sweeps: int = 40  # before the first draws, and from there, at the most
    instead: Effort | None = None  # with surrogates: how hard, by clouds, where they do not serve


def hyper_likelihood(batch: Batch, view: Clouds, room: Room) -> Callable[..., Array]:
    """Log marginal likelihood [group, k] of hyper-parameters [group, k, 10] in units of their prior.

    Of some groups, or of all where none are named.
    """

    def log_likelihood(standard: Array, groups: Array | None = None) -> Array:
        chosen = np.arange(len(batch.mean)) if groups is None else groups
        curves = np.flatnonzero(np.isin(batch.owner, chosen))
        some = likelihoods.part_of(batch, chosen, curves)
        hyper = some.mean[:, None] + some.sd[:, None] * standard
        factors, constant = coefficients_of(hyper, some, view.cloud.units.of(curves))
        return summed(some, view.seen(factors, constant, room.pool, curves).log_sum() + constant)

    return log_likelihood


WIDER = 1.3  # proposals are fitted under a prior this much wider: the hyper-parameters' posterior is skewed where
# only the prior speaks (a floor near zero), and a proposal without that tail gives a few particles all the weight


def pooled_prior(batch: Batch, mean: Array, variance: Array) -> Units:
    """Of each curve's values given moments [group, 10] of the hyper-parameters."""
    learned = np.exp(2.0 * mean[:, -2:] + 2.0 * variance[:, -2:])  # mean of the squared spread
    spread = np.concatenate([learned, batch.spread_fixed**2], -1)
    sd = WIDER * np.sqrt(variance[:, :-2] + spread)
    return Units(mean[:, :-2][batch.owner], sd[batch.owner])


class Proposals(NamedTuple):
    """What the adaptation hands to the sweeps."""

    curves: Mixture
    units: Units
    hypers: Mixture
    first_curves: Mixture | None  # as the adaptations left them, where there were several
    first_hypers: Mixture | None

    def of(self, groups: Array, curves: Array) -> Proposals:
        """Those of some groups and curves."""
        part = mixtures.rows_of
        return Proposals(
            part(self.curves, curves),
            self.units.of(curves),
            part(self.hypers, groups),
            self.first_curves and part(self.first_curves, curves),
            self.first_hypers and part(self.first_hypers, groups),
        )


class Start(NamedTuple):
    """What one adaptation found."""

    curves: Mixture
    units: Units
    hypers: Mixture
    surrogates: list[Surrogate]  # of each group, in the same units; none where sweeps go by clouds


def at_the_prior(batch: Batch, effort: Effort) -> Start:
    """Where an adaptation begins."""
    return Start(
        mixtures.prior_mixture(len(batch.owner), len(Local._fields), effort.components),
        pooled_prior(batch, batch.mean, batch.sd**2),
        mixtures.prior_mixture(len(batch.mean), batch.mean.shape[1], effort.hyper_components),
        [],
    )


def adapted(rng: np.random.Generator, batch: Batch, likelihood: Likelihood, room: Room, effort: Effort) -> Start:
    """Fit the curves' proposals under what is known of the group, then the group's under the curves."""
    curves, units, hypers, _ = at_the_prior(batch, effort)
    target = _curve_target(likelihood, units)
    curves = tempering.adapt(rng, curves, target, effort.adaptation, effort.rounds).mixture
    found = surrogates_of(rng, batch, curves, units, likelihood, effort)
    if found:
        like = surrogate_likelihood(batch, found)
    else:
        cloud = cloud_of(rng, curves, units, likelihood, effort.adaptation)
        like = hyper_likelihood(batch, Clouds.of(cloud, batch), room)
    hypers = tempering.adapt(rng, hypers, like, effort.hyper_adaptation, effort.rounds, effort.enough).mixture
    return Start(curves, units, hypers, found)


def surrogates_of(
    rng: np.random.Generator, batch: Batch, curves: Mixture, units: Units, likelihood: Likelihood, effort: Effort
) -> list[Surrogate]:
    """Of each group, by proposals for its ``curves`` in these ``units``; none where sweeps go by clouds."""
    if not effort.surrogates:
        return []
    return surrogates.of_clouds(rng, batch, curves, units, likelihood, effort.surrogates, effort.surrogate_points)


def surrogate_likelihood(batch: Batch, of_groups: list[Surrogate]) -> Callable[..., Array]:
    """As :func:`hyper_likelihood`, by surrogates of the groups."""

    def log_likelihood(standard: Array, groups: Array | None = None) -> Array:
        chosen = np.arange(len(batch.mean)) if groups is None else groups
        hyper = batch.mean[chosen, :, None] + batch.sd[chosen, :, None] * standard.swapaxes(1, 2)
        return np.stack([surrogates.log_marginal(np, of_groups[g], h) for g, h in zip(chosen, hyper, strict=True)])

    return log_likelihood


def together(batch: Batch, starts: list[Start]) -> Proposals:
    """Proposals of all that adaptations found, in units of the prior that it leaves."""
    curves, hypers = (mixtures.mixed([getattr(s, name) for s in starts]) for name in ("curves", "hypers"))
    mean, variance = mixtures.moments(hypers)
    new = pooled_prior(batch, batch.mean + batch.sd * mean, batch.sd**2 * variance)
    curves = mixtures.rescaled(curves, *(a[:, 1:] for a in (*starts[0].units, *new)))
    return Proposals(curves, new, hypers, *((curves, hypers) if len(starts) > 1 else (None, None)))


def _curve_target(likelihood: Likelihood, units: Units) -> Callable[[Array, Array], Array]:
    """Log likelihood of [curve, particle, 7] of some curves with the level integrated over its pooled prior."""
    mean, sd = units.mean[:, None], units.sd[:, None]

    def log_likelihood(points: Array, rows: Array) -> Array:
        middle, scale = mean[rows], sd[rows]
        integrated = likelihood(middle[..., 1:] + scale[..., 1:] * points, rows)
        return without_level(integrated, middle[..., 0], scale[..., 0] ** 2)

    return log_likelihood
