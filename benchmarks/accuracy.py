"""Forecast the hidden part of public learning curves and score it, beside the baselines.

Reads from a folder those of `ic_birds_caltech.csv`, `nmt.csv`, `lcdb.csv` and `chinchilla.csv` that are there: the
format of `forecaster` with a column `split` of `fit` and `extrapolate` rows. For each file it prints one line a method
(mean and median RMSLE over curves, mean RMSE on plain errors, CRPS and log score, curves on which it is nearest,
pairs of architectures ranked as observed), then coverage by level and distance, with the least and most that intervals
which are exactly right would hold nine times in ten (`low`, `high`), then the data requirement.

    uv run python benchmarks/accuracy.py --data FOLDER --only nmt,ic --json accuracy.json
    uv run python benchmarks/accuracy.py --data FOLDER --only lcdb --sample 6 --card generic

`--card NAME` gives all files one card; `fields.py` judges cards that never saw a field.
`--split 1.0` hides the last decade of each curve instead of the rows that the file names.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from recording import add_output, record
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from forecaster.curves.learning_curves import LearningCurves
from forecaster.curves.reading.read import read_curves
from forecaster.errors import ForecasterError
from forecaster.evaluation.backtest import Backtest, backtest
from forecaster.evaluation.scoring import BINS, LEVELS, SHOWN
from forecaster.results.result import plain, rows_of

FILES = {"nmt": "nmt.csv", "ic": "ic_birds_caltech.csv", "lcdb": "lcdb.csv", "chinchilla": "chinchilla.csv"}
COLUMNS = ["method", "curves", "rmsle", "rmsle_median", "rmse", "crps", "log_score", "msce", "msce_by_curve"]
COLUMNS += ["cover_50", "cover_80", "cover_90", "cover_95", "width_80", "wins", "pairs", "pairs_right"]
COLUMNS += ["requirement_log2_ratio"]


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the files")
    parser.add_argument("--only", default=",".join(FILES), help=f"some of {','.join(FILES)} (default: all)")
    parser.add_argument("--sample", type=int, help="this many tasks of each file, drawn by the seed (default: all)")
    parser.add_argument("--card", help="one domain card for all (default: the card of each file's domain)")
    parser.add_argument("--split", default="column", help="column, or decades to hide, such as 1.0 (default: column)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-baselines", action="store_true")
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    add_output(parser, "accuracy")
    chosen = parser.parse_args()
    unknown = set(chosen.only.split(",")) - set(FILES)
    if unknown:
        parser.error(f"--only: found {', '.join(sorted(unknown))}; expected some of {', '.join(FILES)}")
    if chosen.split != "column":
        try:
            chosen.split = float(chosen.split)
        except ValueError:
            parser.error(f"--split: found {chosen.split!r}; expected 'column' or a number of decades")
    return chosen


def sampled(curves: LearningCurves, count: int | None, seed: int) -> LearningCurves:
    """All tasks, or so many of them at random."""
    tasks = sorted({task for _, task in curves.groups})
    if count is None or count >= len(tasks):
        return curves
    drawn = np.random.default_rng(seed).choice(tasks, count, replace=False)
    return curves.select(task=[str(task) for task in drawn])


def run(name: str, path: Path, chosen: argparse.Namespace) -> tuple[Backtest, float]:
    """The backtest of one file and the seconds it took."""
    start = time.perf_counter()
    curves = sampled(read_curves(path), chosen.sample, chosen.seed)
    columns = (BarColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, transient=True, console=_console()) as progress:
        bar = progress.add_task(path.name, total=1.0)
        found = backtest(
            curves,
            split=chosen.split,
            card=chosen.card,
            seed=chosen.seed,
            baselines=not chosen.no_baselines,
            on_progress=lambda what, share: progress.update(bar, completed=share, description=what),
        )
    return found, time.perf_counter() - start


def _console() -> Any:
    from rich.console import Console

    return Console(stderr=True)


def report(name: str, found: Backtest, seconds: float) -> None:
    """Print the tables of one file."""
    print(f"\n{name}: {len(found.table)} curves, {len(found.points)} hidden points, {seconds:.0f} s\n")
    shown = found.totals[[c for c in COLUMNS if c in found.totals]]
    print(shown.to_string(index=False, na_rep="-", float_format=lambda v: f"{v:.4g}"))
    for what in ("coverage", "coverage_low", "coverage_high", "coverage_by_curve"):
        wide = found.calibration.pivot(index="distance", columns="level", values=what)
        wide = wide.reindex([d for d in ("all", *BINS) if d in wide.index])
        wide.insert(0, "points", found.calibration.groupby("distance")["points"].first())
        wide.columns = [f"{c:.0%}" if isinstance(c, float) else c for c in wide.columns]
        print(f"\n{what.replace('_', ' ')}, by decades beyond the largest fitted size")
        print(wide.to_string(float_format=lambda v: f"{v:.3f}"))
    print()
    for key in sorted(k for k in found.summary if k.startswith(("requirement", "pairs"))):
        print(f"{key}: {found.summary[key]:.4g}")
    if len(found.chances):
        print("\nhow often the favoured architecture of a pair was the better one, by the chance it was given")
        print(found.chances.to_string(index=False, float_format=lambda v: f"{v:.3f}"))
    print(f"\n{found.text}")


def overall(found: dict[str, Backtest]) -> pd.DataFrame:
    """One line a file: our headline numbers."""
    keys = ["curves", "rmsle", "rmsle_median", "crps", "log_score", "msce", *(f"cover_{100 * p:g}" for p in SHOWN)]
    keys += ["requirement_covered", "requirement_log2_ratio", "pairs_right", "pairs_right_measured"]
    rows = [{"file": name} | {k: one.summary.get(k, np.nan) for k in keys} for name, one in found.items()]
    return pd.DataFrame(rows)


def main() -> int:
    """Run every file asked for; 1 where none was there."""
    chosen = arguments()
    found: dict[str, Backtest] = {}
    for name in chosen.only.split(","):
        path = chosen.data / FILES[name]
        if not path.is_file():
            print(f"{name}: {FILES[name]} is not in this folder; left out", file=sys.stderr)
            continue
        try:
            found[name], seconds = run(name, path, chosen)
        except ForecasterError as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 1
        report(name, found[name], seconds)
    if not found:
        return 1
    if len(found) > 1:
        print("\nall files\n")
        print(overall(found).to_string(index=False, na_rep="-", float_format=lambda v: f"{v:.4g}"))
    if chosen.output:
        which = "Public curves, under the card of their field"
        shares = [c for c in overall(found) if c.startswith(("cover", "requirement_covered", "pairs"))]
        record(chosen.output, which, overall(found).to_dict("records"), shares=shares)
    if chosen.json:
        numbers = {
            name: {k: rows_of(getattr(one, k)) for k in ("totals", "calibration", "requirement", "chances", "table")}
            | {"summary": plain(one.summary)}
            for name, one in found.items()
        }
        options = {
            "card": chosen.card,
            "split": chosen.split,
            "seed": chosen.seed,
            "sample": chosen.sample,
        }
        text = json.dumps({"options": options, "levels": LEVELS, "files": numbers}, allow_nan=False, indent=1)
        chosen.json.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
