"""Curves as arrays: repeats as sufficient statistics, sizes in descending order, one reference for the group."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from helpers.tables import frame
from scipy.stats import norm

from forecaster.curves.reading.read import read_curves
from forecaster.domains.loading import load_card
from forecaster.model.design import LEAST_NOISE, by_size, design_of

CARD = load_card("image-classification-top1")
SIZES = (100, 1_000, 10_000)


def repeated(counts=(3, 1, 2), seed=0):
    """Curves of one architecture with so many runs at each size."""
    rng = np.random.default_rng(seed)
    n = np.repeat(SIZES, counts)
    return read_curves(frame(n=n, error=0.5 * n**-0.1 * np.exp(0.1 * rng.standard_normal(len(n))), seed=range(len(n))))


def test_sizes_descend_and_repeats_become_means_and_squares():
    (curve,) = repeated().curves
    found = by_size(curve)
    assert found.x.tolist() == pytest.approx(np.log(SIZES[::-1]))
    assert found.repeats.tolist() == [2, 1, 3]
    for i, size in enumerate(SIZES[::-1]):
        own = np.log(curve.error[curve.n == size])
        assert found.y[i] == pytest.approx(own.mean())
        assert found.within[i] == pytest.approx(((own - own.mean()) ** 2).sum())


def test_the_reduced_likelihood_is_that_of_every_run():
    """Up to a constant in the noise's sd and the mean: mean, count and squares are sufficient for normal noise."""
    (curve,) = repeated(counts=(4, 4, 4)).curves
    found = by_size(curve)

    def of_runs(mean, log_noise):
        sd = np.sqrt(np.exp(2.0 * log_noise) + LEAST_NOISE**2)
        return norm.logpdf(np.log(curve.error), mean, sd).sum()

    def reduced(mean, log_noise):
        each = np.exp(2.0 * log_noise) + LEAST_NOISE**2
        of_mean = norm.logpdf(found.y, mean, np.sqrt(found.noise(np.array(log_noise)))).sum()
        return of_mean - 0.5 * ((found.repeats - 1.0) * np.log(each) + found.within / each).sum()

    places = [(-1.0, -2.0), (-1.5, -2.5), (-1.2, -1.0)]
    apart = [of_runs(*at) - reduced(*at) for at in places]
    assert apart == pytest.approx([apart[0]] * len(apart))


def test_a_group_has_one_reference_for_all_its_architectures():
    small = frame(architecture="small", n=[50, 500, 5_000], task="t")
    large = frame(architecture="large", n=[200, 2_000, 20_000], task="t")
    other = frame(architecture="other", n=[10, 100, 1_000_000], task="u")
    read = read_curves(pd.concat([small, large, other], ignore_index=True))
    design = design_of(read, ("vision", "t"), CARD)
    assert design.architectures == ("large", "small")
    assert (np.exp(design.x_min), np.exp(design.x_ref)) == pytest.approx((50, 20_000))
    assert design.curve_of("other") is None
    assert design.reference.noise_scale(np.log([1e3, 1e5])).tolist() == [1.0, 1.0]  # nothing was repeated


def test_luck_is_of_the_cases_that_are_wrong_at_the_largest_size():
    n_test = 1_000
    (curve,) = read_curves(frame(n_test=n_test)).curves
    wrong = n_test * curve.error[-1]
    assert by_size(curve).luck == pytest.approx(1.0 / wrong)
    assert by_size(curve).known == pytest.approx(np.full(len(curve.n), LEAST_NOISE**2))
    (unknown,) = read_curves(frame()).curves
    assert by_size(unknown).luck == 0.0
