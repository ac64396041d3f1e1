"""What is left out at the start of curves, errors of no case, and noise that is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecaster.curves.reading.read import read_curves
from forecaster.errors import CurveFileError, CurveRowsError

STEPS = np.arange(1.0, 61.0) * 100.0
ERRORS = 0.4 * (STEPS / STEPS[0]) ** -0.1
SIZES = [100, 200, 400, 800]


def table(n=STEPS, error=ERRORS, **more):
    return pd.DataFrame({"domain": "d", "architecture": "a", "n": n, "error": error} | more)


def transient():
    error = ERRORS.copy()
    error[:2] *= (30.0, 6.0)
    return table(error=error)


def codes(curves):
    return {note.code for note in curves.notes}


def test_an_early_transient_is_left_out_and_said():
    found = read_curves(transient())
    assert found.table["n"].min() == STEPS[2]
    assert "transient" in codes(found)
    kept = read_curves(transient(), as_they_are=True)
    assert kept.table["n"].min() == STEPS[0]
    assert "transient" not in codes(kept) | codes(read_curves(table()))


def test_small_sizes_are_left_out_by_hand():
    found = read_curves(table(), n_min=1000)
    assert found.table["n"].min() == 1000
    assert "n-min" in codes(found)
    assert "--n-min 1000" in found.reading.command()
    with pytest.raises(CurveFileError, match="6000"):
        read_curves(table(), n_min=1e9)


@pytest.mark.parametrize("score", [None, "accuracy"])
def test_no_case_wrong_is_a_measurement(score):
    errors = np.array([0.1, 0.05, 0.02, 0.0])
    given = errors if score is None else 1.0 - errors
    found = read_curves(table(SIZES, given, n_test=200), score=score)
    assert found.table["error"].iloc[-1] == pytest.approx(0.5 / 200)
    assert "none-wrong" in codes(found)
    assert found.curves[0].noise_sd[-1] == pytest.approx(np.sqrt((1 - 0.0025) / 0.5))
    with pytest.raises(CurveRowsError):
        read_curves(table(SIZES, given), score=score)


@pytest.mark.parametrize(
    ("errors", "more"),
    [
        ([1e-4, 5e-5, 2e-5, 1e-5], {}),  # less than half of 100 cases
        ([0.4, 0.3, 0.2, 0.1], {"metric": "RMSE"}),
        ([0.4, 0.3, 0.2, 0.1], {"metric": "log loss"}),
    ],
)
def test_what_is_no_share_of_test_cases_has_no_noise_of_them(errors, more):
    (curve,) = read_curves(table(SIZES, errors, n_test=100, **more)).curves
    assert np.isnan(curve.n_test).all()
    assert (curve.noise_sd == 0).all()


def test_a_share_of_test_cases_has_the_noise_of_them():
    (curve,) = read_curves(table(SIZES, [0.4, 0.3, 0.2, 0.1], n_test=100, metric="error rate")).curves
    assert curve.noise_sd == pytest.approx(np.sqrt(np.array([0.6 / 40, 0.7 / 30, 0.8 / 20, 0.9 / 10])))


def test_an_sd_without_repeats_is_said_to_be_of_one_run():
    alone = read_curves(table(SIZES, [0.4, 0.3, 0.2, 0.1], error_sd=0.01))
    assert "error-sd" in codes(alone)
    several = read_curves(table(SIZES, [0.4, 0.3, 0.2, 0.1], error_sd=0.01, repeats=5))
    assert "error-sd" not in codes(several)
    assert several.curves[0].noise_sd[0] < alone.curves[0].noise_sd[0]
