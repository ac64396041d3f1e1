"""The answers that a memo is written from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from forecaster.checks.predictive import Assessment
from forecaster.comparison.compare import Comparison
from forecaster.curves.learning_curves import Group
from forecaster.inference.posterior import Posterior
from forecaster.plots.style import Table
from forecaster.prediction.forecast import Forecast
from forecaster.prediction.requirement import Requirement
from forecaster.results.check import Check
from forecaster.results.wording import Units

EDGE = 1.05  # sizes within this factor of each other count as one
SEEN = 0.95  # share of the error that is floor, from which the measurements show the floor itself


@dataclass(frozen=True, eq=False)
class Answers:
    """What was asked for one group, and what the other modules answered."""

    whole: Posterior  # what the group's posterior is a part of
    posterior: Posterior
    group: Group
    units: Units
    largest: float
    sizes: tuple[float, ...]
    headline_n: float
    target: float
    target_given: bool
    level: float
    found: Forecast
    ends: Mapping[str, Mapping[str, Any]]  # of each architecture, its forecast's row at its own largest measured size
    elsewhere: Forecast | None  # at the headline's size, on cases not tested on; None where no test set is known
    options: Table
    need: Requirement
    comparison: Comparison | None
    floors: Table
    priors: Table
    assessed: Assessment
    checks: tuple[Check, ...]
    verdict: str

    def at(self, n: float) -> list[dict[str, Any]]:
        """Options at one size, best forecast first."""
        return self.options[np.isclose(self.options["n"], n)].to_dict("records")

    @property
    def best(self) -> dict[str, Any]:
        return self.at(self.headline_n)[0]

    @property
    def several(self) -> bool:
        return self.options["architecture"].nunique() > 1

    @property
    def uneven(self) -> bool:
        """True where architectures end at different sizes."""
        return any(self.beyond(name, self.largest) > EDGE for name in self.ends)

    def beyond(self, architecture: str, n: float) -> float:
        """``n`` over the largest size that the architecture itself was measured at."""
        return n / self.ends[architecture]["n"]

    def floor_range(self, architecture: str) -> tuple[float, float]:
        """The floor of a leading architecture, 8 times in 10: the middles of its lowest and its highest fifth."""
        mine = self.floors.loc[self.floors["architecture"] == architecture, "floor"].tolist()
        return mine[0], mine[-1]

    def at_floor(self, architecture: str) -> bool:
        """True where the floor, wherever it may lie, is within a few per cent of the error measured last."""
        return self.floor_range(architecture)[0] >= SEEN * self.ends[architecture]["yhat"]

    def interval(self, row: Mapping[str, Any]) -> tuple[str, str, str]:
        """Median, lower and upper end of a forecast as written."""
        d = self.units.decimals(row["yhat_lower"], row["yhat_upper"])
        middle, low, high = (self.units.error(row[k], d) for k in ("yhat", "yhat_lower", "yhat_upper"))
        return middle, low, high

    def sized(self, n: float) -> str:
        return self.units.sized(n)
