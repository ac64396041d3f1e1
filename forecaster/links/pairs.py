"""The runs of each task with both their loss and their error rate: from one table, or matched between two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecaster._support.frames import Table
from forecaster.curves.learning_curves import Group, LearningCurves, listed
from forecaster.errors import RequestError
from forecaster.links.link import Runs

FEWEST_RUNS = 4  # runs of a task
MATCHED_BY = ("domain", "architecture", "n")
MORE_KEYS = ("params", "seed", "compute")  # where both tables have them
TURNED = -0.5  # rank correlation below which errors look like accuracies


@dataclass(frozen=True, eq=False)
class Pairs:
    """The runs of one task: ``table`` has a row each (keys, loss, error), as ``runs`` has; ``loss_task`` is the loss's.

    ``unmatched`` counts rows of the task without a loss.
    """

    group: Group
    loss_task: str | None
    table: Table
    runs: Runs
    unmatched: int = 0


def pairs_of(errors: LearningCurves, loss: LearningCurves | str, *, as_they_are: bool = False) -> list[Pairs]:
    """Runs by task. ``loss`` is a column of the errors' table, or the curves of the losses of the same runs.

    Raises
    ------
    RequestError
        No such column, runs that do not match or match twice, too few of them, errors that are no shares of cases or
        seem to be accuracies.
    """
    table: Table = errors.table
    found = []
    for group, rows in table.groupby(["domain", "task"], sort=False):
        joined, loss_task = _beside(rows, loss) if isinstance(loss, str) else _matched(errors, rows, loss)
        known = joined[np.isfinite(joined["loss"])].reset_index(drop=True)
        found.append(Pairs(group, loss_task, known, _runs(group, known), len(joined) - len(known)))
    if not as_they_are and errors.reading.score is None:
        _refuse_accuracies(errors, found)
    return found


def how_to_read(
    columns: Mapping[str, str], raw: Any, name: str, option: str
) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """``columns`` and ``where`` that read a metric from a raw table: a column of this name, or rows of a metric."""
    if name in raw:
        return {"error": name}, {}
    metric = columns.get("metric", "metric")
    there = dict.fromkeys(raw[metric].astype(str).str.strip()) if metric in raw else {}
    if name in there:
        return {}, {metric: (name,)}
    metrics = f", and of metrics in the column {metric!r} {listed(there)}" if there else ""
    raise RequestError(
        f"{option} {name}: found neither a column of this name nor rows of such a metric; "
        f"expected one of the columns {listed(raw.columns, 50)}{metrics}"
    )


def _beside(rows: Table, column: str) -> tuple[Table, None]:
    """Runs whose loss is in a column of their own row."""
    if column not in rows:
        raise RequestError(f"loss: found no column {column!r}; expected one of {listed(rows.columns, 50)}")
    values: Any = pd.to_numeric(rows[column], errors="coerce")
    return rows.assign(loss=values.where(np.isfinite(values))), None


def _matched(errors: LearningCurves, rows: Table, losses: LearningCurves) -> tuple[Table, str]:
    """Runs whose loss is a row of another table."""
    task = str(rows["task"].iloc[0])
    tasks = list(dict.fromkeys(losses.table["task"]))
    if task not in tasks and len(tasks) > 1:
        raise RequestError(
            f"loss: found losses of the tasks {listed(tasks)}, and none of {task!r}; expected losses of one task, "
            f"or of each: choose one, with where={{'task': {tasks[0]!r}}}"
        )
    loss_task = task if task in tasks else tasks[0]
    table: Table = losses.table
    own = table[table["task"] == loss_task]
    keys = [*MATCHED_BY, *(name for name in MORE_KEYS if name in rows and name in own)]
    for what, one, name in (("losses", own, losses.source), ("error rates", rows, errors.source)):
        twice = one[one.duplicated(keys, keep=False)]
        if len(twice):
            first = twice.iloc[0]
            said = ", ".join(f"{key} {first[key]}" for key in keys)
            raise RequestError(
                f"{name}: found several {what} of one run ({said}); expected one. "
                "Add a column `seed` that tells runs apart, the same for loss and error rate"
            )
    joined = rows.drop(columns="loss", errors="ignore").merge(
        own[[*keys, "error"]].rename(columns={"error": "loss"}), on=keys, how="left"
    )
    if not joined["loss"].notna().any():
        raise RequestError(_unmatched(rows, own, keys, task))
    return joined, loss_task


def _unmatched(rows: Table, own: Table, keys: list[str], task: str) -> str:
    """Why nothing matched: the columns without which some runs would."""
    culprits = [k for k in keys if len(rows.merge(own, on=[other for other in keys if other != k]))]
    why = f"; without {listed(culprits)} some would: make it the same in both" if culprits else ""
    return f"{task}: found no run with both a loss and an error rate, matched by {', '.join(keys)}{why}"


def _runs(group: Group, table: Table) -> Runs:
    label = "/".join(group)
    if len(table) < FEWEST_RUNS:
        raise RequestError(
            f"{label}: found {len(table)} runs with both a loss and an error rate; expected {FEWEST_RUNS} at the least"
        )
    error, loss = table["error"].to_numpy(dtype=float), table["loss"].to_numpy(dtype=float)
    cases = table["n_test"].to_numpy(dtype=float) if "n_test" in table else np.full(len(table), np.nan)
    if (error > 1.0).any():
        raise RequestError(
            f"{label}: found an error of {error.max():g}; expected error rates, shares of cases from 0 to 1: "
            "percent=True (--percent) where they are in per cent"
        )
    if ((error >= 1.0) & ~np.isfinite(cases)).any():
        raise RequestError(
            f"{label}: found error rates of exactly 1, which say nothing without the number of test cases; "
            "expected a column n_test, or --n-test 1000"
        )
    if len(np.unique(loss)) < FEWEST_RUNS:
        raise RequestError(
            f"{label}: found {len(np.unique(loss))} different losses; expected {FEWEST_RUNS} at the least"
        )
    return Runs(loss, error, cases)


def _refuse_accuracies(errors: LearningCurves, found: list[Pairs]) -> None:
    """RequestError where most tasks get worse as their loss falls."""
    from scipy.stats import spearmanr

    def falls(runs: Runs) -> bool:
        if not float(np.ptp(runs.error)) > 0.0:
            return False
        order: Any = spearmanr(runs.loss, runs.error)
        return float(order.statistic) < TURNED

    if 2 * sum(falls(one.runs) for one in found) > len(found):
        raise RequestError(
            f"{errors.source}: found error rates that rise as the loss falls; they look like accuracies: "
            "score='accuracy' (--accuracy) turns them; as_they_are=True (--as-they-are) takes them as they are"
        )
