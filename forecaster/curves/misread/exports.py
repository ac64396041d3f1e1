"""Exports: tables that a tracker or a trainer wrote, known by their headers; ``forecaster import`` reads them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable

from forecaster._support.frames import Table
from forecaster.curves.how_read import TABLE

BANDS = re.compile(r"(.+)__(MIN|MAX)")  # of a chart of W&B, beside each run
BETWEEN = " - "  # run and metric, in the header of such a chart
WANDB_KEEPS = {"notes", "user", "tags", "created", "runtime", "sweep", "id", "group", "job type"}
SCALAR = ("Wall time", "Step", "Value")
STATE = {"wandb-runs": "State", "mlflow-runs": "status"}  # the column that says whether a run has finished
FINISHED = ("finished", "")
TITLES = {
    "wandb-runs": "a runs table of W&B",
    "wandb-chart": "the export of a chart of W&B",
    "wandb-history": "the history of a W&B run",
    "mlflow-runs": "a table of MLflow's search_runs",
    "tensorboard-csv": "a scalar saved from TensorBoard",
    "lightning": "a metrics.csv of Lightning",
    "keras": "the log of Keras' CSVLogger",
    "records": "records of {config, summary}",
}


def tracker_of(columns: Iterable[str]) -> str | None:
    """Which export has such a header: a key of ``TITLES``; None where none has."""
    names = tuple(str(column).strip().lstrip("\ufeff") for column in columns)
    return next((known for known, shows in _SIGNS.items() if shows(names)), None)


def hint(columns: Iterable[str], source: str) -> list[str]:
    """Lines that say that ``import`` is the next step for such a table; none for any other."""
    known = tracker_of(columns)
    if known is None or source == TABLE:
        return []
    said = (
        f"It looks like {TITLES[known]}: `import` leaves out unfinished runs and asks which point of a run counts. Run:"
    )
    return [said, f"  {shlex.join(['forecaster', 'import', source])}"]


def unfinished(table: Table) -> int:
    """The rows of such a table whose run is marked as unfinished."""
    column = STATE.get(tracker_of(table.columns) or "")
    if column not in table:
        return 0
    return sum(str(cell).strip().lower() not in FINISHED for cell in table[column])


def _wandb_runs(names: tuple[str, ...]) -> bool:
    """``Name, State`` and what W&B notes of each run; or the columns that its documentation makes of the API."""
    there = set(names)
    page = there >= {"Name", "State"} and bool({name.lower() for name in names} & WANDB_KEEPS)
    return page or there >= {"name", "summary", "config"}


def _wandb_chart(names: tuple[str, ...]) -> bool:
    """An axis, then ``RUN - METRIC`` columns alone, with their bands or without."""
    bands = {name for name in names if BANDS.fullmatch(name)}
    series = {name for name in names[1:] if BETWEEN in name} - bands
    of_series = {found[1] for name in bands if (found := BANDS.fullmatch(name))} <= series
    return bool(series) and of_series and len(series) + len(bands) == len(names) - 1 and BETWEEN not in names[0]


def _mlflow_runs(names: tuple[str, ...]) -> bool:
    return {"run_id", "status"} <= set(names) and any(name.startswith(("metrics.", "params.")) for name in names)


def _lightning(names: tuple[str, ...]) -> bool:
    return {"epoch", "step"} <= set(names) and len(names) > 2 and "run_id" not in names


def _keras(names: tuple[str, ...]) -> bool:
    return len(names) > 1 and names[0] == "epoch" and "step" not in names and "loss" in names


def _records(names: tuple[str, ...]) -> bool:
    return all(any(name.startswith(f"{part}.") for name in names) for part in ("config", "summary"))


_SIGNS: dict[str, Callable[[tuple[str, ...]], bool]] = {
    "wandb-runs": _wandb_runs,
    "mlflow-runs": _mlflow_runs,
    "wandb-history": lambda names: {"_step", "_timestamp"} <= set(names),
    "wandb-chart": _wandb_chart,
    "tensorboard-csv": lambda names: names == SCALAR,
    "lightning": _lightning,
    "keras": _keras,
    "records": _records,
}
