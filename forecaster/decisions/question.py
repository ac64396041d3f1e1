"""The question that a decision answers: what an error costs, and the limits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np

from forecaster.curves.learning_curves import Group
from forecaster.decisions.loss import Value, check_attitude
from forecaster.errors import RequestError
from forecaster.prediction.observation import check_kind
from forecaster.results.columns import LEVEL

MOST_ROUNDS = 10


@dataclass(frozen=True)
class Question:
    """What is asked; :meth:`check` says whether it can be answered. The fields are those of ``decide``."""

    value: Value
    at: tuple[float, ...] = ()
    budget: float | None = None
    risk: float | None = None
    attitude: str = "mean"
    rounds: int = 1
    test_cases: tuple[float, ...] = ()
    kind: str = "mean"
    level: float = LEVEL
    start: date | None = None
    seed: int = 0

    @property
    def today(self) -> date:
        """The day on which orders are placed."""
        return self.start or date.today()

    def told(self) -> dict[str, Any]:
        """The question as it stands beside an answer."""
        rest = {"budget": self.budget, "risk": self.risk, "attitude": self.attitude, "kind": self.kind}
        return {**asdict(self.value), **rest}

    def check(self) -> None:
        """RequestError where the question cannot be answered as asked."""
        self.check_numbers()
        self._check_value()

    def check_numbers(self) -> None:
        """RequestError where a number is out of range."""
        self.value.check()
        check_attitude(self.attitude)
        check_kind(self.kind)
        if self.budget is not None and not 0 <= self.budget < np.inf:
            raise RequestError(f"budget: found {self.budget:g}; expected an amount from 0 up, such as 50000")
        for name, share in (("level", self.level), ("risk", self.risk)):
            if share is not None and not 0 < share < 1:
                raise RequestError(f"{name}: found {share:g}; expected a share between 0 and 1, such as 0.1")
        for name, numbers in (("at", self.at), ("test_cases", self.test_cases)):
            wrong = [n for n in numbers if not 0 < n < np.inf]
            if wrong:
                raise RequestError(f"{name}: found {wrong[0]:g}; expected numbers above 0, such as 1e5")
        if not 1 <= self.rounds <= MOST_ROUNDS:
            raise RequestError(f"rounds: found {self.rounds}; expected a whole number from 1 to {MOST_ROUNDS}")

    def _check_value(self) -> None:
        """RequestError unless exactly one thing says which option is better than another."""
        value = self.value
        if self.risk is not None and (value.target is None or value.priced):
            found = "no target" if value.target is None else "a value of the error beside it"
            raise RequestError(
                f"risk: found {found}; expected a risk of missing a target, in place of a penalty: "
                "--target 0.05 --risk 0.1"
            )
        if not value.priced and self.risk is None and self.budget is None:
            raise RequestError(
                "found nothing that says what an error costs; expected one of --target 0.05 --penalty 100000, "
                "--value-per-point 20000, --cost-per-mistake 2 --volume 1e6, --target 0.05 --risk 0.1, "
                "or --budget 50000 alone"
            )
        if self.rounds > 1 and not value.priced:
            raise RequestError(
                "rounds: found no value of an error; expected a penalty, a value per point or a cost per mistake: "
                "without one there is no loss that a second order could lower"
            )


def check_one_task(groups: Iterable[Group]) -> None:
    """RequestError for curves of several tasks."""
    found = list(dict.fromkeys(groups))
    if len(found) > 1:
        named = ", ".join("/".join(group) for group in found)
        domain, task = found[0]
        raise RequestError(
            f"found curves of {len(found)} tasks ({named}); expected one, for which data is bought: "
            f"--domain '{domain}' --task '{task}', or posterior.only({found[0]!r}) in Python"
        )


def check_mistakes(errors: Sequence[float] | np.ndarray) -> None:
    """RequestError where mistakes are to be counted by errors that are no shares of cases."""
    worst = float(np.max(errors))
    if worst > 1.0:
        raise RequestError(
            f"cost_per_mistake: found errors up to {worst:.3g}, which are no shares of cases; expected error rates, "
            "or a value per point: --value-per-point 1000"
        )
