"""measure_curve: learning curves of scikit-learn estimators on a data set: nested shards, one test set for all.

scikit-learn is imported when it is asked for; the package does without it.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from forecaster._support.streams import stream
from forecaster.curves.reading.scores import Score, named_score
from forecaster.errors import OptionError, RequestError
from forecaster.measuring.measure import measured
from forecaster.measuring.measured import Measured
from forecaster.measuring.plan import DOMAIN, Grid, MeasurementPlan, TableNames, seeds_of
from forecaster.measuring.running import Progress
from forecaster.measuring.runs import Trained, points_of
from forecaster.measuring.sizes import sizes_of
from forecaster.measuring.trainers.shards import nested_order

SMALLEST = 16  # examples, of the sizes taken where none are given
HELD_OUT = 0.25  # share of the examples, of a test set that is not given; of the others, for choosing in a grid
LEARNED = ("coefs_", "intercepts_", "coef_", "intercept_", "feature_log_prob_", "theta_", "var_")  # of an estimator


@dataclass(frozen=True, eq=False)
class Data:
    """Examples, and which of them are the pool that shards are taken from, those that choose, and those that test."""

    x: Any
    y: Any
    pool: np.ndarray
    choosing: np.ndarray
    testing: np.ndarray
    test: tuple[Any, Any] | None = None  # a test set of its own, in place of ``testing``
    stratify: bool = False
    seed: int = 0

    def rows(self, at: np.ndarray) -> tuple[Any, Any]:
        """The examples at some positions."""
        take = import_module("sklearn.utils")._safe_indexing
        return take(self.x, at), take(self.y, at)

    def shard(self, n: int, seed: int) -> np.ndarray:
        """Positions of the first n of the order that a seed gives, so that larger shards hold the smaller ones."""
        labels = np.asarray(self.y)[self.pool]
        return self.pool[nested_order(labels, stream("shards", self.seed, seed), stratify=self.stratify)[:n]]

    @property
    def tested(self) -> tuple[Any, Any]:
        return self.rows(self.testing) if self.test is None else self.test


@dataclass(frozen=True, eq=False)
class EstimatorTrainer:
    """An estimator as a trainer: a clone of it is fitted to each shard, and scored."""

    estimator: Any
    data: Data
    scoring: str
    score: Score
    cases: bool  # its errors are shares of test cases
    identity: str = field(default="", compare=False)

    def __call__(self, n: int, seed: int, **point: Any) -> Trained:
        from sklearn.base import clone
        from sklearn.exceptions import ConvergenceWarning

        model: Any = clone(self.estimator)
        model.set_params(**point)
        drawn = stream("estimator", self.data.seed, seed, n)
        states = [name for name in sorted(model.get_params(deep=True)) if name.split("__")[-1] == "random_state"]
        model.set_params(**{name: int(drawn.integers(2**31 - 1)) for name in states})
        shard = self.data.rows(self.data.shard(n, seed))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a hundred times over; it is the user's model
            began = time.perf_counter()
            model.fit(*shard)
            took = time.perf_counter() - began
        tested = self.data.tested
        told = {"params": _learned(model), "seconds": took, "n_test": len(tested[1]) if self.cases else None}
        if not len(self.data.choosing):
            return Trained(self._error(model, tested), **told)
        return Trained(self._error(model, self.data.rows(self.data.choosing)), self._error(model, tested), **told)

    def _error(self, model: Any, data: tuple[Any, Any]) -> float:
        from sklearn.metrics import get_scorer

        score = float(get_scorer(self.scoring)(model, *data))
        return -score if self.score.negated else max(1.0 - score, 0.0)


def measure_curve(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    scoring: str | None = None,
    sizes: str | Sequence[float] | None = None,
    seeds: int | Sequence[int] = 5,
    grid: Grid | Mapping[str, Grid] | None = None,
    test: tuple[Any, Any] | float = HELD_OUT,
    stratify: bool | None = None,
    record: str | Path | None = None,
    domain: str = DOMAIN,
    task: str = "data",
    metric: str | None = None,
    jobs: int = 1,
    retry: bool = False,
    seed: int = 0,
    on_progress: Progress | None = None,
) -> Measured:
    """Measure learning curves of scikit-learn estimators.

    A test set is held out once, the same for all. Each seed orders the other examples at random, classes in
    proportion; the shard of n examples is the first n of that order, hence contained in every larger one. A clone of
    the estimator, its random state set, is fitted to each shard. With a grid, a quarter of the training examples is
    held out as well, to choose by, and the error on the test set is reported.

    Parameters
    ----------
    estimator : estimator, or mapping of names to estimators
        Classifiers or regressors, pipelines too.
    X, y : array-like, of shape (examples, features) and (examples,)
        Examples and their labels or values.
    scoring : str, optional
        A score of scikit-learn by name: one that is 1 at best, whose error is 1 - score, or ``neg_...``, whose error is
        -score. By default accuracy for classifiers (the error rate), R2 for regressors.
    sizes : str or sequence of int, optional
        As in :func:`~forecaster.measure`; by default powers of two from 16, and all there is.
    seeds : int or sequence of int
        Orders of the examples: a number of them, or the seeds themselves.
    grid : mapping, optional
        Parameters of the estimator to values; where there are several estimators, such a mapping for each name.
    test : pair of array-like, or float
        Examples and labels to test on, or the share to hold out.
    stratify : bool, optional
        Whether shards and held-out sets have the classes in proportion; by default for classifiers.
    record : path, optional
        As in :func:`~forecaster.measure`; it holds runs of one data set.
    domain, task, metric : str, optional
        Names for the table.
    jobs : int
        Runs side by side, -1 for one a core.
    retry : bool
        Make runs again that failed before.
    seed : int
        Seed of what is held out, of the orders and of the estimators: the same seed gives the same errors.
    on_progress : callable, optional
        Called with a sentence and the share done, between 0 and 1.

    Returns
    -------
    Measured
        ``table`` is the input of :func:`~forecaster.fit`, with ``seconds`` of each fit, and ``n_test`` where errors are
        error rates.

    Raises
    ------
    RequestError
        scikit-learn is not installed; sizes beyond the examples, or too small to hold every class; a score without an
        upper end.
    RunRecordError
        The record cannot be used, or holds runs on other data.

    Examples
    --------
    >>> import forecaster
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.naive_bayes import GaussianNB
    >>> found = forecaster.measure_curve({"bayes": GaussianNB()}, *load_iris(return_X_y=True), seeds=2)
    >>> found.table["n"].unique().tolist()
    [16, 32, 64, 112]
    """
    learn = _sklearn()
    estimators = dict(estimator) if isinstance(estimator, Mapping) else {type(estimator).__name__.lower(): estimator}
    if not estimators:
        raise RequestError("estimator: found none; expected an estimator, or a mapping of names to estimators")
    classes = all(learn.is_classifier(one) for one in estimators.values())
    points = _points(estimators, grid)
    name = scoring or ("accuracy" if classes else "r2")
    tuned = any(len(own) > 1 for own in points.values())
    data = _parted(X, y, test, classes if stratify is None else stratify, tuned, seed)
    taken = _sizes(sizes, data)
    score = _score(name)
    _expect_classes(data, taken, seeds_of(seeds))
    made = {
        key: EstimatorTrainer(one, data, name, score, name == "accuracy", _identity(one, data, name))
        for key, one in estimators.items()
    }
    names = TableNames(domain, task, metric or _metric(name, score))
    plan = MeasurementPlan(made, points, taken, seeds_of(seeds), names)
    return measured(plan, record, jobs=jobs, retry=retry, on_progress=on_progress)


def _sklearn() -> Any:
    """``sklearn.base``; RequestError where scikit-learn is not installed."""
    try:
        return import_module("sklearn.base")
    except ImportError as error:
        raise RequestError(
            "measure_curve: found no scikit-learn; expected it installed: pip install scikit-learn"
        ) from error


def _points(estimators: Mapping[str, Any], grid: Any) -> dict[str, Any]:
    """The points of the grid of each estimator."""
    if not grid:
        return dict.fromkeys(estimators, points_of(None))
    by_name = all(isinstance(own, Mapping) for own in grid.values())
    own = grid if by_name else dict.fromkeys(estimators, grid)
    if unknown := [name for name in own if name not in estimators]:
        raise RequestError(f"grid: found {unknown[0]!r}; expected names of the estimators: {', '.join(estimators)}")
    return {name: points_of(own.get(name)) for name in estimators}


def _parted(x: Any, y: Any, test: Any, stratify: bool, tuned: bool, seed: int) -> Data:
    """The examples, parted once into test set, choosing set and pool."""
    count = len(y)
    if count != (x.shape[0] if hasattr(x, "shape") else len(x)):
        raise RequestError(f"y: found {count:,} values for another number of rows of X; expected one a row")
    if isinstance(test, float) and not 0.0 < test < 1.0:
        raise RequestError(f"test: found {test:g}; expected a share between 0 and 1, or a pair of examples and labels")
    order: Any = nested_order(np.asarray(y), stream("held out", seed), stratify=stratify)
    tests = round(test * count) if isinstance(test, float) else 0
    chooses = round(HELD_OUT * (count - tests)) if tuned else 0
    testing, choosing, pool = np.split(order, [tests, tests + chooses])
    own = None if isinstance(test, float) else (test[0], test[1])
    return Data(x, y, np.sort(pool), np.sort(choosing), np.sort(testing), own, stratify, seed)


def _sizes(sizes: Any, data: Data) -> tuple[int, ...]:
    """The sizes asked for, or powers of two and the whole pool."""
    pool = len(data.pool)
    if sizes is None:
        powers = [2**k for k in range(pool.bit_length()) if SMALLEST <= 2**k < pool]
        return (*powers, pool)
    found = sizes_of(sizes)
    if found[-1] > pool:
        held = f"{len(data.testing):,} of {len(data.y):,} test, {len(data.choosing):,} choose"
        raise RequestError(f"sizes: found {found[-1]:,}; expected at most the {pool:,} examples to train on ({held})")
    return found


def _expect_classes(data: Data, sizes: Sequence[int], seeds: Sequence[int]) -> None:
    """RequestError where a stratified shard lacks a class."""
    if not data.stratify:
        return
    labels = np.asarray(data.y)
    count = len(np.unique(labels[data.pool]))
    for seed in seeds:
        found = len(np.unique(labels[data.shard(sizes[0], seed)]))
        if found < count:
            raise RequestError(
                f"sizes: found {sizes[0]:,}, a shard with {found} of {count} classes; expected all of them in the "
                "smallest: begin with a larger size, or leave rare classes out"
            )


def _score(name: str) -> Score:
    from sklearn.metrics import get_scorer_names

    if name not in get_scorer_names():
        raise RequestError(
            f"scoring: found {name!r}; expected the name of a score of scikit-learn: sklearn.metrics.get_scorer_names()"
        )
    try:
        return named_score(name)
    except OptionError as error:
        raise RequestError(str(error).replace("--score", "scoring", 1)) from error


def _metric(name: str, score: Score) -> str:
    """What the error is called."""
    if name == "accuracy":
        return "test error rate"
    return name.removeprefix("neg_").replace("_", " ") if score.negated else f"1 - {score.name}"


def _identity(estimator: Any, data: Data, scoring: str) -> str:
    """What makes runs comparable: the estimator, the data and how they are parted, and the score."""
    import joblib

    parts = [data.x, data.y, data.pool, data.choosing, data.testing, *(data.test or ()), data.stratify, data.seed]
    parts = [np.ascontiguousarray(part) if isinstance(part, np.ndarray) else part for part in parts]  # one layout
    shown = " ".join(repr(estimator).split())
    own, data_hash = str(joblib.hash(estimator.get_params(deep=True))), str(joblib.hash(parts))
    return f"{shown} [{own[:8]}], data {data_hash[:12]}, {scoring}"


def _learned(model: Any) -> float | None:
    """Numbers that a model has learned, where it is one that keeps them in arrays of fixed size."""
    last = model.steps[-1][1] if hasattr(model, "steps") else model
    found = [getattr(last, name) for name in LEARNED if hasattr(last, name)]
    if hasattr(last, "support_vectors_") or not found:
        return None
    return float(sum(np.size(part) for own in found for part in (own if isinstance(own, list) else [own])))
