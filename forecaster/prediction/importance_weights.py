"""Importance weights: when to trust them, and quantiles under them."""

from __future__ import annotations

import numpy as np

TRUSTED_K = 0.7  # Vehtari et al. 2024: above it importance weights are not to be trusted


def distinct(log_values: np.ndarray) -> np.ndarray:
    """Log weights that no two draws share: ArviZ refuses a tail of equal ones, which resampled draws may have.

    The same tiny numbers each time, a billionth of the values themselves; weights change by less than draws can tell.
    ``log_values`` are [draw] or [chain, draw, point]; no point's depend on the others'.
    """
    draws = (0,) if log_values.ndim == 1 else (0, 1)
    tiny = np.random.default_rng(0).standard_normal(log_values.shape[: len(draws)])
    size = 1.0 + np.abs(log_values).max(draws)
    return log_values + 1e-9 * size * tiny.reshape(*tiny.shape, *[1] * (log_values.ndim - len(draws)))


def weighted_quantiles(values: np.ndarray, weights: np.ndarray, shares: tuple[float, ...] | list[float]) -> np.ndarray:
    """Quantiles of ``values`` [draw] under ``weights`` [draw] that sum to 1, interpolated between middles of steps."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order]) - 0.5 * weights[order]
    return np.interp(shares, reached, values[order])
