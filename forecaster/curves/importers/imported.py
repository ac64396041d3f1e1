"""Imported: the table that an import made, what was left out, and the command that makes it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from forecaster.curves.learning_curves import LearningCurves, Note
from forecaster.results.columns import CURVE, Column, Columns, declared
from forecaster.results.result import Result, Shown


@dataclass(frozen=True, eq=False, repr=False)
class Imported(Result):
    """The input table made from a tracker's export.

    ``curves`` are its curves, None where they cannot be used as they are (a note says why).
    """

    summary: pd.DataFrame = field(default_factory=pd.DataFrame)
    notes: tuple[Note, ...] = ()
    curves: LearningCurves | None = None
    format: str = ""
    runs: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    optimism: Mapping[str, Any] | None = None
    again: str = ""

    command = "import"
    columns = declared(
        table=Columns(
            "a measurement, as `read_curves` reads it",
            CURVE,
            Column("n", "size", "training-set size"),
            Column("error", "error", "the error of the point that counts"),
            Column("metric", "text", "what the error is", optional=True),
            Column("seed", "name", "which of several runs of a size", optional=True),
            Column("error_sd", "error", "standard deviation of one measurement", optional=True),
            Column("repeats", "count", "measurements behind an average", optional=True),
            Column("n_test", "count", "test cases", optional=True),
            Column("params", "size", "size of the model", optional=True),
            Column("compute", "number", "FLOPs of the run", optional=True),
            Column("gpu_hours", "number", "accelerator hours of the run", optional=True),
            Column("seconds", "number", "seconds of the run", optional=True),
            Column("split", "text", "`fit` or `extrapolate`", optional=True),
            Column("run", "name", "the run, as the tracker calls it"),
        ),
        summary=Columns(
            "a curve",
            CURVE,
            Column("points", "count", "measurements"),
            (Column(name, "size", "smallest and largest size") for name in ("n_min", "n_max")),
            *(
                Column(f"error_{end}", "error", "mean error at the smallest and the largest size")
                for end in ("first", "last")
            ),
        ),
    )
    keys = declared(
        notes="remarks that stop nothing: a list of `code`, `text`, `curve`",
        format="the format that was read, such as `wandb-runs`",
        runs="the number of runs in the export",
        dropped="how many runs were left out, by the reason",
        optimism="where the best point of each run was taken: `runs`, `below_last`, `below_neighbours`, shares of the "
        "error by which it lies below other points (medians over runs); else null",
        again="the command that makes the same table",
    )

    def shown(self, most: int) -> Sequence[Shown]:
        """The curves; all measurements are in the file, and in ``--json``."""
        return (Shown(self.summary.head(most), self.columns["summary"]),)
