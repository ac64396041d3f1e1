"""What picking the best of several models flatters: against simulation, the normal formula and single models."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.unchecked import unchecked

import forecaster
from forecaster.decisions.cases.selection import fewest_wrong
from forecaster.errors import RequestError

NORMAL = {10: 1.539, 100: 2.508, 1_000: 3.241}  # mean maximum of so many normal numbers


def test_one_model_is_not_flattered():
    row = forecaster.selection_bias(models=1, error=0.05, cases=2_000).table.iloc[0]
    assert row["flattery"] == pytest.approx(0.0, abs=1e-9)
    assert row["best"] == pytest.approx(0.05)


def test_the_fewest_wrong_are_those_of_simulated_models():
    rng = np.random.default_rng(0)
    fewest = rng.binomial(500, 0.08, (20_000, 20)).min(1)
    counts, chances = fewest_wrong(20, 0.08, 500)
    assert counts @ chances == pytest.approx(fewest.mean(), abs=4 * fewest.std() / np.sqrt(20_000))
    row = forecaster.selection_bias(models=20, error=0.08, cases=500, level=0.8).table.iloc[0]
    ends = np.quantile(fewest, [0.1, 0.9], method="inverted_cdf") / 500
    assert [row["best_lower"], row["best_upper"]] == pytest.approx(ends.tolist())


def test_many_cases_follow_the_normal_formula():
    table = forecaster.selection_bias(models=list(NORMAL), error=0.05, cases=2_000_000).table
    sd = np.sqrt(0.05 * 0.95 / 2_000_000)
    np.testing.assert_allclose(table["flattery"], sd * np.array(list(NORMAL.values())), rtol=0.005)


def test_a_perfect_score_is_the_best_there_is():
    row = forecaster.selection_bias(models=10**6, error=0.3, cases=5).table.iloc[0]
    assert row["best"] == pytest.approx(0.0, abs=1e-9)
    assert row["flattery"] == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"models": 0}, "models: found 0"),
        ({"models": 2.5}, "models: found 2.5"),
        ({"cases": 0}, "cases: found 0"),
        ({"cases": float("inf")}, "cases: found inf"),
        ({"error": 5.0}, "error: found 5"),
        ({"level": 80}, "level: found 80"),
    ],
)
def test_what_cannot_be_asked_is_refused(asked, says):
    with pytest.raises(RequestError, match=says):
        unchecked(forecaster.selection_bias)(**({"models": 10, "error": 0.05, "cases": 100} | asked))
