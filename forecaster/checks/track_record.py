"""The forecasts' own record, and what fitting curves together does to them: when either calls for a look."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from forecaster.checks.limits import MOVED, NEVER, Limits, worst_of
from forecaster.evaluation.pooling import ALONE, TOGETHER, Pooling
from forecaster.results.check import FAIL, PASS, REVIEW, Check, Finding, worst_finding
from forecaster.results.message import Message, message
from forecaster.results.track_record import TrackRecord, by_chance, held, sides
from forecaster.results.wording import plain_size

RECORD, POOLING = "record", "pooling"
# Chance that calibrated forecasts miss by as much. One in twenty, of a curve or of a task, is worth a look; below one
# in a thousand (of the worst of several curves, divided by their number) the forecasts are not calibrated.
MISSED = Limits(0.05, 0.001, rising=False)
FAR = Limits(
    1.0, NEVER
)  # shift without companions, in half-widths of the interval: beyond it, if nothing speaks for them


def own_record(track: TrackRecord) -> Iterator[Check]:
    """How unlikely is the record of the forecasts, if they are calibrated? Nothing where none was asked for."""
    if track.table.empty:
        if track.why:
            found = message(
                "no-record", f"forecasts of these curves cannot be tested on their largest sizes: {track.why}"
            )
            yield Check(RECORD, REVIEW, found, "measure more sizes, and read the ranges as untested")
        return
    findings = sorted(_findings(track), key=lambda one: (one.verdict != FAIL, one.message.values["p_value"]))
    total = track.total
    if not findings:
        text = f"with the largest sizes hidden, 80 % ranges held {held(total)} measurements; {by_chance(total)}"
        yield Check(RECORD, PASS, message("as-calibrated", text, **total))
        return
    step = (
        "read the ranges as too narrow, by as much as the record says; a card for these curves, or more sizes, may help"
    )
    yield worst_finding(Check(RECORD, findings[0].verdict, findings[0].message, step), tuple(findings))


def _findings(track: TrackRecord) -> Iterator[Finding]:
    """Curves, and tasks of several curves, that were missed by more than chance explains."""
    rows: list[Any] = track.table.to_dict("records")
    for row in rows:
        far = MISSED.verdict(row["p_value"] * len(rows)) == FAIL
        verdict = FAIL if far else REVIEW if MISSED.verdict(row["p_value"]) != PASS else PASS
        if verdict != PASS:
            label = "/".join(row[c] for c in ("domain", "task", "architecture"))
            yield Finding(label, verdict, _missed(label, row))
    for group in dict.fromkeys(key[:2] for key in track.keys):
        own = track.of_groups([group])
        verdict = MISSED.verdict(own.total["p_value"])
        if verdict != PASS and len(own.table) > 1:
            yield Finding("/".join(group), verdict, _missed("/".join(group), own.total))


def _missed(label: str, row: Any) -> Message:
    text = f"{label}: with the largest sizes hidden, 80 % ranges held {held(row)} measurements{sides(row)}"
    names = ("hidden", "held_80", "too_low", "too_high", "mean_error", "p_value")
    return message("missed", f"{text}; {by_chance(row)}", **{name: row[name] for name in names})


def companions(found: Pooling | None) -> Iterator[Check]:
    """Do forecasts rest on the other curves of their task, where the record does not speak for that?"""
    if found is None:
        return
    rows: list[Any] = found.table.to_dict("records")
    by_label = {"/".join(row[c] for c in ("domain", "task", "architecture")): row for row in rows}
    said, values = favoured(found), {"favoured": found.favoured, "closer": found.closer}

    def rests(label: str, moved: float) -> Message:
        row = by_label[label]
        text = (
            f"{label}: fitted alone, the forecast at {plain_size(row['n'])} would be {row['alone']:.3g} in place of "
            f"{row['yhat']:.3g} ({moved:.1f} half-widths of its interval); {said}"
        )
        return message("rests-on-others", text, moved=float(row["moved"]), **values)

    step = "compare both: `--leave-out` takes the others out of the fit"
    yield from worst_of(
        POOLING,
        {label: abs(row["moved"]) for label, row in by_label.items()},
        {ALONE: MOVED, TOGETHER: Limits(NEVER, NEVER)}.get(found.favoured, FAR),
        rests,
        lambda moved: message(
            "rests-on-itself",
            f"fitted alone, no forecast would move by more than {moved:.1f} half-widths of its interval; {said}",
            moved=moved,
            **values,
        ),
        f"{step}; the record speaks for the fit alone" if found.favoured == ALONE else step,
    )


def favoured(found: Pooling) -> str:
    """Which of the two was closer on hidden sizes, in words."""
    total = len(found.scored)
    if not total:
        return "no hidden sizes tell which of the two is closer"
    crps = found.scored[["crps", "crps_alone"]].mean()
    of = f"fitted together {found.closer} of {total} curves were closer on hidden sizes"
    scores = f"CRPS {crps['crps']:.3g} against {crps['crps_alone']:.3g}"
    said = {TOGETHER: "speaks for fitting together", ALONE: "speaks for fitting alone"}
    return f"{of} ({scores}), which {said.get(found.favoured, 'does not speak clearly for either')}"
