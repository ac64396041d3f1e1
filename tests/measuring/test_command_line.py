"""forecaster measure: a real program with a grid, its table and its record, and what is refused."""

from __future__ import annotations

import functools
import json
import sys

import pandas as pd
import pytest
from helpers import synthetic
from typer.testing import CliRunner

from forecaster.cli.main import app
from forecaster.curves.reading.read import read_curves
from forecaster.decisions.measuring import next_measurement as module
from forecaster.evaluation import fitting

SCRIPT = """
import sys
n, seed, width = map(int, sys.argv[1:])
if n == 200 and seed == 1 and not __import__("os").path.exists("mended"):
    sys.exit("out of memory")
error = 0.5 * width**-0.5 + 0.5 * width / n
print(f"epoch 1 val={9 * error} test={9 * error}")
print(f"{10 * width} parameters, val={error} test={error * (1 + seed / 100)}")
"""
COMMAND = f"{sys.executable} train.py {{n}} {{seed}} {{width}}"
READ = ["--read", "val=([-+.e0-9]+)", "--read-test", "test=([-+.e0-9]+)", "--read-params", "([0-9]+) parameters"]
ASKED = ["measure", "--command", COMMAND, *READ, "--sizes", "100:400:x2", "--seeds", "2", "--grid", "width=8,32"]


@pytest.fixture
def desk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(SCRIPT)
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments], prog_name="forecaster")


def test_a_program_is_measured_mended_and_gone_on_with(desk):
    done = run(*ASKED, "-o", "curve.csv", "--jobs", "2", "--domain", "d", "--figure", "curve.svg")
    assert done.exit_code == 3, done.output
    assert "2 of 12 runs failed" in done.stderr
    assert "exit code 1: out of memory" in done.stderr
    assert len(read_curves("curve.csv").table) == 2 + 1 + 2
    assert (desk / "curve.svg").exists()
    record = desk / "curve.runs.jsonl"
    before = record.read_text()
    (desk / "mended").touch()
    done = run(*ASKED, "-o", "curve.csv", "--domain", "d", "--retry", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["command"], found["record"]) == ("measure", "curve.runs.jsonl")
    assert len(found["table"]) == 6
    assert {row["status"] for row in found["runs"]} == {"done"}
    assert record.read_text().startswith(before)
    assert record.read_text().count("\n") == before.count("\n") + 2
    table = pd.read_csv("curve.csv")
    assert table["architecture"].unique().tolist() == ["train"]
    assert table.groupby("n")["params"].first().tolist() == [80, 320, 320]
    (curve,) = read_curves("curve.csv").curves
    assert curve.n.tolist() == [100, 100, 200, 200, 400, 400]


def test_a_plan_runs_and_writes_nothing(desk):
    done = run(*ASKED, "-o", "curve.csv", "--plan", "--json")
    assert done.exit_code == 0, done.output
    assert [row["left"] for row in json.loads(done.stdout)["table"]] == [4, 4, 4]
    assert sorted(path.name for path in desk.iterdir()) == ["train.py"]


def test_where_to_go_on_is_what_next_says_of_the_record(desk, monkeypatch):
    posterior = synthetic.posterior({"train": synthetic.values(sd={"level": 0.05})})
    fitted = []
    monkeypatch.setattr(fitting, "fit_cached", lambda curves, **_: fitted.append(curves) or posterior)
    monkeypatch.setattr(module, "next_measurement", functools.partial(module.next_measurement, refits=0))
    done = run(*ASKED, "--next", "forecast:1e6")
    assert done.exit_code == 1
    assert "measure them first" in done.stderr
    (desk / "mended").touch()
    assert run(*ASKED).exit_code == 0
    done = run(*ASKED, "--next", "forecast:1e6", "--json")
    assert done.exit_code == 0, done.output
    (curves,) = fitted
    assert len(curves.table) == 6
    found = json.loads(done.stdout)
    assert found["command"] == "next"
    (pick,) = (row for row in found["table"] if row["pick"] == 1)
    assert f"--sizes 100:400:x2,{round(pick['n'])}" in found["text"]


@pytest.mark.parametrize(
    ("more", "code", "says"),
    [
        (["--grid", "depth=1,2"], 2, "no {depth}"),
        (["--grid", "width"], 2, "--grid"),
        (["--seeds", "few"], 2, "--seeds"),
        (["--sizes", "1:2"], 2, "sizes"),
        (["--read", "val="], 2, "group"),
        (["--plan", "--next", "forecast:1e6"], 2, "--plan and --next"),
        (["--next", "tomorrow"], 1, "no run"),
        (["--record", "train.py"], 1, "train.py: line"),
        (["-o", "curve.xlsx"], 2, "xlsx"),
    ],
)
def test_what_cannot_be_done_is_refused_and_nothing_is_run(more, code, says, desk):
    done = run(*ASKED, *more)
    assert done.exit_code == code, done.output
    assert says in done.stderr
    assert sorted(path.name for path in desk.iterdir()) == ["train.py"]
    assert (desk / "train.py").read_text() == SCRIPT


def test_a_grid_with_one_error_and_one_seed_is_refused(desk):
    asked = ["measure", "--command", COMMAND, "--read", "val=([.0-9]+)", "--sizes", "100", "--grid", "width=8,32"]
    done = run(*asked, "--seeds", "1")
    assert done.exit_code == 2
    assert "--read-test" in done.stderr
    assert not (desk / "measured.runs.jsonl").exists()
