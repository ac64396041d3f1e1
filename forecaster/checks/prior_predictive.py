"""The prior predictive distribution: curves simulated from a card."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from forecaster.domains.domain import Domain
from forecaster.inference.parameters import CurveDraws, before_data, of_architecture
from forecaster.model import drift_paths
from forecaster.model.design import Design, Reference, SizedCurve

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
    """Curves simulated from a card: log error of the mean curve [draw, x], and their parameters.

    ``x`` are ascending log sizes, ``x_ref`` and ``x_min`` the log of the largest and of the smallest size of the group.
    """
    return _paths(card, x, Reference(x_ref, x_min, card.slope_memory), draws, rng, architecture)


def _paths(
    card: Domain, x: np.ndarray, reference: Reference, draws: int, rng: np.random.Generator, architecture: str
) -> tuple[np.ndarray, CurveDraws]:
    values = of_architecture(card, *before_data(card, draws, rng), architecture, reference, rng)
    return values.law(x) + _drift(rng, card, values, x), values


def _drift(
    rng: np.random.Generator, card: Domain, values: CurveDraws, x: Float[np.ndarray, " size"]
) -> Float[np.ndarray, "draw size"]:
    """Paths of the drift at ascending log sizes, from the reference size outwards in both directions."""
    variances = np.exp(2.0 * values.log_drift), np.exp(2.0 * values.log_slope)
    scales = drift_paths.Scales(*variances, card.slope_memory)
    state = drift_paths.from_reference(rng, scales)
    changed = scales.times(drift_paths.scale_beyond(rng, card.volatility, len(values)))
    times, behind = values.reference.x_ref - x, x <= values.reference.x_ref
    before = drift_paths.onward(rng, 0.0, times[behind][::-1], state, scales).d[::-1]
    beyond = drift_paths.onward(rng, 0.0, -times[~behind], state.turned(), changed).d
    return np.concatenate([before, beyond]).T


def prior_log_errors(design: Design, data: SizedCurve, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Prior predictive measurements at this curve's sizes, with run and test-set noise: [draw, point]."""
    x = data.x[::-1]  # ascending, and back
    paths, values = _paths(design.card, x, design.reference, draws, rng, data.curve.architecture)
    paths = paths[:, ::-1]
    if data.luck:
        paths = paths + drift_paths.walk(rng, values.luck(data, data.x))
    return paths + np.sqrt(data.noise(values.log_noise)) * rng.standard_normal(paths.shape)


def prior_inside(y: np.ndarray, drawn: np.ndarray) -> float:
    """Share of the measured log errors [point] inside the central band of ``drawn`` [draw, point]."""
    low, high = np.quantile(drawn, [0.5 - BAND / 2, 0.5 + BAND / 2], axis=0)
    return float(np.mean((low <= y) & (y <= high)))
