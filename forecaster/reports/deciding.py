"""What a memo asks :func:`~forecaster.decide`: with a price list in money, without one in data.

Without prices each item bought costs 1, so that costs are amounts of data, and the least of them is sought.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from forecaster.decisions.decide import decide
from forecaster.decisions.decision import Decision
from forecaster.decisions.loss import Value
from forecaster.decisions.ordering.orders import rounded_up
from forecaster.decisions.prose import NUMBERS, money
from forecaster.decisions.question import Question
from forecaster.errors import RequestError
from forecaster.inference.posterior import Posterior
from forecaster.resources.prices.costs import Costs
from forecaster.results.columns import LEVEL
from forecaster.results.message import Message

RISKS = (0.25, 0.5)  # of missing the target: the first that is within reach, where nothing else is asked for
IN_DATA: Mapping[str, Any] = {"per_item": 1.0}  # a price list that counts items
NO_LIMIT = sys.float_info.max  # a budget that allows for everything
PLAN = "plan"  # what it says where several orders are better than one
IDLE = "do nothing"
MISSED = "out-of-reach"  # what a decision says where no order has the risk asked for


@dataclass(frozen=True)
class Worth:
    """Prices, and what an error costs, as :func:`~forecaster.decide` takes them; no prices: in data."""

    costs: str | Path | Costs | Mapping[str, Any] | None = None
    penalty: float | None = None
    value_per_point: float | None = None
    cost_per_mistake: float | None = None
    volume: float | None = None
    budget: float | None = None
    risk: float | None = None
    attitude: str = "mean"
    rounds: int = 1
    start: date | None = None

    def value(self, target: float | None) -> Value:
        """What an error costs."""
        return Value(target, self.penalty, self.value_per_point, self.cost_per_mistake, self.volume)

    def options(self) -> dict[str, Any]:
        """The keyword arguments of ``decide``."""
        return {name: value for name, value in vars(self).items() if name != "costs"}

    def complete(self, target: float | None) -> Worth:
        """With a risk, or else with no limit to what is paid, where nothing says which option is better."""
        if self.value(target).priced or self.budget is not None or self.risk is not None:
            return self
        return replace(self, budget=NO_LIMIT) if target is None else replace(self, risk=RISKS[0])


@dataclass(frozen=True)
class Asked:
    """The questions of a memo; the fields are those of ``memo``."""

    sizes: Sequence[float] | None = None
    target: float | None = None
    kind: str | None = None
    level: float = LEVEL
    size_unit: str | None = None
    seed: int = 0
    record: bool = True
    worth: Worth = field(default_factory=Worth)

    @property
    def open(self) -> bool:
        """Whether nothing says how much to buy."""
        return self.worth.complete(self.target).budget == NO_LIMIT

    def check(self) -> None:
        """RequestError for money without prices, a risk of no target, and whatever ``decide`` refuses."""
        worth, target = self.worth, self.target
        given = {
            "penalty": worth.penalty,
            "value_per_point": worth.value_per_point,
            "cost_per_mistake": worth.cost_per_mistake,
            "budget": worth.budget,
        }
        money = next((name for name, amount in given.items() if amount is not None), None)
        if worth.costs is None and money is not None:
            raise RequestError(
                f"{money}: found no price list beside it; expected one, from which each option gets its cost: "
                "--costs costs.toml (`forecaster decide --template` writes one to fill in)"
            )
        full = worth.complete(target)
        limits = (full.budget, full.risk, worth.attitude, worth.rounds)
        Question(worth.value(target), tuple(self.sizes or ()), *limits, (), self.kind or "mean", self.level).check()


@dataclass(frozen=True, eq=False)
class Decided:
    """A decision, and how it was reached.

    ``open`` where neither a target nor a value of an error was given, so that no amount is the right one; ``planned``
    where the chosen option is the first of several orders.
    """

    found: Decision
    worth: Worth
    open: bool = False
    planned: bool = False

    @property
    def priced(self) -> bool:
        """Whether costs are money, not data."""
        return self.worth.costs is not None

    @property
    def best(self) -> Mapping[str, Any]:
        """The row of the option to choose."""
        return self.found.best

    @property
    def buys(self) -> bool:
        return self.best["option"] != IDLE

    @property
    def idle(self) -> Mapping[str, Any]:
        """Doing nothing, with the architecture that then has the lowest loss and, of equal ones, the lowest error."""
        rows = [row for row in self.found.table.to_dict("records") if row["option"] == IDLE]
        column = NUMBERS[self.found.asked["attitude"]][1]
        return min(rows, key=lambda r: (0.0 if math.isnan(r[column]) else float(f"{r[column]:.9g}"), r["yhat"]))

    def sentences(self, ids: Sequence[str]) -> list[Message]:
        """The decision's own sentences of these ids."""
        return [one for one in self.found.messages[1:] if one.id in ids]

    def money(self, amount: float, *, exact: bool = False) -> str:
        """An amount in the currency of the price list."""
        return money(amount, self.found.asked["currency"], exact=exact)

    def choosing(self, architecture: str, n: float) -> Decided:
        """The same options, of which another one is to be chosen."""
        table: Any = self.found.table
        best = (table["architecture"] == architecture) & np.isclose(table["n"], n) & (table["option"] != IDLE)
        return self if not best.any() else replace(self, found=replace(self.found, table=table.assign(best=best)))

    def doing_nothing(self, architecture: str) -> Decided:
        """The same options, of which none is worth it."""
        table: Any = self.found.table
        best = (table["architecture"] == architecture) & (table["option"] == IDLE)
        return replace(self, found=replace(self.found, table=table.assign(best=best)))


def decided(
    posterior: Posterior, asked: Asked, sizes: Sequence[float], kind: str, usual: Sequence[float] = ()
) -> Decided:
    """What to buy; ``sizes`` are the options, by default those that ``decide`` chooses, or ``usual`` if none."""
    worth, target = replace(asked.worth, start=asked.worth.start or date.today()), asked.target

    def ask(at: Sequence[float] = sizes, **more: Any) -> Decision:
        costs = IN_DATA if worth.costs is None else worth.costs
        options = worth.options() | more
        return decide(posterior, costs, at, target=target, kind=kind, level=asked.level, seed=asked.seed, **options)

    full = worth.complete(target)
    found = ask(risk=full.risk, budget=full.budget)
    if not max(found.table["buy"]) > 0.0:  # nothing is within reach: the page is to show what
        found = ask(usual, risk=full.risk, budget=full.budget)
    if any(one.id == PLAN for one in found.messages) and found.plan is not None:
        known = found.table.loc[found.table["buy"] > 0.0, "n"]
        again = ask(sorted({float(found.plan["first"]), *map(float, known)}), rounds=1)
        planned = Decided(replace(found, table=again.table), worth, planned=True)
        return planned.choosing(found.plan["architecture"], found.plan["first"])
    if full.risk is None:
        return Decided(found, worth, asked.open)
    if found.recommendation.id == MISSED and worth.risk is None:
        full = replace(full, risk=RISKS[-1])
        found = ask(risk=full.risk)
    least = _least(found, full.risk or 0.0)
    if sizes and found.asked["owned"] < least < max(sizes):
        found = ask([*sizes, least], risk=full.risk)
    return Decided(found, worth)


def _least(found: Decision, risk: float) -> float:
    """The least size for the risk, rounded up: among sizes that were given, it is an option as well."""
    table: Any = found.orders
    n = float(table.loc[table["risk"] == risk, "n"].iloc[0])
    return rounded_up(n) if np.isfinite(n) else np.inf


def some(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Some values of a row; None for what is not a number."""
    return {name: None if row[name] != row[name] else row[name] for name in names}
