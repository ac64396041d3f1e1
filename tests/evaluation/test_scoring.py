"""Scores against closed forms, and a broken forecaster that they must see through."""

import numpy as np
import pytest
from scipy.stats import binom

from forecaster.evaluation import scoring

SDS = np.array([0.01, 0.1, 1.0, 3.0])


def normal_draws(draws=20_000, sd=SDS, seed=0):
    return sd * np.random.default_rng(seed).standard_normal((draws, len(sd)))


def normal_crps(z):
    """Gneiting & Raftery 2007, equation 21, for the standard normal."""
    from scipy.stats import norm

    return z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi)


@pytest.mark.parametrize("z", [0.0, 0.7, -2.0])
def test_crps_of_a_normal_has_its_closed_form(z):
    assert scoring.crps(normal_draws(), z * SDS) == pytest.approx(SDS * normal_crps(z), rel=0.03, abs=1e-6)


def test_crps_of_a_point_is_its_absolute_error():
    assert scoring.crps(np.full((7, 2), 1.5), np.array([1.0, 2.5])) == pytest.approx([0.5, 1.0])


def test_crps_equals_the_mean_over_all_pairs():
    draws, truth = np.random.default_rng(1).gamma(2.0, size=(40, 3)), np.array([0.5, 2.0, 9.0])
    apart = np.abs(draws[:, None] - draws[None]).sum((0, 1)) / (40 * 39)
    assert scoring.crps(draws, truth) == pytest.approx(np.abs(draws - truth).mean(0) - apart / 2)


@pytest.mark.parametrize("z", [0.0, 1.0, 2.5])
@pytest.mark.parametrize("split", [False, True])
def test_log_density_of_a_normal(z, split):
    """With and without the mean curve and noise behind the draws, up to the estimate's own width and its tail."""
    from scipy.stats import norm

    mean = 0.8 * normal_draws(seed=2)
    noise = np.full_like(mean, 0.6) * SDS
    draws = mean + noise * np.random.default_rng(3).standard_normal(mean.shape)
    behind = (mean, noise) if split else ()
    found = scoring.log_density(draws, z * SDS, *behind)
    assert found == pytest.approx(norm.logpdf(z * SDS, 0, SDS), abs=0.12)


def test_the_log_score_is_a_density_on_error():
    """Of a log-normal error: the density of log error divided by the error."""
    from scipy.stats import lognorm

    truth = np.log([0.2, 0.5])
    draws = -1.0 + 0.5 * np.random.default_rng(4).standard_normal((20_000, 2))
    expected = lognorm.logpdf(np.exp(truth), 0.5, scale=np.exp(-1.0))
    assert scoring.score(draws, truth).log_score == pytest.approx(expected, abs=0.06)


def test_predictive_densities_integrate_to_one():
    mean = 0.1 * normal_draws(50, np.ones(1))
    at = np.linspace(-40, 40, 160_001)
    for noise in (None, np.full_like(mean, 0.001)):
        density = []
        for some in np.split(at, range(4000, len(at), 4000)):
            wide = np.broadcast_to(mean, (50, len(some)))
            sd = None if noise is None else np.broadcast_to(noise, wide.shape)
            density.append(np.exp(scoring.log_density(wide, some, *_both(wide, sd))))
        assert np.concatenate(density).sum() * (at[1] - at[0]) == pytest.approx(1.0, abs=2e-3)


def _both(mean, noise):
    return () if noise is None else (mean, noise)


def test_one_miss_costs_much_but_not_all():
    far = scoring.log_density(normal_draws(1000, np.ones(1)), np.array([50.0]))
    assert np.isfinite(far).all()
    assert -30 < far[0] < -10


def test_pit_is_uniform_for_the_right_forecast_and_ties_count_half():
    truth = np.random.default_rng(5).standard_normal(2500)
    draws = np.random.default_rng(6).standard_normal((500, 2500))
    ranks = scoring.pit(draws, truth)
    assert np.histogram(ranks, 10, (0, 1))[0] == pytest.approx(np.full(10, 250), abs=5 * np.sqrt(250))
    assert scoring.pit(np.zeros((9, 1)), np.zeros(1)) == pytest.approx([0.5])


def test_coverage_tells_an_honest_forecaster_from_one_of_half_the_width():
    truth = np.random.default_rng(7).standard_normal(2500)
    draws = np.random.default_rng(8).standard_normal((500, 2500))
    honest, broken = scoring.pit(draws, truth), scoring.pit(draws / 2, truth)
    assert scoring.coverage(honest) == pytest.approx(scoring.LEVELS, abs=0.03)
    assert scoring.msce(honest) < 3e-4
    assert scoring.coverage(broken, [0.8])[0] < 0.55
    assert scoring.msce(broken) > 0.03
    right, wrong = scoring.score(draws, truth), scoring.score(draws / 2, truth)
    assert right.log_score.mean() > wrong.log_score.mean() + 0.3
    assert right.crps.mean() < wrong.crps.mean()


def test_widths_and_coverage_of_a_normal():
    from scipy.stats import norm

    found = scoring.score(normal_draws(), np.zeros(len(SDS)))
    expected = 2 * norm.ppf(0.5 + np.array(scoring.SHOWN) / 2)[:, None] * SDS
    assert found.width == pytest.approx(expected, rel=0.05)
    assert found.covered.all()


def test_coverage_by_chance_is_binomial_for_points_that_have_nothing_in_common():
    draws = np.random.default_rng(0).standard_normal((4000, 100))
    replicas = scoring.replica_pits(draws, 4000)
    assert np.mean(replicas) == pytest.approx(0.5, abs=1e-3)
    found = scoring.ranges("held", replicas, 0.8)
    assert (found["held_low"], found["held_high"]) == scoring.by_chance(replicas, 0.8)
    assert list(found) == ["held_low", "held_high", "held_low_99", "held_high_99"]
    expected = binom.ppf([0.05, 0.95, 0.005, 0.995], 100, 0.8) / 100
    assert list(found.values()) == pytest.approx(expected, abs=0.011)


def test_points_that_are_hit_or_missed_together_say_no_more_than_one():
    draws = np.random.default_rng(0).standard_normal((1000, 1)) * np.ones(100)
    assert scoring.by_chance(scoring.replica_pits(draws), 0.8) == (0.0, 1.0)


def test_the_range_by_chance_has_room_for_an_honest_forecaster_and_none_for_one_of_half_the_width():
    """Curves of ten points that err together: nine in ten honest forecasters lie within their own range."""
    rng = np.random.default_rng(1)

    def held(width, trials=200):
        inside = 0
        for _ in range(trials):
            shared = np.repeat(rng.standard_normal((401, 12)), 10, axis=1) + 0.3 * rng.standard_normal((401, 120))
            found = scoring.score(width * shared[1:], shared[0])
            low, high = scoring.by_chance(found.replicas, 0.8)
            inside += low <= scoring.covers(found.pit, 0.8).mean() <= high
        return inside / trials

    assert held(1.0) == pytest.approx(0.9, abs=0.06)
    assert held(0.5) < 0.5


def test_pooling_keeps_every_point():
    parts = [scoring.score(normal_draws(50, np.ones(k), seed=k), np.zeros(k)) for k in (1, 3)]
    together = scoring.pooled(parts)
    assert together.crps.tolist() == [*parts[0].crps, *parts[1].crps]
    assert together.width.shape == (len(scoring.SHOWN), 4)


def test_rmsle_and_distance_bins():
    assert scoring.rmsle(np.log([1.0, 2.0]), np.log([1.0, 1.0])) == pytest.approx(np.log(2) / np.sqrt(2))
    assert scoring.distance_bin(np.array([0.0, 0.5, 0.51, 2.0, 9.0])).tolist() == [0, 0, 1, 2, 3]
    assert len(scoring.BINS) == len(scoring.DISTANCES) + 1
    assert np.isnan(scoring.coverage(np.empty(0))).all()
