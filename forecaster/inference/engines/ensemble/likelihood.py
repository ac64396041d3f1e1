"""The likelihood of a batch's curves, in one compiled program for all, and the target that kernels sample."""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import Executor
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int, Shaped

from forecaster.inference.engines.ensemble import compilation, settings
from forecaster.inference.engines.ensemble.batch import Batch, Shape
from forecaster.model import density
from forecaster.model.density import CurveArrays, LevelLikelihood, Local

# Of values [row, particle, 7] of the curves with these indices [row]: functions of the level, [row, particle].
Likelihood = Callable[[np.ndarray, np.ndarray], LevelLikelihood]


class Target(NamedTuple):
    """The posterior of some groups: priors and effects of the batch, and the likelihood of its curves."""

    batch: Batch
    likelihood: Likelihood
    curves: Int[np.ndarray, " curve"]  # indices of the batch's curves among those that the likelihood knows

    @classmethod
    def of(cls, batch: Batch, likelihood: Likelihood) -> Target:
        """The likelihood of all curves."""
        return cls(batch, likelihood, np.arange(len(batch.owner)))

    def only(self, groups: Int[np.ndarray, " chosen"], curves: Int[np.ndarray, " their"]) -> Target:
        """The target of these groups, whose curves are ``curves``."""
        return Target(self.batch.only(groups, curves), self.likelihood, self.curves[curves])

    def log_likelihood(
        self, points: Float[np.ndarray, "row particle 7"], rows: Int[np.ndarray, " row"] | None = None
    ) -> LevelLikelihood:
        """Log likelihood for the curves ``rows`` (default: all)."""
        return self.likelihood(points, self.curves if rows is None else self.curves[rows])


def _level_likelihood(
    points: Shaped[jax.Array, "7 unit particle"], curves: CurveArrays, memory: Shaped[jax.Array | np.ndarray, "unit 1"]
) -> LevelLikelihood:
    return density.level_likelihood(Local(*points), curves, memory)


@functools.cache
def program() -> Callable[..., LevelLikelihood]:
    """The program, one for all batches."""
    return compilation.compiled(_level_likelihood)


def likelihood_of(batch: Batch, pool: Executor, kind: type = np.float32) -> Likelihood:
    """The compiled likelihood of the batch's curves.

    A unit of work is a curve with ``settings.CALL_PARTICLES`` of its particles; a call takes a few of them, padded with
    copies, so that one program serves batches of any size. Single precision (``kind``) errs by about 0.0001, since
    sizes and errors are taken relative to those at the largest size.
    """
    width = batch.shape.width
    each = settings.CALL_PARTICLES
    relative, lift = centred(needed(batch.curves, batch.shape))
    curves, memory = jax.tree.map(lambda a: np.asarray(a, kind), (relative, batch.memory[:, None]))

    def call(rows: Int[np.ndarray, " unit"], points: Shaped[np.ndarray, "7 unit particle"]) -> LevelLikelihood:
        """The likelihood of each unit, a part of the curve in ``rows``."""
        data = jax.tree.map(lambda a: a[rows], curves)
        with jax.enable_x64(kind is np.float64):  # a setting of the thread
            return possible(program()(points, data, memory[rows]))

    def likelihood(points: Float[np.ndarray, "row particle 7"], rows: Int[np.ndarray, " row"]) -> LevelLikelihood:
        count = points.shape[1]
        blocks = -(-count // each)
        units = np.arange(len(rows) * blocks)
        calls = np.resize(units, (-(-len(units) // width), width))
        across = np.moveaxis(points + batch.effects[rows][:, None, 1:], -1, 0).astype(kind)
        across = across[..., np.arange(blocks * each) % count].reshape(len(across), len(units), each)
        found = pool.map(lambda at: call(rows[at // blocks], across[:, at]), calls)
        whole = (np.concatenate(a)[: len(units)].reshape(len(rows), -1)[:, :count] for a in zip(*found, strict=True))
        out = LevelLikelihood(*(a.astype(float) for a in whole))
        return out._replace(mean=out.mean + lift[rows])

    return likelihood


def needed(curves: CurveArrays, shape: Shape) -> CurveArrays:
    """Without the terms that no curve of this shape has, so that compiled programs leave them out."""
    curves = curves if shape.repeated else curves._replace(within=None)
    curves = curves if shape.lucky else curves._replace(luck=None)
    return curves if shape.informed else curves._replace(floor=None)


def centred(curves: CurveArrays) -> tuple[CurveArrays, Float[np.ndarray, "curve 1"]]:
    """The curves with log sizes and log errors relative to those at the largest size; and that log error.

    Values are then of order one, and single precision resolves differences of 1e-7 in log error.
    """
    x_ref, lift = curves.x_ref[:, None], curves.y[:, :1]
    relative = curves._replace(
        x=curves.x - x_ref, y=curves.y - lift, x_ref=np.zeros_like(curves.x_ref), x_min=curves.x_min - curves.x_ref
    )
    return relative, np.asarray(lift)


def possible(found: LevelLikelihood) -> LevelLikelihood:
    """As NumPy arrays; NaN, where the filter lost its precision far out, becomes a negligible likelihood."""
    found = LevelLikelihood(*(np.asarray(a) for a in found))
    lost = ~(np.isfinite(found.log_z) & np.isfinite(found.mean) & (found.variance > 0))
    return LevelLikelihood(*(np.where(lost, v, a) for v, a in zip((-1e30, 0.0, 1.0), found, strict=True)))
