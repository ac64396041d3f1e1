"""The joint law of loss in model size and data, on public grids and on simulated surfaces.

    uv run python benchmarks/surface.py --data FOLDER --output benchmarks/results/surface.md

`chinchilla.csv`: the published optimum at 1e21 FLOPs, exponents and coupling. `farseer.csv` and `chinchilla.csv`: the
largest 2 to 30 % of compute hidden and forecast; `farseer.csv` and `overtraining.csv`: their own hidden rows.

    RMSLE          root mean square of log forecast - log outcome (median forecasts)
    80 % hold      share of hidden runs inside their 80 % interval (of one new run); `low` and `high` are what intervals
                   that are exactly right would hold of these very runs nine times in ten, by the forecast's own draws.
                   Pooled rows take cut-offs as independent, though the runs of one are among those of the next
    CRPS           on log loss; `/ rival` over that of the rival, the separable law E + A N^-a + B D^-b by least squares
                   on log loss, refitted to 100 bootstraps over runs, with normal noise of its residuals
    --simulated K  K surfaces of known optimum, with exponents that differ: how often intervals of the best size hold
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from recording import add_output, record
from scipy.optimize import least_squares

from forecaster.evaluation.scoring import by_chance, crps, pit, replica_pits
from forecaster.surfaces.compute import Compute, optimum
from forecaster.surfaces.model import drift, law
from forecaster.surfaces.model.card import load_surface_card
from forecaster.surfaces.model.design import design_of
from forecaster.surfaces.posterior.fitting import fitted_to

CUTS = (0.02, 0.05, 0.1, 0.2, 0.3)  # of the rows, those of the largest compute
PUBLISHED = {"a": 0.3478, "b": 0.3658}  # Besiroglu et al. 2024, with standard errors of 0.02
FLOPS, BEST_PARAMS, BEST_N = 1e21, 2.778e9, 6.00e10
BOOTSTRAPS = 100
SIMULATED_NOISE = 0.003
SHARES = ("80 % hold", "low", "high", "95 % hold")
CARD = load_surface_card()
Table = Any  # a DataFrame, where pandas' own annotations know no better


def main() -> int:
    """Measure what is asked for; 1 where the data are not there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder that holds chinchilla.csv, farseer.csv and overtraining.csv")
    parser.add_argument("--simulated", type=int, default=200, help="simulated surfaces (0: none)")
    parser.add_argument("--time", action="store_true", help="also time the whole command, first and warm")
    add_output(parser, "surface")
    chosen = parser.parse_args()
    tables: dict[str, tuple[list[dict[str, Any]], tuple[str, ...], str]] = {}
    if chosen.data is not None:
        files = {name: chosen.data / f"{name}.csv" for name in ("chinchilla", "farseer", "overtraining")}
        if lacking := [str(path) for path in files.values() if not path.is_file()]:
            print(f"{', '.join(lacking)}: not there", file=sys.stderr)
            return 1
        read = {name: pd.read_csv(path) for name, path in files.items()}
        tables["Chinchilla's optimum"] = (published(read["chinchilla"]), (), "One fit of all 240 runs.")
        tables["Hidden runs"] = (held_out(read), SHARES, f"The rival: {BOOTSTRAPS} bootstraps.")
        if chosen.time:
            tables["Whole command"] = (timed(files["farseer"]), (), "411 runs; imports, fit and answer.")
    if chosen.simulated:
        note = "Grids of 48 runs, noise of 0.3 %; `se` is the standard error of a share of 80 % of so many."
        tables["Simulated surfaces"] = (simulated(chosen.simulated), ("80 % hold", "95 % hold", "se"), note)
    for title, (rows, shares, note) in tables.items():
        print(f"\n{title}\n{pd.DataFrame(rows).to_string(index=False)}", flush=True)
        if chosen.output:
            record(chosen.output, title, rows, shares=shares, note=note)
    return 0


# The published optimum ------------------------------------------------------------------------------


def published(table: Table) -> list[dict[str, Any]]:
    """Quantities of one fit beside those of the replication of Chinchilla."""
    surface = fitted_to(design_of(table, ("language", "chinchilla", "all"), CARD))
    best = optimum(surface, FLOPS, Compute.of(surface.design))
    c = surface.constants
    drawn = {"N* at 1e21": np.exp(best.x), "D* at 1e21": np.exp(best.t), "a": c.a, "b": c.b, "k": c.k, "E": c.floor}
    wanted = {"N* at 1e21": BEST_PARAMS, "D* at 1e21": BEST_N, "k": 1.0, "E": 1.8172} | PUBLISHED
    rows = []
    for name, values in drawn.items():
        low, high, least, most, middle = np.quantile(values, [0.1, 0.9, 0.025, 0.975, 0.5])
        row = {"quantity": name, "published": wanted[name], "median": float(middle), "q10": float(low)}
        row |= {"q90": float(high), "q2.5": float(least), "q97.5": float(most), "q90 / q10": float(high / low)}
        rows.append(row)
    return rows


# Hidden runs ----------------------------------------------------------------------------------------


def held_out(read: Mapping[str, Table]) -> list[dict[str, Any]]:
    """A row for each set of hidden runs, and pooled ones."""
    farseer, chinchilla = read["farseer"], read["chinchilla"]
    shown = farseer[farseer["split"] == "fit"]
    rows = [summary("farseer, hidden rows", [scored(shown, farseer[farseer["split"] != "fit"])])]
    for name, table in (("farseer", shown), ("chinchilla", chinchilla)):
        spent = np.log(table["params"] * table["n"])
        found = []
        for cut in CUTS:
            top = spent > np.quantile(spent, 1 - cut)
            found.append(scored(table[~top], table[top]))
            rows.append(summary(f"{name}, top {100 * cut:g} %", found[-1:]))
        rows.append(summary(f"{name}, pooled", found))
    own = [
        scored(rows_of[rows_of["split"] == "fit"], rows_of[rows_of["split"] != "fit"])
        for _, rows_of in read["overtraining"].groupby("task")
    ]
    return [*rows, summary("overtraining, pooled", own)]


def scored(shown: Table, hidden: Table) -> dict[str, np.ndarray]:
    """Draws of the hidden log losses by the surface and by the rival, and what they were."""
    truth = np.log(hidden["error"].to_numpy())
    n, params = (hidden[name].to_numpy(dtype=float) for name in ("n", "params"))
    surface = fitted_to(design_of(shown, ("d", "t", "a"), CARD))
    draws = surface.new_run(n, params)
    rival = bootstrap(shown, np.log(params), np.log(n))
    return {"truth": truth, "draws": draws, "rival": rival}


def summary(name: str, found: Sequence[Mapping[str, np.ndarray]]) -> dict[str, Any]:
    """Scores over one or several sets of hidden runs."""
    truth = np.concatenate([one["truth"] for one in found])
    off = np.concatenate([np.median(one["draws"], 0) - one["truth"] for one in found])
    other = np.concatenate([np.median(one["rival"], 0) - one["truth"] for one in found])
    ranks = np.concatenate([pit(one["draws"], one["truth"]) for one in found])
    replicas = np.concatenate([_shuffled(replica_pits(one["draws"]), k) for k, one in enumerate(found)], 1)
    low, high = by_chance(replicas, 0.8)
    own, rival = (
        float(np.mean(np.concatenate([crps(one[of], one["truth"]) for one in found]))) for of in ("draws", "rival")
    )
    row = {
        "hidden": name,
        "runs": len(truth),
        "RMSLE": _rms(off),
        "rival RMSLE": _rms(other),
        "bias": float(off.mean()),
    }
    row |= {"80 % hold": float(np.mean(np.abs(2 * ranks - 1) <= 0.8)), "low": low, "high": high}
    return row | {"95 % hold": float(np.mean(np.abs(2 * ranks - 1) <= 0.95)), "CRPS": own, "CRPS / rival": own / rival}


def _shuffled(replicas: np.ndarray, seed: int) -> np.ndarray:
    """Replicas of one set in random order: sets are taken as independent."""
    return replicas[np.random.default_rng(seed).permutation(len(replicas))]


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values**2)))


def bootstrap(shown: Table, x: np.ndarray, t: np.ndarray, seed: int = 0) -> np.ndarray:
    """Predictive draws of the separable law: least squares on log loss, on bootstraps over runs, with their noise."""
    rng = np.random.default_rng(seed)
    own = [np.log(shown[name].to_numpy(dtype=float)) for name in ("params", "n", "error")]
    start = _least_squares(*own, [own[2].min() - 0.3, 6.0, 7.0, -1.0, -1.0])
    out = []
    for _ in range(BOOTSTRAPS):
        some = rng.integers(len(own[0]), size=len(own[0]))
        fitted = _least_squares(*(v[some] for v in own), start)
        noise = np.std(own[2] - _separable(fitted, own[0], own[1]))
        out.append(_separable(fitted, x, t) + noise * rng.standard_normal((5, len(x))))
    return np.concatenate(out)


def _separable(p: Sequence[float] | np.ndarray, x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Log of E + A N^-a + B D^-b; parameters are the logs of all five."""
    return np.log(np.exp(p[0]) + np.exp(p[1] - np.exp(p[3]) * x) + np.exp(p[2] - np.exp(p[4]) * t))


def _least_squares(x: np.ndarray, t: np.ndarray, y: np.ndarray, start: Any) -> np.ndarray:
    return least_squares(lambda p: _separable(p, x, t) - y, start, bounds=(-12, 40), x_scale="jac").x


# Simulated surfaces ---------------------------------------------------------------------------------


def simulated(count: int) -> list[dict[str, Any]]:
    """How often intervals of the best size hold it: laws without drift, and with as much as the card expects."""
    inside: dict[tuple[str, float, float], list[tuple[bool, bool]]] = {}
    for wander in ("none", "as the card"):
        for seed in range(count):
            k = (0.5, 1.0, 2.0)[seed % 3]
            for times, held in one_surface(seed, k, wander != "none").items():
                inside.setdefault((wander, times, k), []).append(held)
    rows = []
    for wander, times in dict.fromkeys(key[:2] for key in inside):
        for k in (0.5, 1.0, 2.0, None):
            found = np.array(
                [h for key, held in inside.items() if key[:2] == (wander, times) and k in (key[2], None) for h in held]
            )
            share = found.mean(0)
            row = {"drift": wander, "compute": f"{times:g} times the largest", "k": "all" if k is None else k}
            row |= {"surfaces": len(found), "80 % hold": float(share[0]), "95 % hold": float(share[1])}
            rows.append(row | {"se": float(np.sqrt(0.16 / len(found)))})
    return rows


def one_surface(seed: int, k: float, wanders: bool) -> dict[float, tuple[bool, bool]]:
    """Whether 80 and 95 % intervals of the best size hold it, at a compute in the grid and at ten times the most."""
    rng = np.random.default_rng([seed, 5])
    a, b = np.exp(rng.uniform(np.log(0.2), np.log(0.5), 2))
    params, n = np.geomspace(5e7, 3e9, 8), np.geomspace(1e9, 1e11, 6)
    x, t = (v.ravel() for v in np.meshgrid(np.log(params), np.log(n)))
    floor, share = rng.uniform([0.3, 0.3], [0.8, 0.7])
    there = law.Parameters(
        1.0, np.log(a), np.log(b), np.log(share / (1 - share)), np.log(floor / (1 - floor)), np.log(k)
    )
    prior = CARD.priors["log_drift"]
    size = float(np.exp(rng.normal(prior.mean, prior.sd))) if wanders else 0.0
    waves = drift.Waves.drawn(rng, 1, CARD.memory, 2000)

    def truth(x: np.ndarray, t: np.ndarray) -> np.ndarray:
        u, v = x - np.log(params).mean(), t - np.log(n).mean()
        return law.log_loss(np, u, v, there) + size * waves.at(np.stack([u, v], -1))[0]

    y = truth(x, t) + SIMULATED_NOISE * rng.standard_normal(len(x))
    table = pd.DataFrame({"params": np.exp(x), "n": np.exp(t), "error": np.exp(y)})
    surface = fitted_to(design_of(table, ("d", "t", "a"), CARD), seed=seed)
    largest = float((x + t).max())
    out = {}
    for times in (0.1, 10.0):
        product = largest + np.log(times)
        grid = np.linspace(product / 2 - 8.0, product / 2 + 4.0, 4001)
        best = grid[truth(grid, product - grid).argmin()]
        rank = float(np.mean(optimum(surface, 6.0 * float(np.exp(product)), Compute()).x < best))
        out[times] = (abs(2 * rank - 1) <= 0.8, abs(2 * rank - 1) <= 0.95)
    return out


# Time -----------------------------------------------------------------------------------------------


def timed(path: Path) -> list[dict[str, Any]]:
    """Seconds of the whole command, with an empty cache folder and then with that folder."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for when in ("first", "warm"):
            begin = time.perf_counter()
            command = [sys.executable, "-m", "forecaster", "surface", str(path), "--flops", "1e22", "--json"]
            subprocess.run(command, check=True, capture_output=True, env={**_environment(), "XDG_CACHE_HOME": folder})
            rows.append({"process": when, "seconds": time.perf_counter() - begin})
    return rows


def _environment() -> dict[str, str]:
    import os

    return dict(os.environ)


if __name__ == "__main__":
    sys.exit(main())
