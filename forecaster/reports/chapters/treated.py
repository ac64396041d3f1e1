"""The chapter on what a treatment did to the learning curve."""

from __future__ import annotations

from typing import Any

from forecaster.comparison.effect import effect
from forecaster.plots.effect import effect_figure
from forecaster.reports.answers import Answers
from forecaster.reports.chapters.chapter import Chapter, Kind, Shown, tabled
from forecaster.results.message import message
from forecaster.results.wording import chance, size


def treated(a: Answers, seed: int, *, baseline: str, treated: str) -> Chapter:
    """What ``effect`` finds between two architectures of the memo's task.

    Parameters
    ----------
    a : Answers
        The answers of the memo.
    seed : int
        The same seed gives the same numbers.
    baseline, treated : str
        The architecture without and with the treatment.
    """
    found = effect(a.posterior, baseline=baseline, treated=treated, group=a.group, level=a.facts.level, seed=seed)
    rows: list[dict[Any, Any]] = found.worth.to_dict("records")
    return Chapter(
        name="effect",
        heading=f"What {treated} changes, against {baseline}",
        said=message("effect", found.text, mechanism=found.mechanism, trend=found.trend),
        **tabled(
            rows,
            [
                Shown(f"Training data of {treated}", lambda r: size(r["n"]), right=False),
                Shown(f"Times the data that {baseline} needs", lambda r: _times(r["worth_q50"])),
                Shown("Range (8 times in 10)", lambda r: f"{_times(r['worth_q10'])} – {_times(r['worth_q90'])}"),
                Shown("Chance of being worth data", lambda r: chance(r["p_above_1"])),
            ],
        ),
        figure=effect_figure(found),
        alt=f"Chart of how many times the data {baseline} needs for the error of {treated}, by size, and bars of the "
        "chance that each quantity of the curve moved.",
        caption=f"Left: the data that {baseline} needs for the same error, as a multiple; the band holds it 8 times in "
        "10; “never” where it does not get there. Right: the chance that each quantity of the curve differs by more "
        "than counts as none.",
        tables={"effect": found.table, "effect_worth": found.worth},
    )


def _times(worth: float) -> str:
    return "never" if worth == float("inf") else f"{worth:.3g}" if worth < 1e6 else "over a million"


KIND = Kind("effect", treated, {"baseline": str, "treated": str}, needed=("baseline", "treated"), advises=True)
