"""Runs: what is to be trained (Job), what a trainer gives back (Trained), what became of it (Run)."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from forecaster.errors import RequestError

GridPoint = tuple[tuple[str, Any], ...]  # of a grid: a value for each of its names
Trainer = Callable[..., Any]  # (n, seed, **point) -> an error, a mapping or Trained
RESERVED = ("n", "seed")


@dataclass(frozen=True)
class Trained:
    """What one training run gave.

    Attributes
    ----------
    error : float
        The error by which a model of the grid is chosen, on validation data; what is reported where there is no other.
    test_error : float, optional
        The error on test data, which is what is reported of the model that was chosen.
    params : float, optional
        Parameters of the model.
    compute : float, optional
        FLOPs of the run.
    n_test : float, optional
        Test cases behind an error rate.
    seconds, gpu_hours : float, optional
        How long the training took, where the trainer knows better than the clock around it.
    """

    error: float
    test_error: float | None = None
    params: float | None = None
    compute: float | None = None
    n_test: float | None = None
    seconds: float | None = None
    gpu_hours: float | None = None

    @property
    def reported(self) -> float:
        """The error that goes into the table."""
        return self.error if self.test_error is None else self.test_error


FIELDS = tuple(field.name for field in fields(Trained))
EXPECTED = f"an error (a number), or forecaster.Trained, or a mapping with some of {', '.join(FIELDS)}"


@dataclass(frozen=True)
class Job:
    """One run to make: an architecture, the size of its shard, a seed and a point of the grid."""

    architecture: str
    n: int
    seed: int
    point: GridPoint = ()

    @cached_property
    def key(self) -> str:
        """The same text for the same run, whatever process, session or order of names it comes from."""
        return json.dumps([self.architecture, self.n, self.seed, plain_point(self.point)], sort_keys=True)

    @property
    def label(self) -> str:
        said = f"{self.architecture}, n = {self.n:,}, seed {self.seed}"
        return f"{said}, {named(self.point)}" if self.point else said


@dataclass(frozen=True)
class Run:
    """The outcome of a job: ``trained``, None if it failed, and the last lines of its output."""

    job: Job
    seconds: float
    trained: Trained | None = None
    message: str = ""

    @property
    def took(self) -> float:
        """Seconds of the training."""
        told = None if self.trained is None else self.trained.seconds
        return self.seconds if told is None else told

    def as_row(self) -> dict[str, Any]:
        """The run as a JSON object; of what it gave, what is known."""
        job = {"architecture": self.job.architecture, "n": self.job.n, "seed": self.job.seed}
        gave = {"message": self.message}
        if self.trained is not None:
            gave = {"trained": {k: v for k, v in asdict(self.trained).items() if v is not None}}
        return job | {"point": plain_point(self.job.point), "seconds": self.seconds, **gave}

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Run:
        """The run in such an object; KeyError, TypeError or ValueError if it holds none."""
        job = Job(str(row["architecture"]), int(row["n"]), int(row["seed"]), tuple(dict(row["point"]).items()))
        trained = None if "trained" not in row else trained_of(row["trained"])
        return cls(job, float(row["seconds"]), trained, str(row.get("message", "")))


def trained_of(value: Any) -> Trained:
    """What a trainer returned, as a value; ValueError where it is no error, or none that a curve can have."""
    if isinstance(value, Trained):
        value = asdict(value)
    if not isinstance(value, Mapping):
        value = {"error": value}
    unknown = [str(name) for name in value if name not in FIELDS]
    if unknown or "error" not in value:
        raise ValueError(f"the trainer gave {', '.join(map(str, value))}; expected {EXPECTED}")
    numbers = {name: None if given is None else _number(name, given) for name, given in value.items()}
    return Trained(**numbers)  # type: ignore[arg-type]  # `error` is there, and is no None: _number sees to it


def _number(name: str, given: Any) -> float:
    try:
        found = float(given)
    except (TypeError, ValueError):
        raise ValueError(f"the trainer gave {given!r} for {name}; expected {EXPECTED}") from None
    if not (math.isfinite(found) and found >= 0.0):
        raise ValueError(f"the trainer gave {found:g} for {name}; expected a finite number that is not below 0")
    return found


# The grid -----------------------------------------------------------------------------------------


def points_of(grid: Mapping[str, Sequence[Any]] | None) -> tuple[GridPoint, ...]:
    """All points of a grid, one without names where there is no grid; RequestError where it makes no sense."""
    for name, values in (grid or {}).items():
        if name in RESERVED:
            raise RequestError(f"grid: found the name {name!r}; expected names other than {' and '.join(RESERVED)}")
        if isinstance(values, str) or not len(values):
            raise RequestError(f"grid: found {values!r} for {name}; expected a list of values, such as [64, 128, 256]")
        if len({json.dumps(plain_value(v)) for v in values}) < len(values):
            raise RequestError(f"grid: found a value of {name} twice in {list(values)}; expected each once")
    names = tuple(grid or {})
    return tuple(tuple(zip(names, values, strict=True)) for values in itertools.product(*(grid or {}).values()))


def jobs_of(points: Mapping[str, Sequence[GridPoint]], sizes: Sequence[int], seeds: Sequence[int]) -> tuple[Job, ...]:
    """Every run of each architecture at its own points, the smallest sizes first: they tell what the larger take."""
    return tuple(
        Job(name, n, seed, point) for n in sizes for seed in seeds for name, own in points.items() for point in own
    )


def named(point: GridPoint) -> str:
    """``width=64, depth=2``."""
    return ", ".join(f"{name}={value}" for name, value in point)


def text_of(point: GridPoint) -> str:
    """The same text for the same point, whatever the order of its names."""
    return json.dumps(plain_point(point), sort_keys=True)


def plain_point(point: GridPoint) -> dict[str, Any]:
    return {name: plain_value(value) for name, value in point}


def plain_value(value: Any) -> Any:
    """A value of a grid for JSON; the ``repr`` of a value without a JSON form."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [plain_value(v) for v in value]
    return " ".join(repr(value).split())
