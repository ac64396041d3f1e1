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

from forecaster.inference.engines.ensemble import convergence, run
from forecaster.inference.engines.ensemble import settings as tuned
from forecaster.inference.engines.ensemble.batch import Batch
from forecaster.inference.engines.ensemble.chains import Ensemble
from forecaster.inference.engines.ensemble.executors import Serial
from forecaster.inference.engines.ensemble.kernels import adaptation, particle_clouds
from forecaster.inference.engines.ensemble.kernels.particle_clouds import Cloud
from forecaster.inference.engines.ensemble.kernels.particle_gibbs import ParticleGibbs
from forecaster.inference.engines.ensemble.likelihood import Target
from forecaster.inference.engines.ensemble.settings import Settings
from forecaster.inference.importance import settings as proposals
from forecaster.inference.importance import student_mixture
from forecaster.inference.importance.student_mixture import Mixture
from forecaster.model.density import LevelLikelihood

SMALL = Settings(draws=500, particles=124, initial_hypers=128, walkers=60, candidates=20, kept=100, efficiency=0.0)


@pytest.fixture(scope="module")
def batch() -> Batch:
    return batch_of_curves()


@pytest.fixture(scope="module")
def measured(batch) -> tuple[np.ndarray, np.ndarray]:
    return measured_of(batch)


class Unfitted(ParticleGibbs):
    """Whose proposals stay the prior, in its own units."""

    def refitted(self, rng, hyper, values, how):
        return self


def sampled(batch, measured, effort=SMALL, kernel=Unfitted, check=run.checked) -> run.Draws:
    target = Target.of(batch, likelihood_of(measured))
    begin = kernel(target, adaptation.at_the_prior(batch, effort), effort)
    evaluations = np.zeros(CURVES, int)
    return run.sampled(np.random.default_rng(0), begin, effort, Serial(), evaluations, check=check)


def test_small_clouds_give_the_posterior(batch, measured):
    found = sampled(batch, measured)
    assert found.hyper_memory.max() < SMALL.memory
    assert found.hyper_ess.min() > 100
    np.testing.assert_array_less(np.abs(errors_of_centres(found, batch, measured)), 4.0)
    each = (SMALL.particles - SMALL.walkers) // tuned.CELL * tuned.CELL + SMALL.walkers
    first = SMALL.adaptation_particles // tuned.CELL * tuned.CELL
    assert (found.evaluations >= SMALL.chains * (first + each * found.sweeps[0])).all()  # more after retries


def test_draws_that_cannot_be_trusted_are_made_afresh(batch, measured):
    """With proposals fitted to those before, as often as there are retries; what comes of it is the posterior too."""
    few = SMALL._replace(kept=30, sweeps=100)

    def doubtful(ensemble, effort):
        now = run.checked(ensemble, effort)
        return now if len(ensemble.kept) == few.sweeps else now._replace(hyper_ess=np.zeros_like(now.hyper_ess))

    found = sampled(batch, measured, few, ParticleGibbs, doubtful)
    assert found.sweeps[0] >= few.refits + len(tuned.RETRIES) * few.kept + few.sweeps - 1
    assert found.hyper_ess.min() > 100
    np.testing.assert_array_less(np.abs(errors_of_centres(found, batch, measured)), 4.0)


class NeverStays(Unfitted):
    """A twin whose walkers never stay at their own particles."""

    def _pick(self, cloud, weights, log_own, uniform):
        return cloud.pick(weights, None, uniform, self.pool)


class NeverRefuses(Unfitted):
    """A twin whose walkers take every step."""

    def _log_ratio(self, state, tried, integrated):
        return np.zeros(tried.shape[:2])


@pytest.mark.parametrize("twin", [NeverStays, NeverRefuses])
def test_broken_twins_are_caught(batch, measured, twin):
    found = sampled(batch, measured, kernel=twin)
    assert np.abs(errors_of_centres(found, batch, measured)).max() > 4.0


# When a group stops ---------------------------------------------------------------------------------


def iid(now: run.Checked, ess: float) -> run.Checked:
    """In place of what was found: draws whose R-hat is one, and this effective size of all."""
    rng = np.random.default_rng(0)
    return run.Checked(
        rng.standard_normal(now.hyper.shape),
        rng.standard_normal(now.values.shape),
        np.full_like(now.hyper_ess, ess),
        np.full_like(now.curve_ess, ess),
        np.full_like(now.least_ess, ess),
    )


STOPPING = Settings(walkers=60, particles=124, initial_hypers=128, draws=400, kept=4, efficiency=1000 / 1600)


@pytest.mark.parametrize(("said", "counts"), [((3000.0, 2000.0), 2000.0), ((900.0, 3000.0, 2000.0), 2000.0)])
def test_two_checks_running_must_say_enough_and_the_lesser_counts(batch, measured, said, counts):
    """Draws are to be worth 1,000: who stops at the first check that says so stops where it flatters."""
    checks = []

    def flattering(ensemble, effort):
        checks.append(said[len(checks)])
        return iid(run.checked(ensemble, effort), checks[-1])

    found = sampled(batch, measured, STOPPING, check=flattering)
    assert tuple(checks) == said
    np.testing.assert_allclose(found.hyper_ess, counts, rtol=1e-12)
    np.testing.assert_allclose(found.curve_ess, counts, rtol=1e-12)


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
    found = convergence.typical(convergence.effective_sizes(walked(rho, shared)))[0]
    expected = 800 / (shared + (1 - shared) / 50) * (1 - rho) / (1 + rho)
    assert found == pytest.approx(expected, rel=0.25)


def test_one_quantity_that_mixes_slowly_is_not_hidden_by_the_others(batch, measured):
    """The typical size is enough; sampling goes on until its own is half of that."""
    slow = [100.0, 400.0, 500.0, 600.0]
    checks = []

    def hiding(ensemble, effort):
        now = iid(run.checked(ensemble, effort), 1e4)
        checks.append(slow[len(checks)])
        return now._replace(least_ess=np.full_like(now.least_ess, checks[-1]))

    found = sampled(batch, measured, STOPPING, check=hiding)
    assert checks == slow
    assert (found.curve_ess > 1000.0).all()


def test_the_least_effective_size_is_that_of_the_slowest_quantity(batch, measured):
    """Of one curve in four, whose walkers' means do not move from sweep to sweep in one quantity."""
    target = Target.of(batch, likelihood_of(measured))
    kernel = Unfitted(target, adaptation.at_the_prior(batch, SMALL), SMALL)
    rng = np.random.default_rng(0)
    hyper = [rng.standard_normal((4, 1, 60, 10)) for _ in range(20)]
    values = [rng.standard_normal((4, CURVES, 60, 8)) for _ in range(20)]
    chains_apart = rng.standard_normal((4, 60))
    for each in values:
        each[:, 1, :, 2] += 5.0 * chains_apart.mean(-1, keepdims=True)
    kept = tuple(zip(hyper, values, strict=True))
    ensemble = Ensemble(np.arange(1), np.arange(CURVES), kernel, (), np.zeros(CURVES), 20, kept)
    found = run.checked(ensemble, SMALL._replace(draws=1000))
    assert found.least_ess[0] < 0.2 * found.curve_ess.min()


def test_draws_that_do_not_move_are_worth_a_few_a_chain_at_most():
    still = np.repeat(np.random.default_rng(0).standard_normal((1, 4, 1, 50, 2)), 40, 0)
    still[:] += np.random.default_rng(1).standard_normal((1, 4, 1, 1, 2))
    assert convergence.typical(convergence.effective_sizes(still))[0] < 20.0  # of 8,000


def test_memory_is_the_product_of_correlations():
    draws = walked(0.5, 0.0, sweeps=5)
    chains = [tuple(draws[k, c] for c in range(4)) for k in range(5)]
    memory = convergence.Memory.fresh(chains[0])
    np.testing.assert_array_equal(memory.left, 1.0)
    for each in chains[1:3]:
        memory = memory.after(each)
    np.testing.assert_allclose(memory.left, 0.25, atol=0.15)
    still = convergence.Memory.fresh(chains[0]).after(tuple(np.zeros_like(c) for c in chains[0]))
    np.testing.assert_array_equal(still.left, 1.0)  # a walker that never moves remembers everything


# Their proposals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("independent", [True, False])
def test_components_have_their_probabilities(independent):
    weights = np.array([[0.1, 0.2, 0.7], [0.25, 0.25, 0.5]])
    means = np.broadcast_to(np.array([[-100.0], [0.0], [100.0]]), (2, 3, 1))
    mixture = Mixture.of(weights, means, np.ones((2, 3, 1, 1)))
    points, _ = student_mixture.sample(np.random.default_rng(0), mixture, 20_000, independent=independent)
    shares = np.stack([(abs(points - mean) < 50).mean((1, 2)) for mean in (-100.0, 0.0, 100.0)], 1)
    drawn = (1 - proposals.DEFENSIVE) * weights + proposals.DEFENSIVE * np.array([0.0, 1.0, 0.0])
    np.testing.assert_allclose(shares, drawn, atol=0.015)


def test_steps_are_even_and_as_wide_as_the_components():
    chol = np.array([[[[0.5, 0.0], [0.3, 0.4]], [[0.8, 0.0], [-0.4, 0.6]]]])
    mixture = Mixture.of(np.array([[0.3, 0.7]]), np.array([[[-2.0, 0.0], [1.5, 1.0]]]), chol)
    steps = student_mixture.random_walk(np.random.default_rng(0), mixture, 200_000)[0]
    within = np.einsum("m,mij,mkj->ik", mixture.weight[0], chol[0], chol[0])
    low, high = proposals.SHORTEST_STEP, proposals.LONGEST_STEP
    size = (high**2 - low**2) / (2.0 * np.log(high / low)) * 2.38**2 / 2  # mean of squares of a log-uniform length
    np.testing.assert_allclose(steps.T @ steps / len(steps), size * within, rtol=0.05, atol=0.01)
    np.testing.assert_allclose((steps**3).mean(0), 0.0, atol=0.1)  # a lopsided walk would need a correction


def test_walkers_far_out_count_for_more_when_proposals_are_fitted():
    """A mixture fitted to them has more of its mass there; with no weight on ranks they count alike."""
    points = np.random.default_rng(0).standard_normal((2, 4_000, 5))
    np.testing.assert_allclose(adaptation.weights_by_rank(points, 0.0), 1 / 4_000)
    weights = adaptation.weights_by_rank(points, 0.5)
    np.testing.assert_allclose(weights.sum(1), 1.0)
    far = abs(points) > 2.0
    assert np.average(far, weights=np.broadcast_to(weights[..., None], far.shape)) > 1.3 * far.mean()
    np.testing.assert_array_equal(weights, adaptation.weights_by_rank(np.sinh(points), 0.5))  # ranks alone matter


def test_weights_are_those_of_double_precision(batch):
    """Far below the largest, too, where single precision has no numbers left."""
    rng = np.random.default_rng(0)
    units = adaptation.at_the_prior(batch, SMALL).units
    flat = LevelLikelihood(*(np.ones((CURVES, 256)) for _ in range(3)))
    points, log_q = rng.standard_normal((CURVES, 256, 7)), 30.0 * rng.standard_normal((CURVES, 256))
    cloud = Cloud.of(rng, batch, units, points, log_q, flat)
    level = units.mean[:, :1] + units.sd[:, :1] * cloud.values[..., 0]
    precision = 1.0 + units.sd[:, :1] ** -2
    drawn = stats.norm((1.0 + units.mean[:, :1] * units.sd[:, :1] ** -2) / precision, precision**-0.5)
    log_weight = 1.0 + stats.norm(1.0, 1.0).logpdf(level) - drawn.logpdf(level) - log_q
    hyper = batch.mean[:, None] + batch.sd[:, None] * rng.standard_normal((1, 300, 10))
    factors, constant = particle_clouds.factors_of(hyper, batch, units)
    spread = np.concatenate([np.exp(hyper[0, :, -2:]), np.tile(batch.spread_fixed[0], (300, 1))], 1)
    centre, width = (hyper[0, :, :-2] - units.mean[:, None]) / units.sd[:, None], spread / units.sd[:, None]
    exact = stats.norm(centre[:, None], width[:, None]).logpdf(cloud.values[:, :, None]).sum(-1) + log_weight[..., None]
    exact += 4.0 * np.log(2.0 * np.pi) - constant[:, None]
    weights = cloud.weighed(factors, constant, Serial())
    np.testing.assert_allclose(weights.log_sum() + cloud.top[:, None], np.logaddexp.reduce(exact, 1), 1e-6, 1e-3)
    cells = np.exp(exact - exact.max(1, keepdims=True)).reshape(CURVES, -1, tuned.CELL, 300).sum(2).swapaxes(1, 2)
    np.testing.assert_allclose(weights.cells, cells, rtol=1e-3, atol=1e-6)
