"""From the mean curve to what runs measure: luck of simulated test sets, and where there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers import synthetic

from forecaster.curves import binomial_power
from forecaster.curves.learning_curves import Curve
from forecaster.curves.reading.read import read_curves
from forecaster.domains.loading import load_card
from forecaster.errors import RequestError
from forecaster.inference.parameters import CurveDraws
from forecaster.inference.posterior import Posterior
from forecaster.model import drift_paths, test_set_noise
from forecaster.model.design import by_size, design_of
from forecaster.prediction import observation
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.forecast import forecast
from forecaster.prediction.paths import CurvePaths, Origin, curve_paths
from forecaster.prediction.requirement import requirement

ERROR, CASES, SETS = np.array([0.2, 0.1, 0.06, 0.03]), 2000, 4000
SIZES = np.array([1e3, 1e4, 1e5, 1e6])


def curve(n_test: int | None = CASES, error=ERROR, sizes=SIZES) -> Curve:
    table = pd.DataFrame({"domain": "d", "task": "t", "architecture": "a", "n": sizes, "error": error})
    return read_curves(table if n_test is None else table.assign(n_test=n_test)).curves[0]


def fixed(sizes, error, measured: Curve) -> CurvePaths:
    """Paths that all go through these errors, of a curve with these measurements and runs that scatter by 5 %."""
    card = load_card("generic")
    table = pd.DataFrame({"domain": "d", "task": "t", "architecture": "a", "n": sizes, "error": error})
    design = design_of(read_curves(table), ("d", "t"), card)
    drawn = CurveDraws(*synthetic.values(SETS, log_noise=np.log(0.05)).T, reference=design.reference)
    x, still = np.log(sizes), np.zeros((len(sizes), SETS))
    known_at = drift_paths.States(still[::-1], still[::-1])
    data = replace(design.curves[0], curve=measured)
    key = CurveKey("d", "t", "a")
    origin = Origin(key, 2, design, data, drawn, x[::-1], known_at, np.ones(SETS))
    through = np.log(error)[:, None] + still
    return CurvePaths(origin, x, through, True, 0, 0, known_at.at(0), known_at.at(-1))


def log_errors_on_test_sets() -> np.ndarray:
    """Cases that are solved one after the other, each at a size of its own, on 4,000 test sets: [set, size]."""
    solved = np.random.default_rng(0).random((SETS, CASES))
    return np.log([(solved < e).mean(1) for e in ERROR]).T


def test_test_sets_part_as_is_told():
    seen = log_errors_on_test_sets()
    parted = seen - seen[:, :1]
    variance = test_set_noise.parted(np.log(ERROR), 1 / CASES)
    assert parted.var(0) == pytest.approx(variance, rel=0.08)
    assert np.cov(parted.T) == pytest.approx(np.minimum(variance[:, None], variance), rel=0.2, abs=1e-5)


def test_seen_from_the_largest_size_they_part_as_well():
    """The level is that on the test set at the largest size; errors at smaller sizes part from it."""
    seen = log_errors_on_test_sets()
    back = seen - seen[:, -1:]
    luck = by_size(curve()).luck
    assert luck == pytest.approx(1 / (ERROR[-1] * CASES))
    law = np.log(7.0 * ERROR)  # a constant makes no difference
    known = test_set_noise.parted_since(np, law, law[-1], luck)
    assert np.cov(back.T) == pytest.approx(np.minimum(known[:, None], known), rel=0.2, abs=1e-5)


def test_no_test_set_no_luck():
    assert by_size(curve(None)).luck == 0.0


def test_luck_goes_on_from_the_largest_measured_size():
    own = curve(sizes=SIZES / 10.0)  # measured up to the last size but one
    walk, variance = observation.luck(fixed(SIZES, ERROR, own), SIZES)
    seen = log_errors_on_test_sets()
    parted = seen - seen[:, 2:3]
    assert not walk[:, :3].any()
    for found in (walk.var(0), variance[0]):
        assert parted[:, 3].var() == pytest.approx(found[3], rel=0.1)


def test_a_run_is_the_curve_its_own_noise_and_the_luck():
    early = curve(sizes=[250, 500, 1000], error=[0.3, 0.25, 0.2])
    rows, measured = np.array([3, 3, 1]), fixed(SIZES, ERROR, early)  # two runs of one size share its luck
    run, noise = observation.new_run(measured, SIZES[rows], [0, 1, 0])
    luck = observation.luck(measured, SIZES)[1][0]
    off = run - np.log(ERROR[rows])
    assert off.var(0) == pytest.approx(luck[rows] + 0.05**2, rel=0.1)
    assert noise[0] ** 2 == pytest.approx(luck[rows] + 0.05**2, rel=1e-3)
    assert np.cov(off.T)[0, 1] == pytest.approx(luck[3], abs=0.1 * (luck[3] + 0.05**2))


def test_cases_nobody_tested_lie_as_far_off_as_test_sets_do():
    seen = log_errors_on_test_sets()
    luck = observation.new_cases(fixed(SIZES, ERROR, curve()))
    assert luck.std() == pytest.approx(seen[:, -1].std(), rel=0.06)


def test_at_smaller_sizes_the_error_of_new_cases_is_known_better():
    """As on simulated test sets, at each size; the same offset everywhere would be far too wide at the first."""
    seen, paths = log_errors_on_test_sets(), fixed(SIZES, ERROR, curve())
    off = observation.of_kind(paths, SIZES, "new-cases") - observation.of_kind(paths, SIZES, "mean")
    assert off.std(0) == pytest.approx(seen.std(0), rel=0.06)
    assert off.std(0)[-1] > 1.5 * off.std(0)[0]
    grid = observation.on_grid(paths, "new-cases") - observation.on_grid(paths, "mean")
    np.testing.assert_allclose(grid.T, off)
    beyond = fixed(SIZES, ERROR, curve(error=ERROR[:3], sizes=SIZES[:3]))  # measured up to the last size but one
    far = observation.of_kind(beyond, SIZES, "new-cases") - observation.of_kind(beyond, SIZES, "mean")
    assert far[:, 3] == pytest.approx(far[:, 2])


@pytest.mark.parametrize(("cases", "wanted"), [((300, 300), observation.BETWEEN), ((300, 301), 0.0)])
def test_architectures_on_one_test_set_share_its_luck(cases, wanted):
    """Correlation of the offsets of 4,000 draws, to 4 standard errors; each is as wide as alone."""
    found = synthetic.posterior({name: synthetic.values(4000, seed=i) for i, name in enumerate("ab")}, seeds=1)
    table = found.curves.table
    tested = table.assign(n_test=table["architecture"].map(dict(zip("ab", cases, strict=True))))
    held_by = Posterior(found.tree, read_curves(tested), found.cards)
    group = synthetic.GROUP
    luck = np.stack([observation.new_cases(curve_paths(held_by, CurveKey(*group, name), [1e5])) for name in ("a", "b")])
    assert np.corrcoef(luck)[0, 1] == pytest.approx(wanted, abs=4 / np.sqrt(4000))
    error = held_by.curves.curves[0].error[-1]
    assert luck.std(1) == pytest.approx(np.sqrt((1.0 / error - 1.0) / 300), rel=0.05)


def test_where_test_sets_are_known_new_cases_are_meant():
    """Group by group: where one curve of a group has no test set, none of them is asked about new cases."""
    drawn = {f"vision/{task}/{name}": synthetic.values(40) for task in ("known", "partly", "not") for name in "ab"}
    found = synthetic.posterior(drawn)
    table = found.curves.table
    known = (table["task"] == "known") | ((table["task"] == "partly") & (table["architecture"] == "a"))
    mixed = Posterior(found.tree, read_curves(table.assign(n_test=np.where(known, 200.0, np.nan))), found.cards)
    kinds = {"known": "new-cases", "partly": "mean", "not": "mean"}
    assert {group[1]: observation.usual_kind(mixed, group) for group in mixed.groups} == kinds
    for result in (forecast(mixed, [1e6]), requirement(mixed, 0.1)):
        assert dict(zip(result.table["task"], result.table["kind"], strict=True)) == kinds
    usual, asked = (forecast(held(200), [1e6], kind=kind).table for kind in (None, "new-cases"))
    pd.testing.assert_frame_equal(usual, asked)


def test_a_forecast_says_what_its_test_set_can_prove():
    found = forecast(held(200), [1e6, 1e7])
    best = found.table["yhat"].min()
    assert f"{binomial_power.provable(200, best):.3g}" in found.text
    assert "prove" not in forecast(held(200), [1e6], kind="mean").text
    assert "prove" not in forecast(held(None), [1e6]).text


def test_several_runs_are_less_lucky_than_one():
    table = pd.DataFrame({"domain": "d", "architecture": "a", "n": np.repeat(SIZES, 4), "error": np.repeat(ERROR, 4)})
    many = read_curves(table.assign(seed=np.tile(range(4), 4), n_test=CASES)).curves[0]
    one, four = (observation.new_cases(fixed(SIZES, ERROR, c)) for c in (curve(), many))
    shared = observation.COMMON + (1.0 - observation.COMMON) / 4
    assert four == pytest.approx(np.sqrt(shared) * one)


def held(n_test):
    sizes = np.asarray(synthetic.SIZES)
    values = synthetic.values(draws=4000, log_noise=np.log(0.03))
    found = synthetic.posterior({"a": values}, sizes=sizes, seeds=1)
    return found if n_test is None else synthetic.on_test_set(found, n_test)


def spread(posterior, kind, at):
    return np.log(forecast(posterior, at, kind=kind).errors(range(len(at)))).std(0)


def test_kinds_of_forecast_part_by_the_test_set():
    posterior = held(500)
    error = posterior.curves.curves[0].error[-1]
    at = [float(synthetic.SIZES[-1]), 1e6]
    assert spread(posterior, "mean", at)[0] < 1e-6
    assert spread(posterior, "new-cases", at) == pytest.approx(np.sqrt((1 / error - 1) / 500), rel=0.05)
    assert spread(posterior, "new-run", at)[0] == pytest.approx(0.03, rel=0.05)
    assert spread(posterior, "new-run", at)[1] > spread(posterior, "new-run", at)[0]


def test_new_cases_need_a_test_set():
    with pytest.raises(RequestError, match="n_test"):
        forecast(held(None), [1e6], kind="new-cases")
    with pytest.raises(RequestError, match="n_test"):
        requirement(held(None), 0.1, kind="new-cases")


def test_data_for_a_target_on_new_cases_is_less_sure():
    low, high = (
        np.quantile(requirement(held(500), 0.1, kind=k).draws.values[..., 0], [0.1, 0.9]) for k in ("mean", "new-cases")
    )
    assert high[0] < low[0]
    assert high[1] > low[1]


def averages(runs: int) -> Posterior:
    """A posterior whose rows are averages of so many runs, with an sd of 20 % each."""
    found = held(None)
    table = found.curves.table.assign(repeats=runs, error_sd=0.2 * found.curves.table["error"])
    return Posterior(found.tree, read_curves(table), found.cards)


def test_one_run_scatters_as_runs_do_though_rows_are_averages():
    """The noise of an average is learned; what it hides comes on top."""
    at = [float(synthetic.SIZES[-1])]
    assert spread(averages(25), "new-run", at) == pytest.approx(np.hypot(0.03, 0.2), rel=0.05)
    assert observation.of_one_run(averages(25).curves.curves[0]) == pytest.approx(0.2**2 * 24 / 25)
    assert observation.of_one_run(averages(1).curves.curves[0]) == 0.0
    assert observation.of_one_run(held(None).curves.curves[0]) == 0.0


def test_data_for_one_run_agrees_with_the_forecast_of_one_run():
    """Of a curve that falls, without drift: the first size that is enough is enough exactly where a run would be."""
    posterior = held(200)
    size = float(synthetic.SIZES[-1])
    run = forecast(posterior, [size], kind="new-run", seed=1).errors([0])[:, 0]
    for share in (0.2, 0.5):
        target = float(np.quantile(run, share))
        row = requirement(posterior, target, kind="new-run", limit=size).table.iloc[0]
        assert row["p_within_limit"] == pytest.approx(share, abs=0.03)


def test_a_limit_below_all_that_was_measured_may_be_enough():
    posterior = held(None)
    row = requirement(posterior, 5.0, limit=10.0).table.iloc[0]
    assert row["p_within_limit"] == 1.0
    assert row["q50"] == pytest.approx(10.0)


def test_errors_that_are_no_rates_have_no_luck():
    perplexities = curve(error=100.0 * ERROR)
    assert (perplexities.error > 1).all()
    assert np.isnan(perplexities.n_test).all()
    assert by_size(perplexities).luck == 0.0
