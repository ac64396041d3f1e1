"""What pooling does: forecasts of curves fitted together with the others of their task, against each fitted alone.

Two questions: how far a forecast moves when its companions are left out, and which of the two was closer on the sizes
that the record hid (:mod:`~forecaster.evaluation.record`), by CRPS. Each curve is fitted alone twice, with all of its
sizes and without the largest, under the same card.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from forecaster._support.frames import Table
from forecaster.curves.learning_curves import KEYS, Curve, Group
from forecaster.evaluation.holdout import scorable
from forecaster.evaluation.record import MOST_GROUPS, hide, scored_curve
from forecaster.inference.fit import Progress, refit
from forecaster.inference.posterior import Posterior
from forecaster.model.design import Design
from forecaster.prediction.forecast import forecast
from forecaster.results.columns import CURVE, GIVEN_LEVEL, LEVEL, Column, Columns, interval, size
from forecaster.results.track_record import Key

AHEAD_SHARE = 0.5  # of the measured range of log size: how far ahead the record looks, of the sizes that are left
FEWEST_CURVES = 3  # scored curves from which their mean difference can be told from none
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
        if len(gain) < FEWEST_CURVES or abs(gain.mean()) <= gain.std(ddof=1) / np.sqrt(len(gain)):
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
    found = _KEPT[posterior] if posterior in _KEPT else _fitted_alone(posterior, cache, on_progress)
    _KEPT[posterior] = found
    if found is None:
        return None
    table = _forecasts(posterior, found, at, level, seed)
    known = posterior.record.table.set_index(KEYS)["crps"].to_dict()
    scores = _scores(found, seed)
    keys = _keys(table)
    table["crps"] = [known.get(key, np.nan) if key in scores else np.nan for key in keys]
    table["crps_alone"] = [scores[key] if key in known and key in scores else np.nan for key in keys]
    return Pooling(table)


class _Fitted(NamedTuple):
    """Curves fitted alone, each as a task of its own; the curve that such a task holds whole, or without the hidden."""

    posterior: Posterior
    whole: Mapping[Group, Key]
    left: Mapping[Group, Key]
    unseen: Mapping[Key, Curve]


_KEPT: WeakKeyDictionary[Posterior, _Fitted | None] = WeakKeyDictionary()


def _fitted_alone(posterior: Posterior, cache: bool, on_progress: Progress | None) -> _Fitted | None:
    groups = [group for group in posterior.groups if len(posterior.designs[group].curves) > 1]
    chosen = np.unique(np.linspace(0, len(groups) - 1, min(len(groups), MOST_GROUPS)).round().astype(int))
    curves = posterior.curves.of_groups([groups[i] for i in chosen]) if groups else None
    if curves is None:
        return None
    hidden = hide(curves)
    parts = [_apart(curves.table, "whole")]
    parts += [] if hidden is None else [_apart(hidden.left.table, "left")]
    like = {group: key[:2] for _, keys in parts for group, key in keys.items()}
    table = pd.concat([own for own, _ in parts], ignore_index=True)
    one_by_one = replace(curves, table=table, notes=())
    seed = int(posterior.manifest["seed"])
    found = refit(posterior, one_by_one, like, seed=seed, cache=cache, on_progress=on_progress)
    if found is None:
        return None
    if hidden is None:
        return _Fitted(found, parts[0][1], {}, {})
    unseen = {(c.domain, c.task, c.architecture): c for c in hidden.unseen.curves}
    return _Fitted(found, parts[0][1], parts[1][1], unseen)


def _apart(table: Table, name: str) -> tuple[Table, dict[Group, Key]]:
    """The table with each curve as the only one of a task of its own, and which curve each task stands for."""
    tasks = {key: f"{name} {i}" for i, key in enumerate(dict.fromkeys(_keys(table)))}
    return table.assign(task=[tasks[key] for key in _keys(table)]), {(k[0], task): k for k, task in tasks.items()}


def _keys(table: Table) -> list[Key]:
    return list(table[KEYS].itertuples(index=False, name=None))


def _forecasts(posterior: Posterior, alone: _Fitted, at: float | None, level: float, seed: int) -> pd.DataFrame:
    """Both forecasts of each curve, and how far they are apart."""
    fitted = [group for group in alone.whole if group in alone.posterior.groups]
    keys = [alone.whole[group] for group in fitted]
    sizes = [_ahead(posterior.designs[key[:2]]) if at is None else at for key in keys]
    asked = pd.DataFrame(keys, columns=KEYS).assign(n=sizes)
    apart = asked.assign(task=[task for _, task in fitted])
    found, other = (
        forecast(one, points, level=level, seed=seed, record=False).table
        for one, points in ((posterior, asked), (alone.posterior, apart))
    )
    ends = {f"alone{end}": other[f"yhat{end}"].to_numpy() for end in ("", "_lower", "_upper")}
    table = found[[*KEYS, "n", "yhat", "yhat_lower", "yhat_upper"]].assign(**ends, level=level)
    middle, low, high, moved = (np.log(table[c].to_numpy()) for c in ("yhat", "yhat_lower", "yhat_upper", "alone"))
    half = np.where(high > low, (high - low) / 2.0, np.nan)
    return table.assign(moved=(moved - middle) / half)


def _ahead(design: Design) -> float:
    """The size half as far ahead as the measured sizes span."""
    return float(np.exp(design.x_ref + AHEAD_SHARE * (design.x_ref - design.x_min)))


def _scores(alone: _Fitted, seed: int) -> dict[Key, float]:
    """CRPS of what was hidden of each curve, fitted alone."""
    found = {}
    for curve in alone.posterior.curves.curves:
        key = alone.left.get((curve.domain, curve.task))
        if key is not None and key in alone.unseen and scorable(curve):
            found[key] = scored_curve(alone.posterior, curve, alone.unseen[key], seed)[0]["crps"]
    return found
