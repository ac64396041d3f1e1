"""Verdicts: the worst of several curves speaks, and a check can be told of some of them alone."""

from __future__ import annotations

import pytest

from forecaster.checks.limits import Limits, worst_of
from forecaster.results.check import FAIL, PASS, REVIEW, Check, narrowed

VALUES = {"d/t/a": 1.0, "d/t/b": 9.0, "d/t/c": 5.0, "d/t/d": 4.0}
(WHOLE,) = worst_of("far", VALUES, Limits(3.0, 7.0), lambda label, v: f"{label}: {v:g}", "at most {worst}", "stop")


def test_the_worst_curve_speaks_for_all():
    assert (WHOLE.verdict, WHOLE.curves) == (FAIL, ("d/t/b",))
    assert WHOLE.text == "d/t/b: 9 (2 others need a look)"


@pytest.mark.parametrize(
    ("labels", "verdict", "curves", "text"),
    [
        (["d/t/a"], PASS, (), "nothing to say against the curves asked about"),
        (["d/t/b"], FAIL, ("d/t/b",), "d/t/b: 9"),
        (["d/t/b", "d/t/d"], FAIL, ("d/t/b",), "d/t/b: 9 (1 other needs a look)"),
        (["d/t/a", "d/t/d", "d/t/c"], REVIEW, ("d/t/c", "d/t/d"), "d/t/c: 5 (also d/t/d)"),
    ],
)
def test_a_check_of_some_curves_is_as_if_there_were_no_others(labels, verdict, curves, text):
    found = narrowed(WHOLE, labels)
    assert (found.name, found.verdict, found.curves, found.text) == ("far", verdict, curves, text)
    if verdict != PASS:
        own = {label: VALUES[label] for label in labels}
        said = worst_of("far", own, Limits(3.0, 7.0), lambda label, v: f"{label}: {v:g}", "at most {worst}", "stop")
        assert [found] == list(said)


def test_a_check_that_names_no_curve_stays():
    check = Check("finite draws", FAIL, "draws of level are not all finite numbers")
    assert narrowed(check, ["d/t/a"]) is check
