"""The file of a page: data, scripts and styles in one HTML, which asks nothing of the network.

Pages of curves and of surfaces have folders of their own in ``assets`` and share the folder ``shared``. The scripts
follow one another in one module: first those that answer, pure functions which tests run in Node, then those that read
fields and show.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, Protocol, runtime_checkable

import jinja2
import numpy as np
from jaxtyping import Float
from markupsafe import Markup

from forecaster.decisions.loss import Value
from forecaster.resources.prices.costs import Costs
from forecaster.results.wording import Units

INTERVALS = (0.5, 0.8, 0.9, 0.95)  # probabilities of the intervals that may be chosen, beside the memo's own
CHANCES = (  # of reaching a target, on the grid; between them it is interpolated
    *(0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04),
    *np.round(np.arange(0.05, 0.951, 0.025), 3).tolist(),
    *(0.96, 0.97, 0.98, 0.985, 0.99, 0.995, 0.9975),
)
STEPS = 65_535  # of 16 bits
ANSWERS = ("shared/grids.mjs", "shared/prices.mjs", "shared/words.mjs", "{}/answers.mjs")
SHOWS = ("shared/fields.mjs", "shared/charts.mjs", "{}/page.mjs")


@runtime_checkable
class Asks(Protocol):
    """The question with which a page opens; no number is computed before the page is."""

    @property
    def html(self) -> str:
        """The page as one self-contained HTML file."""
        ...


def document(of: str, data: Mapping[str, Any], *, title: str, about: str, verdict: str, health: str) -> str:
    """The HTML of a page; ``of`` is the folder of its assets, ``health`` what the checks say in a sentence."""
    found = json.dumps(data, allow_nan=False, ensure_ascii=False).replace("<", "\\u003c")
    parts = {
        "data": found,
        "scripts": "\n".join(asset(name.format(of)) for name in (*ANSWERS, *SHOWS)),
        "styles": asset("uplot/uPlot.min.css") + "\n" + asset("shared/page.css"),
        "chart": asset("uplot/uPlot.iife.min.js"),
        "licence": asset("uplot/LICENSE"),
    }
    marked = {name: Markup(part) for name, part in parts.items()}
    shown = {"title": title, "about": about, "verdict": verdict, "health": health}
    return _templates().get_template(f"{of}/page.html.j2").render(shown | marked)


def answers_script(of: str) -> str:
    """The functions that answer on a page, as one module."""
    return "\n".join(asset(name.format(of)) for name in ANSWERS)


def intervals_and_levels(level: float) -> tuple[list[float], list[float]]:
    """Probabilities of the intervals that may be chosen, and the quantiles that are their ends."""
    intervals = sorted({*INTERVALS, level})
    return intervals, sorted({round(0.5 + side * one / 2, 12) for one in intervals for side in (-1, 1)} | {0.5})


def units_told(units: Units) -> dict[str, Any]:
    """What the page calls sizes and errors."""
    told = {"size": units.size_name, "error": units.error_name, "percent": units.percent, "unit": units.unit}
    return told | {"phrase": units.phrase("{}")}


def prices_told(costs: Costs, owned: float, timed: bool) -> dict[str, Any]:
    """The price list but for what is part of the question."""
    return {
        "currency": costs.currency,
        "fixed": costs.fixed,
        "items_per_week": costs.items_per_week,
        "gpus": costs.gpus,
        "deadline": None if costs.deadline is None else costs.deadline.isoformat(),
        "owned": owned,
        "timed": timed,
    }


def limits_told(costs: Costs, budget: float | None, start: date, level: float) -> dict[str, Any]:
    """That part of the question: the tiers, the budget, the day, and the interval."""
    return {
        "level": level,
        "budget": None if budget is None or not np.isfinite(budget) else budget,
        "tiers": [[None if np.isinf(up_to) else up_to, price] for up_to, price in costs.per_item],
        "start": start.isoformat(),
    }


def value_told(value: Value, point: float) -> dict[str, Any]:
    """What an error costs, but for the amount, which is part of the question."""
    return {"form": value.form, "point": point, "volume": value.volume}


def packed(values: Float[np.ndarray, "level ..."]) -> dict[str, Any]:
    """Logs of positive values as whole numbers of 16 bits in base64, row by row: ``low + step * number``."""
    logs = np.log(values)
    low = float(logs.min())
    step = float(logs.max() - low) / STEPS or 1.0
    text = base64.b64encode(np.rint((logs - low) / step).astype("<u2").tobytes()).decode()
    return {"low": low, "step": step, "text": text}


def short(values: Sequence[float] | np.ndarray, digits: int = 12) -> list[float]:
    """Numbers without the digits that nobody needs."""
    return [float(f"{value:.{digits}g}") for value in values]


def asset(name: str) -> str:
    """The text of a file of ``assets``."""
    return (files("forecaster.reports.page") / "assets" / name).read_text(encoding="utf-8")


@cache
def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("forecaster.reports.page", "assets"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
