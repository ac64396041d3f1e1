"""A comparison in words."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecaster.results.ranking import leading
from forecaster.results.wording import percent, plain_size

NAMED = 8  # pairs that the text spells out; the table has all
PAIR = ("domain", "task", "a", "b")
EQUAL, UNDECIDED, BOUND = "practically equal", "undecided", "at most "


def prose(table: pd.DataFrame, at_table: pd.DataFrame, best: pd.DataFrame) -> str:
    rows, of_pair = table.to_dict("records"), {}
    for row in at_table.to_dict("records"):
        of_pair.setdefault(tuple(row[k] for k in PAIR), []).append(row)
    spelled = [rows[i] for i in leading_pairs(table, at_table, best, NAMED)]
    said = [_sentence(row, of_pair[tuple(row[k] for k in PAIR)]) for row in spelled]
    if len(rows) > NAMED:
        said.append(
            f"These hold the architectures likeliest to be best; the whole table has {len(rows) - NAMED} pairs more."
        )
    said.append("Probabilities are shares of paired posterior draws; overlap is a description, not a test.")
    return "\n".join(said)


def leading_pairs(table: pd.DataFrame, at_table: pd.DataFrame, best: pd.DataFrame, most: int) -> list[int]:
    """Positions of the pairs that matter: the likeliest best against its rivals first, the likeliest of them first.

    Architectures that are never the best in any draw stand in the order of their duels.
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


def _times(ratio: float, least: float) -> str:
    """A ratio of data; ``least`` is the smallest that can be told."""
    if not np.isfinite(ratio):
        return "beyond the horizon"
    return BOUND + plain_size(ratio) if ratio <= least else plain_size(ratio)


def _undecided(row: dict) -> str:
    """Which is likelier to fall faster, and why that is not enough to say so."""
    likelier, chance, clearly = max(
        (row["a"], row["p_steeper"], row["p_clearly_steeper"]),
        (row["b"], 1.0 - row["p_steeper"], row["p_clearly_shallower"]),
        key=lambda one: one[1],
    )
    return (
        f"undecided: {percent(chance)} that {likelier} falls faster, but {percent(clearly)} by more than "
        f"{100 * row['rope']:g} % ({percent(row['p_equal'])} that they are within that)"
    )


def _sentence(row: dict, at: list[dict]) -> str:
    """One pair in words."""
    a, b, within = row["a"], row["b"], f"{100 * row['rope']:g} %"
    verdicts = {
        "A steeper": f"{a} falls faster than {b} ({percent(row['p_clearly_steeper'])} by more than {within})",
        "B steeper": f"{b} falls faster than {a} ({percent(row['p_clearly_shallower'])} by more than {within})",
        EQUAL: f"the exponents are practically equal ({percent(row['p_equal'])} that they are within {within})",
        UNDECIDED: _undecided(row),
    }
    exponents = (
        f"{row[f'exponent_{k}']:.3f} ({100 * row['level']:.0f} % interval {row[f'exponent_{k}_lower']:.3f} "
        f"to {row[f'exponent_{k}_upper']:.3f})"
        for k in "ab"
    )
    first, second = exponents
    said = (
        f"{row['domain']}/{row['task']}: exponent of {a} {first}, of {b} {second}, posteriors that overlap by "
        f"{percent(row['overlap'])}; {verdicts[row['verdict']]}."
    )
    better = ", ".join(f"{percent(r['p_better'])} at {plain_size(r['n'])}" for r in at)
    said += f" Chance that the error of {a} is the lower one: {better}."
    turned = "Chance that their order turns, from the smallest size at which both were measured to the horizon, "
    turned += f"{plain_size(row['horizon'])}: {percent(row['p_crossover'])}"
    if np.isfinite(row["crossover_q50"]):
        turned += f"; for good by {plain_size(row['crossover_q50'])} with even odds"
    need = "more data than any within the horizon"
    if np.isfinite(row["data_ratio"]):
        ratios = (row[f"data_ratio{end}"] for end in ("_lower", "", "_upper"))
        low, middle, high = (_times(ratio, row["data_ratio_least"]) for ratio in ratios)
        need = f"{middle} times the data" + ("" if high.startswith(BOUND) else f" ({low} to {high})")
    return f"{said} {turned}. For the error of {b} at {plain_size(row['data_ratio_n'])}, {a} needs {need}."
