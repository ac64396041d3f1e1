"""From the mean curve to what a run measures, and to the error on cases that nobody has tested.

A test set is a sample. Its sampling error (log error on it, less that on all cases) has an sd of about
``sqrt((1 - error) / (error * cases))`` at any one size and is much the same at the next, where most of the wrong cases
are the same. The mean curve is that on the test set at hand, as far as was measured; beyond, it keeps the sampling
error of the largest size, which a run leaves by and by.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from forecaster.curves.learning_curves import Curve
from forecaster.errors import RequestError
from forecaster.model import test_set_noise
from forecaster.model.design import LEAST_NOISE
from forecaster.prediction.paths import CASES, LUCK, PER_DECADE, RUN, SHARED_RUN, CurvePaths

KINDS = ("mean", "new-run", "new-cases")
RECENT = 5  # measurements whose known noise and test cases stand for those of a new one
COMMON = (
    0.4  # share of the sampling error that runs from training sets of their own have in common (benchmarks/luck.py)
)

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
    return paths.average_at(n) + (new_cases(paths)[:, None] if kind == "new-cases" else 0.0)


def check_kind(kind: str) -> None:
    """RequestError unless ``kind`` is one of ``KINDS``."""
    if kind not in KINDS:
        raise RequestError(f"kind: found {kind!r}; expected one of {', '.join(KINDS)}")


def new_run(
    paths: CurvePaths, n: Float[np.ndarray, " at"], repeat: Sequence[int] | None = None, *, as_rows: bool = False
) -> tuple[AtSizes, AtSizes]:
    """What one run measures next at sizes ``n``: log errors, and their sd around the mean curve.

    To the mean curve come what is fresh at each size (:func:`own_variance`) and the sampling error of the test set,
    which sizes share. Several runs at one size have different numbers in ``repeat``. ``as_rows``: an average of as many
    runs as the curve's rows are, not one run.
    """
    mean = paths.at(n)
    own = own_variance(paths, n, mean, as_rows=as_rows)
    walk, grown = luck(paths, n)
    repeats = np.zeros(len(n), dtype=int) if repeat is None else repeat
    fresh = [_run_stream(paths, float(m), int(r)).standard_normal(paths.draws) for m, r in zip(n, repeats, strict=True)]
    z = np.stack(fresh, 1) if fresh else np.empty(mean.shape)
    return mean + walk + np.sqrt(own) * z, np.sqrt(own + grown)


def as_lucky_everywhere(paths: CurvePaths) -> OnGrid:
    """Log errors on the grid of one run that is as lucky or unlucky at every size: what its first crossing needs."""
    whole = paths.whole
    n = np.exp(whole.x)
    z = paths.origin.stream(SHARED_RUN).standard_normal(paths.draws)
    walk = luck_on_grid(whole)[0]
    return whole.log_error + walk + np.sqrt(own_variance(whole, n, whole.log_error.T).T) * z


def own_variance(paths: CurvePaths, n: Float[np.ndarray, " at"], mean: AtSizes, *, as_rows: bool = False) -> AtSizes:
    """Variance of log error by which one run at sizes ``n`` differs from the ``mean`` curve, fresh at each size.

    The learned noise, and the share of known noise that is fresh, which scales with the error as binomial noise does.
    """
    learned, curve = paths.parameters.noise(np.log(n)), paths.curve
    if curve is None:
        return learned
    recent = paths.origin.design.card.known_share * np.median((curve.noise_sd**2 * curve.error)[-RECENT:])
    one = 0.0 if as_rows else of_one_run(curve)
    return learned + one + np.minimum(recent / np.exp(mean), 1.0) + LEAST_NOISE**2


def of_one_run(curve: Curve) -> float:
    """Variance of log error that one run has beyond what is measured, where that is an average of several runs."""
    return float(np.median(curve.run_sd[-RECENT:] ** 2))


def cases(curve: Curve) -> float:
    """How many the curve's test set has; NaN where none is known."""
    return float(np.median(curve.n_test[-RECENT:]))


def luck(paths: CurvePaths, n: Float[np.ndarray, " at"]) -> tuple[AtSizes, AtSizes]:
    """How far errors on the test set at hand have left the mean curve since the largest measured size.

    Draws at sizes ``n``, which all runs share, and their variance. Zeros up to that size, since the mean curve holds
    the sampling error there, and where no test set is known.
    """
    whole = paths.whole
    walk, variance = luck_on_grid(whole)
    return whole.read(walk, n), whole.read(variance, n)


def luck_on_grid(paths: CurvePaths) -> tuple[OnGrid, OnGrid]:
    """:func:`luck` on the grid of paths whose inner grid is filled in."""
    curve, zero = paths.curve, np.zeros(paths.log_error.shape)
    share = 1.0 - paths.origin.design.card.known_share  # the rest is fresh at each size
    if curve is None or np.isnan(cases(curve)):
        return zero, zero
    last = int(np.searchsorted(paths.x, np.log(curve.n[-1]) - 1e-9))
    variance, walk = zero, zero.copy()
    variance[last:] = test_set_noise.parted(paths.log_error[last:].T, share / cases(curve)).T
    steps = np.sqrt(np.diff(variance[last:], axis=0, prepend=0.0))
    walk[last:] = np.cumsum(steps * _normals(paths, last), 0)
    return walk, variance


def new_cases(paths: CurvePaths) -> Float[np.ndarray, " draw"]:
    """How far log error on cases that nobody has tested may lie from the mean curve, one draw for the whole curve.

    The binomial variance at the largest measured size, less by what several runs there do not have in ``COMMON``. It
    is drawn apart from the drift (drawn together, forecasts of simulated tasks were worse: what the law misses would
    be taken for sampling error). Zeros of an architecture without data; RequestError without a test set.
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
    return np.sqrt(variance) * paths.origin.stream(CASES).standard_normal(paths.draws)


def _run_stream(paths: CurvePaths, n: float, repeat: int) -> np.random.Generator:
    """Random numbers of one run at one size, the same whatever other sizes are asked about."""
    return paths.origin.stream(RUN, repeat, *np.array([n]).view(np.uint32).tolist())


def _normals(paths: CurvePaths, last: int) -> OnGrid:
    """Standard normal numbers for the grid from the index ``last`` on, the same however far it reaches."""
    near = len(paths.x) - paths.after * PER_DECADE - last
    parts = [paths.origin.stream(LUCK).standard_normal((near, paths.draws))]
    parts += [paths.origin.stream(LUCK, k).standard_normal((PER_DECADE, paths.draws)) for k in range(paths.after)]
    return np.concatenate(parts)
