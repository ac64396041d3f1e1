"""The figure of a backtest: is it calibrated, and how do forecasts lie against what was hidden?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from forecaster.curves.learning_curves import KEYS
from forecaster.evaluation.rivals.conformal import BAND
from forecaster.evaluation.tables import FEWEST_PAIRS
from forecaster.plots.style import ERROR_STEPS, INK, MUTED, PALETTE, WIDTH, labels, plain, size_ticks

if TYPE_CHECKING:
    from forecaster.evaluation.backtest import Backtest

COLUMNS = 4
PANELS = 12  # curves drawn: the worst, the median and the best among more
PIT_BINS = 10
TITLE, TASK = 95, 62  # points that the name of a curve may take above its panel; that of its task


def backtest_figure(found: Backtest) -> Figure:
    """Calibration, PIT histogram and, of many pairs, their chances above; forecasts against hidden errors below."""
    keys = panel_keys(found.table)
    rows = -(-len(keys) // COLUMNS)
    figure = Figure(figsize=(WIDTH, 3.2 + 2.0 * rows), layout="constrained")
    parts: Any = figure.subfigures(2, 1, height_ratios=(3.0, 2.0 * rows))
    above, below = parts
    many = len(found.pairs) >= FEWEST_PAIRS
    left, middle, *right = above.subplots(1, 3 if many else 2)
    draw_calibration(left, found.calibration)
    draw_pit(middle, found.points["pit"].to_numpy())
    if many:
        draw_chances(right[0], found.chances)
    panels = below.subplots(rows, COLUMNS, squeeze=False).ravel()
    tasks, names = labels([key[1] for key in keys], TASK, 7.5), labels([key[2] for key in keys], TITLE, 7.5)
    for axes, key in zip(panels, keys, strict=False):
        draw_curve(axes, found, key, f"{names[key[2]]}\n{tasks[key[1]]}")
    for axes in panels[len(keys) :]:
        axes.set_visible(False)
    below.supxlabel("Training data: measured (dots), hidden (rings), forecast with its interval", fontsize=9.5)
    below.supylabel("Error", fontsize=9.5)
    return figure


def panel_keys(table: Any) -> list[tuple[str, str, str]]:
    """Curves to draw, worst RMSLE first; of many, a spread from worst to best."""
    ordered = table.sort_values("rmsle", ascending=False)
    if len(ordered) > PANELS:
        ordered = ordered.iloc[np.unique(np.linspace(0, len(ordered) - 1, PANELS).round().astype(int))]
    return [tuple(key) for key in ordered[KEYS].itertuples(index=False, name=None)]


def draw_calibration(axes: Axes, table: Any) -> None:
    """Share of hidden errors inside the intervals against the intervals' level, by distance."""
    axes.annotate("calibrated", (0.56, 0.57), color=MUTED, fontsize=8, rotation=38, rotation_mode="anchor")
    kinds = list(dict.fromkeys(table["distance"]))
    shown = kinds if len(kinds) > 2 else ["all"]
    for shade, kind in zip((INK, *PALETTE), shown, strict=False):
        rows = table[table["distance"] == kind]
        label = "all points" if kind == "all" else f"{kind} decades beyond"
        count = int(rows["points"].iloc[0])
        if kind == "all":
            band = rows["coverage_low"], rows["coverage_high"]
            axes.fill_between(rows["level"], *band, color=MUTED, alpha=0.2, lw=0, label="if calibrated, 9 times in 10")
            if "coverage_conformal" in rows:
                axes.plot(rows["level"], rows["coverage_conformal"], color=MUTED, lw=1.2, ls=":", label=BAND)
        axes.plot(
            rows["level"], rows["coverage"], color=shade, marker="o", ms=3.5, lw=2 if kind == "all" else 1.2,
            label=f"{label} ({count:,})",
        )  # fmt: skip
    held_against_said(axes, "Level of the interval", "Hidden errors inside it")


def held_against_said(axes: Axes, said: str, held: str) -> None:
    """Dress axes of two shares, from a half up against all: the diagonal, percent, labels and a legend."""
    axes.plot([0.45, 1], [0.45, 1], color=MUTED, lw=1, ls=(0, (4, 3)), zorder=1)
    percent = FuncFormatter(lambda v, _: f"{100 * v:.0f} %")
    axes.xaxis.set_major_formatter(percent)
    axes.yaxis.set_major_formatter(percent)
    axes.set(xlabel=said, ylabel=held, xlim=(0.45, 1.01), ylim=(0, 1.03))
    plain(axes)
    axes.legend(frameon=False, fontsize=8, loc="lower right")


def draw_pit(axes: Axes, ranks: np.ndarray) -> None:
    """Where hidden errors rank in their predictive distribution: flat where calibrated."""
    counts, edges = np.histogram(ranks, PIT_BINS, (0.0, 1.0))
    axes.bar(edges[:-1], counts, width=1 / PIT_BINS, align="edge", color=PALETTE[0], alpha=0.75, edgecolor="white")
    even = len(ranks) / PIT_BINS
    axes.axhline(even, color=INK, lw=1, ls=(0, (4, 3)))
    axes.set(xlabel="Rank of the hidden error\n(0: below all draws)", ylabel="Hidden errors", xlim=(0, 1))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.annotate("calibrated", (0.01, even), xytext=(0, 3), textcoords="offset points", color=MUTED, fontsize=8)
    plain(axes)


def draw_chances(axes: Axes, table: Any) -> None:
    """How often the favoured architecture of a pair was the better one, against the chance it was given."""
    axes.vlines(
        table["chance"], table["held_low"], table["held_high"], color=MUTED, alpha=0.35, lw=5,
        label="if calibrated, 9 times in 10",
    )  # fmt: skip
    count = int(table["pairs"].sum())
    axes.plot(table["chance"], table["held"], color=INK, marker="o", ms=4, lw=1.2, label=f"pairs ({count:,})")
    held_against_said(axes, "Chance of being the better one", "Share that was")


def draw_curve(axes: Axes, found: Backtest, key: tuple[str, str, str], name: str) -> None:
    """One curve under its name: what was fitted, what was hidden, and the forecast."""
    points = _rows(found.points, key).sort_values("n")
    axes.fill_between(points["n"], points["yhat_lower"], points["yhat_upper"], color=PALETTE[0], alpha=0.25, lw=0)
    axes.plot(points["n"], points["yhat"], color=PALETTE[0], lw=1.5)
    if points["n"].nunique() == 1:
        spread = [points["yhat"] - points["yhat_lower"], points["yhat_upper"] - points["yhat"]]
        axes.errorbar(points["n"], points["yhat"], np.array(spread), color=PALETTE[0], lw=2, capsize=3)
    axes.plot(points["n"], points["error"], ls="", marker="o", ms=3, mfc="none", mec=PALETTE[1], mew=0.9)
    if found.fitted is not None:
        fitted = _rows(found.fitted.table, key)
        axes.plot(fitted["n"], fitted["error"], ls="", marker="o", ms=2.2, color=INK)
    axes.set(xscale="log", yscale="log")
    plain(axes)
    axes.tick_params(labelsize=7)
    size_ticks(axes)
    axes.xaxis.set_major_locator(LogLocator(numticks=4))
    low, high = axes.get_ylim()
    steps = next(subs for least, subs in ERROR_STEPS if np.log10(high / low) > least)
    axes.yaxis.set_major_locator(LogLocator(subs=steps) if high > 2.2 * low else MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:.3g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    row = _rows(found.table, key).iloc[0]
    axes.set_title(f"{name}, RMSLE {row['rmsle']:.3f}", fontsize=7.5, color=INK)


def _rows(table: Any, key: tuple[str, str, str]) -> Any:
    return table[(table["domain"] == key[0]) & (table["task"] == key[1]) & (table["architecture"] == key[2])]
