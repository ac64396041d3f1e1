"""What a memo finds, from facts made by hand: which message is chosen, and its numbers."""

from __future__ import annotations

import pandas as pd
import pytest
from helpers.facts import GROUP, LARGEST, Curve, around, check, decided, facts

from forecaster.evaluation.pooling import Pooling
from forecaster.reports import captions, findings
from forecaster.results.message import ids

STEEP = Curve((0.11, 0.05, 0.02), (1.0, 0.95, 0.99))
FLAT = Curve((0.15, 0.10, 0.07), (0.0, 0.05, 0.01))
TWO = {"steep": STEEP, "flat": FLAT}


def changed(found):
    """Ids of what would change the recommendation."""
    return [how.id for _, how in findings.changes(found)]


def test_the_headline_is_the_best_forecast_with_its_interval():
    said = findings.headline(facts(TWO))
    assert said.id == "headline"
    assert said.values["architecture"] == "steep"
    assert said.values["yhat"] == 0.05
    for shown in ("10 times", "1 million images", "5.00 %", "4.55 %", "5.50 %", "8 times in 10"):
        assert shown in said.text


def test_a_level_is_said_in_words():
    assert "19 times in 20" in findings.headline(facts(TWO, level=0.95)).text


@pytest.mark.parametrize(
    ("n", "id", "distance"),
    [
        (1.05 * LARGEST, "headline-at-the-edge", "at-the-edge"),
        (0.1 * LARGEST, "headline", "within-the-data"),
        (10 * LARGEST, "headline", "beyond-the-data"),
        (100 * LARGEST, "headline", "far-beyond-the-data"),
    ],
)
def test_how_far_the_headline_lies_from_the_data(n, id, distance):
    found = facts({"steep": Curve((0.11, 0.1), (1, 1))}, (n,))
    assert findings.headline(found).id == id
    said = findings.distance(found)
    assert said.id == distance
    assert said.values["ratio"] == pytest.approx(n / LARGEST)
    assert said.values["span"] == pytest.approx(100.0)


def test_what_is_said_of_an_architecture_is_of_its_own_largest_size():
    short = Curve((0.11, 0.05, 0.02), (1.0, 0.95, 0.99), largest=1e4)
    found = facts({"short": short, "long": FLAT})
    said = findings.context(found)
    assert said.id == "measured-less-far"
    assert (said.values["n"], said.values["leader"]) == (1e4, "long")
    assert findings.distance(found).values["ratio"] == pytest.approx(100.0)
    assert findings.distance(found).values["span"] == pytest.approx(10.0)
    assert found.uneven
    assert captions.captions(found, decided(found, "short", 1e6))["forecast"][2].id == "curves-uneven"
    assert captions.captions(facts(TWO), decided(facts(TWO), "steep", 1e6))["forecast"][2].id == "curves"


def test_who_leads_today():
    assert findings.context(facts(TWO)).id == "leads-today"
    behind = facts({"steep": Curve((0.16, 0.05, 0.02), (0.0, 0.95, 0.99)), "flat": FLAT})
    said = findings.context(behind)
    assert (said.id, said.values["leader"]) == ("another-leads-today", "flat")


def test_a_measurement_that_differs_from_the_estimate_is_told_beside_it():
    off = findings.context(facts({"steep": Curve((0.11, 0.05, 0.02), (1, 1, 1), last=0.3)}))
    assert (off.values["yhat"], off.values["measured"]) == (0.11, 0.3)
    assert "30.0 %" in off.text
    assert "measured there" not in findings.context(facts(TWO)).text


@pytest.mark.parametrize(("floors", "id"), [((0.001, 0.01), "floor-not-seen"), ((0.107, 0.109), "floor-seen")])
def test_whether_the_floor_was_seen(floors, id):
    curve = Curve((0.11, 0.1095, 0.109), (1, 1, 1), floors=floors)
    found = facts({"net": curve})
    said, caption = findings.floor_change(found), captions.captions(found, decided(found, "net"))["floor"][2]
    assert said.id == caption.id == id
    assert (said.values["low"], said.values["high"]) == pytest.approx(floors)


def test_rises_are_told_and_which_still_harm():
    def curve(last, lowest, ahead):
        return Curve((0.2, ahead, ahead), (0.5, 0.5, 0.5), last=last, lowest=lowest)

    found = facts(
        {"bump": curve(0.12, 0.12, 0.1), "end": curve(0.2, 0.12, 0.1), "worse": curve(0.2, 0.12, 0.3)},
        checks=(check("ill-behaved", "REVIEW", "bump"), check("non-monotone", "REVIEW", "bump", "end", "worse")),
    )
    ((_, said),) = findings.rise_change(found)
    assert said.id == "more-data-harms"
    assert dict(said.values) == {"names": ["bump", "end", "worse"], "still_up": ["end", "worse"], "harmed": ["worse"]}
    passing = facts({"bump": curve(0.12, 0.12, 0.1)}, checks=(check("ill-behaved", "PASS", "bump"),))
    assert findings.rise_change(passing) == []
    ((_, alone),) = findings.rise_change(
        facts({"end": curve(0.2, 0.12, 0.1)}, checks=(check("non-monotone", "REVIEW", "end"),))
    )
    assert (alone.id, alone.values["still_up"], alone.values["harmed"]) == ("rises-in-between", ["end"], [])


def test_whether_one_architecture_leads_at_every_size():
    one = findings.order_change(facts(TWO))
    assert (one.id, one.values["rival"], one.values["p_rival"]) == ("one-leader", "flat", 0.01)
    crossing = facts({"steep": STEEP, "flat": Curve((0.10, 0.10, 0.07), (0.9, 0.05, 0.01))})
    other = findings.order_change(crossing)
    assert other.id == "leader-depends"
    assert other.values["leaders"] == {LARGEST: "flat", 1e6: "steep", 1e7: "steep"}


def gaining(chance: float, steep: float = 0.6, n: float = 1e6) -> pd.DataFrame:
    """What the two architectures gain by a size, and the chance that ``steep`` gains most."""
    rows = [
        {"architecture": name, "n": n, "n_from": LARGEST, "gain": gain, "p_gains_most": p}
        | {"gain_lower": gain - 0.1, "gain_upper": gain + 0.1}
        for name, gain, p in (("steep", steep, chance), ("flat", 0.4, 1 - chance))
    ]
    today = [row | dict.fromkeys(("gain", "gain_lower", "gain_upper", "p_gains_most"), float("nan")) for row in rows]
    return pd.DataFrame([*(row | {"n": LARGEST} for row in today), *rows])


@pytest.mark.parametrize(
    ("chance", "id", "most"),
    [(0.95, "gains-most", "steep"), (0.6, "gains-open", "steep"), (0.05, "gains-most", "flat")],
)
def test_who_gains(chance, id, most):
    ((_, said),) = findings.gain_change(facts(TWO), gaining(chance))
    assert (said.id, said.values["most"]) == (id, most)
    assert said.values["p"] == pytest.approx(max(chance, 1 - chance))
    assert said.values["gains"] == {"steep": 0.6, "flat": 0.4}
    assert ("the best there" in said.text) == (most == "flat")


def test_sizes_within_the_data_gain_nothing():
    assert findings.gain_change(facts(TWO), gaining(0.9, n=1e7)) == []


@pytest.mark.parametrize("more", [{}, {"for_target": 5490.0}, {"rival": "flat", "other": 0.1, "apart": float("inf")}])
def test_what_the_test_set_can_tell(more):
    tested = {"cases": 597.0, "error": 0.02, "provable": 0.031} | more
    heading, said = findings.on_test_set(facts(TWO), tested)
    assert heading
    assert said.id == "test-set"
    assert dict(said.values) == tested
    assert ("5,500" in said.text) == ("for_target" in more)
    assert changed(facts(TWO, tested=tested)).count("test-set") == 1


@pytest.mark.parametrize(("width", "told"), [(1.3, True), (1.1, False)])
def test_a_small_test_set_is_told(width, told):
    """Where the range on other cases is a tenth wider or more."""
    elsewhere = pd.DataFrame([{"architecture": "steep"} | around(0.05, width)])
    found = facts({"steep": Curve((0.11, 0.05, 0.02), (1, 1, 1), cases=60.0)}, elsewhere=elsewhere)
    messages = [how for _, how in findings.changes(found) if how.id == "other-test-cases"]
    assert [dict(one.values) for one in messages] == [{"wrong": 7, "cases": 60.0}] * told


def test_what_would_change_the_recommendation_in_order():
    assert changed(facts(TWO, gains=gaining(0.95))) == [
        "floor-not-seen", "one-leader", "gains-most", "beyond-the-data", "same-configuration",
    ]  # fmt: skip
    assert changed(facts({"steep": STEEP})) == ["floor-not-seen", "beyond-the-data", "same-configuration"]


@pytest.mark.parametrize(
    ("verdicts", "id", "counts"),
    [
        (["PASS", "PASS"], "passed", (2, 0, 0)),
        (["PASS", "REVIEW"], "to-review", (2, 0, 1)),
        (["FAIL", "REVIEW"], "failed", (2, 1, 1)),
    ],
)
def test_the_verdict_in_a_sentence(verdicts, id, counts):
    said = findings.health(facts(TWO, checks=tuple(check("x", verdict) for verdict in verdicts)))
    assert (said.id, *(said.values[k] for k in ("total", "failed", "review"))) == (id, *counts)


def test_captions_are_those_of_the_figures():
    def of(found):
        return captions.captions(found, decided(found, "steep", 1e6))

    assert set(of(facts(TWO))) == {"options", "forecast", "requirement", "gains", "floor"}
    assert set(of(facts({"steep": STEEP}))) == {"options", "forecast", "requirement", "floor"}
    assert ids(caption for *_, caption in of(facts(TWO)).values()) == [
        "options", "curves", "needs", "gains", "floor-not-seen",
    ]  # fmt: skip
    assert GROUP  # facts are about one group


def test_the_best_architecture_is_told_as_it_would_be_forecast_alone():
    assert "companions" not in changed(facts(TWO))
    table = pd.DataFrame({"architecture": ["steep", "flat"], "moved": [0.5, 2.0], "alone": [0.04, 0.2]})
    around_it = {f"{name}_{end}": 0.05 * k for name in ("yhat", "alone") for end, k in (("lower", 0.9), ("upper", 1.2))}
    found = facts(TWO, pooling=Pooling(table.assign(yhat=0.05, crps=0.1, crps_alone=0.1, **around_it)))
    (said,) = (how for _, how in findings.changes(found) if how.id == "companions")
    assert (said.values["architecture"], said.values["alone"], said.values["moved"]) == ("steep", 0.04, 0.5)
