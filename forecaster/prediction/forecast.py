"""forecast: the error at sizes nobody has trained, with what the interval means in words.

Every forecast starts from :func:`log_error_paths`: posterior draws of the whole curve, drift included,
conditioned on the measurements. The requirement and the comparison ask their questions of the same paths.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from forecaster._support.atomic_files import write_whole
from forecaster.errors import RequestError
from forecaster.inference.parameters import CurveDraws
from forecaster.inference.posterior import Posterior
from forecaster.prediction import observation
from forecaster.prediction.paths import CurveKey, curve_keys, log_error_paths, region
from forecaster.results.check import Check
from forecaster.results.result import Result

KINDS = ("mean", "new-run", "new-cases")
LEVEL = 0.8
COVERS = {
    "mean": "the error this recipe reaches on average over runs",
    "new-run": "the error of one new training run of this recipe",
    "new-cases": "the error this recipe reaches on average over runs, on cases it was not tested on,",
}


@dataclass(frozen=True, eq=False)
class Forecast(Result):
    """Columns: ``domain, task, architecture, n, yhat, yhat_lower, yhat_upper, level, kind, region, decades_beyond``.

    ``yhat`` is the posterior median and the interval equal-tailed, in the unit of the error. ``draws`` [draw, row]
    are the predictive draws behind the table's rows.
    """

    draws: Float[np.ndarray, "draw row"] | None = None
    posterior: Posterior | None = None
    command = "forecast"

    def save_draws(self, path: str | Path) -> None:
        """Write the predictive draws as netCDF with dims ``draw`` and ``point``."""
        import xarray as xr

        keys = ("domain", "task", "architecture", "n", "kind")
        coords = {k: ("point", self.table[k].to_numpy(dtype=None if k == "n" else object)) for k in keys}
        data = xr.Dataset({"error": (("draw", "point"), self.draws)}, coords)
        write_whole(path, lambda temporary: data.to_netcdf(temporary, engine="h5netcdf"))


def forecast(
    posterior: Posterior,
    at: Sequence[float] | np.ndarray | pd.DataFrame,
    *,
    kind: str = "mean",
    level: float = LEVEL,
    quantiles: Sequence[float] = (),
    seed: int = 0,
    checks: tuple[Check, ...] = (),
) -> Forecast:
    """Error at the sizes ``at`` for every measured curve, or at the points of a table (domain, task, architecture, n).

    Architectures of a known (domain, task) that have no data are forecast from the hierarchy. Raises RequestError
    for an unknown kind, a level or quantile outside (0, 1), a size that is not positive, an unknown group.
    """
    points = _points(posterior, at)
    _check_request(kind, level, quantiles, points)
    columns, regions, beyond = [], [], []
    by_curve: Any = points.groupby(["domain", "task", "architecture"], sort=False)
    for key, rows in by_curve:
        target = CurveKey(*key)
        sizes = rows["n"].to_numpy(dtype=float)
        paths, draws = _asked(posterior, target, sizes, kind, target.stream(seed))
        if target.group in posterior.of_shares:
            paths = np.minimum(paths, 0.0)  # no more than all cases are wrong
        columns.append(pd.DataFrame(np.exp(paths).T, index=rows.index))
        regions.append(pd.Series(region(posterior, target, sizes, draws), index=rows.index))
        beyond.append(pd.Series(_decades_beyond(posterior, target, sizes), index=rows.index))
    errors = pd.concat(columns).loc[points.index].to_numpy().T
    low, middle, high = np.quantile(errors, [0.5 - level / 2, 0.5, 0.5 + level / 2], axis=0)
    table = points.assign(
        yhat=middle,
        yhat_lower=low,
        yhat_upper=high,
        level=level,
        kind=kind,
        region=pd.concat(regions).loc[points.index],
        decades_beyond=pd.concat(beyond).loc[points.index],
    )
    for q in quantiles:
        table[f"q{100 * q:g}"] = np.quantile(errors, q, axis=0)
    text = f"With a chance of {100 * level:g} %, {COVERS[kind]} lies between yhat_lower and yhat_upper."
    if kind == "mean" and any(np.isfinite(curve.n_test).all() for curve in posterior.curves.curves):
        text += " That is on the test set at hand; kind new-cases allows for how few cases it has."
    if "floor" in set(table["region"]):
        text += " In region floor more than half of the error is of the kind that no data removes; it may still fall."
    return Forecast(table, text, checks, errors, posterior)


def _asked(
    posterior: Posterior, target: CurveKey, sizes: np.ndarray, kind: str, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "draw size"], CurveDraws]:
    """Draws of the log error of this kind at ``sizes``; a curve without data has no test set."""
    design = posterior.designs[target.group]
    data = design.curve_of(target.architecture)
    if kind == "new-run" and data is not None:
        grid = np.unique(np.append(sizes, data.curve.n[-1]))
        paths, draws = log_error_paths(posterior, target, grid, rng)
        rows, share = np.searchsorted(grid, sizes), design.card.known_share
        noise = draws.noise(np.log(sizes), design) + observation.of_one_run(data.curve)
        return observation.new_run(rng, data.curve, share, noise, grid, paths, rows)[0], draws
    paths, draws = log_error_paths(posterior, target, sizes, rng)
    if kind == "new-run":
        paths = paths + np.sqrt(draws.noise(np.log(sizes), design)) * rng.standard_normal(paths.shape)
    elif kind == "new-cases" and data is not None:
        paths = paths + observation.new_cases(rng, data.curve, len(paths))[:, None]
    return paths, draws


def _points(posterior: Posterior, at: Any) -> pd.DataFrame:
    """One row a point, indexed 0, 1, ...: domain, task, architecture, n."""
    keys = ["domain", "task", "architecture", "n"]
    if isinstance(at, pd.DataFrame):
        table: Any = at.copy()
        if "task" not in table and len({g[1] for g in posterior.groups}) == 1:
            table["task"] = posterior.groups[0][1]
        missing = [k for k in keys if k not in table]
        if missing:
            raise RequestError(
                f"points: no column {', '.join(missing)} among {', '.join(map(str, table))}; expected {', '.join(keys)}"
            )
        table = table[keys].reset_index(drop=True)
    else:
        sizes = np.atleast_1d(np.asarray(at, dtype=float))
        rows = [(t.domain, t.task, t.architecture, n) for t in curve_keys(posterior) for n in sizes]
        table = pd.DataFrame(rows, columns=keys)
    table["n"] = pd.to_numeric(table["n"], errors="coerce")
    return table


def _check_request(kind: str, level: float, quantiles: Sequence[float], points: pd.DataFrame) -> None:
    if kind not in KINDS:
        raise RequestError(f"kind: found {kind!r}; expected one of {', '.join(KINDS)}")
    bad = [v for v in (level, *quantiles) if not 0 < v < 1]
    if bad:
        raise RequestError(f"level and quantiles: found {bad[0]:g}; expected a share between 0 and 1, such as 0.8")
    if points.empty:
        raise RequestError("no sizes to forecast at; give some, such as --at 1e6,1e7")
    wrong = points[~(np.isfinite(points["n"]) & (points["n"] > 0))]
    if len(wrong):
        found = ", ".join(f"{n:g}" for n in dict.fromkeys(wrong["n"].tolist()[:10]))
        raise RequestError(f"sizes: found {found}; expected positive numbers, such as 1e6")


def _decades_beyond(posterior: Posterior, target: CurveKey, sizes: np.ndarray) -> np.ndarray:
    """How far each size lies beyond the curve's largest measured one (its group's, for a new architecture)."""
    design = posterior.designs[target.group]
    data = design.curve_of(target.architecture)
    last = design.x_ref if data is None else np.log(data.curve.n[-1])  # data.x holds sizes taken together
    return np.maximum((np.log(sizes) - last) / np.log(10.0), 0.0)
