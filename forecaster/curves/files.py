"""Files of curves, CSV or Parquet, as raw cells."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from forecaster.curves.learning_curves import Table, listed
from forecaster.errors import CurveColumnsError, CurveFileError, RequestError

SUFFIXES = {".csv": "csv", ".parquet": "parquet", ".pq": "parquet"}  # of files of curves, and what pandas calls each


def load(source: str | Path | pd.DataFrame) -> tuple[str, Table]:
    if isinstance(source, pd.DataFrame):
        return "table", source.set_axis(pd.RangeIndex(2, len(source) + 2))
    if not isinstance(source, str | Path):
        raise RequestError(f"found a {type(source).__name__}; expected the path of a file, or a data frame")
    path, name, wanted = Path(source), str(source), "expected a .csv or .parquet file"
    reader = {"csv": _from_csv, "parquet": _from_parquet}.get(SUFFIXES.get(path.suffix.lower(), ""))
    try:
        if path.is_dir():
            raise CurveFileError(f"{name}: found a directory; {wanted}. Name the file in it.")
        if not path.exists():
            raise CurveFileError(f"{name}: found no such file; {wanted}. Check the path.")
        if reader is None:
            raise CurveFileError(f"{name}: found the suffix {path.suffix!r}; {wanted}. Save the table as one.")
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise CurveFileError(f"{name}: found a path that cannot be read ({error}); {wanted}.") from None
    return name, reader(name, data)


def _from_csv(name: str, data: bytes) -> Table:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, byte = error.object.count(b"\n", 0, error.start) + 1, error.object[error.start]
        raise CurveFileError(
            f"{name}: line {line}: found the byte 0x{byte:02x}, which is not UTF-8; expected text in UTF-8. "
            "Save the file as 'CSV UTF-8'."
        ) from None
    records: list[list[str]] = []
    lines, line = [], 1
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for record in reader:
            if any(map(str.strip, record)):
                records.append(record)
                lines.append(line)
            line = reader.line_num + 1
    except csv.Error as error:
        raise CurveFileError(
            f"{name}: line {line}: found malformed CSV ({error}); expected fields between commas, those "
            "that hold a comma or a quote in double quotes. Mend the line."
        ) from None
    if not records:
        raise CurveFileError(f"{name}: found an empty file; expected a header and a row per measurement.")
    _check_separator(name, records[0])
    width = len(records[0])
    ragged = [f"line {at} has {len(r)}" for at, r in zip(lines, records, strict=True) if len(r) != width]
    if ragged:
        raise CurveFileError(
            f"{name}: found rows of unequal length: {listed(ragged, quote=False)} fields; expected {width} "
            "as in the header. Mend these lines: a field that holds a comma needs double quotes."
        )
    header = [cell.strip() or f"column {index}" for index, cell in enumerate(records[0], start=1)]
    return pd.DataFrame(records[1:], columns=header, index=lines[1:], dtype=object)


def _check_separator(name: str, header: Sequence[str]) -> None:
    """Refuse a table between whose fields stand semicolons or tabs: its decimal commas could not be told from those."""
    for mark, called, code in ((";", "semicolons", ";"), ("\t", "tabs", "\\t")):
        if len(header) == 1 and mark in header[0]:
            python = f"pandas.read_csv({name!r}, sep='{code}', decimal=',').to_csv({_beside(name)!r}, index=False)"
            raise CurveColumnsError(
                f"{name}: found {called} between fields: the columns are {header[0].strip()[:200]!r}; expected commas "
                f"between fields and points in decimals. Save the table again so, or in Python: {python}"
            )


def _beside(name: str) -> str:
    path = Path(name)
    return str(path.with_name(f"{path.stem}-commas.csv"))


def _from_parquet(name: str, data: bytes) -> Table:
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(io.BytesIO(data))
        table.validate(full=True)
        frame = table.to_pandas(ignore_metadata=True)
    except Exception as error:  # a damaged file raises nearly anything
        what = str(error).partition("\n")[0] or type(error).__name__
        raise CurveFileError(
            f"{name}: found a file that cannot be read as Parquet ({what}); expected a whole Parquet file. "
            "Write it again."
        ) from None
    return frame.set_axis(pd.RangeIndex(2, len(frame) + 2))
