"""The sentences of a memo, for readers who do not know Bayes. Numbers come from the answers; none is computed here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from forecaster.comparison import EQUAL, UNDECIDED, Comparison
from forecaster.forecast import Forecast
from forecaster.looks import Table, capital
from forecaster.posterior import Group, Posterior
from forecaster.predictive import Assessment
from forecaster.requirement import Requirement
from forecaster.results import Check
from forecaster.units import Units, about, chance, listed, rounded, size, times, times_in

WIDER = 1.1  # how much wider a range must be on other test cases to be worth a word
SURE, LIKELY = 0.9, 0.6  # chance of being the best from which a choice is advised, and from which it is leaned to


@dataclass(frozen=True, eq=False)
class Answers:
    """What was asked for one group, and what the other modules answered."""

    whole: Posterior  # what the group's posterior is a part of
    posterior: Posterior
    group: Group
    units: Units
    largest: float
    sizes: tuple[float, ...]
    headline_n: float
    target: float
    target_given: bool
    level: float
    found: Forecast
    elsewhere: Forecast | None  # at the headline's size, on cases not tested on; None where no test set is known
    options: Table
    need: Requirement
    comparison: Comparison | None
    floors: Table
    priors: Table
    assessed: Assessment
    checks: tuple[Check, ...]
    verdict: str

    def at(self, n: float) -> list[dict[str, Any]]:
        """Options at one size, best forecast first."""
        return self.options[np.isclose(self.options["n"], n)].to_dict("records")

    @property
    def best(self) -> dict[str, Any]:
        return self.at(self.headline_n)[0]

    @property
    def several(self) -> bool:
        return self.options["architecture"].nunique() > 1

    def interval(self, row: dict[str, Any]) -> tuple[str, str, str]:
        """Median, lower and upper end of a forecast as written."""
        d = self.units.decimals(row["yhat_lower"], row["yhat_upper"])
        middle, low, high = (self.units.error(row[k], d) for k in ("yhat", "yhat_lower", "yhat_upper"))
        return middle, low, high

    def sized(self, n: float) -> str:
        return self.units.sized(n)


def headline(a: Answers) -> str:
    """One number and its interval, in words."""
    middle, low, high = a.interval(a.best)
    return (
        f"With {times(a.headline_n / a.largest)} the data ({a.sized(a.headline_n)}), {a.best['architecture']} is "
        f"forecast to reach {a.units.phrase(middle)}: {times_in(a.level)}, between {low} and {high}."
    )


def context(a: Answers) -> str:
    """Where the same architecture, and the best one, stand at the largest measured size."""
    now = next(r for r in a.at(a.largest) if r["architecture"] == a.best["architecture"])
    leader = a.at(a.largest)[0]
    said = f"At the largest size measured so far, {a.sized(a.largest)}, it stands at {a.interval(now)[0]}"
    if leader["architecture"] != now["architecture"]:
        said += f"; the best there is {leader['architecture']} with {a.interval(leader)[0]}"
    return said + "."


def recommendation(a: Answers) -> list[str]:
    """What to do, or, where a check failed, what to do before deciding."""
    failed = [c for c in a.checks if c.verdict == "FAIL"]
    if failed:
        steps = dict.fromkeys(capital(c.next_step or c.text).rstrip(".") + "." for c in failed)
        return ["Do not decide on this memo yet: the forecast did not pass its own checks. First:", *steps]
    return [_choice(a), *_purchase(a), _steps(a)]


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


def _purchase(a: Answers) -> list[str]:
    """How much data the target takes, with the best architecture."""
    row = next(r for r in a.need.table.to_dict("records") if r["architecture"] == a.best["architecture"])
    goal = a.units.phrase(a.units.error_plain(a.target))
    why = "" if a.target_given else ", about what it is forecast to reach above (no target was set)"
    start = f"To reach {goal}{why}"
    if row["already_met"] > 0.95:
        return [
            f"{a.best['architecture']} has already reached {goal} within the sizes measured; no more data is needed."
        ]
    if math.isinf(row["q50"]):
        return [
            f"Do not count on {goal}: more likely than not, no amount of data up to {a.sized(row['horizon'])} gets "
            f"{a.best['architecture']} there."
        ]
    said = f"{start}, plan for {about(row['q50'])} {a.units.size_name}: the chances are even that this is enough."
    if math.isfinite(row["q75"]):
        said += f" To be right 3 times in 4, plan for {about(row['q75'])}"
        said += f"; 19 times in 20, {about(row['q95'])}." if math.isfinite(row["q95"]) else "."
    if row["p_never"] >= 0.005:
        reach = rounded(row["horizon"] / a.largest)
        said += (
            f" There is a chance of {chance(row['p_never'])} that no amount will do, even {size(reach)} times today's."
        )
    return [said]


def _steps(a: Answers) -> str:
    step = min((n for n in a.sizes if n > 1.5 * a.largest), default=2 * a.largest)
    return (
        f"Go in steps: train at about {a.sized(step)} first and make this forecast again. Every size measured narrows "
        f"the ranges below, and shows early if the curve leaves the path forecast here."
    )


def changes(a: Answers) -> list[tuple[str, str]]:
    """What would change the recommendation: (what, how)."""
    found = [_floor_change(a)]
    if a.several:
        found += [_order_change(a), _slope_change(a)]
    beyond = math.log10(a.headline_n / a.largest)
    far = "at the edge of" if beyond <= 0.05 else "beyond" if beyond <= 1.5 else "far beyond"
    found.append(
        (
            "Distance from the data.",
            f"The headline lies {far} what was measured: {times(a.headline_n / a.largest)} the largest size, from "
            f"measurements whose sizes span a factor of {about(a.largest / _smallest(a))}. The ranges widen with that "
            f"distance.",
        )
    )
    if a.elsewhere is not None:
        found += _test_set_change(a, a.elsewhere)
    found.append(
        (
            "Another recipe.",
            "The forecast holds for the recipe that was measured: the same source and quality of data, the same "
            "tuning. Cleaner labels or a better architecture shift the curve in ways these measurements cannot show.",
        )
    )
    return found


def _smallest(a: Answers) -> float:
    return math.exp(a.posterior.designs[a.group].x_min)


def _floor_change(a: Answers) -> tuple[str, str]:
    mine = a.floors[a.floors["architecture"] == a.best["architecture"]].to_dict("records")
    low, high = mine[0], mine[-1]
    d = a.units.decimals(low["yhat_lower"], high["yhat_upper"])

    def show(value: float) -> str:
        return a.units.error(value, d)

    said = (
        f"The measurements do not yet show where {a.best['architecture']} stops improving. If that floor is low (about "
        f"{show(low['floor'])}), expect {show(low['yhat'])} at {a.sized(a.headline_n)}; if it is high (about "
        f"{show(high['floor'])}), expect {show(high['yhat'])}."
    )
    if a.several:
        first, last = chance(low["p_best"]), chance(high["p_best"])
        goes = f"stays at {first}" if first == last else f"then goes from {first} to {last}"
        said += f" The chance of being the best {goes}."
    return "The error that no data removes.", said


def _test_set_change(a: Answers, elsewhere: Forecast) -> list[tuple[str, str]]:
    """How few wrong cases the best architecture's error rests on, where that widens its range by a tenth or more."""
    name = a.best["architecture"]
    row = next(r for r in elsewhere.table.to_dict("records") if r["architecture"] == name)
    widths = [math.log(r["yhat_upper"] / r["yhat_lower"]) for r in (row, a.best)]
    measured = a.posterior.designs[a.group].curve_of(name)
    if measured is None or widths[0] < WIDER * widths[1]:
        return []
    _, low, high = a.interval(row)
    cases = float(np.median(measured.curve.n_test))
    wrong = max(round(cases * math.exp(measured.y[0])), 1)
    said = (
        f"At {a.sized(float(measured.curve.n[-1]))} about {wrong:,} of the "
        f"{size(cases)} test cases are still wrong for {name}. These forecasts are for that test set; on other cases "
        f"of the same kind the error at {a.sized(a.headline_n)} lies between {low} and {high}, {times_in(a.level)}."
    )
    return [("Other test cases.", said)]


def _order_change(a: Answers) -> tuple[str, str]:
    name = a.best["architecture"]
    leaders = {n: a.at(n)[0]["architecture"] for n in sorted(a.options["n"].unique())}
    others = [f"{leader} at {size(n)}" for n, leader in leaders.items() if leader != name]
    said = f"{name} leads the forecast at every size in the table."
    if others:
        said = f"The leader depends on the size: {listed(others)}; otherwise {name}."
    rivals = sorted((r for r in a.at(max(leaders)) if r["architecture"] != name), key=lambda r: -r["p_best"])
    said += (
        f" Its closest rival at {a.sized(max(leaders))} is {rivals[0]['architecture']}, with a chance of "
        f"{chance(rivals[0]['p_best'])} to be the best there."
    )
    return "The order of the architectures.", said


def _slope_change(a: Answers) -> tuple[str, str]:
    """Best against runner-up: does one gain more from data?"""
    name, rival = (r["architecture"] for r in a.at(a.headline_n)[:2])
    what = "Who gains more from data."
    if a.comparison is None:
        return what, "The architectures were not compared."
    pairs = a.comparison.table.to_dict("records")
    row = next(r for r in pairs if {r["a"], r["b"]} == {name, rival})
    within = f"{100 * row['rope']:g} %"
    if row["verdict"] == EQUAL:
        return what, (
            f"{name} and {rival} gain about equally from more data (their slopes are within {within} of each other), "
            f"so the gap between them should persist."
        )
    if row["verdict"] == UNDECIDED:
        steeper = row["p_steeper"] if row["a"] == name else 1 - row["p_steeper"]
        return what, (
            f"It is open whether {name} or {rival} gains more as the data grow: the chance that {name} does is "
            f"{chance(steeper)}."
        )
    faster = row["a"] if row["verdict"] == "A steeper" else row["b"]
    slower = row["b"] if faster == row["a"] else row["a"]
    end = "the gap should widen" if faster == name else "the gap may close"
    return what, f"{faster} gains more from data than {slower}, above its floor; {end} as the data grow."


def health(a: Answers) -> str:
    """The verdict on the whole in a sentence."""
    total = len(a.checks)
    failed, open_ = (sum(c.verdict == v for c in a.checks) for v in ("FAIL", "REVIEW"))
    if failed:
        return f"The forecast failed {failed} of its {total} checks."
    if open_:
        call = "calls" if open_ == 1 else "call"
        return f"The forecast failed none of its {total} checks; {open_} {call} for a look before deciding."
    return f"The forecast passed its {total} checks."


def captions(a: Answers) -> dict[str, tuple[str, str, str]]:
    """Of each figure: heading, what it shows (alternative text), how to read it."""
    names = listed(list(dict.fromkeys(a.options["architecture"])))
    goal = a.units.phrase(a.units.error_plain(a.target))
    horizon = a.sized(a.need.table["horizon"].to_numpy().max())
    found = {
        "forecast": (
            "The learning curves, measured and forecast",
            f"Chart on logarithmic scales of {a.units.error_name} against training data for {names}: measured points "
            f"up to {a.sized(a.largest)}, then forecast lines with bands that widen. {headline(a)}",
            "Dots are measurements (faint: single runs), lines the middle of the forecast. The bands hold the true "
            "curve 5 times in 10 (dark), 8 in 10, and 19 in 20 (pale). All to the right of the dashed line, the "
            "largest size measured, is forecast. Shading marks the three regions of a learning curve: small data, "
            "where little is learned yet; power law, where each tenfold of data buys a steady share; near the floor, "
            "where more than half of the error is of the kind that no data removes.",
        ),
        "requirement": (
            f"How much data the target takes: {goal}",
            f"Chart of the training data that each of {names} needs for {goal}.",
            "Thick bar: half of the chances; thin bar: 9 in 10; circle: even odds; an arrow runs off the chart. "
            f"“Never” is the chance that even {horizon} would not do.",
        ),
        "exponents": (
            "Who gains most from more data",
            f"Chart of how steeply the error of each of {names} falls with data, with its uncertainty.",
            "The exponent says how steeply the removable part of the error falls: at 0.3, ten times the data halves "
            "it. Bars hold the true value 5 times in 10 (thick), 8 in 10, and 19 in 20 (thin). Bars that overlap do "
            "not mean that two architectures are equal; their chances are compared pair by pair above.",
        ),
        "floor": (
            "How much hangs on the floor",
            f"Chart of the forecast at {a.sized(a.headline_n)} against the assumed floor for {_leaders(a)}.",
            "The floor is the error that no amount of data removes; nobody has seen it yet. Each dot is the forecast "
            f"if the floor were there, each bar the range that holds {times_in(a.level)}. The five dots of a line are "
            "equally likely.",
        ),
    }
    return found if a.several else {k: v for k, v in found.items() if k != "exponents"}


def _leaders(a: Answers) -> str:
    return listed(list(dict.fromkeys(a.floors["architecture"])))
