"""Paths of the drift: forward filter, backward sampler between measurements, free beyond them.

The state (d, v) at one time is all that the drift's future, or past, depends on (:mod:`~forecaster.model.drift`). So
a path is drawn in three steps, each given the one before: the states at the measured sizes, given the measurements
(:func:`at_measurements`); what lies between two known states (:func:`between`); and what lies beyond the outermost
(:func:`onward`). Arrays are [point, draw]: one point after the other, a posterior draw in each column.

Source: Durbin & Koopman 2012, chapter 4 (the filter); Frühwirth-Schnatter 1994 (the backward sampler).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from forecaster.model import drift

Points = Float[np.ndarray, "point draw"]
Times = Float[np.ndarray, " point"]
Draws = Float[np.ndarray, " draw"]


class States(NamedTuple):
    """Value ``d`` of the drift and its slope ``v``, at one time [draw] or at several [point, draw]."""

    d: Float[np.ndarray, "... draw"]
    v: Float[np.ndarray, "... draw"]

    def at(self, point: int) -> States:
        """The states at one of several times."""
        return States(self.d[point], self.v[point])

    def turned(self) -> States:
        """The same states seen in the other direction of time, where the slope changes its sign."""
        return States(self.d, -self.v)


class Scales(NamedTuple):
    """Variances of the drift, by draw, and the memory of its slope in nats of log size."""

    level: Draws
    slope: Draws
    memory: float

    def times(self, factor: Draws) -> Scales:
        """The scales of a drift whose standard deviations are ``factor`` times as large."""
        return Scales(factor**2 * self.level, factor**2 * self.slope, self.memory)


def at_measurements(
    rng: np.random.Generator,
    times: Times,
    luck: Points,
    seen: Bool[np.ndarray, " point"],
    residual: Points,
    noise_variance: Points,
    scales: Scales,
) -> States:
    """States at ``times``, given what was measured at those that are ``seen``.

    ``times`` ascend from zero, the reference size, back to smaller sizes. ``luck`` is the variance of the test set's
    sampling error up to each time, which data and path hold beside the drift. ``residual`` is log error minus law and
    ``noise_variance`` its noise; both are ignored where nothing was measured.
    """
    state = drift.start(np, np.zeros_like(scales.slope), scales.slope)
    steps = drift.transition(np, np.diff(times, prepend=0.0)[:, None], scales.memory)
    grown = np.diff(luck, axis=0, prepend=0.0)
    filtered = []
    for i, measured in enumerate(seen):
        state = _predicted(state, _step(steps, i), grown[i], scales) if i else state
        if measured:
            state, _ = drift.update(state, residual[i], noise_variance[i], 1.0)
        filtered.append(state)
    return _backward(rng, filtered, steps, grown, scales, _draw(rng, filtered[-1]))


def between(
    rng: np.random.Generator, times: Times, luck: Points, start: States, end: States, scales: Scales
) -> Float[np.ndarray, "inner draw"]:
    """Values of the drift at the times between the first and the last of ``times``, whose states are known."""
    zero = np.zeros_like(start.d)
    state = drift.Filtered(start.d, start.v, zero, zero, zero, zero, zero)
    steps = drift.transition(np, np.diff(times, prepend=times[:1])[:, None], scales.memory)
    grown = np.diff(luck, axis=0, prepend=luck[:1])
    filtered = [state]
    for i in range(1, len(times) - 1):
        state = _predicted(state, _step(steps, i), grown[i], scales)
        filtered.append(state)
    filtered.append(state)  # stands for the known end, which nothing asks about
    return _backward(rng, filtered, steps, grown, scales, end, first=1).d[:-1]


def onward(
    rng: np.random.Generator,
    since: float,
    times: Times,
    start: States,
    scales: Scales,
    grown: Points | float = 0.0,
) -> States:
    """States at ``times``, which ascend from ``since``, where the state is ``start`` and nothing is measured after.

    ``grown`` is the variance of the test set's sampling error over each step, where the path holds it.
    """
    steps = drift.transition(np, np.diff(times, prepend=since)[:, None], scales.memory)
    dd, lean, left = _noise(steps, scales, grown)
    shape = (len(times), len(scales.level))
    z_d, z_v = rng.standard_normal((2, *shape))
    shock = np.sqrt(dd) * z_d
    kick = lean * shock + np.sqrt(np.maximum(left, 0.0)) * z_v
    out = States(np.empty(shape), np.empty(shape))
    d, v = start
    for i in range(len(times)):
        d, v = d + steps.carry[i] * v + shock[i], steps.keep[i] * v + kick[i]
        out.d[i], out.v[i] = d, v
    return out


def from_reference(rng: np.random.Generator, scales: Scales) -> States:
    """States at the reference size before any data: no drift, a slope from its stationary distribution."""
    return States(np.zeros_like(scales.slope), np.sqrt(scales.slope) * rng.standard_normal(scales.slope.shape))


def scale_beyond(rng: np.random.Generator, volatility: float, draws: int) -> Draws:
    """Factors, with mean one, by which the drift's scales beyond the reference size are those before it."""
    return np.exp(volatility * rng.standard_normal(draws) - 0.5 * volatility**2)


def walk(rng: np.random.Generator, variance: Float[np.ndarray, "draw point"]) -> Float[np.ndarray, "draw point"]:
    """Draws of a Wiener process whose variance at each point is ``variance``, ascending."""
    return np.cumsum(np.sqrt(np.diff(variance, axis=1, prepend=0.0)) * rng.standard_normal(variance.shape), axis=1)


def _step(steps: drift.Transition, i: int) -> drift.Transition:
    return drift.Transition(*(part[i] for part in steps))


def _predicted(state: drift.Filtered, step: drift.Transition, grown: Draws, scales: Scales) -> drift.Filtered:
    state = drift.predict(state, step, scales.level, scales.slope)
    return state._replace(dd=state.dd + grown)


def _backward(
    rng: np.random.Generator,
    filtered: list[drift.Filtered],
    steps: drift.Transition,
    grown: Points,
    scales: Scales,
    last: States,
    first: int = 0,
) -> States:
    """States from ``first`` on, the last of which is known, each drawn given the filter and the state after it."""
    out = [last]
    for i in range(len(filtered) - 2, first - 1, -1):
        out.append(_draw(rng, _given_next(filtered[i], _step(steps, i + 1), scales, grown[i + 1], out[-1])))
    d, v = zip(*out[::-1], strict=True)
    return States(np.stack(d), np.stack(v))


def _noise(step: drift.Transition, scales: Scales, grown: Points | Draws | float) -> tuple:
    """Noise of a step: variance of d's, its regression on which v's leans, and the variance left in v's."""
    dd = scales.level * step.level + scales.slope * step.dd + grown
    lean = scales.slope * step.dv / (dd + drift.LEAST_DIVISOR)
    return dd, lean, scales.slope * step.vv - lean * scales.slope * step.dv


def _given_next(
    state: drift.Filtered, step: drift.Transition, scales: Scales, grown: Draws, after: States
) -> drift.Filtered:
    """Condition the filtered state on the next one: two scalar updates with independent noises."""
    dd, lean, left = _noise(step, scales, grown)
    seen = (
        (1.0, step.carry, after.d, dd),
        (-lean, step.keep - lean * step.carry, after.v - lean * after.d, left),
    )
    mean_d, mean_v, dd, dv, vv = state.data_d, state.data_v, state.dd, state.dv, state.vv
    for on_d, on_v, value, noise in seen:
        to_d, to_v = on_d * dd + on_v * dv, on_d * dv + on_v * vv
        variance = on_d * to_d + on_v * to_v + noise
        safe = np.where(variance > 0, variance, 1.0)
        gain_d, gain_v = to_d / safe, to_v / safe
        surprise = np.where(variance > 0, value - on_d * mean_d - on_v * mean_v, 0.0)
        mean_d, mean_v = mean_d + gain_d * surprise, mean_v + gain_v * surprise
        dd, dv, vv = dd - gain_d * to_d, dv - gain_d * to_v, vv - gain_v * to_v
    return state._replace(data_d=mean_d, data_v=mean_v, dd=dd, dv=dv, vv=vv)


def _draw(rng: np.random.Generator, state: drift.Filtered) -> States:
    """One draw of the state in each column."""
    z_d, z_v = rng.standard_normal((2, *state.data_d.shape))
    sd = np.sqrt(np.maximum(state.dd, 0.0))
    slope = np.where(sd > 0, state.dv / np.where(sd > 0, sd, 1.0), 0.0)
    rest = np.sqrt(np.maximum(state.vv - slope**2, 0.0))
    return States(state.data_d + sd * z_d, state.data_v + slope * z_d + rest * z_v)
