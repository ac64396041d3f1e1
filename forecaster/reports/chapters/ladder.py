"""The chapter on the gaps between human, training, dev and test error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from forecaster.curves.reading.sizes import given_size
from forecaster.ladders.rung import Given, rung_of
from forecaster.ladders.triage import triage
from forecaster.plots.ladders.triage import triage_figure
from forecaster.reports.answers import Answers, Facts
from forecaster.reports.chapters.chapter import Chapter, Kind, Row, Shown, tabled
from forecaster.results.message import message
from forecaster.results.wording import chance, times_in

RUNGS = ("human", "train", "train_dev", "dev", "test")


def ladder(a: Answers, seed: int, *, matter: float = 0.0, n: float | None = None, **errors: Given) -> Chapter:
    """What ``triage`` finds in the errors of the chosen architecture's model, and what its curve says of more data.

    Parameters
    ----------
    a : Answers
        The answers of the memo.
    seed : int
        The same seed gives the same numbers.
    matter : float
        Gaps up to this speak for nothing.
    n : float, optional
        Size of the training set behind these errors; by default the largest of that architecture.
    errors
        ``human``, ``train``, ``train_dev``, ``dev`` and ``test``: two or more, as :func:`~forecaster.triage`
        takes them.
    """
    facts, who = a.facts, str(a.decision.best["architecture"])
    asked = {"posterior": a.posterior, "architecture": who, "n": n, "level": facts.level, "seed": seed}
    found = triage(**errors, matter=matter, **asked)
    rows: list[dict[Any, Any]] = found.table.to_dict("records")
    return Chapter(
        name="triage",
        heading="What keeps the error up",
        said=message("triage", found.text),
        **tabled(
            rows,
            [
                Shown("Error", lambda r: r["rung"], right=False),
                Shown("Measured", lambda r: _shown(facts, r["error"], r["error_lower"], r["error_upper"])),
                Shown("Gap to the one before", lambda r: _gap(facts, r)),
                Shown("Chance that it is the largest", lambda r: _of_gap(r, chance(r["p_largest"]))),
                Shown("Its cause", lambda r: _of_gap(r, str(r["cause"])), right=False),
            ],
        ),
        figure=triage_figure(found),
        alt="Chart of the errors with their ranges, and bars of the gaps between neighbours.",
        caption=f"Left: each error, and the range that holds it on all such cases {times_in(facts.level)}. Right: the "
        "gaps between neighbours with their ranges, and the chance that each is the largest.",
        tables={"triage": found.table, "triage_actions": found.actions, "triage_more_data": found.more_data},
        checks=found.checks,
    )


def _shown(facts: Facts, middle: float, low: float, high: float) -> str:
    """A median with its range, none where it is exact."""
    if low == high:
        return facts.units.error_plain(middle)
    d = facts.units.decimals(low, high)
    ends = facts.units.between(facts.units.error(low, d), facts.units.error(high, d)).removesuffix(facts.units.sign)
    return f"{facts.units.error(middle, d)} ({ends})"


def _gap(facts: Facts, row: Row) -> str:
    return _of_gap(row, _shown(facts, row["gap"], row["gap_lower"], row["gap_upper"]))


def _of_gap(row: Row, text: str) -> str:
    """Nothing for the first error, which has none before it."""
    return text if isinstance(row["cause"], str) else ""


def _given(name: str) -> Callable[[str], str]:
    """What checks the text of an error, and leaves it as it is."""

    def checked(text: str) -> str:
        rung_of(name, text)
        return text

    return checked


KIND = Kind("triage", ladder, {**{name: _given(name) for name in RUNGS}, "matter": float, "n": given_size})
