"""Texts as raw cells: which encoding, and what stands between fields."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Sequence

import pandas as pd

from forecaster._support.frames import Table
from forecaster.curves.learning_curves import Note, listed
from forecaster.errors import CurveFileError

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
MARKS = (  # the longer ones first: UTF-32 begins as UTF-16 does
    *((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32")),
    *((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")),
)
LOOKED_AT = 50  # records that tell the separator
Records = list[tuple[int, list[str]]]  # each with the number of its first line


def decoded(name: str, data: bytes) -> tuple[str, tuple[Note, ...]]:
    """The text: UTF-8, UTF-16 or UTF-32 where a mark or the zero bytes say so, else as old Windows wrote it."""
    encoding = next((found for mark, found in MARKS if data.startswith(mark)), None) or _without_mark(data)
    try:
        return data.decode(encoding), ()
    except UnicodeDecodeError as error:
        line, byte = data.count(b"\n", 0, error.start) + 1, data[error.start]
        try:
            text = data.decode("cp1252")
        except UnicodeDecodeError:
            text = "\0"
        if encoding != "utf-8" or re.search(r"[\0-\x08\x0e-\x1f]", text):
            raise CurveFileError(
                f"{name}: line {line}: found the byte 0x{byte:02x}, which is not {encoding.upper()}; expected text in "
                "UTF-8 or UTF-16. Save the file as 'CSV UTF-8'."
            ) from None
        said = f"line {line} holds the byte 0x{byte:02x}, which is not UTF-8; the file was read as cp1252 (old Windows)"
        return text, (Note("encoding", f"{name}: {said}; if names look wrong, save it as 'CSV UTF-8'"),)


def _without_mark(data: bytes) -> str:
    """UTF-16 without its mark has a zero byte in nearly every other place; other texts never have."""
    first = data[:200]
    even, odd = first[::2].count(0), first[1::2].count(0)
    if len(first) >= 4 and max(even, odd) > 0.4 * len(first) / 2 and min(even, odd) < 0.1 * len(first) / 2:
        return "utf-16-le" if odd > even else "utf-16-be"
    return "utf-8"


def cells_of(name: str, text: str, file: str) -> tuple[Table, str]:
    """Raw cells under the header's names, indexed by line number, and what stood between fields.

    Separators are commas, semicolons, tabs or bars, by which the records have the same number of fields; of a text
    whose lines have none, runs of blanks.
    """
    told = re.match(r"sep=(.)\r?\n", text)  # how spreadsheets say it
    separator = told[1] if told else _separator(text, file)
    if told:
        text = "\n" + text[told.end() :]
    records = _tidied(_spaced(text) if separator == " " else _records(name, text, separator))
    if not records:
        raise CurveFileError(f"{name}: found an empty file; expected a header and a row per measurement.")
    width = len(records[0][1])
    records = [(line, _cut(record, width)) for line, record in records]
    ragged = [f"line {line} has {len(record)}" for line, record in records if len(record) != width]
    if ragged:
        between = f" between {SEPARATORS[separator]}" if separator in SEPARATORS else ""
        raise CurveFileError(
            f"{name}: found rows of unequal length: {listed(ragged, quote=False)} fields{between}; expected {width} "
            "as in the header. Mend these lines: a field that holds a separator needs double quotes."
        )
    header = [cell.strip() or f"column {index}" for index, cell in enumerate(records[0][1], start=1)]
    lines, rows = [line for line, _ in records[1:]], [record for _, record in records[1:]]
    return pd.DataFrame(rows, columns=header, index=lines, dtype=object), separator


def _separator(text: str, file: str) -> str:
    """The separator of the fields of most records; a comma by default."""
    usual = "\t" if ".tsv" in file.lower() else ","
    found = {mark: _widths(text, mark) for mark in dict.fromkeys((usual, *SEPARATORS))}
    even = [mark for mark, widths in found.items() if widths and widths[0] > 1 and set(widths) == {widths[0]}]
    if even:
        return even[0] if usual in even else max(even, key=lambda mark: found[mark][0])
    several = [mark for mark, widths in found.items() if widths and widths[0] > 1]
    if several:
        return several[0] if usual in several else max(several, key=lambda mark: found[mark][0])
    blanks = [len(record) for _, record in _tidied(_spaced(text))[:LOOKED_AT]]
    if len(blanks) > 1 and blanks[0] > 1 and (set(blanks) == {blanks[0]} or file.lower().endswith((".txt", ".dat"))):
        return " "
    return usual


def _widths(text: str, mark: str) -> list[int]:
    """The number of fields of the first records, were this the separator; none where they are malformed."""
    try:
        records = _tidied(_parsed(text, mark, LOOKED_AT))
    except csv.Error:
        return []
    width = len(records[0][1]) if records else 0
    return [len(_cut(record, width)) for _, record in records]


def _records(name: str, text: str, separator: str) -> Records:
    at = [1]
    try:
        return _parsed(text, separator, None, at)
    except csv.Error as error:
        raise CurveFileError(
            f"{name}: line {at[0]}: found malformed CSV ({error}); expected fields between "
            f"{SEPARATORS.get(separator, repr(separator))}, those that hold one or a quote in "
            "double quotes. Mend the line."
        ) from None


def _parsed(text: str, separator: str, most: int | None, at: list[int] | None = None) -> Records:
    records: Records = []
    line = 1
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator, skipinitialspace=False)
    for record in reader:
        if any(map(str.strip, record)):
            records.append((line, record))
            if most is not None and len(records) >= most:
                break
        line = reader.line_num + 1
        if at is not None:
            at[0] = line
    return records


def _spaced(text: str) -> Records:
    """Fields between blanks; between two and more where every line has such, so that names may hold one."""
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    wide = bool(lines) and all(re.search(r" {2,}|\t", line) for _, line in lines)
    return [(number, re.split(r"\s{2,}|\t+" if wide else r"\s+", line)) for number, line in lines]


def _tidied(records: Records) -> Records:
    """Without comments above the header, and without the bars at the ends and the rule of a table in Markdown."""
    while len(records) > 1 and records[0][1][0].lstrip().startswith("#"):
        line, first = records[0]
        bare = [first[0].lstrip().lstrip("#"), *first[1:]]
        bare = bare[1:] if not bare[0].strip() and len(bare) == len(records[1][1]) + 1 else bare
        named = len(bare) == len(records[1][1]) > 1 and any(map(_numeric, records[1][1]))
        if any(cell.strip("# \t") for cell in first) and named and not any(map(_numeric, bare)):
            records = [(line, bare), *records[1:]]
            break
        if len(first) == len(records[1][1]) and not first[0].strip().startswith(("# ", "##", "#!")):
            break  # a name that begins so
        records = records[1:]
    framed = records and all(len(r) > 2 and not r[0].strip() and not r[-1].strip() for _, r in records)
    if framed:
        records = [(line, record[1:-1]) for line, record in records]
    return [(line, r) for i, (line, r) in enumerate(records) if i != 1 or not _is_rule(r)]


def _is_rule(record: Sequence[str]) -> bool:
    return all(re.fullmatch(r"\s*:?-{2,}:?\s*", cell) for cell in record)


def _numeric(cell: str) -> bool:
    return re.fullmatch(r"\s*[-+]?[\d.,]+(e[-+]?\d+)?\s*", cell, re.I) is not None


def _cut(record: list[str], width: int) -> list[str]:
    """Without the empty fields behind the last named one."""
    while len(record) > width and not record[-1].strip():
        record = record[:-1]
    return record
