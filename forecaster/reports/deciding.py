"""What a memo asks :func:`~forecaster.decide`: with a price list in money, without one in data.

Without prices each item bought costs 1, so that costs are amounts of data, and the least of them is sought.
"""

from __future__ import annotations

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
from forecaster.decisions.prices.costs import Costs
from forecaster.errors import RequestError
from forecaster.inference.posterior import Posterior
from forecaster.prediction.forecast import LEVEL

RISKS = (0.25, 0.5)  # of missing the target: the first that is within reach, where nothing else is asked for
IN_DATA: Mapping[str, Any] = {"per_item": 1.0}  # a price list that counts items
NO_LIMIT = sys.float_info.max  # a budget that allows for everything
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

    def options(self) -> dict[str, Any]:
        """The keyword arguments of ``decide``."""
        return {name: value for name, value in vars(self).items() if name != "costs"}

    def value(self, target: float | None) -> Value:
        return Value(target, self.penalty, self.value_per_point, self.cost_per_mistake, self.volume)

    def check(self, target: float | None) -> None:
        """RequestError for money without prices, and for a risk of no target."""
        given = {
            "penalty": self.penalty,
            "value_per_point": self.value_per_point,
            "cost_per_mistake": self.cost_per_mistake,
            "budget": self.budget,
        }
        money = next((name for name, amount in given.items() if amount is not None), None)
        if self.costs is None and money is not None:
            raise RequestError(
                f"{money}: found no price list beside it; expected one, from which each option gets its cost: "
                "--costs costs.toml (`forecaster decide --template` writes one to fill in)"
            )
        if self.risk is not None and target is None:
            raise RequestError("risk: found no target; expected one that may be missed: --target 0.05 --risk 0.1")


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


@dataclass(frozen=True, eq=False)
class Decided:
    """A decision, and how it was reached.

    ``open`` where neither a target nor a value of an error was given, so that no amount is the right one.
    """

    found: Decision
    worth: Worth
    open: bool = False

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
        return self.best["option"] != "do nothing"

    def choosing(self, architecture: str, n: float) -> Decided:
        """The same options, of which another one is to be chosen."""
        table: Any = self.found.table
        best = (table["architecture"] == architecture) & np.isclose(table["n"], n) & (table["option"] != "do nothing")
        return self if not best.any() else replace(self, found=replace(self.found, table=table.assign(best=best)))

    def doing_nothing(self, architecture: str) -> Decided:
        """The same options, of which none is worth it."""
        table: Any = self.found.table
        best = (table["architecture"] == architecture) & (table["option"] == "do nothing")
        return replace(self, found=replace(self.found, table=table.assign(best=best)))


def decided(posterior: Posterior, asked: Asked, sizes: Sequence[float], kind: str) -> Decided:
    """What to buy; ``sizes`` are the options, none for those that ``decide`` chooses."""
    worth, target = replace(asked.worth, start=asked.worth.start or date.today()), asked.target

    def ask(at: Sequence[float] = sizes, **more: Any) -> Decision:
        costs = IN_DATA if worth.costs is None else worth.costs
        options = worth.options() | more
        return decide(posterior, costs, at, target=target, kind=kind, level=asked.level, seed=asked.seed, **options)

    if worth.value(target).priced or (worth.budget is not None and worth.risk is None):
        return Decided(ask(), worth)
    if target is None:
        return Decided(ask(budget=NO_LIMIT), worth, open=True)
    first, *others = RISKS if worth.risk is None else (worth.risk,)
    found, risk = ask(risk=first), first
    for risk in others if found.recommendation.id == MISSED else ():
        found = ask(risk=risk)
    least = _least(found, risk)
    return Decided(ask([*sizes, least], risk=risk) if sizes and owned(found) < least < max(sizes) else found, worth)


def _least(found: Decision, risk: float) -> float:
    """The least size for the risk, rounded up: among sizes that were given, it is an option as well."""
    table: Any = found.orders
    n = float(table.loc[table["risk"] == risk, "n"].iloc[0])
    return rounded_up(n) if np.isfinite(n) else np.inf


def owned(found: Decision) -> float:
    """Items owned."""
    return float(found.asked["owned"])
