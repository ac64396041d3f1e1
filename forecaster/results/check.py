"""Check: one verdict, PASS, REVIEW or FAIL."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from forecaster.results.message import Message, message

PASS, REVIEW, FAIL = "PASS", "REVIEW", "FAIL"
NAMES_SHOWN = 3
NAMES = {  # what people read where the id with spaces for hyphens would not do
    "r-hat": "R-hat",
    "ess": "effective sample size",
    "tail-ess": "tail effective sample size",
    "memory": "burn-in",
    "hyper-memory": "burn-in of groups",
    "curve-ess": "effective sample size of curves",
    "hyper-ess": "effective sample size of groups",
    "prior-data-conflict": "prior-data conflict",
    "prior-predictive": "prior predictive",
    "floor-exponent-correlation": "floor-exponent correlation",
    "floor-human": "human-level error",
    "one-seed": "repeated runs",
    "stray-run": "outlying runs",
    "non-monotone": "rising errors",
    "ill-behaved": "strongly rising errors",
    "left-out-sizes": "left-out sizes",
    "left-out-coverage": "leave-one-out coverage",
    "span": "range of sizes",
    "risen": "risen above the target",
}


class Finding(NamedTuple):
    """A curve (or group) that did not pass, its verdict and what was found."""

    label: str
    verdict: str
    message: Message


@dataclass(frozen=True)
class Check:
    """One verdict on a fit.

    Attributes
    ----------
    id : str
        What was checked, such as ``left-out-sizes``: stable, for programs. ``name`` is the same for people.
    verdict : str
        PASS, REVIEW (read before deciding) or FAIL (do not decide on this).
    message : Message
        What was found; ``text`` is its wording.
    next_step : str
        What to do.
    curves : tuple of str
        All curves or groups with this verdict, the worst first; ``curve`` is the first.
    each : tuple of Finding
        One finding for each curve or group that did not pass, so that a check can be narrowed to some curves.
    """

    id: str
    verdict: str
    message: Message
    next_step: str = ""
    curves: tuple[str, ...] = ()
    each: tuple[Finding, ...] = ()

    @property
    def name(self) -> str:
        """What was checked, in words."""
        return NAMES.get(self.id, self.id.replace("-", " "))

    @property
    def text(self) -> str:
        return self.message.text

    @property
    def curve(self) -> str | None:
        return self.curves[0] if self.curves else None

    def as_row(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "verdict": self.verdict,
            "curve": self.curve,
            "curves": list(self.curves),
            "text": self.text,
            "next_step": self.next_step,
        }


def worst_finding(check: Check, each: tuple[Finding, ...]) -> Check:
    """The check with the first of ``each``, the worst, as its verdict and message."""
    worst = each[0]
    alike = tuple(one.label for one in each if one.verdict == worst.verdict)
    text = worst.message.text + also(alike[1:], len(each) - len(alike))
    return replace(check, verdict=worst.verdict, message=replace(worst.message, text=text), curves=alike, each=each)


def narrowed(check: Check, labels: Collection[str]) -> Check:
    """The check for these curves (or groups) alone; unchanged where it names none."""
    own = tuple(one for one in check.each if one.label in labels)
    if own:
        return worst_finding(check, own)
    return Check(check.id, PASS, NOTHING_FOUND) if check.each else check


NOTHING_FOUND = message("nothing-found", "nothing was found for the curves asked about")


def also(others: Sequence[str], lesser: int = 0) -> str:
    """`` (also A, B and 3 more; 7 others need a look)``, naming up to ``NAMES_SHOWN`` with the worst.

    ``lesser`` counts those with the verdict REVIEW where these have FAIL.
    """
    shown = ", ".join(others[: NAMES_SHOWN - 1])
    more = len(others) - NAMES_SHOWN + 1
    named = [f"also {shown}{f' and {more} more' if more > 0 else ''}"] if others else []
    counted = [f"{lesser} {'others need' if lesser > 1 else 'other needs'} a look"] if lesser else []
    return f" ({'; '.join(named + counted)})" if named or counted else ""
