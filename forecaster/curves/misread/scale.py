"""Scale and direction: scores that were read as errors, per cent that was read as shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from forecaster._support.frames import Table
from forecaster.curves.contents import PER_CENT
from forecaster.curves.how_read import HowRead
from forecaster.curves.learning_curves import KEYS, Group
from forecaster.curves.metrics import Metric, metric_of_column
from forecaster.curves.misread.fault import Fault, Other, metrics_of
from forecaster.curves.rises import LEAST_RISE, clearest_rise

RANKED = 0.8  # rank correlation of error with size from which a curve rises from end to end
NEARLY_ALL = 0.8  # share of a task's curves that do
FEWEST_SIZES = 3  # sizes of a curve that can be judged
LUCK = float(np.log(1.2))  # of log error: one curve or two may rise by less without being scores
SEVERAL = 3  # curves that do not all rise by luck
MANY_ABOVE_ONE = 0.5  # share of errors above 1 from which they may be per cent; rank correlation of a clear fall
Means = tuple[np.ndarray, np.ndarray]  # sizes, and the mean error at each
RISING, SHARES, ABOVE = "scores-as-errors", "per-cent-as-shares", "above-one"  # names of rules


def scores_as_errors(table: Table, how: HowRead) -> Fault | None:
    """Errors that rise in nearly all curves of a task, as scores do; or that their own column calls scores."""
    metrics = metrics_of(table, how)
    named = metric_of_column(how.error_column)
    for group, curves in _curves(table).items():
        said = metrics.get(group, ())
        if any(metric.kind in ("loss", "perplexity") for metric in said):
            continue  # losses that rise have diverged
        score = next((metric for metric in said if metric.kind == "score"), None)
        slopes = [_rank(n, e) for n, e in curves if len(n) >= FEWEST_SIZES] if score is not None else []
        if score is not None and slopes and np.median(slopes) > -MANY_ABOVE_ONE:
            return _scores(curves, how, group, score.name)
        if how.score is not None and (named.kind == "score" or "metric" in table):
            continue  # scores that fall, and are called so
        errors = any(metric.kind == "share" for metric in said) and how.score is None
        if _rises(curves, SEVERAL if errors else 1):
            return _scores(curves, how, group, None)
    return None


def _curves(table: Table) -> dict[Group, list[Means]]:
    """Sizes and mean errors of each curve, by ascending size, of each (domain, task)."""
    means: Table = table.groupby([*KEYS, "n"], sort=False)["error"].mean().sort_index()
    n, error = means.index.get_level_values("n").to_numpy(dtype=float), means.to_numpy()
    keys = means.index.droplevel("n")
    starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]])
    found: dict[Group, list[Means]] = {}
    for at, of_n, of_error in zip(starts, np.split(n, starts[1:]), np.split(error, starts[1:]), strict=True):
        found.setdefault(tuple(keys[at][:2]), []).append((of_n, of_error))
    return found


def _rank(n: np.ndarray, error: np.ndarray) -> float:
    """Rank correlation (Spearman) of error with size; 0 where all errors are the same."""
    from scipy.stats import rankdata

    ranks = rankdata(error)
    return 0.0 if ranks.min() == ranks.max() else float(np.corrcoef(ranks, np.arange(len(n)))[0, 1])


def _rises(curves: list[Means], fewest: int) -> bool:
    """Whether nearly all curves of a task, at least ``fewest``, rise end to end by more than noise and luck explain."""
    judged = [(n, e) for n, e in curves if len(n) >= FEWEST_SIZES]
    up = [(n, e) for n, e in judged if e[-1] > e[0] and e.max() <= PER_CENT and _rank(n, e) > RANKED]
    enough = max(NEARLY_ALL * len(judged), fewest)
    least = LEAST_RISE if len(up) >= SEVERAL else LUCK
    return len(up) >= enough and sum(_risen(n, e) > least for n, e in up) >= enough


def _risen(n: np.ndarray, error: np.ndarray) -> float:
    """How far the log error of the last third of sizes is above that of the first; 0 where noise explains the rise.

    Or how far what is left to a perfect score has fallen, which says more of high accuracies.
    """
    rise = clearest_rise(n, np.log(error), np.zeros(len(n)))
    if rise is None or not rise.at_end:
        return 0.0
    third, top = max(len(n) // 3, 1), PER_CENT if error.max() > 1.0 else 1.0
    first, last = (error[at].mean() for at in (slice(third), slice(-third, None)))
    left = np.log((top - first) / (top - last)) if last < top else 0.0
    return float(max(np.log(last / first), left))


def _scores(curves: list[Means], how: HowRead, group: Group, score: str | None) -> Fault:
    first, last = (np.mean([e[at] for _, e in curves]) for at in (0, -1))
    goes = f"rise with size in nearly all curves of {'/'.join(group)} (on average from {first:.3g} to {last:.3g})"
    column = f"the column {how.error_column!r}" if how.error_column else "the error column"
    if how.score is not None:
        seen = f"found errors made of {column}, taken for {how.score}, that {goes}; expected scores, not errors, in it."
        return Fault(RISING, seen, (Other("If they are errors", replace(how, score=None)),))
    seen = f"found errors in {column} that {goes}, as accuracies do; expected errors, which are lower where better."
    if score is not None:
        seen = (
            f"found {score} in {column}, which is higher where better; expected errors, which are lower where better."
        )
    above = any(e.max() > 1.0 for _, e in curves)
    name = score if score not in (None, "score") else "accuracy"
    meant = replace(how, score=_as_option(name), percent=how.percent or above)
    said = f"If they are {'accuracies' if 'accuracy' in name else f'scores ({name})'}"
    return Fault(RISING, seen, (Other(f"{said}{', in per cent' if above else ''}", meant),))


def _as_option(name: str) -> str:
    return name.lower().replace(" ", "-")


def per_cent_as_shares(table: Table, how: HowRead) -> Fault | None:
    """Errors above 1 of a metric that is a share of cases."""
    if table["error"].max() <= 1.0:
        return None
    for group, metrics in metrics_of(table, how).items():
        own = table[(table["domain"] == group[0]) & (table["task"] == group[1])]
        for metric in metrics:
            if metric.kind == "share" and (fault := _above(own, how, metric, f"the metric is {metric.phrase!r}")):
                return fault
    return None


def above_a_share(table: Table, how: HowRead, cards: Mapping[Group, Metric]) -> Fault | None:
    """Errors above 1 in groups whose card calls the error a share, which ``cards`` has by group."""
    if table["error"].max() <= 1.0:
        return None
    metrics = metrics_of(table, how)
    for group, metric in cards.items():
        if any(own.kind in ("loss", "perplexity") for own in metrics.get(group, ())):
            continue
        own = table[(table["domain"] == group[0]) & (table["task"] == group[1])]
        fault = _above(own, how, metric, f"the card of {group[0]} takes errors for {metric.phrase!r}")
        if fault is not None:
            other = Other("If they are errors of another kind", how, ("--card", "generic"))
            return replace(fault, rule=ABOVE, others=(*fault.others, other))
    return None


def _above(table: Table, how: HowRead, metric: Metric, why: str) -> Fault | None:
    error = table["error"].to_numpy()
    above = error > 1.0
    mostly = above.mean() > MANY_ABOVE_ONE
    if not above.any() or not (metric.bounded or mostly):
        return None
    count = f"found {above.sum()} of {len(error)} errors of {'/'.join(table[KEYS[:2]].iloc[0])} above 1"
    seen = f"{count} (up to {error.max():.4g}); expected shares of 1, as {why}."
    per_cent = (Other("If they are per cent", replace(how, percent=True)),) if mostly and not how.percent else ()
    return Fault(SHARES, seen, per_cent)
