"""Drift: how a real learning curve wanders from its law, as a Gaussian process.

The log error is law + d(t) + noise, where ``t`` is the distance in log n from the reference size (the largest measured
one), counted backwards from it, so that it is positive at measured sizes; d(0) = 0. The drift has two parts, each with
its own scale:

* a Wiener process of variance ``level_variance`` per nat: the level wanders;
* a slope that wanders and forgets (a stationary Ornstein-Uhlenbeck process of variance ``slope_variance``, per
  nat squared, and memory ``slope_memory`` nats): local departures from the exponent.

How much a curve wanders is learned where it was measured, and is not the same for ever: beyond the reference size both
scales are multiplied by a common factor, log-normal with mean one and ``volatility`` as the standard deviation of its
logarithm (one step of a stochastic volatility model; Kim, Shephard & Chib 1998). Intervals get tails by that.

Errors on one test set also share its sampling error, a second Wiener process (:func:`parted`).

A Kalman filter in t gives the exact likelihood in O(points) (Durbin & Koopman 2012, chapter 4; the diffuse
level by generalised least squares, section 5.7); the dense covariance below is the same process written
the other way, and the tests hold the two equal.
"""

from __future__ import annotations

from typing import Any, NamedTuple

Array = Any  # a NumPy array, a JAX array or a PyTensor variable
LEAST_DIVISOR = 1e-300  # keeps the quotient of a step that takes no time finite


class Transition(NamedTuple):
    """How (d, v) moves over a step ``dt``: d' = d + carry * v + noise, v' = keep * v + noise.

    The noise of d is ``level_variance * level + slope_variance * dd``; ``dv`` and ``vv`` are the other covariances
    for a slope of unit variance.
    """

    keep: Array
    carry: Array
    level: Array
    dd: Array
    dv: Array
    vv: Array


def transition(xp: Any, dt: Array, slope_memory: Array) -> Transition:
    """Exact discretisation of the drift over ``dt`` >= 0 nats of log n."""
    gone = -xp.expm1(-dt / slope_memory)
    keep = 1.0 - gone
    integrated = (
        2.0 * dt / slope_memory - 2.0 * gone - gone**2
    )  # = 2r - 3 + 4k - k^2, without cancellation of constants
    return Transition(
        keep=keep,
        carry=slope_memory * gone,
        level=dt,
        dd=slope_memory**2 * integrated,
        dv=slope_memory * gone**2,
        vv=gone * (1.0 + keep),
    )


def covariance(xp: Any, t: Array, level_variance: Array, slope_variance: Array, slope_memory: Array) -> Array:
    """Dense covariance of d at distances ``t`` [..., point]: [..., point, point]."""
    return covariance_between(xp, t[..., :, None], t[..., None, :], level_variance, slope_variance, slope_memory)


def covariance_between(
    xp: Any, row: Array, column: Array, level_variance: Array, slope_variance: Array, slope_memory: Array
) -> Array:
    """Covariance of d at distances ``row`` and ``column``, both on one side of the reference size."""
    nearer = xp.minimum(row, column)
    apart = abs(row - column)
    gone, gone_too, between = (xp.expm1(-v / slope_memory) for v in (row, column, apart))  # no constants to cancel
    slope = 2.0 * nearer / slope_memory + gone + gone_too - between
    return level_variance * nearer + slope_variance * slope_memory**2 * slope


class Filtered(NamedTuple):
    """State of the filter: mean of (d, v) for the data, for a unit level, and their shared covariance."""

    data_d: Array
    data_v: Array
    unit_d: Array
    unit_v: Array
    dd: Array
    dv: Array
    vv: Array


def start(xp: Any, like: Array, slope_variance: Array) -> Filtered:
    """At the reference size: d is zero, the slope is a draw from its stationary distribution."""
    zero = xp.zeros_like(like)
    return Filtered(zero, zero, zero, zero, zero, zero, zero + slope_variance)


def predict(state: Filtered, step: Transition, level_variance: Array, slope_variance: Array) -> Filtered:
    """Move the state over one step; operators only."""
    data_d, data_v, unit_d, unit_v, dd, dv, vv = state
    return Filtered(
        data_d + step.carry * data_v,
        step.keep * data_v,
        unit_d + step.carry * unit_v,
        step.keep * unit_v,
        dd + step.carry * (2.0 * dv + step.carry * vv) + level_variance * step.level + slope_variance * step.dd,
        step.keep * (dv + step.carry * vv) + slope_variance * step.dv,
        step.keep**2 * vv + slope_variance * step.vv,
    )


def update(state: Filtered, residual: Array, noise_variance: Array, present: Array) -> tuple[Filtered, tuple]:
    """Condition on ``residual`` = log error - shape; ``present`` is 1.0, or 0.0 for padding.

    Returns the new state and (innovation of the data, innovation of a unit level, their variance).
    """
    data_d, data_v, unit_d, unit_v, dd, dv, vv = state
    data, unit, variance = residual - data_d, 1.0 - unit_d, dd + noise_variance
    gain_d, gain_v = present * dd / variance, present * dv / variance
    new = Filtered(
        data_d + gain_d * data,
        data_v + gain_v * data,
        unit_d + gain_d * unit,
        unit_v + gain_v * unit,
        dd - gain_d * dd,
        dv - gain_d * dv,
        vv - gain_v * dv,
    )
    return new, (data, unit, variance)
