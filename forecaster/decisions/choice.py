"""The choice among options: the best one, up to which prices it pays to buy, and what would change it.

With mean or CVaR an option's number is its costs plus a multiple of its risk of error, since both leave a known cost as
it is. Then ``break-even price = max over purchases of (risk avoided - other costs) / price``, and the penalty likewise
(Mahmood et al. 2022, arXiv:2210.01234, have the objective; "never" makes doing nothing an answer). All are found
numerically, so that regret is treated alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from forecaster.decisions.loss import PerOption, cvar, rated
from forecaster.decisions.options import Offers

Rating = Callable[[float, float], PerOption]  # factors on price list and value of error -> each option's number
FACTORS = 1e6  # how far a break-even is searched, either way
SEARCHED_FACTOR = 100.0  # how far prices and values are varied to see what would change the choice
SEARCHED_STEPS = 12  # of that search, a decade


@dataclass(frozen=True)
class Flip:
    """What would change the choice: ``what`` times ``factor`` (or a budget of ``at``), and to which option."""

    what: str
    factor: float
    option: int


def rating_of(offers: Offers, attitude: str) -> Rating:
    """The number by which each option is chosen, as a function of the factors on price list and value of error."""
    if attitude == "regret":
        return lambda price, value: rated(offers.loss(price, value), attitude)
    risk = cvar(offers.quantity) if attitude == "cvar" else offers.quantity.mean(0)
    return lambda price, value: price * offers.items + offers.rest + value * offers.value.unit * risk


def best_of(numbers: PerOption) -> int:
    """The lowest; of equals the first, which is doing nothing."""
    return int(np.flatnonzero(numbers <= numbers.min() + 1e-12 * max(abs(numbers.min()), 1e-300))[0])


def break_even_price(offers: Offers, rating: Rating) -> float:
    """The factor on the price list up to which it pays to buy; 0 where it never does, infinite where it always does."""
    if not offers.bought.any():
        return float("nan")

    def buys(price: float) -> bool:
        return bool(offers.bought[best_of(rating(price, 1.0))])

    if not buys(0.0):
        return 0.0
    if buys(FACTORS):
        return float("inf")
    return _last(buys, 0.0, FACTORS)


def break_even_value(offers: Offers, attitude: str) -> float:
    """The penalty (value of a point, cost of a mistake) from which it pays to buy; infinite where it never does."""
    if not offers.bought.any():
        return float("nan")
    unit = offers.value.unit or 1.0
    rating = rating_of(replace(offers, value=offers.value.with_unit(unit)), attitude)

    def buys(value: float) -> bool:
        return bool(offers.bought[best_of(rating(1.0, value))])

    tried = [0.0, *np.geomspace(1.0 / FACTORS, FACTORS, 12 * SEARCHED_STEPS + 1)]
    first = next((i for i, value in enumerate(tried) if buys(value)), None)
    if first is None:
        return float("inf")
    return 0.0 if first == 0 else unit * _last(lambda v: not buys(v), tried[first - 1], tried[first])


def flips(rating: Rating) -> list[Flip]:
    """The nearest factors, up and down, on the price list and on the value of error at which another option is best."""
    chosen = best_of(rating(1.0, 1.0))
    found = []
    for what in ("price_list", "value"):

        def best(factor: float, what: str = what) -> int:
            return best_of(rating(factor, 1.0) if what == "price_list" else rating(1.0, factor))

        for way in (1.0, -1.0):
            tried = np.geomspace(1.0, SEARCHED_FACTOR**way, 2 * SEARCHED_STEPS + 1)
            other = next((i for i in range(1, len(tried)) if best(tried[i]) != chosen), None)
            if other is not None:
                at = _last(lambda f: best(f) == chosen, tried[other - 1], tried[other])
                found.append(Flip(what, at, best(at * (1.0 + 1e-7) ** way)))
    return found


def _last(holds: Callable[[float], bool], inside: float, outside: float) -> float:
    """Where ``holds`` ends between a factor at which it does and one at which it does not."""
    for _ in range(100):
        positive = inside > 0.0 and outside > 0.0
        middle = float(np.sqrt(inside * outside)) if positive else 0.5 * (inside + outside)
        if middle in (inside, outside) or abs(outside - inside) <= 1e-9 * max(inside, outside):
            break
        inside, outside = (middle, outside) if holds(middle) else (inside, middle)
    return 0.5 * (inside + outside)


def expected_value_of_information(loss: Any) -> float:
    """EVPI: the mean loss of the best option beyond that of knowing each draw; of a risk-neutral choice.

    It is the expected regret of choosing now.
    """
    return float(loss.mean(0).min() - loss.min(1).mean())
