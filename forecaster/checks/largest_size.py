"""The measurement at the largest size, against a fit without it.

A new run lands at the largest size as a rule, where nothing beyond it contradicts it: the fit takes it up, and
leave-one-out by importance sampling, which starts from that fit, hardly notices. So where leave-one-out finds it in the
outer tenth, the group is fitted once more without the suspected measurements, and each is judged by that forecast.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from forecaster.checks.limits import UNLIKELY, worst_of
from forecaster.curves.learning_curves import KEYS, Curve, Group
from forecaster.inference.fit import Progress, fit
from forecaster.inference.posterior import Posterior
from forecaster.prediction.conditioning import predictive
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.forecast import forecast
from forecaster.results.check import Check
from forecaster.results.message import message
from forecaster.results.wording import plain_size

SUSPECT = 0.1  # two-sided tail probability by leave-one-out below which a fit without the measurement judges it
FEWEST_SIZES = 4  # sizes of a curve that is judged: three are left
ID = "largest-size"

Judged = dict[str, tuple[float, str]]  # by curve: p-value, and what was found and expected


def largest_size(posterior: Posterior, points: pd.DataFrame, seed: int, tell: Progress) -> Iterator[Check]:
    """Whether the measurement at each curve's largest size is such as a fit without it expects.

    ``points`` are those of :func:`forecaster.checks.predictive.assess`. Nothing where no curve has four sizes.
    """
    if points.empty:
        return
    table: Any = points
    last = table.loc[table.groupby(KEYS, sort=False)["n"].idxmax()].set_index(KEYS)
    count = table.groupby(KEYS, sort=False).size()
    judged = [c for c in posterior.curves.curves if count.get((c.domain, c.task, c.architecture), 0) >= FEWEST_SIZES]
    if not judged:
        return
    found: dict[str, float] = {}
    said: dict[str, str] = {}
    suspects: dict[Group, list[Curve]] = {}
    for curve in judged:
        pit = float(last.loc[(curve.domain, curve.task, curve.architecture), "pit"])
        found[curve.label] = 2.0 * min(pit, 1.0 - pit)
        if found[curve.label] < SUSPECT:
            suspects.setdefault((curve.domain, curve.task), []).append(curve)
    for group, curves in suspects.items():
        tell(f"{'/'.join(group)}: fitting without the largest sizes", 0.9)
        for label, (p, text) in without_largest(posterior.only(group), curves, seed).items():
            found[label], said[label] = p, text
    yield from worst_of(
        ID,
        found,
        UNLIKELY,
        lambda label, p: message("surprising", f"{label}: {said.get(label, 'far out')} (p = {p:.2g})", p=p),
        lambda p: message("expected", "no measurement at a largest size surprises a fit without it", p=p),
        "look at that run (its recipe, data and test set) and repeat it: forecasts start from there",
    )


def without_largest(posterior: Posterior, curves: Sequence[Curve], seed: int) -> Judged:
    """Each curve's measurements at its largest size, judged by a fit of the group without any of them."""
    table: Any = posterior.curves.table
    ends = {(c.domain, c.task, c.architecture): c.n[-1] for c in curves}
    keys = list(table[KEYS].itertuples(index=False, name=None))
    left = np.array([ends.get(key, np.inf) > n for key, n in zip(keys, table["n"], strict=True)])
    before = fit(posterior.curves.with_rows(table[left]), card=posterior.cards, seed=seed)
    found: Judged = {}
    for curve in curves:
        key = CurveKey(curve.domain, curve.task, curve.architecture)
        at_end = curve.n == curve.n[-1]
        y = np.array([np.log(curve.error[at_end]).mean()])
        pit = float(predictive(before, key, curve.n[-1:], runs=int(at_end.sum()), seed=seed).pit(y)[0])
        row = forecast(before, curve.n[-1:], kind="new-run", curves=[key], seed=seed).table.iloc[0]
        text = (
            f"at {plain_size(curve.n[-1])} the error is {np.exp(y[0]):.3g}, where a fit without it expects "
            f"{row['yhat_lower']:.3g} to {row['yhat_upper']:.3g} (80 % of runs)"
        )
        found[curve.label] = (2.0 * min(pit, 1.0 - pit), text)
    return found
