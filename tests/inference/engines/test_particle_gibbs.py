"""Particle Gibbs against a posterior in closed form; its parts against what they claim; broken twins that must fail.

The likelihood here is normal in every quantity of a curve, so that the centres whose spreads the card fixes have a
normal posterior that a pencil can find. Clouds are 64 particles from the prior, in seven dimensions, far too few to be
right by themselves: what makes the draws right is that every walker keeps its own particle in the running.
"""

from __future__ import annotations

import numpy as np
import pytest
from helpers.conjugate import CURVES, batch_of_curves, errors_of_centres, likelihood_of, measured_of
from scipy import stats

from forecaster.inference.engines import (
    clouds,
    conditionals,
    likelihoods,
    mixing,
    mixtures,
    nested,
    particle_gibbs,
    sampling,
)
from forecaster.inference.engines.mixtures import Mixture
from forecaster.model.density import LevelLikelihood

SMALL = nested.Effort(draws=500, particles=124, hypers=128, walkers=60, candidates=20, kept=100, worth=0.0)


@pytest.fixture(scope="module")
def batch() -> likelihoods.Batch:
    return batch_of_curves()


@pytest.fixture(scope="module")
def measured(batch) -> tuple[np.ndarray, np.ndarray]:
    return measured_of(batch)


def sampled(monkeypatch, batch, measured, seed: int = 0, effort=SMALL, fitted: bool = False) -> sampling.Draws:
    likelihood = likelihood_of(measured)
    monkeypatch.setattr(likelihoods, "likelihood_of", lambda *_: likelihood)
    monkeypatch.setattr(
        nested, "adapted", lambda rng, batch, likelihood, room, effort: nested.at_the_prior(batch, effort)
    )
    if effort.starts == 1:  # in the prior's own units, in which clouds are from the prior
        monkeypatch.setattr(nested, "together", lambda batch, starts: nested.Proposals(*starts[0][:3], None, None))
    if not fitted:
        monkeypatch.setattr(sampling.particle_gibbs, "fitted", lambda rng, batch, proposals, *_: proposals)
    return sampling.posterior(np.random.default_rng(seed), batch, CURVES, effort)


def test_small_clouds_give_the_posterior(monkeypatch, batch, measured):
    found = sampled(monkeypatch, batch, measured)
    assert found.hyper_memory.max() < SMALL.memory
    assert found.hyper_ess.min() > 100
    np.testing.assert_array_less(np.abs(errors_of_centres(found, batch, measured)), 4.0)


def test_draws_that_cannot_be_trusted_are_made_afresh(monkeypatch, batch, measured):
    """Thrice, with proposals fitted to those before; what comes of it is the posterior too."""
    few = SMALL._replace(kept=30, sweeps=100)
    monkeypatch.setattr(mixing, "LEAST_ESS", np.inf)
    found = sampled(monkeypatch, batch, measured, effort=few, fitted=True)
    assert found.sweeps[0] >= few.fitting + len(sampling.AFRESH) * few.kept + few.sweeps - 1
    assert found.hyper_ess.min() > 100
    np.testing.assert_array_less(np.abs(errors_of_centres(found, batch, measured)), 4.0)


def test_draws_of_several_adaptations_are_the_posterior(monkeypatch, batch, measured):
    found = sampled(monkeypatch, batch, measured, effort=SMALL._replace(starts=4), fitted=True)
    assert found.hyper_ess.min() > 100
    np.testing.assert_array_less(np.abs(errors_of_centres(found, batch, measured)), 4.0)


FAR = 6.0  # prior standard deviations between two modes


def starts_at(batch, *places: float) -> list[nested.Start]:
    """Adaptations that ended, narrow, at these centres in units of their prior."""
    begin = nested.at_the_prior(batch, SMALL)

    def at(mixture: Mixture, place: float) -> Mixture:
        return Mixture.of(mixture.weight, mixture.mean + place, 0.1 * mixture.chol)

    return [begin._replace(curves=at(begin.curves, p), hypers=at(begin.hypers, p)) for p in places]


def after_walkers_left(batch, starts: list[nested.Start]) -> float:
    """Log density that proposals of hyper-parameters keep at ``FAR``, once fitted to walkers that all are near zero."""
    rng = np.random.default_rng(0)
    hyper = batch.mean[:, None] + 0.1 * batch.sd[:, None] * rng.standard_normal((1, 240, 10))
    values = nested.pooled_prior(batch, batch.mean, batch.sd**2).mean[:, None] + 0.1 * rng.standard_normal((4, 240, 8))
    how = particle_gibbs.Fit(4, 4, 1.25, 0.5)
    fitted = particle_gibbs.fitted(rng, batch, nested.together(batch, starts), hyper, values, how)
    return float(mixtures.proposal_logpdf(fitted.hypers, np.full((1, 1, 10), FAR))[0, 0])


def test_a_mode_that_walkers_have_left_is_still_proposed(batch):
    there = float(mixtures.proposal_logpdf(starts_at(batch, FAR)[0].hypers, np.full((1, 1, 10), FAR))[0, 0])
    kept = after_walkers_left(batch, starts_at(batch, 0.0, FAR))
    assert kept == pytest.approx(there + np.log(particle_gibbs.FIRST / 2), abs=0.01)
    assert after_walkers_left(batch, starts_at(batch, FAR)) < kept - 50  # the twin: one adaptation, which is not kept


def test_each_chain_begins_where_an_adaptation_ended(monkeypatch, batch, measured):
    begun = []

    def noted(rng, batch, likelihood, room, proposals, effort):
        begun.append(float(proposals.hypers.mean.mean()))
        return START(rng, batch, likelihood, room, proposals, effort)

    ends = iter(starts_at(batch, 0.0, 0.1, 0.2, 0.3))
    monkeypatch.setattr(particle_gibbs, "start", noted)
    monkeypatch.setattr(nested, "at_the_prior", lambda *_: next(ends))
    sampled(monkeypatch, batch, measured, effort=SMALL._replace(starts=4, kept=2, sweeps=8), fitted=True)
    np.testing.assert_allclose(begun, [0.0, 0.1, 0.2, 0.3], atol=1e-12)


START = particle_gibbs.start


def without_its_own(self, seen, log_own, uniform, pool):
    """A twin that never stays where it is."""
    return PICK(self, seen, None, uniform, pool)


def without_refusal(hyper, batch, values, integrated):
    """A twin that takes every step."""
    return np.zeros(values.shape[:2])


PICK = clouds.Clouds.pick
TWINS = {
    "own particle": (clouds.Clouds, "pick", without_its_own),
    "refused steps": (conditionals, "log_given", without_refusal),
}


@pytest.mark.parametrize("twin", TWINS)
def test_broken_twins_are_caught(monkeypatch, batch, measured, twin):
    monkeypatch.setattr(*TWINS[twin])
    found = sampled(monkeypatch, batch, measured)
    assert np.abs(errors_of_centres(found, batch, measured)).max() > 4.0


# What draws are worth -------------------------------------------------------------------------------


def walked(rho: float, shared: float, sweeps: int = 200, seed: int = 0) -> np.ndarray:
    """Draws [sweep, chain, 1, walker, 2] with correlation ``rho`` from sweep to sweep.

    ``shared`` of the variance is common to the walkers of a chain.
    """
    rng = np.random.default_rng(seed)
    own, common = rng.standard_normal((sweeps, 4, 1, 50, 2)), rng.standard_normal((sweeps, 4, 1, 1, 2))
    noise = np.sqrt(1 - shared) * own + np.sqrt(shared) * common
    for k in range(1, sweeps):
        noise[k] = rho * noise[k - 1] + np.sqrt(1 - rho**2) * noise[k]
    return noise


@pytest.mark.parametrize(("rho", "shared"), [(0.0, 0.0), (0.5, 0.0), (0.0, 0.1), (0.5, 0.1)])
def test_effective_numbers_are_those_of_an_autoregression(rho, shared):
    """Known: variance of a mean of m walkers is shared + (1 - shared) / m; sweeps are worth (1 - rho) / (1 + rho)."""
    found = mixing.effective(walked(rho, shared))[0]
    expected = 800 / (shared + (1 - shared) / 50) * (1 - rho) / (1 + rho)
    assert found == pytest.approx(expected, rel=0.25)


def test_draws_that_do_not_move_are_worth_a_few_a_chain_at_most():
    still = np.repeat(np.random.default_rng(0).standard_normal((1, 4, 1, 50, 2)), 40, 0)
    still[:] += np.random.default_rng(1).standard_normal((1, 4, 1, 1, 2))
    assert mixing.effective(still)[0] < 20.0  # of 8,000


def test_memory_is_the_product_of_correlations():
    draws = walked(0.5, 0.0, sweeps=5)
    chains = [[draws[k, c] for c in range(4)] for k in range(5)]
    memory = mixing.Memory.fresh(chains[0])
    np.testing.assert_array_equal(memory.left, 1.0)
    for each in chains[1:3]:
        memory = memory.after(each)
    np.testing.assert_allclose(memory.left, 0.25, atol=0.15)
    still = mixing.Memory.fresh(chains[0]).after([np.zeros_like(c) for c in chains[0]])
    np.testing.assert_array_equal(still.left, 1.0)  # a walker that never moves remembers everything


# Their proposals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("independent", [True, False])
def test_components_have_their_probabilities(independent):
    weights = np.array([[0.1, 0.2, 0.7], [0.25, 0.25, 0.5]])
    means = np.broadcast_to(np.array([[-100.0], [0.0], [100.0]]), (2, 3, 1))
    mixture = Mixture.of(weights, means, np.ones((2, 3, 1, 1)))
    points, _ = mixtures.sample(np.random.default_rng(0), mixture, 20_000, independent=independent)
    shares = np.stack([(abs(points - mean) < 50).mean((1, 2)) for mean in (-100.0, 0.0, 100.0)], 1)
    drawn = (1 - mixtures.DEFENSIVE) * weights + mixtures.DEFENSIVE * np.array([0.0, 1.0, 0.0])
    np.testing.assert_allclose(shares, drawn, atol=0.015)


def test_steps_are_even_and_as_wide_as_the_components():
    chol = np.array([[[[0.5, 0.0], [0.3, 0.4]], [[0.8, 0.0], [-0.4, 0.6]]]])
    mixture = Mixture.of(np.array([[0.3, 0.7]]), np.array([[[-2.0, 0.0], [1.5, 1.0]]]), chol)
    steps = mixtures.steps(np.random.default_rng(0), mixture, 200_000)[0]
    within = np.einsum("m,mij,mkj->ik", mixture.weight[0], chol[0], chol[0])
    low, high = mixtures.SMALLEST, mixtures.LARGEST
    size = (high**2 - low**2) / (2.0 * np.log(high / low)) * 2.38**2 / 2  # mean of squares of a log-uniform length
    np.testing.assert_allclose(steps.T @ steps / len(steps), size * within, rtol=0.05, atol=0.01)
    np.testing.assert_allclose((steps**3).mean(0), 0.0, atol=0.1)  # a lopsided walk would need a correction


def test_walkers_far_out_count_for_more_when_proposals_are_fitted():
    """A mixture fitted to them has more of its mass there; with no weight on ranks they count alike."""
    points = np.random.default_rng(0).standard_normal((2, 4_000, 5))
    np.testing.assert_allclose(particle_gibbs._by_rank(points, 0.0), 1 / 4_000)
    weights = particle_gibbs._by_rank(points, 0.5)
    np.testing.assert_allclose(weights.sum(1), 1.0)
    far = abs(points) > 2.0
    assert np.average(far, weights=np.broadcast_to(weights[..., None], far.shape)) > 1.3 * far.mean()
    np.testing.assert_array_equal(weights, particle_gibbs._by_rank(np.sinh(points), 0.5))  # ranks alone matter


def test_weights_are_those_of_double_precision(batch):
    """Far below the largest, too, where single precision has no numbers left."""
    rng = np.random.default_rng(0)
    units = nested.at_the_prior(batch, SMALL).units
    values = rng.standard_normal((CURVES, 256, 8))
    flat = LevelLikelihood(*(np.ones((CURVES, 256)) for _ in range(3)))
    cloud = clouds.Cloud(units, values, 30.0 * rng.standard_normal((CURVES, 256)), flat)
    hyper = batch.mean[:, None] + batch.sd[:, None] * rng.standard_normal((1, 300, 10))
    factors, constant = clouds.coefficients_of(hyper, batch, units)
    spread = np.concatenate([np.exp(hyper[0, :, -2:]), np.tile(batch.spread_fixed[0], (300, 1))], 1)
    centre, width = (hyper[0, :, :-2] - units.mean[:, None]) / units.sd[:, None], spread / units.sd[:, None]
    exact = stats.norm(centre[:, None], width[:, None]).logpdf(values[:, :, None]).sum(-1) + cloud.log_weight[..., None]
    exact += 4.0 * np.log(2.0 * np.pi) - constant[:, None]
    view = clouds.Clouds.of(cloud, batch)
    seen = view.seen(factors, constant, likelihoods.InTurn())
    np.testing.assert_allclose(seen.log_sum() + view.top[:, None], np.logaddexp.reduce(exact, 1), 1e-6, 1e-3)
    cells = np.exp(exact - exact.max(1, keepdims=True)).reshape(CURVES, -1, clouds.CELL, 300).sum(2).swapaxes(1, 2)
    np.testing.assert_allclose(seen.cells, cells, rtol=1e-3, atol=1e-6)
