"""Executors: threads, or none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any


class Serial(Executor):
    """No threads: work is done at once in the submitting thread."""

    def submit(self, fn: Callable, /, *args: Any, **kwargs: Any) -> Future:
        done = Future()
        done.set_result(fn(*args, **kwargs))
        return done

    def map(self, fn: Callable, *iterables: Any, **_: Any) -> Iterator:
        return map(fn, *iterables)


def threads(stack: ExitStack, count: int) -> Executor:
    """So many threads, closed with ``stack``; one is the caller's own."""
    return stack.enter_context(ThreadPoolExecutor(count)) if count > 1 else Serial()
