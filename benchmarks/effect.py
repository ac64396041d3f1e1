"""Does `effect` name what a treatment changed? Pairs of simulated curves whose difference is known.

    uv run python benchmarks/effect.py --output benchmarks/results/effect.md

Each pair is a baseline and a treated curve of ten sizes over two and a half decades, three runs a size, 2 % of noise.
The baseline is a power law with an exponent of 0.25 to 0.45 above a floor that makes up 30 to 60 % of its last error. A
treatment changes one thing: the exponent by a factor of 1.5 (the curves part at the smallest size), the reducible error
by 0.3 in log, or the floor by a factor of 2; in half of the pairs the worse curve is the treated one. Null pairs are
two curves of one law. With `--shared 0.97`, runs of one seed share that much of the variance of noise, which is 5 %.

    right        share of pairs whose `mechanism` is the one simulated (`none` for null pairs)
    undecided    share without a verdict
    wrong        share in which a move is claimed that is not the one simulated
    difference   share of 80 % intervals of the changed quantity that hold the true change
    worth        share of 80 % intervals of the worth in data, at measured sizes, that hold the true worth
    width        median width of the latter, in log
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from recording import add_output, record

from forecaster.comparison.effect import Effect, effect
from forecaster.curves.reading.read import read_curves
from forecaster.inference.fit import fit

SIZES, DECADES, RUNS, FIRST = 10, 2.5, 3, 1e3
CHANGES = {"exponent": np.log(1.5), "intercept": -0.3, "floor": -np.log(2.0)}
NULL = "none"
AT_ONCE = 400  # pairs fitted together
SHARES = ("right", "undecided", "wrong", "difference", "worth")


def main() -> int:
    """Simulate, fit and ask; always 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=200, help="pairs of each mechanism")
    parser.add_argument("--null", type=int, default=1000, help="pairs without a difference")
    parser.add_argument("--noise", type=float, default=None, help="sd of log error (default 0.02; 0.05 if shared)")
    parser.add_argument("--shared", type=float, default=0.0, help="share of noise variance that paired runs share")
    parser.add_argument("--seed", type=int, default=0)
    add_output(parser, "effect")
    chosen = parser.parse_args()
    noise = chosen.noise or (0.05 if chosen.shared else 0.02)
    begin = time.perf_counter()
    rows = []
    for i, kind in enumerate((*CHANGES, NULL)):
        count = chosen.null if kind == NULL else chosen.cases
        rng = np.random.default_rng([chosen.seed, i])
        cases = [one for some in batches(count) for one in judged(kind, some, noise, chosen.shared, rng)]
        rows.append(summary(kind, pd.DataFrame(cases)))
        print(rows[-1], f"{time.perf_counter() - begin:.0f} s", flush=True)
    if chosen.output:
        title = "What a treatment changed" + (", runs paired" if chosen.shared else "")
        note = f"Noise of {100 * noise:g} %, {100 * chosen.shared:g} % of its variance shared by paired runs. "
        note += f"{time.perf_counter() - begin:.0f} s in all."
        record(chosen.output, title, rows, shares=SHARES, note=note)
    return 0


def batches(count: int) -> Iterator[int]:
    """How many pairs to fit at once, in turn."""
    for first in range(0, count, AT_ONCE):
        yield min(AT_ONCE, count - first)


def judged(kind: str, count: int, noise: float, shared: float, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Simulate pairs of one kind, fit them in one call, and ask about each."""
    truths, parts = [], []
    for k in range(count):
        truth, table = simulated(kind, noise, shared, rng)
        truths.append(truth)
        parts.append(table.assign(task=f"{kind}-{k:04d}"))
    posterior = fit(read_curves(pd.concat(parts, ignore_index=True)), card="generic-error-rate", fallback=False)
    asked = zip(posterior.groups, truths, strict=True)
    return [case(effect(posterior, baseline="a", treated="b", group=group), truth) for group, truth in asked]


def simulated(
    kind: str, noise: float, shared: float, rng: np.random.Generator
) -> tuple[Mapping[str, Any], pd.DataFrame]:
    """One pair: the truth, and its measurements."""
    n = np.round(np.geomspace(FIRST, FIRST * 10**DECADES, SIZES))
    z = np.log(n / n[0])
    exponent, first, share = rng.uniform(0.25, 0.45), rng.uniform(0.2, 0.4), rng.uniform(0.3, 0.6)
    floor = first * np.exp(-exponent * z[-1]) * share / (1.0 - share)
    change = {name: (CHANGES[name] if name == kind else 0.0) for name in CHANGES}
    laws = [(first, exponent, floor)]
    laws.append(
        (first * np.exp(change["intercept"]), exponent * np.exp(change["exponent"]), floor * np.exp(change["floor"]))
    )
    sign = 1.0
    if rng.random() < 0.5:
        laws, sign = laws[::-1], -1.0
    drawn = noise * rng.standard_normal((3, SIZES, RUNS))
    rows = []
    for k, name in enumerate("ab"):
        scale, slope, least = laws[k]
        off = np.sqrt(shared) * drawn[2] + np.sqrt(1.0 - shared) * drawn[k]
        for run in range(RUNS):
            error = (scale * np.exp(-slope * z) + least) * np.exp(off[:, run])
            rows.append(
                pd.DataFrame({"domain": "simulated", "architecture": name, "n": n, "error": error, "seed": run})
            )
    truth = {"kind": kind, "change": sign * CHANGES.get(kind, 0.0), "laws": laws}
    return truth, pd.concat(rows)


def worth(truth: Mapping[str, Any], n: np.ndarray) -> np.ndarray:
    """The true worth at sizes ``n``; infinite where the baseline's floor lies above."""
    (first, slope, floor), (scale, other, least) = truth["laws"]
    goal = scale * (n / FIRST) ** -other + least - floor
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(goal > 0, FIRST * (goal / first) ** (-1.0 / slope) / n, np.inf)


def case(found: Effect, truth: Mapping[str, Any]) -> dict[str, Any]:
    """How one pair was judged."""
    kind = truth["kind"]
    verdict = {"right": found.mechanism == kind, "undecided": found.mechanism == "undecided"}
    row: dict[str, Any] = verdict | {"wrong": not any(verdict.values())}
    if kind in CHANGES:
        own = found.table.set_index("quantity").loc[kind]
        row["difference"] = own["difference_lower"] <= truth["change"] <= own["difference_upper"]
    measured = found.worth.iloc[1:-1]  # at the smallest size a worth below 1 is only bounded; the last was not measured
    true = worth(truth, measured["n"].to_numpy())
    row["worth"] = np.mean((measured["worth_q10"] <= true) & (true <= measured["worth_q90"]))
    row["width"] = float(np.median(np.log(measured["worth_q90"] / measured["worth_q10"])))
    return row


def summary(kind: str, cases: Any) -> dict[str, Any]:
    """One line of the table."""
    shares = {name: float(cases[name].mean()) if name in cases else None for name in SHARES}
    return {"simulated": kind, "pairs": len(cases), **shares, "width": float(cases["width"].median())}


if __name__ == "__main__":
    sys.exit(main())
