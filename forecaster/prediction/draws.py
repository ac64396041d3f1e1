"""Draws behind the rows of a table, with named dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from forecaster.inference.posterior import Posterior

if TYPE_CHECKING:
    import xarray as xr


def by_point(
    name: str,
    values: Float[np.ndarray, "all point"],
    table: pd.DataFrame,
    columns: Sequence[str],
    posterior: Posterior,
) -> xr.DataArray:
    """``values``, one row a draw of the posterior in the order of its chains, with dims ``chain, draw, point``.

    Points are the rows of ``table``, whose ``columns`` become coordinates.
    """
    import xarray as xr

    drawn = posterior.tree["posterior"]
    shape = tuple(drawn.sizes[dim] for dim in ("chain", "draw"))
    coords: dict[str, Any] = {dim: drawn[dim].values for dim in ("chain", "draw")}
    for column in columns:
        own = table[column]
        coords[column] = ("point", own.to_numpy(dtype=None if own.dtype.kind == "f" else object))
    return xr.DataArray(values.reshape(*shape, len(table)), coords, ("chain", "draw", "point"), name=name)
