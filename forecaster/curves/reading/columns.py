"""Columns: which of a table's columns serves as which of ours, names made of several, and names for all rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from forecaster._support.frames import Table
from forecaster.curves.learning_curves import KEYS, NOISE, Note, listed
from forecaster.curves.reading.names import near
from forecaster.curves.reading.scores import plain
from forecaster.errors import CurveColumnsError, OptionError, RequestError

REQUIRED = ("domain", "architecture", "n", "error")
SPENT = ("params", "compute", "gpu_hours", "seconds")  # what a run took
KNOWN = (*KEYS, "n", "error", "metric", "seed", *NOISE, *SPENT, "split")
NUMBERS = ("n", "error", *NOISE, *SPENT)
JOINT = ", "  # between the parts of a name that several columns make


def parse_columns(texts: Sequence[str], option: str = "--columns") -> dict[str, str]:
    """``["n=train_size,error=err"]`` as ``{"n": "train_size", "error": "err"}``; OptionError if not so.

    A comma ends a column's name only where ``OURS=`` comes behind it.
    """
    found: dict[str, str] = {}
    for part in (part for text in texts for part in re.split(r",(?=\s*(?:\w+\s*=|,|$))", text)):
        ours, _, theirs = (piece.strip() for piece in part.partition("="))
        if not ours or not theirs or found.get(ours, theirs) != theirs:
            what = f"{ours!r} twice" if ours and theirs else repr(part)
            raise OptionError(f"{option}: found {what}; expected OURS=THEIRS once each, as in n=train_size")
        found[ours] = theirs
    check_mapping(found, option)
    return found


def parse_where(texts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """``["split=val", "split=test"]`` as ``{"split": ("val", "test")}``; OptionError if not so."""
    found: dict[str, tuple[str, ...]] = {}
    for text in texts:
        column, sign, value = (piece.strip() for piece in text.partition("="))
        if not column or not sign:
            raise OptionError(f"--where: found {text!r}; expected COLUMN=VALUE, as in split=val")
        found[column] = (*found.get(column, ()), value)
    return found


def mapping_of(columns: Mapping[str, str | Sequence[str]]) -> dict[str, str]:
    """A mapping to texts, with ``+`` between several columns; OptionError for a name that is not ours."""
    found = {
        ours: theirs if isinstance(theirs, str) else "+".join(map(str, theirs)) for ours, theirs in columns.items()
    }
    check_mapping(found)
    return found


def where_of(where: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Columns to the values whose rows are kept, as texts."""
    return {str(column): tuple(map(_bare, [of] if pd.api.types.is_scalar(of) else of)) for column, of in where.items()}


def check_mapping(mapping: Iterable[str], option: str = "--columns") -> None:
    """OptionError for a mapping of a name that is not ours."""
    for ours in mapping:
        if ours not in KNOWN:
            known = ", ".join(KNOWN)
            raise OptionError(f"{option}: found {ours!r} left of '='; expected one of our names: {known}")


def check_constants(constants: Mapping[str, str | float]) -> None:
    """RequestError for what cannot be one value of all rows."""
    may = [column for column in KNOWN if column not in ("n", "error")]
    for ours, value in constants.items():
        if ours not in may:
            raise RequestError(f"constants: found {ours!r}; expected one of our names but n and error: {listed(may)}")
        if not pd.api.types.is_scalar(value) or str(value).strip() == "":
            raise RequestError(f"constants: found {value!r} for {ours}; expected one name or number for all rows")


# Rows ---------------------------------------------------------------------------------------------


def rows_where(name: str, raw: Table, where: Mapping[str, Sequence[str]]) -> Table:
    """The rows that have one of the values in every column named; CurveColumnsError where there are none."""
    for column, wanted in where.items():
        said = ", ".join(f"--where {column}={value}" for value in wanted)
        if column not in raw:
            raise CurveColumnsError(
                f"{name}: found no column {column!r} for {said}; {there(raw)}; expected one of these."
            )
        cells = [_bare(cell) for cell in raw[column]]
        keep = np.array([cell in wanted for cell in cells], dtype=bool)
        if not keep.any():
            known = listed(dict.fromkeys(cells))
            raise CurveColumnsError(f"{name}: found no row for {said}; expected a value of that column: {known}.")
        raw = raw[keep]
    return raw


def _bare(cell: Any) -> str:
    """A cell as text; 1.0 is written as 1, whatever the kind of file."""
    text = str(cell).strip()
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


# Our names ----------------------------------------------------------------------------------------


def parts_of(theirs: str, columns: Iterable[str]) -> list[str] | None:
    """The columns that a name stands for: one, or several with ``+`` between them; None where one is not there."""
    known = set(columns)
    if theirs in known:
        return [theirs]
    pieces, found = theirs.split("+"), []
    while pieces:
        longest = next((k for k in range(len(pieces), 0, -1) if "+".join(pieces[:k]).strip() in known), None)
        if longest is None:
            return None
        found.append("+".join(pieces[:longest]).strip())
        pieces = pieces[longest:]
    return found


def renamed(name: str, raw: Table, mapping: Mapping[str, str]) -> Table:
    """The frame under our names; a column whose name the mapping gives away gets a trailing underscore."""
    parts = {ours: parts_of(theirs, raw.columns) for ours, theirs in mapping.items()}
    lost = {ours: mapping[ours] for ours, found in parts.items() if found is None}
    if lost:
        said = f"--columns {','.join(f'{ours}={theirs}' for ours, theirs in lost.items())}"
        found = f"found no column {listed(lost.values())}"
        raise CurveColumnsError(f"{name}: {found} for {said}; {there(raw)}; expected one of these.")
    frame: dict[str, Any] = {}
    for ours, columns in parts.items():
        assert columns is not None
        if len(columns) > 1 and ours in NUMBERS:
            raise CurveColumnsError(f"{name}: found {mapping[ours]!r} for {ours}; expected one column of numbers.")
        frame[ours] = raw[columns[0]] if len(columns) == 1 else _together(raw[columns])
    used = [columns[0] for columns in parts.values() if columns and len(columns) == 1]
    for column in raw.columns.difference(used, sort=False):
        kept = column
        while kept in frame or (kept != column and kept in raw):
            kept += "_"
        frame[kept] = raw[column]
    return pd.DataFrame(frame, index=raw.index)


def _together(columns: Table) -> Table:
    texts = columns.map(lambda cell: "" if cell is None or cell != cell else _bare(cell))
    return texts.agg(lambda row: JOINT.join(filter(None, row)), axis=1).astype(object)


def with_constants(name: str, frame: Table, constants: Mapping[str, str | float]) -> Table:
    """The frame with a column for each constant; refused where there is such a column."""
    for ours, value in constants.items():
        if ours not in absent(frame):
            theirs = next(column for column in frame if ours in (column, plain(column)))
            raise CurveColumnsError(
                f"{name}: found the column {theirs!r} and {value!r} for all rows beside it; expected one of the two. "
                f"Leave {ours!r} out of constants, or drop the column."
            )
    return frame.assign(**{k: pd.Series([v] * len(frame), frame.index, dtype=object) for k, v in constants.items()})


def absent(frame: Table) -> tuple[str, ...]:
    """Our columns that a frame under our names has not, not even in capitals."""
    has = {*frame.columns, *map(plain, frame.columns)}
    return tuple(column for column in KNOWN if column not in has)


def constant_notes(name: str, frame: Table, constants: Mapping[str, str | float]) -> list[Note]:
    """Remarks on names given for all rows where a column tells rows apart that seems to hold such names."""
    found = []
    for ours in (column for column in KEYS if column in constants):
        theirs = near(ours, left(frame, ()))
        kinds = 0 if theirs is None else len(set(map(str, frame[theirs])))
        if 1 < kinds < len(frame):
            said = f"all rows are taken to be of {ours} {str(constants[ours])!r}, though the column {theirs!r}"
            found.append(Note("constant", f"{name}: {said} tells {kinds} apart; for these --columns {ours}={theirs}"))
    return found


def stripped(name: str, raw: Table) -> Table:
    """The frame with column names that are texts without blanks at their ends; refused where one comes twice."""
    raw = raw.set_axis([str(column).strip() for column in raw.columns], axis=1)
    if raw.columns.has_duplicates:
        twice = listed(raw.columns[raw.columns.duplicated()].unique())
        raise CurveColumnsError(f"{name}: found the column {twice} twice; expected each once. Rename or drop one.")
    return raw


def there(raw: Table) -> str:
    return f"the columns are {listed(raw.columns, 50)}"


def left(raw: Table, used: Iterable[str]) -> list[str]:
    """Columns that are none of ours yet."""
    return [column for column in raw if column not in (*KNOWN, *used)]
