"""Simulated curves: draws of the whole curve, conditioned on the measurements, drawn once and read at any size.

Every question about a curve uses the same :class:`CurvePaths`, so a question has one answer wherever it is asked. A
path is drawn on a grid of ``PER_DECADE`` sizes per decade, fixed by the group's largest measured size, and at the
measured sizes; in between it is straight in log-log. The grid is extended one decade at a time. Each decade has its own
random numbers, so a farther horizon does not change nearer values.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Float, Int

from forecaster.curves.learning_curves import Curve
from forecaster.inference.parameters import CurveDraws
from forecaster.inference.posterior import Posterior
from forecaster.model import drift_paths, law
from forecaster.model.design import Design, SizedCurve
from forecaster.model.drift_paths import Scales, States
from forecaster.prediction.curve_keys import CurveKey, check_keys

# Between two grid points the drift of a typical curve (0.03 in log error per nat) moves by 0.28 % (root mean square).
# A point costs about 0.06 ms for 4,000 draws.
PER_DECADE = 36
GRID_STEP = float(np.log(10.0)) / PER_DECADE
KEPT_BYTES = 600_000_000  # for the paths of one posterior; the least recently used are dropped first
REGIONS = np.array(["small-data", "power-law", "floor"])

# Uses of random numbers: each has its own stream.
PARAMETERS, MEASURED, BEYOND, INNER, AHEAD, BEFORE, RUN, LUCK, CASES, SHARED_RUN, CONDITION, RESULT = range(12)


@dataclass(frozen=True, eq=False)
class Origin:
    """The starting point of a curve's paths: its parameters, and the drift's states at the measured sizes.

    ``x`` are the log sizes at which ``states`` [point, draw] are known, descending from the group's largest size to the
    curve's smallest. ``beyond`` scales the drift beyond the largest size.
    """

    key: CurveKey
    seed: int
    design: Design
    data: SizedCurve | None
    parameters: CurveDraws
    x: Float[np.ndarray, " point"]
    states: States
    beyond: Float[np.ndarray, " draw"]

    @property
    def scales(self) -> Scales:
        """The drift's variances before the reference size."""
        return _scales(self.parameters)

    def luck(self, x: Float[np.ndarray, " size"]) -> Float[np.ndarray, "size draw"]:
        """Variance of the test set's sampling error that paths hold, since the curve's largest size."""
        if self.data is None:
            return np.zeros((len(x), len(self.parameters)))
        return self.parameters.luck(self.data, x).T

    def stream(self, *use: int) -> np.random.Generator:
        """Random numbers for one use."""
        return self.key.stream(self.seed, *use)


@dataclass(frozen=True, eq=False)
class CurvePaths:
    """Draws of one curve's mean log error on a grid of log sizes ``x``, ascending, one posterior draw a column.

    ``log_error`` [size, draw] is law and drift together: the mean of log error over runs, so the log of the
    median run. :attr:`average` is the log of the mean run. ``ahead`` and ``back`` are the drift's states at
    either end, from which the next decade goes on. Draw ``i`` of two curves of one group belongs to one draw of their
    hierarchy.
    """

    origin: Origin
    x: Float[np.ndarray, " size"]
    log_error: Float[np.ndarray, "size draw"]
    inner: bool  # whether the grid between measured sizes is there
    before: int  # decades below the smallest measured size
    after: int  # decades beyond the reference size
    ahead: States
    back: States

    @property
    def key(self) -> CurveKey:
        return self.origin.key

    @property
    def parameters(self) -> CurveDraws:
        """Draws of the curve's parameters."""
        return self.origin.parameters

    @property
    def draws(self) -> int:
        return len(self.origin.parameters)

    def fixed(self, low: float, high: float) -> Int[np.ndarray, " fixed"]:
        """Positions of the grid points that all curves of a group share, from log size ``low`` to ``high``."""
        steps = (self.x - self.origin.design.x_ref) / GRID_STEP
        shared = np.abs(steps - np.rint(steps)) < 1e-6
        _, first = np.unique(np.rint(steps[shared]), return_index=True)  # a measured size may lie on the grid
        found = np.flatnonzero(shared)[first]
        return found[(self.x[found] >= low - 1e-9) & (self.x[found] <= high + 1e-9)]

    @property
    def nbytes(self) -> int:
        """Memory of these paths in bytes."""
        return self.log_error.nbytes

    @property
    def curve(self) -> Curve | None:
        """The measurements; None for an architecture without data."""
        return None if self.origin.data is None else self.origin.data.curve

    @cached_property
    def whole(self) -> CurvePaths:
        """These paths with the grid between measured sizes filled in."""
        return self if self.inner else _with_inner(self)

    def at(self, n: Sequence[float] | Float[np.ndarray, " at"]) -> Float[np.ndarray, "draw at"]:
        """Mean log error at sizes ``n`` on the grid's range, straight in log-log between its points."""
        return self.read(self.log_error, n)

    @cached_property
    def average(self) -> Float[np.ndarray, "size draw"]:
        """Log of the arithmetic mean of error over runs, on the grid."""
        return self.log_error + self.above_median(self.x).T

    def average_at(self, n: Sequence[float] | Float[np.ndarray, " at"]) -> Float[np.ndarray, "draw at"]:
        """Log of the arithmetic mean of error over runs, at sizes ``n`` on the grid's range."""
        return self.at(n) + self.above_median(np.log(np.asarray(n, dtype=float)))

    def above_median(self, x: Float[np.ndarray, " at"]) -> Float[np.ndarray, "draw at"]:
        """By how much the mean of a log-normal error lies above its median: half the variance of a run's noise."""
        return 0.5 * self.parameters.noise(x)

    def read(
        self, values: Float[np.ndarray, "size draw"], n: Sequence[float] | Float[np.ndarray, " at"]
    ) -> Float[np.ndarray, "draw at"]:
        """``values`` on the grid, read at sizes ``n``. ValueError for sizes that the grid does not cover."""
        x = np.log(np.asarray(n, dtype=float))
        if len(x) and (x.min() < self.x[0] - 1e-9 or x.max() > self.x[-1] + 1e-9):
            raise ValueError(
                f"sizes beyond the grid ({np.exp(self.x[0]):g} to {np.exp(self.x[-1]):g}): cover them first"
            )
        if len(self.x) == 1:
            return np.repeat(values, len(x), 0).T
        after = np.clip(np.searchsorted(self.x, x), 1, len(self.x) - 1)
        low, high = self.x[after - 1], self.x[after]
        share = np.clip((x - low) / (high - low), 0.0, 1.0)[:, None]
        return ((1.0 - share) * values[after - 1] + share * values[after]).T

    def region(self, n: np.ndarray) -> list[str]:
        """The region of each size by majority of draws: ``small-data``, ``power-law`` or ``floor``.

        ``small-data``: below the break. ``floor``: beyond it, and more than half of the law's error is irreducible.
        """
        x, values = np.log(np.asarray(n, dtype=float)), self.parameters
        log_break = (values.reference.x_min + values.log_break)[:, None]
        floor = law.floor(np, values.level, values.floor_logit)[:, None]
        small = np.mean(x < log_break, 0)
        near_floor = np.mean((x >= log_break) & (floor > 0.5 * np.exp(values.law(x))), 0)
        return REGIONS[np.argmax(np.stack([small, 1.0 - near_floor - small, near_floor]), 0)].tolist()

    def decades_beyond(self, n: np.ndarray) -> Float[np.ndarray, " at"]:
        """Decades by which sizes lie beyond the curve's largest measured one (its group's, where it has no data)."""
        curve = self.curve
        last = self.origin.design.x_ref if curve is None else float(np.log(curve.n[-1]))
        return np.maximum((np.log(np.asarray(n, dtype=float)) - last) / np.log(10.0), 0.0)

    def covering(self, low: float, high: float) -> CurvePaths:
        """These paths on a grid from log size ``low`` to ``high`` at least."""
        found = self
        if not found.inner and low < min(high, found.origin.design.x_ref) - 1e-9 and not found._measured(low, high):
            found = found.whole
        while high > found.x[-1] + 1e-9:
            found = _with_decade_ahead(found)
        while low < found.x[0] - 1e-9:
            found = _with_decade_before(found)
        return found

    def _measured(self, low: float, high: float) -> bool:
        """Whether the range holds sizes at which the states are known, alone."""
        return bool(np.isclose(low, high)) and bool(np.isclose(self.origin.x, low, rtol=0.0, atol=1e-12).any())


def curve_paths(
    posterior: Posterior, key: CurveKey, sizes: Sequence[float] | np.ndarray, *, seed: int = 0, thin: int = 1
) -> CurvePaths:
    """The paths of a curve on a grid that covers ``sizes``; those drawn before are reused.

    ``thin`` keeps every ``thin``-th posterior draw. RequestError where the curve's (domain, task) is not in the
    posterior.
    """
    check_keys(posterior, [key])
    x = np.log(np.asarray(sizes, dtype=float))
    kept = _KEPT.setdefault(posterior, OrderedDict())
    name = (key, seed, thin)
    found = kept.pop(name, None) or _started(posterior, key, seed, thin)
    ref = found.origin.design.x_ref
    low, high = (float(x.min()), float(x.max())) if len(x) else (ref, ref)
    found = found.covering(low, high)
    kept[name] = found
    while len(kept) > 1 and sum(one.nbytes for one in kept.values()) > KEPT_BYTES:
        kept.popitem(last=False)
    return found


_KEPT: WeakKeyDictionary[Posterior, OrderedDict[tuple[CurveKey, int, int], CurvePaths]] = WeakKeyDictionary()


# How paths are drawn --------------------------------------------------------------------------------


def _scales(values: CurveDraws) -> Scales:
    return Scales(np.exp(2.0 * values.log_drift), np.exp(2.0 * values.log_slope), values.reference.slope_memory)


def _started(posterior: Posterior, key: CurveKey, seed: int, thin: int) -> CurvePaths:
    """The paths at the measured sizes and the reference size alone."""
    design = posterior.designs[key.group]
    data, card = design.curve_of(key.architecture), design.card
    if data is None:
        values = posterior.new_architecture(key.group, key.architecture, key.stream(seed, PARAMETERS))
    else:
        values = posterior.curve(key.label)
    values = values.map(lambda drawn: drawn[::thin])
    x, states = _measured_states(key.stream(seed, MEASURED), design, data, values)
    beyond = drift_paths.scale_beyond(key.stream(seed, BEYOND), card.volatility, len(values))
    origin = Origin(key, seed, design, data, values, x, states, beyond)
    up = slice(None, None, -1)
    log_error = values.level + values.shape(x[up]) + states.d[up]
    return CurvePaths(origin, x[up].copy(), log_error, len(x) == 1, 0, 0, states.at(0).turned(), states.at(-1))


def _measured_states(
    rng: np.random.Generator, design: Design, data: SizedCurve | None, values: CurveDraws
) -> tuple[Float[np.ndarray, " point"], States]:
    """Log sizes, from the reference down, and the drift's states there."""
    if data is None:
        state = drift_paths.from_reference(rng, _scales(values))
        return np.array([design.x_ref]), States(state.d[None], state.v[None])
    apart = data.x[0] < design.x_ref - 1e-12
    x = np.append(design.x_ref, data.x) if apart else data.x
    residual, noise = (data.y - values.law(data.x)).T, data.noise(values.log_noise).T
    if apart:
        residual, noise = (np.concatenate([np.ones((1, len(values))), part]) for part in (residual, noise))
    seen = np.arange(len(x)) >= int(apart)
    luck = values.luck(data, x).T
    return x, drift_paths.at_measurements(rng, design.x_ref - x, luck, seen, residual, noise, _scales(values))


def _with_inner(paths: CurvePaths) -> CurvePaths:
    """The grid between measured sizes filled in."""
    origin, rng = paths.origin, paths.origin.stream(INNER)
    ref, known = origin.design.x_ref, origin.x
    xs, parts = [paths.x], [paths.log_error]
    for i in range(len(known) - 1):
        first = np.floor((ref - known[i]) / GRID_STEP + 1e-6) + 1
        last = np.ceil((ref - known[i + 1]) / GRID_STEP - 1e-6) - 1
        inner = ref - GRID_STEP * np.arange(first, last + 1)
        if len(inner):
            x = np.concatenate([known[i : i + 1], inner, known[i + 1 : i + 2]])
            shape = origin.parameters.shape(x)
            ends = origin.states.at(i), origin.states.at(i + 1)
            drift = drift_paths.between(rng, ref - x, origin.luck(x), *ends, origin.scales)
            xs.append(inner)
            parts.append(origin.parameters.level + shape[1:-1] + drift)
    order = np.argsort(np.concatenate(xs))
    return replace(paths, x=np.concatenate(xs)[order], log_error=np.concatenate(parts)[order], inner=True)


def _with_decade_ahead(paths: CurvePaths) -> CurvePaths:
    """One decade more, beyond the reference size."""
    origin, k = paths.origin, paths.after
    x = origin.design.x_ref + GRID_STEP * np.arange(k * PER_DECADE, (k + 1) * PER_DECADE + 1)
    shape = origin.parameters.shape(x)
    times, scales = x - origin.design.x_ref, origin.scales.times(origin.beyond)
    states = drift_paths.onward(origin.stream(AHEAD, k), float(times[0]), times[1:], paths.ahead, scales)
    more = origin.parameters.level + shape[1:] + states.d
    grid, log_error = np.concatenate([paths.x, x[1:]]), np.concatenate([paths.log_error, more])
    return replace(paths, x=grid, log_error=log_error, after=k + 1, ahead=states.at(-1))


def _with_decade_before(paths: CurvePaths) -> CurvePaths:
    """One decade more, below the smallest measured size; its first step is shorter, to the fixed grid."""
    origin, k = paths.origin, paths.before
    steps = np.floor((origin.design.x_ref - paths.x[0]) / GRID_STEP + 1e-6) + np.arange(1, PER_DECADE + 1)
    x = np.append(paths.x[0], origin.design.x_ref - GRID_STEP * steps)
    shape = origin.parameters.shape(x)
    times, grown = origin.design.x_ref - x, np.diff(origin.luck(x), axis=0)
    states = drift_paths.onward(origin.stream(BEFORE, k), float(times[0]), times[1:], paths.back, origin.scales, grown)
    more = (origin.parameters.level + shape[1:] + states.d)[::-1]
    grid, log_error = np.concatenate([x[:0:-1], paths.x]), np.concatenate([more, paths.log_error])
    return replace(paths, x=grid, log_error=log_error, before=k + 1, back=states.at(-1))
