"""Divergence: curves that end clearly above their best are found, noisy ones and slips are not."""

from __future__ import annotations

import numpy as np
import pytest

from forecaster.curves.divergence import CERTAIN, divergence

N = np.geomspace(1e3, 1e6, 8)
FALL = 0.6 * (N / N[0]) ** -0.3 + 0.02
RISE = np.array([3.82, 3.6, 3.5, 4.1, 4.8, 6.0, 6.7, 8.1])


def chance(error, n=N, known=None):
    return divergence(n, error, np.zeros(len(n)) if known is None else known).chance


def noisy(error, sd, seed):
    return error * np.exp(sd * np.random.default_rng(seed).standard_normal(error.shape))


def test_a_curve_that_rises_is_found_and_described():
    found = divergence(N, RISE, np.zeros(8))
    assert found.chance > CERTAIN
    assert (found.best, found.best_n, found.last, found.last_n) == pytest.approx((3.5, N[2], 8.1, N[-1]))


@pytest.mark.parametrize("sd", [0.02, 0.1, 0.2])
@pytest.mark.parametrize("curve", [FALL, np.full(8, 0.3)], ids=["falling", "flat"])
def test_noise_alone_is_seldom_taken_for_it(curve, sd):
    alarms = [chance(noisy(curve, sd, seed)) > CERTAIN for seed in range(200)]
    assert np.mean(alarms) <= 0.02


def test_the_noise_of_repeats_counts():
    """One mean far above the best: noise where repeats scatter as much, a rise where they agree."""
    n = np.repeat(N[:5], 4)
    level = np.repeat([0.30, 0.28, 0.26, 0.25, 0.36], 4)
    scatter = np.tile([-1.0, 1.0, -1.0, 1.0], 5)
    agree, apart = (level * np.exp(sd * scatter) for sd in (0.01, 0.6))
    assert chance(agree, n) > CERTAIN > chance(apart, n)


def test_one_low_slip_is_no_rise():
    error = FALL.copy()
    error[3] *= 0.3
    assert chance(error) < CERTAIN


def test_known_noise_counts():
    error = np.array([0.5, 0.3, 0.2, 0.21, 0.27])
    assert chance(error, N[:5], np.full(5, 0.4)) < chance(error, N[:5])


def test_two_sizes_tell_nothing():
    assert chance(np.array([0.1, 0.9]), N[:2]) == 0.0


def test_the_unit_of_error_makes_no_difference():
    assert chance(RISE) == pytest.approx(chance(1e3 * RISE), abs=1e-9)
