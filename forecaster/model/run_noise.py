"""Run-to-run variance: how it changes with size, estimated from repeated runs.

The choice of data matters more for a small training set than for a large one, so run-to-run variance often falls with
size. The noise is then best known where it matters most: at the largest sizes, where forecasts start.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

# Prior sd of the trend, per nat of size. Averages over n training cases vary as n ** -0.5; runs that differ only by
# their seeds vary equally at all sizes.
EXPECTED = 0.25
TRENDS = np.linspace(-1.5, 1.5, 121)
LOG_SDS = np.linspace(-8.0, 5.0, 105)  # of a curve's noise, relative to the sd of all its repeats; equally likely
LEAST_VARIANCE = 1e-12  # variance below which repeats are ignored


class Repeated(NamedTuple):
    """The sizes of one curve that were measured more than once, [size] each."""

    x: Float[np.ndarray, " size"]  # log size
    spare: Float[np.ndarray, " size"]  # measurements, less one
    within: Float[np.ndarray, " size"]  # sum of squares of log errors around their mean
    known: Float[np.ndarray, " size"]  # variance of one measurement that is known besides


def trend(curves: Iterable[Repeated]) -> float:
    """Change of the log sd of the noise per nat of size, common to all ``curves``.

    The posterior mean, by quadrature, given only the variance of repeats (chi-square, Cochran's theorem), with each
    curve's own noise integrated out. Zero without repeats at two sizes.
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
    overall = max(curve.within.sum() / curve.spare.sum(), LEAST_VARIANCE)
    own = overall * np.exp(2.0 * (LOG_SDS[:, None] + TRENDS[:, None, None] * off))  # [trend, sd, size]
    variance = own + curve.known
    log_density = -0.5 * (curve.spare * np.log(variance) + curve.within / variance).sum(-1)
    return np.logaddexp.reduce(log_density, 1)


def relative(trend: float, x: Float[np.ndarray, " size"], x_ref: float) -> Float[np.ndarray, " size"]:
    """Variance of the noise at log sizes ``x`` over that at ``x_ref``, the largest measured one; one beyond it.

    The measurements do not show how it changes beyond that size.
    """
    return np.exp(2.0 * trend * np.minimum(x - x_ref, 0.0))
