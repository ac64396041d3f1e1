"""surface: the loss of models of any size on any amount of data, and how to spend a compute best."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecaster._support.frames import Table
from forecaster.curves.learning_curves import KEYS
from forecaster.curves.misread.fault import numbers_of
from forecaster.errors import RequestError
from forecaster.results.check import Check
from forecaster.results.columns import LEVEL
from forecaster.results.message import joined
from forecaster.surfaces import checks, prose
from forecaster.surfaces.answers import ComputeOptimum, Kind, SurfaceForecast
from forecaster.surfaces.compute import Compute, as_table, optimum, slices
from forecaster.surfaces.fitted import Surface
from forecaster.surfaces.model.card import SurfaceCard
from forecaster.surfaces.posterior.fitting import Source, designs_of_source, fitted_to
from forecaster.surfaces.posterior.sampling import Engine

POINT = ("n", "params", "yhat", "yhat_lower", "yhat_upper", "decades_beyond")
FURTHER = (1.0, 10.0)  # times the largest measured compute, where none is asked for


def surface(
    source: Source | Surface | Sequence[Surface],
    *,
    flops: Sequence[float] | float | None = None,
    at: pd.DataFrame | Sequence[float] | float | None = None,
    params: Sequence[float] | float | None = None,
    unique_n: float | None = None,
    kind: Kind = "mean",
    level: float = LEVEL,
    card: SurfaceCard | str | Path | None = None,
    engine: Engine = "importance",
    seed: int = 0,
    **reading: Any,
) -> SurfaceForecast | ComputeOptimum:
    """The loss over model size and data: forecasts at points, or the best use of a compute.

    Parameters
    ----------
    source : str, Path, pandas.DataFrame, LearningCurves, Surface or sequence of Surface
        Final losses of runs, with the columns ``n``, ``params`` and ``error`` (see :func:`~forecaster.fit_surface`); or
        what that or :func:`~forecaster.load_surfaces` gave.
    flops : float or sequence of float, optional
        Compute of runs that are to be planned: 6 N D, or on the scale of the column ``compute``. Where neither this nor
        ``at`` is given, the largest measured compute and ten times that.
    at : pandas.DataFrame, or float or sequence of float, optional
        Points to forecast: a table with the columns ``n``, ``params`` and, where data repeat, ``unique_n``; or amounts
        of data, for the sizes ``params``.
    params : float or sequence of float, optional
        Model sizes, for amounts of data in ``at``.
    unique_n : float, optional
        The different data there are; more of them are repeated.
    kind : {"mean", "new-run"}
        What is forecast: the average over runs, or one new run.
    level : float
        Probability of each interval.
    card, engine, seed : optional
        Priors, sampler and seed, as for :func:`~forecaster.fit_surface`.
    reading : keyword arguments
        How a table is read, as for :func:`~forecaster.read_curves`.

    Returns
    -------
    SurfaceForecast or ComputeOptimum
        The former for points, the latter for compute.

    Raises
    ------
    RequestError
        Points and compute at once, a size that is not positive, or a table that has no two axes.

    Examples
    --------
    >>> import pandas as pd, forecaster
    >>> grid = [(params, n) for params in (1e8, 3e8, 1e9) for n in (2e9, 8e9, 3e10)]
    >>> rows = [("lm", p, n, 1.8 + 480 / p**0.35 + 2100 / n**0.37) for p, n in grid]
    >>> table = pd.DataFrame(rows, columns=["domain", "params", "n", "error"]).assign(architecture="decoder")
    >>> fitted = forecaster.fit_surface(table)
    >>> forecaster.surface(fitted, flops=1e20).table["flops"].tolist()
    [1e+20]
    >>> forecaster.surface(fitted, at=[1e11, 2e11], params=1e9).table["n"].tolist()
    [100000000000.0, 200000000000.0]
    """
    _check(flops, at, params, kind, level)
    if isinstance(source, Surface):
        found = (source,)
    elif isinstance(source, Sequence) and not isinstance(source, str):
        found = tuple(source)
    else:
        designs = designs_of_source(source, card, reading)
        found = tuple(fitted_to(design, engine=engine, seed=seed) for design in designs)
    if at is not None:
        return _forecast(found, _points(at, params, unique_n), kind, level, seed)
    wanted = None if flops is None else [float(c) for c in np.atleast_1d(np.asarray(flops, dtype=float))]
    return _optimum(found, wanted, unique_n, level)


def _check(flops: Any, at: Any, params: Any, kind: str, level: float) -> None:
    if flops is not None and at is not None:
        raise RequestError("found points and compute; expected one of the two: at=... or flops=... (--at or --flops)")
    if params is not None and at is None:
        raise RequestError("found params without at; expected amounts of data as well: at=[1e11], params=[7e9]")
    if kind not in ("mean", "new-run"):
        raise RequestError(f"kind: found {kind!r}; expected mean or new-run")
    if not 0 < level < 1:
        raise RequestError(f"level: found {level:g}; expected a share between 0 and 1, such as 0.8")
    if flops is not None:
        given = np.atleast_1d(np.asarray(flops, dtype=float))
        if not (len(given) and np.isfinite(given).all() and (given > 0).all()):
            raise RequestError(f"flops: found {flops}; expected compute above 0, such as 1e21")


def _points(at: Any, params: Any, unique_n: float | None) -> Table:
    """The points asked about, with ``n``, ``params`` and ``unique_n``."""
    if isinstance(at, pd.DataFrame):
        if params is not None:
            raise RequestError("found params beside a table of points; expected a column params in it")
        lacking = [name for name in ("n", "params") if name not in at]
        if lacking or not len(at):
            what = f"no column {' and '.join(lacking)}" if lacking else "no rows"
            raise RequestError(f"points: found {what}; expected rows of n and params")
        points = at
    else:
        if params is None:
            raise RequestError(
                "found amounts of data without params; expected the model's size as well: params=7e9 (--params)"
            )
        rows = [(n, p) for p in np.atleast_1d(params) for n in np.atleast_1d(at)]
        points = pd.DataFrame(rows, columns=["n", "params"])
    own: Table = points[[name for name in (*KEYS, "n", "params") if name in points]].reset_index(drop=True)
    own["unique_n"] = (
        points["unique_n"].to_numpy() if "unique_n" in points else np.inf if unique_n is None else unique_n
    )
    for name in ("n", "params", "unique_n"):
        own[name] = numbers_of(own[name])
    own["unique_n"] = own["unique_n"].fillna(np.inf).clip(upper=own["n"])
    if not (own[["n", "params", "unique_n"]].to_numpy(dtype=float) > 0).all():
        raise RequestError("points: found a size that is not above 0; expected n and params such as 1e11 and 7e9")
    return own


def _of(surface: Surface, points: Table) -> Table:
    """The points that are meant for a surface: all, but for those that name another one."""
    for column, name in zip(KEYS, surface.design.key, strict=True):
        if column in points:
            points = points[points[column].astype(str) == name]
    return points


def named(surface: Surface) -> dict[str, str]:
    return dict(zip(KEYS, surface.design.key, strict=True))


def _ends(level: float) -> tuple[float, float]:
    return (1.0 - level) / 2.0, (1.0 + level) / 2.0


def _forecast(found: Sequence[Surface], points: Table, kind: Kind, level: float, seed: int) -> SurfaceForecast:
    rows, said = [], []
    verdicts: list[Check] = []
    low, high = _ends(level)
    for one in found:
        own = _of(one, points)
        if not len(own):
            continue
        n, params, unique = (own[name].to_numpy(dtype=float) for name in ("n", "params", "unique_n"))
        drawn = one.log_loss(n, params, unique) if kind == "mean" else one.new_run(n, params, unique, seed=seed)
        ends = np.exp(np.quantile(drawn, [0.5, low, high], axis=0))
        far = one.decades_beyond(n, params)
        own_rows = [
            named(one) | dict(zip(POINT, map(float, row), strict=True))
            for row in zip(n, params, *ends, far, strict=True)
        ]
        rows += own_rows
        said += prose.of_points(one, own_rows)
        verdicts += [checks.sampling(one), checks.axes(one), checks.beyond(one, float(far.max()))]
    if not rows:
        raise RequestError(f"points: found none of {', '.join(one.design.label for one in found)}; expected such rows")
    return SurfaceForecast(
        pd.DataFrame(rows),
        joined([*said, prose.of_level(level, kind)], "\n"),
        checks.by_id(verdicts),
        _parameters(found),
        tuple(found),
        level,
        kind,
    )


def _optimum(
    found: Sequence[Surface], flops: list[float] | None, unique_n: float | None, level: float
) -> ComputeOptimum:
    rows, sliced, said = [], [], []
    verdicts: list[Check] = []
    for one in found:
        compute = Compute.of(one.design)
        wanted = [compute.largest * times for times in FURTHER] if flops is None else flops
        own = [_row(one, c, compute, unique_n, level) for c in wanted]
        rows += own
        table = as_table(slices(one, compute), one, compute, _ends(level))
        sliced.append(table.assign(**named(one))[[*named(one), *table.columns]])
        said += prose.of_optimum(one, own)
        verdicts += [checks.sampling(one), checks.axes(one), checks.isoflop(one, table)]
        verdicts.append(checks.outside(one, max(row["p_outside_data"] for row in own)))
        verdicts.append(checks.beyond(one, max(row["decades_beyond"] for row in own)))
    isoflop = pd.concat(sliced, ignore_index=True)
    return ComputeOptimum(
        pd.DataFrame(rows),
        joined([*said, prose.of_level(level)], "\n"),
        checks.by_id(verdicts),
        isoflop,
        _parameters(found),
        tuple(found),
        level,
    )


def _row(one: Surface, flops: float, compute: Compute, unique_n: float | None, level: float) -> dict[str, Any]:
    best = optimum(one, flops, compute, unique_n)
    low, high = _ends(level)
    row: dict[str, Any] = named(one) | {"flops": flops}
    for name, drawn in (("params", best.x), ("n", best.t), ("error", best.log_loss)):
        ends = np.exp(np.quantile(drawn, [0.5, low, high]))
        row |= {f"{name}_{end}": float(v) for end, v in zip(("q50", "lower", "upper"), ends, strict=True)}
    row["p_outside_data"] = float(one.outside(np.exp(best.t), np.exp(best.x)).mean())
    row["decades_beyond"] = max(float(np.log10(flops / compute.largest)), 0.0)
    return row


def _parameters(found: Sequence[Surface]) -> pd.DataFrame:
    def rows() -> Iterator[Mapping[str, Any]]:
        for one in found:
            for name, values in one.parameters.iterrows():
                yield named(one) | {"quantity": name} | dict(values)

    return pd.DataFrame(list(rows()))
