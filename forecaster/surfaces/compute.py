"""Compute: what a run of a model on data takes, and the size at which a given compute is spent best.

Where the table tells the compute of its runs, it is taken as c N D with a c that may change with model size (attention
and embeddings weigh less in larger models); else as 6 N D (Kaplan et al. 2020, section 2.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from forecaster.surfaces.fitted import Surface
from forecaster.surfaces.model import law
from forecaster.surfaces.model.design import SurfaceDesign, levels

Logs = Any  # a number or an array of logs
PER_PARAMETER = 6.0  # operations for each parameter and token
GRID = 49  # sizes at which a draw is looked at for its optimum
AROUND = 1.5  # nats beyond the optima of the laws, to either side


@dataclass(frozen=True)
class Compute:
    """log compute = log N + log D + ``log_factor`` + ``slope`` (log N - ``x0``); ``largest`` is the most measured."""

    log_factor: float = float(np.log(PER_PARAMETER))
    slope: float = 0.0
    x0: float = 0.0
    largest: float = float("inf")

    @classmethod
    def of(cls, design: SurfaceDesign) -> Compute:
        """That of the column ``compute`` where each row has it, else 6 N D."""
        x, t, spent = design.x, design.t, design.log_compute
        if spent is None:
            return cls(largest=float(np.exp((x + t).max()) * PER_PARAMETER))
        slope, factor = np.polyfit(x - x.mean(), spent - x - t, 1)
        return cls(float(factor), float(slope), float(x.mean()), float(np.exp(spent.max())))

    def log_data(self, log_flops: Logs, x: Logs) -> Logs:
        """Log of the data that models of log size ``x`` can be trained on with this compute."""
        return log_flops - x - self.log_factor - self.slope * (x - self.x0)

    def log_size(self, log_flops: Logs, t: Logs) -> Logs:
        """Log of the size that can be trained on data of log ``t`` with this compute."""
        return (log_flops - t - self.log_factor + self.slope * self.x0) / (1.0 + self.slope)

    def log_flops(self, x: Logs, t: Logs) -> Logs:
        return x + t + self.log_factor + self.slope * (x - self.x0)


@dataclass(frozen=True, eq=False)
class Optimum:
    """Draws of the size, the data and the log loss at the optimum of one compute, [draw] each."""

    flops: float
    x: Float[np.ndarray, " draw"]
    t: Float[np.ndarray, " draw"]
    log_loss: Float[np.ndarray, " draw"]


def optimum(surface: Surface, flops: float, compute: Compute, unique_n: float | None = None) -> Optimum:
    """The lowest expected loss of each draw, its drift included, along the sizes that this compute allows.

    Where there are only ``unique_n`` different data, more of them are repeated.
    """
    product = np.log(flops) - compute.log_factor  # log N D, but for the change of operations with size
    low, high = np.quantile(law.log_best_size(np, surface.constants, np.float64(product)), [0.001, 0.999])
    grid = np.linspace(low - AROUND, high + AROUND, GRID)
    data = compute.log_data(np.log(flops), grid)
    x, value = lowest(grid, surface.log_loss(np.exp(data), np.exp(grid), unique_n))
    return Optimum(flops, x, compute.log_data(np.log(flops), x), value)


def lowest(
    grid: Float[np.ndarray, " size"], values: Float[np.ndarray, "draw size"]
) -> tuple[Float[np.ndarray, " draw"], Float[np.ndarray, " draw"]]:
    """Where each row is lowest, and its value: by a parabola through the lowest of an even grid and its neighbours."""
    at = np.clip(values.argmin(1), 1, len(grid) - 2)
    rows = np.arange(len(values))
    left, middle, right = (values[rows, at + k] for k in (-1, 0, 1))
    bend = left - 2.0 * middle + right
    shift = np.where(bend > 0, 0.5 * (left - right) / np.where(bend > 0, bend, 1.0), 0.0).clip(-1.0, 1.0)
    value = middle - 0.5 * (left - right) * shift + 0.5 * bend * shift**2
    return grid[at] + (grid[1] - grid[0]) * shift, value


@dataclass(frozen=True, eq=False)
class Frontier:
    """The best use of each compute on a grid of ``log_flops``: draws of size ``x``, data ``t`` and log loss there."""

    compute: Compute
    log_flops: Float[np.ndarray, " grid"]
    x: Float[np.ndarray, "draw grid"]
    t: Float[np.ndarray, "draw grid"]
    log_loss: Float[np.ndarray, "draw grid"]

    def split(self, log_flops: Float[np.ndarray, " point"]) -> tuple[np.ndarray, np.ndarray]:
        """Logs of the size and the data, one for all draws: the median of the best sizes; straight between them."""
        middle = np.median(self.x, 0)
        low, high = self.log_flops[0], self.log_flops[-1]
        slope = (middle[-1] - middle[0]) / (high - low)
        inside = np.clip(log_flops, low, high)
        x = np.interp(inside, self.log_flops, middle) + slope * (log_flops - inside)
        return x, self.compute.log_data(log_flops, x)


def frontier(
    surface: Surface, compute: Compute, low: float, high: float, per_decade: float, unique_n: float | None = None
) -> Frontier:
    """Optima from one log compute to another, so many to a decade."""
    grid = np.linspace(low, high, int(per_decade * (high - low) / np.log(10.0)) + 1)
    best = [optimum(surface, float(np.exp(c)), compute, unique_n) for c in grid]
    x, t, log_loss = (np.stack([getattr(one, name) for one in best], 1) for name in ("x", "t", "log_loss"))
    return Frontier(compute, grid, x, t, log_loss)


# A cross-check without the law ----------------------------------------------------------------------

SLICE_GAP = 0.06  # nats of compute, above which runs are of different slices
WIDEST = 0.25  # nats of a slice
FEWEST_SIZES = 5  # model sizes of a slice: a cubic has four numbers
LEAST_SPAN = 1.0  # nats of size that they span at the least


@dataclass(frozen=True)
class Slice:
    """Runs of nearly one compute, and the size at which a cubic through their log losses is lowest."""

    flops: float
    sizes: int
    params: float


def slices(surface: Surface, compute: Compute) -> list[Slice]:
    """The optimum of each near-isoFLOP slice by a cubic in log N; slices whose cubic has none inside are left out.

    A parabola would be biased where the two exponents differ. Losses are first moved to the slice's compute along the
    data axis, by the median surface: a correction of a fraction of the loss's own noise.
    """
    design = surface.design.tuned
    fresh = design.log_unique >= design.t
    x, t, y = design.x[fresh], design.t[fresh], design.y[fresh]
    spent = compute.log_flops(x, t)
    found = []
    for rows in near_isoflop(spent, x):
        centre = float(np.median(spent[rows]))
        there = compute.log_data(centre, x[rows])
        at, moved = (np.median(surface.log_loss(np.exp(v), np.exp(x[rows])), 0) for v in (t[rows], there))
        best = _cubic_minimum(x[rows], y[rows] + moved - at)
        if best is not None:
            found.append(Slice(float(np.exp(centre)), levels(x[rows]), float(np.exp(best))))
    return found


def near_isoflop(spent: Float[np.ndarray, " row"], x: Float[np.ndarray, " row"]) -> list[np.ndarray]:
    """Rows by log compute, cut at gaps and where a slice would be too wide; those slices that have many sizes."""
    order = np.argsort(spent, kind="stable")
    groups, start = [], 0
    for i in range(1, len(order) + 1):
        ahead = np.inf if i == len(order) else spent[order[i]]
        if ahead - spent[order[i - 1]] > SLICE_GAP or ahead - spent[order[start]] > WIDEST:
            groups.append(order[start:i])
            start = i
    return [rows for rows in groups if levels(x[rows]) >= FEWEST_SIZES and np.ptp(x[rows]) >= LEAST_SPAN]


def _cubic_minimum(x: np.ndarray, y: np.ndarray) -> float | None:
    """Where a cubic through the points has its minimum; None where that is not inside their range."""
    middle = x.mean()
    cubic = np.polynomial.Polynomial(np.polynomial.polynomial.polyfit(x - middle, y, 3))
    roots = cubic.deriv().roots()
    real = roots.real[abs(roots.imag) < 1e-9]
    lows = [r for r in real if cubic.deriv(2)(r) > 0 and x.min() <= r + middle <= x.max()]
    return float(lows[0] + middle) if lows else None


def as_table(found: list[Slice], surface: Surface, compute: Compute, ends: tuple[float, float]) -> pd.DataFrame:
    """One row a slice: the cubic's optimum beside that of the surface, with the interval between two quantiles."""
    rows = []
    for one in found:
        low, middle, high = np.exp(np.quantile(optimum(surface, one.flops, compute).x, [ends[0], 0.5, ends[1]]))
        rows.append(
            {"flops": one.flops, "sizes": one.sizes, "params_cubic": one.params, "params_q50": float(middle)}
            | {"params_lower": float(low), "params_upper": float(high), "inside": bool(low <= one.params <= high)}
        )
    names = ["flops", "sizes", "params_cubic", "params_q50", "params_lower", "params_upper", "inside"]
    return pd.DataFrame(rows, columns=names)
