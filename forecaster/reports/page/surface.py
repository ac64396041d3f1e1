"""The page of a surface: one HTML file in which compute, model size, data, target, prices and budget can be moved.

It carries grids of quantiles (:mod:`~forecaster.surfaces.grids`), not draws. What it answers is what ``surface`` and
``decide`` answer, as closely as the grids tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from forecaster.decisions.loss import Value
from forecaster.decisions.two_axes.deciding import BELOW, FINE_COMPUTES, PER_DECADE, REACH
from forecaster.decisions.two_axes.runs import Run, idle_run
from forecaster.reports.page.document import (
    CHANCES,
    document,
    intervals_and_levels,
    limits_told,
    packed,
    prices_told,
    short,
    units_told,
    value_told,
)
from forecaster.resources.prices.costs import Costs
from forecaster.surfaces.compute import Compute
from forecaster.surfaces.fitted import Surface
from forecaster.surfaces.grids import SurfaceGrid, Wanted, surface_grid
from forecaster.surfaces.pricing import Pricing, pricing_of

POINTS = 300  # runs that the chart shows
HOURS = 25  # points of the line of measured hours


@dataclass(frozen=True, eq=False)
class SurfaceOpening:
    """What a page is about, and the run with which it opens; no number is computed before the page is.

    ``options`` are sizes and data of the memo's options, which the page is to reach. Without ``costs`` data and hours
    cost nothing until the reader says what they cost; without a ``target`` it is the median loss of the run.
    """

    surface: Surface
    params: float
    n: float
    options: Sequence[tuple[float, float]]
    target: float | None
    value: Value
    costs: Costs | None
    budget: float | None
    start: date
    kind: str
    level: float
    seed: int
    unique_n: float | None
    title: str
    about: str
    verdict: str
    health: str  # what the checks say, in a sentence

    @property
    def html(self) -> str:
        """The page as one self-contained HTML file."""
        shown: dict[str, Any] = {name: getattr(self, name) for name in ("title", "about", "verdict", "health")}
        return document("surface", surface_data(self), **shown)


def surface_data(asked: SurfaceOpening) -> dict[str, Any]:
    """All that the page's script reads: the question with which it opens, prices, the mesh, and the path."""
    surface, costs = asked.surface, asked.costs or Costs()
    design, compute = surface.design, Compute.of(surface.design)
    pricing = pricing_of(surface, costs, asked.seed)
    idle = idle_run(surface, costs.running(asked.value.volume or 0.0, design.architecture))
    intervals, ends = intervals_and_levels(asked.level)
    wanted = Wanted(sorted({*ends, *CHANCES}), CHANCES, ends, asked.kind, asked.unique_n, asked.seed)
    grid = surface_grid(
        surface,
        wanted,
        span=(compute.largest / BELOW, compute.largest * REACH),
        per_decade=(PER_DECADE, FINE_COMPUTES),
        inside=np.array([(asked.params, asked.n), *asked.options]),
        idle=(idle.params, idle.n, idle.unique),
    )
    return {
        "units": units_told(design.units),
        "levels": list(wanted.levels),
        "chances": list(CHANCES),
        "intervals": intervals,
        "ends": ends,
        "compute": {"log_factor": compute.log_factor, "slope": compute.slope, "x0": compute.x0},
        "largest": {
            "flops": compute.largest,
            "params": float(np.exp(design.x.max())),
            "n": float(np.exp(design.t.max())),
        },
        **_grids(grid, idle),
        "unique": asked.unique_n,
        "runs": _runs(surface),
        "hours": _hours(pricing, grid, compute),
        "prices": prices_told(costs, pricing.owned, timed=True),
        "value": value_told(asked.value, 1.0),
        "running": idle.running,
        "question": _question(asked, costs),
    }


def _question(asked: SurfaceOpening, costs: Costs) -> dict[str, Any]:
    budget = None if asked.costs is None else asked.budget
    loss = asked.surface.log_loss(asked.n, asked.params, asked.unique_n)
    target = float(f"{np.exp(np.median(loss)):.4g}") if asked.target is None else asked.target
    own = {
        "params": asked.params,
        "n": asked.n,
        "target": target,
        "hour_price": costs.hour_price(asked.surface.design.architecture),
        "rate": costs.flops_per_gpu_hour,
        "gpus": costs.gpus,
        "worth": asked.value.unit,
    }
    return own | limits_told(costs, budget, asked.start, asked.level)


def _grids(grid: SurfaceGrid, idle: Run) -> dict[str, Any]:
    """The mesh, the path, and the run that is kept where nothing is done."""
    path = grid.path
    mesh = {"params": short(grid.params), "n": short(grid.n), "error": packed(grid.loss.levels)}
    along = {name: short(getattr(path, name)) for name in ("log_flops", "x", "own", "fine")}
    return {
        "mesh": mesh | {"mean": packed(grid.loss.mean)},
        "path": along | {"lowest": packed(path.lowest)} | {name: packed(part) for name, part in path.best.items()},
        "idle": {"params": idle.params, "n": idle.n, "flops": idle.flops}
        | {"error": packed(grid.idle.levels), "mean": float(grid.idle.mean)},
    }


def _hours(pricing: Pricing, grid: SurfaceGrid, compute: Compute) -> dict[str, Any] | None:
    """Accelerator hours by compute as runs were measured; None where nothing says, or the price list does."""
    if pricing.line is None:
        return None
    x, t = np.log(grid.params[[0, -1]]), np.log(grid.n[[0, -1]])
    low, high = compute.log_flops(x, t)
    logs = np.linspace(low, high, HOURS)
    return {"log_flops": short(logs), "log_hours": short(np.log(pricing.hours(logs)))}


def _runs(surface: Surface) -> list[list[float]]:
    """Parameters, data and loss of measured runs, for the chart."""
    design = surface.design
    some = np.unique(np.linspace(0, len(design.y) - 1, POINTS).astype(int))
    return [short(np.exp(part[some]), 6) for part in (design.x, design.t, design.y)]
