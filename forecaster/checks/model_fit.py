"""Checks of the model against the measurements: prior predictive, leave-one-out and posterior predictive.

``predictive`` gives the numbers; here each question becomes one check, or none without numbers.
"""

from __future__ import annotations

from collections.abc import Iterator

from forecaster._support.frames import Table
from forecaster.checks.limits import FORESEEN, INFLUENTIAL, UNLIKELY, worst_of
from forecaster.checks.predictive import DRAWS, INTERVAL, Assessment
from forecaster.inference.importance.weights import TRUSTED_K
from forecaster.results.check import PASS, Check, also
from forecaster.results.message import Message, message

LEFT_OUT = "left-out-sizes"
LOOK = (
    "look at the runs at that size (a failed run, another training configuration, another test set?); repeat or remove "
    "them"
)
DRIFTS = "expect the intervals of this curve to be too narrow; measure more sizes and backtest before deciding"
REPLICATED = {  # by statistic: id of the check, words where a curve fails and where all pass, what to do
    "jump": ("jumps", "jumps farther from one size to the next", "jumps between sizes", LOOK),
    "run": ("runs", "departs from the law more regularly", "departures from the law", DRIFTS),
    "bend": ("bend", "bends otherwise between small and large sizes", "bends between small and large sizes", DRIFTS),
}


def labels(table: Table) -> list[str]:
    """``domain/task/architecture`` of each row."""
    return ["/".join(map(str, key)) for key in table[["domain", "task", "architecture"]].itertuples(index=False)]


def _by_curve(table: Table, column: str) -> dict[str, float]:
    return dict(zip(labels(table), table[column].tolist(), strict=True)) if len(table) else {}


def foreseen(found: Assessment) -> Iterator[Check]:
    """Prior predictive check: did the card, before any data, allow for the shape of the measured curves?

    The level of the errors is not judged: in another unit of error it is another number for the same curve.
    """
    levels = _by_curve(found.curves, "prior_inside")
    elsewhere = [label for label, share in levels.items() if FORESEEN.verdict(share) != PASS]

    def fine(worst: float) -> Message:
        text = "at least a third of each curve lies in the card's 95 % band"
        if not elsewhere:
            return message("foreseen", text, worst=worst)
        text += (
            f", relative to the curve's mean; {elsewhere[0]} lies at another level than the card expects, as errors in "
            f"another unit do{also(elsewhere[1:])}"
        )
        return message("foreseen-at-another-level", text, worst=worst, curves=elsewhere)

    yield from worst_of(
        "prior-predictive",
        _by_curve(found.curves, "prior_inside_shape"),
        FORESEEN,
        lambda label, v: message(
            "contradicted",
            f"{label}: the measurements contradict the card: {_percent(v)} of them lie in its 95 % band, even relative "
            "to the curve's mean",
            share=v,
        ),
        fine,
        "check the unit of sizes and that the error falls with them; then use another card or write your own",
    )


def left_out(found: Assessment) -> Iterator[Check]:
    """Leave-one-out: is each size as the others predict, and can leaving it out tell?"""
    if found.curves.empty:
        return
    points: Table = found.points.assign(label=labels(found.points), out=(found.points["pit"] - 0.5).abs())
    farthest = points.sort_values("out").drop_duplicates("label", keep="last").set_index("label")

    def say(label: str, v: float) -> Message:
        row = farthest.loc[label]
        text = (
            f"{label}: at size {row['n']:g} the error is {row['error']:.3g}, where the other sizes predict "
            f"{row['expected_lower']:.3g} to {row['expected_upper']:.3g} ({_percent(INTERVAL)} interval); {_chance(v)}"
        )
        return message("surprising-size", text, n=float(row["n"]), p=v)

    yield from worst_of(
        LEFT_OUT,
        _by_curve(found.curves, "p_surprise"),
        UNLIKELY,
        say,
        lambda v: message("no-surprise", "no measured error is surprising given the other sizes (leave-one-out)", p=v),
        LOOK,
    )
    yield from _coverage(points)
    many = int((points["pareto_k"] > TRUSTED_K).sum())
    yield from worst_of(
        "influential-sizes",
        _by_curve(found.curves, "k_high"),
        INFLUENTIAL,
        lambda label, v: message(
            "influential",
            f"{label}: {_percent(v)} of its sizes are so influential that leave-one-out cannot judge them (Pareto k "
            f"above {TRUSTED_K:g}; {many} of {len(points)} sizes in all)",
            share=v,
        ),
        lambda v: message(
            "not-influential",
            f"few sizes are influential: Pareto k exceeds {TRUSTED_K:g} for {many} of {len(points)} sizes",
            share=v,
        ),
        "measure more sizes; until then a backtest (which needs 4 sizes of a curve) shows how far forecasts hold",
    )


def _coverage(points: Table) -> Iterator[Check]:
    """Leave-one-out coverage of each group: do the intervals hold as many errors as they should?

    Too few is judged, by a binomial probability that treats sizes as independent. Too many is safe.
    """
    from scipy.stats import binom

    inside = points["out"] <= INTERVAL / 2
    groups = points["domain"] + "/" + points["task"]
    counted = {str(label): (int(own.sum()), len(own)) for label, own in inside.groupby(groups, sort=False)}

    def say(label: str, v: float) -> Message:
        hits, total = counted[label]
        text = (
            f"{label}: {hits} of {total} measured errors lie in the {_percent(INTERVAL)} intervals that the other "
            f"sizes give, {_chance(v)}: the model is overconfident"
        )
        return message("overconfident", text, hits=hits, total=total, p=v)

    yield from worst_of(
        "left-out-coverage",
        {label: float(binom.cdf(hits, total, INTERVAL)) for label, (hits, total) in counted.items()},
        UNLIKELY,
        say,
        lambda v: message(
            "covered",
            f"{_percent(inside.mean())} of the measured errors lie in the {_percent(INTERVAL)} intervals that the "
            "other sizes give",
            share=float(inside.mean()),
            p=v,
        ),
        DRIFTS,
    )


def replicated(found: Assessment) -> Iterator[Check]:
    """Posterior predictive checks: do curves simulated from the model look like the measured one?"""
    for statistic, (id, does, plainly, step) in REPLICATED.items():
        yield from worst_of(
            id,
            _by_curve(found.curves, f"p_{statistic}"),
            UNLIKELY,
            lambda label, v, does=does: message(
                "untypical",
                f"{label}: the measured curve {does} than curves of the model do (as far in {_share(v)} of them)",
                p=v,
            ),
            lambda v, plainly=plainly: message(
                "typical", f"{plainly} are typical of the model (smallest posterior predictive p = {v:.2f})", p=v
            ),
            step,
        )


def _share(p: float) -> str:
    """A share of ``DRAWS`` replicates, which cannot resolve a smaller one."""
    return f"{100 * p:.1f} %" if p > 0 else f"fewer than 1 in {DRAWS}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _chance(p: float) -> str:
    """``expected in 1 of 12,000 such cases``, to two digits."""
    if p <= 1e-9:
        return "expected in fewer than 1 of a billion such cases"
    often = float(f"{1 / p:.2g}")
    return f"expected in 1 of {often:,.0f} such cases"
