"""A registered forecast as a value: what a record of the chain says, and how it is read back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from jaxtyping import Float

from forecaster.registry.chain import Content

# The 23 levels of the forecast hubs (hubverse).
QUANTILES = (0.01, 0.025, *(round(0.05 * i, 2) for i in range(1, 20)), 0.975, 0.99)
SAMPLES = 200  # joint draws that are kept: the same place is the same draw of every point
DIGITS = 8  # significant ones that are kept of a number
LAST, LAW = "last_point", "power_law_with_floor"  # baselines that are kept beside the forecast
INTERVAL = ("yhat", "yhat_lower", "yhat_upper")  # columns of a point in the tables of the verbs
HUB = ("forecast_id", "made_at", "model_id", "domain", "task", "architecture", "n", "params", "kind")


@dataclass(frozen=True)
class Point:
    """The forecast of one curve at one size; all errors in the unit of the measurements.

    Attributes
    ----------
    domain, task, architecture, n
        Which error it is.
    quantiles : tuple of float
        At ``QUANTILES``.
    samples : tuple of float
        Joint draws.
    chances : tuple of (target, chance)
        Chance that the error is at most each target.
    baselines : mapping
        What simple extrapolations say: ``LAST`` and ``LAW``; empty for an architecture without measurements.
    params : float or None
        The size of the model, where the forecast is of a surface.
    """

    domain: str
    task: str
    architecture: str
    n: float
    quantiles: tuple[float, ...]
    samples: tuple[float, ...]
    chances: tuple[tuple[float, float], ...] = ()
    baselines: Mapping[str, float] = field(default_factory=dict)
    params: float | None = None

    @property
    def curve(self) -> tuple[str, str, str]:
        return self.domain, self.task, self.architecture

    @property
    def interval(self) -> tuple[float, float, float]:
        """The median and the ends of the 80 % interval, as ``INTERVAL`` names them."""
        return self.quantile(0.5), self.quantile(0.1), self.quantile(0.9)

    @property
    def log_quantiles(self) -> Float[np.ndarray, " level"]:
        return np.log(np.array(self.quantiles))

    def quantile(self, level: float) -> float:
        """That of one of ``QUANTILES``."""
        return self.quantiles[QUANTILES.index(level)]


@dataclass(frozen=True)
class Registration:
    """One record: forecasts made at one time from one posterior.

    Attributes
    ----------
    forecast_id : str
        Unique in its file: the date and the number of the record.
    made_at : str
        UTC, as ``2026-11-30T09:15:00Z``. The clock of the machine: a chain proves order, not time.
    due : str
        The date by which outcomes are expected.
    model_id : str
        What made the forecast.
    kind, runs
        Which error, and how many runs it is the mean of.
    note : str
        What the reader should know of the run that is to come.
    origin : mapping
        Hashes of data, cards and code, seed, engine and versions.
    points : tuple of Point
    """

    forecast_id: str
    made_at: str
    due: str
    model_id: str
    kind: str
    runs: int
    note: str
    text: str
    origin: Mapping[str, Any]
    points: tuple[Point, ...]

    def content(self) -> dict[str, Any]:
        """As the record says it, in plain values."""
        return asdict(self)

    @classmethod
    def of(cls, content: Content) -> Registration:
        return msgspec.convert(content, cls)

    def hub_rows(self) -> Iterator[dict[str, Any]]:
        """Rows of the long table of the forecast hubs (hubverse): quantile, cdf and sample."""
        for point in self.points:
            values = [*(getattr(self, name) for name in HUB[:3]), *point.curve, point.n, point.params, self.kind]
            row = dict(zip(HUB, values, strict=True))
            for kind, pairs in (
                ("quantile", zip(QUANTILES, point.quantiles, strict=True)),
                ("cdf", point.chances),
                ("sample", enumerate(point.samples)),
            ):
                yield from (
                    row | {"output_type": kind, "output_type_id": f"{name:g}", "value": value} for name, value in pairs
                )


def hub_table(registrations: Sequence[Registration]) -> pd.DataFrame:
    """All of them as one long table."""
    rows = [row for one in registrations for row in one.hub_rows()]
    table = pd.DataFrame(rows, columns=[*HUB, "output_type", "output_type_id", "value"])
    of_surface = any(point.params is not None for one in registrations for point in one.points)
    return table if of_surface else table.drop(columns="params")


def rounded(values: Float[np.ndarray, " value"]) -> tuple[float, ...]:
    """To the digits that are kept."""
    return tuple(float(f"{value:.{DIGITS}g}") for value in values.tolist())
