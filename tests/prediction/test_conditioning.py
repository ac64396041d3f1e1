"""New measurements without a new fit, against dense Gaussian algebra by SciPy and against simulation."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from helpers import synthetic
from scipy import stats

from forecaster.errors import RequestError
from forecaster.inference.importance.weights import weights_of
from forecaster.inference.posterior import Posterior
from forecaster.model import drift
from forecaster.prediction import conditioning, observation
from forecaster.prediction.conditioning import predictive
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.paths import curve_paths

KEY = CurveKey(*synthetic.GROUP, "cnn")
NEW = np.array([2e5, 6e5])
FAR = np.array([1.5e4, 1e6])
DRAWN = {"log_drift": -2.5, "log_slope": -2.8, "log_noise": -3.2, "floor_logit": -1.0}


def held(draws: int = 4, volatility: float | None = None, n_test: int | None = None, **changes) -> Posterior:
    """One curve whose draws are all alike unless ``changes`` says otherwise, with errors that do not lie on its law."""
    found = synthetic.posterior(
        {"cnn": synthetic.values(draws, **(DRAWN | changes))}, error={"cnn": [0.55, 0.4, 0.3, 0.2, 0.16]}
    )
    found = found if n_test is None else synthetic.on_test_set(found, n_test)
    if volatility is None:
        return found
    priors = dict(found.cards[synthetic.GROUP].priors)
    priors["volatility"] = msgspec.structs.replace(priors["volatility"], value=volatility)
    card = msgspec.structs.replace(found.cards[synthetic.GROUP], priors=priors)
    return Posterior(found.tree, found.curves, {synthetic.GROUP: card})


def signed(t, level, slope, memory):
    """Covariance of the drift at signed times, one stationary slope over both sides of the reference."""

    def k(s):
        return slope * memory**2 * (np.exp(-abs(s) / memory) + abs(s) / memory)

    row, column = t[:, None], t[None, :]
    same = np.sign(row) * np.sign(column) > 0
    return (
        np.where(same, level * np.minimum(abs(row), abs(column)), 0.0) + k(row) + k(column) - k(row - column) - k(0.0)
    )


def dense(posterior: Posterior, sizes: np.ndarray):
    """Law, data, and joint prior covariance of the curve at its measured sizes and at ``sizes``, by other means."""
    paths = curve_paths(posterior, KEY, [1e5])
    data, values = paths.origin.data, paths.parameters
    assert data is not None
    x = np.concatenate([data.x, np.log(sizes)])
    level, slope = np.exp(2.0 * values.log_drift[0]), np.exp(2.0 * values.log_slope[0])
    cov = signed(values.reference.x_ref - x, level, slope, paths.origin.scales.memory)
    noise = np.append(data.noise(values.log_noise)[0], np.zeros(len(sizes)))
    return values.law(x)[0], data.y, cov, noise


def test_the_density_is_that_of_the_joint_normal():
    posterior = held(volatility=0.0)
    found, y = predictive(posterior, KEY, NEW, runs=[1, 3]), np.log([0.12, 0.1])
    law, old, cov, noise = dense(posterior, NEW)
    paths = curve_paths(posterior, KEY, NEW)
    own = observation.own_variance(paths, NEW, found.mean)[0] / [1, 3]
    joint = stats.multivariate_normal(law, cov + np.diag(noise + np.append(np.zeros(len(old)), own)))
    before = stats.multivariate_normal(law[: len(old)], (cov + np.diag(noise))[: len(old), : len(old)])
    expected = joint.logpdf(np.append(old, y)) - before.logpdf(old)
    assert found.log_density(y) == pytest.approx(np.full(4, expected), rel=1e-6)
    both = found.log_density(np.stack([y, y + 0.1]))
    assert both.shape == (2, 4)
    assert both[0] == pytest.approx(found.log_density(y))
    assert found.pit(y)[0] == pytest.approx(stats.norm.cdf(y[0], found.mean[0, 0], found.covariance[0, 0, 0] ** 0.5))


@pytest.mark.parametrize("twin", [None, "noise forgotten", "drift ahead alone"])
def test_paths_given_the_measurements_follow_the_conditioned_normal(twin, monkeypatch):
    """4 standard errors of 12,000 draws that share one set of parameters; broken twins must fail."""
    draws = 12_000
    posterior, wanted = held(draws, volatility=0.0), np.append(FAR, NEW)
    found, y = predictive(posterior, KEY, NEW), np.log([0.19, 0.15])
    law, old, cov, noise = dense(posterior, np.append(NEW, wanted))
    k = len(old) + len(NEW)
    own = found.noise[0].diagonal()
    seen = cov[:k, :k] + np.diag(np.append(noise[: len(old)], own))
    gain = np.linalg.solve(seen, cov[:k, k:]).T
    mean = law[k:] + gain @ (np.append(old, y) - law[:k])
    covariance = cov[k:, k:] - gain @ cov[:k, k:]
    if twin == "noise forgotten":
        object.__setattr__(found, "covariance", found.covariance - found.noise)
    elif twin == "drift ahead alone":
        monkeypatch.setattr(conditioning, "_given_old", lambda p, x, o: (None, conditioning._covariance(p, x, o)))
    paths = curve_paths(posterior, KEY, wanted)
    given = found.given(y, wanted, paths=paths)
    errors = np.sqrt(np.diag(covariance) / draws)
    near = 2e-3  # a path is straight between the points of its grid
    right = bool((abs(given.mean(0) - mean) < 4 * errors + near).all())
    spread = np.cov(given.T)
    right &= spread == pytest.approx(covariance, rel=0.08, abs=3e-4)
    assert right == (twin is None)


@pytest.mark.parametrize("n_test", [None, 300])
def test_measurements_from_its_own_draws_have_uniform_transforms(n_test):
    """Drawn along simulated paths, judged by the density: Kolmogorov-Smirnov at level 0.001, 600 outcomes."""
    posterior = held(600, n_test=n_test, sd={"level": 0.02, "log_exponent": 0.1, "floor_logit": 0.5}, log_break=0.3)
    found = predictive(posterior, KEY, [1.5e5, 4e5, 1e6])
    outcomes = found.draw()
    transforms = np.array([found.pit(y) for y in outcomes])
    assert min(stats.kstest(u, "uniform").pvalue for u in transforms.T) > 1e-3
    assert abs(np.corrcoef(transforms.T) - np.eye(3)).max() < 4.5 / np.sqrt(len(outcomes))
    assert stats.kstest(np.array([found.pit(y + 0.1) for y in outcomes])[:, 0], "uniform").pvalue < 1e-3


def test_runs_divide_their_noise_and_not_the_test_set():
    posterior = held(200, n_test=300)
    one, many = (predictive(posterior, KEY, NEW, runs=runs) for runs in (1, 100))
    for found in (one, many):
        assert found.noise[:, 0, 1] == pytest.approx(found.noise[0, 0, 1], abs=0.05)
    shared = one.noise[:, 0, 1]
    fresh = [
        found.noise[:, 0, 0] - predictive(posterior, KEY, NEW[:1], runs=10**9).noise[:, 0, 0] for found in (one, many)
    ]
    assert fresh[0] == pytest.approx(100 * fresh[1], rel=1e-6)
    assert (shared > 0).all()


def test_weights_sum_to_one_and_count_their_worth():
    even = weights_of(np.full(50, -3.0))
    assert even.ess == pytest.approx(50)
    found = weights_of(np.array([0.0, np.log(3.0)]) - 1e4)
    assert found.values == pytest.approx([0.25, 0.75])
    assert found.ess == pytest.approx(1 / (0.25**2 + 0.75**2))


def test_an_architecture_without_data_is_conditioned_by_the_hierarchy():
    posterior = held(400)
    new = CurveKey(*synthetic.GROUP, "new")
    found = predictive(posterior, new, [1e5])
    low, high = (
        found.weights(found.mean.mean(0) + shift).values @ curve_paths(posterior, new, [1e5]).parameters.level
        for shift in (-1, 1)
    )
    assert low < high


def test_the_drift_between_two_sides_is_the_dense_one():
    times = np.array([2.0, 0.5])
    square = drift.covariance(np, times, 0.3, 0.2, 1.7)
    assert drift.covariance_between(np, times[:, None], times[None], 0.3, 0.2, 1.7) == pytest.approx(square)


@pytest.mark.parametrize(
    ("n", "runs", "said"), [([0.0], 1, "n: found 0"), ([np.nan], 1, "n: found nan"), ([1e5], 0, "runs: found 0")]
)
def test_impossible_measurements_are_refused(n, runs, said):
    with pytest.raises(RequestError, match=said):
        predictive(held(), KEY, n, runs=runs)
