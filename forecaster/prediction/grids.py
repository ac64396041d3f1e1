"""Grids of quantiles: what is known of a curve, small enough to be sent along where the draws are not.

Two quantities on a grid of sizes: the error there, as :func:`~forecaster.forecast` summarises it, and the lowest error
up to there, from which follow the chance that a target is reached by a size and the data that it needs, as in
:func:`~forecaster.requirement`: a size is enough where the lowest error up to it is no higher than the target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from forecaster.inference.posterior import Posterior
from forecaster.prediction.crossings import looked_at, searched
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.forecast import log_errors
from forecaster.prediction.observation import on_grid
from forecaster.prediction.paths import GRID_STEP, curve_paths

THINNED = 3  # steps of a path's grid in one of this grid, where both are regular
MOST_REGULAR = 100  # regular sizes
MOST_MEASURED = 40  # measured sizes that are all on the grid, with their jumps in how well the curve is known
CLOSE = 12  # steps beyond the largest measured size where the grid is not thinned: there the ranges widen fastest


@dataclass(frozen=True, eq=False)
class CurveGrid:
    """Quantiles of one curve at sizes ``n``, ascending: of the error (``error``), and of the lowest up to a size
    (``lowest``); and the mean of the error."""

    key: CurveKey
    n: Float[np.ndarray, " size"]
    error: Float[np.ndarray, "level size"]
    lowest: Float[np.ndarray, "chance size"]
    mean: Float[np.ndarray, " size"]


def curve_grid(
    posterior: Posterior,
    key: CurveKey,
    levels: Sequence[float],
    chances: Sequence[float],
    *,
    horizon: float,
    kind: str = "mean",
    seed: int = 0,
) -> CurveGrid:
    """The grid of a measured curve, from the group's smallest measured size to ``horizon``.

    ``levels`` are the quantiles of the error, ``chances`` those of the lowest error. RequestError for a horizon below
    the smallest measured size.
    """
    span = searched(posterior.designs[key.group], horizon)
    whole = curve_paths(posterior, key, span, seed=seed).whole
    x, paths = looked_at(whole, on_grid(whole, kind), span)
    data = whole.origin.data
    chosen = _chosen(x, x[:1] if data is None else data.x)
    n = np.exp(x[chosen])
    lowest = np.minimum.accumulate(paths, axis=1)[:, chosen]
    errors = np.exp(log_errors(posterior, key, n, kind, seed))
    quantiles = np.quantile(errors, list(levels), axis=0)
    return CurveGrid(key, n, quantiles, np.exp(np.quantile(lowest, list(chances), axis=0)), errors.mean(0))


def _chosen(x: Float[np.ndarray, " inside"], measured: Float[np.ndarray, " measured"]) -> Int[np.ndarray, " size"]:
    """Positions of the log sizes ``x`` that are kept."""
    last = measured.max()
    kept = (x >= last - 1e-9) & (x <= last + CLOSE * GRID_STEP + 1e-9)
    kept[[0, -1]] = True
    if len(measured) <= MOST_MEASURED:
        kept |= np.isclose(x[:, None], measured, rtol=0.0, atol=1e-9).any(1)
    width = max(THINNED * GRID_STEP, float(x[-1] - x[0]) / MOST_REGULAR)
    first = np.diff(np.floor((x - x[0]) / width + 1e-9), prepend=-1.0) > 0.0
    return np.flatnonzero(kept | first)
