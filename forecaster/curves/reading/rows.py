"""Rows: raw cells under our names turned into the canonical table; bad rows are refused all together.

Rows count as lines do in an editor: the header is 1, the first row 2.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from forecaster._support.frames import Table
from forecaster.curves.how_read import Command, HowRead
from forecaster.curves.learning_curves import KEYS, NO_TASK, Note, listed
from forecaster.curves.reading.cells import MarkEvidence, Numbers, decimal_of, errors_of, sizes_of
from forecaster.curves.reading.columns import KNOWN, NUMBERS, REQUIRED
from forecaster.curves.reading.scores import Score, named_score
from forecaster.curves.reading.sizes import unit_of
from forecaster.curves.reading.suggestions import FULL, turned
from forecaster.errors import BadRow, CurveColumnsError, CurveFileError, CurveRowsError

SPLITS = ("fit", "extrapolate")
LOW, HIGH = 1e-100, 1e100  # beyond these, products and ratios of columns leave the range of float64
NO_ERROR = (
    "{} on few test cases says only that the error is below about 1 / n_test: put {} there,\n"
    "which is half a case wrong, or leave it out."
)
Mask = Bool[np.ndarray, " row"]


@dataclass(frozen=True, eq=False)
class Rows:
    """The canonical table, in file order and indexed by row number; how it was read, and remarks on that."""

    table: Table
    how: HowRead
    notes: tuple[Note, ...]


def rows_of(name: str, frame: Table, how: HowRead, command: Command, evidence: MarkEvidence) -> Rows:
    """The canonical table of a frame under our names; CurveRowsError for rows that cannot be used."""
    columns = {column: _column(name, column, frame, how, command, evidence) for column in NUMBERS if column in frame}
    error = columns["error"].numbers
    how = replace(how, percent=how.percent or error.percent, size_unit=columns["n"].numbers.unit)
    score = None if how.score is None else named_score(how.score)
    scale = 100.0 if how.percent else 1.0
    values = error.values / scale if how.percent else error.values
    values, none_wrong = _none_wrong(values, columns, score)
    skipped = _unmeasured(error, columns["n"].numbers)
    bad = [row for column in columns.values() for row in column.bad if column.name != "error"]
    bad += _bad_errors(frame["error"], values, error.wrong, how, score)
    table: dict[str, Any] = dict.fromkeys(KEYS, NO_TASK)
    for column in (column for column in KNOWN if column in frame):
        if column in NUMBERS:
            table[column] = columns[column].numbers.values
        else:
            table[column], more = _names(frame[column], column, how)
            bad += more
    table["error"] = as_error(values, score)
    if "error_sd" in table and how.percent:
        table["error_sd"] = table["error_sd"] / scale
    if error.spread is not None:
        table |= _spread(name, frame, error.spread / scale)
    left_out = set(frame.index[skipped]) if frame.index.is_unique else set()
    bad = [row for row in bad if row.row not in left_out] if frame.index.is_unique else _kept(bad, frame, skipped)
    if bad:
        bad.sort(key=lambda row: row.row)
        raise CurveRowsError(name, bad, _next_step(name, frame, how, command, values, bad))
    if skipped.all():
        raise CurveFileError(
            f"{name}: found no measured row: every error is blank, or every size 0; expected measurements."
        )
    others = {column: frame[column] for column in frame if column not in KNOWN}
    canonical = pd.DataFrame(table | others, index=frame.index)[~skipped]
    notes = _notes(name, frame, columns, how, score, skipped)
    if none_wrong.any():
        rows = listed(frame.index[none_wrong], 5, quote=False)
        notes.append(
            Note("none-wrong", f"{name}: no case wrong was taken as half a case, 0.5 / n_test, in rows {rows}")
        )
    return Rows(canonical, how, tuple(notes))


def _none_wrong(
    values: Float[np.ndarray, " row"], columns: Mapping[str, NumberColumn], score: Score | None
) -> tuple[Float[np.ndarray, " row"], Mask]:
    """Where none of ``n_test`` cases was wrong, half a case in place of zero; and which rows these are.

    Half a case is the median of what an error rate may be after none of the cases was wrong, to within a factor of 1.4.
    """
    best = 0.0 if score is None else 1.0
    tested = columns["n_test"].numbers.values if "n_test" in columns else np.full(len(values), np.nan)
    found = (values == best) & (tested > 0) & (score is None or not score.negated)
    half = 0.5 / np.where(found, tested, 1.0)
    return np.where(found, half if score is None else 1.0 - half, values), found


# One column ---------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class NumberColumn:
    """A column of numbers, and its bad rows."""

    name: str
    numbers: Numbers
    bad: tuple[BadRow, ...] = ()


def _column(name: str, ours: str, frame: Table, how: HowRead, command: Command, evidence: MarkEvidence) -> NumberColumn:
    raw, theirs = frame[ours], how.columns.get(ours, ours)
    decimal = how.decimal or decimal_of(raw, theirs, evidence, ours not in ("error", "error_sd"))
    if decimal is None:
        raise CurveColumnsError(_unsure(name, theirs, raw, how, command))
    if ours in ("error", "error_sd"):
        found = errors_of(raw, decimal)
        return NumberColumn(ours, found, () if ours == "error" else tuple(_bad_numbers(raw, found.values, found.wrong)))
    found, percent = sizes_of(raw, decimal, unit_of(theirs) if ours == "n" else None)
    if ours != "n":
        return NumberColumn(ours, found, tuple(_bad_numbers(raw, found.values, found.wrong | percent)))
    found = replace(found, values=_of_full_size(name, found.values, percent, how, command))
    return NumberColumn(
        ours,
        found,
        tuple(_bad_numbers(raw, found.values, found.wrong | (percent.any() & ~percent & ~np.isnan(found.values)))),
    )


def _of_full_size(name: str, values: Float[np.ndarray, " row"], percent: Mask, how: HowRead, command: Command) -> Any:
    """Sizes in per cent, or shares of 1, as sizes."""
    if percent.any() and how.full_size is None:
        said = "--full-size 100 leaves sizes in per cent; put the size of the whole training set in its place."
        lines = "\n".join(["Run:", *command.lines(replace(how, full_size=FULL)), said])
        theirs = how.columns.get("n", "n")
        raise CurveColumnsError(
            f"{name}: found sizes in per cent in {theirs!r}; expected what they are a share of: --full-size.\n{lines}"
        )
    if how.full_size is None:
        return values
    shares = percent.any() or bool((values[~np.isnan(values)] <= 1).all())
    if not shares:
        raise CurveColumnsError(
            f"{name}: found --full-size {how.full_size:g}, though sizes are neither in per cent nor shares of 1; "
            "expected one of these. Leave --full-size out."
        )
    return how.full_size * np.where(percent, values / 100.0, values)


def _unsure(name: str, theirs: str, raw: Table, how: HowRead, command: Command) -> str:
    """Both ways to read a column whose marks may be either, each with its command."""
    cell = next(str(c).strip() for c in raw if isinstance(c, str) and any(mark in c for mark in ",."))
    lines = [
        f"{name}: found marks in {theirs!r} that may stand between thousands or before decimals, as in {cell!r}; "
        "expected cells, or other columns, that tell which. Say which mark is the decimal one. Run either:",
        *(line for mark in ("comma", "point") for line in command.lines(replace(how, decimal=mark))),
    ]
    return "\n".join(lines)


def _bad_numbers(raw: Table, values: Float[np.ndarray, " row"], wrong: Mask) -> list[BadRow]:
    """The bad rows of a column of sizes and the like; what is blank is bad of n alone, and 0 is not bad of it."""
    expected, fine = "a number above 0", values > 0
    if raw.name == "error_sd":
        expected, fine = "a number that is 0 or more", values >= 0
    if raw.name not in REQUIRED:
        expected, fine = f"{expected}, or an empty cell", fine | np.isnan(values)
    fine &= ~wrong & ~np.isinf(values)
    far = fine & ((values > HIGH) | ((values < LOW) & (raw.name != "error_sd")))
    return _bad(raw, ~fine, expected) + _bad(raw, far, f"{expected}, from {LOW:g} to {HIGH:g}")


def _bad_errors(
    raw: Table, values: Float[np.ndarray, " row"], wrong: Mask, how: HowRead, score: Score | None
) -> list[BadRow]:
    """The bad rows of the error column: what is no error, or no score of the kind named; blank cells are none."""
    blank = np.isnan(values) & ~wrong
    if score is None:
        expected, fine = "a number above 0", values > 0
    elif score.negated:
        expected, fine = "a number below 0, as scores with their sign turned are", values < 0
    else:
        most, least = (1.0, score.lowest) if not how.percent else (100.0, 100.0 * score.lowest)
        between = f"between {least:g} and {most:g}, {most:g} excluded" if np.isfinite(least) else f"below {most:g}"
        expected, fine = f"a score ({score.name}) {between}", (values < 1) & (values >= score.lowest)
        if not how.percent and ((values > 1) & (values <= 100)).any():
            expected += " (these look like per cent: add --percent)"
    fine = (fine & ~wrong & ~np.isinf(values)) | blank
    sized = np.abs(values) if score is None or score.negated else 1.0 - values
    far = fine & ~blank & ((sized > HIGH) | (sized < LOW))
    return _bad(raw, ~fine, expected) + _bad(raw, far, f"{expected}, from {LOW:g} to {HIGH:g}")


def as_error(values: Float[np.ndarray, " row"], score: Score | None) -> Float[np.ndarray, " row"]:
    if score is None:
        return values + 0.0  # no negative zero
    return -values if score.negated else 1.0 - values


def _spread(name: str, frame: Table, spread: Float[np.ndarray, " row"]) -> dict[str, Any]:
    """The standard deviations behind ±, as ``error_sd``; refused beside such a column."""
    if "error_sd" in frame:
        raise CurveColumnsError(
            f"{name}: found standard deviations in the error column (behind ± or in brackets) and error_sd beside "
            "them; expected one of the two. Leave error_sd out."
        )
    return {"error_sd": spread}


def _names(raw: Table, column: str, how: HowRead) -> tuple[Table, list[BadRow]]:
    """A column of names as texts, and its bad rows."""
    texts = pd.Series(_texts(raw.to_numpy(dtype=object)), raw.index, dtype="str")
    bad: list[BadRow] = []
    if column == "split":
        texts = texts.str.lower()
        bad = _bad(raw, ~texts.isin(SPLITS).to_numpy(), "fit or extrapolate")
    elif column in REQUIRED:
        bad = _bad(raw, (texts == "").to_numpy(), "a name")
    elif column == "task":
        texts = texts.where(texts != "", NO_TASK)
    elif column == "metric" and how.score is not None:
        texts = texts.where(texts == "", "1 - " + texts)
    return texts, bad


def _text(value: Any) -> str:
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, float | np.floating):  # whole numbers beside gaps arrive as floats
        return "" if np.isnan(value) else str(int(value)) if value.is_integer() else str(value)
    return str(value).strip().encode(errors="replace").decode()


def _texts(cells: Collection[Any]) -> list[str]:
    """The text of each cell; a name that many rows share is converted once."""
    if set(map(type, cells)) <= {str}:
        known = {cell: _text(cell) for cell in set(cells)}
        return [known[cell] for cell in cells]
    return [_text(cell) for cell in cells]


# All rows -----------------------------------------------------------------------------------------


def _unmeasured(error: Numbers, size: Numbers) -> Mask:
    """Rows where nothing was measured: without an error, or at size 0, where training begins."""
    blank = np.isnan(error.values) & ~error.wrong
    return blank | ((size.values == 0) & ~size.wrong)


def _kept(bad: Sequence[BadRow], frame: Table, skipped: Mask) -> list[BadRow]:
    """The bad rows that are not left out, where one row of a wide table is several measurements."""
    whole = set(frame.index[~skipped])
    return [row for row in bad if row.row in whole]


def _bad(raw: Table, mask: Mask, expected: str) -> list[BadRow]:
    def shown(cell: Any) -> str:
        text = repr(_text(cell)) if isinstance(cell, str) else _text(cell)
        return "an empty cell" if text in ("", "''") else text if len(text) <= 40 else f"{text[:37]}..."

    cells = zip(raw.index[mask], raw.to_numpy(dtype=object)[mask], strict=True)
    return [BadRow(int(row), str(raw.name), shown(cell), expected) for row, cell in cells]


def _next_step(
    name: str, frame: Table, how: HowRead, command: Command, values: Float[np.ndarray, " row"], bad: Sequence[BadRow]
) -> str:
    """What to do about bad rows: the option that reads them where there is one, else that they are to be mended."""
    said = []
    wrong = {row.row for row in bad if row.column == "error"}
    better = turned(frame, replace(how, columns={**how.columns, "error": "error"}), how.error_column)
    better = replace(better, columns=how.columns)
    if wrong and better != how:
        return "\n".join([f"{how.error_column!r} seems to hold {_what(better)}. Run:", *command.lines(better)])
    if how.score is None and (values < 0).any():
        said.append(
            "Where the column holds a score, which is 1 at best, name it: --score R2, --score MCC and the like."
        )
    if any(row.column == "error" and re.search(r"\d\(\d+\)", row.cell) for row in bad):
        said.append("61.2(23) may be 61.2 ± 2.3 or 61.2 ± 23: write it so.")
    if (values == (0.0 if how.score is None else 1.0)).any():
        zero = ("An error of 0", "0.5 / n_test") if how.score is None else (f"{how.score} 1", "1 - 0.5 / n_test")
        said.append(NO_ERROR.format(*zero))
    return "\n".join([*said, f"Correct these rows of {name} and read it again; nothing was written."])


def _what(how: HowRead) -> str:
    return " ".join(filter(None, [how.score or "errors", "in per cent" if how.percent else ""]))


def _notes(
    name: str, frame: Table, columns: dict[str, NumberColumn], how: HowRead, score: Score | None, skipped: Mask
) -> list[Note]:
    """Notes on cells that were converted, and on rows that were left out."""
    found = []
    marked = [f"{how.columns.get(c, c)} ({of.numbers.marked})" for c, of in columns.items() if of.numbers.marked]
    if marked:
        found.append(Note("numbers", f"{name}: numbers were read so: {listed(marked, quote=False)}"))
    size = columns["n"].numbers
    if size.unit is not None:
        found.append(Note("durations", f"{name}: sizes are durations and were turned into {size.unit}"))
    if how.full_size is not None:
        found.append(Note("full-size", f"{name}: sizes are shares of {how.full_size:.15g} (--full-size)"))
    if columns["error"].numbers.spread is not None:
        found.append(Note("error-sd", f"{name}: what stands behind ± or in brackets was read as error_sd"))
    if how.turned is not None:
        what = "scores were turned into errors" if score is not None else "errors were divided by 100"
        found.append(Note("score" if score else "percent", f"{name}: {what}: error = {how.turned}"))
    blank = np.isnan(columns["error"].numbers.values) & skipped
    for code, mask, why in (("unmeasured", blank, "without an error"), ("size-0", skipped & ~blank, "of size 0")):
        if mask.any():
            rows = listed(dict.fromkeys(frame.index[mask]), 5, quote=False)
            found.append(Note(code, f"{name}: rows {why} were left out: {rows}"))
    return found
