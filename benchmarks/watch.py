"""Does `watch` alarm where it should? Curves fitted to their smaller sizes, watched as the larger ones come in.

    uv run python benchmarks/watch.py --data FOLDER --output benchmarks/results/watch.md

On `lcdb.csv` (column `split`) it counts alarms at level 5 % among curves whose hidden part never rises by 5 % (few are
wanted) and among those that leave the 99 % band of the old forecast (many are wanted). Then simulated sequences: false
alarms, shifts of five predictive sds, and causes named. Each curve is watched alone.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from accuracy import sampled
from recording import add_output, record

from forecaster.curves.reading.read import read_curves
from forecaster.inference.fit import fit
from forecaster.monitoring.evidence import evidence
from forecaster.prediction.conditioning import predictive
from forecaster.prediction.curve_keys import CurveKey, curve_keys

TITLE = "Alarms on new measurements"
ALPHA, RISE, OUTSIDE = 0.05, 0.05, 0.99
SEQUENCES, POINTS = 2000, 20


def main() -> int:
    """Measure and print; 1 where the file is absent."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds lcdb.csv")
    parser.add_argument("--sample", type=int, default=12, help="tasks, drawn by the seed")
    parser.add_argument("--seed", type=int, default=0)
    add_output(parser, "watch")
    chosen = parser.parse_args()
    path = chosen.data / "lcdb.csv"
    if not path.is_file():
        print(f"{path}: no such file", file=sys.stderr)
        return 1
    curves = sampled(read_curves(path), chosen.sample, chosen.seed)
    seen = watched(curves, chosen.seed)
    rows = [
        line("hidden part never rises by 5 %", seen[~seen["rises"]]),
        line("leave the old 99 % band", seen[seen["outside"]]),
        line("rises by 5 %", seen[seen["rises"]]),
        simulated(chosen.seed),
    ]
    for row in rows:
        print(row)
    if chosen.output:
        record(chosen.output, TITLE, rows, shares=("alarm",))
    return 0


def watched(curves: Any, seed: int) -> pd.DataFrame:
    """A row a curve: whether there was an alarm, whether it rises, whether it leaves the band."""
    posterior = fit(curves.select(split="fit"), seed=seed)
    hidden: Any = curves.select(split="extrapolate").table
    rows = []
    for key in curve_keys(posterior):
        own = hidden[
            (hidden["domain"] == key.domain)
            & (hidden["task"] == key.task)
            & (hidden["architecture"] == key.architecture)
        ].sort_values("n")
        if len(own):
            rows.append(of_curve(posterior, key, own["n"].to_numpy(float), np.log(own["error"].to_numpy(float))))
    return pd.DataFrame(rows)


def of_curve(posterior: Any, key: CurveKey, n: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    made = predictive(posterior, key, n)
    alarm = bool((evidence(made.pit(y)).e_value >= 1.0 / ALPHA).any())
    last = np.log(posterior.designs[key.group].curve_of(key.architecture).curve.error[-1])
    whole = np.append(last, y)
    rises = bool((whole - np.minimum.accumulate(whole)).max() > np.log1p(RISE))
    sd = np.sqrt(np.diagonal(made.covariance, axis1=1, axis2=2))
    drawn = made.mean + sd * np.random.default_rng(0).standard_normal(sd.shape)
    low, high = np.quantile(drawn, [0.5 - OUTSIDE / 2, 0.5 + OUTSIDE / 2], axis=0)
    return {"curve": key.label, "alarm": alarm, "rises": rises, "outside": bool(((y < low) | (y > high)).any())}


def line(name: str, of: pd.DataFrame) -> dict[str, Any]:
    return {"curves": name, "count": len(of), "alarm": float(of["alarm"].mean()) if len(of) else float("nan")}


def simulated(seed: int) -> dict[str, Any]:
    """False alarms of calibrated sequences, looked at after each of their points."""
    rng = np.random.default_rng(seed)
    found = [(evidence(rng.uniform(size=POINTS)).e_value >= 1.0 / ALPHA).any() for _ in range(SEQUENCES)]
    return {"curves": "simulated sequences of 20, as forecast", "count": SEQUENCES, "alarm": float(np.mean(found))}


if __name__ == "__main__":
    sys.exit(main())
