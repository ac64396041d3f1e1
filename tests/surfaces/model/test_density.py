"""The fast density against the PyMC model and a dense covariance; the drift's draws against its covariance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers.surfaces import design, table
from scipy import stats

from forecaster.surfaces.model import density, drift, pymc_model, simulate
from forecaster.surfaces.model.design import SurfaceDesign


def made_of(**more) -> SurfaceDesign:
    """A design in which some rows average runs and some repeat their data."""
    made = table()
    known = {"repeats": np.where(np.arange(len(made)) % 3, 1, 4), "unique_n": made["n"].where(made["n"] < 1e10, 6e9)}
    return design(made.assign(**known, **more))


@pytest.fixture(scope="module")
def repeated():
    return made_of()


@pytest.fixture(scope="module")
def untuned():
    """The same with reported noise, and runs that were left untuned."""
    sd = np.where(np.arange(16) % 4, 0.004, 0.02)
    return made_of(error_sd=np.where(np.arange(16) == 3, np.nan, sd), untuned=np.arange(16) % 5 == 0)


@pytest.mark.parametrize("of", ["repeated", "untuned"])
def test_it_is_the_density_of_the_pymc_model(of, request):
    made = request.getfixturevalue(of)
    values = simulate.parameters(np.random.default_rng(0), made, 5)
    fast = density.log_density(np, values, made, density.rotated(made))
    model = pymc_model.build(made)
    log_density = model.compile_fn(model.logp(), mode="FAST_COMPILE")
    slow = [log_density({"offset": (v - made.mean) / made.sd}) for v in values]
    np.testing.assert_allclose(fast + np.log(made.sd).sum(), slow, rtol=1e-9)


def test_runs_that_may_lie_above_are_normal_plus_half_normal(untuned):
    import jax

    rng = np.random.default_rng(4)
    value = simulate.parameters(rng, untuned, 1)
    untuned = simulate.with_losses(rng, untuned, value[0])
    noise, wander = (float(v[0, 0]) for v in density.variances(np, value))
    own = untuned.untuned
    level = density.law_at(np, value, own.x - own.x0, own.t, own.log_unique, own.t0)[0]
    found = float(density.log_likelihood_above(np, value, own)[0])
    wanted = 0.0
    for y, there, part in zip(own.y, level, own.relative, strict=True):
        scale, excess = np.sqrt(wander + part * noise), np.exp(value[0, 9])
        above = np.linspace(0.0, 12.0 * excess, 200_001)
        both = stats.norm.pdf(y - there - above, scale=scale) * stats.halfnorm.pdf(above, scale=excess)
        wanted += np.log(np.trapezoid(both, above))
    assert found == pytest.approx(wanted, rel=1e-4)
    with jax.enable_x64(True):
        assert float(density.log_likelihood_above(jax.numpy, value, own)[0]) == pytest.approx(found, rel=1e-9)


def test_simulated_untuned_runs_lie_above_by_the_mean_of_a_half_normal(untuned):
    value = untuned.mean.copy()
    value[9] = np.log(0.2)
    rng = np.random.default_rng(5)
    own = untuned.untuned
    level = density.law_at(np, value[None], own.x - own.x0, own.t, own.log_unique, own.t0)[0]
    rows = np.array([simulate.with_losses(rng, untuned, value).untuned.y - level for _ in range(2000)])
    assert rows.mean() == pytest.approx(0.2 * np.sqrt(2.0 / np.pi), rel=0.03)


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
