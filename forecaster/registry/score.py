"""score: how registered forecasts turned out, one by one and as a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from forecaster.errors import RegistryError, RequestError
from forecaster.evaluation.scoring import CHANCE, SELDOM, range_of
from forecaster.registry.chain import in_words, read_chain
from forecaster.registry.outcomes import (
    AMBIGUOUS,
    CENSORED,
    OVERDUE,
    PENDING,
    SCORED,
    WITHIN,
    Outcome,
    alike,
    outcome_of,
    read_outcomes,
)
from forecaster.registry.register import PARAMS
from forecaster.registry.registration import INTERVAL, LAST, LAW, Point, Registration
from forecaster.registry.scores import COUNTED, INTERVALS, PointScore, brier, point_score, replica_hits, tail_chance
from forecaster.registry.verify import chain_check, checked
from forecaster.results.check import FAIL, PASS, REVIEW, Check
from forecaster.results.columns import CURVE, Column, Columns, declared, interval, size
from forecaster.results.message import Message, message
from forecaster.results.result import Result, Shown
from forecaster.results.wording import counted, percent

DOUBTFUL, BROKEN = 0.1, 0.01  # chance of such hits below which a record is REVIEW, FAIL
BINS = 5  # of chances, in the reliability table
FEWEST = 10  # outcomes below which a record says little


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


class Judged(NamedTuple):
    """A point of a registration beside what is known of it."""

    registration: Registration
    point: Point
    outcome: Outcome
    score: PointScore | None
    first: bool  # no earlier record forecast this point


def score(
    path: str | Path,
    outcomes: str | Path | pd.DataFrame,
    *,
    head: str | None = None,
    within: float = WITHIN,
    today: date | None = None,
) -> Scored:
    """Score registered forecasts against what was measured.

    Parameters
    ----------
    path : str or Path
        What :func:`forecaster.register` wrote. Its chain is verified first.
    outcomes : str, Path or pandas.DataFrame
        The input table: ``n``, ``error`` and the names of the curves where there are several. A column ``outcome`` may
        say ``ambiguous`` (the recipe was changed: nothing is scored), ``above`` or ``below`` (the error is only known
        to be larger, or smaller, than the one given: chances alone are scored).
    head : str, optional
        A published hash, as in :func:`forecaster.verify`.
    within : float
        Relative difference of sizes that count as one.
    today : date, optional
        After which a missing outcome is overdue; by default this machine's date.

    Returns
    -------
    Scored
        ``table`` holds a row a registered point, ``record`` the hits of all that were scored with the range that so few
        allow, ``chances`` and ``reliability`` what became of chances, ``totals`` mean scores and skill. Where a point
        was forecast several times, the record counts the first.

    Raises
    ------
    RegistryError
        The chain is broken, or there is no such file.
    RequestError
        Outcomes that cannot be read or told apart.

    Examples
    --------
    >>> import forecaster
    >>> found = forecaster.score("forecasts.jsonl", "outcomes.csv")  # doctest: +SKIP
    >>> found.totals["hit_80"]  # doctest: +SKIP
    0.83
    """
    if not within >= 0:
        raise RequestError(f"within: found {within}; expected a share of a size, such as 0.01")
    chain = checked(read_chain(path), head)
    if chain.broken is not None:
        raise RegistryError(f"{path}: the chain is broken: {in_words(chain.broken)}. Nothing was scored; see verify")
    if not chain.records:
        raise RegistryError(f"{path}: found no registered forecast; expected a file that `forecaster register` wrote")
    registrations = [Registration.of(one.content) for one in chain.records]
    measured = read_outcomes(outcomes, registrations)
    day = (today or datetime.now(UTC).date()).isoformat()
    judged = _judged(registrations, measured, day, within)
    if not any(one.outcome.status in (SCORED, CENSORED, AMBIGUOUS) for one in judged):
        raise RequestError(_none_matched(judged, measured, within))
    record = _record(judged)
    chances = _chances(judged)
    totals = _totals(judged, chances)
    checks = (chain_check(chain), *_verdicts(record, judged))
    text = _told(judged, record, totals)
    return Scored(_table(judged), text.text, checks, record, chances, _reliability(chances), totals)


def _judged(registrations: Sequence[Registration], measured: pd.DataFrame, today: str, within: float) -> list[Judged]:
    found: list[Judged] = []
    seen: list[Point] = []
    for one in registrations:
        for point in one.points:
            outcome = outcome_of(point, one.due, measured, today, within)
            scored = point_score(point, outcome.low) if outcome.status == SCORED else None
            again = any(_same(point, other, within) for other in seen)
            found.append(Judged(one, point, outcome, scored, not again))
        seen += one.points
    return found


def _same(one: Point, other: Point, within: float) -> bool:
    """Whether two forecasts are of one outcome."""
    models = one.params is None or other.params is None or alike(one.params, other.params, within)
    return one.curve == other.curve and bool(models) and bool(alike(one.n, other.n, within))


def _counting(judged: Sequence[Judged]) -> list[tuple[Judged, PointScore]]:
    """Those that make the record."""
    return [(one, one.score) for one in judged if one.score is not None and one.first]


def _table(judged: Sequence[Judged]) -> pd.DataFrame:
    rows = []
    for one in judged:
        point, scored = one.point, one.score
        known = one.outcome.low if np.isfinite(one.outcome.low) else one.outcome.high
        row: dict[str, Any] = {"forecast_id": one.registration.forecast_id}
        row |= {name: getattr(point, name) for name in ("domain", "task", "architecture", "n")}
        row |= {} if point.params is None else {"params": point.params}
        row |= {"status": one.outcome.status, "counts": one.first and scored is not None}
        row |= {"error": float(np.exp(known)) if np.isfinite(known) else np.nan, "runs": one.outcome.runs}
        row |= dict(zip(INTERVAL, point.interval, strict=True))
        for name in ("crps", "wis", "log_score", "pit"):
            row[name] = np.nan if scored is None else getattr(scored, name)
        for level in (0.8, 0.95):
            row[f"hit_{100 * level:.0f}"] = None if scored is None else scored.hits[level]
        row |= {"off_last": np.nan, "off_law": np.nan}
        if scored is not None:
            row |= {"off_last": scored.off.get(LAST, np.nan), "off_law": scored.off.get(LAW, np.nan)}
        rows.append(row)
    return pd.DataFrame(rows)


def _record(judged: Sequence[Judged]) -> pd.DataFrame:
    """Hits of every level, beside what calibrated forecasts of the same points would have."""
    counting = _counting(judged)
    ids = dict.fromkeys(one.registration.forecast_id for one, _ in counting)
    groups = [[one.point for one, _ in counting if one.registration.forecast_id == name] for name in ids]
    replicas = replica_hits(groups)
    rows = []
    for level in INTERVALS:
        held = sum(scored.hits[level] for _, scored in counting)
        (low, high), (least, most) = range_of(replicas[level], CHANCE), range_of(replicas[level], SELDOM)
        rows.append(
            {
                "level": level,
                "held": held,
                "scored": len(counting),
                "low": int(np.floor(low)),
                "high": int(np.ceil(high)),
                "low_99": int(np.floor(least)),
                "high_99": int(np.ceil(most)),
                "p_value": tail_chance(held, replicas[level]),
            }
        )
    return pd.DataFrame(rows if counting else [], columns=list(Scored.columns["record"].names))


def _chances(judged: Sequence[Judged]) -> pd.DataFrame:
    rows = []
    for one in judged:
        for target, p in one.point.chances:
            reached = one.outcome.reached(target)
            if one.first and one.outcome.status in (SCORED, CENSORED) and not np.isnan(reached):
                row: dict[str, Any] = {"forecast_id": one.registration.forecast_id}
                row |= {name: getattr(one.point, name) for name in ("domain", "task", "architecture", "n")}
                row |= {} if one.point.params is None else {"params": one.point.params}
                rows.append(
                    row | {"target": target, "p": p, "reached": bool(reached), "brier": float((p - reached) ** 2)}
                )
    names = [name for name in Scored.columns["chances"].names if name != "params" or any(name in row for row in rows)]
    return pd.DataFrame(rows, columns=names)


def _reliability(chances: Any) -> pd.DataFrame:
    edges = np.linspace(0.0, 1.0, BINS + 1)
    place = np.clip(np.digitize(chances["p"].to_numpy(dtype=float), edges) - 1, 0, BINS - 1)
    rows = [
        {
            "from": edges[i],
            "to": edges[i + 1],
            "events": int(np.sum(place == i)),
            "mean_p": float(chances["p"].to_numpy(dtype=float)[place == i].mean()),
            "came": float(chances["reached"].to_numpy(dtype=float)[place == i].mean()),
        }
        for i in range(BINS)
        if np.any(place == i)
    ]
    return pd.DataFrame(rows, columns=list(Scored.columns["reliability"].names))


def _totals(judged: Sequence[Judged], chances: Any) -> dict[str, float]:
    scored = [one for _, one in _counting(judged)]
    found: dict[str, float] = {"n_scored": len(scored)}
    mean = {"crps_log": "crps", "wis_log": "wis", "log_score": "log_score"}
    found |= {ours: _mean([getattr(one, name) for one in scored]) for ours, name in mean.items()}
    found |= {f"hit_{100 * level:.0f}": _mean([float(one.hits[level]) for one in scored]) for level in (0.8, 0.95)}
    for ours, name in (("skill_last", LAST), ("skill_law", LAW)):
        beside = [one for one in scored if name in one.off]
        off = sum(one.off[name] for one in beside)
        found[ours] = 1.0 - sum(one.crps for one in beside) / off if off > 0 else float("nan")
    p, reached = (chances[name].to_numpy(dtype=float) for name in ("p", "reached"))
    return found | {"events": len(chances), "brier": brier(p, reached)}


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def _verdicts(record: Any, judged: Sequence[Judged]) -> tuple[Check, ...]:
    """Whether the hits are those of a calibrated forecaster, and whether outcomes are missing."""
    found: list[Check] = []
    if len(record):
        row = _counts(record)
        p, held, count = float(row["p_value"]), row["held"], row["scored"]
        usual = f"calibrated ones hold {row['low']} to {row['high']} nine times in ten (p {percent(p)})"
        text = f"80 % intervals held {held} of {counted(count, 'outcome')}; {usual}"
        verdict = FAIL if p < BROKEN else REVIEW if p < DOUBTFUL else PASS
        step = "trust later forecasts of this kind less, and look at which were missed, and to which side"
        told = message("hits", text, held=held, scored=count, p=p)
        found.append(Check("calibration", verdict, told, "" if verdict == PASS else step))
    unlike = [one for one in judged if one.score is not None and one.outcome.runs != one.registration.runs]
    if unlike and all(one.registration.kind == "new-run" for one in unlike):
        runs = sorted({one.outcome.runs for one in unlike})
        text = f"{counted(len(unlike), 'outcome')} of {' or '.join(map(str, runs))} runs, where another number was "
        text += "registered: the mean of more runs is less noisy than what was forecast, that of fewer noisier"
        told = message("runs", text, outcomes=len(unlike))
        found.append(Check("runs", REVIEW, told, "register with as many runs as there will be: --runs"))
    late = [one for one in judged if one.outcome.status == OVERDUE]
    if late:
        text = (
            f"{counted(len(late), 'forecast')} past {'its' if len(late) == 1 else 'their'} due date without an outcome"
        )
        step = "add the outcomes, or rows that say outcome = ambiguous: a record that leaves out what failed flatters"
        labels = tuple(dict.fromkeys("/".join(one.point.curve) for one in late))
        found.append(Check("overdue", REVIEW, message("overdue", text, overdue=len(late)), step, labels))
    return tuple(found)


def _counts(record: Any) -> dict[str, Any]:
    """The line of the 80 % intervals, its counts whole numbers."""
    row: dict[str, Any] = record[record["level"] == 0.8].to_dict("records")[0]
    return row | {name: int(row[name]) for name in ("held", "scored", "low", "high")}


def _told(judged: Sequence[Judged], record: Any, totals: Mapping[str, float]) -> Message:
    counts = {status: sum(one.outcome.status == status for one in judged) for status in (SCORED, CENSORED, AMBIGUOUS)}
    waiting = sum(one.outcome.status in (PENDING, OVERDUE) for one in judged)
    parts = [f"{counted(len(judged), 'registered point')}: {counts[SCORED]} scored"]
    parts += [f"{counts[name]} {name}" for name in (CENSORED, AMBIGUOUS) if counts[name]]
    parts += [f"{waiting} without an outcome"] if waiting else []
    text = f"{', '.join(parts)}."
    if len(record):
        row = _counts(record)
        text += f" 80 % intervals held {row['held']} of {row['scored']}"
        text += f"; were they right, {row['low']} to {row['high']} would be usual (90 %)."
        if row["scored"] < FEWEST:
            text += f" {counted(int(row['scored']), 'outcome')} say little."
        for name, said in (("skill_last", "no change from the last point"), ("skill_law", "a least-squares power law")):
            if np.isfinite(totals[name]):
                side = "closer" if totals[name] >= 0 else "farther off"
                text += f" The forecasts were {percent(abs(totals[name]))} {side} than {said}."
    if totals["events"]:
        text += f" {counted(int(totals['events']), 'chance')} of reaching a target: Brier score {totals['brier']:.3g}."
    return message("scored", text, **totals)


def _none_matched(judged: Sequence[Judged], measured: Any, within: float) -> str:
    """What stands in the way, with the nearest size."""
    point = judged[0].point
    same = measured[measured["architecture"] == point.architecture]
    there = (
        f"sizes {', '.join(f'{n:g}' for n in sorted(set(same['n']))[:6])}"
        if len(same)
        else (f"architectures {', '.join(sorted(map(str, set(measured['architecture'])))[:6])}")
    )
    return (
        f"outcomes: none belongs to a registered forecast. Found {there}; expected {point.architecture} at "
        f"{point.n:g} (within {percent(within)}), {'/'.join(point.curve)}. Wider: --within 0.05"
    )
