"""Making runs: one after the other or side by side, each put down as soon as it is done, whatever becomes of others."""

from __future__ import annotations

import functools
import time
import traceback
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from forecaster._support import programs
from forecaster._support.workers import cores, shared_out
from forecaster.errors import ProcessError, RequestError
from forecaster.measuring.pace import seconds_of
from forecaster.measuring.runs import Job, Run, Trainer, trained_of
from forecaster.results.wording import counted

LINES = 8  # of what a failed run said that are kept
Keep = Callable[[Run], None]
Progress = Callable[[str, float], None]


class RunFailed(Exception):
    """A trainer's own account of a failed run, in place of a traceback."""


def workers_of(jobs: int) -> int:
    """How many runs go side by side; -1 is one a core. RequestError for a number that is neither."""
    if jobs != -1 and jobs < 1:
        raise RequestError(f"jobs: found {jobs}; expected a whole number from 1, or -1 for as many as there are cores")
    return cores() if jobs == -1 else jobs


def run_all(
    trainers: Mapping[str, Trainer],
    jobs: Sequence[Job],
    keep: Keep,
    *,
    count: int = 1,
    tell: Progress | None = None,
    before: Sequence[Run] = (),
) -> None:
    """Make every job's run, ``count`` at a time, and hand each to ``keep`` when it is done.

    Trainers that only wait for a program (``threads`` is true of them) run in threads, all others in processes. Where
    one of the processes is ended from outside, as for want of memory, the runs that it may have been at are made again
    one at a time; the one that ends its process again is a failed run, and the others go on.
    """
    done: dict[str, Run] = {}
    tell = tell or (lambda what, share: None)

    def put(run: Run) -> None:
        keep(run)
        done[run.job.key] = run
        left = [job for job in jobs if job.key not in done]
        tell(*_progress(jobs, left, [*before, *done.values()], count))

    threads = all(getattr(trainer, "threads", False) for trainer in trainers.values())
    make = functools.partial(made, trainers)
    try:
        while left := [job for job in jobs if job.key not in done]:
            try:
                for run in shared_out(make, left, count, in_order=False, threads=threads, tries=1):
                    put(run)
            except ProcessError:
                for job in [job for job in left if job.key not in done][:count]:
                    put(_alone(make, job))
    except BaseException:
        if threads:
            programs.end_all()
        raise


def made(trainers: Mapping[str, Trainer], job: Job) -> Run:
    """The run of one job; what goes wrong in it is its message."""
    began = time.perf_counter()
    try:
        trained = trained_of(trainers[job.architecture](job.n, job.seed, **dict(job.point)))
    except Exception as error:
        return Run(job, time.perf_counter() - began, None, _last_lines(error))
    return Run(job, time.perf_counter() - began, trained)


def _alone(make: Callable[[Job], Run], job: Job) -> Run:
    """The run of a job in a process of its own."""
    began = time.perf_counter()
    try:
        (run,) = shared_out(make, [job], 2, tries=1)
        return run
    except ProcessError as error:
        return Run(job, time.perf_counter() - began, None, f"its process was ended from outside: {error}")


def _last_lines(error: Exception) -> str:
    """What went wrong, in a line, and below it the end of the traceback; or the trainer's own words."""
    if isinstance(error, RunFailed):
        return str(error)
    lines = [line.rstrip() for line in "".join(traceback.format_exception(error)).splitlines() if line.strip()]
    first = next(iter(str(error).splitlines()), "")
    return "\n".join([f"{type(error).__name__}: {first}", *lines[-LINES:]])


def _progress(jobs: Sequence[Job], left: Sequence[Job], runs: Sequence[Run], count: int) -> tuple[str, float]:
    """How far the runs are, in words and as a share of the time that all take."""
    done = f"{len(jobs) - len(left)} of {counted(len(jobs), 'run')}"
    if not left:
        return done, 1.0
    to_go = float(np.sum(seconds_of(left, runs))) / count
    if not np.isfinite(to_go):
        return done, 1.0 - len(left) / len(jobs)
    total = float(np.sum(seconds_of(jobs, runs))) / count
    return f"{done}, about {duration(to_go)} to go", 1.0 - to_go / total


def duration(seconds: float) -> str:
    """``40 s``, ``12 min``, ``3.4 h``, ``2.1 days``; an estimate, so in two digits."""
    for scale, unit in ((86_400.0, "days"), (3600.0, "h"), (60.0, "min")):
        if seconds >= 2 * scale or (unit != "days" and seconds >= scale):
            return f"{seconds / scale:.2g} {unit}" if seconds < 100 * scale else f"{seconds / scale:,.0f} {unit}"
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
