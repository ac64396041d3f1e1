"""The law and the noise around it, against SciPy's distributions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from forecaster.links.link import Link, Runs, drawn_runs, log_density

ONE = np.ones(1)


def link(floor=0.1, ceiling=0.75, midpoint=2.5, width=0.2, scatter=0.05):
    """One draw of a link."""
    return Link(*(ONE * value for value in (floor, ceiling, midpoint, width, scatter)))


def test_the_law_goes_from_the_floor_to_the_ceiling_and_only_rises():
    rates = link().at(np.linspace(-5.0, 10.0, 400))[0]
    assert rates[0] == pytest.approx(0.1)
    assert rates[-1] == pytest.approx(0.75)
    assert (np.diff(rates) >= 0).all()
    assert link().at(np.array([2.5]))[0, 0] == pytest.approx(0.425)
    quarter = 2.5 + 0.2 * np.log(1 / 3)  # a logistic distribution has a quarter of its mass below
    assert link().at(np.array([quarter]))[0, 0] == pytest.approx(0.1 + 0.25 * 0.65)
    np.testing.assert_allclose(link().along(np.array([[2.2, 2.8]])), link().at(np.array([2.2, 2.8])))


def test_the_density_is_beta_binomial_where_cases_are_known_and_beta_where_not():
    """Up to terms that depend on neither mean nor scatter: differences of two parameters are compared."""
    runs = Runs(np.zeros(3), np.array([0.3, 0.7, 0.42]), np.array([100.0, 50.0, np.nan]))
    rates, scatters = np.array([[0.35, 0.6, 0.4], [0.2, 0.8, 0.5]]), np.array([0.1, 0.3])
    found = log_density(runs, rates, scatters)
    expected = []
    for rate, scatter in zip(rates, scatters, strict=True):
        total = 1 / scatter**2 - 1
        a, b = rate * total, (1 - rate) * total
        counted = stats.betabinom.logpmf([30, 35], [100, 50], a[:2], b[:2])
        expected.append([*counted, stats.beta.logpdf(0.42, a[2], b[2])])
    np.testing.assert_allclose(found[0] - found[1], np.subtract(*expected), rtol=1e-9)


def test_drawn_runs_have_the_mean_and_variance_that_are_said():
    rng = np.random.default_rng(1)
    rate, scatter = np.full((40_000, 2), 0.3), np.full(40_000, 0.2)
    shown = drawn_runs(rate, scatter, np.array([25.0, np.nan]), rng)
    between = 0.2**2 * 0.3 * 0.7
    sampling = (0.3 * 0.7 - between) / 25.0
    np.testing.assert_allclose(shown.mean(0), 0.3, atol=0.004)
    np.testing.assert_allclose(shown.var(0), [between + sampling, between], rtol=0.04)
    assert np.isin(np.round(25 * shown[:, 0], 9), np.arange(26)).all()
