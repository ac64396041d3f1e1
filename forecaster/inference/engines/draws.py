"""What an engine hands back: draws as plain arrays, and how they were come by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, eq=False)
class GroupDraws:
    """Draws of one group's posterior.

    ``centre`` [chain, draw, 8] and ``log_spread`` [chain, draw, 2] are the group's; ``values``
    [chain, draw, curve, 8] the curves', in the order of ``domains.CENTRES``. ``stats`` says how the sampling
    went, a number each; ``curve_stats`` likewise, [curve] each.
    """

    centre: np.ndarray
    log_spread: np.ndarray
    values: np.ndarray
    engine: str
    stats: Mapping[str, float]
    curve_stats: Mapping[str, np.ndarray] = field(default_factory=dict)
