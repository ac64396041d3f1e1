"""The link: the error rate of a task as a function of the loss, and how single runs scatter around it.

    error = floor + (ceiling - floor) / (1 + exp(-(loss - midpoint) / width))

A sigmoid with floor is the second step of most forecasts of benchmark tasks (Llama team 2024, section 3.2.1; Bhagia et
al. 2024); with the loss far above the midpoint it is guessing. It only rises with the loss.

A run's error rate is a beta-binomial: the share of wrong answers among ``cases`` of a run whose own rate is beta
distributed around the link with variance ``scatter^2 p (1 - p)``. Without known cases it is that beta distribution.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

EDGE = 1e-6  # a rate is kept this far from 0 and 1, where the beta distribution ends
Drawn = Float[np.ndarray, " draw"]
Points = Float[np.ndarray, " point"]
AtPoints = Float[np.ndarray, "draw point"]


@dataclass(frozen=True, eq=False)
class Link:
    """Draws of a link: error rates ``floor`` and ``ceiling``; ``midpoint`` and ``width`` in the unit of the loss.

    ``scatter`` is the standard deviation of a run's own rate in units of ``sqrt(p (1 - p))``.
    """

    floor: Drawn
    ceiling: Drawn
    midpoint: Drawn
    width: Drawn
    scatter: Drawn

    def at(self, loss: Points) -> AtPoints:
        """Error rates at losses."""
        return self.along(np.broadcast_to(loss, (len(self.floor), len(loss))))

    def along(self, loss: AtPoints) -> AtPoints:
        """Error rates, each draw at losses of its own."""
        from scipy.special import expit

        floor, ceiling, midpoint, width = (v[:, None] for v in (self.floor, self.ceiling, self.midpoint, self.width))
        return floor + (ceiling - floor) * expit((loss - midpoint) / width)


@dataclass(frozen=True, eq=False)
class Runs:
    """What was measured: ``loss`` and ``error`` rate of each run, and the test ``cases`` behind it (NaN: unknown)."""

    loss: Points
    error: Points
    cases: Points

    def __len__(self) -> int:
        return len(self.loss)

    def only(self, kept: np.ndarray) -> Runs:
        """Some of the runs, by mask or positions."""
        return Runs(self.loss[kept], self.error[kept], self.cases[kept])


def log_density(runs: Runs, rate: AtPoints, scatter: Drawn) -> AtPoints:
    """Log density of each run's error rate given its expected one; terms that depend on neither are left out."""
    from scipy.special import betaln

    a, b = _shape(rate, scatter)
    known = np.isfinite(runs.cases)
    cases = np.where(known, runs.cases, 1.0)
    wrong = runs.error * cases
    counted = betaln(wrong + a, cases - wrong + b)
    if known.all():
        return counted - betaln(a, b)
    inside = np.clip(runs.error, EDGE, 1.0 - EDGE)
    shares = (a - 1.0) * np.log(inside) + (b - 1.0) * np.log1p(-inside)
    return np.where(known, counted, shares) - betaln(a, b)


def drawn_runs(rate: AtPoints, scatter: Drawn, cases: Points, rng: np.random.Generator) -> AtPoints:
    """Error rates that runs may show: scatter between runs, and test cases where their number is known."""
    own = rng.beta(*_shape(rate, scatter))
    known = np.isfinite(cases)
    if known.any():
        own[:, known] = rng.binomial(np.rint(cases[known]).astype(int), own[:, known]) / np.rint(cases[known])
    return own


def _shape(rate: AtPoints, scatter: Drawn) -> tuple[AtPoints, AtPoints]:
    """The two parameters of the beta distribution of a run's own rate."""
    mean = np.clip(rate, EDGE, 1.0 - EDGE)
    total = (1.0 / scatter**2 - 1.0)[:, None]
    return mean * total, (1.0 - mean) * total
