"""Chances by option: which architecture is best at a size, and whether it reaches a target."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from forecaster._support.frames import Table
from forecaster.curves.learning_curves import Group
from forecaster.inference.posterior import Posterior
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.forecast import POINT_KEYS, Forecast, log_errors
from forecaster.prediction.requirement import Requirement
from forecaster.prediction.set_aside import NOTE
from forecaster.results.columns import CURVE, GIVEN_LEVEL, Column, Columns, interval, size

EQUAL = 1e-12  # relative difference up to which a size is enough for a need
OPTIONS = Columns(
    "a size and architecture",
    CURVE,
    size(),
    interval("yhat", "error", "posterior median of the error, and its equal-tailed interval"),
    GIVEN_LEVEL,
    Column(
        "p_best",
        "chance",
        "chance of the lowest error of all measured architectures of the group, and those in the table, at that size",
    ),
    Column("p_target", "chance", "chance that the target is reached by that size"),
    NOTE,
)


def options_table(found: Forecast) -> pd.DataFrame:
    """One row a size and architecture, smallest size first, best forecast first within a size.

    Its columns are ``OPTIONS`` but for ``p_target``, which :func:`reaching` adds.
    """
    table: Table = found.table[[*POINT_KEYS, "yhat", "yhat_lower", "yhat_upper", "level"]].copy()
    if "note" in found.table:
        table["note"] = found.table["note"]
    table["p_best"] = lowest_rows(found).mean(1)
    return table.sort_values(["domain", "task", "n", "yhat"], ignore_index=True)


def reaching(table: Table, need: Requirement) -> pd.DataFrame:
    """A table of options with the chance that each size is enough for the (one) target of a requirement."""
    assert need.draws is not None
    curves = need.table[POINT_KEYS[:-1]].itertuples(index=False, name=None)
    needed = dict(zip(curves, need.draws.values.reshape(-1, len(need.table)).T, strict=True))
    rows = zip(*(table[name] for name in POINT_KEYS), strict=True)
    reached = [float(np.mean(needed[row[:-1]] <= row[-1] * (1.0 + EQUAL))) for row in rows]
    return table.assign(p_target=reached)[[name for name in OPTIONS.names if name in {*table, "p_target"}]]


def lowest_rows(found: Forecast) -> Float[np.ndarray, "row draw"]:
    """1 in each draw in which a row of a forecast has the lowest error of its group and size, shared among ties."""
    assert found.posterior is not None
    out = np.zeros((len(found.table), found.posterior.draws))  # nothing for curves that cannot be forecast
    groups: Any = found.table.groupby(["domain", "task", "kind"]).indices
    for (domain, task, kind), rows in groups.items():
        rows = rows[np.isfinite(found.table["yhat"].to_numpy()[rows])]
        sizes, at = np.unique(found.table["n"].to_numpy(dtype=float)[rows], return_inverse=True)
        names = found.table["architecture"].to_numpy()[rows]
        held, lowest = lowest_at(found.posterior, (domain, task), sizes, names, kind=kind, seed=found.seed)
        for row, name, i in zip(rows, names, at, strict=True):
            out[row] = lowest[held.index(name), :, i]
    return out


def lowest_at(
    posterior: Posterior,
    group: Group,
    sizes: Float[np.ndarray, " size"],
    others: Iterable[str] = (),
    *,
    kind: str = "mean",
    seed: int = 0,
) -> tuple[list[str], Float[np.ndarray, "architecture draw size"]]:
    """The measured architectures of a group, and ``others``; and 1 where one has the lowest error, shared among ties.

    Every question that names the best asks here: the mean over draws is the chance of being the best.
    """
    names = list(dict.fromkeys([*posterior.designs[group].architectures, *others]))
    errors = np.stack([log_errors(posterior, CurveKey(*group, name), sizes, kind, seed) for name in names])
    lowest = errors == errors.min(0)
    return names, lowest / lowest.sum(0)
