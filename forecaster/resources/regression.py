"""Straight lines in log-log, one an architecture, whose slopes share a centre: exact posterior draws.

For architecture j, ``log y = a_j + b_j (log n - x_j) + noise``, where ``x_j`` is the mean of its log sizes,
``b_j ~ N(mu, tau^2)``, ``mu ~ N(m, s^2)`` by the card, ``tau`` half-normal of scale ``EXPONENT_SPREAD``, ``a_j`` flat,
noise of variance ``sigma^2`` (``sigma`` half-normal of scale ``NOISE``) plus a known part, such as the step of a grid
of model sizes. Given ``tau`` and ``sigma`` everything is normal, so these two are drawn from a grid of their marginal
posterior and the rest from normal distributions: no chain, nothing to converge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

# Of exponents of one (domain, task): two optimisers of one model were 0.1 apart (Hestness et al. 2017).
EXPONENT_SPREAD = 0.1
NOISE = 0.3  # of log values around the line: a judgement, wide; times of one machine scatter by 0.05 to 0.3
GRID_STEPS = 60  # of the grid, each way
TAUS = np.geomspace(1e-3, 1.0, GRID_STEPS)
SIGMAS = np.geomspace(1e-3, 3.0, GRID_STEPS)

Points = Float[np.ndarray, " point"]
Drawn = Float[np.ndarray, " draw"]
Sizes = Float[np.ndarray, " size"]
AtSizes = Float[np.ndarray, "draw size"]


@dataclass(frozen=True, eq=False)
class Observations:
    """Logs of sizes ``x`` and of values ``y``, and the known variance of each value."""

    x: Points
    y: Points
    known: float = 0.0


@dataclass(frozen=True, eq=False)
class Line:
    """Draws of a line: log value ``middle`` at log size ``x``, and its ``slope``; the sd of single values around it."""

    x: float
    middle: Drawn
    slope: Drawn
    noise: Drawn

    def at(self, log_n: Sizes) -> AtSizes:
        """Log values at log sizes."""
        return self.middle[:, None] + self.slope[:, None] * (log_n - self.x)

    def along(self, log_n: Drawn) -> Drawn:
        """Log values, each draw at its own log size; infinite where that is."""
        finite = np.isfinite(log_n)
        return np.where(finite, self.middle + self.slope * (np.where(finite, log_n, self.x) - self.x), np.inf)


def lines(
    measured: Sequence[Observations], mean: float, sd: float, draws: int, rng: np.random.Generator
) -> tuple[list[Line], Drawn]:
    """The line of each architecture, and the centre of their slopes; ``mean`` and ``sd`` are that centre's prior."""
    taus, sigmas = (a.ravel() for a in np.meshgrid(TAUS, SIGMAS, indexing="ij"))
    log_weight = -0.5 * (taus / EXPONENT_SPREAD) ** 2 - 0.5 * (sigmas / NOISE) ** 2 + np.log(taus) + np.log(sigmas)
    parts = [_summary(one) for one in measured]
    precision, pull = np.full(len(taus), 1.0 / sd**2), np.full(len(taus), mean / sd**2)
    squares = np.full(len(taus), mean**2 / sd**2)
    for (count, spread, slope, rest), one in zip(parts, measured, strict=True):
        variance = sigmas**2 + one.known
        log_weight = log_weight - 0.5 * max(count - 2, 0) * np.log(variance) - 0.5 * rest / variance
        if spread > 0.0:
            of_slope = taus**2 + variance / spread
            log_weight = log_weight - 0.5 * np.log(of_slope)
            precision, pull = precision + 1.0 / of_slope, pull + slope / of_slope
            squares = squares + slope**2 / of_slope
    log_weight = log_weight - 0.5 * np.log(precision) - 0.5 * (squares - pull**2 / precision)
    weight = np.exp(log_weight - log_weight.max())
    cell = rng.choice(len(taus), draws, p=weight / weight.sum())
    tau, sigma = taus[cell], sigmas[cell]
    mu = pull[cell] / precision[cell] + rng.standard_normal(draws) / np.sqrt(precision[cell])
    return [_line(one, part, mu, tau, sigma, rng) for one, part in zip(measured, parts, strict=True)], mu


def _summary(one: Observations) -> tuple[int, float, float, float]:
    """Points, sum of squares of log size, least-squares slope, residual sum of squares."""
    x, y = one.x - one.x.mean(), one.y - one.y.mean()
    spread = float(x @ x)
    slope = float(x @ y) / spread if spread > 0.0 else 0.0
    return len(x), spread, slope, float(((y - slope * x) ** 2).sum())


def _line(
    one: Observations,
    part: tuple[int, float, float, float],
    mu: Drawn,
    tau: Drawn,
    sigma: Drawn,
    rng: np.random.Generator,
) -> Line:
    count, spread, slope, _ = part
    variance = sigma**2 + one.known
    own = spread / variance
    precision = own + 1.0 / tau**2
    b = (own * slope + mu / tau**2) / precision + rng.standard_normal(len(mu)) / np.sqrt(precision)
    middle = one.y.mean() + np.sqrt(variance / count) * rng.standard_normal(len(mu))
    return Line(float(one.x.mean()), middle, b, np.sqrt(variance))
