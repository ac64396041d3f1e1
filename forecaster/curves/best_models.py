"""Curves of best models: at each training-set size the best of several model sizes (Hestness et al. 2017, section 4).

Their errors follow a power law with another exponent, and less of a floor, than those of one model on more data.
"""

from __future__ import annotations

import numpy as np

from forecaster._support.frames import Table

ALIKE = 1.02  # ratio of parameter counts up to which a model counts as the same
TUNED = {"true", "1", "yes", "tuned"}  # cells of a column ``tuned``


def said_tuned(table: Table) -> bool:
    """Whether a column ``tuned`` says so of every row."""
    return "tuned" in table and set(table["tuned"].astype(str).str.strip().str.lower()) <= TUNED


def one_model(params: Table) -> bool:
    """One number of parameters all along."""
    return bool(params.max() <= ALIKE * params.min())


def grows(n: Table, params: Table) -> bool:
    """One number of parameters at each size, never smaller with more data."""
    by_size = params.groupby(np.asarray(n)).agg(["min", "max"])
    one_each = bool((by_size["max"] <= ALIKE * by_size["min"]).all())
    largest = by_size["max"].to_numpy()
    return one_each and bool((largest[1:] * ALIKE >= np.maximum.accumulate(largest)[:-1]).all())


def of_best_models(table: Table) -> bool:
    """Whether the rows of one curve are those of best models: marked ``tuned``, or by their ``params``."""
    if said_tuned(table):
        return True
    if "params" not in table or table["params"].isna().any():
        return False
    return not one_model(table["params"]) and grows(table["n"], table["params"])
