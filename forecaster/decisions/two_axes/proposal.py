"""SurfaceProposal: the answer of ``surface_next``, and what its table holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from forecaster.results.columns import CURVE, Column, Columns, declared, size
from forecaster.results.message import Message
from forecaster.results.result import Result, Shown
from forecaster.surfaces.fitted import Surface

CANDIDATES = Columns(
    "a candidate: a run of a model on so much data",
    CURVE,
    Column("params", "size", "number of parameters of the model", key=True),
    size("data of the run"),
    Column("cost", "money", "what it costs today: data beyond what is owned, and training; without prices, operations"),
    Column("width_now", "number", "ratio of the ends of the interval of the loss that is asked about, today"),
    Column("width_after", "number", "the same after this run alone, by the rule"),
    Column("var_left", "share", "share of its variance (of logs) left: 1 - squared correlation with the result"),
    Column("per_cost", "number", "share of the variance that goes, for each unit of cost", terminal=False),
    Column("flops", "number", "operations of the run", terminal=False),
    Column("buy", "size", "items to be bought for it: those beyond what is owned", terminal=False),
    Column("pick", "count", "1: make this run next; 2 and more: then, within the budget; null: not"),
    Column("left_after", "share", "of a pick: the share of the variance left after it and those before"),
)


@dataclass(frozen=True, eq=False, repr=False)
class SurfaceProposal(Result):
    """Which runs to make next on a surface, and what they would teach. ``surface`` is today's."""

    messages: tuple[Message, ...] = ()
    stop: bool = False
    asked: Mapping[str, Any] = field(default_factory=dict)
    surface: Surface | None = None

    command = "next"
    columns = declared(table=CANDIDATES)
    keys = declared(
        stop="whether no run within the budget teaches anything",
        asked="the question: points `n` and `params`, or `flops`; `level`, `currency`, items `owned`, `budget`",
    )

    @property
    def picks(self) -> Sequence[Mapping[str, Any]]:
        """The rows of the runs to make, in order."""
        table: Any = self.table
        return table[table["pick"].notna()].sort_values("pick").to_dict("records")

    def shown(self, most: int) -> Sequence[Shown]:
        """The picks, then the others, those that leave least first."""
        table: Any = self.table
        ranked = table.sort_values("var_left", kind="stable").sort_values("pick", na_position="last", kind="stable")
        some = ranked.head(min(most, 12))
        hidden = len(table) - len(some)
        note = f"{hidden} more candidates; --json or --output FILE.csv gives all." if hidden else ""
        known = self.columns["table"]
        kept = [str(c) for c in some if some[c].notna().any() and (own := known.named(str(c))) and own.terminal]
        return (Shown(some[kept], known.pick(*kept), note=note),)
