"""Loss: what an error costs, and how the draws of a loss become one number.

All risk is defined on loss, in money: what is paid plus what the error costs. CVaR is that of Rockafellar and Uryasev
2000, ``min over t of t + E max(L - t, 0) / (1 - a)``, which holds for distributions with atoms, as those of penalties
are, where the mean of the losses beyond a quantile does not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from forecaster.errors import RequestError

TAIL = 0.9  # of CVaR and of the quantile shown
ATTITUDES: dict[str, str] = {
    "mean": "the lowest mean loss",
    "cvar": "the lowest mean loss of the worst tenth of cases",
    "regret": "the lowest mean regret of the worst tenth of cases",
}
Draws = Float[np.ndarray, "draw option"]
PerOption = Float[np.ndarray, " option"]


@dataclass(frozen=True)
class Value:
    """What an error costs: at most one of three forms.

    Attributes
    ----------
    target : float or None
        An error to reach, in the unit of the errors.
    penalty : float or None
        Money lost where it is not reached.
    per_point : float or None
        Money for each point of error: of each percentage point where errors are shares, else of each unit.
    per_mistake : float or None
        Money for each mistake among ``volume`` answers, where errors are shares of cases.
    volume : float or None
        Answers that the model will give.
    """

    target: float | None = None
    penalty: float | None = None
    per_point: float | None = None
    per_mistake: float | None = None
    volume: float | None = None

    @property
    def form(self) -> Literal["penalty", "points", "mistakes", "none"]:
        """Which form it is; ``none`` where an error costs no money."""
        if self.penalty is not None:
            return "penalty"
        if self.per_point is not None:
            return "points"
        return "mistakes" if self.per_mistake is not None else "none"

    @property
    def priced(self) -> bool:
        """Whether an error costs money."""
        return self.form != "none"

    @property
    def unit(self) -> float:
        """Money for the quantity that :meth:`quantity` counts."""
        return {"penalty": self.penalty, "points": self.per_point, "mistakes": self.per_mistake, "none": 0.0}[
            self.form
        ] or 0.0

    def with_unit(self, money: float) -> Value:
        """The same form with another penalty, value of a point or cost of a mistake."""
        names = {"penalty": "penalty", "points": "per_point", "mistakes": "per_mistake"}
        return replace(self, **{names[self.form]: money}) if self.form in names else self

    def quantity(self, errors: Draws, reached: Bool[np.ndarray, "draw option"] | None, point: float) -> Draws:
        """What is paid for: whether the target is missed, points of error, or mistakes. ``point`` is an error."""
        if self.form == "penalty":
            assert reached is not None
            return 1.0 - reached
        if self.form == "mistakes":
            return errors * (self.volume or 0.0)
        return errors / point

    def check(self) -> None:
        """RequestError where the forms contradict each other or a number is out of range."""
        for name, number in (
            ("penalty", self.penalty),
            ("value_per_point", self.per_point),
            ("cost_per_mistake", self.per_mistake),
            ("volume", self.volume),
        ):
            if number is not None and not 0 <= number < np.inf:
                raise RequestError(f"{name}: found {number:g}; expected an amount from 0 up, such as 10000")
        if self.target is not None and not 0 < self.target < np.inf:
            raise RequestError(f"target: found {self.target:g}; expected an error above 0, such as 0.05")
        forms = {
            "penalty": self.penalty,
            "value per point": self.per_point,
            "cost per mistake": self.per_mistake,
        }
        given = [name for name, number in forms.items() if number is not None]
        if len(given) > 1:
            raise RequestError(f"found {' and '.join(given)}; expected one of them: each says what an error costs")
        if self.penalty is not None and self.target is None:
            raise RequestError(
                "found a penalty without a target; expected both, such as --target 0.05 --penalty 100000"
            )
        if self.per_mistake is not None and self.volume is None:
            raise RequestError(
                "found a cost per mistake without a volume; expected both, such as --cost-per-mistake 2 --volume 1e6"
            )


def cvar(loss: Float[np.ndarray, "draw ..."], tail: float = TAIL) -> Float[np.ndarray, ...]:
    """Conditional value at risk of equally likely draws: the mean of the worst ``1 - tail`` of them.

    Examples
    --------
    >>> float(cvar(np.array([1.0] * 95 + [11.0] * 5)))
    6.0
    """
    count = len(loss)
    worst = (1.0 - tail) * count  # draws that count, the last of them in part
    whole = int(np.floor(worst + 1e-9))
    ordered = -np.partition(-loss, min(whole, count - 1), axis=0)[: whole + 1]
    ordered = -np.sort(-ordered, axis=0)
    part = ordered[:whole].sum(0) + (worst - whole) * (ordered[whole] if whole < count else 0.0)
    return part / worst


def quantile(loss: Draws, share: float = TAIL) -> PerOption:
    """Value at risk: the smallest loss that this share of draws does not exceed."""
    return np.quantile(loss, share, axis=0, method="inverted_cdf")


def regret(loss: Draws) -> Draws:
    """Loss beyond that of the best option of each draw."""
    return loss - loss.min(1, keepdims=True)


def rated(loss: Draws, attitude: str) -> PerOption:
    """The number by which options are chosen: the lowest is best."""
    if attitude == "regret":
        return cvar(regret(loss))
    return cvar(loss) if attitude == "cvar" else loss.mean(0)


def check_attitude(attitude: str) -> None:
    """RequestError unless it is one of ``ATTITUDES``."""
    if attitude not in ATTITUDES:
        raise RequestError(f"attitude: found {attitude!r}; expected one of {', '.join(ATTITUDES)}")
