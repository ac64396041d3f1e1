"""Curves are drawn once: one question has one answer, whatever else is asked, in whichever order."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pandas as pd
import pytest
from helpers import synthetic

from forecaster.comparison.compare import compare
from forecaster.domains.loading import load_domains
from forecaster.errors import RequestError
from forecaster.plots.forecast import curve_table
from forecaster.prediction import paths as module
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.forecast import forecast
from forecaster.prediction.observation import KINDS
from forecaster.prediction.options import options_table
from forecaster.prediction.paths import GRID_STEP, curve_paths
from forecaster.prediction.requirement import requirement

CNN = CurveKey(*synthetic.GROUP, "cnn")
NEW = CurveKey(*synthetic.GROUP, "unmeasured")
SOME = {"level": 0.05, "log_exponent": 0.2, "floor_logit": 0.8}
WANDERING = {"log_drift": -3.5, "log_slope": -3.8, "log_noise": -3.0}


def held(draws: int = 200):
    """Two curves that wander, one of which ends early, on a test set of 300 cases."""
    curves = {
        "cnn": synthetic.values(draws, sd=SOME, **WANDERING),
        "mlp": synthetic.values(draws, level=-1.9, sd=SOME, seed=1, **WANDERING),
    }
    found = synthetic.posterior(curves, sizes={"cnn": synthetic.SIZES, "mlp": synthetic.SIZES[:-1]})
    return synthetic.on_test_set(found, 300)


def row_of(table: pd.DataFrame, architecture: str, n: float) -> list:
    found = table[(table["architecture"] == architecture) & (table["n"] == n)]
    return found.iloc[0].to_list()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("beside", [[1e9], [50.0], [7e3, 2.5e4], [20.0, 4e3, 1e5, 3e5, 1e8]], ids=str)
def test_what_else_is_asked_changes_no_cell(kind, beside):
    """Farther, nearer and in between: the very numbers, to the last digit."""
    wanted = [2e4, 1e5, 2e6]
    alone = forecast(held(), wanted, kind=kind, seed=5).table
    among = forecast(held(), [*beside, *wanted], kind=kind, seed=5).table
    for name in ("cnn", "mlp"):
        for n in wanted:
            assert row_of(alone, name, n) == row_of(among, name, n)


@pytest.mark.parametrize("first", ["forecast", "requirement", "compare"])
def test_earlier_questions_change_no_cell(first):
    fresh, used = held(), held()
    {
        "forecast": lambda: forecast(used, [1e9, 10.0], kind="new-run"),
        "requirement": lambda: requirement(used, 0.05),
        "compare": lambda: compare(used, at=[4e4]),
    }[first]()
    pd.testing.assert_frame_equal(forecast(used, [3e4, 1e6]).table, forecast(fresh, [3e4, 1e6]).table)
    again, alone = (requirement(one, 0.06, horizon=1e8).table for one in (used, fresh))
    pd.testing.assert_frame_equal(again, alone)


def test_the_chance_of_being_best_is_one_number():
    posterior, sizes = held(), [2e4, 1e5, 1e6, 1e8]
    compared = compare(posterior, at=sizes, seed=3).best
    options = options_table(forecast(posterior, sizes, seed=3))
    for row in compared.to_dict("records"):
        same = options[(options["architecture"] == row["architecture"]) & (options["n"] == row["n"])]
        assert same["p_best"].iloc[0] == row["p_best"]
    only = pd.DataFrame([(*synthetic.GROUP, "mlp", 1e6)], columns=["domain", "task", "architecture", "n"])
    alone = options_table(forecast(posterior, only, seed=3))["p_best"].iloc[0]
    assert alone == compared.query("architecture == 'mlp' and n == 1e6")["p_best"].iloc[0]


def test_a_figure_draws_the_table_of_its_seed():
    posterior = held()
    found = forecast(posterior, [1e6], seed=5, level=0.8)
    drawn = curve_table(found)
    end = drawn[drawn["n"] == drawn["n"].max()].set_index("architecture")
    for row in found.table.to_dict("records"):
        ends = end.loc[row["architecture"], ["q10", "q50", "q90"]].astype(float).tolist()
        assert ends == pytest.approx([row["yhat_lower"], row["yhat"], row["yhat_upper"]], rel=1e-6)
    other = curve_table(forecast(posterior, [1e6], seed=6))
    assert not np.allclose(other["q50"], drawn["q50"])


@pytest.mark.parametrize("key", [CNN, CurveKey(*synthetic.GROUP, "mlp"), NEW])
def test_the_grid_is_the_same_in_whichever_order_it_grew(key):
    at_once = curve_paths(held(), key, [5.0, 1e8]).whole
    one = curve_paths(held(), key, [1e8])
    by_steps = one.covering(np.log(1e3), np.log(1e5)).covering(np.log(5.0), np.log(10.0))
    np.testing.assert_array_equal(at_once.x, by_steps.x)
    np.testing.assert_array_equal(at_once.log_error, by_steps.log_error)
    assert (np.diff(at_once.x) > 0).all()
    assert np.diff(at_once.x).max() < GRID_STEP + 1e-9
    assert set(np.round(at_once.origin.x, 9)) <= set(np.round(at_once.x, 9))


def test_between_points_a_path_is_straight_and_beyond_them_it_is_refused():
    paths = curve_paths(held(), CNN, [1e6])
    x = paths.x[-2:]
    middle = paths.at(np.exp([x.mean()]))[:, 0]
    assert middle == pytest.approx(paths.log_error[-2:].mean(0))
    with pytest.raises(ValueError, match="beyond the grid"):
        paths.at([1e12])


def test_drift_between_points_stays_under_three_in_a_thousand():
    """Of the usual curve of every card but two (tables, images), whose drift is larger: under half a per cent."""
    rms = {
        name: np.exp(card.priors["log_drift"].location) * np.sqrt(GRID_STEP / 6.0)
        for name, card in load_domains().items()
    }
    assert max(rms.values()) < 0.005
    assert rms["generic"] < 0.003
    assert sum(value >= 0.003 for value in rms.values()) <= 4


def test_what_is_kept_stays_within_bounds_and_goes_with_its_posterior(monkeypatch):
    posterior = held()
    one = curve_paths(posterior, CNN, [1e6])
    assert curve_paths(posterior, CNN, [1e6]) is one
    monkeypatch.setattr(module, "KEPT_BYTES", one.nbytes)
    curve_paths(posterior, NEW, [1e6])
    again = curve_paths(posterior, CNN, [1e6])
    assert again is not one
    np.testing.assert_array_equal(again.log_error, one.log_error)
    seen = weakref.ref(posterior)
    del posterior
    gc.collect()
    assert seen() is None


def test_fewer_draws_are_some_of_the_same_parameters():
    posterior = held()
    whole, some = curve_paths(posterior, CNN, [1e6]), curve_paths(posterior, CNN, [1e6], thin=4)
    np.testing.assert_array_equal(some.parameters.level, whole.parameters.level[::4])
    assert some.log_error.shape[1] == 50


def test_a_curve_of_another_group_is_refused():
    with pytest.raises(RequestError, match="no curves of speech/all"):
        curve_paths(held(), CurveKey("speech", "all", "cnn"), [1e6])
