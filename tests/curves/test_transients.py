"""Early transients of training logs are found; steep curves of other kinds are left alone."""

from __future__ import annotations

import numpy as np
import pytest

from forecaster.curves.transients import transient_end

STEPS = np.arange(1.0, 101.0) * 250.0
LOG = 2.0 * (STEPS / STEPS[0]) ** -0.08


def with_transient(count, factor=6.0):
    out = LOG.copy()
    out[:count] *= factor ** np.arange(count, 0, -1)
    return out


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_the_first_points_are_left_out(count):
    assert transient_end(STEPS, with_transient(count)) == STEPS[count]


def test_noise_is_no_transient():
    for seed in range(50):
        error = LOG * np.exp(0.05 * np.random.default_rng(seed).standard_normal(len(LOG)))
        assert transient_end(STEPS, error) == STEPS[0]


def test_sizes_in_geometric_steps_are_no_log():
    n = np.geomspace(16, 1e5, 60)
    error = 0.4 * (n / n[0]) ** -0.2
    error[0] *= 20
    assert transient_end(n, error) == n[0]


def test_a_steep_curve_that_stays_steep_is_left_alone():
    assert transient_end(STEPS, 5.0 * (STEPS / STEPS[0]) ** -1.5) == STEPS[0]


def test_few_sizes_are_no_log():
    assert transient_end(STEPS[:10], with_transient(2)[:10]) == STEPS[0]


def test_repeats_count_as_one_size():
    n, error = np.repeat(STEPS, 3), np.repeat(with_transient(2), 3)
    assert transient_end(n, error) == STEPS[2]
