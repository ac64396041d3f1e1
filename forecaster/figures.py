"""Figures, each drawn from a table that the user can also have: ``*_table`` makes it, ``*_figure`` draws it.

Matplotlib's object interface only: no global state, no window; `savefig` any of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, NullLocator

from forecaster.domains import Domain
from forecaster.fonts import lettered
from forecaster.forecast import Forecast, forecast, targets_of
from forecaster.looks import (
    INK,
    LEFT,
    MUTED,
    PALETTE,
    WIDTH,
    Table,
    beside,
    capital,
    colours,
    interval,
    label_ends,
    labels,
    log_axes,
    plain,
    size_ticks,
    spread_out,
    to_the_right,
)
from forecaster.posterior import Group, Posterior
from forecaster.predictive import prior_paths
from forecaster.requirement import STANDING, plain_number
from forecaster.results import Result
from forecaster.sizes import MOST, reduced
from forecaster.units import Units, chance, rounded, size, units_of

if TYPE_CHECKING:
    from forecaster.comparison import Comparison

STYLE: Any = {"svg.fonttype": "path", "svg.hashsalt": "forecaster", "font.family": "DejaVu Sans"}  # for saving, too
REGIONS = {
    "small-data": ("small data", "#f3ead7"),
    "power-law": ("power law", "#e3eef7"),
    "floor": ("near the floor", "#ececec"),
}
BANDS = ((2.5, 97.5), (10, 90), (25, 75))
QUANTILES = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
FLOORS = ["floor", "floor_lower", "floor_upper", "yhat", "yhat_lower", "yhat_upper"]
COLUMNS = tuple(f"q{100 * q:g}" for q in QUANTILES)
BEHIND = 1.5  # above bands, below lines and dots
OVERLAID = 6  # more architectures than this get a panel each
EVEN_ODDS, NEVER = 6, 62  # where columns beside a panel stand, in points from its edge
BESIDE = 170  # points that names beside a panel may take


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
    largest, kind = 10.0 * math.exp(design.x_ref), "mean"
    if isinstance(found, Forecast):
        asked: Table = found.table
        kind = str(asked["kind"].iloc[0])
        largest = max(float(asked["n"].max()), 1.2 * math.exp(design.x_ref))
    sizes = np.geomspace(math.exp(design.x_min), until or largest, points)
    rows = [(*target, n) for target in targets if target[:2] == group for n in sizes]
    at = pd.DataFrame(rows, columns=["domain", "task", "architecture", "n"])
    table: Table = forecast(posterior, at, kind=kind, quantiles=QUANTILES).table
    return table[["domain", "task", "architecture", "n", "region", "decades_beyond", *COLUMNS]]


def measured_table(posterior: Posterior, group: Group) -> pd.DataFrame:
    """The measured points of a group: ``architecture, n, error``."""
    table: Table = posterior.curves.select(domain=group[0], task=group[1]).table
    return table[["architecture", "n", "error"]].reset_index(drop=True)


@lettered
def forecast_figure(found: Forecast | Posterior, *, group: Group | None = None, units: Units | None = None) -> Figure:
    """Measured points, median, bands of 50, 80 and 95 %, and the three regions, log-log, of one group."""
    posterior, targets = _asked(found)
    group = group or targets[0][:2]
    table: Table = curve_table(found, group=group)
    points, units = measured_table(posterior, group), units or units_of(posterior, group)
    names = _unique(table)
    if len(names) > OVERLAID:
        best_first = table.groupby("architecture")["q50"].last().sort_values().index.tolist()
        return _small_multiples(table, points, units, best_first)
    return _overlay(table, points, units, names)


def _asked(found: Forecast | Posterior) -> tuple[Posterior, list[tuple[str, str, str]]]:
    """The posterior and the (domain, task, architecture) asked about, measured ones in their own order."""
    if isinstance(found, Posterior):
        return found, [(t.domain, t.task, t.architecture) for t in targets_of(found)]
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
        shapes = [Rectangle((0, 0), 1, 1, color=c) for _, c in REGIONS.values()]
        figure.legend(shapes, [label for label, _ in REGIONS.values()], loc="lower right", fontsize=8.5, frameon=False)
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
        style: Any = {"alpha": 0.3, "ms": 3, "mew": 0} if len(seen) > MOST else {"alpha": 0.75, "ms": 4.4, "mew": 0.4}
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
        axes.axvspan(start, stop, color=REGIONS[name][1], lw=0, zorder=-5)


def _region_strip(
    below: Axes, table: Table, names: list[str], shades: dict, above: Axes, shown: Mapping[str, str]
) -> None:
    """One row an architecture under the curves: where on its curve each size lies."""
    for row, name in enumerate(names):
        for region, start, stop in _runs(table[table["architecture"] == name]):
            label, shade = REGIONS[region]
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


# Data needed, exponents, floors -------------------------------------------------------------------


@lettered
def requirement_figure(found: Result, *, units: Units | None = None) -> Figure:
    """Data needed for the target(s): median, half and nine tenths of the chances, and the chance of never."""
    table: Table = found.table
    units, several = units or _units_of(found), table["target"].nunique() > 1
    rows = table.sort_values([*STANDING]).sort_values("target", ascending=False, kind="stable").to_dict("records")
    figure, (low, high) = Figure(figsize=(WIDTH, 1.25 + 0.42 * len(rows)), layout="constrained"), _span(table)
    axes = figure.add_subplot()
    axes.set(xscale="log", xlim=(low, high), ylim=(len(rows) - 0.4, -0.55))
    shades = dict(zip(_unique(table), colours(_unique(table)), strict=True))
    for y, row in enumerate(rows):
        interval(axes, y, [row[k] for k in ("q5", "q25", "q50", "q75", "q95")], high, shades[row["architecture"]])
        for x, said, colour in (
            (EVEN_ODDS, size(rounded(row["q50"]), short=True), INK),
            (NEVER, chance(row["p_never"]), MUTED),
        ):
            beside(axes, x, y, said, va="center", fontsize=9, color=colour)
    for x, title, colour in ((EVEN_ODDS, "even odds", INK), (NEVER, "never", MUTED)):
        beside(axes, x, -0.75, title, fontsize=8.5, color=colour)
    for budget in table["budget"].dropna().unique() if "budget" in table else ():
        axes.axvline(float(budget), color=INK, lw=1, ls=":")
        axes.text(float(budget), -0.75, " budget", fontsize=8.5, color=INK)
    shown = labels(shades, BESIDE, 9)
    names = [shown[r["architecture"]] + (f", {units.error_plain(r['target'])}" if several else "") for r in rows]
    axes.set_yticks(range(len(rows)), names)
    plain(axes)
    size_ticks(axes)
    goal = "each target" if several else units.phrase(units.error_plain(rows[0]["target"]))
    axes.set_xlabel(f"Training data needed for {goal} ({units.size_name})")
    return figure


def _span(table: Table) -> tuple[float, float]:
    """Sizes to show: what is likely, not the far tail of the worst architecture."""
    inner = table[["q5", "q25", "q50"]].to_numpy(dtype=float)
    known = inner[np.isfinite(inner) & (inner > 0)]
    if not len(known):
        return 1.0, 10.0
    low = float(known.min())
    upper = table[["q75", "q95"]].to_numpy(dtype=float)
    upper = upper[np.isfinite(upper)]
    top = max(float(known.max()), float(np.median(upper)) if len(upper) else 0.0, 3.0 * low)
    return low / 1.6, min(top, low * 1e5) * 2.5


def exponent_table(found: Posterior | Comparison, group: Group | None = None) -> pd.DataFrame:
    """Quantiles ``q2.5`` to ``q97.5`` of the exponent of each architecture (of one group, where given)."""
    if isinstance(found, Posterior):
        keys = [(c.domain, c.task, c.architecture) for c in found.curves.curves]
    else:
        keys = list(found.exponents[["domain", "task", "architecture"]].itertuples(index=False, name=None))
    rows = []
    for key in (key for key in keys if group in (None, key[:2])):
        label = "/".join(key)
        own = isinstance(found, Posterior)
        draws = np.exp(found.curve(label).log_exponent) if own else found.exponent_draws[label]
        named = zip(("domain", "task", "architecture"), key, strict=True)
        rows.append(dict(named) | dict(zip(COLUMNS, np.quantile(draws, QUANTILES), strict=True)))
    return pd.DataFrame(rows)


@lettered
def comparison_figure(found: Comparison | pd.DataFrame) -> Figure:
    """Exponents side by side, from a comparison or from :func:`exponent_table`."""
    table = found if isinstance(found, pd.DataFrame) else exponent_table(found)
    figure = Figure(figsize=(WIDTH, 1.15 + 0.42 * len(table)), layout="constrained")
    axes = figure.add_subplot()
    names = table["architecture"].tolist()
    for y, (row, colour) in enumerate(zip(table.to_dict("records"), colours(names), strict=True)):
        for (low, high), width, alpha in zip(BANDS, (2, 4.5, 9), (0.5, 0.6, 0.8), strict=True):
            ends = [row[f"q{low:g}"], row[f"q{high:g}"]]
            axes.plot(ends, [y, y], color=colour, lw=width, alpha=alpha, solid_capstyle="butt")
        axes.plot([row["q50"]], [y], "o", color="white", mec=colour, mew=1.8, ms=7)
    axes.set(ylim=(len(names) - 0.4, -0.6))
    shown = labels(names, BESIDE, 9)
    axes.set_yticks(range(len(names)), [shown[name] for name in names])
    plain(axes)
    axes.set_xlabel("Exponent: how steeply error falls with data (larger is steeper)")
    return figure


@lettered
def floor_figure(table: pd.DataFrame, *, units: Units | None = None, order: Sequence[str] | None = None) -> Figure:
    """The forecast against the assumed floor, from ``sensitivity.floor_table`` at one size.

    ``order`` are the architectures of the other figures, so that each keeps its colour.
    """
    units, names, ends = units or Units("examples", "error", False), _unique(table), {}
    figure = Figure(figsize=(WIDTH, 3.3))
    right, held = to_the_right(names)
    axes = figure.add_axes((LEFT, 0.155, right - LEFT, 0.805))
    shown: Table = table.copy()
    shown[FLOORS] = units.scaled(1.0) * shown[FLOORS]
    shades = dict(zip(order or names, colours(order or names), strict=True))
    if len(set(shades.values())) < len(shades):
        shades = dict(zip(names, colours(names), strict=True))
    for name in names:
        mine, colour = shown[shown["architecture"] == name], shades[name]
        axes.vlines(mine["floor"], mine["yhat_lower"], mine["yhat_upper"], color=colour, lw=3.5, alpha=0.4)
        axes.plot(mine["floor"], mine["yhat"], "o-", color=colour, ms=5, lw=1.3)
        ends[name] = float(mine["yhat"].iloc[-1])
    low, top = float(shown["yhat_lower"].min()), 1.04 * float(shown["yhat_upper"].max())
    bottom = 0.0 if low < 0.5 * top else low - 0.25 * (top - low)
    right = 1.06 * float(shown["floor"].max())
    axes.set(xlim=(0, right), ylim=(bottom, top))
    seen = 0.72 * right
    if bottom < seen < top:
        axes.plot([0, top], [0, top], color=MUTED, lw=1, ls=":")
        style = {"textcoords": "offset points", "fontsize": 8, "color": MUTED}
        axes.annotate("the floor itself", (seen, seen), (4, -9), **style)
    wanted = np.array([(value - bottom) / (top - bottom) for value in ends.values()])
    for name, place in zip(ends, spread_out(wanted, 0.07), strict=True):
        style = {"color": shades[name], "fontsize": 9, "fontweight": "bold", "va": "center"}
        axes.annotate(held[name], (1.02, place), xycoords="axes fraction", **style)
    plain(axes)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda v, _: f"{plain_number(v)}{units.sign}"))
    axes.set_xlabel("If the error that no data removes is …")
    axes.set_ylabel(f"… then the forecast at {size(float(table['n'].iloc[0]))} is")
    return figure


# What a card believes before any data -------------------------------------------------------------


def prior_predictive_table(
    card: Domain, sizes: Sequence[float] | None = None, *, draws: int = 400, seed: int = 0
) -> pd.DataFrame:
    """Curves drawn from a card's prior, drift included: ``draw, n, error``; ``sizes`` default to three decades."""
    rng = np.random.default_rng(seed)
    x = np.log(np.geomspace(1e3, 1e6, 31) if sizes is None else np.sort(np.asarray(sizes, dtype=float)))
    error = np.exp(prior_paths(card, x, x[-1], x[0], draws, rng)[0])
    n = np.tile(np.exp(x), draws)
    return pd.DataFrame({"draw": np.repeat(np.arange(draws), len(x)), "n": n, "error": error.ravel()})


def prior_predictive_figure(
    card: Domain, sizes: Sequence[float] | None = None, *, draws: int = 400, shown: int = 40, seed: int = 0
) -> Figure:
    """Curves that a card holds possible before any data: ``shown`` of them, the median and the 80 % band."""
    table: Table = prior_predictive_table(card, sizes, draws=draws, seed=seed)
    figure = Figure(figsize=(WIDTH, 4.2), layout="constrained")
    axes = figure.add_subplot()
    for _, mine in table[table["draw"] < shown].groupby("draw"):
        axes.plot(mine["n"], mine["error"], color=PALETTE[0], lw=0.7, alpha=0.35)
    bands = table.groupby("n")["error"].quantile([0.1, 0.5, 0.9]).unstack()
    axes.fill_between(bands.index, bands[0.1], bands[0.9], color=PALETTE[1], alpha=0.15, lw=0)
    axes.plot(bands.index, bands[0.5], color=PALETTE[1], lw=2)
    units = Units(card.size_unit, card.error_unit.split(",")[0], "share" in card.error_unit)
    log_axes(axes, units, bands.reset_index().rename(columns={0.1: "q2.5", 0.9: "q97.5"}), None)
    axes.set_xlabel(f"Training data ({card.size_unit})")
    axes.set_title(f"{card.title}: before any data, 8 curves in 10 pass through the band", fontsize=9.5, loc="left")
    return figure


def _unique(table: Table) -> list[str]:
    return list(dict.fromkeys(table["architecture"]))


def _units_of(found: Any) -> Units:
    posterior = getattr(found, "posterior", None)
    if posterior is None:
        return Units("examples", "error", False)
    row = found.table.iloc[0]
    return units_of(posterior, (row["domain"], row["task"]))
