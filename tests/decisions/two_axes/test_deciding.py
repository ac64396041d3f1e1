"""Decisions on runs: prices and chances by hand, the limits, and the same answers as forecasts give."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import pytest
from typer.testing import CliRunner

import forecaster
from forecaster.cli.main import app
from forecaster.decisions.two_axes.deciding import surface_decision
from forecaster.errors import RequestError

COSTS = {
    "currency": "EUR",
    "per_item": 1e-9,
    "per_gpu_hour": 2.0,
    "flops_per_gpu_hour": 1e18,
    "gpus": 10,
    "items_per_week": 1e11,
}
MONDAY = date(2027, 1, 4)


@pytest.fixture(scope="module")
def found(fitted_surface):
    return surface_decision(fitted_surface, COSTS, target=2.2, penalty=50_000, start=MONDAY)


def test_tables_are_those_that_are_declared(found):
    for name, table in found.tables.items():
        found.columns[name].check(table)
    assert json.loads(found.to_json())["asked"]["owned"] == pytest.approx(6e10)
    assert found.table["best"].sum() == 1


def test_an_option_is_the_forecast_at_its_point_and_its_price_is_by_hand(fitted_surface):
    got = surface_decision(fitted_surface, COSTS, at=[1e11], params=[2e9, 4e9], target=2.2, penalty=50_000)
    forecast = forecaster.surface(fitted_surface, at=[1e11], params=[2e9, 4e9]).table
    runs = got.table[got.table["option"] != "do nothing"].sort_values("params")
    assert runs["yhat"].tolist() == pytest.approx(forecast["yhat"].tolist())
    assert runs["buy"].tolist() == pytest.approx([4e10, 4e10])
    assert runs["cost"].tolist() == pytest.approx([40.0 + 2.0 * 6 * p * 1e11 / 1e18 for p in (2e9, 4e9)])
    drawn = np.exp(fitted_surface.log_loss(1e11, [2e9, 4e9]))
    assert runs["p_target"].tolist() == pytest.approx((drawn <= 2.2).mean(0))
    assert runs["loss_mean"].tolist() == pytest.approx(runs["cost"] + 50_000 * (1.0 - runs["p_target"]))


def test_doing_nothing_keeps_the_best_run(found, fitted_surface):
    idle = found.table[found.table["option"] == "do nothing"].iloc[0]
    assert (idle["cost"], idle["params"], idle["n"]) == (0.0, pytest.approx(3e9), pytest.approx(6e10))


def test_a_compute_is_split_at_its_optimum(fitted_surface):
    got = surface_decision(fitted_surface, COSTS, flops=[1e21, 1e22], budget=1e9).table
    best = forecaster.surface(fitted_surface, flops=[1e21, 1e22]).table
    runs = got[got["option"] != "do nothing"]
    assert runs["flops"].tolist() == pytest.approx([1e21, 1e22], rel=0.01)
    assert np.log(runs["params"].to_numpy()) == pytest.approx(np.log(best["params_q50"].to_numpy()), abs=0.1)
    assert got.loc[got["best"], "flops"].item() == pytest.approx(1e22, rel=0.01)


def test_needs_carry_intervals_of_money_and_dates(found):
    row = found.needs.iloc[0]
    assert row["cost_lower"] < row["cost"] < row["cost_upper"]
    assert row["gpu_hours"] == pytest.approx(row["flops"] / 1e18, rel=1e-6)
    assert "2027-01-04" <= row["date_lower"] <= row["date"] <= row["date_upper"]
    risks = found.orders
    assert risks["flops"].is_monotonic_increasing
    assert risks["cost"].is_monotonic_increasing


def test_risks_budgets_and_deadlines_limit_the_choice(fitted_surface):
    sure = surface_decision(fitted_surface, COSTS, at=[5e10, 1e11, 2e11], params=[4e9, 1e10], target=2.2, risk=0.1)
    assert sure.best["p_target"] >= 0.9
    cheaper = sure.table[(sure.table["p_target"] >= 0.9) & (sure.table["cost"] < sure.best["cost"])]
    assert cheaper.empty
    poor = surface_decision(fitted_surface, COSTS, at=[5e10, 1e11], params=[1e9, 4e9], budget=3_000.0)
    assert poor.best["cost"] <= 3_000.0
    late = surface_decision(
        fitted_surface, COSTS | {"deadline": "2027-01-06"}, flops=[1e23], target=2.2, penalty=1e9, start=MONDAY
    )
    assert late.best["option"] == "do nothing"
    assert not late.table["allowed"].all()


def test_repeated_data_are_not_bought(fitted_surface):
    got = surface_decision(fitted_surface, COSTS, at=[4e11], params=[1e9], unique_n=1e11, budget=1e9).table
    run = got[got["option"] != "do nothing"].iloc[0]
    fresh = surface_decision(fitted_surface, COSTS, at=[4e11], params=[1e9], budget=1e9).table
    assert run["buy"] == pytest.approx(4e10)
    assert run["yhat"] > fresh[fresh["option"] != "do nothing"].iloc[0]["yhat"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"flops": 1e21, "at": 1e11, "params": 1e9, "budget": 1.0}, "one of the two"),
        ({"at": 1e11, "budget": 1.0}, "expected both"),
        ({"flops": -1.0, "budget": 1.0}, "above 0"),
        ({"kind": "new-cases", "budget": 1.0}, "new-cases"),
        ({}, "what an error costs"),
        ({"cost_per_mistake": 1.0, "volume": 1e6}, "no shares"),
    ],
)
def test_what_makes_no_sense_is_refused(fitted_surface, asked, said):
    with pytest.raises(RequestError, match=said):
        surface_decision(fitted_surface, COSTS, **asked)


def test_figure_and_command(found, surface_file, tmp_path):
    assert found.plot().axes
    path = tmp_path / "costs.toml"
    path.write_text('currency = "EUR"\nper_gpu_hour = 2.0\nflops_per_gpu_hour = 1e18\n')
    asked = ["decide", str(surface_file), "--costs", str(path), "--flops", "1e21", "--value-per-point", "9000"]
    done = CliRunner().invoke(app, [*asked, "--json"])
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout.splitlines()[0])["table"]
    assert rows[0]["option"] == "do nothing"
    assert rows[1]["flops"] == pytest.approx(1e21, rel=0.02)
    refused = CliRunner().invoke(app, [*asked, "--rounds", "2"])
    assert refused.exit_code == 2
