"""Answers of a surface: losses at points, and the best use of a compute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from forecaster._support.frames import Table
from forecaster.results import columns
from forecaster.results.columns import CURVE, LEVEL, Column, Columns, declared, interval, size
from forecaster.results.result import Result, Shown
from forecaster.surfaces.fitted import Surface

Kind = Literal["mean", "new-run"]
PARAMETERS = Columns(
    "a quantity of a surface",
    CURVE,
    Column(
        "quantity",
        "text",
        "`E`, `A`, `B`, `a`, `b` and `k` of the law E + ((A N^-a)^k + (B D^-b)^k)^(1/k); `noise` of one run and "
        "`drift` from the law, as sds of log loss; `excess` of untuned runs, its scale",
        key=True,
    ),
    Column("q*", "number", "quantiles of its posterior: `q50` the median, `q2.5` that of 2.5 %"),
)


def quantiles(name: str, kind: columns.Kind, said: str) -> tuple[Column, ...]:
    """A median and the ends of its interval, the median with a name of its own."""
    return (
        Column(f"{name}_q50", kind, f"{said}: posterior median"),
        Column(f"{name}_lower", kind, f"{said}: lower end of the equal-tailed interval", bound="lower"),
        Column(f"{name}_upper", kind, f"{said}: upper end", bound="upper"),
    )


@dataclass(frozen=True, eq=False, repr=False)
class SurfaceForecast(Result):
    """Losses of models of given sizes on given amounts of data; ``surfaces`` are what was fitted."""

    parameters: pd.DataFrame = field(default_factory=pd.DataFrame)
    surfaces: tuple[Surface, ...] = ()
    level: float = LEVEL
    kind: Kind = "mean"

    command = "surface"
    columns = declared(
        table=Columns(
            "a surface and point",
            CURVE,
            size(),
            Column("params", "size", "number of parameters", key=True),
            interval("yhat", "error", "posterior median of the loss, and its equal-tailed interval"),
            Column("decades_beyond", "number", "decades beyond the largest measured size or amount of data"),
        ),
        parameters=PARAMETERS,
    )
    keys = declared(
        level="probability of each interval",
        kind="`mean`: the average over runs; `new-run`: one new run",
    )

    def shown(self, most: int) -> Sequence[Shown]:
        return _shown(self)


@dataclass(frozen=True, eq=False, repr=False)
class ComputeOptimum(Result):
    """Sizes and data that spend a compute best; ``surfaces`` are what was fitted.

    Each draw of the surface, its drift included, has an optimum of its own; the table has their quantiles.
    """

    isoflop: pd.DataFrame = field(default_factory=pd.DataFrame)
    parameters: pd.DataFrame = field(default_factory=pd.DataFrame)
    surfaces: tuple[Surface, ...] = ()
    level: float = LEVEL

    command = "surface"
    columns = declared(
        table=Columns(
            "a surface and compute",
            CURVE,
            Column("flops", "number", "compute of the run", key=True, given=True),
            quantiles("params", "size", "best number of parameters"),
            quantiles("n", "size", "amount of data that goes with it"),
            quantiles("error", "error", "expected loss there"),
            Column("p_outside_data", "chance", "chance that the optimum lies outside the measured sizes and data"),
            Column("decades_beyond", "number", "decades beyond the largest measured compute"),
        ),
        isoflop=Columns(
            "a slice of runs of nearly one compute",
            CURVE,
            Column("flops", "number", "compute of the slice", key=True),
            Column("sizes", "count", "model sizes in it"),
            Column("params_cubic", "size", "best size by a cubic in log size through its losses, without the law"),
            Column("params_q50", "size", "best size by the surface"),
            Column("params_lower", "size", "lower end of its interval", bound="lower"),
            Column("params_upper", "size", "upper end of its interval", bound="upper"),
            Column("inside", "flag", "whether the cubic's lies inside that interval"),
        ),
        parameters=PARAMETERS,
    )
    keys = declared(level="probability of each interval")

    def shown(self, most: int) -> Sequence[Shown]:
        return _shown(self)


def _shown(result: SurfaceForecast | ComputeOptimum) -> Sequence[Shown]:
    declared_columns = type(result).columns
    law: Table = result.parameters[result.parameters["quantity"].isin(["E", "a", "b", "k"])]
    out = [Shown(result.table, declared_columns["table"])]
    if isinstance(result, ComputeOptimum) and len(result.isoflop):
        out.append(
            Shown(result.isoflop, declared_columns["isoflop"], "Without the law, by a cubic along runs of one compute:")
        )
    return [*out, Shown(law, declared_columns["parameters"], "The law E + ((A N^-a)^k + (B D^-b)^k)^(1/k):")]
