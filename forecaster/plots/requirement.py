"""Figure of a requirement: the chance of having reached the target, by size."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure, SubFigure

from forecaster._support.frames import Table
from forecaster.inference.units import units_of
from forecaster.plots.resources import draw_resources
from forecaster.plots.style import (
    BESIDE,
    INK,
    MUTED,
    WIDTH,
    beside,
    colours,
    interval,
    labels,
    plain,
    size_ticks,
    unique,
)
from forecaster.prediction.requirement_prose import STANDING
from forecaster.results.result import Result
from forecaster.results.wording import Units, chance, rounded, size

EVEN_ODDS, NEVER = 6, 62  # where columns beside a panel stand, in points from its edge


def requirement_figure(found: Result, *, units: Units | None = None) -> Figure:
    """Data needed for the target(s): median, half and nine tenths of the chances, and the chance of never.

    Below it, where the table or a price list say, the same in what a run takes, and when the data is there.
    """
    resources = getattr(found, "resources", ())
    height = 1.25 + 0.42 * len(found.table)
    if not len(resources):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        _draw(figure, found, units)
        return figure
    figure = Figure(figsize=(WIDTH, height + 2.9), layout="constrained")
    parts: Table = figure.subfigures(2, 1, height_ratios=(height, 2.9))
    _draw(parts[0], found, units)
    draw_resources(parts[1], found)
    return figure


def _draw(figure: Figure | SubFigure, found: Result, units: Units | None) -> None:
    table: Table = found.table
    units, several = units or _units_of(found), table["target"].nunique() > 1
    rows = table.sort_values([*STANDING]).sort_values("target", ascending=False, kind="stable").to_dict("records")
    low, high = _span(table)
    axes = figure.add_subplot()
    axes.set(xscale="log", xlim=(low, high), ylim=(len(rows) - 0.4, -0.55))
    shades = dict(zip(unique(table), colours(unique(table)), strict=True))
    for y, row in enumerate(rows):
        interval(axes, y, [row[k] for k in ("q5", "q25", "q50", "q75", "q95")], high, shades[row["architecture"]])
        for x, said, colour in (
            (EVEN_ODDS, size(rounded(row["q50"]), short=True), INK),
            (NEVER, chance(row["p_never"]), MUTED),
        ):
            beside(axes, x, y, said, va="center", fontsize=9, color=colour)
    for x, title, colour in ((EVEN_ODDS, "even odds", INK), (NEVER, "never", MUTED)):
        beside(axes, x, -0.75, title, fontsize=8.5, color=colour)
    for limit in table["limit"].dropna().unique() if "limit" in table else ():
        axes.axvline(float(limit), color=INK, lw=1, ls=":")
        axes.text(float(limit), -0.75, " limit", fontsize=8.5, color=INK)
    shown = labels(shades, BESIDE, 9)
    names = [shown[r["architecture"]] + (f", {units.error_plain(r['target'])}" if several else "") for r in rows]
    axes.set_yticks(range(len(rows)), names)
    plain(axes)
    size_ticks(axes)
    goal = "each target" if several else units.phrase(units.error_plain(rows[0]["target"]))
    axes.set_xlabel(f"Training data needed for {goal} ({units.size_name})")


def _span(table: Table) -> tuple[float, float]:
    """Sizes to show: what is likely, not the far tail of the worst architecture."""
    inner = table[["q5", "q25", "q50"]].to_numpy(dtype=float)
    known = inner[np.isfinite(inner) & (inner > 0)]
    if not len(known):
        return 1.0, 10.0
    low = float(known.min())
    upper = table[["q75", "q95"]].to_numpy(dtype=float)
    upper = upper[np.isfinite(upper)]
    top = max(float(known.max()), float(np.median(upper)) if len(upper) else 0.0, 3.0 * low)
    return low / 1.6, min(top, low * 1e5) * 2.5


def _units_of(found: Any) -> Units:
    posterior = getattr(found, "posterior", None)
    if posterior is None:
        return Units("examples", "error", False)
    row = found.table.iloc[0]
    return units_of(posterior, (row["domain"], row["task"]))
