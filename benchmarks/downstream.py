"""How often the verdict on a task is right, and whether the intervals of hidden runs hold.

    uv run python benchmarks/downstream.py --output benchmarks/results/downstream.md
    uv run python benchmarks/downstream.py --data FOLDER

Without data, tasks are simulated of which it is known whether they follow their loss: 12 to 59 runs over 0.5 to 1.8
nats, 200 to 3,000 test cases, guessing an error rate of 0.5, 0.75 or 1 that the fit is told (but for `learned`):

    follows       a sigmoid with its midpoint within the losses, runs scatter around it
    learned       the same, where the fit is not told the error rate of guessing
    unrelated     one rate, runs scatter around it by 0.01 to 0.3
    jump          guessing, until the error rate falls to another constant among the hidden runs
    turns back    the error rate falls, and rises again among the hidden runs

With `--data`, every .csv of the folder that `read_curves` reads and that has a column `loss` beside its error rates
(`error`, or `accuracy`) is asked, a row a task.

    follows, not, cannot tell   share of tasks with this verdict
    80 % hold                   share of hidden errors inside their 80 % interval, all tasks together
    k > 0.7                     share of tasks whose draws cannot be trusted
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from recording import add_output, record

from forecaster.curves.reading.read import read_curves
from forecaster.errors import ForecasterError
from forecaster.inference.importance.weights import TRUSTED_K
from forecaster.links.downstream import downstream
from forecaster.links.fit import fit_link
from forecaster.links.following import FOLLOWS, NOT, UNKNOWN, LinkEvidence, following
from forecaster.links.link import Link, Runs, drawn_runs

SHARES = ("follows", "not", "cannot tell", "80 % hold", "k > 0.7")
GUESSING = (0.5, 0.75, 1.0)
ONE = np.ones(1)
Rates = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]


def follows(loss: np.ndarray, chance: float, rng: np.random.Generator) -> np.ndarray:
    """A sigmoid whose midpoint lies within the losses."""
    low, spread = float(loss.min()), float(np.ptp(loss))
    width = spread * np.exp(rng.normal(np.log(0.2), 0.5))
    floor, midpoint = chance * rng.beta(1.0, 3.0), low + spread * rng.uniform()
    return Link(ONE * floor, ONE * chance, ONE * midpoint, ONE * width, ONE).at(loss)[0]


def unrelated(loss: np.ndarray, chance: float, rng: np.random.Generator) -> np.ndarray:
    """One rate."""
    return np.full(len(loss), chance * rng.uniform(0.3, 1.0))


def jump(loss: np.ndarray, chance: float, rng: np.random.Generator) -> np.ndarray:
    """Guessing, and all at once less."""
    at = np.quantile(loss, rng.uniform(0.1, 0.3))
    return np.where(loss < at, chance * rng.uniform(0.2, 0.7), chance)


def turns_back(loss: np.ndarray, chance: float, rng: np.random.Generator) -> np.ndarray:
    """Better, and then worse again."""
    away = np.abs(loss - np.quantile(loss, rng.uniform(0.3, 0.4))) / np.ptp(loss)
    return chance * np.minimum(0.4 + rng.uniform(0.4, 0.8) * away, 1.0)


WORLDS: Mapping[str, Rates] = {
    "follows": follows,
    "learned": follows,
    "unrelated": unrelated,
    "jump": jump,
    "turns back": turns_back,
}


def simulated(world: str, rng: np.random.Generator) -> tuple[Runs, float | None]:
    """The runs of one task, and the error rate of guessing where the fit is told."""
    count, cases, chance = int(rng.integers(12, 60)), float(rng.choice([200, 500, 1000, 3000])), rng.choice(GUESSING)
    low = rng.uniform(1.8, 2.6)
    loss = np.sort(rng.uniform(low, low + rng.uniform(0.5, 1.8), count))
    rate = WORLDS[world](loss, float(chance), rng)
    scatter = rng.uniform(np.log(0.01), np.log(0.3)) if world == "unrelated" else rng.normal(np.log(0.03), 0.7)
    tested = np.full(count, cases)
    error = drawn_runs(rate[None], ONE * np.exp(scatter), tested, rng)[0]
    return Runs(loss, error, tested), None if world == "learned" else float(chance)


def judged(world: str, tasks: int, seed: int) -> Iterator[tuple[Runs, LinkEvidence, float]]:
    """Simulated tasks, what is said of them, and the k of their links."""
    for i in range(tasks):
        rng = np.random.default_rng([seed, list(WORLDS).index(world), i])
        runs, chance = simulated(world, rng)
        fitted = fit_link(runs, chance, rng)
        yield runs, following(runs, chance, fitted, rng), fitted.k


def row_of(world: str, tasks: int, seed: int) -> dict[str, Any]:
    """The row of one world."""
    inside, hidden, verdicts, weak = 0.0, 0, [], []
    for _, evidence, k in judged(world, tasks, seed):
        count = int(evidence.hidden.sum())
        inside, hidden = inside + evidence.inside * count, hidden + count
        verdicts.append(evidence.verdict)
        weak.append(max(k, evidence.k) > TRUSTED_K)
    said = {name: verdicts.count(v) / tasks for name, v in zip(SHARES, (FOLLOWS, NOT, UNKNOWN), strict=False)}
    return {"world": world, "tasks": tasks, **said, "80 % hold": inside / hidden, "k > 0.7": float(np.mean(weak))}


def rows_of(folder: Path, seed: int) -> Iterator[dict[str, Any]]:
    """A row for each task of each table that has losses beside error rates."""
    for path in sorted(folder.glob("*.csv")):
        head = pd.read_csv(path, nrows=0).columns
        score = "accuracy" if "accuracy" in head else None
        if "loss" not in head or not {"error", "accuracy"} & set(head):
            continue
        try:
            columns = {"error": score} if score else {}
            found = downstream(read_curves(path, columns=columns, score=score, as_they_are=True), "loss", seed=seed)
        except ForecasterError as error:
            print(f"{path}: {error}", file=sys.stderr)
            continue
        for row in found.links.to_dict("records"):
            shown = {"task": row["task"], "runs": row["runs"], "hidden": row["hidden"], "verdict": row["verdict"]}
            yield shown | {"80 % hold": row["inside"], "explained": row["explained"], "k": row["k"]}


def main() -> int:
    """Judge every task; 1 where there is none."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of tables; without it tasks are simulated")
    parser.add_argument("--tasks", type=int, default=100, help="simulated tasks of each kind")
    parser.add_argument("--only", help="kinds of simulated tasks, separated by commas")
    parser.add_argument("--seed", type=int, default=0)
    add_output(parser, "downstream")
    chosen = parser.parse_args()
    rows: list[dict[str, Any]] = []
    title = "Verdicts on tasks of which the truth is known"
    if chosen.data:
        title = "Tasks measured beside a loss"
        rows = list(rows_of(chosen.data, chosen.seed))
        print(pd.DataFrame(rows).to_string())
    else:
        for world in chosen.only.split(",") if chosen.only else WORLDS:
            rows.append(row_of(world, chosen.tasks, chosen.seed))
            print(rows[-1], flush=True)
    if not rows:
        print(f"{chosen.data}: found no table with losses beside error rates", file=sys.stderr)
        return 1
    if chosen.output:
        record(chosen.output, title, rows, shares=(*SHARES, "explained"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
