"""The figure of a proposal: what each candidate leaves unknown, and its net benefit where an error costs money."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from forecaster.decisions.measuring.proposal import Proposal
from forecaster.plots.style import BESIDE, INK, MUTED, PALETTE, WIDTH, beside, labels, plain
from forecaster.results.wording import counted, money, plain_number, size

MOST_CANDIDATES = 16  # candidates drawn, the best first


def proposal_figure(found: Proposal, most: int = MOST_CANDIDATES) -> Figure:
    """One row a candidate: the share of the variance left, by the rule and by refits; beside it the cost."""
    rows: list[dict[Any, Any]] = found.leading(most).to_dict("records")
    priced = any(row["enbs"] == row["enbs"] for row in rows)
    figure = Figure(figsize=(WIDTH, 1.5 + 0.33 * len(rows)), layout="constrained")
    axes, *more = figure.subplots(1, 1 + priced, sharey=True, squeeze=False)[0]
    _draw_left(axes, rows)
    names = [
        f"{row['architecture']}, {counted(int(row['runs']), 'run')} at {size(row['n'], short=True)}" for row in rows
    ]
    shown = labels(names, BESIDE, 9)
    axes.set_yticks(range(len(rows)), [shown[name] for name in names])
    for tick, row in zip(axes.get_yticklabels(), rows, strict=True):
        tick.set_fontweight("bold" if row["pick"] == row["pick"] else "normal")
    if more:
        _draw_worth(more[0], rows, str(found.asked.get("currency", "")))
    last, currency = (more or [axes])[0], str(found.asked.get("currency", ""))
    for y, row in enumerate(rows):
        paid = money(row["cost"], currency) if currency else size(row["cost"], short=True)
        beside(last, 6, float(y), paid, va="center", fontsize=9, color=INK)
    beside(last, 6, -0.9, "Cost", va="center", fontsize=9, color=MUTED)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    return figure


def _draw_left(axes: Axes, rows: list[dict[Any, Any]]) -> None:
    """Shares of the variance left: open circles by the rule, filled ones by refits."""
    for y, row in enumerate(rows):
        chosen = row["pick"] == row["pick"]
        colour = PALETTE[2] if chosen else PALETTE[0]
        axes.plot([row["var_left"]], [y], "o", color="white", mec=colour, mew=1.6, ms=7, zorder=4)
        if np.isfinite(row["var_left_refit"]):
            axes.plot([row["var_left_refit"]], [y], "o", color=colour, ms=7, zorder=5)
    most = [row["var_left_refit"] for row in rows if np.isfinite(row["var_left_refit"])]
    axes.set_xlim(-0.02, max(1.04, *(1.04 * value for value in most)) if most else 1.04)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:.0f} %"))
    axes.set_xlabel("Variance left (open: by rule, filled: by refits)")
    plain(axes)


def _draw_worth(axes: Axes, rows: list[dict[Any, Any]], currency: str) -> None:
    """Expected net benefit."""
    values = [row["enbs"] for row in rows]
    axes.barh(range(len(rows)), values, color=[PALETTE[2] if v > 0 else MUTED for v in values], height=0.6)
    axes.axvline(0.0, color=INK, lw=0.8)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: plain_number(round(v, 10))))
    axes.set_xlabel(f"Expected net benefit{f' in {currency}' if currency else ''}")
    plain(axes)
