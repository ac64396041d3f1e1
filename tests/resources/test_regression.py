"""Lines whose slopes share a centre: against simulation from the model, least squares and quadrature."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from forecaster.resources.regression import EXPONENT_SPREAD, NOISE, Observations, lines

DRAWS = 2000
PRIOR = (0.67, 0.15)


def world(rng, architectures=4, sizes=6, step=0.0, narrow=1.0):
    """Curves drawn from the model itself, and the true slopes, log values at 100 times the largest size, centre."""
    mu = PRIOR[0] + PRIOR[1] * rng.standard_normal()
    tau, sigma = EXPONENT_SPREAD * abs(rng.standard_normal()), NOISE * abs(rng.standard_normal())
    x = np.log(1e4 * 2.0 ** np.arange(sizes))
    found, slopes, far = [], [], []
    for _ in range(architectures):
        b, a = mu + tau * rng.standard_normal(), rng.uniform(-10, 10)
        y = a + b * x + sigma * rng.standard_normal(sizes)
        if step:
            y = np.round(y / step) * step
        found.append(Observations(x, y, step**2 / 12.0))
        slopes.append(b)
        far.append(a + b * (x[-1] + np.log(100.0)))
    return found, np.array(slopes), np.array(far), mu


@pytest.mark.parametrize(("scale", "holds"), [(1.0, True), (0.5, False)])
def test_intervals_cover_at_their_level_and_narrower_ones_do_not(scale, holds):
    """300 groups drawn from the priors; the twin has intervals of half the width."""
    rng, inside = np.random.default_rng(1), []
    for _ in range(300):
        measured, slopes, far, mu = world(rng)
        found, centre = lines(measured, *PRIOR, DRAWS, rng)
        at = measured[0].x[-1:] + np.log(100.0)
        for line, slope, value in zip(found, slopes, far, strict=True):
            inside += [_held(line.slope, slope, scale), _held(line.at(at)[:, 0], value, scale)]
        inside.append(_held(centre, mu, scale))
    share = np.mean(inside)
    assert (abs(share - 0.8) < 0.03) == holds  # 300 groups: 0.023 is one standard error of their shares


def _held(drawn, truth, scale):
    middle = np.median(drawn)
    low, high = middle + scale * (np.quantile(drawn, [0.1, 0.9]) - middle)
    return low <= truth <= high


def test_much_data_gives_least_squares():
    rng = np.random.default_rng(0)
    x = np.linspace(5, 15, 400)
    y = 2.0 + 0.7 * x + 0.1 * rng.standard_normal(400)
    (line,), _ = lines([Observations(x, y)], *PRIOR, DRAWS, rng)
    fitted = stats.linregress(x, y)
    assert line.slope.mean() == pytest.approx(fitted.slope, abs=3e-4)
    assert line.slope.std() == pytest.approx(fitted.stderr, rel=0.1)
    assert line.noise.mean() == pytest.approx(0.1, rel=0.1)


def test_two_sizes_say_as_much_as_the_prior_lets_them():
    """With known noise that dwarfs all else the slope is the prior's, by the marginal of two normals."""
    rng = np.random.default_rng(0)
    (line,), centre = lines(
        [Observations(np.array([0.0, 1.0]), np.array([0.0, 5.0]), known=100.0)], *PRIOR, 20_000, rng
    )
    assert centre.mean() == pytest.approx(PRIOR[0], abs=0.02)
    assert centre.std() == pytest.approx(PRIOR[1], rel=0.05)
    assert line.slope.std() == pytest.approx(np.hypot(PRIOR[1], EXPONENT_SPREAD), rel=0.1)


def test_the_step_of_a_grid_is_no_news():
    """Values rounded to a coarse grid: the interval of the slope still holds the truth at its level."""
    rng, inside = np.random.default_rng(2), []
    for _ in range(200):
        measured, slopes, _, _ = world(rng, architectures=2, step=np.log(2.0))
        found, _ = lines(measured, *PRIOR, DRAWS, rng)
        inside += [_held(line.slope, slope, 1.0) for line, slope in zip(found, slopes, strict=True)]
    assert np.mean(inside) > 0.75
