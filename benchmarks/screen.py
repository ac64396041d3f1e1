"""Search small, then scale, on tables of LCDB: what `screen` drops, what that loses and what it saves.

    uv run python benchmarks/screen.py --data FOLDER --output benchmarks/results/screen.md

Each of 60 tables is a search among up to 14 learners, to be used at the largest size that all of them were measured at.
Each is decided three times, from the sizes up to 40, 50 and 60 % of the measured range of log size (every second one);
what happened at the target is known. A decision is lost where the best learner there is more than 1 % better than the
best one kept. Curves too early to drop, and those that cannot be forecast, are kept.

    lost           share of decisions that lost the best
    said           mean risk that `screen` stated
    kept           learners kept, of those there were
    rank, as many  share lost by keeping as many learners in each decision, in the order at the largest measured size
    rank, fixed    share lost by keeping one number in all decisions, as many on average (between two whole numbers)
    saved          share of the trainings at the target size that are saved, each decision of the same weight
    with small     the same, where training each learner once at the cut-off counts as well
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from recording import add_output, record

from forecaster.curves.reading.read import read_curves
from forecaster.decisions.screen import MARGIN, screen
from forecaster.inference.fit import fit
from forecaster.inference.posterior import Posterior

FILE = "lcdb.csv"
CUTS = (0.4, 0.5, 0.6)
SHARES = ("lost", "said", "rank, as many", "rank, fixed", "saved", "with small")
Table = Any  # a DataFrame, where pandas' own annotations know no better


def main() -> int:
    """Fit, screen and compare with what happened."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help=f"folder that holds {FILE}")
    parser.add_argument("--risk", type=float, default=0.05)
    parser.add_argument("--tasks", type=int, help="only so many tables")
    parser.add_argument("--card", default="tabular-classification")
    parser.add_argument("--seed", type=int, default=0)
    add_output(parser, "screen")
    chosen = parser.parse_args()
    path = chosen.data / FILE
    if not path.is_file():
        print(f"{path} is not there; this benchmark needs the LCDB curves and was skipped")
        return 0
    begin = time.perf_counter()
    whole: Table = pd.read_csv(path).drop(columns="split")
    names = whole["task"].unique()[: chosen.tasks]
    whole = whole[whole["task"].isin(names)]
    decisions: Table = pd.concat([decided(whole, cut, chosen) for cut in CUTS], ignore_index=True)
    rows = [summary(f"up to {100 * cut:g} %", decisions[decisions["cut"] == cut]) for cut in CUTS]
    rows.append(summary("all", decisions))
    for row in rows:
        print(row)
    taken = time.perf_counter() - begin
    print(f"{taken:.0f} s")
    if chosen.output:
        note = f"Risk {100 * chosen.risk:g} %; {taken:.0f} s in all."
        record(chosen.output, "Search small, then scale", rows, shares=SHARES, note=note)
    return 0


def decided(whole: Table, cut: float, chosen: argparse.Namespace) -> pd.DataFrame:
    """One row a table: what was kept at this cut-off, and what that lost and saved."""
    log_n = np.log(whole["n"])
    low, high = (log_n.groupby(whole["task"]).transform(what) for what in ("min", "max"))
    place = whole.groupby("task")["n"].rank(method="dense", ascending=False)
    shown = whole[(log_n <= low + cut * (high - low)) & (place % 2 == 0)]
    posterior = fit(read_curves(shown), card=chosen.card, seed=chosen.seed, fallback=False)
    rows = []
    for group in posterior.groups:
        own = whole[whole["task"] == group[1]]
        target = float(own.groupby("architecture")["n"].max().min())
        truth = own[own["n"] == target].set_index("architecture")["error"].to_dict()
        one = posterior.only(group)
        rows.append({"cut": cut, "task": group[1], **decision(one, target, truth, chosen)})
    return pd.DataFrame(rows)


def decision(
    posterior: Posterior, target: float, truth: Mapping[str, float], chosen: argparse.Namespace
) -> dict[str, Any]:
    """What one screening kept, whether that lost the best, and whether ranks would have."""
    found = screen(posterior, target, risk=chosen.risk, seed=chosen.seed)
    table: Table = found.table
    kept = table.loc[table["verdict"] != "drop", "architecture"].tolist()
    measured: Table = posterior.curves.table
    if posterior.set_aside is not None:
        measured = pd.concat([measured, posterior.set_aside.table])
    last = measured.sort_values("n").groupby("architecture").last()
    ranked = last["error"].sort_values().index.tolist()
    size = float(measured["n"].max())
    row = {"learners": len(table), "kept": len(kept), "said": found.risk, "lost": loses(kept, truth)}
    row["rank, as many"] = loses(ranked[: len(kept)], truth)
    row |= {f"rank {k}": loses(ranked[:k], truth) for k in range(1, len(table) + 1)}
    row["saved"] = 1.0 - len(kept) / len(table)
    return row | {"with small": row["saved"] - size / target}


def loses(kept: list[str], truth: Mapping[str, float]) -> bool:
    """Whether the best of all is more than 1 % better than the best kept."""
    return min(truth.values()) < (1.0 - MARGIN) * min(truth[name] for name in kept)


def summary(name: str, rows: Table) -> dict[str, Any]:
    """One line of the table."""
    most = int(rows["learners"].min())
    fixed = [float(rows[f"rank {k}"].astype(float).mean()) for k in range(1, most + 1)]
    shares = {k: float(rows[k].astype(float).mean()) for k in SHARES if k != "rank, fixed"}
    shares["rank, fixed"] = float(np.interp(rows["kept"].mean(), np.arange(1, most + 1), fixed))
    return {
        "sizes": name,
        "decisions": len(rows),
        "kept": float(rows["kept"].mean()),
        "of": float(rows["learners"].mean()),
        **{k: shares[k] for k in SHARES},
    }


if __name__ == "__main__":
    sys.exit(main())
