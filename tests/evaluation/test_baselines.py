"""Baselines find the laws they assume, and give finite positive errors whatever the points."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.evaluation.rivals.baselines import (
    BASELINES,
    broken_power_law,
    last_point,
    last_value,
    m4,
    power_law_with_floor,
    straight_line,
    upper_part,
)

N = np.geomspace(1e3, 1e6, 16)
AHEAD = np.array([2e6, 1e7])


def power_law(n, floor=0.0):
    return floor + 2.0 * n**-0.3


@pytest.mark.parametrize("law", [straight_line, power_law_with_floor, m4, broken_power_law])
def test_an_exact_power_law_is_continued(law):
    assert law(N, power_law(N), AHEAD) == pytest.approx(power_law(AHEAD), rel=0.01)


@pytest.mark.parametrize("law", [power_law_with_floor, m4, broken_power_law])
def test_a_floor_is_found(law):
    assert law(N, power_law(N, 0.02), AHEAD) == pytest.approx(power_law(AHEAD, 0.02), rel=0.01)


def test_the_straight_line_overshoots_a_floor():
    assert (straight_line(N, power_law(N, 0.02), AHEAD) < 0.97 * power_law(AHEAD, 0.02)).all()


def test_m4_follows_its_own_plateau():
    """(e - 0.05) / (0.9 - e)^0.8 = 40 n^-0.6, solved for n."""
    e = np.geomspace(0.85, 0.075, 20)
    n = ((e - 0.05) / (0.9 - e) ** 0.8 / 40) ** (-1 / 0.6)
    assert m4(n[:16], e[:16], n[16:]) == pytest.approx(e[16:], rel=0.01)


def test_one_break_is_followed():
    def law(n):
        return 0.03 + 0.9 * (1 + (n / 2e4) ** 2) ** (-0.5 * 0.5)

    assert broken_power_law(N, law(N), AHEAD) == pytest.approx(law(AHEAD), rel=0.02)


def test_a_rise_is_not_followed_beyond_what_was_seen():
    rising = power_law(N)[::-1]
    assert (broken_power_law(N, rising, AHEAD * 1e3) <= rising.max() * (1 + 1e-9)).all()


def test_last_values():
    error = np.arange(20.0, 0.0, -1.0)
    n = np.geomspace(1, 1e5, 20)
    assert last_value(n, error, AHEAD) == pytest.approx([2.0, 2.0])
    assert last_value(n[:10], error[:10], AHEAD) == pytest.approx(np.sqrt([11 * 12] * 2))
    assert last_point(n, error, AHEAD) == pytest.approx([1.0, 1.0])


def test_the_upper_part_is_a_decade_but_five_sizes_at_least():
    x = np.log(N)
    assert upper_part(x, x)[0] == pytest.approx(x[N >= 0.999e5])
    assert len(upper_part(x[::3], x[::3])[0]) == 5


@pytest.mark.parametrize("name", BASELINES)
def test_order_and_repeats_make_no_difference_but_by_their_mean(name):
    law, error = BASELINES[name], power_law(N, 0.02) * np.exp(0.01 * np.cos(np.arange(16.0)))
    expected = law(N, error, AHEAD)
    twice = np.concatenate([N, N])[::-1], np.concatenate([error * 1.1, error / 1.1])[::-1]
    assert law(*twice, AHEAD) == pytest.approx(expected, rel=1e-3)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.floats(1, 1e9), st.floats(1e-6, 1e3)), min_size=1, max_size=12),
    st.sampled_from(sorted(BASELINES)),
)
def test_every_forecast_is_finite_and_positive(points, name):
    n, error = np.array(points).T
    found = BASELINES[name](n, error, n.max() * np.array([1.0, 2.0, 1e3]))
    assert np.all(np.isfinite(found) & (found > 0))
