"""The figure of an effect: what a treatment is worth in data by size, and which quantity it moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from forecaster.plots.style import INK, MUTED, PALETTE, WIDTH, plain, size_ticks

if TYPE_CHECKING:
    from forecaster.comparison.effect import Effect

FARTHEST_WORTH = 1e3  # a worth farther than this factor from 1 is beyond the axis
TICKS = (1.0, 2.0, 5.0)


def effect_figure(found: Effect) -> Figure:
    """The exchange rate of data with its interval; beside it the chance that each quantity moved."""
    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    draw_worth(left, found.worth)
    draw_chances(right, found.table)
    return figure


def draw_worth(axes: Axes, table: Any) -> None:
    """Data that the baseline needs for the same error, as a multiple: median and the middle 80 %."""
    row = table.iloc[0]
    low, middle, high = (
        np.clip(table[name].to_numpy(dtype=float), 1.0 / FARTHEST_WORTH, FARTHEST_WORTH)
        for name in ("worth_q10", "worth_q50", "worth_q90")
    )
    axes.fill_between(table["n"], low, high, color=PALETTE[0], alpha=0.25, lw=0)
    axes.plot(table["n"], middle, color=PALETTE[0], lw=1.5)
    inside = middle < FARTHEST_WORTH
    for chosen, marker in ((inside, "o"), (~inside, "^")):  # a worth beyond the axis, such as never, points up
        axes.plot(table["n"][chosen], middle[chosen], color=PALETTE[0], marker=marker, ms=5, lw=0)
    axes.axhline(1.0, color=INK, lw=1, ls=(0, (4, 3)))
    axes.set(xscale="log", yscale="log")
    axes.set(xlabel=f"Training data of {row['treated']}".replace("$", r"\$"))
    axes.set(ylabel=f"Times the data that {row['baseline']} needs".replace("$", r"\$"))
    plain(axes)
    size_ticks(axes)
    bottom, top = min(float(low.min()), 0.8), max(float(high.max()), 1.25)
    axes.set_ylim(bottom / 1.1, top * 1.1)
    axes.yaxis.set_major_locator(LogLocator(subs=TICKS if top / bottom < 100 else (1.0,)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def draw_chances(axes: Axes, table: Any) -> None:
    """Chance that each quantity moved by more than its region of practical equivalence."""
    at = np.arange(len(table))
    axes.barh(at, table["p_moved"], color=PALETTE[0], alpha=0.75)
    axes.set_yticks(at, table["quantity"].tolist())
    axes.set(xlim=(0, 1), ylim=(len(table) - 0.4, -0.6), xlabel="Chance of having moved")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:.0f} %"))
    axes.axvline(0.5, color=MUTED, lw=0.8, ls=":")
    plain(axes)
