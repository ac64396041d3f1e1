"""Times: a power law comes back exactly, and the exponent is that of least squares with an intercept a model."""

from __future__ import annotations

import numpy as np
import pytest

from forecaster.measuring.pace import seconds_of
from forecaster.measuring.runs import Job, Run, Trained


def run(n, width, seconds, name="net"):
    return Run(Job(name, n, 0, (("width", width),)), seconds, Trained(0.1))


def test_a_power_law_comes_back():
    runs = [run(n, w, 1e-3 * w * n**1.3) for n in (100, 200, 400, 800) for w in (8, 16)]
    ahead = [Job("net", 6400, 0, (("width", w),)) for w in (8, 16)]
    assert seconds_of(ahead, runs) == pytest.approx([1e-3 * w * 6400**1.3 for w in (8, 16)])


def test_noisy_times_give_the_least_squares():
    rng = np.random.default_rng(0)
    runs = [run(n, w, w * n**0.9 * np.exp(0.3 * rng.standard_normal())) for n in (100, 200, 400) for w in (1, 2, 4)]
    design = np.column_stack(
        [np.log([r.job.n for r in runs]), *([float(r.job.point[0][1] == w) for r in runs] for w in (1, 2, 4))]
    )
    told, *_ = np.linalg.lstsq(design, np.log([r.seconds for r in runs]), rcond=None)
    found = seconds_of([Job("net", 1000, 0, (("width", w),)) for w in (1, 2, 4)], runs)
    assert np.log(found) == pytest.approx(told[0] * np.log(1000) + told[1:])


def test_one_size_is_taken_in_proportion_and_failed_runs_tell_nothing():
    runs = [run(100, 8, 2.0), Run(Job("net", 200, 0, (("width", 8),)), 0.1, None, "died")]
    assert seconds_of([Job("net", 1000, 0, (("width", 8),))], runs) == pytest.approx([20.0])
    assert np.isnan(seconds_of([Job("net", 1000, 0)], [])).all()


def test_a_model_that_was_not_run_is_taken_for_the_mean_of_its_architecture():
    runs = [run(100, 8, 1.0), run(100, 16, 4.0), run(100, 8, 100.0, name="other")]
    assert seconds_of([Job("net", 100, 0, (("width", 32),))], runs) == pytest.approx([2.0])
    assert seconds_of([Job("third", 100, 0)], runs) == pytest.approx([400.0 ** (1 / 3)])


def test_the_trainers_own_clock_goes_first():
    told = Run(Job("net", 100, 0), 9.0, Trained(0.1, seconds=1.0))
    assert seconds_of([Job("net", 200, 0)], [told]) == pytest.approx([2.0])
