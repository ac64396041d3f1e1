"""watch: do new measurements still follow the forecast? An alarm that may be looked at every day.

Each measurement is judged given those before it (exact conditioning, no new fit). Its evidence accumulates in an
e-process (:mod:`~forecaster.monitoring.evidence`), so that looking often costs no false alarms.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from forecaster.curves.learning_curves import KEYS
from forecaster.errors import RequestError
from forecaster.inference.importance.weights import weighted_quantiles
from forecaster.inference.posterior import Posterior, expect_posterior
from forecaster.monitoring.causes import CAUSES, MEANING, causes
from forecaster.monitoring.evidence import Evidence, evidence, joint_p_value, p_values
from forecaster.monitoring.new_rows import New, new_rows, without_fitted
from forecaster.prediction.conditioning import Predictive, predictive
from forecaster.prediction.curve_keys import CurveKey, set_aside_keys
from forecaster.registry.chain import append
from forecaster.results.check import FAIL, PASS, Check
from forecaster.results.columns import CURVE, GIVEN_LEVEL, LEVEL, Column, Columns, declared, interval, size
from forecaster.results.message import Message, message
from forecaster.results.result import Result, Shown
from forecaster.results.wording import chance, counted, plain_size

ALPHA = 0.05  # chance of any false alarm, however often one looks
CLEAR = 0.5  # chance from which on a cause is named
UNCLEAR = "unclear"
CURVES_NAMED = 3  # curves that the text names


@dataclass(frozen=True, eq=False, repr=False)
class Watch(Result):
    """New measurements beside the forecast, and whether they left it."""

    curves: pd.DataFrame = field(default_factory=pd.DataFrame)
    posterior: Posterior | None = None
    alarm: bool = False

    command = "watch"
    columns = declared(
        table=Columns(
            "a new measurement, in order of arrival",
            CURVE,
            size("the size measured"),
            Column("error", "error", "the error measured"),
            interval("yhat", "error", "what the forecast said of such a measurement"),
            GIVEN_LEVEL,
            Column("p_value", "chance", "two-sided p-value, given the measurements before it"),
            Column("e_value", "number", "evidence so far that the forecast errs; under it the mean is at most 1"),
            Column("alarm", "flag", "whether the evidence has reached the threshold, now or before"),
        ),
        curves=Columns(
            "a curve",
            CURVE,
            Column("measurements", "count", "new ones"),
            Column("p_joint", "chance", "p-value of all of them together, for one look alone"),
            Column("e_value", "number", "the largest evidence that any look would have shown"),
            Column("threshold", "number", "evidence that makes an alarm: curves watched / alpha", given=True),
            Column("alarm", "flag", "whether it was reached"),
            Column("alarm_n", "size", "size of the measurement at which it was; null without an alarm"),
            Column("since_n", "size", "size of the measurement from which on the forecast most likely erred"),
            Column("side", "text", "`higher` or `lower`: on which side of the forecast they lie since then"),
            Column("likely", "text", f"`{'`, `'.join(CAUSES)}`, or `{UNCLEAR}`; empty without an alarm"),
            *(Column(f"p_{name.replace(' ', '_')}", "chance", f"chance of: {MEANING[name]}") for name in CAUSES),
        ),
    )
    keys = declared(alarm="whether there is an alarm")

    def shown(self, most: int) -> tuple[Shown, ...]:
        """The measurements, then the verdict on each curve."""
        held = Shown(self.table, self.columns["table"])
        told = self.columns["curves"]
        few = told.pick(*(c.name for c in CURVE), "measurements", "e_value", "alarm", "since_n", "side", "likely")
        verdicts: Any = self.curves[list(few.names)]
        return held, Shown(verdicts, few, "Each curve:")


class JudgedCurve(NamedTuple):
    """One curve's new measurements: their predictive density, log errors, PITs and evidence."""

    key: CurveKey
    predicted: Predictive
    y: Float[np.ndarray, " point"]
    pit: Float[np.ndarray, " point"]
    found: Evidence

    @property
    def largest(self) -> float:
        """The most evidence that any look would have shown."""
        return float(self.found.e_value.max())


def watch(
    posterior: Posterior,
    new: New,
    *,
    alpha: float = ALPHA,
    level: float = LEVEL,
    log: str | Path | None = None,
    now: datetime | None = None,
    seed: int = 0,
) -> Watch:
    """Judge new measurements by the forecast that was made before them.

    Parameters
    ----------
    posterior : Posterior
        Fitted before the new measurements.
    new : str, Path, pandas.DataFrame or LearningCurves
        The measurements since then, in order of arrival: all of them at each look. Rows that were fitted are left out.
    alpha : float
        Chance of any false alarm over all curves and looks.
    level : float
        Probability inside each interval.
    log : str or Path, optional
        A file (.jsonl) to which this look is added, chained as registered forecasts are.
    now : datetime, optional
        The time of this look, for the log; by default this machine's.
    seed : int
        The same seed gives the same numbers.

    Returns
    -------
    Watch
        ``table`` holds each measurement with its p-value and the evidence so far, ``curves`` the verdicts. A check says
        FAIL where there is an alarm.

    Raises
    ------
    RequestError
        No new rows, rows of other tasks, or of architectures that were not fitted.

    Examples
    --------
    >>> import forecaster, pandas
    >>> new = pandas.DataFrame({"architecture": ["mlp"] * 2, "n": [1_500, 2_000], "error": [0.08, 0.09]})
    >>> found = forecaster.watch(posterior, new)
    >>> found.alarm, found.curves["side"].tolist()
    (True, ['higher'])
    """
    expect_posterior(posterior)
    for name, value in (("alpha", alpha), ("level", level)):
        if not 0.0 < value < 1.0:
            raise RequestError(f"{name}: found {value:g}; expected a share between 0 and 1, such as 0.05")
    given = new_rows(posterior, new)
    rows = without_fitted(posterior, given)
    if rows.empty:
        raise RequestError("new rows: all of them were fitted already; expected measurements made since then")
    judged = [_judged(posterior, key, own, seed) for key, own in _by_curve(posterior, rows)]
    threshold = len(judged) / alpha
    table = pd.concat([_measurements(one, threshold, level) for one in judged], ignore_index=True)
    curves = pd.DataFrame([_verdict(one, threshold) for one in judged])
    checks = tuple(_checks(curves))
    text = _told(curves, len(given) - len(rows), alpha)
    if log is not None:
        _logged(log, posterior, table, curves, now or datetime.now(UTC))
    return Watch(table, text.text, checks, curves, posterior, bool(curves["alarm"].any()))


def _by_curve(posterior: Posterior, rows: Any) -> Iterator[tuple[CurveKey, Any]]:
    """Rows by curve, as they came; RequestError for architectures that cannot be judged."""
    known = {curve.label for curve in posterior.curves.curves}
    aside = {key.label for key in set_aside_keys(posterior)}
    for names, own in rows.groupby(KEYS, sort=False):
        key = CurveKey(*names)
        if key.label in aside:
            raise RequestError(f"new rows: {key.label} could not be forecast, so that nothing can leave its forecast")
        if key.label not in known:
            there = ", ".join(sorted(known))
            raise RequestError(f"new rows: found {key.label}, which was not fitted; expected one of {there}")
        yield key, own


def _judged(posterior: Posterior, key: CurveKey, own: Any, seed: int) -> JudgedCurve:
    y = np.log(own["error"].to_numpy(dtype=float))
    predicted = predictive(posterior, key, own["n"].to_numpy(dtype=float), seed=seed)
    pit = predicted.pit(y)
    return JudgedCurve(key, predicted, y, pit, evidence(pit))


def _measurements(one: JudgedCurve, threshold: float, level: float) -> pd.DataFrame:
    mean, sd = one.predicted.mean, np.sqrt(np.diagonal(one.predicted.covariance, axis1=1, axis2=2))
    drawn = mean + sd * np.random.default_rng(0).standard_normal((len(mean), 1))
    equal = np.full(len(mean), 1.0 / len(mean))
    shares = [0.5 - level / 2, 0.5, 0.5 + level / 2]
    ends = np.exp(np.stack([weighted_quantiles(drawn[:, i], equal, shares) for i in range(len(one.y))]))
    return pd.DataFrame(
        {
            "domain": one.key.domain,
            "task": one.key.task,
            "architecture": one.key.architecture,
            "n": one.predicted.n,
            "error": np.exp(one.y),
            "yhat": ends[:, 1],
            "yhat_lower": ends[:, 0],
            "yhat_upper": ends[:, 2],
            "level": level,
            "p_value": p_values(one.pit),
            "e_value": one.found.e_value,
            "alarm": np.maximum.accumulate(one.found.e_value) >= threshold,
        }
    )


def _verdict(one: JudgedCurve, threshold: float) -> dict[str, Any]:
    """A row on a curve. An alarm stays one: evidence that was reached counts, whatever came after."""
    reached = np.flatnonzero(one.found.e_value >= threshold)
    alarm = bool(len(reached))
    row: dict[str, Any] = {"domain": one.key.domain, "task": one.key.task, "architecture": one.key.architecture}
    row |= {"measurements": len(one.y), "p_joint": joint_p_value(p_values(one.pit))}
    row |= {"e_value": one.largest, "threshold": threshold, "alarm": alarm}
    row |= {"alarm_n": float(one.predicted.n[reached[0]]) if alarm else np.nan}
    since = int(one.found.since[-1])
    after = one.pit[since:]
    row |= {"since_n": float(one.predicted.n[since]) if alarm else np.nan}
    row |= {"side": ("higher" if after[np.argmin(np.minimum(after, 1 - after))] > 0.5 else "lower") if alarm else ""}
    found: Mapping[str, float] = dict.fromkeys(CAUSES, np.nan)
    likely = ""
    if alarm:
        last = float(np.log(one.predicted.paths.curve.n[-1])) if one.predicted.paths.curve is not None else 0.0
        found = causes(one.predicted, one.y, since, last)
        best = max(found, key=lambda name: found[name])
        likely = best if found[best] >= CLEAR else UNCLEAR
    return row | {"likely": likely} | {f"p_{name.replace(' ', '_')}": found[name] for name in CAUSES}


def _checks(curves: Any) -> Iterator[Check]:
    for row in curves.to_dict("records"):
        label = "/".join(row[k] for k in KEYS)
        if not row["alarm"]:
            text = f"{label}: as forecast (evidence {row['e_value']:.2g})"
            yield Check("watch", PASS, message("as-forecast", text, e_value=row["e_value"]), curves=(label,))
            continue
        likely = row["likely"]
        cause = f"most likely {likely}: {MEANING[likely]}" if likely in MEANING else "the cause is unclear so far"
        text = (
            f"{label}: errors are {row['side']} than forecast since {plain_size(row['since_n'])} (evidence "
            f"{row['e_value']:.3g}, threshold {row['threshold']:.3g}); {cause}"
        )
        told = message("left-the-forecast", text, **row)
        yield Check("watch", FAIL, told, NEXT_STEPS.get(likely, NEXT_STEPS[UNCLEAR]), (label,))


NEXT_STEPS = {
    "intercept": "compare data, test set and code of these runs with those that were fitted",
    "exponent": "train a larger model, or tune anew, at the largest size, and watch again",
    "floor": "look at labels of the new data; see `forecaster floor` for what an irreducible error is made of",
    "stray run": "repeat that run with another seed",
    UNCLEAR: "repeat the last run with another seed; then fit again with `forecaster update`",
}


def _told(curves: Any, fitted: int, alpha: float) -> Message:
    alarms = int(curves["alarm"].sum())
    count = int(curves["measurements"].sum())
    text = f"{counted(count, 'new measurement')} of {counted(len(curves), 'curve')}: "
    text += f"{alarms} left the forecast ({_named(curves)})." if alarms else "all as forecast."
    text += f" Looked at after every measurement, a forecast that is right raises an alarm in at most {chance(alpha)}."
    if fitted:
        text += f" {counted(fitted, 'row')} that had been fitted {'was' if fitted == 1 else 'were'} left out."
    return message("alarm" if alarms else "calm", text, alarms=alarms, measurements=count)


def _named(curves: Any) -> str:
    """The first curves with an alarm, where they lie and why."""
    rows = curves[curves["alarm"]].to_dict("records")
    cause = {name: f", most likely {name}" for name in CAUSES}
    each = [
        f"{row['architecture']}: {row['side']} since {plain_size(row['since_n'])}{cause.get(row['likely'], '')}"
        for row in rows[:CURVES_NAMED]
    ]
    return "; ".join([*each, *([f"and {len(rows) - CURVES_NAMED} more"] if len(rows) > CURVES_NAMED else [])])


def _logged(path: str | Path, posterior: Posterior, table: Any, curves: Any, now: datetime) -> None:
    """Add this look to a chained file."""
    seen = sha256(json.dumps(table[[*KEYS, "n", "error"]].to_dict("split"), default=str).encode()).hexdigest()
    kept: list[dict[str, Any]] = [
        {name: row[name] for name in (*KEYS, "measurements", "e_value", "alarm", "likely")}
        for row in curves.to_dict("records")
    ]
    for row in kept:
        row |= {"measurements": int(row["measurements"]), "e_value": float(row["e_value"]), "alarm": bool(row["alarm"])}
    made = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    content = {"looked_at": made, "data_hash": str(posterior.manifest["data_hash"]), "rows_hash": seen, "curves": kept}
    append(path, lambda place: content)
