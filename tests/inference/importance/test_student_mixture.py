"""Mixtures of t distributions: what is sampled has the density that is said, EM recovers, tempering finds a target."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from forecaster.inference.importance import settings as tuned
from forecaster.inference.importance import student_mixture, tempering
from forecaster.inference.importance.student_mixture import Mixture


def two_humps() -> Mixture:
    chol = np.array([[[0.5, 0.0], [0.3, 0.4]], [[0.8, 0.0], [-0.4, 0.6]]])
    return Mixture.of(np.array([[0.3, 0.7]]), np.array([[[-2.0, 0.0], [1.5, 1.0]]]), chol[None])


REPEATS, POINTS = 16, 4000


def sampled(seed: int, mixture: Mixture) -> tuple[np.ndarray, np.ndarray]:
    """Points [repeat, n, 2] of one target's proposal, many times over, and their log density."""
    tiled = Mixture(*(np.repeat(a, REPEATS, 0) for a in mixture))
    return student_mixture.sample(np.random.default_rng(seed), tiled, POINTS)


def proposal_density(mixture: Mixture, points: np.ndarray) -> np.ndarray:
    """Density [n] of the first target's proposal, prior included, by SciPy."""
    total = np.zeros(len(points))
    for weight, mean, chol in zip(mixture.weight[0], mixture.mean[0], mixture.chol[0], strict=True):
        shape = np.asarray(chol @ chol.T)
        total += float(weight) * stats.multivariate_t(np.asarray(mean), shape, df=tuned.DEGREES).pdf(points)
    prior = stats.norm.pdf(points).prod(1)
    return (1 - tuned.DEFENSIVE) * total + tuned.DEFENSIVE * prior


def test_density_of_samples_is_scipys():
    mixture = two_humps()
    points, log_q = sampled(0, mixture)
    np.testing.assert_allclose(np.exp(log_q[0]), proposal_density(mixture, np.asarray(points[0])), rtol=1e-9)


def test_targets_in_parts_are_those_of_all_together(monkeypatch):
    """Whatever the parts, to the last bit: draws must not depend on how much is computed at a time."""
    rng = np.random.default_rng(3)
    points = rng.standard_normal((7, 50, 3)) * rng.uniform(0.5, 2.0, (7, 1, 3))
    weights = rng.dirichlet(np.ones(50), 7)

    def found() -> tuple[Mixture, np.ndarray]:
        fitted = student_mixture.fitted(np.random.default_rng(0), 2, points, weights)
        return fitted, student_mixture.proposal_logpdf(fitted, points)

    whole, density = found()
    for cells in (1, 2 * 50 * 10):  # one target, and two, at a time
        monkeypatch.setattr(tuned, "CELLS", cells)
        parts, of_parts = found()
        np.testing.assert_array_equal(of_parts, density)
        for one, other in zip(parts, whole, strict=True):
            np.testing.assert_array_equal(one, other)


TARGETS = {
    "inside": stats.multivariate_normal([1.0, 0.8], [[0.5, 0.1], [0.1, 0.4]]),
    "both humps": stats.multivariate_normal([-0.5, 0.5], [[2.0, 0.3], [0.3, 0.7]]),
    "heavy tails": stats.multivariate_t([0.0, 0.5], [[1.0, 0.2], [0.2, 0.5]], df=7),
    "the prior": stats.multivariate_normal([0.0, 0.0], np.eye(2)),
}

TARGETS_MEAN = {"inside": [1.0, 0.8], "both humps": [-0.5, 0.5], "heavy tails": [0.0, 0.5], "the prior": [0.0, 0.0]}


@pytest.mark.parametrize("name", TARGETS)
def test_importance_weights_of_a_normalised_target_average_one(name):
    """This holds only if points are distributed as their density says."""
    points, log_q = sampled(1, two_humps())
    weights = np.exp(TARGETS[name].logpdf(points) - log_q)
    centred = points - TARGETS_MEAN[name]
    for integrand, expected in ((weights, 1.0), *((weights * centred[..., i], 0.0) for i in range(2))):
        error = integrand.std() / np.sqrt(REPEATS * POINTS)
        assert error < 0.06
        assert integrand.mean() == pytest.approx(expected, abs=4 * error)


def test_weights_stay_bounded_by_the_prior_inside():
    """With the prior as target no weight exceeds one over the defensive share, wherever the mixture is."""
    lost = Mixture.of(two_humps().weight, np.full((1, 2, 2), 40.0), two_humps().chol)
    points, log_q = sampled(2, lost)
    ratio = np.exp(stats.norm.logpdf(points).sum(-1) - log_q)
    assert ratio.max() <= 1 / tuned.DEFENSIVE + 1e-9


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 5]))
def test_distances_are_mahalanobis(seed, d):
    rng = np.random.default_rng(seed)
    chol = np.tril(rng.normal(size=(d, d)), -1) + np.diag(rng.uniform(0.1, 3.0, d))
    diff = rng.normal(size=(7, d))
    mean = rng.normal(size=d)
    mixture = Mixture.of(np.ones((1, 1)), mean[None, None], chol[None, None])
    found = student_mixture.distances(mixture, student_mixture.features((mean + diff)[None]))
    expected = np.einsum("ni,ij,nj->n", diff, np.linalg.inv(chol @ chol.T), diff)
    np.testing.assert_allclose(found[0, 0], expected, rtol=1e-6, atol=1e-6)


def fresh(components: int) -> Mixture:
    return student_mixture.prior_mixture(1, 2, components)


def moments(mixture: Mixture) -> tuple[np.ndarray, np.ndarray]:
    weight, mean, chol = mixture.weight[0], mixture.mean[0], mixture.chol[0]
    inner = np.einsum("mij,mkj->mik", chol, chol) * tuned.DEGREES / (tuned.DEGREES - 2)
    middle = weight @ mean
    between = np.einsum("m,mi,mj->ij", weight, mean - middle, mean - middle)
    return middle, np.einsum("m,mij->ij", weight, inner) + between


def test_em_recovers_moments_of_weighted_points():
    rng = np.random.default_rng(3)
    target = stats.multivariate_t([1.0, -1.0], [[1.0, 0.6], [0.6, 0.8]], df=tuned.DEGREES)
    points = rng.normal([0.5, -0.5], 2.5, (20_000, 2))
    log_w = target.logpdf(points) - stats.norm([0.5, -0.5], 2.5).logpdf(points).sum(1)
    weights = np.exp(log_w - log_w.max())
    weights = (weights / weights.sum())[None]
    fitted = student_mixture.fitted(np.random.default_rng(0), 1, points[None], weights)
    mean, covariance = moments(fitted)
    np.testing.assert_allclose(mean, [1.0, -1.0], atol=0.08)
    np.testing.assert_allclose(covariance, np.array([[1.0, 0.6], [0.6, 0.8]]) * 7 / 5, rtol=0.15)


def test_em_finds_two_humps_and_drops_nothing():
    rng = np.random.default_rng(4)
    which = rng.random(4000) < 0.3
    points = np.where(which[:, None], [-4.0, 0.0], [3.0, 1.0]) + 0.5 * rng.standard_normal((4000, 2))
    weights = np.full((1, 4000), 1 / 4000)
    fitted = student_mixture.fitted(np.random.default_rng(0), 4, points[None], weights)
    left = np.asarray(fitted.mean[0, :, 0]) < -0.5
    weight = np.asarray(fitted.weight[0])
    assert weight.sum() == pytest.approx(1.0)
    assert weight[left].sum() == pytest.approx(0.3, abs=0.03)
    assert weight[left] @ np.asarray(fitted.mean[0])[left] / weight[left].sum() == pytest.approx([-4.0, 0.0], abs=0.1)


CENTRES = np.array([[2.0, -1.0], [-3.0, 2.0], [0.0, 0.5], [1.0, 1.0]])
SDS = np.array([0.01, 0.05, 1.0, 0.1])
HALF = 3  # this target's likelihood is not a number on one side


def likelihood(points, targets):
    """Log likelihood [k, n] of one normal for each of ``targets`` [k]."""
    normal = -0.5 * (((points - CENTRES[targets, None]) / SDS[targets, None, None]) ** 2).sum(-1)
    return np.where((targets == HALF)[:, None] & (points[..., 0] < 0), np.nan, normal)


def test_targets_that_are_found_take_no_part_in_later_rounds():
    """One wide target is found at once, the others are not; up to half of the likelihood sooner than up to all."""
    seen = {}
    for enough in (1.0, 0.5):
        rounds = seen[enough] = []

        def watched(points, targets, rounds=rounds):
            rounds.append(len(targets))
            return likelihood(points, targets)

        start = student_mixture.prior_mixture(len(CENTRES), 2, 3)
        found = tempering.adapted(np.random.default_rng(0), start, watched, 512, 12, enough)
        assert rounds[0] == len(CENTRES)
        assert rounds == sorted(rounds, reverse=True)
        assert rounds[-1] < len(CENTRES)
        assert found.power.min() >= enough
    assert sum(seen[0.5]) < sum(seen[1.0])


@pytest.fixture(scope="module")
def tempered():
    """Proposals adapted to all the targets at once, the powers reached, weighted points."""
    rng = np.random.default_rng(0)
    found = tempering.adapted(rng, student_mixture.prior_mixture(len(CENTRES), 2, 3), likelihood, 1024, 12)
    points, log_q = student_mixture.sample(rng, found.mixture, POINTS)
    like = np.nan_to_num(likelihood(points, np.arange(len(CENTRES))), nan=-1e30)
    return found.mixture, found.power, points, like + student_mixture.standard_normal(points) - log_q


@pytest.mark.parametrize("target", range(len(CENTRES)))
def test_tempering_reaches_a_narrow_likelihood(tempered, target):
    """From a prior up to 100 times as wide: posterior mean, spread and evidence of a conjugate normal."""
    fitted, powers, points, log_w = tempered
    assert all(np.isfinite(a[target]).all() for a in fitted)
    assert powers[target] == 1.0
    weights, points = np.exp(log_w[target]), points[target]
    assert weights.sum() ** 2 / (weights**2).sum() > 0.3 * POINTS
    evidence, weights = np.log(weights.mean()), weights / weights.sum()
    centre, sd = CENTRES[target], SDS[target]
    precision = 1 / sd**2 + 1
    mean = weights @ points
    assert mean == pytest.approx(centre / sd**2 / precision, abs=0.1 * sd)
    assert np.sqrt(weights @ (points - mean) ** 2) == pytest.approx(1 / np.sqrt(precision), rel=0.1)
    exact = stats.norm(0.0, np.hypot(1.0, sd)).logpdf(centre).sum() + 2 * np.log(sd * np.sqrt(2 * np.pi))
    assert evidence == pytest.approx(exact, abs=0.1)


def test_rescaled_is_the_same_distribution():
    """Densities in the units of two priors differ by the Jacobian alone."""
    rng = np.random.default_rng(5)
    mean, sd, new_mean, new_sd = rng.normal(size=(1, 2)), *rng.uniform(0.5, 2.0, (3, 1, 2))
    moved = student_mixture.rescaled(two_humps(), mean, sd, new_mean, new_sd)
    points = rng.normal(size=(1, 50, 2))
    again = (mean + sd * points - new_mean) / new_sd
    before, after = (
        np.log(student_mixture.components_pdf(m, student_mixture.features(p))[0].sum(1))
        for m, p in ((two_humps(), points), (moved, again))
    )
    np.testing.assert_allclose(before - after, np.log(sd / new_sd).sum(), rtol=1e-9)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 50]))
def test_effective_size_lies_between_one_and_all(seed, n):
    log_w = np.random.default_rng(seed).normal(0.0, 3.0, n)
    weights = np.exp(log_w)
    found = float(np.exp(tempering.log_ess(log_w[None])[0]))
    assert found == pytest.approx(weights.sum() ** 2 / (weights**2).sum(), rel=1e-9)
    assert 1 - 1e-9 <= found <= n * (1 + 1e-9)
    assert float(np.exp(tempering.log_ess(np.zeros((1, n)))[0])) == pytest.approx(n)
