"""Grids of quantiles of a surface: what is known of it, small enough to be sent along where the draws are not.

A mesh over the logs of both sizes holds the loss at any point, as :func:`~forecaster.surface` summarises it. The path
along which each compute is spent best (:class:`~forecaster.surfaces.compute.Frontier`) has the medians and intervals of
the best size, and the lowest loss up to each compute, from which follows the compute that a target takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from forecaster.surfaces.compute import Compute, Frontier, frontier
from forecaster.surfaces.fitted import Surface

STEP, WIDE = 0.2, 0.4  # nats of a mesh within NEAR of the runs, and beyond; cubics between: a drift has 1.5 nats
NEAR, FAR = 1.0, 3.4  # nats beyond the runs to where the mesh is fine, and to where it reaches at the least
MOST = 2_000  # points of a mesh; where there would be more, all steps are wider
Logs = Float[np.ndarray, " _"]  # of any length: those of several axes stand side by side
Quantiles = Float[np.ndarray, "level ..."]


@dataclass(frozen=True, eq=False)
class Known:
    """Quantiles of a loss by level, and its mean."""

    levels: Quantiles
    mean: Float[np.ndarray, ...]


@dataclass(frozen=True, eq=False)
class Path:
    """The best use of each compute on a grid of log computes.

    ``x`` are logs of the size that all draws share, straight between the points, as in
    :meth:`~forecaster.surfaces.compute.Frontier.split`. ``best`` are quantiles of the size, the data and the loss at
    each draw's own optimum, on a grid ``own`` of log computes that is finer among the runs, where optima may jump from
    one size to another; ``lowest`` are those of the lowest loss up to each of ``fine`` log computes.
    """

    log_flops: Logs
    x: Logs
    own: Logs
    best: dict[str, Float[np.ndarray, "end ..."]]
    fine: Logs
    lowest: Float[np.ndarray, "chance ..."]


@dataclass(frozen=True, eq=False)
class SurfaceGrid:
    """Quantiles of the loss on a mesh of ``params`` and ``n`` [level, size, data], along the path, and of a run."""

    params: Logs
    n: Logs
    loss: Known
    path: Path
    idle: Known


@dataclass(frozen=True)
class Wanted:
    """Which quantiles and which draws: ``levels`` of a loss, ``chances`` of reaching a target, ``ends`` of optima."""

    levels: Sequence[float]
    chances: Sequence[float]
    ends: Sequence[float]
    kind: str = "mean"
    unique_n: float | None = None
    seed: int = 0

    def known(self, drawn: Float[np.ndarray, "draw ..."]) -> Known:
        """Of draws of a log loss."""
        return Known(np.exp(np.quantile(drawn, list(self.levels), axis=0)), np.exp(drawn).mean(0))

    def at(self, surface: Surface, n: Logs, params: Logs, unique_n: float | None) -> Float[np.ndarray, "draw point"]:
        if self.kind == "new-run":
            return surface.new_run(n, params, unique_n, seed=self.seed)
        return surface.log_loss(n, params, unique_n)


def surface_grid(
    surface: Surface,
    wanted: Wanted,
    *,
    span: tuple[float, float],
    per_decade: tuple[int, int],
    inside: Float[np.ndarray, "point 2"],
    idle: tuple[float, float, float],
) -> SurfaceGrid:
    """The grids of a surface.

    Parameters
    ----------
    surface : Surface
        What was fitted.
    wanted : Wanted
        Quantiles, and whose loss they are of.
    span : (float, float)
        The least and the largest compute of the path.
    per_decade : (int, int)
        Its points to a decade, and those at which the lowest loss is known.
    inside : array [point, 2]
        Numbers of parameters, and data, that the mesh is to hold beside the runs and the path.
    idle : (float, float, float)
        Parameters, data and unique data of the run that is kept where nothing is done.
    """
    compute = Compute.of(surface.design)
    low, high = np.log(span)
    best = frontier(surface, compute, low, high, per_decade[0], wanted.unique_n)
    ends = np.stack(best.split(best.log_flops[[0, -1]]), 1)
    points = np.concatenate([ends, np.log(inside).reshape(-1, 2)])
    x, t = mesh_axes((surface.design.x, points[:, 0]), (surface.design.t, points[:, 1]))
    params, n = np.exp(x), np.exp(t)
    drawn = surface.mesh(n, params, wanted.unique_n)
    if wanted.kind == "new-run":  # one run's noise for all points of a draw, so that quantiles are smooth
        one = (n[:1], params[:1], wanted.unique_n)
        drawn = drawn + (wanted.at(surface, *one) - surface.log_loss(*one))[:, :, None]
    kept = wanted.at(surface, np.array([idle[1]]), np.array([idle[0]]), idle[2])[:, 0]
    return SurfaceGrid(params, n, wanted.known(drawn), _path(surface, wanted, best, per_decade), wanted.known(kept))


def _path(surface: Surface, wanted: Wanted, best: Frontier, per_decade: tuple[int, int]) -> Path:
    logs = best.log_flops
    fine = np.linspace(logs[0], logs[-1], per_decade[1] * (len(logs) - 1) // per_decade[0] + 1)
    x, t = best.split(fine)
    drawn = wanted.at(surface, np.exp(t), np.exp(x), wanted.unique_n)
    lowest = np.exp(np.quantile(np.minimum.accumulate(drawn, 1), list(wanted.chances), axis=0))
    near = frontier(surface, best.compute, logs[0], np.log(best.compute.largest), per_decade[1], wanted.unique_n)
    beyond = logs > near.log_flops[-1] + 1e-9
    own = {
        name: np.exp(np.quantile(np.concatenate([one, other[:, beyond]], 1), list(wanted.ends), axis=0))
        for name, one, other in (
            ("params", near.x, best.x),
            ("n", near.t, best.t),
            ("error", near.log_loss, best.log_loss),
        )
    }
    at = np.concatenate([near.log_flops, logs[beyond]])
    return Path(logs, np.median(best.x, 0), at, own, fine, lowest)


def mesh_axes(x: tuple[Logs, Logs], t: tuple[Logs, Logs], most: int = MOST) -> tuple[Logs, Logs]:
    """Logs of the sizes and of the data of a mesh: each from those of the runs, and of what else is to be inside."""
    wider = 1.0
    while len(axis(*x, wider)) * len(axis(*t, wider)) > most:
        wider *= 1.1
    return axis(*x, wider), axis(*t, wider)


def axis(runs: Logs, others: Logs, wider: float = 1.0) -> Logs:
    """Points of one axis: close together as far as a little beyond the runs, further apart from there on."""
    low, near = min(runs.min(), others.min()), float(runs.max()) + NEAR
    far = max(float(runs.max()) + FAR, float(others.max()))
    close = np.linspace(low, near, int(np.ceil((near - low) / (STEP * wider))) + 1)
    return np.concatenate([close, np.linspace(near, far, int(np.ceil((far - near) / (WIDE * wider))) + 1)[1:]])
