"""The forecast under other priors: weights are ratios of densities, and reweighting agrees with another fit."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from helpers import synthetic
from scipy import stats

from forecaster.checks.card_sensitivity import AS_IT_IS, CHANGES, Change, card_table, prior_weights
from forecaster.checks.check import check
from forecaster.domains.loading import load_card
from forecaster.domains.quantities import CENTRES
from forecaster.errors import RequestError
from forecaster.inference.fit import fit
from forecaster.model.simulate import simulate
from forecaster.prediction.forecast import Forecast, forecast
from forecaster.results.check import PASS, REVIEW

CARD = load_card("generic-error-rate")


def tied(slope: float, centre_sd: float = 1.0):
    """A posterior whose level moves with the centre of the floor: ``slope`` of error per prior sd."""
    rng = np.random.default_rng(0)
    centre = CARD.hyper_mean[: len(CENTRES)] + centre_sd * CARD.hyper_sd[: len(CENTRES)] * rng.standard_normal(
        (4000, len(CENTRES))
    )
    drawn = synthetic.values(4000, log_noise=-1.5, log_drift=-3.5, sd={"level": 0.05})
    drawn[:, 0] += slope * (centre[:, 3] - CARD.hyper_mean[3]) / CARD.hyper_sd[3]
    return synthetic.posterior({"cnn": drawn}, centre=centre)


def test_weights_are_ratios_of_normal_densities():
    centre = CARD.hyper_mean[: len(CENTRES)] + 0.3 * CARD.hyper_sd[: len(CENTRES)] * np.random.default_rng(
        0
    ).standard_normal((4000, len(CENTRES)))
    for change in CHANGES:
        weights, k = prior_weights(centre, CARD, change)
        moved = stats.norm(CARD.hyper_mean[: len(CENTRES)] + change.shift(CARD), CARD.hyper_sd[: len(CENTRES)])
        wanted = np.exp(
            (
                moved.logpdf(centre)
                - stats.norm(CARD.hyper_mean[: len(CENTRES)], CARD.hyper_sd[: len(CENTRES)]).logpdf(centre)
            ).sum(1)
        )
        middle = np.argsort(wanted)[:3500]  # the upper tail is smoothed
        np.testing.assert_allclose(
            weights[middle] / weights[middle[0]], wanted[middle] / wanted[middle[0]], rtol=1e-7
        )  # draws are told apart by 1e-9
        assert weights.sum() == pytest.approx(1.0)
        assert k < 0.7


def test_a_shift_is_by_prior_sds_or_by_nats():
    shift = dict(zip(CENTRES, Change("x", "y", ("floor_logit",), sds=-2.0).shift(CARD), strict=True))
    assert shift["floor_logit"] == -2.0 * CARD.priors["floor_logit"].scale
    assert [v for name, v in shift.items() if name != "floor_logit"] == [0.0] * 7
    drift = next(c for c in CHANGES if c.change == "doubled").shift(CARD)
    assert drift.tolist() == pytest.approx([0, 0, 0, 0, 0, np.log(2), np.log(2), 0])


def test_reweighting_follows_the_centre():
    """With no data on the centre, a prior one sd higher moves the error by the slope that ties them."""
    table = card_table(forecast(tied(0.1, centre_sd=1.0), [synthetic.SIZES[-1]])).set_index(["prior", "change"])
    now = np.log(table.loc[("card", AS_IT_IS), "yhat"])
    assert np.log(table.loc[("floor", "one sd higher"), "yhat"]) - now == pytest.approx(0.1, abs=0.02)
    assert np.log(table.loc[("floor", "one sd lower"), "yhat"]) - now == pytest.approx(-0.1, abs=0.02)
    assert table.loc[("exponent", "one sd higher"), "moved"] == pytest.approx(0.0, abs=0.1)


def test_weights_that_cannot_be_trusted_give_no_number():
    held = tied(0.1, centre_sd=6.0)
    rows = card_table(forecast(held, [1e6]))
    doubtful = rows[rows["pareto_k"] > 0.7]
    assert len(doubtful)
    assert doubtful[["yhat", "yhat_lower", "yhat_upper", "moved"]].isna().all(axis=None)
    found = {c.id: c for c in check(held, at=[1e6]).checks}["card-reweighting"]
    assert (found.verdict, found.message.id) == (REVIEW, "not-reweightable")
    assert found.message.values["pareto_k"] == doubtful["pareto_k"].max()
    assert "null" in check(held, at=[1e6]).to_json()


@pytest.mark.parametrize(("slope", "verdict"), [(0.0, PASS), (0.3, REVIEW)])
def test_a_forecast_that_hangs_on_a_prior_is_flagged(slope, verdict):
    found = {c.id: c for c in check(tied(slope), at=[synthetic.SIZES[-1]]).checks}["card-sensitivity"]
    assert found.verdict == verdict
    assert found.message.values.get("prior") == (None if verdict == PASS else "floor")
    assert (found.message.values["moved"] > 0.5) == (verdict == REVIEW)
    assert "card-sensitivity" not in {c.id for c in check(tied(slope)).checks}


def test_a_forecast_without_a_posterior_is_refused():
    found = forecast(tied(0.0), [1e6])
    with pytest.raises(RequestError, match="posterior"):
        card_table(Forecast(found.table, found.text))


def test_reweighting_agrees_with_another_fit():
    """The forecast under a changed card, by weights and by the engine; both differ from the card as it is."""
    simulated = simulate(CARD, np.geomspace(100, 1e5, 8), architectures=3, seeds=2, seed=2)
    at = [3e6]
    many = {"draws": 4000, "fallback": False}  # of a thousand, both sides' ends err by a fifth of half an interval
    held = fit(simulated.curves, card=CARD, **many)
    table = card_table(forecast(held, at)).set_index(["architecture", "prior", "change"])
    for change in (c for c in CHANGES if c.prior == "floor"):
        changed = dict(CARD.priors)
        for name, shift in zip(CENTRES, change.shift(CARD), strict=True):
            if shift:
                changed[name] = msgspec.structs.replace(changed[name], mean=changed[name].location + float(shift))
        again = forecast(fit(simulated.curves, card=msgspec.structs.replace(CARD, priors=changed), **many), at)
        for row in again.table.to_dict("records"):
            mine = table.loc[(row["architecture"], change.prior, change.change)]
            now = table.loc[(row["architecture"], "card", AS_IT_IS)]
            half = 0.5 * np.log(row["yhat_upper"] / row["yhat_lower"])
            for name in ("yhat", "yhat_lower", "yhat_upper"):
                assert abs(np.log(mine[name] / row[name])) < 0.1 * half, (change, row["architecture"], name)
            assert (mine["yhat"] - now["yhat"]) * (row["yhat"] - now["yhat"]) > 0
