"""How well a posterior's draws mix: R-hat and effective sample sizes of every quantity in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from forecaster._support import workers

if TYPE_CHECKING:
    import xarray as xr

SUMMARISED = ("exponent", "floor", "alpha")  # whose intervals a summary reports
REPORTED = (*SUMMARISED, "level", "log_break", "log_noise", "log_drift", "log_slope", "log_sharpness")
AT_ONCE = 500  # quantities whose diagnostics one process computes at a time: a second's work


def diagnosed(tree: xr.DataTree) -> pd.DataFrame:
    """One row a quantity of a posterior's ``tree``: ``curve`` (or group), ``quantity, r_hat, ess_bulk, ess_tail``.

    Rank-normalised split R-hat and bulk and tail ESS of Vehtari et al. 2021, by ArviZ.
    """
    data = tree.posterior
    names, inner, flat = [], [], []
    for name in (*REPORTED, "centre", "log_spread"):
        values = data[name].values
        flat.append(values.reshape(*values.shape[:2], -1))
        if name in REPORTED:
            names += data["curve"].values.tolist()
            inner += [name] * flat[-1].shape[-1]
        else:
            axis = data["quantity" if name == "centre" else "learned"].values
            names += np.repeat(data["group"].values, values.shape[-1]).tolist()
            inner += [f"{name}[{q}]" for _ in data["group"].values for q in axis]
    pieces = np.array_split(np.concatenate(flat, -1), -(-len(names) // AT_ONCE), -1)
    found = np.concatenate(list(workers.shared_out(_r_hat_and_ess, pieces)), -1)
    columns = dict(zip(("r_hat", "ess_bulk", "ess_tail"), found, strict=True))
    return _capped(tree, pd.DataFrame({"curve": names, "quantity": inner} | columns))


def _r_hat_and_ess(draws: np.ndarray) -> np.ndarray:
    """R-hat, bulk and tail effective size of ``draws`` [chain, draw, quantity]: [3, quantity]."""
    from arviz_stats.base.array import array_stats

    axes: dict[str, Any] = {"chain_axis": 0, "draw_axis": 1}
    with np.errstate(invalid="ignore"):  # of a quantity that is the same in all draws there is no R-hat
        r_hat = array_stats.rhat(draws, **axes)
        bulk = array_stats.ess(draws, method="bulk", **axes)
        tail = array_stats.ess(draws, method="tail", prob=(0.05, 0.95), **axes)
    return np.stack([np.atleast_1d(v) for v in (r_hat, bulk, tail)])


def _capped(tree: xr.DataTree, table: pd.DataFrame) -> pd.DataFrame:
    """Effective sizes no larger than the engine says: walkers of one sweep err together, which no chain shows."""
    stats: Any = tree["sample_stats"]
    most: dict[str, float] = {}
    for name, dim in (("hyper_ess", "group"), ("curve_ess", "curve")):
        if name in stats.data_vars:
            most |= dict(zip(stats[dim].values.tolist(), stats[name].values.tolist(), strict=True))
    cap = np.array([most.get(name, np.inf) for name in table["curve"]])
    return table.assign(**{name: np.fmin(table[name], cap) for name in ("ess_bulk", "ess_tail")})
