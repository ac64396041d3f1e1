"""Risk of a loss, the choice, and break-evens: against closed forms, SciPy and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from forecaster.decisions.choice import (
    best_of,
    break_even_price,
    break_even_value,
    expected_value_of_information,
    flips,
    rating_of,
)
from forecaster.decisions.loss import Value, cvar, quantile, rated, regret
from forecaster.decisions.options import Offers, Option
from forecaster.prediction.curve_keys import CurveKey

KEY = CurveKey("d", "t", "net")
DRAWS = 400


def offers(chances, items, rest, penalty=100.0, idle_chance=0.1, seed=0):
    """Doing nothing, and purchases whose targets are reached with these chances, each draw by one common number."""
    luck = np.random.default_rng(seed).permutation((np.arange(DRAWS) + 0.5) / DRAWS)
    options = [Option(KEY, 1.0, 0.0, idle=True)]
    options += [
        Option(KEY, 2.0 + i, 1.0 + i, False, float(c), float(r))
        for i, (c, r) in enumerate(zip(items, rest, strict=True))
    ]
    reached = luck[:, None] < np.array([idle_chance, *chances])
    errors = np.full(reached.shape, 0.1)
    value = Value(target=0.05, penalty=penalty)
    return Offers(tuple(options), value, errors, reached, 0.01, np.ones(len(options), dtype=bool))


WORLDS = st.tuples(
    st.lists(st.floats(0.0, 1.0), min_size=4, max_size=4),
    st.lists(st.floats(1.0, 30.0), min_size=4, max_size=4),
    st.lists(st.floats(0.0, 10.0), min_size=4, max_size=4),
    st.floats(1.0, 300.0),
)


def built(drawn):
    """The offers of these numbers; a larger purchase costs more and reaches the target as often at least."""
    chances, items, rest, penalty = drawn
    return offers(sorted(chances), np.cumsum(items), rest, penalty)


def test_cvar_splits_atoms():
    """A cost of 1, and 10 more with a chance of 5 %: the worst tenth is half 11 and half 1."""
    loss = np.array([1.0] * 95 + [11.0] * 5)
    assert cvar(loss) == pytest.approx(6.0)
    beyond = loss[loss >= quantile(loss[:, None])[0]]
    assert beyond.mean() == pytest.approx(1.5)  # the mean beyond the quantile is not it


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-100.0, 100.0), min_size=1, max_size=60), st.sampled_from([0.5, 0.8, 0.9, 0.95]))
def test_cvar_is_the_minimum_of_rockafellar_and_uryasev(values, tail):
    loss = np.array(values)

    def bound(t):
        return t + np.maximum(loss - t, 0.0).mean() / (1.0 - tail)

    best = min(bound(t) for t in loss)  # it is convex and piecewise linear: its minimum lies at a loss
    found = minimize_scalar(bound, bounds=(loss.min() - 1.0, loss.max() + 1.0), method="bounded")
    assert cvar(loss, tail) == pytest.approx(best, abs=1e-6)
    assert cvar(loss, tail) <= found.fun + 1e-4


@settings(max_examples=30, deadline=None)
@given(WORLDS, st.sampled_from(["mean", "cvar", "regret"]))
def test_the_rating_is_that_of_the_losses(drawn, attitude):
    world = built(drawn)
    for price, value in ((1.0, 1.0), (0.3, 2.0)):
        loss = world.loss(price, value)
        by_hand = loss.mean(0)
        if attitude != "mean":
            by_hand = cvar(loss if attitude == "cvar" else loss - loss.min(1)[:, None])
        assert rating_of(world, attitude)(price, value) == pytest.approx(by_hand, abs=1e-9)
        assert rated(loss, attitude) == pytest.approx(by_hand, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(WORLDS)
def test_information_is_worth_the_expected_regret_of_the_best(drawn):
    world = built(drawn)
    loss = world.loss()
    found = expected_value_of_information(loss)
    assert found == pytest.approx(regret(loss).mean(0).min(), abs=1e-9)
    assert found == pytest.approx(min(column.mean() for column in loss.T) - loss.min(1).mean(), abs=1e-9)


def test_information_on_two_options_in_closed_form():
    """Buying for 30 is sure; doing nothing loses 100 with a chance of 40 %: knowing saves 30 six times in ten."""
    world = offers([1.0], [30.0], [0.0], penalty=100.0, idle_chance=0.6)
    assert expected_value_of_information(world.loss()) == pytest.approx(0.6 * 30.0)


@settings(max_examples=30, deadline=None)
@given(WORLDS)
def test_break_evens_of_the_mean_are_the_closed_forms(drawn):
    world = built(drawn)
    reach = world.reached.mean(0)
    gain = reach[1:] - reach[0]
    price = break_even_price(world, rating_of(world, "mean"))
    closed = max(0.0, np.max((world.value.penalty * gain - world.rest[1:]) / world.items[1:]))
    assert price == pytest.approx(closed, rel=1e-6, abs=1e-6)
    with np.errstate(divide="ignore"):
        penalty = np.min(np.where(gain > 0.0, (world.items + world.rest)[1:] / gain, np.inf))
    assert break_even_value(world, "mean") == pytest.approx(penalty, rel=1e-6)


@pytest.mark.parametrize("attitude", ["mean", "cvar", "regret"])
@pytest.mark.parametrize("seed", range(3))
def test_break_evens_and_flips_are_those_of_brute_force(attitude, seed):
    rng = np.random.default_rng(seed)
    world = offers(np.sort(rng.uniform(0.2, 1.0, 5)), np.cumsum(rng.uniform(2.0, 15.0, 5)), rng.uniform(0, 3, 5), 80.0)
    rating = rating_of(world, attitude)

    def best(price=1.0, value=1.0):
        return int(np.argmin(rated(world.loss(price, value), attitude)))

    prices = np.geomspace(0.01, 100.0, 1001)
    buying = [f for f in prices if best(price=f) > 0]
    assert break_even_price(world, rating) == pytest.approx(max(buying, default=0.0), rel=0.01)
    values = [f for f in prices if best(value=f) > 0]
    assert break_even_value(world, attitude) == pytest.approx(80.0 * min(values, default=np.inf), rel=0.01)
    for flip in flips(rating):
        which = {"price_list": "price", "value": "value"}[flip.what]
        way = 1.0 if flip.factor > 1.0 else -1.0
        assert best(**{which: flip.factor * (1.0 - 1e-4 * way)}) == best()
        assert best(**{which: flip.factor * (1.0 + 1e-4 * way)}) == flip.option != best()


def test_edges_have_an_answer():
    free = offers([0.9], [0.0], [0.0])
    assert break_even_price(free, rating_of(free, "mean")) == np.inf
    useless = offers([0.1], [5.0], [0.0])  # no more likely than doing nothing
    assert break_even_price(useless, rating_of(useless, "mean")) == 0.0
    assert break_even_value(useless, "mean") == np.inf
    worthless = offers([0.9], [5.0], [0.0], penalty=0.0)
    assert best_of(rating_of(worthless, "mean")(1.0, 1.0)) == 0
    assert break_even_value(worthless, "mean") == pytest.approx(5.0 / 0.8)
    nothing = worthless.only(np.array([True, False]))
    assert np.isnan(break_even_price(nothing, rating_of(nothing, "mean")))
