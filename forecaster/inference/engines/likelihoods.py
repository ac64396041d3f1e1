"""Groups of curves end to end, and their likelihood, one compiled program for all."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from typing import Any, NamedTuple

import jax
import numpy as np

from forecaster.inference.engines import programs
from forecaster.model import density
from forecaster.model.density import Constants, CurveArrays, Local

Array = Any  # a NumPy array, or a JAX array inside a compiled function; docstrings name its axes


class Batch(NamedTuple):
    """Groups and their curves, end to end."""

    curves: CurveArrays  # [curve, point] each, NumPy
    constants: Constants  # [curve] each
    owner: Array  # [curve] index of its group, ascending
    mean: Array  # [group, 10] prior means of the hyper-parameters
    sd: Array  # [group, 10]
    spread_fixed: Array  # [group, 6]
    effects: Array  # [curve, 8] known differences from the group's centre: particles and draws are relative to them


def by_group(reduce: np.ufunc, batch: Batch, of_curves: Array) -> Array:
    """``of_curves`` [curve, ...] reduced over the curves of each group: [group, ...]."""
    return reduce.reduceat(of_curves, np.searchsorted(batch.owner, np.arange(len(batch.mean))), 0)


def summed(batch: Batch, of_curves: Array) -> Array:
    """Sums [group, ...] of ``of_curves`` [curve, ...] over the curves of each group."""
    return by_group(np.add, batch, of_curves)


def part_of(batch: Batch, groups: Array, curves: Array) -> Batch:
    """These groups of the batch; ``curves`` are all theirs."""
    arrays, constants = jax.tree.map(lambda a: a[curves], (batch.curves, batch.constants))
    return Batch(
        arrays,
        constants,
        np.searchsorted(groups, batch.owner[curves]),
        batch.mean[groups],
        batch.sd[groups],
        batch.spread_fixed[groups],
        batch.effects[curves],
    )


class Room(NamedTuple):
    """What compiled programs run in: padded number of curves, threads."""

    width: int
    pool: Executor


class InTurn(Executor):
    """No threads: what it is given it does at once, where it was asked."""

    def submit(self, fn: Callable, /, *args: Any, **kwargs: Any) -> Future:
        done = Future()
        done.set_result(fn(*args, **kwargs))
        return done

    def map(self, fn: Callable, *iterables: Any, **_: Any) -> Iterator:
        return map(fn, *iterables)


# Of plain values [curve, particle, 7] of the curves with these indices (all where there are none), as NumPy arrays.
Likelihood = Callable[..., density.LevelLikelihood]
# Curves, and particles of each, that one call of a compiled program takes at the most. Few curves take more particles:
# there, what a call costs in any case is much of it.
BESIDE, AT_ONCE = 8, 512
FEW, AT_ONCE_OF_FEW = 3, 1024


def _level_likelihood(points: Array, curves: CurveArrays, constants: Constants) -> density.LevelLikelihood:
    """``points`` [7, curve, particle]."""
    return density.level_likelihood(Local(*points), curves, constants)


@functools.cache
def program() -> Callable[..., density.LevelLikelihood]:
    """The program."""
    return programs.compiled(_level_likelihood, density.LevelLikelihood(0, 0, 0))


def needed(curves: CurveArrays) -> CurveArrays:
    """Without what no curve has, so that programs go without that term."""
    if (curves.repeats == 1.0).all():
        curves = curves._replace(within=None)
    return curves if np.any(curves.luck) else curves._replace(luck=None)


# Known noise of the mean log error at a size, that single precision serves. At ten times as much, which any single run
# has (design.LEAST_NOISE), log likelihoods of posterior draws err by up to 0.003: where curves fall 60,000-fold.
SERVED = 5e-5


def single_serves(batch: Batch) -> bool:
    """Whether no size is known so well that single precision would blur it: every measurement has some noise."""
    curves = batch.curves
    return bool((np.sqrt(curves.known / curves.repeats)[curves.present > 0] > SERVED).all())


def centred(curves: CurveArrays) -> tuple[CurveArrays, Array]:
    """The curves with log sizes and log errors relative to those at the largest size; and that log error [curve].

    So values are of order one where they matter, and single precision tells log errors apart that differ by 1e-7.
    """
    x_ref, lift = curves.x_ref[:, None], curves.y[:, :1]
    about = curves._replace(
        x=curves.x - x_ref, y=curves.y - lift, x_ref=np.zeros_like(curves.x_ref), x_min=curves.x_min - curves.x_ref
    )
    return about, lift


def likelihood_of(batch: Batch, room: Room, *, single: bool | None = None) -> Likelihood:
    """The compiled likelihood of the batch's curves, or of some of them; in single precision where that serves.

    A unit of work is a curve with so many of its particles, and so many units are one call; what is left over is padded
    with copies.
    """
    single = single_serves(batch) if single is None else single
    every, width = np.arange(len(batch.owner)), min(room.width, BESIDE)
    each = AT_ONCE_OF_FEW if width <= FEW else AT_ONCE
    kind = np.float32 if single else np.float64
    about, lift = centred(needed(batch.curves))
    curves, constants = jax.tree.map(lambda a: np.asarray(a, kind), (about, batch.constants))

    def part(units: Array, points: Array) -> density.LevelLikelihood:
        """Of ``points`` [7, unit, particle], each unit of the curve that ``units`` names."""
        data, fixed = jax.tree.map(lambda a: a[units], (curves, constants))
        with jax.enable_x64(not single):  # a setting of the thread
            return possible(np, program()(points, data, Constants(*(c[:, None] for c in fixed))))

    def likelihood(points: Array, rows: Array = every) -> density.LevelLikelihood:
        count = points.shape[1]
        blocks = -(-count // each)
        units = np.arange(len(rows) * blocks)
        calls = np.resize(units, (-(-len(units) // width), width))
        across = np.moveaxis(points + batch.effects[rows][:, None, 1:], -1, 0).astype(kind)
        across = across[..., np.arange(blocks * each) % count].reshape(len(across), len(units), each)
        found = room.pool.map(lambda call: part(rows[call // blocks], across[:, call]), calls)
        whole = (np.concatenate(a)[: len(units)].reshape(len(rows), -1)[:, :count] for a in zip(*found, strict=True))
        out = density.LevelLikelihood(*(a.astype(float) for a in whole))
        return out._replace(mean=out.mean + lift[rows])

    return likelihood


def possible(xp: Any, found: density.LevelLikelihood) -> density.LevelLikelihood:
    """A filter that lost its precision far out counts as impossible, not as no number; by ``xp``'s functions."""
    lost = ~(xp.isfinite(found.log_z) & xp.isfinite(found.mean) & (xp.asarray(found.variance) > 0))
    return density.LevelLikelihood(*(xp.where(lost, v, a) for v, a in zip((-1e30, 0.0, 1.0), found, strict=True)))


def counted(likelihood: Likelihood, counts: Array) -> Likelihood:
    """The same, adding to ``counts`` [curve] for how many particles it was called."""

    every = np.arange(len(counts))

    def noted(points: Array, rows: Array = every) -> density.LevelLikelihood:
        counts[rows] += points.shape[1]
        return likelihood(points, rows)

    return noted
