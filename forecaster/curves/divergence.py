"""Divergence: curves whose error at their largest size lies clearly above their best.

Such a curve (over-fitting on repeated data, a training run that diverges) follows no law that falls, and nothing that
was measured says how it goes on. The question here is about the true curve, not the noise in it: its log error is taken
to be a random walk in log size, measured with noise, and the scales of both are integrated over a grid on which every
pair is as likely. The posterior of the walk at the measured sizes is Gaussian for each pair (Rasmussen and Williams
2006, section 2.2).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from forecaster.curves.repeats import Reduced, reduced

DIVERGED = float(np.log(1.2))  # log error above the best at which a curve is said to diverge
CERTAIN = 0.95  # chance of it from which the curve is not forecast
WALKS = np.geomspace(0.03, 3.0, 9)  # sd of the walk over one nat of size
NOISES = np.geomspace(0.003, 0.5, 9)  # sd of one measurement
DRAWS = 4000
FEWEST_SIZES = 3  # sizes, of fewer of which noise and movement cannot be told apart
PRINTED_SD = 1e-4  # sd of log error, which printed digits leave

Draws = Float[np.ndarray, "draw size"]


class Divergence(NamedTuple):
    """Where a curve stands: its best and its last mean error, the sizes of both, and the chance that it diverges."""

    chance: float
    best: float
    best_n: float
    last: float
    last_n: float


def divergence(
    n: Float[np.ndarray, " measurement"],
    error: Float[np.ndarray, " measurement"],
    known: Float[np.ndarray, " measurement"],
) -> Divergence:
    """The chance that the true error at the largest size lies more than 20 % above the best at smaller sizes.

    Parameters
    ----------
    n, error : array [measurement]
        Sizes, ascending, and positive errors.
    known : array [measurement]
        Standard deviation of each log error that is known beforehand, 0 where nothing is.

    Returns
    -------
    Divergence
        The chance, by simulation with a fixed seed; zero for fewer than three sizes. The best is taken over all sizes
        but the one measured lowest, where there are four or more: one low error may be a slip, and a curve has not
        risen for that.
    """
    found = reduced(n, np.log(error))
    at = int(np.argmin(found.y))
    ends = np.exp([found.y[at], found.x[at], found.y[-1], found.x[-1]]).tolist()
    variance = np.bincount(found.which, known**2) / np.bincount(found.which) / found.repeats
    before = np.delete(np.arange(len(found.x)), [at, -1] if len(found.x) > FEWEST_SIZES else [-1])
    if len(found.x) < FEWEST_SIZES or found.y[-1] - found.y[before].min() <= DIVERGED:
        return Divergence(0.0, *ends)
    paths = _paths(found, variance, np.random.default_rng(0))
    return Divergence(float(np.mean(paths[:, -1] - paths[:, before].min(1) > DIVERGED)), *ends)


def risen(at: Divergence) -> str:
    """What is wrong with a curve that diverges, in words."""
    return (
        f"its error of {at.last:.4g} at {at.last_n:g}, its largest size, lies {at.last / at.best - 1:.0%} above its "
        f"best, {at.best:.4g} at {at.best_n:g}"
    )


def _paths(found: Reduced, variance: Float[np.ndarray, " size"], rng: np.random.Generator) -> Draws:
    """Draws of log error at the measured sizes, given what was measured."""
    x, y = found.x - found.x[0], found.y - found.y.mean()
    walk = np.minimum(x[:, None], x)
    spare = float((found.repeats - 1.0).sum())
    cells: list[tuple[np.ndarray, np.ndarray]] = []
    log_weight = []
    for sd in WALKS:
        prior = sd**2 * walk + 100.0  # a flat prior of the walk's start
        for noise in NOISES:
            own = noise**2 / found.repeats + variance + PRINTED_SD**2
            covariance = prior + np.diag(own)
            root = np.linalg.cholesky(covariance)
            scaled = np.linalg.solve(root, y)
            repeats = -spare * np.log(noise) - 0.5 * found.within.sum() / noise**2
            log_weight.append(-0.5 * scaled @ scaled - np.log(np.diag(root)).sum() + repeats)
            cells.append((prior, own))
    weight = np.exp(np.array(log_weight) - max(log_weight))
    counts = rng.multinomial(DRAWS, weight / weight.sum())
    return np.concatenate([_smoothed(*cells[i], y, int(counts[i]), rng) for i in np.flatnonzero(counts).tolist()])


def _smoothed(
    prior: Float[np.ndarray, "size size"],
    noise: Float[np.ndarray, " size"],
    y: Float[np.ndarray, " size"],
    count: int,
    rng: np.random.Generator,
) -> Draws:
    gain = np.linalg.solve(prior + np.diag(noise), prior).T
    covariance = prior - gain @ prior
    root = np.linalg.cholesky(covariance + 1e-10 * np.eye(len(y)))
    return gain @ y + rng.standard_normal((count, len(y))) @ root.T
