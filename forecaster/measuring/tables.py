"""The tables of a measurement, from its runs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecaster.errors import RequestError
from forecaster.measuring import prose
from forecaster.measuring.choice import Best, best_of
from forecaster.measuring.measured import RUNS, SIZES, TABLE, Measured
from forecaster.measuring.plan import MeasurementPlan
from forecaster.measuring.runs import Run, named
from forecaster.results.columns import WORDS
from forecaster.results.message import joined
from forecaster.results.wording import counted


def result_of(plan: MeasurementPlan, runs: Mapping[str, Run], record: Path | None) -> Measured:
    """The choice among runs, as tables, sentences and verdicts. RequestError where no run finished."""
    made = [runs[job.key] for job in plan.jobs if job.key in runs]
    found = [best for name in plan.trainers for n in plan.sizes if (best := _best(plan, runs, name, n)) is not None]
    if not found:
        raise RequestError(_nothing(made, record))
    reported = [(best, run) for best in found for run in best.rows]
    unusable = [run for _, run in reported if math.isnan(_error(plan, run))]
    rows = [_measurement(plan, best, run) for best, run in reported if not math.isnan(_error(plan, run))]
    said = prose.messages(found, made, plan.jobs, plan.most_points)
    return Measured(
        tidy(rows, TABLE),
        joined(said),
        prose.checks(found, made, plan.jobs, unusable),
        sizes=tidy([_size_row(plan, best, runs) for best in found], SIZES),
        runs=tidy(list(_run_rows(plan, runs, {run.job.key for _, run in reported})), RUNS),
        messages=said,
        record=None if record is None else str(record),
        hours=sum(run.took for run in made) / 3600.0,
    )


def planned_row(
    plan: MeasurementPlan, name: str, n: int, runs: Mapping[str, Run], expected: Mapping[str, float]
) -> dict[str, Any]:
    """One architecture and size of a plan: runs done, failed and left, and the seconds ``expected`` of those left."""
    own = [job for job in plan.jobs if (job.architecture, job.n) == (name, n)]
    there = [runs[job.key] for job in own if job.key in runs]
    ahead = np.array([expected[job.key] for job in own if job.key in expected])
    hours = float(ahead.sum()) / 3600.0
    return {
        **_curve(plan, name),
        "n": n,
        "runs": len(own),
        "done": sum(run.trained is not None for run in there),
        "failed": sum(run.trained is None for run in there),
        "left": len(ahead),
        "seconds": float(ahead.mean()) if len(ahead) else math.nan,
        "hours": hours,
        "gpu_hours": plan.gpus * hours if plan.gpus else math.nan,
    }


def _best(plan: MeasurementPlan, runs: Mapping[str, Run], name: str, n: int) -> Best | None:
    own = [runs[j.key] for j in plan.jobs if (j.architecture, j.n) == (name, n) and j.key in runs]
    return best_of(own, plan.points[name])


def _nothing(made: Sequence[Run], record: Path | None) -> str:
    place = "measure" if record is None else str(record)
    if not made:
        return f"{place}: found no run of these sizes, seeds and grid; expected some: measure them first"
    said = made[0].message.replace("\n", "\n  ")
    return (
        f"{place}: all {counted(len(made), 'run')} failed; the first, {made[0].job.label}, ended with\n  {said}\n"
        "Mend it, and give the same command with --retry (retry=True)."
    )


def _curve(plan: MeasurementPlan, name: str) -> dict[str, Any]:
    return {"domain": plan.names.domain, "task": plan.names.task, "architecture": name}


def _error(plan: MeasurementPlan, run: Run) -> float:
    """The error that is reported; half a test case where none was wrong, NaN where their number is not known."""
    assert run.trained is not None
    cases = run.trained.n_test or plan.names.n_test
    return run.trained.reported or (0.5 / cases if cases else math.nan)


def _measurement(plan: MeasurementPlan, best: Best, run: Run) -> dict[str, Any]:
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


def _spent(plan: MeasurementPlan, run: Run) -> dict[str, Any]:
    """What a run took."""
    told = run.trained
    hours = None if told is None else told.gpu_hours
    if hours is None and plan.gpus:
        hours = plan.gpus * run.took / 3600.0
    return {"params": None if told is None else told.params, "seconds": run.took, "gpu_hours": hours}


def _size_row(plan: MeasurementPlan, best: Best, runs: Mapping[str, Run]) -> dict[str, Any]:
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


def _run_rows(plan: MeasurementPlan, runs: Mapping[str, Run], chosen: set[str]) -> Iterable[dict[str, Any]]:
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


def tidy(rows: Sequence[Mapping[str, Any]], columns: Any) -> pd.DataFrame:
    """The rows under the declared columns, without the optional ones that hold nothing."""
    table: Any = pd.DataFrame(list(rows), columns=list(columns.names))
    empty = [column.name for column in columns if column.optional and table[column.name].isna().all()]
    table = table.drop(columns=empty)
    words = {c.name: "" for c in columns if c.name in table and c.kind in WORDS}
    numbers = [c.name for c in columns if c.name in table and c.name not in words and table[c.name].dtype == object]
    return table.fillna(words).astype({name: float for name in numbers if name != "tuned"})
