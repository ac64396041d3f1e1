"""The log density of a surface, with the drift integrated out exactly.

Log losses are the law, a drift of correlation ``K`` and independent noise of variances ``noise^2 G``. With
``G^-1/2 K G^-1/2 = Q diag(lambda) Q'``, decomposed once a design, the covariance of ``Q' G^-1/2 (y - law)`` is
diagonal, ``drift^2 lambda + noise^2``, for all parameters. An evaluation costs the square of the number of runs, not
their cube.

Runs that were left untuned or stopped early are apart: each has a departure of its own, the drift's and the noise's
variance together, and lies above that by half-normal excess, so that it is skew-normal around the law. Nothing is
shared with its neighbours: what it says of the drift is lost, and with it what it could say wrongly.
Over an array namespace ``xp``, so that NumPy and JAX share it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from forecaster.surfaces.model import drift, law
from forecaster.surfaces.model.design import SurfaceDesign

Array = Any  # a NumPy array or a JAX array
LOG_2, LOG_2PI = float(np.log(2.0)), float(np.log(2.0 * np.pi))
LEAST_NOISE = 5e-4  # sd of log loss that every run has: losses are printed with few digits


class Rotated(NamedTuple):
    """What the density needs of a design."""

    u: Float[np.ndarray, " row"]
    t: Float[np.ndarray, " row"]  # log data, and its unique part
    log_unique: Float[np.ndarray, " row"]
    t0: float
    y: Float[np.ndarray, " row"]
    eigenvalues: Float[np.ndarray, " row"]
    turn: Float[np.ndarray, "row row"]  # G^-1/2 Q: times it, residuals are independent
    log_scale: float  # log determinant of G^-1/2


def rotated(design: SurfaceDesign) -> Rotated:
    """The runs of a design that lie on the surface, their drift decomposed."""
    design = design.tuned
    shrink = 1.0 / np.sqrt(design.relative)
    known = drift.correlation(np, design.places, design.places, design.card.memory)
    eigenvalues, vectors = np.linalg.eigh(shrink[:, None] * known * shrink)
    return Rotated(
        u=design.x - design.x0,
        t=design.t,
        log_unique=design.log_unique,
        t0=design.t0,
        y=design.y,
        eigenvalues=np.maximum(eigenvalues, 0.0),
        turn=shrink[:, None] * vectors,
        log_scale=float(np.log(shrink).sum()),
    )


def law_at(xp: Any, values: Array, u: Array, t: Array, log_unique: Array, t0: float) -> Array:
    """Log loss of the law [particle, row] for values [particle, quantity] of a design's ``quantities``."""
    columns = [values[:, i, None] for i in range(values.shape[1])]
    v = law.log_effective(xp, t, log_unique, columns[8]) - t0
    return law.log_loss(xp, u, v, law.Parameters(*columns[:6]))


def variances(xp: Any, values: Array) -> tuple[Array, Array]:
    """Variances of the noise of one run and of the drift, [particle, 1] each."""
    return xp.exp(2.0 * values[:, 6, None]) + LEAST_NOISE**2, xp.exp(2.0 * values[:, 7, None])


def log_likelihood(xp: Any, values: Array, data: Rotated) -> Array:
    """Log density [particle] of the log losses of runs on the surface given values [particle, quantity]."""
    residual = data.y - law_at(xp, values, data.u, data.t, data.log_unique, data.t0)
    noise, wander = variances(xp, values)
    spread = wander * data.eigenvalues + noise
    turned = residual @ data.turn
    return data.log_scale - 0.5 * (LOG_2PI + xp.log(spread) + turned**2 / spread).sum(-1)


def log_likelihood_above(xp: Any, values: Array, untuned: SurfaceDesign) -> Array:
    """Log density [particle] of the log losses of runs that may lie above the surface; 0 without any."""
    if not len(untuned.y):
        return 0.0
    law_there = law_at(xp, values, untuned.x - untuned.x0, untuned.t, untuned.log_unique, untuned.t0)
    noise, wander = variances(xp, values)
    apart, excess = wander + noise * untuned.relative, xp.exp(2.0 * values[:, 9, None])
    whole, residual = apart + excess, untuned.y - law_there
    above = _log_ndtr(xp, residual * xp.sqrt(excess / (apart * whole)))
    return (LOG_2 - 0.5 * (LOG_2PI + xp.log(whole) + residual**2 / whole) + above).sum(-1)


def _log_ndtr(xp: Any, z: Array) -> Array:
    if xp is np:
        from scipy.special import log_ndtr
    else:
        from jax.scipy.special import log_ndtr
    return log_ndtr(z)


def log_density(xp: Any, values: Array, design: SurfaceDesign, data: Rotated) -> Array:
    """Joint log density [particle] of parameters and log losses."""
    scaled = (values - design.mean) / design.sd
    prior = -0.5 * (LOG_2PI + scaled**2).sum(-1) - float(np.log(design.sd).sum())
    return prior + log_likelihood(xp, values, data) + log_likelihood_above(xp, values, design.untuned)
