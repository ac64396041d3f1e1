"""Work shared out among processes, where there is enough of it to pay for starting them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from typing import Any, cast

from forecaster.errors import ProcessError

# Each process holds a third of a gigabyte and takes two seconds to start: FEWEST_EACH pieces, of a second or more, pay.
FEWEST_EACH, MOST = 2, 8
TRIES = 3  # times that processes are ended from outside with no piece finished in between, until that is an error
SILENT = 3600.0  # seconds without a finished piece after which processes elsewhere are given up: a piece takes a minute
DEVICE = "JAX_PLATFORMS"
TRIMMED = "MALLOC_TRIM_THRESHOLD_"  # the environment's name for what M_TRIM_THRESHOLD sets
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, MOST_KEPT = -1, -3, 2**25  # of glibc's malloc.h; bytes: the most it allows

_starting = threading.Lock()  # held while processes are started


def cores() -> int:
    """Cores that this process may use: those of its affinity and container, which may be fewer than the machine has."""
    from joblib import cpu_count

    return cpu_count()


def worth(pieces: int) -> int:
    """How many processes so many pieces of work are worth; 1 is this one alone."""
    own = elsewhere()
    return max(min(own or min(cores(), MOST), pieces // FEWEST_EACH), 1)


def elsewhere() -> int | None:
    """Processes of the backend that ``joblib.parallel_config`` chooses, such as Dask's; None where it chooses none.

    1 within work that joblib has shared out already: it is not shared out again.
    """
    from joblib.parallel import get_active_backend

    backend, asked = cast(tuple[Any, int | None], get_active_backend())
    if backend.nesting_level:
        return 1
    if _built_in(backend) and asked is None:
        return None
    return backend.effective_n_jobs(-1 if asked is None else asked)


def _built_in(backend: Any) -> bool:
    """Whether this is joblib's own backend of processes."""
    return type(backend).__name__ == "LokyBackend"


def shared_out[Piece, Done](
    function: Callable[[Piece], Done],
    pieces: Sequence[Piece],
    count: int | None = None,
    *,
    in_order: bool = True,
    threads: bool = False,
    tries: int = TRIES,
) -> Iterator[Done]:
    """``function`` of each piece as they come, by ``count`` processes (default: as :func:`worth` says).

    One is this process. Of more, ``function`` must be importable, pieces and results must pickle; they stay for the
    next call. The processes are those of joblib's active backend: its own (loky), or what ``joblib.parallel_config``
    names. Where one is ended from outside, pieces that were not finished are done again. With ``threads`` they are
    threads of this process instead, for what waits for programs, unless ``joblib.parallel_config`` names a backend.
    Raises ProcessError where they are ended ``tries`` times with no piece finished in between.
    """
    count = worth(len(pieces)) if count is None else count
    if count == 1:
        yield from map(function, pieces)
        return
    if threads:
        from joblib import Parallel, delayed

        order: Any = "generator" if in_order else "generator_unordered"
        run = Parallel(count, return_as=order, prefer="threads")
        yield from cast(Iterator[Done], run(delayed(function)(piece) for piece in pieces))
        return
    done = _persistently(function, list(enumerate(pieces)), count, tries)
    yield from _ordered(done) if in_order else (result for _, result in done)


def _persistently[Piece, Done](
    function: Callable[[Piece], Done], left: list[tuple[int, Piece]], count: int, tries: int
) -> Iterator[tuple[int, Done]]:
    """Results with the positions of their pieces as they are finished; unfinished pieces are started again."""
    from joblib.externals.loky.process_executor import BrokenProcessPool

    ended = 0
    while left:
        finished: set[int] = set()
        try:
            for at, result in _by_processes(function, left, count):
                finished.add(at)
                yield at, result
        except BrokenProcessPool as error:
            ended = 1 if finished else ended + 1
            if ended >= tries:
                often = f", {ended} times without a piece of work finished," if ended > 1 else ","
                raise ProcessError(
                    f"one of {count} processes was ended from outside{often} as a rule for want of memory; expected a "
                    "third of a gigabyte for each; free some memory, or ask for fewer curves at a time (`--task`, "
                    "`--domain`)"
                ) from error
        except multiprocessing.TimeoutError as error:
            raise ProcessError(
                f"{count} processes elsewhere finished nothing within {SILENT / 60:g} minutes; expected a piece "
                "of work a minute; look at what they say (Dask's dashboard names workers that were ended)"
            ) from error
        left = [piece for piece in left if piece[0] not in finished]


def _by_processes[Piece, Done](
    function: Callable[[Piece], Done], pieces: Iterable[tuple[int, Piece]], count: int
) -> Iterator[tuple[int, Done]]:
    from joblib import Parallel, delayed
    from joblib.parallel import get_active_backend

    settled = (max(cores() // count, 1), os.environ.get(DEVICE))
    backend: Any = get_active_backend()[0]
    options: dict[str, Any] = {"return_as": "generator_unordered" if backend.supports_return_generator else "list"}
    if _built_in(backend):  # kept for the next call as long as these are equal
        options |= {"max_nbytes": None, "initializer": _settle, "initargs": settled}
    elif backend.supports_timeout:
        options["timeout"] = SILENT
    run = Parallel(count, **options)
    with _starting, _ctrl_c_for_this_process():
        # One tuple a call: Dask keeps large arguments of other kinds on single machines, and they would end with them.
        found = run(delayed(_piece_of)((function, settled, piece)) for piece in pieces)
    yield from cast(Iterator[tuple[int, Done]], found)


def _piece_of[Piece, Done](
    work: tuple[Callable[[Piece], Done], tuple[int, str | None], tuple[int, Piece]],
) -> tuple[int, Done]:
    function, settled, (at, piece) = work
    if multiprocessing.parent_process() is not None:  # not among threads of the process that shares out
        _settle(*settled)
    return at, function(piece)


def _ordered[Done](found: Iterator[tuple[int, Done]]) -> Iterator[Done]:
    """Results in the order of their positions, each as soon as all before it are there."""
    early: dict[int, Done] = {}
    following = 0
    for at, result in found:
        early[at] = result
        while following in early:
            yield early.pop(following)
            following += 1


def end_all() -> None:
    """End at once the processes that this one has started to share out work."""
    _starting.acquire(timeout=1.0)  # of processes that are just being started, nobody knows yet
    for process in multiprocessing.active_children():
        if process.pid is not None:
            os.kill(process.pid, signal.SIGTERM if os.name == "nt" else signal.SIGKILL)  # joblib's have no kill()


def _settle(threads: int, device: str | None) -> None:
    """What a process does before its first piece: JAX will get so many ``threads``, and the ``device`` of this process.

    JAX reads this variable, and has no other setting for it, when its first program runs; by itself it takes a thread a
    core in every process, and with as many processes as cores they spend two fifths of the time waiting for one
    another.
    """
    os.environ["NPROC"] = str(threads)
    if device is not None:
        os.environ[DEVICE] = device
    if TRIMMED in os.environ:
        _keep_freed_memory()


def _keep_freed_memory() -> None:
    """Undo Dask's setting by which the C library hands freed memory back at once: sampling takes four times as long."""
    import ctypes

    with suppress(OSError, AttributeError):  # no glibc
        allocator = ctypes.CDLL(None)
        allocator.mallopt(M_MMAP_THRESHOLD, MOST_KEPT)
        allocator.mallopt(M_TRIM_THRESHOLD, 4 * MOST_KEPT)


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
