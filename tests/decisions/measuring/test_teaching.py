"""Shares of variance left, against conditional variances of normal quantities."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import synthetic
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.decisions.measuring.candidates import Candidate
from forecaster.decisions.measuring.teaching import simulated_results, variance_left, within_budget
from forecaster.prediction.conditioning import predictive
from forecaster.prediction.curve_keys import CurveKey

DRAWS = 40_000


def normal(covariance, seed=0):
    return np.random.default_rng(seed).multivariate_normal(np.zeros(len(covariance)), covariance, DRAWS)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_variance_left_is_the_conditional_variance(seed):
    root = np.random.default_rng(seed).standard_normal((4, 4))
    covariance = root @ root.T + 0.1 * np.eye(4)
    drawn = normal(covariance, seed)
    alone = 1.0 - covariance[0, 1:] ** 2 / covariance[0, 0] / np.diag(covariance)[1:]
    assert variance_left(drawn[:, 0], drawn[:, 1:]) == pytest.approx(alone, abs=0.02)
    known = covariance[1:3, 1:3]
    both = 1.0 - covariance[0, 1:3] @ np.linalg.solve(known, covariance[1:3, 0]) / covariance[0, 0]
    assert variance_left(drawn[:, 0], drawn[:, 1:], known=[0])[1] == pytest.approx(both, abs=0.02)


def test_what_is_known_already_leaves_everything():
    assert variance_left(np.ones(50), np.zeros((50, 2))).tolist() == [1.0, 1.0]
    z = normal(np.eye(2))
    assert variance_left(z[:, 0], z[:, 1:], known=[0])[0] == pytest.approx(1.0, abs=0.01)


def test_a_budget_is_filled_by_what_adds_most():
    """The second of two alike adds nothing, so a worse one of another kind comes next."""
    z = normal(np.eye(3))
    quantity = z[:, 0] + 0.8 * z[:, 1]
    results = np.column_stack([z[:, 0], z[:, 0] + 1e-3 * z[:, 2], z[:, 1] + 0.5 * z[:, 2]])
    cost = np.array([1.0, 1.0, 1.0])
    assert within_budget(quantity, results, cost, 2.0, first=0) == [0, 2]
    assert within_budget(quantity, results, cost, 1.5, first=0) == [0]


def test_runs_average_their_own_noise_alone():
    """The mean of many runs keeps the noise of the test set, as the joint predictive density has it."""
    drawn = synthetic.values(4000, log_noise=-2.0, sd={"level": 0.1})
    posterior = synthetic.posterior({"cnn": drawn})
    key = CurveKey(*synthetic.GROUP, "cnn")
    candidates = [Candidate(key, n, runs, 0.0, 0.0) for n in (1e5, 3e5) for runs in (1, 16)]
    found = simulated_results(posterior, candidates, 0)
    for i, one in enumerate(candidates):
        density = predictive(posterior, key, [one.n], runs=one.runs)
        sd = np.sqrt(density.covariance[:, 0, 0].mean() + density.mean[:, 0].var())
        assert found[:, i].std() == pytest.approx(sd, rel=0.05)
    assert found[:, 0].std() > 1.2 * found[:, 1].std()
