"""The answers that a memo is written from: small facts for its sentences, whole results for figures and appendix."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from forecaster._support.frames import Table
from forecaster.checks.check import overall
from forecaster.checks.predictive import Assessment
from forecaster.comparison.comparison import Comparison
from forecaster.curves.learning_curves import Group
from forecaster.curves.rises import LEAST_RISE
from forecaster.evaluation.pooling import Pooling
from forecaster.inference.posterior import Posterior
from forecaster.prediction.forecast import Forecast
from forecaster.prediction.requirement import Requirement
from forecaster.reports.deciding import Decided
from forecaster.results.check import Check
from forecaster.results.track_record import TrackRecord
from forecaster.results.wording import Units

EDGE = 1.05  # sizes within this factor of each other count as one
SEEN = 0.95  # share of the error that is floor, from which the measurements show the floor


@dataclass(frozen=True)
class Measured:
    """The measurements of one architecture; errors are geometric means over the runs at a size."""

    smallest: float  # size
    largest: float  # size
    last: float  # error at the largest size
    best: float  # lowest error at any size
    cases: float = math.nan  # in the test set; NaN where that is not known

    @property
    def still_up(self) -> bool:
        """Whether the error at the largest size is well above the lowest one."""
        return math.log(self.last / self.best) >= LEAST_RISE


@dataclass(frozen=True, eq=False)
class Facts:
    """What the sentences and tables of a memo say, as numbers: no posterior and no draws.

    ``options``, ``needs``, ``gains`` and ``floors`` are tables of :func:`~forecaster.prediction.options.options_table`,
    ``requirement``, ``compare`` (its ``best``) and ``floor_table``; ``elsewhere`` is a forecast's table for new cases.
    """

    group: Group
    units: Units
    level: float
    largest: float  # size measured in the group
    sizes: tuple[float, ...]  # the options
    headline_n: float
    target: float
    target_given: bool
    options: Table
    needs: Table
    ends: Mapping[str, Mapping[str, Any]]  # by architecture, its forecast's row at its own largest measured size
    measured: Mapping[str, Measured]
    floors: Table
    checks: tuple[Check, ...] = ()
    verdict: str = "PASS"
    kind: str = "mean"
    gains: Table | None = None  # None for one architecture
    tested: Mapping[str, Any] | None = None  # what the test set can tell at the headline's size; None if it is unknown
    set_aside: Mapping[str, str] = field(default_factory=dict)  # architectures without a forecast: measured last
    elsewhere: Table | None = None  # at the headline's size; None where no test set is known
    track: TrackRecord = field(default_factory=TrackRecord)  # of the group
    pooling: Pooling | None = None  # at the headline's size; None where curves were not fitted alone
    chosen: str | None = None  # the architecture to buy data for; None where none is

    def at(self, n: float) -> list[dict[str, Any]]:
        """Options at one size, best forecast first."""
        return self.options[np.isclose(self.options["n"], n)].to_dict("records")

    @property
    def best(self) -> dict[str, Any]:
        """The chosen architecture's row at the headline's size; the best forecast there where none is chosen."""
        rows = self.at(self.headline_n)
        return next((row for row in rows if row["architecture"] == self.chosen), rows[0])

    @property
    def several(self) -> bool:
        return self.options["architecture"].nunique() > 1

    @property
    def uneven(self) -> bool:
        """True where architectures end at different sizes."""
        return any(self.beyond(name, self.largest) > EDGE for name in self.ends)

    def beyond(self, architecture: str, n: float) -> float:
        """``n`` over the largest size that the architecture was measured at."""
        return n / self.ends[architecture]["n"]

    def floor_range(self, architecture: str) -> tuple[float, float]:
        """The 80 % range of a leading architecture's floor: the medians of its lowest and its highest fifth."""
        mine = self.floors.loc[self.floors["architecture"] == architecture, "floor"].tolist()
        return mine[0], mine[-1]

    def at_floor(self, architecture: str) -> bool:
        """True where the floor is within a few per cent of the current error, even if it is low."""
        return self.floor_range(architecture)[0] >= SEEN * self.ends[architecture]["yhat"]

    def checked(self, more: Iterable[Check]) -> Facts:
        """With more checks, and the verdict that follows."""
        checks = (*self.checks, *more)
        return replace(self, checks=checks, verdict=overall(checks))

    def interval(self, row: Mapping[str, Any]) -> tuple[str, str, str]:
        """Median, lower and upper end of a forecast as written."""
        d = self.units.decimals(row["yhat_lower"], row["yhat_upper"])
        middle, low, high = (self.units.error(row[k], d) for k in ("yhat", "yhat_lower", "yhat_upper"))
        return middle, low, high

    def sized(self, n: float) -> str:
        return self.units.sized(n)


@dataclass(frozen=True, eq=False)
class Answers:
    """The facts of a memo, and the results behind its figures and its appendix."""

    whole: Posterior  # the group's posterior is a part of this one
    posterior: Posterior
    facts: Facts
    decision: Decided
    found: Forecast
    need: Requirement
    comparison: Comparison | None
    priors: Table
    assessed: Assessment

    @property
    def group(self) -> Group:
        return self.facts.group
