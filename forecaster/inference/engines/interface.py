"""What engines return: draws as plain arrays with statistics of the sampling; and limits of convergence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

# Convergence limits: engines continue or fall back, and checks fail, beyond them.
LEAST_ESS = 100.0  # effective draws of a quantity: below, the error of a 5 % quantile exceeds a fifth of a posterior sd
MOST_R_HAT = 1.05  # of the chains: above, even their means are in doubt (Vehtari et al. 2021)
MOST_MEMORY = 0.3  # autocorrelation with the start: at r, up to a share r of the start's error remains in the draws


@dataclass(frozen=True, eq=False)
class GroupDraws:
    """Draws of one group's posterior; quantities in the order of ``domains.CENTRES`` and ``domains.LEARNED``.

    ``stats`` holds statistics of the sampling, ``curve_stats`` those of each curve.
    """

    centre: Float[np.ndarray, "chain draw 8"]
    log_spread: Float[np.ndarray, "chain draw 2"]
    values: Float[np.ndarray, "chain draw curve 8"]
    engine: str
    stats: Mapping[str, float]
    curve_stats: Mapping[str, Float[np.ndarray, " curve"]] = field(default_factory=dict)
