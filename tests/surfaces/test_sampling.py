"""The sampler against quadrature-free truths: a known normal target, NUTS, and simulation-based calibration."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.surfaces import design, table
from scipy import stats

from forecaster.inference.importance import sampler
from forecaster.surfaces.model import simulate
from forecaster.surfaces.model.card import QUANTITIES
from forecaster.surfaces.posterior import sampling

RANKED = 49


def test_the_same_seed_gives_the_same_draws():
    made = design()
    one, other, third = (sampling.sample(made, seed=seed).values for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, other)
    assert not np.array_equal(one, third)


def test_it_finds_a_narrow_normal_posterior_in_closed_form():
    d = len(QUANTITIES)
    rng = np.random.default_rng(0)
    half = rng.standard_normal((d, d)) / np.sqrt(d)
    precision = np.eye(d) + 400.0 * half @ half.T
    covariance = np.linalg.inv(precision)
    mean = covariance @ (precision - np.eye(d)) @ np.full(d, 0.7)

    def target(points):
        off = points - 0.7
        return -0.5 * np.einsum("pi,ij,pj->p", off, precision - np.eye(d), off)

    mixture = sampler.adapted(rng, sampling.first_proposals(target), target, sampler.POINTS)
    found = sampling.weighted(rng, mixture, target, design(), 2 * sampler.POINTS)
    z = (found.values.reshape(-1, d) - design().mean) / design().sd
    sd = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose((z.mean(0) - mean) / sd, 0.0, atol=0.12)
    np.testing.assert_allclose(z.std(0) / sd, 1.0, atol=0.1)
    assert found.trusted


def test_draws_that_stand_at_few_points_are_not_trusted():
    found = sampling.sample(design(), seed=0)
    stuck = sampling.SurfaceDraws(found.values, 30.0, found.r_hat, "importance")
    apart = sampling.SurfaceDraws(found.values, found.ess, 1.2, "importance")
    assert found.trusted
    assert not stuck.trusted
    assert not apart.trusted


def ranks(simulations: int, *, widen: float = 1.0) -> np.ndarray:
    """Ranks of the true parameters among posterior draws, [simulation, quantity]; ``widen`` spoils the draws."""
    made = design(table(params=(1e8, 4e8, 2e9, 8e9)))
    out = []
    for seed in range(simulations):
        rng = np.random.default_rng([seed, 3])
        truth = simulate.parameters(rng, made, 1)[0]
        found = sampling.sample(simulate.with_losses(rng, made, truth), seed=seed).values.reshape(-1, len(truth))
        found = found.mean(0) + widen * (found - found.mean(0))
        some = found[rng.permutation(len(found))[:RANKED]]
        out.append((some < truth).sum(0))
    return np.array(out)


def uniform(found: np.ndarray, bins: int) -> np.ndarray:
    """p-values of chi-square tests of uniform ranks, of each quantity."""
    counts = [np.bincount(column * bins // (RANKED + 1), minlength=bins) for column in found.T]
    return np.array([stats.chisquare(c).pvalue for c in counts])


def test_ranks_of_simulated_truths_are_uniform():
    p = uniform(ranks(16), 4)
    assert p.min() > 1e-3 / len(p)


@pytest.mark.slow
def test_ranks_of_many_simulated_truths_are_uniform_and_a_broken_twin_is_caught():
    p = uniform(ranks(400), 10)
    print(dict(zip(QUANTITIES, p.round(3), strict=True)))
    assert p.min() > 1e-3 / len(p)
    assert uniform(ranks(400, widen=0.6), 10).min() < 1e-6


@pytest.mark.slow
def test_nuts_draws_the_same_posterior():
    made = design()
    fast, slow = (sampling.sample(made, seed=0, engine=engine) for engine in ("importance", "nuts"))
    one, other = (found.values.reshape(-1, len(QUANTITIES)) for found in (fast, slow))
    assert slow.trusted
    apart = (one.mean(0) - other.mean(0)) / other.std(0)
    print(dict(zip(QUANTITIES, apart.round(3), strict=True)))
    assert np.abs(apart).max() < 0.15
    for share in (0.05, 0.5, 0.95):
        beyond = np.array([(o < np.quantile(i, share)).mean() for o, i in zip(other.T, one.T, strict=True)])
        assert np.abs(beyond - share).max() < 0.05
