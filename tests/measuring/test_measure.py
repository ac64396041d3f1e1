"""measure: the whole way from a trainer to a table, with runs that fail, and a plan of what is left."""

from __future__ import annotations

import functools
import os
import signal

import numpy as np
import pytest
from helpers.unchecked import unchecked

import forecaster
from forecaster import Trained
from forecaster.errors import RequestError, RunRecordError

GRID = {"width": [8, 32, 128]}


def error_of(n, width):
    """Approximation falls with the width, estimation with the data."""
    return 0.5 * width**-0.5 + 0.02 * width / n


def train(n, seed, width):
    error = error_of(n, width)
    return Trained(error=error, test_error=error * (1 + 0.01 * seed), params=10.0 * width, seconds=1e-3 * n * width)


def verdicts(found):
    return {check.id: check.verdict for check in found.checks}


def test_the_table_is_that_of_the_best_models():
    found = forecaster.measure(train, "100:12800:x2", seeds=2, grid=GRID, domain="d", task="t", metric="loss")
    for row in found.table.to_dict("records"):
        best = min(GRID["width"], key=lambda w: error_of(row["n"], w))
        assert row["error"] == pytest.approx(error_of(row["n"], best) * (1 + 0.01 * row["seed"]))
        assert (row["params"], row["point"], row["tuned"]) == (10 * best, f"width={best}", True)
        assert row["seconds"] == pytest.approx(1e-3 * row["n"] * best)
    assert len(found.table) == 8 * 2
    assert len(found.runs) == 8 * 2 * 3
    assert found.runs["chosen"].sum() == 16
    assert found.hours == pytest.approx(found.runs["seconds"].sum() / 3600)
    widths = found.table.groupby("n")["params"].first() / 10
    edges = dict(zip(found.sizes["n"], found.sizes["edge"], strict=True))
    wanted = {8: "smallest width", 32: "", 128: "largest width"}
    assert edges == {n: wanted[int(width)] for n, width in widths.items()}
    assert verdicts(found) == {"runs": "PASS", "grid-edge": "REVIEW"}
    curve = found.curves().curves[0]
    assert (curve.label, curve.metric) == ("d/t/train", "loss")


def test_what_runs_take_is_told():
    found = forecaster.measure(lambda n, seed: {"error": 1 / n, "seconds": 3600.0, "compute": 2e9}, [10, 20], 1, gpus=2)
    assert found.table["gpu_hours"].tolist() == [2.0, 2.0]
    assert found.table["compute"].tolist() == [2e9, 2e9]
    told = forecaster.measure(lambda n, seed: Trained(1 / n, gpu_hours=7.0), [10], 1, gpus=2)
    assert told.table["gpu_hours"].tolist() == [7.0]
    assert "tuned" not in told.table
    assert "point" not in told.table
    assert told.table["architecture"].tolist() == ["model"]


def test_runs_that_fail_are_told_and_the_rest_goes_on(tmp_path):
    record = tmp_path / "runs.jsonl"
    broken = [True]

    def sometimes(n, seed):
        if n == 20 and broken:
            raise MemoryError("no room for it")
        return 1 / n

    found = forecaster.measure(sometimes, [10, 20, 40], 2, record=record)
    assert found.failed
    assert verdicts(found) == {"runs": "FAIL"}
    assert found.table["n"].unique().tolist() == [10, 40]
    failed = found.runs[found.runs["status"] == "failed"]
    assert failed["n"].tolist() == [20, 20]
    assert all("MemoryError: no room for it" in said for said in failed["message"])
    broken.clear()
    assert forecaster.measure(sometimes, [10, 20, 40], 2, record=record).failed  # it is not tried again unasked
    mended = forecaster.measure(sometimes, [10, 20, 40], 2, record=record, retry=True)
    assert mended.table["n"].unique().tolist() == [10, 20, 40]
    assert not mended.failed


def test_where_all_fail_there_is_no_table():
    with pytest.raises(RequestError, match=r"all 2 runs failed(.|\n)*ZeroDivisionError"):
        forecaster.measure(lambda n, seed: 1 / 0, [10, 20], 1)
    with pytest.raises(RequestError, match="expected an error"):
        forecaster.measure(lambda n, seed: "good", [10], 1)
    with pytest.raises(RequestError, match="accuracy"):
        forecaster.measure(lambda n, seed: {"accuracy": 0.5}, [10], 1)


def test_no_error_at_all_is_half_a_case_or_left_out():
    def perfect(n, seed):
        return 0.0 if n > 15 else 0.1

    assert forecaster.measure(perfect, [10, 20], 1, n_test=50).table["error"].tolist() == [0.1, 0.01]
    found = forecaster.measure(perfect, [10, 20], 1)
    assert found.table["n"].tolist() == [10]
    assert verdicts(found)["no-error"] == "REVIEW"


def test_one_seed_and_one_error_for_a_grid_is_told():
    assert verdicts(forecaster.measure(lambda n, seed, k: k / n, [10], 1, grid={"k": [1, 2]}))["choice"] == "REVIEW"
    assert "choice" not in verdicts(forecaster.measure(lambda n, seed, k: k / n, [10], 2, grid={"k": [1, 2]}))


def test_only_what_is_new_is_run(tmp_path):
    calls = []

    def counted(n, seed, width):
        calls.append((n, seed, width))
        return train(n, seed, width)

    def go(*arguments, **more):
        calls.clear()
        return forecaster.measure(counted, *arguments, record=tmp_path / "runs.jsonl", **more)

    go([100, 200], 1, grid={"width": [8, 32]})
    assert len(calls) == 4
    found = go([100, 200, 400], 2, grid=GRID)
    assert len(calls) == 3 * 2 * 3 - 4
    assert found.table.drop(columns="seconds").equals(
        forecaster.measure(counted, [100, 200, 400], 2, grid=GRID).table.drop(columns="seconds")
    )
    go([100, 200, 400], 2, grid=GRID)
    assert calls == []
    with pytest.raises(RunRecordError, match="another name for the architecture"):
        forecaster.measure(train, [100], 1, grid=GRID, architecture="counted", record=tmp_path / "runs.jsonl")


def test_an_interruption_keeps_what_is_done(tmp_path):
    calls = []

    def train(n, seed):
        calls.append(n)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return 1 / n

    with pytest.raises(KeyboardInterrupt):
        forecaster.measure(train, [10, 20, 40], 1, record=tmp_path / "runs.jsonl")
    found = forecaster.measure(train, [10, 20, 40], 1, record=tmp_path / "runs.jsonl")
    assert calls == [10, 20, 40, 40]
    assert found.table["error"].tolist() == [1 / 10, 1 / 20, 1 / 40]


def test_trainers_with_arguments_of_their_own_are_told_apart(tmp_path):
    def with_rate(n, seed, rate):
        return rate / n

    record = tmp_path / "runs.jsonl"
    forecaster.measure(functools.partial(with_rate, rate=1.0), [10], 1, record=record)
    with pytest.raises(RunRecordError, match=r"rate=2\.0"):
        forecaster.measure(functools.partial(with_rate, rate=2.0), [10], 1, record=record)


def test_a_plan_runs_nothing_and_tells_what_is_left(tmp_path):
    record, asked = tmp_path / "runs.jsonl", {"grid": {"width": [8, 16]}, "gpus": 4}
    empty = forecaster.measure_plan(train, "100:400:x2", 2, record=record, **asked)
    assert empty.table[["runs", "done", "left"]].to_numpy().tolist() == [[4, 0, 4]] * 3
    assert np.isnan(empty.hours)
    assert empty.to_dict()["hours"] is None
    assert not record.exists()
    forecaster.measure(train, [100, 200], 2, record=record, **asked)
    plan = forecaster.measure_plan(train, "100:400:x2", 2, record=record, jobs=2, **asked)
    assert plan.table["left"].tolist() == [0, 0, 4]
    hours = 1e-3 * 400 * (8 + 8 + 16 + 16) / 3600
    assert plan.table["hours"].iloc[-1] == pytest.approx(hours)
    assert plan.table["gpu_hours"].iloc[-1] == pytest.approx(4 * hours)
    assert plan.hours == pytest.approx(hours / 2)


def test_progress_tells_the_time_that_is_left():
    said = []

    def steady(n, seed):
        return Trained(1 / n, seconds=float(n))

    forecaster.measure(steady, [100, 200, 400], 1, on_progress=lambda what, share: said.append((what, share)))
    assert [what for what, _ in said] == [
        "1 of 3 runs, about 10 min to go",
        "2 of 3 runs, about 6.7 min to go",
        "3 of 3 runs",
    ]
    assert [share for _, share in said] == pytest.approx([1 / 7, 3 / 7, 1.0])


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to send")
def test_a_run_that_ends_its_process_is_failed_and_the_others_are_made():
    def deadly(n, seed):
        if n == 20:
            os.kill(os.getpid(), signal.SIGKILL)
        return Trained(error=1 / n, seconds=float(os.getpid()))

    found = forecaster.measure(deadly, [10, 20, 40, 80], 1, jobs=2)
    assert found.runs["status"].tolist() == ["done", "failed", "done", "done"]
    assert "ended from outside" in found.runs["message"].iloc[1]
    assert os.getpid() not in found.table["seconds"].tolist()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"seeds": 0}, "seeds"),
        ({"seeds": [1, 1]}, "seeds"),
        ({"grid": {"n": [1]}}, "grid"),
        ({"grid": {"width": []}}, "grid"),
        ({"grid": {"width": "64"}}, "grid"),
        ({"grid": {"width": [1, 1]}}, "twice"),
        ({"jobs": 0}, "jobs"),
        ({"gpus": -1.0}, "gpus"),
        ({"trainer": {}}, "trainer"),
        ({"trainer": {"a": train}, "architecture": "b"}, "architecture"),
    ],
)
def test_what_makes_no_sense_is_refused(more, says):
    with pytest.raises(RequestError, match=says):
        unchecked(forecaster.measure)(**({"trainer": train, "sizes": [10], "seeds": 1} | more))
