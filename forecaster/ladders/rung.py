"""A rung: an error measured on cases of one kind, and what may be believed of it.

Wrong cases of all are binomial: with the prior of Jeffreys the rate has a Beta posterior, whose intervals hold close to
their level averaged over rates (Brown, Cai and DasGupta 2001). A mean loss over cases with a standard deviation is
normal; its posterior is Student's. A number without cases is taken as exact.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from forecaster.errors import OptionError

HUMAN, TRAIN, TRAIN_DEV, DEV, TEST = "human", "train", "train-dev", "dev", "test"
NAMES = (HUMAN, TRAIN, TRAIN_DEV, DEV, TEST)
Given = str | float | Sequence[float]
EXPECTED = (
    "a rate, a rate and its cases, or wrong cases of all, such as 0.08, 0.08:2000 or 160/2000; of a loss the mean, the "
    "sd over cases and the cases, such as 2.31:1.2:2000"
)


@dataclass(frozen=True)
class Rung:
    """An error on cases of one kind.

    Attributes
    ----------
    name : str
        One of ``NAMES``.
    error : float
        The rate or mean loss that was measured.
    cases : float
        How many cases it was measured on; infinite: it is exact.
    sd : float or None
        Of the loss over cases; None for a rate.
    """

    name: str
    error: float
    cases: float = math.inf
    sd: float | None = None

    @property
    def of_loss(self) -> bool:
        """Whether its value shows that it is no share of cases."""
        return self.sd is not None or self.error > 1.0

    def interval(self, level: float) -> tuple[float, float]:
        """The equal-tailed interval of the error; of no wrong cases it begins at 0, of no right ones it ends at 1."""
        from scipy import stats

        if math.isinf(self.cases):
            return self.error, self.error
        ends = (0.5 - level / 2, 0.5 + level / 2)
        if self.sd is not None:
            scale = self.sd / math.sqrt(self.cases)
            low, high = stats.t.ppf(ends, self.cases - 1.0, self.error, scale) if scale > 0 else (self.error,) * 2
            return float(low), float(high)
        a, b = self._beta
        low, high = stats.beta.ppf(ends, a, b)
        return (0.0 if a == 0.5 else float(low)), (1.0 if b == 0.5 else float(high))

    def draws(self, rng: np.random.Generator, count: int) -> Float[np.ndarray, " draw"]:
        """Draws of the error."""
        if math.isinf(self.cases):
            return np.full(count, self.error)
        if self.sd is not None:
            return self.error + self.sd / math.sqrt(self.cases) * rng.standard_t(self.cases - 1.0, count)
        return rng.beta(*self._beta, count)

    @property
    def _beta(self) -> tuple[float, float]:
        """Parameters of the posterior of a rate; whole wrong cases, which a rounded rate may miss."""
        wrong = float(round(self.error * self.cases)) if self.cases.is_integer() else self.error * self.cases
        return wrong + 0.5, self.cases - wrong + 0.5


def rung_of(name: str, given: Given, option: str = "") -> Rung:
    """A rung as people write it, or as one to three numbers; OptionError, naming ``option``, where it is none."""
    option = option or name
    numbers, counted = _numbers(given, option)
    error, cases, sd = numbers[0], math.inf, None
    if counted:
        error, cases = (numbers[0] / numbers[1] if numbers[1] else math.nan), numbers[1]
    elif len(numbers) == 2:
        cases = numbers[1]
    elif len(numbers) == 3:
        sd, cases = numbers[1], numbers[2]
    if not cases >= (2.0 if sd is not None else 1.0):
        raise OptionError(f"{option}: found {_shown(given)}, of {cases:g} cases; expected {EXPECTED}")
    if sd is not None and not (math.isfinite(sd) and sd >= 0.0 and math.isfinite(error)):
        raise OptionError(f"{option}: found {_shown(given)}; expected {EXPECTED}")
    if sd is None and not 0.0 <= error < math.inf:
        raise OptionError(f"{option}: found {_shown(given)}; expected {EXPECTED}")
    if sd is None and error > 1.0 and math.isfinite(cases):
        raise OptionError(
            f"{option}: found {_shown(given)}, a share of {error:g}; expected one from 0 to 1 (8 per cent is 0.08), or "
            "of a loss its sd too, such as 2.31:1.2:2000"
        )
    return Rung(name, float(error), float(cases), sd)


def _numbers(given: Given, option: str) -> tuple[list[float], bool]:
    """The numbers, and whether they are wrong cases of all."""
    counted = isinstance(given, str) and "/" in given
    parts: Sequence[str | float]
    if isinstance(given, str):
        parts = given.split("/" if counted else ":")
    else:
        parts = [given] if isinstance(given, int | float | np.number) else given
    try:
        numbers = [float(part) for part in parts]
    except (TypeError, ValueError):
        numbers = []
    if not 1 <= len(numbers) <= 3 or (counted and len(numbers) != 2) or any(map(math.isnan, numbers)):
        raise OptionError(f"{option}: found {_shown(given)}; expected {EXPECTED}")
    return numbers, counted


def _shown(given: Given) -> str:
    return given if isinstance(given, str) else repr(given)
