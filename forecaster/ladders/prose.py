"""A triage in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from forecaster.ladders.actions import SUPPORTED
from forecaster.ladders.rung import TRAIN, Rung
from forecaster.results.message import Message, message
from forecaster.results.wording import chance, listed, plain_number, rounded, size


def said(
    table: pd.DataFrame,
    actions: pd.DataFrame,
    ahead: pd.DataFrame,
    stays: Mapping[str, float],
    rungs: Sequence[Rung],
    apart: tuple[str, float, float] | None,
) -> list[Message]:
    """The gaps in sentences, the suggested actions, and the limits of both."""
    losses = any(rung.of_loss for rung in rungs)
    found = [_largest(table, losses), _actions(actions)]
    if len(ahead):
        found.append(_more_data(ahead, losses))
    if stays:
        found.append(_stays(stays, losses))
    if apart is not None:
        name, error, there = apart
        text = f"The {name} error is {_plain(error, losses)}, and that of the curve there {_plain(there, losses)}; "
        text += "expected one error: give its training-set size (`--n`), or the curve of this very error."
        found.append(message("curve-apart", text, error=error, curve=there))
    return [*found, _left_out(rungs)]


def _largest(table: Any, losses: bool) -> Message:
    row = table.loc[table["p_largest"].idxmax()].to_dict()
    gap = _between(row, "gap", losses)
    text = f"The largest gap is {row['cause']}, {gap}, with a chance of {chance(row['p_largest'])}."
    return message("largest-gap", text, cause=row["cause"], gap=row["gap"], p_largest=row["p_largest"])


def _actions(actions: pd.DataFrame) -> Message:
    supported = actions[actions["verdict"] == SUPPORTED]["action"].tolist()
    if not supported:
        return message("nothing-supported", "No action is clearly supported by these numbers.", actions=[])
    return message("supported", f"They support {listed(supported)}.", actions=supported)


def _more_data(ahead: Any, losses: bool) -> Message:
    rows = {row["factor"]: row for row in ahead.to_dict("records")}
    parts = []
    for factor in (2.0, 10.0):
        row = rows[factor]
        text = f"{factor:g} times the data ({size(rounded(row['n'], 3))}) lowers the error by "
        text += _between(row, "removed", losses)
        if np.isfinite(row["share"]):
            text += f", {chance(row['share'])} of the variance"
        parts.append(text)
    values = {"removed_2": rows[2.0]["removed"], "removed_10": rows[10.0]["removed"]}
    return message("more-data", f"By the learning curve, {'; '.join(parts)}.", **values)


def _stays(stays: Mapping[str, float], losses: bool) -> Message:
    row = {"b": stays["median"], "b_lower": stays["lower"], "b_upper": stays["upper"]}
    if stays["p_positive"] < 0.5:
        text = "With enough data the error may fall below the human one: the curve's floor minus the human error is "
        return message("bias-goes", f"{text}{_between(row, 'b', losses)}.", **stays)
    text = f"However much data, {_between(row, 'b', losses)} above the human error stays: bias that only another model "
    return message("bias-stays", text + "or recipe can remove.", **stays)


def _left_out(rungs: Sequence[Rung]) -> Message:
    text = "How errors vary from one training run to another is not in these intervals."
    if any(rung.name == TRAIN for rung in rungs):
        text += " The training error is of cases that were fitted, which flatters it."
    exact = [rung.name for rung in rungs if np.isinf(rung.cases)]
    if exact:
        text += f" Without a number of cases, the error of {listed(exact)} is taken as exact."
    return message("left-out", text, exact=exact)


def _plain(error: float, losses: bool) -> str:
    return plain_number(rounded(error, 3)) if losses else f"{plain_number(rounded(100.0 * error, 3))} %"


def _between(row: Mapping[str, Any], name: str, losses: bool) -> str:
    """``7 points (6.5 to 7.6)``; a loss in its own unit."""
    scale, unit = (1.0, "") if losses else (100.0, " points")
    middle, low, high = (plain_number(rounded(scale * row[n], 3)) for n in (name, f"{name}_lower", f"{name}_upper"))
    return f"{middle}{unit} ({low} to {high})"
