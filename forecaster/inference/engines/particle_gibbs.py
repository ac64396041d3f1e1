"""A sweep of particle Gibbs over groups of curves, by many walkers at once.

A walker is a point of the posterior: a group's hyper-parameters and all its curves. A sweep gives each chain's walkers
fresh clouds of particles, a cloud a curve, and fresh candidates for the hyper-parameters. Each walker then chooses its
hyper-parameters among the candidates and its own, by the curves' likelihoods summed over the clouds *and its own
particle*; and given those, of each curve, a particle of the cloud or its own. That leaves the posterior invariant
however few the particles are (Andrieu, Doucet & Holenstein 2010; Tjelmeland 2004 for candidates drawn independently),
so what importance sampling got wrong at the start is forgotten, sweep by sweep, and how fast can be watched: walkers
are many, so the correlation of where they are with where they were is known well.

Walkers of one chain share candidates and particles, chains share nothing but the proposals, which are fitted to all
the walkers in the first sweeps and left alone from then on.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from forecaster.inference.engines import clouds, conditionals, likelihoods, mixtures, nested
from forecaster.inference.engines.clouds import CELL, Cloud, Clouds, Seen, Units
from forecaster.inference.engines.likelihoods import Batch, Likelihood, Room
from forecaster.inference.engines.mixtures import Mixture
from forecaster.inference.engines.nested import Effort, Proposals
from forecaster.model.density import LevelLikelihood

Array = Any  # a NumPy array; docstrings name its axes


class Walkers(NamedTuple):
    """One chain's."""

    hyper: Array  # [group, walker, 10]
    values: Array  # [curve, walker, 8]: level and Local, effects left out
    integrated: LevelLikelihood  # [curve, walker] each

    def of(self, groups: Array, curves: Array) -> Walkers:
        """Of some groups and curves."""
        integrated = LevelLikelihood(*(a[curves] for a in self.integrated))
        return Walkers(self.hyper[groups], self.values[curves], integrated)


FIRST = 0.2  # share that the first proposals keep: walkers of one mode would forget all others for good


class Fit(NamedTuple):
    """How proposals are fitted to walkers."""

    components: int  # of a curve's
    hyper_components: int
    wider: float  # times the spread of a curve's, as walkers seldom stand in the tails
    tails: float = 0.0  # as for :func:`_by_rank`


def fitted(
    rng: np.random.Generator, batch: Batch, proposals: Proposals, hyper: Array, values: Array, how: Fit
) -> Proposals:
    """Proposals fitted to where walkers stand: ``hyper`` [group, walker, 10] and ``values`` [curve, walker, 8]."""
    units = proposals.units
    standard = (values[..., 1:] - units.mean[:, None, 1:]) / units.sd[:, None, 1:]
    prior = (hyper - batch.mean[:, None]) / batch.sd[:, None]
    curves = mixtures.refitted(rng, how.components, standard, _by_rank(standard, how.tails))
    hypers = mixtures.refitted(rng, how.hyper_components, prior, _by_rank(prior, how.tails))
    curves = Mixture.of(curves.weight, curves.mean, how.wider * curves.chol)
    return proposals._replace(
        curves=_beside(curves, proposals.first_curves), hypers=_beside(hypers, proposals.first_hypers)
    )


def _beside(fitted: Mixture, first: Mixture | None) -> Mixture:
    return fitted if first is None else mixtures.mixed((fitted, first), (1.0 - FIRST, FIRST))


def _by_rank(points: Array, tails: float) -> Array:
    """Weights [row, walker] of walkers at ``points`` [row, walker, quantity], larger where one is far out.

    The mean over quantities of how far out it ranks, from 1 at the median to 0 at the ends, to the power ``-tails``:
    what few walkers have entered is what a fit misses, and who stands there stays. (Their joint density would say
    little of that: with ten quantities it falls as far by chance.)
    """
    count = points.shape[1]
    rank = (points.argsort(1).argsort(1) + 0.5) / count
    weights = ((2.0 * np.minimum(rank, 1.0 - rank)) ** -tails).mean(-1)
    return weights / weights.sum(1, keepdims=True)


def _candidates(rng, batch: Batch, proposals: Proposals, n: int, *, ordered: bool = False) -> tuple[Array, Array]:
    """Fresh hyper-parameters [group, n, 10] and log (prior / proposal) [group, n], independent of one another.

    Or ``ordered`` by the proposals' components, and stratified.
    """
    standard, log_q = mixtures.sample(rng, proposals.hypers, n, independent=not ordered)
    if not ordered:
        order = rng.permutation(n)
        standard, log_q = standard[:, order], log_q[:, order]
    return batch.mean[:, None] + batch.sd[:, None] * standard, mixtures.standard_normal(standard) - log_q


def start(
    rng: np.random.Generator, batch: Batch, likelihood: Likelihood, room: Room, proposals: Proposals, effort: Effort
) -> Walkers:
    """One chain's walkers by importance sampling: hyper-parameters, then each curve's particles given them."""
    particles = effort.adaptation // CELL * CELL
    view = Clouds.of(clouds.cloud_of(rng, proposals.curves, proposals.units, likelihood, particles), batch)
    hyper, log_weight = _candidates(rng, batch, proposals, effort.hypers, ordered=True)
    log_weight += nested.hyper_likelihood(batch, view, room)((hyper - batch.mean[:, None]) / batch.sd[:, None])
    chosen = rng.permuted(mixtures.stratified(rng, mixtures.softmax(log_weight, 1), effort.walkers), axis=1)
    hyper = np.take_along_axis(hyper, chosen[..., None], 1)
    factors, constant = clouds.coefficients_of(hyper, batch, proposals.units)
    uniform = rng.random((len(batch.owner), 2, effort.walkers))
    picked = view.pick(view.seen(factors, constant, room.pool), None, uniform, room.pool)
    walkers = Walkers(hyper, *_at(view.cloud, picked))
    return given_the_curves(rng, batch, walkers)


def _at(cloud: Cloud, picked: Array) -> tuple[Array, LevelLikelihood]:
    """Values and likelihoods of particles ``picked`` [curve, walker]."""
    values = np.take_along_axis(cloud.values, picked[..., None], 1)
    values = cloud.units.mean[:, None] + cloud.units.sd[:, None] * values
    return values, LevelLikelihood(*(np.take_along_axis(a, picked, 1) for a in cloud.integrated))


def _own(walkers: Walkers, batch: Batch, proposals: Proposals) -> tuple[Array, Array]:
    """The walkers' own particles: features [curve, walker, 10] and log (likelihood / proposal) [curve, walker].

    With what fixed spreads add, as in :class:`Clouds`.
    """
    units: Units = proposals.units
    standard = (walkers.values - units.mean[:, None]) / units.sd[:, None]
    log_q = mixtures.proposal_logpdf(proposals.curves, standard[..., 1:])
    log_weight = clouds.log_weight_of(walkers.values[..., 0], units, walkers.integrated, log_q)
    return clouds.features_of(standard), log_weight + clouds.of_fixed_spreads(standard, batch, units)


def sweep(
    rng: np.random.Generator,
    walkers: Walkers,
    batch: Batch,
    likelihood: Likelihood,
    room: Room,
    proposals: Proposals,
    effort: Effort,
) -> Walkers:
    """New hyper-parameters and particles for each walker of a chain."""
    curves, units = len(batch.owner), proposals.units
    walkers, cloud = _stepped(rng, walkers, batch, likelihood, proposals, effort)
    view = Clouds.of(cloud, batch)
    blocks = effort.walkers // effort.block
    candidates, gain = _candidates(rng, batch, proposals, blocks * effort.candidates)
    standard = (walkers.hyper - batch.mean[:, None]) / batch.sd[:, None]
    own_gain = mixtures.standard_normal(standard) - mixtures.proposal_logpdf(proposals.hypers, standard)
    factors, constant = clouds.coefficients_of(np.concatenate([candidates, walkers.hyper], 1), batch, units)
    features, log_weight = _own(walkers, batch, proposals)
    seen, count = view.seen(factors, constant, room.pool), candidates.shape[1]
    new, old = seen.of(slice(count)), seen.of(slice(count, None))
    offer = Offer.of(new, old, features, log_weight - view.top[:, None], blocks)
    total = likelihoods.summed(batch, offer.log_sums(blocks))
    total[..., 0] += own_gain
    total[..., 1:] += np.repeat(gain.reshape(len(gain), blocks, -1), effort.block, 1)
    chosen = _choose(rng, total) - 1
    of_block = np.arange(effort.walkers) // effort.block * effort.candidates
    uniform = rng.random((curves, 2, effort.walkers))
    picked = view.pick(*offer.at(chosen[batch.owner], of_block), uniform, room.pool)
    of_all = np.where(chosen < 0, -1, chosen + of_block)
    return given_the_curves(rng, batch, _moved(walkers, candidates, of_all, cloud, picked))


class Offer(NamedTuple):
    """What curves offer their walkers: the clouds and their own particles, by candidates and by their own."""

    new: Seen  # the clouds by the candidates of all blocks
    old: Seen  # by the walkers' own hyper-parameters
    own_new: Array  # [curve, walker, candidate] log weights of their own particles, by the candidates of their block
    own_old: Array  # [curve, walker]

    @classmethod
    def of(cls, new: Seen, old: Seen, features: Array, log_weight: Array, blocks: int) -> Offer:
        """Those of the walkers' own particles are ``features`` [curve, walker, 10], ``log_weight`` [curve, walker]."""
        curves, walkers, terms = features.shape
        own, theirs = (a.reshape(curves, blocks, -1, terms) for a in (features, new.factors[..., :-1]))
        own_new = (own @ theirs.swapaxes(-1, -2)).reshape(curves, walkers, -1) + log_weight[..., None]
        return cls(new, old, own_new, (features * old.factors[..., :-1]).sum(-1) + log_weight)

    def log_sums(self, blocks: int) -> Array:
        """Log sums of weights, their own particle among them, by their own hyper-parameters and the candidates.

        [curve, walker, 1 + candidate]
        """
        curves, walkers = self.own_old.shape
        cloud, constant = (
            np.repeat(a.reshape(curves, blocks, -1), walkers // blocks, 1)
            for a in (self.new.log_sum() + self.new.constant, self.new.constant)
        )
        old = np.logaddexp(self.old.log_sum(), self.own_old) + self.old.constant
        return np.concatenate([old[..., None], np.logaddexp(cloud, self.own_new + constant)], -1)

    def at(self, chosen: Array, of_block: Array) -> tuple[Seen, Array]:
        """The clouds as each walker sees them at the candidate ``chosen`` [curve, walker] of its block; its own, at -1.

        And the log weight of its own particle there. ``of_block`` [walker] is the first candidate of its block.
        """
        stays, of = chosen < 0, np.maximum(chosen, 0)
        curve, walker = np.ogrid[: chosen.shape[0], : chosen.shape[1]]
        there = Seen(*(_where(stays, a, b[curve, of + of_block]) for a, b in zip(self.old, self.new, strict=True)))
        return there, np.where(stays, self.own_old, self.own_new[curve, walker, of])


def _stepped(
    rng: np.random.Generator,
    walkers: Walkers,
    batch: Batch,
    likelihood: Likelihood,
    proposals: Proposals,
    effort: Effort,
) -> tuple[Walkers, Cloud]:
    """A Metropolis step of each walker's curves given its hyper-parameters, and fresh clouds: one call for both.

    The steps are what parts walkers that stand at one particle, and leads those back that stand where clouds are thin.
    """
    units = proposals.units
    n = (effort.particles - effort.walkers) // CELL * CELL
    points, log_q = mixtures.sample(rng, proposals.curves, n, independent=True)
    steps = units.sd[:, None, 1:] * mixtures.steps(rng, proposals.curves, effort.walkers)
    tried = walkers.values[..., 1:] + steps
    found = likelihood(np.concatenate([clouds.plain(units, points), tried], 1))
    of_cloud, of_steps = (LevelLikelihood(*(a[:, at] for a in found)) for at in (slice(n), slice(n, None)))
    cloud = clouds.cloud_at(rng, units, points, log_q, of_cloud)

    hyper = walkers.hyper[batch.owner]
    gain = conditionals.log_given(hyper, batch, tried, of_steps) - conditionals.log_given(
        hyper, batch, walkers.values[..., 1:], walkers.integrated
    )
    takes = np.log(rng.random(gain.shape)) < gain
    values = walkers.values.copy()
    values[..., 1:] = np.where(takes[..., None], tried, values[..., 1:])
    integrated = LevelLikelihood(*(np.where(takes, a, b) for a, b in zip(of_steps, walkers.integrated, strict=True)))
    values[..., 0] = conditionals.fresh_level(rng, hyper, integrated)
    return walkers._replace(values=values, integrated=integrated), cloud


def _where(chosen: Array, this: Array, other: Array) -> Array:
    """``this`` [curve, walker, ...] where it is ``chosen`` [curve, walker], else ``other``."""
    return np.where(chosen.reshape(*chosen.shape, *[1] * (this.ndim - 2)), this, other)


def _choose(rng: np.random.Generator, log_weight: Array) -> Array:
    """An index of the last axis of ``log_weight`` [group, walker, 1 + candidate] each."""
    upto = np.cumsum(mixtures.softmax(log_weight, -1), -1, dtype=float)
    wanted = rng.random(upto.shape[:-1]) * upto[..., -1]
    return np.minimum((upto < wanted[..., None]).sum(-1), upto.shape[-1] - 1)


def _moved(walkers: Walkers, candidates: Array, chosen: Array, cloud: Cloud, picked: Array) -> Walkers:
    """Walkers at the candidates ``chosen`` [group, walker] and particles ``picked``; at -1 where they were."""
    new = np.take_along_axis(candidates, np.maximum(chosen, 0)[..., None], 1)
    hyper = np.where((chosen >= 0)[..., None], new, walkers.hyper)
    values, integrated = _at(cloud, np.maximum(picked, 0))
    moves = picked >= 0
    return Walkers(
        hyper,
        np.where(moves[..., None], values, walkers.values),
        LevelLikelihood(*(np.where(moves, a, b) for a, b in zip(integrated, walkers.integrated, strict=True))),
    )


def given_the_curves(rng: np.random.Generator, batch: Batch, walkers: Walkers) -> Walkers:
    """A fresh level given everything else, which is exactly normal; then hyper-parameters given the curves."""
    values = walkers.values.copy()
    values[..., 0] = conditionals.fresh_level(rng, walkers.hyper[batch.owner], walkers.integrated)
    return walkers._replace(hyper=conditionals.refreshed(rng, batch, walkers.hyper, values), values=values)
