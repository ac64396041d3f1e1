"""The generative story of a surface as a PyMC model, with a dense covariance: the reference.

Written apart from the fast density (``density.py``), which never forms this covariance; tests hold the two equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from forecaster.surfaces.model import law
from forecaster.surfaces.model.card import QUANTITIES
from forecaster.surfaces.model.density import LEAST_NOISE
from forecaster.surfaces.model.design import SurfaceDesign
from forecaster.surfaces.model.drift import ROOT3

if TYPE_CHECKING:
    import pymc as pm


def build(design: SurfaceDesign) -> pm.Model:
    """The model of one surface; its free variable ``offset`` [quantity] is in units of the priors."""
    import pymc as pm
    import pytensor.tensor as pt

    with pm.Model(coords={"quantity": list(QUANTITIES), "row": np.arange(len(design.y))}) as model:
        offset: Any = pm.Normal("offset", 0.0, 1.0, dims="quantity")
        values: Any = pm.Deterministic("values", design.mean + design.sd * offset, dims="quantity")
        *of_law, log_noise, log_drift, log_halving = (values[i] for i in range(len(QUANTITIES)))
        worth: Any = law.log_effective(pt, design.t, design.log_unique, log_halving)
        level = law.log_loss(pt, design.x - design.x0, worth - design.t0, law.Parameters(*of_law))
        apart = ROOT3 * np.abs(design.places[:, None] - design.places) / design.card.memory
        correlation = np.prod((1.0 + apart) * np.exp(-apart), -1)
        variances: list[Any] = [pt.exp(2.0 * v) for v in (log_noise, log_drift)]
        noise: Any = (variances[0] + LEAST_NOISE**2) * design.relative
        covariance = variances[1] * correlation + noise[:, None] * np.eye(len(design.y))
        pm.MvNormal("log_loss", level, cov=covariance, observed=design.y, dims="row")
    return model
