"""A program as a trainer: what is filled in, what is read of its output, and what is refused."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from forecaster import CommandTrainer, Trained
from forecaster._support import programs
from forecaster.errors import OptionError
from forecaster.measuring.running import RunFailed
from forecaster.measuring.trainers.commands import LINES

ERROR = "error=([-+.e0-9]+)"


def echo(said: str, read=ERROR) -> Trained:
    return CommandTrainer(f"echo '{said}' {{n}}", read)(1, 0)


def test_values_are_filled_in_and_quoted():
    trainer = CommandTrainer("python t.py {n} {seed} {n} --name {name} | awk '{{print $1}}'", ERROR)
    assert trainer.places == ("n", "seed", "name")
    filled = trainer.filled(n=1000, seed=3, name="a b; rm x")
    assert filled == "python t.py 1000 3 1000 --name 'a b; rm x' | awk '{print $1}'"
    assert CommandTrainer("t {{{n}}}", ERROR).filled(n=5) == "t {5}"


@pytest.mark.parametrize(
    ("said", "error"),
    [("error=0.25", 0.25), ("error=9 error=0.5", 0.5), ("error=1.5e-05.", 1.5e-5), ("error=+2", 2.0), ("error=0", 0.0)],
)
def test_the_last_match_is_read(said, error):
    assert echo(said).error == error


def test_named_groups_and_several_expressions():
    both = "val=(?P<error>[.0-9]+) test=(?P<test_error>[.0-9]+)"
    assert echo("val=0.5 test=0.25", both) == Trained(0.5, 0.25)
    read = {"error": both, "params": "([0-9,]+) parameters", "seconds": "took ([.0-9]+)"}
    assert echo("val=0.5 test=0.25, 1,200 parameters, took 3", read) == Trained(0.5, 0.25, 1200.0, seconds=3.0)


@pytest.mark.parametrize(
    ("said", "read", "expects"),
    [
        ("error=1.2e-05", "error=([.0-9]+)", "1.2e-05"),  # a millionth must not become one
        ("error=123", "error=([0-9]{2})", "123"),
        ("error=nan", "error=([a-z]+)", "nan"),
        ("error=-0.5", ERROR, "not below 0"),
        ("error=--", "error=(.*)", "expected a whole number"),
        ("loss=1", ERROR, "no match"),
    ],
)
def test_what_is_no_error_fails_the_run(said, read, expects):
    with pytest.raises(RunFailed, match=expects):
        echo(said, read)


def test_a_program_that_fails_says_how_it_ended():
    script = "import sys; [print('line', i, flush=True) for i in range(50)]; sys.exit('out of memory')"
    trainer = CommandTrainer(f'{sys.executable} -c "{script}" {{n}}', ERROR)
    with pytest.raises(RunFailed) as told:
        trainer(1, 0)
    first, *last = str(told.value).splitlines()
    assert first == "exit code 1: out of memory"
    assert last == [*(f"line {i}" for i in range(50 - LINES + 1, 50)), "out of memory"]


@pytest.mark.parametrize(
    ("command", "read", "says"),
    [
        ("python t.py", ERROR, "no {n}"),
        ("t {n}", "error=[0-9]+", "group"),
        ("t {n}", "error=([0-9", "no regular expression"),
        ("t {n}", "(?P<loss>.*)", "'loss'"),
        ("t {n}", {"test_error": "(.*)"}, "`error`"),
        ("t {n} {1}", ERROR, "found {1}"),
    ],
)
def test_what_cannot_be_a_trainer_is_refused(command, read, says):
    with pytest.raises(OptionError) as told:
        CommandTrainer(command, read)
    assert says in str(told.value)


def test_the_command_has_a_place_for_every_name_and_no_other():
    trainer = CommandTrainer("t {n} {width}", ERROR)
    trainer.expect_places({"width": [1]}, seeds=1)
    for grid, seeds in (({"width": [1]}, 2), ({}, 1), ({"width": [1], "depth": [1]}, 1)):
        with pytest.raises(OptionError, match="command: found"):
            trainer.expect_places(grid, seeds)


def test_runs_side_by_side_share_the_cores(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("forecaster.measuring.trainers.commands.cores", lambda: 8)
    shows = "echo error=$(({n} + ${{OMP_NUM_THREADS:-0}}))"
    assert CommandTrainer(shows, ERROR)(0, 0).error == 0
    assert CommandTrainer(shows, ERROR, side_by_side=3)(0, 0).error == 2
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert CommandTrainer(shows, ERROR, side_by_side=3)(0, 0).error == 5


@pytest.mark.skipif(os.name == "nt", reason="Windows has no process groups")
def test_a_program_ends_with_all_that_it_started(tmp_path):
    """Where the thread that waits for it is told to stop, its own children go as well."""
    code = (
        "import threading, time\n"
        "from forecaster._support import programs\n"
        "threading.Timer(0.3, programs.end_all).start()\n"
        "print(programs.run_program('sleep 61 & echo $! > child; sleep 61').code)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert done.stdout.strip() == "-9", done.stderr
    child = int((tmp_path / "child").read_text())
    assert subprocess.run(["ps", "-o", "stat=", "-p", str(child)], capture_output=True).stdout[:1] in (b"", b"Z")
    assert programs.run_program("echo fine").said == "fine\n"
