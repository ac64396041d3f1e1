"""Files that the command line writes: checked before any work, written whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from forecaster._support.atomic_files import write_whole
from forecaster._support.frames import Table
from forecaster.cli import console, interrupts
from forecaster.errors import OptionError, RequestError

TABLE_SUFFIXES = (".csv", ".parquet", ".json")
FIGURE_SUFFIXES = (".png", ".svg", ".pdf")


def check_files(output: Path | None, figure: Path | None) -> None:
    """:func:`check_output` of the table and the figure of an answer."""
    check_output(output, TABLE_SUFFIXES, "--output")
    check_output(figure, FIGURE_SUFFIXES, "--figure")


def check_output(path: Path | None, suffixes: Sequence[str], option: str) -> None:
    """Refuse a file that could not be written, before any time is spent on what goes into it."""
    if path is None:
        return
    if path.suffix.lower() not in suffixes:
        raise OptionError(f"{option} {path}: found the suffix {path.suffix!r}; expected {' or '.join(suffixes)}")
    if not path.parent.is_dir():
        raise RequestError(f"{option} {path}: found no folder {path.parent}; make it first, or choose another path")
    if path.is_dir():
        raise RequestError(f"{option} {path}: found a folder; expected the name of a file")
    if not os.access(path.parent, os.W_OK):
        raise RequestError(f"{option} {path}: the folder {path.parent} cannot be written; choose another path")


def check_folder(path: Path) -> None:
    """RequestError where the folder that files will be written to is something else."""
    there = next((part for part in (path, *path.parents) if part.exists()), path)
    if there.exists() and not there.is_dir():
        what = "a file" if there == path else f"a file at {there}"
        raise RequestError(f"--output {path}: found {what}; expected a folder, or the name of a new one")


def check_pdf(wanted: bool) -> None:
    """RequestError, with what to install, where PDF is asked for and cannot be made."""
    if wanted:
        from forecaster.reports.pdf import weasyprint

        weasyprint()


def write(path: Path, make: Callable[[str], Any]) -> None:
    """Write a file whole or not at all, and say so."""
    write_whole(path, make)
    wrote(path)


def wrote(path: Path) -> None:
    """Say that a file is written."""
    interrupts.wrote([path])
    console.say(f"Wrote {path}")


def write_table(table: Table, path: Path) -> None:
    """The table as CSV, Parquet or JSON (a list of rows), by the file's suffix."""
    import json

    from forecaster.results.result import rows_of

    suffix = path.suffix.lower()
    if suffix == ".parquet":
        write(path, lambda temporary: table.to_parquet(temporary, index=False))
    elif suffix == ".json":
        write(path, lambda temporary: Path(temporary).write_text(json.dumps(rows_of(table), allow_nan=False)))
    else:
        write(path, lambda temporary: table.to_csv(temporary, index=False))


def write_figure(figure: Any, path: Path) -> None:
    """The figure in the format of the file's suffix."""
    write(path, lambda temporary: figure.savefig(temporary, format=path.suffix[1:].lower(), dpi=160))
