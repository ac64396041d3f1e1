"""The value of a result, against closed forms and nested simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from forecaster.decisions.measuring.sample_information import losses_given, worth_of

DRAWS = 8000


def gaussian(noise, options=2, seed=0):
    """A choice between losing nothing and losing a standard normal amount, measured with an error of this sd."""
    rng = np.random.default_rng(seed)
    amount = rng.standard_normal(DRAWS)
    result = amount + noise * rng.standard_normal(DRAWS)
    rest = 5.0 + rng.standard_normal((DRAWS, options - 2))
    return result, np.column_stack([np.zeros(DRAWS), amount + 0.3, rest])


def value(noise):
    """Its EVSI: the option with mean 0.3 is taken where its mean given the result is below 0."""
    sd = 1.0 / np.sqrt(1.0 + noise**2)
    z = -0.3 / sd
    return sd * stats.norm.pdf(z) - 0.3 * stats.norm.cdf(z), stats.norm.cdf(z)


@pytest.mark.parametrize("noise", [0.1, 1.0, 3.0])
def test_value_is_that_of_a_normal_quantity_and_of_nested_simulation(noise):
    result, loss = gaussian(noise)
    found = worth_of(losses_given(result, loss), loss)
    expected, flips = value(noise)
    assert found.gain == pytest.approx(expected, abs=4.0 * found.sd + 0.01)
    assert found.p_flip == pytest.approx(flips, abs=0.06)
    rng, shrink = np.random.default_rng(9), 1.0 / (1.0 + noise**2)
    outcomes = np.sqrt(1.0 + noise**2) * rng.standard_normal(1000)
    inner = shrink * outcomes[:, None] + np.sqrt(1.0 - shrink) * rng.standard_normal((1000, 500)) + 0.3
    nested = -np.minimum(inner.mean(1), 0.0).mean()
    assert found.gain == pytest.approx(nested, abs=4.0 * found.sd + 0.03)


def test_a_result_that_tells_nothing_is_worth_nothing_and_would_be_flattered_by_the_same_draws():
    rng = np.random.default_rng(1)
    gains = []
    for seed in range(20):
        _, loss = gaussian(1.0, options=30, seed=seed)
        loss[:, 0] = 0.3 + rng.standard_normal(DRAWS)
        noise = rng.standard_normal(DRAWS)
        found = worth_of(losses_given(noise, loss), loss)
        gains.append(found.gain)
        assert found.p_flip < 0.2
    assert abs(np.mean(gains)) < 0.01
    bins = np.digitize(noise, np.quantile(noise, np.arange(1, 40) / 40))
    by_bin = np.stack([loss[bins == k].mean(0) for k in range(40)])
    flattered = loss.mean(0).min() - by_bin.min(1).mean()
    assert flattered > 0.02


def test_what_stays_owned_counts_and_may_alone_pay():
    result, loss = gaussian(1.0)
    given, change = losses_given(result, loss), np.array([0.0, -1.0])
    assert worth_of(given, loss, change).gain == pytest.approx(0.7 + _more(0.7), abs=0.03)
    loss[:, 1] += 10.0
    assert worth_of(losses_given(result, loss), loss, change).gain == 0.0


def _more(margin):
    """What the result adds where the second option is ahead by a margin."""
    sd = np.sqrt(0.5)
    z = margin / sd
    return sd * stats.norm.pdf(z) - margin * stats.norm.sf(z)
