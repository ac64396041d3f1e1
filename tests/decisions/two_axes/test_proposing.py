"""The verb: what it picks, what a pick is worth in fact, prices, refusals, and the command line."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from helpers.surfaces import BESIROGLU, loss, table
from typer.testing import CliRunner

import forecaster
from forecaster.cli.main import app
from forecaster.decisions.two_axes.proposing import surface_next
from forecaster.errors import RequestError

POINT = {"at": 1e12, "params": 2e10}


@pytest.fixture(scope="module")
def found(fitted_surface):
    return surface_next(fitted_surface, **POINT, budget=1e22)


def test_tables_are_those_that_are_declared(found):
    found.columns["table"].check(found.table)
    assert set(json.loads(found.to_json())) == {"schema", "command", "checks", "text", "table", "stop", "asked"}


def test_picks_keep_to_the_budget_and_teach_more_together(found):
    picks = found.picks
    assert sum(row["cost"] for row in picks) <= 1e22
    assert [row["pick"] for row in picks] == list(range(1, len(picks) + 1))
    left = [row["left_after"] for row in picks]
    assert left == sorted(left, reverse=True)
    assert left[-1] < 0.7


def test_a_run_made_in_fact_narrows_the_interval_about_as_told(fitted_surface):
    told = surface_next(fitted_surface, pd.DataFrame({"n": [3e11], "params": [1e10]}), **POINT).table.iloc[0]
    made = table().assign(architecture="lm")
    more = pd.DataFrame({"n": [3e11], "params": [1e10], "error": loss(BESIROGLU, np.array([1e10]), np.array([3e11]))})
    after = forecaster.fit_surface(pd.concat([made, more.assign(**made.iloc[0][["domain", "task", "architecture"]])]))
    low, high = np.quantile(after.log_loss(POINT["at"], POINT["params"])[:, 0], [0.1, 0.9])
    assert np.log(told["width_after"]) == pytest.approx(high - low, rel=0.5)
    assert told["width_after"] < told["width_now"]


def test_prices_are_those_of_runs_and_data_are_bought_once(fitted_surface):
    costs = {"currency": "EUR", "per_item": 1e-9, "per_gpu_hour": 1.0, "flops_per_gpu_hour": 1e21}
    some = pd.DataFrame({"n": [1e12, 1e12], "params": [1e10, 1.5e10]})
    got = surface_next(fitted_surface, some, **POINT, costs=costs, budget=1100.0)
    assert got.table["cost"].tolist() == pytest.approx([940.0 + 60.0, 940.0 + 90.0])
    assert len(got.picks) == 2


def test_it_stops_where_nothing_is_taught_or_can_be_paid(fitted_surface):
    assert surface_next(fitted_surface, **POINT, budget=1e10).stop
    far = surface_next(fitted_surface, pd.DataFrame({"n": [2e9], "params": [1e8]}), **POINT)
    assert far.stop
    assert far.messages[0].id == "teaches-nothing"


def test_the_loss_of_a_compute_can_be_asked_about(fitted_surface):
    got = surface_next(fitted_surface, flops=1e23)
    assert len(got.picks) == 1
    assert got.table["var_left"].min() < 0.9


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "neither points nor compute"),
        ({"flops": 1e23, **POINT}, "points and compute"),
        ({"at": 1e12}, "expected both"),
        ({"flops": 1e23, "budget": 0.0}, "budget"),
        ({"flops": 1e23, "candidates": pd.DataFrame({"n": [1.0]})}, "no column params"),
    ],
)
def test_what_makes_no_sense_is_refused(fitted_surface, asked, said):
    with pytest.raises(RequestError, match=said):
        surface_next(fitted_surface, **asked)


def test_the_command_takes_a_table_of_candidates(surface_file, tmp_path):
    path = tmp_path / "candidates.csv"
    pd.DataFrame({"n": [1e11, 3e11], "params": [3e9, 1e10]}).to_csv(path, index=False)
    asked = [
        "next",
        str(surface_file),
        "--for",
        "forecast:1e12",
        "--params",
        "2e10",
        "--candidates",
        str(path),
        "--json",
    ]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    assert len(json.loads(done.stdout.splitlines()[0])["table"]) == 2
    refused = CliRunner().invoke(app, ["next", str(surface_file), "--for", "choice:1e12", "--params", "2e10"])
    assert refused.exit_code == 2
    assert CliRunner().invoke(app, ["next", str(path)]).exit_code == 2
