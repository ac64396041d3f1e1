"""SurfaceDecision: the answer of ``surface_decision``, and what its tables hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from forecaster.decisions.decision import OPTIONS, Decision
from forecaster.decisions.ordering.orders import ORDERS
from forecaster.results.columns import CURVE, Column, Columns, declared, interval
from forecaster.results.result import Shown
from forecaster.surfaces.fitted import Surface

RUNS = Columns(
    "a run",
    *(one for one in OPTIONS if one.name in ("option", "domain", "task", "architecture")),
    Column("params", "size", "number of parameters of the model", key=True),
    *(one for one in OPTIONS if one.name not in ("option", "domain", "task", "architecture")),
    Column("flops", "number", "operations of the training run", terminal=False),
    Column(
        "gpu_hours", "number", "accelerator hours of the run; null where nothing says what it takes", terminal=False
    ),
)
RISKS = Columns(
    "a risk: the least compute for it",
    ORDERS.named("risk") or (),
    CURVE,
    Column(
        "flops", "number", "the compute, spent best, that misses the target with this chance; `inf`: none is enough"
    ),
    Column("params", "size", "the model of that run"),
    Column("n", "size", "its data"),
    Column("buy", "size", "what is to be bought for it"),
    Column("cost", "money", "what it costs"),
)
PRICES = Columns(
    "a target",
    CURVE,
    Column("target", "error", "the loss to reach", given=True, key=True),
    interval("flops", "number", "the least compute that reaches it: posterior median and interval; `inf`: never"),
    interval("gpu_hours", "number", "accelerator hours of that run; null where nothing says"),
    interval("cost", "money", "what it costs"),
    *(Column(f"date{end}", "date", "day on which it is done, if begun today") for end in ("", "_lower", "_upper")),
    Column("p_never", "chance", "chance that no compute within the horizon reaches it"),
)


@dataclass(frozen=True, eq=False, repr=False)
class SurfaceDecision(Decision):
    """Which model to train on how much data: options, what each costs and risks, and which one is best.

    ``surface`` is what was fitted.
    """

    needs: pd.DataFrame = field(default_factory=pd.DataFrame)
    surface: Surface | None = None

    columns = declared(table=RUNS, orders=RISKS, needs=PRICES)

    def leading(self, most: int) -> pd.DataFrame:
        """The best option, doing nothing, and the others by their cost."""
        table: Any = self.table
        first = table["best"] | table["option"].eq("do nothing")
        others = table[~first].head(max(most - int(first.sum()), 0))
        return table.loc[sorted([*table.index[first], *others.index])]

    def shown(self, most: int) -> Sequence[Shown]:
        """The options, the least compute by risk, and what the target takes."""
        found = [_filled(self.leading(most), self.columns["table"])]
        if len(self.orders):
            found.append(Shown(self.orders, RISKS, "The least compute by the risk of missing the target:"))
        if len(self.needs):
            found.append(_filled(self.needs, PRICES, "What the target takes, at the least compute:"))
        return found


def _filled(table: Any, known: Columns, caption: str = "") -> Shown:
    """Those columns for a terminal that hold anything."""
    names = [str(c) for c in table if table[c].notna().any() and (own := known.named(str(c))) and own.terminal]
    return Shown(table[names], known.pick(*names), caption)
