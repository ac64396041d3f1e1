"""What the measuring scripts share: command line, progress bar, and a table written in one stroke."""

import argparse
import csv
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

EXAMPLES = Path(__file__).resolve().parent.parent / "forecaster" / "examples"

Row = Mapping[str, str | int | float]


def parse_arguments(description: str | None, default_name: str) -> argparse.Namespace:
    """Read `--output` (by default a file among the shipped examples) and `--seed`."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--output",
        type=Path,
        default=EXAMPLES / default_name,
        help=f"CSV file to write (default: forecaster/examples/{default_name})",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of every random choice (default: 0)")
    return parser.parse_args()


def progress_bar() -> Progress:
    """A progress bar that names what is being measured."""
    return Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
        transient=True,
    )


def _cell(value: str | int | float) -> str | int:
    """Floats in eight significant digits: far below their sampling error, and stable to read."""
    return f"{value:.8g}" if isinstance(value, float) else value


def write_table(path: Path, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Write `rows` as CSV under a temporary name, then rename, so that no half-written file is left."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows([_cell(row[column]) for column in columns] for row in rows)
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
