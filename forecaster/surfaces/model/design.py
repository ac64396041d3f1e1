"""A design: the runs of one surface as arrays, relative to a reference point at their centre. NumPy only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from forecaster.curves.best_models import ALIKE
from forecaster.curves.learning_curves import LearningCurves, Table
from forecaster.curves.misread.fault import numbers_of
from forecaster.errors import RequestError
from forecaster.surfaces.model.card import QUANTITIES, SurfaceCard

ALL = "all sizes"  # the architecture of a surface whose curves are model sizes
LEVELS = 3  # least different model sizes, and amounts of data: two of either leave the optimum to the prior
MOST = 2_000  # runs of one surface: the work grows with their cube
OfRows = Float[np.ndarray, " row"]


@dataclass(frozen=True, eq=False)
class SurfaceDesign:
    """The runs of one surface, and the priors of its card.

    Attributes
    ----------
    domain, task, architecture : str
        Its name; the architecture is ``all sizes`` where each architecture of the table is one model size.
    x, t : array [row]
        Logs of the number of parameters and of the amount of data.
    log_unique : array [row]
        Log of the unique data, at most ``t``: the same where no data are repeated.
    y : array [row]
        Log loss.
    relative : array [row]
        Variance of the noise of a row over that of one run: one over the runs that it averages.
    x0, t0, y0 : float
        The reference point: means of ``x`` and ``t``; and the mean of ``y``, from which the prior of the level counts.
    log_compute : array [row] or None
        Log of the compute of each run, where the table tells it of all.
    """

    domain: str
    task: str
    architecture: str
    x: OfRows
    t: OfRows
    log_unique: OfRows
    y: OfRows
    relative: OfRows
    x0: float
    t0: float
    y0: float
    card: SurfaceCard
    log_compute: OfRows | None = None

    @property
    def label(self) -> str:
        return "/".join((self.domain, self.task, self.architecture))

    @property
    def key(self) -> tuple[str, str, str]:
        return self.domain, self.task, self.architecture

    @property
    def mean(self) -> Float[np.ndarray, " quantity"]:
        """Prior means in the order of ``QUANTITIES``."""
        return self.card.mean + self.y0 * (np.array(QUANTITIES) == "level")

    @property
    def sd(self) -> Float[np.ndarray, " quantity"]:
        return self.card.sd

    @cached_property
    def places(self) -> Float[np.ndarray, "row 2"]:
        """Where each run lies for the drift: logs of parameters and of effective data over the reference point's."""
        return places_of(self, self.x, self.t, self.log_unique)


def places_of(design: SurfaceDesign, x: OfRows, t: OfRows, log_unique: OfRows) -> Float[np.ndarray, "row 2"]:
    """Where runs lie for the drift, with repeated data worth what the card expects."""
    from forecaster.surfaces.model.law import log_effective

    worth = log_effective(np, t, np.minimum(log_unique, t), design.card.priors["log_halving"].mean)
    return np.stack([x - design.x0, worth - design.t0], -1)


def designs_of(curves: LearningCurves, card: SurfaceCard) -> Iterator[SurfaceDesign]:
    """A design for each surface of a table: of each (domain, task), or of each family of models in it.

    Where an architecture has runs of several model sizes it is a family with a surface of its own; where each has one
    size they are the sizes of one family.
    """
    table: Table = curves.table
    if "params" not in table or table["params"].isna().any():
        rows = "no column params" if "params" not in table else f"{int(table['params'].isna().sum())} rows without"
        raise RequestError(
            f"{curves.source}: found {rows}; expected the number of parameters of every run. Name the column: "
            "--columns params=THAT"
        )
    for (domain, task), own in table.groupby(["domain", "task"], sort=False):
        spans = own.groupby("architecture")["params"].agg(["min", "max"])
        if bool((spans["max"] > ALIKE * spans["min"]).any()):
            for name, rows in own.groupby("architecture", sort=False):
                yield design_of(rows, (domain, task, str(name)), card)
        else:
            yield design_of(own, (domain, task, ALL), card)


def design_of(table: Table, key: tuple[str, str, str], card: SurfaceCard) -> SurfaceDesign:
    """The design of these rows; RequestError where they do not tell the two axes apart."""
    x, t, y = (np.log(table[name].to_numpy(dtype=float)) for name in ("params", "n", "error"))
    unique = np.log(unique_of(table))
    repeats = table["repeats"].to_numpy(dtype=float) if "repeats" in table else np.ones(len(table))
    relative = 1.0 / np.maximum(np.nan_to_num(repeats, nan=1.0), 1.0)
    _check("/".join(key), x, t)
    centre = (float(x.mean()), float(t.mean()), float(y.mean()))
    spent = table["compute"].to_numpy(dtype=float) if "compute" in table else np.zeros(len(table))
    log_compute = np.log(spent) if (spent > 0).all() else None
    return SurfaceDesign(*key, x, t, np.minimum(unique, t), y, relative, *centre, card, log_compute)


def unique_of(table: Table) -> OfRows:
    """Unique data of each row: the column ``unique_n``, or all of ``n``; RequestError for what is no size."""
    n = table["n"].to_numpy(dtype=float)
    if "unique_n" not in table:
        return n
    found = numbers_of(table["unique_n"]).to_numpy(dtype=float)
    bad = table["unique_n"].notna().to_numpy() & ~(np.isfinite(found) & (found > 0))
    if bad.any():
        cell = table["unique_n"].to_numpy()[bad][0]
        raise RequestError(
            f"unique_n: found {cell!r}; expected unique examples or tokens above 0, such as 1e9, or none"
        )
    return np.where(np.isfinite(found), np.minimum(found, n), n)


def levels(logs: OfRows) -> int:
    """How many values differ by more than ``ALIKE``, from the smallest up."""
    ordered = np.sort(logs)
    count, last = 0, -np.inf
    for value in ordered:
        if value - last > np.log(ALIKE):
            count, last = count + 1, value
    return count


def _check(label: str, x: OfRows, t: OfRows) -> None:
    for logs, what, column in ((x, "model sizes", "params"), (t, "amounts of data", "n")):
        found = levels(logs)
        if found < LEVELS:
            raise RequestError(
                f"{label}: found {found} different {what} (column {column}); expected {LEVELS} or more: two of either "
                "leave the optimum to the prior. Train another, or forecast a curve of each model size: "
                "forecaster forecast CURVES --columns architecture=params"
            )
    if len(x) > MOST:
        raise RequestError(
            f"{label}: found {len(x):,} rows; expected the final losses of at most {MOST:,} runs: leave out the "
            "checkpoints of runs with --where"
        )
