"""Paired runs: two curves measured with the same seeds at the same sizes, whose noise is partly shared.

Runs on one shard of the data, or from one seed, are lucky together, so the difference of two curves is known better
than either of them. The posterior takes all runs for independent. Here the correlation of paired runs is estimated from
their scatter, and what it says about the difference is added to draws of the two curves afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from forecaster.curves.learning_curves import Curve
from forecaster.curves.repeats import MOST_SIZES

FEWEST_DEGREES = 4  # degrees of freedom: fewer say nothing of a correlation
LARGEST_CORRELATION = 0.999

Sizes = Float[np.ndarray, " size"]


@dataclass(frozen=True, eq=False)
class Pairing:
    """Runs of two curves with one size and seed, by size: ascending ``n``, how many, and the ``gap`` between them.

    ``gap`` is the mean over paired runs of the second curve's log error minus the first one's; ``correlation`` that of
    the noise of two paired runs.
    """

    n: Sizes
    runs: Int[np.ndarray, " size"]
    gap: Sizes
    correlation: float

    @property
    def count(self) -> int:
        """How many pairs of runs there are."""
        return int(self.runs.sum())


def pairing(one: Curve, other: Curve) -> Pairing | None:
    """The paired runs of two curves; None where seeds are not named, are not shared, or share no noise.

    The correlation is taken one standard error below its estimate (Fisher's z), so that chance does not narrow
    intervals: from the scatter of runs around their mean at each size, or, of single runs, around the line through the
    two neighbouring sizes.
    """
    first, second = _by_run(one), _by_run(other)
    shared = sorted(first.keys() & second.keys())
    if not shared or max(len(np.unique(c.n)) for c in (one, other)) > MOST_SIZES:
        return None
    n, where, runs = np.unique([size for size, _ in shared], return_inverse=True, return_counts=True)
    y = np.array([[curve[key] for key in shared] for curve in (first, second)])
    means = np.stack([np.bincount(where, row) / runs for row in y])
    freedom = float(np.sum(runs - 1))
    off = y - means[:, where]
    if freedom < FEWEST_DEGREES:
        off, freedom = _beside_neighbours(np.log(n), means)
    correlation = _lower(off, freedom)
    return Pairing(n, runs, means[1] - means[0], correlation) if correlation > 0 else None


def _by_run(curve: Curve) -> dict[tuple[float, str], float]:
    """Log error by size and seed, of runs whose seed is named; means where one is named twice."""
    found: dict[tuple[float, str], list[float]] = {}
    for n, seed, error in zip(curve.n.tolist(), curve.seed or (), curve.error.tolist(), strict=False):
        if seed:
            found.setdefault((n, seed), []).append(float(np.log(error)))
    return {key: float(np.mean(values)) for key, values in found.items()}


def _beside_neighbours(x: Sizes, y: Float[np.ndarray, "two size"]) -> tuple[Float[np.ndarray, "two inner"], float]:
    """Each size's distance from the line through its neighbours; neighbouring distances share points, so count half."""
    if len(x) < 3:
        return np.zeros((2, 0)), 0.0
    share = (x[1:-1] - x[:-2]) / (x[2:] - x[:-2])
    return y[:, 1:-1] - (1.0 - share) * y[:, :-2] - share * y[:, 2:], 0.5 * (len(x) - 2)


def _lower(off: Float[np.ndarray, "two run"], freedom: float) -> float:
    """The correlation of two rows of deviations less a standard error, between 0 and ``LARGEST_CORRELATION``."""
    power = np.sqrt((off[0] @ off[0]) * (off[1] @ off[1]))
    if freedom < FEWEST_DEGREES or not power > 0:
        return 0.0
    found = np.clip(off[0] @ off[1] / power, -LARGEST_CORRELATION, LARGEST_CORRELATION)
    z = np.arctanh(found) - 1.0 / np.sqrt(freedom - 1.0)
    return float(np.tanh(max(z, 0.0)))


def given_gap(
    states: Float[np.ndarray, "state draw"],
    gap: Float[np.ndarray, "size draw"],
    observed: Sizes,
    variance: Sizes,
    rng: np.random.Generator,
) -> Float[np.ndarray, "state draw"]:
    """Draws of ``states``, given an observation of ``gap`` with independent noise of this ``variance`` by size.

    Each draw is moved by the regression of the states on the gap, times the observation (with noise of its own) less
    the draw's gap: exact where all are normal (the ensemble Kalman filter with perturbed observations; Burgers, van
    Leeuwen and Evensen 1998, doi:10.1175/1520-0493(1998)126<1719:ASITEK>2.0.CO;2).
    """
    centred = gap - gap.mean(1, keepdims=True)
    spread = centred @ centred.T / (gap.shape[1] - 1) + np.diag(variance)
    cross = (states - states.mean(1, keepdims=True)) @ centred.T / (gap.shape[1] - 1)
    seen = observed[:, None] + np.sqrt(variance)[:, None] * rng.standard_normal(gap.shape)
    return states + cross @ np.linalg.solve(spread, seen - gap)


def more_known(one: Sizes, other: Sizes, runs: Int[np.ndarray, " size"], correlation: float) -> Sizes:
    """Variance of an observation of the gap that is worth what pairing adds to independent runs.

    ``one`` and ``other`` are variances of single runs by size. Precisions add: that of the gap of paired runs is that
    of independent ones plus this one's.
    """
    apart = one + other
    together = apart - 2.0 * correlation * np.sqrt(one * other)
    return apart * together / np.maximum(apart - together, 1e-300) / runs
