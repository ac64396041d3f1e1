"""Stray runs: noise alone makes none, whatever it does with size; failed ones are found among any number of repeats."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.tables import codes, frame
from scipy import stats

from forecaster.curves.outliers import stray_runs
from forecaster.curves.reading.read import read_curves
from forecaster.curves.summary import warnings_of

CURVES = 100


def measured(sizes, runs, noise, seed, trend=0.0):
    """Sizes and log errors of a falling law whose noise at a size is ``noise * n ** trend``."""
    n = np.repeat(np.geomspace(100, 1e5, sizes), runs)
    scatter = noise * (n / 100) ** trend * np.random.default_rng(seed).standard_normal(len(n))
    return n, np.log(0.05 + 2.0 * n**-0.5) + scatter


@pytest.mark.parametrize(("sizes", "runs"), [(4, 3), (8, 3), (9, 5), (3, 40), (1, 30)])
@pytest.mark.parametrize("trend", [0.0, -0.4, 0.2])
def test_noise_makes_no_stray(sizes, runs, trend):
    """In one normal curve of fifty at the most, though noise falls from 5 to 0.3 % over the sizes."""
    found = sum(bool(stray_runs(*measured(sizes, runs, 0.05, seed, trend))) for seed in range(5 * CURVES))
    assert stats.binomtest(found, 5 * CURVES, 0.02, alternative="greater").pvalue > 1e-3


@pytest.mark.parametrize(("sizes", "runs"), [(8, 3), (9, 5), (3, 10), (1, 12)])
@pytest.mark.parametrize("factor", [2.0, 0.1, 10.0])
@pytest.mark.parametrize("where", [0, -1])
def test_a_failed_run_is_found_and_named(sizes, runs, factor, where):
    found = []
    for seed in range(20):
        n, y = measured(sizes, runs, 0.02, seed)
        y[where] += np.log(factor)
        found.append(stray_runs(n, y))
        for stray in found[-1]:
            assert stray.at == where % len(n)
            assert stray.ratio == pytest.approx(factor, rel=0.2)
    assert sum(map(len, found)) >= 15


def test_of_two_runs_nobody_knows_which_one_is_wrong():
    n, y = measured(8, 2, 0.02, 0)
    y[0] += 1.0
    assert stray_runs(n, y) == ()


def test_a_stray_run_is_told_of_and_makes_no_rise():
    """The mean of the largest size is up by a factor of ten, as one run of three failed: that is no rise."""
    table = frame(
        n=[100, 400, 1600, 6400] * 3, error=[0.4, 0.2, 0.1, 0.05, 0.41, 0.201, 0.101, 0.0505, 0.4, 0.2, 0.1, 40]
    )
    table["error"] = table["error"].clip(upper=0.9)
    table["seed"] = ["a"] * 4 + ["b"] * 4 + ["c"] * 4
    curves = read_curves(table)
    (note,) = warnings_of(curves)
    assert note.code == "stray-run"
    assert "run 'c' at 6400, 0.9, is 18 times the other runs there" in note.text
    assert curves.curves[0].rise is None
    kept = table[~((table["seed"] == "c") & (table["n"] == 6400))]
    assert codes(warnings_of(read_curves(kept))) == []
