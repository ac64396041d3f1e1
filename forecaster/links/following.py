"""Does a task follow its loss? The runs of lowest loss are hidden, the link of the others has to foretell them.

The rule, in order:

1. Fewer than ``FEWEST_RUNS`` runs, or draws that cannot be trusted: **cannot tell**.
2. The hidden errors lie farther from the forecast than ``SURPRISE`` of what the link itself could have produced: it
   **does not follow its loss**.
3. The link tells the hidden errors better than who knows no loss, loss and error have the same order (Spearman,
   one-sided, below ``ORDERED``), and loss explains half of what runs differ beyond sampling noise: it **follows**.
   Who knows no loss says of each run either the usual error rate or that any up to guessing is as likely, whichever
   turns out better; the link's sum of log scores has to exceed that by ``GAIN``.
4. Errors differ by more than test cases explain (below ``MOVED``), and loss explains less than a quarter of that: it
   **does not follow its loss**.
5. Else: **cannot tell**.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float

from forecaster.inference.importance.weights import TRUSTED_K
from forecaster.links.fit import FittedLink, fit_constant, fit_link
from forecaster.links.link import EDGE, Drawn, Points, Runs, drawn_runs, log_density

FEWEST_RUNS = 9
HIDDEN_ONE_IN = 3  # one of so many runs is hidden
SURPRISE = 0.02
GAIN = 1.0
ORDERED = 0.01
MOVED = 0.01
HALF, QUARTER = 0.5, 0.25
GRID = 201  # error rates of a guess

Verdict = Literal["follows", "does not follow its loss", "cannot tell"]
FOLLOWS, NOT, UNKNOWN = "follows", "does not follow its loss", "cannot tell"


@dataclass(frozen=True, eq=False)
class LinkEvidence:
    """The verdict, and the numbers that it rests on. Those of hidden runs are NaN where none were hidden.

    Attributes
    ----------
    verdict, why : str
        What is said, and by which part of the rule: ``few``, ``draws``, ``missed``, ``foretold``, ``unexplained`` or
        ``open``.
    hidden : array [point]
        Which runs were hidden.
    forecast : array [3, hidden]
        Median and ends of the interval of each hidden run's error.
    inside : float
        Share of hidden errors in their intervals.
    surprise : float
        Chance that runs of the link itself lie as far from the forecast as the hidden ones.
    gain : float
        Log score of the link minus that of a constant or a guess, the better for each run; summed over hidden runs.
    order, order_chance : float
        Spearman's rank correlation of loss and error over all runs; chance of as much without any connection.
    explained : float
        Share of the variance of errors, sampling noise taken off, that the link of all runs explains.
    moved_chance : float
        Chance that errors differ as much by their test cases alone; NaN where cases are not known.
    k : float
        Shape of the importance weights of the fits without the hidden runs: the larger.
    """

    verdict: Verdict
    why: str
    hidden: Bool[np.ndarray, " point"]
    forecast: Float[np.ndarray, "3 hidden"]
    inside: float = np.nan
    surprise: float = np.nan
    gain: float = np.nan
    order: float = np.nan
    order_chance: float = np.nan
    explained: float = np.nan
    moved_chance: float = np.nan
    k: float = np.nan


def following(
    runs: Runs, chance: float | None, fitted: FittedLink, rng: np.random.Generator, level: float = 0.8
) -> LinkEvidence:
    """Whether the errors of runs follow their loss; ``fitted`` is the link of all of them."""
    order, order_chance = _order(runs)
    numbers = {"order": order, "order_chance": order_chance, "explained": _explained(runs, fitted)}
    numbers["moved_chance"] = _moved(runs)
    hidden = lowest(runs.loss)
    if len(runs) < FEWEST_RUNS or not _apart(runs.loss[~hidden]):
        nothing = np.zeros(len(runs), dtype=bool)
        return LinkEvidence(UNKNOWN, "few", nothing, np.zeros((3, 0)), **numbers)
    kept, out = runs.only(~hidden), runs.only(hidden)
    link, constant = fit_link(kept, chance, rng), fit_constant(kept, rng)
    rates = link.link.at(out.loss)
    shown = drawn_runs(rates, link.link.scatter, out.cases, rng)
    forecast = np.quantile(shown, [0.5, 0.5 - level / 2, 0.5 + level / 2], axis=0)
    rivals = _scores(out, constant.link.at(out.loss), constant.link.scatter), _guess(out, chance, runs, link)
    numbers |= {
        "inside": float(np.mean((out.error >= forecast[1]) & (out.error <= forecast[2]))),
        "surprise": _surprise(shown, out.error),
        "gain": float((_scores(out, rates, link.link.scatter) - np.maximum(*rivals)).sum()),
        "k": max(link.k, constant.k),
    }
    verdict, why = ruled(numbers)
    return LinkEvidence(verdict, why, hidden, forecast, **numbers)


def ruled(numbers: dict[str, float]) -> tuple[Verdict, str]:
    """The rule, from step 2 on."""
    if numbers["k"] > TRUSTED_K:
        return UNKNOWN, "draws"
    if numbers["surprise"] < SURPRISE:
        return NOT, "missed"
    foretold = numbers["gain"] > GAIN and numbers["order_chance"] < ORDERED
    if foretold and numbers["explained"] >= HALF:
        return FOLLOWS, "foretold"
    if numbers["moved_chance"] < MOVED and numbers["explained"] < QUARTER:
        return NOT, "unexplained"
    return UNKNOWN, "open"


def lowest(loss: Points) -> Bool[np.ndarray, " point"]:
    """The third of the runs with the lowest losses."""
    ranks = np.argsort(np.argsort(loss, kind="stable"), kind="stable")
    return ranks < len(loss) // HIDDEN_ONE_IN


def highest(loss: Points) -> Bool[np.ndarray, " point"]:
    """The third of the runs with the highest losses."""
    return lowest(-loss)


def _apart(loss: Points) -> bool:
    """Whether losses differ enough that a link can be drawn."""
    return len(np.unique(loss)) >= HIDDEN_ONE_IN


def _order(runs: Runs) -> tuple[float, float]:
    from scipy.stats import spearmanr

    if len(runs) < HIDDEN_ONE_IN or not np.ptp(runs.error) > 0.0 or not np.ptp(runs.loss) > 0.0:
        return np.nan, 1.0
    found: Any = spearmanr(runs.loss, runs.error, alternative="greater")
    return float(found.statistic), float(found.pvalue)


def _explained(runs: Runs, fitted: FittedLink) -> float:
    """1 - what is left around the link, over what there is, both without the variance of test cases."""
    line = np.median(fitted.link.at(runs.loss), axis=0)
    noise = np.nan_to_num(line * (1.0 - line) / runs.cases)
    left, there = float(((runs.error - line) ** 2 - noise).sum()), float(((runs.error - runs.error.mean()) ** 2).sum())
    there -= float(noise.sum())
    if not there > 0.0:
        return np.nan
    return float(np.clip(1.0 - max(left, 0.0) / there, 0.0, 1.0))


def _moved(runs: Runs) -> float:
    """Chance of errors so unequal if all runs had one rate: a chi-squared test of equal shares."""
    from scipy.stats import chi2

    known = np.isfinite(runs.cases)
    if not known.all() or len(runs) < 2:
        return np.nan
    rate = float((runs.error * runs.cases).sum() / runs.cases.sum())
    variance = np.clip(rate * (1.0 - rate), EDGE, None) / runs.cases
    return float(chi2.sf((((runs.error - rate) ** 2) / variance).sum(), len(runs) - 1))


def _surprise(shown: Float[np.ndarray, "draw point"], error: Points) -> float:
    """Share of drawn sets of hidden runs that lie as far from the forecast as the true set, in its own sds."""
    middle, sd = shown.mean(0), np.maximum(shown.std(0), EDGE)
    away = (((shown - middle) / sd) ** 2).mean(1)
    return float(np.mean(away >= (((error - middle) / sd) ** 2).mean()))


def _scores(runs: Runs, rates: Float[np.ndarray, "draw point"], scatter: Drawn) -> Points:
    """Log of the mean density over draws, of each run."""
    logs = log_density(runs, rates, scatter)
    top = logs.max(0)
    return top + np.log(np.exp(logs - top).mean(0))


def _guess(out: Runs, chance: float | None, runs: Runs, link: FittedLink) -> Points:
    """Scores of a guess: each run's rate is anything from 0 to guessing, with the scatter of the link."""
    most = float(runs.error.max()) if chance is None else chance
    rates = np.repeat(np.linspace(0.0, most, GRID)[:, None], len(out), axis=1)
    return _scores(out, rates, np.full(GRID, float(np.median(link.link.scatter))))
