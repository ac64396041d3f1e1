"""A requirement in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from forecaster.inference.posterior import Posterior
from forecaster.prediction.crossings import largest_size
from forecaster.results.ranking import leading
from forecaster.results.wording import percent, plain_number, plain_size

STANDING = ("q50", "q75", "q95", "p_never")  # columns by which rows are ordered, the least data first
NAMED = 8  # rows that the text spells out; the table has all
MET = 0.95  # chance that a target was reached already, from which it counts as met
WHO = {
    "mean": "its average run",
    "new-run": "one new run of it",
    "new-cases": "its average run, on cases it was not tested on,",
}


def risen(row: Mapping[Any, Any]) -> bool:
    """Whether a row's error, more likely than not, was at the target and is above it again where measured last."""
    return row["p_risen"] > 0.5


def leading_rows(table: pd.DataFrame, most: int) -> list[int]:
    groups = list(table[["domain", "task", "target"]].itertuples(index=False, name=None))
    needed = table[[*STANDING]].itertuples(index=False, name=None)
    return leading(groups, list(needed), most)


def prose(table: pd.DataFrame, posterior: Posterior) -> str:
    rows = table.to_dict("records")
    if not rows:
        return ""
    said = [_sentence(rows[i]) for i in leading_rows(table, NAMED)]
    if len(rows) > NAMED:
        said.append(f"Of each target, these need the least data; the whole table has {len(rows) - NAMED} more rows.")
    reach = {}
    for row in rows:
        measured = largest_size(posterior.designs[(row["domain"], row["task"])])
        times = f"{plain_size(row['horizon'] / measured)} times the largest measured size"
        reach[f"{row['domain']}/{row['task']}"] = f"{plain_size(row['horizon'])} ({times})"
    within = reach.values() if len(set(reach.values())) == 1 else [f"{far} for {g}" for g, far in reach.items()]
    said.append(f"Never means not within {', '.join(dict.fromkeys(within))}.")
    said.append("Chances are shares of posterior draws; drift from the law, and floors that give way, are in them.")
    return "\n".join(said)


def _sentence(row: dict) -> str:
    """One row in words."""
    name = f"{row['domain']}/{row['task']}/{row['architecture']}"
    if np.isfinite(row["limit"]):
        name = (
            f"{name}: {percent(row['p_within_limit'])} that {plain_size(row['limit'])} is enough; {row['architecture']}"
        )
    low, middle, high = (row[q] for q in ("q5", "q50", "q95"))
    goal = f"an error of {plain_number(row['target'])}"
    if row["already_met"] > MET:
        said = f"{name}: {percent(row['already_met'])} of draws reach {goal} within the sizes measured"
        rises = f", and {percent(row['p_risen'])} are above it again at the largest of them"
        return f"{said}{rises if risen(row) else ''}."
    if np.isinf(low):
        said = f"{name} is not expected to reach {goal}"
    elif np.isinf(high):
        half = "more likely than not, no size will do" if np.isinf(middle) else f"even odds by {plain_size(middle)}"
        said = f"{name}: there is a 95 % chance that {goal} takes at least {plain_size(low)} ({half})"
    else:
        said = (
            f"{name}: there is a 90 % chance that {WHO[row['kind']]} first reaches {goal} at a size "
            f"between {plain_size(low)} and {plain_size(high)}, with even odds by {plain_size(middle)}"
        )
    if row["p_never"] > 0:
        said += f"; in {percent(row['p_never'])} of draws never"
    if row["p_floor_above"] > 0:
        said += f", and in {percent(row['p_floor_above'])} the floor of the law is above the target"
    if row["already_met"] > 0:
        said += f"; {percent(row['already_met'])} that the sizes measured already reach it"
    return said + "."
