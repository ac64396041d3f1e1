"""measurement: from the mean curve to an error as a run measures it, or as it is on cases that nobody has tested.

A test set is a sample. Its luck (log error on it, less that on all cases) has an sd of about
``sqrt((1 - error) / (error * cases))`` at any one size and is much the same at the next, where most of the wrong cases
are the same. The mean curve is that on the test set at hand, as far as was measured; beyond, it keeps the luck of the
largest size, which a run leaves by and by.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from forecaster.curves.learning_curves import Curve
from forecaster.errors import RequestError
from forecaster.model import drift_paths, test_set_noise
from forecaster.model.design import LEAST_NOISE

RECENT = 5  # measurements whose known noise and test cases stand for those of a new one
COMMON = 0.4  # share of luck that runs from training sets of their own have in common (benchmarks/luck.py)


def cases(curve: Curve) -> float:
    """How many the curve's test set has; NaN where none is known."""
    return float(np.median(curve.n_test[-RECENT:]))


def luck(
    rng: np.random.Generator, curve: Curve, share: float, sizes: np.ndarray, paths: Float[np.ndarray, "draw size"]
) -> tuple[Float[np.ndarray, "draw size"], Float[np.ndarray, "draw size"]]:
    """How the luck of the curve's test set goes on beyond its largest measured size: draws, and their variance.

    ``paths`` are the mean curve's log errors at ``sizes``, which ascend and hold that size, or one near it; up to there
    they have the luck in them. Zeros where no test set is known.
    """
    per_case = (1.0 - share) / cases(curve)  # the rest is fresh at each size
    if np.isnan(per_case):
        return np.zeros(paths.shape), np.zeros(paths.shape)
    last = int(np.argmin(np.abs(np.log(sizes / curve.n[-1]))))
    variance = np.pad(test_set_noise.parted(paths[:, last:], per_case), ((0, 0), (last, 0)))
    return drift_paths.walk(rng, variance), variance


def own_variance(
    curve: Curve, share: float, noise: Float[np.ndarray, "draw row"], paths: Float[np.ndarray, "draw row"]
) -> Float[np.ndarray, "draw row"]:
    """Variance of log error by which one measurement differs from the mean curve ``paths``, fresh at each size.

    The learned ``noise``, and the ``share`` of known noise that is fresh, which scales with the error as binomial noise
    does.
    """
    recent = share * np.median((curve.noise_sd**2 * curve.error)[-RECENT:])
    return noise + np.minimum(recent / np.exp(paths), 1.0) + LEAST_NOISE**2


def of_one_run(curve: Curve) -> float:
    """Variance of log error that one run has beyond what is measured, where that is an average of several runs."""
    return float(np.median(curve.run_sd[-RECENT:] ** 2))


def new_run(
    rng: np.random.Generator,
    curve: Curve,
    share: float,
    noise: Float[np.ndarray, "draw row"],
    sizes: np.ndarray,
    paths: Float[np.ndarray, "draw size"],
    rows: np.ndarray,
) -> tuple[Float[np.ndarray, "draw row"], Float[np.ndarray, "draw row"]]:
    """What is measured next on this curve, an average where its rows are: log errors, their sd around the mean curve.

    To the mean curve (``paths`` as in :func:`luck`) come what is fresh at each size (:func:`own_variance`) and the luck
    of the test set, which rows share. ``rows`` [row] are indices into ``sizes``.
    """
    mean = paths[:, rows]
    variance = own_variance(curve, share, noise, mean)
    walk, grown = luck(rng, curve, share, sizes, paths)
    run = mean + walk[:, rows] + np.sqrt(variance) * rng.standard_normal(mean.shape)
    return run, np.sqrt(variance + grown[:, rows])


def new_cases(rng: np.random.Generator, curve: Curve, draws: int) -> Float[np.ndarray, " draw"]:
    """How far log error on cases that nobody has tested may lie from the mean curve, one draw for the whole curve.

    The binomial variance at the largest measured size, less by what several runs there do not have in ``COMMON``. It
    is drawn apart from the drift (drawn together, forecasts of simulated tasks were worse: what the law misses would
    be taken for luck). RequestError without a test set.
    """
    tested = cases(curve)
    if np.isnan(tested):
        raise RequestError(
            f"kind new-cases: found no n_test for {curve.label}; expected that column, the number of test cases behind "
            "an error rate, or ask for kind mean"
        )
    last = np.log(curve.error[curve.n == curve.n[-1]])
    shared = COMMON + (1.0 - COMMON) / len(last)
    variance = min(shared * max(np.exp(-last.mean()) - 1.0, 0.0) / tested, 1.0)
    return np.sqrt(variance) * rng.standard_normal(draws)
