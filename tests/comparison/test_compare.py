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
from forecaster.prediction.paths import CurveKey
from forecaster.results.message import joined

SPREAD = {"level": 0.05, "log_exponent": 0.15, "floor_logit": 0.5, "log_drift": 0.2}
LARGEST = float(synthetic.SIZES[-1])


def said(found):
    """The messages of a comparison."""
    return prose(found.table, found.at_table, found.best)


def both(one, other, **options):
    return compare(synthetic.posterior({"cnn": one, "mlp": other}), **options)


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
    row = both(one, other, rope=0.1, at=[1e5]).table.iloc[0]
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
    row = both(one, other).table.iloc[0]
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
    row = found.table.iloc[0]
    assert row["verdict"] == verdict
    assert row[["p_equal", "p_clearly_steeper", "p_clearly_shallower"]].sum() == pytest.approx(1.0)
    assert said(found)[0].id == verdict.lower().replace(" ", "-")
    assert said(found)[0].values["p_steeper"] == row["p_steeper"]
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
    one, two = ahead.table.iloc[0], back.table.iloc[0]
    assert (one["a"], one["b"]) == (two["b"], two["a"])
    assert one["p_steeper"] == pytest.approx(1.0 - two["p_steeper"])
    assert one["p_clearly_steeper"] == two["p_clearly_shallower"]
    assert one["p_equal"] == pytest.approx(two["p_equal"])
    assert one["overlap"] == pytest.approx(two["overlap"])
    assert one["difference_lower"] == pytest.approx(-two["difference_upper"])
    for name in ("crossover_q5", "crossover_q50", "crossover_q95", "p_crossover"):
        assert one[name] == pytest.approx(two[name])
    assert one["p_better_finally"] == pytest.approx(1.0 - two["p_better_finally"])
    assert ahead.at_table["p_better"].to_numpy() == pytest.approx(1.0 - back.at_table["p_better"].to_numpy())
    ratio = ahead.at_table["error_ratio_lower"] * back.at_table["error_ratio_upper"]
    assert ratio.to_numpy() == pytest.approx(1.0, abs=1e-3)  # quantiles interpolate in error, not in log error


def test_a_crossover_is_where_the_power_laws_meet():
    far = {"floor_logit": -30.0, "log_break": -60.0}  # pure power laws
    one = synthetic.values(4, level=-2.0, exponent=0.3, **far)
    other = synthetic.values(4, level=-2.2, exponent=0.2, **far)
    found = both(one, other, at=[1e5, 1e7])
    row = found.table.iloc[0]
    meet = LARGEST * np.exp(0.2 / 0.1)
    assert [row["crossover_q5"], row["crossover_q50"], row["crossover_q95"]] == pytest.approx([meet] * 3, rel=1e-6)
    assert row["p_crossover"] == 1.0
    assert row["p_better_finally"] == 1.0
    assert found.at_table["p_better"].tolist() == [0.0, 1.0]
    expected = [np.exp(0.2), np.exp(0.2) * 100 ** (0.2 - 0.3)]
    assert found.at_table["error_ratio"].to_numpy() == pytest.approx(expected)
    assert row["data_ratio"] == pytest.approx(np.exp(0.2 / 0.3), rel=1e-6)
    assert row["data_ratio_n"] == LARGEST
    ahead = both(synthetic.values(4, level=-2.5), synthetic.values(4, level=-2.0)).table.iloc[0]
    assert ahead["p_crossover"] == 0.0
    assert ahead["crossover_q50"] == np.inf


def test_sizes_at_which_one_was_never_measured_are_not_looked_at():
    """Two power laws that meet below the sizes of the second, and the error that each has at its own largest size."""
    far = {"floor_logit": -30.0, "log_break": -60.0}
    draws = {
        "cnn": synthetic.values(4, exponent=0.3, **far),
        "mlp": synthetic.values(4, level=-1.5, exponent=0.2, **far),
    }
    sizes = {"cnn": synthetic.SIZES, "mlp": synthetic.SIZES[2:4]}
    row = compare(synthetic.posterior(draws, sizes=sizes)).table.iloc[0]
    meet = LARGEST * np.exp(-0.5 / 0.1)
    assert synthetic.SIZES[0] > meet  # so that the smallest sizes of the first are not looked at either
    assert row["p_crossover"] == 0.0
    assert row["data_ratio_n"] == synthetic.SIZES[3]
    draws["mlp"] = synthetic.values(4, level=-1.7, exponent=0.2, **far)
    meet = LARGEST * np.exp(-0.3 / 0.1)
    assert synthetic.SIZES[0] < meet < synthetic.SIZES[2]
    assert compare(synthetic.posterior(draws, sizes=sizes)).table.iloc[0]["p_crossover"] == 0.0
    whole = compare(synthetic.posterior(draws)).table.iloc[0]
    assert whole["p_crossover"] == 1.0
    assert whole["crossover_q50"] == pytest.approx(meet, rel=1e-6)


def test_undecided_says_who_is_ahead_and_why_it_is_not_enough():
    one = synthetic.values(4000, exponent=0.31, sd={"log_exponent": 0.03})
    other = synthetic.values(4000, exponent=0.34, sd={"log_exponent": 0.03}, seed=1)
    found = both(one, other)
    row = found.table.iloc[0]
    assert row["verdict"] == "undecided"
    chance, clearly = norm.sf(0.0, np.log(0.34 / 0.31), 0.03 * np.sqrt(2)), row["p_clearly_shallower"]
    assert all(f"probability {100 * p:.0f} %" in said(found)[0].text for p in (chance, clearly))


def test_no_amount_of_data_is_infinite():
    stuck = synthetic.values(8, level=-2.0, floor_logit=3.0)
    row = both(stuck, synthetic.values(8, level=-3.0)).table.iloc[0]
    assert row["data_ratio"] == np.inf
    assert json.loads(both(stuck, synthetic.values(8, level=-3.0)).to_json())["table"][0]["data_ratio"] == "inf"


def test_a_ratio_below_the_smallest_size_is_told_as_a_bound(capsys):
    """Half of the draws are there at the smallest size that is looked at, the other half later."""
    ahead = synthetic.values(8, level=-6.0, exponent=0.1)
    ahead[4:, 0] = -2.05
    found = both(ahead, synthetic.values(8, level=-2.0, exponent=0.1))
    row = found.table.iloc[0]
    assert row["data_ratio_lower"] == pytest.approx(row["data_ratio_least"], rel=1e-9)
    assert row["data_ratio_upper"] > row["data_ratio_least"] > 0
    assert BOUND in found.text
    print_result(found)
    assert re.search(r"\(≤ \S+ to \d", capsys.readouterr().out)
    always = both(synthetic.values(8, level=-6.0, exponent=0.1), synthetic.values(8, level=-2.0, exponent=0.1))
    assert BOUND in always.text
    assert always.table["data_ratio_upper"].iloc[0] == pytest.approx(always.table["data_ratio_least"].iloc[0], rel=1e-9)


def test_a_mixture_of_worlds_gives_the_quantiles_of_its_draws():
    one = synthetic.values(8, level=-2.0, floor_logit=-30.0, log_break=-60.0)
    other = synthetic.values(8, level=-2.2, exponent=0.2, floor_logit=-30.0, log_break=-60.0)
    other[4:, 0] = -1.8  # in half of the draws the crossover lies before the largest measured size
    row = both(one, other).table.iloc[0]
    assert row["p_crossover"] == 1.0
    assert row["crossover_q5"] == pytest.approx(LARGEST * np.exp(-2.0), rel=1e-6)
    assert row["crossover_q95"] == pytest.approx(LARGEST * np.exp(2.0), rel=1e-6)


def test_rank_probabilities_add_up(wandering):
    found = compare(wandering, at=[1e6, 1e5])
    assert found.best.groupby("n")["p_best"].sum().to_numpy() == pytest.approx(1.0)
    assert found.best["n"].drop_duplicates().tolist() == [1e5, 1e6]
    assert len(found.table) == 3
    assert len(found.at_table) == 6
    assert set(found.exponent_draws) == {f"vision/top-1/{name}" for name in ("cnn", "mlp", "vit")}
    two = both(synthetic.values(sd=SPREAD), synthetic.values(level=-1.98, sd=SPREAD, seed=1), at=[1e6])
    assert two.best["p_best"].iloc[0] == two.at_table["p_better"].iloc[0]


def test_a_pair_is_answered_alike_alone_and_among_others(wandering):
    alone = compare(wandering, pairs=[("mlp", "vit")]).table
    among = compare(wandering).table
    assert alone.iloc[0].equals(among[(among["a"] == "mlp") & (among["b"] == "vit")].iloc[0].rename(0))


def test_groups_are_kept_apart():
    drawn = synthetic.values(8)
    held = synthetic.posterior(
        {f"vision/{task}/{name}": drawn for task in ("top-1", "top-5") for name in ("cnn", "mlp")}
    )
    assert len(compare(held).table) == 2
    for group in ("vision/top-5", ("vision", "top-5")):
        assert compare(held, group=group).table["task"].tolist() == ["top-5"]


def test_the_text_spells_out_the_pairs_of_the_likely_best():
    """Of 28 pairs eight: those of the best, which is the last by name, its closest rival first."""
    drawn = {f"net-{i}": synthetic.values(level=-1.0 - 0.1 * i, sd={"level": 0.05}, seed=i) for i in range(8)}
    found = compare(synthetic.posterior(drawn), at=[LARGEST])
    pairs, (more, last) = said(found)[:-2], said(found)[-2:]
    assert [(one.values["a"], one.values["b"]) for one in pairs[:7]] == [
        (f"net-{i}", "net-7") for i in range(6, -1, -1)
    ]
    assert (len(pairs), more.id, more.values["pairs"], last.id) == (8, "more-pairs", 20, "paired")
    assert found.leading(3)[["a", "b"]].to_numpy().tolist() == [
        ["net-6", "net-7"],
        ["net-5", "net-7"],
        ["net-4", "net-7"],
    ]
    assert found.table["a"].iloc[0] == "net-0", "the whole table stands as before"


def test_every_group_has_its_share_of_the_sentences():
    drawn = {
        f"vision/{task}/net-{i}": synthetic.values(level=-1.0 - gap * i, sd={"level": 0.05}, seed=i)
        for task, gap in (("clear", 0.3), ("close", 0.01))
        for i in range(4)
    }
    lines = compare(synthetic.posterior(drawn)).text.splitlines()
    assert [line.split(":")[0] for line in lines[:8]] == ["vision/clear"] * 4 + ["vision/close"] * 4


def test_json_holds_every_table(wandering):
    told = json.loads(compare(wandering).to_json())
    assert told["command"] == "compare"
    assert {len(told[name]) for name in ("table", "at_table", "best", "exponents")} == {3, 6}
    assert told["at_table"][0]["n"] == LARGEST


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"at": [0.0]}, "at: found 0"),
        ({"at": [np.inf]}, "at: found inf"),
        ({"rope": -0.1}, "rope: found -0.1"),
        ({"decide_at": 1.0}, "decide_at: found 1"),
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
        return [tuple(row) for row in compare(held, curves=curves, at=[1e5]).table[["task", "a", "b"]].to_numpy()]

    assert pairs("x", "z") == [("a", "x", "z"), ("b", "x", "z")]
    assert pairs(CurveKey("vision", "b", "y")) == [("b", "y", "x"), ("b", "y", "z")]
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
    for name, table in (("difference", "table"), ("error_ratio", "at_table"), ("exponent", "exponents")):
        one, other = (getattr(found, table).iloc[0] for found in (narrow, wide))
        assert other[f"{name}_lower"] < one[f"{name}_lower"] < one[name] == other[name]
        assert one[f"{name}_upper"] < other[f"{name}_upper"]
        assert (one["level"], other["level"]) == (0.5, 0.95)
    with pytest.raises(RequestError, match="level: found 80"):
        compare(held, level=80)
