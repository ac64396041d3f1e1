"""A scored record in sentences and verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from forecaster.registry.judged import JudgedPoint
from forecaster.registry.outcomes import (
    AMBIGUOUS,
    CENSORED,
    OVERDUE,
    PENDING,
    SCORED,
)
from forecaster.results.check import FAIL, PASS, REVIEW, Check
from forecaster.results.message import Message, message
from forecaster.results.wording import counted, percent

DOUBTFUL, BROKEN = 0.1, 0.01  # chance of such hits below which a record is REVIEW, FAIL
FEW_OUTCOMES = 10  # outcomes below which a record says little


def verdicts(record: Any, judged: Sequence[JudgedPoint]) -> tuple[Check, ...]:
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


def told(judged: Sequence[JudgedPoint], record: Any, totals: Mapping[str, float]) -> Message:
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
        if row["scored"] < FEW_OUTCOMES:
            text += f" {counted(int(row['scored']), 'outcome')} say little."
        for name, said in (("skill_last", "no change from the last point"), ("skill_law", "a least-squares power law")):
            if np.isfinite(totals[name]):
                side = "closer" if totals[name] >= 0 else "farther off"
                text += f" The forecasts were {percent(abs(totals[name]))} {side} than {said}."
    if totals["events"]:
        text += f" {counted(int(totals['events']), 'chance')} of reaching a target: Brier score {totals['brier']:.3g}."
    return message("scored", text, **totals)


def none_matched(judged: Sequence[JudgedPoint], measured: Any, within: float) -> str:
    """Why no outcome matched, with the nearest size."""
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
