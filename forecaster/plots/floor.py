"""Figures of the floor: a forecast by its assumed floor, and what the floor is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from forecaster._support.frames import Table
from forecaster.floors.split import FLOOR, LABELS, PEOPLE, RECIPE, REST, WITH, WITHOUT
from forecaster.inference.units import units_of
from forecaster.plots.style import (
    BESIDE,
    INK,
    LEFT,
    MUTED,
    PALETTE,
    WIDTH,
    colours,
    labels,
    plain,
    spread_out,
    to_the_right,
    unique,
)
from forecaster.results.wording import Units, plain_number, size

if TYPE_CHECKING:
    from forecaster.floors.split import FloorSplit

PARTS = {LABELS: MUTED, PEOPLE: PALETTE[5], RECIPE: PALETTE[2], REST: PALETTE[2]}
FITS = {WITH: PALETTE[0], WITHOUT: PALETTE[4]}
MOST_CURVES = 16  # curves drawn
FLOORS = ["floor", "floor_lower", "floor_upper", "yhat", "yhat_lower", "yhat_upper"]


def floor_figure(table: pd.DataFrame, *, units: Units | None = None, order: Sequence[str] | None = None) -> Figure:
    """The forecast against the assumed floor, from ``sensitivity.floor_table`` at one size.

    ``order`` are the architectures of the other figures, so that each keeps its colour.
    """
    units, names, ends = units or Units("examples", "error", False), unique(table), {}
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
    axes.set_xlabel("If the irreducible error is …")
    axes.set_ylabel(f"… then the forecast at {size(float(table['n'].iloc[0]))} is")
    return figure


def split_figure(found: FloorSplit) -> Figure:
    """A row a curve: its floor by parts with the range of the whole, and its forecast with and without the evidence.

    Bars are the median floor, parted by the parts' medians.
    """
    keys = found.table[["domain", "task", "architecture"]].drop_duplicates().head(MOST_CURVES)
    rows = list(keys.itertuples(index=False, name=None))
    units = Units("examples", "error", False)
    if found.posterior is not None:
        units = units_of(found.posterior, rows[0][:2])
    figure = Figure(figsize=(WIDTH, 1.5 + 0.42 * len(rows)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for y, key in enumerate(rows):
        _parts(left, y, _of(found.table, key), units)
        _fits(right, y, _of(found.forecasts, key), units)
    names = [key[2] for key in rows]
    shown = labels(names, BESIDE, 9)
    left.set_yticks(range(len(rows)), [shown[name] for name in names])
    left.set_ylim(len(rows) - 0.4, -0.6)
    for axes in (left, right):
        plain(axes)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{plain_number(v)}{units.sign}"))
    left.set_xlim(left=0)
    left.set_xlabel("Irreducible error")
    right.set_xlabel(f"Forecast at {size(float(found.forecasts['n'].iloc[0]))}")
    there = [part for part in PARTS if part in set(found.table["part"])]
    handles = [Patch(color=PARTS[part], label=part) for part in there] or [Patch(color=INK, alpha=0.3, label=FLOOR)]
    fits = [Patch(color=colour, label=f"{name} the evidence") for name, colour in FITS.items()]
    for axes, what in ((left, handles), (right, fits)):
        axes.legend(handles=what, frameon=False, fontsize=8.5, loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
    return figure


def _of(table: pd.DataFrame, key: tuple[Any, ...]) -> Any:
    """The rows of one curve."""
    chosen = np.logical_and.reduce(
        [table[c] == v for c, v in zip(("domain", "task", "architecture"), key, strict=True)]
    )
    return table[chosen]


def _parts(axes: Any, y: float, rows: Any, units: Units) -> None:
    by = {row["part"]: row for row in rows.to_dict("records")}
    whole = by.pop(FLOOR)
    total = sum(row["error"] for row in by.values())
    at, scale = 0.0, units.scaled(whole["error"])
    for part, row in by.items():
        wide = scale * row["error"] / total if total else 0.0
        axes.barh(y, wide, left=at, height=0.5, color=PARTS[part], alpha=0.85)
        at += wide
    if not by:
        axes.barh(y, scale, height=0.5, color=INK, alpha=0.3)
    axes.hlines(y, units.scaled(whole["error_lower"]), units.scaled(whole["error_upper"]), color=INK, lw=1.2)


def _fits(axes: Any, y: float, rows: Any, units: Units) -> None:
    first = rows[rows["n"] == rows["n"].iloc[0]]
    for row, off in zip(first.to_dict("records"), (-0.13, 0.13), strict=False):
        ends = (units.scaled(row["yhat_lower"]), units.scaled(row["yhat_upper"]))
        axes.hlines(y + off, *ends, color=FITS[row["evidence"]], lw=3.5, alpha=0.5)
        axes.plot(units.scaled(row["yhat"]), y + off, "o", color=FITS[row["evidence"]], ms=5)
