"""Verdicts on the measurements: rises, outliers, few sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set

import numpy as np

from forecaster.checks.limits import RISE, worst_of
from forecaster.curves.divergence import risen
from forecaster.curves.learning_curves import Note
from forecaster.curves.rises import LEAST, Rise
from forecaster.curves.summary import summarise, warnings_of
from forecaster.inference.posterior import Posterior
from forecaster.results.check import FAIL, PASS, REVIEW, Check, also

DIVERGENCE = "divergence"
NOTES = {
    "span": ("every curve spans a decade of sizes or more", "measure smaller and larger sizes"),
    "one-seed": ("every curve has repeats", "repeat some sizes with other seeds"),
    "stray-run": (
        "no run stands apart from the others at its size",
        "look at that run; if it failed, or was mistyped, leave its row out and fit again",
    ),
    "non-monotone": ("no curve rises by more than 5 %", ""),
    "near-chance": ("every curve is better than guessing", "measure larger sizes, where something is learned"),
}
RISEN = {  # what to do about a rise, by whether error is still up at the largest sizes
    False: "look at the runs at those sizes; drop those that failed",
    True: "where the largest sizes rise, measure a larger one or find out why",
}


def can_be_forecast(posterior: Posterior) -> Iterator[Check]:
    """FAIL for curves that diverge: they have no forecast, and the others learned nothing from them."""
    if posterior.set_aside is None:
        yield Check(DIVERGENCE, PASS, "no curve ends clearly above its best")
        return
    found = [(c.label, f"{c.label} cannot be forecast: {risen(c.divergence)}") for c in posterior.set_aside.curves]
    labels = tuple(label for label, _ in found)
    step = "find out why its error rises; `--leave-out` drops it, and the forecasts of all others stay as they are"
    text = found[0][1] + also(labels[1:])
    yield Check(DIVERGENCE, FAIL, text, step, labels, tuple((label, FAIL, said) for label, said in found))


def measurements(posterior: Posterior) -> Iterator[Check]:
    chances: dict[tuple[str, str] | str, float] = {
        group: card.chance.value for group, card in posterior.cards.items() if card.chance is not None
    }
    notes = warnings_of(posterior.curves, chances)
    rises = {curve.label: curve.rise for curve in posterior.curves.curves}
    most = summarise(posterior.curves)["best_so_far_rise"].to_numpy().max()
    for code, (fine, step) in NOTES.items():
        found = [note for note in notes if note.code == code]
        if found and code == "non-monotone":
            yield _non_monotone(found, {label for label, rise in rises.items() if rise and rise.at_end})
        elif found:
            curves = tuple(note.curve for note in found if note.curve)
            each = tuple((note.curve, REVIEW, note.text) for note in found if note.curve)
            yield Check(code, REVIEW, found[0].text + also(curves[1:]), step, curves, each)
        elif code != "near-chance" or chances:
            yield Check(code, PASS, fine + (NOISE if code == "non-monotone" and most > LEAST else ""))
    yield from _ill_behaved(rises, most)


NOISE = " and more than its noise explains"


def _non_monotone(found: Sequence[Note], still_up: Set[str]) -> Check:
    """A rise in between is a failed run or a dip of its own; one at the largest sizes is what forecasts start from."""
    texts, steps, curves, each = [], [], [], []
    for at_end, step in RISEN.items():
        own = [note for note in found if (note.curve in still_up) == at_end]
        if own:
            labels = [note.curve for note in own if note.curve]
            texts.append(own[0].text + also(labels[1:]))
            steps.append(step)
            curves += labels
            each += [(note.curve, REVIEW, note.text) for note in own if note.curve]
    return Check("non-monotone", REVIEW, "; ".join(texts), "; ".join(steps), tuple(curves), tuple(each))


def _ill_behaved(rises: Mapping[str, Rise | None], most: float) -> Iterator[Check]:
    def say(label: str, v: float) -> str:
        rise = rises[label]
        where = " at its largest sizes" if rise and rise.at_end else ""
        text = f"{label}: error rises {np.expm1(v):.0%} above the best so far{where}; "
        return text + "its intervals rest on the drift, not on the law"

    yield from worst_of(
        "ill-behaved",
        {label: rise.size if rise else 0.0 for label, rise in rises.items()},
        RISE,
        say,
        "no curve rises by more than 20 % above its best so far" + (NOISE if most >= RISE.review else ""),
        "find out why it rises before relying on this curve",
    )
