"""Particle Gibbs over groups of curves, by many walkers at once.

The target of a group with hyper-parameters ``h`` and curves ``v_c`` is ``p(h) prod_c p(v_c | h) L_c(v_c)``. A step
draws for each chain new particles ``v_cj ~ q_c`` of each curve and new candidates ``h_i ~ q``. A walker at
``(h_0, v_c0)`` then draws

1. its hyper-parameters among the candidates and its own, with weights
   ``p(h_i) / q(h_i) * prod_c sum_j w_cj(h_i)``, where ``w_cj(h) = p(v_cj | h) L_c(v_cj) / q_c(v_cj)`` and j runs over
   the particles *and its own*, j = 0;
2. given those, a particle of each curve by ``w_cj``, its own among them.

That leaves the posterior invariant however few the particles are (Andrieu, Doucet & Holenstein 2010, conditional
importance sampling; Tjelmeland 2004 for candidates drawn independently). Before it each curve of each walker takes a
Metropolis step of its own, which parts walkers at one particle; after it come an exact level and Gibbs steps of the
hyper-parameters given the curves. Walkers of one chain share candidates (in blocks) and particles; chains share
nothing but the proposals.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.special import softmax

from forecaster.inference.engines.ensemble.batch import Batch
from forecaster.inference.engines.ensemble.executors import Serial
from forecaster.inference.engines.ensemble.kernels import adaptation, gibbs
from forecaster.inference.engines.ensemble.kernels.adaptation import Fit, Proposals, from_standard, to_standard
from forecaster.inference.engines.ensemble.kernels.particle_clouds import (
    Cloud,
    Weights,
    factors_of,
    features_of,
    log_weight_of,
)
from forecaster.inference.engines.ensemble.likelihood import Target
from forecaster.inference.engines.ensemble.settings import CELL, Settings
from forecaster.inference.importance import student_mixture
from forecaster.model.density import LevelLikelihood


class State(NamedTuple):
    """One chain's walkers."""

    hyper: Float[np.ndarray, "group walker 10"]
    values: Float[np.ndarray, "curve walker 8"]  # level and rest, known effects left out
    integrated: LevelLikelihood  # [curve, walker] each

    def only(self, groups: Int[np.ndarray, " chosen"], curves: Int[np.ndarray, " their"]) -> State:
        """The state of some groups and curves."""
        integrated = LevelLikelihood(*(a[curves] for a in self.integrated))
        return State(self.hyper[groups], self.values[curves], integrated)


class Info(NamedTuple):
    """What a step took: particles whose likelihood was evaluated, of each curve."""

    evaluations: int


@dataclass(frozen=True)
class ParticleGibbs:
    """The kernel for the groups of ``target``."""

    target: Target
    proposals: Proposals
    settings: Settings
    pool: Executor = field(default_factory=Serial)  # for the curves of one chain

    @property
    def batch(self) -> Batch:
        """The groups."""
        return self.target.batch

    def only(self, groups: Int[np.ndarray, " chosen"], curves: Int[np.ndarray, " their"]) -> ParticleGibbs:
        """The kernel for some groups; ``curves`` are all theirs."""
        return replace(self, target=self.target.only(groups, curves), proposals=self.proposals.only(groups, curves))

    def refitted(
        self,
        rng: np.random.Generator,
        hyper: Float[np.ndarray, "group walker 10"],
        values: Float[np.ndarray, "curve walker 8"],
        how: Fit,
    ) -> ParticleGibbs:
        """With proposals fitted to walkers."""
        return replace(self, proposals=adaptation.fitted(rng, self.batch, self.proposals.units, hyper, values, how))

    def intensified(self, times: int) -> ParticleGibbs:
        """With this multiple of the particles."""
        return replace(self, settings=self.settings._replace(particles=times * self.settings.particles))

    def init(self, rng: np.random.Generator) -> tuple[State, Info]:
        """One chain's walkers by importance sampling: hyper-parameters, then each curve's particles given them."""
        batch, settings = self.batch, self.settings
        n = settings.adaptation_particles // CELL * CELL
        cloud = Cloud.drawn(rng, self.target, self.proposals.units, self.proposals.curves, n)
        standard, log_q = student_mixture.sample(rng, self.proposals.hypers, settings.initial_hypers)
        likelihood = adaptation.hyper_likelihood(batch, cloud, self.pool)(standard, np.arange(len(batch.mean)))
        weights = softmax(student_mixture.standard_normal(standard) - log_q + likelihood, 1)
        chosen = rng.permuted(student_mixture.stratified(rng, weights, settings.walkers), axis=1)
        hyper = np.take_along_axis(from_standard(batch, standard), chosen[..., None], 1)
        weighed = cloud.weighed(*factors_of(hyper, batch, self.proposals.units), self.pool)
        uniform = rng.random((len(batch.owner), 2, settings.walkers))
        picked = cloud.pick(weighed, None, uniform, self.pool)
        return self._conditionals(rng, State(hyper, *cloud.at(picked))), Info(n)

    def step(self, rng: np.random.Generator, state: State) -> tuple[State, Info]:
        """New hyper-parameters and particles for each walker of a chain."""
        batch, settings, units = self.batch, self.settings, self.proposals.units
        state, cloud, evaluations = self._walk(rng, state)
        blocks = settings.walkers // settings.block
        standard, log_q = student_mixture.sample(
            rng, self.proposals.hypers, blocks * settings.candidates, independent=True
        )
        order = rng.permutation(standard.shape[1])
        standard, log_q = standard[:, order], log_q[:, order]
        candidates, ratio = from_standard(batch, standard), student_mixture.standard_normal(standard) - log_q
        own = to_standard(batch, state.hyper)
        own_ratio = student_mixture.standard_normal(own) - student_mixture.proposal_logpdf(self.proposals.hypers, own)

        weights = cloud.weighed(*factors_of(np.concatenate([candidates, state.hyper], 1), batch, units), self.pool)
        own_values = units.standard(state.values)
        log_q = student_mixture.proposal_logpdf(self.proposals.curves, own_values[..., 1:])
        log_weight = log_weight_of(own_values, batch, units, state.integrated, log_q) - cloud.top[:, None]
        new, old = (weights.of(at) for at in (slice(candidates.shape[1]), slice(candidates.shape[1], None)))
        offer = Offer.of(new, old, features_of(own_values), log_weight, blocks)

        total = batch.reduce(np.add, offer.log_sums(blocks))
        total[..., 0] += own_ratio
        total[..., 1:] += np.repeat(ratio.reshape(len(ratio), blocks, -1), settings.block, 1)
        chosen = (total + rng.gumbel(size=total.shape)).argmax(-1) - 1  # -1: the current ones
        first = np.arange(settings.walkers) // settings.block * settings.candidates  # of its block's candidates
        uniform = rng.random((len(batch.owner), 2, settings.walkers))
        picked = self._pick(cloud, *offer.at(chosen[batch.owner], first), uniform)

        moved = np.take_along_axis(candidates, (np.maximum(chosen, 0) + first)[..., None], 1)
        hyper = np.where((chosen >= 0)[..., None], moved, state.hyper)
        values, integrated = cloud.at(np.maximum(picked, 0))
        state = _where(picked >= 0, State(hyper, values, integrated), state._replace(hyper=hyper))
        return self._conditionals(rng, state), Info(evaluations)

    def _pick(
        self,
        cloud: Cloud,
        weights: Weights,
        log_own: Float[np.ndarray, "curve walker"],
        uniform: Float[np.ndarray, "curve 2 walker"],
    ) -> Int[np.ndarray, "curve walker"]:
        """A particle for each walker; -1: its current one."""
        return cloud.pick(weights, log_own, uniform, self.pool)

    def _walk(self, rng: np.random.Generator, state: State) -> tuple[State, Cloud, int]:
        """A Metropolis step of each walker's curves given its hyper-parameters, and new particles.

        One likelihood call evaluates both.
        """
        batch, settings, units = self.batch, self.settings, self.proposals.units
        n = (settings.particles - settings.walkers) // CELL * CELL
        points, log_q = student_mixture.sample(rng, self.proposals.curves, n, independent=True)
        steps = units.sd[:, None, 1:] * student_mixture.random_walk(rng, self.proposals.curves, settings.walkers)
        tried = state.values[..., 1:] + steps
        both = np.concatenate([units.local(points), tried], 1)
        found = self.target.log_likelihood(both)
        of_cloud, of_steps = (LevelLikelihood(*(a[:, at] for a in found)) for at in (slice(n), slice(n, None)))
        cloud = Cloud.of(rng, batch, units, points, log_q, of_cloud)

        accepted = np.log(rng.random(tried.shape[:2])) < self._log_ratio(state, tried, of_steps)
        proposed = state._replace(values=np.concatenate([state.values[..., :1], tried], -1), integrated=of_steps)
        return self._level(rng, _where(accepted, proposed, state)), cloud, both.shape[1]

    def _log_ratio(
        self, state: State, tried: Float[np.ndarray, "curve walker 7"], integrated: LevelLikelihood
    ) -> Float[np.ndarray, "curve walker"]:
        """Log of the Metropolis acceptance ratio of curves at ``tried``."""
        hyper = state.hyper[self.batch.owner]
        now = gibbs.log_given(hyper, self.batch, state.values[..., 1:], state.integrated)
        return gibbs.log_given(hyper, self.batch, tried, integrated) - now

    def _level(self, rng: np.random.Generator, state: State) -> State:
        """New levels given everything else."""
        hyper = state.hyper[self.batch.owner]
        level = gibbs.draw_level(rng, state.integrated, hyper[..., 0], np.exp(-2.0 * hyper[..., -2]))
        return state._replace(values=np.concatenate([level[..., None], state.values[..., 1:]], -1))

    def _conditionals(self, rng: np.random.Generator, state: State) -> State:
        """New levels, then hyper-parameters given the curves."""
        state = self._level(rng, state)
        return state._replace(hyper=gibbs.draw_hyper(rng, self.batch, state.hyper, state.values))


class Offer(NamedTuple):
    """The choices of a step: new and current particles, under candidate and current hyper-parameters."""

    new: Weights  # of the particles, under the candidates of all blocks
    old: Weights  # under the walkers' own hyper-parameters
    own_new: Float[np.ndarray, "curve walker candidate"]  # log weights of their own, under their block's candidates
    own_old: Float[np.ndarray, "curve walker"]

    @classmethod
    def of(
        cls,
        new: Weights,
        old: Weights,
        features: Float[np.ndarray, "curve walker 10"],
        log_weight: Float[np.ndarray, "curve walker"],
        blocks: int,
    ) -> Offer:
        """``features`` and ``log_weight`` are those of the walkers' own particles."""
        curves, walkers, terms = features.shape
        own, theirs = (a.reshape(curves, blocks, -1, terms) for a in (features, new.factors[..., :-1]))
        own_new = (own @ theirs.swapaxes(-1, -2)).reshape(curves, walkers, -1) + log_weight[..., None]
        return cls(new, old, own_new, (features * old.factors[..., :-1]).sum(-1) + log_weight)

    def log_sums(self, blocks: int) -> Float[np.ndarray, "curve walker choice"]:
        """Log sums of weights, by a walker's own hyper-parameters (first) and each candidate."""
        curves, walkers = self.own_old.shape
        cloud, constant = (
            np.repeat(a.reshape(curves, blocks, -1), walkers // blocks, 1)
            for a in (self.new.log_sum() + self.new.constant, self.new.constant)
        )
        old = np.logaddexp(self.old.log_sum(), self.own_old) + self.old.constant
        return np.concatenate([old[..., None], np.logaddexp(cloud, self.own_new + constant)], -1)

    def at(
        self, chosen: Int[np.ndarray, "curve walker"], first: Int[np.ndarray, " walker"]
    ) -> tuple[Weights, Float[np.ndarray, "curve walker"]]:
        """Weights under the candidate ``chosen`` of each walker's block (at -1 its own), and of its own particle there.

        ``first`` is the index of the first candidate of each walker's block.
        """
        stays, of = chosen < 0, np.maximum(chosen, 0)
        curve, walker = np.ogrid[: chosen.shape[0], : chosen.shape[1]]
        there = Weights(*(_choose(stays, a, b[curve, of + first]) for a, b in zip(self.old, self.new, strict=True)))
        return there, np.where(stays, self.own_old, self.own_new[curve, walker, of])


def _where(chosen: np.ndarray, this: State, other: State) -> State:
    """Curves of ``this`` where ``chosen`` [curve, walker], else of ``other``, whose hyper-parameters stay."""
    return State(
        other.hyper,
        _choose(chosen, this.values, other.values),
        LevelLikelihood(*(np.where(chosen, a, b) for a, b in zip(this.integrated, other.integrated, strict=True))),
    )


def _choose(chosen: np.ndarray, this: np.ndarray, other: np.ndarray) -> np.ndarray:
    """``this`` [curve, walker, ...] where ``chosen`` [curve, walker], else ``other``."""
    return np.where(chosen.reshape(*chosen.shape, *[1] * (this.ndim - 2)), this, other)
