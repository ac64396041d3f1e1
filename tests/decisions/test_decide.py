"""Decisions: numbers of forecasts and requirements, losses by hand, closed forms, and answers such as "do not buy"."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import pytest
from helpers import synthetic
from helpers.unchecked import unchecked
from typer.testing import CliRunner

import forecaster
from forecaster.cli.main import app
from forecaster.decisions.loss import cvar
from forecaster.decisions.ordering import orders
from forecaster.errors import CostsError, RequestError
from forecaster.prediction.curve_keys import CurveKey
from forecaster.results.message import ids

LAST = synthetic.SIZES[-1]
AT = (2e5, 5e5, 2e6)
TARGET = 0.09
START = date(2026, 6, 1)
COSTS = {"currency": "EUR", "per_item": [[1e6, 0.1], [1e9, 0.05]], "fixed": 1000}
SPREAD = {"level": 0.05, "log_exponent": 0.2, "floor_logit": 0.8, "log_drift": 0.2}
KEYS = [CurveKey(*synthetic.GROUP, name) for name in ("cnn", "mlp")]


@pytest.fixture(scope="module")
def fitted():
    """Two architectures with spread parameters and drift."""
    return synthetic.posterior(
        {
            "cnn": synthetic.values(log_drift=-3.5, sd=SPREAD),
            "mlp": synthetic.values(exponent=0.2, level=-1.5, log_drift=-3.5, sd=SPREAD, seed=1),
        }
    )


@pytest.fixture(scope="module")
def by_penalty(fitted):
    return forecaster.decide(fitted, COSTS, AT, target=TARGET, penalty=2e5, start=START)


def price(n):
    """The price list, by hand."""
    buy = max(n - LAST, 0.0)
    return 0.1 * min(buy, 1e6) + 0.05 * max(buy - 1e6, 0.0) + 1000.0 * (buy > 0.0)


# One question has one answer ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["mean", "new-run"])
def test_errors_are_the_forecast_and_chances_the_requirement_to_the_last_digit(kind, fitted):
    table = forecaster.decide(fitted, COSTS, AT, target=TARGET, penalty=2e5, kind=kind, level=0.9).table
    assert len(table) == 2 + 2 * len(AT)
    for row in table.to_dict("records"):
        about = {"kind": kind, "curves": [row["architecture"]]}
        ahead = forecaster.forecast(fitted, [row["n"]], level=0.9, **about).table.iloc[0]
        enough = forecaster.requirement(fitted, TARGET, limit=row["n"], **about).table.iloc[0]
        assert row["p_target"] == enough["p_within_limit"]
        assert [row[k] for k in ("yhat", "yhat_lower", "yhat_upper")] == [
            ahead[k] for k in ("yhat", "yhat_lower", "yhat_upper")
        ]


def test_orders_for_a_risk_are_quantiles_of_the_requirement(by_penalty, fitted):
    need = forecaster.requirement(fitted, TARGET, limit=AT[-1]).table.set_index("architecture")
    rows = by_penalty.orders.set_index("risk")
    for risk, quantile in ((0.5, "q50"), (0.25, "q75"), (0.05, "q95")):
        row, sizes = rows.loc[risk], need[quantile]
        cheapest = min(sizes.index, key=lambda name: sizes[name])
        assert row["n"] == sizes[cheapest]
        if np.isfinite(row["n"]):
            assert row["architecture"] == cheapest
            assert row["buy"] == np.ceil(row["n"] - LAST)
            assert row["cost"] == pytest.approx(price(LAST + row["buy"]))
    least = by_penalty.lowest_risk
    assert least["risk"] == pytest.approx(need["p_never"].min(), abs=1e-12)
    assert least["architecture"] == need["p_never"].idxmin()


# Losses ---------------------------------------------------------------------------------------------


def drawn(fitted, row, target=None):
    """Errors of a row's forecast, and whether its size is enough, draw by draw."""
    ahead = forecaster.forecast(fitted, [row["n"]], curves=[row["architecture"]]).errors([0])[:, 0]
    need = forecaster.requirement(fitted, target or TARGET, curves=[row["architecture"]]).draws.values.ravel()
    return ahead, need <= row["n"]


@pytest.mark.parametrize(
    ("options", "paid_for"),
    [
        ({"target": TARGET, "penalty": 2e5}, lambda error, enough: 2e5 * ~enough),
        ({"value_per_point": 4e5}, lambda error, enough: 4e5 * error),  # errors of the generic card are no shares
        ({"cost_per_mistake": 2.0, "volume": 1e6}, lambda error, enough: 2e6 * error + 30.0),
    ],
)
def test_losses_are_cost_running_and_error(options, paid_for, fitted):
    costs = COSTS | {"per_gpu_hour": 2.0, "gpu_hours": {"per_item": 1e-4}, "per_million_answers": 30.0}
    found = forecaster.decide(fitted, costs, AT, **options)
    for row in found.table.to_dict("records"):
        error, enough = drawn(fitted, row)
        idle = row["option"] == "do nothing"
        cost = 0.0 if idle else price(row["n"]) + 2e-4 * row["n"]
        loss = cost + paid_for(error, enough)
        assert row["cost"] == pytest.approx(cost)
        assert row["loss_mean"] == pytest.approx(loss.mean())
        assert row["loss_cvar90"] == pytest.approx(cvar(loss))
        assert row["loss_q90"] == pytest.approx(np.quantile(loss, 0.9, method="inverted_cdf"))
        assert (row["buy"] > 0.0) != idle
    best = found.best
    assert best["loss_mean"] == found.table["loss_mean"].min()
    assert found.evpi == pytest.approx(best["regret_mean"])
    assert found.table["p_best"].sum() == pytest.approx(1.0)
    assert found.recommendation.values["n"] == best["n"]


def test_a_point_is_a_percentage_point_where_errors_are_shares(digits_posterior):
    found = forecaster.decide(digits_posterior, {}, [2400], value_per_point=1000.0)
    idle = found.table.iloc[0]
    error = forecaster.forecast(digits_posterior, [idle["n"]], curves=[idle["architecture"]]).errors([0])
    assert idle["loss_mean"] == pytest.approx(1000.0 * 100.0 * error.mean())


@pytest.mark.parametrize(
    ("attitude", "column"), [("mean", "loss_mean"), ("cvar", "loss_cvar90"), ("regret", "regret_cvar90")]
)
def test_attitudes_choose_by_their_column(attitude, column, fitted):
    found = forecaster.decide(fitted, COSTS, AT, target=TARGET, penalty=1.5e5, attitude=attitude)
    assert found.best[column] == pytest.approx(found.table[column].min())
    assert ("attitude" in ids(found.messages)) == (attitude != "mean")


def test_the_best_size_is_that_of_trying_every_size(fitted):
    """One architecture, a penalty: the loss at every whole number of thousands, by the requirement's draws."""
    found = forecaster.decide(fitted, COSTS, target=TARGET, penalty=2e5, curves=["cnn"])
    need = forecaster.requirement(fitted, TARGET, curves=["cnn"]).draws.values.ravel()
    sizes = np.append(LAST, np.arange(LAST + 1e3, 4e6, 1e3))
    losses = np.array([price(n) + 2e5 * np.mean(need > n) for n in sizes])
    assert found.best["loss_mean"] <= losses.min() * 1.01
    assert orders.rounded_up(sizes[losses.argmin()]) == pytest.approx(found.best["n"], rel=0.06)


# "Do not buy", and what cannot be had ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("costs", "options", "said"),
    [
        ({"per_item": 10.0}, {"target": TARGET, "penalty": 1e3}, "do-not-buy"),
        ({"per_item": 0.1}, {"target": TARGET, "penalty": 0.0}, "do-not-buy"),
        ({"per_item": 0.1}, {"value_per_point": 0.0}, "do-not-buy"),
        ({"per_item": 0.1}, {"cost_per_mistake": 1.0, "volume": 0.0}, "do-not-buy"),
        ({"per_item": 0.1}, {"budget": 0.0}, "nothing-within"),
        ({"per_item": 0.1}, {"budget": 1e9}, "buy"),
        ({"per_item": 0.1}, {"target": 1e-4, "penalty": 1e9}, "do-not-buy"),  # below the floor
        ({"per_item": 0.1}, {"target": 1e-4, "risk": 0.5}, "out-of-reach"),
        ({"per_item": 0.1}, {"target": TARGET, "risk": 0.5}, "buy"),
        ({"per_item": 0.1}, {"target": 0.5, "risk": 0.1}, "do-not-buy"),  # reached already
        ({"per_item": 0.1, "owned": 5e5}, {"target": TARGET, "penalty": 1e4}, "train"),
        (
            {"per_item": 0.1, "items_per_week": 1e4, "deadline": "2026-06-02"},
            {"value_per_point": 1e9},
            "nothing-within",
        ),
        ({"per_item": 0.1, "deadline": "2026-01-02"}, {"value_per_point": 1e9}, "nothing-within"),  # passed
    ],
)
def test_every_question_has_an_answer(costs, options, said, fitted):
    found = forecaster.decide(fitted, costs, AT, start=START, **options)
    assert found.recommendation.id == said
    assert found.table["best"].sum() == 1
    assert (found.best["option"] == "do nothing") == (said not in ("buy", "train"))
    assert found.text
    assert json.loads(found.to_json())["recommendation"]["id"] == said


def test_below_the_floor_no_risk_is_within_reach(fitted):
    found = forecaster.decide(fitted, {"per_item": 0.1}, AT, target=1e-4, risk=0.5)
    assert found.lowest_risk["risk"] == 1.0
    assert found.lowest_risk["n"] == np.inf
    assert found.orders["n"].eq(np.inf).all()
    assert found.orders["cost"].isna().all()
    assert found.recommendation.values["lowest_risk"] == 1.0


def test_a_budget_alone_buys_the_lowest_error_and_no_losses(fitted):
    found = forecaster.decide(fitted, COSTS, AT, budget=50_000.0)
    table = found.table
    inside = table[table["cost"] <= 50_000.0]
    assert table["allowed"].tolist() == (table["cost"] <= 50_000.0).tolist()
    assert found.best["n"] == inside["n"].max() == AT[1]
    assert table[["loss_mean", "loss_q90", "loss_cvar90", "regret_mean"]].isna().all(axis=None)
    assert found.evpi is found.break_even_price is found.break_even_penalty is None
    assert table["p_best"].sum() == pytest.approx(1.0)
    again = forecaster.decide(fitted, COSTS, budget=50_000.0)  # sizes of its own
    assert again.table.loc[again.table["allowed"], "cost"].max() == pytest.approx(50_000.0, rel=0.01)


def test_a_budget_that_binds_is_among_what_would_change_the_choice(fitted):
    free = forecaster.decide(fitted, COSTS, AT, target=TARGET, penalty=1e6)
    bound = forecaster.decide(fitted, COSTS, AT, target=TARGET, penalty=1e6, budget=free.best["cost"] - 1.0)
    (flip,) = [f for f in bound.flips_when if f["what"] == "budget"]
    assert flip["at"] == free.best["cost"]
    assert flip["n"] == free.best["n"]


def test_a_risk_buys_the_cheapest_option_that_is_sure_enough(fitted):
    found = forecaster.decide(fitted, COSTS, AT, target=TARGET, risk=0.4)
    enough = found.table[found.table["p_target"] >= 0.6]
    assert found.best["cost"] == enough["cost"].min()
    assert found.table["loss_mean"].isna().all()


def test_the_penalties_of_an_order_are_those_that_make_it_the_best(fitted):
    found = forecaster.decide(fitted, COSTS, AT, target=TARGET, penalty=2e5, curves=["cnn"])
    need = forecaster.requirement(fitted, TARGET, curves=["cnn"]).draws.values.ravel()
    for row in found.orders.to_dict("records"):
        ladder = {orders.order_for(need, risk) for risk in orders.LADDER} | {float(LAST), row["n"]}
        sizes = np.array(sorted(n for n in ladder if np.isfinite(n)))
        cost = np.array([price(LAST + np.ceil(n - LAST)) for n in sizes])
        reach = np.array([np.mean(need <= n) for n in sizes])
        best = {float(p): sizes[np.argmin(cost + p * (1.0 - reach))] for p in np.geomspace(1e2, 1e8, 800)}
        which = [p for p, n in best.items() if n == row["n"]]
        if np.isnan(row["penalty_lower"]):
            assert not which
        else:
            assert min(which) == pytest.approx(row["penalty_lower"], rel=0.03)
            assert max(which) == pytest.approx(min(row["penalty_upper"], 1e8), rel=0.03)


# Time, and what is owned ----------------------------------------------------------------------------


def test_a_deadline_gives_the_last_day_to_order(fitted):
    costs = COSTS | {"items_per_week": 70_000, "gpu_hours": 48, "deadline": "2026-09-01"}
    found = forecaster.decide(fitted, costs, AT, value_per_point=1e9, start=START)
    rows = found.table.set_index("n")
    days = {n: int(np.ceil((n - LAST) / 10_000 + 2)) for n in AT}  # a delivery of 10,000 a day, then two days
    assert [rows.loc[n, "allowed"].all() for n in AT] == [True, True, False]  # 12, 42 and 192 of 92 days
    for n in AT:
        assert set(rows.loc[n, "order_by"]) == {str(date.fromordinal(date(2026, 9, 1).toordinal() - days[n]))}
        assert set(rows.loc[n, "date"]) == {str(date.fromordinal(START.toordinal() + days[n]))}
    assert found.best["n"] == AT[1]
    assert found.deadline == {"date": "2026-09-01", "order_by": "2026-07-21", "days": 50}
    assert "order-by" in ids(found.messages)
    assert [f["n"] for f in found.flips_when if f["what"] == "deadline"] == [AT[2]]


def test_what_is_owned_is_not_bought_again_and_training_is_paid_where_it_is_needed(fitted):
    found = forecaster.decide(
        fitted, COSTS | {"owned": 3e5, "per_gpu_hour": 1.0, "gpu_hours": 7}, AT, value_per_point=1.0
    )
    rows = found.table.drop_duplicates("n").set_index("n")
    assert rows["buy"].to_dict() == {LAST: 0.0, 2e5: 0.0, 3e5: 0.0, 5e5: 2e5, 2e6: 1.7e6}
    assert rows["cost_training"].to_dict() == {LAST: 0.0, 2e5: 7.0, 3e5: 7.0, 5e5: 7.0, 2e6: 7.0}
    assert rows["cost_fixed"].to_dict() == {LAST: 0.0, 2e5: 0.0, 3e5: 0.0, 5e5: 1000.0, 2e6: 1000.0}


def test_running_costs_ask_for_a_volume(fitted):
    costs = COSTS | {"architecture": {"mlp": {"per_million_answers": 5.0}}}
    assert "running-unknown" in ids(forecaster.decide(fitted, costs, AT, value_per_point=1.0).messages)
    found = forecaster.decide(fitted, costs, AT, value_per_point=1.0, volume=2e6)
    assert "running-unknown" not in ids(found.messages)
    assert dict(zip(found.table["architecture"], found.table["running"], strict=True)) == {"cnn": 0.0, "mlp": 10.0}


# Refusals -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({}, "--budget 50000 alone"),
        ({"target": 0.1}, "--target 0.05 --risk 0.1"),
        ({"penalty": 100.0}, "penalty without a target"),
        ({"target": 0.1, "penalty": 1.0, "value_per_point": 1.0}, "penalty and value per point"),
        ({"cost_per_mistake": 1.0}, "--volume 1e6"),
        ({"target": 0.1, "penalty": -1.0}, "penalty: found -1"),
        ({"target": -0.1, "penalty": 1.0}, "target: found -0.1"),
        ({"budget": -1.0}, "budget: found -1"),
        ({"target": 0.1, "risk": 1.5}, "risk: found 1.5"),
        ({"risk": 0.1}, "no target"),
        ({"target": 0.1, "penalty": 1.0, "risk": 0.1}, "in place of a penalty"),
        ({"value_per_point": 1.0, "attitude": "bold"}, "mean, cvar, regret"),
        ({"value_per_point": 1.0, "kind": "best"}, "new-run"),
        ({"value_per_point": 1.0, "at": [-5.0]}, "at: found -5"),
        ({"value_per_point": 1.0, "rounds": 0}, "rounds: found 0"),
        ({"budget": 1.0, "rounds": 2}, "rounds: found no value"),
        ({"value_per_point": 1.0, "level": 80.0}, "level: found 80"),
        ({"value_per_point": 1.0, "test_cases": [0.0]}, "test_cases: found 0"),
        ({"value_per_point": 1.0, "curves": ["resnet"]}, "no curve 'resnet'"),
    ],
)
def test_questions_that_cannot_be_answered_are_refused(options, found, fitted):
    with pytest.raises(RequestError, match=found):
        forecaster.decide(fitted, COSTS, **options)


def test_other_refusals(fitted):
    with pytest.raises(CostsError, match=r"found the architecture 'cn', .* \(did you mean cnn\?\)"):
        forecaster.decide(fitted, {"architecture": {"cn": {}}}, value_per_point=1.0)
    with pytest.raises(RequestError, match=r"call posterior = forecaster\.fit"):
        unchecked(forecaster.decide)("curves.csv", COSTS, value_per_point=1.0)
    drawn = synthetic.values()
    two = synthetic.posterior({"vision/a/cnn": drawn, "vision/b/cnn": drawn})
    with pytest.raises(RequestError, match=r"2 tasks .* --task 'a'"):
        forecaster.decide(two, COSTS, value_per_point=1.0)
    assert len(forecaster.decide(two.only(("vision", "b")), COSTS, AT, value_per_point=1.0).table) == 4
    high = synthetic.posterior({"cnn": synthetic.values(level=1.0)})
    with pytest.raises(RequestError, match="no shares of cases"):
        forecaster.decide(high, COSTS, cost_per_mistake=1.0, volume=10.0)


# Chances that hold ----------------------------------------------------------------------------------


@pytest.mark.parametrize("twin", [None, "too sure"])
def test_chances_of_the_target_are_kept(twin):
    """Levels measured with a known noise, under a flat prior: the posterior is exact, and chances are frequencies."""
    rng, noise, chances, reached = np.random.default_rng(3), 0.3, [], []
    for world in range(1):
        names = [f"net-{i}" for i in range(200)]
        level = rng.uniform(-4.0, 0.0, len(names))
        seen = level + noise * rng.standard_normal(len(names))
        wide = noise / (3.0 if twin else 1.0)
        curves = {
            name: synthetic.values(200, level=at, sd={"level": wide}, seed=1000 * world + i)
            for i, (name, at) in enumerate(zip(names, seen, strict=True))
        }
        found = forecaster.decide(
            synthetic.posterior(curves, seeds=1), {"per_item": 1.0}, [1e6], target=0.1, penalty=1.0
        )
        row = found.table[found.table["n"] == 1e6].set_index("architecture")
        truth = {n: synthetic.values(4, level=at)[0] for n, at in zip(names, level, strict=True)}
        x = (np.log(LAST), np.log(synthetic.SIZES[0]))
        for name in names:
            chances.append(row.loc[name, "p_target"])
            reached.append(synthetic.law(truth[name], np.array([1e6]), *x)[0] <= np.log(0.1))
    p, hit = np.array(chances), np.array(reached, dtype=float)
    bins = np.minimum((10 * p).astype(int), 9)
    counted = [(p[bins == k], hit[bins == k]) for k in np.unique(bins)]
    assert len(counted) == 10 or twin
    z = [
        (h.sum() - c.sum()) / np.sqrt(max(np.sum(np.clip(c, 0.005, 0.995) * (1 - np.clip(c, 0.005, 0.995))), 0.1))
        for c, h in counted
    ]
    fine = np.max(np.abs(z)) < 3.3 and np.sum(np.square(z)) < 29.6  # each bin, and all together, at 0.1 %
    assert fine == (twin is None)


# The command line -----------------------------------------------------------------------------------


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments], prog_name="forecaster")


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder with a price list."""
    (tmp_path / "costs.toml").write_text('currency = "EUR"\nper_item = 1.0\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_answers_as_the_function(desk, digits_file, digits_posterior):
    options = ["--costs", "costs.toml", "--at", "2400,12k", "--target", "0.005", "--penalty", "20000"]
    done = run("decide", digits_file, *options, "--json", "-o", "table.csv", "--figure", "figure.svg")
    assert done.exit_code in (0, 3), done.stderr
    found = json.loads(done.stdout)
    same = forecaster.decide(digits_posterior, "costs.toml", [2400, 12_000], target=0.005, penalty=20_000)
    assert found["table"] == json.loads(same.to_json())["table"]
    assert found["break_even_price"] == same.break_even_price
    assert {"table.csv", "figure.svg"} <= {path.name for path in desk.iterdir()}
    shown = run("decide", digits_file, *options).stdout
    assert max(map(len, shown.splitlines())) <= 100
    assert "do nothing" in shown


def test_curves_are_fitted_first(digits_curves, digits_posterior):
    one, two = (
        forecaster.decide(given, {"per_item": 1.0}, [2400], value_per_point=1e3)
        for given in (digits_curves, digits_posterior)
    )
    assert one.table.equals(two.table)


def test_the_template_is_written_once(desk):
    (desk / "costs.toml").unlink()
    assert run("decide", "--template").exit_code == 0
    assert "per_item" in (desk / "costs.toml").read_text(encoding="utf-8")
    again = run("decide", "--template")
    assert again.exit_code == 1
    assert "costs.toml" in again.stderr


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--target", "0.01", "--penalty", "5"], 2, "decide --template"),
        (["--costs", "costs.toml"], 1, "--value-per-point"),
        (["--costs", "none.toml", "--value-per-point", "5"], 1, "decide --template"),
        (["--costs", "costs.toml", "--value-per-point", "-5"], 2, "--value-per-point: found -5"),
        (["--costs", "bad.toml", "--value-per-point", "5"], 1, "bad.toml, line 2"),
        (["--costs", "other.toml", "--value-per-point", "5"], 1, "other.toml, line 1"),
        (["--costs", "costs.toml", "--budget", "-1"], 2, "--budget: found -1"),
        (["--costs", "costs.toml", "--target", "0.01", "--risk", "2"], 2, "--risk: found 2"),
        (["--costs", "costs.toml", "--value-per-point", "5", "-o", "x.xlsx"], 2, ".csv"),
    ],
)
def test_wrong_usage_and_bad_files_are_told_apart(options, code, said, desk, digits_file):
    (desk / "bad.toml").write_text("fixed = 1\nper_item = -1\n", encoding="utf-8")
    (desk / "other.toml").write_text("[architecture.resnet]\nper_gpu_hour = 1\n", encoding="utf-8")
    done = run("decide", digits_file, *options)
    assert done.exit_code == code, done.output
    assert said in done.stderr
