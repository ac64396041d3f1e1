"""Groups of curves end to end, and their likelihood: the one compiled program of the fast engine."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from typing import Any, NamedTuple

import jax
import numpy as np

from forecaster import density
from forecaster.density import Constants, CurveArrays, Local

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
BESIDE = 8  # curves that a compiled program takes at the most
AT_ONCE = (
    16384  # particles, of all curves together, that one call of a compiled program takes: their state fits a cache
)


def _level_likelihood(points: Array, curves: CurveArrays, constants: Constants) -> density.LevelLikelihood:
    """``points`` [7, curve, particle]."""
    return density.level_likelihood(Local(*points), curves, constants)


@functools.cache
def program() -> Callable[..., density.LevelLikelihood]:
    """The program; on a CPU with wide vectors, which its compiler would not choose by itself."""
    options = {"xla_cpu_prefer_vector_width": 512} if jax.default_backend() == "cpu" else None
    return jax.jit(_level_likelihood, compiler_options=options)


def needed(curves: CurveArrays) -> CurveArrays:
    """Without what no curve has, so that programs go without that term."""
    if (curves.repeats == 1.0).all():
        curves = curves._replace(within=None)
    return curves if np.any(curves.luck) else curves._replace(luck=None)


def likelihood_of(batch: Batch, room: Room) -> Likelihood:
    """The compiled likelihood of the batch's curves, or of some of them, a few at a time, padded with copies."""
    every, width = np.arange(len(batch.owner)), min(room.width, BESIDE)
    each = min(1024, max(64, AT_ONCE // width // 64 * 64))
    curves = needed(batch.curves)

    def part(rows: Array, points: Array, out: density.LevelLikelihood, at: tuple[slice, slice]) -> None:
        """Fill ``out`` at the curves and particles of ``at``; ``rows`` names the curves of the batch."""
        here = points[at]
        padded = np.arange(width) % len(here)
        here = here[padded][:, np.arange(each) % here.shape[1]]
        own = jax.tree.map(lambda a: a[rows[at[0]]][padded], (curves, batch.constants))
        constants = Constants(*(c[:, None] for c in own[1]))
        with jax.enable_x64(True):  # a setting of the thread
            found = program()(np.moveaxis(here, -1, 0), own[0], constants)
            for a, b in zip(out, _possible(found), strict=True):
                whole = a[at]
                whole[...] = np.asarray(b)[: whole.shape[0], : whole.shape[1]]

    def likelihood(points: Array, rows: Array = every) -> density.LevelLikelihood:
        points = points + batch.effects[rows][:, None, 1:]
        out = density.LevelLikelihood(*(np.empty(points.shape[:2]) for _ in range(3)))
        ats = [
            (slice(i, i + width), slice(j, j + each))
            for i in range(0, len(rows), width)
            for j in range(0, points.shape[1], each)
        ]
        list(room.pool.map(lambda at: part(rows, points, out, at), ats))
        return out

    return likelihood


def _possible(found: density.LevelLikelihood) -> density.LevelLikelihood:
    """A filter that lost its precision far out counts as impossible, not as no number."""
    lost = ~(np.isfinite(found.log_z) & np.isfinite(found.mean) & (np.asarray(found.variance) > 0))
    return density.LevelLikelihood(*(np.where(lost, v, a) for v, a in zip((-1e30, 0.0, 1.0), found, strict=True)))


def counted(likelihood: Likelihood, counts: Array) -> Likelihood:
    """The same, adding to ``counts`` [curve] for how many particles it was called."""

    every = np.arange(len(counts))

    def noted(points: Array, rows: Array = every) -> density.LevelLikelihood:
        counts[rows] += points.shape[1]
        return likelihood(points, rows)

    return noted
