"""screen: search small, then scale: which architectures may be dropped before they are trained at the target size.

A drop is wrong where the best architecture is dropped and is better than the best one kept by more than ``MARGIN``. The
chance of that, from paired draws of all curves, is the risk of the drops. Architectures are dropped in ascending order
of their chance of being best, for as long as the risk allows; over several looks risks add up at most, so looks share
one allowance. One that still is in the region of small data, where little shows yet what it will do, is dropped only
where its own chance of being the best by more than ``MARGIN`` is no more than ``EARLY_SHARE`` of the risk.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from forecaster.curves.learning_curves import Group
from forecaster.errors import RequestError
from forecaster.inference.posterior import Posterior, expect_posterior
from forecaster.inference.units import units_of
from forecaster.prediction.curve_keys import CurveKey, chosen_keys
from forecaster.prediction.forecast import log_errors
from forecaster.prediction.observation import check_kind, usual_kind
from forecaster.prediction.options import lowest_at
from forecaster.prediction.paths import curve_paths
from forecaster.prediction.set_aside import last_measured, set_aside
from forecaster.results.check import Check
from forecaster.results.columns import CURVE, Column, Columns, declared, size
from forecaster.results.message import Message, joined, message
from forecaster.results.result import Result
from forecaster.results.wording import Units, counted, listed, percent, plain_number, plain_size, rounded

KEEP, DROP, UNDECIDED = "keep", "drop", "undecided"
MARGIN = 0.01  # of its error: a best one that is better by less is no loss
RISK = 0.05
EARLY_SHARE = 0.2
ARCHITECTURES_NAMED = 6  # architectures that a sentence names
TOO_EARLY = "too early to drop: still in the region of small data"
TrainingCosts = float | Mapping[str, float]  # of training on one item, for all or by architecture


@dataclass(frozen=True, eq=False, repr=False)
class Screening(Result):
    """Which architectures to keep, and at what risk.

    ``risk`` is the chance that these drops lose a best architecture, ``spent`` that of all looks together.
    """

    risk: float = 0.0
    spent: float = 0.0
    cost_to_resolve: float = 0.0

    command = "screen"
    columns = declared(
        table=Columns(
            "an architecture",
            CURVE,
            size("the target size"),
            Column("p_best", "chance", "chance of the lowest error of its group at that size"),
            Column("p_within_1pct", "chance", "chance of an error within 1 % of the lowest"),
            Column(
                "regret_mean", "error", "expected difference of its error from the lowest: the cost of choosing it now"
            ),
            Column("regret_q90", "error", "the difference that is exceeded with a chance of 10 %"),
            Column(
                "verdict",
                "text",
                "`keep`, `drop`, or `undecided`: too early to drop, or without a forecast (see `note`)",
            ),
            Column(
                "cost_to_resolve", "money", "cost of one training at that size, where that would tell; 0 for the others"
            ),
            Column("note", "text", "why it is undecided"),
        )
    )
    keys = declared(
        risk="chance that these drops lose an architecture that is more than 1 % better than the best one kept",
        spent="that of all looks together: give it as `spent` at the next look",
        cost_to_resolve="cost of training all that are left at the target size",
    )


class _Group(NamedTuple):
    """Draws of the log errors of a group's architectures at the target size, [architecture, draw]."""

    group: Group
    names: list[str]
    p_best: Float[np.ndarray, " architecture"]
    log_error: Float[np.ndarray, "architecture draw"]
    early: Bool[np.ndarray, " architecture"]


def screen(
    posterior: Posterior,
    at: float,
    *,
    risk: float = RISK,
    spent: float = 0.0,
    costs: TrainingCosts = 1.0,
    curves: Sequence[CurveKey | str] | None = None,
    kind: str | None = None,
    seed: int = 0,
    checks: tuple[Check, ...] = (),
) -> Screening:
    """Which architectures may be dropped now, because they will hardly be the best at a larger size?

    Parameters
    ----------
    posterior : Posterior
        What :func:`~forecaster.fit` gave: all candidates of a (domain, task), measured at small sizes.
    at : float
        The size at which one of them is to be used.
    risk : float
        Largest chance, over all looks, of losing an architecture that is more than 1 % better than the best one kept.
        Each group has it for itself.
    spent : float
        What earlier looks at these candidates have used of it: their ``spent``.
    costs : float or mapping of str to float
        Cost of training on one item, for all architectures or by name.
    curves : sequence, optional
        The candidates: keys, labels (``domain/task/architecture``) or architectures. By default all.
    kind : {"mean", "new-run", "new-cases"}, optional
        Whose error counts, as in :func:`~forecaster.forecast`; by default new cases where ``n_test`` is known.
    seed : int
        The same seed gives the same numbers.
    checks : tuple of Check
        Verdicts to carry along.

    Returns
    -------
    Screening
        ``table`` has a row per architecture, the likeliest best first within its group.

    Raises
    ------
    RequestError
        A size that is not positive, a risk outside (0, 1), a cost below 0 or missing, no group with two candidates.

    Examples
    --------
    >>> import forecaster
    >>> found = forecaster.screen(posterior, 12_000, risk=0.05)
    >>> set(found.table["verdict"]) <= {"keep", "drop", "undecided"}
    True
    """
    expect_posterior(posterior)
    _check_numbers(at, risk, spent)
    check_kind(kind)
    keys = chosen_keys(posterior, curves)
    groups = [g for g in posterior.groups if sum(key.group == g for key in keys) > 1]
    if not groups:
        raise RequestError(
            "nothing to screen: expected two architectures or more of one domain and task, with forecasts"
        )
    rows, said, risks = [], [], []
    for group in groups:
        names = [key.architecture for key in keys if key.group == group]
        candidates = _candidates(posterior, group, names, at, kind or usual_kind(posterior, group), seed)
        ready = ~candidates.early | (ahead(candidates.log_error) <= EARLY_SHARE * risk)
        dropped, lost = drops(candidates.log_error, ready, max(risk - spent, 0.0))
        own = _rows(candidates, dropped, at, {name: _cost(costs, name) for name in names})
        own += _aside_rows(posterior, group, curves, at)
        rows += own
        risks.append(lost)
        said += prose(own, lost, spent, risk, units_of(posterior, group))
    table = pd.DataFrame(rows)
    worst = max(risks)
    total = float(np.nansum(table["cost_to_resolve"].to_numpy(float)))
    return Screening(table, joined(said, "\n"), checks, worst, spent + worst, total)


def ahead(log_error: Float[np.ndarray, "architecture draw"]) -> Float[np.ndarray, " architecture"]:
    """The chance of each of being better than all others by more than ``MARGIN``."""
    two = np.partition(log_error, 1, axis=0)[:2]
    rival = np.where(log_error == two[0], two[1], two[0])
    return np.mean(log_error < rival + np.log1p(-MARGIN), 1)


def drops(
    log_error: Float[np.ndarray, "architecture draw"],
    ready: Bool[np.ndarray, " architecture"],
    allowed: float,
    margin: float = MARGIN,
) -> tuple[Bool[np.ndarray, " architecture"], float]:
    """Which architectures to drop, and the chance that this loses a best one that is better by more than ``margin``.

    ``log_error`` is at the target size. Those that are ``ready`` are dropped from the least likely best one up, for as
    long as that chance is ``allowed``; one is kept.
    """
    chance = np.bincount(log_error.argmin(0), minlength=len(log_error)) / log_error.shape[1]
    order = np.lexsort((-log_error.mean(1), chance))
    dropped, lost = np.zeros(len(log_error), dtype=bool), 0.0
    for k in (k for k in order if ready[k]):
        tried = dropped.copy()
        tried[k] = True
        if tried.all():
            break
        chance_lost = float(np.mean(log_error[tried].min(0) < log_error[~tried].min(0) + np.log1p(-margin)))
        if chance_lost > allowed:
            break
        dropped, lost = tried, chance_lost
    return dropped, lost


def _check_numbers(at: float, risk: float, spent: float) -> None:
    if not (np.isfinite(at) and at > 0):
        raise RequestError(f"at: found {at:g}; expected a positive size, such as 1e6")
    if not 0 < risk < 1:
        raise RequestError(f"risk: found {risk:g}; expected a share between 0 and 1, such as 0.05")
    if not 0 <= spent < 1:
        raise RequestError(f"spent: found {spent:g}; expected what earlier looks used of the risk, such as 0.02")


def _cost(costs: TrainingCosts, name: str) -> float:
    value = costs.get(name, np.nan) if isinstance(costs, Mapping) else costs
    if not (np.isfinite(value) and value >= 0):
        raise RequestError(
            f"costs: found {value:g} for {name}; expected 0 or more per item, such as 1, for every candidate"
        )
    return float(value)


def _candidates(posterior: Posterior, group: Group, names: list[str], at: float, kind: str, seed: int) -> _Group:
    sizes = np.array([at], dtype=float)
    keys = [CurveKey(*group, name) for name in names]
    held, lowest = lowest_at(posterior, group, sizes, kind=kind, seed=seed)
    p_best = np.array([lowest[held.index(name), :, 0].mean() for name in names])
    log_error = np.stack([log_errors(posterior, key, sizes, kind, seed)[:, 0] for key in keys])
    return _Group(group, names, p_best, log_error, np.array([_is_early(posterior, key, seed) for key in keys]))


def _is_early(posterior: Posterior, key: CurveKey, seed: int) -> bool:
    """Whether the curve has not left the region of small data at its largest measured size."""
    curve = next(c.curve for c in posterior.designs[key.group].curves if c.curve.architecture == key.architecture)
    last = curve.n[-1:]
    return curve_paths(posterior, key, last, seed=seed).region(last) == ["small-data"]


def _rows(
    candidates: _Group, dropped: Bool[np.ndarray, " architecture"], at: float, costs: Mapping[str, float]
) -> list[dict[str, Any]]:
    """A row an architecture, the likeliest best first."""
    domain, task = candidates.group
    error = np.exp(candidates.log_error)
    regret = error - error.min(0)
    near = np.mean(candidates.log_error <= candidates.log_error.min(0) + np.log1p(MARGIN), 1)
    left = int(np.sum(~dropped))
    rows = []
    for k in np.argsort(-candidates.p_best, kind="stable"):
        name = candidates.names[k]
        row = {"domain": domain, "task": task, "architecture": name, "n": at, "p_best": float(candidates.p_best[k])}
        row |= {"p_within_1pct": float(near[k]), "regret_mean": float(regret[k].mean())}
        row |= {"regret_q90": float(np.quantile(regret[k], 0.9))}
        early = bool(candidates.early[k]) and not dropped[k]
        row["verdict"] = DROP if dropped[k] else UNDECIDED if early else KEEP
        row["cost_to_resolve"] = costs[name] * at if left > 1 and not dropped[k] else 0.0
        rows.append(row | {"note": TOO_EARLY if early else ""})
    return rows


def _aside_rows(
    posterior: Posterior, group: Group, curves: Sequence[CurveKey | str] | None, at: float
) -> list[dict[str, Any]]:
    """Rows of measured curves that cannot be forecast: they are neither dropped nor kept."""
    aside = {key: curve for key, curve in set_aside(posterior, curves).items() if key.group == group}
    names = ("p_best", "p_within_1pct", "regret_mean", "regret_q90")
    return [
        {"domain": key.domain, "task": key.task, "architecture": key.architecture, "n": at}
        | dict.fromkeys(names, float("nan"))
        | {"verdict": UNDECIDED, "cost_to_resolve": 0.0, "note": last_measured(curve)}
        for key, curve in aside.items()
    ]


# In words -----------------------------------------------------------------------------------------


def prose(rows: Sequence[Mapping[str, Any]], lost: float, spent: float, risk: float, units: Units) -> list[Message]:
    """Which of a group to keep and to drop, at what risk, what choosing now would cost, and what is too early."""
    where = f"{rows[0]['domain']}/{rows[0]['task']}"
    by = {
        verdict: [row["architecture"] for row in rows if row["verdict"] == verdict]
        for verdict in (KEEP, DROP, UNDECIDED)
    }
    best, unit = rows[0], " points" if units.percent else units.sign
    said = []
    if by[DROP]:
        text = (
            f"{where}: drop {_named(by[DROP])}. The chance that one of them is better than all that are left at "
            f"{plain_size(best['n'])}, by more than 1 %, is {percent(lost)}."
        )
        said.append(message("drop", text, names=tuple(by[DROP]), risk=lost))
    else:
        text = f"{where}: nothing can be dropped at a risk of {percent(risk)}" + (
            f", of which earlier looks have used {percent(spent)}." if spent else "."
        )
        said.append(message("drop-nothing", text, risk=risk, spent=spent))
    left = by[KEEP] + by[UNDECIDED]
    cost = sum(row["cost_to_resolve"] for row in rows)
    text = f"Left: {_named(left)}."
    if len(left) > 1:
        text += f" Training each at {plain_size(best['n'])} costs {plain_size(cost)} in all."
    said.append(message("left", text, names=tuple(left), cost=cost))
    text = (
        f"Choosing {best['architecture']} now is right with probability {percent(best['p_best'])}; in the mean its "
        f"error is {plain_number(rounded(units.scaled(best['regret_mean'])))}{unit} above the lowest."
    )
    said.append(message("choose-now", text, architecture=best["architecture"], regret=best["regret_mean"]))
    early = [row["architecture"] for row in rows if row["note"] == TOO_EARLY]
    if early:
        text = f"Too early to drop: {_named(early)}, still in the region of small data."
        said.append(message("too-early", text, names=tuple(early)))
    return said


def _named(names: Sequence[str]) -> str:
    if len(names) <= ARCHITECTURES_NAMED:
        return listed(list(names))
    return f"{', '.join(names[:ARCHITECTURES_NAMED])} and {counted(len(names) - ARCHITECTURES_NAMED, 'other')}"
