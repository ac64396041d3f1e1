"""Orders: how much to buy for a risk of missing the target, the lowest risk within reach, the best single size.

The data that a target needs has a distribution F with mass at infinity ("never"), so that an order may have no size,
and a risk no order. A risk is also not another name for a penalty: an order is best for some penalty only where it lies
on the upper concave envelope of (cost, F), which gives an interval of penalties, or none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from forecaster.decisions.loss import TAIL, cvar
from forecaster.decisions.question import Question
from forecaster.inference.posterior import Posterior
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.forecast import log_errors
from forecaster.resources.prices.costs import Costs
from forecaster.results.columns import CURVE, Column, Columns, size
from forecaster.results.wording import rounded

Needed = Mapping[CurveKey, Float[np.ndarray, " draw"]]  # sizes that each draw of a curve needs
RISKS = (0.5, 0.25, 0.1, 0.05)  # of missing the target, that a table shows
MULTIPLES = (1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0)  # of what is owned: the sizes where none are given
PER_DECADE = 24  # sizes among which the best is sought where an error has no target
LADDER = tuple(np.arange(1, 20) / 20)  # risks of the orders that are compared with one another

ORDERS = Columns(
    "a risk: the cheapest order for it",
    Column("risk", "share", "chance of missing the target that is accepted", given=True, key=True),
    CURVE,
    size("the size that misses the target with this chance; `inf`: no amount is enough"),
    Column("buy", "size", "what is to be bought for it"),
    Column("cost", "money", "what it costs"),
    *(
        Column(
            f"penalty_{end}",
            "money",
            "penalties for which this is the best of the orders for risks of 5, 10 ... 95 %; null: for none",
            bound=end,
        )
        for end in ("lower", "upper")
    ),
)


class SpendingLimits(NamedTuple):
    """What may be spent, and how many days there are; infinite without a limit."""

    budget: float = np.inf
    days: float = np.inf


NO_LIMITS = SpendingLimits()


def largest_within(key: CurveKey, costs: Costs, owned: float, limits: SpendingLimits, far: float) -> float:
    """The largest size up to ``far`` that can be bought and trained within the limits; 0 where none is."""

    def fits(n: float) -> bool:
        buy = max(n - owned, 0.0)
        paid = float(costs.order(buy) + costs.training(n, key.architecture))
        return paid <= limits.budget and float(costs.days(buy, n, key.architecture)) <= limits.days

    if fits(far):
        return far
    low, high = 0.0, far
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if fits(middle) else (low, middle)
        if high - low <= 1e-9 * high:
            break
    return low if fits(low) else 0.0


def lowest_risk(needed: Needed, within: Mapping[CurveKey, float]) -> dict[str, Any]:
    """The lowest chance of missing the target that an order within reach has, its architecture and size."""
    found = []
    for key, sizes in needed.items():
        inside = sizes[sizes <= within[key]]
        n = float(inside.max()) if len(inside) else float("inf")
        found.append((1.0 - len(inside) / len(sizes), n, key.architecture))
    risk, n, architecture = min(found)
    return {"risk": risk, "architecture": architecture, "n": n}


def order_for(sizes: Float[np.ndarray, " draw"], risk: float) -> float:
    """The size that misses the target with this chance; infinite where no amount is enough."""
    return float(np.quantile(sizes, 1.0 - risk, method="inverted_cdf"))


def orders_table(
    needed: Needed, costs: Costs, owned: float, within: Mapping[CurveKey, float], risks: Sequence[float]
) -> pd.DataFrame:
    """For each risk the order of the cheapest architecture, and the penalties that make it the best."""
    rows = []
    for risk in sorted(set(risks), reverse=True):
        offers = []
        for key, sizes in needed.items():
            n = order_for(sizes, risk)
            n = n if n <= within[key] else np.inf
            offers.append((_cost(n, key, costs, owned), n, key))
        cost, n, key = min(offers, key=lambda o: (o[0], o[1]))
        low, high = _penalties(needed[key], key, costs, owned, n) if np.isfinite(n) else (np.nan, np.nan)
        rows.append(
            {
                "risk": risk,
                "domain": key.domain,
                "task": key.task,
                "architecture": key.architecture if np.isfinite(n) else "",
                "n": n,
                "buy": items_for(n, owned),
                "cost": cost if np.isfinite(n) else np.nan,
                "penalty_lower": low,
                "penalty_upper": high,
            }
        )
    return pd.DataFrame(rows, columns=list(ORDERS.names))


def _cost(n: float, key: CurveKey, costs: Costs, owned: float) -> float:
    if not np.isfinite(n):
        return np.inf
    return float(costs.order(items_for(n, owned)) + costs.training(n, key.architecture))


def items_for(n: float, owned: float) -> float:
    """Whole items to be bought for a size."""
    return float(np.ceil(max(n - owned, 0.0) - 1e-9))


def _penalties(
    sizes: Float[np.ndarray, " draw"], key: CurveKey, costs: Costs, owned: float, n: float
) -> tuple[float, float]:
    """Penalties for which an order up to ``n`` has the lowest mean loss of those for the risks of the ladder."""
    ladder = {order_for(sizes, risk) for risk in LADDER} | {owned, n}
    others = np.array(sorted(m for m in ladder if np.isfinite(m) and m >= min(owned, n)))
    cost = np.array([_cost(m, key, costs, owned) if m > owned else 0.0 for m in others])
    reach = np.mean(sizes[:, None] <= others * (1.0 + 1e-12), 0)
    at = int(np.flatnonzero(others == n)[0])
    more, spent = reach - reach[at], cost - cost[at]
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = spent / more
    low = float(slope[more < 0.0].max(initial=0.0))
    high = float(slope[more > 0.0].min(initial=np.inf))
    cheaper = (more >= 0.0) & (spent < 0.0)  # as good for less: never the best
    return (low, high) if low <= high and not cheaper.any() else (np.nan, np.nan)


def best_size(
    posterior: Posterior,
    keys: Sequence[CurveKey],
    needed: Needed | None,
    costs: Costs,
    asked: Question,
    within: Mapping[CurveKey, float],
    *,
    owned: float,
    point: float,
) -> float | None:
    """The size with the lowest loss of all that could be bought, for the best architecture; None where nothing can.

    With a penalty it is one that some draw needs (between them only the cost changes), in whole items; else one of a
    fine grid. By CVaR for that attitude, else by the mean.
    """
    value, tail = asked.value, asked.attitude == "cvar"
    found = []
    for key in keys:
        if value.form == "penalty" and needed is not None:
            sizes = np.sort(needed[key])
            n = np.unique(np.ceil(sizes[(sizes > owned) & (sizes <= within[key])]))
            miss = 1.0 - np.searchsorted(sizes, n * (1.0 + 1e-12), side="right") / len(sizes)
            quantity = np.minimum(miss / (1.0 - TAIL), 1.0) if tail else miss
        else:
            steps = int(np.floor(np.log10(max(within[key] / owned, 1.0)) * PER_DECADE))
            grid = {rounded(owned * 10.0 ** (k / PER_DECADE), 3) for k in range(1, steps + 1)}
            n = np.array(sorted(m for m in grid if owned < m <= within[key]))
            if not len(n):
                continue
            counted = value.quantity(np.exp(log_errors(posterior, key, n, asked.kind, asked.seed)), None, point)
            quantity = cvar(counted) if tail else counted.mean(0)
        if len(n):
            running = costs.running(value.volume or 0.0, key.architecture)
            loss = costs.order(n - owned) + costs.training(n, key.architecture) + running + value.unit * quantity
            found.append((float(loss.min()), float(n[np.argmin(loss)])))
    return min(found)[1] if found else None


def default_sizes(owned: float, far: float, needed: Needed | None) -> list[float]:
    """Sizes where none are given: multiples of what is owned, and what the target needs at the usual risks, rounded."""
    sizes = {rounded(owned * m) for m in MULTIPLES}
    if needed is not None:
        least = [min(order_for(sizes, risk) for sizes in needed.values()) for risk in RISKS]
        sizes |= {rounded_up(n) for n in least if np.isfinite(n)}
    return sorted(n for n in sizes if owned < n <= far)


def rounded_down(n: float, digits: int = 3) -> float:
    """``n`` to so many significant digits, not more."""
    scale = 10.0 ** (np.floor(np.log10(n)) - digits + 1)
    return float(np.floor(n / scale + 1e-9) * scale)


def rounded_up(n: float, digits: int = 2) -> float:
    """``n`` to so many significant digits, not less."""
    scale = 10.0 ** (np.floor(np.log10(n)) - digits + 1)
    return float(np.ceil(n / scale - 1e-9) * scale)
