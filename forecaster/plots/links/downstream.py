"""Figure of links: error rates against losses, each task's link with its interval, and the level of guessing."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from forecaster.curves.learning_curves import Group
from forecaster.links.downstream import Downstream
from forecaster.plots.style import INK, MUTED, PALETTE, WIDTH, plain
from forecaster.results.wording import listed

MOST_TASKS = 6  # tasks drawn
ROW = 3  # panels in a row
POINTS = 80  # of a line
MARGIN = 0.03  # of the losses' range, beside the outermost


def downstream_figure(found: Downstream) -> Figure:
    """One panel a task: open circles are the runs that were hidden when the verdict was found."""
    groups = list(found.fits)[:MOST_TASKS]
    down = -(-len(groups) // ROW)
    figure = Figure(figsize=(WIDTH, 0.4 + 2.9 * down), layout="constrained")
    grid = figure.subplots(down, min(len(groups), ROW), squeeze=False)
    for axes in grid.flat[len(groups) :]:
        axes.set_axis_off()
    for axes, group in zip(grid.flat, groups, strict=False):
        _draw(axes, found, group)
    for axes in grid[:, 0]:
        axes.set_ylabel("Error rate")
    handles, said = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, said, loc="outside lower center", ncols=len(said), frameon=False, fontsize=9)
    if left := list(found.fits)[MOST_TASKS:]:
        figure.suptitle(f"Not drawn: {listed([task for _, task in left])}", fontsize=8, color=MUTED)
    return figure


def _draw(axes: Axes, found: Downstream, group: Group) -> None:
    link = found.fits[group].link
    runs, asked, row = (_own(table, group) for table in (found.runs, found.table, found.links))
    level = float(asked["level"].iloc[0])
    ends = [*runs["loss"], *asked["loss"]]
    room = MARGIN * (max(ends) - min(ends))
    loss = np.linspace(min(ends) - room, max(ends) + room, POINTS)
    low, middle, high = np.quantile(link.at(loss), [0.5 - level / 2, 0.5, 0.5 + level / 2], axis=0)
    colour = PALETTE[0]
    axes.fill_between(loss, low, high, color=colour, alpha=0.2, lw=0, label=f"{100 * level:g} % interval of the link")
    axes.plot(loss, middle, color=colour, lw=1.4)
    axes.axhline(float(np.median(link.ceiling)), color=MUTED, lw=0.9, ls=":", label="guessing")
    for hidden, fill, name in ((False, INK, "runs"), (True, "white", "runs hidden for the verdict")):
        part = runs[runs["hidden"] == hidden]
        axes.plot(part["loss"], part["error"], "o", mfc=fill, mec=INK, ms=4, mew=0.9, label=name)
    bars = np.abs(asked[["yhat_lower", "yhat_upper"]].to_numpy().T - asked["yhat"].to_numpy())
    axes.errorbar(
        asked["loss"], asked["yhat"], bars, fmt="D", color=PALETTE[1], ms=4.5, lw=1.6, zorder=5, label="asked about"
    )
    axes.set(xlabel="Loss", xlim=(loss[0], loss[-1]))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
    axes.set_title(f"{group[1].replace('$', r'\$')}: {row['verdict'].iloc[0]}", fontsize=9.5, color=INK, loc="left")
    plain(axes)


def _own(table: Any, group: Group) -> Any:
    return table[(table["domain"] == group[0]) & (table["task"] == group[1])]
