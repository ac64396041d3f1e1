"""The trend of noise with size: known truth, known answers, and the scale it gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.curves.learning_curves import LearningCurves
from forecaster.domains.loading import load_card
from forecaster.model import run_noise
from forecaster.model.design import design_of
from forecaster.model.run_noise import Repeated
from forecaster.model.simulate import simulate

X = np.log(np.geomspace(1e3, 1e6, 10))


def scattered(slope: float, *, seeds: int, sd: float = 0.05, known: float = 0.0, seed: int = 0) -> Repeated:
    """Sums of squares of ``seeds`` runs at each size, whose sd is ``sd`` at the largest."""
    variance = sd**2 * np.exp(2.0 * slope * (X - X[-1])) + known
    within = variance * np.random.default_rng(seed).chisquare(seeds - 1, len(X))
    return Repeated(X, np.full(len(X), seeds - 1.0), within, np.full(len(X), known))


@pytest.mark.parametrize("slope", [-0.5, -0.2, 0.0, 0.3])
def test_finds_the_trend(slope):
    """Twenty curves of forty runs a size: the estimate's own sd is 0.004."""
    found = run_noise.trend(scattered(slope, seeds=40, sd=0.02 * (1 + i), seed=i) for i in range(20))
    assert found == pytest.approx(slope, abs=0.016)


def test_is_close_to_a_regression_on_log_sd_where_repeats_are_many():
    """The oracle: the log of a sample sd is normal then, with a known sd; with the prior as one more observation."""
    one = scattered(-0.3, seeds=400, seed=3)
    log_sd, precision = 0.5 * np.log(one.within / one.spare), 2.0 * one.spare
    off = X - X.mean()
    least_squares = (precision * off * log_sd).sum() / ((precision * off**2).sum() + run_noise.EXPECTED**-2)
    assert run_noise.trend([one]) == pytest.approx(least_squares, abs=2e-3)


def test_known_noise_is_not_taken_for_a_trend():
    """What is known of a test set grows as the error falls; the runs' own noise stays."""
    known = 0.02 * np.exp(0.6 * (X - X[-1]))
    curves = []
    for i in range(20):
        within = (0.02**2 + known) * np.random.default_rng(i).chisquare(9, len(X))
        curves.append(Repeated(X, np.full(len(X), 9.0), within, known))
    assert abs(run_noise.trend(curves)) < 0.08
    blind = [c._replace(known=np.zeros(len(X))) for c in curves]
    assert run_noise.trend(blind) > 0.2


def test_little_is_believed_of_few_repeats():
    one = scattered(-0.9, seeds=2)
    few = Repeated(*(a[[0, 1]] for a in one))
    assert abs(run_noise.trend([few])) < 0.2
    assert run_noise.trend([one]) < -0.4


@pytest.mark.parametrize("sizes", [0, 1])
def test_no_two_repeated_sizes_say_nothing(sizes):
    assert run_noise.trend([Repeated(*(a[:sizes] for a in scattered(-0.5, seeds=5)))]) == 0.0


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(0.3, 3.0), shift=st.floats(-5.0, 5.0))
def test_unit_of_size_and_scale_of_scatter_do_not_matter(seed, scale, shift):
    one = scattered(-0.3, seeds=4, seed=seed)
    other = one._replace(x=one.x + shift, within=scale**2 * one.within)
    assert run_noise.trend([other]) == pytest.approx(run_noise.trend([one]), abs=5e-3)


def test_runs_that_agree_to_the_last_digit_are_no_error():
    one = scattered(-0.3, seeds=4)
    assert np.isfinite(run_noise.trend([one._replace(within=np.zeros(len(X)), known=np.full(len(X), 2.5e-7))]))


@given(trend=st.floats(-1.0, 1.0), x=st.floats(0.0, 20.0))
def test_is_one_at_the_largest_size_and_beyond_it(trend, x):
    found = run_noise.relative(trend, np.array([10.0, 10.0 + x, 10.0 - x]), 10.0)
    assert found[0] == found[1] == 1.0
    assert found[2] == pytest.approx(np.exp(-2.0 * trend * x))


def test_a_group_has_one_trend_and_its_curves_the_scale():
    card = load_card("generic-error-rate")
    curves = simulate(card, np.geomspace(1e3, 1e6, 10), architectures=4, seeds=20, noise_trend=-0.4, seed=1).curves
    design = design_of(curves, curves.groups[0], card)
    assert design.noise_trend == pytest.approx(-0.4, abs=0.05)
    for sized in design.curves:
        np.testing.assert_allclose(sized.scale, np.exp(2 * design.noise_trend * (sized.x - design.x_ref)))
        log_noise = np.log([0.01, 0.1])
        expected = (np.array([[1e-4], [1e-2]]) * sized.scale + sized.known) / sized.repeats
        np.testing.assert_allclose(sized.noise(log_noise), expected)
    once = LearningCurves(curves.table[curves.table["seed"] == "0"].reset_index(drop=True), (), "table")
    alone = design_of(once, curves.groups[0], card)
    assert alone.noise_trend == 0.0
    assert all((c.scale == 1.0).all() for c in alone.curves)
