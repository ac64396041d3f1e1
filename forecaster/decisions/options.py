"""Options: doing nothing, training on what is owned, and each purchase, with their draws of errors and losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float

from forecaster.decisions.loss import Draws, PerOption, Value
from forecaster.inference.posterior import Posterior
from forecaster.prediction.crossings import largest_size
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.forecast import log_errors
from forecaster.resources.prices.costs import Costs
from forecaster.results.wording import size

SAME_SIZE = 1e-9  # relative difference up to which two sizes are one


@dataclass(frozen=True)
class Option:
    """One thing to do: train an architecture at size ``n``, for which ``buy`` items are bought; or nothing.

    Money apart: ``items`` by the price list, ``fixed`` of the order, ``training``, and ``running`` the trained model.
    ``days`` until it is ready.
    """

    key: CurveKey
    n: float
    buy: float
    idle: bool
    items: float = 0.0
    fixed: float = 0.0
    training: float = 0.0
    running: float = 0.0
    days: float = 0.0

    @property
    def cost(self) -> float:
        """What is paid for it now; running the model comes on top, also of doing nothing."""
        return self.items + self.fixed + self.training

    @property
    def name(self) -> str:
        """What is done, in words."""
        if self.idle:
            return "do nothing"
        return f"buy {size(self.buy)}" if self.buy > 0.0 else f"train at {size(self.n)}"

    @property
    def who(self) -> str:
        """What is trained."""
        return self.key.architecture

    @property
    def told(self) -> dict[str, str | float]:
        """What it is, for programs."""
        return {"option": self.name, "architecture": self.key.architecture, "n": self.n}

    @property
    def listed(self) -> float:
        """The part of the cost that goes with the price list: the items."""
        return self.items

    @property
    def buys(self) -> bool:
        """Whether anything of that is bought."""
        return self.buy > 0.0

    def ready(self, start: date) -> date:
        """The day on which the model is ready, if ordered at ``start``."""
        return start + timedelta(days=float(np.ceil(self.days - 1e-9)))

    def order_by(self, deadline: date) -> date:
        """The last day to order for this deadline."""
        return deadline - timedelta(days=float(np.ceil(self.days - 1e-9)))


@dataclass(frozen=True, eq=False)
class Offers:
    """Options and their draws.

    ``errors`` [draw, option] are of the kind asked for; ``reached`` says whether the target is reached by that size
    (None without a target), and ``quantity`` counts what the value form pays for. ``allowed``: within budget and
    deadline.
    """

    options: tuple[Option, ...]
    value: Value
    errors: Draws
    reached: Bool[np.ndarray, "draw option"] | None
    point: float
    allowed: Bool[np.ndarray, " option"]

    @cached_property
    def quantity(self) -> Draws:
        return self.value.quantity(self.errors, self.reached, self.point)

    @cached_property
    def items(self) -> PerOption:
        return np.array([o.listed for o in self.options])

    @cached_property
    def rest(self) -> PerOption:
        """What an option costs beside the price list: the order, training, running."""
        return np.array([o.cost - o.listed + o.running for o in self.options])

    @cached_property
    def cost(self) -> PerOption:
        return np.array([o.cost for o in self.options])

    @cached_property
    def bought(self) -> Bool[np.ndarray, " option"]:
        return np.array([o.buys for o in self.options])

    def loss(self, price: float = 1.0, value: float = 1.0) -> Draws:
        """Loss of each option in each draw, with the price list and the value of error times these factors."""
        return price * self.items + self.rest + value * self.value.unit * self.quantity

    @cached_property
    def p_target(self) -> PerOption:
        """Chance that the target is reached; NaN without a target."""
        return np.full(len(self.options), np.nan) if self.reached is None else self.reached.mean(0)

    def only(self, chosen: np.ndarray) -> Offers:
        """Some of the options."""
        index = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        return replace(
            self,
            options=tuple(self.options[i] for i in index),
            errors=self.errors[:, index],
            reached=None if self.reached is None else self.reached[:, index],
            allowed=self.allowed[index],
        )


def owned_size(posterior: Posterior, group: tuple[str, str], costs: Costs) -> float:
    """Items owned: as the price list says, else the largest measured size of the group."""
    return largest_size(posterior.designs[group]) if costs.owned is None else costs.owned


def options_of(
    posterior: Posterior, keys: Sequence[CurveKey], costs: Costs, sizes: Sequence[float], volume: float | None
) -> tuple[Option, ...]:
    """What can be done: nothing (each architecture stays as it was measured last), and each architecture at each size.

    Items up to what is owned are not bought; a size at which an architecture was measured last needs no training.
    """
    design = posterior.designs[keys[0].group]
    owned = owned_size(posterior, keys[0].group, costs)
    idle, active = [], []
    for key in keys:
        running = costs.running(volume or 0.0, key.architecture)
        last = largest_size(design, key.architecture)
        idle.append(Option(key, last, 0.0, idle=True, running=running))
        for n in _without_repeats([owned, *sizes]):
            if abs(n - last) <= SAME_SIZE * last:
                continue
            active.append(_option(key, n, max(n - owned, 0.0), costs, running))
    active.sort(key=lambda o: (o.n, keys.index(o.key)))
    return (*idle, *active)


def _option(key: CurveKey, n: float, buy: float, costs: Costs, running: float) -> Option:
    items = float(costs.items(buy))
    order = float(costs.order(buy))
    training = float(costs.training(n, key.architecture))
    days = float(costs.days(buy, n, key.architecture))
    return Option(key, n, buy, False, items, order - items, training, running, days)


def _without_repeats(sizes: Sequence[float]) -> list[float]:
    found: list[float] = []
    for n in sorted(map(float, sizes)):
        if not found or n - found[-1] > SAME_SIZE * n:
            found.append(n)
    return found


def errors_of(posterior: Posterior, options: Sequence[Option], kind: str, seed: int) -> Draws:
    """Draws of the error of each option, which a forecast at its size summarises."""
    out = np.empty((posterior.draws, len(options)))
    for key in dict.fromkeys(o.key for o in options):
        own = [i for i, o in enumerate(options) if o.key == key]
        sizes = np.array([options[i].n for i in own])
        out[:, own] = np.exp(log_errors(posterior, key, sizes, kind, seed))
    return out


def reached_of(
    options: Sequence[Option], needed: Mapping[CurveKey, Float[np.ndarray, " draw"]]
) -> Bool[np.ndarray, "draw option"]:
    """Whether each draw's data requirement is within each option's size."""
    return np.stack([needed[o.key] <= o.n * (1.0 + 1e-12) for o in options], 1)
