"""Figure of a decision: what each option costs and is expected to lose, or, without a value of error, its error."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from forecaster.decisions.decision import Decision
from forecaster.inference.units import units_of
from forecaster.plots.style import BESIDE, INK, MUTED, PALETTE, WIDTH, Table, beside, labels, plain
from forecaster.results.wording import Units, chance

MOST = 16  # options that are drawn
TARGET = 14  # where the column beside the panel stands, in points from its edge
PAID, AT_RISK = PALETTE[0], "#c3cad1"


def decision_figure(found: Decision) -> Figure:
    """One row an option: the cost as a dark bar, what the error is expected to cost as a light one, CVaR as a mark.

    Without a value of error: the forecast of the error and its interval. Beside it the chance of the target.
    """
    table: Table = found.leading(MOST)
    rows, posterior = table.to_dict("records"), found.posterior
    units = Units("examples", "error", False)
    if posterior is not None:
        units = units_of(posterior, (rows[0]["domain"], rows[0]["task"]))
    figure = Figure(figsize=(WIDTH, 1.25 + 0.36 * len(rows)), layout="constrained")
    axes = figure.add_subplot()
    axes.set_ylim(len(rows) - 0.4, -0.6)
    priced = bool(table["loss_mean"].notna().all())
    (_losses if priced else _errors)(axes, rows, units, found.asked.get("currency", ""))
    shown = labels([_name(row) for row in rows], BESIDE, 9)
    axes.set_yticks(range(len(rows)), [shown[_name(row)] for row in rows])
    for tick, row in zip(axes.get_yticklabels(), rows, strict=True):
        tick.set_fontweight("bold" if row["best"] else "normal")
    if table["p_target"].notna().any():
        target = units.error_plain(found.asked["target"])
        beside(axes, TARGET, -0.75, f"chance of {target}", fontsize=8.5, color=MUTED)
        for y, row in enumerate(rows):
            beside(axes, TARGET, y, chance(row["p_target"]), va="center", fontsize=9, color=INK)
    plain(axes)
    return figure


def _name(row: dict[Any, Any]) -> str:
    return f"{row['option']}, {row['architecture']}"


def _losses(axes: Axes, rows: list[dict[Any, Any]], units: Units, currency: str) -> None:
    """Mean loss by its parts, and the mean of the worst tenth."""
    for y, row in enumerate(rows):
        axes.barh(y, row["cost"], color=PAID, height=0.62)
        axes.barh(y, row["loss_mean"] - row["cost"], left=row["cost"], color=AT_RISK, height=0.62)
        axes.plot([row["loss_cvar90"]], [y], "|", color=INK, ms=13, mew=1.6)
    axes.set_xlim(0.0, 1.06 * max(max(row["loss_mean"], row["loss_cvar90"]) for row in rows) or 1.0)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}"))
    parts = "dark: cost, light: running and error, bar: mean of the worst tenth"
    axes.set_xlabel(f"Mean loss{f' in {currency}' if currency else ''} ({parts})")


def _errors(axes: Axes, rows: list[dict[Any, Any]], units: Units, currency: str) -> None:
    """Forecast and interval; options beyond the limits are grey."""
    for y, row in enumerate(rows):
        colour = PAID if row["allowed"] else MUTED
        axes.plot([row["yhat_lower"], row["yhat_upper"]], [y, y], color=colour, lw=2.5, solid_capstyle="butt")
        axes.plot([row["yhat"]], [y], "o", color="white", mec=colour, mew=1.8, ms=7, zorder=5)
    axes.set_xlim(0.0, 1.06 * float(np.max([row["yhat_upper"] for row in rows])))
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: units.error_plain(v)))
    axes.set_xlabel(f"{units.error_name[:1].upper()}{units.error_name[1:]}")
