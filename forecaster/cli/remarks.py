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


def on_targets(curves: LearningCurves, targets: Iterable[float]) -> None:
    """Of scores, or per cent, a target is an error, and a share, all the same: say so, and refuse what must be none."""
    how = curves.reading
    if how.turned is None:
        return
    worst = max(float(curve.error.max()) for curve in curves.curves)
    turned = how.score is not None and not how.turned.startswith("-")
    for target in targets:
        share = target / 100 if how.percent or target >= 1 else target
        if target > worst:
            if turned:
                of = f"{how.score} {100 * share:g} %"
                meant = f"{of} ask for --target {1 - share:g}" if share < 1 else "95 %, 0.05"
            else:
                meant = f"{target:g} % ask for --target {share:g}" if how.percent else "less"
            raise RequestError(
                f"found --target {target:g}, above every measured error (at most {worst:.3g}); "
                f"expected an error, which is {how.turned}: for {meant}"
            )
        if turned:
            console.say(
                f"Note: a target is an error, of scores too: {target:g} is {how.score} {100 * (1 - target):.4g} %."
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
