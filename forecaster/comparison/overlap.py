"""How much two posteriors overlap: a description of two marginals, not used for decisions (see ``comparison``)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

CELLS = 512  # points at which two densities are compared


def overlap(one: Float[np.ndarray, " draw"], other: Float[np.ndarray, " draw"]) -> float:
    """Overlap coefficient: the integral of the lower of two densities, between 0 and 1.

    Gaussian kernel densities on one grid of ``CELLS`` points, bandwidth by Silverman's rule (Silverman 1986,
    equation 3.31). It does not change when both are transformed alike, up to the smoothing, so log exponents serve.
    """
    both = np.concatenate([one, other])
    widths = _bandwidth(one), _bandwidth(other)
    width = max(widths)
    low, high = both.min() - 4.0 * width, both.max() + 4.0 * width
    if high - low < 1e-12:
        return 1.0
    edges = np.linspace(low, high, CELLS + 1)
    step = edges[1] - edges[0]
    density = []
    for draws, own in zip((one, other), widths, strict=True):
        offsets = np.arange(-CELLS, CELLS + 1) * step / max(own, step)
        kernel = np.exp(-0.5 * offsets**2)
        smooth = np.convolve(np.histogram(draws, edges)[0], kernel)[CELLS : 2 * CELLS]
        density.append(smooth / smooth.sum())
    return float(np.minimum(*density).sum())


def _bandwidth(draws: np.ndarray) -> float:
    low, high = np.quantile(draws, [0.25, 0.75])
    spread = min(float(np.std(draws)), float(high - low) / 1.34) or float(np.std(draws))
    return 0.9 * spread * len(draws) ** -0.2
