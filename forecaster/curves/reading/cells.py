"""Cells as numbers: a column of texts, its decimal mark decided once for all of it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from forecaster._support.frames import Table
from forecaster.curves.how_read import Decimal
from forecaster.curves.reading import numbers, sizes
from forecaster.curves.reading.numbers import BLANK, NUMERAL
from forecaster.curves.reading.sizes import Size

PLUS_MINUS = r"(?:±|\+/[-−–]|\+-|\\pm|_?\{?\s*\\pm)"
MEASURED = re.compile(
    rf"({NUMERAL})\s*(%?)\s*(?:{PLUS_MINUS}\s*({NUMERAL})\s*(%?)\}}?|\(\s*(?:±\s*)?({NUMERAL})\s*(%?)\s*\))?"
)
NOT_PYTHON = re.compile(r"[^\d.eE+\-\n]")  # not in a number as Python writes it
# A number whose mark can only be a decimal point.
DECIMAL_POINT = re.compile(
    r"^-?(?:0?\.\d+|\d+\.(?:\d{1,2}|\d{4,})|\d{4,}\.\d*|[\d.]+[eE][-+]?\d+)$", re.M
)  # a decimal point
Texts = Collection[str]


@dataclass(frozen=True, eq=False)
class MarkEvidence:
    """The decimal and thousands marks of a table's columns, for columns that do not show their own."""

    raw: Table
    separator: str | None = None  # between the fields of a text

    def of_others(self, column: str) -> tuple[set[Decimal], bool]:
        """The marks of all other columns; whether all of their decimals have three digits."""
        others = [found for name, found in self._votes.items() if name != column]
        return {vote for vote, _ in others}, all(three for _, three in others)

    @cached_property
    def _votes(self) -> dict[str, tuple[Decimal, bool]]:
        """The mark of each column that tells one, and whether all of its decimals have three digits."""
        found: dict[str, tuple[Decimal, bool]] = {}
        for name, column in self.raw.items():
            if pd.api.types.is_float_dtype(column) or any(_has_decimals(cell) for cell in column.iloc[:100]):
                found[str(name)] = "point", False
                continue
            numerals = numerals_of(texts_of(column))
            vote = numbers.decided(numerals) if numerals else None
            if vote == "point" or vote == "comma":
                found[str(name)] = vote, numbers.decimals_are_three(numerals)
        return found


def _has_decimals(cell: Any) -> bool:
    return isinstance(cell, float) and cell % 1 > 0


def decimal_of(column: Table, theirs: str, evidence: MarkEvidence, size: bool) -> Decimal | None:
    """The decimal mark of a column: its cells tell it, or else the other columns; None where nothing does.

    A column of sizes whose cells are all round thousands (1.000, 2.000) is not left to the other columns, unless those
    print three places, too. Of errors a point in a table without semicolons is a decimal one.
    """
    if as_python_writes(column) is not None:
        return "point"
    found = numerals_of(texts_of(column))
    own = numbers.decided(found)
    if own in (None, "point", "comma"):
        return own or "point"  # type: ignore[return-value]
    others, three = evidence.of_others(theirs)
    if len(others) == 1 and own != "both":
        (mark,) = others
        as_decimal: Decimal = "point" if own == "either point" else "comma"
        doubtful = size and mark == as_decimal and numbers.round_numbers(found) and not three
        return None if doubtful else mark
    if own == "either point" and not size and evidence.separator != ";":
        return "point"
    if own == "either comma" and size and evidence.separator == ",":
        return "point"
    return None


@lru_cache(maxsize=65536)
def _numerals_in(text: str) -> tuple[str, ...] | None:
    """The numerals of a cell that is a size or an error; None where it is neither."""
    if (numeral := sizes.numeral_in(text)) is not None:
        return (numeral,)
    found = MEASURED.fullmatch(bare(text))
    return None if found is None else tuple(part for part in (found[1], found[3], found[5]) if part)


def numerals_of(texts: Texts) -> list[str]:
    """The numerals of a column, each cell's once; none where a cell is no number at all."""
    found = [_numerals_in(text) for text in dict.fromkeys(texts) if text.lower() not in BLANK]
    if any(numerals is None for numerals in found[:20]):
        return []
    return [numeral for numerals in found for numeral in numerals or ()]


def bare(text: str) -> str:
    """Without what only makes a number bold, or a formula."""
    return text.strip().strip("*$ ").replace("\\%", "%")


def texts_of(column: Iterable[Any]) -> list[str]:
    """The cells that are texts, without blanks at their ends."""
    return [cell.strip() for cell in column if isinstance(cell, str)]


# Columns ------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Numbers:
    """A column as float64, NaN where blank; which cells hold no number; what else its cells said."""

    values: Float[np.ndarray, " row"]
    wrong: Bool[np.ndarray, " row"]
    spread: Float[np.ndarray, " row"] | None = None  # behind ±, in the unit of the values
    percent: bool = False  # whether the cells have per cent signs
    unit: str | None = None  # of time, where they are durations
    marked: str | None = None  # the first cell that is not written as Python writes numbers


def errors_of(column: Table, decimal: Decimal) -> Numbers:
    """Numbers, with ± and a standard deviation or without; with per cent signs in all cells, or in none."""
    plain = _as_they_are(column, decimal)
    if plain is not None:
        return plain
    parsed = [_measured(cell, decimal) for cell in column]
    spread = np.array([np.nan if p is None else p[1] for p in parsed])
    signs = [p[2] for p in parsed if p is not None and not np.isnan(p[0])]
    percent = any(signs) and all(signs)
    wrong = np.array([p is None or (p[2] and not percent) for p in parsed], dtype=bool)
    values = np.array([np.nan if p is None else p[0] for p in parsed])
    return Numbers(
        values, wrong, None if np.isnan(spread).all() else spread, percent, None, _first_marked(column, decimal, values)
    )


def sizes_of(column: Table, decimal: Decimal, unit: str | None = None) -> tuple[Numbers, Bool[np.ndarray, " row"]]:
    """Sizes, durations in ``unit`` or else in hours; and which cells are in per cent."""
    plain = _as_they_are(column, decimal)
    if plain is not None:
        return plain, np.zeros(len(column), dtype=bool)
    loose = [_size(cell, decimal, durations=False) for cell in column]
    durations = any(isinstance(found, Size) and found.kind == "duration" for found in loose)
    found = [_size(cell, decimal, durations=True) for cell in column] if durations else loose
    units = {one.unit for one in found if isinstance(one, Size) and one.unit}
    in_seconds, used = sizes.UNITS[unit or "hours"], (unit or "hours") if durations else None
    values, wrong, percent = [], [], []
    for one in found:
        size = one if isinstance(one, Size) else None
        timed = size is not None and size.kind == "duration"
        mixed = size is not None and (
            (durations and not timed and unit is None) or (len(units) > 1 and bool(size.unit))
        )
        wrong.append(one is None or mixed)
        percent.append(size is not None and size.kind == "percent")
        number = one if isinstance(one, float) else np.nan if size is None else size.value
        values.append(number / in_seconds if timed else number)
    made = np.array(values, dtype=np.float64)
    marked = _first_marked(column, decimal, made)
    return Numbers(made, np.array(wrong, dtype=bool), None, False, used, marked), np.array(percent, dtype=bool)


def _as_they_are(column: Table, decimal: Decimal) -> Numbers | None:
    """A column that holds numbers already, or texts as Python writes them with decimals that leave no doubt."""
    if pd.api.types.is_bool_dtype(column):
        return None
    if pd.api.types.is_float_dtype(column) or pd.api.types.is_integer_dtype(column):
        return Numbers(column.to_numpy(dtype=np.float64, na_value=np.nan), np.zeros(len(column), dtype=bool))
    values = as_python_writes(column) if decimal == "point" else None
    return None if values is None else Numbers(values, np.zeros(len(values), dtype=bool))


def as_python_writes(column: Table) -> Float[np.ndarray, " row"] | None:
    """A column of texts that are all plain numbers, with a decimal point beyond doubt or none at all; None otherwise.

    Most columns are such, and a table may have many rows.
    """
    cells = column.to_numpy(dtype=object)
    if not len(cells) or set(map(type, cells)) != {str}:
        return None
    text = "\n".join(set(cells))
    if NOT_PYTHON.search(text) or ("." in text and not DECIMAL_POINT.search(text)):
        return None
    try:
        values = cells.astype(np.float64)
    except ValueError:
        return None
    return values if np.isfinite(values).all() else None


def _first_marked(column: Table, decimal: Decimal, values: Float[np.ndarray, " row"]) -> str | None:
    """The first cell whose text Python would read otherwise, with what it was read as."""
    for cell, value in zip(column, values, strict=True):
        if not isinstance(cell, str) or np.isnan(value):
            continue
        try:
            same = float(cell) == value and "_" not in cell
        except ValueError:
            same = False
        if not same or (decimal == "comma" and "." in cell):
            return f"{cell.strip()} as {value:.15g}"
    return None


@lru_cache(maxsize=65536)
def _measured_text(text: str, decimal: Decimal) -> tuple[float, float, bool] | None:
    if text.strip().lower() in BLANK:
        return np.nan, np.nan, False
    found = MEASURED.fullmatch(bare(text))
    if found is None:
        return None
    value, spread = numbers.value_of(found[1], decimal), found[3] or found[5]
    sd = np.nan if spread is None else numbers.value_of(spread, decimal)
    if value is None or sd is None:
        return None
    digits = found[5] is not None and not re.search("[.,]", found[5]) and re.search("[.,]", found[1])
    if digits:  # 61.2(23) may stand for 61.2 ± 2.3 or for 61.2 ± 23
        return None
    return value, float(sd), "%" in (found[2], found[4], found[6])


def _measured(cell: Any, decimal: Decimal) -> tuple[float, float, bool] | None:
    if isinstance(cell, str):
        return _measured_text(cell, decimal)
    number = _number(cell)
    return None if number is None else (number, np.nan, False)


def _size(cell: Any, decimal: Decimal, durations: bool) -> Size | float | None:
    if not isinstance(cell, str):
        return _number(cell)
    text = cell.strip()
    if text.lower() in BLANK:
        return np.nan
    return sizes.size_of(text, decimal, durations)


def _number(value: Any) -> float | None:
    """The number that a cell is, NaN if it is blank, None if it holds something else."""
    if isinstance(value, bool | np.bool_):
        return None
    if value is None or value is pd.NA or value is pd.NaT:
        return np.nan
    try:
        return float(value)
    except OverflowError:
        return np.inf
    except (TypeError, ValueError):
        return None
