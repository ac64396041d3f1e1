"""Tables of results: written by the script that measured them, kept as numbers beside the pages.

``record`` puts one table into ``results.json`` of a folder, under the page and the title it is given, with date,
commit and command, and writes the page (``accuracy.md``) anew from all its tables. So a page never says what the
numbers do not.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
NUMBERS = "results.json"
Row = Mapping[str, Any]


def add_output(parser: argparse.ArgumentParser, page: str) -> None:
    """The option ``--output FILE`` of a script whose table belongs on ``page``."""
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help=f"put the table on this page, such as benchmarks/results/{page}.md, and its numbers into {NUMBERS} beside",
    )


def record(path: Path, title: str, rows: Sequence[Row], *, shares: Iterable[str] = (), note: str = "") -> None:
    """Put a table on the page ``path``, in place of the one of the same ``title``.

    ``rows`` map column names to numbers, texts or None; columns named in ``shares`` are shown in per cent. Date,
    commit and command are those of the running script.
    """
    command = f"uv run python benchmarks/{Path(sys.argv[0]).name} {shlex.join(_without_output(sys.argv[1:]))}".strip()
    table = {"measured": f"{datetime.now(UTC):%Y-%m-%d}", "commit": commit(), "command": command, "note": note}
    table |= {"shares": list(shares), "rows": [{k: _plain(v) for k, v in row.items()} for row in rows]}
    pages = load(path.parent)
    pages.setdefault(path.stem, {"about": "", "tables": {}})["tables"][title] = table
    save(path.parent, pages)


def load(folder: Path) -> dict[str, Any]:
    """Every page's tables: ``{page: {"about": text, "tables": {title: table}}}``."""
    path = folder / NUMBERS
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def save(folder: Path, pages: Mapping[str, Any]) -> None:
    """Write the numbers, and every page from them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NUMBERS).write_text(json.dumps(pages, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for name, page in pages.items():
        (folder / f"{name}.md").write_text(page_of(name, page), encoding="utf-8")


def page_of(name: str, page: Mapping[str, Any]) -> str:
    """A page as Markdown."""
    parts = [f"# {name.capitalize()}", page["about"]] if page["about"] else [f"# {name.capitalize()}"]
    for title, table in page["tables"].items():
        source = f"Measured {table['measured']} at {table['commit']}: `{table['command']}`"
        if table.get("carried"):  # put down by hand from earlier notes, not by the script
            source = f"Carried over, measured {table['measured']} at {table['commit']}. Anew: `{table['command']}`"
        parts += [f"## {title}", source, table_of(table), *([table["note"]] if table["note"] else [])]
    return "\n\n".join(parts) + "\n"


def table_of(table: Mapping[str, Any]) -> str:
    """The rows of a table as Markdown."""
    columns = list(dict.fromkeys(name for row in table["rows"] for name in row))
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    places = {name: decimals([row.get(name) for row in table["rows"]]) for name in columns}
    for row in table["rows"]:
        cells = (cell(row.get(name), name in table["shares"], places[name]) for name in columns)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def decimals(values: Sequence[Any]) -> int:
    """How many decimals a column of numbers needs for three digits of each, at most four."""
    shown = [f"{value:.3g}" for value in values if isinstance(value, float)]
    return min(4, max((len(text.partition(".")[2]) for text in shown if "e" not in text), default=0))


def cell(value: Any, share: bool, places: int) -> str:
    """One cell: a number with the decimals of its column, per cent of a share, a dash where there is nothing."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if share:
        return f"{100 * value:.0f} %"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.{places}f}"


def commit() -> str:
    """The commit that is checked out, marked where files differ from it."""
    asked = ["git", "describe", "--always", "--dirty", "--abbrev=7", "--exclude=*"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "an unknown commit"


def _without_output(given: Sequence[str]) -> list[str]:
    """Arguments with ``--output FILE`` left out, and folders of this machine not named."""
    kept = list(given)
    while "--output" in kept:
        at = kept.index("--output")
        del kept[at : at + 2]
    kept = [word for word in kept if not word.startswith("--output=")]
    return [Path(word).name if word.startswith("/") else word for word in kept]


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
