"""Information of a measurement: the correlation of its result with the quantity that is sought.

The result of a candidate is simulated in every posterior draw: the curve's path at that size, the test set's sampling
error, which further runs there do not reduce, and run noise, which they do. One minus the squared correlation of the
quantity with it is the share of the quantity's variance that is left, exact where both are jointly normal; minimised,
it is V-optimal design.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from forecaster.decisions.measuring.candidates import Candidate
from forecaster.inference.posterior import Posterior
from forecaster.prediction.observation import luck, own_variance
from forecaster.prediction.paths import RESULT, curve_paths

Results = Float[np.ndarray, "draw candidate"]


def simulated_results(posterior: Posterior, candidates: Sequence[Candidate], seed: int) -> Results:
    """Mean log error of each candidate's runs in each posterior draw."""
    out = np.empty((posterior.draws, len(candidates)))
    for key, runs in dict.fromkeys((c.key, c.runs) for c in candidates):
        own = [i for i, c in enumerate(candidates) if (c.key, c.runs) == (key, runs)]
        n = np.array([candidates[i].n for i in own])
        paths = curve_paths(posterior, key, n, seed=seed)
        mean = paths.at(n)
        noise = np.sqrt(own_variance(paths, n, mean) / runs)
        z = paths.origin.stream(RESULT, runs).standard_normal(mean.shape)
        out[:, own] = mean + luck(paths, n)[0] + noise * z
    return out


def variance_left(
    quantity: Float[np.ndarray, " draw"], results: Results, known: Sequence[int] = ()
) -> Float[np.ndarray, " candidate"]:
    """Share of the quantity's variance left by each result; beside those of the ``known`` candidates, if any.

    Examples
    --------
    >>> z = np.random.default_rng(0).standard_normal((100_000, 2))
    >>> variance_left(z[:, 0], z[:, :1] + z[:, 1:]).round(2)
    array([0.5])
    """
    centred = results - results.mean(0)
    rest = quantity - quantity.mean()
    whole = float(rest @ rest)
    if not whole > 0.0:
        return np.ones(results.shape[1])
    if len(known):
        given = centred[:, list(known)]
        basis, _ = np.linalg.qr(given)
        centred, rest = centred - basis @ (basis.T @ centred), rest - basis @ (basis.T @ rest)
    power = (centred**2).sum(0)
    told = np.divide((rest @ centred) ** 2, power, out=np.zeros(len(power)), where=power > 1e-12 * len(rest))
    return np.clip((float(rest @ rest) - told) / whole, 0.0, 1.0)


def within_budget(
    quantity: Float[np.ndarray, " draw"],
    results: Results,
    cost: Float[np.ndarray, " candidate"],
    budget: float,
    first: int,
) -> list[int]:
    """Candidates in the order in which to measure them, beginning with ``first``, for as long as the budget lasts.

    Each is the one that leaves least of the variance beside those before it.
    """
    chosen, left = [first], budget - cost[first]
    while len(chosen) < results.shape[1]:
        open_ = np.flatnonzero((cost <= left) & ~np.isin(np.arange(len(cost)), chosen))
        if not len(open_):
            break
        left_over = variance_left(quantity, results[:, [*chosen, *open_]], known=range(len(chosen)))[len(chosen) :]
        best = int(open_[np.argmin(left_over)])
        chosen.append(best)
        left -= cost[best]
    return chosen
