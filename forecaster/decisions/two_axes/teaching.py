"""Information of runs about losses elsewhere, and which runs to make for a budget.

The result of each possible run is simulated in every draw of a surface, with the noise of one run. One minus the
squared correlation of what is sought with it is the share of its variance left, exact where both are jointly normal.
Runs are picked one by one: each takes most of what those before it leave, for what it costs. That is greedy V-optimal
design, with draws of law and drift in place of derivatives of a law.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from forecaster.surfaces.fitted import Surface

POWER = 0.4  # of the cost that a gain is divided by: one large run is worth more than many small ones of its price
WORTH = 5e-3  # share of what is left that a run must take: chance alone makes the best of many look like this much
Sought = Float[np.ndarray, "draw target"]
Results = Float[np.ndarray, "draw candidate"]
Each = Float[np.ndarray, " candidate"]


def simulated(surface: Surface, n: Each, params: Each, seed: int = 0) -> Results:
    """Log loss of one run at each point, in every draw."""
    return surface.new_run(n, params, seed=seed)


def left_by_each(sought: Sought, results: Results) -> Each:
    """Share of the variance, summed over what is sought, that each result leaves."""
    target, given = sought - sought.mean(0), results - results.mean(0)
    return np.clip(1.0 - _told(target, given) / float((target**2).sum()), 0.0, 1.0)


def picks_for(
    sought: Sought, results: Results, cost_after: Callable[[list[int]], Each], budget: float, *, power: float = POWER
) -> tuple[list[int], list[float]]:
    """Candidates in the order in which to run them, and the share of the variance that is left after each.

    ``cost_after`` gives what each costs after those picked already: data that were bought for one are there for the
    next.
    """
    target, given = sought - sought.mean(0), results - results.mean(0)
    whole, spent = float((target**2).sum()), 0.0
    least = 1e-9 * (given**2).sum(0)
    chosen: list[int] = []
    left: list[float] = []
    while len(chosen) < given.shape[1]:
        cost = cost_after(chosen)
        told = _told(target, given, least)
        told[chosen] = -1.0
        told[cost > budget - spent] = -1.0
        score = told / np.maximum(cost, 1e-300) ** power
        best = int(score.argmax())
        if told[best] < WORTH * float((target**2).sum()):
            break
        spent += float(cost[best])
        along = given[:, best] / np.sqrt(float(given[:, best] @ given[:, best]))
        target = target - np.outer(along, along @ target)
        given = given - np.outer(along, along @ given)
        chosen.append(best)
        left.append(float((target**2).sum()) / whole)
    return chosen, left


def _told(target: Sought, given: Results, least: Each | float = 0.0) -> Each:
    """Sum of squares of what is sought that each result explains; nothing by those that are known already."""
    power = (given**2).sum(0)
    explained = ((target.T @ given) ** 2).sum(0)
    return np.divide(explained, power, out=np.zeros(len(power)), where=power > np.maximum(least, 1e-300))
