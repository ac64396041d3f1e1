"""A comparison in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from forecaster.results.message import Message, message
from forecaster.results.ranking import leading
from forecaster.results.wording import percent, plain_size

NAMED = 8  # pairs that the text spells out; the table has all
PAIR = ("domain", "task", "a", "b")
A_STEEPER, B_STEEPER, EQUAL, UNDECIDED = "A steeper", "B steeper", "practically equal", "undecided"
BOUND = "at most "

Row = Mapping[Any, Any]


def prose(table: pd.DataFrame, at_table: pd.DataFrame, best: pd.DataFrame) -> tuple[Message, ...]:
    """The leading pairs, one message each, and what the numbers mean."""
    rows, of_pair = table.to_dict("records"), {}
    for row in at_table.to_dict("records"):
        of_pair.setdefault(tuple(row[k] for k in PAIR), []).append(row)
    spelled = [rows[i] for i in leading_pairs(table, at_table, best, NAMED)]
    said = [of_row(row, of_pair[tuple(row[k] for k in PAIR)]) for row in spelled]
    if len(rows) > NAMED:
        more = len(rows) - NAMED
        text = f"These are the pairs of the architectures most likely to be best; the whole table has {more} more."
        said.append(message("more-pairs", text, pairs=more))
    text = "Probabilities are shares of paired posterior draws. The overlap of two posteriors is no test."
    said.append(message("paired", text))
    return tuple(said)


def leading_pairs(table: pd.DataFrame, at_table: pd.DataFrame, best: pd.DataFrame, most: int) -> list[int]:
    """Positions of the pairs that matter most: the likeliest best against its likeliest rivals first.

    Architectures that are best in no draw are ordered by their chances in single pairs.
    """
    won: dict[tuple[str, str, str], list[float]] = {}
    for d, t, a, b, p in at_table[[*PAIR, "p_better"]].itertuples(index=False, name=None):
        won.setdefault((d, t, a), []).append(p)
        won.setdefault((d, t, b), []).append(1.0 - p)
    chance: dict[tuple[str, str, str], float] = {}
    for d, t, name, p in best[["domain", "task", "architecture", "p_best"]].itertuples(index=False, name=None):
        chance[d, t, name] = max(p, chance.get((d, t, name), 0.0))
    standing = []
    for d, t, a, b in table[[*PAIR]].itertuples(index=False, name=None):
        one, other = sorted((-chance[key], -float(np.mean(won[key]))) for key in ((d, t, a), (d, t, b)))
        standing.append((*one, *other))
    return leading(list(table[["domain", "task"]].itertuples(index=False, name=None)), standing, most)


def of_row(row: Row, at: Sequence[Row]) -> Message:
    """One pair in words: errors first, then data, crossing and exponents; the id is the verdict on the exponents."""
    ids = {A_STEEPER: "a-steeper", B_STEEPER: "b-steeper", EQUAL: "practically-equal", UNDECIDED: "undecided"}
    parts = (_better(row, at), _data(row), _crossing(row), _exponents(row))
    text = f"{row['domain']}/{row['task']}: {' '.join(parts)}"
    return message(ids[row["verdict"]], text, a=row["a"], b=row["b"], p_steeper=row["p_steeper"])


def _better(row: Row, at: Sequence[Row]) -> str:
    chances = ", ".join(f"{percent(r['p_better'])} at {plain_size(r['n'])}" for r in at)
    return f"{row['a']} has a lower error than {row['b']} with probability {chances}."


def _data(row: Row) -> str:
    """What the difference is worth in data."""
    need = "more data than the horizon allows"
    if np.isfinite(row["data_ratio"]):
        ratios = (row[f"data_ratio{end}"] for end in ("_lower", "", "_upper"))
        low, middle, high = (_times(ratio, row["data_ratio_least"]) for ratio in ratios)
        need = f"{middle} times the data" + ("" if high.startswith(BOUND) else f" ({low} to {high})")
    return f"To match {row['b']} at {plain_size(row['data_ratio_n'])}, {row['a']} needs {need}."


def _times(ratio: float, least: float) -> str:
    """A ratio of data; ``least`` is the smallest that can be resolved."""
    if not np.isfinite(ratio):
        return "beyond the horizon"
    return BOUND + plain_size(ratio) if ratio <= least else plain_size(ratio)


def _crossing(row: Row) -> str:
    text = (
        f"Their order changes with probability {percent(row['p_crossover'])} between the smallest size measured for "
        f"both and {plain_size(row['horizon'])}"
    )
    if np.isfinite(row["crossover_q50"]):
        text += f"; even odds that the last change lies below {plain_size(row['crossover_q50'])}"
    return f"{text}."


def _exponents(row: Row) -> str:
    a, b, within = row["a"], row["b"], f"{100 * row['rope']:g} %"
    first, second = (
        f"{row[f'exponent_{k}']:.2f} ({row[f'exponent_{k}_lower']:.2f} to {row[f'exponent_{k}_upper']:.2f})"
        for k in "ab"
    )
    verdicts = {
        A_STEEPER: f"{a} is steeper ({percent(row['p_clearly_steeper'])} by more than {within})",
        B_STEEPER: f"{b} is steeper ({percent(row['p_clearly_shallower'])} by more than {within})",
        EQUAL: f"practically equal ({percent(row['p_equal'])} within {within} of each other)",
        UNDECIDED: _undecided(row),
    }
    return (
        f"Exponents, with {100 * row['level']:.0f} % intervals: {first} for {a}, {second} for {b}; "
        f"{verdicts[row['verdict']]}; posterior overlap {percent(row['overlap'])}."
    )


def _undecided(row: Row) -> str:
    """Which is likelier to be steeper, and why that is not enough for a verdict."""
    likelier, chance, clearly = max(
        (row["a"], row["p_steeper"], row["p_clearly_steeper"]),
        (row["b"], 1.0 - row["p_steeper"], row["p_clearly_shallower"]),
        key=lambda one: one[1],
    )
    return (
        f"undecided: {likelier} is steeper with probability {percent(chance)}, by more than {100 * row['rope']:g} % "
        f"with probability {percent(clearly)} (within that: {percent(row['p_equal'])})"
    )
