"""The plan of a measurement: trainers, points of the grid, sizes and seeds, and the runs that these make."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forecaster.errors import RequestError
from forecaster.measuring.record import read_record
from forecaster.measuring.runs import GridPoint, Job, Run, Trainer, jobs_of, points_of
from forecaster.measuring.sizes import sizes_of
from forecaster.measuring.trainers.commands import CommandTrainer

DOMAIN, TASK = "measured", "error"  # names where none are given
Grid = Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class TableNames:
    """Names of the measurement in its table."""

    domain: str = DOMAIN
    task: str = TASK
    metric: str | None = None
    n_test: float | None = None


@dataclass(frozen=True, eq=False)
class MeasurementPlan:
    """What is to be measured: the trainers, and the points of the grid, by architecture; sizes, seeds, names."""

    trainers: Mapping[str, Trainer]
    points: Mapping[str, tuple[GridPoint, ...]]
    sizes: tuple[int, ...]
    seeds: tuple[int, ...]
    names: TableNames = field(default_factory=TableNames)
    gpus: float = 0.0  # of each run

    @functools.cached_property
    def jobs(self) -> tuple[Job, ...]:
        return jobs_of(self.points, self.sizes, self.seeds)

    @property
    def identities(self) -> dict[str, str]:
        """A stable text that identifies each architecture's trainer."""
        return {name: identity_of(trainer) for name, trainer in self.trainers.items()}

    @property
    def most_points(self) -> int:
        return max(map(len, self.points.values()))

    def so_far(self, record: Path | None) -> dict[str, Run]:
        """The runs of this plan that a record holds, by key. RunRecordError where another trainer made them."""
        if record is None:
            return {}
        held = read_record(record)
        held.expect(record, self.identities)
        return {job.key: held.runs[job.key] for job in self.jobs if job.key in held.runs}


def plan_of(
    trainer: Trainer | Mapping[str, Trainer],
    sizes: str | Sequence[float],
    seeds: int | Sequence[int],
    *,
    grid: Grid | None = None,
    architecture: str | None = None,
    names: TableNames | None = None,
    gpus: float = 0.0,
) -> MeasurementPlan:
    """The plan of a measurement; RequestError where it makes no sense."""
    if isinstance(trainer, Mapping) and architecture is not None:
        raise RequestError(f"architecture: found {architecture!r} beside trainers with names; expected one of the two")
    trainers = dict(trainer) if isinstance(trainer, Mapping) else {architecture or name_of(trainer): trainer}
    if not trainers:
        raise RequestError("trainer: found no trainer; expected a function, or a mapping of names to functions")
    if not 0.0 <= gpus < math.inf:
        raise RequestError(f"gpus: found {gpus:g}; expected a number of accelerators from 0 up")
    points = points_of(grid)
    plan = MeasurementPlan(
        trainers, dict.fromkeys(trainers, points), sizes_of(sizes), seeds_of(seeds), names or TableNames(), gpus
    )
    for one in trainers.values():
        if isinstance(one, CommandTrainer):
            one.expect_places(grid or {}, len(plan.seeds))
    return plan


def seeds_of(seeds: int | Sequence[int]) -> tuple[int, ...]:
    """So many seeds from 0 on, or these; RequestError for none, or one twice."""
    found = tuple(range(seeds)) if isinstance(seeds, int) else tuple(map(int, seeds))
    if not found or len(set(found)) < len(found) or min(found) < 0:
        raise RequestError(f"seeds: found {seeds}; expected a number from 1, or different seeds from 0")
    return found


def name_of(trainer: Trainer) -> str:
    """The architecture's name, after its trainer."""
    name = getattr(trainer, "__name__", type(trainer).__name__)
    return "model" if name in ("<lambda>", "partial") else str(name)


def identity_of(trainer: Trainer) -> str:
    """The text that distinguishes one trainer from another in a record."""
    own = getattr(trainer, "identity", None)
    if own is not None:
        return str(own)
    if isinstance(trainer, functools.partial):
        more = ", ".join([*map(repr, trainer.args), *(f"{k}={v!r}" for k, v in sorted(trainer.keywords.items()))])
        return f"{identity_of(trainer.func)}({more})"
    named_as = trainer if hasattr(trainer, "__qualname__") else type(trainer)
    return f"{named_as.__module__}.{named_as.__qualname__}"
