"""Likely causes of new measurements that leave the forecast: the changes that explain them best.

Each cause moves the log errors of the new measurements, from some point on, along a direction of its own, by an amount
of unknown size. Its marginal likelihood averages the predictive density over the posterior draws and over ``AMOUNTS``,
the same for all causes: the mean movement of the measurements. Causes are equally likely before, and the chance of each
follows by Bayes' theorem. Where all new measurements have one size, intercept, exponent and floor cannot be told apart,
and get the same chance.

* ``intercept``: the same movement at every size, as a changed data set or test set, or a bug, gives;
* ``exponent``: one in proportion to the distance in log size from the largest size fitted, as too small a model or bad
  tuning at larger sizes gives (Hestness et al. 2017, section 5);
* ``floor``: a constant added to the error, or taken from it, which weighs more where errors are small;
* ``stray run``: one measurement alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from scipy.optimize import brentq
from scipy.special import logsumexp

from forecaster.prediction.conditioning import Predictive

_GRID = np.geomspace(0.02, 3.0, 20)
AMOUNTS = np.concatenate([-_GRID[::-1], _GRID])  # of log error
INTERCEPT, EXPONENT, FLOOR, STRAY = "intercept", "exponent", "floor", "stray run"
CAUSES = (INTERCEPT, EXPONENT, FLOOR, STRAY)
MEANING = {
    INTERCEPT: "a shift at every size: changed data, a changed test set, or a bug",
    EXPONENT: "another slope beyond the fitted sizes: too little capacity, or tuning that does not carry over",
    FLOOR: "another irreducible error: noisier labels or data, or a ceiling of the recipe",
    STRAY: "one run that went wrong, or right",
}
Points = Float[np.ndarray, " point"]
Moves = Float[np.ndarray, "amount point"]


def causes(predicted: Predictive, log_error: Points, since: int, last: float) -> Mapping[str, float]:
    """The chance of each cause, given that one of them holds.

    Parameters
    ----------
    predicted : Predictive
        The predictive density of the new measurements, in their order of arrival.
    log_error : array [point]
        What was measured.
    since : int
        The measurement (from 0) from which on the forecast erred.
    last : float
        Log of the curve's largest fitted size.

    Returns
    -------
    mapping
        By name of ``CAUSES``; they sum to 1.
    """
    after = np.arange(len(log_error)) >= since
    distance = np.abs(np.log(predicted.n) - last)
    found = {
        INTERCEPT: _likelihoods(predicted, log_error, _along(np.ones(len(log_error)), after)),
        EXPONENT: _likelihoods(predicted, log_error, _along(distance, after)),
        FLOOR: _likelihoods(predicted, log_error, _of_floors(np.median(predicted.mean, 0), after)),
        STRAY: np.concatenate(
            [
                _likelihoods(predicted, log_error, np.outer(AMOUNTS, np.eye(len(log_error))[i]))
                for i in np.flatnonzero(after)
            ]
        ),
    }
    marginal = np.array([logsumexp(found[name]) - np.log(len(found[name])) for name in CAUSES])
    chances = np.exp(marginal - logsumexp(marginal))
    return dict(zip(CAUSES, chances.tolist(), strict=True))


def _along(direction: Points, after: Bool[np.ndarray, " point"]) -> Moves:
    """Movements in proportion to ``direction``, whose mean over the points after is each of ``AMOUNTS``."""
    mean = direction[after].mean()
    return np.outer(AMOUNTS, np.where(after, direction / mean if mean > 0 else 1.0, 0.0))


def _of_floors(log_error: Points, after: Bool[np.ndarray, " point"]) -> Moves:
    """Movements by a constant added to errors forecast, whose mean over the points after is each of ``AMOUNTS``."""
    relative = np.exp(log_error[after].min() - log_error)  # of the constant, as a share of the smallest error

    def moved(share: float) -> Points:
        return np.where(after, np.log1p(share * relative), 0.0)

    def wanted(amount: float) -> float:
        low, high = -1.0 + 1e-9, np.expm1(abs(amount)) / relative[after].min() + 1.0
        if moved(low)[after].mean() > amount:  # the smallest errors would fall below zero first
            return low
        found: Any = brentq(lambda share: moved(share)[after].mean() - amount, low, high)
        return float(found)

    return np.stack([moved(wanted(amount)) for amount in AMOUNTS.tolist()])


def _likelihoods(predicted: Predictive, log_error: Points, moves: Moves) -> Float[np.ndarray, " amount"]:
    """Log of the predictive density, averaged over draws, were the measurements moved so."""
    logs = predicted.log_density(log_error - moves)
    return logsumexp(logs, axis=1) - np.log(logs.shape[1])
