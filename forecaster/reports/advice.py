"""What a memo asks where nothing was asked, and what it advises: which architecture, how much data, and the next step.

All numbers come from the answers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from forecaster.checks.model_fit import LEFT_OUT
from forecaster.plots.style import Table, capital
from forecaster.prediction.requirement_prose import MET, STANDING, risen
from forecaster.reports.answers import Answers
from forecaster.reports.findings import still_up
from forecaster.results.wording import about, chance, listed, rounded, size, times

MULTIPLES = (2, 5, 10, 30, 100)  # default options, as multiples of the largest measured size
STEP = 1.5  # a step on the way is more than so many times what was measured
NEAR = 0.8  # and at most this share of what the target takes
CLOSE = 2.0  # a target that takes up to so many times what was measured needs no step on the way
LITTLE = 0.03  # share of its error that a curve at its floor loses at most where more data buys next to nothing
SURE, LIKELY = 0.9, 0.6  # chance of being the best from which a choice is advised, and from which it is leaned to


def default_sizes(largest: float) -> tuple[float, ...]:
    """Options where none are given, to two significant digits."""
    return tuple(rounded(largest * m) for m in MULTIPLES)


def default_goal(at: Table, ends: Mapping[str, Mapping[str, Any]]) -> float:
    """The least error forecast ``at`` the headline's size, with as many digits as keep it below where that stands now.

    Two where it does not fall: no digits would.
    """
    best = min(at.to_dict("records"), key=lambda r: r["yhat"])
    now = ends[best["architecture"]]["yhat"]
    goals = [rounded(float(best["yhat"]), digits) for digits in (2, 3, 4)]
    return next((goal for goal in goals if goal < now), goals[0])


def recommendation(a: Answers) -> list[str]:
    """What to do, or, where a check failed, what to do before deciding."""
    failed = [c for c in a.checks if c.verdict == "FAIL"]
    if failed:
        steps = dict.fromkeys(capital(c.next_step or c.text).rstrip(".") + "." for c in failed)
        return ["Do not decide on this memo yet: the forecast did not pass its own checks. First:", *steps]
    little = _little(a)
    if little and not a.target_given:
        return [_choice(a), *little]
    return [_choice(a), *_stray(a), *_purchase(a), *little, *_steps(a)]


def _choice(a: Answers) -> str:
    rows = a.at(a.headline_n)
    name, p = rows[0]["architecture"], rows[0]["p_best"]
    if not a.several:
        return f"Only {name} was measured: this memo says what more data buys it, not whether another would do better."
    of_all = f"the best of the {len(rows)} architectures at {a.sized(a.headline_n)}"
    ranked = sorted(rows, key=lambda r: -r["p_best"])
    if p >= SURE:
        return f"Choose {name}. The chance that it is {of_all} is {chance(p)}."
    if p >= LIKELY and ranked[0]["architecture"] == name:
        rival = ranked[1]
        return (
            f"Prefer {name}, and keep {rival['architecture']} in the running. The chance that {name} is {of_all} is "
            f"{chance(p)}; for {rival['architecture']} it is {chance(rival['p_best'])}."
        )
    count = int(np.searchsorted(np.cumsum([r["p_best"] for r in ranked]), 0.8)) + 1
    chances = listed([f"{r['architecture']} ({chance(r['p_best'])})" for r in ranked[:count]])
    return f"Do not choose yet. These may each be {of_all}: {chances}."


def _stray(a: Answers) -> list[str]:
    """What to look at first: an error of the best architecture that its others do not foresee."""
    name = a.best["architecture"]
    found = next((c for c in a.checks if c.name == LEFT_OUT and c.verdict != "PASS"), None)
    if found is None or "/".join((*a.group, name)) not in found.curves:
        return []
    return [
        f"First look at the errors measured of {name}: one of them is not what its other sizes let expect (“left out "
        "sizes” among the checks). If that run failed, repeat or drop it and make this forecast again: it moves and "
        "widens all that is said here."
    ]


def _purchase(a: Answers) -> list[str]:
    """How much data the target takes."""
    row = _need(a)
    name, goal = row["architecture"], a.units.phrase(a.units.error_plain(a.target))
    if row["already_met"] > MET and not a.target_given:
        return [
            f"Do not count on more data: {name} stands at {a.interval(a.ends[name])[0]}, and at "
            f"{a.sized(a.headline_n)} is forecast at {a.interval(a.best)[0]}."
        ]
    if a.target_given and any(c.name == "target" for c in a.need.checks):
        return [
            f"{goal[:1].upper()}{goal[1:]} lies above every error measured: give the target in the unit of the errors."
        ]
    if risen(row):
        return [
            f"Do not buy data for {goal} yet: {name} was there at about {about(row['q50'])} {a.units.size_name}, but "
            f"its error has risen since, to {a.interval(a.ends[name])[0]} at {a.sized(a.ends[name]['n'])}. Find out "
            "why first."
        ]
    if row["already_met"] > MET:
        return [f"{name} has already reached {goal} within the sizes measured; no more data is needed."]
    if math.isinf(row["q50"]):
        gets = f"{name} there" if not a.several or _decided(a) else f"any of them there; {name} is nearest"
        return [
            f"Do not count on {goal}: more likely than not, no amount of data up to {a.sized(row['horizon'])} gets "
            f"{gets}."
        ]
    why = "" if a.target_given else ", about what it is forecast to reach above (no target was set)"
    said = f"To reach {goal}{f' with {name}' if a.several else ''}{why}, plan for {about(row['q50'])} "
    said += f"{a.units.size_name}: the chances are even that this is enough."
    if math.isfinite(row["q75"]):
        said += f" To be right 3 times in 4, plan for {about(row['q75'])}"
        said += f"; 19 times in 20, {about(row['q95'])}." if math.isfinite(row["q95"]) else "."
    if row["p_never"] >= 0.005:
        reach = rounded(a.beyond(name, row["horizon"]))
        said += (
            f" There is a chance of {chance(row['p_never'])} that no amount will do, even {size(reach)} times today's."
        )
    return [f"{said}{_cheaper(a, row)}"]


def _cheaper(a: Answers, row: Mapping[str, Any]) -> str:
    """Which other architecture may reach the target with less: at even odds, or at the safer ones."""
    for q, odds in (("q50", "at even odds"), ("q75", "3 times in 4")):
        other = min((r for r in _ranked(a) if not risen(r)), key=lambda r: r[q], default=row)
        if other["architecture"] != row["architecture"] and other[q] < NEAR * row[q]:
            return f" {other['architecture']} may take less: {about(other[q])}, {odds}."
    return ""


def _decided(a: Answers) -> bool:
    """Whether an architecture is advised, or leaned to."""
    return a.best["p_best"] >= LIKELY


def _ranked(a: Answers) -> list[dict[str, Any]]:
    """What the target takes with each architecture, the least first; those that have risen above it again last."""
    rows = a.need.table.to_dict("records")
    return sorted(rows, key=lambda r: [risen(r), *(r[k] for k in STANDING)])


def _need(a: Answers) -> dict[str, Any]:
    """What the target takes with the best architecture; with the one that takes least, while none is advised.

    Where no target was given it is what the best one is forecast to reach.
    """
    best = next(r for r in _ranked(a) if r["architecture"] == a.best["architecture"])
    return best if _decided(a) or not a.target_given or best["already_met"] > MET else _ranked(a)[0]


def _little(a: Answers) -> list[str]:
    """Whether more data buys next to nothing, as the curve has reached a floor that is known well."""
    then, name = a.best, a.best["architecture"]
    now, ratio = a.ends[name], a.beyond(name, a.headline_n)
    if not a.at_floor(name) or ratio < STEP or then["yhat"] < (1.0 - LITTLE) * now["yhat"]:
        return []
    d = a.units.decimals(*a.floor_range(name))
    before, after = (a.units.error(row["yhat"], d) for row in (now, then))
    goes = f"to leave {name} at {after}" if before == after else f"to take {name} from {before} to {after} only"
    return [
        f"Expect next to nothing from more data: {times(ratio)} as much is forecast {goes}. Look for gains elsewhere, "
        "such as in the recipe or in the labels."
    ]


def _steps(a: Answers) -> list[str]:
    """The next size to train at: short of what the target takes, first of all where others were measured already."""
    row = _need(a)
    name = row["architecture"]
    own = a.ends[name]["n"]
    if risen(row):
        return []
    if name in still_up(a):
        return [f"The error of {name} is up at its largest size: find out why it rises before buying any data."]
    need = next((q for q in (row["q50"], row["q75"], row["q95"]) if q > own), math.inf)
    if row["already_met"] > MET or (math.isinf(need) and _little(a)):
        return []
    step, to = min((n for n in a.sizes if n > STEP * own), default=2 * own), ""
    if STEP * own < a.largest < need:
        step, to = a.largest, ", as far as others were measured,"
    if need <= CLOSE * own:
        return [
            f"That is close to what was measured: train at about {about(need)} {a.units.size_name} at once, and make "
            "this forecast again before going further."
        ]
    reach = need if math.isfinite(need) else max(a.sizes)  # what no amount may do is not gone for in one step either
    if not to and reach > CLOSE * own and step > NEAR * reach:
        step = rounded(math.sqrt(own * reach))
    who = f"{name} " if to else ""
    return [
        f"Go in steps: train {who}at about {a.sized(step)} first{to} and make this forecast again. Every size measured "
        "narrows the ranges below, and shows early if the curve leaves the path forecast here."
    ]
