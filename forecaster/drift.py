"""Drift: how a real learning curve wanders from its law, as a Gaussian process in log n.

The log error is law + d(t) + noise, where ``t = x_ref - x >= 0`` is the distance in log n from the reference
size (the largest measured one) and d(0) = 0. The drift has two parts, both proportional to one scale ``q``:

* a Wiener process of scale ``q`` per square-root nat: the level wanders;
* a slope that wanders and forgets (a stationary Ornstein-Uhlenbeck process of standard deviation
  ``slope_ratio * q`` per nat and memory ``slope_memory`` nats): local departures from the exponent.

A Kalman filter in t gives the exact likelihood in O(points) (Durbin & Koopman 2012, chapter 4; the diffuse
level by generalised least squares, section 5.7); the dense covariance below is the same process written
the other way, and the tests hold the two equal.
"""

from __future__ import annotations

from typing import Any, NamedTuple

Array = Any


class Transition(NamedTuple):
    """How (d, v) moves over a step ``dt``: d' = d + carry * v + noise, v' = keep * v + noise.

    ``dd``, ``dv`` and ``vv`` are the noise covariances for ``q = 1``.
    """

    keep: Array
    carry: Array
    dd: Array
    dv: Array
    vv: Array


def transition(xp: Any, dt: Array, slope_ratio: Array, slope_memory: Array) -> Transition:
    """Exact discretisation of the drift over ``dt`` >= 0 nats of log n, for unit scale."""
    keep = xp.exp(-dt / slope_memory)
    gone = -xp.expm1(-dt / slope_memory)
    slope = slope_ratio**2
    integrated = 2.0 * dt / slope_memory - 2.0 * gone - gone**2  # = 2r - 3 + 4k - k^2, without cancellation of constants
    return Transition(
        keep=keep,
        carry=slope_memory * gone,
        dd=dt + slope * slope_memory**2 * integrated,
        dv=slope * slope_memory * gone**2,
        vv=slope * gone * (1.0 + keep),
    )


def covariance(xp: Any, t: Array, slope_ratio: Array, slope_memory: Array) -> Array:
    """Dense covariance of d at distances ``t`` [..., point] for unit scale: [..., point, point]."""
    row, column = t[..., :, None], t[..., None, :]
    nearer = xp.minimum(row, column)
    apart = abs(row - column)
    slope = 2.0 * nearer / slope_memory + xp.exp(-row / slope_memory) + xp.exp(-column / slope_memory)
    slope = slope - 1.0 - xp.exp(-apart / slope_memory)
    return nearer + (slope_ratio * slope_memory) ** 2 * slope


class Filtered(NamedTuple):
    """State of the filter: mean of (d, v) for the data, for a unit level, and their shared covariance."""

    data_d: Array
    data_v: Array
    unit_d: Array
    unit_v: Array
    dd: Array
    dv: Array
    vv: Array


def start(xp: Any, like: Array, drift_variance: Array, slope_ratio: Array) -> Filtered:
    """At the reference size: d is zero, the slope is a draw from its stationary distribution."""
    zero = xp.zeros_like(like)
    return Filtered(zero, zero, zero, zero, zero, zero, zero + slope_ratio**2 * drift_variance)


def predict(state: Filtered, step: Transition, drift_variance: Array) -> Filtered:
    """Move the state over one step; operators only."""
    data_d, data_v, unit_d, unit_v, dd, dv, vv = state
    return Filtered(
        data_d + step.carry * data_v,
        step.keep * data_v,
        unit_d + step.carry * unit_v,
        step.keep * unit_v,
        dd + step.carry * (2.0 * dv + step.carry * vv) + drift_variance * step.dd,
        step.keep * (dv + step.carry * vv) + drift_variance * step.dv,
        step.keep**2 * vv + drift_variance * step.vv,
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
