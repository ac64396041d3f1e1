"""A measurement that is killed at random moments, and started again, ends with the table of one that never was."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

import forecaster

TOY = """
import sys, time
import forecaster

def train(n, seed, width):
    with open("begun.txt", "a") as file:
        file.write(f"{n} {seed} {width}\\n")
    time.sleep(float(sys.argv[1]))
    return forecaster.Trained(error=width**-0.5 + width / n, test_error=width**-0.5 + width / n + seed / 1000)

if __name__ == "__main__":
    found = forecaster.measure(train, "100:800:x2", 2, grid={"width": [4, 16]}, record="runs.jsonl")
    found.table.to_csv("curve.csv", index=False)
"""
RUNS = 4 * 2 * 2


def trained(n: int, seed: int, width: int) -> forecaster.Trained:
    """The same model, trained in no time."""
    error = width**-0.5 + width / n
    return forecaster.Trained(error=error, test_error=error + seed / 1000)


def lines(folder: Path) -> int:
    record = folder / "runs.jsonl"
    return record.read_bytes().count(b"\n") if record.exists() else 0


def killed(folder: Path, seconds: float, kills: int, latest: float, rng: random.Random) -> None:
    """Start the toy again and again, and kill it at moments up to ``latest`` seconds after its first new run."""
    (folder / "toy.py").write_text(TOY)
    command = [sys.executable, "toy.py", str(seconds)]
    for _ in range(kills):
        before = lines(folder)
        process = subprocess.Popen(command, cwd=folder, start_new_session=True)
        while lines(folder) == before and process.poll() is None and seconds < 1.0:
            time.sleep(0.01)
        time.sleep(rng.uniform(0.0, latest))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    subprocess.run(command, cwd=folder, check=True)


def assert_as_if_never_killed(folder: Path, kills: int) -> None:
    told = [json.loads(line) for line in (folder / "runs.jsonl").read_text().splitlines()]
    runs = [json.dumps([row["n"], row["seed"], row["point"]]) for row in told if row["kind"] == "run"]
    assert len(runs) == len(set(runs)) == RUNS
    begun = (folder / "begun.txt").read_text().splitlines()
    assert RUNS <= len(begun) <= RUNS + kills  # a kill costs at most the run that it came in
    wanted = forecaster.measure(trained, "100:800:x2", 2, grid={"width": [4, 16]}, architecture="train").table
    found = pd.read_csv(folder / "curve.csv")
    pd.testing.assert_frame_equal(found.drop(columns="seconds"), wanted.drop(columns="seconds"), check_dtype=False)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to send")
def test_a_toy_killed_twice(tmp_path):
    killed(tmp_path, 0.03, 2, 0.2, random.Random(1))
    assert_as_if_never_killed(tmp_path, 2)


@pytest.mark.slow
def test_ten_second_runs_killed_at_twenty_random_moments(tmp_path):
    killed(tmp_path, 10.0, 20, 16.0, random.Random(2))
    assert_as_if_never_killed(tmp_path, 20)
