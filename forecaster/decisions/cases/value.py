"""Test cases as something to buy: what evaluating the trained models on more of them is worth before the choice.

The test set is a sample, so that the error on other cases lies off the measured curve by an unknown, nearly constant
amount. More cases show it. Their value is the expected value of sample information, EVSI: how much lower the loss is
when the choice waits for their result. Results are simulated from draws; for each, all draws are weighted by its
density and moved by its regression, exact given a draw since all is normal in log error. One half of the chains
chooses, the other values the choice: the same draws for both would flatter it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float

from forecaster.decisions.loss import Draws
from forecaster.decisions.options import Offers
from forecaster.inference.posterior import Posterior
from forecaster.prediction import observation
from forecaster.prediction.crossings import largest_size, looked_at
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.paths import CurvePaths, curve_paths
from forecaster.resources.prices.costs import Costs
from forecaster.results.columns import Column, Columns

RESULTS = 500  # simulated results of each number of cases
BELIEF = 1000  # draws of each half
OPTIONS_KEPT = 10  # options, those of the lowest mean loss, that the result chooses among
MULTIPLES = (1.0, 2.0, 5.0, 10.0)  # of the test set at hand: the numbers of cases where none are given

TEST_CASES = Columns(
    "a number of test cases to buy first",
    Column(
        "cases", "count", "test cases bought, on which the trained models are evaluated before the choice", key=True
    ),
    Column("cost", "money", "what they cost"),
    Column("evsi", "money", "expected value of their result: how much lower the mean loss is by waiting for it"),
    Column("enbs", "money", "that value minus their cost"),
    Column("pick", "flag", "whether they are the best number to buy first"),
)


def numbers_of_cases(posterior: Posterior, keys: Sequence[CurveKey], asked: Sequence[float]) -> list[float]:
    """Numbers of cases to weigh: those asked for, else multiples of the test set at hand."""
    known = [observation.cases(c) for c in posterior.curves.curves if (c.domain, c.task) == keys[0].group]
    return sorted(asked) or [round(float(np.nanmedian(known)) * m) for m in MULTIPLES]


def worth_of_cases(
    posterior: Posterior, offers: Offers, costs: Costs, cases: Sequence[float], *, kind: str, seed: int
) -> pd.DataFrame:
    """What buying so many test cases first is worth, risk-neutral; ``offers`` are of the kind ``new-cases``."""
    assert costs.per_test_item is not None
    means = offers.loss().mean(0)
    likely = np.argsort(np.where(offers.allowed, means, np.inf), kind="stable")[:OPTIONS_KEPT]
    some = offers.only(likely[offers.allowed[likely]])
    margins = None if some.reached is None else _margins(posterior, some, kind, seed)
    keys = list(dict.fromkeys(o.key for o in some.options))
    now, offset, variance = _at_last(posterior, keys, seed)
    rng = np.random.default_rng(np.random.SeedSequence([seed, 7]))
    rows = []
    for count in cases:
        noise = np.clip(np.exp(-now) - 1.0, 0.0, None) / count  # of log error on so many cases
        seen = now + offset + np.sqrt(noise) * rng.standard_normal(now.shape)
        evsi = _value(some, margins, keys, now, variance, noise, seen)
        cost = costs.per_test_item * count
        rows.append({"cases": int(count), "cost": cost, "evsi": evsi, "enbs": evsi - cost})
    table = pd.DataFrame(rows)
    best = table["enbs"].to_numpy()
    return table.assign(pick=(best == best.max()) & (best > 0.0))


def _at_last(
    posterior: Posterior, keys: Sequence[CurveKey], seed: int
) -> tuple[Float[np.ndarray, "draw key"], Float[np.ndarray, "draw key"], Float[np.ndarray, " key"]]:
    """Log error of each architecture where it was measured last, its offset on other cases, and that one's variance."""
    now, offset = [], []
    for key in keys:
        last = np.array([largest_size(posterior.designs[key.group], key.architecture)])
        paths = curve_paths(posterior, key, last, seed=seed)
        now.append(paths.average_at(last)[:, 0])
        offset.append(observation.new_cases(paths))
    held = np.stack(offset, 1)
    return np.stack(now, 1), held, held.var(0)


def _margins(posterior: Posterior, offers: Offers, kind: str, seed: int) -> Draws:
    """The lowest log error up to each option's size over the target: at most 0 where the target is reached."""
    target = np.log(offers.value.target or np.nan)
    out = np.empty((posterior.draws, len(offers.options)))
    for key in dict.fromkeys(o.key for o in offers.options):
        own = [i for i, o in enumerate(offers.options) if o.key == key]
        out[:, own] = lowest_log_errors(posterior, key, [offers.options[i].n for i in own], kind, seed) - target
    return out


def lowest_log_errors(
    posterior: Posterior, key: CurveKey, sizes: Sequence[float], kind: str, seed: int
) -> Float[np.ndarray, "draw size"]:
    """The lowest log error up to each size, as a data requirement sees it: dips between measured sizes do not count."""
    low = float(np.exp(posterior.designs[key.group].x_min))
    high = max(*sizes, 2.0 * low)
    whole = curve_paths(posterior, key, (low, high), seed=seed).whole
    x, values = looked_at(whole, of_kind_on_grid(whole, kind), (low, high))
    lowest = np.minimum.accumulate(values, 1)
    wanted = np.log(np.maximum(sizes, low))
    before = np.clip(np.searchsorted(x, wanted + 1e-12, side="right") - 1, 0, len(x) - 1)
    after = np.minimum(before + 1, len(x) - 1)
    gap = np.where(after > before, x[after] - x[before], 1.0)
    share = np.clip((wanted - x[before]) / gap, 0.0, 1.0)
    here = (1.0 - share) * values[:, before] + share * values[:, after]
    return np.minimum(lowest[:, before], here)


def of_kind_on_grid(paths: CurvePaths, kind: str) -> Float[np.ndarray, "size draw"]:
    """Log errors on the grid of whole paths; of a new run, at the same quantile of its noise everywhere."""
    if kind == "new-run":
        return observation.as_lucky_everywhere(paths)
    return paths.average + (observation.new_cases(paths) if kind == "new-cases" else 0.0)


def _value(
    offers: Offers,
    margins: Draws | None,
    keys: Sequence[CurveKey],
    now: Float[np.ndarray, "draw key"],
    variance: Float[np.ndarray, " key"],
    noise: Float[np.ndarray, "draw key"],
    seen: Float[np.ndarray, "draw key"],
) -> float:
    """EVSI: chosen on one half of the chains, valued on the other, and the other way round."""
    draws = len(now)
    halves = [part[:: max(1, len(part) // BELIEF)] for part in np.array_split(np.arange(draws), 2)]
    of_key = np.array([keys.index(o.key) for o in offers.options])
    results = seen[:: max(1, draws // RESULTS)]
    total = variance + noise  # of the measured error around the curve, by draw
    pull = np.divide(variance, total, out=np.zeros_like(total), where=total > 0.0)
    safe = np.where(total > 0.0, total, 1.0)
    means = np.empty((2, len(results), len(offers.options)))
    for h, half in enumerate(halves):
        for r, result in enumerate(results):
            away = result - now[half]
            log_weight = np.where(total[half] > 0.0, -0.5 * away**2 / safe[half] - 0.5 * np.log(safe[half]), 0.0).sum(1)
            weights = np.exp(log_weight - log_weight.max())
            moved = pull[half] * (result - seen[half])  # of the offset: its regression on the result
            shift = moved[:, of_key]
            means[h, r] = weights @ _loss(offers, margins, half, shift) / weights.sum()
    gains = []
    for chooses, values in ((0, 1), (1, 0)):
        before = int(np.argmin(means[chooses].mean(0)))
        after = np.argmin(means[chooses], 1)
        gains.append(means[values][:, before] - means[values][np.arange(len(results)), after])
    return max(float(np.mean(gains)), 0.0)


def _loss(offers: Offers, margins: Draws | None, half: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Losses of some draws whose log errors are shifted."""
    errors = offers.errors[half] * np.exp(shift)
    reached = None if margins is None else margins[half] + shift <= 0.0
    return offers.items + offers.rest + offers.value.unit * offers.value.quantity(errors, reached, offers.point)
