"""Which purchase a plan of several orders is made for, and among which sizes it chooses."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from forecaster.decisions.options import Offers
from forecaster.decisions.ordering.staged import OrderPlan, staged
from forecaster.decisions.question import Question
from forecaster.inference.posterior import Posterior
from forecaster.prediction.curve_keys import CurveKey
from forecaster.resources.prices.costs import Costs

MOST_SIZES = 16  # among which a plan chooses


def plan_of(
    posterior: Posterior,
    costs: Costs,
    offers: Offers,
    needed: Mapping[CurveKey, Float[np.ndarray, " draw"]] | None,
    owned: float,
    within: Mapping[CurveKey, float],
    asked: Question,
) -> OrderPlan | None:
    """Several orders for the architecture of the purchase with the lowest mean loss; None where none is within limits.

    They go up to sizes that are options; where none were given, also up to sizes that the target may need.
    """
    buying = np.flatnonzero(offers.allowed & offers.bought)
    if not len(buying):
        return None
    loss = offers.loss()
    means = loss.mean(0)
    idle = np.flatnonzero([o.idle for o in offers.options])
    best = offers.options[int(buying[np.argmin(means[buying])])]
    sizes = [o.n for o in offers.options if o.key == best.key and o.buy > 0.0]
    if not asked.at and needed is not None:
        likely = np.quantile(needed[best.key], np.arange(1, 20) / 20, method="inverted_cdf")
        sizes += [float(np.ceil(n)) for n in likely if n <= max(sizes)]
    elif not asked.at:
        sizes += np.ceil(np.geomspace(owned, max(sizes), MOST_SIZES)).tolist()
    most = within[best.key]
    fine = sorted(n for n in set(sizes) if owned < n <= most and _in_time(costs, owned, n, best.key, asked))
    if not fine:
        return None
    chosen = fine if len(fine) <= MOST_SIZES else _spread(fine, best.n)
    return staged(
        posterior,
        best.key,
        costs,
        asked.value,
        np.array(chosen),
        rounds=asked.rounds,
        owned=owned,
        idle=loss[:, idle[np.argmin(means[idle])]],
        needed=None if needed is None else needed[best.key],
        point=offers.point,
        kind=asked.kind,
        seed=asked.seed,
    )


def _in_time(costs: Costs, owned: float, n: float, key: CurveKey, asked: Question) -> bool:
    """Whether all deliveries, and as many trainings as orders, each as long as the last, fit before the deadline."""
    if costs.deadline is None:
        return True
    delivery = float(costs.days(n - owned, n, key.architecture, trained=False))
    training = float(costs.days(0.0, n, key.architecture))
    return delivery + asked.rounds * training <= (costs.deadline - asked.today).days


def _spread(sizes: list[float], kept: float) -> list[float]:
    """``MOST_SIZES`` of the sizes: the one to keep, the ends, then those farthest from all chosen."""
    found = {kept, sizes[0], sizes[-1]} & set(sizes)
    while len(found) < MOST_SIZES:
        rest = (n for n in sizes if n not in found)
        found.add(max(rest, key=lambda n: min(abs(np.log(n / m)) for m in found)))
    return sorted(found)
