"""Notes on stderr before curves are fitted, and refusals of questions that they cannot answer."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from forecaster.cli import console
from forecaster.errors import RequestError

if TYPE_CHECKING:
    from forecaster.cli.choosing import Choice
    from forecaster.curves.learning_curves import LearningCurves
    from forecaster.inference.fit import Cards


def counted(curves: LearningCurves) -> str:
    return "1 curve" if len(curves.curves) == 1 else f"{len(curves.curves)} curves"


def on_curves(curves: LearningCurves, card: Cards) -> None:
    """Notes on curves before they are fitted under this card."""
    from forecaster.inference.validation import above_share

    console.print_notes((*curves.notes, *above_share(curves, card)), leave_out=["repeats"])
    if card is None:
        on_generic(curves)


def on_generic(curves: LearningCurves) -> None:
    """A note for each domain that has no card of its own, or none for errors of its kind."""
    from forecaster.domains.loading import card_for

    generic = {group: named for group, named in curves.metrics.items() if not card_for(group[0], named)[1]}
    for domain in dict.fromkeys(domain for domain, _ in generic):
        named, found = card_for(domain)
        why = f"no card has the name of the domain {domain!r}"
        if found:
            other = next(m for group, of in generic.items() if group[0] == domain for m in of if not named.measures(m))
            why = f"the card {named.name} is for {named.error_unit.split(',')[0]}, but the metric is {other!r}"
        console.say(
            f"Note: {why}; the wide priors of the generic card are used. `forecaster domains` lists the cards, --card "
            "chooses one."
        )


def on_targets(curves: LearningCurves, targets: Iterable[float], accuracy: bool) -> None:
    """With ``--accuracy``, remark that targets are still errors, and refuse one that can only be an accuracy."""
    if not accuracy:
        return
    worst = max(float(curve.error.max()) for curve in curves.curves)
    for target in targets:
        share = target if target < 1 else target / 100
        if target > worst:
            meant = f"an accuracy of {100 * share:g} % ask for --target {1 - share:g}" if share < 1 else "95 %, 0.05"
            raise RequestError(
                f"found --target {target:g} with --accuracy, above every measured error (at most {worst:.3g}); "
                f"expected an error, which is 1 - accuracy: for {meant}"
            )
        console.say(
            f"Note: targets are errors even with --accuracy: {target:g} is an accuracy of {100 * (1 - target):.4g} %."
        )


def refuse_architectures(curves: LearningCurves, choice: Choice, saved: bool) -> None:
    """RequestError for ``--architecture``: a memo weighs all architectures of a task against each other."""
    if not choice.architecture:
        return
    names = dict.fromkeys(c.architecture for c in curves.curves)
    others = [name for name in names if name not in choice.architecture]
    left = shlex.join(part for name in others for part in ("--leave-out", name))
    step = "Leave it out, or " + (
        "fit these alone: `forecaster fit CURVES ... -o these.nc`, then `forecaster memo these.nc`, where ... is "
        f"`{left}`"
        if saved
        else f"leave the others out of the fit: `{left}` in its place"
    )
    chosen = shlex.join(part for name in choice.architecture for part in ("--architecture", name))
    raise RequestError(
        f"{curves.source}: found {chosen}; expected none: a memo weighs all architectures of a task. "
        + (step if others else "Leave it out")
    )


def refuse_lonely(curves: LearningCurves) -> None:
    """RequestError where no task has two architectures that could be compared."""
    groups = [(c.domain, c.task) for c in curves.curves]
    if len(set(groups)) == len(groups):
        names = ", ".join(dict.fromkeys(c.architecture for c in curves.curves))
        raise RequestError(
            f"{curves.source}: nothing to compare: found {names} alone in its task; expected two architectures "
            "of one domain and task. `validate` lists all curves."
        )


def command_line() -> str:
    """The command as it was typed, quoted in the memo."""
    return shlex.join(["forecaster", *sys.argv[1:]])
