"""What a memo says of the data that a target needs, and what it asks by default, from facts made by hand."""

from __future__ import annotations

import pytest
from helpers.facts import Curve, check, facts

from forecaster.reports import advice
from forecaster.results.message import ids

INF = float("inf")
STEEP = Curve((0.11, 0.05, 0.02), (1.0, 0.95, 0.99))
FLAT = Curve((0.15, 0.10, 0.07), (0.0, 0.05, 0.01), needs=(2e7, 5e7, 9e7, 3e8))
TWO = {"steep": STEEP, "flat": FLAT}


def close(p_steep, p_flat):
    """Two architectures with these chances of being best at the headline's size; steep has the lower error."""
    return {
        "steep": Curve((0.11, 0.05, 0.02), (1.0, p_steep, 0.9)),
        "flat": Curve((0.15, 0.051, 0.04), (0.0, p_flat, 0.1), needs=(2e7, 5e7, 9e7, 3e8)),
    }


def test_a_failed_check_stops_the_recommendation():
    said = advice.stop(facts(TWO, checks=(check("ess", "FAIL", "steep"), check("span", "REVIEW", "flat"))))
    assert ids(said) == ["do-not-decide", "first"]
    assert said[1].text == "Do something."


def test_the_plan_names_the_sizes_for_several_odds():
    (plan,) = advice.purchase(facts(TWO))
    assert plan.id == "plan"
    assert dict(plan.values) == {
        "architecture": "steep", "target": 0.05, "q50": 5e5, "q75": 8e5, "q95": 1e6, "p_never": 0.0,
    }  # fmt: skip
    for shown in ("500,000", "800,000", "1 million"):
        assert shown in plan.text


@pytest.mark.parametrize(("never", "shown"), [(0.07, True), (0.001, False)])
def test_the_chance_of_never_is_part_of_the_plan(never, shown):
    (plan,) = advice.purchase(facts({"steep": Curve((0.11, 0.05, 0.02), (1, 1, 1), never=never)}))
    assert ("7 %" in plan.text) == shown


@pytest.mark.parametrize(
    ("curve", "given", "id"),
    [
        ({"met": 1.0}, {}, "target-met"),
        ({"met": 1.0}, {"target_given": False}, "no-improvement"),
        ({"met": 1.0, "risen": 0.9}, {}, "risen-again"),
        ({"needs": (INF, INF, INF, INF), "never": 1.0}, {}, "out-of-reach"),
        ({}, {"checks": (check("target", "REVIEW"),)}, "target-in-another-unit"),
        ({}, {"target_given": False}, "plan"),
    ],
)
def test_what_is_said_of_the_target(curve, given, id):
    found = facts({"steep": Curve((0.11, 0.05, 0.02), (1, 1, 1), **curve)}, **given)
    assert ids(advice.purchase(found)) == [id]


def test_while_none_is_chosen_the_plan_is_for_the_one_that_needs_least():
    curves = close(0.5, 0.5)
    undecided = {"flat": curves["flat"], "steep": curves["steep"]}
    plan = advice.purchase(facts(undecided))[0]
    assert (plan.id, plan.values["architecture"]) == ("plan", "steep")
    least = {"steep": Curve((0.11, 0.05, 0.02), (1, 0.5, 0.9), needs=(2e7, 5e7, 9e7, 3e8)), "flat": FLAT}
    least["flat"] = Curve((0.15, 0.051, 0.04), (0, 0.5, 0.1))
    assert advice.purchase(facts(least))[0].values["architecture"] == "flat"
    assert advice.purchase(facts(least, target_given=False))[0].values["architecture"] == "steep"


def test_what_needs_less_at_safer_odds_is_named():
    linear = {"architecture": "linear", "q50": 41e9, "q75": 110e9}
    gbm = {"architecture": "gbm", "q50": 53e9, "q75": 77e9}
    curves = {
        "linear": Curve((0.1, 0.05, 0.02), (1, 1, 1), needs=(2e10, 41e9, 110e9, 14e12)),
        "gbm": Curve((0.1, 0.05, 0.02), (0, 0, 0), needs=(4e10, 53e9, 77e9, 4e11)),
    }
    (one,), (other,) = (advice.cheaper(facts(curves), row) for row in (linear, gbm))
    assert dict(one.values) == {"architecture": "gbm", "quantile": "q75", "n": 77e9}
    assert dict(other.values) == {"architecture": "linear", "quantile": "q50", "n": 41e9}
    curves["gbm"] = Curve((0.1, 0.05, 0.02), (0, 0, 0), needs=(4e10, 53e9, 77e9, 4e11), risen=1.0)
    assert advice.cheaper(facts(curves), linear) == []


def test_at_a_well_known_floor_more_data_is_said_to_bring_nothing():
    level = Curve((0.1, 0.0995, 0.0995), (1, 1, 1), floors=(0.098, 0.099), needs=[INF] * 4)
    (said,) = advice.no_gain(facts({"flat": level}))
    assert said.values["ratio"] == pytest.approx(10.0)
    assert advice.no_gain(facts({"flat": Curve((0.1, 0.0995, 0.09), (1, 1, 1), floors=(0.05, 0.099))})) == []
    assert advice.no_gain(facts({"flat": Curve((0.1, 0.09, 0.09), (1, 1, 1), floors=(0.096, 0.099))})) == []


def test_a_surprising_measurement_of_the_best_is_to_be_looked_at_first():
    for architectures, verdict, wanted in (
        (["steep"], "REVIEW", ["surprising-run"]),
        (["flat"], "REVIEW", []),
        (["steep"], "PASS", []),
    ):
        found = facts(TWO, checks=(check("left-out-sizes", verdict, *architectures),))
        assert ids(advice.surprising_run(found)) == wanted


def test_the_default_goal_lies_below_todays_error():
    table = facts(TWO).options
    at = table[table["n"] == 1e6]
    assert advice.default_goal(at, {"steep": {"yhat": 0.11}}) == 0.05
    near = at.assign(yhat=[0.0996, 0.2])  # two digits would round it to 0.1, above today's error
    assert advice.default_goal(near, {"steep": {"yhat": 0.0998}}) == 0.0996
    rising = at.assign(yhat=[0.1234, 0.2])
    assert advice.default_goal(rising, {"steep": {"yhat": 0.1}}) == 0.12


def test_default_sizes_are_round_multiples():
    assert advice.default_sizes(1234.0, 100.0) == (2500.0, 6200.0, 12000.0, 37000.0, 120000.0)


@pytest.mark.parametrize(("span", "sizes"), [(4.0, (2000.0,)), (10.0, (2000.0, 5000.0, 10000.0)), (1.5, (1400.0,))])
def test_default_sizes_lie_within_the_range_measured(span, sizes):
    assert advice.default_sizes(1000.0, span) == sizes
