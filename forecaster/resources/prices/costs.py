"""Costs: what data, training and running cost, and how long they take.

A price list may have tiers: the first so many items at one price, the next at another. Purchases are counted from what
is owned already. ``forecaster decide --template`` writes the file that ``costs_file`` reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np

Amounts = float | np.ndarray  # one, or several; what is computed from them has the same shape
WEEK, DAY = 168.0, 24.0  # hours


@dataclass(frozen=True)
class Hours:
    """Accelerator hours of one training at size n: ``per_item * n ** exponent``."""

    per_item: float
    exponent: float = 1.0

    def at(self, n: Amounts) -> Any:
        return self.per_item * np.asarray(n, dtype=float) ** self.exponent


@dataclass(frozen=True)
class Running:
    """What training and running one architecture costs; None where it is as for all others."""

    per_gpu_hour: float | None = None
    gpu_hours: Hours | None = None
    per_million_answers: float | None = None


@dataclass(frozen=True)
class Costs:
    """A price list.

    Attributes
    ----------
    currency : str
        What amounts of money are in, such as EUR.
    per_item : tuple of (float, float)
        Tiers: price of each item up to so many bought; the last price holds beyond.
    fixed : float
        What an order costs beside its items.
    per_gpu_hour : float
        Price of an hour of one accelerator.
    gpu_hours : Hours
        Accelerator hours of one training.
    flops_per_gpu_hour : float or None
        Operations that one accelerator does in an hour of training; None where runs were not measured by compute.
    per_million_answers : float
        What a million answers of the trained model cost.
    per_test_item : float or None
        Price of one test case; None where none can be bought.
    items_per_week : float or None
        Items delivered in a week; None where they are there at once.
    gpus : float
        Accelerators that train at the same time.
    deadline : date or None
        The day on which the trained model must be ready.
    owned : float or None
        Items owned already; None for the largest measured size.
    architecture : mapping
        What differs by architecture.
    """

    currency: str = ""
    per_item: tuple[tuple[float, float], ...] = ((np.inf, 0.0),)
    fixed: float = 0.0
    per_gpu_hour: float = 0.0
    gpu_hours: Hours = field(default_factory=lambda: Hours(0.0))
    flops_per_gpu_hour: float | None = None
    per_million_answers: float = 0.0
    per_test_item: float | None = None
    items_per_week: float | None = None
    gpus: float = 1.0
    deadline: date | None = None
    owned: float | None = None
    architecture: Mapping[str, Running] = field(default_factory=dict)

    def items(self, bought: Amounts) -> Any:
        """Price of so many items by the tiers, without what is fixed."""
        count = np.maximum(np.asarray(bought, dtype=float), 0.0)
        out, below = np.zeros(count.shape), 0.0
        for k, (up_to, price) in enumerate(self.per_item):
            end = np.inf if k == len(self.per_item) - 1 else up_to
            out += price * np.clip(count - below, 0.0, end - below)
            below = end
        return out

    def order(self, bought: Amounts, already: float = 0.0) -> Any:
        """Price of an order of so many items where ``already`` were bought before: tiers go on, what is fixed is paid
        again; nothing where nothing is bought."""
        count = np.maximum(np.asarray(bought, dtype=float), 0.0)
        return self.items(already + count) - self.items(already) + self.fixed * (count > 0.0)

    def hours(self, n: Amounts, architecture: str) -> Any:
        """Accelerator hours of one training."""
        own = self._of(architecture).gpu_hours
        return (self.gpu_hours if own is None else own).at(n)

    def training(self, n: Amounts, architecture: str) -> Any:
        """Price of one training."""
        return self.hour_price(architecture) * self.hours(n, architecture)

    def hour_price(self, architecture: str) -> float:
        """Price of an accelerator hour."""
        own = self._of(architecture).per_gpu_hour
        return self.per_gpu_hour if own is None else own

    def running(self, answers: float, architecture: str) -> float:
        """Price of so many answers."""
        own = self._of(architecture).per_million_answers
        return (self.per_million_answers if own is None else own) * answers / 1e6

    @property
    def runs_cost(self) -> bool:
        """Whether answers cost anything."""
        return any(
            (one or 0.0) > 0.0
            for one in (self.per_million_answers, *(a.per_million_answers for a in self.architecture.values()))
        )

    def days(self, bought: Amounts, n: Amounts, architecture: str, trained: bool = True) -> Any:
        """Days from the order to the trained model: delivery, then training where it is ``trained``."""
        return self.delivery(bought) + self.hours(n, architecture) * trained / self.gpus / DAY

    def delivery(self, bought: Amounts) -> Any:
        """Days until so many items are delivered."""
        count = np.maximum(np.asarray(bought, dtype=float), 0.0)
        return count * 0.0 if self.items_per_week is None else count / self.items_per_week * (WEEK / DAY)

    @property
    def timed(self) -> bool:
        """Whether the list says how long anything takes."""
        hours = (self.gpu_hours, *(a.gpu_hours for a in self.architecture.values()))
        return self.items_per_week is not None or any(h is not None and h.per_item > 0.0 for h in hours)

    def _of(self, architecture: str) -> Running:
        return self.architecture.get(architecture, EVERY)


EVERY = Running()
