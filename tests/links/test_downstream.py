"""downstream: from a loss, or the forecast of one, to error rates; and what the command line makes of a table."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from helpers import synthetic
from helpers.unchecked import unchecked
from typer.testing import CliRunner

import forecaster
from forecaster.cli.main import app
from forecaster.errors import RequestError
from forecaster.links.following import FOLLOWS, NOT
from forecaster.links.link import Link
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.forecast import log_errors

ONE = np.ones(1)
TRUTH = Link(0.1 * ONE, 0.75 * ONE, 0.2 * ONE, 0.04 * ONE, ONE)  # over losses of the synthetic curves
CASES = 4000


def rates(loss, seed=0):
    """Error rates of runs with these losses."""
    return np.random.default_rng(seed).binomial(CASES, TRUTH.at(np.asarray(loss))[0]) / CASES


@pytest.fixture(scope="module")
def losses():
    """A posterior of the losses of two architectures, made up."""
    drawn = {
        name: synthetic.values(400, level=level, sd={"level": 0.05}, seed=i)
        for i, (name, level) in enumerate((("a", -2.0), ("b", -1.8)))
    }
    return synthetic.posterior(drawn)


@pytest.fixture(scope="module")
def errors(losses):
    table = losses.curves.table
    return forecaster.read_curves(table.assign(task="arc", error=rates(table["error"]), n_test=CASES), as_they_are=True)


@pytest.fixture(scope="module")
def found(errors, losses):
    return forecaster.downstream(errors, losses, [0.15], at_n=[1e5, 1e6], chance=0.75)


def test_draws_of_a_forecast_loss_go_through_those_of_the_link(found, losses):
    table = found.table
    assert table["architecture"].tolist() == ["", "a", "a", "b", "b"]
    row = table[(table["architecture"] == "b") & (table["n"] == 1e6)].iloc[0]
    drawn = np.exp(log_errors(losses, CurveKey(*synthetic.GROUP, "b"), np.array([1e6]))[:, 0])
    assert row["loss"] == pytest.approx(np.median(drawn))
    assert row["yhat"] == pytest.approx(TRUTH.at(np.array([np.median(drawn)]))[0, 0], abs=0.02)
    through = TRUTH.at(np.quantile(drawn, [0.1, 0.9]))[0]
    assert row["yhat_upper"] - row["yhat_lower"] > 0.9 * np.ptp(through)  # the loss's interval, and the link's
    ends = table[["run_lower", "yhat_lower", "yhat", "yhat_upper", "run_upper"]].to_numpy()
    assert (np.diff(ends, axis=1) >= -0.01).all()


def test_a_loss_that_was_given_has_the_rate_of_the_law(found):
    row = found.table.iloc[0]
    assert row["loss"] == row["loss_lower"] == row["loss_upper"] == 0.15
    assert row["yhat"] == pytest.approx(TRUTH.at(np.array([0.15]))[0, 0], abs=0.02)
    link = found.links.iloc[0]
    assert link["verdict"] == FOLLOWS
    assert link["runs"] == len(found.runs) == 20
    assert found.runs["hidden"].sum() == link["hidden"] == 6
    told = found.runs.loc[found.runs["hidden"], ["foretold_lower", "foretold", "foretold_upper"]]
    assert (np.diff(told.to_numpy(), axis=1) >= 0).all()
    assert found.runs.loc[~found.runs["hidden"], "foretold"].isna().all()


def test_the_same_seed_gives_the_same_numbers_whatever_else_is_asked(errors, losses, found):
    again = forecaster.downstream(errors, losses, [0.15, 0.2], at_n=[1e6], chance=0.75, curves=["b"])
    first = found.table.iloc[0][["yhat", "yhat_lower", "run_upper"]]
    pd.testing.assert_series_equal(first, again.table.iloc[0][["yhat", "yhat_lower", "run_upper"]])


def test_what_does_not_follow_its_loss_fails_a_check(errors, losses):
    loss = errors.table.assign(loss=np.random.default_rng(1).permutation(losses.curves.table["error"]))
    unrelated = forecaster.read_curves(loss, as_they_are=True)
    answer = forecaster.downstream(unrelated, "loss", chance=0.75)
    assert answer.links["verdict"].tolist() == [NOT]
    assert [check.id for check in answer.failures] == ["follows-loss"]
    assert len(answer.table) == 3  # losses of its own choice


def test_a_question_beyond_what_was_tested_is_told(errors, losses):
    near, far = (forecaster.downstream(errors, losses.curves, [at], chance=0.75) for at in (0.15, 0.001))
    said = [{check.id: check.verdict for check in one.checks}["link-reach"] for one in (near, far)]
    assert said == ["PASS", "REVIEW"]


def test_refusals(errors, losses):
    ask = unchecked(forecaster.downstream)
    for options, match in (
        ({"at": [np.nan]}, "at: "),
        ({"level": 1.0}, "level"),
        ({"chance": 1.5}, "chance"),
        ({"chance": 0.25}, "0.75 where 0.25 is its accuracy"),
    ):
        with pytest.raises(RequestError, match=match):
            ask(errors, losses, **options)
    with pytest.raises(RequestError, match=r"forecaster\.fit"):
        ask(errors, losses.curves, at_n=[1e6])


def run(*arguments):
    return CliRunner().invoke(app, ["downstream", *(str(a) for a in arguments)], prog_name="forecaster")


@pytest.fixture(scope="module")
def table(losses):
    """Losses and accuracies of the same runs, side by side."""
    given = losses.curves.table
    return given.assign(nats=given["error"], acc=1 - rates(given["error"])).drop(columns="error")


def test_columns_and_rows_of_metrics_are_the_same_table(table, tmp_path):
    wide, long = tmp_path / "wide.csv", tmp_path / "long.csv"
    table.to_csv(wide, index=False)
    parts = [table.assign(metric=m, value=table[m]).drop(columns=["nats", "acc"]) for m in ("nats", "acc")]
    pd.concat(parts).to_csv(long, index=False)
    told = ["--loss", "nats", "--error", "acc", "--accuracy", "--n-test", CASES, "--chance", 0.75, "--at", "0.15"]
    answers = [run(wide, *told, "--json"), run(long, *told, "--json", "--columns", "error=value")]
    assert [done.exit_code for done in answers] == [0, 0], answers[0].output + answers[1].output
    first, again = (json.loads(done.stdout)["table"] for done in answers)
    assert first == again
    assert first[0]["verdict"] == FOLLOWS
    lost = run(wide, "--loss", "ppl", "--error", "acc", "--accuracy")
    assert (lost.exit_code, "nats" in lost.stderr) == (1, True)
    turned = run(wide, "--loss", "nats", "--error", "acc")
    assert (turned.exit_code, "--accuracy" in turned.stderr) == (1, True)


def test_the_figure_draws_runs_links_and_what_was_asked(found, tmp_path):
    figure = found.plot()
    (axes,) = figure.axes
    drawn = {str(line.get_label()): line for line in axes.lines}
    assert len(drawn["runs"].get_xdata()) + len(drawn["runs hidden for the verdict"].get_xdata()) == 20
    assert drawn["guessing"].get_ydata()[0] == 0.75
    figure.savefig(tmp_path / "links.svg")
