"""Where to measure next, at equal spend: the proposal, random runs, and one run at the largest size that is paid for.

    uv run python benchmarks/next_measurement.py --output benchmarks/results/next_measurement.md

Curves of three architectures are drawn from the priors of a card. What is asked is the error of one of them at 30 times
the largest measured size. The budget is the price of one run at 4 times that size; a run costs the items that it trains
on. Each design's runs are then made, on the same simulated worlds, and all is fitted anew. `sd` is the geometric mean
of the sd of log error after that over that before; `beside` the same over that of the proposal (95 % range over
problems). The proposal is made by the rule alone; `--refits 16` confirms its best three by refits, as the verb does.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

import numpy as np
import pandas as pd
from recording import add_output, record

import forecaster
from forecaster.curves.learning_curves import KEYS, Group, LearningCurves
from forecaster.domains.loading import load_card
from forecaster.inference.fit import refit
from forecaster.inference.posterior import Posterior
from forecaster.model.simulate import simulate
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.forecast import log_errors

LAST = 32_000.0
MEASURED = (1e3, 2e3, 4e3, 8e3, 16e3, LAST)
CANDIDATES = (8e3, 16e3, 32e3, 64e3, 128e3)
BUDGET, TARGET = 4.0 * LAST, 30.0 * LAST
RUNS = (1, 2, 4, 8)
MOST_RUNS = 16
Design = list[tuple[str, float, int]]  # architecture, size, runs
Table = Any


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=100)
    parser.add_argument("--card", default="tabular-classification")
    parser.add_argument("--refits", type=int, default=0, help="simulated results fitted for each of the best three")
    parser.add_argument("--seed", type=int, default=0)
    add_output(parser, "next_measurement")
    chosen = parser.parse_args()
    begin = time.perf_counter()
    world = worlds(chosen.card, chosen.problems, chosen.seed)
    known = first_runs(world, MEASURED)
    before = forecaster.fit(world.with_rows(known), card=chosen.card, seed=chosen.seed, draws=250, record=False)
    print(f"{len(before.groups)} problems fitted, {time.perf_counter() - begin:.0f} s", flush=True)
    rng = np.random.default_rng(chosen.seed)
    designs: dict[str, dict[Group, Design]] = {"proposal": {}, "random": {}, "largest size": {}}
    for group in before.groups:
        own = before.only(group)
        name = own.designs[group].architectures[0]
        designs["proposal"][group] = proposed(own, name, chosen.refits, chosen.seed)
        designs["random"][group] = at_random(own.designs[group].architectures, rng)
        designs["largest size"][group] = [(name, max(n for n in CANDIDATES if n <= BUDGET), 1)]
    print(f"designs, {time.perf_counter() - begin:.0f} s", flush=True)
    ratios = {name: narrowed(before, world, known, made, chosen.seed) for name, made in designs.items()}
    rows = []
    for name, made in designs.items():
        own = ratios[name]
        both = np.array([np.log(own[g] / ratios["proposal"][g]) for g in own if g in ratios["proposal"]])
        drawn = both[rng.integers(0, len(both), (2000, len(both)))].mean(1)
        low, high = np.exp(np.quantile(drawn, [0.025, 0.975]))
        spent = np.mean([sum(n * k for _, n, k in made[g]) for g in made]) / BUDGET
        rows.append(
            {"design": name, "problems": len(own), "spent": float(spent)}
            | {"sd": float(np.exp(np.mean(np.log(list(own.values()))))), "beside": float(np.exp(both.mean()))}
            | {"low": float(low), "high": float(high)}
        )
    print(pd.DataFrame(rows).round(3).to_string(index=False))
    if chosen.output:
        title = "sd of log error after measuring, at equal spend"
        record(chosen.output, title + (" (confirmed by refits)" if chosen.refits else ""), rows, shares=("spent",))
    return 0


def worlds(card: str, problems: int, seed: int) -> LearningCurves:
    """All runs that could be made, of every problem."""
    sizes = sorted({*MEASURED, *CANDIDATES})
    options: dict[str, Any] = {"groups": problems, "architectures": 3, "seeds": MOST_RUNS, "seed": seed}
    return simulate(load_card(card), sizes, **options).curves


def first_runs(world: LearningCurves, sizes: tuple[float, ...]) -> Table:
    """The first two runs at these sizes."""
    table: Table = world.table
    return table[table["n"].isin(sizes) & table["seed"].astype(int).lt(2)]


def proposed(own: Posterior, name: str, refits: int, seed: int) -> Design:
    """The runs that ``next_measurement`` picks."""
    goal = f"forecast:{TARGET:g}"
    options: dict[str, Any] = {"runs": RUNS, "budget": BUDGET, "refits": refits, "seed": seed}
    found = forecaster.next_measurement(own, goal, CANDIDATES, curves=[name], **options)
    table: Table = found.table
    picked = table[table["pick"].notna()].sort_values("pick")
    return [(row["architecture"], row["n"], int(row["runs"])) for row in picked.to_dict("records")]


def at_random(architectures: tuple[str, ...], rng: np.random.Generator) -> Design:
    """Runs of random architectures at random sizes, while they can be paid for."""
    left, found = BUDGET, []
    while some := [n for n in CANDIDATES if n <= left]:
        n = float(rng.choice(some))
        found.append((str(rng.choice(list(architectures))), n, 1))
        left -= n
    return found


def narrowed(
    before: Posterior, world: LearningCurves, known: Table, designs: dict[Group, Design], seed: int
) -> dict[Group, float]:
    """sd of log error at the target after each problem's design over that before."""
    made = [known, *(runs for group, design in designs.items() for runs in runs_of(world, group, design))]
    curves = world.with_rows(pd.concat(made).sort_values([*KEYS, "n"], kind="stable"))
    after = refit(before, curves, {group: group for group in curves.groups}, seed=seed, draws=250)
    assert after is not None
    out = {}
    for group in after.groups:
        key = CurveKey(*group, before.designs[group].architectures[0])
        sds = [log_errors(one, key, np.array([TARGET]), seed=seed).std() for one in (before, after)]
        out[group] = float(sds[1] / sds[0])
    return out


def runs_of(world: LearningCurves, group: Group, design: Design) -> list[Table]:
    """The rows of a design's runs: at each size runs that nobody has seen."""
    table: Table = world.table
    own = table[(table["domain"] == group[0]) & (table["task"] == group[1])]
    used: dict[tuple[str, float], int] = {}
    found = []
    for name, n, runs in design:
        start = used.get((name, n), 2)
        used[name, n] = start + runs
        at = own[(own["architecture"] == name) & (own["n"] == n)]
        found.append(at[at["seed"].astype(int).between(start, start + runs - 1)])
    return found


if __name__ == "__main__":
    sys.exit(main())
