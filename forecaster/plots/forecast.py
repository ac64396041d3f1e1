"""Figures, each drawn from a table that the user can also have: ``*_table`` makes it, ``*_figure`` draws it.

Matplotlib's object interface only: no global state, no window; `savefig` any of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import NullLocator

from forecaster._support.frames import Table
from forecaster.curves.learning_curves import Group
from forecaster.curves.repeats import MOST_SIZES, reduced
from forecaster.inference.posterior import Posterior
from forecaster.inference.units import units_of
from forecaster.plots.style import (
    BANDS,
    BESIDE,
    COLUMNS,
    INK,
    LEFT,
    PALETTE,
    QUANTILES,
    WIDTH,
    capital,
    colours,
    label_ends,
    labels,
    log_axes,
    plain,
    size_ticks,
    to_the_right,
    unique,
)
from forecaster.prediction.curve_keys import curve_keys
from forecaster.prediction.forecast import Forecast, forecast
from forecaster.results.columns import CURVE, Column, Columns, size
from forecaster.results.wording import Units

REGION_STYLES = {
    "small-data": ("small data", "#f3ead7"),
    "power-law": ("power law", "#e3eef7"),
    "floor": ("near the floor", "#ececec"),
}
CURVES = Columns(
    "a size of a learning curve, as figures draw it",
    CURVE,
    size("training-set size"),
    Column("region", "text", "`small-data`, `power-law` or `floor`"),
    Column("decades_beyond", "number", "distance beyond the largest measured size, in decades; 0 within"),
    Column("q*", "error", "quantiles of the forecast"),
)
BEHIND = 1.5  # above bands, below lines and dots
OVERLAID = 6  # more architectures than this get a panel each


# The forecast -------------------------------------------------------------------------------------


def curve_table(
    found: Forecast | Posterior, *, group: Group | None = None, until: float | None = None, points: int = 61
) -> pd.DataFrame:
    """The forecast on a grid from the smallest measured size to ``until``: what :func:`forecast_figure` draws.

    Columns: ``domain, task, architecture, n, region, decades_beyond`` and the quantiles ``q2.5`` to ``q97.5``.
    ``until`` is by default the forecast's largest size, or ten times the largest measured one. Of the forecast's kind.
    """
    posterior, targets = _asked(found)
    group = group or targets[0][:2]
    design = posterior.designs[group]
    largest, kind = 10.0 * math.exp(design.x_ref), None
    if isinstance(found, Forecast):
        asked: Table = found.table
        kind = str(asked["kind"][(asked["domain"] == group[0]) & (asked["task"] == group[1])].iloc[0])
        largest = max(float(asked["n"].max()), 1.2 * math.exp(design.x_ref))
    sizes = np.geomspace(math.exp(design.x_min), until or largest, points)
    rows = [(*target, n) for target in targets if target[:2] == group for n in sizes]
    at = pd.DataFrame(rows, columns=["domain", "task", "architecture", "n"])
    seed = found.seed if isinstance(found, Forecast) else 0
    table: Table = forecast(posterior, at, kind=kind, quantiles=QUANTILES, seed=seed).table
    return table[["domain", "task", "architecture", "n", "region", "decades_beyond", *COLUMNS]]


def measured_table(posterior: Posterior, group: Group) -> pd.DataFrame:
    """The measured points of a group: ``architecture, n, error``."""
    table: Table = posterior.curves.select(domain=group[0], task=group[1]).table
    return table[["architecture", "n", "error"]].reset_index(drop=True)


def forecast_figure(
    found: Forecast | Posterior,
    *,
    group: Group | None = None,
    units: Units | None = None,
    curves: pd.DataFrame | None = None,
) -> Figure:
    """Measured points, median, bands of 50, 80 and 95 %, and the three regions, log-log, of one group.

    ``curves`` is its :func:`curve_table`, where that is known already.
    """
    posterior, targets = _asked(found)
    group = group or targets[0][:2]
    table: Table = curve_table(found, group=group) if curves is None else curves
    points, units = measured_table(posterior, group), units or units_of(posterior, group)
    names = unique(table)
    if len(names) > OVERLAID:
        best_first = table.groupby("architecture")["q50"].last().sort_values().index.tolist()
        return _small_multiples(table, points, units, best_first)
    return _overlay(table, points, units, names)


def _asked(found: Forecast | Posterior) -> tuple[Posterior, list[tuple[str, str, str]]]:
    """The posterior and the (domain, task, architecture) asked about, measured ones in their own order."""
    if isinstance(found, Posterior):
        return found, [(t.domain, t.task, t.architecture) for t in curve_keys(found)]
    if found.posterior is None:
        raise TypeError("this forecast carries no posterior to draw the curve from; make it with forecast()")
    keys = found.table[["domain", "task", "architecture"]].drop_duplicates()
    return found.posterior, [tuple(key) for key in keys.itertuples(index=False, name=None)]


def _overlay(table: Table, points: Table, units: Units, names: list[str]) -> Figure:
    strip = 0.2 * len(names)
    figure = Figure(figsize=(WIDTH, 4.6 + strip))
    right, shown = to_the_right(names)
    grid = figure.add_gridspec(
        2, 1, height_ratios=(4.0, strip), hspace=0.04, left=LEFT, right=right, top=0.97, bottom=0.115
    )
    axes, below = figure.add_subplot(grid[0]), figure.add_subplot(grid[1])
    shades = dict(zip(names, colours(names), strict=True))
    for name in names:
        _draw_curve(axes, table, points, name, shades[name], crowd=len(names))
    log_axes(axes, units, table, points)
    axes.tick_params(labelbottom=False)
    _mark_largest(axes, points, label=True)
    ends = table.groupby("architecture", sort=False)["q50"].last()
    label_ends(axes, {name: (float(ends[name]), shades[name]) for name in names}, shown)
    _region_strip(below, table, names, shades, axes, shown)
    below.set_xlabel(f"Training data ({units.size_name})")
    return figure


def _small_multiples(table: Table, points: Table, units: Units, names: list[str]) -> Figure:
    columns = 3
    rows = math.ceil(len(names) / columns)
    figure = Figure(figsize=(WIDTH, 2.25 * rows + 0.5), layout="constrained")
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    shown = labels(names, BESIDE, 9.5)
    for axes, name in zip(panels, names, strict=False):
        _shade_regions(axes, table[table["architecture"] == name])
        _draw_curve(axes, table, points, name, PALETTE[0], crowd=1)
        log_axes(axes, units, table, points)
        axes.set_ylabel("")
        _mark_largest(axes, points[points["architecture"] == name], label=axes is panels[0])
        axes.set_title(shown[name], fontsize=9.5, color=INK, loc="left")
    for axes in panels[len(names) :]:
        axes.set_visible(False)
    for axes in panels[max(len(names) - columns, 0) : len(names)]:
        axes.tick_params(labelbottom=True)
    if len(names) < len(panels):
        shapes = [Rectangle((0, 0), 1, 1, color=c) for _, c in REGION_STYLES.values()]
        figure.legend(
            shapes, [label for label, _ in REGION_STYLES.values()], loc="lower right", fontsize=8.5, frameon=False
        )
    figure.supxlabel(f"Training data ({units.size_name})", fontsize=9.5, color=INK)
    figure.supylabel(capital(units.error_name), fontsize=9.5, color=INK)
    return figure


def _draw_curve(axes: Axes, table: Table, points: Table, name: str, colour: str, crowd: int) -> None:
    mine, seen = table[table["architecture"] == name], points[points["architecture"] == name]
    for (low, high), alpha in zip(BANDS, (0.13, 0.16, 0.22), strict=True):
        lower, upper = mine[f"q{low:g}"], mine[f"q{high:g}"]
        axes.fill_between(mine["n"], lower, upper, color=colour, alpha=alpha * (0.75 if crowd > 3 else 1.0), lw=0)
    axes.plot(mine["n"], mine["q50"], color=colour, lw=1.6)
    if seen.empty:
        return
    seen = seen.sort_values("n")
    means = reduced(seen["n"].to_numpy(dtype=float), np.log(seen["error"].to_numpy()))
    if len(means.x) < len(seen):
        style: Any = (
            {"alpha": 0.3, "ms": 3, "mew": 0} if len(seen) > MOST_SIZES else {"alpha": 0.75, "ms": 4.4, "mew": 0.4}
        )
        axes.plot(seen["n"], seen["error"], "o", color=colour, mec="white", **style)
    axes.plot(np.exp(means.x), np.exp(means.y), "o", color=colour, ms=5.2, mec="white", mew=0.7)


def _mark_largest(axes: Axes, points: Table, label: bool) -> None:
    if points.empty:
        return
    largest = float(points["n"].max())
    axes.axvline(largest, color=INK, lw=1, ls=(0, (4, 3)), zorder=BEHIND)
    if label:
        axes.annotate(
            "largest\nmeasured", (largest, 1), (5, -4), xycoords=("data", "axes fraction"),
            textcoords="offset points", va="top", fontsize=8, color=INK,
        )  # fmt: skip


def _runs(mine: Table) -> list[tuple[str, float, float]]:
    """Stretches of one region: (region, from, to)."""
    n, names = mine["n"].to_numpy(), mine["region"].to_list()
    edges = [0, *(i for i in range(1, len(n)) if names[i] != names[i - 1]), len(n)]
    middle = np.sqrt(n[1:] * n[:-1])
    bounds = [n[0], *(middle[i - 1] for i in edges[1:-1]), n[-1]]
    return [(names[i], a, b) for i, a, b in zip(edges[:-1], bounds[:-1], bounds[1:], strict=True)]


def _shade_regions(axes: Axes, mine: Table) -> None:
    for name, start, stop in _runs(mine):
        axes.axvspan(start, stop, color=REGION_STYLES[name][1], lw=0, zorder=-5)


def _region_strip(
    below: Axes, table: Table, names: list[str], shades: dict, above: Axes, shown: Mapping[str, str]
) -> None:
    """One row an architecture under the curves: where on its curve each size lies."""
    for row, name in enumerate(names):
        for region, start, stop in _runs(table[table["architecture"] == name]):
            label, shade = REGION_STYLES[region]
            below.barh(row, stop - start, left=start, height=0.86, color=shade, lw=0)
            if math.log(stop / start) > 0.14 * math.log(table["n"].max() / table["n"].min()):
                below.text(math.sqrt(start * stop), row, label, ha="center", va="center", fontsize=7, color=INK)
        below.annotate(
            shown[name], (1.02, row), xycoords=("axes fraction", "data"),
            va="center", fontsize=7.5, color=shades[name], annotation_clip=False,
        )  # fmt: skip
    below.set(xscale="log", xlim=above.get_xlim(), ylim=(len(names) - 0.45, -0.75))
    size_ticks(below)
    plain(below, grid=False)
    below.yaxis.set_major_locator(NullLocator())
