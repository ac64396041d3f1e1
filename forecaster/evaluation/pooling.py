"""What pooling does: forecasts of curves fitted together with the others of their task, against each fitted alone.

Two questions: how far a forecast moves when its companions are left out, and which of the two was closer on the sizes
that the record hid (:mod:`~forecaster.evaluation.record`), by CRPS. Each curve is fitted alone twice, with all of its
sizes and without the largest, under the same card.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from forecaster.curves.learning_curves import KEYS, Group, LearningCurves
from forecaster.evaluation.holdout import scorable
from forecaster.evaluation.record import MOST_GROUPS, hide, scored_curve
from forecaster.inference.fit import Progress, refit
from forecaster.inference.posterior import Posterior
from forecaster.model.design import Design
from forecaster.prediction.forecast import LEVEL, forecast
from forecaster.results.columns import CURVE, GIVEN_LEVEL, Column, Columns, interval, size
from forecaster.results.track_record import Key

AHEAD = 0.5  # of the measured range of log size: how far ahead the record looks, of the sizes that are left
FEWEST = 3  # scored curves from which their mean difference can be told from none
TOGETHER, ALONE, OPEN = "together", "alone", "undecided"
POOLING = Columns(
    "a curve that was fitted together with others",
    CURVE,
    size("the size forecast"),
    interval("yhat", "error", "the forecast, fitted together: median and equal-tailed interval"),
    interval("alone", "error", "the same, the curve fitted alone"),
    GIVEN_LEVEL,
    Column("moved", "number", "shift of the median when fitted alone, in half-widths of the interval (of logs)"),
    Column("crps", "number", "CRPS of the hidden sizes of the record, fitted together; null where it has none"),
    Column("crps_alone", "number", "the same, fitted alone"),
)
Table = Any  # a DataFrame, where pandas' own annotations know no better


@dataclass(frozen=True, eq=False)
class Pooling:
    """Forecasts with and without companions; ``table`` has a row a curve, its columns are ``POOLING``."""

    table: pd.DataFrame

    @cached_property
    def scored(self) -> Table:
        """The rows that the record scores both ways."""
        return self.table.dropna(subset=["crps", "crps_alone"])

    @cached_property
    def closer(self) -> int:
        """Curves whose hidden sizes were closer to the forecast when fitted together."""
        return int((self.scored["crps"] < self.scored["crps_alone"]).sum())

    @cached_property
    def favoured(self) -> str:
        """What the record favours: ``together`` or ``alone``, by more than a standard error; else ``undecided``."""
        gain = (self.scored["crps_alone"] - self.scored["crps"]).to_numpy(dtype=float)
        if len(gain) < FEWEST or abs(gain.mean()) <= gain.std(ddof=1) / np.sqrt(len(gain)):
            return OPEN
        return TOGETHER if gain.mean() > 0 else ALONE


def pooling(
    posterior: Posterior,
    at: float | None = None,
    *,
    level: float = LEVEL,
    seed: int = 0,
    cache: bool = True,
    on_progress: Progress | None = None,
) -> Pooling | None:
    """What companions do to forecasts at size ``at``, by default half as far ahead as the measured sizes span.

    Of more than sixteen tasks, sixteen are looked at. None where no task has two curves, or a fit cannot be trusted.
    """
    groups = [group for group in posterior.groups if len(posterior.designs[group].curves) > 1]
    chosen = np.unique(np.linspace(0, len(groups) - 1, min(len(groups), MOST_GROUPS)).round().astype(int))
    curves = posterior.curves.of_groups([groups[i] for i in chosen]) if groups else None
    if curves is None:
        return None
    hidden = hide(curves)
    whole, left = _Alone(curves, "whole"), None if hidden is None else _Alone(hidden.left, "left")
    parts = [whole] if left is None else [whole, left]
    table = pd.concat([part.table for part in parts], ignore_index=True)
    like = {group: key[:2] for part in parts for group, key in part.key_of.items()}
    one_by_one = replace(curves, table=table, notes=())
    alone = refit(posterior, one_by_one, like, seed=seed, cache=cache, on_progress=on_progress)
    if alone is None:
        return None
    found = _forecasts(posterior, alone, whole, at, level, seed)
    known = posterior.record.table.set_index(KEYS)["crps"].to_dict()
    scores = {} if hidden is None or left is None else _scores(alone, left, hidden.unseen, seed)
    keys = list(found[KEYS].itertuples(index=False, name=None))
    found["crps"] = [known.get(key, np.nan) if key in scores else np.nan for key in keys]
    found["crps_alone"] = [scores[key] if key in known and key in scores else np.nan for key in keys]
    return Pooling(found)


class _Alone:
    """Curves each as the only one of a task of its own."""

    def __init__(self, curves: LearningCurves, name: str) -> None:
        tasks = {key: f"{name} {i}" for i, key in enumerate(dict.fromkeys(_keys(curves.table)))}
        self.table = curves.table.assign(task=[tasks[key] for key in _keys(curves.table)])
        self.key_of: dict[Group, Key] = {(key[0], task): key for key, task in tasks.items()}


def _keys(table: Table) -> list[Key]:
    return list(table[KEYS].itertuples(index=False, name=None))


def _forecasts(
    posterior: Posterior, alone: Posterior, whole: _Alone, at: float | None, level: float, seed: int
) -> pd.DataFrame:
    """Both forecasts of each curve, and how far they are apart."""
    fitted = [group for group in whole.key_of if group in alone.groups]
    keys = [whole.key_of[group] for group in fitted]
    sizes = [_ahead(posterior.designs[key[:2]]) if at is None else at for key in keys]
    asked = pd.DataFrame(keys, columns=KEYS).assign(n=sizes)
    apart = asked.assign(task=[task for _, task in fitted])
    found, other = (
        forecast(one, points, level=level, seed=seed, record=False).table
        for one, points in ((posterior, asked), (alone, apart))
    )
    ends = {f"alone{end}": other[f"yhat{end}"].to_numpy() for end in ("", "_lower", "_upper")}
    table = found[[*KEYS, "n", "yhat", "yhat_lower", "yhat_upper"]].assign(**ends, level=level)
    middle, low, high, apart = (np.log(table[c].to_numpy()) for c in ("yhat", "yhat_lower", "yhat_upper", "alone"))
    half = np.where(high > low, (high - low) / 2.0, np.nan)
    return table.assign(moved=(apart - middle) / half)


def _ahead(design: Design) -> float:
    """The size half as far ahead as the measured sizes span."""
    return float(np.exp(design.x_ref + AHEAD * (design.x_ref - design.x_min)))


def _scores(alone: Posterior, left: _Alone, unseen: LearningCurves, seed: int) -> dict[Key, float]:
    """CRPS of what was hidden of each curve, fitted alone."""
    hidden = {(c.domain, c.task, c.architecture): c for c in unseen.curves}
    found = {}
    for curve in alone.curves.curves:
        key = left.key_of.get((curve.domain, curve.task))
        if key in hidden and scorable(curve):
            found[key] = scored_curve(alone, curve, hidden[key], seed)[0]["crps"]
    return found
