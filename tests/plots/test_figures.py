"""Figures: axes, bands, labels and regions, and that each is its table drawn."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pandas as pd
import pytest
from helpers.synthetic import GROUP, SIZES, posterior, values
from matplotlib.cbook import is_math_text
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager

from forecaster.checks.card_sensitivity import floor_table
from forecaster.comparison.compare import compare
from forecaster.domains.loading import load_card
from forecaster.measuring.measure import measure
from forecaster.plots import comparison, floor, prior, style
from forecaster.plots import forecast as drawing
from forecaster.plots.style import labels, spread_out
from forecaster.prediction.forecast import forecast
from forecaster.prediction.options import OPTIONS, options_table, reaching
from forecaster.prediction.requirement import requirement
from forecaster.results.wording import Units, about, chance, listed, size, times, times_in

SOME = {"level": 0.05, "log_exponent": 0.1, "floor_logit": 0.5}


@pytest.fixture(scope="module")
def two():
    return posterior(
        {
            "steep": values(exponent=0.4, level=-2.2, log_drift=-4.0, sd=SOME, seed=1),
            "flat": values(exponent=0.2, level=-1.8, log_drift=-4.0, sd=SOME, seed=2),
        }
    )


def texts(figure) -> str:
    axes = figure.axes
    found = [t.get_text() for a in axes for t in a.texts] + [
        label.get_text() for a in axes for label in a.get_yticklabels()
    ]
    return " ".join([*found, *(a.get_xlabel() + " " + a.get_ylabel() + " " + a.get_title(loc="left") for a in axes)])


def test_forecast_figure_is_log_log_with_bands_labels_and_regions(two):
    figure = drawing.forecast_figure(forecast(two, [1e6]))
    main, strip = figure.axes
    assert main.get_xscale() == main.get_yscale() == strip.get_xscale() == "log"
    assert len(main.collections) == 2 * len(style.BANDS)
    said = texts(figure)
    for word in ("steep", "flat", "largest", "power law", "examples"):
        assert word in said


def test_the_figure_is_of_the_kind_that_was_asked_for():
    noisy = posterior({"net": values(4000, log_noise=math.log(0.1), sd=SOME)})
    for kind in ("mean", "new-run"):
        found = forecast(noisy, [1e6], kind=kind, level=0.95)
        drawn, said = drawing.curve_table(found).iloc[-1], found.table.iloc[0]
        width = math.log(said["yhat_upper"] / said["yhat_lower"])
        assert math.log(drawn["q97.5"] / drawn["q2.5"]) == pytest.approx(width, rel=0.1)


def test_forecast_figure_draws_its_table(two):
    found = forecast(two, [1e6])
    table = drawing.curve_table(found)
    line = next(x for x in drawing.forecast_figure(found).axes[0].lines if len(x.get_xdata()) == 61)
    first = table[table["architecture"] == "flat"]
    np.testing.assert_allclose(line.get_xdata(), first["n"])
    np.testing.assert_allclose(line.get_ydata(), first["q50"])
    assert table["n"].max() == pytest.approx(1e6)
    assert (np.diff(table[list(style.COLUMNS)].to_numpy(), axis=1) >= 0).all()


def test_dashed_line_stands_at_the_largest_measured_size(two):
    main = drawing.forecast_figure(two).axes[0]
    dashed = [line for line in main.lines if line.get_linestyle() == "--"]
    assert [line.get_xdata()[0] for line in dashed] == [SIZES[-1]]


def test_single_runs_are_seen_before_the_dashed_line():
    main = drawing.forecast_figure(posterior({"net": values(sd=SOME)})).axes[0]
    bands = max(band.get_zorder() for band in main.collections)
    (dashed,) = (line for line in main.lines if line.get_linestyle() == "--")
    runs, means = (line for line in main.lines if line.get_marker() == "o")
    assert bands < dashed.get_zorder() < runs.get_zorder() <= means.get_zorder()
    assert len(runs.get_xdata()) == 2 * len(means.get_xdata())
    assert runs.get_alpha() >= 0.5
    assert 2 < runs.get_markersize() < means.get_markersize()


def test_more_than_six_architectures_get_a_panel_each(tmp_path):
    many = posterior({f"net-{i}": values(exponent=0.2 + 0.02 * i, seed=i) for i in range(7)})
    figure = drawing.forecast_figure(forecast(many, [1e6]))
    shown = [a for a in figure.axes if a.get_visible()]
    assert {a.get_title(loc="left") for a in shown} == {f"net-{i}" for i in range(7)}
    figure.savefig(tmp_path / "many.png")


def test_a_forecast_without_posterior_is_refused(two):
    bare = type(forecast(two, [1e6]))(forecast(two, [1e6]).table, "")
    with pytest.raises(TypeError, match=r"make it with forecast\(\)"):
        drawing.forecast_figure(bare)


def test_requirement_figure_names_curves_and_the_chance_of_never(two, tmp_path):
    found = requirement(two, 0.05, limit=3e5)
    figure = found.plot()
    said = texts(figure)
    for word in ("steep", "flat", "never", "even odds", "limit", "of 0.05"):
        assert word in said
    assert figure.axes[0].get_xscale() == "log"
    figure.savefig(tmp_path / "need.svg")


def test_requirement_figure_survives_targets_that_are_never_reached(two, tmp_path):
    for name, target in (("never", 1e-9), ("two", [0.1, 0.05])):
        file = tmp_path / f"{name}.png"
        requirement(two, target).plot().savefig(file)
        assert file.stat().st_size > 0


def test_a_target_met_at_the_smallest_size_is_drawn_without_a_warning():
    sizes = [100 * 2**k for k in range(9)]
    one = posterior({"net": values()}, sizes=sizes)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        axes = requirement(one, 1.0).plot().axes[0]
    low, high = axes.get_xlim()
    assert low < sizes[0] < high


def test_comparison_figure_shows_the_comparison_s_own_draws(two):
    found = compare(two)
    table = comparison.exponent_table(found)
    pd.testing.assert_frame_equal(table, comparison.exponent_table(two, GROUP))
    chances, gains, exponents = (
        [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"] for axes in found.plot().axes
    )
    np.testing.assert_allclose(exponents, table["q50"])
    np.testing.assert_allclose(chances, 100 * found.best["p_best"])
    gained = comparison.gain_table(found)
    np.testing.assert_allclose(gains, 100 * gained["q50"])
    known = found.best[found.best["gain"].notna()].set_index("architecture")
    np.testing.assert_allclose(gained["q50"], known.loc[gained["architecture"], "gain"])
    assert (np.diff(gained["q50"]) <= 0).all()
    within = compare(two, at=[1e4])
    assert comparison.gain_table(within).empty
    assert len(within.plot().axes) == 2


def test_who_gains_is_drawn_with_the_colours_of_the_curves(two):
    """Steep has the second place among the curves and the first among gains."""
    found = compare(two)
    axes = comparison.gain_figure(found).axes[0]
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["steep", "flat"]
    assert [dot.get_markeredgecolor() for dot in dots] == [style.PALETTE[1], style.PALETTE[0]]
    assert len(axes.texts) == 3  # a chance for each, and what they are


def test_floor_figure_draws_the_floor_table(two):
    table = floor_table(forecast(two, [1e6]))
    axes = floor.floor_figure(table, units=Units("images", "error", True)).axes[0]
    drawn = np.concatenate([line.get_ydata() for line in axes.lines if line.get_marker() == "o"])
    np.testing.assert_allclose(np.sort(drawn), np.sort(100 * table["yhat"]))


def test_floor_table_splits_the_draws_and_orders_the_parts(two):
    found = forecast(two, [1e6])
    table = floor_table(found)
    for _, mine in table.groupby("architecture"):
        assert mine["part"].tolist() == [1, 2, 3, 4, 5]
        assert mine["floor"].is_monotonic_increasing
        assert (mine["floor_lower"].to_numpy()[1:] >= mine["floor_upper"].to_numpy()[:-1]).all()
    best = table.groupby("architecture")["p_best"].mean()
    assert best.to_numpy() == pytest.approx(options_table(found).set_index("architecture")["p_best"][best.index])


def test_options_table_counts_draws(two):
    found = forecast(two, [1e5, 1e6])
    need = requirement(two, 0.09)
    table = reaching(options_table(found), need)
    OPTIONS.check(table)
    assert table.groupby("n")["p_best"].sum().to_numpy() == pytest.approx(1.0)
    for row in table.itertuples():
        within = requirement(two, 0.09, limit=row.n, curves=[row.architecture]).table["p_within_limit"].iloc[0]
        assert row.p_target == within


def test_labels_are_spread_without_losing_their_order():
    wanted = np.array([0.5, 0.5, 0.51, 0.9])
    placed = spread_out(wanted, 0.05)
    assert (np.diff(np.sort(placed)) >= 0.05 - 1e-6).all()
    assert (np.argsort(placed, kind="stable") == np.argsort(wanted, kind="stable")).all()


LONG = [f"bert-base-uncased-finetuned-lr3e-5-warmup-500-batch{size}" for size in (32, 64)]


@pytest.fixture(scope="module")
def long_names():
    return posterior({name: values(level=-2.0 - 0.1 * i, sd=SOME, seed=i) for i, name in enumerate([*LONG, "x" * 130])})


def drawn_texts(figure):
    """Names, titles and notes that a figure shows, each with its box, once it is laid out."""
    figure.draw_without_rendering()
    shown = [t for axes in figure.axes if axes.get_visible() for t in (*axes.texts, *axes.get_yticklabels())]
    shown += [axes.title for axes in figure.axes] + [axes._left_title for axes in figure.axes if axes.get_visible()]
    return [(t, t.get_window_extent()) for t in shown if t.get_text().strip()]


@pytest.mark.parametrize("kind", ["forecast", "requirement", "two targets", "compare", "floor", "panels"])
def test_long_names_stay_inside_and_apart(long_names, kind):
    draw = {
        "forecast": lambda: forecast(long_names, [1e6]).plot(),
        "requirement": lambda: requirement(long_names, 0.05).plot(),
        "two targets": lambda: requirement(long_names, [0.1, 0.05]).plot(),
        "compare": lambda: compare(long_names).plot(),
        "floor": lambda: floor.floor_figure(floor_table(forecast(long_names, [1e6]))),
        "panels": lambda: forecast(many_long(), [1e6]).plot(),
    }
    figure = draw[kind]()
    found = drawn_texts(figure)
    width = figure.bbox.width
    names = [(t.get_text(), box) for t, box in found if "…" in t.get_text() and not t.get_text().startswith("…")]
    assert len({text for text, _ in names}) >= 3
    assert all(box.x0 >= -1 and box.x1 <= width + 1 for _, box in found), [(t.get_text(), b) for t, b in found]
    assert not any(one.overlaps(other) for i, (_, one) in enumerate(names) for _, other in names[:i])


def many_long():
    return posterior({f"{LONG[0]}-{i}-{'y' * 20}": values(sd=SOME, seed=i) for i in range(8)})


def test_columns_beside_a_requirement_do_not_touch(long_names):
    found = {t.get_text(): box for t, box in drawn_texts(requirement(long_names, 0.05).plot())}
    assert found["even odds"].x1 < found["never"].x0


def test_ordinary_names_are_shown_in_full_and_without_mathematics():
    held = labels(["gradient-boosting", "logistic-regression", "cost-$5-$10"], 110, 9)
    assert held["logistic-regression"] == "logistic-regression"
    assert held["cost-$5-$10"].replace("\\$", "$") == "cost-$5-$10"
    assert not is_math_text(held["cost-$5-$10"])


def test_letters_come_from_a_font_that_has_them(tmp_path, monkeypatch):
    """A font of one letter, made here under a usual name and put where Matplotlib finds it."""
    family = "Noto Sans CJK SC"
    listed = [font for font in fontManager.ttflist if not font.name.startswith("Noto Sans")]
    monkeypatch.setattr(fontManager, "ttflist", listed)
    assert family not in style.installed()
    fontManager.addfont(one_letter_font(tmp_path / "odd.ttf", "模", family))
    assert family in style.installed()
    held = posterior({"模": values(sd=SOME), "cnn": values(sd=SOME, seed=1)})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for found in (forecast(held, [1e6]), compare(held), requirement(held, 0.05)):
            found.plot().savefig(tmp_path / "letter.png")


def test_only_installed_fonts_are_asked_for(caplog, tmp_path):
    assert style.installed(["DejaVu Sans", "no such font"]) == ["DejaVu Sans"]
    with style.lettered():
        figure = Figure()
        figure.text(0.5, 0.5, "ü")
        figure.savefig(tmp_path / "letter.png")
    assert caplog.text == ""


def one_letter_font(path, letter, family):
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    pen = TTGlyphPen(None)
    for i, point in enumerate([(0, 0), (0, 900), (900, 900), (900, 0)]):
        (pen.lineTo if i else pen.moveTo)(point)
    pen.closePath()
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder([".notdef", "one"])
    font.setupCharacterMap({ord(letter): "one"})
    font.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "one": pen.glyph()})
    font.setupHorizontalMetrics({".notdef": (1000, 0), "one": (1000, 0)})
    font.setupHorizontalHeader(ascent=900, descent=-100)
    font.setupNameTable({"familyName": family, "styleName": "Regular"})
    font.setupOS2(usWeightClass=400)
    font.setupPost()
    font.save(path)
    return path


def test_numbers_in_words():
    assert [size(n) for n in (1200, 16_777_216, 1.2e9, math.inf)] == ["1,200", "16.8 million", "1.2 billion", "never"]
    assert [size(n, short=True) for n in (500, 12_000, 3.4e6)] == ["500", "12k", "3.4M"]
    assert about(11_873) == "12,000"
    assert [chance(p) for p in (0.0, 0.834, 1.0, math.nan)] == ["under 1 %", "83 %", "over 99 %", "not known"]
    assert [times_in(v) for v in (0.8, 0.95, 0.93)] == ["8 times in 10", "19 times in 20", "93 times in 100"]
    assert [times_in(v) for v in (0.999, 0.9995)] == ["999 times in 1,000", "9,995 times in 10,000"]
    assert [times_in(v) for v in (0.975, 0.99999)] == ["975 times in 1,000", "99,999 times in 100,000"]
    assert [times(v) for v in (10, 10.13)] == ["10 times", "about 10 times"]
    assert listed(["a", "b", "c"]) == "a, b and c"


def test_errors_show_two_digits_of_their_interval():
    share, loss = Units("rows", "error rate", True), Units("characters", "bits per character", False)
    assert share.error(0.00254, share.decimals(0.0016, 0.0041)) == "0.25 %"
    assert loss.phrase(loss.error(1.6049, loss.decimals(1.55, 1.67))) == "1.60 bits per character"
    assert share.phrase("1 %") == "an error rate of 1 %"
    assert share.error(1e-6, 1) == "<0.1 %"


def test_large_errors_show_no_more_digits_than_they_are_known_to():
    tiny = Units("rows", "error", False)
    digits = tiny.decimals(1.9e-10, 3.5e-10)
    assert [tiny.error(v, digits) for v in (2.99e-10, 1.9e-10, 12e-10)] == ["3.0e-10", "1.9e-10", "1.20e-9"]
    assert [size(v) for v in (6e24, 1.25e15, 9.99e14)] == ["6e24", "1.25e15", "999 trillion"]
    assert tiny.counting("FLOPs").sized(6e24) == "6e24 FLOPs"
    assert tiny.counting(None) == tiny
    dollars = Units("rows", "RMSE", False)
    digits = dollars.decimals(159_274, 202_389)
    assert [dollars.error(v, digits) for v in (183_259, 159_274, 202_389)] == ["183,000", "159,000", "202,000"]
    assert dollars.error(183_259, dollars.decimals(183_259, 183_259)) == "183,000"
    assert dollars.error(5, dollars.decimals(5, 900)) == "5"
    assert dollars.error(10, -2) == "<100"
    assert [dollars.error_plain(v) for v in (150_000, 2.5e6, 1234, 0.05)] == ["150,000", "2,500,000", "1,234", "0.05"]


def test_a_measurement_shows_each_model_and_the_best():
    def train(n, seed, width):
        return 0.5 * width**-0.5 + 0.02 * width / n + seed / 1000

    found = measure({"a": train, "b": train}, "100:1600:x2", 2, grid={"width": [8, 32, 128]})
    left, right = found.plot().axes
    for axes in (left, right):
        assert axes.get_xscale() == axes.get_yscale() == "log"
        assert [line.get_label() for line in axes.lines if not line.get_label().startswith("_")] == [
            *(f"width={w}" for w in (8, 32, 128)),
            "the best, as reported",
        ]
        best = axes.lines[-1]
        means = found.table[found.table["architecture"] == "a"].groupby("n")["error"].mean()
        assert best.get_ydata() == pytest.approx(means.to_numpy())
    plain = measure(lambda n, seed: 1 / n, [10, 20], 1).plot()
    assert plain.axes[0].get_legend() is None


@pytest.mark.parametrize("name", ["generic-error-rate", "image-classification-top1"])
def test_prior_predictive_needs_a_card_only(name, tmp_path):
    card = load_card(name)
    table = prior.prior_predictive_table(card, draws=50)
    assert len(table) == 50 * 31
    assert np.isfinite(table["error"]).all()
    assert (table["error"] > 0).all()
    pd.testing.assert_frame_equal(table, prior.prior_predictive_table(card, draws=50))
    prior.prior_predictive_figure(card, draws=50).savefig(tmp_path / "prior.png")


def test_prior_predictive_level_is_that_of_the_card():
    card = load_card("generic-error-rate")
    table = prior.prior_predictive_table(card, draws=4000)
    last = np.log(table[table["n"] == table["n"].max()]["error"])
    assert last.median() == pytest.approx(card.hyper_mean[0], abs=0.1)
