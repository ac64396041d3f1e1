"""Refusal: every rule by which a table is seen to be misread, and the error that says what to type instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from forecaster._support.frames import Table
from forecaster.curves.how_read import VALIDATE, Command, HowRead
from forecaster.curves.learning_curves import Group, LearningCurves
from forecaster.curves.metrics import Metric
from forecaster.curves.misread.conditions import conditions_as_repeats
from forecaster.curves.misread.fault import Fault, Other
from forecaster.curves.misread.mixed import several_metrics
from forecaster.curves.misread.model_sizes import models_pooled
from forecaster.curves.misread.scale import above_a_share, per_cent_as_shares, scores_as_errors
from forecaster.errors import CurveMisreadError

# In this order: where metrics, models or conditions are mixed, no curve's shape says anything.
RULES = (several_metrics, models_pooled, conditions_as_repeats, scores_as_errors, per_cent_as_shares)
TWO_AXES = (several_metrics,)  # errors over n and params: rows of one architecture are no curve


def expect_well_read(table: Table, how: HowRead, command: Command = VALIDATE) -> None:
    """CurveMisreadError where a validated table does not seem to be what it was read as, unless ``how`` insists."""
    if how.as_they_are:
        return
    rules = TWO_AXES if how.two_axes else RULES
    fault = next((found for rule in rules if (found := rule(table, how)) is not None), None)
    if fault is not None:
        raise refusal(fault, how, command)


def expect_shares(curves: LearningCurves, cards: Mapping[Group, Metric], command: Command = VALIDATE) -> None:
    """The same where errors are above 1 in a group whose card, as ``cards`` says, takes them for shares."""
    if curves.reading.as_they_are:
        return
    fault = above_a_share(curves.table, curves.reading, cards)
    if fault is not None:
        raise refusal(fault, curves.reading, command)


def refusal(fault: Fault, how: HowRead, command: Command = VALIDATE) -> CurveMisreadError:
    """The error that says what was seen, and other readings; the last takes the table as it is."""
    said = [f"{how.source}: {fault.seen}"]
    for other in (*fault.others, Other("If all is right as it stands", replace(how, as_they_are=True))):
        typed = replace(command, more=(*_without(command.more, other.more[:1]), *other.more))
        if command.verb in other.itself:
            typed = replace(typed, more=(*typed.more, "--two-axes"))
        elif other.verb is not None:
            typed = Command(other.verb, other.more)
        said += [f"{other.when}:", *typed.lines(other.how)]
    return CurveMisreadError(fault.rule, "\n".join(said))


def _without(typed: tuple[str, ...], options: tuple[str, ...]) -> tuple[str, ...]:
    """Options that were typed, but for these and their values."""
    at = {i for i, word in enumerate(typed) if word in options}
    return tuple(word for i, word in enumerate(typed) if i not in at and i - 1 not in at)
