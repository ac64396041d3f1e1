"""The answer about a task in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from forecaster.links.following import FEWEST_RUNS
from forecaster.results.message import Message, message
from forecaster.results.wording import size


def said(link: dict[str, Any], asked: Sequence[dict[str, Any]], level: float) -> Message:
    """The verdict on a task, why, and its farthest error rate."""
    text = f"{link['task']}: {link['verdict']}. {_why(link, level)}"
    if link["verdict"] == "follows" and asked:
        text += f" {_rate(asked[-1])}"
    values = {
        name: link[name] for name in ("task", "verdict", "why", "runs", "hidden", "inside", "surprise", "explained")
    }
    return message("link", text, **values)


def covers(level: float) -> Message:
    """A sentence on the coverage of the intervals."""
    text = (
        f"With probability {100 * level:g} %, if the link holds, the error rate averaged over runs lies between "
        "yhat_lower and yhat_upper, and that of one run on the test set between run_lower and run_upper. One link "
        "serves all architectures of a task: equal losses, equal error rates."
    )
    return message("covers", text, level=level)


def _why(link: dict[str, Any], level: float) -> str:
    hidden = f"Of {link['hidden']} runs of lowest loss, hidden, {_inside(link)} in the {100 * level:g} % "
    hidden += "interval of the rest"
    if link["why"] == "few":
        return f"There are {link['runs']} runs; hiding a third takes {FEWEST_RUNS}."
    if link["why"] == "draws":
        return "The link's draws cannot be trusted; more runs may help."
    if link["why"] == "missed":
        return (
            f"{hidden}; runs of the link itself would be as far off with a chance of {link['surprise']:.2g}. "
            "Do not forecast it from its loss."
        )
    if link["why"] == "unexplained":
        return (
            "Its runs differ by more than their test cases explain, and loss explains "
            f"{_percent(link['explained'])} of that. Do not forecast it from its loss."
        )
    if link["why"] == "foretold":
        return f"{hidden}, and loss explains {_percent(link['explained'])} of what runs differ beyond sampling noise."
    return f"{hidden}, which tells the link from a constant or a guess too little; more runs, or lower losses, may."


def _inside(link: dict[str, Any]) -> str:
    count = round(link["inside"] * link["hidden"])
    return f"{count} lies" if count == 1 else f"{count} lie"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _rate(row: dict[str, Any]) -> str:
    where = f"At a loss of {row['loss']:.4g}"
    if "n" in row:
        where = f"{row['architecture']} at {size(row['n'])} (loss {row['loss']:.4g})"
        return f"{where} has an error rate of {row['yhat']:.3f} ({row['yhat_lower']:.3f} to {row['yhat_upper']:.3f})."
    return f"{where} the error rate is {row['yhat']:.3f} ({row['yhat_lower']:.3f} to {row['yhat_upper']:.3f})."
