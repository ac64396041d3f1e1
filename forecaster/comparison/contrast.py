"""Two quantities drawn together, such as exponents: their difference, its sign, and whether it matters.

Verdicts use a region of practical equivalence (Kruschke 2018, doi:10.1177/2515245918771304). The overlap of the two
marginal posteriors stands beside them and decides nothing: quantities that share a hierarchy may overlap widely and yet
be ordered with near certainty.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from forecaster.comparison.overlap import overlap
from forecaster.results.columns import GIVEN_LEVEL, Column, interval

PAIRED = ", paired by draw"
SLOPE = "effective slope (the error falls as n to the power of minus this) between `n_from` and `n`"
A_STEEPER, B_STEEPER, EQUAL, UNDECIDED = "A steeper", "B steeper", "practically equal", "undecided"

Draws = Float[np.ndarray, " draw"]


def of_interval(name: str, draws: Draws, level: float) -> dict[str, float]:
    """Median and equal-tailed interval under three names; order statistics where draws are infinite."""
    method = "linear" if np.isfinite(draws).all() else "inverted_cdf"
    low, middle, high = np.quantile(draws, (0.5 - level / 2, 0.5, 0.5 + level / 2), method=method).tolist()
    return {name: middle, f"{name}_lower": low, f"{name}_upper": high}


def share(positive: Draws) -> float:
    """Share of draws above zero; ties count half, so that a pair may change places."""
    return float(np.mean(positive > 0) + 0.5 * np.mean(positive == 0))


def contrast(
    one: Draws,
    other: Draws,
    close: float,
    *,
    level: float,
    decide_at: float,
    shown: Callable[[Draws], Draws] = lambda draws: draws,
) -> dict[str, Any]:
    """The difference of two quantities, on the scale on which it is judged; ``shown`` turns it into the one of tables.

    Those whose difference is at most ``close`` count as equal; a verdict needs the probability ``decide_at``.
    """
    gap = one - other
    steeper, shallower = np.mean(gap > close), np.mean(gap < -close)
    equal = 1.0 - steeper - shallower
    return of_interval("difference", shown(one) - shown(other), level) | {
        "level": level,
        "overlap": overlap(one, other),
        "p_steeper": share(gap),
        "p_equal": float(equal),
        "p_clearly_steeper": float(steeper),
        "p_clearly_shallower": float(shallower),
        "verdict": _verdict(steeper, equal, shallower, decide_at),
        "decide_at": decide_at,
    }


def _verdict(steeper: float, equal: float, shallower: float, decide_at: float) -> str:
    if equal >= decide_at:
        return EQUAL
    if steeper >= decide_at:
        return A_STEEPER
    return B_STEEPER if shallower >= decide_at else UNDECIDED


def columns_of(name: str, what: str, rope: str, paired: str) -> tuple[Column, ...]:
    """The columns of a contrast of ``name`` (``exponent``), which is ``what``; ``rope`` says what counts as equal."""
    return (
        *interval(f"{name}_a", "number", f"{what} of a", terminal=False),
        *interval(f"{name}_b", "number", f"{what} of b", terminal=False),
        *interval("difference", "number", f"that of a minus that of b{paired}"),
        GIVEN_LEVEL,
        Column("overlap", "share", "overlap of the two densities (1 the same, 0 disjoint), which decides nothing"),
        Column("p_steeper", "chance", "chance that a's is larger"),
        Column("p_equal", "chance", f"chance that they are practically equal: {rope}"),
        Column("p_clearly_steeper", "chance", "chance that a's is larger by more than that", terminal=False),
        Column("p_clearly_shallower", "chance", "chance that a's is smaller by more than that", terminal=False),
        Column("verdict", "text", f"`{A_STEEPER}`, `{B_STEEPER}`, `{EQUAL}`, `{UNDECIDED}`"),
        Column("decide_at", "share", "probability that a verdict needs", terminal=False, given=True),
        Column("rope", "ratio", "the region of practical equivalence", given=True),
    )


class Quantity(NamedTuple):
    """One curve's exponent or slope: draws on the scale on which it is judged, and median and interval as shown."""

    draws: Draws
    shown: tuple[float, float, float]

    def named(self, name: str) -> dict[str, float]:
        """The median and the ends of the interval under their names."""
        return dict(zip((name, f"{name}_lower", f"{name}_upper"), self.shown, strict=True))


def quantity(draws: Draws, level: float, shown: Callable[[Draws], Draws] = lambda draws: draws) -> Quantity:
    """Draws on the scale on which they are judged; ``shown`` turns them into those of tables."""
    middle, low, high = of_interval("", shown(draws), level).values()
    return Quantity(draws, (middle, low, high))


def exponents(log_a: Quantity, log_b: Quantity, rope: float, level: float, decide_at: float) -> dict[str, Any]:
    """Two exponents, given their logs: equal where their ratio is within ``1 + rope`` either way."""
    row = log_a.named("exponent_a") | log_b.named("exponent_b")
    close = float(np.log1p(rope))
    row |= contrast(log_a.draws, log_b.draws, close, level=level, decide_at=decide_at, shown=np.exp)
    return row | {"rope": rope}


def slopes(slope_a: Quantity, slope_b: Quantity, rope: float, level: float, decide_at: float) -> dict[str, Any]:
    """Two effective slopes: equal where ten times the data changes the ratio of the errors by at most ``rope``.

    A relative difference, as for exponents, would say nothing where a curve is flat.
    """
    row = slope_a.named("slope_a") | slope_b.named("slope_b")
    close = float(np.log1p(rope) / np.log(10.0))
    row |= contrast(slope_a.draws, slope_b.draws, close, level=level, decide_at=decide_at)
    return row | {"rope": rope}


def of_exponents(paired: str = PAIRED) -> tuple[Column, ...]:
    """The columns of :func:`exponents`."""
    return columns_of("exponent", "exponent", "their ratio is within `rope` either way", paired)


def of_slopes(paired: str = PAIRED) -> tuple[Column, ...]:
    """The columns of :func:`slopes`, beside the two sizes."""
    return columns_of("slope", SLOPE, "ten times the data changes the ratio of the errors by at most `rope`", paired)
