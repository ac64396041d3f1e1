"""Split-conformal intervals against closed forms, and on curves whose misses are exchangeable."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from forecaster.curves.reading.read import read_curves
from forecaster.evaluation import scoring
from forecaster.evaluation.rivals import conformal
from forecaster.evaluation.rivals.baselines import power_law_with_floor

SIZES = np.geomspace(1e3, 1e6, 13)
FITTED = 9


def simulated(curves, seed=0, runs=1):
    """Power laws that wander off as a random walk beyond the fitted sizes: misses of curves are exchangeable."""
    rng = np.random.default_rng(seed)
    rows = []
    for k in range(curves):
        steps = np.where(np.arange(len(SIZES)) < FITTED, 0.0, 0.2 * rng.standard_normal(len(SIZES)))
        error = 0.3 * (SIZES / 1e3) ** -0.25 * np.exp(np.cumsum(steps) + 0.005 * rng.standard_normal(len(SIZES)))
        rows += [("d", "t", f"net-{k}", n, e) for n, e in zip(SIZES, error, strict=True)]
    table = pd.DataFrame(rows, columns=["domain", "task", "architecture", "n", "error"])
    known, hidden = (read_curves(table[table["n"].isin(part)]) for part in (SIZES[:FITTED], SIZES[FITTED:]))
    return {a.label: (a, b) for a, b in zip(known.curves, hidden.curves, strict=True)}


def ranks(curves, width=1.0):
    """PIT of every hidden error under the band of its curve, [curve, point]; ``width`` scales the intervals."""
    found = []
    for label, band in conformal.bands(curves).items():
        known, hidden = curves[label]
        middle = np.log(power_law_with_floor(known.n, known.error, hidden.n))
        scale = width * conformal.distance_scale(hidden.n, known.n[-1])
        found.append(band.score(middle, scale, np.log(hidden.error)).pit)
    return np.array(found)


def test_intervals_of_exchangeable_curves_hold_what_they_say_and_half_as_wide_ones_do_not():
    curves = simulated(250)
    honest, broken = ranks(curves), ranks(curves, 0.5)
    for level in (0.5, 0.8, 0.95):
        assert scoring.covers(honest, level).mean() == pytest.approx(level, abs=0.04)
    assert scoring.covers(broken, 0.8).mean() < 0.65


@pytest.mark.parametrize("others", [4, 9, 39])
def test_one_point_a_curve_is_split_conformal_prediction(others):
    """Of K exchangeable others, ceil(L (K + 1)) / (K + 1) of new ones are covered, exactly: Lei et al. 2018."""
    rng, level = np.random.default_rng(1), 0.75
    values = np.abs(rng.standard_normal(others + 1))
    held = 0
    for k in range(others + 1):
        band = conformal.band(np.delete(values, k))
        held += scoring.covers(band.score(np.zeros(1), np.ones(1), values[[k]]).pit, level).item()
    least = np.ceil(level * (others + 1))
    assert held in (least, least + 1)  # the one on the edge


def test_an_interval_ends_at_the_quantile_with_a_place_for_infinity():
    """Ten residuals, 1 to 10: of eleven places, 80 % are nine; 95 % is more than ten can promise."""
    band = conformal.band(np.arange(1.0, 11.0))
    values = band.around(np.zeros(1), np.ones(1))[:, 0]
    assert np.quantile(values, 0.9, method="inverted_cdf") == 9.0
    assert values.max() == 10.0
    assert np.array_equal(values, -values[::-1])


def test_each_curve_weighs_the_same_however_many_points_it_has():
    many, few = np.full(50, 1.0), np.array([3.0])
    band = conformal.band(np.concatenate([many, few]), np.repeat([0, 1], [50, 1]))
    assert np.mean(band.half == 1.0) == pytest.approx(1 / 3, abs=0.01)


def test_a_curve_has_no_say_in_its_own_band():
    curves = simulated(6)
    label = next(iter(curves))
    known, hidden = curves[label]
    wild = read_curves(hidden_table(hidden, factor=20.0)).curves[0]
    before, after = conformal.bands(curves), conformal.bands(curves | {label: (known, wild)})
    assert np.array_equal(before[label].half, after[label].half)
    assert all(after[other].half.max() > before[other].half.max() for other in curves if other != label)


def hidden_table(curve, factor):
    keys = {"domain": curve.domain, "task": curve.task, "architecture": curve.architecture}
    return pd.DataFrame(keys | {"n": curve.n, "error": np.minimum(factor * curve.error, 0.99)})


def test_a_single_curve_uses_the_larger_third_of_its_own_sizes():
    ((label, (known, hidden)),) = simulated(1).items()
    first, late = known.n[:6], known.n[6:]
    off = np.log(known.error[6:] / power_law_with_floor(first, known.error[:6], late))
    expected = np.sort(np.abs(off) / np.sqrt(np.log(late / first[-1])))
    found = conformal.bands({label: (known, hidden)})[label]
    assert found.count == 3
    assert np.unique(found.half) == pytest.approx(expected)
    three = known.n[:3]
    assert len(conformal.own_residuals(three, known.error[:3])) == 1  # of three sizes, one


def test_scores_are_those_of_a_normal_where_residuals_are_normal():
    """Gneiting and Raftery 2007, equation 21, at a scale of 0.3."""
    z = np.abs(np.random.default_rng(2).standard_normal(4000))
    at = np.array([0.0, 0.7, -2.0])
    found = conformal.band(z).score(np.full(3, -1.0), np.full(3, 0.3), -1.0 + 0.3 * at)
    crps = 0.3 * (at * (2 * stats.norm.cdf(at) - 1) + 2 * stats.norm.pdf(at) - 1 / np.sqrt(np.pi))
    assert found.crps == pytest.approx(crps, rel=0.03)
    density = stats.norm.logpdf(-1.0 + 0.3 * at, -1.0, 0.3) - (-1.0 + 0.3 * at)
    assert found.log_score == pytest.approx(density, abs=0.1)
    assert found.width[1] == pytest.approx(2 * stats.norm.ppf(0.9) * 0.3, rel=0.05)
    assert found.bias == pytest.approx(-0.3 * at)
