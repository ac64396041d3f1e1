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
TAILS = (0.05, 0.95)  # as published; ArviZ's default is its ``stats.ci_prob``, 11 and 89 %: tails seen less far out
AT_ONCE = 500  # quantities whose diagnostics one process computes at a time: a second's work


def diagnostics(tree: xr.DataTree) -> pd.DataFrame:
    """How well the draws of a posterior's ``tree`` mix, one row a quantity of a curve or of a (domain, task).

    Columns: ``curve`` (label of the curve or of the domain and task), ``quantity``, ``r_hat``, ``ess_bulk``,
    ``ess_tail`` (rank-normalised split R-hat, bulk and tail ESS of Vehtari et al. 2021, by ArviZ: ``az.rhat``,
    ``az.ess(method="bulk")`` and ``az.ess(method="tail", prob=(0.05, 0.95))``) and
    ``ess_curve``: how many independent draws the fast engine says the whole curve (or group) is worth, NaN of other
    engines. Its chains are made of particles that are moved together, so that they share errors which no comparison
    within or between chains shows; what is independent is the smallest of the three.
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
            names += np.repeat(data["domain_task"].values, values.shape[-1]).tolist()
            inner += [f"{name}[{q}]" for _ in data["domain_task"].values for q in axis]
    pieces = np.array_split(np.concatenate(flat, -1), -(-len(names) // AT_ONCE), -1)
    found = np.concatenate(list(workers.shared_out(_r_hat_and_ess, pieces)), -1)
    columns = dict(zip(("r_hat", "ess_bulk", "ess_tail"), found, strict=True))
    said = _engine_says(tree)
    whole = [said.get(name, np.nan) for name in names]
    return pd.DataFrame({"curve": names, "quantity": inner} | columns | {"ess_curve": whole})


def _r_hat_and_ess(draws: np.ndarray) -> np.ndarray:
    """R-hat, bulk and tail effective size of ``draws`` [chain, draw, quantity]: [3, quantity]."""
    from arviz_stats.base.array import array_stats

    axes: dict[str, Any] = {"chain_axis": 0, "draw_axis": 1}
    with np.errstate(invalid="ignore"):  # of a quantity that is the same in all draws there is no R-hat
        r_hat = array_stats.rhat(draws, **axes)
        bulk = array_stats.ess(draws, method="bulk", **axes)
        tail = array_stats.ess(draws, method="tail", prob=TAILS, **axes)
    return np.stack([np.atleast_1d(v) for v in (r_hat, bulk, tail)])


def _engine_says(tree: xr.DataTree) -> dict[str, float]:
    """The engine's own effective sample size by curve and by group, where it has one."""
    stats: Any = tree["sample_stats"]
    said: dict[str, float] = {}
    for name, dim in (("hyper_ess", "domain_task"), ("curve_ess", "curve")):
        if name in stats.data_vars:
            said |= dict(zip(stats[dim].values.tolist(), stats[name].values.tolist(), strict=True))
    return said
