"""A comparison in words: who is better where, what it is worth in data, who gains; then slopes and exponents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from forecaster._support.frames import Table
from forecaster.comparison.contrast import A_STEEPER, B_STEEPER, EQUAL, UNDECIDED
from forecaster.results.message import Message, message
from forecaster.results.ranking import leading
from forecaster.results.wording import listed, percent, plain_size

PAIRS_TOLD = 3  # pairs that the text spells out; the tables have all
ARCHITECTURES_TOLD = 3  # architectures whose chances, or gains, the text gives
GROUP, PAIR = ("domain", "task"), ("domain", "task", "a", "b")
LEADS = 0.01  # chance from which one is named among those that may be best
BOUND = "at most "
WHOSE = {
    "mean": "Errors are averages over training runs, on the test set at hand.",
    "new-run": "Errors are those of one new training run.",
    "new-cases": "Errors are averages over training runs, on new test cases; test sets of one size are taken to be the "
    "same one, whose sampling error architectures share in part.",
}

Row = Mapping[Any, Any]


def prose(tables: Mapping[str, pd.DataFrame]) -> tuple[Message, ...]:
    """What a comparison's tables, by name, say: each group's best and gains, its leading pairs, one message each."""
    table, crossings, best = tables["table"], tables["crossings"], tables["best"]
    rows = {name: _by_pair(tables[name]) for name in ("table", "slopes", "exponents")}
    pairs = crossings.to_dict("records")
    said: list[Message] = []
    chosen = [pairs[i] for i in leading_pairs(table, best, PAIRS_TOLD)]
    for key, own in best.groupby(list(GROUP), sort=False):
        said += [of_best(own), *of_gains(own)]
        for row in (row for row in chosen if (row["domain"], row["task"]) == key):
            names = tuple(row[k] for k in PAIR)
            said.append(of_pair(row, *(rows[name].get(names, []) for name in ("table", "slopes", "exponents"))))
    if len(pairs) > len(chosen):
        more = len(pairs) - len(chosen)
        text = f"These are the pairs of the architectures most likely to be best; the tables have {more} more."
        said.append(message("more-pairs", text, pairs=more))
    kinds = dict.fromkeys(table["kind"])
    text = "Probabilities are shares of paired posterior draws. The overlap of two posteriors is no test."
    said.append(message("paired", " ".join([*(WHOSE[kind] for kind in kinds), text]), kinds=list(kinds)))
    return tuple(said)


def _by_pair(table: pd.DataFrame) -> dict[tuple[str, ...], list[Row]]:
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in table.to_dict("records"):
        found.setdefault(tuple(row[k] for k in PAIR), []).append(row)
    return found


def leading_pairs(table: pd.DataFrame, best: pd.DataFrame, most: int) -> list[int]:
    """Positions of the pairs that matter most: the likeliest best against its likeliest rivals first.

    Architectures that are best in no draw are ordered by their chances in single pairs.
    """
    won: dict[tuple[str, str, str], list[float]] = {}
    for d, t, a, b, p in table[[*PAIR, "p_better"]].itertuples(index=False, name=None):
        won.setdefault((d, t, a), []).append(p)
        won.setdefault((d, t, b), []).append(1.0 - p)
    chance: dict[tuple[str, str, str], float] = {}
    for d, t, name, p in best[["domain", "task", "architecture", "p_best"]].itertuples(index=False, name=None):
        chance[d, t, name] = max(p, chance.get((d, t, name), 0.0))
    standing, groups = [], []
    for d, t, a, b in table[[*PAIR]].drop_duplicates().itertuples(index=False, name=None):
        one, other = sorted((-chance[key], -float(np.mean(won[key]))) for key in ((d, t, a), (d, t, b)))
        standing.append((*one, *other))
        groups.append((d, t))
    return leading(groups, standing, most)


# One group ----------------------------------------------------------------------------------------


def of_best(best: Table) -> Message:
    """Who may have the lowest error at each size."""
    parts, chances = [], {}
    for n, own in best.groupby("n"):
        ranked = own.sort_values("p_best", ascending=False, kind="stable").head(ARCHITECTURES_TOLD).to_dict("records")
        named = [row for i, row in enumerate(ranked) if i == 0 or row["p_best"] >= LEADS]
        parts.append(f"at {plain_size(n)} {listed([_with_chance(row, 'p_best') for row in named])}")
        chances[float(n)] = {row["architecture"]: row["p_best"] for row in named}
    return message("best", f"{_group(best)}: who has the lowest error: {'; '.join(parts)}.", chances=chances)


def of_gains(best: Table) -> tuple[Message, ...]:
    """Who gains from more data, to the largest size asked about; none where all are within the data."""
    known = best[best["gain"].notna()]
    if known.empty:
        return ()
    n = known["n"].max()
    rows = known[known["n"] == n].sort_values(["gain"], ascending=False, kind="stable").to_dict("records")
    told = [f"{row['architecture']} {gain_said(row)}" for row in rows[:ARCHITECTURES_TOLD]]
    likeliest = sorted(rows, key=lambda row: -row["p_gains_most"])[:ARCHITECTURES_TOLD]
    named = [row for i, row in enumerate(likeliest) if i == 0 or row["p_gains_most"] >= LEADS]
    more = f"; {len(rows) - ARCHITECTURES_TOLD} less than these" if len(rows) > ARCHITECTURES_TOLD else ""
    text = (
        f"Who gains from more data, from {plain_size(rows[0]['n_from'])} to {plain_size(n)} (share of today's error "
        f"that is gone, with {100 * rows[0]['level']:g} % intervals): {'; '.join(told)}{more}. Gains most: "
        f"{listed([_with_chance(row, 'p_gains_most') for row in named])}."
    )
    values = {row["architecture"]: row["gain"] for row in rows}
    return (message("gains", text, n=float(n), gains=values),)


def gain_said(row: Row) -> str:
    """``72 % (50 to 83 %)``: a gain with its interval."""
    middle, low, high = (f"{100 * row[k]:.0f}" for k in ("gain", "gain_lower", "gain_upper"))
    return f"{middle} % ({low} to {high} %)"


def _with_chance(row: Row, chance: str) -> str:
    return f"{row['architecture']} ({percent(row[chance])})"


def _group(table: Table) -> str:
    return "/".join(str(table[k].iloc[0]) for k in GROUP)


# One pair -----------------------------------------------------------------------------------------


def of_pair(crossing: Row, at: Sequence[Row], slopes_at: Sequence[Row], of_exponents: Sequence[Row]) -> Message:
    """One pair: who is ahead and by how much data, then slopes and exponents; the id says whether it is decided."""
    leaders = {row["ahead"] for row in at}
    decided = leaders - {UNDECIDED}
    id = "lead-changes" if len(decided) > 1 else "open" if UNDECIDED in leaders else "one-ahead"
    parts = [_ahead(at), _data(at), _crossing(crossing)]
    parts += [slopes(row) for row in slopes_at[-1:]] + [exponents(row) for row in of_exponents]
    values = {
        "a": crossing["a"],
        "b": crossing["b"],
        "p_better": {float(row["n"]): row["p_better"] for row in at},
        "slopes": next((row["verdict"] for row in slopes_at[-1:]), None),
        "exponents": next((row["verdict"] for row in of_exponents), None),
    }
    return message(id, f"{crossing['a']} against {crossing['b']}: {' '.join(parts)}", **values)


def _ahead(at: Sequence[Row]) -> str:
    chances = [f"{percent(row['p_better'])} at {plain_size(row['n'])}" for row in at]
    return f"its error is the lower one with probability {listed(chances)}."


def _data(at: Sequence[Row]) -> str:
    """The exchange rate at each size."""
    parts = [f"{_rate(row)} at {plain_size(row['n'])}" for row in at]
    return f"To match it {at[0]['b']} needs {listed(parts)}."


def _rate(row: Row) -> str:
    if not np.isfinite(row["data_ratio"]):
        least, sure = row["data_ratio_lower"], percent(0.5 + row["level"] / 2)
        few = f"; {plain_size(least)} times at least with {sure}" if np.isfinite(least) else ""
        most = plain_size(row["horizon"] / row["n"])
        return f"more than {most} times the data (probability {percent(row['p_never'])}{few})"
    low, middle, high = (_times(row[f"data_ratio{end}"], row["data_ratio_least"]) for end in ("_lower", "", "_upper"))
    return f"{middle} times the data" + ("" if high.startswith(BOUND) else f" ({low} to {high})")


def _times(ratio: float, least: float) -> str:
    """A ratio of data; ``least`` is the smallest that can be resolved."""
    if not np.isfinite(ratio):
        return "never"
    return BOUND + plain_size(ratio) if ratio <= least else plain_size(ratio)


def _crossing(row: Row) -> str:
    text = (
        f"Their order changes between {plain_size(row['first'])}, the smallest size measured for both, and "
        f"{plain_size(row['horizon'])} with probability {percent(row['p_crossover'])}"
    )
    if np.isfinite(row["crossover"]):
        low, high = (_or_never(row[f"crossover_{end}"]) for end in ("lower", "upper"))
        text += f", for the last time at about {plain_size(row['crossover'])} ({low} to {high})"
    return f"{text}."


def _or_never(size: float) -> str:
    return plain_size(size) if np.isfinite(size) else "never"


def slopes(row: Row) -> str:
    within = f"the ratio of the errors changing by at most {100 * row['rope']:g} % with ten times the data"
    return (
        f"Effective slopes from {plain_size(row['n_from'])} to {plain_size(row['n'])}: {both(row, 'slope')}; "
        f"{verdict(row, within)}."
    )


def exponents(row: Row) -> str:
    return f"Exponents: {both(row, 'exponent')}; {verdict(row, f'within {100 * row["rope"]:g} % of each other')}."


def both(row: Row, name: str) -> str:
    first, second = (
        f"{row[f'{name}_{k}']:.2f} ({row[f'{name}_{k}_lower']:.2f} to {row[f'{name}_{k}_upper']:.2f})" for k in "ab"
    )
    third = f"{row['difference']:+.2f} ({row['difference_lower']:+.2f} to {row['difference_upper']:+.2f})"
    return f"{first} and {second}, difference {third}, overlap {percent(row['overlap'])}"


def verdict(row: Row, within: str) -> str:
    """Whose is larger, and by enough; where that is undecided, which is likelier and why that is not enough."""
    a, b = row["a"], row["b"]
    if row["verdict"] == EQUAL:
        return f"practically equal ({percent(row['p_equal'])}: {within})"
    if row["verdict"] in (A_STEEPER, B_STEEPER):
        name, chance = (a, row["p_clearly_steeper"])
        if row["verdict"] == B_STEEPER:
            name, chance = b, row["p_clearly_shallower"]
        return f"{name} is steeper ({percent(chance)} by more than what counts as equal)"
    likelier, chance, clearly = max(
        (a, row["p_steeper"], row["p_clearly_steeper"]),
        (b, 1.0 - row["p_steeper"], row["p_clearly_shallower"]),
        key=lambda one: one[1],
    )
    return (
        f"undecided: {likelier} is steeper with probability {percent(chance)}, clearly so with {percent(clearly)}; "
        f"practically equal with {percent(row['p_equal'])}"
    )
