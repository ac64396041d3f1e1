"""The findings of a memo, for readers who do not know Bayesian statistics. Numbers come from the facts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from forecaster._support.frames import Table
from forecaster.checks.track_record import favoured
from forecaster.comparison.prose import gain_said
from forecaster.curves.rises import LEAST_RISE
from forecaster.reports.answers import EDGE, Facts
from forecaster.results.check import NAMES_SHOWN
from forecaster.results.message import Message, message
from forecaster.results.wording import about, chance, listed, size, times, times_in

EDGE_DECADES = 0.05  # within this distance of the largest size, a headline is at the edge of the measurements
FAR_DECADES = 1.5  # beyond this distance it is far from them
RISES = ("ill-behaved", "non-monotone")  # the checks that find curves to rise, far and somewhat
RIVALS_SAID = 3  # chances that are given where the leader depends on the size
PROBABLY = 0.9  # chance of gaining most from which it is said without the next likeliest
WIDER = 1.1  # from this ratio of widths on, the range on other test cases is reported
KINDS = {
    "mean": "All numbers are for the average over training runs, on the test set at hand.",
    "new-run": "All numbers are for one new training run, on the test set at hand.",
    "new-cases": "All numbers are for the average over training runs, on new test cases of the same kind.",
}

Change = tuple[str, Message]  # a heading, and what would change the recommendation


def headline(a: Facts) -> Message:
    """One number and its interval, in words."""
    middle, low, high = a.interval(a.best)
    name, ratio = a.best["architecture"], a.beyond(a.best["architecture"], a.headline_n)
    values = {"architecture": name, "n": a.headline_n, **{k: a.best[k] for k in ("yhat", "yhat_lower", "yhat_upper")}}
    if abs(math.log10(ratio)) <= EDGE_DECADES:
        text = (
            f"At {a.sized(a.headline_n)}, the edge of the measurements, {name} is estimated at "
            f"{a.units.phrase(middle)}: {times_in(a.level)}, between {low} and {high}."
        )
        return message("headline-at-the-edge", text, **values)
    text = (
        f"With {times(ratio)} the data ({a.sized(a.headline_n)}), {name} is forecast to reach "
        f"{a.units.phrase(middle)}: {times_in(a.level)}, between {low} and {high}."
    )
    return message("headline", text, **values)


def context(a: Facts) -> Message:
    """Where the headline's architecture stands at its largest measured size, and the best one at the largest of all."""
    name = a.best["architecture"]
    now = a.ends[name]
    leader = next(r for r in a.at(a.largest) if a.beyond(r["architecture"], a.largest) <= EDGE)
    other = f"{leader['architecture']} with {a.interval(leader)[0]}"
    values = {"architecture": name, "n": now["n"], "yhat": now["yhat"], "leader": leader["architecture"]}
    values["measured"] = a.measured[name].last
    if a.beyond(name, a.largest) > EDGE:
        text = (
            f"It was measured only up to {a.sized(now['n'])}, where its error is {_stands(a, name)}. Of those measured "
            f"up to {a.sized(a.largest)}, the best there is {other}."
        )
        return message("measured-less-far", text, **values)
    text = f"Today, at {a.sized(a.largest)}, the largest size measured so far, its error is {_stands(a, name)}"
    if leader["architecture"] != name:
        return message("another-leads-today", f"{text}; the best there is {other}.", **values)
    return message("leads-today", f"{text}.", **values)


def _stands(a: Facts, architecture: str) -> str:
    """The estimated error at its largest size; with what was measured there, if that differs."""
    now, there = a.ends[architecture], a.measured[architecture].last
    middle = a.interval(now)[0]
    if abs(math.log(there / now["yhat"])) <= LEAST_RISE:
        return middle
    shown = a.units.error(there, a.units.decimals(now["yhat_lower"], now["yhat_upper"]))
    return f"{middle}, estimated from all sizes ({shown} was measured there)"


def changes(a: Facts) -> list[Change]:
    """What would change the recommendation: headings, and a message each."""
    found = [("The irreducible error.", floor_change(a)), *rise_change(a)]
    if a.several:
        found.append(("The order of the architectures.", order_change(a)))
        if a.gains is not None:
            found += gain_change(a, a.gains)
        found += pooling_change(a)
    found.append(("Distance from the data.", distance(a)))
    if a.elsewhere is not None:
        found += small_test_set(a, a.elsewhere)
    if a.tested is not None:
        found.append(on_test_set(a, a.tested))
    text = (
        "The forecast holds for the training configuration that was measured: the same model, tuning, source and "
        "quality of data. Cleaner labels or a better model shift the curve in ways that these measurements cannot show."
    )
    return [*found, ("Another training configuration.", message("same-configuration", text))]


def distance(a: Facts) -> Message:
    """How far the headline lies from the measurements."""
    name = a.best["architecture"]
    ratio, span = a.beyond(name, a.headline_n), a.measured[name].largest / a.measured[name].smallest
    beyond = math.log10(ratio)
    whose = f" of {name}" if a.uneven else ""
    where = f"{times(ratio)} the largest measured size{whose}; the measured sizes span a factor of {about(span)}"
    values = {"ratio": ratio, "span": span}
    if beyond < -EDGE_DECADES:
        text = (
            f"The forecast lies within the measured sizes ({where}). It says how things stand, not what more data buys."
        )
        return message("within-the-data", text, **values)
    widens = "The ranges widen with the distance; a measurement at a larger size narrows them."
    if beyond <= EDGE_DECADES:
        return message(
            "at-the-edge", f"The forecast lies at the edge of the measured sizes ({where}). {widens}", **values
        )
    far = "far beyond" if beyond > FAR_DECADES else "beyond"
    id = "far-beyond-the-data" if beyond > FAR_DECADES else "beyond-the-data"
    return message(
        id, f"The forecast for {a.sized(a.headline_n)} lies {far} the measured sizes ({where}). {widens}", **values
    )


def floor_change(a: Facts) -> Message:
    """Whether the measurements show the floor; if not, the forecast for a low and for a high one."""
    name = a.best["architecture"]
    mine = a.floors[a.floors["architecture"] == name].to_dict("records")
    low, high = mine[0], mine[-1]
    values = {"architecture": name, "low": low["floor"], "high": high["floor"]}
    if a.at_floor(name):
        now = a.ends[name]
        d = a.units.decimals(low["floor"], high["floor"])
        floors = " to ".join(dict.fromkeys(a.units.error(row["floor"], d) for row in (low, high)))
        text = (
            f"The measurements show where {name} stops improving: at {floors}. At {a.sized(now['n'])} its error is "
            f"{a.units.error(now['yhat'], d)}."
        )
        return message("floor-seen", text, **values)
    d = a.units.decimals(low["yhat_lower"], high["yhat_upper"])

    def show(value: float) -> str:
        return a.units.error(value, d)

    def roughly(value: float) -> str:
        shown = show(value)
        return f"below {shown[1:]}" if shown.startswith("<") else f"about {shown}"

    text = (
        f"The measurements do not yet show where {name} stops improving. If that floor is low "
        f"({roughly(low['floor'])}), expect {show(low['yhat'])} at {a.sized(a.headline_n)}; if it is high "
        f"({roughly(high['floor'])}), expect {show(high['yhat'])}."
    )
    if a.several:
        first, last = chance(low["p_best"]), chance(high["p_best"])
        goes = f"stays at {first}" if first == last else f"goes from {first} to {last}"
        text += f" Its chance of being the best {goes}."
    return message("floor-not-seen", text, **values)


def rise_change(a: Facts) -> list[Change]:
    """Curves that the checks found to rise far above their best, or to rise and end so."""
    far, _ = _rising(a)
    ends = still_up(a)
    names = list(dict.fromkeys((*far, *ends)))
    if not names:
        return []
    rising = {r["architecture"] for r in a.at(a.headline_n) if r["yhat"] > a.ends[r["architecture"]]["yhat"]}
    on, open_ = [name for name in ends if name in rising], [name for name in ends if name not in rising]
    if on:
        id = "more-data-harms"
        text = (
            f"The error of {_few(on)} is up at its largest size and forecast to be higher still at "
            f"{a.sized(a.headline_n)}: as it stands, more data harms. Find the cause before buying data."
        )
    else:
        id = "rises-in-between"
        text = (
            f"The error of {_few(names)} rises in places. The forecast treats the rise as temporary; find its cause "
            "before relying on the forecast."
        )
    if open_:
        text += f" The error of {_few(open_)} is still up at its largest size; if it goes on rising, more data harms."
    return [("Errors that rise.", message(id, text, names=names, still_up=ends, harmed=on))]


def _rising(a: Facts) -> tuple[list[str], list[str]]:
    """Architectures that the checks found to rise, far and somewhat."""
    found = {c.id: c.curves for c in a.checks if c.verdict != "PASS"}
    far, some = ([label.removeprefix("/".join(a.group) + "/") for label in found.get(id, ())] for id in RISES)
    return far, some


def still_up(a: Facts) -> list[str]:
    """Those of them whose error is still up at their largest size."""
    far, some = _rising(a)
    return [n for n in dict.fromkeys((*far, *some)) if n in a.measured and a.measured[n].still_up]


def _few(names: list[str]) -> str:
    more = len(names) - NAMES_SHOWN
    return listed([*names[:NAMES_SHOWN], f"{more} more"] if more > 0 else names)


def small_test_set(a: Facts, elsewhere: Table) -> list[Change]:
    """How few wrong cases the best architecture's error rests on, where that widens its range by a tenth or more."""
    name = a.best["architecture"]
    row = next(r for r in elsewhere.to_dict("records") if r["architecture"] == name)
    widths = [math.log(r["yhat_upper"] / r["yhat_lower"]) for r in (row, a.best)]
    if widths[0] < WIDER * widths[1]:
        return []
    _, low, high = a.interval(row)
    measured = a.measured[name]
    wrong = max(round(measured.cases * measured.last), 1)
    text = (
        f"At {a.sized(measured.largest)}, {name} is wrong on about {wrong:,} of the {size(measured.cases)} test cases. "
        f"The forecasts are for that test set; on other cases of the same kind its error at {a.sized(a.headline_n)} "
        f"lies between {low} and {high}, {times_in(a.level)}. A larger test set narrows that range."
    )
    return [("Other test cases.", message("other-test-cases", text, wrong=wrong, cases=measured.cases))]


def order_change(a: Facts) -> Message:
    """Whether the leader depends on the size, and its closest rival at the largest one."""
    name = a.at(a.headline_n)[0]["architecture"]
    leaders = {n: a.at(n)[0]["architecture"] for n in sorted(a.options["n"].unique())}
    others = [f"{leader} at {size(n)}" for n, leader in leaders.items() if leader != name]
    id, text = "one-leader", f"{name} leads the forecast at every size in the table."
    if others:
        id, text = "leader-depends", f"The leader depends on the size: {listed(others)}; otherwise {name}."
    far = max(leaders)
    last = sorted(a.at(far), key=lambda r: -r["p_best"])
    rival = next((r for r in last if r["architecture"] != name), last[0])
    if leaders[far] == name:
        text += (
            f" Its closest rival at {a.sized(far)} is {rival['architecture']}, with a chance of "
            f"{chance(rival['p_best'])} of being the best there."
        )
    else:
        chances = listed([f"{r['architecture']} {chance(r['p_best'])}" for r in last[:RIVALS_SAID]])
        text += f" The chances of being the best at {a.sized(far)}: {chances}."
    return message(id, text, leaders=leaders, rival=rival["architecture"], p_rival=rival["p_best"])


def gain_change(a: Facts, gains: Table) -> list[Change]:
    """Who gains from more data, up to the headline's size: by the share of today's error that the forecast removes."""
    known = gains[gains["gain"].notna() & np.isclose(gains["n"], a.headline_n)]
    rows = known.sort_values("gain", ascending=False, kind="stable").to_dict("records")
    if not rows:
        return []
    most = max(rows, key=lambda row: row["p_gains_most"])
    rival = max((row for row in rows if row is not most), key=lambda row: row["p_gains_most"])
    name, best = most["architecture"], next((r for r in rows if r["architecture"] == a.best["architecture"]), most)
    sure = most["p_gains_most"] >= PROBABLY
    chances = chance(most["p_gains_most"]) + (
        "" if sure else f"; {rival['architecture']} {chance(rival['p_gains_most'])}"
    )
    gains_most = "gains most" if sure else "is the likeliest to gain most"
    text = (
        f"From {a.sized(most['n_from'])} to {a.sized(a.headline_n)} {name} {gains_most} ({chances}): "
        f"{gain_said(most)} of its error is forecast to go."
    )
    if best is not most:
        text += f" {best['architecture']}, the best there, is forecast to lose {gain_said(best)}."
    values = {"n": a.headline_n, "most": name, "p": most["p_gains_most"]}
    values["gains"] = {row["architecture"]: row["gain"] for row in rows}
    return [("Who gains from more data.", message("gains-most" if sure else "gains-open", text, **values))]


def on_test_set(a: Facts, tested: Mapping[str, Any]) -> Change:
    """What can be shown at the headline's size on the test set at hand, and how large it would have to be."""
    d = a.units.decimals(tested["error"], tested["provable"])
    error, least = (a.units.error(tested[k], d) for k in ("error", "provable"))
    text = (
        f"The {size(tested['cases'])} test cases at hand can at best prove (with 95 % confidence, 8 times in 10) that "
        f"an error of {error} is below {least}."
    )
    if "for_target" in tested:
        text += f" To prove that it is below {a.units.error_plain(a.target)} takes {_many(tested['for_target'])}."
    if "apart" in tested:
        text += (
            f" To tell it from {tested['rival']}, at {a.units.error(tested['other'], d)}, takes "
            f"{_many(tested['apart'])}, fewer where both err on the same ones."
        )
    return ("What the test set can tell.", message("test-set", text, **tested))


def _many(cases: float) -> str:
    return f"about {about(cases)} cases" if math.isfinite(cases) else "more cases than anyone has"


def health(a: Facts) -> Message:
    """The verdict on the whole in a sentence."""
    total = len(a.checks)
    failed, open_ = (sum(c.verdict == v for c in a.checks) for v in ("FAIL", "REVIEW"))
    values = {"total": total, "failed": failed, "review": open_}
    if failed:
        return message("failed", f"The forecast failed {failed} of its {total} checks.", **values)
    if open_:
        call = "calls" if open_ == 1 else "call"
        text = f"The forecast failed none of its {total} checks; {open_} {call} for a look before deciding."
        return message("to-review", text, **values)
    return message("passed", f"The forecast passed its {total} checks.", **values)


def pooling_change(a: Facts) -> list[Change]:
    """What the forecast would be without the other architectures, and which of the two was closer."""
    if a.pooling is None or a.pooling.table.empty:
        return []
    rows: Any = a.pooling.table.to_dict("records")
    row = next((r for r in rows if r["architecture"] == a.best["architecture"]), None)
    if row is None:
        return []
    d = a.units.decimals(row["yhat_lower"], row["yhat_upper"])
    alone, low, high = (a.units.error(row[k], d) for k in ("alone", "alone_lower", "alone_upper"))
    text = (
        f"The forecasts share what the architectures have in common. From its own measurements alone, "
        f"{row['architecture']} would be forecast at {alone}, between {low} and {high}. "
    )
    said = favoured(a.pooling)
    values = {"alone": row["alone"], "moved": row["moved"], "favoured": a.pooling.favoured}
    found = message("companions", f"{text}{said[0].upper()}{said[1:]}.", architecture=row["architecture"], **values)
    return [("The other architectures.", found)]
