"""Learning curves: their noise, hash, selection, summary and warnings."""

from __future__ import annotations

import hashlib
import re

import numpy as np
import pandas as pd
import pytest
from helpers.tables import codes, frame, table, write

from forecaster.curves.learning_curves import LearningCurves
from forecaster.curves.reading.read import read_curves
from forecaster.curves.summary import above_share, summarise, warnings_of
from forecaster.errors import RequestError

# Leaving out ----------------------------------------------------------------------------------------


def several(source="curves.csv"):
    rows = [("d", task, net, n, 1.0 / n) for task in "ab" for net in ("x", "y") for n in (10, 100, 1000)]
    found = read_curves(pd.DataFrame(rows, columns=["domain", "task", "architecture", "n", "error"]))
    return LearningCurves(found.table, found.notes, source)


@pytest.mark.parametrize(
    ("names", "left"),
    [
        ("x", ["d/a/y", "d/b/y"]),
        (["d/a/x"], ["d/a/y", "d/b/x", "d/b/y"]),
        (["d/a/x", "y"], ["d/b/x"]),
        ([], ["d/a/x", "d/a/y", "d/b/x", "d/b/y"]),
    ],
)
def test_architectures_and_single_curves_may_be_left_out(names, left):
    curves = several()
    kept = curves.leave_out(names)
    assert [c.label for c in kept.curves] == left
    assert kept.source == curves.source
    assert len(curves.curves) == 4


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["z"], r"curves.csv: found no curve 'z' to leave out; expected an architecture, of 'x', 'y', or"),
        (["x", "y"], "found no curve that is not left out"),
    ],
)
def test_what_cannot_be_left_out_is_refused(names, said):
    with pytest.raises(RequestError, match=said):
        several().leave_out(names)


# Known noise ------------------------------------------------------------------------------------------


def test_known_noise_adds_in_quadrature():
    curves = read_curves(
        frame(
            error_sd=[0.05, 0.05, None],
            repeats=[25, None, 3],
            n_test=[100, None, 400],
            n=[1, 2, 3],
            error=[0.5, 0.25, 0.2],
        )
    )
    expected = [np.hypot(0.05 / 5 / 0.5, np.sqrt(0.5 / (0.5 * 100))), 0.05 / 0.25, np.sqrt(0.8 / (0.2 * 400))]
    np.testing.assert_allclose(curves.curves[0].noise_sd, expected, rtol=1e-14)


def test_binomial_noise_agrees_with_counting():
    error, n_test = 0.2, 400
    wrong = np.random.default_rng(1).binomial(n_test, error, 200_000) / n_test
    noise = read_curves(frame(error=[0.5, 0.3, error], n_test=n_test)).curves[0].noise_sd[-1]
    assert noise == pytest.approx(np.log(wrong).std(), rel=0.02)


def test_extreme_but_accepted_numbers_give_finite_noise():
    extreme = frame(n=[1e-100, 1, 1e100], error=[1e-100, 1e-100, 1e100], error_sd=1e100, repeats=1e-100, n_test=1e-100)
    curve = read_curves(extreme).curves[0]
    assert np.isfinite(curve.noise_sd).all()


# Hash and select --------------------------------------------------------------------------------------


def test_the_hash_sees_content_only(tmp_path):
    whole = frame(error_sd=[0.1, 0.2, None], note="x", seed=1, split="fit")
    plain = whole.drop(columns=["note", "seed", "split"])
    base = read_curves(plain).data_hash
    assert re.fullmatch("[0-9a-f]{64}", base)
    assert base != hashlib.sha256(b"").hexdigest()
    assert read_curves(whole).data_hash == base
    assert read_curves(plain[::-1]).data_hash == base
    assert read_curves(plain[["error", "n", "error_sd", "architecture", "domain"]]).data_hash == base
    assert read_curves(plain.assign(repeats=None, task="all")).data_hash == base
    repeats = pd.concat([plain, plain.assign(error=0.4)], ignore_index=True)
    named = read_curves(repeats.assign(seed=[2, 2, 2, 1, 1, 1]))
    assert named.table["error"].tolist() != read_curves(repeats).table["error"].tolist()
    assert named.data_hash == read_curves(repeats).data_hash


@pytest.mark.parametrize(
    "change",
    [
        {"domain": "v"},
        {"task": "t"},
        {"architecture": "mlp"},
        {"n": [100, 1000, 10001]},
        {"error": [0.5, 0.3, 0.21]},
        {"error_sd": 0.1},
        {"repeats": 2},
        {"n_test": 50},
    ],
)
def test_the_hash_sees_every_change_of_content(change):
    assert read_curves(frame(**change)).data_hash != read_curves(frame()).data_hash


def two_groups():
    parts = [
        frame(domain=domain, architecture=architecture, split=["fit", "fit", "extrapolate"])
        for domain in ("text", "vision")
        for architecture in ("cnn", "mlp")
    ]
    extra = pd.DataFrame({"domain": "text", "architecture": "mlp", "n": [100], "error": 0.6, "split": "fit"})
    return read_curves(pd.concat([*parts, extra]))


def test_select_keeps_the_named_rows_and_their_notes():
    curves = two_groups()
    assert codes(curves.notes) == ["repeats"]
    assert curves.select().data_hash == curves.data_hash
    chosen = curves.select(domain="text", split="fit")
    assert isinstance(chosen, LearningCurves)
    assert [(curve.label, len(curve.n)) for curve in chosen.curves] == [
        ("text/all/cnn", 2),
        ("text/all/mlp", 3),
    ]
    assert chosen.notes == curves.notes
    assert chosen.table.index.tolist() == list(range(5))
    assert curves.select(domain="vision").notes == ()
    assert [curve.label for curve in curves.select(architecture=["mlp"]).curves] == [
        "text/all/mlp",
        "vision/all/mlp",
    ]
    assert len(curves.select(architecture=["mlp", "cnn"], task="all").curves) == 4
    assert len(curves.curves) == 4


def test_select_says_what_exists():
    curves = two_groups()
    with pytest.raises(RequestError, match=r"table: found no domain 'speech' .*; expected one of 'text', 'vision'"):
        curves.select(domain="speech")
    with pytest.raises(RequestError, match=r"found no architecture 'vit' .*; expected one of 'cnn', 'mlp'"):
        curves.select(architecture=["cnn", "vit"])
    with pytest.raises(RequestError, match="expected one of 'cnn', 'mlp'"):
        curves.select(architecture=[])
    with pytest.raises(RequestError, match=r"found no split 'fit' .*Add it"):
        read_curves(frame()).select(split="fit")


# Summary and warnings ---------------------------------------------------------------------------------


def test_the_summary_of_a_power_law_with_one_rise():
    n = 10.0 ** np.arange(1, 7)
    error = 2 * n**-0.3
    error[4] = error[2] * np.exp(0.4)
    row = summarise(read_curves(pd.DataFrame({"domain": "d", "architecture": "a", "n": n, "error": error}))).iloc[0]
    assert row["points"] == row["sizes"] == 6
    assert (row["n_min"], row["n_max"], row["seeds"]) == (10, 1e6, 1)
    assert row["decades"] == pytest.approx(5)
    assert row["error_first"] == pytest.approx(error[0])
    assert row["error_last"] == pytest.approx(error[-1])
    assert row["best_so_far_rise"] == pytest.approx(np.log(error[4] / error[3]))


def test_the_residual_noise_is_scaled_to_one_point():
    rng = np.random.default_rng(3)
    n = np.sort(rng.uniform(1, 1e4, 4000))
    error = n**-0.2 * np.exp(0.03 * rng.standard_normal(len(n)))
    noise = summarise(read_curves(pd.DataFrame({"domain": "d", "architecture": "a", "n": n, "error": error})))["noise"]
    assert noise[0] == pytest.approx(0.03, rel=0.1)


def test_repeats_give_the_noise_where_there_are_some():
    logs = np.array([[0.0, 0.2], [-1.0, -1.0], [-2.0, -1.9]])
    rows = pd.DataFrame(
        {"domain": "d", "architecture": "a", "n": np.repeat([1, 10, 100], 2), "error": np.exp(logs).ravel()}
    )
    row = summarise(read_curves(rows.assign(seed=[1, 2] * 3))).iloc[0]
    assert row["noise"] == pytest.approx(np.sqrt((0.02 + 0 + 0.005) / 3))
    assert (row["points"], row["sizes"], row["seeds"]) == (6, 3, 2)
    assert row["error_first"] == pytest.approx(np.mean([1.0, np.exp(0.2)]))
    unnamed = pd.concat([rows, rows.assign(error=0.1)])
    assert summarise(read_curves(unnamed)).iloc[0]["seeds"] == 3


def test_a_curve_of_one_size_has_no_noise_estimate(tmp_path):
    summary = summarise(read_curves(write(tmp_path, table("vision,vit,5,0.9")))).set_index("architecture")
    assert np.isnan(summary.loc["vit", "noise"])
    assert summary.loc["vit", "decades"] == summary.loc["vit", "best_so_far_rise"] == 0


def test_design_warnings():
    steady = frame(seed=[1, 1, 1])
    assert codes(warnings_of(read_curves(steady))) == ["one-seed"]
    assert codes(warnings_of(read_curves(pd.concat([steady, frame(seed=2, error=[0.51, 0.31, 0.2])])))) == []
    assert codes(warnings_of(read_curves(frame(error_sd=0.1, repeats=5)))) == []
    assert codes(warnings_of(read_curves(frame(repeats=5)))) == ["one-seed"]
    assert codes(warnings_of(read_curves(frame(n=[100, 200, 999])))) == ["span", "one-seed"]
    assert codes(warnings_of(read_curves(frame(n=[100, 200, 1000])))) == ["one-seed"]
    (_, note) = warnings_of(read_curves(frame(error=[0.5, 0.3, 0.33])))
    assert (note.code, note.curve) == ("non-monotone", "vision/all/cnn")
    assert "vision/all/cnn: error rises 10% above its best" in note.text
    assert codes(warnings_of(read_curves(frame(error=[0.5, 0.3, 0.312])))) == ["one-seed"]


def test_errors_above_one_are_named_where_the_card_calls_them_shares():
    group = ("vision", "all")
    above = frame(error=[1.4, 1.1, 0.4])
    (note,) = above_share(read_curves(above), [group])
    assert (note.code, note.curve) == ("error-above-one", "vision/all/cnn")
    assert "errors above 1: 2" in note.text
    assert "divide per cent by 100" in note.text
    assert above_share(read_curves(above), [("text", "all")]) == ()
    assert above_share(read_curves(frame()), [group]) == ()
    assert above_share(read_curves(above.assign(metric="log loss")), [group]) == ()
    assert above_share(read_curves(above.assign(metric="top-1 error"), as_they_are=True), [group]) != ()
    noted = read_curves(above.assign(metric="error rate"), as_they_are=True)
    assert above_share(noted, [group]) == ()  # noted when it was read


def test_a_curve_near_chance_is_named():
    flat = read_curves(frame(error=[0.92, 0.9, 0.86]))
    assert codes(warnings_of(flat, {("vision", "all"): 0.9})) == ["one-seed", "near-chance"]
    assert codes(warnings_of(flat, {"vision": 0.9})) == ["one-seed", "near-chance"]
    assert codes(warnings_of(flat, {("vision", "all"): 0.99, "vision": 0.9})) == ["one-seed"]
    assert codes(warnings_of(flat, {("text", "all"): 0.9})) == ["one-seed"]
    assert codes(warnings_of(flat)) == ["one-seed"]
