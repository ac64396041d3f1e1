"""Scored: registered forecasts beside their outcomes, and the record that they make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from forecaster.registry.register import PARAMS
from forecaster.registry.scores import COUNTED
from forecaster.results.columns import CURVE, Column, Columns, declared, interval, size
from forecaster.results.result import Result, Shown


@dataclass(frozen=True, eq=False, repr=False)
class Scored(Result):
    """Forecasts beside their outcomes, and the record that they make."""

    record: pd.DataFrame = field(default_factory=pd.DataFrame)
    chances: pd.DataFrame = field(default_factory=pd.DataFrame)
    reliability: pd.DataFrame = field(default_factory=pd.DataFrame)
    totals: Mapping[str, float] = field(default_factory=dict)

    command = "score"
    columns = declared(
        table=Columns(
            "a registered curve and size",
            Column("forecast_id", "text", "the record", key=True),
            CURVE,
            size(),
            PARAMS,
            Column("status", "text", "`scored`, `censored`, `ambiguous`, `pending` or `overdue`"),
            Column("counts", "flag", "whether it is in the record: the first forecast of a point is", terminal=False),
            Column("error", "error", "what was measured; the (geometric) mean of several runs"),
            Column("runs", "count", "measurements that it is the mean of", terminal=False),
            interval("yhat", "error", "what was forecast: median and 80 % interval"),
            Column("crps", "number", "continuous ranked probability score on log error; lower is better"),
            Column("wis", "number", "weighted interval score on log error, of 11 intervals and the median"),
            Column("log_score", "number", "log predictive density of log error; higher is better"),
            Column("pit", "chance", "share of draws below the outcome"),
            Column("hit_80", "flag", "whether the 80 % interval holds it"),
            Column("hit_95", "flag", "whether the 95 % interval holds it"),
            Column("off_last", "number", "distance of the outcome from the last point, in log error", terminal=False),
            Column("off_law", "number", "its distance from the power law and floor", terminal=False),
        ),
        record=Columns(
            "a level of intervals",
            Column("level", "share", "probability that such an interval was given", given=True),
            Column("held", "count", "outcomes inside"),
            Column("scored", "count", "outcomes"),
            Column("low", "count", "a calibrated forecaster has at least so many inside, 19 times in 20"),
            Column("high", "count", "and at most so many, 19 times in 20: the two hold 90 %"),
            Column("low_99", "count", "the same with 99 %"),
            Column("high_99", "count", "the same with 99 %"),
            Column("p_value", "chance", "chance of a count as far out, were the intervals right"),
        ),
        chances=Columns(
            "a registered chance whose event is known",
            Column("forecast_id", "text", "the record", key=True),
            CURVE,
            size(),
            PARAMS,
            Column("target", "error", "the event: an error of at most this"),
            Column("p", "chance", "its chance as registered"),
            Column("reached", "flag", "whether it came"),
            Column("brier", "number", "squared difference of the two"),
        ),
        reliability=Columns(
            "a range of chances",
            Column("from", "share", "its lower end"),
            Column("to", "share", "its upper end"),
            Column("events", "count", "chances in it"),
            Column("mean_p", "share", "their mean"),
            Column("came", "share", "share of the events that came"),
        ),
    )
    keys = declared(
        totals="the record in one row: `n_scored`, `crps_log`, `wis_log`, `log_score`, `hit_80`, `hit_95`, "
        "`skill_last` and `skill_law` (1 - CRPS / distance of that baseline), `events`, `brier`"
    )

    def shown(self, most: int) -> tuple[Shown, ...]:
        """The forecasts, then the record."""
        first = Shown(self.table, self.columns["table"])
        if self.record.empty:
            return (first,)
        told: Any = self.record[self.record["level"].isin(COUNTED)]
        return first, Shown(told, self.columns["record"], "The record, beside what a calibrated forecaster would show:")
