"""A ladder beside its learning curve: how far more data lowers the error, and what remains.

The curve of the error on unseen data falls towards its floor. What it falls by is taken off the gap between training
and unseen error first of all; the training error rises meanwhile, so that the gap closes by at least that. The floor
beyond the best that is known is bias that no data of this kind removes: a larger model may.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from forecaster.errors import RequestError
from forecaster.inference.posterior import Posterior
from forecaster.inference.units import no_shares
from forecaster.model import law
from forecaster.prediction.crossings import largest_size
from forecaster.prediction.curve_keys import CurveKey, chosen_keys
from forecaster.prediction.forecast import log_errors
from forecaster.prediction.paths import curve_paths
from forecaster.results.columns import Column, Columns, interval

FACTORS = (2.0, 10.0, np.inf)
MORE_DATA = Columns(
    "a multiple of the data",
    Column(
        "factor", "number", "times the training data of the ladder; `inf`: without end, where the floor is", key=True
    ),
    Column("n", "size", "training-set size; null without end"),
    interval("yhat", "error", "forecast of the average error: median and equal-tailed interval"),
    interval("removed", "error", "how much the error falls by then"),
    interval(
        "share",
        "ratio",
        "that fall over the gap of variance where there is one, at most 1; null without a training error",
    ),
)
Draws = Float[np.ndarray, " draw"]
Samples = Float[np.ndarray, " sample"]


def curve_of(posterior: Posterior, architecture: str | None, rates: bool) -> CurveKey:
    """The one curve that is meant; RequestError where there are several, or of errors of another kind."""
    keys = chosen_keys(posterior, None if architecture is None else [architecture])
    if len(keys) != 1:
        raise RequestError(
            f"architecture: found {len(keys)} curves ({', '.join(key.label for key in keys[:5])}); expected the one "
            "whose errors the ladder has"
        )
    if rates and no_shares(posterior, keys[0].group):
        raise RequestError(
            f"{keys[0].label}: found a curve whose errors are no shares of cases, beside rates; expected a curve of "
            "the same errors"
        )
    return keys[0]


def with_more_data(
    posterior: Posterior, key: CurveKey, n: float | None, gap: Samples | None, level: float, seed: int
) -> tuple[pd.DataFrame, Draws, Draws]:
    """The table of ``MORE_DATA``, draws of the error at ``n`` and of the floor.

    ``gap`` is that from the training to the unseen error.
    """
    start = largest_size(posterior.designs[key.group], key.architecture) if n is None else n
    sizes = np.array([start, *(start * factor for factor in FACTORS[:-1])])
    errors = np.exp(log_errors(posterior, key, sizes, "mean", seed))
    values = curve_paths(posterior, key, sizes, seed=seed).parameters
    floor = law.floor(np, values.level, values.floor_logit)
    now, later = errors[:, 0], np.column_stack([errors[:, 1:], floor])
    shares = [0.5, 0.5 - level / 2, 0.5 + level / 2]
    chosen = None
    if gap is not None:  # independent of the curve: any pairing of draws serves
        chosen = np.resize(np.random.default_rng([seed, 43]).permutation(gap), len(now))
    rows: list[Mapping[str, Any]] = []
    for i, factor in enumerate(FACTORS):
        removed = np.maximum(now - later[:, i], 0.0)
        row: dict[str, Any] = {"factor": factor, "n": start * factor if np.isfinite(factor) else np.nan}
        row |= _interval("yhat", later[:, i], shares) | _interval("removed", removed, shares)
        part = np.array([np.nan])
        if chosen is not None and (chosen > 0).any():  # where there is variance
            part = np.minimum(removed[chosen > 0] / chosen[chosen > 0], 1.0)
        rows.append(row | _interval("share", part, shares))
    return pd.DataFrame(rows, columns=list(MORE_DATA.names)), now, floor


def _interval(name: str, values: Samples, shares: list[float]) -> dict[str, float]:
    found = np.quantile(values, shares)
    return dict(zip((name, f"{name}_lower", f"{name}_upper"), map(float, found), strict=True))
