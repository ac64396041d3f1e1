"""Gaps between the rungs of a ladder, by draws: which is how large, and which of them is the largest.

From the best that is known (people) to the training error: avoidable bias. From there to unseen data like the training
data: variance. From there to data like the target: mismatch. From the dev set that choices were made on to the test
set: over-use of dev (Ng, Machine Learning Yearning, chapters 20 to 22 and 40 to 43). A rung that two gaps share is the
same draw in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from forecaster.ladders.rung import NAMES, Rung

BIAS, VARIANCE, MISMATCH, OVERUSE = "avoidable bias", "variance", "data mismatch", "over-use of dev"
KINDS = (BIAS, VARIANCE, MISMATCH, OVERUSE)
DRAWS = 40_000


@dataclass(frozen=True, eq=False)
class Gap:
    """How much higher one rung is than the one before.

    ``kinds`` are the causes that lie between the two: one, or several where rungs between them are missing.
    """

    below: Rung
    above: Rung
    kinds: tuple[str, ...]
    draws: Float[np.ndarray, " draw"]

    @property
    def name(self) -> str:
        return " or ".join(self.kinds)


def gaps_of(rungs: Sequence[Rung], seed: int, count: int = DRAWS) -> list[Gap]:
    """The gaps between rungs, which are in the order of ``NAMES``."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, 41]))
    drawn = [rung.draws(rng, count) for rung in rungs]
    return [
        Gap(below, above, kinds_between(below.name, above.name), after - before)
        for (below, before), (above, after) in pairwise(zip(rungs, drawn, strict=True))
    ]


def kinds_between(below: str, above: str) -> tuple[str, ...]:
    """``("variance", "data mismatch")`` from the training to the dev error."""
    return tuple(KINDS[NAMES.index(below) : NAMES.index(above)])


def p_largest(gaps: Sequence[Gap]) -> Float[np.ndarray, " gap"]:
    """The chance that each gap is the largest; gaps that are equal share it."""
    stacked = np.stack([gap.draws for gap in gaps])
    first = stacked == stacked.max(0)
    return (first / first.sum(0)).mean(1)


def p_matters(gaps: Sequence[Gap], matter: float) -> Float[np.ndarray, " gap"]:
    """The chance that each gap is at least half of the largest, and larger than ``matter``."""
    stacked = np.stack([gap.draws for gap in gaps])
    return ((stacked >= 0.5 * stacked.max(0)) & (stacked > matter)).mean(1)
