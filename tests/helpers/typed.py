"""Types and shapes checked as functions are called: the first calls of each function in each test.

``--jaxtyping-packages`` decorates every function of the package with ``jaxtyping.jaxtyped``. A check costs some fifty
microseconds, and its making milliseconds: in loops of a simulation that was more than the work itself. So a check is
made when its function is first called, and a function is checked in its first calls of a test and not in those that
follow.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections import Counter
from collections.abc import Callable
from typing import Any

import jaxtyping

CALLS = 20  # of a function that are checked in a test
_calls: Counter[Callable[..., Any]] = Counter()  # of each function, in this test


def spare() -> None:
    """Make the decorator of ``jaxtyping`` check the first calls only; before the package is imported."""
    jaxtyping.jaxtyped = functools.partial(_decorator, jaxtyping.jaxtyped)


def begin() -> None:
    """Check the first calls anew: a test begins."""
    _calls.clear()


def _decorator(jaxtyped: Callable[..., Any], *, typechecker: Any) -> Callable[[Any], Any]:
    checked = jaxtyped(typechecker=typechecker)

    def decorate(thing: Any) -> Any:
        if not inspect.isclass(thing):
            return _checked_at_first(thing, checked)
        if dataclasses.is_dataclass(thing) and "__init__" in vars(thing):
            thing.__init__ = _checked_at_first(thing.__init__, checked)  # type: ignore[misc]
        return thing

    return decorate


def _checked_at_first(function: Callable[..., Any], checked: Callable[..., Any]) -> Callable[..., Any]:
    """``function``, whose first calls of a test are checked."""
    made = functools.cache(lambda: checked(function))

    @functools.wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        __tracebackhide__ = True
        if _calls[function] >= CALLS:
            return function(*arguments, **named)
        _calls[function] += 1
        return made()(*arguments, **named)

    return call
