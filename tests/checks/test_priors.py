"""Checks of evidence on the floor: against SciPy, and on floors that were made to agree or not."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from helpers.synthetic import posterior, values
from scipy import stats

from forecaster.checks.priors import agreement, floor_evidence
from forecaster.domains.floor_evidence import FloorEvidence
from forecaster.inference.posterior import Posterior
from forecaster.model.floor_terms import ABOVE, BELOW

SOME = {"level": 0.02, "floor_logit": 0.15}


def two_fits(floor: float, plain: float, evidence: FloorEvidence) -> Posterior:
    """A curve of last error 0.135 whose floor is ``floor`` with the evidence and ``plain`` without it."""

    def drawn(share, seed):
        return posterior({"net": values(2000, floor_logit=float(np.log(share / (0.1353 - share))), sd=SOME, seed=seed)})

    found = drawn(floor, 1)
    cards = {group: msgspec.structs.replace(card, floor=evidence) for group, card in found.cards.items()}
    return Posterior(found.tree, found.curves, cards).with_floors_of(drawn(plain, 2))


def verdicts(found: Posterior) -> dict[str, tuple[str, str]]:
    return {check.id: (check.verdict, check.message.id) for check in floor_evidence(found)}


def test_without_evidence_there_is_no_check():
    assert not list(floor_evidence(posterior({"net": values(sd=SOME)})))


RANGE = FloorEvidence.of(floor=(0.04, 0.06), because="a test")


@pytest.mark.parametrize(
    ("floor", "plain", "evidence", "expected"),
    [
        (0.05, 0.05, RANGE, {"floor-evidence": "PASS", "floor-rests-on-evidence": "PASS"}),
        (0.05, 0.015, RANGE, {"floor-evidence": "REVIEW", "floor-rests-on-evidence": "REVIEW"}),
        (0.05, 0.12, RANGE, {"floor-evidence": "REVIEW", "floor-rests-on-evidence": "REVIEW"}),
        (
            0.04,
            0.055,
            FloorEvidence.of(human="0.03:500"),
            {"floor-evidence": "PASS", "floor-rests-on-evidence": "REVIEW"},
        ),
        (0.05, 0.05, FloorEvidence.of(label_noise="20/1000"), {"floor-evidence": "PASS"}),
        (0.05, 0.03, FloorEvidence.of(label_noise="60/1000"), {"floor-evidence": "REVIEW"}),
    ],
)
def test_evidence_that_the_curves_contradict_is_for_review(floor, plain, evidence, expected):
    found = verdicts(two_fits(floor, plain, evidence))
    assert {id: found[id][0] for id in expected} == expected


def test_wrong_labels_say_nothing_against_a_high_floor():
    assert verdicts(two_fits(0.12, 0.12, FloorEvidence.of(label_noise="5/1000")))["floor-evidence"][0] == "PASS"


def test_people_who_do_better_than_labels_allow_or_worse_than_a_model_are_for_review():
    better = FloorEvidence.of(human="1/2000", label_noise="30/1000")
    assert verdicts(two_fits(0.05, 0.05, better))["floor-human"] == ("REVIEW", "human-below-labels")
    worse = FloorEvidence.of(human="600/2000")
    assert verdicts(two_fits(0.05, 0.05, worse))["floor-human"] == ("REVIEW", "human-above-model")
    assert "floor-human" not in verdicts(two_fits(0.05, 0.05, FloorEvidence.of(human="100/2000")))


def chance(evidence: FloorEvidence, log_floor: np.ndarray) -> float:
    (found,) = agreement(evidence, log_floor).values()
    return found


def test_a_range_agrees_by_a_two_sided_normal_test():
    rng = np.random.default_rng(0)
    sd = np.log(1.5) / 2.0 / stats.norm.ppf(0.9)
    for off in (0.0, 0.3, 1.0):
        drawn = np.log(np.sqrt(0.04 * 0.06)) + off + 0.2 * rng.standard_normal(200_000)
        expected = 2.0 * stats.norm.sf(off / np.hypot(sd, 0.2))
        assert chance(RANGE, drawn) == pytest.approx(expected, abs=0.01)


def test_labels_agree_by_the_chance_that_no_more_are_wrong_than_the_floor():
    evidence = FloorEvidence.of(label_noise="20/1000")
    for floor in (0.015, 0.02, 0.03):
        expected = stats.beta(20.5, 980.5).cdf(floor)
        assert chance(evidence, np.full(10, np.log(floor))) == pytest.approx(expected)


def test_people_agree_by_a_normal_of_two_halves():
    """With many cases there is no sampling error: the mass below the mode is that of the narrower half."""
    evidence = FloorEvidence.of(human=(0.01, 1e9))
    below = BELOW / (BELOW + ABOVE)
    assert chance(evidence, np.array([np.log(0.01)])) == pytest.approx(2.0 * below, abs=1e-3)
    lower = 2.0 * below * stats.norm.cdf(-1.0)
    assert chance(evidence, np.array([np.log(0.01) - BELOW])) == pytest.approx(2.0 * lower, abs=1e-3)
    upper = 2.0 * (1.0 - below) * stats.norm.sf(1.5)
    assert chance(evidence, np.array([np.log(0.01) + 1.5 * ABOVE])) == pytest.approx(2.0 * upper, abs=1e-3)


def test_floors_without_evidence_are_kept_in_the_file(tmp_path):
    from forecaster.inference.storage import load_posterior

    found = two_fits(0.05, 0.03, RANGE)
    again = load_posterior(found.save(tmp_path / "found.nc"))
    (label,) = found.floors_without_evidence
    np.testing.assert_array_equal(again.floors_without_evidence[label], found.floors_without_evidence[label])
    unknown = found.with_floors_of(None)
    assert not unknown.floors_without_evidence
    assert "floor-evidence" not in verdicts(unknown)
