"""What a treatment did: closed forms of the law and of normals, simulated pairs, and twins that must fail."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from helpers import synthetic
from scipy import stats
from scipy.optimize._numdiff import approx_derivative

from forecaster.cli.console import print_result
from forecaster.comparison import effect_prose, mechanism, pairing
from forecaster.comparison.compare import compare
from forecaster.comparison.effect import effect
from forecaster.comparison.mechanism import QUANTITIES
from forecaster.curves.reading.read import read_curves
from forecaster.errors import RequestError

LARGEST = float(synthetic.SIZES[-1])
NO_FLOOR = -20.0
MANY = tuple(np.round(np.geomspace(1e3, 3e5, 12)).tolist())
SPREAD = {"level": 0.004, "log_exponent": 0.03, "floor_logit": 0.1}
POWER_LAW = -20.0  # log break, far below the data
BASE = {"exponent": 0.35, "log_break": POWER_LAW, "floor_logit": 0.0}


def asked(posterior, **options):
    return effect(posterior, baseline="cnn", treated="mlp", **options)


def pair(one, other, **options):
    return synthetic.posterior({"cnn": one, "mlp": other}, **options)


# What it is worth in data ----------------------------------------------------------------------------


def test_the_worth_is_the_data_ratio_of_compare_to_the_last_digit():
    spread = {"level": 0.05, "log_exponent": 0.15, "floor_logit": 0.5}
    posterior = pair(
        synthetic.values(log_drift=-3.5, sd=spread), synthetic.values(level=-2.1, log_drift=-3.5, sd=spread, seed=1)
    )
    row = asked(posterior, at=[LARGEST]).worth.iloc[0]
    known = compare(posterior, pairs=[("mlp", "cnn")], at=[LARGEST], level=0.8).table.iloc[0]
    assert known["n"] == row["n"] == LARGEST
    assert row[["worth_q10", "worth_q50", "worth_q90"]].tolist() == [
        known[f"data_ratio{end}"] for end in ("_lower", "", "_upper")
    ]


def test_a_shift_of_a_power_law_is_worth_one_number():
    """Equal exponents and no floor: (alpha of the baseline over that of the treated)^(1 / exponent), at every size."""
    same = {"exponent": 0.3, "log_break": POWER_LAW, "floor_logit": NO_FLOOR}
    found = asked(pair(synthetic.values(level=-2.0, **same), synthetic.values(level=-2.2, **same)), at=[3e3, 3e4, 1e6])
    assert found.worth["worth_q50"].to_numpy() == pytest.approx(np.exp(0.2 / 0.3), rel=2e-3)
    assert (found.worth["p_above_1"] == 1.0).all()
    assert found.trend == "steady"
    back = asked(pair(synthetic.values(level=-2.2, **same), synthetic.values(level=-2.0, **same)), at=[3e4, 1e6])
    assert back.worth["worth_q50"].to_numpy() == pytest.approx(np.exp(-0.2 / 0.3), rel=2e-3)
    assert (back.worth["p_above_1"] == 0.0).all()


@pytest.mark.parametrize(("exponent", "level", "trend"), [(0.45, -2.7, "grows"), (0.2, -1.6, "fades")])
def test_the_worth_of_another_exponent_changes_by_its_closed_form(exponent, level, trend):
    """log n' = (log alpha - log alpha' + beta' log n) / beta, so the log worth changes by beta' / beta - 1 a nat."""
    law = {"log_break": POWER_LAW, "floor_logit": NO_FLOOR}
    found = asked(
        pair(synthetic.values(exponent=0.3, **law), synthetic.values(level=level, exponent=exponent, **law)),
        at=[2e4, 6e4],
    )
    logs = np.log(found.worth["worth_q50"].to_numpy())
    assert np.diff(logs) / np.log(3.0) == pytest.approx(exponent / 0.3 - 1.0, abs=0.01)
    assert found.trend == trend
    assert found.p_trend[trend] == 1.0


def test_an_error_below_the_floor_of_the_baseline_is_never_reached():
    law = {"exponent": 0.35, "log_break": POWER_LAW}
    one, other = synthetic.values(floor_logit=2.0, **law), synthetic.values(level=-2.8, floor_logit=NO_FLOOR, **law)
    found = asked(pair(one, other))
    assert np.isinf(found.worth["worth_q50"].iloc[-1])
    assert json.loads(found.to_json())["worth"][-1]["worth_q50"] == "inf"
    assert "inf" not in found.text


# Which quantity moved --------------------------------------------------------------------------------


def changed(quantity, size, seed=0, noise=0.01):
    """The posterior of a baseline, and a treated curve whose one quantity moved: measurements of both, with noise."""
    posterior = pair(
        synthetic.values(400, sd=SPREAD, **BASE), synthetic.values(400, sd=SPREAD, seed=1, **BASE), sizes=MANY
    )
    x, rng = np.log(MANY), np.random.default_rng(seed)
    values = posterior.curve("vision/top-1/cnn").map(lambda drawn: drawn.mean(keepdims=True))
    start = mechanism._law_of(values, values)
    change = np.array([[size if name == quantity else 0.0 for name in QUANTITIES]])
    error = {
        name: np.exp(start.changed(own, x)[0][0] + noise * rng.standard_normal(len(x)))
        for name, own in (("cnn", 0.0 * change), ("mlp", change))
    }
    drawn = [synthetic.values(400, sd=SPREAD, log_noise=np.log(noise), seed=k, **BASE) for k in (0, 1)]
    return pair(*drawn, sizes=MANY, error=error, seeds=1)


def test_the_law_of_the_mechanism_is_that_of_the_model():
    posterior = pair(synthetic.values(8, sd=SPREAD, **BASE), synthetic.values(8, sd=SPREAD, seed=1, **BASE))
    values = posterior.curve("vision/top-1/cnn")
    x = np.log([1e3, 1e4, 1e6])
    start = mechanism._law_of(values, posterior.curve("vision/top-1/mlp"))
    assert start.changed(np.zeros((8, 4)), x)[0] == pytest.approx(values.law(x), abs=1e-9)


def test_derivatives_of_the_law_are_those_of_differences():
    values = synthetic.posterior({"cnn": synthetic.values(4, log_break=1.0), "mlp": synthetic.values(4)})
    start = mechanism._law_of(values.curve("vision/top-1/cnn"), values.curve("vision/top-1/mlp"))
    x, at = np.log(synthetic.SIZES), np.array([0.1, -0.2, 0.3, 0.4])
    slopes = start.changed(np.tile(at, (4, 1)), x)[1][0]
    numeric = approx_derivative(lambda change: start.changed(np.tile(change, (4, 1)), x)[0][0], at)
    assert slopes == pytest.approx(numeric, abs=1e-6)


def test_evidence_of_an_intercept_is_that_of_its_normal():
    """Without a floor an intercept shifts log error, so measurements are normal with its prior variance in common."""
    law = {"exponent": 0.3, "log_break": POWER_LAW, "floor_logit": NO_FLOOR}
    values = synthetic.posterior({"cnn": synthetic.values(4, **law), "mlp": synthetic.values(4, **law)})
    start = mechanism._law_of(values.curve("vision/top-1/cnn"), values.curve("vision/top-1/mlp"))
    x, sd = np.log(synthetic.SIZES), 0.02
    y = start.changed(np.zeros((4, 4)), x)[0] - np.array([0.30, 0.31, 0.29, 0.32, 0.28])
    whiten = np.tile(np.eye(5) / sd, (4, 1, 1))
    found = mechanism._fit(start, [0], x, y, whiten)
    shared = sd**2 * np.eye(5) + mechanism.SLABS[0] ** 2
    normal = stats.multivariate_normal(np.zeros(5), shared).logpdf([0.30, 0.31, 0.29, 0.32, 0.28])
    assert found.evidence + 5 * (-np.log(sd) - 0.5 * np.log(2 * np.pi)) == pytest.approx(normal, abs=1e-6)
    least = 5 / sd**2 + mechanism.SLABS[0] ** -2
    assert found.mode[:, 0] == pytest.approx(-0.30 * 5 / sd**2 / least, rel=1e-6)


@pytest.mark.parametrize(
    ("quantity", "size"),
    [
        ("intercept", -0.3),
        ("intercept", 0.3),
        ("exponent", np.log(1.5)),
        ("floor", -np.log(2.0)),
        ("floor", np.log(2.0)),
    ],
)
def test_the_quantity_that_moved_is_named(quantity, size):
    found = asked(changed(quantity, size))
    assert found.mechanism == quantity
    row = found.table.set_index("quantity").loc[quantity]
    assert row["difference_lower"] <= size <= row["difference_upper"]
    assert row["p_moved"] > 0.9
    assert row["p_within_rope"] == pytest.approx(1.0 - row["p_moved"])
    others = found.table[found.table["quantity"] != quantity]
    assert others["p_moved"].max() < 0.3


def test_an_onset_is_named_where_the_plateau_was_measured():
    law = {"exponent": 0.4, "log_break": 2.5, "floor_logit": -3.0}
    one, other = (synthetic.values(400, sd=SPREAD, seed=k, log_noise=-4.6, **law) for k in (0, 1))
    x = np.log(MANY)
    values = pair(one, other, sizes=MANY).curve("vision/top-1/cnn").map(lambda drawn: drawn.mean(keepdims=True))
    start, rng = mechanism._law_of(values, values), np.random.default_rng(0)
    error = {
        name: np.exp(start.changed(np.array([[0.0, 0.0, 0.0, onset]]), x)[0][0] + 0.01 * rng.standard_normal(len(x)))
        for name, onset in (("cnn", 0.0), ("mlp", -1.2))
    }
    assert asked(pair(one, other, sizes=MANY, error=error, seeds=1)).mechanism == "onset"


def test_nothing_is_claimed_where_nothing_moved():
    found = [asked(changed("intercept", 0.0, seed=k)) for k in range(6)]
    assert [one.mechanism for one in found] == ["none"] * 6
    assert max(one.table["p_moved"].max() for one in found) < 0.5


def test_a_twin_that_takes_the_noise_for_a_tenth_claims_moves_that_are_none():
    """The same null pairs, under draws that hold their noise for 0.1 %: their scatter is taken for a treatment."""

    def claimed(log_noise):
        found = []
        for k in range(4):
            data = changed("intercept", 0.0, seed=k, noise=0.05)
            error = {c.architecture: c.error for c in data.curves.curves}
            drawn = [synthetic.values(400, sd=SPREAD, log_noise=log_noise, seed=i, **BASE) for i in (0, 1)]
            found.append(asked(pair(*drawn, sizes=MANY, error=error, seeds=1)).mechanism)
        return sum(one not in ("none", "undecided") for one in found)

    assert claimed(np.log(0.05)) == 0
    assert claimed(np.log(0.001)) >= 3


# Paired runs -----------------------------------------------------------------------------------------


def runs(shared, seeds=3, sizes=12, noise=0.05, seed=0, names=("a", "b")):
    """Two curves of one law whose runs share so much of the variance of their noise."""
    rng = np.random.default_rng(seed)
    n = np.round(np.geomspace(1e3, 1e6, sizes))
    drawn = noise * rng.standard_normal((3, sizes, seeds))
    rows = []
    for k, name in enumerate(names):
        y = np.log(0.3) - 0.3 * np.log(n / 1e3)[:, None] + np.sqrt(shared) * drawn[2] + np.sqrt(1 - shared) * drawn[k]
        rows += [("d", name, size, np.exp(y[i, s]), s) for i, size in enumerate(n) for s in range(seeds)]
    return pd.DataFrame(rows, columns=["domain", "architecture", "n", "error", "seed"])


@pytest.mark.parametrize("seeds", [3, 1])
def test_shared_noise_is_recognised_and_not_overstated(seeds):
    found = [pairing.pairing(*read_curves(runs(0.95, seeds, 24, seed=k)).curves) for k in range(12)]
    known = np.array([0.0 if one is None else one.correlation for one in found])
    assert np.median(known) == pytest.approx(0.93, abs=0.04)
    assert np.mean(known > 0.97) < 0.2
    assert all(one.count == 24 * seeds for one in found if one is not None)
    independent = [pairing.pairing(*read_curves(runs(0.0, seeds, 24, seed=k)).curves) for k in range(12)]
    assert np.median([0.0 if one is None else one.correlation for one in independent]) < 0.1


def test_runs_without_seeds_in_common_are_no_pairs():
    table = runs(0.99)
    assert pairing.pairing(*read_curves(table.drop(columns="seed")).curves) is None
    other = table.assign(seed=np.where(table["architecture"] == "b", table["seed"] + 10, table["seed"]))
    assert pairing.pairing(*read_curves(other).curves) is None
    one, some = read_curves(table).curves, read_curves(other[other["seed"] != 0]).curves
    assert pairing.pairing(one[0], one[1]) is not None
    assert pairing.pairing(one[0], some[1]) is None


def test_draws_given_a_gap_are_those_of_the_normal():
    """Two levels, independent and of sd 0.02; their gap is observed with an sd of 0.005: Gaussian conditioning."""
    rng = np.random.default_rng(0)
    levels = np.array([[1.0], [1.1]]) + 0.02 * rng.standard_normal((2, 40_000))
    found = pairing.given_gap(levels, levels[1:] - levels[:1], np.array([0.04]), np.array([0.005**2]), rng)
    prior, seen = np.diag([0.02**2, 0.02**2]), np.array([[-1.0, 1.0]])
    gain = prior @ seen.T / (seen @ prior @ seen.T + 0.005**2)
    mean = np.array([1.0, 1.1]) + (gain * (0.04 - 0.1))[:, 0]
    assert found.mean(1) == pytest.approx(mean, abs=4e-4)
    assert np.cov(found) == pytest.approx(prior - gain @ seen @ prior, abs=6e-6)


def test_what_pairs_add_makes_up_the_precision_of_paired_runs():
    one, other = np.array([4e-4, 1e-4]), np.array([1e-4, 1e-4])
    more = pairing.more_known(one, other, np.array([3, 1]), 0.9)
    paired = (one + other - 1.8 * np.sqrt(one * other)) / [3, 1]
    assert 1.0 / more + np.array([3, 1]) / (one + other) == pytest.approx(1.0 / paired)


def with_runs(shared, seeds=5):
    """The posterior of two equal curves, known to 2 %, and runs that share noise."""
    table = runs(shared, seeds, 12, 0.05, names=("cnn", "mlp")).assign(domain="vision", task="top-1")
    n = tuple(sorted(set(table["n"])))
    law = {"level": float(np.log(0.3) - 0.3 * np.log(1e3)), "log_break": POWER_LAW, "floor_logit": NO_FLOOR}
    drawn = [
        synthetic.values(2000, exponent=0.3, sd={"level": 0.02}, log_noise=np.log(0.05), seed=k, **law) for k in (0, 1)
    ]
    made = synthetic.posterior({"cnn": drawn[0], "mlp": drawn[1]}, sizes=n)
    curves = read_curves(table)
    return type(made)(made.tree, curves, made.cards)


def test_paired_runs_make_the_difference_of_curves_surer_and_nothing_else_does():
    """A level known to 2 % in each, the gap by pairs to sqrt(2 (1 - r) / 60) of 5 %: the worth narrows by that much."""
    paired, apart = asked(with_runs(0.97)), asked(with_runs(0.0))
    width = [np.log(one.worth["worth_q90"] / one.worth["worth_q10"]).iloc[2] for one in (paired, apart)]
    z, r = 2 * stats.norm.ppf(0.9), paired.paired["correlation"]
    prior = 2 * 0.02**2
    seen = pairing.more_known(np.array([0.05**2]), np.array([0.05**2]), np.array([60]), r)[0]
    assert paired.paired["runs"] == 60
    assert width[0] == pytest.approx(z * np.sqrt(1 / (1 / prior + 1 / seen)) / 0.3, rel=0.1)
    assert width[1] == pytest.approx(z * np.sqrt(prior) / 0.3, rel=0.1) or apart.paired
    assert width[0] < width[1] / 4
    assert "paired-runs" in [one.id for one in messages(paired)]


def messages(found):
    """The messages of an effect, from what it holds."""
    named = {"none": (), "undecided": None}.get(found.mechanism, tuple(found.mechanism.split(" and ")))
    trend = (found.trend, found.p_trend)
    return effect_prose.prose(found.table, found.worth, named, found.p_mechanism["none"], trend, found.paired, 1e6)


# The answer as a whole -------------------------------------------------------------------------------


def test_the_words_are_those_of_the_verdicts():
    found = asked(changed("exponent", np.log(1.5)))
    assert [one.id for one in messages(found)] == [
        "mechanism-moved",
        "scales-otherwise",
        "worth",
        f"trend-{found.trend}",
    ]
    assert [one.id for one in messages(asked(changed("floor", -0.7)))][1] == "scales-to-another-floor"
    assert [one.id for one in messages(asked(changed("intercept", -0.3)))][:2] == ["mechanism-moved", "scales-alike"]
    assert [one.id for one in messages(asked(changed("intercept", 0.0)))][:2] == ["mechanism-none", "scales-alike"]


def test_tables_json_terminal_and_figure(digits_posterior, capsys):
    found = effect(digits_posterior, baseline="mlp", treated="rbf-svm", at=[1200, 12_000])
    for name, table in found.tables.items():
        assert not found.columns[name].faults(table.columns)
    told = json.loads(found.to_json())
    assert told["mechanism"] == found.mechanism
    assert sum(told["p_trend"].values()) <= 1.0 + 1e-9
    assert [row["quantity"] for row in told["table"]] == list(QUANTITIES)
    print_result(found)
    assert "worth_q50" in capsys.readouterr().out
    assert len(found.plot().axes) == 2
    again = effect(digits_posterior, baseline="mlp", treated="rbf-svm", at=[12_000])
    assert again.worth.iloc[-1].tolist() == found.worth.iloc[-1].tolist()
    pd.testing.assert_frame_equal(again.table, found.table)


@pytest.mark.parametrize(
    ("names", "options", "said"),
    [
        (("cnn", "cnn"), {}, "two architectures of one domain and task"),
        (("cnn", "vit"), {}, "cnn, mlp"),
        (("cnn", "mlp"), {"at": [-1.0]}, "positive size"),
        (("cnn", "mlp"), {"level": 1.0}, "between 0 and 1"),
        (("cnn", "mlp"), {"rope_log": -0.1}, "rope_log"),
        (("cnn", "mlp"), {"decide_at": 0.4}, "between 0.5 and 1"),
        (("cnn", "mlp"), {"group": "vision/other"}, "vision/top-1"),
    ],
)
def test_what_cannot_be_answered_is_refused(names, options, said):
    posterior = pair(synthetic.values(8), synthetic.values(8))
    with pytest.raises(RequestError, match=said):
        effect(posterior, baseline=names[0], treated=names[1], **options)


def test_of_several_groups_one_is_to_be_named():
    names = [f"vision/{task}/{name}" for task in ("top-1", "top-5") for name in ("cnn", "mlp")]
    posterior = synthetic.posterior({name: synthetic.values(8) for name in names})
    with pytest.raises(RequestError, match="--task"):
        asked(posterior)
    assert asked(posterior, group="vision/top-5").table["task"].eq("top-5").all()
    assert asked(posterior, group=("vision", "top-1")).table["task"].eq("top-1").all()
