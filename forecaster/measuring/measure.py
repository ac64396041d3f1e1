"""measure: a learning curve from a function that trains a model, at each size the best of a grid.

The way of Hestness et al. (2017): nested shards in steps of two, a grid of model sizes on each, the best chosen by
validation error. Every run is recorded when it is done, so that nothing is trained twice, however a session ends.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from forecaster.measuring import prose
from forecaster.measuring.measured import PLANNED, Measured, MeasuringPlan
from forecaster.measuring.pace import seconds_of
from forecaster.measuring.plan import DOMAIN, TASK, Grid, MeasurementPlan, TableNames, plan_of
from forecaster.measuring.record import recording
from forecaster.measuring.running import Progress, run_all, workers_of
from forecaster.measuring.runs import Job, Run, Trainer
from forecaster.measuring.tables import planned_row, result_of, tidy


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
    named_as = TableNames(domain, task, metric, n_test)
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
    plan = plan_of(
        trainer, sizes, seeds, grid=grid, architecture=architecture, names=TableNames(domain, task), gpus=gpus
    )
    return planned(plan, record, jobs=jobs, retry=retry)


# The steps ----------------------------------------------------------------------------------------


def measured(
    plan: MeasurementPlan,
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


def planned(plan: MeasurementPlan, record: str | Path | None, *, jobs: int = 1, retry: bool = False) -> MeasuringPlan:
    """What is left of a plan, and how long it may take."""
    count, path = workers_of(jobs), None if record is None else Path(record)
    runs = plan.so_far(path)
    left = _left(plan, runs, retry)
    expected = dict(zip((job.key for job in left), seconds_of(left, runs.values()), strict=True))
    rows = [planned_row(plan, name, n, runs, expected) for name in plan.trainers for n in plan.sizes]
    table = tidy(rows, PLANNED)
    hours = sum(row["hours"] for row in rows) / min(count, max(len(left), 1))
    said = prose.planned(plan.sizes, len(plan.seeds), plan.most_points, len(left), hours, count)
    asked = {"sizes": list(plan.sizes), "seeds": list(plan.seeds), "points": plan.most_points, "jobs": count}
    asked["record"] = None if path is None else str(path)
    return MeasuringPlan(table, said.text, (), hours, asked)


def _left(plan: MeasurementPlan, runs: Mapping[str, Run], retry: bool) -> list[Job]:
    """The jobs to make: those without a run, and with ``retry`` those whose run failed."""
    return [job for job in plan.jobs if job.key not in runs or (retry and runs[job.key].trained is None)]


# What was found -----------------------------------------------------------------------------------
