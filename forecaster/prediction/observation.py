"""From the mean curve to a new observation: one run, or the error on new test cases.

A test set is a sample. Its sampling error (log error on it minus that on the population) has an sd of about
``sqrt((1 - error) / (error * cases))`` at a single size. It is highly correlated between neighbouring sizes, where
mostly the same cases are wrong. The mean curve is that on the test set at hand up to the largest measured size; beyond,
it keeps the sampling error of that size, from which the error of a run gradually departs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from forecaster._support.streams import stream
from forecaster.curves.learning_curves import Curve, Group
from forecaster.errors import RequestError
from forecaster.inference.posterior import Posterior
from forecaster.model import test_set_noise
from forecaster.model.design import LEAST_NOISE, REPORTED
from forecaster.prediction.paths import CASES, LUCK, PER_DECADE, RUN, SHARED_RUN, CurvePaths

KINDS = ("mean", "new-run", "new-cases")
RECENT = 5  # last measurements, whose known noise and test cases are taken for a new one
COMMON = 0.4  # share of the sampling error common to runs on different training sets (benchmarks/luck.py)
# Share common to architectures whose test set is the same. Correlation of who is wrong on which case, between six
# scikit-learn classifiers on different training sets: 0.35 on digits; 0.35, 0.09 and 0.10 on the three kinds of tasks
# of luck.py; on the same training sets 0.1 more. Too small a share makes comparisons less sure.
BETWEEN = 0.2

AtSizes = Float[np.ndarray, "draw at"]
OnGrid = Float[np.ndarray, "size draw"]


def of_kind(paths: CurvePaths, n: Float[np.ndarray, " at"], kind: str) -> AtSizes:
    """Log errors of this kind at sizes ``n``.

    ``mean`` is the (arithmetic) average over runs, ``new-run`` one run, ``new-cases`` the average over runs on cases
    that nobody has tested. RequestError for another kind, and for ``new-cases`` of a measured curve without ``n_test``.
    """
    check_kind(kind)
    if kind == "new-run":
        return new_run(paths, n)[0]
    mean = paths.average_at(n)
    if kind == "mean" or paths.curve is None:
        return mean
    return mean + new_cases(paths)[:, None] * _of_last(paths, n, mean.mean(0))


def on_grid(paths: CurvePaths, kind: str) -> OnGrid:
    """Log errors of this kind on the grid; for a new run, with the same quantile of its noise at every size."""
    if kind == "new-run":
        return as_lucky_everywhere(paths)
    if kind == "mean" or paths.curve is None:
        return paths.average
    found = paths.log_error + paths.above_median(paths.x).T  # paths.average would be kept beside it
    shares, luck = _of_last(paths, np.exp(paths.x), found.mean(1)), new_cases(paths)
    for row, share in zip(found, shares, strict=True):
        row += share * luck
    return found


def _of_last(
    paths: CurvePaths, n: Float[np.ndarray, " at"], log_error: Float[np.ndarray, " at"]
) -> Float[np.ndarray, " at"]:
    """The sd of the test set's sampling error over that at the curve's largest size; 1 from there on.

    Where more cases are wrong, the log of their share is known better: binomial, by the curve's mean ``log_error``.
    """
    curve = paths.curve
    assert curve is not None
    last = float(paths.average_at(curve.n[-1:]).mean())
    here, there = np.maximum(np.expm1(-log_error), 0.0), max(np.expm1(-last), 0.0)
    ratio = np.sqrt(np.minimum(here / there, 1.0)) if there > 0 else np.zeros(len(n))
    return np.where(n >= curve.n[-1] * (1.0 - 1e-9), 1.0, ratio)


def check_kind(kind: str | None) -> None:
    """RequestError unless ``kind`` is one of ``KINDS``, or None for :func:`usual_kind`."""
    if kind not in (*KINDS, None):
        raise RequestError(f"kind: found {kind!r}; expected one of {', '.join(KINDS)}")


def usual_kind(posterior: Posterior, group: Group) -> str:
    """The kind of error that is meant where none is named, the same for all curves of a (domain, task).

    ``new-cases`` where the test set of every measured curve is known: what is bought is the error on the population.
    Else ``mean``, that on the test set at hand.
    """
    known = all(np.isfinite(cases(one.curve)) for one in posterior.designs[group].curves)
    return "new-cases" if known else "mean"


def new_run(
    paths: CurvePaths, n: Float[np.ndarray, " at"], repeat: Sequence[int] | None = None, *, as_rows: bool = False
) -> tuple[AtSizes, AtSizes]:
    """The next run at sizes ``n``: its log errors, and their sd around the mean curve.

    Adds to the mean curve the noise that is independent between sizes (:func:`own_variance`) and the sampling error of
    the test set, which sizes share. Several runs at one size have different numbers in ``repeat``. ``as_rows``: an
    average over as many runs as in the curve's rows, not one run.
    """
    mean = paths.at(n)
    own = own_variance(paths, n, mean, as_rows=as_rows)
    walk, grown = luck(paths, n)
    repeats = np.zeros(len(n), dtype=int) if repeat is None else repeat
    fresh = [_run_stream(paths, float(m), int(r)).standard_normal(paths.draws) for m, r in zip(n, repeats, strict=True)]
    z = np.stack(fresh, 1) if fresh else np.empty(mean.shape)
    return mean + walk + np.sqrt(own) * z, np.sqrt(own + grown)


def as_lucky_everywhere(paths: CurvePaths) -> OnGrid:
    """Log errors on the grid of one run with the same noise quantile at every size, as its first crossing needs."""
    whole = paths.whole
    n = np.exp(whole.x)
    z = paths.origin.stream(SHARED_RUN).standard_normal(paths.draws)
    walk = luck_on_grid(whole)[0]
    return whole.log_error + walk + np.sqrt(own_variance(whole, n, whole.log_error.T).T) * z


def own_variance(paths: CurvePaths, n: Float[np.ndarray, " at"], mean: AtSizes, *, as_rows: bool = False) -> AtSizes:
    """Variance of one run's log error around the ``mean`` curve that is independent between sizes ``n``.

    The learned noise, and the reported spread, which scales with the error as binomial noise does.
    """
    learned, curve = paths.parameters.noise(np.log(n)), paths.curve
    if curve is None:
        return learned
    recent = REPORTED * np.median((curve.reported_variance * curve.error)[-RECENT:])
    one = 0.0 if as_rows else of_one_run(curve)
    return learned + one + np.minimum(recent / np.exp(mean), 1.0) + LEAST_NOISE**2


def of_one_run(curve: Curve) -> float:
    """Additional variance of a single run's log error where the measurements are averages of several runs."""
    return float(np.median(curve.run_sd[-RECENT:] ** 2))


def cases(curve: Curve) -> float:
    """Number of cases in the curve's test set; NaN where it is not known."""
    return float(np.median(curve.n_test[-RECENT:]))


def luck(paths: CurvePaths, n: Float[np.ndarray, " at"]) -> tuple[AtSizes, AtSizes]:
    """Test-set sampling error beyond the largest measured size, relative to the mean curve.

    Draws at sizes ``n``, which all runs share, and their variance. Zero up to the largest measured size, since the mean
    curve includes the sampling error there, and where no test set is known.
    """
    whole = paths.whole
    walk, variance = luck_on_grid(whole)
    return whole.read(walk, n), whole.read(variance, n)


def luck_on_grid(paths: CurvePaths) -> tuple[OnGrid, OnGrid]:
    """:func:`luck` on the grid of paths whose inner grid is filled in."""
    curve, zero = paths.curve, np.zeros(paths.log_error.shape)
    if curve is None or np.isnan(cases(curve)):
        return zero, zero
    last = int(np.searchsorted(paths.x, np.log(curve.n[-1]) - 1e-9))
    variance, walk = zero, zero.copy()
    variance[last:] = test_set_noise.parted(paths.log_error[last:].T, 1.0 / cases(curve)).T
    steps = np.sqrt(np.diff(variance[last:], axis=0, prepend=0.0))
    walk[last:] = np.cumsum(steps * _normals(paths, last), 0)
    return walk, variance


def new_cases(paths: CurvePaths) -> Float[np.ndarray, " draw"]:
    """Difference between log error on new test cases and the mean curve, at the largest measured size and beyond.

    The binomial variance at the largest measured size, reduced where several runs were averaged (``COMMON``). Curves of
    a group with equally large test sets are taken to share one, and a part of its sampling error (``BETWEEN``). It is
    drawn independently of the drift: drawn jointly, forecasts of simulated tasks were worse, since misfit of the law
    was taken for sampling error. Zero for an architecture without data; RequestError without a test set.
    """
    curve = paths.curve
    if curve is None:
        return np.zeros(paths.draws)
    tested = cases(curve)
    if np.isnan(tested):
        raise RequestError(
            f"kind new-cases: found no n_test for {curve.label}; expected that column, the number of test cases behind "
            "an error rate, or ask for kind mean"
        )
    last = np.log(curve.error[curve.n == curve.n[-1]])
    shared = COMMON + (1.0 - COMMON) / len(last)
    variance = min(shared * max(np.exp(-last.mean()) - 1.0, 0.0) / tested, 1.0)
    z = paths.origin.stream(CASES).standard_normal(paths.draws)
    alike = [one.curve for one in paths.origin.design.curves if cases(one.curve) == tested]
    if len(alike) > 1:
        common = BETWEEN / shared
        group = stream("/".join(paths.key.group), paths.origin.seed, CASES)
        z = np.sqrt(common) * group.standard_normal(paths.draws) + np.sqrt(1.0 - common) * z
    return np.sqrt(variance) * z


def _run_stream(paths: CurvePaths, n: float, repeat: int) -> np.random.Generator:
    """Random numbers of one run at one size; they do not depend on other sizes."""
    return paths.origin.stream(RUN, repeat, *np.array([n]).view(np.uint32).tolist())


def _normals(paths: CurvePaths, last: int) -> OnGrid:
    """Standard normal numbers for the grid from the index ``last`` on, the same however far it reaches."""
    near = len(paths.x) - paths.after * PER_DECADE - last
    parts = [paths.origin.stream(LUCK).standard_normal((near, paths.draws))]
    parts += [paths.origin.stream(LUCK, k).standard_normal((PER_DECADE, paths.draws)) for k in range(paths.after)]
    return np.concatenate(parts)
