"""Scatter: how the noise of runs changes with size, as repeated runs tell it.

Which data a small training set happens to hold moves its error more than that of a large one, so runs that are
repeated at several sizes often scatter less the larger these are. A curve's noise is then known best where it matters
most: at the largest sizes, from where forecasts start.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

# Standard deviation of the trend before any data, per nat of size. Averages over n training cases scatter as
# n ** -0.5; a curve whose runs differ by their seeds alone scatters alike everywhere.
EXPECTED = 0.25
TRENDS = np.linspace(-1.5, 1.5, 121)
LOG_SDS = np.linspace(-8.0, 5.0, 105)  # of a curve's noise, over the scatter of all its repeats; all as likely
LEAST = 1e-12  # variance below which no scatter is looked at


class Repeated(NamedTuple):
    """The sizes of one curve that were measured more than once, [size] each."""

    x: Float[np.ndarray, " size"]  # log size
    spare: Float[np.ndarray, " size"]  # measurements, less one
    within: Float[np.ndarray, " size"]  # sum of squares of log errors around their mean
    known: Float[np.ndarray, " size"]  # variance of one measurement that is known besides


def trend(curves: Iterable[Repeated]) -> float:
    """By how much the log of the noise's sd rises with a nat of log size, the same in all ``curves``.

    The posterior mean, by quadrature, given the scatter of repeats alone (chi-square, Cochran's theorem) and with each
    curve's own noise integrated out. Zero where nothing was repeated at two sizes.
    """
    log_density = -0.5 * (TRENDS / EXPECTED) ** 2
    told = [c for c in curves if len(c.x) > 1]
    for curve in told:
        log_density = log_density + _log_likelihood(curve)
    weight = np.exp(log_density - log_density.max())
    return float(weight @ TRENDS / weight.sum()) if told else 0.0


def _log_likelihood(curve: Repeated) -> Float[np.ndarray, " trend"]:
    """Of each of ``TRENDS``, up to a constant."""
    off = curve.x - np.average(curve.x, weights=curve.spare)
    overall = max(curve.within.sum() / curve.spare.sum(), LEAST)
    own = overall * np.exp(2.0 * (LOG_SDS[:, None] + TRENDS[:, None, None] * off))  # [trend, sd, size]
    variance = own + curve.known
    log_density = -0.5 * (curve.spare * np.log(variance) + curve.within / variance).sum(-1)
    return np.logaddexp.reduce(log_density, 1)


def relative(trend: float, x: Float[np.ndarray, " size"], x_ref: float) -> Float[np.ndarray, " size"]:
    """Variance of the noise at log sizes ``x`` over that at ``x_ref``, the largest measured one; one beyond it.

    Nothing measured says how the scatter goes on from there.
    """
    return np.exp(2.0 * trend * np.minimum(x - x_ref, 0.0))
