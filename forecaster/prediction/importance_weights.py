"""Importance weights: when to trust them, and quantiles under them."""

from __future__ import annotations

import numpy as np

TRUSTED_K = 0.7  # Vehtari et al. 2024: above it importance weights are not to be trusted


def weighted_quantiles(values: np.ndarray, weights: np.ndarray, shares: tuple[float, ...] | list[float]) -> np.ndarray:
    """Quantiles of ``values`` [draw] under ``weights`` [draw] that sum to 1, interpolated between middles of steps."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order]) - 0.5 * weights[order]
    return np.interp(shares, reached, values[order])
