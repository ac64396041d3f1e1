"""measure: a learning curve from a function that trains a model, at each size the best of a grid.

The way of Hestness et al. (2017): nested shards in steps of two, a grid of model sizes on each, the best chosen by
validation error. Every run is recorded when it is done, so that nothing is trained twice, however a session ends.
"""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecaster.errors import RequestError
from forecaster.measuring import prose
from forecaster.measuring.choice import Best, best_of
from forecaster.measuring.commands import CommandTrainer
from forecaster.measuring.measured import PLANNED, RUNS, SIZES, TABLE, Measured, MeasuringPlan
from forecaster.measuring.pace import seconds_of
from forecaster.measuring.record import read_record, recording
from forecaster.measuring.running import Progress, run_all, workers_of
from forecaster.measuring.runs import Job, Point, Run, Trainer, jobs_of, named, points_of
from forecaster.measuring.sizes import sizes_of
from forecaster.results.columns import WORDS
from forecaster.results.message import joined
from forecaster.results.wording import counted

DOMAIN, TASK = "measured", "error"  # names where none are given
Grid = Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class Names:
    """What the table calls what was measured."""

    domain: str = DOMAIN
    task: str = TASK
    metric: str | None = None
    n_test: float | None = None


@dataclass(frozen=True, eq=False)
class Plan:
    """What is to be measured: the trainers, and the points of the grid, by architecture; sizes, seeds, names."""

    trainers: Mapping[str, Trainer]
    points: Mapping[str, tuple[Point, ...]]
    sizes: tuple[int, ...]
    seeds: tuple[int, ...]
    names: Names = field(default_factory=Names)
    gpus: float = 0.0  # of each run

    @functools.cached_property
    def jobs(self) -> tuple[Job, ...]:
        return jobs_of(self.points, self.sizes, self.seeds)

    @property
    def identities(self) -> dict[str, str]:
        """What trains each architecture, in words that stay the same."""
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


def measure(
    trainer: Trainer | Mapping[str, Trainer],
    sizes: str | Sequence[float],
    seeds: int | Sequence[int] = 3,
    *,
    grid: Grid | None = None,
    record: str | Path | None = None,
    domain: str = DOMAIN,
    task: str = TASK,
    architecture: str | None = None,
    metric: str | None = None,
    n_test: float | None = None,
    jobs: int = 1,
    gpus: float = 0.0,
    retry: bool = False,
    on_progress: Progress | None = None,
) -> Measured:
    """Measure a learning curve: train on shards of growing size, and take the best model of a grid at each.

    Parameters
    ----------
    trainer : callable, or mapping of names to callables
        ``trainer(n, seed, **point)`` trains on the first ``n`` examples of the order that ``seed`` gives. It returns an
        error, or :class:`~forecaster.Trained` with a validation error (``error``), which chooses among the grid, and a
        ``test_error``, which is reported. :class:`~forecaster.CommandTrainer` makes one of a command line. Several are
        several architectures.
    sizes : str or sequence of int
        Sizes of the shards: ``"1000:64000:x2"``, ``"1000:5000:+1000"``, ``"1k,2k,4k"`` or a list.
    seeds : int or sequence of int
        Repeats: a number of them, or the seeds themselves.
    grid : mapping, optional
        Names to values, such as ``{"width": [64, 128, 256]}``: every combination is trained at every size.
    record : path, optional
        A file to put every run down in as soon as it is done. Where it is there, its runs are not made again.
    domain, task, architecture, metric : str, optional
        Names for the table; the architecture by default after the trainer.
    n_test : float, optional
        Test cases behind each error, where the trainer does not say.
    jobs : int
        Runs side by side, -1 for one a core; more than 1 may change what ``seconds`` they take.
    gpus : float
        Accelerators that each run holds: its hours go into ``gpu_hours`` where the trainer does not say.
    retry : bool
        Make runs again that failed before.
    on_progress : callable, optional
        Called with a sentence and the share done, between 0 and 1.

    Returns
    -------
    Measured
        ``table`` is the input of :func:`~forecaster.fit`, ``sizes`` says what was chosen where, ``runs`` has every run.
        A run that failed is there with its last lines, and the check ``runs`` says FAIL.

    Raises
    ------
    RequestError
        Sizes, seeds or a grid that make no sense; or every run failed.
    RunRecordError
        The record cannot be used, or holds runs of another trainer.

    Examples
    --------
    >>> import forecaster
    >>> def train(n, seed, width):
    ...     fits, varies = (width / 8.0) ** -0.5, 0.05 * width / n
    ...     return forecaster.Trained(error=fits + varies, test_error=fits + varies + 0.001 * seed)
    >>> found = forecaster.measure(train, "100:1600:x4", seeds=2, grid={"width": [16, 64, 256, 1024]})
    >>> found.sizes[["n", "point", "edge"]].values.tolist()[-1]
    [1600, 'width=1024', 'largest width']
    """
    named_as = Names(domain, task, metric, n_test)
    plan = plan_of(trainer, sizes, seeds, grid=grid, architecture=architecture, names=named_as, gpus=gpus)
    return measured(plan, record, jobs=jobs, retry=retry, on_progress=on_progress)


def measure_plan(
    trainer: Trainer | Mapping[str, Trainer],
    sizes: str | Sequence[float],
    seeds: int | Sequence[int] = 3,
    *,
    grid: Grid | None = None,
    record: str | Path | None = None,
    domain: str = DOMAIN,
    task: str = TASK,
    architecture: str | None = None,
    jobs: int = 1,
    gpus: float = 0.0,
    retry: bool = False,
) -> MeasuringPlan:
    """What :func:`~forecaster.measure` would run with the same arguments, and how long that may take. Runs nothing.

    Parameters
    ----------
    trainer, sizes, seeds, grid, record, domain, task, architecture, jobs, gpus, retry : as in measure
        The times of the runs that the record holds tell what the others will take: a power law in the size of the
        shard.

    Returns
    -------
    MeasuringPlan
        A row an architecture and size: runs that are done and left, and what these are expected to take.

    Raises
    ------
    RequestError, RunRecordError
        As in :func:`~forecaster.measure`.

    Examples
    --------
    >>> import forecaster
    >>> plan = forecaster.measure_plan(lambda n, seed, width: 0.1, [100, 200], 3, grid={"width": [8, 16]})
    >>> plan.table[["n", "runs", "left"]].values.tolist()
    [[100, 6, 6], [200, 6, 6]]
    """
    plan = plan_of(trainer, sizes, seeds, grid=grid, architecture=architecture, names=Names(domain, task), gpus=gpus)
    return planned(plan, record, jobs=jobs, retry=retry)


# The steps ----------------------------------------------------------------------------------------


def plan_of(
    trainer: Trainer | Mapping[str, Trainer],
    sizes: str | Sequence[float],
    seeds: int | Sequence[int],
    *,
    grid: Grid | None = None,
    architecture: str | None = None,
    names: Names | None = None,
    gpus: float = 0.0,
) -> Plan:
    """The plan of a measurement; RequestError where it makes no sense."""
    if isinstance(trainer, Mapping) and architecture is not None:
        raise RequestError(f"architecture: found {architecture!r} beside trainers with names; expected one of the two")
    trainers = dict(trainer) if isinstance(trainer, Mapping) else {architecture or name_of(trainer): trainer}
    if not trainers:
        raise RequestError("trainer: found no trainer; expected a function, or a mapping of names to functions")
    if not 0.0 <= gpus < math.inf:
        raise RequestError(f"gpus: found {gpus:g}; expected a number of accelerators from 0 up")
    points = points_of(grid)
    plan = Plan(trainers, dict.fromkeys(trainers, points), sizes_of(sizes), seeds_of(seeds), names or Names(), gpus)
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
    """What an architecture is called after its trainer."""
    name = getattr(trainer, "__name__", type(trainer).__name__)
    return "model" if name in ("<lambda>", "partial") else str(name)


def identity_of(trainer: Trainer) -> str:
    """What tells one trainer from another in a record."""
    own = getattr(trainer, "identity", None)
    if own is not None:
        return str(own)
    if isinstance(trainer, functools.partial):
        more = ", ".join([*map(repr, trainer.args), *(f"{k}={v!r}" for k, v in sorted(trainer.keywords.items()))])
        return f"{identity_of(trainer.func)}({more})"
    named_as = trainer if hasattr(trainer, "__qualname__") else type(trainer)
    return f"{named_as.__module__}.{named_as.__qualname__}"


def measured(
    plan: Plan,
    record: str | Path | None,
    *,
    jobs: int = 1,
    retry: bool = False,
    on_progress: Progress | None = None,
) -> Measured:
    """Make the runs of a plan that the record does not hold, and choose among all."""
    count, path = workers_of(jobs), None if record is None else Path(record)
    with contextlib.ExitStack() as stack:
        keep = None if path is None else stack.enter_context(recording(path, plan.identities))
        runs = plan.so_far(path)
        left = _left(plan, runs, retry)

        def put(run: Run) -> None:
            if keep is not None:
                keep(run)
            runs[run.job.key] = run

        before = [run for run in runs.values() if run.trained is not None]
        run_all(plan.trainers, left, put, count=count, tell=on_progress, before=before)
    return result_of(plan, runs, path)


def planned(plan: Plan, record: str | Path | None, *, jobs: int = 1, retry: bool = False) -> MeasuringPlan:
    """What is left of a plan, and how long it may take."""
    count, path = workers_of(jobs), None if record is None else Path(record)
    runs = plan.so_far(path)
    left = _left(plan, runs, retry)
    expected = dict(zip((job.key for job in left), seconds_of(left, runs.values()), strict=True))
    rows = []
    for name in plan.trainers:
        for n in plan.sizes:
            own = [job for job in plan.jobs if (job.architecture, job.n) == (name, n)]
            there = [runs[job.key] for job in own if job.key in runs]
            ahead = np.array([expected[job.key] for job in own if job.key in expected])
            rows.append(
                {
                    **_curve(plan, name),
                    "n": n,
                    "runs": len(own),
                    "done": sum(run.trained is not None for run in there),
                    "failed": sum(run.trained is None for run in there),
                    "left": len(ahead),
                    "seconds": float(ahead.mean()) if len(ahead) else math.nan,
                    "hours": float(ahead.sum()) / 3600.0,
                    "gpu_hours": plan.gpus * float(ahead.sum()) / 3600.0 if plan.gpus else math.nan,
                }
            )
    table = _tidy(rows, PLANNED)
    hours = sum(row["hours"] for row in rows) / min(count, max(len(left), 1))
    said = prose.planned(plan.sizes, len(plan.seeds), plan.most_points, len(left), hours, count)
    asked = {"sizes": list(plan.sizes), "seeds": list(plan.seeds), "points": plan.most_points, "jobs": count}
    asked["record"] = None if path is None else str(path)
    return MeasuringPlan(table, said.text, (), hours, asked)


def _left(plan: Plan, runs: Mapping[str, Run], retry: bool) -> list[Job]:
    """The jobs to make: those without a run, and with ``retry`` those whose run failed."""
    return [job for job in plan.jobs if job.key not in runs or (retry and runs[job.key].trained is None)]


# What was found -----------------------------------------------------------------------------------


def result_of(plan: Plan, runs: Mapping[str, Run], record: Path | None) -> Measured:
    """The choice among runs, as tables, sentences and verdicts. RequestError where no run finished."""
    made = [runs[job.key] for job in plan.jobs if job.key in runs]
    found = [best for name in plan.trainers for n in plan.sizes if (best := _best(plan, runs, name, n)) is not None]
    if not found:
        raise RequestError(_nothing(plan, made, record))
    reported = [(best, run) for best in found for run in best.rows]
    unusable = [run for _, run in reported if math.isnan(_error(plan, run))]
    rows = [_measurement(plan, best, run) for best, run in reported if not math.isnan(_error(plan, run))]
    said = prose.messages(found, made, plan.jobs, plan.most_points)
    return Measured(
        _tidy(rows, TABLE),
        joined(said),
        prose.checks(found, made, plan.jobs, unusable),
        sizes=_tidy([_size_row(plan, best, runs) for best in found], SIZES),
        runs=_tidy(list(_run_rows(plan, runs, {run.job.key for _, run in reported})), RUNS),
        messages=said,
        record=None if record is None else str(record),
        hours=sum(run.took for run in made) / 3600.0,
    )


def _best(plan: Plan, runs: Mapping[str, Run], name: str, n: int) -> Best | None:
    own = [runs[j.key] for j in plan.jobs if (j.architecture, j.n) == (name, n) and j.key in runs]
    return best_of(own, plan.points[name])


def _nothing(plan: Plan, made: Sequence[Run], record: Path | None) -> str:
    place = "measure" if record is None else str(record)
    if not made:
        return f"{place}: found no run of these sizes, seeds and grid; expected some: measure them first"
    said = made[0].message.replace("\n", "\n  ")
    return (
        f"{place}: all {counted(len(made), 'run')} failed; the first, {made[0].job.label}, ended with\n  {said}\n"
        "Mend it, and give the same command with --retry (retry=True)."
    )


def _curve(plan: Plan, name: str) -> dict[str, Any]:
    return {"domain": plan.names.domain, "task": plan.names.task, "architecture": name}


def _error(plan: Plan, run: Run) -> float:
    """The error that is reported; half a test case where none was wrong, NaN where their number is not known."""
    assert run.trained is not None
    cases = run.trained.n_test or plan.names.n_test
    return run.trained.reported or (0.5 / cases if cases else math.nan)


def _measurement(plan: Plan, best: Best, run: Run) -> dict[str, Any]:
    """A row of the table that is fitted."""
    assert run.trained is not None
    return {
        **_curve(plan, best.architecture),
        "n": best.n,
        "error": _error(plan, run),
        "metric": plan.names.metric,
        "seed": run.job.seed,
        "n_test": run.trained.n_test or plan.names.n_test,
        **_spent(plan, run),
        "compute": run.trained.compute,
        "tuned": True if best.by != "nothing" else None,
        "point": named(run.job.point) or None,
    }


def _spent(plan: Plan, run: Run) -> dict[str, Any]:
    """What a run took."""
    told = run.trained
    hours = None if told is None else told.gpu_hours
    if hours is None and plan.gpus:
        hours = plan.gpus * run.took / 3600.0
    return {"params": None if told is None else told.params, "seconds": run.took, "gpu_hours": hours}


def _size_row(plan: Plan, best: Best, runs: Mapping[str, Run]) -> dict[str, Any]:
    errors = np.array([_error(plan, run) for run in best.rows])
    params = [
        run.trained.params for run in best.rows if run.trained is not None and run.job.point == best.rows[0].job.point
    ]
    own = [runs[j.key] for j in plan.jobs if (j.architecture, j.n) == (best.architecture, best.n) and j.key in runs]
    point, step, edge = prose.described(best)
    tuned = best.by != "nothing"
    return {
        **_curve(plan, best.architecture),
        "n": best.n,
        "runs": len(errors),
        "error": float(np.nanmean(errors)) if np.isfinite(errors).any() else math.nan,
        "error_sd": float(errors.std(ddof=1)) if len(errors) > 1 else math.nan,
        "point": point or None,
        "params": params[0],
        "margin": best.margin if tuned else None,
        "step": step if tuned else None,
        "edge": edge if tuned else None,
        "failed": sum(run.trained is None for run in own),
        "hours": sum(run.took for run in own) / 3600.0,
    }


def _run_rows(plan: Plan, runs: Mapping[str, Run], chosen: set[str]) -> Iterable[dict[str, Any]]:
    for job in plan.jobs:
        run = runs.get(job.key)
        trained = None if run is None else run.trained
        yield {
            **_curve(plan, job.architecture),
            "n": job.n,
            "seed": job.seed,
            "point": named(job.point) or None,
            "error": None if trained is None else trained.error,
            "test_error": None if trained is None else trained.test_error,
            **({"params": None, "seconds": None, "gpu_hours": None} if run is None else _spent(plan, run)),
            "chosen": job.key in chosen,
            "status": "missing" if run is None else "failed" if run.trained is None else "done",
            "message": "" if run is None else run.message,
        }


def _tidy(rows: Sequence[Mapping[str, Any]], columns: Any) -> pd.DataFrame:
    """The rows under the declared columns, without the optional ones that hold nothing."""
    table: Any = pd.DataFrame(list(rows), columns=list(columns.names))
    empty = [column.name for column in columns if column.optional and table[column.name].isna().all()]
    table = table.drop(columns=empty)
    words = {c.name: "" for c in columns if c.name in table and c.kind in WORDS}
    numbers = [c.name for c in columns if c.name in table and c.name not in words and table[c.name].dtype == object]
    return table.fillna(words).astype({name: float for name in numbers if name != "tuned"})
