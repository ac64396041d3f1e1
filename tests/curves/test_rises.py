"""Rises: noise alone makes none, however many rows there are; real ones are found, with where they are."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.tables import codes, frame
from scipy import stats

from forecaster.curves.reading.read import read_curves
from forecaster.curves.repeats import reduced
from forecaster.curves.rises import clearest_rise, noise_of
from forecaster.curves.summary import warnings_of

RUNS = 40


def falling(n):
    return 0.05 + 2.0 * n**-0.5


def measured(sizes, seeds, noise, shape=lambda n: 0.0 * n, *, law=falling, seed=0):
    """Sizes and log errors of a law with this noise, which leaves it by ``shape``, as its author would have them."""
    n = np.repeat(np.geomspace(100, 1e5, sizes), seeds)
    return n, np.log(law(n)) + shape(n) + noise * np.random.default_rng(seed).standard_normal(len(n))


def found(*arguments, runs=RUNS, **options):
    every = [measured(*arguments, seed=seed, **options) for seed in range(runs)]
    return [clearest_rise(n, y, 0.0 * n) for n, y in every]


def bump(n):
    return 0.8 * np.exp(-(((np.log(n) - np.log(3000)) / 0.8) ** 2))


def late(n):
    return np.where(n > 2e4, 0.55 + 0.2 * np.log(n / 2e4), 0.0)


@pytest.mark.parametrize(("sizes", "seeds"), [(5, 2), (12, 3), (24, 1), (90, 1), (1200, 1), (1200, 3)])
@pytest.mark.parametrize("noise", [0.02, 0.05, 0.1])
def test_noise_makes_no_rise(sizes, seeds, noise):
    """Not around a law that falls; around a flat one, in as many of 200 curves as one in a hundred may be."""
    assert found(sizes, seeds, noise) == [None] * RUNS
    flat = found(sizes, seeds, noise, law=lambda n: 0.2 + 0.0 * n, runs=200)
    assert stats.binomtest(sum(r is not None for r in flat), 200, 0.02, alternative="greater").pvalue > 1e-3


@pytest.mark.parametrize(("sizes", "seeds"), [(8, 3), (12, 1), (24, 1), (90, 1), (1200, 1), (1200, 3)])
@pytest.mark.parametrize(("shape", "at_end"), [(bump, False), (late, True)])
def test_real_rises_are_found_and_where_they_are(sizes, seeds, shape, at_end):
    rises = found(sizes, seeds, 0.03, shape)
    assert np.mean([rise is not None for rise in rises]) >= 0.9
    assert np.mean([rise.at_end == at_end for rise in rises if rise]) >= 0.9


def test_one_failed_run_does_not_pass_for_noise():
    """Of three runs at each of twelve sizes one fails, three times as large: the mean is up by 44 %, less the fall."""

    def failed(n):
        return np.where(np.arange(len(n)) == 24, np.log(3.0), 0.0)

    assert all(found(12, 3, 0.02, failed))


def test_a_rise_that_lasts_needs_not_be_steep():
    """Of 90 noisy errors, none is far above the best; means of neighbours are."""

    def step(n):
        return np.where(n > 1e4, 0.25, 0.0)

    rises = found(90, 1, 0.06, step, law=lambda n: 0.2 + 0.0 * n)
    assert np.mean([rise is not None for rise in rises]) >= 0.9
    assert np.median([rise.size for rise in rises if rise]) == pytest.approx(0.25, abs=0.12)


def test_without_repeats_known_noise_counts_and_else_five_per_cent():
    n, y = np.array([1e2, 1e3, 1e4]), np.log([0.5, 0.3, 0.33])
    rise = clearest_rise(n, y, np.zeros(3))
    assert rise is not None
    assert rise == (pytest.approx(np.log(1.1)), True)
    assert clearest_rise(n, np.log([0.5, 0.3, 0.312]), np.zeros(3)) is None
    assert clearest_rise(n, y, np.full(3, 0.05)) is None
    assert clearest_rise(n, y, np.full(3, 0.01)) is not None
    assert codes(warnings_of(read_curves(frame(error=[0.5, 0.3, 0.33], n_test=200)))) == ["one-seed"]
    assert "non-monotone" in codes(warnings_of(read_curves(frame(error=[0.5, 0.3, 0.33], n_test=200_000))))


def test_the_noise_is_that_of_the_mean_at_each_size():
    n, y = measured(200, 4, 0.05)
    variance, spare = noise_of(reduced(n, y), 0.0 * n)
    assert np.sqrt(np.median(variance * reduced(n, y).repeats)) == pytest.approx(0.05, rel=0.15)
    few = measured(40, 4, 0.05)
    variance, spare = noise_of(reduced(*few), 0.0 * few[0])
    assert spare == 120
    assert np.sqrt(variance) == pytest.approx(0.05 / 2, rel=0.15)


def test_more_rows_make_no_false_alarm_and_the_note_says_where_a_rise_is():
    n, y = measured(1500, 1, 0.02)
    steps = frame(n=n.tolist(), error=np.exp(y).tolist())
    assert codes(warnings_of(read_curves(steps))) == ["one-seed"]
    n, y = measured(1500, 1, 0.02, late)
    (_, note) = warnings_of(read_curves(frame(n=n.tolist(), error=np.exp(y).tolist())))
    assert note.code == "non-monotone"
    assert "at its largest sizes: it may go on rising" in note.text
