"""Fits of links: against a dense grid, and from runs whose link is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from forecaster.inference.importance.weights import TRUSTED_K
from forecaster.links.fit import REASONS, SCATTER, SCATTERS, fit_constant, fit_link
from forecaster.links.link import Link, Runs

ONE = np.ones(1)


def test_a_constant_has_the_posterior_of_a_grid():
    error, cases = np.array([0.2, 0.3, 0.26, 0.4, 0.22]), np.full(5, 50.0)
    fitted = fit_constant(Runs(np.arange(5.0), error, cases), np.random.default_rng(0), 8000)
    rate, scatter = np.meshgrid(np.linspace(0.001, 0.999, 500), np.geomspace(1e-3, 0.6, 160), indexing="ij")
    total = 1 / scatter**2 - 1
    logs = stats.norm.logpdf(np.log(scatter), np.log(SCATTER), SCATTERS)
    for one in error:
        logs = logs + stats.betabinom.logpmf(round(50 * one), 50, rate * total, (1 - rate) * total)
    weight = np.exp(logs - logs.max())
    weight /= weight.sum()
    mean = (weight * rate).sum()
    assert fitted.link.floor.mean() == pytest.approx(mean, abs=0.003)
    assert fitted.link.floor.std() == pytest.approx(np.sqrt((weight * (rate - mean) ** 2).sum()), rel=0.08)
    assert np.log(fitted.link.scatter).mean() == pytest.approx((weight * np.log(scatter)).sum(), abs=0.07)


@pytest.mark.parametrize("chance", [0.75, None])
def test_a_link_that_is_measured_well_is_found(chance):
    truth = Link(0.1 * ONE, 0.75 * ONE, 2.5 * ONE, 0.15 * ONE, 0.01 * ONE)
    loss = np.linspace(1.6, 3.4, 60)
    cases = np.full(60, 20_000.0)
    error = np.random.default_rng(5).binomial(20_000, truth.at(loss)[0]) / 20_000
    fitted = fit_link(Runs(loss, error, cases), chance, np.random.default_rng(6))
    for name in ("floor", "ceiling", "midpoint", "width"):
        drawn = getattr(fitted.link, name)
        assert np.median(drawn) == pytest.approx(getattr(truth, name)[0], rel=0.03), name
    assert fitted.k < TRUSTED_K
    assert (fitted.link.floor < fitted.link.ceiling).all()
    if chance is not None:
        assert (fitted.link.ceiling == chance).all()


def test_where_all_guess_the_link_below_is_as_unknown_as_before():
    loss = np.linspace(2.5, 3.5, 12)
    runs = Runs(loss, np.full(12, 0.75), np.full(12, 2000.0))
    link = fit_link(runs, 0.75, np.random.default_rng(7)).link
    near, far = (np.quantile(link.at(np.array([at])), [0.05, 0.95]) for at in (3.0, 1.5))
    assert np.ptp(near) < 0.02
    assert np.ptp(far) > 0.3


def test_every_prior_has_a_reason():
    assert set(REASONS) == set(Link.__dataclass_fields__)
    assert all(len(reason.source) > 5 for reason in REASONS.values())
