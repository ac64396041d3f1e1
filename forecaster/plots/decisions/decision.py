"""Figures of a decision: what each option costs and is expected to lose, or its error; and options on the curve."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from forecaster._support.frames import Table
from forecaster.decisions.decision import Decision
from forecaster.inference.units import units_of
from forecaster.plots.style import (
    BESIDE,
    INK,
    MUTED,
    PALETTE,
    WIDTH,
    beside,
    capital,
    error_ticks,
    labels,
    plain,
    unique,
)
from forecaster.results.wording import Units, chance, rounded, size

MOST_OPTIONS = 16  # options that are drawn
TARGET = 14  # where the column beside the panel stands, in points from its edge
PAID, AT_RISK = PALETTE[0], "#c3cad1"
CHART_START = 8.0  # times smaller than the largest measured size: where a chart of the options begins
LABEL_GAP = 0.055  # share of a wide chart's width that two labels of sizes need between them


def decision_figure(found: Decision) -> Figure:
    """One row an option: the cost as a dark bar, what the error is expected to cost as a light one, CVaR as a mark.

    Without a value of error: the forecast of the error and its interval. Beside it the chance of the target.
    """
    table: Table = found.leading(MOST_OPTIONS)
    rows, posterior = table.to_dict("records"), found.posterior
    units = Units("examples", "error", False)
    if posterior is not None:
        units = units_of(posterior, (rows[0]["domain"], rows[0]["task"]))
    figure = Figure(figsize=(WIDTH, 1.25 + 0.36 * len(rows)), layout="constrained")
    axes = figure.add_subplot()
    axes.set_ylim(len(rows) - 0.4, -0.6)
    priced = bool(table["loss_mean"].notna().all())
    if priced:
        _losses(axes, rows, found.asked.get("currency", ""))
    else:
        _errors(axes, rows, units)
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


def _losses(axes: Axes, rows: list[dict[Any, Any]], currency: str) -> None:
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


def _errors(axes: Axes, rows: list[dict[Any, Any]], units: Units) -> None:
    """Forecast and interval; options beyond the limits are grey."""
    for y, row in enumerate(rows):
        colour = PAID if row["allowed"] else MUTED
        axes.plot([row["yhat_lower"], row["yhat_upper"]], [y, y], color=colour, lw=2.5, solid_capstyle="butt")
        axes.plot([row["yhat"]], [y], "o", color="white", mec=colour, mew=1.8, ms=7, zorder=5)
    axes.set_xlim(0.0, 1.06 * float(np.max([row["yhat_upper"] for row in rows])))
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: units.error_plain(v)))
    axes.set_xlabel(f"{units.error_name[:1].upper()}{units.error_name[1:]}")


# Options on the curve -----------------------------------------------------------------------------


def options_figure(
    options: Table, curves: Table, points: Table, units: Units, *, target: float | None = None, width: float = WIDTH
) -> Figure:
    """The options on the learning curve: measurements, forecast with its 80 % band, each option with its interval.

    ``options`` are rows of a decision, ``curves`` and ``points`` those of the forecast's figure, for the chosen
    architecture first and, where there is one, its rival. The chosen option is filled.
    """
    figure = Figure(figsize=(width, 2.85 if width == WIDTH else 3.1), layout="constrained")
    axes = figure.add_subplot()
    names = unique(curves)
    buys = options[options["option"] != "do nothing"]
    largest, start = float(points["n"].max()), float(points["n"].max()) / CHART_START
    shown = labels(names, 0.38 * 72 * width, 9)
    for name, colour in zip(names, (PALETTE[0], MUTED), strict=False):
        _curve(
            axes, curves[curves["architecture"] == name], points[points["architecture"] == name], colour, shown[name]
        )
    for row in buys.to_dict("records"):
        _mark(axes, row)
    axes.axvline(largest, color=INK, lw=1, ls=(0, (4, 3)), zorder=1)
    seen = curves[curves["n"] >= start]
    known = points[points["n"] >= start]
    drawn = [seen["q10"].min(), seen["q90"].max(), known["error"].min(), known["error"].max()]
    drawn += [] if target is None else [target]
    low, high = min(drawn), max(drawn)
    axes.set(xscale="log", yscale="log", xlim=(start, 1.08 * float(curves["n"].max())), ylim=(low / 1.12, high * 1.12))
    plain(axes)
    error_ticks(axes, units, float(np.log10(high / low)))
    _sizes(axes, buys, largest, LABEL_GAP * WIDTH / width)
    if target is not None:
        axes.axhline(target, color=PALETTE[1], lw=1.2, ls=(0, (5, 3)), zorder=1)
        axes.annotate(
            f"target {units.error_plain(target)}", (0.01, target), (0, 3), xycoords=("axes fraction", "data"),
            textcoords="offset points", fontsize=9, color=PALETTE[1], fontweight="bold",
        )  # fmt: skip
    axes.set_xlabel(f"Training data ({units.size_name})")
    axes.set_ylabel(capital(units.error_name))
    axes.legend(loc="upper right", fontsize=9, frameon=False, labelcolor="linecolor", handlelength=1.4)
    return figure


def _curve(axes: Axes, mine: Table, seen: Table, colour: str, label: str) -> None:
    """A curve with its band, and the mean of the measurements at each size."""
    if colour != MUTED:
        axes.fill_between(mine["n"], mine["q10"], mine["q90"], color=colour, alpha=0.16, lw=0)
    axes.plot(mine["n"], mine["q50"], color=colour, lw=1.8 if colour != MUTED else 1.2, label=label)
    means = np.exp(np.log(seen["error"]).groupby(seen["n"]).mean())
    axes.plot(means.index, means, "o", color=colour, ms=4.5, mec="white", mew=0.6)


def _mark(axes: Axes, row: dict[Any, Any]) -> None:
    chosen = bool(row["best"])
    style: Any = {"color": INK, "solid_capstyle": "butt", "zorder": 4}
    axes.plot([row["n"]] * 2, [row["yhat_lower"], row["yhat_upper"]], lw=4.5 if chosen else 2.0, **style)
    fill = PALETTE[4] if chosen else "white"
    axes.plot([row["n"]], [row["yhat"]], "o", color=fill, mec=INK, mew=1.5, ms=10 if chosen else 6.5, zorder=5)


def _sizes(axes: Axes, buys: Table, largest: float, apart: float) -> None:
    """Ticks at today's size and at the options, the chosen one bold; those that would touch another have no label."""
    low, high = np.log(axes.get_xlim())
    chosen = [float(n) for n in buys.loc[buys["best"], "n"]]
    placed: list[float] = []
    for n in [*chosen, largest, *sorted((float(n) for n in buys["n"]), reverse=True), rounded(largest / 3.0, 1)]:
        if all(abs(np.log(n / other)) >= apart * (high - low) for other in placed):
            placed.append(n)
    placed.sort()
    axes.xaxis.set_major_locator(FixedLocator(placed))
    axes.xaxis.set_major_formatter(FixedFormatter([size(n, short=True) for n in placed]))
    axes.xaxis.set_minor_locator(NullLocator())
    for n, tick in zip(placed, axes.get_xticklabels(), strict=True):
        tick.set_fontweight("bold" if n in chosen else "normal")
