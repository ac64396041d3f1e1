"""A forecast's own record: how its ranges did on the largest sizes of the same curves, when these were hidden.

A value alone, which every answer carries; :mod:`forecaster.evaluation.record` makes it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from forecaster.results.columns import CURVE, Column, Columns, declared
from forecaster.results.message import Message, message
from forecaster.results.wording import chance, counted

LEVELS = (0.8, 0.95)  # levels of the ranges that are counted
DOUBTFUL_CHANCE = 0.5  # chance below which the worst of several curves is named
COUNTS = ("hidden", "held_80", "held_95", "too_low", "too_high")
RECORD = Columns(
    "a curve whose largest sizes were hidden and forecast from the rest",
    CURVE,
    Column("n_fit", "size", "largest size that was left"),
    Column("n_last", "size", "largest size hidden"),
    Column("hidden", "count", "measurements hidden"),
    *(Column(f"held_{100 * p:.0f}", "count", f"of them inside their {100 * p:.0f} % interval") for p in LEVELS),
    Column("too_low", "count", "of them above their 80 % interval: forecast too low"),
    Column("too_high", "count", "of them below it: forecast too high"),
    Column("mean_error", "number", "mean log of the forecast over the measured error: below 0 is too low"),
    Column("missed", "number", "mean distance outside the 80 % interval, in half-widths of it (of logs)"),
    Column("crps", "number", "continuous ranked probability score, in log error"),
    Column("p_value", "chance", "chance that a calibrated forecast of this curve misses by as much"),
)
TOTAL = declared(
    record_total="the record of all curves asked about together: `curves`, the counts of `record`, `mean_error`, "
    "`p_value`; empty where there is none"
)
Totals = Mapping[str, float]
Key = tuple[str, str, str]  # domain, task, architecture


def none() -> pd.DataFrame:
    """A record of no curve."""
    return pd.DataFrame(columns=list(RECORD.names))


@dataclass(frozen=True, eq=False)
class TrackRecord:
    """How ranges did on the largest sizes of the same curves, when these were hidden: a row a curve.

    Attributes
    ----------
    table : pandas.DataFrame
        Its columns are ``RECORD``.
    replicas : array [curve, replica]
        ``missed`` of curves drawn from the forecast itself: what a calibrated forecaster shows.
    why : str
        Why a curve has no record; empty where none was asked for.
    code : str
        Hash of the code that made it.
    """

    table: pd.DataFrame = field(default_factory=none)
    replicas: Float[np.ndarray, "curve replica"] = field(default_factory=lambda: np.empty((0, 0)))
    why: str = ""
    code: str = ""

    @property
    def keys(self) -> list[Key]:
        """The curves, by row."""
        return list(self.table[["domain", "task", "architecture"]].itertuples(index=False, name=None))

    def of(self, keys: Collection[Key]) -> TrackRecord:
        """The record of these curves alone."""
        kept = np.array([key in keys for key in self.keys], dtype=bool)
        if kept.all():
            return self
        return replace(self, table=self.table[kept].reset_index(drop=True), replicas=self.replicas[kept])

    def of_groups(self, groups: Collection[tuple[str, str]]) -> TrackRecord:
        """The record of the curves of these (domain, task) pairs alone."""
        return self.of([key for key in self.keys if key[:2] in groups])

    @cached_property
    def total(self) -> Totals:
        """All curves together: counts, mean error and p-value; empty where there is no curve.

        The p-value takes architectures of one task for wholly dependent: they share training data and test set, and err
        together (``benchmarks/together.py``). Tasks are independent.
        """
        if self.table.empty:
            return {}
        weight = self.table["hidden"].to_numpy(dtype=float)
        weight /= weight.sum()
        summed = np.zeros(self.replicas.shape[1])
        rng, groups = np.random.default_rng(0), [key[:2] for key in self.keys]
        for group in dict.fromkeys(groups):
            own = np.array([other == group for other in groups])
            summed += rng.permutation(weight[own] @ np.sort(self.replicas[own], 1))
        counts = {name: int(self.table[name].to_numpy().sum()) for name in COUNTS}
        error = float(weight @ self.table["mean_error"].to_numpy(dtype=float))
        p = p_value(float(weight @ self.table["missed"].to_numpy(dtype=float)), summed)
        return {"curves": len(self.table), **counts, "mean_error": error, "p_value": p}

    def after(self, text: str) -> str:
        """A text, and the record on a line of its own."""
        return text if self.line is None else f"{text}\n{self.line.text}"

    @property
    def line(self) -> Message | None:
        """The record in words, with its numbers; None where nobody asked for one."""
        if self.table.empty:
            return message("no-record", f"Own record: none, since {self.why}.") if self.why else None
        total: Mapping[str, Any] = self.total
        several = len(self.table) > 1
        of = f" of {counted(len(self.table), 'curve')}" if several else ""
        text = (
            f"Own record: with the largest sizes hidden, 80 % ranges held {held(total)} measurements{of}{sides(total)}."
        )
        rows: list[Any] = self.table.to_dict("records")
        worst = min(rows, key=lambda row: row["p_value"])
        if several and worst["p_value"] < DOUBTFUL_CHANCE:
            text += f" The worst is {self._name(worst)}: {held(worst)}{sides(worst)}."
        if total["held_80"] < total["hidden"]:
            said = by_chance(total)
            text += f" {said[0].upper()}{said[1:]}."
        return message("record", text, **total)

    def _name(self, row: Mapping[str, Any]) -> str:
        """The architecture; the whole label where there are several tasks."""
        same = len({key[:2] for key in self.keys}) == 1
        return row["architecture"] if same else "/".join(row[c] for c in ("domain", "task", "architecture"))


def p_value(missed: float, replicas: Float[np.ndarray, " replica"]) -> float:
    """Chance of missing by as much, by replicas of a calibrated forecaster."""
    return float((1 + np.sum(replicas >= missed * (1.0 - 1e-6))) / (1 + len(replicas)))


def held(row: Mapping[str, Any]) -> str:
    """``35 of 100``."""
    return f"{row['held_80']:,} of {row['hidden']:,}"


def sides(row: Mapping[str, Any]) -> str:
    """To which side the others were missed: ``; the other 65 were forecast too high``; empty where none was."""
    low, high = int(row["too_low"]), int(row["too_high"])
    if low and high:
        return f"; {high:,} {'was' if high == 1 else 'were'} forecast too high, {low:,} too low"
    if low or high:
        count = low + high
        other = "the other one was" if count == 1 else f"the other {count:,} were"
        return f"; {other} forecast too {'low' if low else 'high'}"
    return ""


def by_chance(row: Mapping[str, Any]) -> str:
    """How likely that is, were the ranges right."""
    return f"ranges that are right would miss by as much in {chance(row['p_value'])} of such tests"
