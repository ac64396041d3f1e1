"""The options of the first page, as a table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from forecaster.decisions.prose import money
from forecaster.reports.answers import Facts
from forecaster.reports.deciding import IDLE, Decided
from forecaster.reports.opening.settling import stopped
from forecaster.results.wording import chance, size, times_in

MOST = 6  # options on the page


def shown(d: Decided) -> np.ndarray:
    """Which options the page has: doing nothing, the chosen one, the smallest and the largest purchase, neighbours."""
    table: Any = d.found.table
    standing = table["loss_mean"].fillna(table["yhat"]).to_numpy()
    idle = (table["option"] == IDLE).to_numpy()
    buys = table[~idle & ((table["buy"] > 0.0) | table["best"]).to_numpy()]
    ranked = buys.assign(at=standing[buys.index]).sort_values(["best", "at", "yhat"], ascending=[False, True, True])
    leading = ranked.groupby("n", sort=True).head(1).sort_values("n").index.tolist()
    chosen = [i for i in leading if table["best"][i]]
    place = leading.index(chosen[0]) if chosen else 0
    wanted = [*chosen, *leading[:1], *leading[-1:]]
    for away in range(1, len(leading)):
        wanted += [leading[i] for i in (place + away, place - away) if 0 <= i < len(leading)]
    nothing = table.index[idle & table["best"].to_numpy()].tolist()
    first = nothing or [min(table.index[idle], key=lambda i: (standing[i], table["yhat"][i]))]
    kept = [*first, *list(dict.fromkeys(wanted))[: MOST - 1]]
    return np.isin(np.arange(len(table)), kept)


def options_of(a: Facts, d: Decided) -> dict[str, Any]:
    """The table of options as the page has it: heads, whether each column is of numbers, rows, and a note."""
    table: Any = d.found.table[shown(d)]
    rows = table.to_dict("records")
    stop = stopped(a)
    one = len({row["architecture"] for row in rows}) == 1
    timed = any(row["date"] is not None for row in rows)
    aimed = not all(math.isnan(row["p_target"]) for row in rows)
    priced = d.found.evpi is not None
    goal, currency = a.units.error_plain(a.target), d.found.asked["currency"]
    unit = f", {currency}" if currency else ""
    columns: list[tuple[str, bool, Any]] = [
        ("Option", False, lambda r: _option(r, stop)),
        *([] if one else [("Architecture", False, lambda r: r["architecture"])]),
        (f"{a.units.size_name[0].upper()}{a.units.size_name[1:]} in all", True, lambda r: size(r["n"])),
        *([(f"Cost{unit}", True, lambda r: money(r["cost"], "", exact=True))] if d.priced else []),
        *([("Ready", True, lambda r: "today" if r["option"] == IDLE else r["date"])] if timed else []),
        (f"Error ({times_in(a.level)})", True, lambda r: _error(a, r)),
        *([(f"Chance of {goal}", True, lambda r: chance(r["p_target"]))] if aimed else []),
        *([(f"All in{unit}", True, lambda r: money(r["loss_mean"], ""))] if priced else []),
    ]
    return {
        "heads": [(name, right) for name, right, _ in columns],
        "rows": [{"cells": [show(row) for _, _, show in columns], "chosen": row["best"] and not stop} for row in rows],
        "note": " ".join(_notes(a, d, rows, one=one)),
    }


def _error(a: Facts, row: Mapping[str, Any]) -> str:
    """``0.25 % (0.14 – 0.45)``."""
    middle, low, high = a.interval(row)
    return f"{middle} ({a.units.between(low, high).removesuffix(a.units.sign)})"


def _option(row: Mapping[str, Any], stop: bool) -> str:
    name = f"{row['option'][0].upper()}{row['option'][1:]}"
    return f"{name} (recommended)" if row["best"] and not stop else name


def _notes(a: Facts, d: Decided, rows: Sequence[Mapping[str, Any]], *, one: bool) -> Iterator[str]:
    """How to read the table of options."""
    if one:
        yield f"All options are with {rows[0]['architecture']}."
    yield f"Error: what to expect, and the range that holds it {times_in(a.level)}."
    if d.priced:
        yield "Cost: data, the order and training, by the price list."
    else:
        yield "No prices were given; with a price list this table has money and dates."
    if d.found.evpi is not None:
        alone = ", of a single order of that size" if d.planned else ""
        yield f"All in: that cost and what the error costs, on average{alone}."
    if any(row["date"] is not None for row in rows):
        yield f"Ready: if ordered on {d.worth.start}."
    if not all(row["allowed"] for row in rows):
        yield "Options beyond the budget or the deadline are shown, and cannot be chosen."


def page_table(d: Decided) -> pd.DataFrame:
    """All options, and which of them the first page has."""
    table: Any = d.found.table
    return table.assign(shown=shown(d))
