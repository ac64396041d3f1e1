"""What evidence adds to the density of a floor: against SciPy's Beta and normal distributions, in three libraries."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import msgspec
import numpy as np
import pytensor.tensor as pt
import pytest
from scipy import integrate, stats

from forecaster.domains.floor_evidence import FloorEvidence
from forecaster.domains.loading import load_card
from forecaster.model import floor_terms, law
from forecaster.model.floor_terms import ABOVE, BELOW, log_evidence, terms_of

CARD = load_card("generic-error-rate")
KINDS = {
    "people": FloorEvidence.of(human="0.01:500"),
    "labels": FloorEvidence.of(label_noise="20/1000"),
    "range": FloorEvidence.of(floor=(0.01, 0.03), because="a test"),
    "all": FloorEvidence.of(human="0.03:500", label_noise="20/1000", floor=(0.01, 0.03), because="a test"),
}
LOG_FLOORS = np.linspace(-9.0, -0.01, 200)
each_kind = pytest.mark.parametrize("evidence", KINDS.values(), ids=KINDS.keys())


@each_kind
def test_one_equation_serves_three_libraries(evidence):
    terms = terms_of(evidence, 3)
    with jax.enable_x64(True):
        by_jax = np.asarray(log_evidence(jnp, jnp.asarray(LOG_FLOORS), terms))
    variable = pt.dvector()
    by_pytensor = log_evidence(pt, variable, terms).eval({variable: LOG_FLOORS})
    found = log_evidence(np, LOG_FLOORS, terms)
    np.testing.assert_allclose(by_jax, found, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(by_pytensor, found, rtol=1e-12, atol=1e-12)
    assert (found <= 0.0).all()


@pytest.mark.parametrize(("wrong", "cases"), [(20, 1000), (3, 200), (100, 500), (0, 300)])
def test_labels_bound_the_floor_as_the_beta_posterior_of_their_share_does(wrong, cases):
    terms = terms_of(FloorEvidence.of(label_noise=f"{wrong}/{cases}"))
    shares = np.linspace(1e-4, 0.5, 4000)
    found = np.exp(log_evidence(np, np.log(shares), terms))
    apart = np.abs(found - stats.beta(wrong + 0.5, cases - wrong + 0.5).cdf(shares)).max()
    assert apart < (0.12 if wrong == 0 else 0.06)
    twin = terms_of(FloorEvidence.of(label_noise=f"{wrong + 10}/{cases}"))  # ten wrong labels more
    assert np.abs(np.exp(log_evidence(np, np.log(shares), twin)) - found).max() > 0.1


def test_a_range_is_the_normal_with_these_quantiles():
    """Only that normal of the log has its 10 and 90 % points at the ends of the range."""
    terms = terms_of(KINDS["range"])
    sd = np.log(3.0) / 2.0 / stats.norm.ppf(0.9)
    normal = stats.norm(np.log(np.sqrt(0.01 * 0.03)), sd)
    assert np.exp(normal.ppf((0.1, 0.9))) == pytest.approx((0.01, 0.03))
    expected = normal.logpdf(LOG_FLOORS) - normal.logpdf(normal.mean())
    np.testing.assert_allclose(log_evidence(np, LOG_FLOORS, terms), expected, atol=1e-9)


def test_people_pull_little_from_far_above_and_more_from_below():
    terms = terms_of(FloorEvidence.of(human=(0.01, 1e9)))
    at = np.log(0.01) + np.array([-BELOW, 0.0, ABOVE])
    np.testing.assert_allclose(log_evidence(np, at, terms), [-0.5, 0.0, -0.5], atol=1e-6)
    few = log_evidence(np, at, terms_of(FloorEvidence.of(human="1/100")))
    assert few[0] > -0.5  # a sampling error on top


def test_evidence_on_the_task_counts_once_however_many_curves_there_are():
    both = FloorEvidence.of(human="0.03:500", floor=(0.01, 0.03), because="a test")
    one, of_five = (log_evidence(np, LOG_FLOORS, terms_of(both, k)) for k in (1, 5))
    np.testing.assert_allclose(5.0 * of_five, one, rtol=1e-12)
    bound = KINDS["labels"]
    assert terms_of(bound, 5) == terms_of(bound, 1)  # which holds for each curve


def test_without_evidence_nothing_is_added():
    assert terms_of(None) is None
    assert terms_of(FloorEvidence()) is None
    assert not log_evidence(np, LOG_FLOORS, floor_terms.NOTHING).any()


def prior_density(card, level, evidence):
    """The unnormalised density of a logit, from SciPy's distributions alone."""
    shared, own = card.priors["floor_logit"].sd, card.priors["floor_logit_spread"].value
    prior = stats.norm(card.priors["floor_logit"].mean, np.hypot(shared, own))

    def density(logit):
        log_floor = level - np.log1p(np.exp(-logit))
        return prior.pdf(logit) * np.exp(log_evidence(np, log_floor, terms_of(evidence)))

    return density


@each_kind
@pytest.mark.parametrize("error", [0.1, 0.035])
def test_quantiles_of_the_prior_of_a_floor_are_those_of_quadrature(evidence, error):
    card = msgspec.structs.replace(CARD, floor=evidence)
    density = prior_density(CARD, np.log(error), evidence)
    whole = integrate.quad(density, -12.0, 12.0, limit=400, points=[-2.0, 0.0, 2.0])[0]
    shares = (0.1, 0.5, 0.9)
    for share, quantile in zip(shares, floor_terms.logit_quantiles(card, np.log(error), shares), strict=True):
        below = integrate.quad(density, -12.0, quantile, limit=400)[0]
        assert below / whole == pytest.approx(share, abs=2e-3)


def test_a_very_narrow_range_is_not_missed_by_the_grid():
    narrow = FloorEvidence.of(floor=(0.02, 0.0201), because="a test")
    card = msgspec.structs.replace(CARD, floor=narrow)
    logits = floor_terms.logit_quantiles(card, np.log(0.1), (0.1, 0.9))
    assert law.floor(np, np.log(0.1), logits) == pytest.approx((0.02, 0.0201), rel=1e-3)


def test_draws_of_a_floor_have_its_quantiles():
    card = msgspec.structs.replace(CARD, floor=KINDS["all"])
    level = np.full(4000, np.log(0.1))
    middle, sd = CARD.priors["floor_logit"].mean, CARD.priors["floor_logit"].sd
    card = msgspec.structs.replace(
        card,
        priors=card.priors
        | {"floor_logit_spread": msgspec.structs.replace(card.priors["floor_logit_spread"], value=1e-6)},
    )
    drawn = floor_terms.drawn(np.random.default_rng(0), level, np.full(4000, middle), sd, terms_of(KINDS["all"]))
    expected = floor_terms.logit_quantiles(card, np.log(0.1), (0.1, 0.5, 0.9))
    below = np.mean(drawn[:, None] < expected, 0)
    np.testing.assert_allclose(below, (0.1, 0.5, 0.9), atol=0.03)
