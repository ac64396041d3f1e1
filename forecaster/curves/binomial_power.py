"""What a test set of so many cases can prove, and how many it takes: exact power of binomial tests.

Three questions. Is the error below a target? One-sided exact binomial test (Clopper and Pearson 1934). Do two error
rates differ, each measured on a test set of its own? Two-sided z test of two proportions with a pooled variance, whose
power is summed over both binomials. Do they differ on the same cases? Exact McNemar test, which looks at the cases that
one gets right and the other wrong (McNemar 1947; the search begins at the normal formula of Connor 1987).

``level`` is the confidence that a proof needs, ``power`` the chance that a test set provides it. Cases are taken as
independent draws from the population.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from jaxtyping import Float

POWER, CONFIDENCE = 0.8, 0.95
MOST_CASES = 1e10  # cases; more are refused
SUMMED_SDS = 9.0  # standard deviations around the mean that sums run over: all but 1e-18 of the probability
# The power of an exact test is a saw-tooth: so far below a bisection's answer a smaller one is looked for.
SAW_TOOTH = 64

Counts = Float[np.ndarray, " count"]


def most_wrong(cases: int, target: float, level: float = CONFIDENCE) -> int:
    """The largest number of wrong cases that still proves an error below ``target``; -1 where even none proves it."""
    return int(_most(np.array([float(cases)]), target, 1.0 - level)[0])


def power_to_prove(cases: int, error: float, target: float, level: float = CONFIDENCE) -> float:
    """The chance that a test set of so many cases proves an error below ``target`` where it is ``error``: exact."""
    wrong = most_wrong(cases, target, level)
    return float(cdf(wrong, cases, error)) if wrong >= 0 else 0.0


def cases_to_prove(error: float, target: float, power: float = POWER, level: float = CONFIDENCE) -> float:
    """The smallest number of cases whose power to prove an error below ``target`` is at least ``power``.

    Exact: with at most k wrong cases as the criterion, the fewest cases that prove anything have the most power, so the
    smallest k that suffices gives the answer. Larger test sets up to the next k have a little less power. Infinite
    where no more than ``MOST_CASES`` suffice; ``error`` is below ``target``.
    """

    def enough(k: Counts) -> np.ndarray:
        return cdf(k, _fewest(k, target, level), error) >= power

    high = 1.0
    while not enough(np.array([high])).all():
        high *= 2.0
        if high / target > MOST_CASES:
            return math.inf
    low = -1.0  # the largest count known to be too small
    while high - low > 1.0:
        middle = np.floor(0.5 * (low + high))
        low, high = (low, middle) if enough(np.array([middle])).all() else (middle, high)
    near = np.arange(max(high - SAW_TOOTH, 0.0), high + 1.0)
    return float(_fewest(near[enough(near)][:1], target, level)[0])


def provable(cases: int, error: float, power: float = POWER, level: float = CONFIDENCE) -> float:
    """The lowest target that a test set of so many cases proves, with this power, where the error is ``error``."""
    from scipy.special import betaincinv

    k = float(_quantiles(np.array([float(cases)]), error, power)[0])
    return 1.0 if k >= cases else float(betaincinv(k + 1.0, cases - k, level))


def power_to_tell(cases: int, one: float, other: float, level: float = CONFIDENCE) -> float:
    """The chance that two test sets of so many cases each, one for either rate, show which is lower: exact.

    Shown by the two-sided z test with a pooled variance, in the right direction.
    """
    low, high = sorted((one, other))
    wrong = around(cases, low)
    c = _z(0.5 + 0.5 * level) ** 2 / (2.0 * cases)
    # the counts y at which (y - x)^2 = z^2 (x + y) (2 cases - x - y) / (2 cases): the larger root
    half = wrong * (1.0 - c) + cases * c
    under = half**2 - (1.0 + c) * (wrong**2 * (1.0 + c) - 2.0 * cases * c * wrong)
    needed = np.maximum(np.ceil((half + np.sqrt(np.maximum(under, 0.0))) / (1.0 + c) - 1e-9), wrong + 1.0)
    return float(np.sum(_pmf(wrong, cases, low) * (1.0 - cdf(needed - 1.0, cases, high))))


def cases_to_tell(one: float, other: float, power: float = POWER, level: float = CONFIDENCE) -> float:
    """Cases in each of two test sets from which on their exact power to show which rate is lower is at least ``power``.

    The smallest within the unevenness of exact power; begins at the normal formula (Fleiss 1981). Infinite where more
    than ``MOST_CASES`` are needed.
    """
    middle, gap = 0.5 * (one + other), abs(one - other)
    root = _z(0.5 + 0.5 * level) * math.sqrt(2.0 * middle * (1.0 - middle))
    root += _z(power) * math.sqrt(one * (1.0 - one) + other * (1.0 - other))
    return _smallest(lambda m: power_to_tell(m, one, other, level), (root / gap) ** 2 if gap > 0 else math.inf, power)


def power_paired(cases: int, one: float, other: float, discordance: float, level: float = CONFIDENCE) -> float:
    """The chance that one test set shows which of two error rates is lower, by the exact McNemar test.

    ``discordance`` is the share of cases that exactly one of the two gets wrong.
    """
    differ = around(cases, discordance)
    for_higher = 0.5 * (1.0 + abs(one - other) / discordance)  # of a discordant case, to be wrong by the higher rate
    most = _most(differ, 0.5, 0.5 - 0.5 * level)  # of the discordant cases, wrong by the lower rate
    shown = np.where(most >= 0, cdf(most, differ, 1.0 - for_higher), 0.0)
    return float(np.sum(_pmf(differ, cases, discordance) * shown))


def cases_paired(
    one: float, other: float, discordance: float, power: float = POWER, level: float = CONFIDENCE
) -> float:
    """Cases of one test set from which on its exact power to show which rate is lower is at least ``power``."""
    gap = abs(one - other)
    root = _z(0.5 + 0.5 * level) * math.sqrt(discordance)
    root += _z(power) * math.sqrt(max(discordance - gap**2, 0.0))
    guess = (root / gap) ** 2 if gap > 0 else math.inf
    return _smallest(lambda m: power_paired(m, one, other, discordance, level), guess, power)


def _smallest(power_at: Callable[[int], float], guess: float, power: float) -> float:
    """The smallest number of cases near ``guess`` from which a bisection finds enough power."""
    if guess > MOST_CASES:
        return math.inf
    low = high = max(int(guess), 1)
    while power_at(high) < power:
        high += max(high // 8, 4)
    while low > 1 and power_at(low) >= power:
        low -= max(low // 8, 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power_at(middle) >= power else (middle, high)
    return float(next((m for m in range(max(high - 8, 1), high) if power_at(m) >= power), high))


def _fewest(k: Counts, target: float, level: float) -> Counts:
    """The fewest cases of which at most k wrong prove an error below ``target``."""
    from scipy.special import gammaincinv

    low = k.copy()  # k of k cases wrong prove nothing
    high = np.ceil(2.0 * gammaincinv(k + 1.0, level) / target) + k + 1.0  # twice what Poisson counts would take
    while (high - low > 1.0).any():
        middle = np.floor(0.5 * (low + high))
        proves = cdf(k, middle, target) <= 1.0 - level
        low, high = np.where(proves, low, middle), np.where(proves, middle, high)
    return high


def around(cases: int, rate: float) -> Counts:
    """The counts that matter of so many cases: all, or those around the mean."""
    mean, sd = cases * rate, math.sqrt(cases * rate * (1.0 - rate))
    return np.arange(
        max(math.floor(mean - SUMMED_SDS * sd - 30.0), 0), min(math.ceil(mean + SUMMED_SDS * sd + 30.0), cases) + 1.0
    )


def cdf(k: float | np.ndarray, cases: float | np.ndarray, rate: float | np.ndarray) -> np.ndarray:
    """The binomial probability of at most k; 1 from k = cases on, 0 below 0."""
    from scipy.special import betainc

    k, cases = np.broadcast_arrays(np.asarray(k, dtype=float), np.asarray(cases, dtype=float))
    inside = (k >= 0) & (k < cases)
    free = np.where(inside, k, 0.0)
    found = betainc(np.where(inside, cases - free, 1.0), free + 1.0, 1.0 - rate)
    return np.where(inside, found, np.where(k < 0, 0.0, 1.0))


def _pmf(k: Counts, cases: int, rate: float) -> Counts:
    return cdf(k, cases, rate) - cdf(k - 1.0, cases, rate)


def _most(cases: Counts, rate: float, share: float) -> Counts:
    """The largest count whose probability, or of fewer, is at most ``share``; -1 where there is none."""
    k = _quantiles(cases, rate, share)
    return np.where(cdf(k, cases, rate) <= share, k, k - 1.0)


def _quantiles(cases: Counts, rate: float, share: float) -> Counts:
    """The smallest count whose probability, or of fewer, is at least ``share``."""
    low, high = np.full(cases.shape, -1.0), cases.copy()
    while (high - low > 1.0).any():
        middle = np.floor(0.5 * (low + high))
        reached = cdf(middle, cases, rate) >= share
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    return high


def _z(share: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(share))
