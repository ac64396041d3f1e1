"""The estimator keeps scikit-learn's contract, and says what the functions say."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pytest
from helpers import synthetic
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import check_estimator

import forecaster
from forecaster import LearningCurveForecaster
from forecaster.domains.loading import load_card
from forecaster.errors import EstimatorInputError
from forecaster.estimators import learning_curve_forecaster as module
from forecaster.inference.assembly import assemble
from forecaster.inference.engines.interface import GroupDraws
from forecaster.model.design import design_of

SIZES = np.array([[1_000.0], [2_000.0], [4_000.0], [8_000.0], [16_000.0]])
ERRORS = np.array([0.30, 0.24, 0.19, 0.155, 0.125])


def by_line(curves, *, seed: int = 0, draws: int | None = None, **_):
    """A posterior without sampling: each curve's law goes through its last error, with the slope of a straight line."""
    card = load_card("generic")
    (group,) = curves.groups
    own = []
    for curve in design_of(curves, group, card).curves:
        slope = np.polyfit(curve.x, curve.y, 1)[0] if np.ptp(curve.x) > 0 else -0.1
        level = float(curve.y[np.argmax(curve.x)])
        exponent = float(np.clip(-slope, 0.01, 2.0))
        own.append(synthetic.values(100, level=level, exponent=exponent, sd={"level": 0.02}, seed=seed))
    rng = np.random.default_rng(seed)
    hyper = card.hyper_mean + card.hyper_sd * rng.standard_normal((4, 25, len(card.hyper_mean)))
    drawn = GroupDraws(
        centre=hyper[..., :-2],
        log_spread=hyper[..., -2:],
        values=np.stack(own, 1).reshape(4, 25, len(own), -1),
        engine="synthetic",
        stats={},
        curve_stats={},
    )
    return assemble(curves, {group: card}, [drawn], seed=seed)


@pytest.fixture
def quick(monkeypatch):
    """Fits without sampling."""
    monkeypatch.setattr(module, "fit", by_line)


# scikit-learn's own checks ---------------------------------------------------------------------------


class OfAnyTable(LearningCurveForecaster):
    """The estimator for features and targets that are no sizes and errors: their exponentials are.

    scikit-learn checks estimators with random tables of several features, some negative. Here the first feature, made
    positive, takes the place of the size.
    """

    def _checked(self, X, y):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(module, "_sizes", as_sizes)
            sizes, errors = super()._checked(X, None if y is None else positive(y))
        return sizes, errors

    def _errors(self, X, groups):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(module, "_sizes", as_sizes)
            return super()._errors(X, groups)


def as_sizes(rows):
    return 1e4 * np.exp(np.tanh(rows[:, 0]))


def positive(y):
    given = np.asarray(y)
    if given.dtype.kind not in "iuf" or not np.isfinite(given).all():
        return y
    return 0.3 * np.exp(0.1 * np.tanh(given.astype(float)))


# Checks that have no meaning for sizes, or for these tests.
OTHER_TABLES = "its features are several, or not above 0: no sizes"
NOT_FOR_ANY = {"check_do_not_raise_errors_in_init_or_set_params": "in these tests, types are checked when called"}
NOT_FOR_SIZES = NOT_FOR_ANY | dict.fromkeys(
    (
        "check_fit_score_takes_y",
        "check_estimators_overwrite_params",
        "check_dont_overwrite_parameters",
        "check_estimators_fit_returns_self",
        "check_readonly_memmap_input",
        "check_n_features_in_after_fitting",
        "check_estimators_dtypes",
        "check_dtype_object",
        "check_pipeline_consistency",
        "check_estimators_nan_inf",
        "check_estimators_pickle",
        "check_f_contiguous_array_estimator",
        "check_regressors_train",
        "check_regressor_data_not_an_array",
        "check_regressors_no_decision_function",
        "check_supervised_y_2d",
        "check_regressors_int",
        "check_methods_sample_order_invariance",
        "check_methods_subset_invariance",
        "check_fit2d_1feature",
        "check_dict_unchanged",
        "check_fit_idempotent",
        "check_fit_check_is_fitted",
        "check_n_features_in",
        "check_fit2d_predict1d",
    ),
    OTHER_TABLES,
)
NOT_FOR_EXPONENTIALS = NOT_FOR_ANY | {"check_positive_only_tag_during_fit": "exponentials are positive"}


@pytest.mark.parametrize(
    ("estimator", "meaningless"),
    [(LearningCurveForecaster(), NOT_FOR_SIZES), (OfAnyTable(), NOT_FOR_EXPONENTIALS)],
    ids=["sizes", "any table"],
)
def test_scikit_learns_checks(quick, estimator, meaningless):
    """What means nothing for sizes is checked of any table: all but one of scikit-learn's checks pass in one."""
    found = check_estimator(estimator, expected_failed_checks=meaningless, on_skip=None, on_fail=None)
    assert [(one["check_name"], one["exception"]) for one in found if one["status"] == "failed"] == []
    assert {one["check_name"] for one in found if one["status"] == "xfail"} == set(meaningless)
    assert sum(one["status"] == "passed" for one in found) > 20


# What it says ----------------------------------------------------------------------------------------


@pytest.fixture
def two(quick):
    """Two architectures, the second with the larger errors."""
    groups = np.repeat(["small", "large"], len(SIZES))
    X, y = np.concatenate([SIZES, SIZES]), np.concatenate([1.2 * ERRORS, ERRORS])
    return LearningCurveForecaster().fit(X, y, groups)


def test_it_says_what_the_functions_say(two):
    ahead = forecaster.forecast(two.posterior_, [64_000.0], level=0.9, quantiles=[0.3])
    rows = ahead.table.set_index("architecture").loc[["large", "small"]]
    X, groups = [[64_000.0]] * 2, ["large", "small"]
    assert two.architectures_.tolist() == ["large", "small"]
    np.testing.assert_allclose(two.predict(X, groups), rows["yhat"])
    inner = two.predict_interval(X, coverage=[0.5, 0.9], groups=groups)
    np.testing.assert_allclose(inner[("error", 0.9, "lower")], rows["yhat_lower"])
    np.testing.assert_allclose(inner[("error", 0.9, "upper")], rows["yhat_upper"])
    assert (inner["error", 0.5, "upper"] < inner["error", 0.9, "upper"]).all()
    np.testing.assert_allclose(two.predict_quantiles(X, 0.3, groups)[("error", 0.3)], rows["q30"])
    assert len(forecaster.requirement(two.posterior_, 0.1).table) == 2


def test_samples_are_the_draws_of_the_forecast(two):
    X, groups = [[64_000.0], [128_000.0], [64_000.0]], ["large", "large", "small"]
    drawn = two.sample_y(X, 2_000, random_state=1, groups=groups)
    assert drawn.shape == (3, 2_000)
    assert len(set(drawn[0])) <= two.posterior_.draws
    np.testing.assert_allclose(np.median(drawn, 1), two.predict(X, groups), rtol=0.02)
    assert (drawn[0] > drawn[1]).all()  # one draw is one curve
    np.testing.assert_array_equal(drawn, two.sample_y(X, 2_000, random_state=1, groups=groups))
    assert not np.array_equal(drawn, two.sample_y(X, 2_000, random_state=2, groups=groups))


def test_in_a_pipeline(two):
    groups = np.repeat(["small", "large"], len(SIZES))
    X, y = np.concatenate([SIZES, SIZES]), np.concatenate([1.2 * ERRORS, ERRORS])
    piped = make_pipeline(FunctionTransformer(in_thousands), LearningCurveForecaster())
    piped.fit(X / 1_000.0, y, learningcurveforecaster__groups=groups)
    np.testing.assert_array_equal(piped.predict(X / 1_000.0, groups=groups), two.predict(X, groups))
    assert two.score(X, y, groups=groups) == r2_score(y, two.predict(X, groups))


def in_thousands(X):
    return 1_000.0 * X


def test_a_copy_is_not_fitted_and_a_pickle_is(two):
    with pytest.raises(NotFittedError):
        clone(two).predict(SIZES)
    assert clone(two).get_params() == two.get_params()
    groups = ["large"] * len(SIZES)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(two)).predict(SIZES, groups), two.predict(SIZES, groups))


def test_what_reaches_the_fit(monkeypatch):
    asked = []
    monkeypatch.setattr(module, "fit", lambda curves, **options: asked.append(options) or by_line(curves))
    made = LearningCurveForecaster(metric="top-1 error", n_test=5_000, draws=100, random_state=3).fit(SIZES, ERRORS)
    assert asked == [{"card": None, "draws": 100, "record": False, "seed": 3}]
    assert made.curves_.table[["metric", "n_test"]].iloc[0].tolist() == ["top-1 error", 5_000]
    assert made.kind_ == "new-cases"
    for state in (np.random.RandomState(5), None):
        made.set_params(random_state=state).fit(SIZES, ERRORS)
    assert asked[-2]["seed"] == np.random.RandomState(5).randint(2**31 - 1)


@pytest.mark.slow
def test_by_sampling():
    """The draws are those of the functions for the same table."""
    made = LearningCurveForecaster(draws=100, random_state=3).fit(SIZES, ERRORS)
    own = forecaster.fit(made.curves_, draws=100, seed=3, record=False)
    assert made.predict([[64_000.0]])[0] == forecaster.forecast(own, [64_000.0]).table["yhat"].iloc[0]


# What cannot be used ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("X", "y", "groups", "says"),
    [
        (-SIZES, ERRORS, None, "Negative values in data: found -16000"),
        (SIZES - 1_000.0, ERRORS, None, "found 0; expected sizes above 0"),
        (np.hstack([SIZES, SIZES]), ERRORS, None, "found 2 features; expected 1"),
        (SIZES, ERRORS - 0.2, None, "found -0.075; expected errors above 0"),
        (SIZES[:2], ERRORS[:2], None, "2 sample"),
        (SIZES, ERRORS, ["a", "b"], "inconsistent numbers of samples"),
        (SIZES, ERRORS, np.ones((5, 1)), "an array of 2 dimensions"),
        (SIZES, 1.0 - ERRORS, None, "accurac"),
        (SIZES, None, None, "requires y to be passed"),
    ],
)
def test_input_that_is_no_curve(quick, X, y, groups, says):
    with pytest.raises(ValueError, match=says):
        LearningCurveForecaster().fit(X, y, groups)


def test_questions_that_cannot_be_answered(two):
    groups = ["large"]
    with pytest.raises(EstimatorInputError, match="found none; expected one of large, small"):
        two.predict([[1e5]])
    with pytest.raises(EstimatorInputError, match="found huge; expected one of large, small"):
        two.predict([[1e5]], ["huge"])
    with pytest.raises(EstimatorInputError, match=r"coverage: found 80; expected shares"):
        two.predict_interval([[1e5]], 80, groups)
    with pytest.raises(EstimatorInputError, match="alpha: found none"):
        two.predict_quantiles([[1e5]], [], groups)
    with pytest.raises(EstimatorInputError, match="n_samples: found 0"):
        two.sample_y([[1e5]], 0, groups=groups)
    with pytest.raises(EstimatorInputError, match="kind: found 'best'"):
        two.set_params(kind="best").fit(SIZES, ERRORS).predict(SIZES)


def test_without_scikit_learn():
    """The rest of the package is there, and the message says what to install."""
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "import forecaster; forecaster.read_curves\n"
        "try: forecaster.LearningCurveForecaster\n"
        "except ImportError as error: print(type(error).__name__, error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("MissingPackageError")
    assert "pip install scikit-learn" in done.stdout
