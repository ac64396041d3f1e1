"""Rows of a memo's tables."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from forecaster.reports.answers import Facts
from forecaster.results.wording import chance, rounded, size, times, times_in

TABLED = 2  # architectures in the table of floors
SHOWN = 4  # architectures that the table of options shows at each size, however small their chance


def options_rows(a: Facts) -> list[dict[str, Any]]:
    """Rows of the table of options, one a size and architecture."""
    out = []
    for n in sorted(a.options["n"].unique()):
        for i, row in enumerate(a.at(n)):
            ratio = a.beyond(row["architecture"], n)
            if i >= SHOWN and row["p_best"] < 0.01 and row["p_target"] < 0.01:
                continue
            middle, low, high = a.interval(row)
            out.append(
                {
                    "size": size(n) if i == 0 else "",
                    "times": _multiple(ratio) if i == 0 or a.uneven else "",
                    "architecture": row["architecture"],
                    "error": middle,
                    "range": a.units.between(low, high),
                    "best": chance(row["p_best"]),
                    "target": chance(row["p_target"]),
                    "first": i == 0,
                    "headline": i == 0 and bool(np.isclose(n, a.headline_n)),
                }
            )
    return out


def _multiple(ratio: float) -> str:
    return "measured" if math.isclose(ratio, 1.0) else times(ratio).replace("about ", "≈ ")


def options_note(a: Facts) -> str:
    """How to read the table of options."""
    goal = a.units.phrase(a.units.error_plain(a.target))
    said = ""
    if a.uneven:
        said = "Times: the size over the largest size measured for that architecture; all else is forecast. "
    said += f"Range: holds the error {times_in(a.level)}. Target: the chance of {goal} or less."
    if a.several:
        said += " Best: the chance of the lowest error of all at that size."
    if len(a.at(a.largest)) > SHOWN:
        said += f" Beyond the first {SHOWN}, architectures with next to no chance of either are left out."
    return said + "".join(f" {name}: {why}." for name, why in a.set_aside.items())


def requirement_rows(a: Facts) -> list[list[str]]:
    """Quantiles of the data that each architecture needs for the target."""
    order = {row["architecture"]: i for i, row in enumerate(a.at(a.headline_n))}
    rows = sorted(a.needs.to_dict("records"), key=lambda r: order[r["architecture"]])
    return [
        [r["architecture"], *(_needed(r[q]) for q in ("q25", "q50", "q75", "q95")), chance(r["p_never"])] for r in rows
    ]


def _needed(n: float) -> str:
    return size(rounded(n)) if math.isfinite(n) else "out of reach"


def floor_rows(a: Facts) -> list[dict[str, str]]:
    """Floors of the leading architectures, from low to high."""
    words = ("lowest fifth", "low", "middle", "high", "highest fifth")
    out = []
    leaders = list(dict.fromkeys(a.floors["architecture"]))[:TABLED]
    for _, mine in a.floors[a.floors["architecture"].isin(leaders)].groupby("architecture", sort=False):
        d = a.units.decimals(mine["yhat_lower"].min(), mine["yhat_upper"].max())
        for row, word in zip(mine.to_dict("records"), words, strict=True):
            floor, middle, low, high = (a.units.error(row[k], d) for k in ("floor", "yhat", "yhat_lower", "yhat_upper"))
            cells = {"architecture": row["architecture"] if row["part"] == 1 else "", "word": word, "floor": floor}
            out.append(cells | {"error": middle, "range": a.units.between(low, high), "best": chance(row["p_best"])})
    return out
