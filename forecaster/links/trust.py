"""Whether to trust a link: its verdict, its draws, and how far below the measured losses it was asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from forecaster.inference.importance.weights import TRUSTED_K
from forecaster.links.following import FOLLOWS, NOT
from forecaster.results.check import FAIL, PASS, REVIEW, Check, Finding, worst_finding
from forecaster.results.message import Message, message

LEAST_ESS = 400.0  # Vehtari et al. 2021: so many draws for an interval that does not move
NEXT = {
    "follows-loss": "forecast the task's own error rate against size (`forecaster forecast`), or add lower losses",
    "link-draws": "give more runs, or the error rate of guessing (`--chance`); report it where that does not help",
    "link-reach": "measure runs of lower loss, or ask nearer to those measured",
}


def trust(table: pd.DataFrame, links: pd.DataFrame) -> Iterator[Check]:
    """A check of each kind, on all tasks."""
    rows: Any = links.to_dict("records")
    labels = {id(row): f"{row['domain']}/{row['task']}" for row in rows}
    yield _worst("follows-loss", [_followed(row, labels[id(row)]) for row in rows], "every task follows its loss")
    yield _worst("link-draws", [_drawn(row, labels[id(row)]) for row in rows], "the draws of every link can be trusted")
    if len(table):
        yield _worst(
            "link-reach",
            [_reached(row, f"{row['domain']}/{row['task']}", table) for row in rows],
            "no loss lies farther below the measured ones than the hidden runs did",
        )


def _followed(row: dict[str, Any], label: str) -> Finding | None:
    if row["verdict"] == FOLLOWS:
        return None
    said = message("not-followed", f"{label}: {row['verdict']}", verdict=row["verdict"], why=row["why"])
    return Finding(label, FAIL if row["verdict"] == NOT else REVIEW, said)


def _drawn(row: dict[str, Any], label: str) -> Finding | None:
    if row["k"] <= TRUSTED_K and row["ess"] >= LEAST_ESS:
        return None
    text = f"{label}: importance weights cannot be trusted (Pareto k {row['k']:.2f}, {row['ess']:,.0f} effective draws)"
    return Finding(label, FAIL, message("weights", text, k=row["k"], ess=row["ess"]))


def _reached(row: dict[str, Any], label: str, table: Any) -> Finding | None:
    own = table[(table["domain"] == row["domain"]) & (table["task"] == row["task"])]
    if own.empty or not (farthest := float(own["below"].max())) > row["reach"]:
        return None
    text = (
        f"{label}: asked {farthest:.2f} ranges of losses below the lowest measured one; tested was {row['reach']:.2f}"
    )
    return Finding(label, REVIEW, message("beyond-test", text, below=farthest, reach=row["reach"]))


def _worst(id: str, found: list[Finding | None], fine: str) -> Check:
    each = tuple(sorted((one for one in found if one is not None), key=lambda one: one.verdict != FAIL))
    passed: Message = message("fine", fine)
    return worst_finding(Check(id, PASS, passed, NEXT[id]), each) if each else Check(id, PASS, passed)
