"""Chains of walkers over groups that are being sampled: a sweep of each, and proposals fitted to where they stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any, NamedTuple

import numpy as np

from forecaster.inference.engines import likelihoods, nested, particle_gibbs, surrogate_group, surrogate_sweep
from forecaster.inference.engines.likelihoods import Batch, Likelihood, Room
from forecaster.inference.engines.nested import Effort, Proposals
from forecaster.inference.engines.particle_gibbs import Fit, Walkers
from forecaster.inference.engines.surrogate_group import Group, Seen

Array = Any  # a NumPy array; docstrings name its axes
NAMES = ("hyper", "values")  # fields of Walkers that are reported
SEEN = 3  # sweeps whose estimates correct surrogates: the walkers of earlier ones were still further off
WIDER = 1.25  # proposals than the walkers, who seldom stand in the tails: a particle there must not outweigh a cloud


class Machine(NamedTuple):
    """What sweeps run on."""

    room: Room
    side_by_side: Executor  # chains
    rngs: list[np.random.Generator]  # of each chain
    effort: Effort
    on_sweep: Callable[[int], None]  # told how many there were


class Running(NamedTuple):
    """Groups that are being sampled."""

    groups: Array  # [group] indices in the whole batch
    curves: Array  # [curve]
    batch: Batch  # they alone
    proposals: Proposals
    chains: list[Walkers]
    counts: Array  # [1 + chain, curve] evaluations of likelihoods: by the adaptation, and by each chain
    sweeps: int  # so far
    surrogates: list[Group]  # of each group; none where sweeps go by clouds
    seen: list[list[list[Seen]]]  # of the last sweeps by these surrogates, of each chain, of each group
    # Of each sweep that is kept, hyper [chain, group, walker, 10] and values [chain, curve, walker, 8].
    kept: list[tuple[Array, Array]]

    def only(self, chosen: Array) -> Running:
        """Those of ``chosen`` [group] alone."""
        groups = np.flatnonzero(chosen)
        curves = np.flatnonzero(chosen[self.batch.owner])
        return Running(
            self.groups[groups],
            self.curves[curves],
            likelihoods.part_of(self.batch, groups, curves),
            self.proposals.of(groups, curves),
            [w.of(groups, curves) for w in self.chains],
            self.counts[:, curves],
            self.sweeps,
            [self.surrogates[g] for g in groups] if self.surrogates else [],
            [[[seen[g] for g in groups] for seen in of_chains] for of_chains in self.seen],
            [(hyper[:, groups], values[:, curves]) for hyper, values in self.kept],
        )


def by_chain(running: Running, each: Sequence[Any], machine: Machine, part: Callable[..., Any]) -> list[Any]:
    """Of each chain, what ``part`` makes of its generator, its counted likelihood and its one of ``each``."""
    likelihood = likelihoods.likelihood_of(running.batch, machine.room)
    own = [likelihoods.counted(likelihood, count) for count in running.counts[1:]]
    return list(machine.side_by_side.map(part, machine.rngs, own, each))


def swept(running: Running, machine: Machine) -> Running:
    """After a sweep of each chain: by surrogates, where groups have them."""
    batch, effort = running.batch, machine.effort

    def by_clouds(rng: np.random.Generator, likelihood: Likelihood, walkers: Walkers) -> Walkers:
        return particle_gibbs.sweep(rng, walkers, batch, likelihood, machine.room, running.proposals, effort)

    def led(rng: np.random.Generator, _: Likelihood, walkers: Walkers) -> tuple[Walkers, list[Seen]]:
        return surrogate_sweep.sweep(rng, walkers, batch, running.surrogates)

    if running.surrogates:
        walkers, seen = (list(a) for a in zip(*by_chain(running, running.chains, machine, led), strict=True))
        running.counts[1:] += surrogate_sweep.evaluations(effort.walkers)
        running = running._replace(chains=walkers, seen=[*running.seen, seen][-SEEN:])
    else:
        running = running._replace(chains=by_chain(running, running.chains, machine, by_clouds))
    machine.on_sweep(running.sweeps + 1)
    return running._replace(sweeps=running.sweeps + 1)


def each(running: Running, name: str) -> list[Array]:
    """A field of each chain's walkers."""
    return [getattr(w, name) for w in running.chains]


def keeping(running: Running) -> Running:
    """With where the walkers stand among what is kept."""
    now = tuple(np.stack(each(running, name)) for name in NAMES)
    return running._replace(kept=[*running.kept, now])


def as_usual(effort: Effort) -> Fit:
    """How proposals are fitted to walkers whose draws can be trusted."""
    return Fit(effort.components, effort.hyper_components, WIDER, effort.tails)


def fitted(rng: np.random.Generator, running: Running, how: Fit) -> Running:
    """With proposals fitted to all walkers that are kept; none kept."""
    hyper, values = (_walkers(np.stack(kept)) for kept in zip(*running.kept, strict=True))
    proposals = particle_gibbs.fitted(rng, running.batch, running.proposals, hyper, values, how)
    return running._replace(proposals=proposals, kept=[])


def _walkers(whole: Array) -> Array:
    """[sweep, chain, row, walker, quantity] as [row, sweep x chain x walker, quantity]."""
    return np.moveaxis(whole, 2, 0).reshape(whole.shape[2], -1, whole.shape[-1])


def again_fitted(rng: np.random.Generator, running: Running, machine: Machine) -> Running:
    """With proposals fitted as usual to all walkers that are kept, and surrogates by these; none kept."""
    usual = fitted(rng, running, as_usual(machine.effort))
    if not running.surrogates:
        return usual
    batch, (curves, units, hypers, *_) = usual.batch, usual.proposals
    room = machine.room._replace(pool=machine.side_by_side)
    likelihood = likelihoods.counted(likelihoods.likelihood_of(batch, room), usual.counts[0])
    found = nested.surrogates_of(rng, batch, curves, units, likelihood, machine.effort)
    return usual._replace(surrogates=surrogate_group.groups_of(batch, found, hypers, curves), seen=[])


def corrected(running: Running) -> Running:
    """With surrogates corrected by what sweeps by them have seen; as they are where none was made."""
    if not running.seen:
        return running
    of_groups = zip(*(seen for of_chains in running.seen for seen in of_chains), strict=True)
    groups = [surrogate_group.corrected(g, list(seen)) for g, seen in zip(running.surrogates, of_groups, strict=True)]
    return running._replace(surrogates=groups)
