"""Figure of a growth: what runs took by size, and the line that goes on, with its interval."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from forecaster.plots.style import MUTED, WIDTH, capital, colours, plain, size_ticks
from forecaster.resources.growth import GrowthTable
from forecaster.resources.spent import QUANTITIES, Growth, growth_of
from forecaster.results.wording import size

MOST_ARCHITECTURES = 7  # architectures drawn
POINTS = 40  # of a line


def growth_figure(found: GrowthTable) -> Figure:
    """One panel a quantity: measured values, the median line and its interval."""
    assert found.posterior is not None
    table: Any = found.table
    names = list(dict.fromkeys(table["architecture"]))[:MOST_ARCHITECTURES]
    group = (table["domain"].iloc[0], table["task"].iloc[0])
    lines = growth_of(found.posterior, group, found.seed)
    quantities = [q for q in lines if q in set(table["quantity"])]
    figure = Figure(figsize=(WIDTH, 3.3 + 0.25 * len(names)), layout="constrained")
    shades = dict(zip(names, colours(names), strict=True))
    for axes, quantity in zip(figure.subplots(1, len(quantities), squeeze=False)[0], quantities, strict=True):
        _draw(axes, lines[quantity], shades, float(table["n"].max()), float(table["level"].iloc[0]))
    handles, said = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, said, loc="outside lower center", ncols=min(len(said), 4), frameon=False, fontsize=9)
    return figure


def _draw(axes: Axes, growth: Growth, shades: dict[str, str], far: float, level: float) -> None:
    for name, colour in shades.items():
        if name not in growth.lines:
            continue
        measured, line = growth.measured[name], growth.lines[name]
        x = np.linspace(measured.x.min(), max(np.log(far), measured.x.max()), POINTS)
        low, middle, high = np.exp(np.quantile(line.at(x), [0.5 - level / 2, 0.5, 0.5 + level / 2], axis=0))
        axes.fill_between(np.exp(x), low, high, color=colour, alpha=0.2, lw=0)
        axes.plot(np.exp(x), middle, color=colour, lw=1.4, label=name)
        axes.plot(np.exp(measured.x), np.exp(measured.y), "o", color=colour, ms=4.5)
        axes.axvline(float(np.exp(measured.x.max())), color=MUTED, lw=0.8, ls=":")
    axes.set(xscale="log", yscale="log", xlabel="Training data", ylabel=capital(QUANTITIES[growth.quantity]))
    plain(axes)
    size_ticks(axes)
    axes.yaxis.set_major_locator(LogLocator(numticks=8))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: size(v, short=True) if 1 <= v < 1e13 else f"{v:.0e}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
