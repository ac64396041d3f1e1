"""Files of curves as raw cells: text, JSON or Parquet, each of them also gzipped."""

from __future__ import annotations

import gzip
import io
import json
import shlex
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from forecaster._support.frames import Table
from forecaster.curves.how_read import TABLE
from forecaster.curves.learning_curves import Note
from forecaster.curves.reading import dialect
from forecaster.errors import CurveFileError, RequestError

KINDS = {
    **dict.fromkeys((".csv", ".tsv", ".txt", ".dat", ".md"), "text"),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), "json"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
}
HOLDING = ("data", "rows", "records", "results", "table", "history", "log_history")  # of a table, in JSON
GZIP = b"\x1f\x8b"
LARGEST_FILE = 2**30  # bytes that a gzipped file may unfold to
WANTED = "expected a table of curves: .csv, .tsv, .txt, .json, .jsonl or .parquet, or one of these with .gz"


@dataclass(frozen=True, eq=False)
class Loaded:
    """Raw cells under the table's own names, indexed by row number; ``separator`` stands between those of a text."""

    name: str
    raw: Table
    notes: tuple[Note, ...] = ()
    separator: str | None = None


def kind_of_file(path: Path) -> str | None:
    """``text``, ``json`` or ``parquet``, by the suffix; None for a file that is no table."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    return KINDS.get(suffixes[-1]) if suffixes else None


def load(source: str | Path | pd.DataFrame) -> Loaded:
    """The cells of a file or of a data frame; CurveFileError, naming the place, for a file that cannot be read."""
    if isinstance(source, pd.DataFrame):
        return Loaded(TABLE, source.set_axis(pd.RangeIndex(2, len(source) + 2)))
    if not isinstance(source, str | Path):
        raise RequestError(f"found a {type(source).__name__}; expected the path of a file, or a data frame")
    path, name = Path(source), str(source)
    kind = kind_of_file(path)
    try:
        if path.is_dir():
            raise CurveFileError(
                f"{name}: found a directory; {WANTED}. Name the file in it, or, where it "
                f"holds runs of a tracker: {shlex.join(['forecaster', 'import', name])}"
            )
        if not path.exists():
            raise CurveFileError(f"{name}: found no such file; {WANTED}. Check the path.")
        if kind is None:
            raise CurveFileError(
                f"{name}: found the suffix {path.suffix!r}; {WANTED}. Save the table as one, or, where a "
                f"tracker wrote it: {shlex.join(['forecaster', 'import', name])}"
            )
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise CurveFileError(f"{name}: found a path that cannot be read ({error}); {WANTED}.") from None
    data = unfolded(name, data)
    if kind == "parquet":
        return Loaded(name, _from_parquet(name, data))
    text, notes = dialect.decoded(name, data)
    if kind == "json":
        return Loaded(name, _from_json(name, text), notes)
    cells, separator = dialect.cells_of(name, text, path.name)
    return Loaded(name, cells, notes, separator)


def unfolded(name: str, data: bytes) -> bytes:
    if not data.startswith(GZIP):
        return data
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            found = file.read(LARGEST_FILE + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise CurveFileError(
            f"{name}: found a gzip file that cannot be unfolded ({error}); expected a whole one. Write it again."
        ) from None
    if len(found) > LARGEST_FILE:
        raise CurveFileError(
            f"{name}: found more than {LARGEST_FILE >> 20} MiB in a gzip file; expected a table of curves."
        )
    return found


def _numbered(frame: Table) -> Table:
    return frame.set_axis(pd.RangeIndex(2, len(frame) + 2))


# JSON ---------------------------------------------------------------------------------------------


def _from_json(name: str, text: str) -> Table:
    """A list of records, a dict of columns, either below a name such as ``data``, or a record a line."""
    try:
        try:
            found = _table_in(json.loads(text))
        except json.JSONDecodeError as error:
            found = _lines(name, text, error)
        if found is None:
            raise _no_table(name, "JSON without a table in it")
        return _numbered(found.astype(object))
    except (ValueError, TypeError, RecursionError, AttributeError, KeyError, OverflowError) as error:
        raise _no_table(name, f"JSON that holds no table ({str(error)[:200]})") from None


def _no_table(name: str, found: str) -> CurveFileError:
    return CurveFileError(
        f"{name}: found {found}; expected a list of records, a dict of columns, or a record a line. Write it again as "
        f"one of these, or, where a tracker or trainer wrote it: {shlex.join(['forecaster', 'import', name])}"
    )


def _lines(name: str, text: str, whole: json.JSONDecodeError) -> Table:
    records = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError as error:
            at = f"line {number}: found malformed JSON ({error.msg})" if records else f"found malformed JSON ({whole})"
            raise CurveFileError(f"{name}: {at}; expected a record a line, or one JSON value. Mend it.") from None
    found = _table_in(records)
    if found is None:
        raise _no_table(name, "an empty file" if not records else "lines that are no records")
    return found


def _table_in(value: Any, deep: int = 0) -> Table | None:
    """The table that a JSON value is, or else the one below its likeliest name, or the longest."""
    if isinstance(value, list):
        if value and all(isinstance(record, dict) for record in value):
            return _flat(value)
        even = len(value) > 1 and all(isinstance(row, list) and len(row) == len(value[0]) for row in value)
        if even and all(isinstance(cell, str) for cell in value[0]):
            return pd.DataFrame(value[1:], columns=value[0], dtype=object)
        return None
    if not isinstance(value, dict) or not value:
        return None
    split = value.get("columns"), value.get("data")
    if all(isinstance(part, list) for part in split) and set(value) <= {"columns", "data", "index"}:
        return pd.DataFrame(split[1], columns=split[0], dtype=object)
    columns = {key: column for key, column in value.items() if isinstance(column, list)}
    flat = {key: column for key, column in columns.items() if not any(isinstance(c, dict | list) for c in column)}
    if flat and len(flat) == len(value) and len(set(map(len, flat.values()))) == 1:
        return pd.DataFrame(flat, dtype=object)
    if all(isinstance(column, dict) for column in value.values()) and _same_keys(list(value.values())):
        return pd.DataFrame({key: list(column.values()) for key, column in value.items()}, dtype=object)
    if deep < 3:
        inner = {key: _table_in(below, deep + 1) for key, below in value.items() if isinstance(below, dict | list)}
        tables = {key: table for key, table in inner.items() if table is not None}
        if tables:
            return tables[max(tables, key=lambda key: (key in HOLDING, len(tables[key])))]
    # A dict of columns beside single values: those are the same in all rows.
    if flat and len(set(map(len, flat.values()))) == 1:
        alike = {k: v for k, v in value.items() if k not in columns and not isinstance(v, dict)}
        return pd.DataFrame(
            flat | {key: [v] * len(next(iter(flat.values()))) for key, v in alike.items()}, dtype=object
        )
    return None if deep else _flat([value])


def _same_keys(records: Sequence[Mapping[str, Any]]) -> bool:
    """Whether dicts are columns by row number, as pandas writes them."""
    first = list(records[0])
    return bool(first) and all(key.isdecimal() for key in first) and all(list(record) == first for record in records)


def _flat(records: list[dict[str, Any]]) -> Table:
    return pd.json_normalize(records)


# Parquet ------------------------------------------------------------------------------------------


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
    return _numbered(frame)
