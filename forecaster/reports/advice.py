"""The default questions of a memo, and how much data its target needs; what to do first where something is amiss."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from forecaster._support.frames import Table
from forecaster.checks.model_fit import LEFT_OUT
from forecaster.plots.style import capital
from forecaster.prediction.requirement_prose import MET, STANDING, risen
from forecaster.reports.answers import Facts
from forecaster.results.check import FAIL, PASS
from forecaster.results.message import Message, message
from forecaster.results.wording import about, chance, rounded, size, times

MULTIPLES = (2, 5, 10, 30, 100)  # default options, as multiples of the largest measured size
STEP = 1.5  # an intermediate size is at least this multiple of the largest measured one
NEAR = 0.8  # another architecture may need less data where it needs at most this share
LITTLE = 0.03  # more data is said to buy next to nothing where a curve at its floor loses at most this share of error
LIKELY = 0.6  # chance of being the best below which a memo says that the choice of architecture is open


def default_sizes(largest: float, span: float) -> tuple[float, ...]:
    """Options where none are given, to two significant digits: none above ``span`` times the largest measured size."""
    return tuple(rounded(largest * m) for m in MULTIPLES if m <= span) or (rounded(0.95 * span * largest),)


def default_goal(at: Table, ends: Mapping[str, Mapping[str, Any]]) -> float:
    """The lowest error forecast ``at`` the headline's size, rounded to as few digits as keep it below today's error.

    To two digits where it does not fall.
    """
    best = min(at.to_dict("records"), key=lambda r: r["yhat"])
    now = ends[best["architecture"]]["yhat"]
    goals = [rounded(float(best["yhat"]), digits) for digits in (2, 3, 4)]
    return next((goal for goal in goals if goal < now), goals[0])


def stop(a: Facts) -> list[Message]:
    """What to do before deciding, where a check failed."""
    failed = [c for c in a.checks if c.verdict == FAIL]
    steps = dict.fromkeys(capital(c.next_step or c.text).rstrip(".") + "." for c in failed)
    text = "Do not decide on this memo yet: the forecast failed some of its own checks. First:"
    return [message("do-not-decide", text), *(message("first", step) for step in steps)]


def surprising_run(a: Facts) -> list[Message]:
    """What to look at first: an error of the best architecture that is surprising given its other sizes."""
    name = a.best["architecture"]
    found = next((c for c in a.checks if c.id == LEFT_OUT and c.verdict != PASS), None)
    if found is None or "/".join((*a.group, name)) not in found.curves:
        return []
    text = (
        f"First look at the measurements of {name}: one of them is surprising given the others (see “left-out sizes” "
        "under the checks). If that run failed, repeat or remove it and make this forecast again; it shifts and widens "
        "every number here."
    )
    return [message("surprising-run", text, architecture=name)]


def purchase(a: Facts) -> list[Message]:
    """How much data the target needs."""
    row = _need(a)
    name, goal = row["architecture"], a.units.phrase(a.units.error_plain(a.target))
    values = {"architecture": name, "target": a.target, **{q: row[q] for q in ("q50", "q75", "q95", "p_never")}}
    if row["already_met"] > MET and not a.target_given:
        text = (
            f"Do not count on more data: the error of {name} is {a.interval(a.ends[name])[0]} today and forecast to be "
            f"{a.interval(a.best)[0]} at {a.sized(a.headline_n)}."
        )
        return [message("no-improvement", text, **values)]
    if a.target_given and any(c.id == "target" for c in a.checks):
        text = f"{capital(goal)} is above every measured error: give the target in the unit of the errors."
        return [message("target-in-another-unit", text, **values)]
    if risen(row):
        text = (
            f"Do not buy data for {goal} yet: {name} reached it at about {about(row['q50'])} {a.units.size_name}, but "
            f"its error has risen since, to {a.interval(a.ends[name])[0]} at {a.sized(a.ends[name]['n'])}. Find the "
            "cause first."
        )
        return [message("risen-again", text, **values)]
    if row["already_met"] > MET:
        text = f"{name} has already reached {goal} within the measured sizes; it needs no more data."
        return [message("target-met", text, **values)]
    if math.isinf(row["q50"]):
        decided = not a.several or _decided(a)
        who = name if decided else f"any architecture ({name} comes nearest)"
        text = (
            f"Do not count on {goal}: more likely than not, no amount of data up to {a.sized(row['horizon'])} is "
            f"enough for {who}."
        )
        return [message("out-of-reach", text, **values)]
    why = "" if a.target_given else " (about the forecast above; no target was set)"
    text = f"To reach {goal}{f' with {name}' if a.several else ''}{why}, plan for {about(row['q50'])} "
    text += f"{a.units.size_name}: the chances are even that this is enough."
    if math.isfinite(row["q75"]):
        text += f" To be right 3 times in 4, plan for {about(row['q75'])}"
        text += f"; 19 times in 20, {about(row['q95'])}." if math.isfinite(row["q95"]) else "."
    if row["p_never"] >= 0.005:
        reach = rounded(a.beyond(name, row["horizon"]))
        text += (
            f" With a chance of {chance(row['p_never'])} the target is out of reach even with {size(reach)} times "
            "today's data."
        )
    other = cheaper(a, row)
    return [message("plan", text, **values), *other]


def cheaper(a: Facts, row: Mapping[str, Any]) -> list[Message]:
    """Another architecture that may reach the target with less data: at even odds, or at the safer ones."""
    for q, odds in (("q50", "at even odds"), ("q75", "3 times in 4")):
        other = min((r for r in _ranked(a) if not risen(r)), key=lambda r: r[q], default=row)
        if other["architecture"] != row["architecture"] and other[q] < NEAR * row[q]:
            text = f"{other['architecture']} may need less data for it: {about(other[q])}, {odds}."
            return [message("cheaper", text, architecture=other["architecture"], quantile=q, n=other[q])]
    return []


def _decided(a: Facts) -> bool:
    """Whether the memo chooses or prefers an architecture."""
    return a.best["p_best"] >= LIKELY


def _ranked(a: Facts) -> list[dict[str, Any]]:
    """The needs of each architecture, the least data first; those that have risen above the target again last."""
    rows = a.needs.to_dict("records")
    return sorted(rows, key=lambda r: [risen(r), *(r[k] for k in STANDING)])


def _need(a: Facts) -> dict[str, Any]:
    """The data that the target needs with the best architecture; while none is chosen, with the one that needs least.

    Without a given target it is always the best one, since the target is its forecast.
    """
    best = next(r for r in _ranked(a) if r["architecture"] == a.best["architecture"])
    return best if _decided(a) or not a.target_given or best["already_met"] > MET else _ranked(a)[0]


def no_gain(a: Facts) -> list[Message]:
    """Whether more data buys next to nothing, since the curve has reached a well-known floor."""
    then, name = a.best, a.best["architecture"]
    now, ratio = a.ends[name], a.beyond(name, a.headline_n)
    if not a.at_floor(name) or ratio < STEP or then["yhat"] < (1.0 - LITTLE) * now["yhat"]:
        return []
    d = a.units.decimals(*a.floor_range(name))
    before, after = (a.units.error(row["yhat"], d) for row in (now, then))
    goes = f"to leave {name} at {after}" if before == after else f"to take {name} only from {before} to {after}"
    text = (
        f"Expect next to nothing from more data: {times(ratio)} as much is forecast {goes}. Look for gains elsewhere, "
        "such as in the model, the training or the labels."
    )
    return [message("no-gain", text, architecture=name, ratio=ratio, now=now["yhat"], then=then["yhat"])]
