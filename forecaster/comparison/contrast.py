"""Two quantities drawn together, such as exponents: their difference, its sign, and whether it matters.

Verdicts use a region of practical equivalence (Kruschke 2018, doi:10.1177/2515245918771304). The overlap of the two
marginal posteriors stands beside them and decides nothing: quantities that share a hierarchy may overlap widely and yet
be ordered with near certainty.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

from forecaster.comparison.overlap import overlap
from forecaster.results.columns import GIVEN_LEVEL, Column, interval

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


def columns_of(name: str, what: str, rope: str, paired: str = ", paired by draw") -> tuple[Column, ...]:
    """The columns of a contrast of ``name`` (``exponent``), which is ``what``; ``rope`` says what counts as equal."""
    return (
        *interval(f"{name}_a", "number", f"{what} of a", terminal=False),
        *interval(f"{name}_b", "number", f"{what} of b", terminal=False),
        *interval("difference", "number", f"that of a minus that of b{paired}"),
        GIVEN_LEVEL,
        Column("overlap", "share", "overlap coefficient of the two densities (1 the same, 0 disjoint); decides nothing"),
        Column("p_steeper", "chance", "chance that a's is larger"),
        Column("p_equal", "chance", f"chance that they are practically equal: {rope}"),
        Column("p_clearly_steeper", "chance", "chance that a's is larger by more than that", terminal=False),
        Column("p_clearly_shallower", "chance", "chance that a's is smaller by more than that", terminal=False),
        Column("verdict", "text", f"`{A_STEEPER}`, `{B_STEEPER}`, `{EQUAL}`, `{UNDECIDED}`"),
        Column("decide_at", "share", "probability that a verdict needs", terminal=False, given=True),
        Column("rope", "ratio", "the region of practical equivalence", given=True),
    )


def exponents(log_a: Draws, log_b: Draws, rope: float, level: float, decide_at: float) -> dict[str, Any]:
    """Two exponents, given their logs: equal where their ratio is within ``1 + rope`` either way."""
    row = of_interval("exponent_a", np.exp(log_a), level) | of_interval("exponent_b", np.exp(log_b), level)
    row |= contrast(log_a, log_b, float(np.log1p(rope)), level=level, decide_at=decide_at, shown=np.exp)
    return row | {"rope": rope}


def slopes(slope_a: Draws, slope_b: Draws, rope: float, level: float, decide_at: float) -> dict[str, Any]:
    """Two effective slopes: equal where ten times the data changes the ratio of the errors by at most ``rope``.

    A relative difference, as for exponents, would say nothing where a curve is flat.
    """
    row = of_interval("slope_a", slope_a, level) | of_interval("slope_b", slope_b, level)
    row |= contrast(slope_a, slope_b, float(np.log1p(rope) / np.log(10.0)), level=level, decide_at=decide_at)
    return row | {"rope": rope}


OF_EXPONENTS = columns_of("exponent", "exponent", "their ratio is within `rope` either way")
SLOPE = "effective slope (the error falls as n to the power of minus this) between `n_from` and `n`"
OF_SLOPES = columns_of("slope", SLOPE, "ten times the data changes the ratio of the errors by at most `rope`")
