"""Registered points beside their outcomes, and which of them make the record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from forecaster.registry.outcomes import (
    SCORED,
    Outcome,
    alike,
    outcome_of,
)
from forecaster.registry.registration import Point, Registration
from forecaster.registry.scores import PointScore, point_score


class JudgedPoint(NamedTuple):
    """A point of a registration beside what is known of it."""

    registration: Registration
    point: Point
    outcome: Outcome
    score: PointScore | None
    first: bool  # no earlier record forecast this point


def judged_points(
    registrations: Sequence[Registration], measured: pd.DataFrame, today: str, within: float
) -> list[JudgedPoint]:
    """Every point of the registrations, in their order, beside its outcome as known ``today``, and its score."""
    found: list[JudgedPoint] = []
    seen: list[Point] = []
    for one in registrations:
        for point in one.points:
            outcome = outcome_of(point, one.due, measured, today, within)
            scored = point_score(point, outcome.low) if outcome.status == SCORED else None
            again = any(_same(point, other, within) for other in seen)
            found.append(JudgedPoint(one, point, outcome, scored, not again))
        seen += one.points
    return found


def _same(one: Point, other: Point, within: float) -> bool:
    """Whether two forecasts are of one outcome."""
    models = one.params is None or other.params is None or alike(one.params, other.params, within)
    return one.curve == other.curve and bool(models) and bool(alike(one.n, other.n, within))


def counting(judged: Sequence[JudgedPoint]) -> list[tuple[JudgedPoint, PointScore]]:
    """Those that make the record."""
    return [(one, one.score) for one in judged if one.score is not None and one.first]
