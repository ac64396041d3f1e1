"""The first page, from facts and decisions made by hand: which message is chosen, which options, and their numbers."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from helpers.facts import GROUP, LARGEST, Curve, check, decided, facts

from forecaster.reports.deciding import Worth
from forecaster.reports.opening import answer, options, reasons, settling
from forecaster.results.message import ids, joined, message
from forecaster.results.track_record import RECORD, TrackRecord

INF = float("inf")
STEEP = Curve((0.11, 0.05, 0.02), (1.0, 0.95, 0.99))
FLAT = Curve((0.15, 0.10, 0.07), (0.0, 0.05, 0.01))
TWO = {"steep": STEEP, "flat": FLAT}
LOSSES = {0.0: 90.0, 1e6: 50.0, 1e7: 70.0}
PRICED = {"losses": LOSSES, "asked": {"penalty": 100.0}}


def priced(architecture, n, **given):
    return decided(facts(TWO), architecture, n, **PRICED | given)


def said(a, d):
    return answer.answer(a, d)


# The answer ---------------------------------------------------------------------------------------


def test_a_purchase_is_told_with_its_price_error_chance_and_date():
    start = Worth(costs={}, start=date(2027, 1, 4))
    found = said(facts(TWO), priced("steep", 1e6, date="2027-03-01", worth=start))
    assert ids(found) == ["buy", "expected", "loss"]
    first, then, loss = found
    assert (first.values["buy"], first.values["cost"], first.values["n"]) == (9e5, 9e5, 1e6)
    for shown in ("900,000", "EUR", "steep", "1 million"):
        assert shown in first.text
    assert (then.values["yhat"], then.values["p_target"], then.values["date"]) == (0.05, 0.5, "2027-03-01")
    for shown in ("5.00 %", "50 %", "11.0 %", "1 March 2027", "4 January 2027"):
        assert shown in joined([then])
    assert (loss.values["loss"], loss.values["idle"]) == (50.0, 90.0)


def test_without_prices_there_is_no_money():
    found = said(facts(TWO), decided(facts(TWO), "steep", 1e6, worth=Worth(), asked={"risk": 0.25}))
    assert found[0].id == "buy"
    assert "EUR" not in joined(found)


def test_doing_nothing_is_no():
    found = said(facts(TWO), priced("steep", 0.0, id="do-not-buy"))
    assert ids(found) == ["do-not-buy", "loss"]
    assert found[1].values["loss"] == 90.0
    within = said(facts(TWO), decided(facts(TWO), "steep", id="nothing-within", asked={"budget": 3.0}))
    assert ids(within) == ["nothing-within", "stays"]


def test_a_target_out_of_reach_is_no_and_says_what_is_within():
    a = facts(TWO)
    orders = pd.DataFrame({"risk": [0.5, 0.1], "n": [3e5, INF], "buy": [2e5, INF], "cost": [2e5, np.nan]})
    least = {"risk": 0.2, "architecture": "steep", "n": 1e9}
    d = decided(a, "steep", 1e7, id="out-of-reach", asked={"risk": 0.1}, orders=orders, lowest_risk=least)
    settled = settling.settled(a, d)
    assert not settled.buys
    found = said(a, settled)
    assert ids(found) == ["out-of-reach", "most", "odds"]
    assert found[1].values["p_most"] == pytest.approx(0.8)
    assert dict(found[2].values) == {"0.5": 2e5, "0.1": INF}


def test_a_target_that_is_met_needs_nothing_unless_the_error_rose_again():
    for risen, wanted in ((0.0, ["target-met", "p-met"]), (1.0, ["risen-again", "find-the-cause"])):
        met = Curve((0.04, 0.03, 0.02), (1, 1, 1), met=1.0, risen=risen)
        a = facts({"steep": met})
        assert ids(said(a, decided(a, "steep", id="do-not-buy", asked={"risk": 0.25}))) == wanted


def test_a_failed_check_stops_the_answer_and_marks_no_option():
    a = facts(TWO, checks=(check("ess", "FAIL", "steep"),))
    d = priced("steep", 1e6)
    assert ids(said(a, d)) == ["do-not-decide", "first"]
    assert not any(row["chosen"] for row in options.options_of(a, d)["rows"])
    assert "recommended" not in str(options.options_of(a, d))
    assert sum(row["chosen"] for row in options.options_of(facts(TWO), d)["rows"]) == 1


def test_an_error_that_is_up_is_looked_into_first():
    high = Curve((0.4, 0.3, 0.2), (1, 1, 1), last=0.4, lowest=0.12)
    a = facts({"net": high}, checks=(check("ill-behaved", "REVIEW", "net"),))
    assert ids(said(a, decided(a, "net", 1e6, asked={"risk": 0.25})))[:2] == ["buy", "find-the-cause"]
    assert ids(said(a, settling.settled(a, decided(a, "net", 1e6, open=True)))) == ["do-not-buy", "find-the-cause"]


def test_where_nothing_says_how_much_a_step_is_taken():
    a = facts(TWO, target_given=False)
    step = settling.settled(a, decided(a, "steep", 1e7, open=True))
    assert (step.best["architecture"], step.best["n"]) == ("steep", 1e6)
    found = said(a, step)
    assert ids(found) == ["buy-a-step", "expected", "then-again"]
    assert (found[2].values["n"], found[2].values["yhat"]) == (1e7, 0.02)


def test_a_step_leads_to_less_than_the_error_of_today():
    """The best one at the headline's size is not the best today, and at the next size still behind."""
    curves = {"late": Curve((0.3, 0.15, 0.02), (0, 0, 1)), "early": Curve((0.11, 0.109, 0.108), (1, 1, 0))}
    a = facts(curves, headline_n=1e7, target_given=False)
    step = settling.settled(a, decided(a, "late", 1e7, open=True))
    assert (step.best["architecture"], step.best["n"]) == ("late", 1e7)


@pytest.mark.parametrize(
    ("curve", "id"),
    [
        (Curve((0.1, 0.0995, 0.0995), (1, 1, 1), floors=(0.098, 0.099)), "no-gain"),
        (Curve((0.1, 0.11, 0.12), (1, 1, 1)), "no-improvement"),
    ],
)
def test_nothing_is_bought_where_data_brings_nothing(curve, id):
    a = facts({"net": curve}, target_given=False)
    assert ids(said(a, settling.settled(a, decided(a, "net", 1e6, open=True)))) == ["do-not-buy", id]


def test_of_equal_losses_doing_nothing_is_with_the_lowest_error():
    a = facts(TWO)
    d = settling.settled(a, priced("flat", 0.0, id="do-not-buy"))
    assert d.best["architecture"] == "steep"


def test_several_orders_are_told_where_they_are_better():
    a = facts(TWO)
    plan = {"first": 1e6, "loss": 40.0, "loss_one": 50.0, "gain": 10.0, "gain_sd": 1.0}
    d = priced("steep", 1e6, plan=plan, worth=Worth(costs={}, rounds=3))
    object.__setattr__(d, "planned", True)
    found = said(a, d)
    assert ids(found) == ["buy-in-orders", "expected", "loss-of-orders"]
    assert (found[2].values["loss"], found[2].values["loss_one"]) == (40.0, 50.0)


def test_a_far_target_is_approached_in_steps():
    a = facts(TWO)
    found = said(a, decided(a, "steep", 1e7, asked={"risk": 0.25}))
    (step,) = (one for one in found if one.id == "in-steps")
    assert step.values["n"] == 1e6
    assert "in-steps" not in ids(said(a, priced("steep", 1e7)))  # a loss says that one order is as good


# The options --------------------------------------------------------------------------------------


def test_the_page_shows_nothing_the_chosen_one_and_the_ends():
    sizes = [2e5, 3e5, 4e5, 5e5, 6e5, 7e5, 8e5, 9e5]
    errors = (0.11, *np.geomspace(0.09, 0.04, 8))
    a = facts({"steep": Curve(errors, [1.0] * 9)}, sizes)
    d = decided(a, "steep", 5e5, asked={"risk": 0.25})
    table = options.page_table(d)
    assert table.loc[table["shown"], "n"].tolist() == [LARGEST, 2e5, 4e5, 5e5, 6e5, 9e5]
    assert len(table) == 9


def test_a_column_stands_only_where_it_says_something():
    a = facts(TWO)

    def heads(d):
        return [name.split(",")[0] for name, _ in options.options_of(a, d)["heads"]]

    full = heads(priced("steep", 1e6, date="2027-03-01", worth=Worth(costs={}, start=date(2027, 1, 4))))
    assert full == ["Option", "Images in all", "Cost", "Ready", "Error (8 times in 10)", "Chance of 5 %", "All in"]
    bare = decided(a, "steep", 1e6, worth=Worth(), open=True)
    bare.found.table["p_target"] = np.nan
    assert heads(bare) == ["Option", "Images in all", "Error (8 times in 10)"]
    mixed = decided(a, "flat", 1e6, asked={"risk": 0.25})
    assert "Architecture" in heads(mixed)


# Three lines --------------------------------------------------------------------------------------


def test_there_are_three_lines():
    assert len(reasons.lines(facts(TWO), priced("steep", 1e6))) == 3


@pytest.mark.parametrize(
    ("curves", "architecture", "id"),
    [
        (TWO, "steep", "lowest"),
        (TWO, "flat", "not-the-lowest"),
        ({"steep": STEEP}, "steep", "only-one"),
        ({"steep": Curve((0.11, 0.05, 0.02), (1, 0.5, 0.9)), "flat": Curve((0.15, 0.051, 0.04), (0, 0.5, 0))},
         "steep", "open"),
    ],
)  # fmt: skip
def test_why_this_architecture(curves, architecture, id):
    a = facts(curves)
    assert reasons.why(a, decided(a, architecture, 1e6)).id == id


def tracked(low=True, p=0.1, **held):
    """A record of ten hidden measurements an architecture, so many of them held, the others on one side."""
    rows = {name: [0.0] * len(held) for name in RECORD.names} | {"domain": GROUP[0], "task": GROUP[1]}
    missed = [10 - count for count in held.values()]
    none = [0] * len(held)
    rows |= {"architecture": list(held), "hidden": [10] * len(held), "held_80": list(held.values())}
    rows |= {"too_low": missed if low else none, "too_high": none if low else missed, "p_value": [p] * len(held)}
    return TrackRecord(pd.DataFrame(rows), np.zeros((len(held), 1)), "of too few sizes")


def test_the_record_is_that_of_the_chosen_architecture_beside_all():
    found = reasons.trust(facts(TWO, track=tracked(steep=4, flat=9)), "steep")
    assert (found.id, found.values["held_80"], found.values["checks_total"]) == ("record", 4, 0)
    assert "4 of 10" in found.text
    assert "13 of 20" in found.text
    one = reasons.trust(facts({"steep": STEEP}, track=tracked(steep=4)), "steep")
    assert (one.id, one.values["held_80"]) == ("record", 4)
    for track in (TrackRecord(why="of too few sizes"), TrackRecord()):
        assert reasons.trust(facts(TWO, track=track), "steep").id == "no-record"


def test_a_record_says_on_which_side_it_missed_only_where_it_missed():
    low, high, well, bad = (
        reasons.trust(facts(TWO, track=track), "steep").text
        for track in (
            tracked(steep=4, flat=9),
            tracked(low=False, steep=4, flat=9),
            tracked(steep=8, flat=9),
            tracked(p=0.01, steep=4, flat=9),
        )
    )
    assert "higher than forecast" in low
    assert "lower than forecast" in high
    assert "than forecast" not in well
    assert "narrow" in bad
    assert "narrow" not in low


def test_what_could_be_wrong_has_the_floor_the_target_and_the_test_set():
    tested = {"cases": 500, "error": 0.05, "provable": 0.07}
    a = facts(TWO, tested=tested)
    found = reasons.wrong(a, priced("steep", 1e6, lowest_risk={"risk": 0.12, "architecture": "steep", "n": 1e8}))
    assert found.id == "could-be-wrong"
    wanted = {"low": 0.001, "high": 0.01, "p_never": 0.12, "cases": 500, "provable": 0.07}
    assert dict(found.values) == pytest.approx(wanted)
    bare = reasons.wrong(facts(TWO), priced("steep", 1e6))
    assert set(bare.values) == {"low", "high"}


def test_what_would_change_the_choice_is_what_the_decision_says():
    told = (message("buy", "b"), message("break-even", "x.", price=2.0), message("flips", "y.", count=1))
    ((_, found),) = reasons.money_change(priced("steep", 1e6, messages=told))
    assert (found.text, dict(found.values)) == ("x. y.", {"price": 2.0, "count": 1})
    assert reasons.money_change(priced("steep", 1e6)) == []


def test_no_answer_claims_certainty():
    sure = {"steep": Curve((0.11, 0.05, 0.02), (1, 1, 1)), "flat": FLAT}
    a = facts(sure)
    text = joined([*said(a, priced("steep", 1e6)), *(how for _, how in reasons.lines(a, priced("steep", 1e6)))])
    assert "over 99 %" in text
    assert " 100 %" not in text
