"""Draws of a few parameters with a standard normal prior, by importance sampling that adapts.

From the prior to the posterior in steps, each by a power of the likelihood as large as the weights bear (Neal 2001).
After a step the proposal is a mixture of Student distributions around weighted draws (West 1993; Cappe et al. 2004), so
that curved and several modes are kept. The last proposal's weights are smoothed, and their shape k says whether to
trust them (Vehtari et al. 2024). No chain: nothing has to converge, and draws are independent of each other but for
repeats.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from forecaster.prediction.importance_weights import smoothed

Values = Float[np.ndarray, "draw parameter"]
Drawn = Float[np.ndarray, " draw"]
PROPOSED = 2000  # draws of a step
LAST = 4000  # draws of the last proposal
KERNELS = 150  # of a mixture
FREEDOM = 5.0  # degrees of freedom of its Student distributions
BORNE = 0.1  # of the draws, the effective sample size that a step leaves
WIDE, SHARE = 2.0, 0.1  # one broad distribution around all, and its share of the mixture
STEPS = 60  # at most
AGAIN, FINE = 4, 0.5  # proposals of the posterior itself, until k is fine


@dataclass(frozen=True, eq=False)
class Sampled:
    """Equally weighted ``values``; ``k`` and the effective sample size of the weights that they were drawn by."""

    values: Values
    k: float
    ess: float


def sampled(
    log_likelihood: Callable[[Values], Drawn], parameters: int, draws: int, rng: np.random.Generator
) -> Sampled:
    """Draws of the posterior of ``parameters`` numbers, standard normal before."""
    values = rng.standard_normal((PROPOSED, parameters))
    likelihood, rest, power = log_likelihood(values), np.zeros(PROPOSED), 0.0
    again = AGAIN
    for _ in range(STEPS):
        before, power = power, _power(likelihood, rest, power)
        proposal = _mixture(values, _weights(power * likelihood + rest), rng)
        whole = before == power == 1.0  # the proposal is one of the posterior itself
        values = proposal.drawn(LAST if whole else PROPOSED, rng)
        likelihood = log_likelihood(values)
        rest = -0.5 * (values**2).sum(1) - 0.5 * parameters * np.log(2.0 * np.pi) - proposal.log_density(values)
        if whole:
            again -= 1
            if again == 0 or _smoothed(likelihood + rest)[1] < FINE:
                break
    log_weights, k = _smoothed(likelihood + rest)
    weights = _weights(log_weights)
    return Sampled(values[_systematic(weights, draws, rng)], k, float(1.0 / (weights**2).sum()))


def _power(likelihood: Drawn, rest: Drawn, before: float) -> float:
    """The largest power of the likelihood, up to 1, that leaves enough effective draws; never less than before."""

    def left(power: float) -> float:
        return float(1.0 / (_weights(power * likelihood + rest) ** 2).sum()) / len(likelihood)

    if left(1.0) >= BORNE:
        return 1.0
    low, high = before, 1.0
    for _ in range(40):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if left(middle) >= BORNE else (low, middle)
    return min(max(low, before + 1e-6), 1.0)


def _weights(logs: Drawn) -> Drawn:
    raw = np.exp(logs - logs.max())
    return raw / raw.sum()


@dataclass(frozen=True, eq=False)
class _Mixture:
    """Student distributions of one shape around ``centres``, and a broad one around their mean."""

    centres: Values
    mean: Float[np.ndarray, " parameter"]
    root: Float[np.ndarray, "parameter parameter"]  # Cholesky factor of the draws' covariance
    narrow: float

    def drawn(self, count: int, rng: np.random.Generator) -> Values:
        broad = rng.random(count) < SHARE
        around = np.where(broad[:, None], self.mean, self.centres[rng.integers(0, len(self.centres), count)])
        scale = np.where(broad, WIDE, self.narrow) / np.sqrt(rng.chisquare(FREEDOM, count) / FREEDOM)
        return around + scale[:, None] * (rng.standard_normal(around.shape) @ self.root.T)

    def log_density(self, values: Values) -> Drawn:
        from scipy.linalg import solve_triangular
        from scipy.special import gammaln

        size = values.shape[1]
        own, centres, mean = (
            solve_triangular(self.root, v.T, lower=True).T for v in (values, self.centres, self.mean[None])
        )
        squares = (own**2).sum(1)[:, None] - 2.0 * own @ centres.T + (centres**2).sum(1)
        power = -0.5 * (FREEDOM + size)
        kernels = ((1.0 + np.maximum(squares, 0.0) / (FREEDOM * self.narrow**2)) ** power).mean(1) / self.narrow**size
        broad = (1.0 + ((own - mean) ** 2).sum(1) / (FREEDOM * WIDE**2)) ** power / WIDE**size
        constant = gammaln(-power) - gammaln(0.5 * FREEDOM) - 0.5 * size * np.log(FREEDOM * np.pi)
        constant -= np.log(np.diag(self.root)).sum()
        return constant + np.log((1.0 - SHARE) * kernels + SHARE * broad)


def _mixture(values: Values, weights: Drawn, rng: np.random.Generator) -> _Mixture:
    size = values.shape[1]
    mean = weights @ values
    apart = values - mean
    covariance = (weights[:, None] * apart).T @ apart + 1e-10 * np.eye(size)
    narrow = (4.0 / (size + 2.0) / KERNELS) ** (1.0 / (size + 4.0))  # Silverman's rule
    centres = values[_systematic(weights, KERNELS, rng)]
    return _Mixture(centres, mean, np.linalg.cholesky(covariance), narrow)


def _systematic(weights: Drawn, count: int, rng: np.random.Generator) -> np.ndarray:
    """Positions drawn by weight, evenly, in random order."""
    places = (np.arange(count) + rng.random()) / count
    found = np.minimum(np.searchsorted(np.cumsum(weights), places), len(weights) - 1)
    return rng.permutation(found)


def _smoothed(log_ratio: Drawn) -> tuple[Drawn, float]:
    """Log weights with a Pareto-smoothed tail, and the tail's shape, infinite where a draw has all the weight."""
    log_weights, k = smoothed(log_ratio)
    return log_weights, k if np.isfinite(k) else np.inf
