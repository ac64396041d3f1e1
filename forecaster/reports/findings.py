"""The sentences of a memo, for readers who do not know Bayes. Numbers come from the answers; none is computed here."""

from __future__ import annotations

import math

import numpy as np

from forecaster.comparison.prose import EQUAL, UNDECIDED
from forecaster.curves.rises import LEAST
from forecaster.prediction.forecast import Forecast
from forecaster.reports.answers import EDGE, Answers
from forecaster.results.check import NAMES_SHOWN
from forecaster.results.wording import about, chance, listed, size, times, times_in

EDGE_DECADES = 0.05  # a headline up to so far from the largest size lies at the edge of what was measured
RISES = ("ill-behaved", "non-monotone")  # the checks that find curves to rise, far and somewhat
RIVALS_SAID = 3  # chances that are told where the leader depends on the size
PROBABLY = 0.9  # chance of gaining more from which that is said, although it may be by little
WIDER = 1.1  # how much wider a range must be on other test cases to be worth a word


def headline(a: Answers) -> str:
    """One number and its interval, in words."""
    middle, low, high = a.interval(a.best)
    name = a.best["architecture"]
    if abs(math.log10(a.beyond(name, a.headline_n))) <= EDGE_DECADES:
        return (
            f"At {a.sized(a.headline_n)}, as far as was measured, {name} is estimated to stand at "
            f"{a.units.phrase(middle)}: {times_in(a.level)}, between {low} and {high}."
        )
    return (
        f"With {times(a.beyond(name, a.headline_n))} the data ({a.sized(a.headline_n)}), {name} is "
        f"forecast to reach {a.units.phrase(middle)}: {times_in(a.level)}, between {low} and {high}."
    )


def context(a: Answers) -> str:
    """Where the same architecture, and the best one, stand at the largest size that each was measured at."""
    name = a.best["architecture"]
    now = a.ends[name]
    leader = next(r for r in a.at(a.largest) if a.beyond(r["architecture"], a.largest) <= EDGE)
    other = f"{leader['architecture']} with {a.interval(leader)[0]}"
    if a.beyond(name, a.largest) > EDGE:
        return (
            f"It was measured up to {a.sized(now['n'])} only, where it stands at {_stands(a, name)}; of those "
            f"measured up to {a.sized(a.largest)}, the best there is {other}."
        )
    said = f"At the largest size measured so far, {a.sized(a.largest)}, it stands at {_stands(a, name)}"
    return f"{said}; the best there is {other}." if leader["architecture"] != name else f"{said}."


def _stands(a: Answers, architecture: str) -> str:
    """Where its error is at its largest size, by all measurements; and what was measured there, if that differs."""
    now, data = a.ends[architecture], a.posterior.designs[a.group].curve_of(architecture)
    middle = a.interval(now)[0]
    if data is None or abs(data.y[0] - math.log(now["yhat"])) <= LEAST:
        return middle
    there = a.units.error(math.exp(data.y[0]), a.units.decimals(now["yhat_lower"], now["yhat_upper"]))
    return f"{middle} as estimated from all sizes ({there} was measured there)"


def changes(a: Answers) -> list[tuple[str, str]]:
    """What would change the recommendation: (what, how)."""
    found = [_floor_change(a), *_rise_change(a)]
    if a.several:
        found += [_order_change(a), _slope_change(a)]
    name = a.best["architecture"]
    ratio = a.beyond(name, a.headline_n)
    beyond, span = math.log10(ratio), a.ends[name]["n"] / _smallest(a, name)
    far = "at the edge of" if beyond <= EDGE_DECADES else "beyond" if beyond <= 1.5 else "far beyond"
    widens = ". The ranges widen with that distance."
    if beyond < -EDGE_DECADES:
        far, widens = "inside", "; it says how things stand, and nothing of what more data buys."
    found.append(
        (
            "Distance from the data.",
            f"The headline lies {far} what was measured{f' of {name}' if a.uneven else ''}: {times(ratio)} the largest "
            f"size, from measurements whose sizes span a factor of {about(span)}{widens}",
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


def _smallest(a: Answers, architecture: str) -> float:
    measured = a.posterior.designs[a.group].curve_of(architecture)
    assert measured is not None  # a memo is on architectures that were measured
    return float(measured.curve.n[0])


def gives_way(a: Answers) -> str:
    """That forecasts may fall below floors, where the card has it so."""
    p = a.posterior.cards[a.group].late_chance
    if p <= 0:
        return ""
    return (
        f" A forecast may still lie below it: with a chance of {chance(p)}, what looks like a floor now is taken to "
        "give way as the data grow."
    )


def _floor_change(a: Answers) -> tuple[str, str]:
    what, name = "The error that no data removes.", a.best["architecture"]
    mine = a.floors[a.floors["architecture"] == name].to_dict("records")
    low, high = mine[0], mine[-1]
    if a.at_floor(name):
        now = a.ends[name]
        d = a.units.decimals(low["floor"], high["floor"])
        floors = (a.units.error(row["floor"], d) for row in (low, high))
        return what, (
            f"The measurements show where {name} stops improving: at {' to '.join(dict.fromkeys(floors))}. At "
            f"{a.sized(now['n'])} it stands at {a.units.error(now['yhat'], d)}.{gives_way(a)}"
        )
    d = a.units.decimals(low["yhat_lower"], high["yhat_upper"])

    def show(value: float) -> str:
        return a.units.error(value, d)

    def roughly(value: float) -> str:
        shown = show(value)
        return f"below {shown[1:]}" if shown.startswith("<") else f"about {shown}"

    said = (
        f"The measurements do not yet show where {name} stops improving. If that floor is low "
        f"({roughly(low['floor'])}), expect {show(low['yhat'])} at {a.sized(a.headline_n)}; if it is high "
        f"({roughly(high['floor'])}), expect {show(high['yhat'])}."
    )
    if a.several:
        first, last = chance(low["p_best"]), chance(high["p_best"])
        goes = f"stays at {first}" if first == last else f"then goes from {first} to {last}"
        said += f" The chance of being the best {goes}."
    return what, said


def _rise_change(a: Answers) -> list[tuple[str, str]]:
    """Curves that the checks found to rise far above their best, or to rise and end so."""
    far, _ = _rising(a)
    ends = still_up(a)
    names = list(dict.fromkeys((*far, *ends)))
    if not names:
        return []
    said = (
        f"With more data the error of {_few(names)} rises in places. The forecast takes that for a detour on the way "
        "down: find out why it rises before relying on it."
    )
    rising = {r["architecture"] for r in a.at(a.headline_n) if r["yhat"] > a.ends[r["architecture"]]["yhat"]}
    on, open_ = [name for name in ends if name in rising], [name for name in ends if name not in rising]
    if on:
        said = (
            f"The error of {_few(on)} is up at its largest size, and forecast to be higher still at "
            f"{a.sized(a.headline_n)}: as it stands, more data harms. Find out why it rises before buying any."
        )
    if open_:
        what = "The error" if on else "That"
        said += f" {what} of {_few(open_)} is still up at its largest size; should it go on to rise, more data harms."
    return [("Errors that rise.", said)]


def _rising(a: Answers) -> tuple[list[str], list[str]]:
    """Architectures that the checks found to rise, far and somewhat."""
    found = {c.name: c.curves for c in a.checks if c.verdict != "PASS"}
    far, some = ([label.removeprefix("/".join(a.group) + "/") for label in found.get(name, ())] for name in RISES)
    return far, some


def still_up(a: Answers) -> list[str]:
    """Those of them whose error is still up at their largest size."""
    far, some = _rising(a)
    return [name for name in dict.fromkeys((*far, *some)) if _ends_high(a, name)]


def _ends_high(a: Answers, architecture: str) -> bool:
    measured = a.posterior.designs[a.group].curve_of(architecture)
    return measured is not None and bool(measured.y[0] - measured.y.min() >= LEAST)


def _few(names: list[str]) -> str:
    more = len(names) - NAMES_SHOWN
    return listed([*names[:NAMES_SHOWN], f"{more} more"] if more > 0 else names)


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
    last = sorted(a.at(max(leaders)), key=lambda r: -r["p_best"])
    if leaders[max(leaders)] == name:
        rival = next(r for r in last if r["architecture"] != name)
        said += (
            f" Its closest rival at {a.sized(max(leaders))} is {rival['architecture']}, with a chance of "
            f"{chance(rival['p_best'])} to be the best there."
        )
    else:
        chances = listed([f"{r['architecture']} {chance(r['p_best'])}" for r in last[:RIVALS_SAID]])
        said += f" The chances of being the best at {a.sized(max(leaders))}: {chances}."
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
            f"so the ratio of their errors should persist, as far as both stay well above their floors; the difference "
            "between them shrinks as both fall."
        )
    if row["verdict"] == UNDECIDED:
        steeper = row["p_steeper"] if row["a"] == name else 1 - row["p_steeper"]
        if max(steeper, 1 - steeper) >= PROBABLY:
            faster = name if steeper > 0.5 else rival
            return what, (
                f"{faster} probably gains more as the data grow: the chance that it does is "
                f"{chance(max(steeper, 1 - steeper))}. It may be by less than {within}."
            )
        return what, (
            f"It is open whether {name} or {rival} gains more as the data grow: the chance that {name} does is "
            f"{chance(steeper)}."
        )
    faster = row["a"] if row["verdict"] == "A steeper" else row["b"]
    slower = row["b"] if faster == row["a"] else row["a"]
    end = "it should pull further ahead" if faster == name else "it may catch up"
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
