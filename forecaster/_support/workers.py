"""Work shared out among processes, where there is enough of it to pay for starting them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

from forecaster.errors import ProcessError

# Each process holds a third of a gigabyte and takes two seconds to start: FEWEST_EACH pieces, of a second or more, pay.
FEWEST_EACH, MOST = 2, 8


def cores() -> int:
    """Cores that this process may use: those of its affinity and container, which may be fewer than the machine has."""
    from joblib import cpu_count

    return cpu_count()


def worth(pieces: int) -> int:
    """How many processes so many pieces of work are worth; 1 is this one alone."""
    return max(min(cores(), pieces // FEWEST_EACH, MOST), 1)


def shared_out[Piece, Done](
    function: Callable[[Piece], Done], pieces: Sequence[Piece], count: int | None = None, *, in_order: bool = True
) -> Iterator[Done]:
    """``function`` of each piece as they come, by ``count`` processes (default: as :func:`worth` says).

    One is this process. Of more, ``function`` must be importable, pieces and results must pickle; they stay for the
    next call (joblib's loky).
    Raises ProcessError where one of them was ended from outside.
    """
    count = worth(len(pieces)) if count is None else count
    if count == 1:
        yield from map(function, pieces)
        return
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import BrokenProcessPool

    order: Any = "generator" if in_order else "generator_unordered"
    run = Parallel(count, return_as=order, max_nbytes=None)
    threads = max(cores() // count, 1)
    try:
        yield from cast(Iterator[Done], run(delayed(_with)(threads, function, piece) for piece in pieces))
    except BrokenProcessPool as error:
        raise ProcessError(
            f"one of {count} processes was ended from outside, as a rule for want of memory; expected a third of a "
            "gigabyte for each; free some memory, or ask for fewer curves at a time (`--task`, `--domain`)"
        ) from error


def _with[Piece, Done](threads: int, function: Callable[[Piece], Done], piece: Piece) -> Done:
    """``function`` of the piece, in a process where JAX gets so many ``threads``.

    It reads this when its first program runs; by itself it takes a thread a core in every process, and with as many
    processes as cores they spend two fifths of the time waiting for one another.
    """
    os.environ["NPROC"] = str(threads)
    return function(piece)
