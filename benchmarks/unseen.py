"""Curves of kinds that no card was learned from (kinds.py), forecast under the generic card and scored.

The largest half-decade of each curve is hidden and forecast, then the largest decade; both are scored beside the
baselines of ``forecaster backtest``. All ten kinds take a quarter of an hour or more, and need no files:

    python benchmarks/unseen.py
    python benchmarks/unseen.py --kinds "training runs" regression
"""

from __future__ import annotations

import argparse
import shlex
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from kinds import KINDS
from measuring import write_table
from recording import add_output, record
from sklearn.exceptions import ConvergenceWarning

from forecaster.curves.reading.read import read_curves
from forecaster.evaluation.backtest import Backtest, backtest

HIDDEN = (0.5, 1.0)  # decades
COLUMNS = ["domain", "task", "architecture", "n", "error", "seed"]
COUNTED = ("kind", "decades", "curves", "points")
SCORES = ("rmsle", "log_score", "cover_50", "cover_80", "cover_95")
BASELINES_SHOWN = ("last point", "power law + floor", "M4")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def row_of(kind: str, hidden: float, found: Backtest) -> dict[str, Any]:
    """Our scores on one kind of curves, and the RMSLE of some rivals."""
    totals = found.totals.set_index("method")["rmsle"]
    row = {"kind": kind, "decades": hidden, "curves": len(found.table), "points": len(found.points)}
    row |= {k: found.summary[k] for k in SCORES}
    return row | {name: totals[name] for name in BASELINES_SHOWN if name in totals}


def rows_of(table: pd.DataFrame, kind: str, chosen: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """A row for each number of hidden decades, told of as soon as it is there."""
    curves = read_curves(table)
    for hidden in HIDDEN:
        say(f"    forecasting {len(curves.curves)} curves, {hidden:g} decades hidden")
        found = backtest(curves, split=hidden, card=chosen.card, seed=chosen.seed, baselines=not chosen.no_baselines)
        row = row_of(kind, hidden, found)
        say("        " + ", ".join(f"{name} {value:.3f}" for name, value in row.items() if name not in COUNTED))
        yield row


def with_means(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """A table of the rows and, for each number of hidden decades, the mean over kinds of every score."""
    table = pd.DataFrame(rows)
    scores = table.set_index("decades").drop(columns=["kind", "curves", "points"])
    means = [
        {"kind": "mean", "decades": hidden, "curves": "-", "points": "-", **scores.loc[[hidden]].mean(skipna=False)}
        for hidden in HIDDEN
    ]
    return pd.concat([table, pd.DataFrame(means)], ignore_index=True)


def arguments_of(given: Sequence[str]) -> argparse.Namespace:
    described = "\n".join(f"    {name:22}{(measure.__doc__ or '').splitlines()[0]}" for name, measure in KINDS.items())
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=f"kinds:\n{described}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=[*KINDS], metavar="KIND", help="default: all ten")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--card", default="generic")
    parser.add_argument("--no-baselines", action="store_true")
    parser.add_argument("--curves", type=Path, help="write the curves to this CSV file, too")
    add_output(parser, "accuracy")
    return parser.parse_args(given)


def main(given: Sequence[str]) -> int:
    chosen = arguments_of(given)
    warnings.simplefilter("ignore", ConvergenceWarning)
    kinds = list(dict.fromkeys(chosen.kinds))
    rows, tables = [], []
    for k, kind in enumerate(kinds, start=1):
        say(f"{kind} ({k} of {len(kinds)})\n    measuring")
        tables.append(pd.DataFrame([(kind, *row) for row in KINDS[kind](chosen.seed)], columns=COLUMNS))
        rows += rows_of(tables[-1], kind, chosen)
    print(with_means(rows).to_string(index=False, na_rep="-", float_format=lambda v: f"{v:.3f}"))
    if chosen.output:
        shares = ("cover_50", "cover_80", "cover_95")
        found = with_means(rows).replace("-", None).to_dict("records")
        record(chosen.output, "Kinds of curves without a card", found, shares=shares)
    if chosen.curves:
        write_table(chosen.curves, COLUMNS, pd.concat(tables).to_dict("records"))
    print(f"\nrepeat with: python benchmarks/unseen.py {shlex.join(given)}".rstrip())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
