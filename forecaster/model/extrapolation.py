"""Extrapolation: assumptions that apply only beyond the measured sizes and are not informed by the data.

Two quantities are drawn with each path of a forecast: the change of the drift's scale (``volatility``), and whether the
floor is not final but followed by a second power-law phase.
"""

from __future__ import annotations

import numpy as np

from forecaster.domains.domain import Domain
from forecaster.model import drift

STRAYS = (
    0.5  # share of the typical drift below which a curve's second phase is weakened: docs/model.md has the evidence
)


def late_slopes(card: Domain, log_drift: np.ndarray, log_slope: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Exponents [draw] of the second phase relative to the slopes, for curves of this drift; zero where the floor is
    final.

    Exponentially distributed, and relative to the slope: a curve that hardly falls any more shows that what looks
    irreducible, which is part of its error, does not fall steeply. Nor does a curve that has kept closely to its law:
    the exponent is reduced in proportion where its drift is below ``STRAYS`` of what is typical of the domain.
    """
    centres = card.priors["log_drift"].location, card.priors["log_slope"].location
    usual = drift.over_a_nat(np, *centres, card.slope_memory)
    own = drift.over_a_nat(np, log_drift, log_slope, card.slope_memory)
    gives_way = rng.random(len(own)) < card.late_chance
    return rng.exponential(card.late_slope, len(own)) * gives_way * np.minimum(own / (STRAYS * usual), 1.0)
