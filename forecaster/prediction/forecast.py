"""forecast: the error at sizes that were not measured, with intervals and their meaning in words.

It summarises the simulated curves of :mod:`~forecaster.prediction.paths`, as every other question does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from forecaster._support.atomic_files import write_netcdf
from forecaster.curves import binomial_power
from forecaster.errors import RequestError
from forecaster.inference.posterior import Posterior, expect_posterior
from forecaster.inference.units import error_named
from forecaster.prediction.curve_keys import CurveKey, check_keys, chosen_keys
from forecaster.prediction.draws import by_point
from forecaster.prediction.observation import cases, check_kind, of_kind, usual_kind
from forecaster.prediction.paths import CurvePaths, curve_paths
from forecaster.prediction.set_aside import NOTE, last_measured, set_aside
from forecaster.results.check import Check
from forecaster.results.columns import CURVE, GIVEN_LEVEL, LEVEL, Column, Columns, declared, interval, size
from forecaster.results.result import Result
from forecaster.results.track_record import RECORD, TOTAL, Totals, TrackRecord

if TYPE_CHECKING:
    import xarray as xr

AT_ONCE = 256  # sizes of one curve whose draws are held in memory: 8 MB for 4,000 draws
POINT_KEYS = ["domain", "task", "architecture", "n"]
COVERS = {
    "mean": "the average {error} over training runs",
    "new-run": "the {error} of one new training run",
    "new-cases": "the average {error} over training runs, on new test cases,",
}


@dataclass(frozen=True, eq=False, repr=False)
class Forecast(Result):
    """Errors at sizes, with intervals; ``draws`` are the predictive draws behind the table's rows."""

    posterior: Posterior | None = None
    seed: int = 0
    track: TrackRecord = field(default_factory=TrackRecord)

    command = "forecast"
    columns = declared(
        table=Columns(
            "a curve and size",
            CURVE,
            size(),
            interval("yhat", "error", "posterior median of the error, and its equal-tailed interval"),
            GIVEN_LEVEL,
            Column(
                "kind",
                "text",
                "`mean`: the average over runs; `new-run`: one new run; `new-cases`: the average over runs, on new "
                "test cases",
                given=True,
            ),
            Column(
                "region",
                "text",
                "most likely region of the curve: `small-data`, `power-law` or `floor` (more than half of the error is "
                "irreducible)",
            ),
            Column("decades_beyond", "number", "decades beyond the curve's largest measured size"),
            NOTE,
            Column("q*", "error", "further quantiles that were asked for: `q2.5` is that of 2.5 %", optional=True),
        ),
        record=RECORD,
    )
    keys = TOTAL

    @property
    def record(self) -> pd.DataFrame:
        """How forecasts of these curves did when the largest sizes were hidden."""
        return self.track.table

    @property
    def record_total(self) -> Totals:
        return self.track.total

    @cached_property
    def draws(self) -> xr.DataArray:
        """The predictive draws behind the table's rows: errors with dims ``chain``, ``draw`` and ``point``."""
        values = self.errors(np.arange(len(self.table)))
        return by_point("error", values, self.table, (*POINT_KEYS, "kind"), self._source)

    @property
    def _source(self) -> Posterior:
        if self.posterior is None:
            raise RequestError("this forecast carries no posterior; make it with forecast()")
        return self.posterior

    def errors(self, rows: Sequence[int] | np.ndarray) -> Float[np.ndarray, "draw row"]:
        """Predictive draws of some rows of the table, by position, in the order of the chains.

        NaN in rows of curves that cannot be forecast.
        """
        chosen = self.table.iloc[np.asarray(rows, dtype=int)].reset_index(drop=True)
        out = np.full((self._source.draws, len(chosen)), np.nan)
        for index, _, errors in _by_curve(self._source, chosen, self.seed):
            out[:, index] = errors
        return out

    def save_draws(self, path: str | Path) -> None:
        """Write the predictive draws as netCDF with dims ``chain``, ``draw`` and ``point``."""
        write_netcdf(self.draws.to_dataset(), path)


def forecast(
    posterior: Posterior,
    at: Sequence[float] | np.ndarray | pd.DataFrame,
    *,
    kind: str | None = None,
    level: float = LEVEL,
    quantiles: Sequence[float] = (),
    seed: int = 0,
    curves: Sequence[CurveKey | str] | None = None,
    checks: tuple[Check, ...] = (),
    record: bool = True,
) -> Forecast:
    """The error at sizes that were not measured, with intervals.

    Parameters
    ----------
    posterior : Posterior
        What :func:`~forecaster.fit` gave.
    at : sequence of float, or pandas.DataFrame
        Sizes for every measured curve; or a table of points with the columns ``domain, task, architecture, n``. An
        architecture of a known group that has no data is forecast from the hierarchy.
    kind : {"mean", "new-run", "new-cases"}
        The average run on the test set at hand; one single run; or the average run on the population that the test set
        was drawn from (needs ``n_test``). By default the last for each group whose test sets are known, else the first.
    level : float
        Probability inside each interval, between 0 and 1.
    quantiles : sequence of float
        More quantiles, each a column: 0.05 becomes ``q5``.
    seed : int
        The same seed gives the same numbers, whatever else is asked about.
    curves : sequence, optional
        Curves asked about at sizes: keys, labels (``domain/task/architecture``) or architectures. By default all.
    checks : tuple of Check
        Verdicts to carry along.
    record : bool
        Say how forecasts of these curves did when their largest sizes were hidden, where the posterior knows.

    Returns
    -------
    Forecast
        One row per point; ``yhat`` is the posterior predictive median, in the unit of the error.

    Raises
    ------
    RequestError
        An unknown kind or group, a level or quantile outside (0, 1), a size that is not positive, ``new-cases`` where
        no test set is known.

    Examples
    --------
    >>> import forecaster
    >>> ahead = forecaster.forecast(posterior, [2_400, 12_000], level=0.9)
    >>> len(ahead.table)
    6
    >>> bool((ahead.table["yhat_lower"] < ahead.table["yhat_upper"]).all())
    True
    """
    expect_posterior(posterior)
    points = _points(posterior, at, curves)
    _check_request(kind, level, quantiles, points)
    shares = [0.5 - level / 2, 0.5, 0.5 + level / 2, *quantiles]
    found = np.full((len(points), len(shares)), np.nan)
    region, beyond = np.full(len(points), "none", dtype=object), np.full(len(points), np.nan)
    usual = {group: kind or usual_kind(posterior, group) for group in posterior.groups}
    kinds = [usual.get(group, "mean") for group in zip(points["domain"], points["task"], strict=True)]
    for index, paths, errors in _by_curve(posterior, points.assign(kind=kinds), seed):
        sizes = points["n"].to_numpy(dtype=float)[index]
        found[index] = np.quantile(errors, shares, axis=0).T
        region[index], beyond[index] = paths.region(sizes), paths.decades_beyond(sizes)
    table = points.assign(
        yhat=found[:, 1],
        yhat_lower=found[:, 0],
        yhat_upper=found[:, 2],
        level=level,
        kind=kinds,
        region=pd.array(region.tolist(), dtype="str"),
        decades_beyond=beyond,
    )
    aside = set_aside(posterior)
    keys = [CurveKey(*key) for key in points[POINT_KEYS[:3]].itertuples(index=False, name=None)]
    if aside.keys() & set(keys):
        table["note"] = [last_measured(aside[key]) if key in aside else "" for key in keys]
    for i, q in enumerate(quantiles, 3):
        table[f"q{100 * q:g}"] = found[:, i]
    asked = {(key.domain, key.task, key.architecture) for key in keys}
    track = posterior.record.of(asked) if record else TrackRecord()
    return Forecast(table, track.after(_text(posterior, table, level)), checks, posterior, seed, track)


def log_errors(
    posterior: Posterior, key: CurveKey, sizes: Float[np.ndarray, " size"], kind: str = "mean", seed: int = 0
) -> Float[np.ndarray, "draw size"]:
    """Draws of a curve's log error of this kind, which a forecast at ``sizes`` summarises."""
    return capped(posterior, key, of_kind(curve_paths(posterior, key, sizes, seed=seed), sizes, kind))


def _by_curve(
    posterior: Posterior, points: pd.DataFrame, seed: int
) -> Iterator[tuple[np.ndarray, CurvePaths, Float[np.ndarray, "draw row"]]]:
    """Positions, paths and predictive draws of the rows of a table of points (with their kind), curve by curve."""
    groups: Any = points.groupby(["domain", "task", "architecture"], sort=False).indices
    aside = set_aside(posterior)
    keys = {name: CurveKey(*name) for name in groups if CurveKey(*name) not in aside}
    check_keys(posterior, list(keys.values()))
    sizes, kinds = points["n"].to_numpy(dtype=float), points["kind"].to_numpy()
    for name, key in keys.items():
        index = groups[name]
        paths = curve_paths(posterior, key, sizes[index], seed=seed)
        for some in np.array_split(index, -(-len(index) // AT_ONCE)):
            yield some, paths, np.exp(capped(posterior, key, of_kind(paths, sizes[some], str(kinds[some[0]]))))


def capped(posterior: Posterior, key: CurveKey, log_error: np.ndarray) -> np.ndarray:
    """Errors that are shares of cases are at most 1."""
    return np.minimum(log_error, 0.0) if key.group in posterior.of_shares else log_error


def _text(posterior: Posterior, table: pd.DataFrame, level: float) -> str:
    kinds = list(dict.fromkeys(table["kind"]))
    what = [COVERS[kind].format(error=error_named(posterior)).rstrip(",") for kind in kinds]
    each = "; ".join(f"{said} (kind {kind})" for said, kind in zip(what, kinds, strict=True))
    covered = COVERS[kinds[0]].format(error=error_named(posterior)) if len(kinds) == 1 else f"each error ({each})"
    text = f"With probability {100 * level:g} %, {covered} lies between yhat_lower and yhat_upper."
    if kinds == ["mean"] and any(np.isfinite(curve.n_test).all() for curve in posterior.curves.curves):
        text += " This is the error on the test set at hand; kind new-cases allows for its sampling error."
    text += _provable(posterior, table)
    if "floor" in set(table["region"]):
        text += " In region 'floor', irreducible error makes up more than half of the forecast."
    stated = dict.fromkeys(str(card.floor) for card in posterior.cards.values() if card.floor)
    if stated:
        text += f" The prior of the floor rests on {'; '.join(stated)}."
    return text


def _provable(posterior: Posterior, table: pd.DataFrame) -> str:
    """What the test set at hand can prove of the lowest error forecast for new cases; empty where none is."""
    rows: Any = table[(table["kind"] == "new-cases") & table["yhat"].between(0.0, 1.0, inclusive="neither")]
    if rows.empty:
        return ""
    best = rows.loc[rows["yhat"].idxmin()]
    data = posterior.designs[best["domain"], best["task"]].curve_of(best["architecture"])
    if data is None:
        return ""
    tested, error = round(cases(data.curve)), float(best["yhat"])
    least = binomial_power.provable(tested, error)
    return (
        f" A test set of {tested:,} cases, as here, can at best prove (with 95 % confidence, 8 times in 10) that an "
        f"error of {error:.3g} is below {least:.3g}."
    )


def _points(posterior: Posterior, at: Any, curves: Sequence[CurveKey | str] | None) -> pd.DataFrame:
    """One row a point, indexed 0, 1, ...: domain, task, architecture, n."""
    if isinstance(at, pd.DataFrame):
        table: Any = at.copy()
        if "task" not in table and len({g[1] for g in posterior.groups}) == 1:
            table["task"] = posterior.groups[0][1]
        missing = [k for k in POINT_KEYS if k not in table]
        if missing:
            there = ", ".join(map(str, table))
            raise RequestError(
                f"points: no column {', '.join(missing)} among {there}; expected {', '.join(POINT_KEYS)}"
            )
        table = table[POINT_KEYS].reset_index(drop=True)
    else:
        sizes = np.atleast_1d(np.asarray(at, dtype=float))
        keys = [*chosen_keys(posterior, curves), *set_aside(posterior, curves)]
        rows = [(key.domain, key.task, key.architecture, n) for key in keys for n in sizes]
        table = pd.DataFrame(rows, columns=POINT_KEYS)
    table["n"] = pd.to_numeric(table["n"], errors="coerce")
    return table


def _check_request(kind: str | None, level: float, quantiles: Sequence[float], points: pd.DataFrame) -> None:
    check_kind(kind)
    bad = [v for v in (level, *quantiles) if not 0 < v < 1]
    if bad:
        raise RequestError(f"level and quantiles: found {bad[0]:g}; expected a share between 0 and 1, such as 0.8")
    if points.empty:
        raise RequestError("no sizes to forecast at; give some, such as --at 1e6,1e7")
    wrong = points[~(np.isfinite(points["n"]) & (points["n"] > 0))]
    if len(wrong):
        found = ", ".join(f"{n:g}" for n in dict.fromkeys(wrong["n"].tolist()[:10]))
        raise RequestError(f"sizes: found {found}; expected positive numbers, such as 1e6")
