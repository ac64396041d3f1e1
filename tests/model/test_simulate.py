"""Simulated curves: as many as asked for, reproducible, and spread as the card's priors say."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from scipy.stats import kstest

from forecaster.domains.floor_evidence import FloorEvidence
from forecaster.domains.loading import load_card
from forecaster.domains.quantities import CENTRES
from forecaster.model import floor_terms
from forecaster.model import simulate as module
from forecaster.model.simulate import simulate

CARD = load_card("image-classification-top1")
SIZES = (1e3, 1e4, 1e5)
GROUPS = 400


@pytest.fixture(scope="module")
def many():
    return simulate(CARD, SIZES, groups=GROUPS, architectures=2, seeds=2, beyond=(1.0, 10.0), n_test=5_000, seed=0)


def test_every_run_asked_for_is_there(many):
    table = many.curves.table
    assert len(table) == GROUPS * 2 * len(SIZES) * 2
    assert sorted(table["n"].unique()) == list(SIZES)
    assert (table["n_test"] == 5_000).all()
    assert many.truth["values"].shape == (GROUPS, 2, len(CENTRES))
    assert many.truth["error"].shape == (GROUPS, 2, 2)


def test_the_same_seed_gives_the_same_curves():
    one, same, other = (simulate(CARD, SIZES, seed=seed).curves.table for seed in (1, 1, 2))
    assert one.equals(same)
    assert not one.equals(other)


def test_architectures_may_have_sizes_of_their_own():
    own = simulate(CARD, [(1e3, 1e4, 1e5), (2e3, 2e4, 2e5)], architectures=2).curves
    assert [curve.n[-1] for curve in own.curves] == [1e5, 2e5]
    with pytest.raises(ValueError, match="expected 3"):
        simulate(CARD, [(1e3, 1e4, 1e5), (2e3, 2e4, 2e5)], architectures=3)


def p_value(hyper: np.ndarray, sd: np.ndarray) -> float:
    """That hyper-parameters come from the priors of the card with these sds: the smallest of ten, by Bonferroni."""
    units = (hyper - CARD.hyper_mean) / sd
    return len(sd) * min(kstest(units[:, i], "norm").pvalue for i in range(len(sd)))


def test_groups_come_from_the_priors_and_from_wider_ones_they_would_not(many):
    assert p_value(many.truth["hyper"], CARD.hyper_sd) > 1e-3
    assert p_value(many.truth["hyper"], 1.5 * CARD.hyper_sd) < 1e-3


def test_runs_scatter_around_the_mean_curve_as_noise_and_test_set_say(many):
    """Log error of the runs at the largest size, off the truth there, in units of its own sd: mean 0, variance 1.

    (Each unit is normal given its own sd, 1,600 of them: the variance's own sd is 0.035.)
    """
    largest = many.curves.table.query("n == 1e5").sort_values(["task", "architecture", "seed"])
    runs = np.log(largest["error"].to_numpy()).reshape(GROUPS, 2, 2)
    truth = np.log(many.truth["error"][:, :, 0])
    noise = np.exp(2.0 * many.truth["values"][:, :, CENTRES.index("log_noise")])
    units = (runs - truth[..., None]) / np.sqrt(noise + 5e-4**2)[..., None]
    assert np.mean(units) == pytest.approx(0.0, abs=0.1)
    assert np.var(units) == pytest.approx(1.0, abs=0.12)
    assert np.var((runs - truth[..., None]) / np.sqrt(0.8 * noise)[..., None]) > 1.12  # a fifth less says too little


def test_evidence_changes_simulated_floors_by_its_weight_and_nothing_else_would():
    """Against plain groups, weighted: the twin of other evidence has other floors."""

    def told(label_noise):
        evidence = FloorEvidence.of(label_noise=label_noise, human=(0.2, 400))
        return msgspec.structs.replace(CARD, floor=evidence)

    plain = simulate(CARD, SIZES, groups=4000, architectures=2, seed=5).truth
    at = [CENTRES.index(name) for name in ("level", "floor_logit")]
    level, logit = (plain["values"][..., i] for i in at)
    floors = []
    for label_noise in ("40/400", "120/400"):
        card = told(label_noise)
        found = simulate(card, SIZES, groups=600, architectures=2, seed=6).truth
        weight = np.exp(floor_terms.of_curves(np, logit, level, floor_terms.terms_of(card.floor, 2)).sum(1))
        floors.append((np.log(found["floor"][:, 0]), weight))
    log_floor, weight = np.log(plain["floor"][:, 0]), floors[0][1]
    order = np.argsort(log_floor)
    upto = np.cumsum(weight[order]) / weight.sum()
    apart = [
        np.abs(np.interp(np.sort(mine), log_floor[order], upto) - np.arange(600) / 600).max() for mine, _ in floors
    ]
    size = weight.sum() ** 2 / (weight**2).sum()
    limit = 1.95 * np.sqrt(1.0 / 600 + 1.0 / size)  # Kolmogorov and Smirnov, one in a thousand
    assert apart[0] < limit
    assert apart[1] > limit


def test_evidence_that_the_priors_hardly_allow_is_refused(monkeypatch):
    monkeypatch.setattr(module, "TRIES", 2)
    far = FloorEvidence.of(floor=(1e-12, 2e-12), because="a test")
    with pytest.raises(ValueError, match="hardly allow"):
        simulate(msgspec.structs.replace(CARD, floor=far), SIZES, groups=2, architectures=1)


def test_the_floor_is_where_the_law_ends(many):
    level, floor_logit = (many.truth["values"][..., CENTRES.index(name)] for name in ("level", "floor_logit"))
    assert many.truth["floor"] == pytest.approx(np.exp(level) / (1.0 + np.exp(-floor_logit)))
