"""Measure learning curves of scikit-learn classifiers on the handwritten digits that ship with it.

1,797 images of 8 x 8 pixels are split once, by class, into a pool of 1,200 and a test set of 597 that
is the same for every classifier, size and seed. Each of ten seeds orders the pool so that every prefix
is stratified by class; the training set of size n is the first n of that order, hence contained in the
next larger one. The classifiers' hyper-parameters are those in `classifiers`, the same at every size.

An error of exactly zero is recorded as half a test example, 0.5 / 597: readers take logarithms.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import sklearn
from measuring import Row, parse_arguments, progress_bar, write_table
from rich.console import Console
from sklearn.base import ClassifierMixin
from sklearn.datasets import load_digits
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC

from forecaster.measuring.trainers.shards import stratified_order

COLUMNS = ("domain", "task", "architecture", "n", "error", "metric", "seed", "n_test")
SEEDS = 10
POOL = 1200
SMALLEST = 16


def classifiers() -> Mapping[str, Callable[[int], ClassifierMixin]]:
    """Each architecture's name and how to make one from a seed; pixels come scaled to [0, 1]."""
    return {
        "logistic-regression": lambda seed: LogisticRegression(C=1.0, max_iter=1000),
        "naive-bayes": lambda seed: GaussianNB(var_smoothing=0.1),
        "rbf-svm": lambda seed: SVC(C=10.0, kernel="rbf", gamma="scale"),
        "nearest-neighbours": lambda seed: KNeighborsClassifier(n_neighbors=3, weights="distance"),
        "random-forest": lambda seed: RandomForestClassifier(n_estimators=100, random_state=seed),
        "gradient-boosting": lambda seed: GradientBoostingClassifier(
            n_estimators=50, learning_rate=0.2, max_depth=3, max_features="sqrt", random_state=seed
        ),
        "mlp": lambda seed: MLPClassifier(
            hidden_layer_sizes=(64,), alpha=0.01, solver="lbfgs", max_iter=300, random_state=seed
        ),
    }


def training_sizes() -> list[int]:
    """From 16 in steps of the square root of two, and last the whole pool."""
    steps = int(2 * np.log2(POOL / SMALLEST)) + 1
    return [round(SMALLEST * 2 ** (step / 2)) for step in range(steps)] + [POOL]


def test_error(
    model: ClassifierMixin, train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray]
) -> float:
    """Fit and return the test error rate, half a test example in place of zero."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(*train)
    mistakes = int(np.sum(model.predict(test[0]) != test[1]))
    return max(mistakes, 0.5) / len(test[1])


def measure(seed: int) -> Iterator[Row]:
    """Yield one row for each replicate, training size and classifier."""
    images, labels = load_digits(return_X_y=True)
    pool_x, test_x, pool_y, test_y = train_test_split(
        images / 16.0, labels, train_size=POOL, stratify=labels, random_state=seed
    )
    for replicate in range(SEEDS):
        rng = np.random.default_rng([seed, replicate])
        order = stratified_order(pool_y, rng)
        for n in training_sizes():
            chosen = order[:n]
            if len(np.unique(pool_y[chosen])) != len(np.unique(labels)):
                raise RuntimeError(f"the subset of size {n} misses a class")
            for name, make in classifiers().items():
                model = make(int(rng.integers(2**31)))
                yield {
                    "domain": "tabular-classification",
                    "task": "digits",
                    "architecture": name,
                    "n": n,
                    "error": test_error(model, (pool_x[chosen], pool_y[chosen]), (test_x, test_y)),
                    "metric": "test error rate",
                    "seed": replicate,
                    "n_test": len(test_y),
                }


def main() -> None:
    """Measure everything, showing progress, and write the table sorted by architecture, size and seed."""
    arguments = parse_arguments(__doc__, "digits.csv")
    console = Console()
    rows: list[Row] = []
    with progress_bar() as progress:
        bar = progress.add_task("", total=SEEDS * len(training_sizes()) * len(classifiers()))
        for row in measure(arguments.seed):
            rows.append(row)
            progress.update(bar, advance=1, description=f"seed {row['seed']}, n = {row['n']}")
    names = list(classifiers())
    rows.sort(key=lambda row: (names.index(str(row["architecture"])), row["n"], row["seed"]))
    write_table(arguments.output, COLUMNS, rows)
    console.print(f"{len(rows)} rows to {arguments.output} (scikit-learn {sklearn.__version__})")


if __name__ == "__main__":
    main()
