"""Stray runs: one that stands apart from the other runs at its size, as a failed run or a slip of the pen does.

Among repeats such a run hides: it moves the mean of its size, and what it moves it by passes for noise. So each run is
held against the others at its size, by the scatter that is usual for runs of about that size, of which the median over
sizes counts (Student's t, Bonferroni over all runs of a curve).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from forecaster.rises import FEW, LEAST, TINY

BY_CHANCE = 0.0005  # false alarms on a curve whose runs scatter normally: real ones have longer tails
NEAR = 3  # sizes whose scatter is looked at together: it changes with size
FEWEST = 3  # runs at a size, of which one can be told from the others
Runs = Float[np.ndarray, " measurement"]


class Stray(NamedTuple):
    """The run at position ``at`` of a curve's measurements; ``ratio``: its error over that of its siblings."""

    at: int
    ratio: float


def stray_runs(n: Runs, log_error: Runs) -> tuple[Stray, ...]:
    """The runs of a curve, ``n`` ascending, that stand apart from all others at their size, by size."""
    from scipy.special import stdtrit

    sizes, first, count = np.unique(n, return_index=True, return_counts=True)
    groups = [np.arange(start, start + many) for start, many in zip(first, count, strict=True)]
    variances = [np.var(log_error[rows], ddof=1) if len(rows) > 1 else np.nan for rows in groups]
    found: list[Stray] = []
    for i, rows in enumerate(groups):
        left = rows
        while len(left) >= FEWEST:
            suspect = left[np.argmax(abs(log_error[left] - np.median(log_error[left])))]
            others = left[left != suspect]
            usual, spare = _usual(np.log(sizes), np.array(variances), count, i, log_error[others])
            if spare < FEW:
                break
            off = log_error[suspect] - log_error[others].mean()
            sds = abs(off) / np.sqrt(max(usual * (1.0 + 1.0 / len(others)), TINY))
            if abs(off) <= LEAST or sds <= -stdtrit(spare, 0.5 * BY_CHANCE / len(n)):
                break
            found.append(Stray(int(suspect), float(np.exp(off))))
            left = others
    return tuple(sorted(found))


def _usual(x: np.ndarray, variances: np.ndarray, count: np.ndarray, i: int, others: np.ndarray) -> tuple[float, float]:
    """Variance of one run at size ``i``, and how many measurements tell it: the median over the sizes nearest to it.

    Of the size itself the ``others`` count, without the run that is looked at, and if they scatter more than is usual,
    they alone: nobody stands apart from a crowd that is itself apart.
    """
    spare = count - 1.0
    own = variances.copy()
    own[i], spare[i] = np.var(others, ddof=1), len(others) - 1.0
    near = np.argsort(abs(x - x[i]), kind="stable")
    near = near[np.isfinite(own[near]) & (spare[near] > 0)][:NEAR]
    middle = (1.0 - 2.0 / (9.0 * spare[near])) ** 3  # median over mean of a chi-square (Wilson & Hilferty 1931)
    typical = float(np.median(own[near] / middle))
    return max(typical, float(own[i])), float(spare[near].sum())
