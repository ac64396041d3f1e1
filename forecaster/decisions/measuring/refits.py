"""Refits: what a measurement would leave, from fits to simulated results.

Each result is added to the measurements as runs of its candidate, and all are fitted anew in one batch. The results are
those of posterior draws at evenly spaced quantiles, so few of them stand for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from forecaster.curves.learning_curves import KEYS, LEAST_CASES, Group
from forecaster.decisions.measuring.candidates import Candidate
from forecaster.decisions.measuring.goal import Sought
from forecaster.inference.fit import Progress, refit
from forecaster.inference.posterior import Posterior
from forecaster.prediction import observation
from forecaster.prediction.paths import curve_paths

OUTCOMES = 16  # results of each candidate that are fitted
FEWEST_REFITS = 8  # of them whose fits must be trusted
LARGEST_SHARE = 0.999  # an error of 1 would read as no share of cases, as would one below half a case


class Refitted(NamedTuple):
    """The share of the quantity's variance left by a measurement, and its interval's width: medians over results.

    ``means`` are the means of the quantity's scores given each result: on average those of today.
    """

    var_left: float
    width: float
    means: Float[np.ndarray, " outcome"]


def refitted(
    posterior: Posterior,
    candidates: Sequence[Candidate],
    results: Float[np.ndarray, "draw candidate"],
    quantity: Sought,
    *,
    outcomes: int = OUTCOMES,
    level: float,
    seed: int,
    on_progress: Progress | None = None,
) -> list[Refitted | None]:
    """The variance that each candidate's measurement leaves, by refits; None if too few of them can be trusted.

    ``results`` are the simulated mean log errors of these candidates.
    """
    group = candidates[0].key.group
    added = {}
    for c, one in enumerate(candidates):
        order = np.argsort(results[:, c], kind="stable")
        drawn = order[((np.arange(outcomes) + 0.5) / outcomes * len(order)).astype(int)]
        for k, i in enumerate(drawn):
            added[c, k] = _runs(posterior, one, int(i), float(results[i, c]), seed)
    tables, like = [], {}
    for (c, k), rows in added.items():
        task = f"{group[1]} #{c}.{k}"
        tables.append(pd.concat([_own(posterior, group), rows]).assign(task=task))
        like[(group[0], task)] = group
    together = pd.concat(tables, ignore_index=True).sort_values([*KEYS, "n"], kind="stable")
    curves = posterior.curves.with_rows(together)
    after = refit(posterior, curves, like, seed=seed, on_progress=on_progress)
    now = quantity.scores(quantity.values)
    found: list[Refitted | None] = []
    for c in range(len(candidates)):
        names = [f"{group[1]} #{c}.{k}" for k in range(outcomes)]
        kept = [] if after is None else [task for task in names if (group[0], task) in after.groups]
        if after is None or len(kept) < min(FEWEST_REFITS, outcomes):
            found.append(None)
            continue
        values = [quantity.of(after, task) for task in kept]
        scores = [quantity.scores(one) for one in values]
        left = float(np.mean([one.var() for one in scores]) / now.var())
        width = float(np.median([quantity.width(one, level) for one in values]))
        found.append(Refitted(left, width, np.array([one.mean() for one in scores])))
    return found


def _own(posterior: Posterior, group: Group) -> pd.DataFrame:
    """The measurements of the group."""
    table: Any = posterior.curves.table
    return table[(table["domain"] == group[0]) & (table["task"] == group[1])]


def _runs(posterior: Posterior, candidate: Candidate, draw: int, mean: float, seed: int) -> pd.DataFrame:
    """Rows of a candidate's runs, whose mean log error is ``mean``, with the run noise of a draw."""
    n = np.array([candidate.n])
    paths = curve_paths(posterior, candidate.key, n, seed=seed)
    sd = float(np.sqrt(observation.own_variance(paths, n, paths.at(n))[draw, 0]))
    apart = np.random.default_rng((seed, draw)).standard_normal(candidate.runs)
    table: Any = _own(posterior, candidate.key.group)
    last = table[table["architecture"] == candidate.key.architecture].iloc[[-1]]
    rows = pd.concat([last] * candidate.runs)
    error = np.exp(mean + sd * (apart - apart.mean()))
    if candidate.key.group in posterior.of_shares:
        fewest = LEAST_CASES / observation.cases(paths.curve) if paths.curve is not None else np.nan
        error = np.clip(error, np.nan_to_num(fewest), LARGEST_SHARE)
    rows = rows.assign(n=candidate.n, error=error)
    if "repeats" in rows:
        rows = rows.assign(repeats=1.0)
    if "seed" in rows:
        rows = rows.assign(seed=[f"simulated {k}" for k in range(candidate.runs)])
    return rows
