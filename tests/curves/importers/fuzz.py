"""Whatever an export holds, importing it gives a table or a refusal: mutated fixtures through the command line.

    uv run python tests/curves/importers/fuzz.py --inputs 100000

Every import runs as ``forecaster import ... -o FILE``. It must end with exit code 0 and the whole table in the file, or
with 1 or 2, a message, and no file at all; nothing else may lie beside it, and nothing but exits may be raised. Where a
refusal shows a command, one of them is pasted: it may be refused as well, but not as wrong usage. Files are mutated as
bytes, as cells, as JSON values, as rows of a database and as records of event files whose check sums are right.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import multiprocessing
import random
import re
import shlex
import shutil
import sqlite3
import struct
import sys
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[2]))
from helpers.exports import FIXTURES, Fixture

PROCESSES = 2
BATCH = 50  # inputs that a process mutates before it reports
RUNS = 3  # of a folder that are kept
ODD = (
    *("", " ", "nan", "NaN", "inf", "-Infinity", "-1", "0", "1e999", "True", "None", "1,5", "1.000", "10k", "9" * 400),
    *(
        "a\nb",
        '"',
        "\x00",
        "\ufeff",
        "½",
        "٣",
        "{}",
        "[1]",
        "{'a': nan}",
        "5 %",
        "1 h",
        "finished",
        "RUNNING",
        "..",
        "a/b",
    ),
)
VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1e308,
    10**400,
    "",
    "x",
    [],
    [1, [2]],
    {},
    {"a": {"b": 1}},
    "NaN",
    [[0.1]],
)
SIGNS = b',;\t|"\n\r .0123456789-+eE%\x00\xff\xc3{}[]:\x08\x12\x1a'
TAKES = (None, "last", "best", "every", "step=10", "step=3", "best=loss", "best=")
SHOWN = re.compile(r"^  (forecaster import .*)$", re.M)


# Mutations ----------------------------------------------------------------------------------------


def as_bytes(rng: random.Random, data: bytes) -> bytes:
    """Some bytes changed, put in, taken out, doubled or cut off."""
    found = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        at = rng.randrange(len(found) + 1)
        kind = rng.randrange(6)
        if kind == 0 and at < len(found):
            found[at] = rng.choice(SIGNS)
        elif kind == 1 and at < len(found):
            found[at] ^= 1 << rng.randrange(8)
        elif kind == 2:
            found[at:at] = bytes(rng.choice(SIGNS) for _ in range(rng.randint(1, 4)))
        elif kind == 3:
            del found[at : at + rng.choice((1, 2, 10, 200))]
        elif kind == 4:
            found[at:at] = found[at : at + rng.choice((4, 50))]
        elif rng.random() < 0.3:
            del found[at:]
    return bytes(found)


def as_cells(rng: random.Random, data: bytes) -> bytes:
    """Cells and columns of a text table."""
    text = data.decode("utf-8", errors="replace")
    mark = ";" if ";" in text.partition("\n")[0] else ","
    rows = list(csv.reader(io.StringIO(text), delimiter=mark))
    for _ in range(rng.choice((1, 2, 6))):
        row = rng.choice(rows) if rows else []
        kind = rng.randrange(5)
        if kind < 2 and row:
            row[rng.randrange(len(row))] = rng.choice(ODD)
        elif kind == 2 and rows and rows[0]:
            at, value = rng.randrange(len(rows[0])), rng.choice(ODD)
            for other in rows[1:]:
                if at < len(other):
                    other[at] = value
        elif kind == 3 and rows and rows[0]:
            at = rng.randrange(len(rows[0]))
            for other in rows:
                del other[at : at + 1]
        elif rows:
            rows.insert(rng.randrange(len(rows) + 1), list(rng.choice(rows)))
    out = io.StringIO()
    csv.writer(out, delimiter=mark).writerows(rows)
    return out.getvalue().encode(errors="replace")


def as_json(rng: random.Random, data: bytes) -> bytes:
    """Values and keys of a JSON value, or of each line."""
    try:
        lines = [json.loads(data)]
    except ValueError:
        lines = [json.loads(line) for line in data.splitlines()]
    for _ in range(rng.choice((1, 1, 3))):
        at = rng.randrange(len(lines))
        lines[at] = _changed(rng, lines[at])
    return "\n".join(map(json.dumps, lines)).encode()


def _changed(rng: random.Random, value: Any) -> Any:
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(list(value))
        if rng.random() < 0.1:
            return {(rng.choice(ODD) if k == key else k): v for k, v in value.items()}
        if rng.random() < 0.1:
            return {k: v for k, v in value.items() if k != key}
        return {**value, key: _changed(rng, value[key])}
    if isinstance(value, list) and value and rng.random() < 0.9:
        at = rng.randrange(len(value))
        return [*value[:at], _changed(rng, value[at]), *value[at + 1 :]]
    return rng.choice(VALUES)


def as_database(rng: random.Random, data: bytes) -> bytes:
    """Cells, rows and tables of a database."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.db"
        path.write_bytes(data)
        base = sqlite3.connect(path)
        base.execute("pragma foreign_keys = off")
        base.execute("pragma ignore_check_constraints = on")
        names = [name for (name,) in base.execute("select name from sqlite_master where type = 'table'")]
        for _ in range(rng.choice((1, 2, 4))):
            table = rng.choice(names)
            columns = [row[1] for row in base.execute(f'pragma table_info("{table}")')]
            column, value = rng.choice(columns or ["x"]), rng.choice((*ODD, None, -5, 2**62, 1e308, b"\x00\xff"))
            picked = f'rowid in (select rowid from "{table}" order by random() limit {rng.choice((1, 1, 5, 1000))})'
            orders = (
                (f'update "{table}" set "{column}" = ? where {picked}', (value,)),
                (f'update "{table}" set "{column}" = ? where {picked}', (value,)),
                (f'delete from "{table}" where {picked}', ()),
                (f'alter table "{table}" drop column "{column}"', ()),
                (f'drop table "{table}"', ()),
            )
            try:
                base.execute(*orders[min(rng.randrange(8), len(orders) - 1)])
            except (sqlite3.Error, OverflowError, UnicodeEncodeError):
                continue
        base.commit()
        base.close()
        return path.read_bytes()


def as_events(rng: random.Random, data: bytes) -> bytes:
    """Records of an event file, whose check sums are made right again."""
    from forecaster.curves.importers.trackers.event_file import masked_crc, records

    found = []
    for record in records(data):
        record = as_bytes(rng, record) if rng.random() < 0.3 else record
        length = struct.pack("<Q", len(record))
        sums = (struct.pack("<I", masked_crc(part)) for part in (length, record))
        found.append(length + next(sums) + record + next(sums))
    return b"".join(found)


def as_parquet(rng: random.Random, data: bytes) -> bytes:
    """Columns of a Parquet file, of other kinds."""
    table = pd.read_parquet(io.BytesIO(data)).astype(object)
    column = rng.choice(list(table))
    if rng.random() < 0.3:
        table = table.drop(columns=column)
    else:
        table[column] = [rng.choice(ODD) for _ in range(len(table))] if rng.random() < 0.5 else None
    out = io.BytesIO()
    table.to_parquet(out)
    return out.getvalue()


def as_arrays(rng: random.Random, data: bytes) -> bytes:
    """The arrays in a zip file, as bytes, or fewer of them."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as file, zipfile.ZipFile(out, "w") as made:
        for name in file.namelist():
            inner = file.read(name)
            if rng.random() < 0.8:
                made.writestr(name, as_bytes(rng, inner) if rng.random() < 0.4 else inner)
    return out.getvalue()


def kinds_of(path: Path) -> Sequence[Callable[[random.Random, bytes], bytes]]:
    """The mutations of a file."""
    if "tfevents" in path.name:
        return (as_bytes, as_events, as_events)
    own = {
        ".csv": as_cells,
        ".json": as_json,
        ".jsonl": as_json,
        ".db": as_database,
        ".parquet": as_parquet,
        ".npz": as_arrays,
    }.get(path.suffix)
    return (as_bytes,) if own is None else (as_bytes, own, own)


def mutated(rng: random.Random, fixture: Fixture, folder: Path) -> Path:
    """A copy of a fixture with one file changed; of a folder few runs."""
    copy = folder / fixture.at.name
    if fixture.at.is_file():
        shutil.copy(fixture.at, copy)
    elif fixture.path == "mlruns":
        shutil.copytree(fixture.at, copy)
    else:
        copy.mkdir()
        inside = sorted(fixture.at.iterdir())
        for path in rng.sample(inside, min(RUNS, len(inside))):
            shutil.copytree(path, copy / path.name) if path.is_dir() else shutil.copy(path, copy)
    for path in rng.sample(files := [p for p in sorted(copy.rglob("*")) if p.is_file()] or [copy], min(2, len(files))):
        path.write_bytes(rng.choice(kinds_of(path))(rng, path.read_bytes()))
    return copy


# Imports ------------------------------------------------------------------------------------------


def words_of(rng: random.Random, fixture: Fixture, path: Path) -> list[str]:
    """How a user may import it: as it should be, or not quite."""
    columns = dict(fixture.columns)
    if rng.random() < 0.2 and columns:
        columns.pop(rng.choice(list(columns)))
    if rng.random() < 0.1:
        columns["n"] = rng.choice(("step*64", "step*x", "epoch", "run", "*", "wall_time*2*3"))
    words = ["import", str(path)]
    words += ["--map", ",".join(f"{k}={v}" for k, v in columns.items())] if columns else []
    words += ["--names", fixture.names] if fixture.names and rng.random() < 0.9 else []
    take = "last" if rng.random() < 0.6 else rng.choice(TAKES)
    words += ["--take", take] if take is not None and not (fixture.single and take == "last") else []
    words += ["--domain", "d"] if rng.random() < 0.9 else []
    for option in ("--percent", "--keep-unfinished", "--as-they-are"):
        words += [option] if rng.random() < 0.1 else []
    words += ["--score", rng.choice(("accuracy", "r2", "neg_mse"))] if rng.random() < 0.1 else []
    return words


def fault_of(words: Sequence[str], desk: Path) -> tuple[str | None, str, list[list[str]]]:
    """What is wrong with how an import ended, None where nothing is; how it ended; the commands that it shows."""
    from typer.testing import CliRunner

    from forecaster.cli.main import app

    output = desk / "out" / "curves.csv"
    output.parent.mkdir(exist_ok=True)
    output.unlink(missing_ok=True)
    done = CliRunner().invoke(app, [*words, "-o", str(output)], prog_name="forecaster")
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        return "".join(traceback.format_exception(done.exception)[-4:]), "raised", []
    shown = [shlex.split(line)[1:] for line in SHOWN.findall(done.stderr)]
    left = [path.name for path in output.parent.iterdir()]
    if done.exit_code == 0:
        if left != [output.name]:
            return f"exit code 0 and the files {left}", "done", shown
        table = pd.read_csv(output)
        whole = {"domain", "task", "architecture", "n", "error", "run"} <= set(table) and len(table) > 0
        good = whole and bool((table["n"] > 0).all() and (table["error"] > 0).all())
        return None if good else f"a table that is not whole:\n{table}", "done", shown
    if done.exit_code not in (1, 2) or left or not done.stderr.startswith(("Error: ", "Usage: ")):
        return f"exit code {done.exit_code}, the files {left}, {done.stderr[:300]!r}", "odd", shown
    return None, "refused" if done.exit_code == 1 else "wrong usage", shown


def tried(seed: int) -> tuple[Counter[str], list[str]]:
    """A batch of inputs: how they ended, and what was wrong."""
    rng, ends, faults = random.Random(seed), Counter[str](), []
    for _ in range(BATCH):
        fixture = rng.choice(FIXTURES)
        with tempfile.TemporaryDirectory() as folder:
            desk = Path(folder)
            path = mutated(rng, fixture, desk)
            words = words_of(rng, fixture, path)
            fault, end, shown = fault_of(words, desk)
            ends[end] += 1
            if fault is None and end == "refused" and shown and rng.random() < 0.5:
                words = rng.choice(shown)
                words = words[: words.index("-o")] if "-o" in words else words
                fault, end, _ = fault_of(words, desk)
                ends[f"pasted: {end}"] += 1
                if fault is None and end == "wrong usage":
                    fault = "a command that was shown is wrong usage"
            if fault is not None:
                faults.append(f"seed {seed}, {fixture.path}: {shlex.join(words)}\n{fault}")
    return ends, faults


def fuzz(
    inputs: int, seed: int = 0, minutes: float = float("inf"), processes: int = PROCESSES
) -> tuple[int, list[str]]:
    """Mutate so many fixtures, or as many as the minutes allow; how many that were, and what was wrong."""
    began, ends, faults = time.monotonic(), Counter[str](), []
    seeds = range(seed * 1_000_000, seed * 1_000_000 + -(-inputs // BATCH))
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for done, (own, wrong) in enumerate(pool.imap_unordered(tried, seeds), start=1):
            ends += own
            faults += wrong
            if done % 10 == 0:
                print(f"{done * BATCH} inputs, {len(faults)} faults: {dict(ends)}", flush=True)
            if time.monotonic() - began > 60 * minutes:
                pool.terminate()
                break
    return sum(count for end, count in ends.items() if not end.startswith("pasted")), faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("--processes", type=int, default=PROCESSES)
    arguments = parser.parse_args()
    count, faults = fuzz(arguments.inputs, arguments.seed, arguments.minutes, arguments.processes)
    for fault in faults[:20]:
        print(fault)
    print(f"{count} inputs, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
