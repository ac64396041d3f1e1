"""Scores: those of an outside library, and records of forecasters whose calibration is known."""

from __future__ import annotations

import numpy as np
import pytest
import scoringrules
from scipy.stats import norm

from forecaster.registry.registration import QUANTILES, SAMPLES, Point
from forecaster.registry.scores import COUNTED, INTERVALS, brier, point_score, replica_hits, tail_chance, wis

Z = norm.ppf(QUANTILES)
SIMULATED = 120  # records
POINTS = 40  # forecasts a record


def point(mean, sd, rng, *, width=1.0, samples=SAMPLES):
    """A normal forecast of log error, its spread multiplied by ``width``."""
    drawn = mean + width * sd * rng.standard_normal(samples)
    return Point("d", "t", "a", 1e3, tuple(np.exp(mean + width * sd * Z)), tuple(np.exp(drawn)), ((0.1, 0.5),))


def test_scores_are_those_of_an_outside_library():
    rng = np.random.default_rng(0)
    for _ in range(1000):
        mean, sd = rng.normal(-3.0, 1.0), rng.uniform(0.02, 0.5)
        y = mean + sd * 2.0 * rng.standard_normal()
        found = point_score(point(mean, sd, rng), y)
        made = point(mean, sd, np.random.default_rng(1))
        drawn = np.log(made.samples)
        assert point_score(made, y).crps == pytest.approx(scoringrules.crps_ensemble(y, drawn, estimator="fair"))
        q = made.log_quantiles
        ends = np.array([(q[low], q[high]) for low, high in INTERVALS.values()])
        alpha = 1.0 - np.array(list(INTERVALS))
        middle = q[len(q) // 2]
        wanted = scoringrules.weighted_interval_score(y, middle, ends[:, 0], ends[:, 1], alpha)
        assert wis(q, y) == pytest.approx(float(wanted))
        assert found.wis == pytest.approx(wis(np.log(np.exp(mean + sd * Z)), y))


def test_the_log_score_is_near_that_of_the_normal_it_was_drawn_from():
    rng = np.random.default_rng(2)
    gaps = []
    for _ in range(300):
        mean, sd = rng.normal(), rng.uniform(0.05, 0.5)
        y = mean + sd * rng.standard_normal()
        gaps.append(point_score(point(mean, sd, rng), y).log_score - norm.logpdf(y, mean, sd))
    assert np.mean(gaps) == pytest.approx(0.0, abs=0.08)


def record(rng, width):
    """Hits at 80 % of one simulated record, and of its replicas; groups of four points share an error."""
    groups, hits = [], 0
    for _ in range(POINTS // 4):
        common = 0.1 * rng.standard_normal(SAMPLES + 1)
        own = 0.1 * rng.standard_normal((4, SAMPLES + 1))
        sd = width * np.sqrt(0.02)
        points = []
        for k in range(4):
            drawn = width * (common[:-1] + own[k, :-1])
            points.append(Point("d", "t", "a", 1e3 + k, tuple(np.exp(sd * Z)), tuple(np.exp(drawn))))
            low, high = points[-1].log_quantiles[list(INTERVALS[0.8])]
            hits += int(low <= common[-1] + own[k, -1] <= high)
        groups.append(points)
    return hits, replica_hits(groups, seed=int(rng.integers(1e9)))[0.8]


def doubted(width, seed):
    """Share of records whose hits have a chance below 10 % if they were calibrated."""
    rng = np.random.default_rng(seed)
    return np.mean([tail_chance(*record(rng, width)) < 0.1 for _ in range(SIMULATED)])


def test_records_of_a_calibrated_forecaster_are_inside_their_ranges_at_their_level():
    # the chance is discrete, so at most a tenth; three standard errors of 120 records are 0.082
    assert 0.005 <= doubted(1.0, seed=3) <= 0.1 + 0.082


def test_records_of_intervals_of_half_the_width_are_outside():
    assert doubted(0.5, seed=4) > 0.9


def test_levels_told_are_among_the_intervals():
    assert set(COUNTED) <= set(INTERVALS)
    for level, (low, high) in INTERVALS.items():
        assert QUANTILES[high] - QUANTILES[low] == pytest.approx(level)


def test_brier_of_sure_and_of_uninformed_chances():
    assert brier(np.array([1.0, 0.0]), np.array([1.0, 0.0])) == 0.0
    assert brier(np.full(4, 0.5), np.array([1.0, 0.0, 1.0, 0.0])) == 0.25
    assert np.isnan(brier(np.array([]), np.array([])))
