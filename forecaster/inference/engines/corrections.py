"""What surrogates get wrong of the hyper-parameters, learned from walkers' estimates on the way.

The surrogates of many curves err together: each a little, but all in the same direction as the group's centres move, so
that the sum over curves errs by much. Every sweep estimates the true sum at the hyper-parameters that each walker has
and at those it tries. A quadratic function of the hyper-parameters, by least squares through these estimates, takes up
three quarters of that error; what is left is the estimates' own noise. Proposals led by surrogates and correction
together are accepted by the likelihood all the same.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from forecaster.inference.engines import surrogates

Array = Any  # of the library ``xp``, which is NumPy or jax.numpy; docstrings name its axes
RIDGE = 1.0  # points' worth of doubt that a coefficient is not zero
FAR_OFF = 0.005  # share of estimates at either end that count as no farther off than the others
FARTHEST = 4.0  # standard deviations of the points beyond which the function is held


class Correction(NamedTuple):
    """To add to the logarithm of the surrogates' marginal likelihood of hyper-parameters."""

    mean: Array  # [10] of the points it was fitted to, in units of the hyper-parameters' prior
    sd: Array  # [10]
    coefficients: Array  # [66] of :func:`surrogates.features`
    least: Array  # [] smallest value at those points
    most: Array  # []


def none(dimensions: int = 10) -> Correction:
    """Nothing to correct."""
    terms = 1 + dimensions + dimensions * (dimensions + 1) // 2
    return Correction(np.zeros(dimensions), np.ones(dimensions), np.zeros(terms), np.zeros(()), np.zeros(()))


def fitted(points: Array, log_gain: Array) -> Correction:
    """By ``log_gain`` [n], logarithms of likelihood over surrogates at ``points`` [10, n]; less their mean."""
    mean, sd = points.mean(1), points.std(1) + 1e-6
    known = surrogates.features(np, (points - mean[:, None]) / sd[:, None])
    doubt = RIDGE * np.eye(len(known))
    doubt[0, 0] = 0.0
    about = np.clip(log_gain, *np.quantile(log_gain, [FAR_OFF, 1.0 - FAR_OFF]))
    about = about - about.mean()
    coefficients = np.linalg.solve(known @ known.T + doubt, known @ about)
    found = coefficients @ known
    return Correction(mean, sd, coefficients, found.min(), found.max())


def at(xp: Any, correction: Correction, points: Array) -> Array:
    """Its value [k] at ``points`` [10, k]: no more and no less than at those it was fitted to."""
    standard = xp.clip((points - correction.mean[:, None]) / correction.sd[:, None], -FARTHEST, FARTHEST)
    found = correction.coefficients @ surrogates.features(xp, standard)
    return xp.clip(found, correction.least, correction.most)
