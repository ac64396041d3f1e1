"""How well many walkers mix: how much of the start they remember, and how many independent draws they are worth.

Walkers of one chain share clouds and candidates, so that those of one sweep err together, and what a sweep got wrong
the next remembers in part. Neither shows in the draws of one walker. Both show in the means of a chain's walkers, from
sweep to sweep and from chain to chain: those are what effective numbers are taken from.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

Array = Any  # a NumPy array; docstrings name its axes


LEAST_ESS = 100.0  # effective draws of hyper-parameters and of each curve, below which they are not kept
REMEMBERED = 0.3  # correlation with the start above which draws are not kept
APART = 1.05  # R-hat of the chains above which they are not kept either


class Memory(NamedTuple):
    """Correlation of where walkers are with where they began, as the product of those from sweep to sweep.

    (That of both ends themselves would be as noisy as the start has few different walkers.)
    """

    last: list[Array]  # of each chain, [row, walker, quantity]
    left: Array  # [row, quantity]

    @classmethod
    def fresh(cls, chains: list[Array]) -> Memory:
        return cls(chains, np.ones_like(chains[0][:, 0]))

    def after(self, chains: list[Array]) -> Memory:
        """One sweep later."""
        step = np.mean([correlation(a, b) for a, b in zip(self.last, chains, strict=True)], 0)
        return Memory(chains, self.left * np.abs(step))


def correlation(a: Array, b: Array) -> Array:
    """Over the walkers of [row, walker, quantity]; one that never moves is remembered whole: [row, quantity]."""
    a, b = (v - v.mean(1, keepdims=True) for v in (a, b))
    size = np.sqrt((a * a).sum(1) * (b * b).sum(1))
    return np.where(size > 0, (a * b).sum(1) / np.where(size > 0, size, 1.0), 1.0)


def effective(draws: Array) -> Array:
    """Independent draws that the mean over ``draws`` [sweep, chain, row, walker, quantity] is worth: [row].

    The variance of a chain's means between sweeps, with their autocorrelation as far as Geyer's initial positive
    sequence goes (1992, doi:10.1214/ss/1177011137), against that of the draws; of a row's quantities the harmonic mean,
    which is less noisy than the smallest.
    """
    sweeps, chains, _, walkers, _ = draws.shape
    means = draws.mean(3)
    off = means - means.mean((0, 1))
    lagged = np.array([(off[: sweeps - lag] * off[lag:]).sum((0, 1)) for lag in range(sweeps)]) / (sweeps * chains)
    lagged = np.concatenate([lagged, np.zeros((sweeps % 2, *lagged.shape[1:]))])
    pairs = lagged[::2] + lagged[1::2]
    positive = np.logical_and.accumulate(pairs > 0, 0)
    at_once = np.maximum(lagged[0], 1e-300)
    time = np.maximum((2.0 * pairs * positive).sum(0) / at_once - 1.0, 1.0 / sweeps)  # sweeps to an independent one
    count = sweeps * chains
    # Deviations from the mean of means that are themselves worth count / time are too small by that share.
    error = at_once * time / np.maximum(count - time, 1.0)
    spread = draws.var((0, 1, 3))
    worth = np.where(spread > 0, np.maximum(spread, 1e-300) / error, 1.0)
    return 1.0 / np.mean(1.0 / np.minimum(worth, count * walkers), -1)


def r_hat(draws: Array) -> Array:
    """The largest R-hat (Gelman & Rubin 1992) of each row's quantities [row, chain, draw, quantity]: [row].

    Unsplit: these chains have no trend.
    """
    count = draws.shape[2]
    between, within = draws.mean(2).var(1, ddof=1), draws.var(2, ddof=1).mean(1)
    return np.sqrt((count - 1) / count + between / np.maximum(within, 1e-300)).max(-1)
