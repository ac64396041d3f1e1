"""The law of a learning curve: the identities it must obey, on a catalogue of curves, in three array libraries."""

from __future__ import annotations

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from helpers.inverse_law import log_size_needed
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.model import law as laws

X = np.log(np.geomspace(10.0, 1e9, 25))
X_REF = np.log(1e6)


def curve(exponent, *, error=0.2, turn=1e3, floor=0.1, sharpness=1.0):
    """Arguments of the law: ``error`` at a million examples, of which the share ``floor`` never goes away;
    the plateau turns at ``turn`` examples."""
    return np.array([np.log(error), np.log(exponent), np.log(turn), np.log(floor) - np.log1p(-floor), sharpness])


CATALOGUE = {
    "translation": curve(0.128, error=2.5, floor=0.3),
    "word language modelling": curve(0.066, error=4.5, floor=0.5),
    "images, top-1": curve(0.309, error=0.3, turn=2e4, floor=0.2),
    "images, top-5": curve(0.488, error=0.1, turn=2e4, floor=0.1),
    "speech": curve(0.299, error=0.08, floor=0.3),
    "pure power law": curve(0.3, turn=1e-9, floor=1e-9),
    "all floor": curve(0.5, floor=1.0 - 1e-6),
    "steep": curve(2.0, error=1e-3),
    "nearly flat": curve(1e-3),
    "break beyond the data": curve(0.4, turn=1e8),
    "sharp break": curve(0.4, turn=3e4, sharpness=0.05),
    "blunt break": curve(0.4, sharpness=5.0),
}


def law(parameters, x=X):
    return laws.log_error(np, x, X_REF, *parameters)


curves = st.builds(
    lambda level, log_exponent, log_break, floor_logit, log_sharpness: np.array(
        [level, log_exponent, log_break, floor_logit, np.exp(log_sharpness)]
    ),
    st.floats(-5.0, 2.0),
    st.floats(-5.0, 0.7),
    st.floats(0.0, 18.0),
    st.floats(-12.0, 6.0),
    st.floats(-2.0, 1.5),
)


@pytest.fixture(params=CATALOGUE)
def known(request):
    return CATALOGUE[request.param]


def test_a_law_that_hardly_falls_keeps_its_digits():
    """Below and above the size at which the series takes over, against NumPy's own small-value functions."""
    decayed = -np.geomspace(1e-18, 1e-2, 400)
    for floor_logit in (-9.0, -1.0, 0.0, 3.0):
        falling = 1.0 / (1.0 + np.exp(floor_logit))
        expected = np.log1p(falling * np.expm1(decayed))
        assert laws.log_shape(np, decayed, floor_logit) == pytest.approx(expected, rel=1e-9)


def test_three_libraries_give_the_same_numbers(known):
    expected = law(known)
    with jax.enable_x64(True):
        by_jax = jax.jit(lambda x, p: laws.log_error(jnp, x, X_REF, *p))(X, known)
        np.testing.assert_allclose(by_jax, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(compiled()(X, known), expected, rtol=1e-12, atol=1e-12)


@cache
def compiled():
    x, p = pt.dvector("x"), pt.dvector("p")
    return pytensor.function([x, p], laws.log_error(pt, x, X_REF, *(p[i] for i in range(5))), mode="FAST_COMPILE")


def test_catalogue_falls_and_never_passes_its_floor(known):
    found = law(known)
    assert (np.diff(found) <= 1e-15).all()
    assert (np.exp(found) >= laws.floor(np, known[0], known[3]) * (1 - 1e-12)).all()


@settings(max_examples=200, deadline=None)
@given(curves)
def test_any_curve_falls_from_its_plateau_to_its_floor(parameters):
    found = law(parameters)
    assert (np.diff(found) <= 1e-13).all()
    assert law(parameters, X_REF) == pytest.approx(parameters[0], abs=1e-12)
    floor = laws.floor(np, parameters[0], parameters[3])
    assert floor <= np.exp(found.min()) * (1 + 1e-12)
    assert floor < np.exp(parameters[0])


@settings(max_examples=200, deadline=None)
@given(curves, st.floats(0.0, 30.0))
def test_size_needed_inverts_the_law(parameters, x):
    target = law(parameters, x)
    needed = log_size_needed(target, X_REF, *parameters)
    if np.isfinite(needed):
        # Where the curve is flat a size cannot be told from its neighbours; its error can.
        assert law(parameters, needed) == pytest.approx(float(target), abs=1e-9)
    else:
        flat = abs(float(target - law(parameters, x + 1.0 if needed > 0 else x - 1.0)))
        assert flat < 1e-9


def test_size_needed_is_the_size_on_the_power_law():
    for name in ("translation", "images, top-1", "speech", "steep"):
        known = CATALOGUE[name]
        sizes = np.log(np.geomspace(1e4, 1e8, 9))
        needed = log_size_needed(law(known, sizes), X_REF, *known)
        np.testing.assert_allclose(needed, sizes, rtol=1e-8, err_msg=name)


def test_floor_is_the_limit(known):
    far = law(known, 1e6)
    assert np.exp(far) == pytest.approx(float(laws.floor(np, known[0], known[3])), rel=1e-9)


def test_alpha_is_the_asymptote(known):
    """Far beyond the break, error - floor is alpha * n ** -exponent."""
    level, log_exponent, log_break, floor_logit, sharpness = known
    x = log_break + 40.0 * max(sharpness, 1.0)
    exponent = np.exp(log_exponent)
    reducible = level - laws.softplus(np, floor_logit) + laws.decay(np, x, X_REF, exponent, log_break, sharpness)
    log_alpha = laws.log_alpha(np, X_REF, *known)
    assert log_alpha - exponent * x == pytest.approx(float(reducible), abs=1e-9)
    whole = np.exp(log_alpha - exponent * x) + laws.floor(np, level, floor_logit)
    assert np.log(whole) == pytest.approx(float(law(known, x)), abs=1e-9)


def test_below_the_floor_no_size_is_enough(known):
    below = np.log(laws.floor(np, known[0], known[3])) - np.array([1e-6, 0.1, 10.0])
    assert (log_size_needed(below, X_REF, *known) == np.inf).all()


def test_above_the_plateau_any_size_is_enough(known):
    above = law(known, -1e4) + np.array([1e-3, 0.1, 10.0])
    assert (log_size_needed(above, X_REF, *known) == -np.inf).all()


def test_three_regions(known):
    """The slope goes from none, through half the exponent at the break, to the exponent."""
    _, log_exponent, log_break, _, sharpness = known
    exponent = np.exp(log_exponent)
    at = log_break + sharpness * np.array([-30.0, 0.0, 30.0])
    step = 1e-4 * sharpness
    slope = np.diff(
        [laws.decay(np, at + s * step, X_REF, exponent, log_break, sharpness) for s in (-0.5, 0.5)], axis=0
    )[0]
    np.testing.assert_allclose(slope / step, [0.0, -exponent / 2, -exponent], atol=1e-6 * exponent)
