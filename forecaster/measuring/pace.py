"""How long runs take: a power law in the size of the shard, with a factor of each model, from the runs so far."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from forecaster.measuring.runs import Job, Run, text_of

# Sizes that tell the exponent, the largest: smaller ones are ruled by what does not grow with the data.
LARGEST_SIZES = 3
STEEPEST = 3.0
PROPORTIONAL = 1.0  # the exponent where runs of one size tell none
SHORTEST = 1e-4  # seconds

ModelKey = tuple[str, str]  # an architecture and a point


def seconds_of(jobs: Sequence[Job], runs: Iterable[Run]) -> np.ndarray:
    """Seconds that each job is expected to take, [job]; NaN where no run was timed.

    log t = a + b log n, with an intercept ``a`` of each architecture and point of the grid and one exponent ``b``, by
    least squares over the largest sizes measured. A point that was not run takes the mean intercept of its
    architecture's, or of all.
    """
    timed = [run for run in runs if run.trained is not None]
    if not timed:
        return np.full(len(jobs), math.nan)
    largest: dict[ModelKey, int] = {}
    for run in timed:
        largest[_model(run.job)] = max(run.job.n, largest.get(_model(run.job), 0))
    sizes = sorted({run.job.n for run in timed})[-LARGEST_SIZES:]
    used = [run for run in timed if run.job.n in sizes or run.job.n == largest[_model(run.job)]]
    x = np.log([run.job.n for run in used])
    y = np.log([max(run.took, SHORTEST) for run in used])
    models = np.array([list(largest).index(_model(run.job)) for run in used])
    exponent = _exponent(x, y, models)
    level = y - exponent * x
    own = {model: float(level[models == i].mean()) for i, model in enumerate(largest)}
    return np.exp([_intercept(own, _model(job)) + exponent * math.log(job.n) for job in jobs])


def _exponent(x: np.ndarray, y: np.ndarray, models: np.ndarray) -> float:
    """The common slope within models, which are numbered."""
    dx, dy = x.copy(), y.copy()
    for model in np.unique(models):
        rows = models == model
        dx[rows] -= x[rows].mean()
        dy[rows] -= y[rows].mean()
    spread = float(dx @ dx)
    return float(np.clip(dx @ dy / spread, 0.0, STEEPEST)) if spread > 0 else PROPORTIONAL


def _intercept(own: dict[ModelKey, float], model: ModelKey) -> float:
    if model in own:
        return own[model]
    same = [a for (name, _), a in own.items() if name == model[0]]
    return float(np.mean(same or list(own.values())))


def _model(job: Job) -> ModelKey:
    return job.architecture, text_of(job.point)
