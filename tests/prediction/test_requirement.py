"""Data needed: against the law's closed inverse, and against what any such answer must obey."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from helpers import synthetic
from helpers.inverse_law import log_size_needed
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.errors import RequestError
from forecaster.model import law as laws
from forecaster.prediction.crossings import HORIZON_FACTOR, confirmed, first_log_size
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.forecast import forecast
from forecaster.prediction.paths import curve_paths
from forecaster.prediction.requirement import requirement
from forecaster.prediction.requirement_prose import of_row, prose
from forecaster.results.wording import percent, plain_number, plain_size

QS = ["q5", "q25", "q50", "q75", "q95"]
X_MIN, X_REF = np.log(synthetic.SIZES[0]), np.log(synthetic.SIZES[-1])
SPREAD = {"level": 0.05, "log_exponent": 0.2, "floor_logit": 0.8, "log_drift": 0.2}


@pytest.fixture(scope="module")
def wandering():
    """Two architectures with spread parameters and drift."""
    return synthetic.posterior(
        {
            "cnn": synthetic.values(log_drift=-3.5, sd=SPREAD),
            "mlp": synthetic.values(exponent=0.2, level=-1.5, log_drift=-3.5, sd=SPREAD, seed=1),
        }
    )


@settings(max_examples=25, deadline=None)
@given(st.floats(0.1, 0.6), st.floats(-6.0, 0.0), st.floats(0.0, 2.0), st.floats(-3.4, -2.02))
def test_without_drift_it_is_the_law_inverted(exponent, floor_logit, log_break, log_target):
    drawn = synthetic.values(4, exponent=exponent, floor_logit=floor_logit, log_break=log_break)
    level, log_exponent, log_break, floor_logit = drawn[0, :4]
    sharpness = np.exp(drawn[0, -1])
    exact = log_size_needed(
        np.float64(log_target), X_REF, level, log_exponent, X_MIN + log_break, floor_logit, sharpness
    )
    row = requirement(synthetic.posterior({"cnn": drawn}), np.exp(log_target)).table.iloc[0]
    if exact > np.log(HORIZON_FACTOR) + X_REF:
        assert row["q50"] == np.inf
        assert row["p_never"] == 1.0
    else:
        assert np.log(row[QS].to_numpy(dtype=float)) == pytest.approx(np.full(5, max(exact, X_MIN)), abs=3e-3)
        assert row["p_never"] == 0.0
    floor = laws.floor(np, level, floor_logit)
    assert row["p_floor_above"] == float(floor > np.exp(log_target))


def test_quantiles_are_the_quantiles_of_the_law_inverted_draw_by_draw():
    drawn = synthetic.values(400, sd={"log_exponent": 0.2, "floor_logit": 0.5})
    sharpness = np.exp(drawn.T[-1])
    level, log_exponent, log_break, floor_logit = drawn.T[:4]
    exact = log_size_needed(np.log(0.05), X_REF, level, log_exponent, X_MIN + log_break, floor_logit, sharpness)
    found = requirement(synthetic.posterior({"cnn": drawn}), 0.05)
    within = np.where(exact <= X_REF + np.log(HORIZON_FACTOR), exact, np.inf)
    expected = np.quantile(within, [0.05, 0.25, 0.5, 0.75, 0.95], method="inverted_cdf")
    row = found.table.iloc[0]
    assert np.log(row[QS].to_numpy(dtype=float)) == pytest.approx(expected, abs=5e-3)
    assert row["p_never"] == np.mean(np.isinf(within))


def test_harder_targets_need_more_and_the_shares_add_up(wandering):
    errors = [0.15, 0.1, 0.05, 0.02, 0.01]
    found = requirement(wandering, errors, limit=1e6)
    for _, rows in found.table.groupby("architecture"):
        assert rows["target"].tolist() == errors
        for q in QS:
            assert (np.diff(np.log(rows[q].clip(upper=1e300))) >= 0).all()
        assert (rows["p_never"].diff().dropna() >= 0).all()
        assert (rows["p_within_limit"].diff().dropna() <= 0).all()
        assert (rows["already_met"] <= rows["p_within_limit"]).all()
    assert (found.table[QS].diff(axis=1).iloc[:, 1:].fillna(0.0) >= 0).all(axis=None)
    reached = np.isfinite(found.draws).mean(("chain", "draw")).values
    assert found.table["p_never"].to_numpy() + reached == pytest.approx(1.0)
    assert ((found.table["q95"] == np.inf) == (found.table["p_never"] > 0.05)).all()


def test_a_target_measured_long_ago_is_met_and_one_below_the_floor_never():
    held = synthetic.posterior({"cnn": synthetic.values(floor_logit=0.0, level=-2.0)})
    table = requirement(held, [0.14, 0.01]).table
    assert table["already_met"].tolist() == [1.0, 0.0]
    assert table["p_floor_above"].tolist() == [0.0, 1.0]
    assert table["p_never"].tolist() == [0.0, 1.0]
    easy = requirement(held, 10.0).table.iloc[0]
    assert easy[QS].to_list() == pytest.approx([synthetic.SIZES[0]] * 5)


def test_a_target_that_was_reached_and_lost_again_is_told():
    """Errors that fall to 0.1 and end at 0.2, which paths follow."""
    drawn = synthetic.values(level=np.log(0.2), log_drift=np.log(0.5), log_noise=-6.0)
    held = synthetic.posterior({"cnn": drawn}, error={"cnn": [0.3, 0.2, 0.1, 0.14, 0.2]})
    found = requirement(held, [0.25, 0.12, 0.01])
    assert found.table["p_risen"].tolist() == pytest.approx([0.0, 1.0, 0.0], abs=0.01)
    (risen,) = found.checks
    assert (risen.id, risen.verdict) == ("risen", "REVIEW")
    assert (risen.message.values["target"], risen.message.values["n"]) == (0.12, found.table["q50"].iloc[1])
    assert [of_row(row).id for row in found.table.to_dict("records")] == ["met", "risen", "at-least"]
    assert not requirement(held, [0.25, 0.01]).checks


def test_the_first_crossing_counts_and_is_log_linear_between_sizes():
    x = np.array([0.0, 1.0, 2.0, 3.0])
    paths = np.array([[2.0, 0.0, 2.0, 0.0], [2.0, 2.0, 2.0, 2.0], [0.5, 2.0, 2.0, 2.0], [2.0, 2.0, 2.0, 1.0]])
    assert first_log_size(x, paths, 1.0).tolist() == [0.5, np.inf, 0.0, 3.0]
    assert first_log_size(x, paths, np.array([0.0, 3.0, 0.0, 1.5])).tolist() == [1.0, 0.0, np.inf, 2.5]


def test_a_dip_between_two_measured_sizes_is_not_enough():
    """A rough curve, whose paths wander by 30 % between sizes that all lie 20 % above the target."""
    rough = synthetic.posterior(
        {"cnn": synthetic.values(1000, level=np.log(0.12), log_drift=np.log(0.3), log_noise=-9.0)},
        error={"cnn": [0.13, 0.125, 0.124, 0.122, 0.12]},
    )
    row = requirement(rough, 0.1, limit=1e5).table.iloc[0]
    assert row["already_met"] == 0.0
    assert row["p_within_limit"] == 0.0
    dense = np.geomspace(synthetic.SIZES[0], synthetic.SIZES[-1], 200)
    paths = curve_paths(rough, CurveKey(*synthetic.GROUP, "cnn"), dense).at(dense)
    assert np.mean((paths < np.log(0.1)).any(1)) > 0.5  # the dips are there
    assert requirement(rough, 0.1205).table.iloc[0]["already_met"] > 0.9  # the last size has it


def test_where_errors_fall_every_size_between_counts():
    held, far = synthetic.posterior({"cnn": synthetic.values(4)}), [synthetic.SIZES[0], 1e7]
    paths, other = (curve_paths(held, CurveKey(*synthetic.GROUP, name), far).whole for name in ("cnn", "unmeasured"))
    falling = np.cumsum(-np.random.default_rng(0).random((len(paths.x), 4)), 0)
    known = paths.x <= np.log(synthetic.SIZES[-1]) + 1e-9
    assert np.array_equal(confirmed(paths, falling), falling[known])
    assert len(confirmed(other, -falling[: len(other.x)])) == 0  # of an architecture without data
    rising = confirmed(paths, -falling)
    steps = np.searchsorted(paths.origin.x[::-1], paths.x[known])  # one level from each measured size to the next
    assert all(len(np.unique(rising[steps == k, 0])) == 1 for k in range(len(synthetic.SIZES)))


def test_horizon_and_limit_are_kept_to(wandering):
    near = requirement(wandering, 0.05, horizon=1e6).table
    far = requirement(wandering, 0.05, horizon=1e12).table
    assert (near["p_never"] >= far["p_never"]).all()
    assert (near["horizon"] == 1e6).all()
    assert near[QS].where(np.isfinite(near[QS]), 0.0).max(axis=None) <= 1e6 * (1 + 1e-9)
    whole = requirement(wandering, 0.05, limit=1e6, horizon=1e6).table
    assert whole["p_within_limit"].to_numpy() == pytest.approx(1.0 - whole["p_never"].to_numpy())
    assert near["p_within_limit"].isna().all()
    beyond = requirement(wandering, 0.05, limit=1e13).table
    assert (beyond["horizon"] == 1e13).all()


def test_one_new_run_is_less_certain_than_the_mean():
    held = synthetic.posterior({"cnn": synthetic.values(2000, log_noise=np.log(0.1), floor_logit=-9.0)})
    mean, run = (
        np.log(requirement(held, 0.08, kind=kind).draws.values[..., 0].ravel()) for kind in ("mean", "new-run")
    )
    assert np.std(mean) < 1e-9
    assert np.std(run) == pytest.approx(0.1 / 0.3, rel=0.1)  # noise over the slope


def test_an_architecture_without_data_is_answered_from_the_hierarchy():
    drawn = synthetic.values(sd=SPREAD)
    held = synthetic.posterior({"cnn": drawn}, centre=drawn)
    found = requirement(held, 0.08, curves=[CurveKey(*synthetic.GROUP, "new"), "cnn"])
    assert found.table["architecture"].tolist() == ["new", "cnn"]
    new, known = found.table.to_dict("records")
    assert new["q25"] < known["q25"] < known["q75"] < new["q75"]
    assert new["p_never"] > known["p_never"]


def test_answers_do_not_depend_on_what_else_is_asked_about(wandering):
    every, whole = requirement(wandering, 0.08, seed=4).table, forecast(wandering, [1e6], seed=4).table
    points = pd.DataFrame([(*synthetic.GROUP, "mlp", 1e6)], columns=["domain", "task", "architecture", "n"])
    alone = requirement(wandering, 0.08, curves=["mlp"], seed=4).table
    assert alone.iloc[0].astype(str).tolist() == every.query("architecture == 'mlp'").iloc[0].astype(str).tolist()
    own = whole.query("architecture == 'mlp'")
    assert forecast(wandering, points, seed=4).table["yhat_lower"].tolist() == own["yhat_lower"].tolist()
    twins = synthetic.posterior({"a": synthetic.values(log_drift=-3.5), "b": synthetic.values(log_drift=-3.5)})
    one, other = forecast(twins, [1e6], seed=4).table["yhat_lower"]
    assert one != other  # each has randomness of its own


def test_a_share_of_cases_is_at_most_one():
    """Below the smallest size the law would go on rising; with errors above 1 they are no shares."""
    sizes = [1000 * 2**k for k in range(6)]
    steep = {"net": synthetic.values(exponent=0.6, level=-3.0, log_break=-9.0, log_drift=-2.0)}
    rates, losses = (synthetic.posterior(steep, sizes=sizes, card=c) for c in ("image-classification-top1", "generic"))
    for kind in ("mean", "new-run"):
        assert forecast(rates, [1.0], kind=kind).table["yhat_upper"].max() <= 1.0
    assert forecast(losses, [1.0]).table["yhat_upper"].max() > 1.0


def test_below_its_break_a_curve_is_at_small_data_however_high_its_floor():
    early = synthetic.posterior({"net": synthetic.values(floor_logit=2.0, log_break=4.0)})
    regions = forecast(early, [synthetic.SIZES[0], 1e9]).table["region"].tolist()
    assert regions == ["small-data", "floor"]


def test_a_target_above_every_error_measured_is_remarked_on(wandering):
    (found,) = requirement(wandering, [50.0, 0.08]).checks
    assert (found.id, found.verdict) == ("target", "REVIEW")
    assert found.message.values["target"] == 50.0
    assert found.message.values["largest"] == max(c.error.max() for c in wandering.curves.curves)
    assert not requirement(wandering, 0.08).checks


def test_the_same_seed_gives_the_same_answer(wandering):
    one, two, other = (requirement(wandering, 0.05, seed=s).draws for s in (3, 3, 4))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


ROW = {
    "domain": "d", "task": "t", "architecture": "net", "target": 0.05, "kind": "mean", "level": 0.8,
    "q5": 1e4, "q25": 2e4, "q50": 3e4, "q50_lower": 1.5e4, "q50_upper": 7.5e4, "q75": 4e4, "q95": 9e4,
    "p_never": 0.0, "p_floor_above": 0.0, "p_within_limit": np.nan, "limit": np.nan, "horizon": 1e9,
    "already_met": 0.0, "p_risen": 0.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "id", "shown"),
    [
        ({}, "between", ["80 %", "15,000", "75,000", "30,000"]),
        ({"level": 0.5, "limit": 5e4, "p_within_limit": 0.77}, "between", ["50 %", "77 %", "50,000"]),
        ({"q50_upper": np.inf, "p_never": 0.12}, "at-least", ["90 %", "15,000", "12 %"]),
        ({"q50_upper": np.inf, "q50": np.inf, "p_never": 0.6}, "at-least", ["90 %", "15,000", "60 %"]),
        ({"q50_lower": np.inf, "q50": np.inf, "q50_upper": np.inf, "p_never": 0.97}, "not-expected", ["97 %"]),
        ({"already_met": 0.96}, "met", ["96 %"]),
        ({"already_met": 0.96, "p_risen": 0.7}, "risen", ["96 %", "70 %"]),
    ],
)
def test_a_row_in_words(changed, id, shown):
    said = of_row(ROW | changed)
    assert said.id == id
    assert [text for text in shown if text not in said.text] == []


def test_of_many_rows_those_that_need_the_least_data_are_spelled_out():
    rows = [ROW | {"architecture": f"net-{i}", "q50": 1e4 * (12 - i)} for i in range(12)]
    said = prose(pd.DataFrame(rows), {("d", "t"): 1e3})
    assert [one.values.get("architecture") for one in said[:8]] == [f"net-{i}" for i in range(11, 3, -1)]
    assert [one.id for one in said[8:]] == ["more-rows", "horizon", "allowed-for"]
    assert said[8].values["rows"] == 4
    assert "1,000,000 times" in said[9].text  # horizon 1e9 over 1e3


def test_words_and_json(wandering):
    found = requirement(wandering, [0.15, 0.03, 1e-4], limit=1e6)
    said = json.loads(found.to_json())
    assert said["command"] == "requirement"
    assert said["table"][2]["q95"] == "inf"
    assert json.loads(requirement(wandering, 0.05).to_json())["table"][0]["limit"] is None


def test_the_interval_is_of_the_level_asked_for(wandering):
    """The quantiles of the draws; at 90 % they are the columns q5 and q95."""
    tables = {level: requirement(wandering, [0.1, 0.05], level=level, seed=2).table for level in (0.5, 0.8, 0.9)}
    assert (tables[0.5]["q50_lower"] == tables[0.5]["q25"]).all()
    assert (tables[0.5]["q50_upper"] == tables[0.5]["q75"]).all()
    assert (tables[0.9]["q50_lower"] == tables[0.9]["q5"]).all()
    assert (tables[0.9]["q50_upper"] == tables[0.9]["q95"]).all()
    assert (tables[0.9]["q50_lower"] < tables[0.8]["q50_lower"]).all()
    reached = np.isfinite(tables[0.9]["q50_upper"])
    assert reached.sum() > 1
    assert (tables[0.8]["q50_upper"] < tables[0.9]["q50_upper"])[reached].all()
    for level, table in tables.items():
        assert (table["level"] == level).all()
        assert table[QS].equals(tables[0.8][QS])
    assert requirement(wandering, 0.1).table["level"].iloc[0] == 0.8
    with pytest.raises(RequestError, match="level: found 80"):
        requirement(wandering, 0.1, level=80)


def test_numbers_for_people():
    assert (plain_size(12345.0), plain_size(1.23e9), plain_size(1.5)) == ("12,300", "1.23e9", "1.5")
    large = [plain_number(v) for v in (0.05, 150_000.0, 2.5e6)]
    assert large == ["0.05", "150,000", "2,500,000"]
    assert (percent(0.0), percent(0.001), percent(0.5), percent(0.999)) == (
        "under 1 %",
        "under 1 %",
        "50 %",
        "over 99 %",
    )


@pytest.mark.parametrize(
    ("target", "options", "said"),
    [
        (0.0, {}, "target: found 0"),
        (-1.0, {}, "target: found -1"),
        (np.nan, {}, "target: found nan"),
        (np.inf, {}, "target: found inf"),
        ([], {}, "target: found none"),
        (0.1, {"limit": 0}, "limit: found 0"),
        (0.1, {"horizon": -5}, "horizon: found -5"),
        (0.1, {"horizon": 100.0}, "smallest measured size"),
        (0.1, {"horizon": 1e6, "limit": 1e7}, "beyond the horizon"),
        (0.1, {"kind": "best"}, "kind: found 'best'"),
        (0.1, {"curves": ["vit"]}, "no curve 'vit'"),
        (0.1, {"curves": []}, "no curves to ask about"),
        (0.1, {"curves": [CurveKey("speech", "all", "cnn")]}, "no curves of speech/all"),
    ],
)
def test_requests_that_cannot_be_answered(wandering, target, options, said):
    with pytest.raises(RequestError, match=said):
        requirement(wandering, target, **options)
