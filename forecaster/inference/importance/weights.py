"""Importance weights: when to trust them, and quantiles under them."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

TRUSTED_K = 0.7  # Vehtari et al. 2024: above it importance weights are not to be trusted


class Weights(NamedTuple):
    """Weights of posterior draws [draw], which sum to 1, and their effective sample size."""

    values: Float[np.ndarray, " draw"]
    ess: float


def weights_of(log_density: Float[np.ndarray, " draw"]) -> Weights:
    """Weights proportional to a density of which the log is known up to a constant."""
    values = np.exp(log_density - log_density.max())
    values = values / values.sum()
    return Weights(values, float(1.0 / (values**2).sum()))


def weighted_quantiles(values: np.ndarray, weights: np.ndarray, shares: tuple[float, ...] | list[float]) -> np.ndarray:
    """Quantiles of ``values`` [draw] under ``weights`` [draw] that sum to 1, interpolated between middles of steps."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order]) - 0.5 * weights[order]
    return np.interp(shares, reached, values[order])


def smoothed(log_ratio: Float[np.ndarray, " draw"]) -> tuple[Float[np.ndarray, " draw"], float]:
    """Log weights, normalised, with a Pareto-smoothed tail, and the tail's shape k, by ArviZ (Vehtari et al. 2024).

    Weights are in proportion to ``exp(log_ratio)``.
    """
    from arviz_stats.base.array import array_stats

    with warnings.catch_warnings():  # a large k is returned, no warning is needed
        warnings.simplefilter("ignore")
        log_weights, k = array_stats.psislw(-without_ties(log_ratio))
    return np.asarray(log_weights), float(k)


def without_ties(log_values: np.ndarray) -> np.ndarray:
    """Log weights made distinct: ArviZ refuses a tail of equal ones, which resampled draws may have.

    Adds fixed perturbations of a billionth of the values, far below Monte Carlo error.
    ``log_values`` are [draw] or [chain, draw, point]; no point's depend on the others'.
    """
    draws = (0,) if log_values.ndim == 1 else (0, 1)
    tiny = np.random.default_rng(0).standard_normal(log_values.shape[: len(draws)])
    size = 1.0 + np.abs(log_values).max(draws)
    return log_values + 1e-9 * size * tiny.reshape(*tiny.shape, *[1] * (log_values.ndim - len(draws)))
