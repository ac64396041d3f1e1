"""Proposal: the answer of ``next_measurement``, and what its table holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from forecaster.inference.posterior import Posterior
from forecaster.results.columns import CURVE, Column, Columns, declared, size
from forecaster.results.message import Message
from forecaster.results.result import Result, Shown

WITHOUT = "; null where an error costs no money"
CANDIDATES = Columns(
    "a candidate: runs of an architecture at a size",
    CURVE,
    size("training-set size of the runs"),
    Column("runs", "count", "how many of them", key=True),
    Column("cost", "money", "what they cost: data beyond what is owned, and training; without costs, items trained on"),
    Column("width_now", "number", "ratio of the ends of the interval of what is asked, today"),
    Column("width_after", "number", "the same after the measurement: by refits where there are some, else by the rule"),
    Column("var_left", "share", "share of its variance (of logs) left: 1 - squared correlation with the result"),
    Column("var_left_refit", "share", "the same by fits to simulated results; null where there were none"),
    Column("p_flip", "chance", "chance that the best option, or architecture, is another one after the result"),
    Column("evsi", "money", "expected value of the result for the decision" + WITHOUT),
    Column("enbs", "money", "that value minus the cost, where data bought for it is owned afterwards" + WITHOUT),
    Column("per_cost", "number", "share of the variance that goes, for each unit of cost", terminal=False),
    Column("evsi_sd", "money", "standard error of that value" + WITHOUT, terminal=False),
    Column("buy", "size", "items to be bought for it: those beyond what is owned", terminal=False),
    Column("pick", "count", "1: measure this next; 2 and more: then, within the budget; null: not"),
)


@dataclass(frozen=True, eq=False, repr=False)
class Proposal(Result):
    """What to measure next, what that would teach, and whether it is worth its cost. ``posterior`` is today's."""

    messages: tuple[Message, ...] = ()
    stop: bool = False
    asked: Mapping[str, Any] = field(default_factory=dict)
    posterior: Posterior | None = None

    command = "next"
    columns = declared(table=CANDIDATES)
    keys = declared(
        stop="whether no measurement is worth its cost (or none teaches anything): then decide now",
        asked="the question: `goal`, the `architecture` it is about (of a choice two, as `NAME or NAME`), `kind`, "
        "`level`, `currency`, items `owned`, `budget`, and the value of an error as in `decide`",
    )

    @property
    def pick(self) -> Mapping[str, Any] | None:
        """The row of the measurement to make next; None where it is to stop."""
        table: Any = self.table
        rows = table[table["pick"] == 1].to_dict("records")
        return rows[0] if rows else None

    def leading(self, most: int) -> Any:
        """The rows to show: the picks, then the others, those that leave least first."""
        table: Any = self.table
        by = table["enbs"].isna().all()
        ranked = table.sort_values("var_left" if by else "enbs", ascending=by, kind="stable")
        return ranked.sort_values("pick", na_position="last", kind="stable").head(most)

    def shown(self, most: int) -> Sequence[Shown]:
        """The candidates, the best first."""
        some = self.leading(min(most, 12))
        hidden = len(self.table) - len(some)
        note = f"{hidden} more candidates; --json or --output FILE.csv gives all." if hidden else ""
        known = self.columns["table"]
        filled = [str(c) for c in some if some[c].notna().any() and (own := known.named(str(c))) and own.terminal]
        return [Shown(some[filled], known.pick(*filled), note=note)]
