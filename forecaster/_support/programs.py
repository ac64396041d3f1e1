"""Programs that this process runs, and ends with itself."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

# Programs running at the moment, ended when this process has to end at once.
_running: set[subprocess.Popen[str]] = set()
_lock = threading.Lock()


class Finished(NamedTuple):
    """The end of a program: its exit code, and its stdout and stderr together."""

    code: int
    said: str


def run_program(command: str, environment: Mapping[str, str] | None = None) -> Finished:
    """Run a command line by the shell, with ``environment`` added to this process's own.

    It gets no input, and a session of its own: what it starts ends with it where it is interrupted.
    """
    options = {"shell": True, "text": True, "errors": "replace", "start_new_session": os.name != "nt"}
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with _lock:  # no program starts once all are being ended
        process = subprocess.Popen(command, env=os.environ | dict(environment or {}), **pipes, **options)  # type: ignore[call-overload]
        _running.add(process)
    try:
        said, _ = process.communicate()
        return Finished(process.returncode, said)
    except BaseException:
        _end(process)
        process.communicate()
        raise
    finally:
        with _lock:
            _running.discard(process)


def end_all() -> None:
    """End at once every program that is running."""
    with _lock:
        for process in _running:
            _end(process)


def end_for_good() -> None:
    """The same before this process ends: afterwards no program starts, and no end of one is reported."""
    _lock.acquire()
    for process in _running:
        _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    with suppress(OSError):
        if os.name == "nt":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
