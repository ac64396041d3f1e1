"""Evidence against a forecast that may be looked at after every measurement: an e-process on sequential PITs.

Under the forecast, the PIT of each measurement given those before it is uniform, and independent of them. An e-value
multiplies likelihood ratios of what might have happened instead: from some measurement on, normal scores of the PITs
are shifted or spread. Averaged over shifts, spreads and starting points it has a mean of at most 1 under the forecast,
whenever one looks; that it ever reaches 1 / alpha has a chance of at most alpha (Ville's inequality; Ramdas et al.
2023, Game-theoretic statistics and safe anytime-valid inference).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.special import logsumexp, ndtri

SHIFTS = (-4.0, -2.0, -1.0, 1.0, 2.0, 4.0)  # of normal scores
SPREADS = (2.0, 4.0)  # standard deviations of normal scores
LEAST_PIT = 1e-15  # PITs nearer than this to 0 or 1 say no more
Scores = Float[np.ndarray, " point"]


class Evidence(NamedTuple):
    """After each measurement: the e-value, and from which measurement (from 0) on the forecast most likely erred."""

    e_value: Scores
    since: Int[np.ndarray, " point"]


def evidence(pit: Scores) -> Evidence:
    """The e-process of PITs in their order of arrival.

    Parameters
    ----------
    pit : array [point]
        Each in (0, 1), given the measurements before it.

    Returns
    -------
    Evidence

    Examples
    --------
    >>> import numpy as np
    >>> calm, alarmed = evidence(np.array([0.4, 0.6, 0.5])), evidence(np.array([0.4, 0.6, 0.9999999]))
    >>> bool(calm.e_value[-1] < 1 < alarmed.e_value[-1]), int(alarmed.since[-1])
    (True, 2)
    """
    z = ndtri(np.clip(np.asarray(pit, dtype=float), LEAST_PIT, 1.0 - LEAST_PIT))
    sums = np.pad(np.cumsum(log_ratios(z), 1), ((0, 0), (1, 0)))  # [alternative, point]
    start = np.arange(1, len(z) + 1)
    weight = -np.log(start * (start + 1.0))  # of starting there: they sum to 1 over all starts, future ones included
    since_start = sums[:, 1:, None] - sums[:, None, :-1]  # [alternative, now, start]
    by_start = np.where(start[:, None] >= start, weight + logsumexp(since_start, axis=0) - np.log(len(sums)), -np.inf)
    later = -np.log(start[:, None] + 1.0)  # the weight of starts that are still to come
    log_e: Any = logsumexp(np.concatenate([by_start, later], 1), axis=1)
    return Evidence(np.exp(np.minimum(log_e, 700.0)), np.argmax(by_start, axis=1))


def p_values(pit: Scores) -> Scores:
    """Two-sided p-value of each PIT; never quite 0, so that its logarithm exists."""
    return np.clip(2.0 * np.minimum(pit, 1.0 - pit), 1e-300, 1.0)


def joint_p_value(p: Scores) -> float:
    """P-value of independent ones together, by Fisher's method, for a single look."""
    from scipy.stats import chi2

    return float(chi2.sf(-2.0 * np.log(p).sum(), 2 * len(p)))


def log_ratios(z: Scores) -> Float[np.ndarray, "alternative point"]:
    """Log likelihood ratio of each alternative to the standard normal, at normal scores."""
    shifted = [shift * z - 0.5 * shift**2 for shift in SHIFTS]
    spread = [0.5 * z**2 * (1.0 - sd**-2) - np.log(sd) for sd in SPREADS]
    return np.stack([*shifted, *spread])
