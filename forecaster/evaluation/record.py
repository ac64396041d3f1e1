"""A forecast's own record: hide the last third of each curve's log size, fit the rest, forecast what was hidden.

The test is that of :mod:`~forecaster.evaluation.backtest` at one fixed split, made with every fit and kept with it, so
that every answer can say how such answers did on these very curves. Half as far ahead as the sizes that are left span,
it says nothing of forecasts that go much farther.

What a calibrated forecaster would show comes from the forecast itself: each joint draw of a curve's hidden
measurements takes the place of the truth once. Errors along a curve are then as dependent as the forecast holds them
for. What is compared is the mean distance of measurements outside their 80 % range, in half-widths of it: the penalty
of the interval score (Gneiting & Raftery 2007, section 6.2), which grows with how many are missed and with how far.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from forecaster._support.code_hash import of_code
from forecaster.curves.learning_curves import KEYS, Curve, LearningCurves
from forecaster.evaluation import scoring
from forecaster.evaluation.holdout import FEWEST_SIZES, scorable
from forecaster.inference.fit import Progress, refit
from forecaster.inference.posterior import Posterior
from forecaster.prediction import observation
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.paths import curve_paths
from forecaster.results.track_record import LEVELS, TrackRecord, p_value

HIDDEN_SHARE = 1.0 / 3.0  # of the range of a curve's log sizes
MOST_GROUPS = 16  # tasks that are tested, of more: each costs nearly what it costs to fit
MOST_ROWS = 200  # hidden measurements of a curve that are scored, of more evenly spread ones
CODE = ("curves", "domains", "model", "inference", "prediction", "evaluation/record.py", "evaluation/scoring.py")
TOO_FEW = (
    f"it takes a curve of {FEWEST_SIZES} sizes in the lower two thirds of its range of log size, and a size above them"
)
Draws = Float[np.ndarray, "draw row"]
Rows = Float[np.ndarray, " row"]


def recorded(posterior: Posterior, *, cache: bool = True, on_progress: Progress | None = None) -> Posterior:
    """The posterior with the record of its forecasts: the same one where it has a record that this code made."""
    if posterior.record.code == code():
        return posterior
    return posterior.with_record(track_record(posterior, cache=cache, on_progress=on_progress))


@cache
def code() -> str:
    """Hash of the code that makes a record."""
    return of_code(CODE)


def track_record(posterior: Posterior, *, cache: bool = True, on_progress: Progress | None = None) -> TrackRecord:
    """How forecasts of a posterior's curves do when the last third of log size is hidden.

    Parameters
    ----------
    posterior : Posterior
        Of more than sixteen tasks, sixteen are tested.
    cache : bool
        Keep compiled programs in the user's cache folder, and use those that are there.
    on_progress : callable, optional
        Called with a sentence and the share done, between 0 and 1.

    Returns
    -------
    TrackRecord
        A row for each curve that can be tested. The seed is the posterior's.
    """
    hidden = hide(posterior.curves)
    why = TOO_FEW
    if hidden is not None and len(hidden.left.groups) > MOST_GROUPS:
        chosen = np.linspace(0, len(hidden.left.groups) - 1, MOST_GROUPS).round().astype(int)
        why = f"only {MOST_GROUPS} of {len(hidden.left.groups)} tasks were tested, and of those {TOO_FEW}"
        hidden = hidden.of_groups([hidden.left.groups[i] for i in chosen])
    if hidden is None:
        return TrackRecord(why=why, code=code())
    seed = int(posterior.manifest["seed"])
    like = {group: group for group in hidden.left.groups}
    before = refit(posterior, hidden.left, like, seed=seed, cache=cache, on_progress=on_progress)
    if before is None:
        return TrackRecord(why="the fit without the largest sizes cannot be trusted", code=code())
    scored = [scored_curve(before, known, unseen, seed) for known, unseen in hidden.pairs(before)]
    table, replicas = pd.DataFrame([row for row, _ in scored]), np.stack([shown for _, shown in scored])
    return TrackRecord(table, replicas, why, code())


class Hidden(NamedTuple):
    """Curves without their largest sizes, and those alone."""

    left: LearningCurves
    unseen: LearningCurves

    def of_groups(self, groups: Sequence[tuple[str, str]]) -> Hidden:
        """The curves of these groups."""
        left, unseen = self.left.of_groups(groups), self.unseen.of_groups(groups)
        assert left is not None
        assert unseen is not None
        return Hidden(left, unseen)

    def pairs(self, posterior: Posterior) -> list[tuple[Curve, Curve]]:
        """The curves that were fitted and can be scored, each with what was hidden of it."""
        unseen = {curve.label: curve for curve in self.unseen.curves}
        known = posterior.curves.curves
        return [(curve, unseen[curve.label]) for curve in known if curve.label in unseen and scorable(curve)]


def hide(curves: LearningCurves) -> Hidden | None:
    """Hide the last third of each curve's log size; None where no curve keeps three sizes below.

    Curves that keep fewer are fitted, not scored; groups without a curve to score are left out.
    """
    table: Any = curves.table
    out = largest_third(table)
    left = curves.with_rows(table[~out])
    cut = {curve.label for curve in curves.with_rows(table[out]).curves} if out.any() else set()
    groups = {(c.domain, c.task) for c in left.curves if c.label in cut and scorable(c)}
    if not groups:
        return None
    return Hidden(left, curves.with_rows(table[out])).of_groups([g for g in curves.groups if g in groups])


def largest_third(table: Any) -> Bool[np.ndarray, " row"]:
    """The rows in the last third of their curve's range of log size."""
    x = np.log(table["n"])
    by_curve = x.groupby([table[key] for key in KEYS])
    low, high = by_curve.transform("min"), by_curve.transform("max")
    return (x > high - HIDDEN_SHARE * (high - low) + 1e-9).to_numpy()


def scored_curve(posterior: Posterior, known: Curve, unseen: Curve, seed: int) -> tuple[dict[str, Any], Rows]:
    """A row of the record, and ``missed`` of each replica."""
    at = np.unique(np.linspace(0, len(unseen.n) - 1, min(MOST_ROWS, len(unseen.n))).astype(int))
    n, truth = unseen.n[at], np.log(unseen.error[at])
    key = CurveKey(known.domain, known.task, known.architecture)
    repeat = pd.Series(n).groupby(n).cumcount().tolist()
    drawn = observation.new_run(curve_paths(posterior, key, n, seed=seed), n, repeat, as_rows=True)[0]
    inner, outer = LEVELS
    low, middle, high = np.quantile(drawn, [0.5 - inner / 2, 0.5, 0.5 + inner / 2], axis=0)
    far = np.quantile(drawn, [0.5 - outer / 2, 0.5 + outer / 2], axis=0)
    missed, replicas = outside(truth[None], low, high)[0], outside(drawn, low, high)
    row = {name: getattr(known, name) for name in KEYS} | {"n_fit": known.n[-1], "n_last": unseen.n[-1]}
    row |= {"hidden": len(truth), "held_80": int(np.sum((truth >= low) & (truth <= high)))}
    row |= {"held_95": int(np.sum((truth >= far[0]) & (truth <= far[1])))}
    row |= {"too_low": int(np.sum(truth > high)), "too_high": int(np.sum(truth < low))}
    row |= {"mean_error": float(np.mean(middle - truth)), "missed": float(missed)}
    row |= {"crps": float(scoring.crps(drawn, truth).mean()), "p_value": p_value(float(missed), replicas)}
    return row, replicas


def outside(log_errors: Draws, low: Rows, high: Rows) -> Float[np.ndarray, " draw"]:
    """Mean distance of log errors outside a range, in half-widths of it."""
    beyond = np.maximum(np.maximum(low - log_errors, log_errors - high), 0.0)
    return (beyond / np.maximum((high - low) / 2.0, 1e-12)).mean(1)
