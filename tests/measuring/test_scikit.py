"""measure_curve: shards and test sets are what they should be, and errors those of scikit-learn itself."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.unchecked import unchecked

import forecaster
from forecaster.errors import RequestError, RunRecordError
from forecaster.measuring.trainers import scikit

pytest.importorskip("sklearn")
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import f1_score, mean_squared_error
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SHIPPED = Path(__file__).parents[2] / "forecaster" / "examples" / "digits.csv"
IRIS = load_iris(return_X_y=True)


class Remembering(ClassifierMixin, BaseEstimator):
    """Keeps which examples it was fitted to and scored on; an example is its own number."""

    seen: list = []  # noqa: RUF012  # of all clones

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.seen.append(("fit", X[:, 0].astype(int).tolist()))
        return self

    def predict(self, X):
        self.seen.append(("test", X[:, 0].astype(int).tolist()))
        return np.full(len(X), self.classes_[0])


@pytest.fixture
def remembered():
    Remembering.seen.clear()
    return Remembering.seen


def numbered(count=200, classes=4):
    return np.arange(float(count))[:, None], np.arange(count) % classes


def test_shards_are_nested_and_stratified_and_the_test_set_is_one(remembered):
    x, y = numbered()
    forecaster.measure_curve(Remembering(), x, y, seeds=2, sizes="16:128:x2")
    fits = [set(rows) for what, rows in remembered if what == "fit"]
    tests = {tuple(rows) for what, rows in remembered if what == "test"}
    (test,) = tests
    assert len(test) == 50
    assert np.bincount(y[list(test)]).max() - np.bincount(y[list(test)]).min() <= 2
    for seed in range(2):
        own = fits[seed::2]  # sizes in order, a seed after the other at each
        assert [len(rows) for rows in own] == [16, 32, 64, 128]
        assert all(small < large for small, large in itertools.pairwise(own))
        assert not own[-1] & set(test)
        assert all(np.ptp(np.bincount(y[list(rows)])) <= 2 for rows in own)
    assert fits[0] != fits[1]


def test_with_a_grid_choosing_training_and_testing_are_apart(remembered):
    x, y = numbered()
    grid = forecaster.measure_curve(Remembering(), x, y, seeds=1, sizes=[32], test=(x[:7], y[:7]))
    assert grid.table["n_test"].tolist() == [7]
    remembered.clear()
    tree = {"tree": DecisionTreeClassifier(), "self": Remembering()}
    found = forecaster.measure_curve(tree, x, y, seeds=1, sizes=[32], grid={"tree": {"max_depth": [1, 5]}})
    (fit, *tests) = [set(rows) for _, rows in remembered]
    assert [len(rows) for rows in (fit, *tests)] == [32, 38, 50]
    assert len(fit | set.union(*tests)) == 32 + 38 + 50
    assert found.runs["test_error"].notna().all()
    assert found.table["tuned"].tolist() == [True, None] or found.table["tuned"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("estimator", "data", "scoring", "error", "metric"),
    [
        (GaussianNB(), IRIS, None, lambda m, x, y: np.mean(m.predict(x) != y), "test error rate"),
        (
            make_pipeline(StandardScaler(), LogisticRegression()),
            IRIS,
            "f1_macro",
            lambda m, x, y: 1 - f1_score(y, m.predict(x), average="macro"),
            "1 - f1_macro",
        ),
        (Ridge(), load_diabetes(return_X_y=True), None, lambda m, x, y: 1 - m.score(x, y), "1 - r2"),
        (
            Ridge(),
            load_diabetes(return_X_y=True),
            "neg_root_mean_squared_error",
            lambda m, x, y: mean_squared_error(y, m.predict(x)) ** 0.5,
            "root mean squared error",
        ),
    ],
    ids=["error rate", "F1 of a pipeline", "R2", "RMSE"],
)
def test_errors_are_scikit_learns_own(estimator, data, scoring, error, metric, monkeypatch):
    shards, original = [], scikit.Data.shard
    monkeypatch.setattr(scikit.Data, "shard", lambda *a: shards.append((a[0], original(*a))) or shards[-1][1])
    found = forecaster.measure_curve(estimator, *data, scoring=scoring, sizes=[40, 80], seeds=2)
    held, rows = shards[-1][0], [shard for _, shard in shards[-4:]]
    test = data[0][held.testing], data[1][held.testing]
    wanted = [error(clone(estimator).fit(data[0][at], data[1][at]), *test) for at in rows]
    assert found.runs["error"].tolist() == pytest.approx(wanted)
    assert found.table["metric"].unique().tolist() == [metric]
    assert ("n_test" in found.table) == (metric == "test error rate")
    assert (found.table["seconds"] > 0).all()


def test_the_same_seed_gives_the_same_errors_side_by_side_too():
    def errors(**more):
        model = make_pipeline(StandardScaler(), DecisionTreeClassifier(max_features=1))  # a random state inside
        return forecaster.measure_curve(model, *IRIS, seeds=3, **more).table["error"].tolist()

    assert errors() == errors()
    assert errors() != errors(seed=1)


def test_a_record_is_of_one_data_set(tmp_path):
    x, y = IRIS
    record = tmp_path / "runs.jsonl"
    first = forecaster.measure_curve(GaussianNB(), x, y, seeds=1, record=record)
    again = forecaster.measure_curve(GaussianNB(), np.asfortranarray(x), y, seeds=1, record=record)
    assert first.table.equals(again.table)  # the fit's seconds, too: nothing was fitted again
    for changed in ((x + 1, y, GaussianNB()), (x, y, GaussianNB(var_smoothing=0.1))):
        with pytest.raises(RunRecordError):
            forecaster.measure_curve(changed[2], *changed[:2], seeds=1, record=record)


def test_data_frames_and_lists_are_taken():
    x, y = IRIS
    frame = pd.DataFrame(x, columns=list("abcd"), index=np.arange(len(y)) + 1000)
    asked = {"seeds": 2, "sizes": [30, 60]}
    found = forecaster.measure_curve(GaussianNB(), frame, pd.Series(y, index=frame.index), **asked)
    for features, labels in ((x, y), (x, list(y))):
        again = forecaster.measure_curve(GaussianNB(), features, labels, **asked)
        assert found.table["error"].tolist() == again.table["error"].tolist()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"sizes": [16, 1000]}, "at most the 112 examples"),
        ({"sizes": [2, 16]}, "2 of 3 classes"),
        ({"scoring": "goodness"}, "scoring"),
        ({"scoring": "max_error"}, "scoring"),
        ({"test": 1.5}, "test"),
        ({"grid": {"forest": {"depth": [1]}}}, "grid"),
        ({"y": [0, 1]}, "y"),
        ({"estimator": {}}, "estimator"),
    ],
)
def test_what_makes_no_sense_is_refused(more, says):
    asked = {"estimator": GaussianNB(), "X": IRIS[0], "y": IRIS[1], "seeds": 1} | more
    with pytest.raises(RequestError, match=says):
        unchecked(forecaster.measure_curve)(**asked)


def test_without_scikit_learn_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.base", None)
    with pytest.raises(RequestError, match="pip install scikit-learn"):
        forecaster.measure_curve(GaussianNB(), *IRIS)


# The shipped example ------------------------------------------------------------------------------


@pytest.fixture
def script(monkeypatch):
    """``benchmarks/measure_digits.py``, which made the shipped table."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    spec = importlib.util.spec_from_file_location("measure_digits", BENCHMARKS / "measure_digits.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def digits(script, names, sizes, seeds):
    """The same learners on the same data, by ``measure_curve``."""
    images, labels = load_digits(return_X_y=True)
    learners = {name: make(0) for name, make in script.classifiers().items() if name in names}
    held = (len(labels) - script.POOL) / len(labels)
    return forecaster.measure_curve(learners, images / 16.0, labels, sizes=sizes, seeds=seeds, test=held)


def distances(found, cases=597):
    """Mean errors apart from the shipped ones, in standard errors of runs and of two test sets that share cases."""
    shipped = pd.read_csv(SHIPPED)
    keys = ["architecture", "n"]
    ours, theirs = (t.groupby(keys)["error"].agg(["mean", "var", "count"]) for t in (found.table, shipped))
    theirs = theirs.loc[ours.index]
    runs = ours["var"].fillna(0) / ours["count"] + theirs["var"].fillna(0) / theirs["count"]
    p = (ours["mean"] + theirs["mean"]) / 2
    return (ours["mean"] - theirs["mean"]) / np.sqrt(runs + 2 * (1 - 1 / 3) * p * (1 - p) / cases)


def assert_near(found):
    apart = distances(found)
    print(apart.describe().to_string(), (apart.abs() < 2).mean())
    assert found.table["n_test"].unique().tolist() == [597]
    assert apart.abs().max() < 4
    assert (apart.abs() < 2).mean() >= 0.8


def test_two_learners_of_the_shipped_example(script):
    assert_near(digits(script, ("naive-bayes", "nearest-neighbours"), [32, 181, 724], 4))


@pytest.mark.slow
def test_the_shipped_example_is_made_again(script):
    assert_near(digits(script, tuple(script.classifiers()), script.training_sizes(), script.SEEDS))
