"""The generative story of a surface as a PyMC model, with a dense covariance: the reference.

Written apart from the fast density (``density.py``), which never forms this covariance; tests hold the two equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from forecaster.surfaces.model import law
from forecaster.surfaces.model.density import LEAST_NOISE
from forecaster.surfaces.model.design import SurfaceDesign
from forecaster.surfaces.model.drift import ROOT3

if TYPE_CHECKING:
    import pymc as pm


def build(design: SurfaceDesign) -> pm.Model:
    """The model of one surface; its free variable ``offset`` [quantity] is in units of the priors."""
    import pymc as pm
    import pytensor.tensor as pt

    every, on, above = design, design.tuned, design.untuned
    with pm.Model(coords={"quantity": list(every.quantities), "row": np.arange(len(on.y))}) as model:
        offset: Any = pm.Normal("offset", 0.0, 1.0, dims="quantity")
        values: Any = pm.Deterministic("values", design.mean + design.sd * offset, dims="quantity")
        log_noise, log_drift, log_halving = (values[i] for i in range(6, 9))
        scatter, wander = _exp(2.0 * log_noise) + LEAST_NOISE**2, _exp(2.0 * log_drift)

        def level(own: SurfaceDesign) -> Any:
            worth: Any = law.log_effective(pt, own.t, own.log_unique, log_halving)
            return law.log_loss(pt, own.x - own.x0, worth - own.t0, law.Parameters(*(values[i] for i in range(6))))

        apart = ROOT3 * np.abs(on.places[:, None] - on.places) / design.card.memory
        correlation = np.prod((1.0 + apart) * np.exp(-apart), -1)
        noise: Any = scatter * on.relative
        covariance: Any = wander * correlation + noise[:, None] * np.eye(len(on.y))
        pm.MvNormal("log_loss", level(on), cov=covariance, observed=on.y, dims="row")
        if len(above.y):
            own, excess = (wander + scatter * above.relative) ** 0.5, _exp(values[9])
            whole: Any = pt.sqrt(own**2 + excess**2)
            pm.Normal("log_loss_above", level(above), whole, observed=above.y)
            z = (above.y - level(above)) * excess / (own * whole)  # SkewNormal itself has no tails in floating point
            pm.Potential("one_sided", (np.log(2.0) + pm.logcdf(pm.Normal.dist(), z)).sum())
    return model


def _exp(value: Any) -> Any:
    import pytensor.tensor as pt

    return pt.exp(value)
