"""The page beside a memo: one HTML file in which target, size, prices and budget can be moved.

It carries grids of quantiles (:mod:`~forecaster.prediction.grids`), not draws, and asks nothing of the network. What it
answers is what ``forecast``, ``requirement`` and ``decide`` answer, as closely as the grids tell.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
import numpy as np
from jaxtyping import Float
from markupsafe import Markup

from forecaster.curves.learning_curves import Group
from forecaster.decisions.options import owned_size
from forecaster.inference.posterior import Posterior
from forecaster.plots.style import PALETTE
from forecaster.prediction.crossings import HORIZON_FACTOR, largest_size
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.grids import CurveGrid, curve_grid
from forecaster.resources.needs import measured_hours
from forecaster.resources.prices.costs import EVERY, Costs
from forecaster.results.wording import Units

INTERVALS = (0.5, 0.8, 0.9, 0.95)  # probabilities of the intervals that may be chosen, beside the memo's own
CHANCES = (  # of reaching a target, on the grid; between them it is interpolated
    *(0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04),
    *np.round(np.arange(0.05, 0.951, 0.025), 3).tolist(),
    *(0.96, 0.97, 0.98, 0.985, 0.99, 0.995, 0.9975),
)
POINTS = 60  # measurements of a curve that the chart shows
STEPS = 65_535  # of 16 bits
SCRIPTS = ("answers.mjs", "page.mjs")


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


def page_html(asked: Opening) -> str:
    """The page as one self-contained HTML file."""
    found = json.dumps(page_data(asked), allow_nan=False, ensure_ascii=False).replace("<", "\\u003c")
    shown: dict[str, Any] = {name: getattr(asked, name) for name in ("title", "about", "verdict", "health")}
    scripts = Markup("\n".join(_asset(name) for name in SCRIPTS))
    styles = Markup(_asset("uplot/uPlot.min.css") + "\n" + _asset("page.css"))
    chart, licence = Markup(_asset("uplot/uPlot.iife.min.js")), Markup(_asset("uplot/LICENSE"))
    template = _template().get_template("page.html.j2")
    return template.render(shown, data=Markup(found), scripts=scripts, styles=styles, chart=chart, licence=licence)


def page_data(asked: Opening) -> dict[str, Any]:
    """All that the page's script reads: the question with which it opens, prices, and the grid of each architecture.

    Numbers that are not finite stand as None.
    """
    posterior, keys = asked.posterior, tuple(CurveKey(*asked.group, name) for name in asked.names)
    costs = measured_hours(asked.costs, posterior, keys, asked.seed)
    owned = owned_size(posterior, asked.group, costs)
    horizon = max(HORIZON_FACTOR * largest_size(posterior.designs[asked.group]), owned)
    intervals = sorted({*INTERVALS, asked.level})
    levels = sorted({round(0.5 + side * level / 2, 12) for level in intervals for side in (-1, 1)} | {0.5})
    curves = []
    for key, colour in zip(keys, _colours(len(keys)), strict=True):
        grid = curve_grid(posterior, key, levels, CHANCES, horizon=horizon, kind=asked.kind, seed=asked.seed)
        curves.append(_curve(posterior, grid, costs) | {"colour": colour})
    return {
        "units": {"size": asked.units.size_name, "error": asked.units.error_name, "percent": asked.units.percent}
        | {"unit": asked.units.unit, "phrase": asked.units.phrase("{}")},
        "levels": levels,
        "chances": list(CHANCES),
        "intervals": intervals,
        "smallest": min(curve["n"][0] for curve in curves),
        "largest": largest_size(posterior.designs[asked.group]),
        "horizon": horizon,
        "prices": _prices(costs, owned),
        "question": {
            "target": asked.target,
            "n": asked.n,
            "level": asked.level,
            "budget": None if asked.budget is None or not np.isfinite(asked.budget) else asked.budget,
            "tiers": [[None if np.isinf(up_to) else up_to, price] for up_to, price in costs.per_item],
            "start": asked.start.isoformat(),
        },
        "curves": curves,
    }


def _prices(costs: Costs, owned: float) -> dict[str, Any]:
    """The price list but for its tiers, which are part of the question."""
    return {
        "currency": costs.currency,
        "fixed": costs.fixed,
        "items_per_week": costs.items_per_week,
        "gpus": costs.gpus,
        "deadline": None if costs.deadline is None else costs.deadline.isoformat(),
        "owned": owned,
        "timed": costs.timed,
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
        "n": _short(grid.n),
        "error": packed(grid.error),
        "lowest": packed(grid.lowest),
        "last": largest_size(design, name),
        "hour_price": costs.hour_price(name),
        "hours": {"per_item": own.per_item, "exponent": own.exponent},
        "points": [_short(np.exp(data.x[some])), _short(np.exp(data.y[some]), 5)],
    }


def packed(values: Float[np.ndarray, "level size"]) -> dict[str, Any]:
    """Logs of positive values as whole numbers of 16 bits in base64, row by row: ``low + step * number``."""
    logs = np.log(values)
    low = float(logs.min())
    step = float(logs.max() - low) / STEPS or 1.0
    text = base64.b64encode(np.rint((logs - low) / step).astype("<u2").tobytes()).decode()
    return {"low": low, "step": step, "text": text}


def _short(values: Sequence[float] | np.ndarray, digits: int = 12) -> list[float]:
    """Numbers without the digits that nobody needs."""
    return [float(f"{value:.{digits}g}") for value in values]


def _colours(count: int) -> list[Mapping[str, Any]]:
    """A colour for each curve, safe for the colour-blind, and dashes where there are more curves than colours.

    The black one is left to the page, whose ground may be dark.
    """
    some = [*PALETTE[:-1], "ink"]
    return [{"name": some[i % len(some)], "dashed": i >= len(some)} for i in range(count)]


def _asset(name: str) -> str:
    return (files("forecaster.reports.page") / "assets" / name).read_text(encoding="utf-8")


@cache
def _template() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("forecaster.reports.page", "assets"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
