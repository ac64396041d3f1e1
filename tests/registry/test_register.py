"""From a posterior to a registered forecast, to its outcome."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest
from helpers import surfaces

import forecaster
from forecaster.errors import RegistryError, RequestError
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.observation import new_run
from forecaster.prediction.paths import curve_paths
from forecaster.registry.chain import read_chain
from forecaster.registry.register import register
from forecaster.registry.registration import QUANTILES, SAMPLES, Registration
from forecaster.registry.score import score
from forecaster.registry.verify import verify
from forecaster.results.check import FAIL, Check
from forecaster.results.message import message

SIZES, TARGET = (2_400.0, 9_600.0), 0.02
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
TODAY = date(2027, 1, 1)


@pytest.fixture(scope="module")
def registered(digits_posterior, tmp_path_factory):
    """Two sizes of three curves, written down."""
    path = tmp_path_factory.mktemp("registry") / "forecasts.jsonl"
    return register(digits_posterior, SIZES, path, due="2027-03-01", target=[TARGET, 0.005], made_at=NOON, note="x")


def outcomes(found, factor=1.0, **more):
    """What the medians say, times a factor, as a table of outcomes."""
    table = found.table[["domain", "task", "architecture", "n"]].copy()
    return table.assign(error=found.table["yhat"] * factor, **more)


def test_the_record_holds_the_forecast_whole(registered, digits_posterior):
    (record,) = read_chain(registered.file).records
    made = Registration.of(record.content)
    assert record.hash == registered.hash
    assert (made.forecast_id, made.due, made.made_at) == ("2026-11-30-1", "2027-03-01", "2026-11-30T12:00:00Z")
    assert made.origin["data_hash"] == digits_posterior.curves.data_hash
    assert len(made.points) == 6
    for point in made.points:
        assert len(point.samples) == SAMPLES
        assert np.all(np.diff(point.quantiles) >= 0)
        assert set(point.baselines) == {"last_point", "power_law_with_floor"}
    assert Registration.of(made.content()) == made


def test_quantiles_and_chances_are_those_of_a_new_run(registered, digits_posterior):
    made = Registration.of(read_chain(registered.file).records[0].content)
    point = made.points[1]
    key = CurveKey(*point.curve)
    drawn = new_run(curve_paths(digits_posterior, key, SIZES), np.array(SIZES), [0, 0], as_rows=True)[0][:, 1]
    assert point.log_quantiles == pytest.approx(np.quantile(drawn, QUANTILES), abs=1e-6)
    assert point.chances[0] == pytest.approx((0.005, np.mean(drawn <= np.log(0.005))))


def test_the_long_table_has_every_number(registered):
    hub = registered.hub
    counts = hub.groupby("output_type").size()
    assert counts.to_dict() == {"quantile": 6 * len(QUANTILES), "cdf": 12, "sample": 6 * SAMPLES}
    median = hub[(hub["output_type"] == "quantile") & (hub["output_type_id"] == "0.5")]["value"]
    assert median.tolist() == registered.table["yhat"].tolist()


def test_the_mean_of_more_runs_is_less_uncertain(digits_posterior, tmp_path):
    one, many = (
        register(digits_posterior, SIZES, tmp_path / "f.jsonl", due="2027-03-01", runs=runs).table for runs in (1, 20)
    )
    widths = [np.log(table["yhat_upper"] / table["yhat_lower"]) for table in (one, many)]
    assert (widths[1] < widths[0]).all()


def test_outcomes_at_the_medians_are_hits(registered):
    found = score(registered.file, outcomes(registered), today=TODAY)
    assert (found.table["status"] == "scored").all()
    assert found.table["hit_80"].all()
    assert found.totals["n_scored"] == 6
    assert found.table["pit"].to_numpy() == pytest.approx(0.5, abs=0.1)


def test_outcomes_far_off_fail_the_record(registered):
    found = score(registered.file, outcomes(registered, 20.0), today=TODAY)
    assert found.totals["hit_95"] == 0.0
    assert "FAIL" in {check.verdict for check in found.checks}


def test_ambiguous_and_censored_outcomes(registered):
    table = outcomes(registered, outcome=["ambiguous", "above", "below", "measured", "", None])
    found = score(registered.file, table, today=TODAY)
    assert found.table["status"].tolist() == ["ambiguous", "censored", "censored", "scored", "scored", "scored"]
    assert found.totals["n_scored"] == 3
    known = found.chances[found.chances["n"].eq(SIZES[1])]
    assert len(found.chances) < 12  # a bound on one side does not settle every target
    assert set(known["reached"]) <= {True, False}


def test_a_bound_above_the_target_says_that_it_was_not_reached(registered):
    first = registered.table.iloc[[0]]
    table = first[["architecture", "n"]].assign(error=0.5, outcome="above")
    found = score(registered.file, table, today=TODAY)
    assert found.chances["reached"].tolist() == [False, False]
    assert found.record.empty


def test_missing_outcomes_are_pending_then_overdue(registered):
    table = outcomes(registered).iloc[:1]
    early = score(registered.file, table, today=TODAY)
    late = score(registered.file, table, today=date(2027, 3, 2))
    assert early.table["status"].tolist().count("pending") == 5
    assert late.table["status"].tolist().count("overdue") == 5
    assert "overdue" in {check.id for check in late.checks}


def test_sizes_a_little_off_are_the_same_size(registered):
    table = outcomes(registered).assign(n=lambda t: t["n"] * 1.009)
    assert (score(registered.file, table, today=TODAY).table["status"] == "scored").all()
    with pytest.raises(RequestError, match="expected"):
        score(registered.file, table.assign(n=lambda t: t["n"] * 1.1), today=TODAY)


def test_a_surface_is_registered_by_both_sizes(tmp_path):
    surface = forecaster.fit_surface(surfaces.table())
    sizes, models = [1e11, 3e11], [1e9, 4e9]
    found = register(surface, sizes, tmp_path / "f.jsonl", due="2027-03-01", params=models, target=[2.5])
    assert len(found.table) == 4
    assert set(found.table["params"]) == set(models)
    drawn = surface.new_run(found.table["n"].to_numpy(), found.table["params"].to_numpy())
    assert np.log(found.table["yhat"].to_numpy()) == pytest.approx(np.median(drawn, 0), abs=1e-6)
    table = found.table[["params", "n"]].assign(error=found.table["yhat"])
    scored = score(tmp_path / "f.jsonl", table, today=TODAY)
    assert scored.totals["n_scored"] == 4
    assert scored.table["hit_80"].all()
    with pytest.raises(RequestError, match="params"):
        score(tmp_path / "f.jsonl", table.drop(columns="params"), today=TODAY)
    with pytest.raises(RequestError, match="params"):
        register(surface, sizes, tmp_path / "f.jsonl", due="2027-03-01")


def test_sizes_of_models_belong_to_surfaces(digits_posterior, tmp_path):
    with pytest.raises(RequestError, match="surface"):
        register(digits_posterior, SIZES, tmp_path / "f.jsonl", due="2027-03-01", params=[1e9])


def test_of_several_forecasts_of_a_point_the_first_counts(digits_posterior, tmp_path):
    path = tmp_path / "f.jsonl"
    for _ in range(2):
        found = register(digits_posterior, SIZES[:1], path, due="2027-03-01")
    scored = score(path, outcomes(found), today=TODAY)
    assert len(scored.table) == 6
    assert scored.table["counts"].tolist() == [True] * 3 + [False] * 3
    assert scored.totals["n_scored"] == 3


def test_outcomes_from_a_file(registered, tmp_path):
    outcomes(registered).drop(columns=["domain", "task"]).to_csv(tmp_path / "o.csv", index=False)
    assert score(registered.file, tmp_path / "o.csv", today=TODAY).totals["n_scored"] == 6


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"at": []}, "sizes"),
        ({"at": [-1.0]}, "sizes"),
        ({"target": [0.0]}, "targets"),
        ({"due": "soon"}, "due"),
        ({"kind": "best"}, "kind"),
        ({"runs": 0}, "runs"),
        ({"runs": 3, "kind": "mean"}, "runs"),
        ({"checks": (Check("x", FAIL, message("m", "it failed"), "mend it"),)}, "it failed"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_written(digits_posterior, tmp_path, change, expected):
    asked = {"at": SIZES, "due": "2027-03-01"} | change
    with pytest.raises(RequestError, match=expected):
        register(digits_posterior, asked.pop("at"), tmp_path / "f.jsonl", **asked)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (pd.DataFrame({"n": [2400.0], "error": [0.1]}), "architecture"),
        (pd.DataFrame({"architecture": ["mlp"], "error": [0.1]}), "column n"),
        (pd.DataFrame({"architecture": ["mlp"], "n": [2400.0], "error": [-0.1]}), "positive"),
        (pd.DataFrame({"architecture": ["mlp"], "n": [2400.0], "error": [0.1], "outcome": ["great"]}), "great"),
        (pd.DataFrame({"architecture": ["other"], "n": [2400.0], "error": [0.1]}), "other"),
    ],
)
def test_outcomes_that_cannot_be_used_are_refused(registered, table, expected):
    with pytest.raises(RequestError, match=expected):
        score(registered.file, table, today=TODAY)


def test_nothing_is_scored_of_a_broken_chain(registered, tmp_path):
    from pathlib import Path

    copy = tmp_path / "f.jsonl"
    copy.write_bytes(Path(registered.file).read_bytes().replace(b'"note":"x"', b'"note":"y"'))
    with pytest.raises(RegistryError, match="line 1"):
        score(copy, outcomes(registered))
    with pytest.raises(RegistryError):
        score(tmp_path / "none.jsonl", outcomes(registered))
    assert verify(registered.file, head=registered.hash).intact
