"""Runs as options: a model of a size on so much data, with its price and its draws of loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from forecaster.decisions.options import Option
from forecaster.prediction.curve_keys import CurveKey
from forecaster.results.wording import size
from forecaster.surfaces.compute import Compute
from forecaster.surfaces.fitted import Surface
from forecaster.surfaces.pricing import Pricing

Points = Float[np.ndarray, " point"]


@dataclass(frozen=True)
class Run(Option):
    """One run: ``params`` parameters on ``n`` of data, ``unique`` of them different, in ``flops`` operations and
    ``hours`` of accelerators.

    The price list goes with all that is paid but the fixed part of an order: data and training.
    """

    params: float = field(default=np.nan, kw_only=True)
    flops: float = field(default=np.nan, kw_only=True)
    unique: float = field(default=np.inf, kw_only=True)
    hours: float = field(default=0.0, kw_only=True)

    @property
    def name(self) -> str:
        if self.idle:
            return "do nothing"
        return f"train {size(self.params, short=True)} on {size(self.n, short=True)}"

    @property
    def who(self) -> str:
        model = f"a model of {size(self.params)} parameters"
        return f"the best run, {model} on {size(self.n)}," if self.idle else model

    @property
    def told(self) -> dict[str, str | float]:
        return super().told | {"params": self.params, "flops": self.flops}

    @property
    def listed(self) -> float:
        return self.items + self.training

    @property
    def buys(self) -> bool:
        return not self.idle


def idle_run(surface: Surface, running: float) -> Run:
    """Doing nothing: what stays is the measured run with the lowest median of its expected loss."""
    design = surface.design.tuned
    losses = np.median(surface.log_loss(np.exp(design.t), np.exp(design.x), np.exp(design.log_unique)), 0)
    best = int(losses.argmin())
    flops = Compute.of(surface.design).log_flops(design.x[best], design.t[best])
    params, n, unique = (float(np.exp(logs[best])) for logs in (design.x, design.t, design.log_unique))
    own = {"params": params, "flops": float(np.exp(flops)), "unique": unique}
    return Run(CurveKey(*surface.design.key), n, 0.0, idle=True, running=running, **own)


def runs_of(
    surface: Surface, pricing: Pricing, params: Points, n: Points, unique_n: float | None, running: float = 0.0
) -> list[Run]:
    """Runs at these points, which need no more than ``unique_n`` different data."""
    log_flops = Compute.of(surface.design).log_flops(np.log(params), np.log(n))
    needed = n if unique_n is None else np.minimum(n, unique_n)
    bill, costs = pricing.bill(log_flops, needed), pricing.costs
    items = np.asarray(costs.items(bill.items), dtype=float)
    key = CurveKey(*surface.design.key)
    return [
        Run(
            key,
            float(n[i]),
            float(bill.items[i]),
            False,
            float(items[i]),
            float(bill.order[i] - items[i]),
            float(bill.training[i]),
            running,
            float(bill.days[i]),
            params=float(params[i]),
            flops=float(np.exp(log_flops[i])),
            unique=float(needed[i]),
            hours=float(bill.hours[i]),
        )
        for i in range(len(n))
    ]


def losses_of(surface: Surface, runs: Sequence[Run], kind: str = "mean", seed: int = 0) -> np.ndarray:
    """Draws of the loss of each run [draw, run]: those of a forecast at its point."""
    n, params, unique = (np.array([getattr(run, name) for run in runs]) for name in ("n", "params", "unique"))
    unique = np.minimum(unique, n)
    drawn = surface.new_run(n, params, unique, seed=seed) if kind == "new-run" else surface.log_loss(n, params, unique)
    return np.exp(drawn)
