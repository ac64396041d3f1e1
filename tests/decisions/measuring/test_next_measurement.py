"""Where to measure next: small worlds in which the answer is known, refits, refusals, and the command."""

from __future__ import annotations

import json

import numpy as np
import pytest
from helpers import synthetic
from helpers.inverse_law import log_size_needed
from helpers.unchecked import unchecked
from typer.testing import CliRunner

import forecaster
from forecaster.cli.main import app
from forecaster.decisions.measuring.candidates import candidates_of
from forecaster.decisions.measuring.goal import Goal, parsed, sought
from forecaster.decisions.measuring.refits import refitted
from forecaster.decisions.measuring.teaching import simulated_results, variance_left
from forecaster.errors import CostsError, RequestError
from forecaster.prediction.curve_keys import CurveKey
from forecaster.results.message import ids

DRAWS = 4000
LAST = synthetic.SIZES[-1]
X_MIN, X_REF = np.log(synthetic.SIZES[0]), np.log(LAST)
COSTS = {"currency": "EUR", "per_item": 0.1}


def two_worlds():
    """Curves alike up to the largest measured size, of which half fall twice as steeply beyond."""
    drawn = synthetic.values(DRAWS, log_noise=-6.0, floor_logit=-6.0)
    steep = np.random.default_rng(0).random(DRAWS) < 0.5
    drawn[:, 1] = np.where(steep, np.log(0.5), np.log(0.25))
    return synthetic.posterior({"cnn": drawn})


def needs(exponent):
    return float(np.exp(log_size_needed(np.log(0.09), X_REF, -2.0, np.log(exponent), X_MIN + 0.5, -6.0, 2.0)))


def test_a_result_that_tells_two_worlds_apart_is_worth_what_perfect_information_is():
    posterior = two_worlds()
    sizes = [needs(0.5) * 1.01, needs(0.25) * 1.01]
    value = {"target": 0.09, "penalty": 1e6}
    perfect = forecaster.decide(posterior, COSTS, sizes, **value).evpi
    found = forecaster.next_measurement(
        posterior, "requirement:0.09", [1.5 * LAST], runs=[1], costs=COSTS, penalty=1e6, refits=0
    )
    row = found.table.iloc[0]
    assert perfect is not None
    assert row["evsi"] == pytest.approx(perfect, rel=0.05)
    assert row["var_left"] < 0.05
    assert not found.stop
    assert found.pick is not None
    # Data bought for it is owned afterwards and needed in either world: the measurement costs nothing in the end.
    assert row["cost"] == pytest.approx(0.05 * LAST)
    assert row["enbs"] == pytest.approx(perfect, rel=0.05)


def test_measuring_stops_where_no_result_pays():
    posterior = two_worlds()
    dear = COSTS | {"per_gpu_hour": 1.0, "gpu_hours": 1e6}
    found = forecaster.next_measurement(posterior, "requirement:0.09", costs=dear, penalty=1e5)
    assert found.stop
    assert found.pick is None
    assert ids(found.messages)[0] == "stop"
    assert (found.table["enbs"] < 0).all()
    assert found.table["var_left_refit"].isna().all()  # nothing to confirm


def test_the_nearest_size_to_the_one_asked_about_teaches_most_and_other_curves_nothing():
    drawn = {name: synthetic.values(DRAWS, sd={"log_exponent": 0.2}, seed=k) for k, name in enumerate(("a", "b"))}
    posterior = synthetic.posterior(drawn)
    found = forecaster.next_measurement(posterior, "forecast:1e6", [LAST, 2 * LAST, 4 * LAST], curves=["a"], refits=0)
    own = found.table[found.table["architecture"] == "a"].sort_values(["n", "runs"])
    assert own["var_left"].is_monotonic_decreasing
    assert (found.table[found.table["architecture"] == "b"]["var_left"] > 0.99).all()
    assert found.pick is not None
    assert (found.pick["architecture"], found.pick["n"], found.pick["runs"]) == ("a", 4 * LAST, 3)
    assert "others" in ids(found.messages)


def test_a_budget_leaves_out_what_it_cannot_pay_and_is_used_up():
    drawn = synthetic.values(DRAWS, sd={"log_exponent": 0.2}, log_noise=-3.0)
    posterior = synthetic.posterior({"a": drawn})
    options = {"runs": [1], "refits": 0}
    sizes = [LAST, 2 * LAST, 4 * LAST]
    found = forecaster.next_measurement(posterior, "forecast:1e6", sizes, budget=3.5 * LAST, **options)
    assert found.table["n"].max() == 2 * LAST
    assert sorted(found.table["pick"].dropna()) == [1, 2]
    none = forecaster.next_measurement(posterior, "forecast:1e6", sizes, budget=1.0, **options)
    assert none.stop
    assert ids(none.messages)[0] == "nothing-within"
    assert len(none.table) == 0


def test_a_choice_is_about_the_best_and_its_strongest_rival():
    drawn = {
        name: synthetic.values(DRAWS, level=level, sd={"log_exponent": 0.1}, seed=k)
        for k, (name, level) in enumerate({"good": -2.0, "near": -1.99, "bad": -1.0}.items())
    }
    found = forecaster.next_measurement(synthetic.posterior(drawn), "choice:1e6", [2 * LAST], runs=[1], refits=0)
    assert found.asked["architecture"] in ("good or near", "near or good")
    by_name = found.table.set_index("architecture")
    assert by_name.loc["bad", "var_left"] > 0.99
    assert by_name.loc["good", "var_left"] < 0.8
    assert by_name.loc["good", "p_flip"] > 0.1
    assert by_name.loc["bad", "p_flip"] < 0.05


def test_refits_agree_with_the_rule_and_average_to_today(digits_posterior):
    """Of results drawn as the posterior predicts, forecasts fitted anew are on average today's; their variances are
    those that the rule says. ``mean``: on the test set at hand."""
    group = digits_posterior.groups[0]
    key = CurveKey(*group, "nearest-neighbours")
    goal = Goal("forecast", 4800.0)
    quantity = sought(digits_posterior, goal, (key,), "mean", 0)
    candidates = candidates_of([key], [2400.0], [3], None, 1200.0)
    results = simulated_results(digits_posterior, candidates, 0)
    rule = variance_left(quantity.values, results)[0]
    (found,) = refitted(digits_posterior, candidates, results, quantity, outcomes=12, level=0.8, seed=0)
    assert found is not None
    sd = quantity.values.std()
    assert found.means.mean() == pytest.approx(quantity.values.mean(), abs=0.35 * sd)
    assert found.means.std() > 0.3 * sd * np.sqrt(max(1.0 - rule, 0.0))
    assert found.var_left == pytest.approx(rule, abs=0.3)


@pytest.mark.parametrize("text", ["", "forecast", "forecast:-1", "forecast:inf", "forecast:nan", "error:3", "choice:x"])
def test_other_goals_are_refused(text):
    with pytest.raises(RequestError, match="goal"):
        parsed(text)


def test_refusals():
    posterior = synthetic.posterior({"a": synthetic.values(), "b": synthetic.values(seed=1)})
    ask = unchecked(forecaster.next_measurement)
    for options, match in (
        ({"candidates": [("nobody", 1e5)]}, "nobody"),
        ({"candidates": [-1.0]}, "candidates"),
        ({"runs": [0]}, "runs"),
        ({"runs": [1.5]}, "runs"),
        ({"penalty": 100.0, "target": 0.1}, "costs"),
        ({"budget": -1.0}, "budget"),
        ({"refits": -1}, "refits"),
        ({"level": 2.0}, "level"),
        ({"kind": "median"}, "kind"),
        ({"candidates": list(np.geomspace(1e3, 1e6, 300))}, "candidates"),
    ):
        with pytest.raises(RequestError, match=match):
            ask(posterior, "forecast:1e6", **options)
    with pytest.raises(RequestError, match="one architecture"):
        ask(posterior, "choice:1e6", curves=["a"])
    with pytest.raises(CostsError):
        ask(posterior, "forecast:1e6", costs={"per_itm": 1})


def test_the_command_gives_the_same_answer(digits_file, digits_posterior, tmp_path):
    figure = tmp_path / "next.png"
    options = ["--for", "choice:4800", "--candidates", "2.4k,mlp:1.2k", "--runs", "2", "--refits", "0"]
    said = CliRunner().invoke(app, ["next", str(digits_file), *options, "--json", "--figure", str(figure)])
    assert said.exit_code in (0, 3), said.output
    rows = json.loads(said.stdout)["table"]
    found = forecaster.next_measurement(digits_posterior, "choice:4800", [2400, ("mlp", 1200)], runs=[2], refits=0)
    assert [row["var_left"] for row in rows] == pytest.approx(found.table["var_left"].tolist())
    assert sum(row["architecture"] == "mlp" for row in rows) == 2
    assert figure.stat().st_size > 5000
    wrong = CliRunner().invoke(app, ["next", str(digits_file), "--for", "forecast:big"])
    assert wrong.exit_code == 1
