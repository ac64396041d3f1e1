"""A decision in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecaster.decisions.loss import ATTITUDES
from forecaster.decisions.options import Offers, Option
from forecaster.decisions.ordering.staged import OrderPlan
from forecaster.decisions.question import Question
from forecaster.resources.prices.costs import Costs
from forecaster.results.message import Message, message
from forecaster.results.wording import Units, listed, money, percent, plain_number, rounded, size

FLIPS = 3  # ways to change the choice that the text names; the result has all
SURE_ERRORS = 2.0  # standard errors from which a gain is said to be one
NUMBERS = {  # what each attitude compares, and its column
    "mean": ("mean loss", "loss_mean"),
    "cvar": ("mean loss of the worst tenth of cases", "loss_cvar90"),
    "regret": ("mean regret of the worst tenth of cases", "regret_cvar90"),
}
VALUES = {"penalty": "penalty", "points": "value of a point", "mistakes": "cost of a mistake"}


@dataclass(frozen=True, eq=False)
class DecisionFacts:
    """The results of a decision that the sentences need; ``extra`` has those beside its table."""

    offers: Offers
    chosen: int
    reason: str
    table: pd.DataFrame
    units: Units
    costs: Costs
    asked: Question
    plan: OrderPlan | None
    extra: Mapping[str, Any]

    @property
    def option(self) -> Option:
        return self.offers.options[self.chosen]

    @property
    def rows(self) -> list[dict[Any, Any]]:
        table: Any = self.table
        return table.to_dict("records")

    @property
    def row(self) -> dict[Any, Any]:
        return self.rows[self.chosen]

    @property
    def idle(self) -> dict[Any, Any]:
        """The row of doing nothing, of the architecture with the lowest loss (or error) then."""
        rows = [r for r, o in zip(self.rows, self.offers.options, strict=True) if o.idle]
        return min(rows, key=lambda r: (r["loss_mean"] if np.isfinite(r["loss_mean"]) else 0.0, r["yhat"]))

    @property
    def number(self) -> tuple[str, str]:
        return NUMBERS[self.asked.attitude]

    def money(self, amount: float, *, exact: bool = False) -> str:
        return money(amount, self.costs.currency, exact=exact)

    def error(self, row: Mapping[Any, Any]) -> str:
        """``a test error rate of 0.20 % (0.12 – 0.34 %)``, and the chance of the target."""
        low, middle, high = row["yhat_lower"], row["yhat"], row["yhat_upper"]
        places, units = self.units.decimals(low, high), self.units
        ends = units.between(units.error(low, places), units.error(high, places))
        target = self.asked.value.target
        chance = "" if target is None else percent(row["p_target"])
        reach = "" if target is None else f", with a chance of {chance} of reaching {units.error_plain(target)}"
        return f"{units.phrase(units.error(middle, places))} ({ends}){reach}"


def messages(found: DecisionFacts) -> tuple[Message, ...]:
    """The recommendation first, then what it rests on and what would change it."""
    return (recommendation(found), *_more(found))


def recommendation(found: DecisionFacts) -> Message:
    """What to do."""
    option, row = found.option, found.row
    said: dict[str, Any] = option.told | {"buy": option.buy}
    said |= {"cost": option.cost, "error": row["yhat"], "p_target": row["p_target"]}
    if found.reason == "least-risk":
        return _out_of_reach(found, said)
    if option.idle:
        return _idle(found, said)
    who, units, cost = option.who, found.units, found.money(option.cost, exact=True)
    if option.buy > 0.0:
        text = f"Buy {size(option.buy)} more {units.size_name} for {cost}, and train {who} on {size(option.n)}"
    else:
        text = f"Buy nothing, and train {who} on {units.sized(option.n)} for {cost}"
    text += f": expect {found.error(row)}."
    if found.asked.value.priced:
        text += f" {_loss(found, row)}"
    elif found.reason == "cheapest":
        text += " No option that misses the target as seldom costs less."
    else:
        text += " No option within the budget is expected to do better."
    return message("buy" if option.buy > 0.0 else "train", text, **said)


def _out_of_reach(found: DecisionFacts, said: Mapping[str, Any]) -> Message:
    """No order has a risk as low as asked for: which is the lowest."""
    least, asked = found.extra["lowest_risk"], found.asked.risk or 0.0
    text = f"Do not buy for this risk: no order within reach misses the target in only {percent(asked)} of cases. "
    text += f"The lowest chance of missing it is {percent(least['risk'])}"
    if np.isfinite(least["n"]):
        text += f", with {least.get('who', least['architecture'])} at {found.units.sized(rounded(least['n'], 3))}"
    return message("out-of-reach", f"{text}.", **said, **{f"lowest_{k}": v for k, v in least.items()})


def _idle(found: DecisionFacts, said: Mapping[str, Any]) -> Message:
    """Doing nothing, and why."""
    who, buying = found.option.who, found.offers.bought
    stays = f"{who} stays at {found.error(found.row)}"
    if buying.any() and not (buying & found.offers.allowed).any():
        budget, deadline = found.asked.budget, found.extra.get("deadline")
        limits = [] if budget is None else [f"a budget of {found.money(budget, exact=True)}"]
        limits += [] if deadline is None else [f"the deadline {deadline['date']}"]
        return message("nothing-within", f"Do not buy: no purchase is within {listed(limits)}; {stays}.", **said)
    if found.asked.value.priced:
        name, column = found.number
        why = f"no purchase has a lower {name} than doing nothing ({found.money(found.row[column])})"
    elif found.reason == "cheapest":
        why = "what there is today misses the target seldom enough"
    else:
        why = "no purchase within the budget is expected to lower the error"
    return message("do-not-buy", f"Do not buy: {why}; {stays}.", **said)


def _loss(found: DecisionFacts, row: Mapping[Any, Any]) -> str:
    """The number that was compared, beside that of doing nothing."""
    (name, column), idle = found.number, found.idle
    text = f"Its {name} is {found.money(row[column])}; that of doing nothing is {found.money(idle[column])}"
    if found.asked.attitude == "mean":
        tails = f"{found.money(row['loss_cvar90'])} against {found.money(idle['loss_cvar90'])}"
        text += f". In the worst tenth of cases it is {tails}"
    return f"{text}."


def _more(found: DecisionFacts) -> Iterator[Message]:
    """The other sentences, in order."""
    extra, priced = found.extra, found.asked.value.priced
    deadline, least = extra.get("deadline"), extra.get("lowest_risk")
    if deadline is not None and deadline["order_by"] is not None:
        yield message("order-by", f"To be ready by {deadline['date']}, order by {deadline['order_by']}.", **deadline)
    if found.plan is not None:
        yield from _plan(found, found.plan)
    if least is not None and found.reason != "least-risk" and least["risk"] >= 0.005:
        text = f"With a chance of {percent(least['risk'])} no order within reach is enough for the target."
        yield message("lowest-risk", text, **least)
    if priced:
        yield from _break_even(found, extra["break_even_price"], extra["break_even_penalty"])
        yield from _flips(found)
        text = f"No measurement can be worth more than {found.money(extra['evpi'])}: the expected value of perfect "
        text += "information, risk-neutral, is what choosing now is expected to lose."
        yield message("evpi", text, evpi=extra["evpi"])
    if extra.get("test_cases") is not None:
        yield _test_cases(found, extra["test_cases"])
    if found.asked.attitude != "mean" and priced:
        attitude = found.asked.attitude
        yield message("attitude", f"“Best” means {ATTITUDES[attitude]}.", attitude=attitude)
    if found.costs.runs_cost and found.asked.value.volume is None:
        yield message("running-unknown", "What answers cost is left out: --volume says how many there will be.")
    if found.costs.per_test_item is not None and found.asked.kind != "new-cases":
        text = "Test cases are not weighed: they say nothing of the error on the test set at hand. "
        yield message("test-cases-idle", text + "Ask for --kind new-cases.")


def _plan(found: DecisionFacts, plan: OrderPlan) -> Iterator[Message]:
    """Staged buying against one order."""
    said = {"first": plan.first, "one": plan.one, "gain": plan.gain, "gain_sd": plan.gain_sd}
    if plan.first is None:
        yield message("no-plan", f"Buying in up to {plan.rounds} orders does not pay either.", **said)
        return
    units, unsure = found.units, f"standard error {found.money(plan.gain_sd)}"
    if plan.gain_sd == 0.0:
        yield message("plan-no-gain", f"Buying in up to {plan.rounds} orders is no better than in one.", **said)
        return
    if plan.gain < SURE_ERRORS * plan.gain_sd or plan.gain <= 0.0:
        text = f"Buying in up to {plan.rounds} orders gains nothing that can be told from chance over the best single "
        yield message("plan-no-gain", f"{text}order ({found.money(plan.gain)}, {unsure}).", **said)
        return
    text = f"In up to {plan.rounds} orders: first buy up to {units.sized(rounded(plan.first, 3))}, measure "
    text += f"{plan.architecture} there, and decide again. That lowers the mean loss by {found.money(plan.gain)} "
    text += f"({unsure}) from that of the best single order, and the mean cost from {found.money(plan.cost_one)} to "
    text += f"{found.money(plan.cost)}; a second order follows in {percent(plan.ordered[1])} of cases."
    yield message("plan", text, **said)
    if len(plan.then) > 1:
        low, _, high = (step.upper for step in plan.likely)
        steps = []
        for step in plan.likely:
            buy = "buy no more" if step.n is None else f"buy up to {size(rounded(step.n, 3))}"
            steps.append(f"of {units.error(step.upper, units.decimals(low, high))}, {buy}")
        yield message("plan-then", f"After a measured error {'; '.join(steps)}.", steps=len(plan.then))


def _break_even(found: DecisionFacts, price: float, value: float) -> Iterator[Message]:
    """Up to which prices, and from which value of error, it pays to buy."""
    if np.isnan(price):
        return
    name = VALUES[found.asked.value.form]
    if price == 0.0:
        text = "Buying would not pay at any price"
    elif np.isinf(price):
        text = "Buying pays at any price of the items"
    else:
        text = f"Buying pays up to {plain_number(rounded(price, 3))} times these prices"
    text += f", with no {name}" if np.isinf(value) else f", and from a {name} of {found.money(value)}"
    yield message("break-even", f"{text}.", price=price, value=value)


def _flips(found: DecisionFacts) -> Iterator[Message]:
    """The nearest changes of prices, values or limits that change the choice."""
    flips, said = found.extra["flips_when"], []
    for flip in flips[:FLIPS]:
        said_all = flip["option"] == "do nothing" or "params" in flip
        then = flip["option"] + ("" if said_all else f" with {flip['architecture']}")
        if flip["what"] == "price_list":
            than = "more" if flip["factor"] > 1.0 else "less"
            said.append(f"{then}, where prices are {than} than {plain_number(rounded(flip['factor'], 3))} times these")
        elif flip["what"] == "value":
            than = "above" if flip["factor"] > 1.0 else "below"
            said.append(f"{then}, where the {VALUES[found.asked.value.form]} is {than} {found.money(flip['at'])}")
        elif flip["what"] == "budget":
            said.append(f"{then}, with a budget of {found.money(flip['at'], exact=True)}")
        else:
            said.append(f"{then}, with the deadline {flip['at']}")
    if said:
        yield message("flips", f"What would change the choice: to {'; to '.join(said)}.", count=len(flips))


def _test_cases(found: DecisionFacts, table: Any) -> Message:
    picked = table[table["pick"]].to_dict("records")
    if not picked:
        return message("no-test-cases", "No number of test cases is worth its cost before this choice.")
    row = picked[0]
    text = f"First buy {row['cases']:,} test cases for {found.money(row['cost'], exact=True)}, and evaluate the models "
    text += f"on them: before this choice that is worth {found.money(row['evsi'])}."
    return message("test-cases", text, **{str(k): v for k, v in row.items()})
