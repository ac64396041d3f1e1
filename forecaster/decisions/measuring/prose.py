"""A proposal in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from forecaster.decisions.measuring.goal import Sought
from forecaster.inference.posterior import Posterior
from forecaster.inference.units import units_of
from forecaster.prediction.forecast import log_errors
from forecaster.results.message import Message, message
from forecaster.results.wording import chance, counted, money, percent, size

Row = Mapping[str, Any]
MUCH = 0.3  # share of the variance from which the test set is named


def messages(posterior: Posterior, quantity: Sought, table: Any, currency: str, level: float) -> tuple[Message, ...]:
    """The pick and what it teaches, its worth, what limits it, and what other measurements would teach."""
    rows = table.to_dict("records")
    picks = sorted((row for row in rows if row["pick"] == row["pick"]), key=lambda row: row["pick"])
    priced = any(row["enbs"] == row["enbs"] for row in rows)
    what = _what(posterior, quantity)
    found: list[Message | None] = [_picked(picks, what, level, currency) if picks else _stopped(rows, what, priced)]
    if priced:
        found.append(_worth(picks[0], currency) if picks else _best_of_bad(rows, currency))
    found += [_test_set(posterior, quantity), _others(rows, quantity)]
    return tuple(one for one in found if one is not None)


def _what(posterior: Posterior, quantity: Sought) -> str:
    """The quantity in words."""
    first, goal = quantity.keys[0], quantity.goal
    units = units_of(posterior, first.group)
    if goal.form == "forecast":
        return f"the {units.error_name} of {first.architecture} at {size(goal.at)}"
    if goal.form == "requirement":
        return f"the data that {first.architecture} needs for {units.error_plain(goal.at)}"
    return f"whether {first.architecture} or {quantity.keys[1].architecture} is better at {size(goal.at)}"


def _runs(row: Row) -> str:
    return f"{counted(int(row['runs']), 'run')} of {row['architecture']} at {size(row['n'])}"


def _paid(row: Row, currency: str) -> str:
    cost = row["cost"]
    return money(cost, currency) if currency else f"{size(cost)} items trained on"


def _left(row: Row) -> float:
    """Share of the variance left: by refits where there were any."""
    return min(1.0, row["var_left_refit"] if row["var_left_refit"] == row["var_left_refit"] else row["var_left"])


def _picked(picks: list[Row], what: str, level: float, currency: str) -> Message:
    row = picks[0]
    text = f"Measure next: {_runs(row)} ({_paid(row, currency)}). "
    text += f"It leaves {percent(_left(row))} of the variance of {what}"
    if row["width_now"] < float("inf") and row["width_after"] < float("inf"):
        text += f"; the ends of its {percent(level)} interval are a factor of {row['width_now']:.3g} apart today, "
        text += f"about {row['width_after']:.3g} afterwards"
    text += "."
    if len(picks) > 1:
        text += f" Then, within the budget: {'; '.join(_runs(one) for one in picks[1:])}."
    values = {name: row[name] for name in ("architecture", "n", "runs", "cost", "var_left", "width_now", "width_after")}
    return message("measure", text, **values)


def _stopped(rows: list[Row], what: str, priced: bool) -> Message:
    if not rows:
        return message("nothing-within", "Stop: no candidate is within the budget.")
    if priced:
        return message("stop", "Stop: no measurement is worth its cost. Decide with what is known.")
    least = min(_left(row) for row in rows)
    text = f"Stop: no candidate tells much of {what}: the best leaves {percent(least)} of its variance."
    return message("teaches-nothing", text, var_left=least)


def _worth(row: Row, currency: str) -> Message:
    text = f"For the decision its result is worth {money(row['evsi'], currency)} on average"
    text += f" (standard error {money(row['evsi_sd'], currency)}), and data bought for it is owned afterwards: "
    text += f"the net benefit is {money(row['enbs'], currency)}. "
    text += f"The choice changes with a chance of {chance(row['p_flip'])}."
    return message("worth", text, **{name: row[name] for name in ("evsi", "evsi_sd", "enbs", "p_flip")})


def _best_of_bad(rows: list[Row], currency: str) -> Message | None:
    if not rows:
        return None
    row = max(rows, key=lambda row: row["enbs"])
    text = f"The best of them, {_runs(row)}, costs {_paid(row, currency)}; its result is worth "
    text += f"{money(row['evsi'], currency)} and it changes the choice with a chance of {chance(row['p_flip'])}."
    return message("best-candidate", text, **{name: row[name] for name in ("evsi", "enbs", "p_flip")})


def _test_set(posterior: Posterior, quantity: Sought) -> Message | None:
    """How much of what is not known is the test set's sampling error, which no run on the same cases shows."""
    if quantity.kind != "new-cases" or quantity.goal.form != "forecast":
        return None
    at = np.array([quantity.goal.at])
    mean = log_errors(posterior, quantity.keys[0], at, "mean", quantity.seed)
    share = float(np.clip(1.0 - mean.var() / quantity.values.var(), 0.0, 1.0))
    if share < MUCH:
        return None
    text = f"{percent(share)} of that variance is the sampling error of the test set, which no run on the same cases "
    text += "shows: more test cases do (test_set_size)."
    return message("test-set", text, share=share)


def _others(rows: list[Row], quantity: Sought) -> Message | None:
    """The value of measuring architectures that are not asked about."""
    own = {key.architecture for key in quantity.keys}
    if quantity.goal.form == "choice":
        return None
    rest = [row["var_left"] for row in rows if row["architecture"] not in own]
    if not rest:
        return None
    least = min(rest)
    text = f"Measuring other architectures leaves {percent(least)} of that variance or more."
    return message("others", text, var_left=least)
