"""To what numbers curves and sizes are padded, so that one compiled program serves many data sets."""

from __future__ import annotations

from collections.abc import Sequence

WIDTHS = (1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32, 48, 64)  # curves that run together
LENGTHS = (8, 12, 16, 20, 24, 28, *range(32, 64, 8), 64, 80, 96)  # sizes a curve


def padded_to(value: int, steps: Sequence[int]) -> int:
    """The smallest of ``steps`` that holds ``value``, or the next multiple of the largest."""
    return next((s for s in steps if s >= value), -(-value // steps[-1]) * steps[-1])
