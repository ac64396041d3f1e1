"""Seen: what a file shows before it is known which program wrote it: kind, columns or keys."""

from __future__ import annotations

import io
import json
import re
import sqlite3
import zipfile
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from forecaster._support.frames import Table
from forecaster.curves.learning_curves import listed
from forecaster.curves.reading import dialect
from forecaster.curves.reading.files import GZIP, kind_of_file, load, unfolded
from forecaster.errors import CurveFileError, ForecasterError

Kind = Literal["table", "json", "lines", "parquet", "database", "events", "arrays", "folder", "other"]
SQLITE, PARQUET, ZIP = b"SQLite format 3\0", b"PAR1", b"PK\x03\x04"
HEAD_CHARACTERS = 1 << 16  # characters of a text that show its header
EVENTS = "tfevents"
NAMES_LISTED = 12  # names that a sentence lists
# Names of files that say nothing of the run, whose folder does.
GENERIC = re.compile(
    r"trainer_state|metrics|history|log|logs|training_log|results?(_.*)?|tracker_metrics|events\.out.*|\d{4}|mlflow"
)
COPY = re.compile(r"checkpoint-\d+|wandb-history|.*-history")


@dataclass(frozen=True, eq=False)
class Seen:
    """A file or a folder, looked at as little as is needed; ``label`` is what its run may be called."""

    path: Path
    label: str

    @cached_property
    def _begins(self) -> bytes:
        with self.path.open("rb") as file:
            return file.read(16)

    @cached_property
    def kind(self) -> Kind:
        """What kind of file it is, by its first bytes and its name."""
        if self.path.is_dir():
            return "folder"
        if self._begins.startswith(SQLITE):
            return "database"
        if self._begins.startswith(PARQUET):
            return "parquet"
        if self._begins.startswith(ZIP):
            return "arrays"
        if EVENTS in self.path.name:
            return "events"
        text = self.text[:HEAD_CHARACTERS].lstrip()
        if not text or kind_of_file(self.path) == "parquet":
            return "other"
        if text[0] in "{[":
            return "json" if self._one_value else "lines" if text[0] == "{" else "other"
        return "table" if kind_of_file(self.path) == "text" or self.path.suffix in (".log", ".gz") else "other"

    @cached_property
    def text(self) -> str:
        """The text of the file; "" where it holds none."""
        if b"\0\0\0" in self._begins and not self._begins.startswith(GZIP):
            return ""
        try:
            return dialect.decoded(str(self.path), unfolded(str(self.path), self.path.read_bytes()))[0]
        except CurveFileError:
            return ""

    @cached_property
    def _one_value(self) -> bool:
        try:
            json.loads(self.text)
        except (ValueError, RecursionError):
            return False
        return True

    @cached_property
    def value(self) -> Any:
        """The value of a JSON file."""
        return json.loads(self.text)

    @cached_property
    def table(self) -> Table:
        """All cells of a text or Parquet table."""
        if self.kind == "parquet" or kind_of_file(self.path) is not None:
            return load(self.path).raw
        return dialect.cells_of(str(self.path), self.text, self.path.name)[0]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Columns of a table, keys of a JSON object or record, tables of a database, arrays, files of a folder."""
        try:
            return tuple(map(str, self._names()))
        except (ForecasterError, ValueError, RecursionError, OSError, sqlite3.Error, zipfile.BadZipFile):
            return ()

    def _names(self) -> Any:
        if self.kind == "table":
            head = self.text[:HEAD_CHARACTERS]
            head = head if len(self.text) <= HEAD_CHARACTERS else head[: head.rfind("\n") + 1]
            return dialect.cells_of(str(self.path), head, self.path.name)[0].columns
        if self.kind == "parquet":
            return _parquet_columns(self.path)
        if self.kind in ("json", "lines"):
            first = self.value if self.kind == "json" else json.loads(self.text.lstrip().partition("\n")[0])
            first = first[0] if isinstance(first, list) and first else first
            return first if isinstance(first, dict) else ()
        if self.kind == "database":
            with closing(opened(self.path)) as database:
                return [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
        if self.kind == "arrays":
            with zipfile.ZipFile(self.path) as file:
                return [name.removesuffix(".npy") for name in file.namelist()]
        return sorted(one.name for one in self.path.iterdir()) if self.kind == "folder" else ()

    @property
    def said(self) -> str:
        """What was seen, in words."""
        named = f": {listed(self.names, NAMES_LISTED)}" if self.names else ""
        if self.kind == "other" and self.path.suffix == ".wandb":
            return "the offline record of a W&B run, which only W&B's own program reads: sync it and export the runs"
        said = {
            "table": "a text table with the columns" if self.names else "a text that is no table",
            "json": "JSON with the keys" if self.names else "JSON that is neither an object nor a list of them",
            "lines": "lines of JSON with the keys" if self.names else "lines of which the first is not JSON",
            "parquet": "a Parquet file with the columns" if self.names else "a Parquet file that cannot be read",
            "database": "an SQLite database with the tables" if self.names else "an SQLite database without tables",
            "arrays": "a zip file that holds" if self.names else "a zip file that cannot be read",
            "events": "a file named like TensorBoard's event files",
            "folder": "a folder with" if self.names else "an empty folder",
            "other": f"a file that begins with {self._begins!r}"
            if self.kind == "other" and self._begins
            else "no bytes",
        }
        return f"{said[self.kind]}{named}"


def opened(path: Path) -> sqlite3.Connection:
    """A database, opened so that nothing is written."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


def _parquet_columns(path: Path) -> list[str]:
    import pyarrow
    import pyarrow.parquet

    try:
        return list(pyarrow.parquet.read_schema(io.BytesIO(path.read_bytes())).names)
    except pyarrow.ArrowException as error:
        raise CurveFileError(str(error)) from None


def label_of(path: Path, root: Path) -> str:
    """What the run of a file is called: its path below the source, without names that all such files have."""
    bare = path.name.removesuffix(".gz")
    stem = Path(bare).stem if path.is_file() and EVENTS not in bare else bare
    parts = [*path.relative_to(root).parts[:-1], stem] if path != root else [stem]
    if path.is_file() and (GENERIC.fullmatch(parts[-1]) or EVENTS in parts[-1]):
        parts = parts[:-1] or [path.absolute().parent.name]
    while len(parts) > 1 and COPY.fullmatch(parts[-1]):
        parts = parts[:-1]
    if len(parts) == 1 and COPY.fullmatch(parts[0]):
        parts = [root.absolute().name if root.is_dir() else path.absolute().parent.parent.name]
    return "/".join(parts)
