"""Measured curves, before any fit."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecaster.curves.learning_curves import Curve, Group, LearningCurves
from forecaster.curves.metrics import size_unit_of_reading
from forecaster.curves.repeats import reduced
from forecaster.domains.domain import Domain
from forecaster.errors import RequestError
from forecaster.plots.style import INK, PALETTE, WIDTH, capital, error_ticks, labels, plain, size_ticks
from forecaster.results.wording import Units

COLUMNS = 3
PANELS = 30  # curves drawn, the first of more
NAME_WIDTH = 145  # points that the name of a curve may take above its panel
UNITS = Units("examples", "error", percent=False)


def measured_figure(read: LearningCurves | None, cards: Mapping[Group, Domain] | None = None) -> Figure:
    """A panel for each curve, log-log: every measurement, and a line through the (geometric) mean of each size.

    RequestError where there are no curves that can be drawn.
    """
    if read is None:
        raise RequestError("found no curves that can be used, so there is no figure; the notes say why")
    curves = read.curves[:PANELS]
    columns = min(COLUMNS, len(curves))
    rows = math.ceil(len(curves) / columns)
    figure = Figure(figsize=(WIDTH, 2.25 * rows + 0.5), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    names = [curve.architecture if len(read.groups) == 1 else curve.label for curve in curves]
    shown = labels(names, NAME_WIDTH, 8.5)
    for axes, curve, name in zip(panels, curves, names, strict=False):
        _draw(axes, curve)
        axes.set_title(shown[name], fontsize=8.5, color=INK, loc="left")
    for axes in panels[len(curves) :]:
        axes.set_visible(False)
    own = size_unit_of_reading(read.reading)
    units = [own] if own else list(dict.fromkeys(card.size_unit for card in (cards or {}).values()))
    named = f" ({units[0]})" if len(units) == 1 else ""
    metrics = list(dict.fromkeys(curve.metric or "error" for curve in curves))
    figure.supxlabel(f"Training data{named}", fontsize=9.5, color=INK)
    figure.supylabel(capital(metrics[0] if len(metrics) == 1 else "error"), fontsize=9.5, color=INK)
    return figure


def _draw(axes: Axes, curve: Curve) -> None:
    means = reduced(curve.n, np.log(curve.error))
    axes.plot(curve.n, curve.error, "o", color=PALETTE[0], alpha=0.4, ms=3.5, mew=0)
    axes.plot(np.exp(means.x), np.exp(means.y), "-", color=PALETTE[0], lw=1.2)
    axes.set(xscale="log", yscale="log")
    plain(axes)
    size_ticks(axes)
    error_ticks(axes, UNITS, math.log10(curve.error.max() / curve.error.min()))
