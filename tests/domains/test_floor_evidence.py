"""Evidence on the floor: how it is written, in a call and in a card, and what is refused."""

from __future__ import annotations

import msgspec
import pytest
from scipy import stats

from forecaster.domains import catalogue, loading
from forecaster.domains.domain import Domain
from forecaster.domains.floor_evidence import FloorEvidence
from forecaster.errors import CardError, OptionError

CARD = 'name = "mine"\ntitle = "My field"\nextends = "generic-error-rate"\n'
FLOOR = """
[floor.human]
rate = 0.01
cases = 500
source = "audit"
why = "Three experts by majority."

[floor.label_noise]
rate = 0.004
cases = 1000
source = "audit"
why = "Relabelled twice."

[floor.range]
low = 0.01
high = 0.03
source = "audit"
why = "Such tasks end there."

[references]
audit = "Our audit (2026)."
"""


@pytest.mark.parametrize("written", ["0.01:500", "5/500", (0.01, 500)])
def test_rates_are_written_in_three_ways(written):
    for kind in ("human", "label_noise"):
        found = FloorEvidence.of(**{kind: written})
        counted = getattr(found, kind)
        assert (counted.rate, counted.cases) == (0.01, 500.0)
        assert found.of_cases


def test_a_share_has_the_posterior_of_the_prior_of_jeffreys():
    """Its interval is the Jeffreys interval of statistics texts: Beta quantiles at x + 1/2 and n - x + 1/2."""
    counted = FloorEvidence.of(human="5/500").human
    assert counted is not None
    assert stats.beta.interval(0.95, *counted.beta) == pytest.approx(stats.beta(5.5, 495.5).interval(0.95))


def test_a_range_is_written_in_two_ways():
    for written in ("0.01,0.03", (0.01, 0.03)):
        stated = FloorEvidence.of(floor=written, because="an audit").stated
        assert stated is not None
        assert (stated.low, stated.high, stated.why) == (0.01, 0.03, "an audit")
    assert not FloorEvidence.of(floor=(0.01, 0.03), because="an audit").of_cases


WRONG = {
    "no cases": ({"human": "0.01"}, "--human"),
    "less than one case": ({"human": "0.01:0.5"}, "one case or more"),
    "no case at all": ({"label_noise": "0/0"}, "one case or more"),
    "per cent": ({"human": "2:100"}, "0.01"),
    "more wrong than there are": ({"label_noise": "30/20"}, "below 1"),
    "negative": ({"label_noise": (-0.1, 100)}, "from 0"),
    "not a number": ({"human": "nan:100"}, "from 0"),
    "no reason": ({"floor": "0.01,0.03"}, "--because"),
    "an empty reason": ({"floor": "0.01,0.03", "because": "  "}, "--because"),
    "a reason of nothing": ({"because": "I know"}, "--floor"),
    "upside down": ({"floor": "0.03,0.01", "because": "x"}, "the lower first"),
    "from zero": ({"floor": "0,0.01", "because": "x"}, "above 0"),
    "one end": ({"floor": "0.01", "because": "x"}, "--floor"),
    "nothing": ({}, "--human 0.01:500"),
}


@pytest.mark.parametrize(("given", "said"), WRONG.values(), ids=WRONG.keys())
def test_what_makes_no_sense_is_refused(given, said):
    with pytest.raises(OptionError) as caught:
        FloorEvidence.of(**given)
    assert said in str(caught.value)


def test_options_go_before_the_card_and_leave_the_rest_of_it():
    known = loading.parse_card(CARD + FLOOR, "mine.toml").floor
    both = FloorEvidence.of(human="1/10").over(known)
    assert known is not None
    assert both.human == FloorEvidence.of(human="1/10").human
    assert (both.label_noise, both.stated) == (known.label_noise, known.stated)


def test_a_card_holds_evidence_with_its_sources():
    card = loading.parse_card(CARD + FLOOR, "mine.toml")
    assert card.floor is not None
    assert card.floor.human == msgspec.convert(
        {"rate": 0.01, "cases": 500.0, "source": "audit", "why": "Three experts by majority."}, type(card.floor.human)
    )
    assert card.citations["audit"] == "Our audit (2026)."
    assert msgspec.json.decode(msgspec.json.encode(card), type=Domain) == card
    other = loading.parse_card(CARD + FLOOR.replace("0.01\ncases", "0.02\ncases"), "mine.toml")
    assert other.card_hash != card.card_hash
    assert loading.parse_card(CARD, "mine.toml").floor is None


def test_extending_does_not_inherit_evidence_which_belongs_to_a_task():
    assert all(card.floor is None for card in loading.load_domains().values())


def test_the_catalogue_shows_the_evidence_of_a_card(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(CARD + FLOOR)
    found = catalogue.priors(str(path))
    assert found.card["floor"]["label_noise"]["cases"] == 1000.0
    assert all(part in found.text for part in loading.load_card(path).floor.said)


BAD = {  # what is written, instead of what; the wrong line; words of the message
    "a rate in per cent": ("rate = 0.01", "rate = 1", "rate = 1", "a number from 0"),
    "no cases": ("cases = 500\n", "", "[floor.human]", "no cases"),
    "less than a case": ("cases = 500", "cases = 0", "cases = 0", "from 1"),
    "no source": ('source = "audit"\nwhy = "Three', 'why = "Three', "[floor.human]", "no source"),
    "another kind": ("[floor.human]", "[floor.people]", "[floor.people]", 'unknown key "people"'),
    "upside down": ("high = 0.03", "high = 0.005", "high =", "above low"),
    "another key": ("low = 0.01", "low = 0.01\nlevel = 0.9", "level = 0.9", "unknown key"),
}


@pytest.mark.parametrize(("old", "new", "line", "words"), BAD.values(), ids=BAD.keys())
def test_a_wrong_table_is_refused_at_its_line(old, new, line, words):
    assert old in FLOOR
    text = CARD + FLOOR.replace(old, new, 1)
    number = next(i for i, one in enumerate(text.split("\n"), 1) if line in one)
    with pytest.raises(CardError) as caught:
        loading.parse_card(text, "mine.toml")
    assert f"mine.toml, line {number}: found" in str(caught.value)
    assert words in str(caught.value)


def test_an_empty_table_is_refused():
    with pytest.raises(CardError, match=r"\[floor.human\]"):
        loading.parse_card("floor = 3\n" + CARD, "mine.toml")
