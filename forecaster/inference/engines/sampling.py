"""The fast engine's draws of a batch of groups: how its parts come together, and when a group has been swept enough.

Proposals are adapted (:mod:`forecaster.inference.engines.nested`), walkers start by importance sampling, sweep
(:mod:`forecaster.inference.engines.chains`) until they have forgotten that start (:mod:`forecaster.inference.engines.forgetting`), and are
draws from there. Each group
goes on until its own draws can be kept; groups that are done take no part in later sweeps.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, NamedTuple

import numpy as np

from forecaster.inference.engines import (
    chains,
    forgetting,
    likelihoods,
    mixing,
    nested,
    particle_gibbs,
    surrogate_group,
    surrogate_sweep,
)
from forecaster.inference.engines.chains import Machine, Running
from forecaster.inference.engines.likelihoods import Batch, InTurn, Likelihood, Room
from forecaster.inference.engines.mixing import Memory
from forecaster.inference.engines.nested import Effort
from forecaster.inference.engines.particle_gibbs import Fit, Walkers

Array = Any  # a NumPy array; docstrings name its axes
BETWEEN = 2  # sweeps between two looks at what draws are worth
# Where draws cannot be trusted, one after the other: how much wider proposals are than the walkers, and how many times
# the particles.
AFRESH = ((1.5, 1), (1.75, 2), (2.0, 4), (2.0, 4))
MODES = 6  # components of a curve's proposal then
# Times the fewest sweeps: in so many, draws should be worth enough; and how often proposals are fitted again where not.
SLOW, AGAIN = 4, 2


class Draws(NamedTuple):
    """Posterior draws and how they were come by."""

    hyper: Array  # [group, chain, draw, 10]
    values: Array  # [curve, chain, draw, 8]: level and Local, effects included
    hyper_ess: Array  # [group] independent draws that those of a quantity are worth
    curve_ess: Array  # [curve] likewise
    hyper_memory: Array  # [group] largest correlation of the first draws kept with where the walkers began
    curve_memory: Array  # [curve]
    sweeps: Array  # [group]
    evaluations: Array  # [curve] of its likelihood


OF_GROUPS = ("hyper", "hyper_ess", "hyper_memory", "sweeps")  # fields of Draws that are not of curves


def posterior(
    rng: np.random.Generator,
    batch: Batch,
    width: int,
    effort: Effort,
    cores: int = 1,
    on_sweep: Callable[[int], None] = lambda _: None,
) -> Draws:
    """Draws from the posterior of each group of the batch, whose curves are padded to ``width``.

    Chains run side by side, each in a thread of its own: that leaves less waiting than sharing out the curves of one
    chain after the other, which ``cores`` beyond one a chain are for.
    """
    beside = min(cores, effort.chains)
    with ExitStack() as stack:

        def threads(count: int) -> Executor:
            return stack.enter_context(ThreadPoolExecutor(count)) if count > 1 else InTurn()

        pool, side_by_side = threads(cores), threads(beside)
        starts, adapting = _adapted(rng, batch, Room(width, pool), side_by_side, effort)
        counts = np.concatenate([adapting[None], np.zeros((effort.chains, len(batch.owner)))])
        room = Room(width, pool if cores > beside else InTurn())
        machine = Machine(room, side_by_side, rng.spawn(effort.chains), effort, on_sweep)
        every = np.arange(len(batch.mean)), np.arange(len(batch.owner))
        running = Running(*every, batch, nested.together(batch, starts), [], counts, 0, [], [], [])
        started = _started(running, starts, machine)
        if not effort.surrogates:
            return _drawn(rng, *forgetting.forgotten(rng, started, machine), machine)
        running, memories, served = forgetting.forgotten_by_surrogates(rng, started, machine)
        if served.all():
            return _drawn(rng, running, memories, machine)
        by_clouds = effort.instead
        assert by_clouds is not None  # wherever there are surrogates
        return _apart(rng, running, memories, served, machine, lambda b: posterior(rng, b, width, by_clouds, cores))


def _apart(
    rng: np.random.Generator,
    running: Running,
    memories: list[Memory],
    served: Array,
    machine: Machine,
    by_clouds: Callable[[Batch], Draws],
) -> Draws:
    """Draws of the groups that surrogates have ``served`` [group], and of all others from the start ``by_clouds``."""
    rows = served[running.batch.owner]
    others = np.flatnonzero(~served), np.flatnonzero(~rows)
    parts = [(*others, by_clouds(likelihoods.part_of(running.batch, *others)))]
    if served.any():
        some = running.only(served)
        some = some._replace(groups=np.arange(len(some.groups)), curves=np.arange(len(some.curves)))
        kept = [m._replace(left=m.left[at]) for m, at in zip(memories, (served, rows), strict=True)]
        parts.append((np.flatnonzero(served), np.flatnonzero(rows), _drawn(rng, some, kept, machine)))
    whole = []
    for name in Draws._fields:
        at = [groups if name in OF_GROUPS else curves for groups, curves, _ in parts]
        order = np.argsort(np.concatenate(at))
        whole.append(np.concatenate([getattr(draws, name) for *_, draws in parts])[order])
    return Draws(*whole)


def _adapted(
    rng: np.random.Generator, batch: Batch, room: Room, side_by_side: Executor, effort: Effort
) -> tuple[list[nested.Start], Array]:
    """Adaptations of their own, and how often they evaluated the likelihood of each curve [curve]."""
    counts = np.zeros((effort.starts, len(batch.owner)))
    alone = effort.starts == 1
    inside, rngs = (room, [rng]) if alone else (room._replace(pool=InTurn()), rng.spawn(effort.starts))
    likelihood = likelihoods.likelihood_of(batch, inside)

    def start(rng: np.random.Generator, count: Array) -> nested.Start:
        return nested.adapted(rng, batch, likelihoods.counted(likelihood, count), inside, effort)

    return list(side_by_side.map(start, rngs, counts)), counts.sum(0)


def _started(running: Running, starts: list[nested.Start], machine: Machine) -> Running:
    """Each chain's walkers where one of the adaptations ended."""

    def part(rng: np.random.Generator, likelihood: Likelihood, first: nested.Start) -> Walkers:
        if first.surrogates:
            return surrogate_sweep.start(rng, running.batch, likelihood, first.surrogates, first.hypers, machine.effort)
        proposals = running.proposals._replace(hypers=first.hypers)
        return particle_gibbs.start(rng, running.batch, likelihood, machine.room, proposals, machine.effort)

    firsts = [starts[k % len(starts)] for k in range(machine.effort.chains)]
    started = running._replace(chains=chains.by_chain(running, firsts, machine, part))
    if not starts[0].surrogates:
        return started
    first, hypers = starts[0], running.proposals.hypers
    groups = surrogate_group.groups_of(running.batch, first.surrogates, hypers, first.curves)
    return started._replace(surrogates=groups)


def _drawn(rng: np.random.Generator, running: Running, memories: list[Memory], machine: Machine) -> Draws:
    """Sweeps whose walkers are kept, of each group until there are enough.

    A group whose first draws cannot be trusted gets proposals fitted to all of those, and begins again.
    """
    effort = machine.effort
    groups, curves = len(running.groups), len(running.curves)
    out = Draws(
        hyper=np.empty((groups, effort.chains, effort.draws, running.batch.mean.shape[1])),
        values=np.empty((curves, effort.chains, effort.draws, running.batch.effects.shape[1])),
        hyper_ess=np.empty(groups),
        curve_ess=np.empty(curves),
        hyper_memory=memories[0].left.max(-1),
        curve_memory=memories[1].left.max(-1),
        sweeps=np.empty(groups),
        evaluations=np.empty(curves),
    )
    running = _first(running, machine)
    for wider, more in AFRESH:
        found = _found(running, effort)
        ready = _ready(found, running.batch, mixing.LEAST_ESS, mixing.APART)
        _rest(rng, running.only(ready), found.only(ready, ready[running.batch.owner]), out, machine)
        running = running.only(~ready)
        if not len(running.groups):
            return out
        by_clouds = effort.instead or effort
        machine = machine._replace(effort=by_clouds._replace(particles=more * by_clouds.particles))
        running = running._replace(surrogates=[], seen=[])
        running = _anew(chains.fitted(rng, running, Fit(MODES, effort.hyper_components, wider)), machine)
    _rest(rng, running, _found(running, effort), out, machine)
    return out


def _first(running: Running, machine: Machine) -> Running:
    """The fewest sweeps that are kept, the one that is done included."""
    running = chains.keeping(running)
    while len(running.kept) < machine.effort.kept:
        running = chains.keeping(chains.swept(running, machine))
    return running


def _anew(fitted: Running, machine: Machine) -> Running:
    """The fewest sweeps that are kept, after one with proposals that were just ``fitted``."""
    return _first(chains.swept(fitted, machine), machine)


def _rest(
    rng: np.random.Generator, running: Running, now: Found, out: Draws, machine: Machine, again: int = AGAIN
) -> None:
    """Sweeps until the draws of each group, ``now`` at first, are worth enough; fills ``out``.

    Where they are to be worth more than trust needs, two looks running must say so, and the lesser counts: who stops as
    soon as one does stops where it flatters. Slow groups begin anew, with proposals fitted to all their draws so far,
    which have been to more places than those of one sweep.
    """
    effort, before = machine.effort, None
    enough = max(effort.worth * effort.chains * effort.draws, mixing.LEAST_ESS)
    while len(running.groups):
        found = now if before is None else now.at_most(before)
        may = before is not None or not effort.worth
        ready = _ready(found, running.batch, enough, effort.apart) & may | (len(running.kept) >= effort.sweeps)
        _report(running, found, ready, out)
        slow = ~ready & _slow(found, running, enough, effort) & (again > 0)
        if slow.any():
            fresh = _anew(chains.again_fitted(rng, running.only(slow), machine), machine)
            _rest(rng, fresh, _found(fresh, effort), out, machine, again - 1)
        going = ~ready & ~slow
        rows = going[running.batch.owner]
        running = running.only(going)
        if len(running.groups):
            before = now.only(going, rows) if effort.worth else None
            for _ in range(BETWEEN):
                running = chains.keeping(chains.swept(running, machine))
            now = _found(running, effort)


def _report(running: Running, found: Found, ready: Array, out: Draws) -> None:
    """What was ``found`` of the groups that are ``ready`` [group], into ``out``."""
    rows = ready[running.batch.owner]
    groups, curves = running.groups[ready], running.curves[rows]
    out.hyper[groups], out.values[curves] = found.hyper[ready], found.values[rows]
    out.hyper_ess[groups], out.curve_ess[curves] = found.hyper_ess[ready], found.curve_ess[rows]
    out.sweeps[groups] = running.sweeps
    out.evaluations[curves] = running.counts[:, rows].sum(0)


def _slow(found: Found, running: Running, enough: float, effort: Effort) -> Array:
    """Whether the draws of each group [group] gain too little a sweep, once there are enough to tell."""
    share = len(running.kept) / (SLOW * effort.kept)
    return (_worth(found, running.batch) < share * enough) & (share >= 0.5) & (effort.worth > 0)


class Found(NamedTuple):
    """Draws so far, and what they are worth."""

    hyper: Array  # as in Draws
    values: Array
    hyper_ess: Array
    curve_ess: Array

    def only(self, groups: Array, curves: Array) -> Found:
        """Those of some groups and curves."""
        return Found(self.hyper[groups], self.values[curves], self.hyper_ess[groups], self.curve_ess[curves])

    def at_most(self, other: Found) -> Found:
        """Worth no more than the other."""
        hyper, curve = np.minimum(self.hyper_ess, other.hyper_ess), np.minimum(self.curve_ess, other.curve_ess)
        return self._replace(hyper_ess=hyper, curve_ess=curve)


def _found(running: Running, effort: Effort) -> Found:
    hyper, values = (np.stack(each) for each in zip(*running.kept, strict=True))  # sweeps first
    walkers = hyper.shape[0] * hyper.shape[1] * hyper.shape[3]
    left_out = max(1.0 / (effort.chains * effort.draws) - 1.0 / walkers, 0.0)  # lost where draws are a part of them
    worth = (1.0 / (left_out + 1.0 / mixing.effective(whole)) for whole in (hyper, values))
    values = _end_to_end(values, effort.draws) + running.batch.effects[:, None, None]
    return Found(_end_to_end(hyper, effort.draws), values, *worth)


def _end_to_end(whole: Array, draws: int) -> Array:
    """[., chain, draw, quantity]: of every sweep as many walkers, others in each, one sweep after the other."""
    sweeps, walkers = len(whole), whole.shape[3]
    each = -(-draws // sweeps)
    parts = [whole[k][:, :, (np.arange(each) + k * walkers // sweeps) % walkers] for k in range(sweeps)]
    return np.concatenate(parts, 2).swapaxes(0, 1)[:, :, :draws]


def _ready(found: Found, batch: Batch, enough: float, apart: float) -> Array:
    """Whether the draws of each group [group] are worth ``enough``, and its chains at most so far ``apart``."""
    of_curves = likelihoods.by_group(np.maximum, batch, mixing.r_hat(found.values))
    r_hat = np.maximum(mixing.r_hat(found.hyper), of_curves)
    return (_worth(found, batch) >= enough) & (r_hat <= apart)


def _worth(found: Found, batch: Batch) -> Array:
    """Independent draws that those of each group [group] are worth, in what they are worth least."""
    return np.minimum(found.hyper_ess, likelihoods.by_group(np.minimum, batch, found.curve_ess))
