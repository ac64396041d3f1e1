"""Kinds of learning curves that no card was learned from, each measured or computed here from a seed, without any file.

``KINDS`` names them. Each yields its rows one after the other: task, architecture, size, error and number of the run.
"""

from __future__ import annotations

import sysconfig
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.covariance import OAS, LedoitWolf
from sklearn.datasets import load_digits, make_classification, make_friedman1
from sklearn.decomposition import PCA
from sklearn.ensemble import ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.mixture import GaussianMixture
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KernelDensity, KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

Row = tuple[str, str, float, float, int]  # task, architecture, n, error, seed
Counts = list[defaultdict[bytes, defaultdict[int, int]]]  # by length of the context: context -> next character -> times
CHARACTERS = 128  # of ASCII


def sizes_between(low: float, high: float, number: int) -> np.ndarray:
    """Whole sizes, evenly spaced in log size."""
    return np.unique(np.geomspace(low, high, number).astype(int))


def double_descent(seed: int) -> Iterator[Row]:
    """Error of random ReLU features, by least squares or a weak ridge: it peaks where examples are as many as they."""
    sizes, dimensions, test = sizes_between(20, 4000, 22), 20, 4000
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
    """Weights of least squares, of minimal norm where there is no ridge."""
    if ridge == 0.0:
        return np.linalg.lstsq(a, y, rcond=1e-10)[0]
    return np.linalg.solve(a.T @ a + ridge * len(a) * np.eye(a.shape[1]), a.T @ y)


def training_runs(seed: int) -> Iterator[Row]:
    """Loss on 597 held-out digits of networks of one hidden layer, against steps of plain stochastic gradients."""
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
    """Squared error, over the variance, of neighbours, forests and kernels on a simulated surface (Friedman 1991)."""
    makers: dict[str, Callable[[int], Any]] = {
        "nearest neighbours": lambda run: KNeighborsRegressor(5, weights="distance"),
        "random forest": lambda run: RandomForestRegressor(50, random_state=run),
        "extra trees": lambda run: ExtraTreesRegressor(50, random_state=run),
        "kernel ridge": lambda run: KernelRidge(alpha=0.1, kernel="rbf", gamma=0.5),
        "linear kernel": lambda run: KernelRidge(alpha=0.1, kernel="linear"),
    }
    sizes = sizes_between(20, 3000, 18)
    x_test, y_test = make_friedman1(3000, random_state=10_000 + seed)
    for noise, run in product((0.3, 2.0), range(3)):
        x, y = make_friedman1(int(sizes[-1]), noise=noise, random_state=100 * seed + run)
        for (name, make), n in product(makers.items(), sizes):
            found = make(run).fit(x[:n], y[:n]).predict(x_test)
            yield f"noise {noise:g}", name, n, float(np.mean((found - y_test) ** 2) / y_test.var()), run


def n_grams(seed: int) -> Iterator[Row]:
    """Nats a character of n-gram models of the source text of Python's library (Witten and Bell 1991).

    The text is what the running Python brings along, so that curves differ between versions of Python.
    """
    train, test = _source_text(seed)
    sizes = sizes_between(1000, 1.5e6, 18)
    for order in (1, 2, 3, 4, 6):
        counts: Counts = [defaultdict(partial(defaultdict, int)) for _ in range(order + 1)]
        counted = 0
        for n in sizes[sizes <= len(train)]:
            _count(counts, train, counted, n)
            counted = n
            yield "source text", f"order {order}", n, _nats_a_character(counts, test), 0


def _source_text(seed: int) -> tuple[bytes, bytes]:
    """ASCII text of 400 files of the standard library, drawn by chance, and its last 60,000 characters, held out."""
    library = Path(sysconfig.get_path("stdlib"))
    files = sorted(str(path) for pattern in ("*.py", "*/*.py") for path in library.glob(pattern))
    files = [file for file in files if Path(file).parent.name not in ("site-packages", "dist-packages")]
    np.random.default_rng(seed).shuffle(files)
    text = "".join(Path(file).read_text(encoding="ascii", errors="ignore") for file in files[:400]).encode()
    return text[:-60_000], text[-60_000:]


def _count(counts: Counts, text: bytes, start: int, stop: int) -> None:
    """Add the characters from `start` to `stop` to the counts, after their contexts of all lengths."""
    for i in range(start, stop):
        for length in range(min(len(counts) - 1, i) + 1):
            counts[length][text[i - length : i]][text[i]] += 1


def _nats_a_character(counts: Counts, text: bytes) -> float:
    """Log loss on every fourth character: each order is interpolated with the next lower one, the lowest with 1/128."""
    total, places = 0.0, range(len(counts) - 1, len(text), 4)
    for i in places:
        chance = 1.0 / CHARACTERS
        for length, of_context in enumerate(counts):
            followers = of_context.get(text[i - length : i])
            if followers is None:
                break
            times, different = sum(followers.values()), len(followers)
            chance = (followers.get(text[i], 0) + different * chance) / (times + different)
        total -= np.log(chance)
    return float(total / len(places))


def simulated_tables(seed: int) -> Iterator[Row]:
    """Error rate of six classifiers on simulated tables of 10 to 40 columns and 2 to 4 classes (Guyon 2003)."""
    makers: dict[str, Callable[[int], Any]] = {
        "logistic regression": lambda run: LogisticRegression(max_iter=200),
        "naive Bayes": lambda run: GaussianNB(),
        "nearest neighbours": lambda run: KNeighborsClassifier(5),
        "random forest": lambda run: RandomForestClassifier(50, random_state=run),
        "decision tree": lambda run: DecisionTreeClassifier(random_state=run),
        "support vector machine": lambda run: SVC(),
    }
    sizes, fitted = sizes_between(16, 4096, 13), 4096
    shapes = ((20, 8, 3, 0.02, 3), (10, 6, 2, 0.1, 2), (40, 15, 4, 0.0, 4))
    for task, (columns, informative, clusters, flipped, classes) in enumerate(shapes):
        x, y = make_classification(
            fitted + 4000,
            columns,
            n_informative=informative,
            n_redundant=2,
            n_clusters_per_class=clusters,
            n_classes=classes,
            flip_y=flipped,
            random_state=1000 * seed + 10 * task,
        )
        for run in range(3):
            order = np.random.default_rng([seed, run]).permutation(fitted)
            for (name, make), n in product(makers.items(), sizes):
                some = order[:n]
                if len(np.unique(y[some])) == classes:
                    accuracy = make(run).fit(x[some], y[some]).score(x[fitted:], y[fitted:])
                    yield f"{columns} columns, {classes} classes", name, n, 1.0 - accuracy, run


def principal_components(seed: int) -> Iterator[Row]:
    """Squared error, over the variance, of 497 held-out digits restored from 4 to 32 principal components."""
    x = load_digits(return_X_y=True)[0] / 16.0
    for run in range(3):
        order, fitted = np.random.default_rng([seed, run]).permutation(len(x)), 1300
        test = x[order[fitted:]]
        for components, n in product((4, 8, 16, 32), sizes_between(40, fitted, 16)):
            model = PCA(components, svd_solver="full").fit(x[order[:n]])
            restored = model.inverse_transform(model.transform(test))
            yield "digits", f"{components} components", n, np.mean((restored - test) ** 2) / test.var(), run


def stochastic_gradients(seed: int) -> Iterator[Row]:
    """Expected risk of linear regression by one pass of stochastic gradients (Bordelon and Pehlevan 2022).

    Eigenvalues and weights fall as powers; measured with noise of 1 %.
    """
    rng = np.random.default_rng(seed)
    rank, marks = np.arange(1, 4001.0), sizes_between(10, 1e5, 22)
    for decay, (weight_decay, noise) in product((1.2, 1.6), ((1.1, 0.0), (1.5, 0.05), (2.0, 0.2))):
        spectrum = rank**-decay
        weights = rank**-weight_decay * rng.chisquare(1, len(rank))
        weights /= (spectrum * weights).sum()
        for rate in (0.1, 0.3, 0.6):
            for step, risk in _risks(spectrum, weights, noise, rate / spectrum.sum(), marks):
                error = risk * np.exp(0.01 * rng.standard_normal())
                yield f"spectrum {decay:g}, {weight_decay:g}, noise {noise:g}", f"rate {rate:g}", step, error, 0


def _risks(
    spectrum: np.ndarray, weights: np.ndarray, noise: float, rate: float, marks: np.ndarray
) -> Iterator[tuple[int, float]]:
    """Risk at each of these steps: squared weights still unlearned, by eigenvalue, in strides of a fiftieth at most."""
    left, step = weights, 0
    forgotten = 2.0 * rate * spectrum - rate**2 * spectrum**2
    kept = 1.0 - 2.0 * rate * spectrum + rate**2 * spectrum**2
    for mark in marks:
        while step < mark:
            stride = min(mark - step, max(1, step // 50))
            risk = (spectrum * left).sum() + noise
            share = kept**stride
            left = left * share + rate**2 * spectrum * risk * (1.0 - share) / forgotten
            step += stride
        yield mark, (spectrum * left).sum() + noise


def taught_networks(seed: int) -> Iterator[Row]:
    """Squared error of networks of one hidden layer that learn from a random network of 30 units in 12 dimensions."""
    rng, examples, dimensions, hidden = np.random.default_rng(seed), 8000, 12, 30
    first = rng.standard_normal((dimensions, hidden)) / np.sqrt(dimensions)
    second = rng.standard_normal(hidden) / np.sqrt(hidden)
    x, x_test = rng.standard_normal((examples, dimensions)), rng.standard_normal((3000, dimensions))
    taught, y_test = (np.maximum(inputs @ first, 0.0) @ second for inputs in (x, x_test))
    scale = y_test.std()
    for noise in (0.02, 0.3):
        y = taught / scale + noise * rng.standard_normal(examples)
        for width, run, n in product((16, 64, 256), range(2), sizes_between(50, 6000, 11)):
            some = np.random.default_rng([seed, run]).permutation(examples)[:n]
            passes = int(max(60, 1e5 / n)) if n < 2000 else 60
            network = MLPRegressor(
                hidden_layer_sizes=(width,), max_iter=passes, learning_rate_init=3e-3, random_state=run
            )
            found = network.fit(x[some], y[some]).predict(x_test)
            yield f"noise {noise:g}", f"{width} units", n, np.mean((found - y_test / scale) ** 2), run


def covariances(seed: int) -> Iterator[Row]:
    """Relative error of a 30 by 30 covariance, empirical or shrunk (Ledoit and Wolf 2004, Chen et al. 2010)."""
    estimators: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "empirical": lambda x: x.T @ x / len(x),
        "Ledoit-Wolf": lambda x: LedoitWolf().fit(x).covariance_,
        "oracle approximating shrinkage": lambda x: OAS().fit(x).covariance_,
        "diagonal": lambda x: np.diag((x**2).mean(0)),
    }
    rng, dimensions = np.random.default_rng(seed), 30
    mixing = np.where(rng.random((dimensions, dimensions)) < 0.1, rng.standard_normal((dimensions, dimensions)), 0.0)
    mixing += np.diag(np.arange(1, dimensions + 1) ** -0.5 * 4.0)
    truth = mixing @ mixing.T
    root = np.linalg.cholesky(truth + 1e-3 * np.eye(dimensions))
    for run in range(2):
        x = np.random.default_rng([seed, run]).standard_normal((5000, dimensions)) @ root.T
        for n, (name, estimate) in product(sizes_between(40, 5000, 15), estimators.items()):
            yield "covariance", name, n, np.linalg.norm(estimate(x[:n]) - truth) / np.linalg.norm(truth), run


def densities(seed: int) -> Iterator[Row]:
    """Log loss of mixtures of 2 to 16 normals, and of kernels, on draws of six clusters in 4 dimensions."""
    rng = np.random.default_rng(seed)
    centres = 3.0 * rng.standard_normal((6, 4))

    def drawn(rng: np.random.Generator, n: int) -> np.ndarray:
        return centres[rng.integers(0, 6, n)] + rng.gamma(2.0, 0.5, (n, 1)) * rng.standard_normal((n, 4))

    test = drawn(rng, 4000)
    for run in range(2):
        x = drawn(np.random.default_rng([seed, run]), 5000)
        for n in sizes_between(60, 5000, 14):
            for normals in (2, 4, 8, 16):
                mixture = GaussianMixture(normals, reg_covar=1e-2, random_state=run).fit(x[:n])
                yield "clusters", f"{normals} normals", n, -mixture.score(test), run
            kernels = KernelDensity(bandwidth=1.2 * n**-0.125).fit(x[:n])
            yield "clusters", "kernels", n, -kernels.score(test) / len(test), run


KINDS: dict[str, Callable[[int], Iterator[Row]]] = {
    "double descent": double_descent,
    "training runs": training_runs,
    "regression": regression,
    "n-grams": n_grams,
    "simulated tables": simulated_tables,
    "principal components": principal_components,
    "stochastic gradients": stochastic_gradients,
    "taught networks": taught_networks,
    "covariances": covariances,
    "densities": densities,
}
