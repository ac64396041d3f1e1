"""New measurements beside their forecast: false alarms, missed shifts, causes, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from helpers.synthetic import GROUP, SIZES, posterior, values

from forecaster.errors import RequestError
from forecaster.monitoring.causes import CAUSES, causes
from forecaster.monitoring.evidence import evidence
from forecaster.monitoring.watch import UNCLEAR, watch
from forecaster.prediction.conditioning import predictive
from forecaster.prediction.curve_keys import CurveKey
from forecaster.registry.chain import read_chain

SEQUENCES, POINTS, ALPHA = 2000, 20, 0.05
KEY = CurveKey(*GROUP, "a")
AHEAD = np.geomspace(2e5, 1e7, 12)
NOISE = -3.5  # log sd of a run


def alarms(pit, threshold=1.0 / ALPHA):
    """Whether evidence ever reaches the threshold, and the first measurement at which."""
    found = evidence(pit).e_value >= threshold
    return bool(found.any()), int(np.argmax(found))


def uniform(rng, spread=1.0):
    """PITs of a forecast whose sds are 1 / spread of what they should be."""
    from scipy.special import ndtr

    return ndtr(spread * rng.standard_normal(POINTS))


def test_false_alarms_stay_below_their_level_however_often_one_looks():
    rng = np.random.default_rng(0)
    share = np.mean([alarms(uniform(rng))[0] for _ in range(SEQUENCES)])
    assert share <= 0.06


def test_a_forecast_that_is_too_narrow_raises_more():
    """The broken twin: sds of half the right size."""
    rng = np.random.default_rng(1)
    assert np.mean([alarms(uniform(rng, 2.0))[0] for _ in range(200)]) > 0.8


def test_the_mean_of_e_values_is_at_most_one_under_the_forecast():
    # importance-free: by enumeration on a fine grid of two independent PITs
    grid = (np.arange(200) + 0.5) / 200
    mean = np.mean([evidence(np.array([u, v])).e_value[1] for u in grid[::4] for v in grid[::4]])
    assert mean <= 1.0


def fitted(**more):
    """One curve whose parameters are known up to little."""
    drawn = values(sd={"level": 0.02, "log_exponent": 0.02}, log_noise=NOISE, floor_logit=-4.0, **more)
    return posterior({"a": drawn})


@pytest.fixture(scope="module")
def known():
    return fitted()


def simulated(known, sizes, seed):
    """New measurements by one draw of the forecast itself."""
    made = predictive(known, KEY, sizes)
    rng = np.random.default_rng(seed)
    i = rng.integers(len(made.mean))
    return made.mean[i] + np.linalg.cholesky(made.covariance[i]) @ rng.standard_normal(len(sizes))


def rows(sizes, y, **more):
    return pd.DataFrame(
        {"domain": GROUP[0], "task": GROUP[1], "architecture": "a", "n": sizes, "error": np.exp(y)} | more
    )


def test_measurements_from_the_forecast_raise_few_alarms(known):
    made = predictive(known, KEY, AHEAD)
    share = np.mean([alarms(made.pit(simulated(known, AHEAD, seed)))[0] for seed in range(100)])
    assert share <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 100)


def test_a_shift_of_five_sds_is_caught_by_its_second_measurement(known):
    made = predictive(known, KEY, AHEAD)
    sd = np.sqrt(made.mean.var(0) + np.diagonal(made.covariance, axis1=1, axis2=2).mean(0))
    caught = []
    for seed in range(60):
        y, start = simulated(known, AHEAD, seed), seed % 8
        y[start:] += 5.0 * sd[start:] * (-1) ** seed
        found, at = alarms(made.pit(y))
        caught.append(found and at <= start + 1)
    assert np.mean(caught) >= 0.95


MOVES = {
    "intercept": lambda n, error: 0.5 + 0.0 * n,
    "exponent": lambda n, error: 0.2 * np.log(n / SIZES[-1]),
    "floor": lambda n, error: np.log1p(1.5 * error[-1] / error),
    "stray run": lambda n, error: np.where(np.arange(len(n)) == 3, 0.7, 0.0),
}


def test_the_cause_of_a_clear_change_is_named(known):
    made = predictive(known, KEY, AHEAD)
    right = []
    for name, move in MOVES.items():
        for seed in range(8):
            y = simulated(known, AHEAD, seed)
            found = watch(known, rows(AHEAD, y + move(AHEAD, np.exp(made.mean.mean(0)))))
            right.append(found.curves["likely"].iloc[0] == name)
    assert np.mean(right) >= 0.8


def test_at_one_size_causes_but_a_stray_run_cannot_be_told_apart(known):
    sizes = np.full(4, 1e6)
    found = causes(predictive(known, KEY, sizes), simulated(known, sizes, 0) + 0.4, 0, float(np.log(SIZES[-1])))
    assert sum(found.values()) == pytest.approx(1.0)
    assert found["intercept"] == pytest.approx(found["exponent"], rel=1e-6)
    assert found["intercept"] == pytest.approx(found["floor"], rel=1e-2)
    assert found["stray run"] < 0.05


def test_log_densities_of_several_sets_are_those_of_each_alone(known):
    made, y = predictive(known, KEY, AHEAD[:3]), simulated(known, AHEAD[:3], 0)
    moves = np.array([[0.1, -0.2, 0.3], [0.0, 0.0, 0.0]])
    found = made.log_density(y - moves)
    assert found == pytest.approx(np.stack([made.log_density(y - move) for move in moves]))


def test_as_forecast_and_after_a_shift(known, tmp_path):
    y = simulated(known, AHEAD, 3)
    calm = watch(known, rows(AHEAD, y), log=tmp_path / "w.jsonl", now=datetime(2026, 11, 30, tzinfo=UTC))
    assert not calm.alarm
    assert not calm.failed
    y[6:] += 0.5
    loud = watch(known, rows(AHEAD, y), log=tmp_path / "w.jsonl")
    assert loud.alarm
    assert loud.failed
    row = loud.curves.iloc[0]
    assert (row["since_n"], row["side"]) == (pytest.approx(AHEAD[6]), "higher")
    kept = [one.content for one in read_chain(tmp_path / "w.jsonl").records]
    assert [one["curves"][0]["alarm"] for one in kept] == [False, True]
    assert kept[0]["looked_at"] == "2026-11-30T00:00:00Z"


def test_earlier_verdicts_do_not_change_as_more_is_measured(known):
    y = simulated(known, AHEAD, 5) + np.where(np.arange(len(AHEAD)) > 4, 0.4, 0.0)
    whole = watch(known, rows(AHEAD, y)).table["e_value"].to_numpy()
    for count in (1, 4, 8):
        part = watch(known, rows(AHEAD[:count], y[:count])).table["e_value"].to_numpy()
        assert part == pytest.approx(whole[:count], rel=1e-6)


def test_several_curves_share_one_level():
    drawn = {name: values(sd={"level": 0.02}, log_noise=NOISE, seed=i) for i, name in enumerate("ab")}
    both = posterior(drawn)
    y = simulated(both, AHEAD, 0)
    table = pd.concat([rows(AHEAD, y), rows(AHEAD, y).assign(architecture="b")])
    assert set(watch(both, table).curves["threshold"]) == {2 / ALPHA}


def test_rows_that_were_fitted_are_left_out(known):
    old = known.curves.table[["domain", "task", "architecture", "n", "error"]]
    found = watch(known, pd.concat([old, rows(AHEAD, simulated(known, AHEAD, 0))]))
    assert len(found.table) == len(AHEAD)
    with pytest.raises(RequestError, match="fitted already"):
        watch(known, old)


@pytest.mark.parametrize(
    ("table", "options", "expected"),
    [
        (pd.DataFrame({"architecture": ["other"], "n": [1e6], "error": [0.1]}), {}, "not fitted"),
        (pd.DataFrame({"architecture": ["a"], "error": [0.1]}), {}, "no column n"),
        (pd.DataFrame({"architecture": ["a"], "n": [1e6], "error": [0.1], "task": ["x"]}), {}, "same domains"),
        (pd.DataFrame({"architecture": ["a"], "n": [1e6], "error": [0.1]}), {"alpha": 0.0}, "alpha"),
        (pd.DataFrame({"architecture": ["a"], "n": [1e6], "error": [0.1]}), {"level": 1.0}, "level"),
        (pd.DataFrame({"architecture": [], "n": [], "error": []}), {}, "none"),
    ],
)
def test_what_cannot_be_judged_is_refused(known, table, options, expected):
    with pytest.raises(RequestError, match=expected):
        watch(known, table, **options)


def test_names_of_causes():
    assert UNCLEAR not in CAUSES
