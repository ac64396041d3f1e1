"""The chapter on which architectures may be dropped."""

from __future__ import annotations

import math
from typing import Any

from forecaster.curves.reading.sizes import given_size
from forecaster.decisions.screen import RISK, screen
from forecaster.plots.decisions.screen import screen_figure
from forecaster.reports.answers import Answers
from forecaster.reports.chapters.chapter import Chapter, Kind, Shown, tabled
from forecaster.results.message import message
from forecaster.results.wording import chance

SEVERAL = 3  # architectures from which on the chapter is written unasked
MOST = 8  # architectures in the table; the figure and the file have more


def screened(a: Answers, seed: int, *, at: float | None = None, risk: float = RISK) -> Chapter:
    """What ``screen`` finds at the size of the headline, or ``at`` another.

    Parameters
    ----------
    a : Answers
        The answers of the memo.
    seed : int
        The same seed gives the same numbers.
    at : float, optional
        The size at which one architecture is to be used.
    risk : float
        Largest chance of losing an architecture that is more than 1 % better than the best one kept.
    """
    facts = a.facts
    found = screen(a.posterior, at or facts.headline_n, risk=risk, kind=facts.kind, seed=seed)
    rows: list[dict[Any, Any]] = found.table.head(MOST).to_dict("records")
    text = found.text.replace(f"{'/'.join(a.group)}: ", "")
    return Chapter(
        name="screen",
        heading="Which architectures to go on with",
        said=message("screen", text[:1].upper() + text[1:], risk=found.risk),
        **tabled(
            rows,
            [
                Shown("Architecture", lambda r: r["architecture"], right=False),
                Shown("Verdict", lambda r: r["verdict"], right=False),
                Shown("Chance of being best", lambda r: chance(r["p_best"])),
                Shown("Expected loss of choosing it", lambda r: _regret(a, r["regret_mean"])),
            ],
        ),
        figure=screen_figure(found, MOST),
        alt=f"Bars: the chance of the lowest error at {facts.sized(at or facts.headline_n)}, by architecture.",
        caption="A bar is the chance of the lowest error of all at that size; its colour is the verdict. The expected "
        "loss is the mean difference from the lowest error, whichever architecture has it.",
        tables={"screen": found.table},
    )


def _regret(a: Answers, value: float) -> str:
    """A difference of errors; "none" for the architecture that is best in every draw."""
    if math.isnan(value):
        return "not known"
    return "none" if value == 0.0 else f"{a.facts.units.scaled(value):.2g}{a.facts.units.sign}"


def _many(a: Answers) -> bool:
    return a.facts.options["architecture"].nunique() >= SEVERAL


KIND = Kind("screen", screened, {"at": given_size, "risk": float}, unasked=_many, advises=True)
