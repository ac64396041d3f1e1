"""surface_decision: which model to train on how much data, given what data, compute and errors cost.

Options are runs: pairs of sizes, or the best use of a compute. They are weighed as those of :func:`~forecaster.decide`
are, on the draws of the loss that a forecast at their points summarises; doing nothing keeps the best run measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecaster._support.numbers import positive
from forecaster.decisions import prose
from forecaster.decisions.loss import Value
from forecaster.decisions.options import Offers
from forecaster.decisions.ordering.orders import RISKS, order_for
from forecaster.decisions.outcome import deadline_of, options_table, worth_of_choice
from forecaster.decisions.question import Question, check_mistakes
from forecaster.decisions.two_axes import decision
from forecaster.decisions.two_axes.decision import SurfaceDecision
from forecaster.decisions.two_axes.runs import Run, idle_run, losses_of, runs_of
from forecaster.decisions.weighing import chosen_of
from forecaster.errors import RequestError
from forecaster.resources.prices.costs import Costs
from forecaster.resources.prices.costs_file import read_costs
from forecaster.results.columns import LEVEL
from forecaster.results.message import joined
from forecaster.results.wording import rounded, size
from forecaster.surfaces import checks as verdicts
from forecaster.surfaces.compute import Compute, Frontier, frontier
from forecaster.surfaces.fitted import Surface
from forecaster.surfaces.pricing import Pricing, pricing_of, quantiles_of
from forecaster.surfaces.requirement import first_below
from forecaster.surfaces.surface import named

Sizes = Sequence[float] | float
MULTIPLES = (1.0, 3.0, 10.0, 30.0, 100.0)  # of the largest measured compute: options where none are given
BELOW, REACH = 10.0, 1e3  # from which part to which multiple of the largest measured compute needs are sought
PER_DECADE = 3  # computes at which the best use is found; between them it is straight
FINE_COMPUTES = 12  # computes among which the best is sought, to each of those
AGAIN = 1.15  # ratio of two computes that are one option


def surface_decision(
    surface: Surface,
    costs: str | Path | Costs | Mapping[str, Any] | None,
    *,
    flops: Sizes | None = None,
    at: Sizes | None = None,
    params: Sizes | None = None,
    unique_n: float | None = None,
    target: float | None = None,
    penalty: float | None = None,
    value_per_point: float | None = None,
    cost_per_mistake: float | None = None,
    volume: float | None = None,
    budget: float | None = None,
    risk: float | None = None,
    attitude: str = "mean",
    kind: str = "mean",
    level: float = LEVEL,
    start: date | None = None,
    seed: int = 0,
) -> SurfaceDecision:
    """Which model to train on how much data: each run's cost, loss, chance of the target, and the best one.

    Parameters
    ----------
    surface : Surface
        What :func:`~forecaster.fit_surface` gave.
    costs : path, Costs, mapping or None
        The price list, as in :func:`~forecaster.decide`. What a run takes is its compute over ``flops_per_gpu_hour``,
        else as the runs were measured (column ``gpu_hours``). None: a run costs its operations, and data nothing.
    flops : float or sequence of float, optional
        Compute that may be spent: each, spent best, is an option.
    at, params : float or sequence of float, optional
        Amounts of data and sizes of models; each pair is an option. Without them and ``flops``, multiples of the
        largest measured compute, what the target needs at the usual risks, and the best found.
    unique_n : float, optional
        The different data there are; more of them are repeated, and not bought.
    target, penalty, value_per_point, cost_per_mistake, volume, budget, risk, attitude : optional
        What an error costs, and the limits, as in :func:`~forecaster.decide`; a point is one unit of the loss.
    kind : {"mean", "new-run"}
        Whose loss counts: the average over runs, or one new run.
    level : float
        Probability inside each interval.
    start : date, optional
        The day on which runs begin; by default today.
    seed : int
        The same seed gives the same numbers.

    Returns
    -------
    SurfaceDecision
        ``table`` has a row per option, ``needs`` what the target takes in compute, money and time, with intervals.

    Raises
    ------
    RequestError
        Points and compute at once, no value of an error, or a number out of range.
    CostsError
        A price list that cannot be used, or that prices hours without saying what a run takes.

    Examples
    --------
    >>> import pandas as pd, forecaster
    >>> grid = [(params, n) for params in (1e8, 3e8, 1e9) for n in (2e9, 8e9, 3e10)]
    >>> rows = [("lm", p, n, 1.8 + 480 / p**0.35 + 2100 / n**0.37) for p, n in grid]
    >>> table = pd.DataFrame(rows, columns=["domain", "params", "n", "error"]).assign(architecture="decoder")
    >>> costs = {"currency": "EUR", "per_gpu_hour": 2.0, "flops_per_gpu_hour": 1.4e18}
    >>> found = forecaster.surface_decision(
    ...     forecaster.fit_surface(table), costs, flops=[1e20, 1e21], target=2.4, penalty=10_000
    ... )
    >>> found.table["option"].tolist()[0]
    'do nothing'
    """
    value = Value(target, penalty, value_per_point, cost_per_mistake, volume)
    if kind == "new-cases":
        raise RequestError("kind: found new-cases; expected mean or new-run: losses of a surface know no test cases")
    question = Question(
        value, (), budget, risk, attitude, kind=kind, level=level, start=start or date.today(), seed=seed
    )
    question.check()
    if value.form == "mistakes":
        check_mistakes(np.exp(surface.design.y))
    prices = None if costs is None else read_costs(costs)
    asked = _Asked(surface, pricing_of(surface, prices, seed), question, unique_n)
    return _decided(asked, asked.points(flops, at, params))


@dataclass(frozen=True, eq=False)
class _Asked:
    """A question that was checked, about one surface."""

    surface: Surface
    pricing: Pricing
    question: Question
    unique_n: float | None

    @property
    def running(self) -> float:
        return self.pricing.costs.running(self.question.value.volume or 0.0, self.surface.design.architecture)

    @property
    def compute(self) -> Compute:
        return Compute.of(self.surface.design)

    def points(
        self, flops: Sizes | None, at: Sizes | None, params: Sizes | None
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Logs of the sizes and the data that were asked for; of a compute only its place: None for the default."""
        if flops is not None and (at is not None or params is not None):
            raise RequestError(
                "found points and compute; expected one of the two: at=... with params=..., or flops=..."
            )
        if (at is None) != (params is None):
            raise RequestError("found one of at and params; expected both, such as at=[1e11], params=[7e9]")
        if at is not None and params is not None:
            pairs = [(p, n) for p in positive("params", params, "7e9") for n in positive("at", at, "1e11")]
            return np.log([p for p, _ in pairs]), np.log([n for _, n in pairs])
        if flops is None:
            return None
        wanted = np.log(positive("flops", flops, "1e21"))
        return self.best(wanted.min(), wanted.max()).split(wanted)

    def best(self, low: float, high: float) -> Frontier:
        """The best use of each compute between two logs."""
        high = max(high, low + np.log(10.0))
        return frontier(self.surface, self.compute, low, high, PER_DECADE, self.unique_n)

    def runs(self, x: np.ndarray, t: np.ndarray) -> list[Run]:
        return runs_of(self.surface, self.pricing, np.exp(x), np.exp(t), self.unique_n, self.running)

    def offers(self, runs: Sequence[Run], *, limited: bool = True) -> Offers:
        """Runs with their draws."""
        question, target = self.question, self.question.value.target
        errors = losses_of(self.surface, runs, question.kind, question.seed)
        deadline = self.pricing.costs.deadline
        days = np.inf if deadline is None else float((deadline - question.today).days)
        budget = np.inf if question.budget is None else question.budget
        inside = [not limited or run.idle or (run.cost <= budget and run.days <= days) for run in runs]
        reached = None if target is None else errors <= target
        return Offers(tuple(runs), question.value, errors, reached, 1.0, np.array(inside))


def _decided(asked: _Asked, points: tuple[np.ndarray, np.ndarray] | None) -> SurfaceDecision:
    surface, question, costs = asked.surface, asked.question, asked.pricing.costs
    idle = idle_run(surface, asked.running)
    largest = float(np.log(asked.compute.largest))
    wide = points is None or question.value.target is not None
    best = asked.best(largest - np.log(BELOW), largest + np.log(REACH)) if wide else None
    path = None if best is None else _path(asked, best)
    x, t = points if points is not None else _defaults(asked, best, path, idle)
    runs = [idle, *sorted(asked.runs(x, t), key=lambda run: (run.cost, run.flops))]
    offers = asked.offers(runs)
    chosen, reason = chosen_of(offers, question)
    extra: dict[str, Any] = worth_of_choice(offers, costs, question, chosen) if question.value.priced else {}
    needs = pd.DataFrame()
    if best is not None and path is not None and question.value.target is not None:
        extra["lowest_risk"] = _lowest_risk(asked, best, path)
        extra["orders"] = _orders(asked, best, path)
        needs = _needs(asked, best)
    if costs.deadline is not None:
        extra["deadline"] = deadline_of(costs.deadline, offers.options[chosen], question.today)
    table = _table(offers, runs, chosen, question, asked.pricing)
    found = prose.DecisionFacts(offers, chosen, reason, table, surface.design.units, costs, question, None, extra)
    messages = prose.messages(found)
    told = {"currency": costs.currency, "owned": asked.pricing.owned, **question.told()}
    far = surface.decades_beyond(table["n"].to_numpy(), table["params"].to_numpy())[chosen]
    seen = verdicts.by_id([verdicts.sampling(surface), verdicts.axes(surface), verdicts.beyond(surface, float(far))])
    said: dict[str, Any] = {"messages": messages, "recommendation": messages[0], "asked": told, "surface": surface}
    return SurfaceDecision(table, joined(messages, "\n"), seen, **extra, **said, needs=needs)


def _table(offers: Offers, runs: Sequence[Run], chosen: int, question: Question, pricing: Pricing) -> pd.DataFrame:
    table: Any = options_table(offers, chosen, question, pricing.costs, pricing.timed)
    hours = [np.nan if run.idle or not pricing.clocked else run.hours for run in runs]
    own = {"params": [r.params for r in runs], "flops": [r.flops for r in runs], "gpu_hours": hours}
    return table.assign(**own)[list(decision.RUNS.names)]


# Along the best use of compute ----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Path:
    """Runs that spend each compute best, by ascending compute, with draws of whether and where they do."""

    log_flops: np.ndarray
    offers: Offers
    needed: np.ndarray  # draws of the log compute from which on the target is reached; infinite: never


def _path(asked: _Asked, best: Frontier) -> _Path:
    """The same runs as options: one size and amount of data for all draws."""
    count = FINE_COMPUTES * (len(best.log_flops) - 1) // PER_DECADE + 1
    logs = np.linspace(best.log_flops[0], best.log_flops[-1], count)
    offers = asked.offers(asked.runs(*best.split(logs)))
    target = asked.question.value.target
    if target is None:
        return _Path(logs, offers, np.full(len(offers.errors), np.inf))
    (needed,) = first_below(np.log(offers.errors), np.log(target), logs)
    return _Path(logs, offers, needed)


def _defaults(asked: _Asked, best: Frontier | None, path: _Path | None, idle: Run) -> tuple[np.ndarray, np.ndarray]:
    """Points worth weighing: multiples of the largest compute, what the target needs, the best; each also with what
    data are owned, where it would take more."""
    assert best is not None
    assert path is not None
    question, allowed = asked.question, path.offers.allowed
    top = float(best.log_flops[-1])
    risks = [*RISKS[:3], *([] if question.risk is None else [question.risk])]
    wanted = [order_for(path.needed, risk) for risk in risks]
    if question.risk is not None:
        wanted.append(order_for(path.needed, 0.9 * question.risk))  # interpolated: a little more than just enough
    if question.value.priced:
        wanted.append(float(path.log_flops[path.offers.loss().mean(0).argmin()]))
        worst = float(asked.offers([idle]).loss().max())
        top = float(path.log_flops[path.offers.cost <= worst].max(initial=best.log_flops[0]))
    elif question.budget is not None and allowed.any():
        wanted.append(float(path.log_flops[allowed][-1]))
    usual = [m for m in np.log(asked.compute.largest) + np.log(MULTIPLES) if m <= top + 1e-9]
    logs = without_repeats([w for w in wanted if np.isfinite(w)], usual or [float(np.log(asked.compute.largest))])
    x, t = best.split(logs)
    x, t = (np.log([rounded(float(v), 3) for v in np.exp(part)]) for part in (x, t))
    owned = np.log(asked.pricing.owned)
    if asked.unique_n is not None or not (t > owned).any():
        return x, t
    more = logs[t > owned]
    wide = asked.compute.log_size(more, owned)
    return np.concatenate([x, wide]), np.concatenate([t, np.full(len(more), owned)])


def without_repeats(first: Sequence[float], then: Sequence[float]) -> np.ndarray:
    """Log computes in order, those of ``first`` whatever stands near; of the others none that is nearly there."""
    found: list[float] = []
    for one in [*first, *then]:
        if all(abs(one - other) > np.log(AGAIN) for other in found):
            found.append(float(one))
    return np.sort(found)


def _orders(asked: _Asked, best: Frontier, path: _Path) -> pd.DataFrame:
    """For each risk of missing the target the least compute, spent best."""
    own = [] if asked.question.risk is None else [asked.question.risk]
    rows = []
    for risk in sorted({*RISKS, *own}, reverse=True):
        at = order_for(path.needed, risk)
        row: dict[str, Any] = {"risk": risk, **named(asked.surface), "flops": float(np.exp(at))}
        if np.isfinite(at):
            (run,) = asked.runs(*best.split(np.array([at])))
            row |= {"params": run.params, "n": run.n, "buy": run.buy, "cost": run.cost}
        else:
            row |= {"params": np.inf, "n": np.inf, "buy": np.inf, "cost": np.nan}
        rows.append(row)
    return pd.DataFrame(rows, columns=list(decision.RISKS.names))


def _lowest_risk(asked: _Asked, best: Frontier, path: _Path) -> dict[str, Any]:
    """The lowest chance of missing the target that a compute within limits and reach has."""
    most = path.log_flops[path.offers.allowed].max(initial=-np.inf)
    inside = path.needed[path.needed <= most]
    row: dict[str, Any] = {
        "risk": 1.0 - len(inside) / len(path.needed),
        "architecture": named(asked.surface)["architecture"],
    }
    if not len(inside):
        return row | {"n": np.inf}
    (run,) = asked.runs(*best.split(np.array([inside.max()])))
    return row | {"n": rounded(run.n, 3), "who": f"a model of {size(run.params)} parameters"}


def _needs(asked: _Asked, best: Frontier) -> pd.DataFrame:
    """What the target takes in each draw at its own least compute: operations, hours, money, days."""
    question, pricing = asked.question, asked.pricing
    target = question.value.target or 1.0
    flops, t = first_below(best.log_loss, np.log(target), best.log_flops, best.t)
    n = t if asked.unique_n is None else np.where(np.isfinite(t), np.minimum(t, np.log(asked.unique_n)), np.inf)
    shares = {"": 0.5, "_lower": 0.5 - question.level / 2, "_upper": 0.5 + question.level / 2}
    row: dict[str, Any] = {**named(asked.surface), "target": target}
    for end, share in shares.items():
        row[f"flops{end}"] = float(np.exp(np.quantile(flops, share, method="inverted_cdf")))
    row |= quantiles_of(pricing, flops, n, shares, question.today)
    row["p_never"] = float(np.isinf(flops).mean())
    return pd.DataFrame([row], columns=list(decision.PRICES.names))
