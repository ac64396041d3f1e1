"""Importance weights: when to trust them, and quantiles under them."""

from __future__ import annotations

import warnings

import numpy as np
from jaxtyping import Float

from forecaster.inference.predictive import distinct

TRUSTED_K = 0.7  # Vehtari et al. 2024: above it importance weights are not to be trusted


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
        log_weights, k = array_stats.psislw(-distinct(log_ratio))
    return np.asarray(log_weights), float(k)
