"""Check: one verdict, PASS, REVIEW or FAIL."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

PASS, REVIEW, FAIL = "PASS", "REVIEW", "FAIL"
NAMES_SHOWN = 3


def spoken(check: Check, each: tuple[tuple[str, str, str], ...]) -> Check:
    """The check with the worst of ``each`` as its verdict and sentence."""
    verdict = each[0][1]
    alike = tuple(label for label, own, _ in each if own == verdict)
    text = each[0][2] + also(alike[1:], len(each) - len(alike))
    return replace(check, verdict=verdict, text=text, curves=alike, each=each)


def narrowed(check: Check, labels: Collection[str]) -> Check:
    """What a check says of these curves (or groups) alone; as it is where it names none."""
    own = tuple(one for one in check.each if one[0] in labels)
    if own:
        return spoken(check, own)
    return Check(check.name, PASS, "nothing to say against the curves asked about") if check.each else check


def also(others: Sequence[str], lesser: int = 0) -> str:
    """`` (also A, B and 3 more; 7 others need a look)``, naming up to ``NAMES_SHOWN`` with the worst.

    ``lesser`` is how many have the lesser verdict, REVIEW where these have FAIL.
    """
    shown = ", ".join(others[: NAMES_SHOWN - 1])
    more = len(others) - NAMES_SHOWN + 1
    named = [f"also {shown}{f' and {more} more' if more > 0 else ''}"] if others else []
    counted = [f"{lesser} {'others need' if lesser > 1 else 'other needs'} a look"] if lesser else []
    return f" ({'; '.join(named + counted)})" if named or counted else ""


@dataclass(frozen=True)
class Check:
    """One verdict on a fit.

    Attributes
    ----------
    name : str
        What was checked.
    verdict : str
        PASS, REVIEW (read before deciding) or FAIL (do not decide on this).
    text, next_step : str
        The verdict in a sentence, and what to do.
    curves : tuple of str
        All curves or groups that this verdict is about, the worst first; ``curve`` is that one.
    each : tuple
        Label, verdict and sentence of every one that did not pass, so that a check can be told of some curves alone.
    """

    name: str
    verdict: str
    text: str
    next_step: str = ""
    curves: tuple[str, ...] = ()
    each: tuple[tuple[str, str, str], ...] = ()

    @property
    def curve(self) -> str | None:
        return self.curves[0] if self.curves else None

    def as_row(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "verdict": self.verdict,
            "curve": self.curve,
            "curves": list(self.curves),
            "text": self.text,
            "next_step": self.next_step,
        }
