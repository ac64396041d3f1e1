"""Goal: the quantity that a measurement is to make better known, and its draws."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float

from forecaster.errors import RequestError
from forecaster.inference.posterior import Posterior
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.forecast import log_errors
from forecaster.prediction.observation import luck
from forecaster.prediction.paths import curve_paths
from forecaster.prediction.requirement import requirement

Form = Literal["forecast", "requirement", "choice"]
EXPECTED = "forecast:SIZE, requirement:ERROR or choice:SIZE, such as forecast:1e6"
Drawn = Float[np.ndarray, " draw"]


@dataclass(frozen=True)
class Goal:
    """An error at a size, the data that an error needs, or which architecture is best at a size."""

    form: Form
    at: float

    @property
    def size(self) -> float:
        """The size that is asked about; infinite of a requirement."""
        return np.inf if self.form == "requirement" else self.at

    def __str__(self) -> str:
        return f"{self.form}:{self.at:g}"


def parsed(text: str) -> Goal:
    """``"forecast:12000"`` as a goal; RequestError for anything else.

    Examples
    --------
    >>> parsed("requirement:0.05")
    Goal(form='requirement', at=0.05)
    """
    form, _, number = text.partition(":")
    try:
        at = float(number)
    except ValueError:
        at = np.nan
    if form not in get_args(Form) or not 0 < at < np.inf:
        raise RequestError(f"goal: found {text!r}; expected {EXPECTED}")
    return Goal(form, at)  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class Sought:
    """The goal's quantity today.

    Of a forecast or a requirement it is that of the first of ``keys``, of a choice the log ratio of the errors of the
    first to those of the second: the likely best and its strongest rival. ``values`` [draw] are logs; a requirement
    that no amount meets is infinite. ``errors`` [draw, architecture] of a choice are those of all curves asked about.
    """

    goal: Goal
    keys: tuple[CurveKey, ...]
    kind: str
    seed: int
    values: Drawn
    errors: Float[np.ndarray, "draw architecture"] | None = None

    def of(self, posterior: Posterior, task: str) -> Drawn:
        """The quantity in another posterior, where the curves' task has this name."""
        keys = tuple(replace(key, task=task) for key in self.keys)
        return _values(posterior, self.goal, keys, self.kind, self.seed)

    def scores(self, values: Drawn) -> Drawn:
        """Values on a scale on which variances and correlations tell how well they are known.

        Themselves where all are finite. Else their normal scores among today's: "never" is the largest.
        """
        if np.isfinite(self.values).all() and np.isfinite(values).all():
            return values
        from scipy.special import ndtri

        ordered, count = np.sort(self.values), len(self.values)
        middle = 0.5 * (np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right"))
        return ndtri(np.clip((middle + 0.5) / (count + 1.0), 0.5 / count, 1.0 - 0.5 / count))

    def width(self, values: Drawn, level: float) -> float:
        """Ratio of the ends of an interval of the quantity; infinite where it reaches "never"."""
        low, high = np.quantile(values, [0.5 - level / 2, 0.5 + level / 2], method="inverted_cdf")
        return float(np.exp(high - low)) if np.isfinite([low, high]).all() else float("inf")


def sought(posterior: Posterior, goal: Goal, keys: tuple[CurveKey, ...], kind: str, seed: int) -> Sought:
    """The quantity of a goal for the curves asked about: of several, the one with the lowest error or need.

    RequestError for a choice among fewer than two.
    """
    if goal.form == "choice":
        if len(keys) < 2:
            raise RequestError(f"goal: found {goal} with one architecture; expected two or more to choose among")
        drawn = np.stack([_values(posterior, goal, (key,), kind, seed) for key in keys], 1)
        first = int(np.argmin(np.exp(drawn).mean(0)))
        lowest = np.bincount(drawn.argmin(1), minlength=len(keys)).astype(float)
        lowest[first] = -1.0
        second = int(np.lexsort((drawn.mean(0), -lowest))[0])
        values = drawn[:, first] - drawn[:, second]
        return Sought(goal, (keys[first], keys[second]), kind, seed, values, np.exp(drawn))
    own = {key: _values(posterior, goal, (key,), kind, seed) for key in keys}
    best = min(keys, key=lambda key: (float(np.quantile(own[key], 0.5, method="inverted_cdf")), keys.index(key)))
    return Sought(goal, (best,), kind, seed, own[best])


def _values(posterior: Posterior, goal: Goal, keys: tuple[CurveKey, ...], kind: str, seed: int) -> Drawn:
    if goal.form == "requirement":
        need = requirement(posterior, goal.at, kind=kind, seed=seed, curves=keys[:1])
        assert need.draws is not None
        return np.log(need.draws.values.reshape(-1))
    drawn = [_log_error(posterior, key, goal.at, kind, seed) for key in keys]
    return drawn[0] if len(drawn) == 1 else drawn[0] - drawn[1]


def _log_error(posterior: Posterior, key: CurveKey, at: float, kind: str, seed: int) -> Drawn:
    """The log error at a size; on the test set at hand (``mean``) with the sampling error that it has at that size.

    A forecast keeps that of the largest measured size, which a measurement moves: the quantity would be another after
    it.
    """
    n = np.array([at])
    found = log_errors(posterior, key, n, kind, seed)[:, 0]
    return found + luck(curve_paths(posterior, key, n, seed=seed), n)[0][:, 0] if kind == "mean" else found
