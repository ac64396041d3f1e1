"""Whether the model fits what was measured, and whether a forecast hangs on the card: the verdicts.

``predictive`` and ``sensitivity`` give the numbers; here each question becomes one row, or none without numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from forecaster.checks.limits import FORESEEN, INFLUENTIAL, UNLIKELY, worst_of
from forecaster.checks.predictive import DRAWS, INSIDE, Assessment
from forecaster.prediction.importance_weights import TRUSTED_K
from forecaster.results.check import PASS, Check, also

Table = Any  # a DataFrame, where pandas' own annotations know no better
LEFT_OUT = "left-out sizes"
LOOK = "look at the runs at that size: a failed run, another recipe or another test set; drop or repeat it"
DRIFTS = "treat intervals of this curve as too narrow; measure more sizes, and see a backtest before deciding"
REPLICATED = {
    "jump": ("jumps", "has a jump from one size to the next larger than", "jumps", LOOK),
    "run": ("runs", "departs from its law in a more regular way than", "departs from its law", DRIFTS),
    "bend": ("bend", "bends between small and large sizes otherwise than", "bends", DRIFTS),
}


def labels(table: Table) -> list[str]:
    """``domain/task/architecture`` of each row."""
    return ["/".join(map(str, key)) for key in table[["domain", "task", "architecture"]].itertuples(index=False)]


def _by_curve(table: Table, column: str) -> dict[str, float]:
    return dict(zip(labels(table), table[column].tolist(), strict=True)) if len(table) else {}


def foreseen(found: Assessment) -> Iterator[Check]:
    """Whether the card, before any data, held the shape of the measured curves likely.

    Their level is no matter: in another unit of error it is another number, and the same curve.
    """
    levels = _by_curve(found.curves, "prior_inside")
    elsewhere = [label for label, share in levels.items() if FORESEEN.verdict(share) != PASS]
    fine = "the card held what was measured likely: of every curve at least a third lies in its 95 % band"
    if elsewhere:
        fine = (
            "the card held the shapes of the curves likely: of every one at least a third lies in its 95 % band, once "
            f"taken relative to its mean; {elsewhere[0]} lies at another level than the card expects, as errors in "
            f"another unit do{also(elsewhere[1:])}"
        )
    yield from worst_of(
        "foreseen by the card",
        _by_curve(found.curves, "prior_inside_shape"),
        FORESEEN,
        lambda label, v: (
            f"{label}: the card contradicts the measurements: it expects 95 % of them where {_percent(v)} lie, even "
            "relative to the mean of the curve: error falls otherwise than it holds possible"
        ),
        fine,
        "check the unit of sizes and that error falls with them; then use another card, or write your own",
    )


def left_out(found: Assessment) -> Iterator[Check]:
    """Whether each size is what the others say, and whether leaving it out can tell."""
    if found.curves.empty:
        return
    points: Table = found.points.assign(label=labels(found.points), out=(found.points["pit"] - 0.5).abs())
    farthest = points.sort_values("out").drop_duplicates("label", keep="last").set_index("label")

    def say(label: str, v: float) -> str:
        row = farthest.loc[label]
        return (
            f"{label}: at size {row['n']:g} the error is {row['error']:.3g}, where the other sizes say "
            f"{row['expected_lower']:.3g} to {row['expected_upper']:.3g} ({_percent(INSIDE)} range); {_chance(v)}"
        )

    yield from worst_of(
        LEFT_OUT, _by_curve(found.curves, "p_surprise"), UNLIKELY, say,
        "every measured size is what the other sizes let expect", LOOK,
    )  # fmt: skip
    yield from _ranges(points)
    many = int((points["pareto_k"] > TRUSTED_K).sum())
    yield from worst_of(
        "influential sizes",
        _by_curve(found.curves, "k_high"),
        INFLUENTIAL,
        lambda label, v: (
            f"{label}: {_percent(v)} of its sizes sway the fit so much that leaving them out cannot be judged "
            f"(Pareto k above {TRUSTED_K:g}; {many} of {len(points)} sizes in all)"
        ),
        f"few sizes sway the fit by themselves: {many} of {len(points)} have a Pareto k above {TRUSTED_K:g}",
        "measure more sizes; a backtest, which needs 4 sizes of a curve, says how far to believe forecasts until then",
    )


def _ranges(points: Table) -> Iterator[Check]:
    """Whether the ranges that the other sizes give hold as many errors as they claim, group by group.

    Too few is what misleads; the chance is binomial, as if sizes were independent. Too many is safe, and told.
    """
    from scipy.stats import binom

    inside = points["out"] <= INSIDE / 2
    groups = points["domain"] + "/" + points["task"]
    counted = {str(label): (int(own.sum()), len(own)) for label, own in inside.groupby(groups, sort=False)}
    yield from worst_of(
        "ranges of left-out sizes",
        {label: float(binom.cdf(hits, total, INSIDE)) for label, (hits, total) in counted.items()},
        UNLIKELY,
        lambda label, v: (
            f"{label}: {counted[label][0]} of {counted[label][1]} measured errors lie in the {_percent(INSIDE)} range "
            f"that the other sizes give; {_chance(v)}: the model is too sure of itself"
        ),
        f"ranges are wide enough: {_percent(inside.mean())} of the measured errors lie in the {_percent(INSIDE)} range "
        "that the other sizes give",
        DRIFTS,
    )


def replicated(found: Assessment) -> Iterator[Check]:
    """Whether curves made by the model look like the measured one."""
    for statistic, (name, does, plainly, step) in REPLICATED.items():
        yield from worst_of(
            name,
            _by_curve(found.curves, f"p_{statistic}"),
            UNLIKELY,
            lambda label, v, does=does: (
                f"{label}: the measured curve {does} the model's own curves do (as in {_share(v)} of them)"
            ),
            f"every measured curve {plainly} as the model's own curves do",
            step,
        )


def _share(p: float) -> str:
    """A share of ``DRAWS`` replicates, which cannot tell a smaller one."""
    return f"{p:.1%}" if p > 0 else f"fewer than 1 in {DRAWS}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _chance(p: float) -> str:
    """``expected once in 12,000 such curves``."""
    return f"expected once in {1 / p:,.0f} such cases" if p > 1e-9 else "not expected at all"
