"""Which runs to make next on a surface, at equal compute: proposals, V-optimal design and random runs.

    uv run python benchmarks/surface_next.py --data FOLDER --output benchmarks/results/surface_next.md

Farseer's fit rows are the runs that could be made, at a cost of 6 N D; what is asked is the log loss of its hidden
rows. All designs of a seed begin with the same dozen of the cheapest tenth, and may spend a share of what all runs
cost. `proposal` is the rule of the verb in four rounds that spend an eighth, a quarter, a half and all of the budget,
with a new fit of the surface after each. `V-optimal` is the local design of the law
E + ((A N^-a)^k + (B D^-b)^k)^(1/k): variance by derivatives at the median of the first fit, no drift, all at once.
`random` runs are drawn while they can be paid for. All designs are fitted by the surface.

    RMS         root of the mean over seeds of the squared error of log loss at the hidden rows (median forecasts)
    / random    the mean squared error over that of random designs, with a 90 % interval by bootstrap over seeds
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from recording import add_output, record

from forecaster.decisions.two_axes.teaching import POWER, picks_for, simulated
from forecaster.surfaces.fitted import Surface
from forecaster.surfaces.model import density
from forecaster.surfaces.model.card import load_surface_card
from forecaster.surfaces.model.design import design_of
from forecaster.surfaces.posterior.fitting import fitted_to

SHARES = (0.05, 0.10)  # of the compute of all runs
ROUNDS = 4
FIRST = 12  # cheapest runs that every design has
CARD = load_surface_card()
Table = Any
Rows = np.ndarray


def main() -> int:
    """Measure; 1 where the data are not there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds farseer.csv")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--power", type=float, default=POWER, help="of the cost that a gain is divided by")
    parser.add_argument("--kept", type=Path, help="file that keeps what was measured, so that a run can go on")
    add_output(parser, "surface_next")
    chosen = parser.parse_args()
    if not (chosen.data / "farseer.csv").is_file():
        print(f"{chosen.data / 'farseer.csv'}: not there", file=sys.stderr)
        return 1
    table = pd.read_csv(chosen.data / "farseer.csv")
    runs, hidden = (table[(table["split"] == "fit") == fit].reset_index(drop=True) for fit in (True, False))
    designs: dict[str, Callable[[Table, Table, float, int], Rows]] = {"random": at_random}
    designs |= {"proposal": lambda *asked: proposed(*asked, chosen.power), "V-optimal": v_optimal}
    kept = {} if chosen.kept is None or not chosen.kept.is_file() else json.loads(chosen.kept.read_text())
    whole = float(cost_of(runs).sum())
    for seed in range(chosen.seeds):
        for share in SHARES:
            for name, design in designs.items():
                key = f"{name}/{share}/{seed}"
                if key not in kept:
                    own = design(runs, hidden, share * whole, seed)
                    spent = float(cost_of(runs.iloc[own]).sum()) / whole
                    kept[key] = {"error": error_of(runs.iloc[own], hidden, seed), "runs": len(own), "spent": spent}
        if chosen.kept is not None:
            chosen.kept.write_text(json.dumps(kept))
        print(f"seed {seed} done", flush=True)
    rows = [row_of(name, share, kept, chosen.seeds) for share in SHARES for name in designs]
    rows.append(
        {
            "design": "all runs",
            "budget": 1.0,
            "runs": float(len(runs)),
            "RMS, %": 100.0 * float(np.sqrt(error_of(runs, hidden, 0))),
        }
    )
    print(pd.DataFrame(rows).to_string(index=False))
    if chosen.output:
        note = f"{chosen.seeds} seeds; every design of a seed begins with the same {FIRST} of the cheapest tenth."
        title = "Log loss of hidden runs after measuring, at equal compute"
        record(chosen.output, title, rows, shares=("budget", "spent"), note=note)
    return 0


def row_of(name: str, share: float, kept: dict[str, Any], seeds: int) -> dict[str, Any]:
    """Means over seeds, and the ratio of errors with its interval."""
    rng = np.random.default_rng(0)
    own, random = ([kept[f"{of}/{share}/{seed}"] for seed in range(seeds)] for of in (name, "random"))
    mine, others = (np.array([one["error"] for one in of]) for of in (own, random))
    drawn = [rng.integers(0, seeds, seeds) for _ in range(2000)]
    ratio = [mine[some].mean() / others[some].mean() for some in drawn]
    row = {"design": name, "budget": share, "spent": float(np.mean([one["spent"] for one in own]))}
    row |= {"runs": float(np.mean([one["runs"] for one in own])), "RMS, %": 100.0 * float(np.sqrt(mine.mean()))}
    row |= {"/ random": float(mine.mean() / others.mean())}
    return row | {"low": float(np.quantile(ratio, 0.05)), "high": float(np.quantile(ratio, 0.95))}


def cost_of(runs: Table) -> np.ndarray:
    return 6.0 * runs["params"].to_numpy(dtype=float) * runs["n"].to_numpy(dtype=float)


def fitted(runs: Table, seed: int) -> Surface:
    return fitted_to(design_of(runs, ("language", "farseer", "all"), CARD), seed=seed)


def error_of(runs: Table, hidden: Table, seed: int) -> float:
    drawn = fitted(runs, seed).log_loss(hidden["n"].to_numpy(dtype=float), hidden["params"].to_numpy(dtype=float))
    return float(np.mean((np.median(drawn, 0) - np.log(hidden["error"].to_numpy())) ** 2))


def first_runs(runs: Table, seed: int) -> list[int]:
    """Cheap runs of several sizes: of the cheapest tenth a dozen at random."""
    cheap = np.argsort(cost_of(runs), kind="stable")[: len(runs) // 10]
    return [int(i) for i in np.random.default_rng([seed, 1]).choice(cheap, FIRST, replace=False)]


def at_random(runs: Table, hidden: Table, budget: float, seed: int) -> Rows:
    """Runs in random order, each that can still be paid for."""
    cost, own = cost_of(runs), first_runs(runs, seed)
    left = budget - cost[own].sum()
    for i in np.random.default_rng([seed, 2]).permutation(len(runs)):
        if i not in own and cost[i] <= left:
            own.append(int(i))
            left -= cost[i]
    return np.array(own)


def proposed(runs: Table, hidden: Table, budget: float, seed: int, power: float) -> Rows:
    """Runs that the rule picks, in rounds."""
    cost, own = cost_of(runs), first_runs(runs, seed)
    n, params = (runs[name].to_numpy(dtype=float) for name in ("n", "params"))
    for k in range(ROUNDS):
        surface = fitted(runs.iloc[own], seed)
        sought = surface.log_loss(hidden["n"].to_numpy(dtype=float), hidden["params"].to_numpy(dtype=float))
        results = simulated(surface, n, params, seed)
        priced = np.where(np.isin(np.arange(len(runs)), own), np.inf, cost)
        paid = budget * 2.0 ** (k + 1 - ROUNDS)
        picks, _ = picks_for(sought, results, lambda _, c=priced: c, paid - cost[own].sum(), power=power)
        own += picks
    return np.array(own)


def v_optimal(runs: Table, hidden: Table, budget: float, seed: int) -> Rows:
    """The local V-optimal design of the law, at once: normal draws around the first fit stand for its derivatives."""
    cost, own = cost_of(runs), first_runs(runs, seed)
    surface = fitted(runs.iloc[own], seed)
    centre = np.median(surface.values, 0)
    places = pd.concat([runs, hidden], ignore_index=True)
    u, t = np.log(places["params"].to_numpy(dtype=float)), np.log(places["n"].to_numpy(dtype=float))
    slopes = jacobian(surface, centre, u - surface.design.x0, t)
    prior = np.diag(1.0 / surface.design.sd[:6] ** 2)
    noise = float(np.exp(2.0 * centre[6])) + density.LEAST_NOISE**2
    inverse = np.linalg.inv(prior + slopes[own].T @ slopes[own] / noise)
    left = budget - cost[own].sum()
    at, wanted = slopes[: len(runs)], slopes[len(runs) :]
    while True:
        through = at @ inverse
        gain = ((through @ wanted.T) ** 2).sum(1) / (noise + (through * at).sum(1))
        gain[np.isin(np.arange(len(runs)), own) | (cost > left)] = -1.0
        best = int((gain / cost**POWER).argmax())
        if gain[best] <= 0.0:
            return np.array(own)
        own.append(best)
        left -= cost[best]
        inverse -= np.outer(through[best], through[best]) / (noise + float(through[best] @ at[best]))


def jacobian(surface: Surface, centre: np.ndarray, u: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Derivatives of the law's log loss in its six parameters, by central differences."""
    step = 1e-4
    moved = np.repeat(centre[None], 12, 0)
    moved[np.arange(6), np.arange(6)] += step
    moved[6 + np.arange(6), np.arange(6)] -= step
    values = density.law_at(np, moved, u, t, t, surface.design.t0)
    return ((values[:6] - values[6:]) / (2.0 * step)).T


if __name__ == "__main__":
    sys.exit(main())
