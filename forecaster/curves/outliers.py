"""Stray runs: one that stands apart from the other runs at its size, as a failed run or a slip of the pen does.

Among repeats such a run hides: it moves the mean of its size, and what it moves it by passes for noise. So each run is
held against the others at its size, by the scatter that is usual for runs of about that size, of which the median over
sizes counts (Student's t, Bonferroni over all runs of a curve).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from forecaster.curves.repeats import means_by_size
from forecaster.curves.rises import FEW_REPEATS, LEAST_RISE, TINY, sds_of, usual_variance

BY_CHANCE = 0.0005  # false alarms on a curve whose runs scatter normally: real ones have longer tails
NEIGHBOURS = 3  # sizes whose scatter is looked at together: it changes with size
FEWEST_RUNS = 3  # runs at a size, of which one can be told from the others
Runs = Float[np.ndarray, " measurement"]


class Stray(NamedTuple):
    """The run at position ``at`` of a curve's measurements; ``ratio``: its error over that of its siblings."""

    at: int
    ratio: float


def stray_runs(n: Runs, log_error: Runs) -> tuple[Stray, ...]:
    """The runs of a curve, ``n`` ascending, that stand apart from all others at their size, by size."""
    sized = means_by_size(n, log_error)
    spare = sized.repeats - 1.0
    variances = sized.within / np.maximum(spare, 1.0)
    found: list[Stray] = []
    for i in np.flatnonzero(sized.repeats >= FEWEST_RUNS).tolist():
        left = np.flatnonzero(sized.which == i)
        while len(left) >= FEWEST_RUNS:
            suspect = left[np.argmax(abs(log_error[left] - np.median(log_error[left])))]
            others = left[left != suspect]
            variances[i], spare[i] = np.var(log_error[others], ddof=1), len(others) - 1.0
            usual, known_by = _usual(sized.x, variances, spare, i)
            off = log_error[suspect] - log_error[others].mean()
            sds = abs(off) / np.sqrt(max(usual * (1.0 + 1.0 / len(others)), TINY))
            if known_by < FEW_REPEATS or abs(off) <= LEAST_RISE or sds <= sds_of(0.5 * BY_CHANCE / len(n), known_by):
                break
            found.append(Stray(int(suspect), float(np.exp(off))))
            left = others
        variances[i], spare[i] = sized.within[i] / (sized.repeats[i] - 1.0), sized.repeats[i] - 1.0
    return tuple(sorted(found))


def _usual(x: np.ndarray, variances: np.ndarray, spare: np.ndarray, i: int) -> tuple[float, float]:
    """Variance of one run at size ``i``, and how many measurements tell it: the median over the sizes nearest to it.

    If those at the size itself scatter more than is usual, they alone: nobody stands apart from a crowd that is itself
    apart. All are [size]; at ``i`` they are of the runs beside the one that is looked at.
    """
    near = np.argsort(abs(x - x[i]), kind="stable")
    near = near[spare[near] > 0][:NEIGHBOURS]
    return max(usual_variance(variances[near], spare[near]), float(variances[i])), float(spare[near].sum())
