"""MLflow's own store, an SQLite file: every value of every metric, without MLflow."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

from forecaster.curves.importers.export import STEP, Export, Format, all_of, one_run, points_of
from forecaster.curves.importers.seen import Seen, opened
from forecaster.curves.importers.trackers.mlflow_table import SIZES, state_of

TABLES = {"runs", "metrics", "params", "experiments"}
RUNS = """select runs.run_uuid, runs.name, runs.status, runs.lifecycle_stage, experiments.name
          from runs left join experiments on runs.experiment_id = experiments.experiment_id
          order by runs.start_time, runs.run_uuid"""
METRICS = "select key, value, step, is_nan from metrics where run_uuid = ? order by step, timestamp"


def claims(seen: Seen) -> bool:
    return seen.kind == "database" and set(seen.names) >= TABLES


def read(seen: Seen) -> Export:
    """The runs of all experiments, with the column ``experiment``."""
    with closing(opened(seen.path)) as database:
        runs = [_run(database, *row) for row in database.execute(RUNS).fetchall()]
    if not runs:
        raise ValueError("no runs are in it")
    return all_of(runs)


def _run(database: sqlite3.Connection, run: str, name: Any, status: Any, stage: Any, experiment: Any) -> Export:
    recorded = [
        (int(step), f"metrics.{key}", None if is_nan else float(value))
        for key, value, step, is_nan in database.execute(METRICS, (run,))
    ]
    params = database.execute("select key, value from params where run_uuid = ?", (run,))
    settings = {"run_id": run, "experiment": experiment, **{f"params.{key}": value for key, value in params}}
    points = points_of(recorded)
    return one_run(str(name or run), points, settings, state_of(status, stage), step=STEP)


FORMAT = Format("mlflow-database", "a database of MLflow", claims, read, sizes=SIZES)
