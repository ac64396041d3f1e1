"""The law against the form of the papers, its published optimum, and its limits."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.surfaces import BESIROGLU, loss, parameters_of
from scipy.optimize import minimize_scalar

from forecaster.surfaces.model import law

X0, T0 = np.log(1e9), np.log(3e10)
SHAPES = pytest.mark.parametrize("k", [0.5, 1.0, 2.0, 5.0])


def coupled(k: float) -> law.Constants:
    return BESIROGLU._replace(k=k)


@SHAPES
def test_it_is_the_law_of_the_papers_by_another_reference(k):
    constants = coupled(k)
    params, n = np.geomspace(1e7, 1e12, 7), np.geomspace(1e8, 1e13, 7)
    found = law.log_loss(np, np.log(params) - X0, np.log(n) - T0, parameters_of(constants, X0, T0))
    np.testing.assert_allclose(np.exp(found), loss(constants, params, n), rtol=1e-9)


@SHAPES
def test_constants_and_parameters_are_inverse(k):
    there = parameters_of(coupled(k), X0, T0)
    np.testing.assert_allclose(law.constants_of(np, there, X0, T0), coupled(k), rtol=1e-9)


@SHAPES
def test_slopes_at_the_reference_are_exponents_times_shares(k):
    there = parameters_of(coupled(k), X0, T0)
    share = 1.0 / (1.0 + np.exp(-there.share_logit))
    step = 1e-5
    by_size, by_data = (
        (law.log_reducible(np, step * u, step * v, there) - law.log_reducible(np, -step * u, -step * v, there))
        / (2 * step)
        for u, v in ((1.0, 0.0), (0.0, 1.0))
    )
    assert by_size == pytest.approx(-BESIROGLU.a * share, rel=1e-6)
    assert by_data == pytest.approx(-BESIROGLU.b * (1 - share), rel=1e-6)


@pytest.mark.parametrize(
    ("flops", "params", "n", "value"), [(1e21, 2.778e9, 6.00e10, 2.3055), (5.76e23, 7.225e10, 1.329e12, 1.9744)]
)
def test_the_optimum_is_the_published_one(flops, params, n, value):
    x = law.log_best_size(np, BESIROGLU, np.log(flops / 6.0))
    assert np.exp(x) == pytest.approx(params, rel=1e-3)
    assert flops / 6.0 / np.exp(x) == pytest.approx(n, rel=1e-3)
    assert loss(BESIROGLU, np.exp(x), flops / 6.0 / np.exp(x)) == pytest.approx(value, abs=1e-4)


def test_the_optimum_has_the_published_factor_and_exponent():
    near, far = (float(law.log_best_size(np, BESIROGLU, log_product)) for log_product in (0.0, 1.0))
    assert np.exp(near) == pytest.approx(0.11963, rel=1e-4)
    assert far - near == pytest.approx(0.51261, abs=1e-5)


@SHAPES
def test_the_optimum_is_where_a_search_finds_it(k):
    constants, log_product = coupled(k), np.log(1e22 / 6.0)
    found = minimize_scalar(
        lambda x: loss(constants, np.exp(x), np.exp(log_product - x)), bounds=(15.0, 30.0), method="bounded"
    )
    assert float(law.log_best_size(np, constants, log_product)) == pytest.approx(found.x, abs=1e-3)


def test_namespaces_agree():
    import jax.numpy as jnp
    import pytensor.tensor as pt

    there = parameters_of(coupled(1.7), X0, T0)
    u, v, log_unique = np.array([-2.0, 1.0]), np.array([3.0, -1.0]), np.array([24.0, 22.0])
    wanted = law.log_loss(np, u, v, there)
    np.testing.assert_allclose(law.log_loss(jnp, u, v, there), wanted, rtol=1e-5)
    np.testing.assert_allclose(law.log_loss(pt, pt.as_tensor(u), pt.as_tensor(v), there).eval(), wanted)
    worth = law.log_effective(np, v + 25.0, log_unique, np.log(15.4))
    np.testing.assert_allclose(law.log_effective(jnp, v + 25.0, log_unique, np.log(15.4)), worth, rtol=1e-5)
    np.testing.assert_allclose(law.log_effective(pt, pt.as_tensor(v + 25.0), log_unique, np.log(15.4)).eval(), worth)


@pytest.mark.parametrize("times", [1.0, 1.5, 4.0, 40.0])
def test_repeated_data_are_worth_what_the_source_says(times):
    unique, halving = 1e9, 15.4
    again = times - 1.0
    wanted = unique + unique * halving * (1.0 - np.exp(-again / halving))
    found = law.log_effective(np, np.log(times * unique), np.log(unique), np.log(halving))
    assert np.exp(found) == pytest.approx(wanted, rel=1e-9)
    assert np.exp(found) <= times * unique * (1 + 1e-9)
