"""Sizes as people and charts write them: 10k, 1.5M, 75.3 B, 2e19, 1,000, 10 min, 25 %."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from forecaster.curves.how_read import Decimal
from forecaster.curves.reading.numbers import NUMERAL, kind_of, round_numbers, value_of

Kind = Literal["count", "duration", "percent"]
TIMES = {
    "": 1.0,
    "thousand": 1e3,
    "million": 1e6,
    "billion": 1e9,
    "trillion": 1e12,
    **dict.fromkeys(("k", "kb"), 1e3),
    **dict.fromkeys(("m", "mn", "mio", "mb"), 1e6),
    **dict.fromkeys(("b", "bn", "g", "gb"), 1e9),
    **dict.fromkeys(("t", "tn", "tb"), 1e12),
}
SECONDS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
}
UNITS = {"seconds": 1.0, "minutes": 60.0, "hours": 3600.0, "days": 86400.0}
PREFIX = re.compile(r"(?:n|n_?train|train|size|samples|images|tokens|data|rows)\s*[ _=:]\s*", re.I)
WHOLE = re.compile(rf"[~≈]?\s*({NUMERAL})\s*([a-z]*|%)\s*([a-z][a-z ]{{2,}})?", re.I)
PARTS = re.compile(rf"({NUMERAL})\s*([a-z]+)\s*", re.I)
POWER = re.compile(r"(?:([\d.]+)\s*[x×*·]\s*)?10\s*\^\s*\{?(\d{1,2})\}?")


@dataclass(frozen=True)
class Size:
    """A size as it was written: its number, and what that counts; a duration in seconds."""

    value: float
    kind: Kind = "count"
    unit: str = ""  # a word behind it, such as tokens


@lru_cache(maxsize=4096)
def size_of(text: str, decimal: Decimal = "point", durations: bool = False) -> Size | None:
    """The size in a text, None where it is none. With ``durations`` a lone m stands for minutes, else for millions."""
    text = PREFIX.sub("", text.strip().strip("$"), count=1) if PREFIX.match(text.strip()) else text.strip().strip("$")
    if power := POWER.fullmatch(text):
        return Size(float(power[1] or 1) * 10.0 ** int(power[2])) if _is_float(power[1] or "1") else None
    found = WHOLE.fullmatch(text)
    if found is None:
        return _in_parts(text, decimal)
    numeral, suffix, unit = found[1], (found[2] or "").lower(), (found[3] or "").strip().lower()
    value = value_of(numeral, decimal)
    if value is None:
        return None
    if suffix == "%":
        return Size(value, "percent") if not unit else None
    if suffix in SECONDS or (durations and suffix == "m"):
        return Size(value * SECONDS.get(suffix, 60.0), "duration") if not unit else None
    if suffix in TIMES:
        return Size(value * TIMES[suffix], "count", unit)
    return Size(value, "count", suffix) if len(suffix) > 2 and not unit else None


def numeral_in(text: str) -> str | None:
    """The numeral of a size, None where there is none or where the letter behind it makes its mark a decimal one."""
    text = text.strip().strip("$")
    found = WHOLE.fullmatch(PREFIX.sub("", text, count=1) if PREFIX.match(text) else text)
    if found is None:
        return None
    tells = found[2] and found[2].lower() != "%" and kind_of(found[1]) == "either point"
    return f"{found[1]}0" if tells else found[1]  # one more digit, and it is sure: 1.234 M is no million of thousands


def given_size(text: str) -> float | None:
    """A size as an option gives it: a count, with a decimal point; None where it is none, or may be two."""
    found = size_of(text)
    numeral = numeral_in(text)
    unsure = numeral is not None and kind_of(numeral) == "either point" and round_numbers([numeral])
    if found is None or found.kind != "count" or found.unit or unsure:
        return None
    return found.value if 0 < found.value < float("inf") else None


def unit_of(column: str) -> str | None:
    """The unit of time that a column's name says."""
    words = set(re.split(r"[^a-z]+", column.lower()))
    for unit, seconds in UNITS.items():
        if words & {word for word, of in SECONDS.items() if of == seconds}:
            return unit
    return None


def _in_parts(text: str, decimal: Decimal) -> Size | None:
    """``1 h 30 min`` in seconds."""
    found = PARTS.findall(text)
    if len(found) < 2 or PARTS.sub("", text).strip():
        return None
    total = 0.0
    for numeral, unit in found:
        value = value_of(numeral, decimal)
        seconds = SECONDS.get(unit.lower(), 60.0 if unit.lower() == "m" else None)
        if value is None or seconds is None:
            return None
        total += value * seconds
    return Size(total, "duration")


def _is_float(text: str) -> bool:
    return re.fullmatch(r"\d+(\.\d+)?", text) is not None
