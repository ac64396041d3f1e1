"""Work shared out among processes, where there is enough of it to pay for starting them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Any, cast

from forecaster.errors import ProcessError

# Each process holds a third of a gigabyte and takes two seconds to start: FEWEST_EACH pieces, of a second or more, pay.
FEWEST_EACH, MOST = 2, 8

_starting = threading.Lock()  # held while processes are started


def cores() -> int:
    """Cores that this process may use: those of its affinity and container, which may be fewer than the machine has."""
    from joblib import cpu_count

    return cpu_count()


def worth(pieces: int) -> int:
    """How many processes so many pieces of work are worth; 1 is this one alone."""
    return max(min(cores(), pieces // FEWEST_EACH, MOST), 1)


def shared_out[Piece, Done](
    function: Callable[[Piece], Done],
    pieces: Sequence[Piece],
    count: int | None = None,
    *,
    in_order: bool = True,
    threads: bool = False,
) -> Iterator[Done]:
    """``function`` of each piece as they come, by ``count`` processes (default: as :func:`worth` says).

    One is this process. Of more, ``function`` must be importable, pieces and results must pickle; they stay for the
    next call (joblib's loky). With ``threads`` they are threads of this process instead, for what waits for programs.
    Raises ProcessError where one of them was ended from outside.
    """
    count = worth(len(pieces)) if count is None else count
    if count == 1:
        yield from map(function, pieces)
        return
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import BrokenProcessPool

    order: Any = "generator" if in_order else "generator_unordered"
    if threads:
        yield from cast(
            Iterator[Done],
            Parallel(count, return_as=order, prefer="threads")(delayed(function)(piece) for piece in pieces),
        )
        return
    each = max(cores() // count, 1)
    run = Parallel(count, return_as=order, max_nbytes=None, initializer=_settle, initargs=(each,))
    try:
        with _starting, _ctrl_c_for_this_process():
            found = run(delayed(function)(piece) for piece in pieces)
        yield from cast(Iterator[Done], found)
    except BrokenProcessPool as error:
        raise ProcessError(
            f"one of {count} processes was ended from outside, as a rule for want of memory; expected a third of a "
            "gigabyte for each; free some memory, or ask for fewer curves at a time (`--task`, `--domain`)"
        ) from error


def end_all() -> None:
    """End at once the processes that this one has started to share out work."""
    _starting.acquire(timeout=1.0)  # of processes that are just being started, nobody knows yet
    for process in multiprocessing.active_children():
        if process.pid is not None:
            os.kill(process.pid, signal.SIGTERM if os.name == "nt" else signal.SIGKILL)  # joblib's have no kill()


def _settle(threads: int) -> None:
    """What a process does before its first piece: JAX will get so many ``threads``.

    JAX reads this variable, and has no other setting for it, when its first program runs; by itself it takes a thread a
    core in every process, and with as many processes as cores they spend two fifths of the time waiting for one
    another.
    """
    os.environ["NPROC"] = str(threads)


@contextmanager
def _ctrl_c_for_this_process() -> Iterator[None]:
    """Processes started in this context never see Ctrl-C, which a terminal sends to them too, from their first step on.

    They inherit that the signal is blocked. This process's other threads still see it, this one when the context ends.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # Python's own process, without which it would unblock the signal in starting it
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
