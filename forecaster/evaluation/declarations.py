"""The columns of a backtest's tables."""

from __future__ import annotations

from forecaster.evaluation.scoring import SHOWN
from forecaster.results.columns import CURVE, GIVEN_LEVEL, GROUP, Column, Columns, interval, size

RMSLE = "root mean squared error of the median forecast, in log error"
RMSE = "root mean squared error of the median forecast"
CRPS = "continuous ranked probability score, in log error"
LOG_SCORE = "log density of the hidden error"
MSCE = "mean squared calibration error over levels from 50 to 99 %"
BY_CHANCE = "what nine in ten such shares would be were the forecasts right"
BY_CHANCE_99 = "what 99 in 100 such shares would be were the forecasts right"
BAND = "of power law + floor with split-conformal intervals"
RIVAL = "of each rival fitted in the same run"

TABLE = Columns(
    "a scored curve",
    CURVE,
    Column("fit_sizes", "count", "different sizes fitted"),
    Column("points", "count", "measurements hidden"),
    Column("n_fit", "size", "largest size fitted"),
    Column("n_last", "size", "largest size hidden"),
    Column("rmsle", "number", RMSLE),
    Column("rmse", "error", RMSE),
    Column("bias", "number", "mean log of the forecast over the measured error: below 0 is too low"),
    Column("crps", "number", CRPS),
    Column("log_score", "number", LOG_SCORE),
    Column("msce", "number", MSCE),
    Column("covered", "share", "share of hidden errors inside the interval"),
    Column("width", "number", "median width of the interval, in log error"),
    GIVEN_LEVEL,
    Column("rmsle_*", "number", f"`rmsle` {RIVAL}", optional=True),
    Column("rmse_*", "error", f"`rmse` {RIVAL}", optional=True),
    Column("best_baseline", "text", "the rival with the smallest `rmsle`, where there are rivals", optional=True),
    Column("lost_to_it", "number", "log of our `rmsle` over its", optional=True),
)


def _by_chance(name: str) -> tuple[Column, ...]:
    """Ranges of a share when forecasts are calibrated."""
    ends = (("low", BY_CHANCE), ("high", BY_CHANCE), ("low_99", BY_CHANCE_99), ("high_99", BY_CHANCE_99))
    return tuple(Column(f"{name}_{end}", "share", said) for end, said in ends)


COVERAGE = (
    column
    for level in (f"{100 * share:g}" for share in SHOWN)
    for column in (
        Column(f"cover_{level}", "share", f"share of hidden errors inside their {level} % intervals"),
        *_by_chance(f"cover_{level}"),
        Column(f"width_{level}", "number", "median width of these intervals, in log error"),
    )
)
TOTALS = Columns(
    "a method (means over curves; of rivals only `power law + floor, conformal` gives intervals, and the `crps` of the "
    "others is their mean absolute log error)",
    Column("method", "text", "`forecaster`, or a rival", key=True),
    Column("curves", "count", "curves scored"),
    Column("rmsle", "number", RMSLE),
    Column("rmsle_median", "number", "the same of the median curve"),
    Column("rmse", "error", RMSE),
    Column("crps", "number", CRPS),
    Column("crps_ratio", "ratio", "our `crps` over that of this rival: below 1 is better", optional=True),
    Column("log_score", "number", LOG_SCORE),
    Column("msce", "number", f"{MSCE}, all points together"),
    Column("msce_by_curve", "number", "the same curve by curve"),
    Column("bias", "number", "mean over curves of their bias: below 0 is too low"),
    Column("too_high", "share", "share of curves whose bias is above 0"),
    COVERAGE,
    Column("pairs", "count", "pairs of architectures ranked", optional=True),
    Column("pairs_right", "share", "share of pairs ranked as observed; a tie is half", optional=True),
    Column(
        "requirement_log2_ratio",
        "number",
        "median absolute log2 of the size forecast to be needed over the true one",
        optional=True,
    ),
    Column("wins", "count", "curves on which this method has the smallest `rmsle`, among rivals", optional=True),
)
CALIBRATION = Columns(
    "a distance and level",
    Column("distance", "text", "decades beyond the largest size fitted, or `all`", key=True),
    Column("level", "share", "probability of the interval", key=True, given=True),
    Column("points", "count", "hidden measurements"),
    Column("curves", "count", "curves that they belong to"),
    Column("coverage", "share", "share of hidden errors inside their interval, all together"),
    _by_chance("coverage"),
    Column("coverage_by_curve", "share", "mean over curves of that share"),
    Column("coverage_conformal", "share", f"share of hidden errors inside the interval {BAND}", optional=True),
)
POINTS = Columns(
    "a hidden measurement",
    CURVE,
    size("the size hidden"),
    Column("error", "error", "the error measured there"),
    interval("yhat", "error", "median forecast of one new run, and its equal-tailed interval"),
    Column("decades_beyond", "number", "decades beyond the largest size fitted"),
    Column("pit", "chance", "forecast chance of an error at most as large"),
    Column("crps", "number", CRPS),
    Column("log_score", "number", LOG_SCORE),
)


def _needed(own: str, what: str) -> tuple[Column, ...]:
    return (
        *(Column(f"{own}n_{q}", "size", f"{what}: median and interval") for q in ("median", "lower", "upper")),
        Column(f"{own}covered", "flag", "1 where that interval holds `n_true`, else 0"),
        Column(f"{own}log2_ratio", "number", "log2 of that median over `n_true`"),
    )


REQUIREMENT = Columns(
    "a curve whose error at the largest hidden size is below all fitted ones",
    CURVE,
    Column("target", "error", "that error, which was measured with noise of its own", key=True),
    Column("n_true", "size", "the first hidden size that reached it"),
    GIVEN_LEVEL,
    Column("p_never", "chance", "forecast chance that it is never reached"),
    _needed("", "first size at which the mean curve reaches it"),
    _needed("run_", "first hidden size at which a measured run does; null below ten hidden sizes, too few to tell by"),
    Column("lows", "count", "hidden errors lower than all before them (of more than 24, 24 evenly spread)"),
    Column("lows_covered", "share", "share of them whose size lies in the interval for the mean curve"),
    Column("lows_log2_ratio", "number", "median absolute log2 of that curve's median size over theirs"),
    Column("n_*", "size", f"first size at which the curve reaches the target, {RIVAL}", optional=True),
    Column("log2_ratio_*", "number", f"log2 of that size over `n_true`, {RIVAL}", optional=True),
)
PAIRS = Columns(
    "a pair of architectures of one group, at the largest hidden size that both reach",
    GROUP,
    (Column(name, "name", "the pair", key=True) for name in "ab"),
    size("that size"),
    Column("log_ratio", "number", "log of the observed error of a over that of b"),
    Column("p_better", "chance", "forecast chance that a is measured as the better one"),
    Column("right", "share", "1 where our median ranks them as observed, 0 where not, 0.5 for a tie"),
    Column("right_measured", "share", "the same of the order at the largest size that was fitted"),
    Column("right_*", "share", f"the same {RIVAL}", optional=True),
)
CHANCES = Columns(
    "a range of chances that the favoured architecture of a pair was given",
    *(Column(f"chance_{end}", "share", "the range", key=True) for end in ("low", "high")),
    Column("pairs", "count", "pairs in it"),
    Column("chance", "chance", "mean chance that they were given"),
    Column("held", "share", "share in which the favoured one was the better one; a tie is half"),
    *(Column(f"held_{end}", "share", BY_CHANCE) for end in ("low", "high")),
)

# What a terminal shows ----------------------------------------------------------------------------

JUDGED = Columns(
    TABLE.rows,
    TABLE.pick("domain", "task", "architecture", "points", "n_fit", "n_last", "rmsle", "best_baseline"),
    Column("its_rmsle", "number", "that of the best rival", optional=True),
    TABLE.pick("covered", "level"),
)
METHODS = Columns(
    TOTALS.rows,
    TOTALS.pick("method", "rmsle", "crps", "cover_80", "wins", "pairs_right"),
    Column("requirement_factor", "ratio", "factor by which the data needed was misjudged, median", optional=True),
)
AHEAD = Columns(
    "a distance",
    Column("decades ahead", "text", "decades beyond the largest size fitted", key=True),
    CALIBRATION.pick("points"),
    Column("* % intervals hold", "text", f"share of hidden errors inside; in brackets, {BY_CHANCE}"),
)
RANGES = Columns(
    CHANCES.rows,
    Column("chance", "text", "the range", key=True),
    CHANCES.pick("pairs", "held"),
    Column("if right, 9 times in 10", "text", BY_CHANCE),
)
