"""Who is better where: ahead at which size, by how much data, where the order changes, who gains from more data."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from forecaster.comparison.contrast import UNDECIDED, of_interval, share
from forecaster.comparison.drawn import Drawn, GroupQuestion
from forecaster.prediction.crossings import searched
from forecaster.prediction.options import lowest_at
from forecaster.prediction.set_aside import last_measured, set_aside

Rows = list[dict[str, Any]]


def ahead(asked: GroupQuestion, a: Drawn, b: Drawn) -> Rows:
    """At each size, the chance that ``a`` has the lower error, and how much more data ``b`` needs to match it.

    The exchange rate is b's inverse at a's error, over the size: f_B^-1(f_A(n)) / n (Hernandez et al. 2021, arXiv
    2102.01293, call it effective data; Geiping et al. 2022, arXiv 2210.06441, an exchange rate).
    """
    least, rows = searched(asked.design, asked.horizon)[0], []
    for i, n in enumerate(asked.sizes.tolist()):
        gap = a.at[:, i] - b.at[:, i]
        better = share(-gap)
        needed = np.exp(b.needed[a.name][:, i]) / n
        rows.append(
            asked.keys
            | {"a": a.name, "b": b.name, "n": n, "p_better": better, "ahead": _ahead(a, b, better, asked.decide_at)}
            | of_interval("error_ratio", np.exp(gap), asked.level)
            | of_interval("data_ratio", needed, asked.level)
            | {
                "data_ratio_least": least / n,
                "p_never": float(np.mean(np.isinf(needed))),
                "level": asked.level,
                "kind": asked.kind,
                "decide_at": asked.decide_at,
                "horizon": asked.horizon,
            }
        )
    return rows


def _ahead(a: Drawn, b: Drawn, better: float, decide_at: float) -> str:
    return a.name if better >= decide_at else b.name if better <= 1.0 - decide_at else UNDECIDED


def crossing(asked: GroupQuestion, a: Drawn, b: Drawn) -> dict[str, Any]:
    """The last size at which the order of the errors changes, per draw; ``inf`` where it never does.

    Looked for from the smallest size measured for both: below it one of them has no measurements.
    """
    first = max(a.first, b.first)
    inside = slice(int(np.searchsorted(a.x, np.log(first) - 1e-9)), None)
    x, gap = a.x[inside], a.on_grid[inside] - b.on_grid[inside]
    above = gap > 0
    turns = above[1:] != above[:-1]
    last = np.max(turns * np.arange(len(turns))[:, None], axis=0)
    every = np.arange(gap.shape[1])
    before, after = gap[last, every], gap[last + 1, every]
    moved = np.where(before != after, before - after, 1.0)
    any_turn = turns.any(0)
    size = np.exp(np.where(any_turn, x[last] + before / moved * (x[last + 1] - x[last]), np.inf))
    row = asked.keys | {"a": a.name, "b": b.name, "p_better_first": share(-gap[0])}
    row |= {"first": first, "p_crossover": float(np.mean(any_turn))}
    row |= of_interval("crossover", size, asked.level) | {"level": asked.level}
    return row | {"p_better_finally": share(-gap[-1]), "horizon": asked.horizon}


def gain(asked: GroupQuestion, errors: Float[np.ndarray, "draw at"]) -> Float[np.ndarray, "draw beyond"]:
    """The share of today's error that is gone at each size beyond the data, of :meth:`GroupQuestion.log_errors`.

    Negative where it rises. Today is the largest size measured in the group, for all alike.
    """
    return -np.expm1(errors[:, 1 + asked.beyond] - errors[:, :1])


def best(asked: GroupQuestion, gained: dict[str, Float[np.ndarray, "draw beyond"]]) -> Rows:
    """At each size, the chance of each architecture to be the best, what it gains, and whether it gains most."""
    names, lowest = lowest_at(asked.posterior, asked.group, asked.sizes, kind=asked.kind, seed=asked.seed)
    chances, most = lowest.mean(1), _largest([gained[name] for name in names])
    place = {int(i): j for j, i in enumerate(asked.beyond)}
    none = dict.fromkeys(("gain", "gain_lower", "gain_upper", "p_gains_most"), float("nan"))
    shared = {"n_from": asked.today, "level": asked.level, "kind": asked.kind}
    rows: Rows = []
    for i, n in enumerate(asked.sizes.tolist()):
        for k, name in enumerate(names):
            row = none
            if i in place:
                row = of_interval("gain", gained[name][:, place[i]], asked.level)
                row["p_gains_most"] = float(most[k, place[i]])
            rows.append(asked.keys | {"n": n, "architecture": name, "p_best": float(chances[k, i])} | row | shared)
    aside = {key: curve for key, curve in set_aside(asked.posterior).items() if key.group == asked.group}
    for n in asked.sizes.tolist():
        for key, curve in aside.items():
            row = asked.keys | {"n": n, "architecture": key.architecture, "p_best": 0.0} | none | shared
            rows.append(row | {"note": last_measured(curve)})
    return rows


def _largest(values: list[Float[np.ndarray, "draw beyond"]]) -> Float[np.ndarray, "architecture beyond"]:
    """The chance of each to be the largest, shared among ties."""
    stacked = np.stack(values)
    top = stacked == stacked.max(0)
    return (top / top.sum(0)).mean(1)
