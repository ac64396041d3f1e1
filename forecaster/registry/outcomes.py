"""What was measured of registered forecasts: which outcome belongs to which forecast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecaster.curves.learning_curves import KEYS, NO_TASK
from forecaster.curves.reading.read import read_rows
from forecaster.errors import RequestError
from forecaster.registry.registration import Point, Registration
from forecaster.surfaces.model.design import ALL

MEASURED, AMBIGUOUS, ABOVE, BELOW = "measured", "ambiguous", "above", "below"
KINDS = (MEASURED, AMBIGUOUS, ABOVE, BELOW)
SCORED, CENSORED, PENDING, OVERDUE = "scored", "censored", "pending", "overdue"
SAME_SIZE = 0.01  # relative difference of sizes that are one size


@dataclass(frozen=True)
class Outcome:
    """What is known of the error at one point.

    ``low`` and ``high`` bound the log error: equal where it was measured, one of them infinite where it is only known
    to lie ``above`` or ``below`` a value. ``status`` is ``scored``, ``censored``, ``ambiguous``, ``pending`` or
    ``overdue``; ``runs`` counts the measurements.
    """

    status: str
    low: float = -np.inf
    high: float = np.inf
    runs: int = 0

    def reached(self, target: float) -> float:
        """1 or 0: whether the error is at most the target; NaN where that is not known."""
        wanted = np.log(target)
        if self.high <= wanted + 1e-12:
            return 1.0
        return 0.0 if self.low > wanted + 1e-12 or (self.status == CENSORED and self.low >= wanted) else np.nan


def read_outcomes(source: str | Path | pd.DataFrame, registrations: Sequence[Registration]) -> pd.DataFrame:
    """The table of outcomes, with the columns that the forecasts tell filled in.

    RequestError for a column that is missing and of which the forecasts name several values, and for a word in
    ``outcome`` that is not known.
    """
    table: Any = source.copy() if isinstance(source, pd.DataFrame) else read_rows(source, two_axes=True)
    points = [point for one in registrations for point in one.points]
    for key in KEYS:
        known = sorted({getattr(point, key) for point in points})
        blank = key not in table or (table[key] == NO_TASK).all()
        if blank and len(known) == 1:
            table[key] = known[0]
        elif key not in table:
            raise RequestError(f"outcomes: found no column {key}; expected one, since forecasts are of {_few(known)}")
    wanted = ("n", "error", *(("params",) if any(point.params is not None for point in points) else ()))
    if missing := [name for name in wanted if name not in table]:
        raise RequestError(f"outcomes: found no column {', '.join(missing)}; expected those of the input table")
    said: Any = table["outcome"] if "outcome" in table else pd.Series(MEASURED, index=table.index)
    table["outcome"] = (
        said.fillna(MEASURED).astype(str).str.strip().str.lower().replace({"": MEASURED, "nan": MEASURED})
    )
    if wrong := sorted(set(table["outcome"]) - set(KINDS)):
        raise RequestError(f"outcomes: found {_few(wrong)} in column outcome; expected {', '.join(KINDS)}, or nothing")
    bad = table[~(table["error"] > 0) & (table["outcome"] != AMBIGUOUS)]
    if len(bad):
        raise RequestError(f"outcomes: found the error {bad['error'].iloc[0]}; expected positive numbers")
    return table


def alike(sizes: Any, size: float, within: float) -> Any:
    """Which sizes (one, an array or a column) count as this one."""
    return np.abs(np.log(sizes / size)) <= np.log1p(within) + 1e-12


def _few(names: Sequence[str]) -> str:
    return ", ".join(map(str, names[:6])) + (" and others" if len(names) > 6 else "")


def outcome_of(point: Point, due: str, outcomes: pd.DataFrame, today: str, within: float = SAME_SIZE) -> Outcome:
    """What is known of one point. Several measurements count by their (geometric) mean."""
    mine = (
        (outcomes["domain"] == point.domain)
        & (outcomes["task"] == point.task)
        & alike(outcomes["n"].astype(float), point.n, within)
    )
    if point.params is not None:
        mine &= alike(outcomes["params"].astype(float), point.params, within)
    if point.architecture != ALL:
        mine &= outcomes["architecture"] == point.architecture
    own: Any = outcomes[mine]
    if own.empty:
        return Outcome(OVERDUE if due < today else PENDING)
    if (own["outcome"] == AMBIGUOUS).any():
        return Outcome(AMBIGUOUS, runs=len(own))
    y, kind = np.log(own["error"].to_numpy(dtype=float)), own["outcome"].to_numpy()
    if (kind == MEASURED).all():
        mean = float(y.mean())
        return Outcome(SCORED, mean, mean, len(own))
    low = float(y[kind != BELOW].max(initial=-np.inf))
    high = float(y[kind != ABOVE].min(initial=np.inf))
    return Outcome(CENSORED, low, high, len(own))
