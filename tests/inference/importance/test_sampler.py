"""Adaptive importance sampling, against posteriors that are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from forecaster.inference.importance.sampler import sampled
from forecaster.inference.importance.weights import TRUSTED_K


def test_a_normal_posterior_far_from_the_prior_is_found():
    at, sd = np.array([1.0, -2.0, 0.5, 3.0]), 0.02

    def log_likelihood(z):
        return -0.5 * (((z - at) / sd) ** 2).sum(1)

    found = sampled(log_likelihood, 4, 4000, np.random.default_rng(0))
    shrunk = 1.0 / (1.0 + sd**2)
    np.testing.assert_allclose(found.values.mean(0), at * shrunk, atol=0.1 * sd)
    np.testing.assert_allclose(found.values.std(0), sd * np.sqrt(shrunk), rtol=0.08)
    assert found.k < TRUSTED_K
    assert found.ess > 1000


def test_two_modes_keep_their_shares():
    def log_likelihood(z):
        return np.logaddexp(np.log(0.3) + stats.norm.logpdf(z[:, 0], -1.0, 0.03), stats.norm.logpdf(z[:, 0], 1.0, 0.03))

    found = sampled(log_likelihood, 1, 8000, np.random.default_rng(1))
    assert np.mean(found.values < 0) == pytest.approx(0.3 / 1.3, abs=0.03)  # the prior is the same at both
    assert found.k < TRUSTED_K


def test_a_bent_posterior_is_the_one_of_a_grid():
    def log_likelihood(z):
        return -0.5 * ((z[:, 1] - 2.0 * z[:, 0] ** 2) / 0.1) ** 2 - 0.5 * ((z[:, 0] - 0.5) / 0.8) ** 2

    found = sampled(log_likelihood, 2, 8000, np.random.default_rng(2))
    axis = np.linspace(-4.0, 8.0, 1201)
    grid = np.stack([part.ravel() for part in np.meshgrid(axis, axis, indexing="ij")], axis=1)
    weight = np.exp(log_likelihood(grid) - 0.5 * (grid**2).sum(1))
    weight /= weight.sum()
    mean = weight @ grid
    np.testing.assert_allclose(found.values.mean(0), mean, atol=0.03)
    np.testing.assert_allclose(found.values.var(0), weight @ (grid - mean) ** 2, rtol=0.1)


def test_the_same_random_numbers_give_the_same_draws():
    first, again = (sampled(lambda z: -(z[:, 0] ** 2), 1, 100, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first.values, again.values)


def test_draws_that_stand_for_nothing_are_told_by_k():
    """A likelihood with a tail that outgrows any proposal: all the weight is on the farthest draw."""
    found = sampled(lambda z: np.minimum(z[:, 0], 40.0) ** 2 * 2.0, 1, 100, np.random.default_rng(4))
    assert found.k > TRUSTED_K
