"""A posterior that a pencil can find, for tests of the default engine: each curve's likelihood is normal in its values.

The centres whose spreads the card fixes then have a normal posterior.
"""

from __future__ import annotations

import numpy as np

from forecaster.domains.loading import load_card
from forecaster.inference.engines.ensemble.batch import Batch, batch_of
from forecaster.inference.engines.ensemble.likelihood import Likelihood
from forecaster.model.density import LevelLikelihood
from forecaster.model.design import design_of
from forecaster.model.simulate import simulate

CARD = load_card("tabular-classification")
CURVES = 4
FIXED = slice(2, 8)  # quantities of a curve whose spreads the card fixes


def batch_of_curves() -> Batch:
    curves = simulate(CARD, np.geomspace(1e3, 1e5, 5), architectures=CURVES, seed=0).curves
    return batch_of([design_of(curves, curves.groups[0], CARD)])


def measured_of(batch: Batch) -> tuple[np.ndarray, np.ndarray]:
    """What is seen of each curve's values [curve, 8], and how noisily [8]."""
    rng = np.random.default_rng(1)
    spread = np.concatenate([np.exp(batch.mean[0, -2:]), batch.spread_fixed[0]])
    noise = 0.7 * spread
    centre = batch.mean[0, :-2] + batch.sd[0, :-2] * rng.standard_normal(8)
    return centre + np.sqrt(spread**2 + noise**2) * rng.standard_normal((CURVES, 8)), noise


def likelihood_of(measured: tuple[np.ndarray, np.ndarray]) -> Likelihood:
    seen, noise = measured

    def likelihood(points, rows):
        log_z = -0.5 * (((points - seen[rows][:, None, 1:]) / noise[1:]) ** 2).sum(-1)
        return LevelLikelihood(
            log_z, np.broadcast_to(seen[rows][:, :1], log_z.shape), np.full(log_z.shape, noise[0] ** 2)
        )

    return likelihood


def errors_of_centres(found, batch, measured) -> np.ndarray:
    """Monte Carlo errors of means, and of standard deviations, of the centres with fixed spreads, over their scale."""
    seen, noise = measured
    variance = batch.spread_fixed[0] ** 2 + noise[FIXED] ** 2
    prior, middle = batch.sd[0, FIXED] ** -2.0, batch.mean[0, FIXED]
    precision = prior + CURVES / variance
    mean = (middle * prior + seen[:, FIXED].sum(0) / variance) / precision
    draws = found.hyper[0][..., FIXED].reshape(-1, 6)
    off = (draws.mean(0) - mean) * np.sqrt(precision)
    wide = draws.std(0) * np.sqrt(precision) - 1.0
    return np.concatenate([off, wide * np.sqrt(2.0)]) * np.sqrt(found.hyper_ess[0])
