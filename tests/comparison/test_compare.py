"""Comparisons: against closed forms of the law and the normal, and against what changing places must do."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
from helpers import synthetic
from scipy.stats import norm

from forecaster.cli.console import print_result
from forecaster.comparison.compare import compare
from forecaster.comparison.overlap import overlap
from forecaster.comparison.prose import BOUND, prose
from forecaster.errors import RequestError
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.forecast import forecast
from forecaster.prediction.requirement import requirement
from forecaster.results.message import joined

SPREAD = {"level": 0.05, "log_exponent": 0.15, "floor_logit": 0.5, "log_drift": 0.2}
LARGEST = float(synthetic.SIZES[-1])


def said(found):
    """The messages of a comparison."""
    return prose(found.tables)


def of_pairs(found):
    """Those about pairs."""
    return [one for one in said(found) if one.id in ("one-ahead", "lead-changes", "open")]


def both(one, other, **options):
    """Architectures ``cnn`` and ``mlp``, in this order."""
    return compare(synthetic.posterior({"cnn": one, "mlp": other}), pairs=[("cnn", "mlp")], **options)


@pytest.fixture(scope="module")
def wandering():
    """Three architectures with spread parameters and drift."""
    return synthetic.posterior(
        {
            "cnn": synthetic.values(log_drift=-3.5, sd=SPREAD),
            "mlp": synthetic.values(exponent=0.25, level=-1.9, log_drift=-3.5, sd=SPREAD, seed=1),
            "vit": synthetic.values(exponent=0.33, level=-1.8, log_drift=-3.5, sd=SPREAD, seed=2),
        }
    )


def test_probabilities_of_exponents_are_those_of_their_normals():
    draws, sd = 20_000, 0.1
    one = synthetic.values(draws, exponent=0.30, sd={"log_exponent": sd})
    other = synthetic.values(draws, exponent=0.27, sd={"log_exponent": sd}, seed=1)
    row = both(one, other, rope=0.1, at=[1e5]).exponents.iloc[0]
    gap = norm(np.log(0.30 / 0.27), sd * np.sqrt(2))
    close = np.log(1.1)
    assert row["p_steeper"] == pytest.approx(gap.sf(0.0), abs=0.015)
    assert row["p_clearly_steeper"] == pytest.approx(gap.sf(close), abs=0.015)
    assert row["p_equal"] == pytest.approx(gap.cdf(close) - gap.cdf(-close), abs=0.015)
    assert row["exponent_a"] == pytest.approx(0.30, rel=0.005)
    assert row["exponent_a_lower"] == pytest.approx(0.30 * np.exp(norm.ppf(0.1) * sd), rel=0.005)
    expected = 2 * norm.cdf(-np.log(0.30 / 0.27) / (2 * sd))  # two normals of one sd
    assert row["overlap"] == pytest.approx(expected, abs=0.02)


def test_pairing_sees_what_overlap_cannot():
    shared = np.random.default_rng(0).standard_normal(400)
    one, other = synthetic.values(400), synthetic.values(400)
    one[:, 1] = np.log(0.30) + 0.4 * shared
    other[:, 1] = np.log(0.25) + 0.4 * shared
    row = both(one, other).exponents.iloc[0]
    assert row["overlap"] > 0.7
    assert row["p_clearly_steeper"] == 1.0
    assert row["verdict"] == "A steeper"


@pytest.mark.parametrize(
    ("exponent", "sd", "verdict"),
    [(0.2, 0.02, "A steeper"), (0.45, 0.02, "B steeper"), (0.3, 0.02, "practically equal"), (0.3, 0.3, "undecided")],
)
def test_verdicts(exponent, sd, verdict):
    one = synthetic.values(400, sd={"log_exponent": sd})
    other = synthetic.values(400, exponent=exponent, sd={"log_exponent": sd}, seed=1)
    found = both(one, other)
    row = found.exponents.iloc[0]
    assert row["verdict"] == verdict
    assert row[["p_equal", "p_clearly_steeper", "p_clearly_shallower"]].sum() == pytest.approx(1.0)
    assert of_pairs(found)[0].values["exponents"] == verdict
    assert found.text == joined(said(found), "\n")


def test_overlap_of_the_same_is_one_and_of_far_apart_zero():
    rng = np.random.default_rng(0)
    draws = rng.standard_normal(4000)
    assert overlap(draws, draws) == pytest.approx(1.0)
    assert overlap(draws, rng.standard_normal(4000)) == pytest.approx(1.0, abs=0.05)
    assert overlap(draws, draws + 20.0) == pytest.approx(0.0, abs=1e-9)
    assert overlap(np.zeros(10), np.zeros(10)) == 1.0
    assert overlap(np.zeros(10), np.ones(10)) == pytest.approx(0.0, abs=1e-9)
    for shift in (0.5, 1.0, 2.0):
        assert overlap(draws, rng.standard_normal(4000) + shift) == pytest.approx(2 * norm.cdf(-shift / 2), abs=0.03)


def test_changing_places_turns_every_answer(wandering):
    at = [1e5, 1e6, 1e8]
    ahead = compare(wandering, pairs=[("cnn", "mlp")], at=at)
    back = compare(wandering, pairs=[("mlp", "cnn")], at=at)
    for name in ("slopes", "exponents"):
        one, two = getattr(ahead, name), getattr(back, name)
        assert (one["a"] == two["b"]).all()
        assert one["p_steeper"].to_numpy() == pytest.approx(1.0 - two["p_steeper"].to_numpy())
        assert one["p_clearly_steeper"].tolist() == two["p_clearly_shallower"].tolist()
        assert one["p_equal"].to_numpy() == pytest.approx(two["p_equal"].to_numpy())
        assert one["overlap"].to_numpy() == pytest.approx(two["overlap"].to_numpy())
        assert one["difference_lower"].to_numpy() == pytest.approx(-two["difference_upper"].to_numpy())
    assert ahead.slopes["n"].tolist() == [1e6, 1e8], "beyond the data alone"
    one, two = ahead.crossings.iloc[0], back.crossings.iloc[0]
    for name in ("crossover", "crossover_lower", "crossover_upper", "p_crossover", "first", "horizon"):
        assert one[name] == pytest.approx(two[name])
    for name in ("p_better_first", "p_better_finally"):
        assert one[name] == pytest.approx(1.0 - two[name])
    assert ahead.table["p_better"].to_numpy() == pytest.approx(1.0 - back.table["p_better"].to_numpy())
    ratio = ahead.table["error_ratio_lower"] * back.table["error_ratio_upper"]
    assert ratio.to_numpy() == pytest.approx(1.0, abs=1e-3)  # quantiles interpolate in error, not in log error


def test_pairs_that_are_not_named_have_the_one_ahead_first(wandering):
    found = compare(wandering, at=[1e5, 1e8])
    last = found.table[found.table["n"] == 1e8]
    assert (last["p_better"] >= 0.5).all()
    assert {frozenset(pair) for pair in last[["a", "b"]].to_numpy().tolist()} == {
        frozenset(pair) for pair in (("cnn", "mlp"), ("cnn", "vit"), ("mlp", "vit"))
    }
    named = compare(wandering, pairs=[tuple(last.iloc[0][["b", "a"]])], at=[1e8]).table.iloc[0]
    assert named["p_better"] == pytest.approx(1.0 - last.iloc[0]["p_better"])


FAR = {"floor_logit": -30.0, "log_break": -60.0}  # pure power laws


def test_a_crossover_is_where_the_power_laws_meet():
    one = synthetic.values(4, level=-2.0, exponent=0.3, **FAR)
    other = synthetic.values(4, level=-2.2, exponent=0.2, **FAR)
    found = both(one, other, at=[1e5, 1e7])
    row = found.crossings.iloc[0]
    meet = LARGEST * np.exp(0.2 / 0.1)
    assert [row["crossover_lower"], row["crossover"], row["crossover_upper"]] == pytest.approx([meet] * 3, rel=1e-6)
    assert row["p_crossover"] == 1.0
    assert (row["p_better_first"], row["p_better_finally"]) == (0.0, 1.0)
    assert found.table["p_better"].tolist() == [0.0, 1.0]
    assert found.table["ahead"].tolist() == ["mlp", "cnn"]
    assert of_pairs(found)[0].id == "lead-changes"
    expected = [np.exp(0.2), np.exp(0.2) * 100 ** (0.2 - 0.3)]
    assert found.table["error_ratio"].to_numpy() == pytest.approx(expected)
    ahead = both(synthetic.values(4, level=-2.5), synthetic.values(4, level=-2.0))
    row = ahead.crossings.iloc[0]
    assert row["p_crossover"] == 0.0
    assert row["crossover"] == np.inf
    assert of_pairs(ahead)[0].id == "one-ahead"


@pytest.mark.parametrize("floor", [-30.0, -1.5])
def test_the_exchange_rate_is_the_inverse_of_one_curve_at_the_error_of_the_other(floor):
    """Power laws that part by a shift in data: one number at every size, below a floor no more. Closed form."""
    shift, exponent, n = 2.5, 0.25, np.array([1e5, 1e6, 1e7])
    one = synthetic.values(4, level=-2.0, exponent=exponent, **(FAR | {"floor_logit": floor}))
    other = synthetic.values(4, level=-2.0 + exponent * np.log(shift), exponent=exponent, **FAR)
    found = both(one, other, at=n.tolist())
    share = 1.0 / (1.0 + np.exp(-floor))
    error = np.exp(-2.0) * (share + (1.0 - share) * (n / LARGEST) ** -exponent)
    needed = LARGEST * (error / np.exp(other[0, 0])) ** (-1.0 / exponent)
    assert found.table["data_ratio"].to_numpy() == pytest.approx(needed / n, rel=1e-5)
    if floor == -30.0:
        assert found.table["data_ratio"].to_numpy() == pytest.approx(shift, rel=1e-5)
        assert found.slopes["slope_a"].to_numpy() == pytest.approx(exponent)
        assert found.slopes["p_equal"].eq(1.0).all()
    assert (found.table["p_never"] == 0.0).all()


def test_the_exchange_rate_is_what_a_requirement_says(wandering):
    """By draws: median and ends of the data that b needs for a's median error are those of ``requirement``."""
    still = synthetic.posterior(
        {"cnn": synthetic.values(level=-2.3), "mlp": synthetic.values(exponent=0.25, sd=SPREAD, log_drift=-3.5, seed=1)}
    )
    row = compare(still, pairs=[("cnn", "mlp")], at=[3e5]).table.iloc[0]
    goal = forecast(still, [3e5], curves=["cnn"]).table["yhat"].iloc[0]
    need = requirement(still, goal, curves=["mlp"]).table.iloc[0]
    for ours, theirs in (("data_ratio", "q50"), ("data_ratio_lower", "q50_lower"), ("data_ratio_upper", "q50_upper")):
        assert row[ours] * 3e5 == pytest.approx(need[theirs], rel=5e-3)  # between two draws, there one of them
    assert row["p_never"] == need["p_never"]
    assert np.isfinite(row["data_ratio"])


def test_sizes_at_which_one_was_never_measured_are_not_looked_at():
    """Two power laws that meet below the sizes of the second."""
    draws = {
        "cnn": synthetic.values(4, exponent=0.3, **FAR),
        "mlp": synthetic.values(4, level=-1.5, exponent=0.2, **FAR),
    }
    sizes = {"cnn": synthetic.SIZES, "mlp": synthetic.SIZES[2:4]}
    row = compare(synthetic.posterior(draws, sizes=sizes)).crossings.iloc[0]
    meet = LARGEST * np.exp(-0.5 / 0.1)
    assert synthetic.SIZES[0] > meet  # so that the smallest sizes of the first are not looked at either
    assert row["p_crossover"] == 0.0
    assert row["first"] == pytest.approx(synthetic.SIZES[2])
    draws["mlp"] = synthetic.values(4, level=-1.7, exponent=0.2, **FAR)
    meet = LARGEST * np.exp(-0.3 / 0.1)
    assert synthetic.SIZES[0] < meet < synthetic.SIZES[2]
    assert compare(synthetic.posterior(draws, sizes=sizes)).crossings.iloc[0]["p_crossover"] == 0.0
    whole = compare(synthetic.posterior(draws)).crossings.iloc[0]
    assert whole["p_crossover"] == 1.0
    assert whole["crossover"] == pytest.approx(meet, rel=1e-6)


def test_who_gains_is_ranked_by_the_forecast_and_not_by_the_exponent():
    """Steep above a floor that is all but reached, against shallow and far from any: by the law in closed form."""
    flat = {"level": -2.0, "exponent": 0.9, "floor_logit": 3.0}
    steady = {"level": -1.5, "exponent": 0.2, "floor_logit": -30.0}
    held = synthetic.posterior({"flat": synthetic.values(8, **flat), "steady": synthetic.values(8, **steady)})
    found = compare(held, at=[1e5, 1e6])
    best = found.best.set_index(["architecture", "n"])
    assert found.exponents.iloc[0]["verdict"] != "undecided"
    assert found.curves.set_index("architecture")["exponent"].idxmax() == "flat"
    for name, given in (("flat", flat), ("steady", steady)):
        drawn, x_min = synthetic.values(1, **given)[0], np.log(synthetic.SIZES[0])
        now, then = np.exp(synthetic.law(drawn, np.array([1e5, 1e6]), np.log(LARGEST), x_min))
        assert best.loc[(name, 1e6), "gain"] == pytest.approx(1.0 - then / now, rel=1e-4)
        assert np.isnan(best.loc[(name, 1e5), "gain"])
    assert best.loc[("steady", 1e6), "p_gains_most"] == 1.0
    assert best.loc[("flat", 1e6), "p_gains_most"] == 0.0
    (told,) = [one for one in said(found) if one.id == "gains"]
    assert list(told.values["gains"]) == ["steady", "flat"]
    assert found.gain_sizes.tolist() == [1e6]
    assert {label: own.shape for label, own in found.gain_draws.items()} == {
        "vision/top-1/flat": (8, 1),
        "vision/top-1/steady": (8, 1),
    }


def test_slopes_are_those_of_the_forecast(wandering):
    """Their medians and probabilities from the draws of a forecast, and what counts as equal in words of outcome."""
    found = compare(wandering, pairs=[("cnn", "mlp")], at=[1e6], rope=0.05).slopes.iloc[0]
    drawn = {name: np.log(forecast(wandering, [LARGEST, 1e6], curves=[name]).errors([0, 1])) for name in ("cnn", "mlp")}
    slopes = {name: (own[:, 0] - own[:, 1]) / np.log(1e6 / LARGEST) for name, own in drawn.items()}
    gap = slopes["cnn"] - slopes["mlp"]
    assert found["slope_a"] == pytest.approx(np.median(slopes["cnn"]))
    assert found["difference"] == pytest.approx(np.median(gap))
    assert found["p_steeper"] == np.mean(gap > 0)
    ratio = 10.0 ** np.abs(gap)  # by which ten times the data changes the ratio of the errors
    assert found["p_equal"] == pytest.approx(np.mean(ratio <= 1.05))
    assert 0.02 < found["p_equal"] < 0.98


def test_sizes_within_the_data_have_no_slopes_and_no_gains(wandering, capsys):
    found = compare(wandering, at=[1e4])
    assert found.slopes.empty
    assert found.best["gain"].isna().all()
    assert not [one for one in said(found) if one.id == "gains"]
    print_result(found)
    assert "p_better" in capsys.readouterr().out


def test_undecided_says_who_is_ahead_and_why_it_is_not_enough():
    one = synthetic.values(4000, exponent=0.31, sd={"log_exponent": 0.03})
    other = synthetic.values(4000, exponent=0.34, sd={"log_exponent": 0.03}, seed=1)
    found = both(one, other)
    row = found.exponents.iloc[0]
    assert row["verdict"] == "undecided"
    chance, clearly = norm.sf(0.0, np.log(0.34 / 0.31), 0.03 * np.sqrt(2)), row["p_clearly_shallower"]
    assert all(f"{100 * p:.0f} %" in of_pairs(found)[0].text for p in (chance, clearly))


def test_no_amount_of_data_is_infinite():
    stuck = synthetic.values(8, level=-2.0, floor_logit=3.0)
    found = both(synthetic.values(8, level=-3.0), stuck)
    row = found.table.iloc[0]
    assert row["data_ratio"] == np.inf
    assert row["p_never"] == 1.0
    assert json.loads(found.to_json())["table"][0]["data_ratio"] == "inf"


def test_a_ratio_below_the_smallest_size_is_told_as_a_bound(capsys):
    """Half of the draws are there at the smallest size that is looked at, the other half later."""
    ahead = synthetic.values(8, level=-6.0, exponent=0.1)
    ahead[4:, 0] = -2.05
    found = both(synthetic.values(8, level=-2.0, exponent=0.1), ahead, at=[LARGEST])
    row = found.table.iloc[0]
    assert row["data_ratio_lower"] == pytest.approx(row["data_ratio_least"], rel=1e-9)
    assert row["data_ratio_upper"] > row["data_ratio_least"] > 0
    assert BOUND in found.text
    print_result(found)
    assert re.search(r"\(≤ \S+ to \d", capsys.readouterr().out)
    always = both(synthetic.values(8, level=-2.0, exponent=0.1), synthetic.values(8, level=-6.0, exponent=0.1))
    assert BOUND in always.text
    assert always.table["data_ratio_upper"].iloc[0] == pytest.approx(always.table["data_ratio_least"].iloc[0], rel=1e-9)


def test_a_mixture_of_worlds_gives_the_quantiles_of_its_draws():
    one = synthetic.values(8, level=-2.0, **FAR)
    other = synthetic.values(8, level=-2.2, exponent=0.2, **FAR)
    other[4:, 0] = -1.8  # in half of the draws the crossover lies before the largest measured size
    row = both(one, other).crossings.iloc[0]
    assert row["p_crossover"] == 1.0
    assert row["crossover_lower"] == pytest.approx(LARGEST * np.exp(-2.0), rel=1e-6)
    assert row["crossover_upper"] == pytest.approx(LARGEST * np.exp(2.0), rel=1e-6)


def test_rank_probabilities_add_up(wandering):
    found = compare(wandering, at=[1e6, 1e5])
    sums: pd.DataFrame = found.best.groupby("n")[["p_best", "p_gains_most"]].sum()
    assert sums["p_best"].to_numpy() == pytest.approx(1.0)
    assert sums.loc[1e6, "p_gains_most"] == pytest.approx(1.0)
    assert found.best["n"].drop_duplicates().tolist() == [1e5, 1e6]
    lengths = {name: len(table) for name, table in found.tables.items()}
    assert lengths == {"table": 6, "crossings": 3, "best": 6, "slopes": 3, "exponents": 3, "curves": 3}
    assert set(found.exponent_draws) == {f"vision/top-1/{name}" for name in ("cnn", "mlp", "vit")}
    two = both(synthetic.values(sd=SPREAD), synthetic.values(level=-1.98, sd=SPREAD, seed=1), at=[1e6])
    assert two.best["p_best"].iloc[0] == two.table["p_better"].iloc[0]


def test_a_pair_is_answered_alike_alone_and_among_others(wandering):
    among = compare(wandering)
    a, b = among.crossings.iloc[1][["a", "b"]]
    alone = compare(wandering, pairs=[(a, b)])
    for name in ("table", "crossings", "slopes", "exponents"):
        whole = getattr(among, name)
        own = whole[(whole["a"] == a) & (whole["b"] == b)].reset_index(drop=True)
        pd.testing.assert_frame_equal(getattr(alone, name), own)


def test_on_new_cases_the_best_is_less_sure_and_slopes_stay():
    """The same posterior on a test set: offsets of whole curves, partly shared, that no slope knows of."""
    held = synthetic.on_test_set(
        synthetic.posterior(
            {"cnn": synthetic.values(4000, sd={"level": 0.02}), "mlp": synthetic.values(4000, level=-1.9, seed=1)}
        ),
        500,
    )
    here, elsewhere = (compare(held, pairs=[("cnn", "mlp")], at=[1e6], kind=k) for k in ("mean", None))
    assert elsewhere.table["kind"].tolist() == ["new-cases"]
    assert here.table["p_better"].iloc[0] > 0.99 > elsewhere.table["p_better"].iloc[0] > 0.5
    pd.testing.assert_frame_equal(here.slopes, elsewhere.slopes, rtol=1e-3)
    assert elsewhere.best["p_best"].iloc[0] == elsewhere.table["p_better"].iloc[0]


def test_groups_are_kept_apart():
    drawn = synthetic.values(8)
    held = synthetic.posterior(
        {f"vision/{task}/{name}": drawn for task in ("top-1", "top-5") for name in ("cnn", "mlp")}
    )
    assert len(compare(held).crossings) == 2
    for group in ("vision/top-5", ("vision", "top-5")):
        assert compare(held, group=group).crossings["task"].tolist() == ["top-5"]


def test_the_text_spells_out_the_pairs_of_the_likely_best():
    """Of 28 pairs three: those of the best, which is the last by name, its closest rival first."""
    drawn = {f"net-{i}": synthetic.values(level=-1.0 - 0.1 * i, sd={"level": 0.05}, seed=i) for i in range(8)}
    found = compare(synthetic.posterior(drawn), at=[LARGEST])
    pairs, (more, last) = of_pairs(found), said(found)[-2:]
    wanted = [("net-7", "net-6"), ("net-7", "net-5"), ("net-7", "net-4")]
    assert [(one.values["a"], one.values["b"]) for one in pairs] == wanted
    assert (len(pairs), more.id, more.values["pairs"], last.id) == (3, "more-pairs", 25, "paired")
    assert list(found.leading(3)[["a", "b"]].itertuples(index=False, name=None)) == wanted
    assert set(found.table[["a", "b"]].iloc[0]) == {"net-0", "net-1"}, "the whole table stands as before"


def test_every_group_has_its_share_of_the_sentences():
    drawn = {
        f"vision/{task}/net-{i}": synthetic.values(level=-1.0 - gap * i, sd={"level": 0.05}, seed=i)
        for task, gap in (("clear", 0.3), ("close", 0.01))
        for i in range(4)
    }
    ids = [one.id for one in said(compare(synthetic.posterior(drawn)))]
    first, second = (i for i, id in enumerate(ids) if id == "best")
    assert {len(ids[first + 2 : second]), len(ids[second + 2 : -2])} == {1, 2}


def test_json_holds_every_table(wandering):
    told = json.loads(compare(wandering).to_json())
    assert told["command"] == "compare"
    assert {name: len(told[name]) for name in ("table", "best", "exponents")} == {"table": 6, "best": 6, "exponents": 3}
    assert told["table"][0]["n"] == LARGEST
    assert told["best"][0]["gain"] is None


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"at": [0.0]}, "at: found 0"),
        ({"at": [np.inf]}, "at: found inf"),
        ({"rope": -0.1}, "rope: found -0.1"),
        ({"decide_at": 1.0}, "decide_at: found 1"),
        ({"kind": "best"}, "kind: found 'best'"),
        ({"group": "speech/all"}, "group: found 'speech/all'"),
        ({"pairs": [("cnn", "cnn")]}, "pair: found 'cnn' with 'cnn'"),
        ({"pairs": [("cnn", "rnn")]}, "pair: found 'cnn' with 'rnn'"),
        ({"pairs": []}, "nothing to compare"),
    ],
)
def test_requests_that_cannot_be_answered(wandering, options, error):
    with pytest.raises(RequestError, match=error):
        compare(wandering, **options)


def test_one_architecture_cannot_be_compared():
    with pytest.raises(RequestError, match="nothing to compare"):
        compare(synthetic.posterior({"cnn": synthetic.values(8)}))


def test_curves_asked_about_are_paired_among_themselves_or_with_all_others():
    drawn = {
        f"vision/{task}/{net}": synthetic.values(sd=SPREAD, seed=k)
        for task in "ab"
        for k, net in enumerate(("x", "y", "z"))
    }
    held = synthetic.posterior(drawn)

    def pairs(*curves):
        found = compare(held, curves=curves, at=[1e5]).crossings
        return [(task, frozenset((a, b))) for task, a, b in found[["task", "a", "b"]].to_numpy()]

    assert pairs("x", "z") == [("a", frozenset("xz")), ("b", frozenset("xz"))]
    alone = compare(held, curves=[CurveKey("vision", "b", "y")], at=[1e5]).crossings
    assert alone[["task", "a", "b"]].to_numpy().tolist() == [["b", "y", "x"], ["b", "y", "z"]]
    whole = compare(held, at=[1e5]).table.set_index(["task", "a", "b"])
    part = compare(held, at=[1e5], curves=["vision/a/x", "vision/a/y"]).table.set_index(["task", "a", "b"])
    pd.testing.assert_frame_equal(part, whole.loc[part.index])
    with pytest.raises(RequestError, match="no curve 'w'"):
        pairs("w")
    with pytest.raises(RequestError, match="nothing to compare: found vision/top-1/x"):
        compare(synthetic.posterior({"x": synthetic.values(sd=SPREAD)}), curves=["x"])


def test_a_higher_level_widens_every_interval():
    held = synthetic.posterior({"x": synthetic.values(sd=SPREAD), "y": synthetic.values(sd=SPREAD, seed=1)})
    narrow, wide = (compare(held, level=level, at=[1e5]) for level in (0.5, 0.95))
    held_in = {"difference": "exponents", "error_ratio": "table", "exponent": "curves", "data_ratio": "table"}
    for name, table in held_in.items():
        one, other = (getattr(found, table).iloc[0] for found in (narrow, wide))
        assert other[f"{name}_lower"] < one[f"{name}_lower"] < one[name] == other[name]
        assert one[f"{name}_upper"] < other[f"{name}_upper"]
        assert (one["level"], other["level"]) == (0.5, 0.95)
    with pytest.raises(RequestError, match="level: found 80"):
        compare(held, level=80)
