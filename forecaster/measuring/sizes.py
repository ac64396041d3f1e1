"""Sizes of shards as they are asked for: ``1000:64000:x2``, ``1000:5000:+1000``, ``16,32,1.2k``."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from forecaster.curves.reading.sizes import given_size
from forecaster.errors import OptionError

EXPECTED = "sizes such as 1000,2k,64k, or a range such as 1000:64000:x2 or 1000:5000:+1000"
MOST_SIZES = 1000  # sizes in all
STEP = re.compile(r"\s*([x*+])\s*(.+)", re.I)


def sizes_of(given: str | Sequence[float]) -> tuple[int, ...]:
    """The sizes, in ascending order, each once; OptionError where the text, or a number, is no size.

    ``START:STOP:xRATIO`` multiplies, ``START:STOP:+STEP`` adds, from ``START`` on for as long as ``STOP`` is not
    exceeded; sizes are rounded to whole numbers. Commas part sizes and ranges.
    """
    found = set(_numbers(given)) if isinstance(given, str) else {_whole(n) for n in given}
    if not found:
        raise OptionError(f"sizes: found none; expected {EXPECTED}")
    return tuple(sorted(found))


def _numbers(text: str) -> Iterator[int]:
    for part in text.split(","):
        yield from _range(part) if ":" in part else [_whole(_size(part))]


def _range(text: str) -> Iterator[int]:
    pieces = text.split(":")
    step = STEP.fullmatch(pieces[-1])
    if len(pieces) != 3 or step is None:
        raise OptionError(f"sizes: found {text.strip()!r}; expected START:STOP:xRATIO or START:STOP:+STEP; {EXPECTED}")
    start, stop = _size(pieces[0]), _size(pieces[1])
    times, by = step[1] != "+", _size(step[2])
    if stop < start or (times and by <= 1.0):
        raise OptionError(f"sizes: found {text.strip()!r}; expected a range that rises; {EXPECTED}")
    count = math.log(stop / start) / math.log(by) if times else (stop - start) / by
    if count >= MOST_SIZES:
        raise OptionError(f"sizes: found {text.strip()!r}, {count:,.0f} sizes; expected at most {MOST_SIZES}")
    for k in range(math.floor(count + 1e-9) + 1):
        yield _whole(start * by**k if times else start + k * by)


def _size(text: str) -> float:
    found = given_size(text)
    if found is None:
        raise OptionError(f"sizes: found {text.strip()!r}; expected {EXPECTED}")
    return found


def _whole(n: float) -> int:
    if not 0.5 < n < float("inf"):
        raise OptionError(f"sizes: found {n:g}; expected whole numbers from 1; {EXPECTED}")
    return round(n)
