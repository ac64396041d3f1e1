"""Checks of the measurements: errors that rise, outliers, few sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set

import numpy as np

from forecaster.checks.limits import RISE, worst_of
from forecaster.curves.divergence import risen
from forecaster.curves.learning_curves import Note
from forecaster.curves.rises import LEAST_RISE, Rise
from forecaster.curves.summary import summarise, warnings_of
from forecaster.inference.posterior import Posterior
from forecaster.results.check import FAIL, PASS, REVIEW, Check, Finding, also
from forecaster.results.message import Message, message

DIVERGENCE = "divergence"
NOTES = {  # by code of a note: the sentence where no curve has it, and what to do where one has
    "span": ("the sizes of every curve span at least a factor of ten", "measure smaller and larger sizes"),
    "one-seed": ("every curve has repeated runs", "repeat some sizes with other seeds"),
    "stray-run": (
        "no run is an outlier among the runs of its size",
        "look at that run; if it failed or was mistyped, remove its row and fit again",
    ),
    "non-monotone": ("no error rises by more than 5 % above the best at smaller sizes", ""),
    "near-chance": ("every curve is better than guessing", "measure larger sizes, where something is learned"),
}
FAILED_RUNS = "look at the runs at those sizes and remove those that failed"
STILL_UP = "where the error is highest at the largest sizes, measure a larger size or find the cause"
RISEN = {False: FAILED_RUNS, True: STILL_UP}  # by whether the error is still up at the largest sizes
NOISE = " beyond what the noise explains"


def can_be_forecast(posterior: Posterior) -> Iterator[Check]:
    """FAIL for curves that diverge: they have no forecast, and the others learned nothing from them."""
    if posterior.set_aside is None:
        yield Check(DIVERGENCE, PASS, message("fine", "no curve ends clearly above its best error"))
        return
    each = []
    for curve in posterior.set_aside.curves:
        at = curve.divergence
        text = f"{curve.label} cannot be forecast: {risen(at)}"
        each.append(Finding(curve.label, FAIL, message("diverges", text, last=at.last, n=at.last_n, best=at.best)))
    labels = tuple(one.label for one in each)
    worst = each[0].message
    step = "find out why its error rises; `--leave-out` drops it, and the forecasts of all others stay as they are"
    said = message(worst.id, worst.text + also(labels[1:]), **worst.values)
    yield Check(DIVERGENCE, FAIL, said, step, labels, tuple(each))


def measurements(posterior: Posterior) -> Iterator[Check]:
    """One check for each kind of note on the measurements, and one on errors that rise far."""
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
            each = tuple(Finding(note.curve, REVIEW, message(code, note.text)) for note in found if note.curve)
            yield Check(code, REVIEW, message(code, found[0].text + also(curves[1:])), step, curves, each)
        elif code != "near-chance" or chances:
            noisy = code == "non-monotone" and most > LEAST_RISE
            yield Check(code, PASS, message("within-noise" if noisy else "fine", fine + (NOISE if noisy else "")))
    yield from _ill_behaved(rises, most)


def _non_monotone(found: Sequence[Note], still_up: Set[str]) -> Check:
    """A rise in between is a failed run or a dip; one at the largest sizes is where forecasts start."""
    texts, steps, curves, each = [], [], [], []
    for at_end, step in RISEN.items():
        own = [note for note in found if (note.curve in still_up) == at_end]
        if own:
            labels = [note.curve for note in own if note.curve]
            texts.append(own[0].text + also(labels[1:]))
            steps.append(step)
            curves += labels
            id = "still-up" if at_end else "rise"
            each += [Finding(note.curve, REVIEW, message(id, note.text)) for note in own if note.curve]
    said = message(each[0].message.id, "; ".join(texts))
    return Check("non-monotone", REVIEW, said, "; ".join(steps), tuple(curves), tuple(each))


def _ill_behaved(rises: Mapping[str, Rise | None], most: float) -> Iterator[Check]:
    def say(label: str, v: float) -> Message:
        rise = rises[label]
        at_end = bool(rise and rise.at_end)
        text = (
            f"{label}: the error rises {100 * np.expm1(v):.0f} % above the best at smaller sizes"
            f"{' and is still up at the largest' if at_end else ''}; the law cannot follow, and the intervals rest on "
            "the drift"
        )
        return message("still-up" if at_end else "rise", text, rise=float(np.expm1(v)))

    noisy = most >= RISE.review
    fine = "no error rises by more than 20 % above the best at smaller sizes" + (NOISE if noisy else "")
    yield from worst_of(
        "ill-behaved",
        {label: rise.size if rise else 0.0 for label, rise in rises.items()},
        RISE,
        say,
        lambda _: message("within-noise" if noisy else "fine", fine),
        "find the cause of the rise before relying on this curve",
    )
