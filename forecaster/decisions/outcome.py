"""The outcome of a decision: a row an option, what the choice is worth, what would change it, and the deadline."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from forecaster.decisions.choice import (
    break_even_price,
    break_even_value,
    expected_value_of_information,
    flips,
    rating_of,
)
from forecaster.decisions.decision import OPTIONS
from forecaster.decisions.loss import cvar, quantile, regret
from forecaster.decisions.options import Offers, Option
from forecaster.decisions.question import Question
from forecaster.resources.prices.costs import Costs


def worth_of_choice(offers: Offers, costs: Costs, asked: Question, chosen: int) -> dict[str, Any]:
    """Results beside the table where an error costs money: EVPI, break-evens, and what would change the choice."""
    some = offers.only(offers.allowed)
    rating = rating_of(some, asked.attitude)
    return {
        "evpi": expected_value_of_information(some.loss()),
        "break_even_price": break_even_price(some, rating),
        "break_even_penalty": break_even_value(some, asked.attitude),
        "flips_when": _flips(offers, some, rating, costs, asked, chosen),
    }


def options_table(
    offers: Offers, chosen: int, asked: Question, costs: Costs, timed: bool | None = None
) -> pd.DataFrame:
    """One row an option; ``timed``: whether options have dates, by default where the price list knows times."""
    options, inside, priced = offers.options, offers.allowed, offers.value.priced
    low, middle, high = np.quantile(offers.errors, [0.5 - asked.level / 2, 0.5, 0.5 + asked.level / 2], axis=0)
    some = offers.only(inside)
    nothing = np.full(len(options), np.nan)
    loss, compared = offers.loss(), some.loss() if priced else some.errors
    lowest = compared == compared.min(1, keepdims=True)
    p_best, regrets, tails = nothing.copy(), nothing.copy(), nothing.copy()
    p_best[inside] = (lowest / lowest.sum(1, keepdims=True)).mean(0)
    if priced:
        regrets[inside], tails[inside] = regret(compared).mean(0), cvar(regret(compared))
    by = costs.deadline
    dated = costs.timed if timed is None else timed
    rows = {
        "option": [o.name for o in options],
        "domain": [o.key.domain for o in options],
        "task": [o.key.task for o in options],
        "architecture": [o.key.architecture for o in options],
        "n": [o.n for o in options],
        "buy": [o.buy for o in options],
        "cost": offers.cost,
        "yhat": middle,
        "yhat_lower": low,
        "yhat_upper": high,
        "level": asked.level,
        "p_target": offers.p_target,
        "loss_mean": loss.mean(0) if priced else nothing,
        "loss_q90": quantile(loss) if priced else nothing,
        "loss_cvar90": cvar(loss) if priced else nothing,
        "regret_mean": regrets,
        "p_best": p_best,
        "best": np.arange(len(options)) == chosen,
        "allowed": inside,
        "cost_items": offers.items,
        "cost_fixed": [o.fixed for o in options],
        "cost_training": [o.training for o in options],
        "running": [o.running for o in options],
        "regret_cvar90": tails,
        "date": [o.ready(asked.today).isoformat() if dated else None for o in options],
        "order_by": [None if by is None or o.idle else o.order_by(by).isoformat() for o in options],
    }
    return pd.DataFrame(rows, columns=list(OPTIONS.names))


def _flips(
    offers: Offers, some: Offers, rating: Any, costs: Costs, asked: Question, chosen: int
) -> tuple[dict[str, Any], ...]:
    """What would change the choice, nearest first: prices and the value of the error; then limits that bind."""
    found = []
    for flip in sorted(flips(rating), key=lambda f: abs(np.log(f.factor))):
        at = flip.factor * asked.value.unit if flip.what == "value" else None
        found.append({"what": flip.what, "factor": flip.factor, "at": at} | some.options[flip.option].told)
    numbers = rating_of(offers, asked.attitude)(1.0, 1.0)
    better = [i for i in np.flatnonzero(~offers.allowed) if numbers[i] < numbers[chosen]]
    if better:
        option = offers.options[min(better, key=lambda i: numbers[i])]
        ready = option.ready(asked.today)
        if asked.budget is not None and option.cost > asked.budget:
            found.append({"what": "budget", "factor": None, "at": option.cost} | option.told)
        if costs.deadline is not None and ready > costs.deadline:
            found.append({"what": "deadline", "factor": None, "at": ready.isoformat()} | option.told)
    return tuple(found)


def deadline_of(day: date, option: Option, start: date) -> dict[str, Any]:
    """The deadline, and the last day to order for it."""
    last = None if option.idle else option.order_by(day)
    return {
        "date": day.isoformat(),
        "order_by": None if last is None else last.isoformat(),
        "days": None if last is None else (last - start).days,
    }
