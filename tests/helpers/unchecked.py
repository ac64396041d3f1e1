"""Functions as users call them: without the type checks of the test run, which refuse a wrong type before they can."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any


def unchecked(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` without the checks of its own annotations; what it calls keeps them."""
    return inspect.unwrap(function)
