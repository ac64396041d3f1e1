"""What a requirement takes in other units, and the burn-up: data delivered by date against the data needed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import SubFigure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from forecaster.plots.style import INK, MUTED, PALETTE, plain
from forecaster.results.wording import size

PANELS = {
    "params": "Parameters",
    "compute": "FLOPs",
    "gpu_hours": "Accelerator hours",
    "cost": "Cost",
}
LEAST_SPAN = 30.0  # factor that an axis spans at least
DAYS = 40  # points of the burn-up


def draw_resources(figure: SubFigure, found: Any) -> None:
    """The first curve and target: one range a unit, and the burn-up where deliveries have a pace."""
    row = found.resources.iloc[0].to_dict()
    units = [name for name in PANELS if f"{name}_q50" in row]
    paced = found.order is not None and found.order["items_per_week"] is not None
    left = figure.subfigures(1, 1 + paced, width_ratios=(3, 2) if paced else (1,), squeeze=False)[0]
    for axes, name in zip(left[0].subplots(len(units), 1, squeeze=False)[:, 0], units, strict=True):
        currency = "" if found.order is None else found.order["currency"]
        _range(axes, PANELS[name] + (f", {currency}" if name == "cost" and currency else ""), row, name)
    left[0].suptitle(f"What {row['architecture']} takes: median and eight in ten draws", fontsize=9.5, color=INK)
    if paced:
        _burn_up(left[1].add_subplot(), found)


def _range(axes: Axes, title: str, row: dict[str, Any], name: str) -> None:
    """One unit: a dot at the median on a bar of eight in ten draws; an arrow where they reach never."""
    low, middle, high = (float(row[f"{name}_{q}"]) for q in ("q10", "q50", "q90"))
    known = [v for v in (low, middle, high) if np.isfinite(v) and v > 0] or [1.0]
    least, most = min(known), max(known)
    room = max(np.sqrt(LEAST_SPAN * least / most), 1.6)
    ends = least / room, most * room
    axes.set(xscale="log", xlim=ends, ylim=(-1, 1), yticks=[])
    if np.isfinite(low):
        axes.plot([max(low, ends[0]), min(high, ends[1])], [0, 0], color=PALETTE[0], lw=5, alpha=0.6)
    if np.isfinite(middle):
        axes.plot([max(middle, ends[0])], [0], "o", color="white", mec=PALETTE[0], mew=1.8, ms=7)
    if not np.isfinite(high):
        axes.plot([1.0], [0], ">", color=PALETTE[0], ms=6, transform=axes.get_yaxis_transform(), clip_on=False)
    axes.set_ylabel(title, rotation=0, ha="right", va="center")
    plain(axes, grid=False)
    axes.xaxis.set_major_locator(LogLocator(numticks=5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: size(v, short=True) if 1 <= v < 1e13 else f"{v:.0e}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _burn_up(axes: Axes, found: Any) -> None:
    """Data owned by date at the pace of delivery, and the band of the data needed."""
    row, order = found.table.iloc[0], found.order
    start, pace = date.fromisoformat(order["start"]), float(order["items_per_week"]) / 7.0
    ends = [float(row[q]) for q in ("q50_lower", "q50", "q50_upper")]
    finite = [n for n in ends if np.isfinite(n)] or [2.0 * order["owned"]]
    last = max(1.15 * max(finite), 1.1 * order["owned"])
    days = np.linspace(0.0, (last - order["owned"]) / pace, DAYS)
    when = np.array([date2num(start + timedelta(days=float(d))) for d in days])
    axes.plot(when, order["owned"] + pace * days, color=INK, lw=1.6)
    low, high = min(ends[0], last), min(ends[2], last)
    axes.axhspan(low, high, color=PALETTE[0], alpha=0.2, lw=0)
    for n in ends[1:2]:
        if n < last:
            axes.axhline(n, color=PALETTE[0], lw=1.4)
    place = {"transform": axes.get_yaxis_transform(), "ha": "right", "va": "bottom"}
    axes.text(0.98, min(ends[1], 0.9 * last), "data needed", color=PALETTE[0], fontsize=8.5, **place)
    axes.set_ylim(0.0, last)
    axes.set_title("Data owned, by date", fontsize=9.5, color=INK)
    locator = AutoDateLocator(maxticks=5)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: size(v, short=True) if v else "0"))
    plain(axes)
    axes.spines["left"].set_color(MUTED)
