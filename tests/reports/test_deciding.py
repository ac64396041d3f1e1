"""What a memo asks of ``decide``: the same numbers as that answers alone, in money or in data."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers.synthetic import GROUP, posterior, values

import forecaster
from forecaster.errors import RequestError
from forecaster.reports.deciding import IN_DATA, Asked, Worth, decided

SD = {"level": 0.05, "log_exponent": 0.2, "floor_logit": 0.8}
AT = [2e5, 5e5, 2e6]
COSTS: dict[str, Any] = {"currency": "EUR", "per_item": 0.1, "fixed": 1000}
START = date(2027, 1, 4)
TARGET = 0.09


@pytest.fixture(scope="module")
def fitted():
    return posterior(
        {
            "cnn": values(log_drift=-3.5, sd=SD),
            "mlp": values(exponent=0.2, level=-1.5, log_drift=-3.5, sd=SD, seed=1),
        }
    )


def asked(target=None, **worth):
    return Asked(target=target, worth=Worth(**worth, start=START))


def test_a_value_of_the_error_is_decided_as_decide_does(fitted):
    found = decided(fitted, asked(TARGET, costs=COSTS, penalty=1e5), AT, "mean")
    alone = forecaster.decide(fitted, COSTS, AT, target=TARGET, penalty=1e5, start=START)
    pd.testing.assert_frame_equal(found.found.table, alone.table)
    assert (found.open, found.priced, found.planned) == (False, True, False)


def test_without_prices_items_are_counted_and_the_least_of_them_sought(fitted):
    found = decided(fitted, asked(TARGET), [], "mean")
    table = found.found.table
    assert table["cost"].tolist() == table["buy"].tolist()
    assert found.best["p_target"] >= 0.75
    cheaper = table[table["buy"] < found.best["buy"]]
    assert (cheaper["p_target"] < 0.75).all()
    assert not found.priced


def test_among_sizes_that_are_given_the_least_one_for_the_target_is_an_option(fitted):
    found = decided(fitted, asked(TARGET), [2e5, 5e7], "mean")
    need = forecaster.requirement(fitted, TARGET, curves=["cnn"]).table["q75"].iloc[0]
    assert need <= found.best["n"] <= 1.2 * need
    assert set(found.found.table["n"]) >= {2e5, 5e7}
    none = decided(fitted, asked(TARGET), [1.2e5], "mean")  # less than the target needs: none is added beyond
    assert set(none.found.table["n"]) == {1e5, 1.2e5}


def test_where_three_in_four_are_out_of_reach_even_odds_are_sought(fitted):
    most = forecaster.decide(fitted, IN_DATA, target=0.02, risk=0.25).lowest_risk
    goals = np.geomspace(0.09, 0.005, 24)
    reach = {g: 1.0 - forecaster.decide(fitted, IN_DATA, target=g, risk=0.25).lowest_risk["risk"] for g in goals[8:20]}
    goal = next((g for g, p in reach.items() if 0.5 < p < 0.75), None)
    assert goal is not None, (most, reach)
    found = decided(fitted, asked(goal), [], "mean")
    assert found.buys
    assert 0.5 <= found.best["p_target"] < 0.75
    strict = decided(fitted, asked(goal, risk=0.25), [], "mean")
    assert strict.found.recommendation.id == "out-of-reach"


def test_with_neither_target_nor_value_nothing_says_how_much(fitted):
    found = decided(fitted, asked(costs=COSTS), AT, "mean")
    assert found.open
    assert found.found.table["allowed"].all()
    assert (found.choosing("mlp", 5e5).best["architecture"], found.choosing("mlp", 5e5).best["n"]) == ("mlp", 5e5)
    assert found.choosing("mlp", 3e5) is found
    assert not found.doing_nothing("mlp").buys


def test_where_nothing_is_within_reach_the_page_has_what_is_beyond_it(fitted):
    found = decided(fitted, asked(costs=COSTS, budget=10.0), [], "mean", AT)
    assert set(found.found.table["n"]) == {1e5, *AT}
    assert found.found.recommendation.id == "nothing-within"
    assert not found.buys


def test_several_orders_begin_with_the_first(fitted):
    found = decided(fitted, asked(TARGET, costs={"per_item": 0.02}, penalty=1e5, rounds=2), [], "mean")
    plan = found.found.plan
    assert plan is not None
    if found.planned:
        assert found.best["n"] == plan["first"]
    else:
        assert "plan" not in [one.id for one in found.found.messages]


@pytest.mark.parametrize(
    ("target", "worth", "said"),
    [
        (TARGET, {"penalty": 5.0}, "price list"),
        (None, {"budget": 5.0}, "price list"),
        (None, {"risk": 0.1}, "no target"),
        (TARGET, {"costs": COSTS, "penalty": 1.0, "value_per_point": 1.0}, "one of them"),
        (TARGET, {"costs": COSTS, "rounds": 2}, "rounds"),
        (TARGET, {"costs": COSTS, "penalty": 1.0, "attitude": "brave"}, "attitude"),
    ],
)
def test_what_cannot_be_answered_is_refused(target, worth, said):
    with pytest.raises(RequestError, match=said):
        asked(target, **worth).check()


def test_a_memo_can_be_asked_without_any_of_it():
    Asked().check()
    Asked(target=0.1).check()
    assert Asked().open
    assert not Asked(target=0.1).open
    assert GROUP  # posteriors here are about one group
