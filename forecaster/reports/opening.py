"""The first page of a memo: the answer with its price, the options, and three lines on why, how far, and what if.

Numbers come from the decision and from the facts; rules of wording from here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from forecaster.checks.track_record import MISSED as UNLIKELY
from forecaster.decisions.prose import NUMBERS, money
from forecaster.prediction.requirement_prose import risen
from forecaster.reports import advice, findings
from forecaster.reports.advice import LIKELY, STEP
from forecaster.reports.answers import EDGE, Facts
from forecaster.reports.deciding import MISSED, Decided
from forecaster.results.check import FAIL, PASS
from forecaster.results.message import Message, joined, message
from forecaster.results.track_record import held
from forecaster.results.wording import about, chance, listed, rounded, size, times_in

MOST = 6  # options on the page
IDLE = "do nothing"
MORE = ("order-by", "plan-then", "plan-no-gain", "no-plan", "test-cases")
CHANGES = ("break-even", "flips")  # of a decision's sentences, those on what would change it
COUNTS = ("hidden", "held_80", "too_low", "too_high", "p_value")  # of a record, that a message holds
ODDS = {0.5: "even odds", 0.25: "3 chances in 4", 0.1: "9 in 10", 0.05: "19 in 20"}  # by the risk of missing


def settled(a: Facts, d: Decided) -> Decided:
    """The decision, where neither target nor value says how much to buy: a step, or nothing where data buys little.

    Nothing, too, where no amount reaches the target as surely as asked.
    """
    if d.found.recommendation.id == MISSED or not d.buys:
        return d.doing_nothing(_idle(d)["architecture"])
    if not d.open:
        return d
    name = a.best["architecture"]
    if _why_not(a):
        return d.doing_nothing(name)
    table: Any = d.found.table
    mine = table[(table["architecture"] == name) & (table["option"] != IDLE) & table["allowed"]]
    larger = mine.loc[mine["n"] > STEP * a.ends[name]["n"]]
    better = larger.loc[larger["yhat"] < _idle(d)["yhat"], "n"]
    return d if larger.empty else d.choosing(name, float((larger["n"] if better.empty else better).min()))


def _why_not(a: Facts) -> Message | None:
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


# The answer ---------------------------------------------------------------------------------------


def answer(a: Facts, d: Decided) -> list[Message]:
    """What to do, what to expect of it, and why; only what to do first where a check failed."""
    if stopped(a):
        return advice.stop(a)
    if not d.buys:
        return [*_no(a, d), *_sentences(d, MORE)]
    return [_yes(a, d), *_first(a, d), expected(a, d), *_worth(a, d), *_steps(a, d), *_sentences(d, MORE)]


def _yes(a: Facts, d: Decided) -> Message:
    row, unit = d.best, a.units.size_name
    who, n = row["architecture"], size(row["n"])
    said = _numbers(row, "option", "architecture", "n", "buy", "cost", "yhat", "p_target", "date")
    paid = f" for {_money(d, row['cost'], exact=True)}" if d.priced else ""
    if row["buy"] <= 0.0:
        text = f"Buy nothing yet: train {who} on {n} {unit}{paid}, and make this forecast again."
        return message("train", text, **said)
    start, after, id = "Yes: buy", "", "buy"
    if d.open:
        start, id = "Yes, in steps: first buy", "buy-a-step"
    elif d.planned:
        start, id, after = f"Yes, in up to {d.worth.rounds} orders: first buy", "buy-in-orders", "; then decide again"
    text = f"{start} {size(row['buy'])} more {unit}{paid}, and train {who} on {n}{after}."
    return message(id, text, **said)


def _first(a: Facts, d: Decided) -> list[Message]:
    """What to find out before anything is bought."""
    who = d.best["architecture"]
    if who not in findings.still_up(a):
        return []
    text = f"But first find out why the error of {who} is up at its largest size."
    return [message("find-the-cause", text, architecture=who)]


def expected(a: Facts, d: Decided) -> Message:
    """The error and the chance of the target that the chosen option leads to, and when."""
    row = d.best
    now = a.ends[row["architecture"]]
    middle, low, high = a.interval(row)
    text = f"Expect {a.units.phrase(middle)}: {times_in(a.level)}, between {low} and {high}. Today it is "
    text += f"{a.interval(now)[0]}, at {a.sized(now['n'])}."
    if not math.isnan(row["p_target"]):
        text += f" The chance of {a.units.error_plain(a.target)} or less is {chance(row['p_target'])}."
    if row["date"] is not None:
        text += f" The model is ready on {_day(row['date'])}, if the order goes out on {_day(str(d.worth.start))}."
    return message("expected", text, now=now["yhat"], **_numbers(row, "yhat", "p_target", "date"))


def _day(iso: str) -> str:
    """``26 January 2027``."""
    return _written(date.fromisoformat(iso))


def _written(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def kicker(author: str | None, dated: date) -> str:
    """The line above the title: what this is, of which day, and by whom."""
    return " · ".join(["Decision memo", _written(dated), *([author] if author else [])])


def _no(a: Facts, d: Decided) -> Iterator[Message]:
    """That nothing is to be bought, and why."""
    row, id = d.best, d.found.recommendation.id
    goal, who = a.units.phrase(a.units.error_plain(a.target)), row["architecture"]
    said = _numbers(row, "architecture", "n", "yhat", "p_target")
    stays = f"As things are, {who} stays at {a.interval(row)[0]}."
    if d.open and (why := _why_not(a)):
        yield message("do-not-buy", "No: do not buy more data.", **said)
        yield why
    elif id == MISSED:
        reached = 1.0 - (d.found.lowest_risk or {"risk": 1.0})["risk"]
        yield message(MISSED, f"No: do not buy data for {goal}.", p_most=reached, **said)
        most = "is expected to get there" if reached < 0.005 else f"gets there with a chance above {chance(reached)}"
        asked = f" ({chance(1.0 - d.found.asked['risk'])} was asked for)" if d.worth.risk is not None else ""
        yield message("most", f"No amount within reach {most}{asked}. {stays}", p_most=reached)
        yield from _odds(a, d)
    elif id == "nothing-within":
        yield message(id, "No: nothing can be bought within the limits.", **said)
        yield message("stays", stays)
    elif d.found.evpi is not None:
        name, column = NUMBERS[d.found.asked["attitude"]]
        number = "costs less on average" if d.found.asked["attitude"] == "mean" else f"has a lower {name}"
        yield message("do-not-buy", "No: do not buy more data.", **said)
        text = f"{_valued(a, d)} With that, nothing that can be bought {number} than doing nothing, "
        yield message("loss", f"{text}{_money(d, row[column])}. {stays}", loss=row[column])
    elif d.found.asked["risk"] is not None:
        need = next(r for r in a.needs.to_dict("records") if r["architecture"] == who)
        if risen(need):
            yield message("risen-again", f"No: do not buy data for {goal} yet.", **said)
            text = (
                f"{who} reached it at about {about(need['q50'])} {a.units.size_name}, but its error has risen since. "
            )
            yield message("find-the-cause", f"{text}Find the cause first. {stays}", architecture=who)
            return
        yield message("target-met", f"No: {who} has reached {goal} with the data there is.", **said)
        text = f"The chance is {chance(row['p_target'])}: its error is {a.interval(row)[0]}."
        yield message("p-met", text, p=row["p_target"])
    else:
        yield message("do-not-buy", "No: nothing that can be bought is expected to lower the error.", **said)
        yield message("stays", stays)


def _worth(a: Facts, d: Decided) -> Iterator[Message]:
    """Why this option: its loss beside that of doing nothing, or the least that is sure enough."""
    row, asked = d.best, d.found.asked
    if d.found.evpi is not None:
        (name, column), idle = NUMBERS[asked["attitude"]], _idle(d)
        if d.planned and d.found.plan is not None:
            yield _plan(a, d, d.found.plan)
            return
        mine, other = _money(d, row[column]), _money(d, idle[column])
        text = f"{_valued(a, d)} "
        if asked["attitude"] == "mean":
            text += f"With that, this costs {mine} on average, and doing nothing {other}."
        else:
            text += f"With that, its {name} is {mine}, and that of doing nothing {other}."
        yield message("loss", text, loss=row[column], idle=idle[column])
    elif d.open:
        return
    elif asked["risk"] is not None:
        yield from _odds(a, d)
    elif asked["budget"] is not None:
        text = f"No option within {_money(d, asked['budget'], exact=True)} is expected to do better."
        yield message("within-budget", text, budget=asked["budget"])


def _plan(a: Facts, d: Decided, plan: Mapping[str, Any]) -> Message:
    """Several orders against the best single one, and doing nothing."""
    several, one, idle = (_money(d, loss) for loss in (plan["loss"], plan["loss_one"], _idle(d)["loss_mean"]))
    text = f"{_valued(a, d)} With that, buying in orders costs {several} on average, the best single order {one}, and "
    values = {name: plan[name] for name in ("loss", "loss_one", "gain", "gain_sd")}
    return message("loss-of-orders", f"{text}doing nothing {idle}.", **values)


def _valued(a: Facts, d: Decided) -> str:
    """What an error is taken to cost."""
    asked = d.found.asked
    if asked["penalty"] is not None:
        return f"Missing {a.units.error_plain(a.target)} is taken to cost {_money(d, asked['penalty'], exact=True)}."
    if asked["per_point"] is not None:
        point = "a percentage point" if a.units.percent else "one unit"
        return f"{point[0].upper()}{point[1:]} of error is taken to cost {_money(d, asked['per_point'], exact=True)}."
    mistake = _money(d, asked["per_mistake"], exact=True)
    return f"A mistake is taken to cost {mistake}, in {size(asked['volume'])} answers."


def _odds(a: Facts, d: Decided) -> Iterator[Message]:
    """How much the target takes for several chances of reaching it, with the cheapest architecture for each."""
    table: Any = d.found.orders
    rows = [row for row in table.to_dict("records") if row["risk"] in ODDS]
    inside = [row for row in rows if math.isfinite(row["n"])]
    beyond = [ODDS[row["risk"]] for row in rows if not math.isfinite(row["n"])]
    if not inside:
        return
    paid = [f" ({_money(d, row['cost'])})" if d.priced else "" for row in inside]
    said = [f"{about(row['buy'])}{cost} for {ODDS[row['risk']]}" for row, cost in zip(inside, paid, strict=True)]
    text = f"More {a.units.size_name} needed for {a.units.error_plain(a.target)}: {listed(said)}"
    if beyond:
        text += f"; no amount within reach gives {beyond[0]}"
    yield message("odds", f"{text}.", **{f"{row['risk']:g}": row["buy"] for row in rows})


def _steps(a: Facts, d: Decided) -> Iterator[Message]:
    """To go on from a measured step, where no loss says that one order is as good."""
    row, table = d.best, d.found.table
    own = a.ends[row["architecture"]]["n"]
    if d.open:
        mine: Any = table[(table["architecture"] == row["architecture"]) & (table["n"] > row["n"])]
        if mine.empty:
            return
        far = mine.to_dict("records")[-1]
        middle, low, high = a.interval(far)
        text = "Then make this forecast again. " if row["buy"] > 0.0 else ""
        text += f"As it stands, {a.sized(far['n'])} would give {middle} ({low} to {high}). How far to go depends on "
        text += "what an error costs: a target or a price list turns this page into an amount."
        yield message("then-again", text, n=far["n"], yhat=far["yhat"])
    elif d.found.evpi is None and row["n"] > 2.0 * STEP * own:
        mine = (table["architecture"] == row["architecture"]) & (table["option"] != IDLE)
        smaller: Any = table[(table["n"] > STEP * own) & (table["n"] < row["n"] / STEP) & mine]
        step = rounded(math.sqrt(own * row["n"])) if smaller.empty else float(smaller["n"].min())
        text = f"Go in steps: train at {a.sized(step)} first, and make this forecast again. Each measured size narrows "
        yield message("in-steps", f"{text}the ranges.", n=step)


def _sentences(d: Decided, ids: Sequence[str]) -> list[Message]:
    """The decision's own sentences of these ids."""
    return [one for one in d.found.messages[1:] if one.id in ids]


def _idle(d: Decided) -> Mapping[str, Any]:
    """Doing nothing, with the architecture that then has the lowest loss and, of equal ones, the lowest error."""
    rows = [row for row in d.found.table.to_dict("records") if row["option"] == IDLE]
    column = NUMBERS[d.found.asked["attitude"]][1]
    return min(rows, key=lambda r: (0.0 if math.isnan(r[column]) else float(f"{r[column]:.9g}"), r["yhat"]))


def _numbers(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Some values of a row; None for what is not a number."""
    return {name: None if row[name] != row[name] else row[name] for name in names}


def _money(d: Decided, amount: float, *, exact: bool = False) -> str:
    return money(amount, d.found.asked["currency"], exact=exact)


# The options --------------------------------------------------------------------------------------


def shown(d: Decided) -> np.ndarray:
    """Which options the page has: doing nothing, the chosen one, the smallest and the largest purchase, neighbours."""
    table: Any = d.found.table
    standing = table["loss_mean"].fillna(table["yhat"]).to_numpy()
    idle = (table["option"] == IDLE).to_numpy()
    buys = table[~idle & ((table["buy"] > 0.0) | table["best"]).to_numpy()]
    ranked = buys.assign(at=standing[buys.index]).sort_values(["best", "at", "yhat"], ascending=[False, True, True])
    leading = ranked.groupby("n", sort=True).head(1).sort_values("n").index.tolist()
    chosen = [i for i in leading if table["best"][i]]
    place = leading.index(chosen[0]) if chosen else 0
    wanted = [*chosen, *leading[:1], *leading[-1:]]
    for away in range(1, len(leading)):
        wanted += [leading[i] for i in (place + away, place - away) if 0 <= i < len(leading)]
    nothing = table.index[idle & table["best"].to_numpy()].tolist()
    first = nothing or [min(table.index[idle], key=lambda i: (standing[i], table["yhat"][i]))]
    kept = [*first, *list(dict.fromkeys(wanted))[: MOST - 1]]
    return np.isin(np.arange(len(table)), kept)


def options_of(a: Facts, d: Decided) -> dict[str, Any]:
    """The table of options as the page has it: heads, whether each column is of numbers, rows, and a note."""
    table: Any = d.found.table[shown(d)]
    rows = table.to_dict("records")
    stop = stopped(a)
    one = len({row["architecture"] for row in rows}) == 1
    timed = any(row["date"] is not None for row in rows)
    aimed = not all(math.isnan(row["p_target"]) for row in rows)
    priced = d.found.evpi is not None
    goal, currency = a.units.error_plain(a.target), d.found.asked["currency"]
    unit = f", {currency}" if currency else ""
    columns: list[tuple[str, bool, Any]] = [
        ("Option", False, lambda r: _option(r, stop)),
        *([] if one else [("Architecture", False, lambda r: r["architecture"])]),
        (f"{a.units.size_name[0].upper()}{a.units.size_name[1:]} in all", True, lambda r: size(r["n"])),
        *([(f"Cost{unit}", True, lambda r: money(r["cost"], "", exact=True))] if d.priced else []),
        *([("Ready", True, lambda r: "today" if r["option"] == IDLE else r["date"])] if timed else []),
        (f"Error ({times_in(a.level)})", True, lambda r: _error(a, r)),
        *([(f"Chance of {goal}", True, lambda r: chance(r["p_target"]))] if aimed else []),
        *([(f"All in{unit}", True, lambda r: money(r["loss_mean"], ""))] if priced else []),
    ]
    return {
        "heads": [(name, right) for name, right, _ in columns],
        "rows": [{"cells": [show(row) for _, _, show in columns], "chosen": row["best"] and not stop} for row in rows],
        "note": " ".join(_notes(a, d, rows, one=one)),
    }


def _error(a: Facts, row: Mapping[str, Any]) -> str:
    """``0.25 % (0.14 – 0.45)``."""
    middle, low, high = a.interval(row)
    return f"{middle} ({a.units.between(low, high).removesuffix(a.units.sign)})"


def _option(row: Mapping[str, Any], stop: bool) -> str:
    name = f"{row['option'][0].upper()}{row['option'][1:]}"
    return f"{name} (recommended)" if row["best"] and not stop else name


def _notes(a: Facts, d: Decided, rows: Sequence[Mapping[str, Any]], *, one: bool) -> Iterator[str]:
    """How to read the table of options."""
    if one:
        yield f"All options are with {rows[0]['architecture']}."
    yield f"Error: what to expect, and the range that holds it {times_in(a.level)}."
    if d.priced:
        yield "Cost: data, the order and training, by the price list."
    else:
        yield "No prices were given; with a price list this table has money and dates."
    if d.found.evpi is not None:
        alone = ", of a single order of that size" if d.planned else ""
        yield f"All in: that cost and what the error costs, on average{alone}."
    if any(row["date"] is not None for row in rows):
        yield f"Ready: if ordered on {d.worth.start}."
    if not all(row["allowed"] for row in rows):
        yield "Options beyond the budget or the deadline are shown, and cannot be chosen."


def page_table(d: Decided) -> pd.DataFrame:
    """All options, and which of them the first page has."""
    table: Any = d.found.table
    return table.assign(shown=shown(d))


# Three lines --------------------------------------------------------------------------------------


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
        return message("record", f"{text} {health.text}", **said, **_numbers(total, *COUNTS))
    row: Any = mine.table.to_dict("records")[0]
    text = f"{_held(row, f'errors of {who}')} {_luck(row)} Of all {total['curves']} architectures {held(total)} did."
    return message("record", f"{text} {health.text}", **said, **_numbers(row, *COUNTS))


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
    said = _sentences(d, CHANGES)
    values = {name: value for one in said for name, value in one.values.items()}
    return [("Prices, and what an error costs.", message("prices", joined(said), **values))] if said else []
