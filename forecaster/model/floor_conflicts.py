"""Evidence on the floor that measured errors contradict: refused before any fit."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import special

from forecaster.model.design import Design

# Evidence is refused where it and an error are apart by more than chance explains, each to this level.
CONFLICT_LEVEL = 0.99


class Smallest(NamedTuple):
    """The smallest measured error of a group, and what it may be on other test cases."""

    error: float
    upper: float
    architecture: str
    n: float

    def __str__(self) -> str:
        return f"an error of {self.error:.3g} of {self.architecture} at {self.n:g}"


def smallest_error(design: Design) -> Smallest:
    """The smallest error of the group, the mean of its runs; its upper limit where the test set is known."""
    curve = min(design.curves, key=lambda c: c.y.min())
    at = int(curve.y.argmin())
    error, cases = float(np.exp(curve.y[at])), float(np.median(curve.curve.n_test))
    upper = error
    if np.isfinite(cases):
        wrong = min(error, 1.0) * cases
        upper = float(special.betaincinv(wrong + 0.5, cases - wrong + 0.5, CONFLICT_LEVEL))
    return Smallest(error, max(upper, error), curve.curve.architecture, float(np.exp(curve.x[at]).round(6)))


def contradiction(design: Design) -> str | None:
    """The evidence on the floor that a measured error contradicts, with a next step; None if there is none."""
    evidence = design.card.floor
    if not evidence:
        return None
    place, found = f"{design.domain}/{design.task}", smallest_error(design)
    if evidence.label_noise is not None:
        least = float(special.betaincinv(*evidence.label_noise.beta, 1.0 - CONFLICT_LEVEL))
        if least > found.upper:
            return (
                f"{place}: found wrong labels of {evidence.label_noise} (with {100 * CONFLICT_LEVEL:g} % confidence at "
                f"least {least:.3g}), and {found}; expected no error below the share of wrong labels, which even a "
                "model without any mistake is charged with. Check that both are of the same test set, or leave out "
                "--label-noise ([floor.label_noise] of a card)"
            )
    if evidence.stated is not None and evidence.stated.low >= found.upper:
        return (
            f"{place}: found a floor of {evidence.stated.low:g} to {evidence.stated.high:g}, and {found}, which is "
            "below it; expected a range that begins below every measured error, in their unit. Mend --floor "
            "([floor.range] of a card), or leave it out"
        )
    return None
