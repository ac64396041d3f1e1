"""Weighted forecasts against fits anew: what conditioning on new sizes gets right, and what only a new fit learns.

Groups of curves are simulated from a card. A posterior of their smaller sizes is conditioned on one and on two new
sizes of one curve (``forecaster.prediction.conditioning``), and fitted again with them. Both forecast the curve ten
times beyond.

    uv run python benchmarks/conditioning.py --groups 40 --architectures 5 --output benchmarks/results/calibration.md

Columns: the differences of the two medians and of the two sds of log error, in sds of the new fit: root mean square
over curves. ``monte carlo`` is the same difference between two new fits that differ by their seeds alone. What is above
it is what a new fit learns of hyper-parameters and of the trend of noise, and what its new reference size changes: the
drift's volatility starts there. ``--plain`` leaves it out of the card.
"""

from __future__ import annotations

import argparse
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from recording import add_output, record

from forecaster import fit
from forecaster.curves.repeats import means_by_size
from forecaster.domains.loading import load_card
from forecaster.inference.importance.weights import weighted_quantiles
from forecaster.model.simulate import simulate
from forecaster.prediction.conditioning import predictive
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.forecast import log_errors
from forecaster.prediction.paths import curve_paths

NOTE = (
    "Root mean squares over curves of the difference between the forecast ten times beyond by weighted draws and by a "
    "new fit, in sds of the new fit; monte carlo is the difference between two new fits that differ by their seeds. "
    "What is above it is what a new fit learns of hyper-parameters and the trend of noise, and, but for --plain, that "
    "volatility starts at the new largest size."
)
SIZES = np.geomspace(1e3, 1.28e5, 8)
KNOWN = 6  # of them fitted at first
AHEAD = 10.0


def moments(values: np.ndarray, weights: np.ndarray | None = None) -> tuple[float, float]:
    """Median and sd of draws."""
    weights = np.full(len(values), 1.0 / len(values)) if weights is None else weights
    mean = float(weights @ values)
    middle = float(weighted_quantiles(values, weights, (0.5,))[0])
    return middle, float(np.sqrt(weights @ (values - mean) ** 2))


def one_group(card: Any, seed: int, architectures: int, new: int) -> list[dict[str, float]]:
    """Each curve of one simulated group in turn is measured at ``new`` further sizes."""
    curves = simulate(card, SIZES, architectures=architectures, seeds=2, seed=seed).curves
    table: Any = curves.table
    old = fit(curves.with_rows(table[table["n"] < SIZES[KNOWN] * 0.99]), card=card, seed=seed)
    rows = []
    for curve in curves.curves[: max(1, architectures)]:
        key = CurveKey(curve.domain, curve.task, curve.architecture)
        own = table["architecture"] == key.architecture
        added = own & (table["n"] >= SIZES[KNOWN] * 0.99) & (table["n"] <= SIZES[KNOWN + new - 1] * 1.01)
        seen = means_by_size(table["n"].to_numpy()[added], np.log(table["error"].to_numpy()[added]))
        far = np.array([AHEAD * SIZES[KNOWN + new - 1]])
        found = predictive(old, key, np.exp(seen.x), runs=seen.repeats)
        weights = found.weights(seen.y)
        paths = curve_paths(old, key, np.append(np.exp(seen.x), far))
        weighted = moments(found.given(seen.y, far, paths=paths)[:, 0], weights.values)
        before = moments(log_errors(old, key, far)[:, 0])
        whole = curves.with_rows(table[(table["n"] < SIZES[KNOWN] * 0.99) | added])
        fits = [fit(whole, card=card, seed=1000 * s + seed) for s in (1, 2)]
        again, other = (moments(log_errors(one, key, far, seed=s)[:, 0]) for s, one in enumerate(fits))
        rows.append(
            {
                "moved": (again[0] - before[0]) / again[1],
                "median": (weighted[0] - again[0]) / again[1],
                "median_mc": (other[0] - again[0]) / again[1],
                "log_sd": float(np.log(weighted[1] / again[1])),
                "log_sd_mc": float(np.log(other[1] / again[1])),
                "ess": weights.ess,
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--groups", type=int, default=40)
    parser.add_argument("--architectures", type=int, default=5)
    parser.add_argument("--card", default="generic")
    parser.add_argument("--plain", action="store_true", help="a card without volatility")
    add_output(parser, "calibration")
    asked = parser.parse_args()
    card, lines = load_card(asked.card), []
    if asked.plain:
        still = {"volatility": msgspec.structs.replace(card.priors["volatility"], value=0.0)}
        card = msgspec.structs.replace(card, priors=dict(card.priors) | still)
    for new in (1, 2):
        rows = pd.DataFrame(
            [row for seed in range(asked.groups) for row in one_group(card, seed, asked.architectures, new)]
        )
        rms = np.sqrt((rows**2).mean())
        lines.append(
            {
                "new sizes": new,
                "curves": len(rows),
                "moved by the new fit": rms["moved"],
                "median, weighted - fitted": rms["median"],
                "monte carlo": rms["median_mc"],
                "log sd, weighted - fitted": rms["log_sd"],
                "monte carlo of it": rms["log_sd_mc"],
                "effective size, median": rows["ess"].median(),
                "10 % lowest": rows["ess"].quantile(0.1),
            }
        )
    print(pd.DataFrame(lines).round(3).to_string(index=False))
    if asked.output:
        record(
            asked.output,
            "Conditioning on new sizes against new fits" + (", plain card" if asked.plain else ""),
            lines,
            note=NOTE,
        )


if __name__ == "__main__":
    main()
