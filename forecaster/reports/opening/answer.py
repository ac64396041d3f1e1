"""The answer of a memo: what to do, what to expect of it and when, and why; each a message."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from forecaster.decisions.prose import NUMBERS
from forecaster.prediction.requirement_prose import risen
from forecaster.reports import advice, findings
from forecaster.reports.advice import STEP
from forecaster.reports.answers import Facts
from forecaster.reports.deciding import IDLE, MISSED, Decided, some
from forecaster.reports.opening.heading import written
from forecaster.reports.opening.settling import stopped, why_not
from forecaster.results.message import Message, message
from forecaster.results.wording import about, chance, listed, rounded, size, times_in

MORE = ("order-by", "plan-then", "plan-no-gain", "no-plan", "test-cases")  # of a decision's sentences, those below it
ODDS = {0.5: "even odds", 0.25: "3 chances in 4", 0.1: "9 in 10", 0.05: "19 in 20"}  # by the risk of missing


def answer(a: Facts, d: Decided) -> list[Message]:
    """What to do, what to expect of it, and why; only what to do first where a check failed."""
    if stopped(a):
        return advice.stop(a)
    if not d.buys:
        return [*_no(a, d), *d.sentences(MORE)]
    return [_yes(a, d), *_first(a, d), expected(a, d), *_worth(a, d), *_steps(a, d), *d.sentences(MORE)]


def _yes(a: Facts, d: Decided) -> Message:
    row, unit = d.best, a.units.size_name
    who, n = row["architecture"], size(row["n"])
    said = some(row, "option", "architecture", "n", "buy", "cost", "yhat", "p_target", "date")
    paid = f" for {d.money(row['cost'], exact=True)}" if d.priced else ""
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
        ready, ordered = (written(date.fromisoformat(str(day))) for day in (row["date"], d.worth.start))
        text += f" The model is ready on {ready}, if the order goes out on {ordered}."
    return message("expected", text, now=now["yhat"], **some(row, "yhat", "p_target", "date"))


def _no(a: Facts, d: Decided) -> Iterator[Message]:
    """That nothing is to be bought, and why."""
    row, id = d.best, d.found.recommendation.id
    goal, who = a.units.phrase(a.units.error_plain(a.target)), row["architecture"]
    said = some(row, "architecture", "n", "yhat", "p_target")
    stays = f"As things are, {who} stays at {a.interval(row)[0]}."
    if d.open and (why := why_not(a)):
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
        yield message("loss", f"{text}{d.money(row[column])}. {stays}", loss=row[column])
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
        (name, column), idle = NUMBERS[asked["attitude"]], d.idle
        if d.planned and d.found.plan is not None:
            yield _plan(a, d, d.found.plan)
            return
        mine, other = d.money(row[column]), d.money(idle[column])
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
        text = f"No option within {d.money(asked['budget'], exact=True)} is expected to do better."
        yield message("within-budget", text, budget=asked["budget"])


def _plan(a: Facts, d: Decided, plan: Mapping[str, Any]) -> Message:
    """Several orders against the best single one, and doing nothing."""
    several, one, idle = (d.money(loss) for loss in (plan["loss"], plan["loss_one"], d.idle["loss_mean"]))
    text = f"{_valued(a, d)} With that, buying in orders costs {several} on average, the best single order {one}, and "
    values = {name: plan[name] for name in ("loss", "loss_one", "gain", "gain_sd")}
    return message("loss-of-orders", f"{text}doing nothing {idle}.", **values)


def _valued(a: Facts, d: Decided) -> str:
    """What an error is taken to cost."""
    asked = d.found.asked
    if asked["penalty"] is not None:
        return f"Missing {a.units.error_plain(a.target)} is taken to cost {d.money(asked['penalty'], exact=True)}."
    if asked["per_point"] is not None:
        point = "a percentage point" if a.units.percent else "one unit"
        return f"{point[0].upper()}{point[1:]} of error is taken to cost {d.money(asked['per_point'], exact=True)}."
    mistake = d.money(asked["per_mistake"], exact=True)
    return f"A mistake is taken to cost {mistake}, in {size(asked['volume'])} answers."


def _odds(a: Facts, d: Decided) -> Iterator[Message]:
    """How much the target takes for several chances of reaching it, with the cheapest architecture for each."""
    table: Any = d.found.orders
    rows = [row for row in table.to_dict("records") if row["risk"] in ODDS]
    inside = [row for row in rows if math.isfinite(row["n"])]
    beyond = [ODDS[row["risk"]] for row in rows if not math.isfinite(row["n"])]
    if not inside:
        return
    paid = [f" ({d.money(row['cost'])})" if d.priced else "" for row in inside]
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
