"""Simulated curves whose floor is known: what right evidence gains far ahead, and that wrong evidence is noticed.

Every test prints its numbers; ``uv run pytest -m slow -s tests/floors/test_known_floor.py`` shows them.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np
import pytest
from scipy import stats

import forecaster
from forecaster.checks.priors import floor_evidence
from forecaster.domains.floor_evidence import FloorEvidence
from forecaster.domains.loading import load_card
from forecaster.errors import RequestError
from forecaster.inference.fit import with_floor
from forecaster.model.simulate import simulate

pytestmark = pytest.mark.slow

GROUPS = 120
SIZES = np.geomspace(1_000, 64_000, 7)
FAR = 100.0  # times the largest size
SD = 0.2  # of the log of a floor that a range states


def card():
    """The generic card of error rates, for errors near 0.1 that are measured well."""
    found = load_card("generic-error-rate")
    own = {"level": (-2.3, 0.4), "log_noise": (-4.5, 0.3), "log_drift": (-5.0, 0.5), "log_slope": (-4.0, 0.5)}
    priors = {k: msgspec.structs.replace(found.priors[k], mean=m, sd=s, relative=False) for k, (m, s) in own.items()}
    return msgspec.structs.replace(found, priors=found.priors | priors)


CARD = card()


@pytest.fixture(scope="module")
def world():
    return simulate(CARD, SIZES, groups=GROUPS, architectures=1, beyond=(FAR,), seed=1)


def stated(floor: float) -> FloorEvidence:
    """A range whose 10 and 90 % points are those of a normal of the log floor, around this one."""
    half = stats.norm.ppf(0.9) * SD
    return FloorEvidence.of(floor=(floor * np.exp(-half), floor * np.exp(half)), because="a simulation")


class Found(NamedTuple):
    """Of the groups whose evidence was not refused, [group]; ``refused`` counts the others."""

    width: np.ndarray  # of log intervals far ahead
    plain_width: np.ndarray
    held: np.ndarray  # whether they hold the truth
    plain_held: np.ndarray
    noticed: np.ndarray  # whether a check of the evidence says REVIEW
    refused: int


def compared(world, evidence) -> Found:
    """Fits with this evidence by group (None: no evidence for it), and without."""
    curves, known, refused = world.curves, {}, 0
    for group, own in zip(curves.groups, evidence, strict=True):
        alone = curves.of_groups([group])
        try:
            if own is not None:
                with_floor(alone, {group: CARD}, {group: own})
                known[group] = own
        except RequestError:
            refused += 1
    kept = curves.of_groups(list(known))
    truth = world.truth["error"][[curves.groups.index(g) for g in kept.groups], 0, 0]
    fits = [forecaster.fit(kept, card=CARD, floor=floor, record=False) for floor in (known, None)]
    ends = []
    for fit in fits:
        table = forecaster.forecast(fit, [FAR * SIZES[-1]], kind="mean", record=False).table
        ends.append(np.log(table[["yhat_lower", "yhat_upper"]].to_numpy()))
    inside = [(low <= np.log(truth)) & (np.log(truth) <= high) for low, high in (e.T for e in ends)]
    noticed = {c for check in floor_evidence(fits[0]) if check.verdict == "REVIEW" for c in check.curves}
    widths = [e[:, 1] - e[:, 0] for e in ends]
    seen = np.array([curve.label in noticed for curve in fits[0].curves.curves])
    found = Found(*widths, *inside, seen, refused)
    print(
        f"\n  {len(kept.groups)} groups, {refused} refused; width {np.median(found.width):.2f}, without evidence "
        f"{np.median(found.plain_width):.2f}; 80 % intervals hold {found.held.mean():.2f}, without "
        f"{found.plain_held.mean():.2f}; REVIEW {seen.mean():.2f}, of misses {seen[~found.held].mean():.2f}"
    )
    return found


def covers(held: np.ndarray) -> bool:
    """Whether 80 % intervals hold as often as they should, but for chance."""
    return bool(stats.binomtest(int(held.sum()), len(held), 0.8).pvalue > 1e-3)


def floors(world) -> np.ndarray:
    return world.truth["floor"][:, 0]


def test_a_right_range_narrows_forecasts_far_ahead_and_keeps_coverage(world):
    rng = np.random.default_rng(0)
    found = compared(world, [stated(f * np.exp(SD * rng.standard_normal())) for f in floors(world)])
    assert np.median(found.width) < 0.85 * np.median(found.plain_width)
    assert covers(found.held)
    assert found.noticed.mean() < 0.3


def test_right_wrong_labels_narrow_forecasts_far_ahead_and_keep_coverage(world):
    """The share is drawn without regard to the floor; groups where it is larger have no such evidence."""
    rng = np.random.default_rng(1)
    shares = np.exp(rng.uniform(np.log(0.005), np.log(0.1), GROUPS))
    wrong = rng.binomial(1000, shares)
    told = [
        FloorEvidence.of(label_noise=(w / 1000, 1000)) if q < f else None
        for w, q, f in zip(wrong, shares, floors(world), strict=True)
    ]
    found = compared(world, told)
    assert np.median(found.width) < np.median(found.plain_width)
    assert covers(found.held)
    assert found.noticed.mean() < 0.1


def test_a_right_human_level_error_keeps_coverage(world):
    """People's error lies around the floor as the term says: two halves of a normal."""
    rng = np.random.default_rng(2)
    below, above = np.log(3.0), np.log(5.0)
    side = rng.random(GROUPS) < below / (below + above)
    away = np.where(side, -below, above) * np.abs(rng.standard_normal(GROUPS))
    human = np.minimum(floors(world) * np.exp(-away), 0.9)
    told = [FloorEvidence.of(human=(w / 1000, 1000)) for w in rng.binomial(1000, human)]
    found = compared(world, told)
    assert covers(found.held)
    assert found.noticed.mean() < 0.2


@pytest.mark.parametrize(("factor", "least"), [(1 / 20, 0.9), (1 / 5, 0.5)])
def test_a_wrong_range_is_noticed_where_it_spoils_the_forecast(world, factor, least):
    found = compared(world, [stated(factor * f) for f in floors(world)])
    assert not covers(found.held)
    assert found.noticed[~found.held].mean() > least
