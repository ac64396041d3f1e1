"""The effect of a treatment in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from forecaster.results.message import Message, message
from forecaster.results.wording import listed, percent, plain_size

NONE, UNDECIDED = "none", "undecided"
GROWS, STEADY, FADES = "grows", "steady", "fades"
WORDS = {"intercept": "reducible error", "exponent": "exponent", "floor": "floor", "onset": "onset of the power law"}
Row = Mapping[Any, Any]


def prose(
    table: pd.DataFrame,
    worth: pd.DataFrame,
    named: Sequence[str] | None,
    p_none: float,
    trend: tuple[str, Mapping[str, float]],
    paired: Mapping[str, float],
    last: float,
) -> tuple[Message, ...]:
    """What moved, what that means for scaling, what it is worth in data, whether that grows, and pairs of runs.

    ``last`` is the largest size that both were measured up to.
    """
    rows = {row["quantity"]: row for row in table.to_dict("records")}
    said = [mechanism(rows, named, p_none), scaling(rows, named), worth_in_data(worth, last), trending(*trend)]
    if paired:
        said.append(pairs(paired))
    return tuple(said)


def mechanism(rows: Mapping[str, Row], named: Sequence[str] | None, p_none: float) -> Message:
    """Which quantities moved; the id says whether some did, none, or whether that is undecided."""
    row = next(iter(rows.values()))
    a, b = row["baseline"], row["treated"]
    if named is None:
        likeliest = max(rows.values(), key=lambda one: one["p_moved"])
        text = (
            f"What {b} changed against {a} is undecided: the likeliest is its {WORDS[likeliest['quantity']]}, with "
            f"probability {percent(likeliest['p_moved'])}."
        )
        return message("mechanism-undecided", text, likeliest=likeliest["quantity"], chance=likeliest["p_moved"])
    if not named:
        text = f"{b} moved nothing against {a} by more than what counts as none, with probability {percent(p_none)}."
        return message("mechanism-none", text, chance=p_none)
    parts = []
    for name in named:
        one = rows[name]
        middle, low, high = (_times(float(np.exp(one[f"difference{end}"]))) for end in ("", "_lower", "_upper"))
        parts.append(
            f"its {WORDS[name]} is {middle} times that of {a} ({low} to {high}; moved with probability "
            f"{percent(one['p_moved'])})"
        )
    text = f"{b}: {'; '.join(parts)}."
    return message("mechanism-moved", text, moved=tuple(named), chances={name: rows[name]["p_moved"] for name in named})


def scaling(rows: Mapping[str, Row], named: Sequence[str] | None) -> Message:
    """Whether the power law itself was beaten: another exponent, or only another factor."""
    if named is None:
        return message("scaling-undecided", "Whether it scales otherwise, the measurements do not say.")
    if "exponent" in named:
        better = rows["exponent"]["difference"] > 0
        side = "better: each further tenfold of data takes more off" if better else "worse: more data takes less off"
        return message("scales-otherwise", f"It scales {side} the error than without.", better=better)
    if "floor" in named:
        better = rows["floor"]["difference"] < 0
        text = f"The power law is the same, above a {'lower' if better else 'higher'} floor."
        return message("scales-to-another-floor", text, better=better)
    text = "The exponent and the floor are the same"
    text += f": only the {listed([WORDS[name] for name in named])} moved." if named else "."
    return message("scales-alike", text, chance=1.0 - max(rows[name]["p_moved"] for name in ("exponent", "floor")))


def worth_in_data(worth: pd.DataFrame, last: float) -> Message:
    """The exchange rate at the largest size that both were measured up to, or the nearest one asked about."""
    rows = worth.to_dict("records")
    row = min(rows, key=lambda one: abs(np.log(one["n"] / last)))
    low, middle, high = (row[name] for name in ("worth_q10", "worth_q50", "worth_q90"))
    need = f"{_times(middle)} times the data for the same error ({_times(low)} to {_times(high)}, probability 80 %)"
    if not np.isfinite(high):
        least = low if np.isfinite(low) else np.inf
        need = f"at least {_times(least)} times the data for the same error (probability 90 %), if it ever reaches it"
        if not np.isfinite(least):
            need = "more data for the same error than the horizon allows (probability 90 %)"
    text = (
        f"At {plain_size(row['n'])}, {row['baseline']} needs {need}. The treatment is worth more than no data with "
        f"probability {percent(row['p_above_1'])}."
    )
    return message("worth", text, n=row["n"], worth=row["worth_q50"], p_above_1=row["p_above_1"])


def trending(trend: str, chances: Mapping[str, float]) -> Message:
    """Whether that rate grows with data."""
    says = {
        GROWS: "That factor grows with data",
        STEADY: "That factor stays the same as data grow",
        FADES: "That factor shrinks as data grow",
        UNDECIDED: "Whether that factor grows with data is undecided",
    }
    if np.isnan(chances[GROWS]):
        return message("trend-unknown", "The curves share no range of sizes, so there is no trend.")
    shares = ", ".join(f"{name} {percent(chances[name])}" for name in (GROWS, STEADY, FADES))
    return message(f"trend-{trend}", f"{says[trend]} ({shares}, over the measured sizes).", **chances)


def pairs(paired: Mapping[str, float]) -> Message:
    """That runs of the two curves share seeds, and how much of their noise."""
    text = (
        f"{paired['runs']:,} runs of the two share size and seed. Their noise correlates by at least "
        f"{paired['correlation']:.2f}, which makes the difference of the curves surer than either of them."
    )
    return message("paired-runs", text, **paired)


def _times(ratio: float) -> str:
    return plain_size(ratio)
