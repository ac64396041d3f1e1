"""The drift's state-space form against its dense covariance, and both against a Gaussian library."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from forecaster.model import drift, drift_paths
from forecaster.model.drift_paths import Scales, States

RATIOS = st.one_of(st.just(0.0), st.floats(0.05, 2.0))
MEMORIES = st.floats(0.3, 10.0)
GAPS = st.lists(st.floats(1e-3, 3.0), min_size=2, max_size=8)


def times_of(gaps, from_zero=False):
    return np.cumsum([0.0 if from_zero else gaps[0], *gaps[1:]])


def composed(t, ratio, memory):
    """Covariance of d at ascending ``t``, by composing exact steps of (d, v) from the reference on."""
    state, before, blocks, moves = np.diag([0.0, ratio**2]), 0.0, [], []
    for now in t:
        step = drift.transition(np, now - before, memory)
        move = np.array([[1.0, step.carry], [0.0, step.keep]])
        state = (
            move @ state @ move.T
            + np.array([[step.level, 0.0], [0.0, 0.0]])
            + ratio**2 * np.array([[step.dd, step.dv], [step.dv, step.vv]])
        )
        blocks.append(state)
        moves.append(move)
        before = now
    out = np.empty((len(t), len(t)))
    for i in range(len(t)):
        cross = blocks[i]
        for j in range(i, len(t)):
            cross = cross if j == i else moves[j] @ cross
            out[i, j] = out[j, i] = cross[0, 0]
    return out


def signed_covariance(t, ratio, memory):
    """Dense covariance of d at any distances, in closed form.

    d(t) is a Wiener process from the reference outwards, each way its own, plus the integral of the slope from 0
    to t; the slope is one stationary process over both sides, so the sides are correlated through it alone.
    """
    row, column = t[:, None], t[None, :]
    same = np.sign(row) * np.sign(column) > 0
    level = np.where(same, np.minimum(abs(row), abs(column)), 0.0)
    # With K'' = r^2 exp(-|s|/m): the double integral over [0, t] x [0, u] is K(t) + K(u) - K(t - u) - K(0).
    memory_2 = (ratio * memory) ** 2

    def k(s):
        return memory_2 * (np.exp(-abs(s) / memory) + abs(s) / memory)

    return level + k(row) + k(column) - k(row - column) - k(0.0)


def kalman(t, y, q2, noise, ratio, memory, level=None):
    """Log likelihood by the filter; ``level`` is (mean, sd) of an unknown constant, or None where it is zero."""
    state, before, found = drift.start(np, np.zeros(()), np.float64(q2 * ratio**2)), 0.0, []
    for now, value, variance in zip(t, y, noise, strict=True):
        state = drift.predict(state, drift.transition(np, now - before, memory), q2, q2 * ratio**2)
        state, innovation = drift.update(state, value, variance, 1.0)
        found.append(innovation)
        before = now
    data, unit, variance = np.array(found).T
    alone = -0.5 * np.sum(data**2 / variance + np.log(2 * np.pi * variance))
    if level is None:
        return alone
    mean, sd = level  # integrate exp(-(data - a * unit)^2 / 2 variance) over a ~ N(mean, sd^2)
    precision = 1 / sd**2 + np.sum(unit**2 / variance)
    linear = mean / sd**2 + np.sum(unit * data / variance)
    return alone + 0.5 * (linear**2 / precision - mean**2 / sd**2 - np.log(precision * sd**2))


@settings(max_examples=60, deadline=None)
@given(GAPS, RATIOS, MEMORIES, st.booleans())
def test_composed_steps_are_the_dense_covariance(gaps, ratio, memory, from_zero):
    t = times_of(gaps, from_zero)
    dense = drift.covariance(np, t, 1.0, ratio**2, memory)
    assert dense == pytest.approx(composed(t, ratio, memory), rel=1e-8, abs=1e-10)
    assert dense == pytest.approx(signed_covariance(t, ratio, memory), rel=1e-8, abs=1e-10)


@settings(max_examples=40, deadline=None)
@given(st.floats(1e-4, 2.0), st.floats(1e-4, 2.0), MEMORIES)
def test_two_steps_are_one_long_step(first, second, memory):
    a, b, whole = (drift.transition(np, dt, memory) for dt in (first, second, first + second))
    assert whole.keep == pytest.approx(a.keep * b.keep)
    assert whole.carry == pytest.approx(a.carry + b.carry * a.keep)
    assert whole.level == pytest.approx(a.level + b.level)
    assert whole.vv == pytest.approx(b.keep**2 * a.vv + b.vv)
    assert whole.dd == pytest.approx(a.dd + 2 * b.carry * a.dv + b.carry**2 * a.vv + b.dd)


@settings(max_examples=20, deadline=None)
@given(GAPS, MEMORIES)
def test_without_a_slope_it_is_a_wiener_process(gaps, memory):
    t = times_of(gaps)
    assert drift.covariance(np, t, 1.0, 0.0, memory) == pytest.approx(np.minimum(t[:, None], t), abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(GAPS, RATIOS, MEMORIES, st.floats(0.01, 0.5), st.integers(0, 99), st.booleans())
def test_the_filter_gives_the_dense_likelihood(gaps, ratio, memory, q, seed, from_zero):
    t, rng = times_of(gaps, from_zero), np.random.default_rng(seed)
    noise = rng.uniform(0.01, 0.1, len(t)) ** 2
    y = 0.3 * rng.standard_normal(len(t))
    dense = q**2 * drift.covariance(np, t, 1.0, ratio**2, memory) + np.diag(noise)
    expected = multivariate_normal(np.zeros(len(t)), dense).logpdf(y)
    assert kalman(t, y, q**2, noise, ratio, memory) == pytest.approx(expected, rel=1e-8, abs=1e-8)
    mean, sd = -0.7, 0.6
    expected = multivariate_normal(np.full(len(t), mean), dense + sd**2).logpdf(y)
    assert kalman(t, y, q**2, noise, ratio, memory, (mean, sd)) == pytest.approx(expected, rel=1e-8, abs=1e-8)


def test_padding_changes_nothing():
    state = drift.Filtered(*np.random.default_rng(0).uniform(0.1, 1.0, 7))
    same, _ = drift.update(state, 3.0, 0.1, 0.0)
    assert same == state


# Paths given data -------------------------------------------------------------------------------------


DRAWS = 20_000
WANTED = np.array([1.7, 0.0, 3.2, 4.5, -0.4, 0.9, -2.0, -5.0])  # at the data, between, before and beyond
DATA = {
    "from the reference on": (np.array([0.0, 0.9, 1.7, 2.6]), np.array([0.02, -0.05, 0.1, 0.15])),
    "off the reference": (np.array([0.6, 1.1, 3.2]), np.array([-0.1, -0.02, 0.08])),
    "none": (np.empty(0), np.empty(0)),
}


def conditioned(t, y, noise, q, ratio, memory, wanted=WANTED):
    """Mean and covariance of d at ``wanted`` given the data, by dense Gaussian conditioning."""
    cov = q**2 * signed_covariance(np.concatenate([t, wanted]), ratio, memory)
    n = len(t)
    gain = np.linalg.solve(cov[:n, :n] + np.diag(noise), cov[:n, n:]).T
    return gain @ y, cov[n:, n:] - gain @ cov[:n, n:]


def sampled(t, y, noise, q, ratio, memory, seed=0, luck_at=np.zeros_like, draws=DRAWS, wanted=None, **ways):
    """Draws of d at ``wanted`` given the data at ascending distances ``t``: [draw, wanted].

    As simulated curves are drawn: the states at the measured sizes, then what lies between them, then both ends.
    """
    rng, scales = np.random.default_rng(seed), Scales(np.full(draws, q**2), np.full(draws, (q * ratio) ** 2), memory)
    wanted = WANTED if wanted is None else wanted
    onward = ways.get("onward", drift_paths.onward)

    def rows(values):
        return np.repeat(np.asarray(values, dtype=float)[:, None], draws, 1)

    known = np.union1d([0.0], t)
    seen = np.isin(known, t)
    measured = np.zeros((2, len(known)))
    measured[:, seen] = y, noise
    data = rows(measured[0]), rows(measured[1] + ~seen)
    states = drift_paths.at_measurements(rng, known, rows(luck_at(known)), seen, *data, scales)
    out = np.empty((draws, len(wanted)))
    for k, d in enumerate(known):
        out[:, wanted == d] = states.d[k][:, None]
    for k, (a, b) in enumerate(pairwise(known)):
        inner = np.flatnonzero((wanted > a) & (wanted < b))
        inner = inner[np.argsort(wanted[inner])]
        if len(inner):
            span = np.concatenate([[a], wanted[inner], [b]])
            ends = states.at(k), states.at(k + 1)
            out[:, inner] = drift_paths.between(rng, span, rows(luck_at(span)), *ends, scales).T
    for sign, at, ends in ((1.0, known[-1], states.at(-1)), (-1.0, 0.0, states.at(0).turned())):
        far = np.flatnonzero(sign * wanted > max(at, 0.0))
        far = far[np.argsort(sign * wanted[far])]
        span = np.concatenate([[at], wanted[far]])
        grown = np.diff(rows(luck_at(span)), axis=0) if sign > 0 else 0.0
        times = sign * span
        own = scales if sign > 0 else scales.times(ways.get("beyond", lambda rng: np.ones(draws))(rng))
        go_on = drift_paths.onward if sign > 0 else onward
        out[:, far] = go_on(rng, float(times[0]), times[1:], ends, own, grown).d.T
    return out


def agrees(paths, mean, cov):
    """Whether every mean and covariance is within 5 standard errors of the Gaussian's (72 comparisons a call)."""
    sd = np.sqrt(np.maximum(np.diag(cov), 0.0))
    means = abs(paths.mean(0) - mean) <= 5 * sd / np.sqrt(DRAWS) + 1e-9
    errors = np.sqrt((cov**2 + np.outer(sd, sd) ** 2) / DRAWS)
    return bool(means.all() and (abs(np.cov(paths.T) - cov) <= 5 * errors + 1e-9).all())


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("ratio", [0.0, 0.3, 1.5])
def test_paths_follow_the_conditioned_gaussian(data, ratio):
    t, y = DATA[data]
    noise, q, memory = np.full(len(t), 0.03**2), 0.1, 2.3
    assert agrees(sampled(t, y, noise, q, ratio, memory), *conditioned(t, y, noise, q, ratio, memory))


LUCK = {"a test set that parts": 0.02, "one that parts more than the drift": 0.5}


@pytest.mark.parametrize("scale", LUCK.values(), ids=LUCK)
@pytest.mark.parametrize("data", ["from the reference on", "off the reference"])
def test_paths_hold_the_luck_of_a_test_set(data, scale):
    """The luck is a Wiener process of its own, from the largest measured size back."""
    t, y = DATA[data]
    noise, q, memory = np.full(len(t), 0.03**2), 0.1, 2.3

    def luck_at(distance):
        return scale * np.maximum(distance - t[0], 0.0) ** 2

    places = np.concatenate([t, WANTED])
    luck = luck_at(places)
    cov = q**2 * signed_covariance(places, 0.6, memory) + np.minimum(luck[:, None], luck)
    n = len(t)
    gain = np.linalg.solve(cov[:n, :n] + np.diag(noise), cov[:n, n:]).T
    expected = gain @ y, cov[n:, n:] - gain @ cov[:n, n:]
    assert agrees(sampled(t, y, noise, q, 0.6, memory, luck_at=luck_at), *expected)
    assert not agrees(sampled(t, y, noise, q, 0.6, memory), *expected)


BROKEN = ["drift doubled", "memory tripled", "slope turned", "sides apart"]


@pytest.mark.parametrize(
    ("data", "broken"),
    [(data, broken) for data in DATA for broken in [*BROKEN, *(["data ignored"] if data != "none" else [])]],
)
def test_the_comparison_rejects_broken_paths(data, broken):
    t, y = DATA[data]
    noise, q, ratio, memory = np.full(len(t), 0.03**2), 0.1, 1.5, 2.3
    expected = conditioned(t, y, noise, q, ratio, memory)
    ways = {}
    if broken == "drift doubled":
        q = 0.2
    elif broken == "memory tripled":
        memory = 6.9
    elif broken == "data ignored":
        t, y, noise = np.empty(0), np.empty(0), np.empty(0)
    elif broken == "slope turned":
        ways["onward"] = lambda rng, since, s, state, *rest: drift_paths.onward(rng, since, s, state.turned(), *rest)
    else:
        ways["onward"] = lambda rng, since, s, state, *rest: drift_paths.onward(
            rng, since, s, States(state.d, rng.permutation(state.v)), *rest
        )
    assert not agrees(sampled(t, y, noise, q, ratio, memory, **ways), *expected)


VOLATILITY = 0.8


def volatile_paths(beyond=lambda rng: drift_paths.scale_beyond(rng, VOLATILITY, 40 * DRAWS)):
    """Paths at two distances before the reference and two beyond, level drift only, without data."""
    wanted, nothing = np.array([1.5, 0.4, -0.7, -2.0]), np.empty(0)
    many = {"seed": 3, "draws": 40 * DRAWS, "wanted": wanted, "beyond": beyond}
    return wanted, sampled(nothing, nothing, nothing, 1.0, 0.0, 2.3, **many)


def follows_volatility(wanted, paths):
    """Mean size and mean square of the paths, 5 standard errors: a mixture of normals over a scale of mean one."""
    size, square = np.sqrt(2.0 / np.pi * abs(wanted)), abs(wanted) * np.where(wanted < 0, np.exp(VOLATILITY**2), 1.0)
    found = ((abs(paths), size), (paths**2, square))
    return all((abs(v.mean(0) - mean) <= 5 * v.std(0) / np.sqrt(len(v))).all() for v, mean in found)


def test_the_scale_changes_beyond_the_reference_only_and_is_one_on_average():
    assert follows_volatility(*volatile_paths())


@pytest.mark.parametrize(
    "twin",
    [
        lambda rng: np.ones(40 * DRAWS),
        lambda rng: np.exp(VOLATILITY * rng.standard_normal(40 * DRAWS)),
    ],
    ids=["no change", "median one"],
)
def test_other_changes_of_scale_are_noticed(twin):
    assert not follows_volatility(*volatile_paths(twin))


def test_each_draw_keeps_its_own_data_and_scale():
    """Columns are not mixed: a draw of huge drift and one of none, one residual each."""
    scales = Scales(np.array([1e-16, 4.0]), 0.09 * np.array([1e-16, 4.0]), 2.3)
    times, residual = np.array([0.0, 1.0]), np.array([[0.0, 0.0], [0.5, -0.5]])
    seen, noise = np.array([False, True]), np.full((2, 2), 1e-12)
    rng = np.random.default_rng(0)
    found = drift_paths.at_measurements(rng, times, np.zeros((2, 2)), seen, residual, noise, scales)
    assert found.d[:, 0] == pytest.approx([0.0, 0.0], abs=1e-3)
    assert found.d[:, 1] == pytest.approx([0.0, -0.5], abs=1e-4)


def test_a_path_goes_on_the_same_in_one_step_or_in_two():
    """A horizon that is reached decade by decade has the distribution of one that is reached at once."""
    draws, rng = 200_000, np.random.default_rng(0)
    scales = Scales(np.full(draws, 0.04), np.full(draws, 0.01), 2.3)
    start = drift_paths.from_reference(rng, scales)
    once = drift_paths.onward(rng, 0.0, np.array([3.0]), start, scales)
    half = drift_paths.onward(rng, 0.0, np.array([1.2]), start, scales)
    twice = drift_paths.onward(rng, 1.2, np.array([3.0]), half.at(0), scales)
    one, other = (np.cov(states.d[0], states.v[0]) for states in (once, twice))
    assert other == pytest.approx(one, rel=0.02)
