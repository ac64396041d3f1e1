"""testset on the command line: each question by its options, and what is no question."""

from __future__ import annotations

import json

import pytest
from helpers import synthetic
from typer.testing import CliRunner

import forecaster
from forecaster.cli.main import app


@pytest.fixture(scope="module")
def curves():
    return synthetic.posterior({"net": synthetic.values(level=-2.0, exponent=0.3, sd={"log_exponent": 0.3})})


@pytest.fixture(scope="module")
def saved(curves, tmp_path_factory):
    return curves.save(tmp_path_factory.mktemp("fitted") / "posterior.nc")


def run(*arguments):
    return CliRunner().invoke(app, ["testset", *map(str, arguments)], prog_name="forecaster")


def rows(*arguments):
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)["table"]


def of(result):
    return json.loads(result.to_json())["table"]


def test_each_question_is_that_of_the_function(curves, saved):
    size = forecaster.test_set_size
    assert rows("--error", 0.02, "--target", 0.025) == of(size(error=0.02, target=0.025))
    two = {"error_a": 0.08, "error_b": 0.1}
    assert rows("--error-a", 0.08, "--error-b", 0.1, "--power", "0.8,0.9") == of(size(**two, power=[0.8, 0.9]))
    more = {"paired": True, "discordance": 0.08, "cluster_size": 5, "correlation": 0.3}
    options = ("--paired", "--discordance", 0.08, "--clusters", "5:0.3")
    assert rows("--error-a", 0.08, "--error-b", 0.1, *options) == of(size(**two, **more))
    best = forecaster.selection_bias(models=[10, 100], error=0.05, cases=2_000)
    assert rows("--best-of", "10,100", "--error", 0.05, "--cases", "2k") == of(best)
    assert rows("--curves", saved, "--at", "1M") == of(forecaster.forecast_in_cases(curves, [1e6]))
    used = forecaster.label_use(curves, labels=2_000, target=0.1, cases=500)
    assert rows("--curves", saved, "--labels", "2k", "--target", 0.1, "--cases", 500) == of(used)


def test_people_read_an_answer(saved):
    done = run("--curves", saved, "--at", "1M", "--unpaired")
    assert done.exit_code == 0
    assert "test cases" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "found no question"),
        (["--error", 0.1], "found --error"),
        (["--error", 0.1, "--target", 0.2, "--error-a", 0.1], "--error-a"),
        (["--error", 0.1, "--target", 0.2, "--paired"], "--paired"),
        (["--best-of", "10", "--error", 0.1], "--best-of"),
        (["--error", 0.1, "--target", 0.2, "--power", "80"], "--power: found 80"),
        (["--error", 0.1, "--target", 0.2, "--confidence", "95"], "--confidence: found 95"),
        (["--error-a", 0.1, "--error-b", 0.2, "--clusters", "five"], "--clusters: found 'five'"),
        (["--best-of", "10", "--error", 0.1, "--cases", "2.5"], "--cases: found 2.5"),
    ],
)
def test_what_is_no_question_is_refused(arguments, says):
    done = run(*arguments)
    assert done.exit_code == 2
    assert says in " ".join(done.output.split())
    assert "Traceback" not in done.output


def test_values_that_are_no_rates_are_refused():
    done = run("--error", 0.2, "--target", 0.1)
    assert done.exit_code == 1
    assert "target: found 0.1" in done.output
