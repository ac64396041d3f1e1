"""A requirement in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from forecaster.results.message import Message, message
from forecaster.results.ranking import leading
from forecaster.results.wording import Units, percent, plain_size

STANDING = ("q50", "q75", "q95", "p_never")  # columns by which rows are ordered, the least data first
ROWS_TOLD = 8  # rows that the text spells out; the table has all
MET = 0.95  # probability that a target was reached already, from which it counts as met
WHO = {
    "mean": "its average run",
    "new-run": "one new run",
    "new-cases": "its average run, on new test cases,",
}


def risen(row: Mapping[Any, Any]) -> bool:
    """Whether the error, more likely than not, was at the target and is above it again at the largest measured size."""
    return row["p_risen"] > 0.5


def leading_rows(table: pd.DataFrame, most: int) -> list[int]:
    """Positions of the rows that need the least data, every group and target in turn."""
    groups = list(table[["domain", "task", "target"]].itertuples(index=False, name=None))
    needed = table[[*STANDING]].itertuples(index=False, name=None)
    return leading(groups, list(needed), most)


UNITS = Units("examples", "error", percent=False)


def prose(
    table: pd.DataFrame, largest: Mapping[tuple[str, str], float], units: Mapping[tuple[str, str], Units] | None = None
) -> tuple[Message, ...]:
    """The leading rows, one message each, and what the numbers mean; ``largest`` is each group's largest size."""
    rows = table.to_dict("records")
    if not rows:
        return ()
    said = [
        of_row(rows[i], (units or {}).get((rows[i]["domain"], rows[i]["task"]), UNITS))
        for i in leading_rows(table, ROWS_TOLD)
    ]
    if len(rows) > ROWS_TOLD:
        more = len(rows) - ROWS_TOLD
        text = f"These need the least data for their target; the whole table has {more} more rows."
        said.append(message("more-rows", text, rows=more))
    reach = {}
    for row in rows:
        times = row["horizon"] / largest[(row["domain"], row["task"])]
        far = f"{plain_size(row['horizon'])} ({plain_size(times)} times the largest measured size)"
        reach[f"{row['domain']}/{row['task']}"] = far
    within = reach.values() if len(set(reach.values())) == 1 else [f"{far} for {g}" for g, far in reach.items()]
    said.append(message("horizon", f"“Never” means not up to {', '.join(dict.fromkeys(within))}."))
    text = "Probabilities allow for drift from the law, within the measured sizes and beyond."
    said.append(message("allowed-for", text))
    return tuple(said)


def of_row(row: Mapping[Any, Any], units: Units = UNITS) -> Message:
    """One row in words; the id says which of the possible answers it is."""
    name = f"{row['domain']}/{row['task']}/{row['architecture']}"
    first = f"{name}:"
    if np.isfinite(row["limit"]):
        first += f" {plain_size(row['limit'])} is enough with probability {percent(row['p_within_limit'])};"
    low, middle, high = row["q50_lower"], row["q50"], row["q50_upper"]
    goal, level = units.phrase(units.error_plain(row["target"])), row["level"]
    about = {"architecture": row["architecture"], "target": row["target"], "lower": low, "upper": high}
    if row["already_met"] > MET:
        text = f"{first} {goal} is already reached within the measured sizes ({percent(row['already_met'])})"
        rises = f"; with probability {percent(row['p_risen'])} the error is above it again at the largest of them"
        return message("risen" if risen(row) else "met", f"{text}{rises if risen(row) else ''}.", **about)
    if np.isinf(low):
        id, text = "not-expected", f"{first} {row['architecture']} is not expected to reach {goal}"
    elif np.isinf(high):
        half = "more likely than not, no size is enough" if np.isinf(middle) else f"even odds by {plain_size(middle)}"
        id = "at-least"
        text = f"{first} with probability {percent(0.5 + level / 2)} {goal} takes at least "
        text += f"{plain_size(low)} {units.size_name} ({half})"
    else:
        id = "between"
        text = (
            f"{first} with probability {percent(level)} {WHO[row['kind']]} first reaches {goal} between "
            f"{plain_size(low)} and {plain_size(high)} {units.size_name}, with even odds by {plain_size(middle)}"
        )
    return message(id, text + _further(row), **about)


def _further(row: Mapping[Any, Any]) -> str:
    """The chances beside the interval, and the full stop."""
    said = []
    if row["p_never"] > 0:
        said.append(f"never reached: {percent(row['p_never'])}")
    if row["p_floor_above"] > 0:
        said.append(f"floor of the law above the target: {percent(row['p_floor_above'])}")
    if row["already_met"] > 0:
        said.append(f"already reached: {percent(row['already_met'])}")
    return f". Probabilities: {'; '.join(said)}." if said else "."
