"""Whatever a file holds, reading it gives curves or a ForecasterError: random bytes, random tables, mutated tables.

The tables that are mutated are made here; those of a folder are mutated as well. Where a refusal suggests how
to read an input, that is done. Two processes read; anything else than curves or a refusal is printed with the input
that brought it about, and ends with exit code 1. Run as

    python benchmarks/fuzz_reading.py --inputs 100000 --cases FOLDER
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import multiprocessing
import re
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from recording import add_output, record

PROCESSES = 2
BATCH = 250  # inputs that a process reads before it reports
SUFFIXES = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".parquet", ".csv.gz")
NAMES = (
    "domain|architecture|n|error|task|seed|error_sd|repeats|n_test|metric|split|params|train_rows|hours|tokens|val/loss|"
    "test_acc|F1|R2|model|Step|run - loss|run - loss__MIN|100|1k|n=10|1%|5 min|NDCG@5|| |a,b|a+b|é|std|fraction"
)
NUMBERS = "0.5|0,52|1.000|1,000|10k|1.5M|75.3 B|2e19|10 min|1 h|25 %|61.2 ± 2.3|61.2(23)|100|200|400|0.3|0.2"
ODD = "| |nan|NA|-|inf|-inf|1e999|-1|0|-0.0|True|½|٣|1_0|0x1|=1+1|a|b|cnn|val|test|fit|accuracy|1:30:00|1.2.3"
HEADERS = [*NAMES.split("|"), '"']
CELLS = [*NUMBERS.split("|"), *ODD.split("|"), '"', "\ufeff", "\x00", "a\nb", "9" * 400]
OPTIONS: tuple[dict[str, Any], ...] = (
    {"score": "accuracy"},
    {"score": "neg_mse"},
    {"score": "r2", "percent": True},
    {"percent": True},
    {"decimal": "comma"},
    {"decimal": "point"},
    {"wide": "models"},
    {"wide": "sizes"},
    {"full_size": 1000},
    {"columns": {"n": "train_rows", "error": "val/loss"}},
    {"columns": {"task": "model+seed"}},
    {"where": {"model": "a"}},
    {"constants": {"domain": "d", "architecture": "a"}},
    {"constants": {"domain": "d", "n_test": "x"}},
)
SUGGESTED = re.compile(r"\(in Python: read_curves\('[^']*', (.*)\)\)$", re.M)
PASTED = 3  # suggestions that are followed, one after another
SIGNS = b',;\t|"\n\r .0123456789-+eE%\x00\xff\xc3{}[]:'


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=100_000, help="how many inputs are read")
    parser.add_argument("--cases", type=Path, help="a folder of tables that are mutated, too")
    parser.add_argument("--seed", type=int, default=0)
    add_output(parser, "fuzz_reading")
    arguments = parser.parse_args()
    cases = [] if arguments.cases is None else [p for p in sorted(arguments.cases.iterdir()) if p.is_file()]
    begin, total = time.perf_counter(), Counter[str]()
    starts = range(0, arguments.inputs, BATCH)
    jobs = [(arguments.seed, start, min(BATCH, arguments.inputs - start), cases) for start in starts]
    broken = []
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        for done, (counts, failures) in enumerate(pool.imap_unordered(_read_batch, jobs), start=1):
            total += counts
            broken += failures
            if done % 40 == 0:
                print(f"{done * BATCH} of {arguments.inputs}", flush=True)
    took = time.perf_counter() - begin
    for kind, count in total.most_common():
        print(f"{count:8d}  {kind}")
    for failure in broken[:5]:
        print(failure)
    print(f"{arguments.inputs} inputs, {len(broken)} of them neither read nor refused, {took:.0f} s")
    rows = [{"outcome": kind, "inputs": count} for kind, count in sorted(total.items())]
    if arguments.output is not None:
        record(arguments.output, "What reading random inputs came to", rows)
    return 1 if broken else 0


def _read_batch(job: tuple[int, int, int, list[Path]]) -> tuple[Counter[str], list[str]]:
    from forecaster.curves.reading.read import read_curves
    from forecaster.errors import ForecasterError

    seed, start, count, cases = job
    tables = [*_own(), *((path.name, path.read_bytes()) for path in cases)]
    counts, broken = Counter[str](), []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(start, start + count):
            random = np.random.default_rng([seed, number])
            name, data, options = _input(random, tables)
            path = Path(folder) / name
            path.write_bytes(data)
            for again in range(PASTED + 1):
                try:
                    read_curves(path, **options)
                    counts[f"read{after(again)}"] += 1
                    break
                except ForecasterError as refusal:
                    counts[f"{type(refusal).__name__}{after(again)}"] += 1
                    suggested = SUGGESTED.search(str(refusal))
                    if suggested is None:
                        break
                    options = eval(f"dict({suggested[1]})")
                except Exception:
                    counts["neither"] += 1
                    broken.append(f"input {number} ({name}, {options}): {data[:300]!r}\n{traceback.format_exc()}")
                    break
            path.unlink()
    return counts, broken


def after(again: int) -> str:
    return f" after {again} suggestions" if again else ""


def _input(random: np.random.Generator, tables: list[tuple[str, bytes]]) -> tuple[str, bytes, dict[str, Any]]:
    """The name of a file, what it holds, and how it is read."""
    options = OPTIONS[random.integers(len(OPTIONS))] if random.random() < 0.4 else {}
    kind = random.choice(["bytes", "table", "mutated"], p=[0.1, 0.4, 0.5])
    if kind == "bytes":
        return f"x{random.choice(SUFFIXES)}", random.bytes(int(random.integers(0, 400))), options
    if kind == "table":
        return *_table(random), options
    name, data = tables[random.integers(len(tables))]
    suffix = str(random.choice(SUFFIXES)) if random.random() < 0.1 else "".join(Path(name).suffixes[-2:])
    return f"x{suffix}", _mutated(random, data), options


def _table(random: np.random.Generator) -> tuple[str, bytes]:
    width, height = int(random.integers(1, 8)), int(random.integers(0, 12))
    header = random.choice(HEADERS, width).tolist()
    few = random.choice(CELLS, int(random.integers(1, 6))).tolist()  # cells that come again: columns that make sense
    rows = [random.choice(few if random.random() < 0.8 else CELLS, width).tolist() for _ in range(height)]
    suffix = str(random.choice(SUFFIXES))
    if suffix == ".json":
        records = [dict(zip(header, row, strict=True)) for row in rows]
        value = random.choice(np.array([0, 1, 2]))
        columns = {name: [row[i] for row in rows] for i, name in enumerate(header)}
        return "x.json", json.dumps([records, {"data": records}, columns][value]).encode()
    if suffix == ".jsonl":
        lines = [json.dumps({"a": {"b": row[0]}, **dict(zip(header, row, strict=True))}) for row in rows]
        return "x.jsonl", "\n".join(lines).encode()
    if suffix == ".parquet":
        buffer = io.BytesIO()
        pd.DataFrame(rows, columns=[f"{name}" for name in header]).set_axis(
            [f"{name}{i or ''}" for i, name in enumerate(header)], axis=1
        ).to_parquet(buffer)
        return "x.parquet", buffer.getvalue()
    mark = str(random.choice([",", ";", "\t", "|", "  "]))
    quoted = [[f'"{cell}"' if random.random() < 0.3 else cell for cell in row] for row in [header, *rows]]
    text = "\n".join(mark.join(row) for row in quoted)
    data = text.encode(str(random.choice(["utf-8", "utf-8", "utf-16", "utf-8-sig"])), errors="replace")
    return f"x{suffix}", gzip.compress(data) if suffix.endswith(".gz") else data


def _mutated(random: np.random.Generator, data: bytes) -> bytes:
    """A table with a few bytes changed, lines moved, or separators replaced."""
    packed = data.startswith(b"\x1f\x8b") and random.random() < 0.8
    data = gzip.decompress(data) if packed else data
    for _ in range(int(random.integers(0, 5))):
        data = _step(random, data)
    return gzip.compress(data) if packed else data


def _step(random: np.random.Generator, data: bytes) -> bytes:
    at = int(random.integers(0, len(data) + 1))
    match int(random.integers(0, 8)):
        case 0:
            return data[:at] + bytes([int(random.integers(256))]) + data[at + 1 :]
        case 1:
            return data[:at] + bytes([SIGNS[random.integers(len(SIGNS))]]) + data[at:]
        case 2:
            return data[:at] + data[at + int(random.integers(1, 30)) :]
        case 3:
            return data.replace(b",", bytes([SIGNS[random.integers(4)]]))
        case 4:
            return data.replace(b".", b",") if random.random() < 0.5 else data.replace(b"0", b"0.000", 2)
        case 5:
            lines = data.split(b"\n")
            random.shuffle(lines)  # type: ignore[arg-type]
            return b"\n".join(lines[: int(random.integers(1, len(lines) + 1))])
        case 6:
            return data[:at] + str(random.choice(CELLS)).encode(errors="replace") + data[at:]
        case _:
            return data.replace(str(random.choice(CELLS[:20])).encode(), str(random.choice(CELLS)).encode(), 3)


def _own() -> list[tuple[str, bytes]]:
    """Small tables that are read, or refused with a suggestion."""
    n = [100, 300, 1000, 3000, 10_000]
    long = pd.DataFrame({"domain": "d", "architecture": ["a", "b"] * 5, "n": n * 2, "error": np.linspace(0.5, 0.1, 10)})
    other = long.rename(columns={"n": "train_rows", "error": "val/loss", "architecture": "model"})
    wide = pd.DataFrame({"Step": n, "r - loss": np.linspace(4, 3, 5), "s - loss": np.linspace(5, 3, 5)})
    sizes = pd.DataFrame({"model": ["a", "b"], "100": [0.5, 0.6], "1k": [0.4, 0.5], "10k": [0.3, 0.4]})
    marks = 'size;rmse;model\n"1.000";"0,52";x\n"2.000";"0,44";x\n"10.000";"0,31";x\n'
    spread = "model,train size,F1\nB,1%,61.2 ± 2.3\nB,10%,72.9 ± 1.1\nB,100%,77.4 ± 0.8\n"
    buffer = io.BytesIO()
    long.to_parquet(buffer)
    texts = {"long.csv": long.to_csv(index=False), "other.csv": other.to_csv(index=False), "spread.csv": spread}
    texts |= {"wide.csv": wide.to_csv(index=False), "sizes.csv": sizes.to_csv(index=False), "marks.csv": marks}
    texts |= {"long.json": long.to_json(orient="records"), "other.jsonl": other.to_json(orient="records", lines=True)}
    packed = [("long.csv.gz", gzip.compress(texts["long.csv"].encode())), ("long.parquet", buffer.getvalue())]
    return [*((name, text.encode()) for name, text in texts.items()), *packed]


if __name__ == "__main__":
    raise SystemExit(main())
