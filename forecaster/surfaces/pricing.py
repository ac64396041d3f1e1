"""What runs cost: data by the price list, accelerator hours from their compute, days until they are there.

Hours are operations over ``flops_per_gpu_hour`` of the price list, else follow the hours that runs were measured to
take (column ``gpu_hours``): a straight line of log hours in log operations, with draws paired with the surface's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from jaxtyping import Float

from forecaster.errors import CostsError
from forecaster.resources.needs import LATEST
from forecaster.resources.prices.costs import DAY, Costs
from forecaster.resources.regression import Line, Observations, lines
from forecaster.surfaces.compute import Compute
from forecaster.surfaces.fitted import Surface

PROPORTIONAL, NEARLY = 1.0, 0.1  # prior of the exponent of hours in operations, and its sd: large runs are busier
Drawn = Float[np.ndarray, " draw"]
Points = Float[np.ndarray, " point"]


@dataclass(frozen=True, eq=False)
class Bill:
    """What runs take: ``items`` bought and ``order`` paid for them, ``hours`` and ``training`` paid, ``days``."""

    items: Points
    order: Points
    hours: Points
    training: Points
    days: Points

    @property
    def cost(self) -> Points:
        return self.order + self.training


@dataclass(frozen=True, eq=False)
class Pricing:
    """Prices of the runs of one surface; ``counted``: there are none, and a run costs its operations.

    ``owned`` are data that are not bought again; ``line`` is None where the price list says what an hour does, or
    where nothing does (``timed`` False: training then takes no time and costs nothing).
    """

    costs: Costs
    architecture: str
    owned: float
    line: Line | None = None
    counted: bool = False

    @property
    def timed(self) -> bool:
        """Whether anything says how long runs, or deliveries, take."""
        return self.clocked or self.costs.items_per_week is not None

    @property
    def clocked(self) -> bool:
        """Whether anything says how long runs take."""
        return not self.counted and (self.line is not None or self.costs.flops_per_gpu_hour is not None)

    def hours(self, log_flops: Points) -> Points:
        """Accelerator hours of runs: of measured ones the median; where operations are counted, these."""
        if self.counted:
            return np.exp(log_flops)
        if self.costs.flops_per_gpu_hour is not None:
            return np.exp(log_flops) / self.costs.flops_per_gpu_hour
        if self.line is None:
            return np.zeros(len(log_flops))
        return np.exp(np.median(self.line.at(log_flops), 0))

    def bill(self, log_flops: Points, n: Points) -> Bill:
        """What runs of a compute on so many different data take."""
        return self._of(self.hours(log_flops), n)

    def drawn(self, log_flops: Drawn, log_n: Drawn) -> Bill:
        """The same for one run a draw, whose hours are that draw's; infinite where the run is."""
        never = ~np.isfinite(log_flops)
        logs = np.where(never, 0.0, log_flops)
        hours = self.hours(logs) if self.line is None else np.exp(self.line.along(logs))
        found = self._of(hours, np.exp(np.where(never, 0.0, log_n)))
        return Bill(*(np.where(never, np.inf, value) for value in vars(found).values()))

    def _of(self, hours: Points, n: Points) -> Bill:
        buy = np.maximum(n - self.owned, 0.0)
        days = self.costs.delivery(buy) + (0.0 if self.counted else hours / self.costs.gpus / DAY)
        days = np.minimum(days, LATEST)
        return Bill(buy, self.costs.order(buy), hours, self.costs.hour_price(self.architecture) * hours, days)


def pricing_of(surface: Surface, costs: Costs | None, seed: int = 0) -> Pricing:
    """The prices of a surface's runs; without a price list runs cost their operations, and data nothing.

    CostsError where an hour has a price and nothing says what a run takes.
    """
    design = surface.design
    if costs is None:
        owned = float(np.exp(design.log_unique.max()))
        return Pricing(Costs(per_gpu_hour=1.0), design.architecture, owned, counted=True)
    owned = float(np.exp(design.log_unique.max())) if costs.owned is None else costs.owned
    line = None
    if costs.flops_per_gpu_hour is None and design.log_hours is not None:
        compute = Compute.of(design)
        spent = compute.log_flops(design.x, design.t) if design.log_compute is None else design.log_compute
        rng = np.random.default_rng([seed, 19])
        (line,), _ = lines([Observations(spent, design.log_hours)], PROPORTIONAL, NEARLY, len(surface.values), rng)
    by_item = costs.gpu_hours.per_item > 0.0
    if (costs.hour_price(design.architecture) > 0.0 or by_item) and line is None and costs.flops_per_gpu_hour is None:
        found = "gpu_hours by items, which know no model size" if by_item else "a price of accelerator hours alone"
        raise CostsError(
            f"costs: found {found}; expected what an accelerator does in an hour, as flops_per_gpu_hour = 1.4e18, or "
            "runs with a column gpu_hours"
        )
    return Pricing(costs, design.architecture, owned, line)


def quantiles_of(
    pricing: Pricing | None, log_flops: Drawn, log_n: Drawn, shares: Mapping[str, float], start: date
) -> dict[str, Any]:
    """Quantiles of hours, money and date of a run whose compute and different data are drawn.

    ``shares`` are by the end of a column's name. NaN, or no date, where nothing says.
    """
    bill = None if pricing is None else pricing.drawn(log_flops, log_n)
    clocked, timed = pricing is not None and pricing.clocked, pricing is not None and pricing.timed
    row: dict[str, Any] = {}
    for name, values in (
        ("gpu_hours", bill.hours if bill and clocked else None),
        ("cost", bill.cost if bill else None),
    ):
        for end, share in shares.items():
            row[f"{name}{end}"] = np.nan if values is None else _quantile(values, share)
    for end, share in shares.items():
        row[f"date{end}"] = day_after(start, _quantile(bill.days, share)) if bill and timed else None
    return row


def day_after(start: date, days: float) -> str:
    """The day so many days later; ``never`` where that is too far."""
    return (start + timedelta(days=float(np.ceil(days)))).isoformat() if days < LATEST else "never"


def _quantile(values: Drawn, share: float) -> float:
    return float(np.quantile(values, share, method="inverted_cdf"))
