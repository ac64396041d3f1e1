"""The figure of a triage: the ladder of errors, and how large each gap in it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from forecaster.plots.style import INK, MUTED, PALETTE, WIDTH, plain
from forecaster.results.wording import chance, plain_number

if TYPE_CHECKING:
    from forecaster.ladders.triage import Triage


def triage_figure(found: Triage) -> Figure:
    """Left the rungs with their intervals, right the gaps with theirs and the chance that each is the largest."""
    table = found.table
    rates = bool((table["error_upper"] <= 1.0).all())
    scale, sign = (100.0, " %") if rates else (1.0, "")
    rungs, gaps = table, table.iloc[1:]
    figure = Figure(figsize=(WIDTH, 1.4 + 0.45 * len(rungs)), layout="constrained")
    left, right = figure.subplots(1, 2)
    y = np.arange(len(rungs), dtype=float)
    left.hlines(y, scale * rungs["error_lower"], scale * rungs["error_upper"], color=PALETTE[0], lw=3.5, alpha=0.5)
    left.plot(scale * rungs["error"], y, "o", color=PALETTE[0], ms=6)
    left.set_yticks(y, rungs["rung"].tolist())
    left.set_xlim(left=0.0 if rates else None)
    left.set_xlabel("Error")
    y = np.arange(len(gaps), dtype=float)
    top = float(gaps["gap"].max())
    shades = [PALETTE[1] if gap >= 0.5 * top and gap > 0 else MUTED for gap in gaps["gap"]]
    right.barh(y, scale * gaps["gap"], height=0.5, color=shades, alpha=0.75)
    right.hlines(y, scale * gaps["gap_lower"], scale * gaps["gap_upper"], color=INK, lw=1.2)
    right.axvline(0.0, color=INK, lw=0.8)
    right.set_yticks(y, [str(cause).replace(" or ", "\nor ") for cause in gaps["cause"]])
    right.set_xlabel("Gap, and the chance that it is the largest")
    for at, row in zip(y, gaps.to_dict("records"), strict=True):
        end = scale * max(row["gap_upper"], 0.0)
        style = {"textcoords": "offset points", "fontsize": 8.5, "color": INK, "va": "center"}
        right.annotate(chance(row["p_largest"]), (end, at), (6, 0), **style)
    right.margins(x=0.28)
    for axes in (left, right):
        plain(axes)
        axes.invert_yaxis()
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{plain_number(round(v, 10))}{sign}"))
    return figure
