"""The record of runs: a file that only grows, a JSON object a line, written out to the disk before the next run counts.

A line of kind ``trainer`` says what trains an architecture; one of kind ``run`` what became of a run, the last line of
a run counting. A process that is killed may leave the last line half-written: it is left out, and goes when the record
is written to again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from forecaster.errors import RunRecordError
from forecaster.measuring.runs import Run

LINE_START = b'{"kind": "'  # how every line begins


@dataclass(frozen=True)
class Recorded:
    """The contents of a record: the trainer of each architecture, and the runs by the keys of their jobs."""

    trainers: Mapping[str, str] = field(default_factory=dict)
    runs: Mapping[str, Run] = field(default_factory=dict)
    length: int = 0  # bytes of whole lines

    def expect(self, path: Path, trainers: Mapping[str, str]) -> None:
        """RunRecordError where runs of an architecture were made by another trainer."""
        done = {run.job.architecture for run in self.runs.values() if run.trained is not None}
        for name, own in trainers.items():
            if name in done and self.trainers.get(name, own) != own:
                raise RunRecordError(
                    f"{path}: found runs of {name} by {self.trainers[name]}; expected runs by {own}. Choose another "
                    "record, or another name for the architecture"
                )


def read_record(path: Path) -> Recorded:
    """The contents of a record, empty if there is no file; RunRecordError if it is something else."""
    if not path.exists():
        return Recorded()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RunRecordError(f"{path}: cannot be read ({error.strerror}); choose another record") from error
    lines = content.splitlines(keepends=True)
    trainers: dict[str, str] = {}
    runs: dict[str, Run] = {}
    length = 0
    for number, line in enumerate(lines, start=1):
        try:
            if not line.endswith(b"\n") and line.startswith(LINE_START[: len(line)]):
                break  # half a line, the last
            row: Any = json.loads(line)
            if row["kind"] == "trainer":
                trainers[row["architecture"]] = row["trainer"]
            else:
                run = Run.of_row(row)
                runs[run.job.key] = run
        except (ValueError, KeyError, TypeError) as error:
            if number == len(lines) > 1:
                break
            found = line[:60].decode("utf-8", "replace").strip()
            raise RunRecordError(
                f"{path}: line {number}: found {found!r}; expected the record of a run, a JSON object. "
                "Remove the line, or choose another record"
            ) from error
        length += len(line)
    return Recorded(trainers, runs, length)


@contextmanager
def recording(path: Path, trainers: Mapping[str, str]) -> Iterator[Callable[[Run], None]]:
    """Give a function that puts a run down: when it returns, the run is on the disk.

    RunRecordError where another process writes to the record, the system refuses it, or :meth:`Recorded.expect` does.
    """
    if not path.parent.is_dir():
        raise RunRecordError(f"{path}: found no folder {path.parent}; make it first, or choose another record")
    try:
        file = path.open("ab")
    except OSError as error:
        raise RunRecordError(f"{path}: cannot be written ({error.strerror}); choose another record") from error
    with file:
        _lock(path, file)
        held = read_record(path)  # now that nobody else writes
        held.expect(path, trainers)
        file.truncate(held.length)
        for name, own in trainers.items():
            if held.trainers.get(name) != own:
                _put(file, {"kind": "trainer", "architecture": name, "trainer": own})
        yield lambda run: _put(file, {"kind": "run", **run.as_row()})


def _put(file: BinaryIO, row: Mapping[str, Any]) -> None:
    file.write(json.dumps(row, allow_nan=False).encode() + b"\n")
    file.flush()
    os.fsync(file.fileno())


def _lock(path: Path, file: BinaryIO) -> None:
    """Hold the record until it is closed or this process ends. Where a file system has no locks, nothing is held."""
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise RunRecordError(
            f"{path}: another process is measuring into this record; wait for it, or choose another record"
        ) from error
    except OSError:
        return
