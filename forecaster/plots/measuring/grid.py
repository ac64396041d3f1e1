"""The figure of a measured curve: each point of the grid by itself, and the best at each size."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from matplotlib import colormaps
from matplotlib.figure import Figure

from forecaster.plots.style import INK, MUTED, PALETTE, WIDTH, capital, error_ticks, labels, plain, size_ticks
from forecaster.results.wording import Units

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from forecaster.measuring.measured import Measured

COLUMNS = 2
PANELS = 12  # architectures drawn, the first of more
POINTS_NAMED = 8  # points of a grid that the legend names
UNITS = Units("examples", "error", percent=False)


def grid_figure(found: Measured) -> Figure:
    """A panel an architecture, log-log: the mean error of every point of the grid as a thin line, the best marked."""
    table: Any = found.sizes
    names = list(dict.fromkeys(table["architecture"]))[:PANELS]
    columns = min(COLUMNS, len(names))
    rows = math.ceil(len(names) / columns)
    height = 3.4 if columns == 1 else 2.6
    figure = Figure(figsize=(WIDTH, height * rows + 0.5), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    shown = labels(names, 200, 9)
    for axes, name in zip(panels, names, strict=False):
        _draw(axes, found, name)
        axes.set_title(shown[name], fontsize=9, color=INK, loc="left")
    for axes in panels[len(names) :]:
        axes.set_visible(False)
    measured: Any = found.table
    metrics = measured["metric"].unique().tolist() if "metric" in measured else []
    figure.supxlabel("Training data", fontsize=9.5, color=INK)
    figure.supylabel(capital(metrics[0] if len(metrics) == 1 else "error"), fontsize=9.5, color=INK)
    return figure


def _draw(axes: Axes, found: Measured, name: str) -> None:
    both: tuple[Any, Any] = (found.table, found.runs)
    table, runs = (frame[frame["architecture"] == name] for frame in both)
    runs = runs[(runs["status"] == "done") & (runs["error"] > 0)]
    points = list(dict.fromkeys(runs["point"])) if "point" in runs else []
    if len(points) > 1:
        shades = colormaps["viridis"]
        for i, point in enumerate(points):
            means = runs[runs["point"] == point].groupby("n")["error"].mean()
            said = point if len(points) <= POINTS_NAMED else None
            colour = shades(0.9 * i / max(len(points) - 1, 1))
            axes.plot(means.index, means, "-", color=colour, lw=1.0, alpha=0.8, label=said)
    means = table.groupby("n")["error"].mean()
    axes.plot(table["n"], table["error"], "o", color=PALETTE[1], alpha=0.35, ms=3.5, mew=0)
    said = "the best, as reported" if len(points) > 1 else None
    axes.plot(means.index, means, "o-", color=PALETTE[1], lw=1.4, ms=5, mfc="white", mew=1.4, label=said)
    axes.set(xscale="log", yscale="log")
    plain(axes)
    size_ticks(axes)
    drawn = [table["error"], *([runs["error"]] if len(points) > 1 else [])]
    error_ticks(axes, UNITS, math.log10(max(e.max() for e in drawn) / min(e.min() for e in drawn)))
    if len(points) > 1:
        axes.legend(frameon=False, fontsize=8, labelcolor=MUTED)
