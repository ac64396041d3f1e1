"""`mean` is the arithmetic mean over runs, in every verb."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from helpers.synthetic import SIZES, posterior, values

from forecaster.comparison.compare import compare
from forecaster.prediction.forecast import forecast
from forecaster.prediction.requirement import requirement

SD = 0.5  # of a run's log error
AHEAD = 4.0 * SIZES[-1]


@pytest.fixture(scope="module")
def noisy():
    own = {"a": values(4000, log_noise=np.log(SD)), "b": values(4000, exponent=0.25, log_noise=np.log(0.01))}
    return posterior(own, seeds=4)


def test_the_forecast_of_the_mean_is_the_mean_of_runs(noisy):
    runs = forecast(noisy, [AHEAD], kind="new-run", curves=["a"]).errors([0]).ravel()
    mean = forecast(noisy, [AHEAD], curves=["a"]).table["yhat"].iloc[0]
    se = runs.std() / np.sqrt(len(runs))
    assert mean == pytest.approx(runs.mean(), abs=4 * se)
    assert abs(mean - np.exp(np.log(runs).mean())) > 4 * se  # the geometric mean must not pass


def test_requirement_and_comparison_ask_the_same_mean(noisy):
    mean = forecast(noisy, [AHEAD]).table.set_index("architecture")["yhat"]
    need = requirement(noisy, mean["a"], curves=["a"]).table.iloc[0]
    assert need["q50"] == pytest.approx(AHEAD, rel=0.02)
    ratio = compare(noisy, pairs=[("a", "b")], at=[AHEAD]).table.iloc[0]
    assert ratio["error_ratio"] == pytest.approx(mean["a"] / mean["b"], rel=1e-6)


def test_runs_of_known_average():
    """100 runs a size that scatter by a half: the mean told is that of their errors."""
    from forecaster.curves.reading.read import read_curves
    from forecaster.inference.fit import fit

    rng = np.random.default_rng(5)
    sizes = np.repeat([1e3, 2e3, 4e3, 8e3, 16e3], 100)
    errors = 0.07 * (sizes / 16e3) ** -0.3 * np.exp(0.45 * rng.standard_normal(len(sizes)) - 0.5 * 0.45**2)
    table = pd.DataFrame({"domain": "d", "architecture": "a", "n": sizes, "error": errors, "seed": range(len(sizes))})
    row = forecast(fit(read_curves(table), card="generic", draws=250), [16e3]).table.iloc[0]
    measured = errors[sizes == 16e3]
    assert row["yhat_lower"] < measured.mean() < row["yhat_upper"]
    assert not row["yhat_lower"] < np.exp(np.log(measured).mean()) < row["yhat_upper"]
