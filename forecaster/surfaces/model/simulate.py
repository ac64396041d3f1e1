"""The generative story told forwards: parameters from the priors, log losses from parameters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from forecaster.surfaces.model import density, drift
from forecaster.surfaces.model.design import SurfaceDesign


def parameters(rng: np.random.Generator, design: SurfaceDesign, draws: int) -> Float[np.ndarray, "draw quantity"]:
    """Draws from the prior, in the order of the design's ``quantities``."""
    return design.mean + design.sd * rng.standard_normal((draws, len(design.mean)))


def with_losses(
    rng: np.random.Generator, design: SurfaceDesign, values: Float[np.ndarray, " quantity"]
) -> SurfaceDesign:
    """The design with log losses drawn at its places given the parameters; the prior of its level stays."""
    on, data = design.tuned, density.rotated(design)
    level = density.law_at(np, values[None], data.u, data.t, data.log_unique, data.t0)[0]
    noise, wander = (float(v[0, 0]) for v in density.variances(np, values[None]))
    known = wander * drift.correlation(np, on.places, on.places, on.card.memory)
    covariance = known + noise * np.diag(on.relative)
    y = design.y.copy()
    y[~design.above] = level + np.linalg.cholesky(covariance) @ rng.standard_normal(len(level))
    if design.above.any():
        own = design.untuned
        there = density.law_at(np, values[None], own.x - own.x0, own.t, own.log_unique, own.t0)[0]
        apart = np.sqrt(wander + noise * own.relative) * rng.standard_normal(len(there))
        y[design.above] = there + apart + np.exp(values[9]) * np.abs(rng.standard_normal(len(there)))
    return replace(design, y=y)
