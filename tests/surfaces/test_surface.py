"""The verb: its tables, what it refuses, its checks, and the command line."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from helpers.surfaces import BESIROGLU, DATA, KEY, PARAMS, loss, table
from typer.testing import CliRunner

import forecaster
from forecaster.cli.main import app
from forecaster.errors import RequestError
from forecaster.results.result import Result
from forecaster.surfaces import checks
from forecaster.surfaces.answers import ComputeOptimum, SurfaceForecast

POINTS = pd.DataFrame({"n": [1e10, 1e12], "params": [1e9, 1e10]})


@pytest.fixture(scope="module")
def fitted():
    return forecaster.fit_surface(table())


def forecast_of(fitted, **more) -> SurfaceForecast:
    found = forecaster.surface(fitted, **({"at": POINTS} | more))
    assert isinstance(found, SurfaceForecast)
    return found


def optimum_of(fitted, **more) -> ComputeOptimum:
    found = forecaster.surface(fitted, **({"flops": 1e20} | more))
    assert isinstance(found, ComputeOptimum)
    return found


def test_tables_are_those_that_are_declared(fitted):
    for found in (forecast_of(fitted), optimum_of(fitted)):
        for name, rows in found.tables.items():
            found.columns[name].check(rows)
        assert {"schema", "command", "checks", "text", *found.columns, *found.keys} == set(json.loads(found.to_json()))


def test_a_forecast_holds_the_truth_and_says_how_far_it_reaches(fitted):
    found = forecast_of(fitted, level=0.99).table
    truth = loss(BESIROGLU, POINTS["params"].to_numpy(), POINTS["n"].to_numpy())
    assert ((found["yhat_lower"] < truth) & (truth < found["yhat_upper"])).all()
    assert found["decades_beyond"].tolist() == pytest.approx([0.0, np.log10(1e12 / 6e10)])
    wider = forecast_of(fitted, level=0.99, kind="new-run").table
    assert (wider["yhat_upper"] - wider["yhat_lower"] > found["yhat_upper"] - found["yhat_lower"]).all()


def test_sizes_and_amounts_of_data_make_points(fitted):
    found = forecast_of(fitted, at=[1e10, 1e11], params=[1e9, 2e9]).table
    assert list(zip(found["params"], found["n"], strict=True)) == [
        (1e9, 1e10),
        (1e9, 1e11),
        (2e9, 1e10),
        (2e9, 1e11),
    ]
    assert found.groupby("params")["yhat"].apply(lambda own: own.is_monotonic_decreasing).all()


def test_points_that_repeat_data_are_worse(fitted):
    fresh, again = (forecast_of(fitted, at=points).table for points in (POINTS, POINTS.assign(unique_n=[np.nan, 1e10])))
    assert again["yhat"][0] == fresh["yhat"][0]
    assert again["yhat"][1] > fresh["yhat"][1]


def test_an_optimum_has_its_interval_and_its_distance(fitted):
    found = optimum_of(fitted, flops=[1e20, 1e24]).table
    assert (found["params_lower"] < found["params_q50"]).all()
    assert found["params_q50"][0] * found["n_q50"][0] * 6 == pytest.approx(1e20, rel=0.02)
    assert found["p_outside_data"].tolist() == pytest.approx([0.0, 1.0], abs=0.05)
    assert found["decades_beyond"].tolist() == pytest.approx([0.0, np.log10(1e24 / (6 * 3e9 * 6e10))])
    named = {check.id: check.verdict for check in optimum_of(fitted, flops=[1e20, 1e24]).checks}
    assert named == {"sampling": "PASS", "axes": "PASS", "isoflop": "PASS", "outside": "REVIEW", "beyond": "REVIEW"}


def test_without_a_question_it_answers_for_the_largest_compute(fitted):
    found = forecaster.surface(fitted).table
    assert found["flops"].tolist() == pytest.approx([6 * 3e9 * 6e10, 60 * 3e9 * 6e10])


def test_each_surface_of_a_table_is_answered_about():
    both = pd.concat([table().assign(architecture=name) for name in ("dense", "moe")], ignore_index=True)
    found = forecaster.surface(both, at=POINTS)
    assert found.table["architecture"].tolist() == ["dense", "dense", "moe", "moe"]
    own = forecaster.surface(both, at=POINTS.assign(architecture=["moe", "dense"])).table
    assert own[["architecture", "params"]].to_numpy().tolist() == [["dense", 1e10], ["moe", 1e9]]
    with pytest.raises(RequestError, match="found none of"):
        forecaster.surface(both, at=POINTS.assign(architecture="gru"))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"flops": 1e20, "at": POINTS}, "one of the two"),
        ({"flops": -1.0}, "above 0"),
        ({"flops": []}, "above 0"),
        ({"params": 1e9}, "without at"),
        ({"at": [1e10]}, "without params"),
        ({"at": POINTS, "params": 1e9}, "beside a table"),
        ({"at": POINTS.drop(columns="n")}, "no column n"),
        ({"at": POINTS.iloc[:0]}, "no rows"),
        ({"at": POINTS.assign(n=[1e10, "many"])}, "not above 0"),
        ({"level": 80}, "level"),
    ],
)
def test_what_makes_no_sense_is_refused(fitted, asked, said):
    with pytest.raises(RequestError, match=said):
        forecaster.surface(fitted, **asked)


def test_runs_along_one_line_and_draws_that_stand_still_are_told_of(fitted):
    made = table()
    grown = made[made["n"].rank(method="dense") == made["params"].rank(method="dense")].assign(architecture="lm")
    along = forecaster.surface(grown, flops=1e20)
    assert {check.id: check.verdict for check in along.checks}["axes"] == "REVIEW"
    stuck = type(fitted)(fitted.design, type(fitted.draws)(fitted.draws.values, 10.0, 1.5, "importance"))
    assert checks.sampling(stuck).verdict == "FAIL"
    assert forecaster.surface(stuck, flops=1e20).failed


def test_figures_are_drawn(fitted):
    for found in (forecast_of(fitted), optimum_of(fitted)):
        assert isinstance(found, Result)
        figure = found.plot()
        assert [axes.get_xlabel() for axes in figure.axes] == ["Parameters", "Parameters"]


# The command line ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("surface") / "runs.csv"
    table().assign(architecture="lm").to_csv(path, index=False)
    return path


def test_the_command_gives_json_and_files(file, tmp_path):
    figure, out = tmp_path / "s.svg", tmp_path / "s.csv"
    asked = ["surface", str(file), "--flops", "1e20,1e21", "--json", "--figure", str(figure), "-o", str(out)]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout.splitlines()[0])
    assert [row["flops"] for row in found["table"]] == [1e20, 1e21]
    assert found["table"][0]["domain"] == KEY[0]
    assert figure.is_file()
    assert len(pd.read_csv(out)) == 2


def test_the_command_forecasts_points_of_a_file_or_sizes(file, tmp_path):
    points = tmp_path / "points.csv"
    POINTS.to_csv(points, index=False)
    for asked in (["--at", str(points)], ["--at", "1e10,1T", "--params", "1B"]):
        done = CliRunner().invoke(app, ["surface", str(file), *asked, "--json"])
        assert done.exit_code == 0, done.output
        assert [row["n"] for row in json.loads(done.stdout.splitlines()[0])["table"]] == [1e10, 1e12]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (["--flops", "1e20", "--at", "1e10"], 2),
        (["--params", "1e9"], 2),
        (["--at", "1e10"], 2),
        (["--flops", "many"], 2),
        (["--at", "none.csv"], 1),
    ],
)
def test_wrong_usage_has_its_exit_code(file, asked, code):
    assert CliRunner().invoke(app, ["surface", str(file), *asked]).exit_code == code


def test_a_table_with_two_axes_leads_here(file):
    """The refusal of the other verbs names a command that works."""
    done = CliRunner().invoke(app, ["forecast", str(file), "--at", "1e12"])
    assert done.exit_code == 1
    line = next(line for line in done.output.splitlines() if line.startswith("  forecaster surface"))
    again = CliRunner().invoke(app, [*line.split()[1:], "--json"])
    assert again.exit_code == 0, again.output
    assert len(json.loads(again.stdout.splitlines()[0])["table"]) == 2


def test_one_size_of_model_leads_elsewhere(tmp_path):
    path = tmp_path / "two.csv"
    made = table(params=PARAMS[:2]).assign(architecture="lm")
    made.to_csv(path, index=False)
    done = CliRunner().invoke(app, ["forecast", str(path), "--at", "1e12"])
    assert done.exit_code == 1
    assert "forecaster surface" not in done.output
    assert len(DATA) == made["n"].nunique()
