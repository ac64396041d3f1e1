"""The chapter on what to measure next, and whether measuring is worth its cost."""

from __future__ import annotations

import math
from typing import Any

from forecaster.decisions.measuring.next_measurement import next_measurement
from forecaster.decisions.measuring.proposal import Proposal
from forecaster.decisions.measuring.refits import OUTCOMES
from forecaster.plots.decisions.proposal import proposal_figure
from forecaster.reports.answers import Answers
from forecaster.reports.chapters.chapter import Chapter, Kind, Row, Shown, tabled
from forecaster.results.message import message
from forecaster.results.wording import chance, counted, money, percent, size

MOST = 5  # candidates in the table and the figure


def next_run(a: Answers, seed: int, *, goal: str | None = None, refits: int = OUTCOMES) -> Chapter:
    """What ``next`` proposes for the memo's own question: its target where one is given, else its headline's error.

    Parameters
    ----------
    a : Answers
        The answers of the memo.
    seed : int
        The same seed gives the same numbers.
    goal : str, optional
        Another question, as :func:`~forecaster.next_measurement` takes it.
    refits : int
        Simulated results that are fitted for each of the best three candidates; 0 for none.
    """
    facts, worth = a.facts, a.decision.worth
    usual = f"requirement:{facts.target:g}" if facts.target_given else f"forecast:{facts.headline_n:g}"
    value = worth.value(facts.target if facts.target_given else None)
    priced = {name: number for name, number in vars(value).items() if number is not None} if value.priced else {}
    if (goal or usual).startswith("requirement:"):
        priced.pop("target", None)
    found = next_measurement(
        a.posterior,
        goal or usual,
        costs=worth.costs,
        refits=int(refits),
        kind=facts.kind,
        level=facts.level,
        seed=seed,
        curves=[str(a.decision.best["architecture"])],
        **priced,
    )
    rows = found.leading(MOST).to_dict("records")
    pick = found.pick or {}
    return Chapter(
        name="next",
        heading="What to measure next",
        said=message("next", found.text, stop=found.stop, **{k: pick[k] for k in ("architecture", "n") if k in pick}),
        **tabled(rows, _columns(found, rows)),
        figure=proposal_figure(found, MOST),
        alt="Chart of the share of the variance that each candidate run leaves, with its cost.",
        caption="Each row is a measurement that could be made. The smaller the share of the variance that it leaves, "
        "the more it teaches. Open circles: by a rule; filled: by fitting simulated results.",
        tables={"next": found.table},
    )


def _columns(found: Proposal, rows: list[Row]) -> list[Shown]:
    currency = str(found.asked.get("currency") or "")
    unit = f", {currency}" if currency else ""
    columns = [
        Shown("Measurement", _measurement, right=False),
        Shown(f"Cost{unit}" if currency else "Items trained on", lambda r: _cost(r, currency)),
        Shown("Variance left", lambda r: percent(_left(r))),
    ]
    if any(math.isfinite(row["enbs"]) for row in rows):
        columns += [
            Shown("Chance that it changes the choice", lambda r: chance(r["p_flip"])),
            Shown(f"Expected net benefit{unit}", lambda r: money(r["enbs"], "")),
        ]
    return columns


def _measurement(row: Row) -> str:
    picked = " (proposed)" if row["pick"] == 1 else ""
    return f"{counted(int(row['runs']), 'run')} of {row['architecture']} at {size(row['n'])}{picked}"


def _cost(row: Row, currency: str) -> str:
    return money(row["cost"], "") if currency else size(row["cost"])


def _left(row: Any) -> float:
    """By refits where there are some, else by the rule."""
    return row["var_left_refit"] if math.isfinite(row["var_left_refit"]) else row["var_left"]


KIND = Kind("next", next_run, {"goal": str, "refits": int}, advises=True)
