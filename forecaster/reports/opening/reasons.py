"""Three lines below the options: why this architecture, how far to trust the forecast, what could be wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from forecaster.checks.track_record import MISSED as UNLIKELY
from forecaster.reports import advice, findings
from forecaster.reports.advice import LIKELY
from forecaster.reports.answers import Facts
from forecaster.reports.deciding import Decided, some
from forecaster.results.check import PASS
from forecaster.results.message import Message, joined, message
from forecaster.results.track_record import held
from forecaster.results.wording import chance, listed, size

CHANGES = ("break-even", "flips")  # of a decision's sentences, those on what would change it
COUNTS = ("hidden", "held_80", "too_low", "too_high", "p_value")  # of a record, that a message holds


def lines(a: Facts, d: Decided) -> list[findings.Change]:
    """Why this architecture, how far to trust the forecast, and what could be wrong: a heading, and a message each."""
    who = d.best["architecture"]
    return [
        (f"Why {who}.", why(a, d)),
        ("How far to trust this.", trust(a, who)),
        ("What could be wrong.", wrong(a, d)),
    ]


def charted(a: Facts, d: Decided) -> list[str]:
    """The architectures that the first page's chart has: the chosen one, and its nearest rival."""
    who = str(d.best["architecture"])
    others = [row["architecture"] for row in a.at(a.headline_n) if row["architecture"] != who]
    return [who, *others[:1]]


def why(a: Facts, d: Decided) -> Message:
    """What speaks for the architecture, at the headline's size."""
    n = a.headline_n if d.buys else a.largest
    rows, who = a.at(n), d.best["architecture"]
    if not a.several:
        text = f"Only {who} was measured: this memo says what more data buys, not whether another would do better."
        return message("only-one", text, architecture=who)
    mine = next(r for r in rows if r["architecture"] == who)
    others = [r for r in rows if r is not mine]
    rival = min(others, key=lambda r: r["yhat"])
    error, other = a.interval(mine)[0], a.interval(rival)[0]
    said = {"architecture": who, "p": mine["p_best"], "rival": rival["architecture"], "n": n}
    of_all = f"Its chance of being the best of the {len(rows)} there is {chance(mine['p_best'])}"
    if rival["yhat"] < mine["yhat"]:
        text = f"At {a.sized(n)} {rival['architecture']} is forecast lower ({other} against {error}), "
        return message("not-the-lowest", f"{text}but loses once costs are counted. {of_all}.", **said)
    text = f"At {a.sized(n)} it has the lowest forecast, {error}; next is {rival['architecture']} with {other}."
    if mine["p_best"] >= LIKELY:
        return message("lowest", f"{text} {of_all}.", **said)
    likely = sorted(rows, key=lambda r: -r["p_best"])[:3]
    chances = listed([f"{r['architecture']} {chance(r['p_best'])}" for r in likely])
    text += f" Which of them is best is open ({chances}): train each of these before settling on one."
    return message("open", text, **said)


def trust(a: Facts, who: str) -> Message:
    """The forecast's own record on these curves, and the verdict of the checks."""
    health = findings.health(a)
    said: dict[str, Any] = {f"checks_{k}": v for k, v in health.values.items()}
    if a.track.table.empty:
        text = "No forecast of these curves was tested" + (f": {a.track.why}." if a.track.why else ".")
        return message("no-record", f"{text} {health.text}", **said)
    total, mine = a.track.total, a.track.of([(*a.group, who)])
    if mine.table.empty or len(a.track.table) == 1:
        text = f"{_held(total, 'errors')} {_luck(total)}"
        return message("record", f"{text} {health.text}", **said, **some(total, *COUNTS))
    row: Any = mine.table.to_dict("records")[0]
    text = f"{_held(row, f'errors of {who}')} {_luck(row)} Of all {total['curves']} architectures {held(total)} did."
    return message("record", f"{text} {health.text}", **said, **some(row, *COUNTS))


def _held(row: Mapping[str, Any], what: str) -> str:
    """How many hidden errors were in their ranges, on which side the others were, and what that means."""
    low, high = int(row["too_low"]), int(row["too_high"])
    text = f"With the largest sizes hidden and forecast, {held(row)} {what} lay in ranges meant to hold 8 in 10"
    if _well(row):
        return f"{text}."
    if high >= 3 * low:
        others = f"{high:,}" if low else "the others"
        return f"{text}; {others} came out lower than forecast, so that less data may do."
    if low >= 3 * high:
        others = f"{low:,}" if high else "the others"
        return f"{text}; {others} came out higher than forecast, so that it may take more data."
    return f"{text}; {high:,} came out lower than forecast, {low:,} higher."


def _well(row: Mapping[str, Any]) -> bool:
    """Whether ranges held as many as they are meant to."""
    return row["held_80"] >= 0.8 * row["hidden"]


def _luck(row: Mapping[str, Any]) -> str:
    """Whether chance explains the record."""
    if _well(row):
        return "That is as it should be."
    if UNLIKELY.verdict(row["p_value"]) == PASS:
        return f"That may be bad luck: right ranges miss as much in {chance(row['p_value'])} of such tests."
    return f"Right ranges miss as much in only {chance(row['p_value'])} of such tests: read these as too narrow."


def wrong(a: Facts, d: Decided) -> Message:
    """What could make the forecast, and so the decision, wrong: the floor, a target out of reach, a small test set."""
    parts = [one.text for one in advice.surprising_run(a)] + [how.text for _, how in findings.rise_change(a)]
    floor = findings.floor_change(a)
    parts.append(floor.text.split(" Its chance of being")[0])
    said: dict[str, Any] = {"low": floor.values["low"], "high": floor.values["high"]}
    least = d.found.lowest_risk
    if a.target_given and least is not None and least["risk"] >= 0.005:
        parts.append(
            f"With a chance of {chance(least['risk'])} no amount within reach gives {a.units.error_plain(a.target)}."
        )
        said["p_never"] = least["risk"]
    if a.tested is not None:
        shown = a.units.decimals(a.tested["error"], a.tested["provable"])
        error, proof = (a.units.error(a.tested[k], shown) for k in ("error", "provable"))
        text = f"The {size(a.tested['cases'])} test cases are few: they can at best show that an error of {error} is "
        parts.append(f"{text}below {proof}.")
        said |= {"cases": a.tested["cases"], "provable": a.tested["provable"]}
    return message("could-be-wrong", " ".join(parts[:3]), **said)


def money_change(d: Decided) -> list[findings.Change]:
    """At which prices, penalties and limits another option would be the best."""
    said = d.sentences(CHANGES)
    values = {name: value for one in said for name, value in one.values.items()}
    return [("Prices, and what an error costs.", message("prices", joined(said), **values))] if said else []
