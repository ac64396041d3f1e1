"""Tables of runs over two axes, made from a law that is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from forecaster.surfaces.model import law
from forecaster.surfaces.model.card import load_surface_card
from forecaster.surfaces.model.design import SurfaceDesign, design_of

# Besiroglu et al. 2024, with what follows from it for a compute of 6 N D (computed apart from this code).
BESIROGLU = law.Constants(1.8172, np.log(482.01), np.log(2085.43), 0.3478, 0.3658, 1.0)
PARAMS = (1e8, 3e8, 1e9, 3e9)
DATA = (2e9, 6e9, 2e10, 6e10)
KEY = ("language", "text", "all sizes")


def loss(constants: law.Constants, params: np.ndarray, n: np.ndarray) -> np.ndarray:
    """E + ((A N^-a)^k + (B D^-b)^k)^(1/k), as it is written in the papers."""
    by_size = np.exp(constants.log_scale_n) * params**-constants.a
    by_data = np.exp(constants.log_scale_d) * n**-constants.b
    return constants.floor + (by_size**constants.k + by_data**constants.k) ** (1.0 / constants.k)


def parameters_of(of: law.Constants, x0: float, t0: float) -> law.Parameters:
    """The inverse of :func:`~forecaster.surfaces.model.law.constants_of`; the floor must be above zero."""
    by_size, by_data = of.k * (of.log_scale_n - of.a * x0), of.k * (of.log_scale_d - of.b * t0)
    reducible = np.logaddexp(by_size, by_data) / of.k
    floor = np.log(of.floor)
    return law.Parameters(
        level=np.logaddexp(floor, reducible),
        log_a=np.log(of.a),
        log_b=np.log(of.b),
        share_logit=by_size - by_data,
        floor_logit=floor - reducible,
        log_k=np.log(of.k),
    )


def table(
    constants: law.Constants = BESIROGLU,
    *,
    params: Sequence[float] = PARAMS,
    data: Sequence[float] = DATA,
    noise: float = 0.002,
    seed: int = 0,
) -> pd.DataFrame:
    """A grid of runs whose losses scatter by ``noise``; each architecture is one model size."""
    grid = np.array([(p, n) for p in params for n in data])
    scatter = np.exp(noise * np.random.default_rng(seed).standard_normal(len(grid)))
    made = pd.DataFrame(grid, columns=["params", "n"])
    made["error"] = loss(constants, grid[:, 0], grid[:, 1]) * scatter
    return made.assign(domain=KEY[0], task=KEY[1], architecture=made["params"].map("lm-{:g}".format))


def design(made: pd.DataFrame | None = None) -> SurfaceDesign:
    return design_of(table() if made is None else made, KEY, load_surface_card())
