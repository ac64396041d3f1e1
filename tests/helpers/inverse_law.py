"""The law solved for the size: a closed form that requirements are held against."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from forecaster.model.law import softplus


def log_size_needed(
    log_target: ArrayLike,
    x_ref: float,
    level: ArrayLike,
    log_exponent: ArrayLike,
    log_break: ArrayLike,
    floor_logit: ArrayLike,
    sharpness: ArrayLike,
) -> np.ndarray:
    """Log size at which the law reaches ``log_target``.

    ``inf`` where the floor forbids it, ``-inf`` where the plateau of small data is already below it.
    """
    gap = np.exp(log_target - level + softplus(np, floor_logit)) - np.exp(floor_logit)
    reachable = gap > 0
    wanted = np.log(np.where(reachable, gap, 1.0))
    ahead = softplus(np, (x_ref - log_break) / sharpness) - wanted / (np.exp(log_exponent) * sharpness)
    beyond_plateau = ahead > 0
    safe = np.where(beyond_plateau, ahead, 1.0)
    inverse = safe + np.log(-np.expm1(-safe))  # the inverse of softplus
    size = np.where(beyond_plateau, log_break + sharpness * inverse, -np.inf)
    return np.where(reachable, size, np.inf)
