"""A forecast's own record: what is hidden, what is counted, how unlikely that is, and what companions do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers import synthetic
from scipy import stats

from forecaster.checks.track_record import companions, own_record
from forecaster.curves.learning_curves import KEYS
from forecaster.curves.reading.read import read_curves
from forecaster.evaluation.backtest import backtest
from forecaster.evaluation.fitting import fit_cached
from forecaster.evaluation.pooling import ALONE, OPEN, TOGETHER, Pooling, pooling
from forecaster.evaluation.record import TOO_FEW, hide, outside, recorded, scored_curve, track_record
from forecaster.inference import fit as inference
from forecaster.inference.storage import load_posterior
from forecaster.prediction import observation
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.forecast import forecast
from forecaster.prediction.paths import curve_paths
from forecaster.prediction.requirement import requirement
from forecaster.results.check import FAIL, PASS, REVIEW
from forecaster.results.track_record import RECORD, TrackRecord, p_value

HIDDEN = np.array([2e5, 3e5, 5e5, 8e5])


def table_of(**sizes):
    rows = [("d", "t", name, n, 1.0 / n) for name, own in sizes.items() for n in own]
    return read_curves(pd.DataFrame(rows, columns=[*KEYS, "n", "error"]))


def test_the_last_third_of_each_curves_log_size_is_hidden():
    curves = table_of(a=[1e3, 1e4, 1e5, 1e6], b=[10, 20, 40, 70, 81], few=[1e3, 9e4, 1e5, 1e6])
    hidden = hide(curves)
    left, unseen = ({c.architecture: c.n.tolist() for c in part.curves} for part in (hidden.left, hidden.unseen))
    assert left == {"a": [1e3, 1e4, 1e5], "b": [10, 20, 40], "few": [1e3, 9e4, 1e5]}
    assert unseen == {"a": [1e6], "b": [70, 81], "few": [1e6]}
    assert hide(table_of(few=[1e3, 1e6, 2e6, 3e6])) is None


# What is counted ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wandering():
    """A curve that drifts, and the same one believed to drift half as much."""
    return [
        synthetic.posterior({"cnn": synthetic.values(1000, log_drift=drift, log_noise=-4.0, sd={"level": 0.02})})
        for drift in (-2.5, -2.5 - np.log(2.0))
    ]


def drawn(posterior, seed):
    """Joint draws of a new run at the hidden sizes, [draw, size]."""
    key = CurveKey(*posterior.groups[0], "cnn")
    return observation.new_run(curve_paths(posterior, key, HIDDEN, seed=seed), HIDDEN, as_rows=True)[0]


def unseen(posterior, error):
    own, count = posterior.curves.curves[0], slice(len(HIDDEN))
    arrays = {name: getattr(own, name)[count] for name in ("noise_sd", "n_test", "run_sd")}
    return replace(own, n=HIDDEN, error=np.asarray(error), seed=None, **arrays)


def test_hidden_errors_are_counted_by_the_side_on_which_they_lie(wandering):
    held = wandering[0]
    low, middle, high = np.exp(np.quantile(drawn(held, 0), [0.1, 0.5, 0.9], axis=0))
    row, replicas = scored_curve(
        held, held.curves.curves[0], unseen(held, [*middle[:2], 1.01 * high[2], 0.5 * low[3]]), 0
    )
    assert [row[name] for name in ("hidden", "held_80", "held_95", "too_low", "too_high")] == [4, 2, 3, 1, 1]
    expected = [np.log(1.01) / np.log(high[2] / low[2]) * 2, np.log(2.0) / np.log(high[3] / low[3]) * 2]
    assert row["missed"] == pytest.approx(sum(expected) / 4, rel=1e-6)
    assert row["mean_error"] == pytest.approx(np.log(middle[2:] / [1.01 * high[2], 0.5 * low[3]]).sum() / 4, abs=1e-9)
    assert row["n_fit"] == held.curves.curves[0].n[-1]
    assert row["n_last"] == HIDDEN[-1]
    assert row["p_value"] == p_value(row["missed"], replicas)


@pytest.mark.parametrize(("which", "fair"), [(0, True), (1, False)])
def test_calibrated_forecasts_are_missed_as_often_as_the_p_value_says(wandering, which, fair):
    """Truths are other draws of the first forecast: one in ten has a p-value of a tenth, and fewer than 2 % one of 1 %.

    A forecast that takes the drift for half as large must not pass.
    """
    own, truths = drawn(wandering[which], 0), drawn(wandering[0], 7)
    low, high = np.quantile(own, [0.1, 0.9], axis=0)
    replicas = outside(own, low, high)
    p = np.array([p_value(missed, replicas) for missed in outside(truths, low, high)])
    tenth = abs(np.mean(p <= 0.1) - 0.1) < 4 * np.sqrt(0.09 / len(p))
    assert (tenth and np.mean(p <= 0.01) < 0.02) == fair


def test_errors_within_a_task_count_as_one_and_tasks_as_independent():
    """With exponential misses: of two curves of one task as of one curve, of two tasks as a gamma variable."""
    rng = np.random.default_rng(0)
    draws = rng.exponential(size=(2, 20_000))

    def p(tasks):
        rows = {name: [0] * 2 for name in RECORD.names} | {"hidden": [10, 10], "missed": [2.0, 2.0]}
        rows |= {"domain": ["d"] * 2, "task": tasks, "architecture": ["a", "b"]}
        return TrackRecord(pd.DataFrame(rows), draws, TOO_FEW).total["p_value"]

    assert p(["t", "t"]) == pytest.approx(np.exp(-2.0), rel=0.05)
    assert p(["t", "u"]) == pytest.approx(stats.gamma(2).sf(4.0), rel=0.05)


# With a fit ---------------------------------------------------------------------------------------


def test_the_record_is_that_of_a_backtest_of_the_same_sizes(digits_curves, digits_posterior):
    record = digits_posterior.record
    names = ["a", *digits_curves.table["architecture"].unique()][1:]
    hidden = hide(digits_curves).unseen.table[[*KEYS, "n"]].drop_duplicates().assign(split="extrapolate")
    marked = digits_curves.table.merge(hidden, on=[*KEYS, "n"], how="left")
    marked["split"] = marked["split"].fillna("fit")
    found = backtest(read_curves(marked), split="column", baselines=False)
    rows = found.table.set_index("architecture").loc[names]
    own = record.table.set_index("architecture").loc[names]
    assert own["hidden"].tolist() == rows["points"].tolist()
    np.testing.assert_allclose(own["held_80"] / own["hidden"], rows["covered"], atol=0.12)
    np.testing.assert_allclose(own["mean_error"], rows["bias"], atol=0.05)
    np.testing.assert_allclose(own["crps"], rows["crps"], rtol=0.1)


def test_it_is_kept_with_the_posterior(digits_posterior, tmp_path):
    whole = digits_posterior.record
    again = load_posterior(digits_posterior.save(tmp_path / "digits.nc"))
    pd.testing.assert_frame_equal(again.record.table, whole.table)
    assert again.record.total == whole.total
    assert recorded(again) is again
    assert again.with_record(None).record.line is None
    assert forecast(again, [2400]).record_total == whole.total
    assert forecast(again, [2400], record=False).record.empty
    one = requirement(again, 0.01, curves=["mlp"])
    assert one.record["architecture"].tolist() == ["mlp"]
    assert one.text.splitlines()[-1] == one.track.line.text


def test_programs_that_were_compiled_serve_it(digits_curves, digits_posterior, monkeypatch):
    from forecaster.inference.engines.ensemble import compilation

    plain = inference.fit(digits_curves)
    made = []
    real = compilation._loaded_or_compiled
    monkeypatch.setattr(compilation, "_loaded_or_compiled", lambda *given: made.append(given) or real(*given))
    record = track_record(plain)
    assert made == []
    pd.testing.assert_frame_equal(record.table, digits_posterior.record.table)


def test_too_few_sizes_are_said():
    held = synthetic.posterior({"cnn": synthetic.values()}, sizes=[1e3, 5e4, 1e5])
    assert list(own_record(held.record)) == []
    tested = recorded(held).record
    assert tested.table.empty
    assert tested.line.id == "no-record"
    (found,) = own_record(tested)
    assert (found.id, found.verdict, found.message.id) == ("record", REVIEW, "no-record")


def test_a_kept_fit_has_its_record_when_it_is_asked_for(digits_curves, digits_posterior):
    assert fit_cached(digits_curves, record=False).record.table.empty
    pd.testing.assert_frame_equal(fit_cached(digits_curves).record.table, digits_posterior.record.table)


# Verdicts -----------------------------------------------------------------------------------------


def track(*p_values, missed=1.0):
    count = len(p_values)
    rows = {name: [1] * count for name in RECORD.names} | {"hidden": [10] * count, "missed": [missed] * count}
    rows |= {"domain": ["d"] * count, "task": ["t"] * count, "architecture": [f"a{i}" for i in range(count)]}
    replicas = np.tile(np.linspace(0, 2, 2001), (count, 1))
    return TrackRecord(pd.DataFrame(rows | {"p_value": p_values}), replicas, TOO_FEW)


@pytest.mark.parametrize(
    ("record", "verdict", "curves"),
    [
        (track(0.5), PASS, ()),
        (track(0.04), REVIEW, ("d/t/a0",)),
        (track(0.0009), FAIL, ("d/t/a0",)),
        (track(0.9, 0.0009), REVIEW, ("d/t/a1",)),
        (track(0.9, 0.0004), FAIL, ("d/t/a1",)),
        (track(0.9, 0.9, missed=3.0), FAIL, ("d/t",)),
    ],
)
def test_verdicts_follow_how_unlikely_the_record_is(record, verdict, curves):
    (found,) = own_record(record)
    assert (found.verdict, found.curves) == (verdict, curves)


# Companions ---------------------------------------------------------------------------------------


def apart(moved, gains):
    rows = {"domain": "d", "task": "t", "architecture": [f"a{i}" for i in range(len(gains))], "n": 1e6}
    rows |= {"yhat": 0.1, "alone": 0.2, "moved": moved, "crps": 0.1, "crps_alone": 0.1 + np.array(gains)}
    return Pooling(pd.DataFrame(rows))


@pytest.mark.parametrize(
    ("moved", "gains", "favoured", "verdict"),
    [
        (2.0, [0.1, 0.12, 0.11], TOGETHER, PASS),
        (2.0, [-0.1, 0.1, 0.01], OPEN, REVIEW),
        (0.7, [-0.1, 0.1, 0.01], OPEN, PASS),
        (0.7, [-0.1, -0.12, -0.11], ALONE, REVIEW),
        (0.4, [-0.1, -0.12, -0.11], ALONE, PASS),
        (2.0, [0.1, 0.1], OPEN, REVIEW),
    ],
)
def test_a_forecast_that_rests_on_companions_needs_the_record_to_speak_for_them(moved, gains, favoured, verdict):
    found = apart(moved, gains)
    assert found.favoured == favoured
    (check,) = companions(found)
    assert (check.id, check.verdict) == ("pooling", verdict)


def test_left_alone_a_curve_is_forecast_as_by_a_fit_of_it_alone(digits_curves, digits_posterior):
    found = pooling(digits_posterior, 2400.0)
    together = forecast(digits_posterior, [2400.0]).table
    np.testing.assert_array_equal(found.table["yhat"], together["yhat"])
    one = forecast(inference.fit(digits_curves.select(architecture="mlp")), [2400.0]).table.iloc[0]
    mine = found.table.set_index("architecture").loc["mlp"]
    for ours, theirs in (("alone", "yhat"), ("alone_lower", "yhat_lower"), ("alone_upper", "yhat_upper")):
        assert np.log(mine[ours] / one[theirs]) == pytest.approx(0.0, abs=0.05)
    assert found.table["crps"].tolist() == digits_posterior.record.table["crps"].tolist()
    assert found.table["crps_alone"].between(0.0, 1.0).all()


def test_one_curve_has_no_companions():
    assert pooling(synthetic.posterior({"cnn": synthetic.values()})) is None
