"""What a target loss takes, against roots of the law that the runs were made from."""

from __future__ import annotations

import json

import numpy as np
import pytest
from helpers.surfaces import BESIROGLU, loss, table
from helpers.unchecked import unchecked
from scipy import optimize
from typer.testing import CliRunner

import forecaster
from forecaster.cli.main import app
from forecaster.errors import RequestError
from forecaster.surfaces.requirement import first_below


@pytest.fixture(scope="module")
def fitted():
    return forecaster.fit_surface(table())


def true_data(params, target):
    def above(t):
        return float(loss(BESIROGLU, np.array([params]), np.array([np.exp(t)]))[0]) - target

    return float(np.exp(optimize.brentq(above, 10.0, 60.0)))


def true_compute(target):
    def least(c):
        found = optimize.minimize_scalar(
            lambda x: float(loss(BESIROGLU, np.array([np.exp(x)]), np.array([np.exp(c - x) / 6.0]))[0]),
            bounds=(10.0, 35.0),
            method="bounded",
        )
        return found.fun - target

    return float(np.exp(optimize.brentq(least, 40.0, 62.0)))


def test_the_data_of_a_size_are_those_of_the_law(fitted):
    row = forecaster.surface_requirement(fitted, 2.35, params=2e9, level=0.99).table.iloc[0]
    truth = true_data(2e9, 2.35)
    assert row["n_lower"] < truth < row["n_upper"]
    assert row["n_q50"] == pytest.approx(truth, rel=0.2)
    assert row["flops_q50"] == pytest.approx(6.0 * 2e9 * row["n_q50"], rel=1e-6)
    assert row["p_never"] == 0.0


def test_the_least_compute_is_that_of_the_law(fitted):
    row = forecaster.surface_requirement(fitted, 2.3, level=0.99).table.iloc[0]
    truth = true_compute(2.3)
    assert row["flops_lower"] < truth < row["flops_upper"]
    assert row["flops_q50"] == pytest.approx(truth, rel=0.2)
    assert 6.0 * row["params_best_q50"] * row["n_q50"] == pytest.approx(row["flops_q50"], rel=0.1)
    assert np.isnan(row["params"])


def test_what_a_model_never_reaches_is_never(fitted):
    row = forecaster.surface_requirement(fitted, 1.5, params=1e9).table.iloc[0]
    assert row["p_never"] == 1.0
    assert np.isinf(row[["n_q50", "flops_q50", "params_best_q50"]].astype(float)).all()


def test_first_crossings_are_read_between_points():
    at = np.array([0.0, 1.0, 2.0])
    losses = np.array([[3.0, 2.0, 1.0], [1.0, 2.0, 3.0], [3.0, 3.0, 3.0], [3.0, 1.0, 3.0]])
    (found,) = first_below(losses, 1.5, at)
    assert found.tolist() == [1.5, 0.0, np.inf, 0.75]


def test_refusals_and_the_command(fitted, tmp_path):
    ask = unchecked(forecaster.surface_requirement)
    for options, match in (({"target": -1.0}, "target"), ({"target": 2.0, "params": 0.0}, "params")):
        with pytest.raises(RequestError, match=match):
            ask(fitted, **options)
    with pytest.raises(RequestError, match="level"):
        ask(fitted, 2.0, level=1.0)
    file = tmp_path / "runs.csv"
    table().to_csv(file, index=False)
    done = CliRunner().invoke(app, ["surface", str(file), "--target", "2.35", "--params", "2e9", "--json"])
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)["table"]
    own = forecaster.surface_requirement(fitted, 2.35, params=2e9).table.iloc[0]
    assert rows[0]["n_q50"] == pytest.approx(own["n_q50"])
    assert CliRunner().invoke(app, ["surface", str(file), "--target", "2", "--flops", "1e21"]).exit_code == 2
