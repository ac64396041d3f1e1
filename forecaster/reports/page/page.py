"""The page of curves: one HTML file in which target, size, prices and budget can be moved.

It carries grids of quantiles (:mod:`~forecaster.prediction.grids`), not draws. What it answers is what ``forecast``,
``requirement`` and ``decide`` answer, as closely as the grids tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np

from forecaster.curves.learning_curves import Group
from forecaster.decisions.loss import Value
from forecaster.decisions.options import owned_size
from forecaster.inference.posterior import Posterior
from forecaster.plots.style import PALETTE
from forecaster.prediction.crossings import HORIZON_FACTOR, largest_size
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.grids import CurveGrid, curve_grid
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
from forecaster.resources.needs import measured_hours
from forecaster.resources.prices.costs import EVERY, Costs
from forecaster.results.wording import Units

POINTS = 60  # measurements of a curve that the chart shows


@dataclass(frozen=True, eq=False)
class Opening:
    """What a page is about, and the question with which it opens; no number is computed before the page is."""

    posterior: Posterior
    group: Group
    names: tuple[str, ...]  # of the architectures
    units: Units
    kind: str
    level: float
    seed: int
    target: float
    n: float
    costs: Costs
    budget: float | None
    start: date
    title: str
    about: str
    verdict: str
    health: str  # what the checks say, in a sentence
    value: Value = field(default_factory=Value)  # what an error costs, if anything

    @property
    def html(self) -> str:
        """The page as one self-contained HTML file."""
        return page_html(self)


def page_html(asked: Opening) -> str:
    """The page as one self-contained HTML file."""
    shown: dict[str, Any] = {name: getattr(asked, name) for name in ("title", "about", "verdict", "health")}
    return document("curves", page_data(asked), **shown)


def page_data(asked: Opening) -> dict[str, Any]:
    """All that the page's script reads: the question with which it opens, prices, and the grid of each architecture.

    Numbers that are not finite stand as None.
    """
    posterior, keys = asked.posterior, tuple(CurveKey(*asked.group, name) for name in asked.names)
    costs = measured_hours(asked.costs, posterior, keys, asked.seed)
    owned = owned_size(posterior, asked.group, costs)
    horizon = max(HORIZON_FACTOR * largest_size(posterior.designs[asked.group]), owned)
    intervals, levels = intervals_and_levels(asked.level)
    curves = []
    for key, colour in zip(keys, _colours(len(keys)), strict=True):
        grid = curve_grid(posterior, key, levels, CHANCES, horizon=horizon, kind=asked.kind, seed=asked.seed)
        running = costs.running(asked.value.volume or 0.0, key.architecture)
        curves.append(_curve(posterior, grid, costs) | {"colour": colour, "running": running})
    return {
        "units": units_told(asked.units),
        "levels": levels,
        "chances": list(CHANCES),
        "intervals": intervals,
        "smallest": min(curve["n"][0] for curve in curves),
        "largest": largest_size(posterior.designs[asked.group]),
        "horizon": horizon,
        "prices": prices_told(costs, owned, costs.timed),
        "value": value_told(asked.value, 0.01 if asked.units.percent else 1.0),
        "question": {"target": asked.target, "n": asked.n, "worth": asked.value.unit}
        | limits_told(asked.costs, asked.budget, asked.start, asked.level),
        "curves": curves,
    }


def _curve(posterior: Posterior, grid: CurveGrid, costs: Costs) -> dict[str, Any]:
    """One architecture: its grids, its measurements, and what training it costs."""
    name = grid.key.architecture
    design = posterior.designs[grid.key.group]
    data = design.curve_of(name)
    assert data is not None  # a memo is about measured architectures
    own = costs.architecture.get(name, EVERY).gpu_hours or costs.gpu_hours
    some = np.unique(np.linspace(0, len(data.x) - 1, POINTS).astype(int))[::-1]
    return {
        "name": name,
        "n": short(grid.n),
        "error": packed(grid.error),
        "lowest": packed(grid.lowest),
        "mean": packed(grid.mean),
        "last": largest_size(design, name),
        "hour_price": costs.hour_price(name),
        "hours": {"per_item": own.per_item, "exponent": own.exponent},
        "points": [short(np.exp(data.x[some])), short(np.exp(data.y[some]), 5)],
    }


def _colours(count: int) -> list[Mapping[str, Any]]:
    """A colour for each curve, safe for the colour-blind, and dashes where there are more curves than colours.

    The black one is left to the page, whose ground may be dark.
    """
    some = [*PALETTE[:-1], "ink"]
    return [{"name": some[i % len(some)], "dashed": i >= len(some)} for i in range(count)]
