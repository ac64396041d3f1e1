"""Ctrl-C ends a process within seconds, whatever it is doing, and leaves nothing half-written. Real processes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.synthetic import posterior, values

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "forecaster" / "examples" / "digits.csv"
PATIENCE = 5.0  # seconds; on a quiet machine it is a fifth of one
pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to send")


def interrupted(command, ready: Callable[[], bool], cache: Path, number=signal.SIGINT, wait: float = 0.0):
    """Exit code, stderr and seconds of a command whose process group gets a signal, as from a terminal, when ready."""
    with subprocess.Popen(
        [sys.executable, *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | {"XDG_CACHE_HOME": str(cache)},
    ) as process:
        try:
            until = time.monotonic() + 120
            while not ready():
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < until, "it never began"
                time.sleep(0.05)
            time.sleep(wait)
            assert process.poll() is None, process.communicate()
            began = time.monotonic()
            os.killpg(process.pid, number)
            _, said = process.communicate(timeout=60)
            return process.returncode, said, time.monotonic() - began
        finally:
            if process.poll() is None:
                process.kill()


def assert_clean(found, folder: Path, said="Interrupted; nothing was written", code=130):
    returned, stderr, seconds = found
    assert returned == code, stderr
    assert said in stderr
    assert "Traceback" not in stderr
    assert "Exception ignored" not in stderr
    assert seconds < PATIENCE
    assert list(folder.rglob("*.part")) == []


def test_during_compilation(tmp_path):
    command = ["-m", "forecaster", "fit", DIGITS, "-o", tmp_path / "digits.nc"]
    compiled = tmp_path / "cache" / "forecaster" / "compiled"
    found = interrupted(command, compiled.exists, tmp_path / "cache", wait=0.5)
    assert_clean(found, tmp_path)
    assert not (tmp_path / "digits.nc").exists()


def test_during_sampling(tmp_path):
    """Sampling itself is a loop that tells how far it is; here it goes on for as long as it takes to interrupt it."""
    begun = tmp_path / "begun"
    script = tmp_path / "sampling.py"
    script.write_text(SAMPLING)
    command = [script, "fit", DIGITS, "--no-cache", "-o", tmp_path / "digits.nc"]
    found = interrupted(command, begun.exists, tmp_path / "cache")
    assert_clean(found, tmp_path)
    assert not (tmp_path / "digits.nc").exists()


SAMPLING = '''
import sys
import time
from pathlib import Path

from forecaster.cli.main import main
from forecaster.inference import fit


def endless(designs, *_, **__):
    """Threads that sleep, as those that sample wait for XLA."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as threads:
        waiting = [threads.submit(time.sleep, 60) for _ in range(2)]
        Path(__file__).with_name("begun").touch()
        return [one.result() for one in waiting]


fit._by_jax = endless
main()
'''


def test_during_nuts(tmp_path):
    """It compiles by numba and C, then samples in threads of Rust."""
    command = ["-m", "forecaster", "fit", DIGITS, "--engine", "nuts", "-o", tmp_path / "digits.nc"]
    started = time.monotonic()
    found = interrupted(command, lambda: time.monotonic() > started + 12.0, tmp_path / "cache")
    assert_clean(found, tmp_path)


POOL = """
import sys
import time
from pathlib import Path

from forecaster._support import workers
from forecaster.cli import interrupts


def piece(number):
    Path(sys.argv[0]).with_name(f"begun-{number}").touch()
    time.sleep(60)


if __name__ == "__main__":
    interrupts.watch()
    list(workers.shared_out(piece, range(4), 2))
"""


def test_processes_that_share_the_work_end_too(tmp_path):
    script = tmp_path / "pool.py"
    script.write_text(POOL)
    found = interrupted([script], lambda: len(list(tmp_path.glob("begun-*"))) == 2, tmp_path)
    assert_clean(found, tmp_path)
    assert found[1] == "Interrupted; nothing was written\n"
    time.sleep(0.5)
    everything = subprocess.run(["ps", "-eo", "args="], capture_output=True, text=True, check=True).stdout
    assert str(script) not in everything


WRITING = """
import sys
import time
from pathlib import Path

from forecaster._support.atomic_files import write_whole, written_together
from forecaster.cli import interrupts

here = Path(sys.argv[0]).parent


def half(name):
    Path(name).write_text("half")
    (here / "begun").touch()
    time.sleep(60)


interrupts.watch()
write_whole(here / "first.txt", lambda name: Path(name).write_text("whole"))
interrupts.wrote([here / "first.txt"])
with written_together(here / "new" / "folder") as aside:
    (aside / "memo.md").write_text("half")
    write_whole(here / "second.txt", half)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_is_being_written_goes_and_what_was_written_is_told(tmp_path, number):
    script = tmp_path / "writing.py"
    script.write_text(WRITING)
    found = interrupted([script], (tmp_path / "begun").exists, tmp_path, number)
    word = {signal.SIGINT: "Interrupted", signal.SIGTERM: "Terminated"}[number]
    said = f"{word}; {tmp_path / 'first.txt'} had been written whole"
    assert_clean(found, tmp_path, said, 128 + number)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["begun", "first.txt", "writing.py"]


def test_what_a_killed_process_left_is_swept_by_the_next_write(tmp_path):
    from forecaster._support.atomic_files import write_whole

    script = tmp_path / "writing.py"
    script.write_text(WRITING)
    found = interrupted([script], (tmp_path / "begun").exists, tmp_path, signal.SIGKILL)
    assert found[0] == -signal.SIGKILL
    assert len(list(tmp_path.glob("*.part"))) == 2
    write_whole(tmp_path / "third.txt", lambda name: Path(name).write_text("whole"))
    assert list(tmp_path.glob("*.part")) == []


def test_a_finished_command_is_not_denied(tmp_path):
    """A command that runs to its end is not touched by the watch."""
    path = posterior({"cnn": values(sd={"level": 0.05})}).save(tmp_path / "one.nc")
    done = subprocess.run(
        [sys.executable, "-m", "forecaster", "inspect", str(path), "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert re.match(r"\{.*\}\n$", done.stdout)


def test_during_a_measurement(tmp_path):
    """The program that is running ends too; what was put down is kept, and nothing is put down as failed."""
    script = tmp_path / "train.py"
    script.write_text(TRAINING)
    record, begun = tmp_path / "runs.jsonl", tmp_path / "begun"
    asked = ["--read", "error=([.0-9]+)", "--sizes", "10,20", "--seeds", "1", "--record", record]
    command = ["-m", "forecaster", "measure", "--command", f"{sys.executable} {script} {{n}}", *asked]
    found = interrupted(command, begun.exists, tmp_path / "cache", wait=0.2)
    assert_clean(found, tmp_path, f"Interrupted; {record} had been written whole")
    assert [line.split('"kind": "')[1][:3] for line in record.read_text().splitlines()] == ["tra", "run"]
    assert "failed" not in record.read_text()
    training = int(begun.read_text())
    until = time.monotonic() + PATIENCE
    while alive(training):
        assert time.monotonic() < until, "the program goes on"
        time.sleep(0.05)


def alive(process: int) -> bool:
    told = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False)
    return told.stdout[:1] not in ("", "Z")


TRAINING = """
import os, pathlib, sys, time
if sys.argv[1] == "20":
    place = pathlib.Path(__file__).with_name("begun")
    place.with_suffix(".part_").write_text(str(os.getpid()))
    place.with_suffix(".part_").rename(place)
    time.sleep(60)
print("error=0.5")
"""
