"""Drift: how a real learning curve wanders from its law, as a Gaussian process.

The log error is law + d(t) + noise, where ``t`` is the drift's own time, zero at the reference size (the largest
measured one) and counted backwards from it, so that it is positive at measured sizes; d(0) = 0. That time runs with
log n where the law falls as a power of n, and slows down where the law stands still (:func:`clock`). The drift has two
parts, each with its own scale:

* a Wiener process of variance ``level_variance`` per nat: the level wanders;
* a slope that wanders and forgets (a stationary Ornstein-Uhlenbeck process of variance ``slope_variance``, per
  nat squared, and memory ``slope_memory`` nats): local departures from the exponent.

How much a curve wanders is learned where it was measured, and is not the same for ever: beyond the reference size both
scales are multiplied by a common factor, log-normal with mean one and ``volatility`` as the standard deviation of its
logarithm (one step of a stochastic volatility model; Kim, Shephard & Chib 1998). Intervals get tails by that.

What is measured on one test set holds its luck besides, a second Wiener process (:func:`parted`).

A Kalman filter in t gives the exact likelihood in O(points) (Durbin & Koopman 2012, chapter 4; the diffuse
level by generalised least squares, section 5.7); the dense covariance below is the same process written
the other way, and the tests hold the two equal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

Array = Any
LEAST = 1e-300  # keeps the quotient of a step that takes no time finite


def clock(xp: Any, x: Array, x_ref: Array, log_shape: Array, exponent: Array, steady: Array) -> Array:
    """The drift's time at log size ``x``, in nats: a share ``steady`` runs with log size, the rest as the law falls.

    ``log_shape`` is the law's log error above that at ``x_ref`` (``laws.log_shape``). Divided by the exponent it runs
    with log size on the power law, and stands still on the plateau of small data and on the floor: what falls no
    more has nothing left to wander about.
    """
    return steady * (x_ref - x) + (1.0 - steady) * log_shape / exponent


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
    row, column = t[..., :, None], t[..., None, :]
    nearer = xp.minimum(row, column)
    apart = abs(row - column)
    gone, gone_too, between = (xp.expm1(-v / slope_memory) for v in (row, column, apart))  # no constants to cancel
    slope = 2.0 * nearer / slope_memory + gone + gone_too - between
    return level_variance * nearer + slope_variance * slope_memory**2 * slope


def over_a_nat(xp: Any, log_drift: Array, log_slope: Array, slope_memory: Array) -> Array:
    """How far a curve wanders over one nat of size: sd of log error, by its level and by its slope."""
    step = transition(xp, 1.0, slope_memory)
    return xp.sqrt(xp.exp(2.0 * log_drift) * step.level + xp.exp(2.0 * log_slope) * (step.dd + step.carry**2))


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


def sample_paths(
    rng: Any,
    residual: Array,
    noise_variance: Array,
    t: Array,
    level_variance: Array,
    slope_variance: Array,
    t_wanted: Array,
    slope_memory: float,
    clock_at: Callable[[Array], Array] | None = None,
    volatility: float = 0.0,
    luck_at: Callable[[Array], Array] | None = None,
) -> Array:
    """Draws of d at ``t_wanted``, given the data, one per posterior draw (NumPy; forward filter, backward sampler).

    ``residual`` and ``noise_variance`` [draw, size] are log error minus law, and its noise, at ascending
    distances ``t`` [size] >= 0; the drift's variances are [draw]. ``t_wanted`` [wanted] may hold any distances:
    negative ones lie beyond the reference size, where the path runs free. ``clock_at`` turns distances [m] into times
    [draw, m], ascending in the distance and zero at zero, where time is not the distance itself. ``volatility`` is
    that beyond the reference size. ``luck_at`` turns distances [m] >= 0 into the variance [draw, m], ascending from
    zero, of the luck of a test set, which data and paths hold beside the drift. Returns [draw, wanted].
    """
    import numpy as np

    grid = np.unique(np.concatenate([[0.0], t, t_wanted[t_wanted > 0]]))
    times = np.broadcast_to(grid, (len(slope_variance), len(grid))) if clock_at is None else clock_at(grid)
    seen = {float(v): i for i, v in enumerate(t)}
    state = start(np, np.zeros_like(slope_variance), slope_variance)
    luck = np.zeros(times.shape) if luck_at is None else np.diff(luck_at(grid), prepend=0.0)
    filtered, steps = [], []
    for i, now in enumerate(grid):
        if i:
            steps.append(transition(np, times[:, i] - times[:, i - 1], slope_memory))
            state = predict(state, steps[-1], level_variance, slope_variance)
            state = state._replace(dd=state.dd + luck[:, i])
        at = seen.get(float(now))
        if at is not None:
            state, _ = update(state, residual[:, at], noise_variance[:, at], 1.0)
        filtered.append(state)
    variances = (level_variance, slope_variance)
    path = np.empty((len(slope_variance), len(grid)))
    d, v = _draw(rng, filtered[-1])
    path[:, -1] = d
    for i in range(len(grid) - 2, -1, -1):
        d, v = _draw(rng, _given_next(filtered[i], steps[i], variances, luck[:, i + 1], d, v))
        path[:, i] = d
    further = np.unique(-t_wanted[t_wanted < 0])
    beyond = further if clock_at is None else -clock_at(-further)
    changed = scale_beyond(rng, volatility, len(d)) ** 2
    free = _run_free(rng, beyond, d, v, (changed * level_variance, changed * slope_variance), slope_memory)
    out = np.empty((len(slope_variance), len(t_wanted)))
    ahead = t_wanted < 0
    out[:, ~ahead] = path[:, np.searchsorted(grid, t_wanted[~ahead])]
    out[:, ahead] = free[:, np.searchsorted(further, -t_wanted[ahead])]
    return out


def scale_beyond(rng: Any, volatility: float, draws: int) -> Array:
    """Factors [draw], with mean one, by which the drift's scales beyond the reference size are those before it."""
    import numpy as np

    return np.exp(volatility * rng.standard_normal(draws) - 0.5 * volatility**2)


def _noise(step: Transition, variances: tuple[Array, Array], luck: Array | float = 0.0) -> tuple[Array, Array, Array]:
    """Noise of a step: variance of d's, its regression on which v's leans, and the variance left in v's."""
    level, slope = variances
    dd = level * step.level + slope * step.dd + luck
    lean = slope * step.dv / (dd + LEAST)
    return dd, lean, slope * step.vv - lean * slope * step.dv


def _given_next(
    state: Filtered, step: Transition, variances: tuple[Array, Array], luck: Array, d: Array, v: Array
) -> Filtered:
    """Condition the filtered state on the next one, (d, v): two scalar updates with independent noises."""
    import numpy as np

    dd, lean, left = _noise(step, variances, luck)
    seen = (
        (1.0, step.carry, d, dd),
        (-lean, step.keep - lean * step.carry, v - lean * d, left),
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


def _draw(rng: Any, state: Filtered) -> tuple[Array, Array]:
    """One draw of (d, v) per posterior draw."""
    import numpy as np

    z_d, z_v = rng.standard_normal((2, *state.data_d.shape))
    sd = np.sqrt(np.maximum(state.dd, 0.0))
    slope = np.where(sd > 0, state.dv / np.where(sd > 0, sd, 1.0), 0.0)
    rest = np.sqrt(np.maximum(state.vv - slope**2, 0.0))
    return state.data_d + sd * z_d, state.data_v + slope * z_d + rest * z_v


def _run_free(rng: Any, times: Array, d: Array, v: Array, variances: tuple[Array, Array], slope_memory: float) -> Array:
    """Continue a path to ``times`` [time] or [draw, time] beyond the reference, where the slope's sign turns."""
    import numpy as np

    v, out, before = -v, [], 0.0
    for now in times.T:
        step = transition(np, now - before, slope_memory)
        dd, lean, left = _noise(step, variances)
        z_d, z_v = rng.standard_normal((2, *d.shape))
        shock = np.sqrt(dd) * z_d
        d = d + step.carry * v + shock
        v = step.keep * v + lean * shock + np.sqrt(np.maximum(left, 0.0)) * z_v
        out.append(d)
        before = now
    return np.stack(out, 1) if out else np.empty((len(d), 0))


def walk(rng: Any, variance: Array) -> Array:
    """Draws of a Wiener process whose variance at each point is ``variance`` [draw, point], ascending."""
    import numpy as np

    return np.cumsum(np.sqrt(np.diff(variance, axis=1, prepend=0.0)) * rng.standard_normal(variance.shape), axis=1)


def parted_since(xp: Any, log_shape: Array, at_largest: Array, luck: Array) -> Array:
    """Variance by which log errors on one test set have parted from that at the curve's largest size.

    The walk of :func:`parted`, seen from its end: ``luck * (1 - e / e')`` where the law's error e' is that at a size
    and e that at the largest, ``luck`` one over the cases (or a share of them) that are wrong there. By the law and not
    by what was measured: a fall that is luck itself would count as more luck than the rise that it may be as well,
    which makes forecasts too high. ``log_shape`` and ``at_largest`` are the law's log error, up to a constant.
    """
    return -luck * xp.expm1(at_largest - log_shape)


def parted(log_error: Array, per_case: float) -> Array:
    """Variance by which log error on one test set has left the curve ``log_error`` [..., size] since its first size.

    Of the cases that are wrong at one size those that still are at a larger one are a sample: with errors e and
    e' < e, the ratio on the test set varies by ``(1 / e' - 1 / e) * per_case`` about that of the curve (binomial, to
    first order; at most 1), where ``per_case`` is one over its cases, or a share of that. From size to size that is a
    Wiener process. Sizes ascend; error that rises counts as standing still. Zeros where ``per_case`` is NaN: no test
    set is known.
    """
    import numpy as np

    if np.isnan(per_case):
        return np.zeros(log_error.shape)
    wrong = np.exp(-np.minimum.accumulate(log_error, axis=-1))
    return np.minimum((wrong - wrong[..., :1]) * per_case, 1.0)
