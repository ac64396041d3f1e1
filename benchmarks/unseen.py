"""Curves of kinds that no card was learned from, measured here, forecast under the generic card and scored.

    double descent   error of random-feature regression, which peaks where examples are as many as features
    training runs    held-out loss of networks on the digits that ship with scikit-learn, against gradient steps
    regression       error of nearest neighbours, forests and kernels on a simulated surface (Friedman 1991)

The largest half-decade of each curve is hidden and forecast, then the largest decade; both are scored beside the
baselines of ``forecaster backtest``. It takes some minutes and needs no files:

    python benchmarks/unseen.py
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from measuring import write_table
from sklearn.datasets import load_digits, make_friedman1
from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics import log_loss
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPClassifier

from forecaster.backtest import Backtest, backtest
from forecaster.reading import read_curves

HIDDEN = (0.5, 1.0)  # decades
COLUMNS = ["domain", "task", "architecture", "n", "error", "seed"]
BASELINES_SHOWN = ("last point", "power law + floor", "M4")
Row = tuple[str, str, float, float, int]  # task, architecture, n, error, seed


def double_descent(seed: int) -> Iterator[Row]:
    """Random ReLU features of a smooth function in 20 dimensions, by least squares of minimal norm or a weak ridge."""
    sizes, dimensions, test = np.unique(np.geomspace(20, 4000, 22).astype(int)), 20, 4000
    for noise, width, ridge, run in product((0.1, 0.5), (60, 200, 600), (0.0, 1e-3), range(3)):
        rng = np.random.default_rng([seed, run])
        direction = rng.standard_normal(dimensions) / np.sqrt(dimensions)
        features = rng.standard_normal((dimensions, width)) / np.sqrt(dimensions)
        x = rng.standard_normal((test + sizes[-1], dimensions))
        wave = np.tanh(x @ direction) + 0.5 * np.sin(2.0 * x @ direction)
        seen = np.maximum(x @ features, 0.0)
        y = wave[test:] + noise * rng.standard_normal(sizes[-1])
        for n in sizes:
            weights = _solved(seen[test:][:n], y[:n], ridge)
            error = np.mean((seen[:test] @ weights - wave[:test]) ** 2) / wave[:test].var()
            yield f"noise {noise:g}", f"{width} features, ridge {ridge:g}", n, error, run


def _solved(a: np.ndarray, y: np.ndarray, ridge: float) -> np.ndarray:
    if ridge == 0.0:
        return np.linalg.lstsq(a, y, rcond=1e-10)[0]
    return np.linalg.solve(a.T @ a + ridge * len(a) * np.eye(a.shape[1]), a.T @ y)


def training_runs(seed: int) -> Iterator[Row]:
    """Networks of one hidden layer by plain stochastic gradients; the loss of 597 held-out digits at 24 steps."""
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(x))
    x, y, fitted = x[order] / 16.0, y[order], 1200
    marks = {int(v) for v in np.geomspace(5, 5000, 24)}
    for hidden, rate in product((8, 32, 128), (0.003, 0.01, 0.03)):
        network = MLPClassifier((hidden,), solver="sgd", learning_rate_init=rate, random_state=seed)
        rng = np.random.default_rng([seed, hidden])
        for step in range(1, max(marks) + 1):
            some = rng.integers(0, fitted, 32)
            network.partial_fit(x[some], y[some], classes=np.arange(10))
            if step in marks:
                loss = log_loss(y[fitted:], network.predict_proba(x[fitted:]), labels=range(10))
                yield "digits", f"{hidden} units, rate {rate:g}", step, float(loss), 0


def regression(seed: int) -> Iterator[Row]:
    """Mean squared error over the variance of noiseless test values."""
    makers: dict[str, Callable[[int], Any]] = {
        "nearest neighbours": lambda run: KNeighborsRegressor(5, weights="distance"),
        "random forest": lambda run: RandomForestRegressor(50, random_state=run),
        "extra trees": lambda run: ExtraTreesRegressor(50, random_state=run),
        "kernel ridge": lambda run: KernelRidge(alpha=0.1, kernel="rbf", gamma=0.5),
        "linear kernel": lambda run: KernelRidge(alpha=0.1, kernel="linear"),
    }
    sizes = np.unique(np.geomspace(20, 3000, 18).astype(int))
    x_test, y_test = make_friedman1(3000, random_state=10_000 + seed)
    for noise, run in product((0.3, 2.0), range(3)):
        x, y = make_friedman1(int(sizes[-1]), noise=noise, random_state=100 * seed + run)
        for (name, make), n in product(makers.items(), sizes):
            found = make(run).fit(x[:n], y[:n]).predict(x_test)
            yield f"noise {noise:g}", name, n, float(np.mean((found - y_test) ** 2) / y_test.var()), run


KINDS = {"double descent": double_descent, "training runs": training_runs, "regression": regression}


def row_of(kind: str, hidden: float, found: Backtest) -> dict[str, Any]:
    """Our scores on one kind of curves, and the RMSLE of some rivals."""
    totals = found.totals.set_index("method")["rmsle"]
    row = {"kind": kind, "decades": hidden, "curves": len(found.table), "points": len(found.points)}
    row |= {k: found.summary[k] for k in ("rmsle", "log_score", "cover_50", "cover_80", "cover_95")}
    return row | {name: totals[name] for name in BASELINES_SHOWN if name in totals}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--card", default="generic")
    parser.add_argument("--no-baselines", action="store_true")
    parser.add_argument("--curves", type=Path, help="write the curves to this CSV file, too")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    rows, tables = [], []
    for kind, measure in KINDS.items():
        print(f"measuring {kind}", file=sys.stderr, flush=True)
        tables.append(pd.DataFrame([(kind, *row) for row in measure(chosen.seed)], columns=COLUMNS))
        curves = read_curves(tables[-1])
        for hidden in HIDDEN:
            print(f"forecasting {kind}, {hidden:g} decades hidden", file=sys.stderr, flush=True)
            found = backtest(
                curves, split=hidden, card=chosen.card, seed=chosen.seed, baselines=not chosen.no_baselines
            )
            rows.append(row_of(kind, hidden, found))
    print(pd.DataFrame(rows).to_string(index=False, na_rep="-", float_format=lambda v: f"{v:.3f}"))
    if chosen.curves:
        write_table(chosen.curves, COLUMNS, pd.concat(tables).to_dict("records"))
    print(f"\nrepeat with: python benchmarks/unseen.py {' '.join(sys.argv[1:])}".rstrip())
    return 0


if __name__ == "__main__":
    sys.exit(main())
