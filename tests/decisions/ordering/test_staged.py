"""Several orders, and test cases first: against small cases in closed form, judged on draws that planned nothing."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import synthetic
from helpers.inverse_law import log_size_needed
from scipy import integrate, stats

import forecaster
from forecaster.decisions.cases.value import lowest_log_errors
from forecaster.decisions.ordering import staged as module
from forecaster.prediction import observation
from forecaster.prediction.curve_keys import CurveKey
from forecaster.results.message import ids

LAST = synthetic.SIZES[-1]
X_MIN, X_REF = np.log(synthetic.SIZES[0]), np.log(LAST)
TARGET, PENALTY, PRICE = 0.09, 1e6, 0.1
DRAWS = 4000


def two_worlds(share=0.5, log_noise=-6.0, draws=DRAWS):
    """Curves alike up to the largest measured size, of which a share falls twice as steeply beyond."""
    drawn = synthetic.values(draws, log_noise=log_noise, floor_logit=-6.0)
    steep = np.random.default_rng(0).random(draws) < share
    drawn[:, 1] = np.where(steep, np.log(0.5), np.log(0.25))
    return synthetic.posterior({"cnn": drawn}), steep


def needs(exponent):
    """Size at which such a curve reaches the target."""
    return float(np.exp(log_size_needed(np.log(TARGET), X_REF, -2.0, np.log(exponent), X_MIN + 0.5, -6.0, 2.0)))


def plan(posterior, rounds=2, at=(), costs=None, **options):
    asked = options or {"target": TARGET, "penalty": PENALTY}
    found = forecaster.decide(posterior, costs or {"per_item": PRICE}, at, rounds=rounds, **asked)
    assert found.plan is not None
    return found.plan, found


def test_a_first_order_that_tells_two_worlds_apart_saves_the_second():
    """The lesser amount first, then the rest where it was not enough: saves the rest in the worlds where it was."""
    posterior, steep = two_worlds()
    less, more, fixed = needs(0.5), needs(0.25), 1000.0
    found, decision = plan(posterior, costs={"per_item": PRICE, "fixed": fixed})
    fresh = steep[DRAWS // 2 :].mean()
    saved = fresh * PRICE * (more - less) - (1.0 - fresh) * fixed
    assert found["first"] == pytest.approx(less, rel=0.03)
    assert found["one"] == pytest.approx(more, rel=0.03)
    assert found["gain"] == pytest.approx(saved, rel=0.05)
    assert found["gain"] > 10.0 * found["gain_sd"]
    assert found["ordered"][1] == pytest.approx(1.0 - fresh, abs=0.02)
    assert found["p_target"] == pytest.approx(1.0, abs=0.01)
    assert found["then"][0]["n"] is None
    assert found["then"][-1]["n"] == pytest.approx(more, rel=0.03)
    assert {"plan", "plan-then"} <= set(ids(decision.messages))


@pytest.mark.parametrize("rounds", [2, 3, 5])
def test_on_other_draws_several_orders_are_no_worse_than_one(rounds):
    """Curves that wander, and noisy measurements."""
    spread = {"level": 0.05, "log_exponent": 0.25, "floor_logit": 0.8}
    drawn = synthetic.values(DRAWS, log_drift=-3.0, log_noise=-2.5, sd=spread)
    for options in ({"target": TARGET, "penalty": 2e5}, {"value_per_point": 5e6}):
        found, _ = plan(synthetic.posterior({"cnn": drawn}), rounds, **options)
        assert found["gain"] > -3.0 * found["gain_sd"]
        assert found["loss_one"] - found["loss"] == pytest.approx(found["gain"])


def test_a_measurement_that_says_nothing_gains_nothing():
    posterior, _ = two_worlds(log_noise=3.0)
    found, _ = plan(posterior)
    told, _ = plan(two_worlds()[0])
    assert abs(found["gain"]) < 3.0 * found["gain_sd"] + 1e-9 or abs(found["gain"]) < 0.1 * told["gain"]


def test_orders_that_cost_much_by_themselves_are_not_split():
    posterior, _ = two_worlds()
    found, decision = plan(posterior, costs={"per_item": PRICE, "fixed": 1e5})
    assert found["first"] == found["one"]
    assert found["gain"] == 0.0
    assert "plan-no-gain" in ids(decision.messages)


def test_it_does_not_pay_in_several_orders_either():
    found, decision = plan(two_worlds()[0], at=[5e5], costs={"per_item": 1e3})
    assert found["first"] is found["one"] is None
    assert found["gain"] == found["cost"] == 0.0
    assert "no-plan" in ids(decision.messages)


def test_the_sizes_on_offer_are_kept_to():
    less, more = needs(0.5) * 1.1, needs(0.25) * 1.1
    found, decision = plan(two_worlds()[0], at=[less, more])
    assert (found["first"], found["one"]) == (less, more)
    assert found["loss_one"] == pytest.approx(decision.best["loss_mean"], rel=0.02)


def test_a_deadline_leaves_time_for_every_training():
    costs = {"per_item": PRICE, "gpu_hours": 24 * 20, "deadline": "2026-03-12"}
    from datetime import date

    asked = {"target": TARGET, "penalty": PENALTY, "start": date(2026, 1, 31)}  # 40 days, trainings of 20
    posterior, _ = two_worlds()
    assert forecaster.decide(posterior, costs, rounds=2, **asked).plan is not None
    assert forecaster.decide(posterior, costs, rounds=3, **asked).plan is None


def test_draws_that_judge_are_not_those_that_plan(monkeypatch):
    """Judged on the draws that planned, a plan for noise looks better than it is."""
    seen = []
    real = module._played
    monkeypatch.setattr(
        module, "_played", lambda world, fresh, *rest: (seen.append(fresh), real(world, fresh, *rest))[1]
    )
    plan(two_worlds()[0])
    assert min(seen[0]) == DRAWS // 2


# Test cases ------------------------------------------------------------------------------------------

CASES = 400


@pytest.fixture(scope="module")
def tested():
    """One curve that is known but for the luck of its test set."""
    drawn = synthetic.values(DRAWS, floor_logit=-6.0, log_noise=-8.0)
    return synthetic.on_test_set(synthetic.posterior({"cnn": drawn}), CASES)


def test_test_cases_are_worth_what_the_normal_model_says(tested):
    """Stay, or buy so much that the target is sure: the result of more cases decides, in closed form by quadrature."""
    last = float(tested.curves.curves[0].error[-1])
    target, penalty, cost = 0.97 * last, 1e5, 4e4
    n = 20 * LAST
    costs = {"per_item": cost / (n - LAST), "per_test_item": 1.0}
    found = forecaster.decide(
        tested, costs, [n], target=target, penalty=penalty, kind="new-cases", test_cases=[100, 1000, 100_000]
    )
    shared = observation.COMMON + (1.0 - observation.COMMON) / 2  # of two runs
    prior = shared * (1.0 / last - 1.0) / CASES
    margin = np.log(target / last)

    def worth(cases):
        noise = (1.0 / last - 1.0) / cases
        left, seen = prior * noise / (prior + noise), prior**2 / (prior + noise)

        def loss(m):
            return min(penalty * stats.norm.sf(margin, m, np.sqrt(left)), cost) * stats.norm.pdf(m, 0.0, np.sqrt(seen))

        best = min(penalty * stats.norm.sf(margin, 0.0, np.sqrt(prior)), cost)
        return best - integrate.quad(loss, -8 * np.sqrt(seen), 8 * np.sqrt(seen), limit=400)[0]

    table = found.test_cases.set_index("cases")
    for cases in (100, 1000, 100_000):
        assert table.loc[cases, "evsi"] == pytest.approx(worth(cases), abs=0.12 * worth(100_000))
        assert table.loc[cases, "enbs"] == table.loc[cases, "evsi"] - cases
    assert table["evsi"].is_monotonic_increasing
    assert table["evsi"].max() <= found.evpi * 1.05
    assert table["pick"].tolist() == [False, True, False]
    assert "test-cases" in ids(found.messages)


def test_test_cases_say_nothing_of_the_test_set_at_hand(tested):
    found = forecaster.decide(
        tested, {"per_item": 1.0, "per_test_item": 1.0}, [2 * LAST], value_per_point=1.0, kind="mean"
    )
    assert found.test_cases.empty
    assert "test-cases-idle" in ids(found.messages)
    ahead = forecaster.decide(
        tested, {"per_item": 1.0, "per_test_item": 1e9}, [2 * LAST], value_per_point=1.0, kind="new-cases"
    )
    assert ahead.test_cases["cases"].tolist() == [CASES * m for m in (1, 2, 5, 10)]
    assert not ahead.test_cases["pick"].any()
    assert "no-test-cases" in ids(ahead.messages)


@pytest.mark.parametrize("kind", ["mean", "new-run", "new-cases"])
def test_lowest_errors_reach_a_target_where_the_requirement_does(kind):
    drawn = synthetic.values(400, log_drift=-2.5, sd={"level": 0.1, "log_exponent": 0.2})
    posterior = synthetic.on_test_set(synthetic.posterior({"cnn": drawn}), 2000)
    sizes = [3e3, LAST, 2.5e5, 1e6]
    lowest = lowest_log_errors(posterior, CurveKey(*synthetic.GROUP, "cnn"), sizes, kind, 0)
    need = forecaster.requirement(posterior, TARGET, limit=1e6, kind=kind)
    assert need.draws is not None
    enough = need.draws.values.ravel()[:, None] <= np.array(sizes) * (1.0 + 1e-9)
    assert np.mean((lowest <= np.log(TARGET)) == enough) > 0.999
