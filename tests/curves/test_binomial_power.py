"""What a test set can prove: against sums over SciPy's binomials, term by term, and the tests as SciPy has them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from forecaster.curves import binomial_power as power

LEVEL = 0.95


def proves(wrong: int, cases: int, target: float) -> bool:
    """Whether the one-sided exact test shows an error below the target."""
    return binomtest(wrong, cases, target, alternative="less").pvalue <= 1.0 - LEVEL


def summed(cases: int, error: float, target: float) -> float:
    """The power of that test, by its definition."""
    return sum(binom.pmf(k, cases, error) for k in range(cases + 1) if proves(k, cases, target))


@pytest.mark.parametrize(
    ("error", "target", "wanted"),
    [(0.05, 0.2, 0.8), (0.3, 0.5, 0.9), (0.001, 0.05, 0.8), (0.02, 0.1, 0.5), (0.2, 0.3, 0.8)],
)
def test_the_smallest_test_set_that_proves_a_target(error, target, wanted):
    """By trying every number of cases; and the criterion and its power at the answer."""
    found = int(power.cases_to_prove(error, target, wanted, LEVEL))
    assert found == next(m for m in range(1, 1000) if summed(m, error, target) >= wanted)
    assert power.power_to_prove(found, error, target, LEVEL) == pytest.approx(summed(found, error, target))
    most = power.most_wrong(found, target, LEVEL)
    assert proves(most, found, target)
    assert not proves(most + 1, found, target)


@pytest.mark.parametrize(("error", "target", "normal"), [(0.02, 0.025, 5614), (0.002, 0.003, 16271), (0.08, 0.1, 1303)])
def test_exact_sizes_are_near_those_of_the_normal_formula(error, target, normal):
    """For a power of 80 %; the size that the formula of a mere interval gives has about half of that."""
    found = power.cases_to_prove(error, target, 0.8, LEVEL)
    assert found == pytest.approx(normal, rel=0.05)
    assert power.power_to_prove(int(found), error, target, LEVEL) >= 0.8
    mere = math.ceil(1.645**2 * error * (1.0 - error) / (target - error) ** 2)
    assert 0.3 < power.power_to_prove(mere, error, target, LEVEL) < 0.5


@pytest.mark.parametrize(("cases", "error"), [(597, 0.002), (597, 0.03), (50, 0.4), (10, 0.0001)])
def test_the_lowest_target_that_a_test_set_proves(cases, error):
    """A hair above it the power suffices, a hair below it does not."""
    lowest = power.provable(cases, error, 0.8, LEVEL)
    assert power.power_to_prove(cases, error, lowest * (1.0 + 1e-9), LEVEL) >= 0.8
    assert power.power_to_prove(cases, error, lowest * (1.0 - 1e-6), LEVEL) < 0.8


def test_where_nothing_can_be_proven():
    assert power.most_wrong(10, 0.1, LEVEL) == -1
    assert power.power_to_prove(10, 0.05, 0.1, LEVEL) == 0.0
    assert power.cases_to_prove(0.02, 0.02 * (1 + 1e-7)) == math.inf
    assert power.cases_to_tell(0.02, 0.02) == math.inf
    assert power.provable(3, 0.9999) == 1.0


def shown_by_z(x: np.ndarray, y: np.ndarray, cases: int) -> np.ndarray:
    """Where the two-sided z test with a pooled variance shows that the first rate is the lower one."""
    pooled = (x + y) / (2.0 * cases)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (y - x) / cases / np.sqrt(2.0 * pooled * (1.0 - pooled) / cases)
    return z >= 1.959963984540054


@pytest.mark.parametrize(("one", "other"), [(0.05, 0.15), (0.3, 0.1), (0.5, 0.62), (0.001, 0.03)])
def test_two_rates_are_told_apart_as_often_as_the_double_sum_says(one, other):
    found = int(power.cases_to_tell(one, other, 0.8, LEVEL))
    low, high = sorted((one, other))

    def double_sum(cases: int) -> float:
        k = np.arange(cases + 1)
        both = np.outer(binom.pmf(k, cases, low), binom.pmf(k, cases, high))
        return float(both[shown_by_z(k[:, None], k[None, :], cases)].sum())

    for cases in (found, found // 2, 3):
        assert power.power_to_tell(cases, one, other, LEVEL) == pytest.approx(double_sum(cases), abs=1e-10)
    assert double_sum(found) >= 0.8 > double_sum(found - 1) - 1e-12 or double_sum(found - 1) >= 0.8 > double_sum(
        found - 9
    )
    assert power.cases_to_tell(other, one, 0.8, LEVEL) == found


@pytest.mark.parametrize(("one", "other", "discordance"), [(0.1, 0.2, 0.12), (0.05, 0.08, 0.04), (0.4, 0.3, 0.4)])
def test_paired_rates_are_told_apart_as_often_as_the_sum_says(one, other, discordance):
    """The exact McNemar test: a binomial test of the cases that one gets right and the other wrong."""
    found = int(power.cases_paired(one, other, discordance, 0.8, LEVEL))
    higher = 0.5 * (discordance + abs(one - other)) / discordance

    def summed_over(cases: int) -> float:
        total = 0.0
        for j in range(cases + 1):
            weight = binom.pmf(j, cases, discordance)
            if weight > 1e-13:
                k = np.arange(j + 1)  # wrong by the lower rate alone
                shown = 2.0 * binom.cdf(k, j, 0.5) <= 1.0 - LEVEL + 1e-15
                total += weight * binom.pmf(k, j, 1.0 - higher)[shown].sum()
        return total

    for cases in (found, found // 3):
        assert power.power_paired(cases, one, other, discordance, LEVEL) == pytest.approx(summed_over(cases), abs=1e-9)
    assert summed_over(found) >= 0.8
    gap = abs(one - other)  # Connor's formula
    z = (1.959964 * math.sqrt(discordance) + 0.841621 * math.sqrt(discordance - gap**2)) ** 2 / gap**2
    assert z <= found <= 1.15 * z + 15.0


def test_a_power_is_the_share_of_test_sets_that_show_it():
    """4,000 test sets each, to 4 standard errors; half of the cases, the broken twin, shows it far less often."""
    rng = np.random.default_rng(0)
    cases = int(power.cases_to_prove(0.05, 0.08, 0.8, LEVEL))

    def share(count: int) -> float:
        wrong = rng.binomial(count, 0.05, 4000)
        return float(np.mean(wrong <= power.most_wrong(count, 0.08, LEVEL)))

    assert share(cases) == pytest.approx(power.power_to_prove(cases, 0.05, 0.08, LEVEL), abs=0.026)
    assert share(cases // 2) < 0.7
