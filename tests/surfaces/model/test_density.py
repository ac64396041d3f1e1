"""The fast density against the PyMC model and a dense covariance; the drift's draws against its covariance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers.surfaces import design, table
from scipy import stats

from forecaster.surfaces.model import density, drift, pymc_model, simulate


@pytest.fixture(scope="module")
def repeated():
    """A design in which some rows average runs and some repeat their data."""
    made = table()
    made = made.assign(
        repeats=np.where(np.arange(len(made)) % 3, 1, 4), unique_n=made["n"].where(made["n"] < 1e10, 6e9)
    )
    return design(made)


def test_it_is_the_density_of_the_pymc_model(repeated):
    values = simulate.parameters(np.random.default_rng(0), repeated, 5)
    fast = density.log_density(np, values, repeated, density.rotated(repeated))
    model = pymc_model.build(repeated)
    log_density = model.compile_fn(model.logp(), mode="FAST_COMPILE")
    slow = [log_density({"offset": (v - repeated.mean) / repeated.sd}) for v in values]
    np.testing.assert_allclose(fast + np.log(repeated.sd).sum(), slow, rtol=1e-9)


def test_it_is_that_of_a_dense_normal_and_of_jax(repeated):
    import jax

    value = simulate.parameters(np.random.default_rng(1), repeated, 1)
    data = density.rotated(repeated)
    noise, wander = (float(v[0, 0]) for v in density.variances(np, value))
    covariance = wander * drift.correlation(np, repeated.places, repeated.places, repeated.card.memory)
    covariance += noise * np.diag(repeated.relative)
    level = density.law_at(np, value, data.u, data.t, data.log_unique, data.t0)[0]
    wanted = stats.multivariate_normal(level, covariance).logpdf(repeated.y)
    assert density.log_likelihood(np, value, data)[0] == pytest.approx(wanted, rel=1e-9)
    with jax.enable_x64(True):
        assert float(density.log_likelihood(jax.numpy, value, data)[0]) == pytest.approx(wanted, rel=1e-9)


def test_repeated_data_move_the_law_and_nothing_else_does(repeated):
    value = repeated.mean[None]
    fresh = replace(repeated, log_unique=repeated.t)
    one, other = (density.rotated(d) for d in (repeated, fresh))
    apart = density.law_at(np, value, one.u, one.t, one.log_unique, one.t0) - density.law_at(
        np, value, other.u, other.t, other.log_unique, other.t0
    )
    again = repeated.log_unique < repeated.t
    assert (apart[0, again] > 0).all()
    assert np.abs(apart[0, ~again]).max() < 1e-12


def test_draws_of_the_drift_have_its_covariance():
    rng = np.random.default_rng(2)
    places = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, -1.5], [2.0, 2.0]])
    waves = drift.Waves.drawn(rng, 20_000, memory=1.5, waves=8)
    drawn = waves.at(places)
    np.testing.assert_allclose(drawn.T @ drawn / len(drawn), drift.correlation(np, places, places, 1.5), atol=0.04)


def test_simulated_losses_scatter_as_the_density_says():
    made = design()
    value = made.mean.copy()
    rng = np.random.default_rng(3)
    data = density.rotated(made)
    level = density.law_at(np, value[None], data.u, data.t, data.log_unique, data.t0)[0]
    noise, wander = (float(v[0, 0]) for v in density.variances(np, value[None]))
    rows = np.array([simulate.with_losses(rng, made, value).y - level for _ in range(3000)])
    wanted = wander * drift.correlation(np, made.places, made.places, made.card.memory) + noise * np.eye(len(level))
    np.testing.assert_allclose(np.cov(rows.T), wanted, atol=0.12 * wanted[0, 0])
