"""Measured: a curve that was measured, what it was chosen from, and every run; and the plan of a measurement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from forecaster.results.columns import CURVE, Column, Columns, declared, size
from forecaster.results.message import Message
from forecaster.results.result import Result, Shown

if TYPE_CHECKING:
    from forecaster.curves.learning_curves import LearningCurves

RUN = "of the run"
SEED = Column("seed", "count", "which repeat: its own shard of the data, and its own start of the training", key=True)
POINT = Column("point", "name", "the point of the grid, as `width=64, depth=2`", optional=True)
PARAMS = Column("params", "size", "parameters of the model", optional=True)
SPENT = (
    Column("seconds", "number", "how long the training took"),
    Column("gpu_hours", "number", "accelerator hours of the training", optional=True),
)

TABLE = Columns(
    "a measurement: the table that `fit` and all others read",
    CURVE,
    size("training-set size"),
    Column("error", "error", "error of the model; of the best of the grid, on data that did not choose it"),
    Column("metric", "text", "what the error is", optional=True),
    SEED,
    Column("n_test", "count", "test cases behind the error", optional=True),
    PARAMS,
    Column("compute", "number", "FLOPs of the run", optional=True),
    SPENT,
    Column("tuned", "flag", "true: the model is the best of a grid", optional=True),
    POINT,
)
SIZES = Columns(
    "a curve and size",
    CURVE,
    size("training-set size"),
    Column("runs", "count", "runs that are reported, one a seed"),
    Column("error", "error", "their mean error"),
    Column("error_sd", "error", "their standard deviation; null for one run"),
    POINT,
    PARAMS,
    Column(
        "margin", "ratio", "error of the second best of the grid over that of the best, as chosen by", optional=True
    ),
    Column("step", "text", "ratio of the grid's values next to the best", terminal=False, optional=True),
    Column("edge", "text", "where the best is the smallest or the largest of the grid; empty inside", optional=True),
    Column("failed", "count", "runs that failed, of all of the grid"),
    Column("hours", "number", "of all runs of the grid together", terminal=False),
)
RUNS = Columns(
    "a run",
    CURVE,
    size("training-set size"),
    SEED,
    POINT,
    Column("error", "error", "the error that chooses; null where the run failed"),
    Column("test_error", "error", "the error that is reported", optional=True),
    PARAMS,
    SPENT,
    Column("chosen", "flag", "whether it is in the table"),
    Column("status", "text", "`done`, `failed` or `missing`"),
    Column("message", "text", "the last lines of what a failed run said"),
)
PLANNED = Columns(
    "a curve and size",
    CURVE,
    size("training-set size"),
    Column("runs", "count", "runs in all: seeds times points of the grid"),
    Column("done", "count", "runs that the record holds"),
    Column("failed", "count", "of these, runs that failed; they are not made again unless it is asked for"),
    Column("left", "count", "runs to make"),
    Column("seconds", "number", "expected of one run; null where none was timed"),
    Column("hours", "number", "expected of the runs to make, one after the other"),
    Column("gpu_hours", "number", "accelerator hours of these", optional=True),
)


@dataclass(frozen=True, eq=False, repr=False)
class Measured(Result):
    """A measured curve, at each size the best of a grid. ``table`` is the input of every other verb."""

    sizes: Any = None
    runs: Any = None
    messages: tuple[Message, ...] = ()
    record: str | None = None
    hours: float = 0.0

    command = "measure"
    columns = declared(table=TABLE, sizes=SIZES, runs=RUNS)
    keys = declared(
        record="the file that holds the runs, or null",
        hours="hours of all runs together",
    )

    def curves(self) -> LearningCurves:
        """The table as learning curves, ready to be fitted. Raises as :func:`~forecaster.read_curves`."""
        from forecaster.curves.reading.read import read_curves

        return read_curves(self.table)

    def shown(self, most: int) -> Sequence[Shown]:
        """A row for each size; the JSON has all runs, and a file the measurements."""
        table = self.sizes.head(most)
        hidden = len(self.sizes) - len(table)
        note = f"{hidden} more rows; --json or --output FILE.csv gives all." if hidden else ""
        known = self.columns["sizes"]
        names = [str(c) for c in table if (own := known.named(str(c))) and own.terminal]
        if not table["failed"].any():
            names.remove("failed")
        return [Shown(table[names], known.pick(*names), note=note)]


@dataclass(frozen=True, eq=False, repr=False)
class MeasuringPlan(Result):
    """What a measurement would run, and what that is expected to take; nothing is run."""

    hours: float = 0.0
    asked: Mapping[str, Any] = field(default_factory=dict)

    command = "measure"
    columns = declared(table=PLANNED)
    keys = declared(
        hours="expected hours until all is done, with so many runs side by side; null where no run was timed",
        asked="`sizes`, `seeds`, `points` of the grid in all, runs side by side (`jobs`), `record`",
    )

    def shown(self, most: int) -> Sequence[Shown]:
        """Every size."""
        return [Shown(self.table, self.columns["table"])]
