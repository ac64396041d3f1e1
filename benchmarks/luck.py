"""How often forecasts hold where test sets are small: on the test set at hand, and on cases that nobody tested.

    uv run python benchmarks/luck.py

Six scikit-learn classifiers on simulated tasks, each measured on one test set of 200 to 800 cases at sizes from 16 to
2,048; half of the tasks have one run a size, half have five. The largest sizes are hidden. What a run measures there is
forecast with and without the column `n_test`, and the average error on 6,000 other cases by both kinds of forecast.
Last, how far log error on the test set, averaged over runs, lies from that on the other cases: its mean square over the
binomial variance, at tasks of one run and of five, and the mean product of two architectures. About ten minutes on two
cores.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
from measuring import progress_bar
from recording import add_output, record
from sklearn.base import ClassifierMixin
from sklearn.datasets import make_classification, make_gaussian_quantiles, make_hastie_10_2
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from forecaster import fit
from forecaster.curves.learning_curves import KEYS
from forecaster.curves.reading.read import read_curves
from forecaster.evaluation import scoring
from forecaster.evaluation.backtest import backtest
from forecaster.evaluation.holdout import hide
from forecaster.prediction.forecast import forecast

SIZES = [round(16 * 2 ** (k / 2)) for k in range(15)]
TEST_SETS = (200, 400, 600, 800)
OTHERS = 6_000  # cases beside the test set, on which errors are as good as known


def classifiers() -> Mapping[str, Callable[[int], ClassifierMixin]]:
    """Each architecture's name and how to make one from a seed."""
    return {
        "logistic-regression": lambda seed: LogisticRegression(max_iter=300),
        "naive-bayes": lambda seed: GaussianNB(var_smoothing=0.01),
        "nearest-neighbours": lambda seed: KNeighborsClassifier(5),
        "rbf-svm": lambda seed: SVC(C=3.0),
        "decision-tree": lambda seed: DecisionTreeClassifier(random_state=seed),
        "random-forest": lambda seed: RandomForestClassifier(40, random_state=seed),
    }


def cases(task: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Features and classes of one task: clusters, shells around a point, or a sum of squares."""
    count = 2 * SIZES[-1] + OTHERS + max(TEST_SETS)
    state = int(rng.integers(2**31))
    if task % 3 == 0:
        x, y = make_classification(
            count,
            n_features=20,
            n_informative=int(rng.integers(6, 14)),
            n_redundant=3,
            n_classes=int(rng.integers(2, 8)),
            n_clusters_per_class=int(rng.integers(1, 4)),
            class_sep=float(rng.uniform(0.8, 2.0)),
            flip_y=float(rng.choice([0.0, 0.02, 0.1])),
            random_state=state,
        )
    elif task % 3 == 1:
        features, classes = int(rng.integers(3, 8)), int(rng.integers(2, 5))
        x, y = make_gaussian_quantiles(n_samples=count, n_features=features, n_classes=classes, random_state=state)
    else:
        x, y = make_hastie_10_2(count, random_state=state)
    order = rng.permutation(count)
    return x[order], np.unique(y, return_inverse=True)[1][order]


def measured(task: int) -> list[dict[str, Any]]:
    """Rows of one task, with the error on the other cases as ``elsewhere``."""
    warnings.simplefilter("ignore")
    rng = np.random.default_rng([0, task])
    x, y = cases(task, rng)
    n_test = int(rng.choice(TEST_SETS))
    test, others, pool = np.split(np.arange(len(y)), [n_test, n_test + OTHERS])
    rows = []
    for seed in range(1 if task % 2 else 5):
        order = rng.permutation(pool)
        for n in SIZES:
            chosen = order[:n]
            if len(np.unique(y[chosen])) < len(np.unique(y)):
                continue  # a class is missing
            for name, make in classifiers().items():
                model: Any = make(int(rng.integers(2**31)))
                model.fit(x[chosen], y[chosen])
                wrong, elsewhere = (model.predict(x[part]) != y[part] for part in (test, others))
                row = {"domain": "tabular-classification", "task": f"task-{task:03d}", "architecture": name, "n": n}
                row |= {"error": max(wrong.sum(), 0.5) / n_test, "seed": seed, "n_test": n_test}
                rows.append(row | {"elsewhere": elsewhere.mean()})
    return rows


def measure(tasks: int, workers: int | None) -> pd.DataFrame:
    rows = []
    with ProcessPoolExecutor(workers) as pool, progress_bar() as progress:
        bar = progress.add_task("measuring", total=tasks)
        for found in pool.map(measured, range(tasks)):
            rows += found
            progress.update(bar, advance=1)
    return pd.DataFrame(rows)


def on_the_test_set(table: pd.DataFrame, decades: float) -> dict[str, float]:
    """Scores of what runs measure at hidden sizes."""
    points = backtest(read_curves(table), split=decades, baselines=False).points
    return shares(points["pit"].to_numpy()) | {"crps": points["crps"].mean(), "log score": points["log_score"].mean()}


def elsewhere(table: pd.DataFrame, decades: float, kind: str) -> dict[str, float]:
    """Scores of the average error on the other cases at hidden sizes, forecast by ``kind``."""
    fitted, unseen, _ = hide(read_curves(table.drop(columns="elsewhere")), decades)
    truth: Any = table.groupby([*KEYS, "n"])["elsewhere"].mean()
    hidden = unseen.table[[*KEYS, "n"]].drop_duplicates(ignore_index=True)
    drawn = np.log(forecast(fit(fitted), hidden, kind=kind).errors(range(len(hidden))))
    observed = np.log(truth[pd.MultiIndex.from_frame(hidden)].to_numpy().clip(0.5 / OTHERS))
    scores = scoring.score(drawn, observed)
    return shares(scores.pit) | {"crps": scores.crps.mean(), "log score": scores.log_score.mean()}


def shares(pit: np.ndarray) -> dict[str, float]:
    """Shares of points inside intervals of 50, 80 and 95 %."""
    return {f"{level:.0%}": float(scoring.covers(pit, level).mean()) for level in (0.5, 0.8, 0.95)}


def by_size(table: pd.DataFrame) -> Any:
    """The luck of a size's runs, on average, and its binomial variance, for each curve and size."""
    seen: Any = table.assign(luck=np.log(table["error"] / table["elsewhere"].clip(0.5 / OTHERS)))
    sizes: Any = seen.groupby([*KEYS, "n"]).agg(
        luck=("luck", "mean"), error=("elsewhere", "mean"), runs=("luck", "size"), n_test=("n_test", "max")
    )
    sizes["binomial"] = (1.0 / sizes["error"].clip(0.5 / OTHERS) - 1.0) / sizes["n_test"]
    return sizes


def shared(table: pd.DataFrame) -> pd.Series:
    """Mean square of the luck of a size's runs, over its binomial variance, by the number of runs."""
    sizes = by_size(table)
    sums: Any = sizes.assign(square=sizes["luck"] ** 2).groupby("runs")[["square", "binomial"]].sum()
    return sums["square"] / sums["binomial"]


def between(table: pd.DataFrame) -> pd.Series:
    """Mean product of the luck of two architectures on one test set, over their binomial variance, by number of runs.

    They are trained on the same sets, so this is somewhat more than what the test set alone makes common to them.
    """
    sizes = by_size(table)
    parts = sizes.assign(sd=sizes["binomial"] ** 0.5)[["runs", "luck", "sd"]].reset_index()
    squares = parts.assign(luck=parts["luck"] ** 2, sd=parts["sd"] ** 2)
    keys = ["domain", "task", "n", "runs"]
    of_pairs: Any = parts.groupby(keys)[["luck", "sd"]].sum() ** 2 - squares.groupby(keys)[["luck", "sd"]].sum()
    sums: Any = of_pairs.groupby("runs").sum()
    return sums["luck"] / sums["sd"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=40, help="simulated tasks")
    parser.add_argument("--hide", type=float, nargs="+", default=[0.5, 1.0], help="decades of largest sizes to hide")
    parser.add_argument("--workers", type=int, default=None, help="processes that train (default: one a core)")
    add_output(parser, "accuracy")
    asked = parser.parse_args()
    table = measure(asked.tasks, asked.workers)
    runs = table.drop(columns="elsewhere")
    rows = []
    for decades in asked.hide:
        print(f"hiding {decades:g} decades", file=sys.stderr)
        for name, given in (("new-run", runs), ("new-run, no n_test", runs.drop(columns="n_test"))):
            found = on_the_test_set(given, decades)
            rows.append({"decades": decades, "truth": "test set at hand", "forecast": name} | found)
        for kind in ("mean", "new-cases"):
            found = elsewhere(table, decades, kind)
            rows.append({"decades": decades, "truth": "other cases", "forecast": kind} | found)
    print(pd.DataFrame(rows).round(4).to_string(index=False))
    if asked.output:
        record(asked.output, "Small test sets", rows, shares=("50%", "80%", "95%"))
    print("\nluck over binomial variance, by runs:", shared(table).round(2).to_dict())
    print("of two architectures on one test set:", between(table).round(2).to_dict())


if __name__ == "__main__":
    main()
