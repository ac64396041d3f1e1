"""A design: the runs of one surface as arrays, relative to a reference point at their centre. NumPy only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float

from forecaster._support.frames import Table
from forecaster.curves.best_models import ALIKE
from forecaster.curves.learning_curves import Group, LearningCurves
from forecaster.curves.metrics import metric_of, size_unit_of_reading
from forecaster.curves.misread.fault import numbers_of
from forecaster.domains.loading import card_for
from forecaster.errors import RequestError
from forecaster.results.wording import Units
from forecaster.surfaces.model.card import EXCESS, QUANTITIES, SurfaceCard

ALL = "all sizes"  # the architecture of a surface whose curves are model sizes
FEWEST_LEVELS = 3  # least different model sizes, and amounts of data: two of either leave the optimum to the prior
MOST_RUNS = 2_000  # runs of one surface: the work grows with their cube
REPORTED = 0.3  # sd of the log of the noise of one run around the reported one: it says nearly, not exactly
LEAST_SD = 1e-4  # reported sd of log loss that counts as this much: printed zeros are rounded
UNTUNED = {"true", "1", "1.0", "yes", "untuned", "early", "stopped"}  # cells of a column ``untuned``
OfRows = Float[np.ndarray, " row"]
UNITS = Units("items", "loss", False)
ROWS = ("x", "t", "log_unique", "y", "relative", "above")  # the fields with an entry a row


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
        Variance of the noise of a row over that of one run: one over the runs that it averages, and where sds were
        reported (``error_sd``) as these say.
    x0, t0, y0 : float
        The reference point: means of ``x`` and ``t``; and the mean of ``y``, from which the prior of the level counts.
    above : array [row]
        Whether a run was left untuned or stopped early (column ``untuned``): its loss may lie above the surface.
    noise : float or None
        Reported sd of the log loss of one run, where there is one.
    log_compute, log_hours : array [row] or None
        Logs of the compute and of the accelerator hours of each run, where the table tells them of all.
    units : Units
        What data and losses are called.
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
    above: Bool[np.ndarray, " row"]
    noise: float | None = None
    log_compute: OfRows | None = None
    log_hours: OfRows | None = None
    units: Units = UNITS

    @property
    def label(self) -> str:
        return "/".join((self.domain, self.task, self.architecture))

    @property
    def key(self) -> tuple[str, str, str]:
        return self.domain, self.task, self.architecture

    @property
    def quantities(self) -> tuple[str, ...]:
        """Names of the parameters: ``QUANTITIES``, and where runs may lie above the surface by how much."""
        return (*QUANTITIES, EXCESS) if self.above.any() else QUANTITIES

    @property
    def mean(self) -> Float[np.ndarray, " quantity"]:
        """Prior means in the order of ``quantities``; that of the noise is the reported one, where there is one."""
        found = np.array([self.card.priors[name].mean for name in self.quantities])
        found[QUANTITIES.index("level")] += self.y0
        if self.noise is not None:
            found[QUANTITIES.index("log_noise")] = np.log(self.noise)
        return found

    @property
    def sd(self) -> Float[np.ndarray, " quantity"]:
        found = np.array([self.card.priors[name].sd for name in self.quantities])
        if self.noise is not None:
            found[QUANTITIES.index("log_noise")] = REPORTED
        return found

    def rows(self, chosen: Bool[np.ndarray, " row"]) -> SurfaceDesign:
        """Some of the runs, with the same reference point and priors."""
        return replace(self, **{name: getattr(self, name)[chosen] for name in ROWS}, log_compute=None, log_hours=None)

    @cached_property
    def tuned(self) -> SurfaceDesign:
        """The runs that lie on the surface, but for noise."""
        return self.rows(~self.above) if self.above.any() else self

    @cached_property
    def untuned(self) -> SurfaceDesign:
        """The runs that may lie above it."""
        return self.rows(self.above)

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
        units = units_of(curves, (domain, task))
        spans = own.groupby("architecture")["params"].agg(["min", "max"])
        if bool((spans["max"] > ALIKE * spans["min"]).any()):
            for name, rows in own.groupby("architecture", sort=False):
                yield replace(design_of(rows, (domain, task, str(name)), card), units=units)
        else:
            yield replace(design_of(own, (domain, task, ALL), card), units=units)


def units_of(curves: LearningCurves, group: Group) -> Units:
    """What a table's data and losses are called: by its own names, else by the domain's card."""
    named = curves.metrics[group]
    known, _ = card_for(group[0], named)
    metric = metric_of(named[0] if named else "loss")
    return Units(size_unit_of_reading(curves.reading) or known.size_unit, metric.phrase, False, metric.unit)


def design_of(table: Table, key: tuple[str, str, str], card: SurfaceCard) -> SurfaceDesign:
    """The design of these rows; RequestError where they do not tell the two axes apart."""
    x, t, y = (np.log(table[name].to_numpy(dtype=float)) for name in ("params", "n", "error"))
    unique = np.log(unique_of(table))
    repeats = table["repeats"].to_numpy(dtype=float) if "repeats" in table else np.ones(len(table))
    noise, shape = reported_noise(table)
    relative = shape / np.maximum(np.nan_to_num(repeats, nan=1.0), 1.0)
    above = untuned_of(table)
    _check("/".join(key), x[~above], t[~above])
    centre = (float(x.mean()), float(t.mean()), float(y.mean()))
    taken = (_logs_of(table, "compute"), _logs_of(table, "gpu_hours"))
    return SurfaceDesign(*key, x, t, np.minimum(unique, t), y, relative, *centre, card, above, noise, *taken)


def reported_noise(table: Table) -> tuple[float | None, OfRows]:
    """The reported sd of the log loss of one run (``error_sd``, geometric mean), and each row's variance over its.

    Rows without one have the mean. None and ones where nothing was reported.
    """
    found = table["error_sd"].to_numpy(dtype=float) if "error_sd" in table else np.full(len(table), np.nan)
    logs = np.log(np.maximum(found / table["error"].to_numpy(dtype=float), LEAST_SD))
    if not np.isfinite(logs).any():
        return None, np.ones(len(table))
    mean = float(np.nanmean(logs))
    return float(np.exp(mean)), np.exp(2.0 * (np.where(np.isfinite(logs), logs, mean) - mean))


def untuned_of(table: Table) -> Bool[np.ndarray, " row"]:
    """Which runs a column ``untuned`` marks; none without such a column."""
    if "untuned" not in table:
        return np.zeros(len(table), dtype=bool)
    return table["untuned"].astype(str).str.strip().str.lower().isin(UNTUNED).to_numpy(dtype=bool)


def _logs_of(table: Table, column: str) -> OfRows | None:
    """Logs of a column that has a positive number in each row."""
    found = table[column].to_numpy(dtype=float) if column in table else np.zeros(len(table))
    return np.log(found) if (found > 0).all() else None


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


def expect_levels(design: SurfaceDesign) -> None:
    """RequestError where the tuned runs of a design do not tell the two axes apart."""
    _check(design.label, design.tuned.x, design.tuned.t)


def _check(label: str, x: OfRows, t: OfRows) -> None:
    for logs, what, column in ((x, "model sizes", "params"), (t, "amounts of data", "n")):
        found = levels(logs)
        if found < FEWEST_LEVELS:
            raise RequestError(
                f"{label}: found {found} different {what} (column {column}); expected {FEWEST_LEVELS} or more: two of "
                "either leave the optimum to the prior. Train another, or forecast a curve of each model size: "
                "forecaster forecast CURVES --columns architecture=params"
            )
    if len(x) > MOST_RUNS:
        raise RequestError(
            f"{label}: found {len(x):,} rows; expected the final losses of at most {MOST_RUNS:,} runs: leave out the "
            "checkpoints of runs with --where"
        )
