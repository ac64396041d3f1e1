"""The backtest end to end on simulated curves, and that hidden errors reach nothing but the scores."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from helpers.unchecked import unchecked
from scipy import stats

from forecaster.cli import console
from forecaster.cli import tables as terminal
from forecaster.curves.reading.read import read_curves
from forecaster.domains.loading import load_card
from forecaster.errors import RequestError
from forecaster.evaluation import declarations, prose, tables
from forecaster.evaluation.backtest import backtest
from forecaster.evaluation.holdout import hide
from forecaster.evaluation.one_curve import ScoredCurve
from forecaster.evaluation.ranking import ranked_pair
from forecaster.evaluation.rivals.baselines import BASELINES
from forecaster.evaluation.rivals.conformal import BAND, LAW
from forecaster.evaluation.scoring import PointScores
from forecaster.evaluation.tables import OURS
from forecaster.inference.fit import cards_of

KEYS = ["domain", "task", "architecture"]
SIZES = np.geomspace(1e3, 3e5, 8)
LAST_FITTED = 5
NO_SCORES = PointScores(*(np.empty(0) for _ in range(4)), np.empty((1, 0)), np.empty((1, 0)))


def simulated(hidden_factor=1.0):
    """Three architectures of one law, one per cent of noise, the upper three of eight sizes hidden."""
    rng = np.random.default_rng(0)
    rows = []
    for i, name in enumerate(("a", "b", "c")):
        for k, n in enumerate(SIZES):
            error = (1.0 + 0.2 * i) * (0.01 + 2.0 * n**-0.3) * np.exp(0.01 * rng.standard_normal())
            unseen = k >= LAST_FITTED
            error *= hidden_factor if unseen else 1.0
            rows.append(("vision", "top-1", name, n, error, "extrapolate" if unseen else "fit"))
    rows += [("vision", "top-1", "short", n, 0.3, "fit" if n < 2e3 else "extrapolate") for n in SIZES[:3]]
    rows += [("vision", "late", "a", n, 0.3, "extrapolate") for n in SIZES]
    return pd.DataFrame(rows, columns=[*KEYS, "n", "error", "split"])


@pytest.fixture(scope="module")
def found():
    return backtest(read_curves(simulated()), seed=3)


def test_one_row_a_scored_curve(found):
    assert found.table["architecture"].tolist() == ["a", "b", "c"]
    assert found.table["points"].tolist() == [3, 3, 3]
    assert found.table["n_fit"].to_numpy() == pytest.approx(SIZES[LAST_FITTED - 1])
    assert len(found.points) == 9
    assert {note.code for note in found.notes} == {"group-skipped", "curve-not-scored"}


def test_a_law_that_holds_is_forecast(found):
    assert found.table["rmsle"].max() < 0.1
    assert found.points["yhat_lower"].lt(found.points["yhat"]).all()
    assert found.points["yhat"].lt(found.points["yhat_upper"]).all()
    wide = found.calibration.query("distance == 'all' and level == 0.99")
    assert wide["coverage"].item() >= 8 / 9


def test_totals_name_every_method_once(found):
    methods = ["forecaster", *BASELINES, BAND, "largest measured size"]
    assert found.totals["method"].tolist() == methods
    assert found.totals["wins"].sum() == 3
    ours, table = found.totals.iloc[0], found.table
    assert ours["rmsle"] == pytest.approx(table["rmsle"].mean())
    assert ours["cover_80"] == pytest.approx((found.points["pit"].sub(0.5).abs() <= 0.4).mean())
    for name in BASELINES:
        row = found.totals.set_index("method").loc[name]
        assert row["rmsle"] == pytest.approx(table[f"rmsle_{tables.slug(name)}"].mean())


def test_the_band_is_the_point_forecast_with_intervals(found):
    totals = found.totals.set_index("method")
    band, law = totals.loc[BAND], totals.loc[LAW]
    assert band[["rmsle", "rmse"]].tolist() == law[["rmsle", "rmse"]].tolist()
    for rival in (band, law):
        assert rival["crps_ratio"] == pytest.approx(totals.loc[OURS, "crps"] / rival["crps"])
    assert 0.0 < band["width_50"] < band["width_80"] <= band["width_95"]  # of two others
    assert found.summary["crps_ratio_power_law_floor_conformal"] == band["crps_ratio"]
    whole = found.calibration.query("distance == 'all'").set_index("level")
    assert whole.loc[0.8, "coverage_conformal"] == band["cover_80"]
    assert (whole["coverage_low_99"] <= whole["coverage_low"]).all()
    assert (whole["coverage_high_99"] >= whole["coverage_high"]).all()
    assert prose.conformal(found.totals, found.summary).text in found.text


def test_coverage_is_shown_by_distance(found, capsys):
    """Two distances: below and above half a decade; counts of hits, and their ranges, are those of the points."""
    decades = found.points["decades_beyond"]
    assert decades.min() < 0.5 < decades.max()
    held = found.points["pit"].sub(0.5).abs() <= 0.4
    table = found.calibration.query("level == 0.8").set_index("distance")
    assert table.loc["0-0.5", "coverage"] == pytest.approx(held[decades <= 0.5].mean())
    assert table.loc["0.5-1", "coverage"] == pytest.approx(held[(decades > 0.5) & (decades <= 1)].mean())
    shown = tables.ahead(found.calibration)
    assert shown["points"].tolist() == [9, *table["points"].iloc[1:]]
    console.print_result(found)
    assert shown["80 % intervals hold"].iloc[1] in capsys.readouterr().out


def test_curves_asked_about_are_scored_as_they_are_among_all(found):
    """They are fitted with all others, and all that is said is about them."""
    some = backtest(read_curves(simulated()), seed=3, about=["b", "c"])
    for name in ("table", "points", "pairs"):
        mine, whole = getattr(some, name), getattr(found, name)
        keys = [c for c in ("architecture", "a", "b") if c in whole and whole[c].dtype.kind not in "fb"]
        rows = np.all([whole[c].isin(["b", "c"]) for c in keys], axis=0)
        pd.testing.assert_frame_equal(mine, whole[rows].reset_index(drop=True))
    assert some.totals["curves"].max() == 2
    with pytest.raises(RequestError, match="no curve 'z'"):
        backtest(read_curves(simulated()), seed=3, about=["z"])


def test_forecasts_that_miss_to_one_side_are_named():
    """Where a fair coin falls so in fewer than one of a hundred tries: of forty curves, with 28 or more to a side."""

    def said(low, high, groups=1, miss=0.07):
        curves = pd.DataFrame({"bias": [-miss] * low + [miss] * high, "domain": "d"})
        found = prose.one_sided(curves.assign(task=[f"t{i % groups}" for i in range(low + high)]))
        return [(one.id, one.values["count"], one.values["groups"], one.values["miss"]) for one in found]

    assert said(38, 2) == [("too-low", 38, 1, pytest.approx(0.0676, abs=1e-4))]
    assert said(38, 2, groups=20)[0][2] == 20
    assert said(2, 38) == [("too-high", 38, 1, pytest.approx(0.0725, abs=1e-4))]
    assert said(20, 20) == said(27, 13) == said(7, 0) == said(0, 1) == []
    assert said(30, 10)
    assert said(8, 0)


@pytest.mark.parametrize(
    ("held", "low", "high", "id"),
    [
        (0.8, 0.6, 0.9, "as-expected"),
        (0.5, 0.6, 0.9, "overconfident"),
        (0.95, 0.6, 0.9, "underconfident"),
        (0.8, 0.05, 0.96, "too-few-curves"),
    ],
)
def test_coverage_is_judged_by_what_calibrated_intervals_would_hold(held, low, high, id):
    numbers = {"cover_80": held, "cover_80_low": low, "cover_80_high": high}
    numbers |= {"cover_80_low_99": low - 0.02, "cover_80_high_99": high + 0.02}
    found = prose.by_chance(numbers)
    assert found.id == id
    assert found.values["low"] == low


def test_the_side_to_which_forecasts_miss_is_in_the_summary(found):
    assert found.summary["bias"] == pytest.approx(found.table["bias"].mean())
    assert found.summary["too_high"] == pytest.approx((found.table["bias"] > 0).mean())
    assert json.loads(found.to_json())["summary"]["too_high"] == found.summary["too_high"]


def test_rmsle_is_that_of_the_points(found):
    points = found.points[found.points["architecture"] == "b"]
    apart = np.log(points["yhat"] / points["error"])
    row = found.table[found.table["architecture"] == "b"].iloc[0]
    assert row["rmsle"] == pytest.approx(np.sqrt(np.mean(apart**2)))
    assert row["bias"] == pytest.approx(apart.mean())


def test_the_data_requirement_is_judged_at_the_last_hidden_error(found):
    need = found.requirement.set_index("architecture").loc["a"]
    points = found.points[found.points["architecture"] == "a"]
    assert need["target"] == pytest.approx(points["error"].iloc[-1])
    assert need["n_true"] == pytest.approx(SIZES[-1])
    assert need["n_lower"] <= need["n_median"] <= need["n_upper"]
    assert np.isnan(need["run_n_median"])  # three hidden sizes are too few
    assert need["log2_ratio"] == pytest.approx(np.log2(need["n_median"] / need["n_true"]))


def test_the_data_requirement_is_judged_beside_every_baseline(found):
    """The straight line's own solution, and a last value above the target, which is never reached."""
    needs = found.requirement.set_index("architecture")
    totals = found.totals.set_index("method")
    for name in BASELINES:
        own = tables.slug(name)
        ratio = np.log2(needs[f"n_{own}"] / needs["n_true"])
        assert np.array_equal(needs[f"log2_ratio_{own}"], ratio)
        assert totals.loc[name, "requirement_log2_ratio"] == sorted(abs(ratio))[1]
    assert np.isinf(needs["n_last_value"]).all()
    curve = simulated().query("task == 'top-1' and architecture == 'b' and split == 'fit'")
    slope, intercept = np.polyfit(np.log(curve["n"]), np.log(curve["error"]), 1)  # five sizes: no fewer are taken
    wanted = np.exp((np.log(needs.loc["b", "target"]) - intercept) / slope)
    assert needs.loc["b", "n_straight_line"] == pytest.approx(wanted, rel=1e-6)


def test_many_hidden_sizes_are_judged_as_a_noisy_run_reaches_them():
    """A path 10 % above the target until the last size; runs with 10 % of noise get there first, as measured."""
    from forecaster.evaluation.requirement import requirement_row

    sizes, rng = np.geomspace(1e4, 1e5, 40), np.random.default_rng(0)
    known = read_curves(pd.DataFrame({"domain": "d", "architecture": "a", "n": [1e2, 1e3, 5e3], "error": 0.5})).curves[
        0
    ]
    mean = np.full((2000, 40), np.log(0.22))
    mean[:, -1] = np.log(0.2)
    run = mean + 0.1 * rng.standard_normal(mean.shape)
    observed = np.append(np.full(39, np.log(0.22)), np.log(0.2))
    observed[7] = np.log(0.19)
    row = requirement_row({}, known, (sizes, observed, run), (sizes, mean), 0.8)
    assert row["n_true"] == pytest.approx(sizes[7])
    assert row["n_median"] == pytest.approx(sizes[-1])
    assert row["covered"] == 0.0
    assert row["run_covered"] == 1.0
    assert row["run_n_median"] < sizes[10]
    above = requirement_row({}, known, (sizes, np.full(40, np.log(0.6)), run), (sizes, mean), 0.8)
    assert above is None


def scored(name, sizes, runs):
    """One curve of `_pair` whose observed errors are the first draw of ``runs`` [draw, size]."""
    row, at = {"domain": "d", "task": "t", "architecture": name}, np.log(sizes)
    predicted = {OURS: np.median(runs, 0)}
    return ScoredCurve(
        row, pd.DataFrame(), NO_SCORES, None, (at[:1] - 1.0, runs[0, :1]), (at, runs[0]), predicted, runs
    )


def test_two_architectures_are_judged_at_one_size_though_theirs_differ():
    """One is 8 % better everywhere; 1e5 lies between sizes of the other, which is lower at the larger of them."""

    def line(sizes, level):
        return level - 0.5 * np.log(sizes)[None] + np.zeros((100, 1))

    a, b = np.array([2e4, 1e5]), np.array([3e4, 3e5])
    pair = ranked_pair(scored("a", a, line(a, np.log(0.92))), scored("b", b, line(b, 0.0)), np.log(1e5))
    assert pair.row["p_better"] == 1.0
    assert pair.row["right"] == 1.0
    assert pair.row["log_ratio"] == pytest.approx(np.log(0.92))


def test_the_chance_of_a_pair_is_that_of_what_runs_measure():
    rng, sizes, gap, noise = np.random.default_rng(0), np.array([1e4, 1e5]), 0.05, 0.06
    a, b = (level + noise * rng.standard_normal((20_000, 2)) for level in (-gap, 0.0))
    pair = ranked_pair(scored("a", sizes, a), scored("b", sizes, b), np.log(1e5))
    assert pair.row["p_better"] == pytest.approx(stats.norm.cdf(gap / (noise * np.sqrt(2))), abs=0.01)


def test_pairs_are_ranked_at_the_largest_hidden_size(found):
    pairs = found.pairs.set_index(["a", "b"])
    assert len(pairs) == 3
    assert pairs["n"].to_numpy() == pytest.approx(SIZES[-1])
    assert (pairs["log_ratio"] < 0).all()
    assert pairs["right"].to_numpy() == pytest.approx(1.0)
    assert (pairs["p_better"] > 0.8).all()
    assert found.chances["pairs"].sum() == 3
    assert (found.chances["held"] == 1.0).all()
    assert found.summary["pairs_held"] == 1.0


def bets(power: float, groups: int = 400, seed: int = 0):
    """Pairs of three architectures a group, whose chances are told as odds to this power: 1 tells the truth."""
    rng = np.random.default_rng(seed)
    middle = rng.normal(0.0, 1.0, (groups, 3, 1))
    draws = middle + rng.standard_normal((groups, 3, 800))
    truth = middle[..., 0] + rng.standard_normal((groups, 3))
    rows, stand_ins = [], []
    for a, b in ((0, 1), (0, 2), (1, 2)):
        ahead = draws[:, a] < draws[:, b]
        odds = ((ahead.sum(1) + 0.5) / ((~ahead).sum(1) + 0.5)) ** power
        rows.append(pd.DataFrame({"p_better": odds / (1.0 + odds), "log_ratio": truth[:, a] - truth[:, b]}))
        stand_ins.append(ahead[:, :200])
    return pd.concat(rows, ignore_index=True), np.concatenate(stand_ins)


def test_chances_that_are_right_hold_as_often_as_they_say():
    pairs, stand_ins = bets(1.0)
    table = tables.chances(pairs, stand_ins)
    assert table["pairs"].sum() == len(pairs)
    assert (table["chance"] > table["chance_low"]).all()
    assert (table["chance"] <= table["chance_high"]).all()
    assert ((table["held_low"] <= table["held"]) & (table["held"] <= table["held_high"])).mean() >= 0.8
    assert table["held"].to_numpy() == pytest.approx(table["chance"].to_numpy(), abs=0.06)


def test_chances_that_boast_are_caught():
    pairs, stand_ins = bets(3.0)
    table = tables.chances(pairs, stand_ins)
    assert (table["held"] < table["chance"] - 0.06).sum() >= 3


def test_the_terminal_and_the_figure_show_chances_of_many_pairs(found, capsys):
    console.print_result(found)
    assert "chance it was given" not in capsys.readouterr().out
    panels = len(found.plot().axes)
    many = dataclasses.replace(found, pairs=bets(1.0)[0], chances=tables.chances(*bets(1.0)))
    console.print_result(many)
    shown = capsys.readouterr().out
    assert "chance it was given" in shown
    assert "95 to 100 %" in shown
    assert len(many.plot().axes) == panels + 1


def test_of_few_pairs_no_chances_are_told(found):
    """Of one near tie the ranking may be right and the favoured one the worse, which reads as a contradiction."""
    numbers = {"pairs_right": 1.0, "pairs_right_measured": 1.0, "pairs_chance": 0.5, "pairs_held": 0.0}
    few, many = (prose.ranking(numbers | {"pairs": count}) for count in (9, 10))
    assert (few.id, few.values["pairs"], few.values["right"]) == ("ranking", 9, 1.0)
    assert (many.id, many.values["chance"], many.values["held"]) == ("ranking-with-chances", 0.5, 0.0)
    assert prose.ranking(found.summary).id == "ranking"
    assert prose.ranking(found.summary).text in found.text


def test_who_is_favoured_and_who_was_better():
    pairs = pd.DataFrame({"p_better": [0.9, 0.2, 0.5, 0.7], "log_ratio": [-1.0, -1.0, 1.0, 0.0]})
    said, held, alike = tables.favoured(pairs, np.array([[True], [True], [False], [False]]))
    assert said == pytest.approx([0.9, 0.8, 0.5, 0.7])
    assert held == pytest.approx([1.0, 0.0, 0.0, 0.5])
    assert alike[:, 0].tolist() == [True, False, False, False]
    assert tables.chances(pairs.iloc[:0], np.empty((0, 200))).empty


def test_hidden_errors_move_no_forecast(found):
    """Twice the hidden errors: the same forecasts to the last bit, other scores."""
    again = backtest(read_curves(simulated(2.0)), seed=3)
    same = ["n", "yhat", "yhat_lower", "yhat_upper", "decades_beyond"]
    pd.testing.assert_frame_equal(found.points[same], again.points[same], check_exact=True)
    assert (again.points["error"] == 2.0 * found.points["error"]).all()
    assert (again.table["rmsle"] > 0.4).all()


def test_the_result_as_json_text_and_figure(found):
    told = json.loads(found.to_json())
    assert told["command"] == "backtest"
    assert len(told["totals"]) == len(BASELINES) + 3
    assert told["summary"]["pairs_right_measured"] == 1.0
    accuracy, coverage = prose.accuracy(found.table, found.summary)
    assert (accuracy.values["points"], accuracy.values["curves"]) == (9, 3)
    assert coverage.values["cover_80"] == found.summary["cover_80"]
    against = prose.against(found.table, found.totals)
    assert against[0].values["wins"] == found.totals["wins"].iloc[0]
    assert all(one.text in found.text for one in (accuracy, coverage, *against))
    assert len(found.plot().findobj(lambda artist: hasattr(artist, "get_xlim"))) >= 5


def test_a_number_hides_the_last_decades():
    shown, unseen, _ = hide(read_curves(simulated()).select(architecture=["a", "b", "c"], task="top-1"), 1.0)
    assert shown.table["n"].max() < 3.01e4
    assert unseen.table["n"].min() > 3e4
    assert len(shown.table) + len(unseen.table) == 24


def test_the_largest_fitted_size_lies_the_whole_distance_back():
    table = pd.DataFrame({"domain": "d", "architecture": "a", "n": [1e2, 1e3, 1e4, 1e5, 1e6], "error": 0.1})
    shown, unseen, _ = hide(read_curves(table), 1.0)
    assert shown.table["n"].tolist() == [1e2, 1e3, 1e4, 1e5]
    assert unseen.table["n"].tolist() == [1e6]


@pytest.mark.parametrize(
    ("split", "said"), [("rows", "expected 'column'"), (-1.0, "above 0"), (9.0, "hide fewer"), (np.inf, "above 0")]
)
def test_a_split_that_makes_no_sense_is_refused(split, said):
    with pytest.raises(RequestError, match=said):
        hide(read_curves(simulated()), split)


def test_a_table_without_the_column_says_what_to_do():
    with pytest.raises(RequestError, match=r"--hide 1\.0, or split=1\.0"):
        backtest(read_curves(simulated().drop(columns="split")), split="column")


def sizes_of(*curves):
    rows = [("d", f"net-{i}", n, 0.1) for i, sizes in enumerate(curves) for n in sizes]
    return read_curves(pd.DataFrame(rows, columns=["domain", "architecture", "n", "error"]))


@pytest.mark.parametrize(
    ("curves", "hidden"),
    [
        ([[100, 300, 1000, 3000, 10_000]], {10_000}),  # half a decade: above 3,162
        ([[100, 110, 120, 130]], {130}),  # half a decade would leave no size
        ([[100, 200, 300, 400, 500, 600, 700]], {400, 500, 600, 700}),  # as would it here
        (
            [[10, 100, 1000, 10_000], [10, 100, 1000, 10_000], [100, 110, 120, 130]],
            {10_000, 100, 110, 120, 130},
        ),  # most allow it
    ],
)
def test_half_a_decade_is_hidden_by_default_or_what_most_curves_allow(curves, hidden):
    found = sizes_of(*curves)
    shown, unseen, _ = hide(found)
    assert set(unseen.table["n"]) == hidden
    scored = sum(len(np.unique(c.n)) >= 3 for c in shown.curves)
    assert scored >= len(curves) / 2


def test_rows_that_a_column_marks_are_hidden_by_default():
    curves = read_curves(simulated())
    for mine, theirs in zip(hide(curves)[:2], hide(curves, "column")[:2], strict=True):
        pd.testing.assert_frame_equal(mine.table, theirs.table)


def test_curves_that_were_not_read_are_refused():
    with pytest.raises(RequestError, match=r"found a DataFrame; expected learning curves.*read_curves"):
        unchecked(backtest)(simulated())


def test_a_level_is_a_share():
    with pytest.raises(RequestError, match="between 0 and 1"):
        backtest(read_curves(simulated()), level=80)


def test_every_new_low_is_a_target_reached_at_its_own_size():
    """Paths that are the truth cover all lows; paths that are 41 % too pessimistic are a factor of two off."""
    from forecaster.evaluation.requirement import _lows

    fitted = np.geomspace(1e3, 1e4, 6)
    known = read_curves(
        pd.DataFrame({"domain": "d", "task": "t", "architecture": "a", "n": fitted, "error": fitted**-0.5})
    ).curves[0]
    sizes = np.geomspace(2e4, 1e6, 30)
    observed = -0.5 * np.log(sizes)
    observed[10] += 1.0  # no low
    grid = np.geomspace(1e4, 1e8, 400)
    exact = np.tile(-0.5 * np.log(grid), (50, 1))
    found = _lows(known, sizes, observed, (grid, exact), 0.8)
    assert (found["lows"], found["lows_covered"]) == (24, 1.0)
    assert found["lows_log2_ratio"] == pytest.approx(0.0, abs=1e-9)
    off = _lows(known, sizes, observed, (grid, exact + 0.5 * np.log(2.0)), 0.8)
    assert off["lows_covered"] == 0.0
    assert off["lows_log2_ratio"] == pytest.approx(1.0, abs=1e-9)


def test_the_terminal_shows_curves_beside_their_best_rival_and_then_methods(found, capsys):
    console.print_result(found)
    printed = capsys.readouterr().out
    row = found.table.iloc[0]
    assert (
        terminal.cell(declarations.JUDGED.named("its_rmsle"), row[f"rmsle_{tables.slug(row['best_baseline'])}"])
        in printed
    )
    assert "rmsle_m4" not in printed
    for name in ("forecaster", *BASELINES):
        assert any(line.startswith(name) for line in printed.splitlines()), name
    factor = 2.0 ** found.totals.iloc[0]["requirement_log2_ratio"]
    assert terminal.cell(declarations.METHODS.named("requirement_factor"), factor) in printed


def test_the_refusal_of_what_hides_too_much_says_how_much_may_be_hidden():
    curves = read_curves(simulated().query("task == 'top-1'"))
    with pytest.raises(RequestError, match=r"at most ([\d.]+) leave a curve so many") as caught:
        hide(curves, 9.0)
    most = float(str(caught.value).split("at most ")[1].split()[0])
    shown, _, _ = hide(curves, most)
    assert max(len(c.n) for c in shown.curves) == 3
    with pytest.raises(RequestError, match="at most"):
        hide(curves, most + 0.002)


def test_three_sizes_are_too_few_whatever_is_hidden():
    curves = read_curves(pd.DataFrame({"domain": "d", "architecture": "a", "n": [1e2, 1e3, 1e4], "error": 0.1}))
    for split in (0.1, 1.0, 3.0):
        with pytest.raises(RequestError, match=r"needs 4 sizes of a curve, .* the most here are 3: measure more sizes"):
            hide(curves, split)


def test_each_group_may_have_a_card_of_its_own():
    curves = read_curves(simulated())
    cards = {
        group: load_card(name) for group, name in zip(curves.groups, ("generic", "speech-recognition"), strict=True)
    }
    assert cards_of(curves, cards) == cards
    assert list(cards_of(curves.select(task="top-1"), cards)) == [("vision", "top-1")]
