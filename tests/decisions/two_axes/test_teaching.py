"""What results leave: against the formulae of jointly normal numbers."""

from __future__ import annotations

import numpy as np
import pytest

from forecaster.decisions.two_axes.teaching import left_by_each, picks_for

DRAWS = 40_000


@pytest.fixture(scope="module")
def normal():
    """Two targets and three results: of the first, of both, of neither; and the covariance of all five."""
    z = np.random.default_rng(0).standard_normal((DRAWS, 5))
    mix = np.array([[1, 0, 1, 0.5, 0], [0, 1, 0, 0.8, 0], [0, 0, 0.5, 0, 0], [0, 0, 0, 0.3, 0], [0, 0, 0, 0, 1.0]])
    return z @ mix, mix.T @ mix


def left(covariance: np.ndarray, given: list[int]) -> float:
    """Share of the summed variance of the first two that these leave."""
    own, across = covariance[:2, :2], covariance[:2][:, given]
    after = own - across @ np.linalg.solve(covariance[np.ix_(given, given)], across.T)
    return float(np.trace(after) / np.trace(own))


def test_each_result_leaves_what_conditioning_leaves(normal):
    drawn, covariance = normal
    found = left_by_each(drawn[:, :2], drawn[:, 2:])
    assert found == pytest.approx([left(covariance, [k]) for k in (2, 3, 4)], abs=0.02)


def test_picks_condition_on_those_before_and_stop_where_nothing_is_taught(normal):
    drawn, covariance = normal
    chosen, after = picks_for(drawn[:, :2], drawn[:, 2:], lambda _: np.ones(3), 10.0)
    assert chosen == [1, 0]
    assert after == pytest.approx([left(covariance, [3]), left(covariance, [3, 2])], abs=0.02)


def test_costs_count_and_a_budget_holds(normal):
    drawn, _ = normal
    dear = np.array([1.0, 1000.0, 1.0])
    assert picks_for(drawn[:, :2], drawn[:, 2:], lambda _: dear, 2000.0)[0][0] == 0
    assert picks_for(drawn[:, :2], drawn[:, 2:], lambda _: dear, 2000.0, power=0.0)[0][0] == 1
    assert picks_for(drawn[:, :2], drawn[:, 2:], lambda _: dear, 0.5) == ([], [])


def test_what_was_bought_for_one_is_there_for_the_next(normal):
    drawn, _ = normal

    def after(picked: list[int]) -> np.ndarray:
        return np.zeros(3) + (0.0 if picked else 1.0)

    assert len(picks_for(drawn[:, :2], drawn[:, 2:], after, 1.0)[0]) == 2
