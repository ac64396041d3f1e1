"""LearningCurveForecaster: the posterior and its forecasts behind scikit-learn's interface.

scikit-learn is not needed by the rest of the package; importing this module without it says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from forecaster.curves.reading.read import read_curves
from forecaster.errors import EstimatorInputError, ForecasterError, MissingPackageError
from forecaster.evaluation.fitting import fit
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.forecast import log_errors
from forecaster.prediction.observation import usual_kind
from forecaster.results.columns import LEVEL

try:
    from sklearn.base import BaseEstimator, RegressorMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data
except ModuleNotFoundError as error:
    raise MissingPackageError(
        "LearningCurveForecaster: found no scikit-learn; expected it beside forecaster: pip install scikit-learn"
    ) from error

FEWEST_ROWS = 3  # rows: a curve has three sizes or more
ONE_MODEL = "model"  # the architecture of rows that name none
VARIABLE = "error"  # the name of what is forecast in the columns of intervals and quantiles


class LearningCurveForecaster(RegressorMixin, BaseEstimator):
    """A regressor of error on training-set size, with intervals.

    The same model, engine and draws as :func:`~forecaster.fit` and :func:`~forecaster.forecast`. Curves of different
    architectures are told apart by ``groups``; they are fitted together, as one task.

    Parameters
    ----------
    domain : str
        Chooses the domain card, as the column ``domain`` of a table does.
    card : str or Domain, optional
        The domain card itself.
    metric : str, optional
        What the errors are, such as ``"top-1 error"`` or ``"cross-entropy"``.
    n_test : int, optional
        Number of cases in the test set.
    kind : {"mean", "new-run", "new-cases"}, optional
        Which error is forecast, as in :func:`~forecaster.forecast`.
    draws : int, optional
        Draws of each of four chains, at least 100.
    record : bool
        Also keep how such forecasts did when the largest sizes were hidden, for other questions to ``posterior_``.
    random_state : int, RandomState or None
        The same integer gives the same draws.

    Attributes
    ----------
    posterior_ : Posterior
        For every other question: ``forecaster.requirement(estimator.posterior_, 0.05)``.
    curves_ : LearningCurves
        The curves that were fitted.
    architectures_ : ndarray of str
        Those that were fitted, in order of their names.
    kind_ : str
        Which error is forecast.
    n_features_in_ : int
        1: the size.

    Raises
    ------
    EstimatorInputError
        (a ValueError) Sizes or errors that are not positive, fewer than three sizes, other features than one, rows that
        are no learning curve, or an architecture that was not fitted.

    Examples
    --------
    >>> import numpy as np
    >>> from forecaster import LearningCurveForecaster
    >>> sizes = np.array([[1000], [2000], [4000], [8000], [16000]])
    >>> model = LearningCurveForecaster().fit(sizes, [0.30, 0.24, 0.19, 0.155, 0.125])  # doctest: +SKIP
    >>> model.predict_interval([[64000]], coverage=[0.8, 0.95])  # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        domain: str = "generic",
        card: Any = None,
        metric: str | None = None,
        n_test: int | None = None,
        kind: str | None = None,
        draws: int | None = None,
        record: bool = False,
        random_state: Any = 0,
    ) -> None:
        self.domain = domain
        self.card = card
        self.metric = metric
        self.n_test = n_test
        self.kind = kind
        self.draws = draws
        self.record = record
        self.random_state = random_state

    def fit(self, X: Any, y: Any, groups: Any = None) -> LearningCurveForecaster:
        """Sample the posterior of the curves.

        Parameters
        ----------
        X : array of shape (m, 1)
            Training-set sizes; several rows of one size are runs.
        y : array of shape (m,)
            Errors.
        groups : array of shape (m,), optional
            The architecture of each row; by default all rows are of one.
        """
        sizes, errors = self._checked(X, y)
        named = _named(groups, sizes)
        table = pd.DataFrame({"n": sizes, "error": errors, "architecture": ONE_MODEL if named is None else named})
        constants = {"domain": self.domain, "metric": self.metric, "n_test": self.n_test}
        seed = self.random_state
        if not isinstance(seed, int | np.integer):
            seed = check_random_state(seed).randint(2**31 - 1)
        try:
            curves = read_curves(table, constants={name: v for name, v in constants.items() if v is not None})
            found = fit(curves, card=self.card, draws=self.draws, record=self.record, seed=int(seed))
        except ForecasterError as error:
            raise EstimatorInputError(str(error)) from error
        self.posterior_ = found
        self.curves_ = found.curves
        self.architectures_ = np.array([curve.architecture for curve in found.curves.curves])
        self.kind_ = self.kind or usual_kind(found, found.groups[0])
        return self

    def predict(self, X: Any, groups: Any = None) -> np.ndarray:
        """The median error at each size, of shape (m,)."""
        return self._quantiles(X, groups, [0.5])[0]

    def predict_interval(self, X: Any, coverage: float | Sequence[float] = LEVEL, groups: Any = None) -> pd.DataFrame:
        """Equal-tailed credible intervals.

        Parameters
        ----------
        X : array of shape (m, 1)
            Sizes.
        coverage : float or sequence of float
            Probability inside each interval.
        groups : array of shape (m,), optional
            The architecture of each row, among those that were fitted; may be left out where there is one.

        Returns
        -------
        DataFrame
            Columns (``error``, coverage, ``lower`` or ``upper``), as sktime and skpro have them; a row a row of ``X``.
        """
        levels = _shares("coverage", coverage)
        ends = [0.5 + sign * level / 2 for level in levels for sign in (-1, 1)]
        columns = [(VARIABLE, level, end) for level in levels for end in ("lower", "upper")]
        return self._framed(X, groups, ends, columns)

    def predict_quantiles(
        self, X: Any, alpha: float | Sequence[float] = (0.1, 0.5, 0.9), groups: Any = None
    ) -> pd.DataFrame:
        """Quantiles of the error: columns (``error``, alpha), a row a row of ``X``."""
        levels = _shares("alpha", alpha)
        return self._framed(X, groups, levels, [(VARIABLE, level) for level in levels])

    def sample_y(self, X: Any, n_samples: int = 1, random_state: Any = 0, groups: Any = None) -> np.ndarray:
        """Errors drawn from the forecast, of shape (m, n_samples); a column is one draw of all curves together.

        Parameters
        ----------
        X : array of shape (m, 1)
            Sizes.
        n_samples : int
            How many to draw, with replacement, from the posterior's draws.
        random_state : int, RandomState or None
            Chooses the draws.
        groups : array of shape (m,), optional
            The architecture of each row.
        """
        errors = self._errors(X, groups)
        if not isinstance(n_samples, int | np.integer) or n_samples < 1:
            raise EstimatorInputError(f"n_samples: found {n_samples!r}; expected a whole number of 1 or more")
        chosen = check_random_state(random_state).randint(len(errors), size=n_samples)
        return errors[chosen].T

    def score(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> float:
        """Coefficient of determination of the predicted medians."""
        from sklearn.metrics import r2_score

        return float(r2_score(y, self.predict(X, groups), sample_weight=sample_weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        tags.target_tags.positive_only = True
        tags.regressor_tags.poor_score = True  # of features that are no sizes
        return tags

    def _checked(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        """Sizes and errors of a fit."""
        if y is None:
            raise EstimatorInputError(
                "LearningCurveForecaster requires y to be passed, but the target y is None; expected an error a row"
            )
        rows, errors = map(
            np.asarray, validate_data(self, X, y, dtype=float, y_numeric=True, ensure_min_samples=FEWEST_ROWS)
        )
        sizes = _sizes(rows)
        if (errors <= 0.0).any():
            raise EstimatorInputError(f"y: found {errors.min():g}; expected errors above 0")
        return sizes, errors.astype(float)

    def _framed(self, X: Any, groups: Any, shares: Sequence[float], columns: Sequence[tuple]) -> pd.DataFrame:
        index = X.index if isinstance(X, pd.DataFrame) else None
        values = self._quantiles(X, groups, shares).T
        return pd.DataFrame(values, index=index, columns=pd.MultiIndex.from_tuples(columns))

    def _quantiles(self, X: Any, groups: Any, shares: Sequence[float]) -> np.ndarray:
        return np.quantile(self._errors(X, groups), shares, axis=0)

    def _errors(self, X: Any, groups: Any) -> np.ndarray:
        """Predictive draws of the error [draw, row]."""
        check_is_fitted(self)
        sizes = _sizes(np.asarray(validate_data(self, X, dtype=float, reset=False)))
        named = self._known(_named(groups, sizes), len(sizes))
        (domain, task), *_ = self.posterior_.groups
        out = np.empty((self.posterior_.draws, len(sizes)))
        for architecture in dict.fromkeys(named):
            rows = named == architecture
            key = CurveKey(domain, task, architecture)
            try:
                out[:, rows] = np.exp(log_errors(self.posterior_, key, sizes[rows], self.kind_))
            except ForecasterError as error:
                raise EstimatorInputError(str(error)) from error
        return out

    def _known(self, named: np.ndarray | None, rows: int) -> np.ndarray:
        """The architecture of each row, among those fitted."""
        known = self.architectures_.tolist()
        if named is None:
            if len(known) > 1:
                raise EstimatorInputError(f"groups: found none; expected one of {', '.join(known)} for each row of X")
            return np.repeat(known, rows)
        unknown = sorted(set(named.tolist()) - set(known))
        if unknown:
            raise EstimatorInputError(f"groups: found {', '.join(unknown)}; expected one of {', '.join(known)}")
        return named


def _sizes(rows: Any) -> np.ndarray:
    if (rows < 0.0).any():
        raise EstimatorInputError(f"X: Negative values in data: found {rows.min():g}; expected sizes above 0")
    if rows.shape[1] != 1:
        raise EstimatorInputError(f"X: found {rows.shape[1]} features; expected 1, the training-set size: X[['n']]")
    if (rows == 0.0).any():
        raise EstimatorInputError("X: found 0; expected sizes above 0")
    return rows[:, 0]


def _named(groups: Any, sizes: np.ndarray) -> np.ndarray | None:
    """Names of the architectures of rows, as texts."""
    if groups is None:
        return None
    named = np.asarray(groups).astype(str)
    if named.ndim != 1:
        raise EstimatorInputError(f"groups: found an array of {named.ndim} dimensions; expected 1, a name for each row")
    check_consistent_length(sizes, named)
    return named


def _shares(name: str, given: float | Sequence[float]) -> list[float]:
    found = [float(v) for v in np.atleast_1d(np.asarray(given, dtype=float))]
    wrong = [v for v in found if not 0.0 < v < 1.0]
    if wrong or not found:
        said = f"{wrong[0]:g}" if wrong else "none"
        raise EstimatorInputError(f"{name}: found {said}; expected shares between 0 and 1, such as 0.8")
    return found
