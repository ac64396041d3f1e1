"""What engines hand back: draws as plain arrays, how they were come by, and when draws can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

# Limits of trust, for engines (which go on, or fall back) and for checks (which say FAIL) alike.
LEAST_ESS = 100.0  # effective draws of a quantity: below, the error of a 5 % quantile exceeds a fifth of a posterior sd
MOST_R_HAT = 1.05  # of the chains: above, even their means are in doubt (Vehtari et al. 2021)
MOST_MEMORY = 0.3  # autocorrelation with the start: at r, up to r of what the start had got wrong is still in the draws


@dataclass(frozen=True, eq=False)
class GroupDraws:
    """Draws of one group's posterior; quantities in the order of ``domains.CENTRES`` and ``domains.LEARNED``.

    ``stats`` says how the sampling went, a number each; ``curve_stats`` likewise, of each curve.
    """

    centre: Float[np.ndarray, "chain draw 8"]
    log_spread: Float[np.ndarray, "chain draw 2"]
    values: Float[np.ndarray, "chain draw curve 8"]
    engine: str
    stats: Mapping[str, float]
    curve_stats: Mapping[str, Float[np.ndarray, " curve"]] = field(default_factory=dict)
