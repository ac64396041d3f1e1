"""The best model of a grid at each size, by errors that are not the ones reported of it.

Hestness et al. (2017), section 3: at each shard the model size (and what else the grid holds) with the least
validation error is taken. Reported is its test error. Where runs have one error only, the model is chosen by the errors
of the other seeds, and its own seed's error is reported: the least of several errors of one seed would be too low.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from forecaster.measuring.runs import GridPoint, Run, Trained, plain_value, text_of

By = Literal["nothing", "validation", "other seeds", "itself"]


@dataclass(frozen=True)
class Edge:
    """A name of the grid whose best value is the least or the largest: the true best may lie beyond."""

    name: str
    value: float
    side: Literal["smallest", "largest"]

    def __str__(self) -> str:
        return f"{self.name}={self.value:g} is the {self.side}"


@dataclass(frozen=True)
class Best:
    """What is reported of one architecture at one size.

    ``point`` is the model with the least mean error; ``rows`` the runs reported, one a seed (by other seeds, not all
    need be of ``point``). ``margin`` is the mean error of the second best over that of the best; ``steps`` the ratio of
    neighbouring values of the grid around the best, by name.
    """

    architecture: str
    n: int
    by: By
    point: GridPoint
    rows: tuple[Run, ...]
    margin: float
    edges: tuple[Edge, ...] = ()
    steps: Mapping[str, float] | None = None


def best_of(runs: Sequence[Run], points: Sequence[GridPoint]) -> Best | None:
    """The choice among the runs of one architecture and size; None where none of them finished.

    Points that finished fewer of their seeds than others are left out: means over other seeds cannot be compared.
    """
    done: dict[int, dict[int, Run]] = {}  # by position of the point, by seed
    at = {text_of(point): i for i, point in enumerate(points)}
    for run in runs:
        if run.trained is not None:
            done.setdefault(at[text_of(run.job.point)], {})[run.job.seed] = run
    if not done:
        return None
    most = max(map(len, done.values()))
    seeds = next(tuple(own) for own in done.values() if len(own) == most)
    full = [i for i, own in sorted(done.items()) if set(own) == set(seeds)]
    errors = np.array([[_trained(done[i][seed]).error for seed in seeds] for i in full])
    means = errors.mean(1)
    first = int(means.argmin())
    by = _by(runs, len(points), len(seeds))
    taken = [_others(errors, k) if by == "other seeds" else first for k in range(len(seeds))]
    rows = tuple(done[full[i]][seed] for i, seed in zip(taken, seeds, strict=True))
    others = np.delete(means, first)
    margin = float(others.min() / means[first]) if len(others) and means[first] > 0 else math.nan
    point = points[full[first]]
    job = rows[0].job
    return Best(job.architecture, job.n, by, point, rows, margin, _edges(point, points), _steps(point, points))


def _by(runs: Sequence[Run], points: int, seeds: int) -> By:
    if points == 1:
        return "nothing"
    if all(run.trained is None or run.trained.test_error is not None for run in runs):
        return "validation"
    return "other seeds" if seeds > 1 else "itself"


def _others(errors: np.ndarray, k: int) -> int:
    """The point with the least mean error over the seeds but the ``k``-th; ``errors`` is [point, seed]."""
    return int(np.delete(errors, k, axis=1).mean(1).argmin())


def _trained(run: Run) -> Trained:
    assert run.trained is not None
    return run.trained


# Where in the grid --------------------------------------------------------------------------------


def axes_of(points: Sequence[GridPoint]) -> dict[str, list[float]]:
    """The names of a grid that hold several numbers, and these in order."""
    values: dict[str, list[Any]] = {}
    for point in points:
        for name, value in point:
            values.setdefault(name, []).append(plain_value(value))
    found = {}
    for name, own in values.items():
        kinds = [v for v in own if isinstance(v, int | float) and not isinstance(v, bool)]
        if len(kinds) == len(own) and len(set(own)) > 1:
            found[name] = sorted(set(map(float, own)))
    return found


def _edges(point: GridPoint, points: Sequence[GridPoint]) -> tuple[Edge, ...]:
    at = dict(point)
    found = []
    for name, values in axes_of(points).items():
        value = float(at[name])
        if value in (values[0], values[-1]):
            found.append(Edge(name, value, "smallest" if value == values[0] else "largest"))
    return tuple(found)


def _steps(point: GridPoint, points: Sequence[GridPoint]) -> dict[str, float]:
    at = dict(point)
    found = {}
    for name, values in axes_of(points).items():
        i = values.index(float(at[name]))
        around = values[max(i - 1, 0) : i + 2]
        if around[0] > 0:
            found[name] = max(b / a for a, b in itertools.pairwise(around))
    return found
