"""Across metrics: differences against independent normals, which curves are compared, and the command line."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from helpers import synthetic
from scipy.stats import norm
from typer.testing import CliRunner

from forecaster.cli.choosing import Choice
from forecaster.cli.main import app
from forecaster.cli.source import Reading, read
from forecaster.comparison.metrics import compare_metrics
from forecaster.curves.reading.read import read_curves
from forecaster.errors import CurveColumnsError, RequestError
from forecaster.inference import cache
from forecaster.inference.posterior import Posterior

METRICS = ("top-1 error", "top-5 error")


def with_metrics(drawn, metric_of):
    """A posterior whose table has a column ``metric``: by the task."""
    found = synthetic.posterior(drawn)
    table = found.curves.table
    return Posterior(found.tree, read_curves(table.assign(metric=table["task"].map(metric_of))), found.cards)


def posterior(draws=20_000, sd=0.1):
    """Two architectures by two metrics, whose exponents are 0.30 and 0.27."""
    return with_metrics(
        {
            f"vision/imagenet, {metric}/{name}": synthetic.values(
                draws, exponent=exponent, sd={"log_exponent": sd}, seed=i, floor_logit=-30.0, log_break=-60.0
            )
            for i, (metric, name, exponent) in enumerate(
                (metric, name, exponent)
                for metric, exponent in zip(METRICS, (0.30, 0.27), strict=True)
                for name in ("cnn", "vit")
            )
        },
        lambda task: task.removeprefix("imagenet, "),
    )


def test_differences_are_those_of_independent_draws():
    held, rope = posterior(), 0.1
    found = compare_metrics(held, rope=rope, at=[1e6])
    gap, close = norm(np.log(0.30 / 0.27), 0.1 * np.sqrt(2)), np.log1p(rope)
    assert found.table[["task", "architecture", "a", "b"]].to_numpy().tolist() == [
        ["imagenet", name, *METRICS] for name in ("cnn", "vit")
    ]
    for row in found.table.to_dict("records"):
        assert row["p_steeper"] == pytest.approx(gap.sf(0.0), abs=0.015)
        assert row["p_equal"] == pytest.approx(gap.cdf(close) - gap.cdf(-close), abs=0.015)
        assert row["overlap"] == pytest.approx(2 * norm.cdf(-np.log(0.30 / 0.27) / 0.2), abs=0.02)
    for row in found.slopes.to_dict("records"):  # of a pure power law the slope is the exponent
        assert row["slope_a"] == pytest.approx(0.30, rel=0.005)
        assert (row["n_from"], row["n"]) == (synthetic.SIZES[-1], 1e6)
    for name, table in found.tables.items():
        found.columns[name].check(table)
    assert json.loads(found.to_json())["command"] == "compare"
    assert len(found.plot().axes) == 1


def test_tasks_that_are_named_by_metrics_alone_are_compared_too():
    named = {"energy MAE": "energy MAE", "force MAE": "force MAE"}
    for tasks in ({"energy MAE": "energy MAE", "force MAE": "force MAE"}, {"E": "energy MAE", "F": "force MAE"}):
        drawn = {f"materials/{task}/mace": synthetic.values(seed=i) for i, task in enumerate(tasks)}
        found = compare_metrics(with_metrics(drawn, tasks.get))
        assert found.table[["task", "a", "b"]].to_numpy().tolist() == [["all", *named]]


def test_one_metric_is_not_compared():
    with pytest.raises(RequestError, match="found none named"):
        compare_metrics(synthetic.posterior({"cnn": synthetic.values()}))
    with pytest.raises(RequestError, match="found top-1 error"):
        compare_metrics(with_metrics({"cnn": synthetic.values()}, lambda _: "top-1 error"))


@pytest.fixture
def table():
    """Two tasks, two architectures, two metrics."""
    rows = [
        ("vision", task, name, metric, n, scale * n**-0.3)
        for task in ("imagenet", "places")
        for name in ("cnn", "vit")
        for metric, scale in zip(METRICS, (3.0, 1.5), strict=True)
        for n in (1e3, 3e3, 1e4, 3e4)
    ]
    return pd.DataFrame(rows, columns=["domain", "task", "architecture", "metric", "n", "error"])


@pytest.mark.parametrize("task", [True, False])
@pytest.mark.parametrize("column", ["metric", "measure"])
def test_a_table_is_read_with_a_task_for_each_metric(table, tmp_path, task, column):
    """Whatever the column is called, and with tasks or without."""
    path = tmp_path / "curves.csv"
    own = table if task else table[table["task"] == "places"].drop(columns="task")
    own.rename(columns={"metric": column}).to_csv(path, index=False)
    columns = () if column == "metric" else ("metric=measure",)
    given = read(path, Reading(columns=columns, by_metric=True), Choice())
    places = [f"places, {metric}" for metric in METRICS] if task else list(METRICS)
    assert [name for _, name in given.curves.groups][-2:] == places
    assert {curve.metric for curve in given.curves.curves} == set(METRICS)
    again = read_curves(path, **given.curves.reading.arguments())
    assert again.data_hash == given.curves.data_hash
    if task:
        chosen = read(path, Reading(columns=columns, by_metric=True), Choice(task=("places",)))
        assert [name for _, name in chosen.curves.groups] == places


def test_without_such_a_column_the_next_step_is_said(table, tmp_path):
    path = tmp_path / "curves.csv"
    table[table["metric"] == METRICS[0]].drop(columns="metric").to_csv(path, index=False)
    with pytest.raises(CurveColumnsError, match="--columns metric="):
        read(path, Reading(by_metric=True), Choice())


def test_on_the_command_line(table, tmp_path, monkeypatch):
    """Nothing is sampled: what would be fitted has a task for each metric."""

    def fit(curves, **_):
        metric_of = {curve.task: curve.metric for curve in curves.curves}
        return with_metrics({c.label: synthetic.values(sd={"log_exponent": 0.1}) for c in curves.curves}, metric_of.get)

    monkeypatch.setattr(cache, "fit_cached", fit)
    path = tmp_path / "curves.csv"
    table.to_csv(path, index=False)
    asked = ["compare", str(path), "--across", "metric", "--architecture", "vit", "--at", "1e6"]
    done = CliRunner().invoke(app, [*asked, "--json"])
    assert done.exit_code in (0, 3), done.output
    told = json.loads(done.stdout)
    assert [[row[k] for k in ("task", "architecture", "a", "b")] for row in told["table"]] == [
        [task, "vit", *METRICS] for task in ("imagenet", "places")
    ]
    assert {row["n"] for row in told["slopes"]} == {1e6}
    assert CliRunner().invoke(app, [*asked, "--kind", "mean"]).exit_code == 2
