"""Verdicts: the worst of several curves speaks, and a check can be told of some of them alone."""

from __future__ import annotations

import pytest

from forecaster.checks.limits import Limits, worst_of
from forecaster.results.check import FAIL, PASS, REVIEW, Check, also, narrowed
from forecaster.results.message import message

VALUES = {"d/t/a": 1.0, "d/t/b": 9.0, "d/t/c": 5.0, "d/t/d": 4.0}


def far(values):
    """The check of these values."""
    (found,) = worst_of(
        "far",
        values,
        Limits(3.0, 7.0),
        lambda label, v: message("too-far", f"{label}: {v:g}", far=v),
        lambda v: message("near", f"at most {v:g}", far=v),
        "stop",
    )
    return found


WHOLE = far(VALUES)


def test_the_worst_curve_speaks_for_all():
    assert (WHOLE.verdict, WHOLE.curves) == (FAIL, ("d/t/b",))
    assert (WHOLE.message.id, WHOLE.message.values["far"]) == ("too-far", 9.0)
    assert WHOLE.text == "d/t/b: 9" + also([], 2)
    assert [(one.label, one.verdict) for one in WHOLE.each] == [("d/t/b", FAIL), ("d/t/c", REVIEW), ("d/t/d", REVIEW)]


@pytest.mark.parametrize("labels", [["d/t/b"], ["d/t/b", "d/t/d"], ["d/t/a", "d/t/d", "d/t/c"]])
def test_a_check_of_some_curves_is_as_if_there_were_no_others(labels):
    assert narrowed(WHOLE, labels) == far({label: VALUES[label] for label in labels})


def test_a_check_of_curves_that_passed_passes():
    found = narrowed(WHOLE, ["d/t/a"])
    assert (found.id, found.verdict, found.curves, found.message.id) == ("far", PASS, (), "nothing-found")


def test_a_check_that_names_no_curve_stays():
    check = Check("finite-draws", FAIL, message("not-finite", "draws of level are not finite"))
    assert narrowed(check, ["d/t/a"]) is check
