"""Figure of a forecast by its assumed floor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from forecaster.plots.style import LEFT, MUTED, WIDTH, Table, colours, plain, spread_out, to_the_right, unique
from forecaster.results.wording import Units, plain_number, size

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
