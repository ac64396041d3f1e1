"""The prior predictive distribution: curves that a card holds possible before any data."""

from __future__ import annotations

import numpy as np

from forecaster.domains.domain import Domain
from forecaster.inference.parameters import CurveDraws
from forecaster.model import drift_paths, extrapolation
from forecaster.model.design import Design, SizedCurve

BAND = 0.95  # probability of the band that the card gives


def prior_paths(
    card: Domain,
    x: np.ndarray,
    x_ref: float,
    x_min: float,
    draws: int,
    rng: np.random.Generator,
    architecture: str = "",
) -> tuple[np.ndarray, CurveDraws]:
    """Curves that a card holds possible: log error of the mean curve [draw, x], and their parameters.

    ``x`` are log sizes, ``x_ref`` and ``x_min`` the log of the largest and of the smallest size of the group.
    """
    hyper = card.hyper_mean + card.hyper_sd * rng.standard_normal((draws, len(card.hyper_mean)))
    spread = np.concatenate([np.exp(hyper[:, -2:]), np.tile(card.spread_fixed, (draws, 1))], 1)
    centre = hyper[:, :-2] + card.effects_of(architecture)
    values = CurveDraws(*(centre + spread * rng.standard_normal(spread.shape)).T)
    law = values.level[:, None] + values.log_shape(x, x_ref, x_min)
    nothing = np.empty((draws, 0))
    level, slope = np.exp(2.0 * values.log_drift), np.exp(2.0 * values.log_slope)
    wander = drift_paths.sample_paths(
        rng, nothing, nothing, np.empty(0), level, slope, x_ref - x, card.slope_memory,
        lambda distance: values.drift_time(x_ref - distance, x_ref, x_min, card.steady), card.volatility,
    )  # fmt: skip
    late = values.late_fall(x, x_ref, x_min, extrapolation.late_slopes(card, values.log_drift, values.log_slope, rng))
    return law + wander + late, values


def prior_log_errors(design: Design, data: SizedCurve, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Measurements of this curve's sizes as the card alone foresees them, noise and luck included: [draw, point]."""
    paths, values = prior_paths(design.card, data.x, design.x_ref, design.x_min, draws, rng, data.curve.architecture)
    if data.luck:
        paths = paths + drift_paths.walk(rng, values.parted(data, data.x, design.x_ref, design.x_min))
    return paths + np.sqrt(data.noise(values.log_noise)) * rng.standard_normal(paths.shape)


def prior_inside(y: np.ndarray, drawn: np.ndarray) -> float:
    """Share of the measured log errors [point] inside the central band of ``drawn`` [draw, point]."""
    low, high = np.quantile(drawn, [0.5 - BAND / 2, 0.5 + BAND / 2], axis=0)
    return float(np.mean((low <= y) & (y <= high)))
