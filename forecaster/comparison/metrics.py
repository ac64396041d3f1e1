"""compare across metrics: does an architecture's error fall as steeply by one metric as by another?

Curves of several metrics are fitted apart, a group each. Errors in different units are not weighed against each other:
slopes and exponents, which have no unit, are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from forecaster.comparison import contrast
from forecaster.comparison.compare import check_numbers
from forecaster.comparison.drawn import BEYOND_DATA, DEFAULT_SIZES
from forecaster.comparison.prose import exponents, slopes
from forecaster.curves.learning_curves import NO_TASK
from forecaster.errors import RequestError
from forecaster.inference.posterior import Posterior, expect_posterior
from forecaster.prediction.crossings import largest_size
from forecaster.prediction.curve_keys import CurveKey, chosen_keys
from forecaster.prediction.forecast import log_errors
from forecaster.results.check import Check
from forecaster.results.columns import ARCHITECTURE, DOMAIN, LEVEL, TASK, Column, Columns, declared, size
from forecaster.results.message import Message, joined, message
from forecaster.results.result import Result, Shown

PAIRS_TOLD = 8  # pairs that the text spells out; the tables have all
NAME_JOIN = ", "  # between a task and a metric that make the name of a group
NAMES = (DOMAIN, TASK, ARCHITECTURE, *(Column(name, "name", "the pair of metrics", key=True) for name in "ab"))
FROM = Column("n_from", "size", "the larger of the largest sizes measured by the two", given=True)
FITTED_APART = "; fitted apart, so draws are independent"


@dataclass(frozen=True, eq=False, repr=False)
class MetricComparison(Result):
    """Pairs of metrics a, b of an architecture; intervals are medians and equal-tailed at ``level``.

    ``exponent_draws`` holds the draws [draw] of each curve's exponent by label.
    """

    slopes: pd.DataFrame = field(default_factory=pd.DataFrame)
    exponent_draws: Mapping[str, np.ndarray] = field(default_factory=dict)
    posterior: Posterior | None = None

    command = "compare"
    columns = declared(
        table=Columns("an architecture and pair of metrics", NAMES, contrast.of_exponents(FITTED_APART)),
        slopes=Columns(
            "an architecture, pair of metrics and size", NAMES, FROM, size(), contrast.of_slopes(FITTED_APART)
        ),
    )

    def shown(self, most: int) -> tuple[Shown, ...]:
        """Slopes, then exponents."""
        found = (("slopes", "Effective slopes:"), ("table", "Exponents, of the reducible error alone:"))
        return tuple(
            Shown(self.tables[name], self.columns[name], caption) for name, caption in found if len(self.tables[name])
        )


def compare_metrics(
    posterior: Posterior,
    *,
    curves: Sequence[CurveKey | str] | None = None,
    at: Sequence[float] = (),
    rope: float = 0.1,
    level: float = LEVEL,
    decide_at: float = 0.9,
    seed: int = 0,
    checks: tuple[Check, ...] = (),
) -> MetricComparison:
    """How steeply an architecture's error falls by one metric and by another, such as top-1 and top-5 error.

    The posterior holds a task for each metric: read a table with a column ``metric`` by
    ``columns={"task": "task+metric"}`` (or ``{"task": "metric", "metric": "metric"}`` where it has no task). Metrics
    are fitted apart, so their draws are independent.

    Parameters
    ----------
    posterior : Posterior
        What :func:`~forecaster.fit` gave.
    curves : sequence, optional
        Curves asked about, as keys, labels (``domain/task/architecture``) or architectures; by default all.
    at : sequence of float
        Sizes up to which effective slopes are compared, from the largest measured one; by default ten times that.
    rope, level, decide_at : float
        What counts as equal, the probability inside intervals and that of a verdict, as in :func:`~forecaster.compare`.
    seed : int
        The same seed gives the same numbers.
    checks : tuple of Check
        Verdicts to carry along.

    Returns
    -------
    MetricComparison
        ``table`` has the difference of exponents of each architecture and pair of metrics, ``slopes`` that of its
        effective slopes.

    Raises
    ------
    RequestError
        No architecture with curves of two metrics, a number out of range.

    Examples
    --------
    >>> import forecaster
    >>> curves = forecaster.read_curves("potentials.csv", columns={"task": "task+metric"})  # doctest: +SKIP
    >>> found = forecaster.compare_metrics(forecaster.fit(curves))  # doctest: +SKIP
    >>> found.table[["architecture", "a", "b", "difference"]]  # doctest: +SKIP
    """
    expect_posterior(posterior)
    check_numbers(at, rope, level, decide_at)
    fixed = (rope, level, decide_at)
    rows, slope_rows = [], []
    draws: dict[str, np.ndarray] = {}
    for names, one, other in _pairs(posterior, chosen_keys(posterior, curves)):
        logs = [posterior.curve(key.label).log_exponent for key in (one, other)]
        draws |= {key.label: np.exp(drawn) for key, drawn in zip((one, other), logs, strict=True)}
        a, b = (contrast.quantity(own, level, np.exp) for own in logs)
        rows.append(names | contrast.exponents(a, b, *fixed))
        today = max(largest_size(posterior.designs[key.group]) for key in (one, other))
        wanted = np.unique(np.asarray(at, dtype=float)) if len(at) else today * np.array(DEFAULT_SIZES)
        sizes = wanted[wanted >= BEYOND_DATA * today]
        both = (_slopes(posterior, key, today, sizes, seed) for key in (one, other))
        for n, *drawn in zip(sizes.tolist(), *both, strict=True):
            a, b = (contrast.quantity(own, level) for own in drawn)
            slope_rows.append(names | {"n_from": today, "n": n} | contrast.slopes(a, b, *fixed))
    table, by_size = pd.DataFrame(rows), pd.DataFrame(slope_rows)
    text = joined(_prose(rows, slope_rows), "\n")
    return MetricComparison(table, text, checks, by_size, draws, posterior)


def _slopes(
    posterior: Posterior, key: CurveKey, today: float, sizes: Float[np.ndarray, " size"], seed: int
) -> Float[np.ndarray, "size draw"]:
    errors = log_errors(posterior, key, np.append(today, sizes), seed=seed)
    return ((errors[:, :1] - errors[:, 1:]) / np.log(sizes / today)).T


def _pairs(posterior: Posterior, keys: Sequence[CurveKey]) -> Iterator[tuple[dict[str, str], CurveKey, CurveKey]]:
    """Curves of one architecture by two metrics, with the names of the row."""
    metrics = {curve.label: curve.metric or "" for curve in posterior.curves.curves}
    found = _by_subject(keys, metrics, lambda key: _task(key.task, metrics[key.label]))
    if all(len(own) < 2 for own in found.values()):  # the tasks are named otherwise: one for each metric
        found = _by_subject(keys, metrics, lambda _: NO_TASK)
    some = False
    for (domain, task, architecture), own in found.items():
        for (a, one), (b, other) in combinations(own.items(), 2):
            some = True
            yield {"domain": domain, "task": task, "architecture": architecture, "a": a, "b": b}, one, other
    if not some:
        named = ", ".join(dict.fromkeys(filter(None, metrics.values()))) or "none named"
        raise RequestError(
            f"nothing to compare across metrics: found {named}; expected an architecture with curves of two metrics. "
            "Their table has a column `metric`, and a task for each: --columns task=task+metric"
        )


def _by_subject(
    keys: Sequence[CurveKey], metrics: Mapping[str, str], task_of: Any
) -> dict[tuple[str, str, str], dict[str, CurveKey]]:
    """Curves by what they are of, then by metric; of two with one metric the first."""
    found: dict[tuple[str, str, str], dict[str, CurveKey]] = {}
    for key in keys:
        if metrics.get(key.label):
            found.setdefault((key.domain, task_of(key), key.architecture), {}).setdefault(metrics[key.label], key)
    return found


def _task(task: str, metric: str) -> str:
    """The task without the metric that its name ends in."""
    return NO_TASK if task == metric else task.removesuffix(f"{NAME_JOIN}{metric}")


def _prose(rows: Sequence[Mapping[str, Any]], slope_rows: Sequence[Mapping[str, Any]]) -> Iterator[Message]:
    keys = [column.name for column in NAMES]
    last = {tuple(row[k] for k in keys): row for row in slope_rows}
    for row in rows[:PAIRS_TOLD]:
        name = tuple(row[k] for k in keys)
        parts = [slopes(last[name])] if name in last else []
        text = f"{row['architecture']} ({row['task']}), {row['a']} against {row['b']}: "
        values = {k: row[k] for k in ("architecture", "a", "b", "difference", "verdict")}
        yield message("metrics", text + " ".join([*parts, exponents(row)]), **values)
    if len(rows) > PAIRS_TOLD:
        yield message("more-pairs", f"The tables have {len(rows) - PAIRS_TOLD} more.", pairs=len(rows) - PAIRS_TOLD)
    text = (
        "Metrics are fitted apart: draws are independent. Where both were measured on the same runs they share some of "
        "their luck, and the differences are known better than these intervals say."
    )
    yield message("fitted-apart", text)
