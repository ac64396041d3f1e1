"""surface_requirement: the compute, data and model size that a target loss takes, or never reaches.

Each draw of the surface, its drift included, is searched for the first point at which it is at or below the target:
along the data for a model of a given size, or along the compute that is spent best.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
from jaxtyping import Float

from forecaster._support.numbers import positive
from forecaster.curves.learning_curves import KEYS
from forecaster.errors import RequestError
from forecaster.resources.prices.costs import Costs
from forecaster.resources.prices.costs_file import read_costs
from forecaster.results.check import Check
from forecaster.results.columns import CURVE, LEVEL, Column, Columns, declared
from forecaster.results.message import Message, joined, message
from forecaster.results.result import Result, Shown
from forecaster.results.wording import percent, times_in
from forecaster.surfaces import checks
from forecaster.surfaces.answers import quantiles
from forecaster.surfaces.compute import Compute, frontier
from forecaster.surfaces.fitted import Surface
from forecaster.surfaces.pricing import Pricing, pricing_of, quantiles_of
from forecaster.surfaces.surface import named

SEARCHED_TO = 1e4  # times the largest measured compute, or data, up to which is searched
PER_DECADE = 4  # points of compute at which optima are found
PER_FINE_DECADE = 24  # amounts of data a decade
Drawn = Float[np.ndarray, " draw"]


@dataclass(frozen=True, eq=False, repr=False)
class SurfaceRequirement(Result):
    """What a target loss takes; ``surfaces`` are what was fitted."""

    surfaces: tuple[Surface, ...] = ()
    level: float = LEVEL

    command = "surface"
    columns = declared(
        table=Columns(
            "a surface, target and size",
            CURVE,
            Column("target", "error", "the loss to reach", key=True, given=True),
            Column("params", "size", "the size of the model; null where the best one is sought", key=True, given=True),
            quantiles("flops", "number", "compute that it takes, in one run"),
            quantiles("params_best", "number", "the number of parameters of that run"),
            quantiles("n", "number", "the data of that run"),
            quantiles("gpu_hours", "number", "accelerator hours of that run; null where nothing says"),
            quantiles("cost", "money", "what it costs; null without a price list"),
            quantiles("date", "date", "day on which it is done, if begun today; null where nothing says"),
            Column("p_never", "chance", "chance that nothing up to the horizon reaches it"),
            Column("horizon", "number", "the largest compute searched; of a given size the largest amount of data"),
        )
    )
    keys = declared(level="probability of each interval")

    def shown(self, most: int) -> Sequence[Shown]:
        known, table = self.columns["table"], cast("Any", self.table)
        kept = [str(c) for c in table if c == "params" or table[c].notna().any()]
        return (Shown(table[kept], known.pick(*kept)),)


def surface_requirement(
    surfaces: Surface | Sequence[Surface],
    target: float | Sequence[float],
    *,
    params: float | Sequence[float] | None = None,
    level: float = LEVEL,
    costs: str | Path | Costs | Mapping[str, Any] | None = None,
    start: date | None = None,
    seed: int = 0,
) -> SurfaceRequirement:
    """The compute that a target loss takes at best, or the data for models of given sizes.

    Parameters
    ----------
    surfaces : Surface or sequence of Surface
        What :func:`~forecaster.fit_surface` gave.
    target : float or sequence of float
        Losses to reach, the average over runs.
    params : float or sequence of float, optional
        Sizes of models. Without them the least compute is sought, with the size and the data that go with it.
    level : float
        Probability of each interval.
    costs : path, Costs or mapping, optional
        The price list, as for :func:`~forecaster.surface_decision`: then rows have hours, money and dates as well.
    start : date, optional
        The day on which the run is begun; by default today.
    seed : int
        That of the draws of hours, where these were measured.

    Returns
    -------
    SurfaceRequirement
        One row a surface, target and size; infinite where the answer is never.

    Raises
    ------
    RequestError
        A target or size that is not positive, or a level outside (0, 1).
    CostsError
        A price list that cannot be used, or that prices hours without saying what a run takes.

    Examples
    --------
    >>> import pandas as pd, forecaster
    >>> grid = [(params, n) for params in (1e8, 3e8, 1e9) for n in (2e9, 8e9, 3e10)]
    >>> rows = [("lm", p, n, 1.8 + 480 / p**0.35 + 2100 / n**0.37) for p, n in grid]
    >>> table = pd.DataFrame(rows, columns=["domain", "params", "n", "error"]).assign(architecture="decoder")
    >>> fitted = forecaster.fit_surface(table)
    >>> forecaster.surface_requirement(fitted, 2.4, params=1e9).table["params"].tolist()
    [1000000000.0]
    """
    found = (surfaces,) if isinstance(surfaces, Surface) else tuple(surfaces)
    targets, sizes = positive("target", target, "2.5"), None if params is None else positive("params", params, "7e9")
    if not 0 < level < 1:
        raise RequestError(f"level: found {level:g}; expected a share between 0 and 1, such as 0.8")
    rows: list[dict[str, Any]] = []
    verdicts: list[Check] = []
    prices, day = None if costs is None else read_costs(costs), start or date.today()
    for one in found:
        priced = _Priced(None if prices is None else pricing_of(one, prices, seed), day, level)
        own = _best(one, targets, priced) if sizes is None else _of_sizes(one, targets, sizes, priced)
        rows += own
        verdicts += [checks.sampling(one), checks.axes(one), checks.beyond(one, _far(one, own))]
    said = [*(_said(row) for row in rows[:3]), message("surface-level", f"Intervals hold the truth {times_in(level)}.")]
    return SurfaceRequirement(pd.DataFrame(rows), joined(said, "\n"), checks.by_id(verdicts), found, level)


@dataclass(frozen=True, eq=False)
class _Priced:
    """Prices, if any, the day on which a run is begun, and the level of intervals."""

    pricing: Pricing | None
    start: date
    level: float


def _of_sizes(one: Surface, targets: np.ndarray, sizes: np.ndarray, priced: _Priced) -> list[dict[str, Any]]:
    """The data that models of these sizes need."""
    design, compute = one.design, Compute.of(one.design)
    low, high = float(design.t.min()), float(design.t.max() + np.log(SEARCHED_TO))
    t = np.linspace(low, high, int(PER_FINE_DECADE * (high - low) / np.log(10.0)) + 1)
    rows = []
    for size in sizes:
        losses = one.log_loss(np.exp(t), size)
        for target in targets:
            (at,) = first_below(losses, np.log(target), t)
            spent = at + compute.log_flops(np.log(size), 0.0)
            drawn = {"flops": spent, "params_best": np.where(np.isfinite(at), np.log(size), np.inf), "n": at}
            rows.append(_row(one, float(target), float(size), drawn, float(np.exp(high)), priced))
    return rows


def _best(one: Surface, targets: np.ndarray, priced: _Priced) -> list[dict[str, Any]]:
    """The least compute that reaches each target, spent best."""
    compute = Compute.of(one.design)
    spent = compute.log_flops(one.design.x, one.design.t)
    low, high = float(spent.min()), float(np.log(compute.largest) + np.log(SEARCHED_TO))
    best = frontier(one, compute, low, high, PER_DECADE)
    rows = []
    for target in targets:
        flops, x, t = first_below(best.log_loss, np.log(target), best.log_flops, best.x, best.t)
        drawn = {"flops": flops, "params_best": x, "n": t}
        rows.append(_row(one, float(target), None, drawn, float(np.exp(high)), priced))
    return rows


def first_below(
    losses: Float[np.ndarray, "draw point"], target: float, at: Float[np.ndarray, " point"], *others: np.ndarray
) -> tuple[Drawn, ...]:
    """Where each draw first is at the target or below, straight between points; infinite where it never is.

    ``others`` [draw, point] are read at the same place. A draw that is below from the first point on is there.
    """
    below = losses <= target
    reached, k = below.any(1), np.maximum(below.argmax(1), 1)
    rows = np.arange(len(losses))
    before, after = losses[rows, k - 1], losses[rows, k]
    share = np.clip((before - target) / np.where(before > after, before - after, 1.0), 0.0, 1.0)
    share = np.where(below[:, 0], 0.0, share)
    tables = (np.broadcast_to(at, losses.shape), *others)
    read = (table[rows, k - 1] + share * (table[rows, k] - table[rows, k - 1]) for table in tables)
    return tuple(np.where(reached, value, np.inf) for value in read)


def _row(
    one: Surface, target: float, params: float | None, drawn: dict[str, Drawn], horizon: float, priced: _Priced
) -> dict[str, Any]:
    row: dict[str, Any] = named(one) | {"target": target}
    row["params"] = np.nan if params is None else params
    half = priced.level / 2
    shares = {"_q50": 0.5, "_lower": 0.5 - half, "_upper": 0.5 + half}
    for name, logs in drawn.items():
        ends = np.exp(np.quantile(logs, list(shares.values()), method="inverted_cdf"))
        row |= {f"{name}{end}": float(v) for end, v in zip(shares, ends, strict=True)}
    row |= quantiles_of(priced.pricing, drawn["flops"], drawn["n"], shares, priced.start)
    return row | {"p_never": float(np.isinf(drawn["n"]).mean()), "horizon": horizon}


def _far(one: Surface, rows: Sequence[dict[str, Any]]) -> float:
    """Decades by which the farthest finite answer lies beyond the measured runs."""
    known = [(row["n_q50"], row["params_best_q50"]) for row in rows if np.isfinite(row["n_q50"])]
    return max((float(one.decades_beyond(np.array([n]), np.array([p]))[0]) for n, p in known), default=0.0)


def _said(row: dict[str, Any]) -> Message:
    """One target in words."""
    name = "/".join(row[column] for column in KEYS)
    what = "at best" if row["params"] != row["params"] else f"by a model of {row['params']:.3g} parameters"
    text = f"{name}: a loss of {row['target']:.4g} takes, {what}, {_between(row, 'flops')} FLOPs"
    text += f", {_between(row, 'n')} of data"
    if row["params"] != row["params"]:
        text += f" and {_between(row, 'params_best')} parameters"
    if row["cost_q50"] == row["cost_q50"]:
        text += f". It costs {_between(row, 'cost')}"
        text += (
            f" and is done on {row['date_q50']} ({row['date_lower']} to {row['date_upper']})" if row["date_q50"] else ""
        )
    if row["p_never"] > 0:
        text += f"; never with a chance of {percent(row['p_never'])}"
    return message("surface-requirement", f"{text}.", target=row["target"], flops=row["flops_q50"], n=row["n_q50"])


def _between(row: dict[str, Any], name: str) -> str:
    told = [row[f"{name}_{end}"] for end in ("q50", "lower", "upper")]
    middle, low, high = (f"{v:.3g}".replace("e+", "e") if np.isfinite(v) else "never" for v in told)
    return f"{middle} ({low} to {high})"
