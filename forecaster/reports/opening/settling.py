"""What the first page recommends where the decision alone does not say it, and where it recommends nothing."""

from __future__ import annotations

from typing import Any

from forecaster.reports import advice, findings
from forecaster.reports.advice import STEP
from forecaster.reports.answers import EDGE, Facts
from forecaster.reports.deciding import IDLE, MISSED, Decided
from forecaster.results.check import FAIL
from forecaster.results.message import Message, message


def settled(a: Facts, d: Decided) -> Decided:
    """The decision, where neither target nor value says how much to buy: a step, or nothing where data buys little.

    Nothing, too, where no amount reaches the target as surely as asked.
    """
    if d.found.recommendation.id == MISSED or not d.buys:
        return d.doing_nothing(d.idle["architecture"])
    if not d.open:
        return d
    name = a.best["architecture"]
    if why_not(a):
        return d.doing_nothing(name)
    table: Any = d.found.table
    mine = table[(table["architecture"] == name) & (table["option"] != IDLE) & table["allowed"]]
    larger = mine.loc[mine["n"] > STEP * a.ends[name]["n"]]
    better = larger.loc[larger["yhat"] < d.idle["yhat"], "n"]
    return d if larger.empty else d.choosing(name, float((larger["n"] if better.empty else better).min()))


def why_not(a: Facts) -> Message | None:
    """Why no data should be bought, whatever it costs."""
    name = a.best["architecture"]
    if name in findings.still_up(a):
        text = f"The error of {name} is up at its largest size: find the cause before buying data."
        return message("find-the-cause", text, architecture=name)
    if little := advice.no_gain(a):
        return little[0]
    if a.beyond(name, a.headline_n) > EDGE and a.best["yhat"] >= a.ends[name]["yhat"]:
        now, then = a.interval(a.ends[name])[0], a.interval(a.best)[0]
        text = f"The error of {name} is {now} today, and forecast to be {then} at {a.sized(a.headline_n)}."
        return message("no-improvement", text, architecture=name)
    return None


def stopped(a: Facts) -> bool:
    """Whether a check failed, so that nothing is recommended."""
    return any(c.verdict == FAIL for c in a.checks)
