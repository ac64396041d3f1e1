"""TOML files of users: where a fault is, what was found and what was expected.

A file that cannot be used is refused with its name and, of every fault, the line. The caller says by which error.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple


class Problem(NamedTuple):
    """A fault at a path of keys (that of the table where a key is absent)."""

    path: tuple[str, ...]
    found: str
    expected: str


def place(origin: str, line: int, found: str, expected: str) -> str:
    """One fault of a file, as a message shows it."""
    return f"{origin}, line {line}: found {found}; expected {expected}"


def listed(text: str, origin: str, problems: Iterable[Problem]) -> str:
    """All faults of a file, in the order of its lines."""
    found = sorted((line_of(text, p.path), p.found, p.expected) for p in problems)
    return "\n".join(place(origin, *problem) for problem in found)


def parsed(text: str, origin: str, error: Callable[[str], Exception], expected: str) -> dict[str, Any]:
    """The tables of a text; ``error`` of a message, which ends in what was ``expected``, where it is no TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        found_at = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", str(wrong))
        what = str(wrong)[: found_at.start()] if found_at else str(wrong)
        line = int(found_at[1]) if found_at and found_at[1] else len(text.splitlines())
        raise error(place(origin, line, f"text that is not TOML ({what})", expected)) from None
    except (ValueError, RecursionError):  # a number of thousands of digits, brackets thousands deep
        raise error(place(origin, 1, "values too large to read", "short texts and numbers")) from None


def line_of(text: str, path: tuple[str, ...]) -> int:
    """Line on which the value at ``path`` begins, or that of the nearest table around it; 1 for the file.

    The value is there once the lines so far parse and hold it; lines that do not parse are inside a value.
    """
    lines, whole = text.split("\n"), tomllib.loads(text)
    while path and not _holds(whole, path):
        path = path[:-1]
    begin = 1
    for end in range(1, len(lines) + 1):
        try:
            so_far = tomllib.loads("\n".join(lines[:end]) + "\n")
        except ValueError:
            continue
        if _holds(so_far, path):
            break
        begin = end + 1
    return begin


def _holds(table: Any, path: tuple[str, ...]) -> bool:
    for key in path:
        if not isinstance(table, dict) or key not in table:
            return False
        table = table[key]
    return True


def wrong(path: tuple[str, ...], value: Any, expected: str) -> Problem:
    """A value that cannot be used."""
    return Problem(path, f"{path[-1]} = {show(value)}", expected)


def unknown_keys(path: tuple[str, ...], table: dict[str, Any], allowed: Iterable[str]) -> Iterator[Problem]:
    """The keys of a table that mean nothing, each with those that do."""
    allowed = tuple(allowed)
    for key in table:
        if key not in allowed:
            yield Problem((*path, key), f"unknown key {show(key)}", one_of(key, allowed))


def one_of(found: Any, allowed: Iterable[str]) -> str:
    """``one of a, b (did you mean b?)``."""
    allowed = list(allowed)
    close = difflib.get_close_matches(found, allowed, n=1) if isinstance(found, str) else []
    return f"one of {', '.join(allowed)}" + (f" (did you mean {close[0]}?)" if close else "")


def show(value: Any) -> str:
    """A value as the file has it, at most 60 letters."""
    try:
        shown = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):  # a date, or a number of thousands of digits
        shown = f"a {type(value).__name__}"
    return shown if len(shown) <= 60 else shown[:57] + "..."


def is_number(value: Any, low: float, high: float) -> bool:
    """Whether a value is a number within the range."""
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def is_text(value: Any) -> bool:
    """Whether a value is a text that is not empty."""
    return isinstance(value, str) and bool(value.strip())
