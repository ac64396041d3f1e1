"""surface_next: which runs to make next, for the loss of a model on data, or of a compute that is spent best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecaster._support.frames import Table
from forecaster._support.numbers import positive
from forecaster.decisions.two_axes import teaching
from forecaster.decisions.two_axes.deciding import Sizes
from forecaster.decisions.two_axes.proposal import CANDIDATES, SurfaceProposal
from forecaster.errors import RequestError
from forecaster.resources.prices.costs import Costs
from forecaster.resources.prices.costs_file import read_costs
from forecaster.results.columns import LEVEL
from forecaster.results.message import Message, joined, message
from forecaster.results.wording import counted, listed, money, percent, plain_size, rounded, size
from forecaster.surfaces import checks as verdicts
from forecaster.surfaces.compute import Compute, optimum
from forecaster.surfaces.fitted import Surface
from forecaster.surfaces.pricing import Pricing, pricing_of
from forecaster.surfaces.surface import named

GRID_SIDE, GRID_BEYOND = 5, 3.0  # candidates along each axis where none are given, and how far beyond the measured ones
MOST_CANDIDATES = 2_000  # candidates
TEACHES_NOTHING = 0.98  # share of the variance left from which a run is not worth making
PICKS_TOLD = 4  # picks that the text names


def surface_next(
    surface: Surface,
    candidates: pd.DataFrame | None = None,
    *,
    at: Sizes | None = None,
    params: Sizes | None = None,
    flops: Sizes | None = None,
    unique_n: float | None = None,
    costs: str | Path | Costs | Mapping[str, Any] | None = None,
    budget: float | None = None,
    level: float = LEVEL,
    seed: int = 0,
) -> SurfaceProposal:
    """Which runs to make next, for the loss at some points of a surface.

    Without a budget the best run leaves the least of the variance of the log loss that is asked about. With one, runs
    are picked one after the other, each for what it takes of what those before it leave, over its cost to the power
    of 0.4.

    Parameters
    ----------
    surface : Surface
        What :func:`~forecaster.fit_surface` gave.
    candidates : DataFrame, optional
        Runs that are possible, with the columns ``n`` and ``params``; by default a grid over the measured ones and
        three times beyond.
    at, params : float or sequence of float, optional
        Points whose loss is asked about: each pair of an amount of data and a size.
    flops : float or sequence of float, optional
        Compute whose loss is asked about, where it is spent best, in place of points.
    unique_n : float, optional
        The different data there are, for the loss asked about; more of them are repeated.
    costs : path, Costs or mapping, optional
        The price list, as in :func:`~forecaster.surface_decision`; without one a run costs its operations.
    budget : float, optional
        The most that all runs may cost.
    level : float
        Probability inside the interval whose width is told.
    seed : int
        The same seed gives the same numbers.

    Returns
    -------
    SurfaceProposal
        ``table`` has a row per candidate, ``picks`` those to run, in order; ``stop`` whether none is worth it.

    Raises
    ------
    RequestError
        Neither points nor compute, both, or a number out of range.
    CostsError
        A price list that cannot be used.

    Examples
    --------
    >>> import pandas as pd, forecaster
    >>> grid = [(params, n) for params in (1e8, 3e8, 1e9) for n in (2e9, 8e9, 3e10)]
    >>> rows = [("lm", p, n, 1.8 + 480 / p**0.35 + 2100 / n**0.37) for p, n in grid]
    >>> table = pd.DataFrame(rows, columns=["domain", "params", "n", "error"]).assign(architecture="decoder")
    >>> found = forecaster.surface_next(forecaster.fit_surface(table), at=2e11, params=1e10, budget=1e21)
    >>> bool(found.table["var_left"].between(0, 1).all())
    True
    """
    _check(budget, level)
    goal = _goal(at, params, flops)
    prices = None if costs is None else read_costs(costs)
    pricing = pricing_of(surface, prices, seed)
    offered = _candidates(surface, candidates)
    n, p = (offered[name].to_numpy(dtype=float) for name in ("n", "params"))
    charge = _Charge(surface, pricing, n, p)
    sought = goal.draws(surface, unique_n)
    results = teaching.simulated(surface, n, p, seed)
    left = teaching.left_by_each(sought, results)
    payable = charge(()) <= (np.inf if budget is None else budget)
    picks, after = _picked(sought, results, left, charge, payable, budget)
    table = _table(surface, offered, charge, sought, left, picks, after, level)
    currency = pricing.costs.currency
    said = _messages(table, goal.words, currency, level, bool(payable.any()))
    told = {**goal.told, "level": level, "budget": budget}
    told |= {"currency": currency, "owned": pricing.owned}
    seen = verdicts.by_id([verdicts.sampling(surface), verdicts.axes(surface)])
    return SurfaceProposal(table, joined(said, "\n"), seen, said, not picks, told, surface)


def _check(budget: float | None, level: float) -> None:
    if budget is not None and not 0 < budget < np.inf:
        raise RequestError(f"budget: found {budget:g}; expected an amount above 0, such as 1e22")
    if not 0 < level < 1:
        raise RequestError(f"level: found {level:g}; expected a share between 0 and 1, such as 0.8")


@dataclass(frozen=True, eq=False)
class _Goal:
    """Losses to know better: of each compute in ``flops``, spent best, or of models ``params`` on data ``at``."""

    flops: np.ndarray | None = None
    at: np.ndarray | None = None
    params: np.ndarray | None = None

    @property
    def told(self) -> dict[str, list[float] | None]:
        named = {"at": self.at, "params": self.params, "flops": self.flops}
        return {name: None if values is None else values.tolist() for name, values in named.items()}

    @property
    def points(self) -> list[tuple[float, float]]:
        """Sizes of model and data, where points are asked about."""
        if self.at is None or self.params is None:
            return []
        return [(p, n) for p in self.params.tolist() for n in self.at.tolist()]

    @property
    def words(self) -> str:
        if self.flops is not None:
            told = listed([f"{c:.3g}".replace("e+", "e") for c in self.flops])
            return f"the log loss of {told} FLOPs, spent best"
        some = [f"{plain_size(p)} parameters on {plain_size(n)}" for p, n in self.points]
        return f"the log losses of {len(some)} points" if len(some) > PICKS_TOLD else f"the log loss of {listed(some)}"

    def draws(self, surface: Surface, unique_n: float | None) -> teaching.Sought:
        """Draws of the log losses."""
        if self.flops is not None:
            compute = Compute.of(surface.design)
            each = [optimum(surface, c, compute, unique_n).log_loss for c in self.flops.tolist()]
            return np.stack(each, 1)
        return surface.log_loss([n for _, n in self.points], [p for p, _ in self.points], unique_n)


def _goal(at: Sizes | None, params: Sizes | None, flops: Sizes | None) -> _Goal:
    """The quantity asked about; RequestError if it makes no sense."""
    if (flops is None) == (at is None):
        found = "neither points nor compute" if flops is None else "points and compute"
        raise RequestError(f"found {found}; expected what to know better: at=[1e12], params=[7e10], or flops=1e23")
    if (at is None) != (params is None):
        raise RequestError("found one of at and params; expected both, such as at=[1e12], params=[7e10]")
    if flops is not None:
        return _Goal(positive("flops", flops, "1e23"))
    assert at is not None
    assert params is not None
    return _Goal(None, positive("at", at, "1e12"), positive("params", params, "7e10"))


def _candidates(surface: Surface, given: Table | None) -> Table:
    """Points of possible runs, each once."""
    if given is None:
        ends = [(logs.min(), logs.max() + np.log(GRID_BEYOND)) for logs in (surface.design.x, surface.design.t)]
        sizes, data = ([rounded(float(v), 3) for v in np.exp(np.linspace(*end, GRID_SIDE))] for end in ends)
        return pd.DataFrame([(p, n) for p in sizes for n in data], columns=["params", "n"])
    lacking = [name for name in ("n", "params") if name not in given]
    if lacking or not len(given):
        found = f"no column {' and '.join(lacking)}" if lacking else "no rows"
        raise RequestError(f"candidates: found {found}; expected rows of n and params")
    own = given[["params", "n"]].astype(float).drop_duplicates().reset_index(drop=True)
    for name in ("params", "n"):
        positive(name, own[name].to_numpy(), "1e9")
    if len(own) > MOST_CANDIDATES:
        raise RequestError(f"candidates: found {len(own):,}; expected {MOST_CANDIDATES:,} at most")
    return own


@dataclass(frozen=True, eq=False)
class _Charge:
    """What each candidate costs after those that were picked: data bought for one are there for the next."""

    surface: Surface
    pricing: Pricing
    n: np.ndarray
    params: np.ndarray

    @property
    def log_flops(self) -> np.ndarray:
        return Compute.of(self.surface.design).log_flops(np.log(self.params), np.log(self.n))

    @property
    def buy(self) -> np.ndarray:
        return np.maximum(self.n - self.pricing.owned, 0.0)

    def __call__(self, picked: Sequence[int]) -> np.ndarray:
        bill, already = self.pricing.bill(self.log_flops, self.n), float(self.buy[list(picked)].max(initial=0.0))
        order = self.pricing.costs.order(np.maximum(self.buy - already, 0.0), already=already)
        return np.asarray(order, dtype=float) + bill.training


def _picked(
    sought: teaching.Sought,
    results: teaching.Results,
    left: np.ndarray,
    charge: _Charge,
    payable: np.ndarray,
    budget: float | None,
) -> tuple[list[int], list[float]]:
    if not payable.any() or left[payable].min() >= TEACHES_NOTHING:
        return [], []
    if budget is None:
        best = int(left.argmin())
        return [best], [float(left[best])]
    return teaching.picks_for(sought, results, charge, budget)


def _table(
    surface: Surface,
    offered: Table,
    charge: _Charge,
    sought: teaching.Sought,
    left: np.ndarray,
    picks: list[int],
    after: list[float],
    level: float,
) -> pd.DataFrame:
    low, high = np.quantile(sought, [0.5 - level / 2, 0.5 + level / 2], axis=0)
    now, cost = float(np.mean(high - low)), charge(())
    rows = offered.assign(
        **named(surface),
        cost=cost,
        width_now=np.exp(now),
        width_after=np.exp(now * np.sqrt(left)),
        var_left=left,
        per_cost=np.divide(1.0 - left, cost, out=np.full(len(cost), np.nan), where=cost > 0),
        flops=np.exp(charge.log_flops),
        buy=charge.buy,
        pick=[picks.index(i) + 1.0 if i in picks else np.nan for i in range(len(cost))],
        left_after=[after[picks.index(i)] if i in picks else np.nan for i in range(len(cost))],
    )
    return rows[list(CANDIDATES.names)]


def _messages(table: Table, what: str, currency: str, level: float, payable: bool) -> tuple[Message, ...]:
    picks = table[table["pick"].notna()].sort_values("pick").to_dict("records")
    if not payable:
        return (message("nothing-within", "Stop: no candidate is within the budget."),)
    if not picks:
        least = float(table["var_left"].min())
        text = f"Stop: no candidate tells much of {what}: the best leaves {percent(least)} of its variance."
        return (message("teaches-nothing", text, var_left=least),)
    first, last = picks[0], picks[-1]
    paid = money(first["cost"], currency) if currency else f"{first['cost']:.3g} FLOPs".replace("e+", "e")
    text = f"Run next: {_run(first)} ({paid}). It leaves {percent(first['left_after'])} of the variance of {what}"
    text += f"; the ends of its {percent(level)} interval are a factor of {first['width_now']:.4g} apart today, about "
    text += f"{first['width_now'] ** np.sqrt(first['left_after']):.4g} afterwards."
    said = {name: first[name] for name in ("n", "params", "cost", "var_left", "width_now", "width_after")}
    found = [message("measure", text, **said)]
    if len(picks) > 1:
        rest = "; ".join(_run(row) for row in picks[1:PICKS_TOLD])
        more = f"; and {counted(len(picks) - PICKS_TOLD, 'more run')}" if len(picks) > PICKS_TOLD else ""
        text = f"Then, within the budget: {rest}{more}. All together leave {percent(last['left_after'])}. "
        text += "Fit again after a few of them: what they show may call for others."
        found.append(message("then", text, runs=len(picks), left=last["left_after"]))
    return tuple(found)


def _run(row: Mapping[str, Any]) -> str:
    return f"{size(row['params'], short=True)} parameters on {size(row['n'], short=True)}"
