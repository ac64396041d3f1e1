"""Every check on posteriors made to pass and made not to."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from helpers import synthetic

from forecaster.checks import limits as verdicts
from forecaster.checks.check import check
from forecaster.checks.limits import Limits
from forecaster.checks.measurements import FAILED_RUNS, STILL_UP
from forecaster.checks.priors import FOUND, NEXT, SMOOTH, UNIT, prior_conflict
from forecaster.curves.reading.read import read_curves
from forecaster.domains.loading import load_card
from forecaster.domains.quantities import CENTRES, LEARNED_SPREADS
from forecaster.errors import RequestError
from forecaster.inference.posterior import Posterior
from forecaster.results.check import FAIL, NAMES, PASS, REVIEW, also

SPREAD = dict.fromkeys(CENTRES, 0.1)
DRAWS = 4000
UNUSUAL = {
    "memory",
    "hyper-memory",
    "curve-ess",
    "hyper-ess",
    "risen",
    "floor-human",
}  # ids of checks that few answers have
NOISE = -1.5  # wide enough that errors on the law of the mean draw are likely under every draw


def good(draws=DRAWS, seed=0, **options):
    return synthetic.values(draws, sd=SPREAD, seed=seed, log_drift=-3.5, log_noise=NOISE, **options)


def health(drawn=None, at=(), **options):
    held = synthetic.posterior({"cnn": good() if drawn is None else drawn}, **options)
    return check(held, at=at)


def one(found, id):
    """The only check of this id."""
    (row,) = [c for c in found.checks if c.id == id]
    return row


def ids(found):
    return [c.id for c in found.checks]


def test_nothing_wrong_is_one_passing_row_a_check():
    found = check(synthetic.posterior({"cnn": good(), "mlp": good(seed=1, exponent=0.2)}), at=[1e6])
    assert found.verdict == PASS, found.text
    assert not found.failed
    assert found.text.startswith("PASS: ")
    assert len(set(ids(found))) == len(found.table)
    assert found.table["curve"].isna().all()
    assert list(found.table) == ["id", "name", "verdict", "curve", "text", "next_step"]
    assert set(NAMES) <= {*ids(found), *UNUSUAL}
    assert "near-chance" not in ids(found)  # the generic card knows no level of guessing
    assert json.loads(found.to_json())["command"] == "check"


@pytest.mark.parametrize(
    ("limits", "value", "verdict"),
    [
        (verdicts.R_HAT, 1.0099, PASS),
        (verdicts.R_HAT, 1.01, REVIEW),
        (verdicts.R_HAT, 1.05, REVIEW),
        (verdicts.R_HAT, 1.051, FAIL),
        (verdicts.ESS, 400.0, PASS),
        (verdicts.ESS, 399.0, REVIEW),
        (verdicts.ESS, 100.0, REVIEW),
        (verdicts.ESS, 99.0, FAIL),
        (verdicts.MEMORY, 0.09, PASS),
        (verdicts.MEMORY, 0.1, REVIEW),
        (verdicts.MEMORY, 0.51, FAIL),
        (verdicts.CONFLICT, 100.0, REVIEW),
        (Limits(1.0, 2.0), np.inf, FAIL),
    ],
)
def test_limits(limits, value, verdict):
    assert limits.verdict(value) == verdict


@pytest.mark.parametrize(("shift", "verdict"), [(0.0, PASS), (0.05, REVIEW), (0.3, FAIL)])
def test_chains_that_disagree(shift, verdict):
    drawn = good(8000)
    drawn[:2000, 1] += shift  # the first chain, in units where the sd is 0.1
    row = one(health(drawn), "r-hat")
    assert (row.verdict, row.curves) == (verdict, ("vision/top-1/cnn",) * (verdict != PASS))
    assert row.message.values.get("quantity") == (None if verdict == PASS else "exponent")
    assert bool(row.next_step) == (verdict != PASS)


@pytest.mark.parametrize(("rho", "verdict"), [(0.0, PASS), (0.85, REVIEW), (0.98, FAIL)])
def test_draws_that_repeat_themselves(rho, verdict):
    drawn = good()
    noise = np.random.default_rng(0).standard_normal((4, DRAWS // 4))
    for i in range(1, DRAWS // 4):  # an autoregression has draws * (1 - rho) / (1 + rho) effective ones
        noise[:, i] = rho * noise[:, i - 1] + np.sqrt(1 - rho**2) * noise[:, i]
    drawn[:, 1] = np.log(0.3) + 0.1 * noise.ravel()
    assert one(health(drawn), "ess").verdict == verdict


@pytest.mark.parametrize(("quantity", "verdicts"), [(1, (FAIL, PASS)), (6, (PASS, REVIEW))])  # exponent, log slope
def test_tails_that_were_entered_once_fail_where_they_end_an_interval(quantity, verdicts):
    drawn = good()
    chains = drawn[:, quantity].reshape(4, -1).copy()
    for chain in chains:  # all values far out in one place, to both sides, so that the middle does not move
        far = abs(chain - np.median(chain)) > np.quantile(abs(chain - np.median(chain)), 0.9)
        chain[:] = np.concatenate([chain[~far], chain[far]])
    drawn[:, quantity] = chains.ravel()
    found = health(drawn)
    assert (one(found, "ess").verdict, one(found, "tail-ess").verdict) == verdicts
    assert found.failed == (FAIL in verdicts)


def test_a_draw_that_is_no_number_fails_loudly():
    drawn = good()
    held = synthetic.posterior({"cnn": drawn})
    held.tree["posterior"]["log_break"].values[0, 0, 0] = np.nan
    row = one(check(held), "finite-draws")
    assert (row.verdict, check(held).verdict) == (FAIL, FAIL)
    assert row.message.values["quantities"] == ["log_break"]
    assert check(held).failed


@pytest.mark.parametrize(("count", "verdict"), [(0, PASS), (3, PASS), (20, REVIEW), (100, FAIL)])
def test_divergences(count, verdict):
    row = one(health(stats={"divergences": count, "transitions": 4000}), "divergences")
    assert row.verdict == verdict
    assert row.message.values["worst"] == count / 4000


@pytest.mark.parametrize(
    ("name", "value", "verdict"),
    [
        ("memory", 0.05, PASS),
        ("memory", 0.2, REVIEW),
        ("memory", 1.0, FAIL),
        ("curve-ess", 1000.0, PASS),
        ("curve-ess", 200.0, REVIEW),
        ("curve-ess", 20.0, FAIL),
    ],
)
def test_what_an_engine_says_of_curves(name, value, verdict):
    row = one(health(curve_stats={name.replace("-", "_"): [value]}), name)
    assert row.verdict == verdict


def test_what_an_engine_says_of_groups_and_what_it_does_not_say():
    assert one(health(stats={"hyper_ess": 50.0}), "hyper-ess").verdict == FAIL
    assert one(health(stats={"hyper_memory": 0.2}), "hyper-memory").verdict == REVIEW
    silent = health(stats={"hyper_ess": np.nan}, curve_stats={"memory": [np.nan]})
    assert not {"hyper-ess", "memory", "curve-ess", "divergences"} & set(ids(silent))


def test_the_worst_curve_speaks_and_three_are_named():
    drawn = {f"net-{i}": good(400, seed=i) for i in range(6)}
    held = synthetic.posterior(drawn, curve_stats={"memory": [0.01, 0.15, 0.28, np.nan, 0.25, 0.12]})
    row = one(check(held), "memory")
    assert row.curve == "vision/top-1/net-2"
    assert row.message.values["worst"] == 0.28
    assert row.text.endswith(also([f"vision/top-1/net-{i}" for i in (4, 1, 5)]))
    assert row.curves == tuple(f"vision/top-1/net-{i}" for i in (2, 4, 1, 5))


def test_those_that_fail_are_told_from_those_that_need_a_look():
    drawn = {f"net-{i}": good(400, seed=i) for i in range(6)}
    held = synthetic.posterior(drawn, curve_stats={"memory": [0.01, 0.15, 0.85, np.nan, 0.65, 0.12]})
    row = one(check(held), "memory")
    assert row.verdict == FAIL
    assert row.curves == ("vision/top-1/net-2", "vision/top-1/net-4")
    assert row.text.endswith(also(["vision/top-1/net-4"], 2))
    assert [finding.verdict for finding in row.each] == [FAIL, FAIL, REVIEW, REVIEW]
    assert row.as_row()["curves"] == list(row.curves)


def test_a_group_far_from_its_card():
    card = load_card("generic-error-rate")
    centre = np.tile(card.hyper_mean[:-2], (DRAWS, 1)) + 0.01 * np.random.default_rng(0).standard_normal(
        (DRAWS, len(CENTRES))
    )
    assert one(health(centre=centre), "prior-data-conflict").verdict == PASS
    centre[:, 3] += 3.0 * card.hyper_sd[3]
    row = one(health(centre=centre), "prior-data-conflict")
    assert row.verdict == REVIEW
    assert {k: row.message.values[k] for k in ("quantity", "above")} == {"quantity": "floor_logit", "above": True}
    assert row.message.values["sds"] == pytest.approx(3.0, abs=0.01)


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("quantity", CENTRES)
def test_what_the_data_say_against_the_card_is_said_in_words(quantity, side):
    card, place = load_card("generic-error-rate"), CENTRES.index(quantity)
    centre = np.tile(card.hyper_mean[:-2], (DRAWS, 1))
    centre[:, place] += side * 3.0 * card.hyper_sd[place]
    row = one(health(centre=centre), "prior-data-conflict")
    assert row.verdict == REVIEW
    assert (row.message.values["quantity"], row.message.values["above"]) == (quantity, side > 0)
    assert FOUND[quantity][side > 0] in row.text
    harmless = side < 0 and quantity in ("log_noise", "log_drift", "log_slope")
    assert row.next_step == (UNIT if quantity == "level" else SMOOTH if harmless else NEXT)


def test_every_quantity_has_words_for_either_side():
    assert set(FOUND) == {*CENTRES, *LEARNED_SPREADS}
    assert len({words for both in FOUND.values() for words in both}) == 2 * len(FOUND)


def test_a_ridge_between_exponent_and_floor():
    drawn = good()
    drawn[:, 3] = -3.0 + 5.0 * (drawn[:, 1] - np.log(0.3)) + 0.05 * (drawn[:, 0] + 2.0)
    row = one(health(drawn), "floor-exponent-correlation")
    assert (row.verdict, row.message.id) == (REVIEW, "not-separated")
    assert row.message.values["correlation"] > 0.9
    drawn[:, 3] = -3.0 - 5.0 * (drawn[:, 1] - np.log(0.3))
    assert one(health(drawn), "floor-exponent-correlation").verdict == REVIEW


def flat(share_sd):
    """Draws of a curve at its floor, whose share of the error is known so well, along a ridge with the exponent."""
    drawn = good()
    drawn[:, 0] = -2.0
    drawn[:, 3] = np.log(50.0) + share_sd * 51.0 * (drawn[:, 1] - np.log(0.3)) / 0.1
    return drawn


def test_a_ridge_is_no_matter_where_floor_and_exponent_are_known_well():
    row = one(health(flat(0.005)), "floor-exponent-correlation")
    assert (row.verdict, row.curves) == (PASS, ())
    assert row.message.id == "both-well-known"
    assert one(health(flat(0.15)), "floor-exponent-correlation").verdict == REVIEW
    wide = flat(0.005)
    wide[:, 1] = np.log(0.3) + 4.0 * (wide[:, 1] - np.log(0.3))
    assert one(health(wide), "floor-exponent-correlation").verdict == REVIEW
    both = check(synthetic.posterior({"cnn": flat(0.005), "mlp": good(seed=1)}))
    found = one(both, "floor-exponent-correlation").message
    assert (found.id, found.values["well_known"]) == ("separated", 1)


def test_of_one_curve_no_spread_is_judged():
    """A single curve in another unit widens it; that architectures differ is not what is wrong."""
    said = []
    for names in (["net"], ["net", "other"]):
        found = synthetic.posterior({name: synthetic.values() for name in names})
        found.tree.posterior["log_spread"].values[..., 0] = 4.0
        said.append(next(prior_conflict(found)).message)
    assert said[0].id == "no-conflict"
    assert (said[1].values["quantity"], said[1].values["above"]) == ("level_spread", True)


def test_what_only_the_prior_says():
    card = load_card("generic-error-rate")
    prior = np.hypot(card.hyper_sd[3], card.spread_fixed[1])
    found = health(synthetic.values(DRAWS, sd=SPREAD | {"floor_logit": 0.9 * prior}, log_drift=-3.5))
    assert one(found, "floor-from-the-prior").verdict == REVIEW
    assert one(found, "exponent-from-the-prior").verdict == PASS
    share = one(found, "floor-from-the-prior").message.values["share"]
    assert share == pytest.approx(0.90, abs=0.04)  # of DRAWS draws
    found = health(synthetic.values(DRAWS, sd=SPREAD | {"log_exponent": 1.2}, log_drift=-3.5))
    assert one(found, "exponent-from-the-prior").verdict == REVIEW


def test_the_prior_sd_is_that_of_draws_from_the_prior():
    card, rng = load_card("generic-error-rate"), np.random.default_rng(0)
    hyper = card.hyper_mean + card.hyper_sd * rng.standard_normal((200_000, len(card.hyper_mean)))
    drawn = hyper[:, 1] + np.exp(hyper[:, -1]) * rng.standard_normal(len(hyper))
    few = synthetic.values(DRAWS, log_drift=-3.5, sd=SPREAD)
    few[:, 1] = np.random.default_rng(1).choice(drawn, DRAWS)
    found = one(health(few), "exponent-from-the-prior").message
    assert found.values["share"] == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("span", {"sizes": (1000, 2000, 4000)}),
        ("one-seed", {"seeds": 1}),
        ("non-monotone", {"error": {"cnn": [0.5, 0.4, 0.43, 0.3, 0.2]}}),
        ("ill-behaved", {"error": {"cnn": [0.5, 0.4, 0.5, 0.3, 0.2]}}),
    ],
)
def test_what_the_measurements_cannot_tell(name, options):
    row = one(health(**options), name)
    assert row.verdict == REVIEW
    assert row.curve == "vision/top-1/cnn"
    assert row.next_step
    assert one(health(), name).verdict == PASS
    assert one(health(error={"cnn": [0.5, 0.4, 0.43, 0.3, 0.2]}), "ill-behaved").verdict == PASS


def test_a_rise_at_the_largest_sizes_has_words_of_its_own():
    error = {
        "dip": [0.5, 0.3, 0.45, 0.2, 0.15],
        "end": [0.5, 0.3, 0.2, 0.23, 0.26],
        "good": [0.5, 0.3, 0.2, 0.15, 0.12],
    }
    found = check(synthetic.posterior({name: good(seed=i) for i, name in enumerate(error)}, error=error))
    row = one(found, "non-monotone")
    assert row.curves == ("vision/top-1/dip", "vision/top-1/end")
    assert [(one.label, one.message.id) for one in row.each] == [
        ("vision/top-1/dip", "rise"),
        ("vision/top-1/end", "still-up"),
    ]
    assert row.next_step == f"{FAILED_RUNS}; {STILL_UP}"
    alone = check(synthetic.posterior({"end": good()}, error={"end": error["end"]}))
    assert one(alone, "non-monotone").next_step == STILL_UP
    said = one(alone, "ill-behaved").message
    assert (said.id, said.values["rise"]) == ("still-up", pytest.approx(0.3))


def test_a_rise_that_noise_explains_is_no_rise():
    """Three runs that scatter by 30 %: the mean rises by 22 % at one size."""
    runs = np.exp(0.3 * np.array([-1.0, 0.0, 1.0]))
    curve = {"architecture": "cnn", "domain": "vision", "task": "top-1", "n": np.repeat(synthetic.SIZES, 3)}
    error = np.outer([0.5, 0.4, 0.3, 0.367, 0.2], runs).ravel()
    table = read_curves(pd.DataFrame(curve | {"error": error, "seed": [0, 1, 2] * 5}))
    held = synthetic.posterior({"cnn": good()}, seeds=3)
    found = check(Posterior(held.tree, table, held.cards))
    assert one(found, "non-monotone").verdict == one(found, "ill-behaved").verdict == PASS
    assert one(found, "non-monotone").message.id == one(found, "ill-behaved").message.id == "within-noise"


@pytest.mark.parametrize(
    ("beyond", "verdict", "id"),
    [(0.9, PASS, "near"), (1.5, REVIEW, "beyond"), (3.0, REVIEW, "far-beyond"), (4.5, FAIL, "far-beyond")],
)
def test_how_far_ahead_is_asked(beyond, verdict, id):
    span = np.log10(synthetic.SIZES[-1] / synthetic.SIZES[0])
    row = one(health(at=[1e5, synthetic.SIZES[-1] * 10 ** (beyond * span)]), "extrapolation")
    assert (row.verdict, row.message.id) == (verdict, id)
    assert row.message.values["spans"] == pytest.approx(beyond)
    assert "extrapolation" not in ids(health())


@pytest.mark.parametrize("at", [9.0, 1e-9])
def test_how_far_below_the_data_is_asked(at):
    """Two decades are measured; what lies below them may call for a look, but fails nothing."""
    row = one(health(at=[at, 1e5]), "extrapolation")
    assert (row.verdict, row.message.id) == (REVIEW, "below")
    decades = np.log10(synthetic.SIZES[0] / at)
    assert [row.message.values[k] for k in ("n", "decades", "spans")] == pytest.approx([at, decades, decades / 2])
    assert one(health(at=[110.0, 1e5]), "extrapolation").verdict == PASS


def test_a_curve_of_one_size_leans_on_the_span_of_its_group():
    curves = {"cnn": good(), "once": good()}
    held = synthetic.posterior(curves, sizes={"cnn": synthetic.SIZES, "once": synthetic.SIZES[-1:]})
    assert one(check(held, at=[synthetic.SIZES[-2]]), "extrapolation").verdict == PASS
    assert one(check(held, at=[synthetic.SIZES[-1] * 10**3]), "extrapolation").verdict == REVIEW


def test_the_side_on_which_a_size_lies_farther_speaks():
    assert one(health(at=[1.0, 1e7]), "extrapolation").message.id == "below"
    assert one(health(at=[10.0, 1e8]), "extrapolation").message.id == "beyond"
    assert one(health(at=[1e-9, 1e15]), "extrapolation").verdict == FAIL


def test_overall_words_name_what_failed():
    found = health(seeds=1, stats={"hyper_ess": 50.0})
    assert found.verdict == FAIL
    assert found.text.startswith("FAIL: ")
    assert all(NAMES[id] in found.text for id in ("hyper-ess", "one-seed"))
    assert health(seeds=1).text.startswith("REVIEW: 1 of ")


@pytest.mark.parametrize("size", [0.0, -1.0, np.nan, np.inf])
def test_sizes_that_are_none(size):
    with pytest.raises(RequestError, match="at: found"):
        health(at=[size])
