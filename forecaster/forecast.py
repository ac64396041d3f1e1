"""forecast: the error at sizes nobody has trained, with what the interval means in words.

Every forecast starts from :func:`log_error_paths`: posterior draws of the whole curve, drift included,
conditioned on the measurements. The requirement and the comparison ask their questions of the same paths.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from forecaster import drift, extrapolation, laws, measurement
from forecaster.curve_draws import CurveDraws
from forecaster.errors import RequestError
from forecaster.files import write_whole
from forecaster.posterior import Group, Posterior
from forecaster.results import Check, Result

KINDS = ("mean", "new-run", "new-cases")
LEVEL = 0.8
COVERS = {
    "mean": "the error this recipe reaches on average over runs",
    "new-run": "the error of one new training run of this recipe",
    "new-cases": "the error this recipe reaches on average over runs, on cases it was not tested on,",
}


@dataclass(frozen=True)
class Target:
    """A curve to ask about: measured or, where the posterior has no data of it, from its group's hierarchy."""

    domain: str
    task: str
    architecture: str

    @property
    def label(self) -> str:
        return "/".join((self.domain, self.task, self.architecture))

    @property
    def group(self) -> Group:
        return (self.domain, self.task)

    def stream(self, seed: int) -> np.random.Generator:
        """Randomness of its own: an answer does not depend on what else is asked about, or in which order."""
        return np.random.default_rng([seed, zlib.crc32(self.label.encode())])


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


def targets_of(posterior: Posterior) -> tuple[Target, ...]:
    """Every measured curve."""
    return tuple(Target(c.domain, c.task, c.architecture) for c in posterior.curves.curves)


def check_targets(posterior: Posterior, targets: Sequence[Target]) -> None:
    """RequestError where a target's (domain, task) is not in the posterior."""
    unknown = sorted({f"{t.domain}/{t.task}" for t in targets if t.group not in posterior.groups})
    if unknown:
        known = ", ".join("/".join(g) for g in posterior.groups)
        raise RequestError(f"no curves of {', '.join(unknown)} in this posterior; it holds: {known}")


def parameters(posterior: Posterior, target: Target, rng: np.random.Generator) -> CurveDraws:
    """Draws of the target's parameters: from its data, or from the hierarchy where it has none."""
    if posterior.designs[target.group].curve_of(target.architecture) is None:
        return posterior.new_architecture(target.group, target.architecture, rng)
    return posterior.curve(target.label)


def log_error_paths(
    posterior: Posterior, target: Target, sizes: np.ndarray, rng: np.random.Generator, thin: int = 1
) -> tuple[Float[np.ndarray, "draw size"], CurveDraws]:
    """Draws of the mean curve's log error at ``sizes``, and the parameters behind them.

    Every ``thin``-th posterior draw is used; draws of two targets of one group are paired by position.
    """
    check_targets(posterior, [target])
    design = posterior.designs[target.group]
    draws = parameters(posterior, target, rng)
    draws = CurveDraws(*(getattr(draws, f)[::thin] for f in CurveDraws.__dataclass_fields__))
    x = np.log(np.asarray(sizes, dtype=float))

    data = design.curve_of(target.architecture)
    nothing = np.empty(0)
    seen = nothing if data is None else data.x
    residual = np.empty((len(draws.level), 0)) if data is None else data.y - draws.law(data.x, design)
    noise = np.empty((len(draws.level), 0)) if data is None else data.noise(draws.log_noise)
    wander = drift.sample_paths(
        rng,
        residual,
        noise,
        design.x_ref - seen,
        np.exp(2.0 * draws.log_drift),
        np.exp(2.0 * draws.log_slope),
        design.x_ref - x,
        design.slope_memory,
        lambda distance: draws.drift_time(design.x_ref - distance, design.x_ref, design.x_min, design.steady),
        design.card.volatility,
        None
        if data is None or not data.luck
        else lambda distance: draws.parted(data, design.x_ref - distance, design.x_ref, design.x_min),
    )
    late = extrapolation.late_slopes(design.card, draws.log_drift, draws.log_slope, rng)
    return draws.law(x, design) + wander + draws.late_fall(x, design.x_ref, design.x_min, late), draws


def region(posterior: Posterior, target: Target, sizes: np.ndarray, draws: CurveDraws) -> list[str]:
    """Where on the curve each size lies, by majority of draws: ``small-data``, ``power-law`` or ``floor``.

    ``small-data``: below the break. ``floor``: beyond it, and more than half of the law's error is irreducible.
    """
    design = posterior.designs[target.group]
    x = np.log(np.asarray(sizes, dtype=float))
    log_break = (design.x_min + draws.log_break)[:, None]
    law = draws.law(x, design)
    floor = laws.floor(np, draws.level, draws.floor_logit)[:, None]
    small = np.mean(x < log_break, 0)
    near_floor = np.mean((x >= log_break) & (floor > 0.5 * np.exp(law)), 0)
    power = 1.0 - near_floor - small
    names = np.array(["small-data", "power-law", "floor"])
    return names[np.argmax(np.stack([small, power, near_floor]), 0)].tolist()


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
        target = Target(*key)
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
    posterior: Posterior, target: Target, sizes: np.ndarray, kind: str, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "draw size"], CurveDraws]:
    """Draws of the log error of this kind at ``sizes``; a curve without data has no test set."""
    design = posterior.designs[target.group]
    data = design.curve_of(target.architecture)
    if kind == "new-run" and data is not None:
        grid = np.unique(np.append(sizes, data.curve.n[-1]))
        paths, draws = log_error_paths(posterior, target, grid, rng)
        rows, share = np.searchsorted(grid, sizes), design.card.known_share
        noise = draws.noise(np.log(sizes), design) + measurement.of_one_run(data.curve)
        return measurement.new_run(rng, data.curve, share, noise, grid, paths, rows)[0], draws
    paths, draws = log_error_paths(posterior, target, sizes, rng)
    if kind == "new-run":
        paths = paths + np.sqrt(draws.noise(np.log(sizes), design)) * rng.standard_normal(paths.shape)
    elif kind == "new-cases" and data is not None:
        paths = paths + measurement.new_cases(rng, data.curve, len(paths))[:, None]
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
        rows = [(t.domain, t.task, t.architecture, n) for t in targets_of(posterior) for n in sizes]
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


def _decades_beyond(posterior: Posterior, target: Target, sizes: np.ndarray) -> np.ndarray:
    """How far each size lies beyond the curve's largest measured one (its group's, for a new architecture)."""
    design = posterior.designs[target.group]
    data = design.curve_of(target.architecture)
    last = design.x_ref if data is None else np.log(data.curve.n[-1])  # data.x holds sizes taken together
    return np.maximum((np.log(sizes) - last) / np.log(10.0), 0.0)
