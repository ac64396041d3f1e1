"""How often intervals hold, field by field: every file of curves in a folder, its largest sizes hidden, scored.

    uv run python benchmarks/fields.py --data FOLDER --sizes 8 --output benchmarks/results/calibration.md

Each file is one field. Curves are thinned to ``--sizes`` fitted sizes, evenly spread over log size with both ends kept,
as many as people usually measure. Rows of a column ``split`` marked `extrapolate` are hidden, else the largest
``--hide`` decades. `mean error` is that of the log of the median forecast: negative means forecast too low.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from recording import add_output, record

from forecaster.curves.learning_curves import KEYS, LearningCurves
from forecaster.curves.reading.read import read_curves
from forecaster.errors import ForecasterError
from forecaster.evaluation.backtest import Backtest, backtest

RIVAL = "power law + floor"
TITLE = "Fields that nothing was tuned on"
SHARES = ("80 % intervals hold", "95 % intervals hold")


def main() -> int:
    """Backtest every file; 1 where none could be scored."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of CSV files, one a field")
    parser.add_argument("--only", help="names of files, without .csv, separated by commas (default: all)")
    parser.add_argument("--sizes", type=int, default=8, help="fitted sizes kept of a curve (default: 8)")
    parser.add_argument("--tasks", type=int, default=12, help="most tasks of a file, drawn by the seed (default: 12)")
    parser.add_argument("--hide", type=float, default=0.5, help="decades hidden where no row says so (default: 0.5)")
    parser.add_argument("--card", help="one domain card for all (default: the card of each file's domain)")
    parser.add_argument("--seed", type=int, default=0)
    add_output(parser, "calibration")
    chosen = parser.parse_args()
    names = chosen.only.split(",") if chosen.only else sorted(path.stem for path in chosen.data.glob("*.csv"))
    rows = []
    for name in names:
        try:
            rows.append(row_of(name, scored(chosen.data / f"{name}.csv", chosen)))
        except ForecasterError as error:
            print(f"{name}: left out: {error}", file=sys.stderr)
            continue
        print(", ".join(f"{k} {v:.3g}" if isinstance(v, float) else f"{v}" for k, v in rows[-1].items()), flush=True)
    if rows and chosen.output:
        record(chosen.output, TITLE, rows, shares=SHARES)
    return 0 if rows else 1


def scored(path: Path, chosen: argparse.Namespace) -> Backtest:
    """The backtest of one file."""
    curves = read_curves(path)
    tasks = sorted({task for _, task in curves.groups})
    if len(tasks) > chosen.tasks:
        drawn = np.random.default_rng(chosen.seed).choice(tasks, chosen.tasks, replace=False)
        curves = curves.select(task=[str(task) for task in drawn])
    marked = "split" in curves.table and curves.table["split"].eq("extrapolate").any()
    split = "column" if marked else chosen.hide
    return backtest(thinned(curves, split, chosen.sizes), split=split, card=chosen.card, seed=chosen.seed)


def thinned(curves: LearningCurves, split: str | float, sizes: int) -> LearningCurves:
    """Curves with so many fitted sizes each, evenly spread over log size; hidden rows stay."""
    table: Any = curves.table
    if isinstance(split, str):
        fitted = ~table["split"].eq("extrapolate")
    else:
        fitted = table["n"] <= table.groupby(KEYS)["n"].transform("max") * 10.0**-split * (1 + 1e-9)
    keep = ~fitted
    for _, rows in table[fitted].groupby(KEYS, sort=False):
        keep |= pd.Series(table.index.isin(rows.index[rows["n"].isin(spread(rows["n"].unique(), sizes))]), table.index)
    return read_curves(table[keep])


def spread(sizes: np.ndarray, count: int) -> np.ndarray:
    """At most ``count`` of these sizes, those nearest to an even grid of log size."""
    x = np.log(sizes)
    grid = np.linspace(x.min(), x.max(), count)
    return sizes[np.unique(abs(x[:, None] - grid).argmin(0))]


def row_of(name: str, found: Backtest) -> dict[str, Any]:
    """One line of the table."""
    ahead = float(np.median(np.log10(found.table["n_last"] / found.table["n_fit"])))
    totals = found.totals.set_index("method")
    ours = found.summary
    rival = totals["rmsle"].get(RIVAL)
    return {"curves of": name.replace("_", " "), "curves": len(found.table), "decades ahead": round(ahead, 2)} | {
        "80 % intervals hold": ours["cover_80"],
        "95 % intervals hold": ours["cover_95"],
        "mean error, log": ours["bias"],
        "RMSLE": ours["rmsle"],
        f"RMSLE of {RIVAL}": None if rival is None else float(rival),
    }


if __name__ == "__main__":
    sys.exit(main())
