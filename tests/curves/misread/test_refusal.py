"""Misread tables are refused, near misses are not, and what a refusal says to type is read."""

from __future__ import annotations

import itertools
import shlex
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from forecaster.cli import main as _main  # noqa: F401  registers the verbs
from forecaster.cli.app import app
from forecaster.curves.reading.read import read_curves
from forecaster.errors import CurveMisreadError

SIZES = (100, 200, 400, 800, 1600)


def curve(error: Any, name: str = "net", **columns: Any) -> pd.DataFrame:
    """Errors at as many of SIZES."""
    made = {"domain": "field", "architecture": name, "n": SIZES[: len(error)], "error": error}
    return pd.DataFrame(made | columns)


def falling(times: float = 1.0) -> np.ndarray:
    return times * np.array(SIZES) ** -0.4


def rule_of(table, **options) -> str | None:
    """The rule that refuses a table; None where it is read, as it is with ``as_they_are`` in any case."""
    read_curves(table, as_they_are=True, **options)
    try:
        read_curves(table, **options)
    except CurveMisreadError as refused:
        return refused.rule
    return None


def commands(error: CurveMisreadError | str) -> list[list[str]]:
    lines = (line.strip() for line in str(error).splitlines())
    return [shlex.split(line)[1:] for line in lines if line.startswith("forecaster ")]


# Scores as errors ---------------------------------------------------------------------------------


ACCURACIES = 1 - falling()


@pytest.mark.parametrize(
    ("tables", "options", "rule"),
    [
        ([ACCURACIES], {}, "scores-as-errors"),
        ([100 * ACCURACIES], {}, "scores-as-errors"),
        ([ACCURACIES, ACCURACIES - 0.02, 0.95 * ACCURACIES], {}, "scores-as-errors"),
        ([ACCURACIES], {"score": "accuracy"}, None),
        ([falling()], {"score": "accuracy"}, "scores-as-errors"),
        ([ACCURACIES, falling(), falling(2)], {}, None),  # one of three rises
        ([200 * ACCURACIES], {}, None),  # no accuracy is above 100
        ([[0.30, 0.31, 0.30, 0.32, 0.33]], {}, None),  # a flat curve and its luck
        ([[0.5, 0.3, 0.35, 0.5, 0.8]], {}, None),  # falls, then diverges
    ],
)
def test_errors_that_rise_like_accuracies(tables, options, rule):
    table = pd.concat([curve(error, f"net {i}") for i, error in enumerate(tables)])
    assert rule_of(table, **options) == rule


@pytest.mark.parametrize(
    ("column", "rule"),
    [
        ("val_loss", None),
        ("rmse", None),
        ("val_acc", "scores-as-errors"),
        ("F1", "scores-as-errors"),
        ("value", "scores-as-errors"),
    ],
)
def test_the_name_of_the_column_weighs(column, rule):
    table = curve(ACCURACIES).rename(columns={"error": column})
    assert rule_of(table, columns={"error": column}) == rule


def test_errors_that_are_called_so_rise_by_luck_in_one_curve_but_not_in_three():
    one = curve(ACCURACIES, metric="error rate")
    assert rule_of(one) is None
    assert rule_of(pd.concat([curve(ACCURACIES, f"net {i}", metric="error rate") for i in range(3)])) is not None


def test_an_accuracy_that_falls_is_taken_for_an_error():
    assert rule_of(curve(falling(), metric="accuracy")) is None


# Per cent -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "column", "rule"),
    [
        (100 * falling(), "top1_error", "per-cent-as-shares"),
        (100 * falling(), "wer", "per-cent-as-shares"),
        (100 * falling(), "error", None),
        (100 * falling(), "mae", None),
        ([1.1, 0.8, 0.4, 0.2, 0.1], "wer", None),  # more words put in than there are
        ([1.1, 0.8, 0.4, 0.2, 0.1], "error_rate", "per-cent-as-shares"),
        ([0.9, 0.8, 0.4, 0.2, 0.1], "error_rate", None),
    ],
)
def test_per_cent_where_shares_are_meant(error, column, rule):
    assert rule_of(curve(error).rename(columns={"error": column}), columns={"error": column}) == rule


@given(st.floats(0.02, 0.6), st.floats(0.1, 0.9))
@settings(max_examples=25, deadline=None)
def test_rates_in_per_cent_are_refused_and_read_alike_when_divided(last, slope):
    shares = last * (SIZES[-1] / np.array(SIZES)) ** (slope * 0.15)
    as_shares, in_per_cent = (curve(k * shares).rename(columns={"error": "error_rate"}) for k in (1, 100))
    assert rule_of(as_shares, columns={"error": "error_rate"}) is None
    assert rule_of(in_per_cent, columns={"error": "error_rate"}) == "per-cent-as-shares"
    read = read_curves(in_per_cent, columns={"error": "error_rate"}, percent=True)
    np.testing.assert_allclose(read.table["error"], shares)


# Several metrics ----------------------------------------------------------------------------------


def test_two_metrics_in_one_curve_or_one_task():
    mae, rmse = curve(falling(), metric="MAE"), curve(falling(1.4), metric="RMSE")
    assert rule_of(pd.concat([mae, rmse])) == "several-metrics"
    assert rule_of(pd.concat([mae, rmse.assign(architecture="other")])) == "several-metrics"
    assert rule_of(pd.concat([mae, rmse.assign(task="other")])) is None
    assert rule_of(pd.concat([mae, rmse.assign(architecture="other", metric="mean absolute error")])) is None


# Conditions as repeats ----------------------------------------------------------------------------


def conditions(**levels: Any) -> pd.DataFrame:
    """A curve for each combination of levels, its error its own."""
    made = []
    for i, level in enumerate(itertools.product(*levels.values())):
        made.append(curve(falling(1 + i), **dict(zip(levels, level, strict=True))))
    return pd.concat(made, ignore_index=True)


@pytest.mark.parametrize(
    ("table", "rule"),
    [
        (conditions(optimiser=["adam", "sgd"]), "conditions-as-repeats"),
        (conditions(optimiser=["adam", "sgd"], rep=[0, 1]), "conditions-as-repeats"),
        (conditions(dropout=[0.0, 0.1], augment=["no", "yes"], seed=[1, 2]), "conditions-as-repeats"),
        (conditions(layers=[2, 4, 8]), "conditions-as-repeats"),
        (conditions(rep=[0, 1, 2]), None),
        (conditions(seed=[0, 1, 2]), None),
        (conditions(cv_fold=[0, 1], random_seed=[3, 4]), None),
        (conditions(hostname=["a", "b"]), None),
        (conditions(seed=[0, 1]).assign(optimiser=["adam"] * 5 + ["sgd"] * 5), None),  # a seed tells them apart
        (pd.concat([curve(falling()), curve(falling(1.1))]), None),  # nothing tells them apart
    ],
)
def test_conditions_and_repeats(table, rule):
    assert rule_of(table) == rule


@given(st.integers(0, 2**32 - 1), st.integers(2, 6))
@settings(max_examples=25, deadline=None)
def test_what_each_run_measured_or_tuned_is_no_condition(seed, runs):
    rng = np.random.default_rng(seed)
    table = pd.concat([curve(falling() * np.exp(0.1 * rng.normal(size=5))) for _ in range(runs)], ignore_index=True)
    table["seconds_taken"], table["best_c"] = rng.exponential(size=len(table)), 10.0 ** rng.integers(-3, 4, len(table))
    table["stopped"] = rng.integers(10, 40, len(table))
    assert rule_of(table) is None


# Model sizes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "rule"),
    [
        (conditions(params=[1e6, 1e7]), "models-pooled"),
        (conditions(parameter_count=["1000000", "10000000"]), "models-pooled"),
        (curve(falling(), params=[1e6, 4e6, 2e6, 8e6, 9e6]), "models-pooled"),
        (curve(falling(), params=[1e6, 2e6, 4e6, 8e6, 9e6]), None),  # the best model of each size
        (curve(falling(), params=[1e6, 4e6, 2e6, 8e6, 9e6], tuned=True), None),
        (curve(falling(), params=1e6), None),
        (curve(falling(), params=[1e6, 1.01e6, 1e6, 1e6, 1e6]), None),  # digitised
        (pd.concat([curve(falling(), "small", params=1e6), curve(falling(0.5), "large", params=1e8)]), None),
        (conditions(seed=[1, 2]).assign(params=1e6), None),
        (conditions(gflops=[1.0, 30.0]), "models-pooled"),
        (conditions(seed=[0, 1]).assign(compute=[1.0] * 5 + [30.0] * 5), None),  # one stopped early
    ],
)
def test_models_of_several_sizes_under_one_name(table, rule):
    assert rule_of(table) == rule


# What to type instead -----------------------------------------------------------------------------


FILES: dict[str, Any] = {
    "accuracies": (100 * ACCURACIES, {}, ["--domain", "image-classification-top1"]),
    "per cent": (100 * falling(), {}, ["--domain", "speech", "--columns", "error=wer"]),
    "share card": ([1.4, 1.1, 0.4, 0.3, 0.2], {}, ["--domain", "tabular"]),
}


def written(tmp_path, name) -> list[str]:
    path = tmp_path / "my runs.csv"
    if name in FILES:
        error, columns, options = FILES[name]
        table = curve(error, **columns).drop(columns="domain")
        if "error=wer" in options:
            table = table.rename(columns={"error": "wer"})
    else:
        levels = {
            "conditions": {"heuristic": "ab", "features": "cd", "rep": [0, 1]},
            "models": {"parameter_count": [1e6, 1e7]},
        }
        made = pd.concat([conditions(**levels[name]).assign(architecture=k) for k in ("x", "y")])
        table, options = (
            made.rename(columns={"n": "rows", "architecture": "method"}).drop(columns="domain"),
            [*("--columns", "n=rows,architecture=method", "--domain", "d")],
        )
    table.to_csv(path, index=False)
    return [str(path), *options]


@pytest.mark.parametrize("name", [*FILES, "conditions", "models"])
def test_the_commands_of_a_refusal_are_read(tmp_path, name):
    given = written(tmp_path, name)
    runner = CliRunner()
    refused = runner.invoke(app, ["validate", *given])
    assert refused.exit_code == 1
    found = commands(refused.stderr)
    assert len(found) >= 2
    assert "--as-they-are" in found[-1]
    for command in found:
        done = runner.invoke(app, command)
        assert done.exit_code == 0, (command, done.stderr)


def test_a_refusal_keeps_what_else_was_typed(tmp_path):
    given = written(tmp_path, "accuracies")
    refused = CliRunner().invoke(app, ["forecast", *given, "--at", "12800", "--seed", "3"])
    (first, *_) = commands(refused.stderr)
    assert first[0] == "forecast"
    assert first[first.index("--at") + 1] == "12800"
    assert first[first.index("--seed") + 1] == "3"
    assert "--percent" in first
