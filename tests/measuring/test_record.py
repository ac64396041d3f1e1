"""The record: what was put down comes back, half a line is none, and nothing else is taken for a record."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import forecaster
from forecaster.errors import RunRecordError
from forecaster.measuring.record import read_record, recording
from forecaster.measuring.runs import Job, Run, Trained

KEPT = [
    Run(Job("net", 100, 0, (("width", 8), ("name", "é\n"))), 1.5, Trained(0.25, 0.5, params=80.0)),
    Run(Job("net", 100, 1), 0.1, None, "line\nlast line"),
    Run(Job("net", 200, 1, (("shape", (8, 8)),)), 0.1, Trained(1e-9)),
]


def put(path, runs=KEPT, trainers=None):
    with recording(path, trainers or {"net": "train.py"}) as keep:
        for run in runs:
            keep(run)


def test_what_is_put_down_comes_back(tmp_path):
    path = tmp_path / "runs.jsonl"
    put(path)
    held = read_record(path)
    assert held.trainers == {"net": "train.py"}
    assert [*held.runs] == [run.job.key for run in KEPT]
    for run in KEPT:
        found = held.runs[run.job.key]
        assert (found.trained, found.message, found.seconds) == (run.trained, run.message, run.seconds)
    assert read_record(tmp_path / "none.jsonl").runs == {}


def test_the_last_line_of_a_run_counts(tmp_path):
    path = tmp_path / "runs.jsonl"
    put(path)
    put(path, [Run(KEPT[1].job, 2.0, Trained(0.125))])
    held = read_record(path)
    assert len(held.runs) == len(KEPT)
    assert held.runs[KEPT[1].job.key].trained == Trained(0.125)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1))
def test_a_record_cut_anywhere_goes_on_to_the_same_table(share, tmp_path):
    calls = []

    def train(n, seed):
        calls.append((n, seed))
        return forecaster.Trained(error=1 / n + seed / 1000, seconds=1.0)

    path = tmp_path / "cut.jsonl"
    path.unlink(missing_ok=True)
    whole = forecaster.measure(train, "10:80:x2", 2, record=path).table
    content = path.read_bytes()
    cut = content[: round(share * len(content))]
    path.write_bytes(cut)
    left = max(8 - max(cut.count(b"\n") - 1, 0), 0)
    calls.clear()
    assert forecaster.measure(train, "10:80:x2", 2, record=path).table.equals(whole)
    assert len(calls) == left
    assert [json.loads(line)["kind"] for line in path.read_text().splitlines()] == ["trainer"] + 8 * ["run"]


def test_blocks_of_zeros_at_the_end_are_half_a_line(tmp_path):
    path = tmp_path / "runs.jsonl"
    put(path)
    whole = path.read_bytes()
    path.write_bytes(whole + b"\0\0\0\n")
    put(path, [])
    assert path.read_bytes() == whole


@pytest.mark.parametrize("text", ["n,error\n1,2\n3,4\n", "one line", '{"a": 1}\n', "[]\n", "\n\n"])
def test_another_file_is_refused_and_left_alone(text, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text(text)
    with pytest.raises(RunRecordError, match="line 1"):
        put(path)
    assert path.read_text() == text


def test_a_damaged_line_is_named(tmp_path):
    path = tmp_path / "runs.jsonl"
    put(path)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([lines[0], "{}\n", *lines[1:]]))
    with pytest.raises(RunRecordError, match="line 2"):
        read_record(path)


def test_runs_of_another_trainer_are_refused(tmp_path):
    path = tmp_path / "runs.jsonl"
    put(path)
    with pytest.raises(RunRecordError, match=r"other\.py"):
        put(path, [], {"net": "other.py"})
    put(path, [], {"another": "other.py"})
    failed = tmp_path / "failed.jsonl"
    put(failed, KEPT[1:2])
    put(failed, [], {"net": "other.py"})  # of nothing but failures, nothing would be mixed
    assert read_record(failed).trainers == {"net": "other.py"}


def test_two_cannot_write_at_once(tmp_path):
    pytest.importorskip("fcntl")
    path = tmp_path / "runs.jsonl"
    with recording(path, {}), pytest.raises(RunRecordError, match="another process"):
        put(path)
    put(path)


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(RunRecordError, match="no folder"):
        put(tmp_path / "none" / "runs.jsonl")
    with pytest.raises(RunRecordError, match="cannot be written"):
        put(tmp_path)
