"""Sweeps until walkers have forgotten where they began, proposals fitted to them on the way."""

from __future__ import annotations

from typing import Any

import numpy as np

from forecaster.inference.engines import chains, likelihoods
from forecaster.inference.engines.chains import Machine, Running
from forecaster.inference.engines.mixing import Memory

Array = Any  # a NumPy array; docstrings name its axes
DISTINCT = 0.5  # share of a chain's walkers at particles of their own, from which on proposals are left alone
LAST = 4  # sweeps over which the share that moves is averaged: of many curves the least is now and then low by chance
JUDGED = 7  # sweeps after which groups that surrogates do not serve so far are given up: the share does not rise again


def forgotten(rng: np.random.Generator, running: Running, machine: Machine) -> tuple[Running, list[Memory]]:
    """Sweeps until walkers have forgotten their start, proposals fitted to them in the first."""
    effort = machine.effort
    memories = _from_here(running)
    fits = True
    while running.sweeps < effort.sweeps and (fits or _largest(memories) > effort.memory):
        if fits:
            running = chains.fitted(rng, chains.keeping(running), chains.as_usual(effort))
        running = chains.swept(running, machine)
        memories = _later(memories, running)
        fits = fits and (
            running.sweeps < effort.fitting or (running.sweeps < effort.most_fits and _distinct(running) < DISTINCT)
        )
        if not fits and running.proposals.first_curves is not None:
            # Walkers are wherever there is anything to find; a curve's many components would take time from here on.
            running = running._replace(proposals=running.proposals._replace(first_curves=None))
            running = chains.fitted(rng, chains.keeping(running), chains.as_usual(effort))
    return running, memories


def forgotten_by_surrogates(
    rng: np.random.Generator, running: Running, machine: Machine
) -> tuple[Running, list[Memory], Array]:
    """Likewise, where groups have surrogates, and which of them these serve [group]: all walkers move.

    Of very smooth curves few of the points that a surrogate is fitted to count at all. Walkers then begin far off and
    stay there.
    """
    effort = machine.effort
    memories = _from_here(running)
    served, shares = np.zeros(len(running.groups), bool), []
    while (running.sweeps < effort.fitting or _largest(memories) > effort.memory) and (
        running.sweeps < JUDGED or (running.sweeps < effort.sweeps and served.any())
    ):
        if running.sweeps in effort.refits:
            running = chains.again_fitted(rng, chains.keeping(running), machine)
        before, running = chains.each(running, "values"), chains.swept(chains.corrected(running), machine)
        memories = _later(memories, running)
        now = chains.each(running, "values")
        shares.append([(a[..., 1] != b[..., 1]).mean(1) for a, b in zip(before, now, strict=True)])
        moved = np.mean(shares[-LAST:], (0, 1))
        served = likelihoods.by_group(np.minimum, running.batch, moved) >= effort.moved
    return running, memories, served


def _from_here(running: Running) -> list[Memory]:
    """Of hyper-parameters and of curves, where walkers stand: all is remembered."""
    return [Memory.fresh(chains.each(running, name)) for name in chains.NAMES]


def _later(memories: list[Memory], running: Running) -> list[Memory]:
    """After a sweep."""
    return [m.after(chains.each(running, name)) for m, name in zip(memories, chains.NAMES, strict=True)]


def _largest(memories: list[Memory]) -> float:
    return max(m.left.max() for m in memories)


def _distinct(running: Running) -> float:
    """Share of a chain's walkers that stand at a particle of their own, of the curve where it is least."""
    counts = [[len(np.unique(row)) for row in values[..., 1]] for values in chains.each(running, "values")]
    return float(np.mean(counts, 0).min()) / running.chains[0].values.shape[1]
