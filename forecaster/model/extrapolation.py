"""Extrapolation: what holds only beyond the measured sizes, where the fit learns nothing of it.

Two things are drawn with each path of a forecast: how much wider than before a curve wanders (``volatility``), and
whether its floor gives way to a second, late fall.
"""

from __future__ import annotations

import numpy as np

from forecaster.domains.domain import Domain
from forecaster.model import drift

STRAYS = 0.5  # of the usual wandering, below which a curve's floor gives way by less: docs/model.md says what it earned


def late_slopes(card: Domain, log_drift: np.ndarray, log_slope: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Exponents [draw] of the late fall of curves that wander so much, relative to their slopes; zero where the
    floor holds.

    Exponentially distributed, and relative because a curve that hardly falls any more shows that nothing falls
    steeply beside its law: what looks irreducible is part of its error already. A curve that has kept to its law
    closely has shown nothing of the kind, too: one that has wandered less than ``STRAYS`` of what is usual in this
    domain gives way by that much less.
    """
    centres = card.priors["log_drift"].location, card.priors["log_slope"].location
    usual = drift.over_a_nat(np, *centres, card.slope_memory)
    own = drift.over_a_nat(np, log_drift, log_slope, card.slope_memory)
    gives_way = rng.random(len(own)) < card.late_chance
    return rng.exponential(card.late_slope, len(own)) * gives_way * np.minimum(own / (STRAYS * usual), 1.0)
