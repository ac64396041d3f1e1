"""Numbers that a caller gave, checked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from forecaster.errors import RequestError


def positive(name: str, given: float | Sequence[float] | np.ndarray, example: str) -> Float[np.ndarray, " given"]:
    """One number or several as an array; RequestError for none of them, or one that is not above 0, or infinite."""
    numbers = np.atleast_1d(np.asarray(given, dtype=float))
    wrong = numbers[~(np.isfinite(numbers) & (numbers > 0))]
    if numbers.size == 0 or wrong.size:
        found = f"{wrong[0]:g}" if wrong.size else "none"
        raise RequestError(f"{name}: found {found}; expected a number above 0, such as {example}")
    return numbers


def number_or_text(text: str) -> int | float | str:
    """The whole number or decimal that a text is; else the text.

    Examples
    --------
    >>> number_or_text("64"), number_or_text("1e-3"), number_or_text("adam")
    (64, 0.001, 'adam')
    """
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text
