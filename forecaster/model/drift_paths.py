"""Paths of the drift, given the measurements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from forecaster.model.drift import LEAST, Array, Filtered, Transition, predict, start, transition, update


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
