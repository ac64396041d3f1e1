"""Do architectures of one task err together, and would a forecast of their differences gain by knowing it?

    uv run python benchmarks/together.py --data FOLDER --output benchmarks/results/together.md

Reads those of `lcdb.csv`, `nmt.csv` and `drug_response.csv` that are in the folder, hides the rows marked `extrapolate`
and forecasts four hidden sizes of each curve, from the nearest to the farthest. A row is a file and one of these sizes:

    pairs            pairs of architectures of one task
    correlation      of the forecasts' errors (normal scores of their PIT) within a task, over pairs; `model` is what
                     the forecast itself holds it for
    80 % hold        share of observed differences of two log errors inside their 80 % interval, as the forecast is
    CRPS             of these differences; then the change of it, in per cent, where the draws of a task's architectures
                     are reordered to a common correlation of 0.2 and 0.4 (a normal copula, each architecture's own
                     forecast as it was), with the standard error over tasks: below 0 is a gain
    log score        of the chance that one of the two is better; and its change likewise: above 0 is a gain
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from recording import add_output, record

from forecaster.curves.reading.read import read_curves
from forecaster.evaluation import scoring
from forecaster.evaluation.holdout import hide, scorable
from forecaster.inference.fit import fit
from forecaster.prediction import observation
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.paths import curve_paths

FILES = ("lcdb", "nmt", "drug_response")
SIZES = 4
COMMON = (0.2, 0.4)  # correlations that are tried
DRAWS = 1000
Table = Any  # a DataFrame, where pandas' own annotations know no better


class Cell(NamedTuple):
    """The architectures of one task at one size: draws of log error as measured, and what was measured."""

    task: str
    place: int  # of the size among those of the curve, 0 nearest
    draws: np.ndarray  # [architecture, draw]
    truth: np.ndarray  # [architecture]


def main() -> int:
    """Measure every file; 1 where none is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the files")
    parser.add_argument("--only", default=",".join(FILES), help=f"some of {','.join(FILES)} (default: all)")
    parser.add_argument("--seed", type=int, default=0)
    add_output(parser, "together")
    chosen = parser.parse_args()
    rows: list[Mapping[str, Any]] = []
    for name in chosen.only.split(","):
        path = chosen.data / f"{name}.csv"
        if not path.is_file():
            print(f"{path.name} is not in this folder; left out", file=sys.stderr)
            continue
        rows += rows_of(name, pairs(cells(path, chosen.seed), np.random.default_rng(chosen.seed)))
    if not rows:
        return 1
    print(pd.DataFrame(rows).to_string(index=False, float_format=lambda v: f"{v:.4g}"))
    if chosen.output:
        record(chosen.output, "Differences of two architectures of one task", rows, shares=["80 % hold"])
    return 0


def cells(path: Path, seed: int) -> list[Cell]:
    """Forecasts of the hidden sizes of a file, a cell a task and size that two architectures share."""
    fitted, hidden, _ = hide(read_curves(path), "column")
    posterior = fit(fitted, seed=seed, diverging=True)
    unseen = {curve.label: curve for curve in hidden.curves}
    found: dict[tuple[str, str, int, float], list[tuple[np.ndarray, float]]] = {}
    for curve in posterior.curves.curves:
        if curve.label not in unseen or not scorable(curve):
            continue
        own = unseen[curve.label]
        sizes = np.unique(own.n)
        sizes = sizes[np.unique(np.linspace(0, len(sizes) - 1, SIZES).round().astype(int))]
        key, thin = CurveKey(curve.domain, curve.task, curve.architecture), -(-posterior.draws // DRAWS)
        drawn = observation.new_run(curve_paths(posterior, key, sizes, seed=seed, thin=thin), sizes, as_rows=True)[0]
        for i, n in enumerate(sizes):
            truth = float(np.log(own.error[own.n == n]).mean())
            place = SIZES - len(sizes) + i
            found.setdefault((curve.domain, curve.task, place, float(n)), []).append((drawn[:, i], truth))
    shared = {where: own for where, own in found.items() if len(own) > 1}
    return [
        Cell(f"{domain}/{task}", place, np.stack([d for d, _ in own]), np.array([t for _, t in own]))
        for (domain, task, place, _), own in shared.items()
    ]


def pairs(found: list[Cell], rng: np.random.Generator) -> Table:
    """One row a pair of architectures of a cell."""
    return pd.DataFrame([row for cell in found for row in _pairs(cell, rng)])


def _pairs(cell: Cell, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    from scipy.special import ndtri

    z = ndtri(scoring.pit(cell.draws.T, cell.truth))
    model = np.corrcoef(cell.draws)
    joint = {"": cell.draws} | {f" {rho}": correlated(cell.draws, rho, rng) for rho in COMMON}
    for a, b in combinations(range(len(z)), 2):
        truth = np.array([cell.truth[a] - cell.truth[b]])
        row = {"task": cell.task, "place": cell.place, "model": model[a, b]}
        row |= {"product": z[a] * z[b], "square": 0.5 * (z[a] ** 2 + z[b] ** 2)}
        for name, draws in joint.items():
            apart = (draws[a] - draws[b])[:, None]
            chance = float(scoring.pit(apart, np.zeros(1))[0])  # that a is the better one
            row |= {f"held{name}": bool(scoring.covers(scoring.pit(apart, truth), 0.8)[0])}
            row |= {f"crps{name}": float(scoring.crps(apart, truth)[0])}
            row |= {f"log{name}": float(np.log(chance if truth[0] < 0 else 1.0 - chance))}
        yield row


def correlated(draws: np.ndarray, rho: float, rng: np.random.Generator) -> np.ndarray:
    """The same draws [architecture, draw] in an order whose normal scores have the correlation ``rho``."""
    count = draws.shape[1]
    scores = np.sqrt(rho) * rng.standard_normal(count) + np.sqrt(1.0 - rho) * rng.standard_normal(draws.shape)
    ranks = np.argsort(np.argsort(scores, 1), 1)
    return np.take_along_axis(np.sort(draws, 1), ranks, 1)


def rows_of(name: str, table: Table) -> Iterator[dict[str, Any]]:
    """The lines of one file."""
    for place, own in [*table.groupby("place"), ("all", table)]:
        row = {"file": name, "size": str(place), "tasks": own["task"].nunique(), "pairs": len(own)}
        row |= {"correlation": float(own["product"].sum() / own["square"].sum()), "model": float(own["model"].mean())}
        row |= {"80 % hold": float(own["held"].mean()), "CRPS": float(own["crps"].mean())}
        for rho in COMMON:
            change = (own[f"crps {rho}"] - own["crps"]).groupby(own["task"]).mean() / own["crps"].mean()
            row[f"at {rho}, %"] = changed(100.0 * change)
        row["log score"] = float(own["log"].mean())
        for rho in COMMON:
            row[f"at {rho}"] = changed((own[f"log {rho}"] - own["log"]).groupby(own["task"]).mean())
        yield row


def changed(by_task: Any) -> str:
    """A mean over tasks, with its standard error where there are several."""
    error = f" ± {by_task.std() / np.sqrt(len(by_task)):.2g}" if len(by_task) > 1 else ""
    return f"{by_task.mean():+.2g}{error}"


if __name__ == "__main__":
    sys.exit(main())
