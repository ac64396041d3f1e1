"""Convergence of an ensemble: autocorrelation with the start, effective sample size, R-hat.

Walkers of one chain share particles and candidates, so their errors are correlated within a sweep and between sweeps.
The draws of a single walker do not show this, and neither do ArviZ's diagnostics. The means over a chain's walkers do,
from sweep to sweep and from chain to chain: effective sample sizes are computed from these.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class Memory(NamedTuple):
    """Autocorrelation of the walkers with their start, as the product of the correlations from sweep to sweep.

    The direct correlation of the two ends would be noisy where the start has few distinct walkers.
    """

    last: tuple[Float[np.ndarray, "row walker d"], ...]  # of each chain
    left: Float[np.ndarray, "row d"]

    @classmethod
    def fresh(cls, chains: tuple[Float[np.ndarray, "row walker d"], ...]) -> Memory:
        """At the start."""
        return cls(chains, np.ones_like(chains[0][:, 0]))

    def after(self, chains: tuple[Float[np.ndarray, "row walker d"], ...]) -> Memory:
        """One sweep later."""
        step = np.mean([correlation(a, b) for a, b in zip(self.last, chains, strict=True)], 0)
        return Memory(chains, self.left * np.abs(step))


def correlation(
    a: Float[np.ndarray, "row walker d"], b: Float[np.ndarray, "row walker d"]
) -> Float[np.ndarray, "row d"]:
    """Over walkers; one where none moves."""
    a, b = (v - v.mean(1, keepdims=True) for v in (a, b))
    size = np.sqrt((a * a).sum(1) * (b * b).sum(1))
    return np.where(size > 0, (a * b).sum(1) / np.where(size > 0, size, 1.0), 1.0)


def effective_sizes(draws: Float[np.ndarray, "sweep chain row walker d"]) -> Float[np.ndarray, "row d"]:
    """Effective sample size of the mean of each quantity over ``draws``.

    Compares the variance of the draws with that of a chain's means between sweeps, whose autocorrelation is summed by
    Geyer's initial positive sequence (1992, doi:10.1214/ss/1177011137). Noisy, and biased upwards for few sweeps: by a
    factor of 1.6 to 3 (median) after three, 1.2 to 1.6 after twenty.
    """
    sweeps, chains, _, walkers, _ = draws.shape
    means = draws.mean(3)
    off = means - means.mean((0, 1))
    lagged = np.array([(off[: sweeps - lag] * off[lag:]).sum((0, 1)) for lag in range(sweeps)]) / (sweeps * chains)
    lagged = np.concatenate([lagged, np.zeros((sweeps % 2, *lagged.shape[1:]))])
    pairs = lagged[::2] + lagged[1::2]
    positive = np.logical_and.accumulate(pairs > 0, 0)
    at_once = np.maximum(lagged[0], 1e-300)
    time = np.maximum((2.0 * pairs * positive).sum(0) / at_once - 1.0, 1.0 / sweeps)  # autocorrelation time in sweeps
    count = sweeps * chains
    # Deviations from a mean of count / time effective values are too small by that share.
    error = at_once * time / np.maximum(count - time, 1.0)
    spread = draws.var((0, 1, 3))
    size = np.where(spread > 0, np.maximum(spread, 1e-300) / error, 1.0)
    return np.minimum(size, count * walkers)


def typical(sizes: Float[np.ndarray, "row d"]) -> Float[np.ndarray, " row"]:
    """Harmonic mean over a row's quantities: less noisy than the smallest, but it may hide one that mixes slowly."""
    return 1.0 / np.mean(1.0 / sizes, -1)


def r_hat(draws: Float[np.ndarray, "row chain draw d"]) -> Float[np.ndarray, " row"]:
    """The largest R-hat (Gelman & Rubin 1992) of each row's quantities, unsplit: these chains have no trend.

    The same as ArviZ's (method "identity"), which takes 3 to 30 times as long and seconds to import.
    """
    count = draws.shape[2]
    between, within = draws.mean(2).var(1, ddof=1), draws.var(2, ddof=1).mean(1)
    return np.sqrt((count - 1) / count + between / np.maximum(within, 1e-300)).max(-1)
