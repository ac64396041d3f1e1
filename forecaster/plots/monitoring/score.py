"""The figure of a record: how often intervals held, and every scored forecast beside its outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from forecaster.plots.backtest import held_against_said
from forecaster.plots.style import BESIDE, INK, MUTED, PALETTE, WIDTH, labels, plain
from forecaster.results.wording import size

if TYPE_CHECKING:
    from forecaster.registry.scored import Scored

MOST_FORECASTS = 30  # forecasts drawn, the latest registered


def score_figure(found: Scored, most: int = MOST_FORECASTS) -> Figure:
    """Hits by level on the left; outcomes over their forecast medians on the right."""
    rows: Any = found.table[found.table["status"] == "scored"].tail(most)
    figure = Figure(figsize=(WIDTH, max(3.4, 1.4 + 0.24 * len(rows))), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.0, 1.5))
    draw_hits(left, found.record)
    draw_outcomes(right, rows)
    figure.legend(*right.get_legend_handles_labels(), loc="outside upper right", ncols=3, frameon=False, fontsize=8)
    return figure


def draw_hits(axes: Axes, record: Any) -> None:
    """Share of outcomes inside the intervals against their level, with what calibrated ones would show."""
    shown: Any = record[record["level"] >= 0.5]
    if len(shown):
        count = shown["scored"]
        axes.fill_between(
            *(shown["level"], shown["low"] / count, shown["high"] / count),
            color=MUTED, alpha=0.2, lw=0, label="if calibrated, 9 times in 10",
        )  # fmt: skip
        label = f"all outcomes ({int(count.iloc[0]):,})"
        axes.plot(shown["level"], shown["held"] / count, color=INK, marker="o", ms=3.5, lw=2, label=label)
    held_against_said(axes, "Level of the interval", "Outcomes inside it")


def draw_outcomes(axes: Axes, rows: Any) -> None:
    """One line a forecast: its 80 % interval and the outcome, both over the median."""
    at = np.arange(len(rows))
    middle = rows["yhat"].to_numpy(dtype=float)
    low, high = (rows[name].to_numpy(dtype=float) / middle - 1.0 for name in ("yhat_lower", "yhat_upper"))
    off = rows["error"].to_numpy(dtype=float) / middle - 1.0
    axes.hlines(at, low, high, color=PALETTE[0], lw=4, alpha=0.35, label="80 % interval")
    held = (off >= low) & (off <= high)
    axes.plot(off[held], at[held], "o", color=PALETTE[0], ms=5, label="outcome inside")
    axes.plot(off[~held], at[~held], "D", color=PALETTE[1], ms=5, label="outcome outside")
    axes.axvline(0.0, color=MUTED, lw=1)
    names = labels(rows["architecture"], BESIDE, 8.5)
    axes.set_yticks(
        at,
        [f"{names[a]}, {size(float(n))}" for a, n in zip(rows["architecture"], rows["n"], strict=True)],
        fontsize=8.5,
    )
    axes.set(ylim=(len(rows) - 0.4, -0.6), xlabel="Error, relative to the median forecast")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:+.0f} %"))
    plain(axes)
