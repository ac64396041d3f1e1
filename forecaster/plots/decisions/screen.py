"""The figure of a screening: the chance that each architecture is the best at the target size, by verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from forecaster.plots.style import BESIDE, INK, MUTED, PALETTE, WIDTH, beside, labels, plain
from forecaster.results.wording import chance, size

if TYPE_CHECKING:
    from forecaster.decisions.screen import Screening

COLOURS = {"keep": PALETTE[2], "undecided": PALETTE[4], "drop": MUTED}
MOST_ARCHITECTURES = 24  # architectures drawn, the likeliest best first


def screen_figure(found: Screening, most: int = MOST_ARCHITECTURES) -> Figure:
    """One bar an architecture."""
    table: Any = found.table.head(most)
    figure = Figure(figsize=(WIDTH, 1.3 + 0.33 * len(table)), layout="constrained")
    axes = figure.add_subplot()
    at, values = np.arange(len(table)), np.nan_to_num(table["p_best"].to_numpy(dtype=float))
    axes.barh(at, values, color=[COLOURS[verdict] for verdict in table["verdict"]], alpha=0.85)
    shown = labels(table["architecture"], BESIDE, 9)
    axes.set_yticks(at, [shown[name] for name in table["architecture"]])
    for y, p in zip(at, table["p_best"], strict=True):
        beside(axes, 6, float(y), chance(float(p)), va="center", fontsize=9, color=INK)
    axes.set(xlim=(0, 1), ylim=(len(table) - 0.4, -0.6))
    axes.set_xlabel(f"Chance of the lowest error at {size(float(table['n'].iloc[0]))}")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:.0f} %"))
    plain(axes)
    handles = [Patch(color=colour, alpha=0.85, label=name) for name, colour in COLOURS.items()]
    axes.legend(handles=handles, frameon=False, fontsize=8.5, loc="lower right")
    return figure
