"""Surfaces on disk: netCDF, one group a surface, checked when read. No JAX, and no fit, is needed for a saved one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from forecaster._support.atomic_files import write_netcdf
from forecaster.errors import PosteriorFileError
from forecaster.results.wording import Units
from forecaster.surfaces.fitted import Surface
from forecaster.surfaces.model.card import SurfaceCard
from forecaster.surfaces.model.design import ROWS, SurfaceDesign
from forecaster.surfaces.posterior.sampling import SurfaceDraws

if TYPE_CHECKING:
    import xarray as xr

SCHEMA = "forecaster-surface/1"
LAW = "E + ((A N^-a)^k + (B D^-b)^k)^(1/k)"
CENTRE = ("x0", "t0", "y0")
STORED_COLUMNS = ("log_compute", "log_hours")  # what some tables say of each run
PACKAGES = ("forecaster", "numpy", "scipy", "xarray")


def save_surfaces(surfaces: Surface | Sequence[Surface], path: str | Path) -> Path:
    """Write surfaces to one netCDF file; nothing half-written is left behind.

    Parameters
    ----------
    surfaces : Surface or sequence of Surface
        What :func:`~forecaster.fit_surface` gave.
    path : str or Path
        The file, such as ``surface.nc``.

    Returns
    -------
    Path
        That file.

    Examples
    --------
    >>> import pandas as pd, forecaster
    >>> grid = [(params, n) for params in (1e8, 3e8, 1e9) for n in (2e9, 8e9, 3e10)]
    >>> rows = [("lm", p, n, 1.8 + 480 / p**0.35 + 2100 / n**0.37) for p, n in grid]
    >>> table = pd.DataFrame(rows, columns=["domain", "params", "n", "error"]).assign(architecture="decoder")
    >>> path = forecaster.save_surfaces(forecaster.fit_surface(table), "surface.nc")
    >>> [one.design.label for one in forecaster.load_surfaces(path)]
    ['lm/all/decoder']
    """
    import xarray as xr

    found = (surfaces,) if isinstance(surfaces, Surface) else tuple(surfaces)
    tree = xr.DataTree.from_dict({f"/surface {k}": _dataset(one) for k, one in enumerate(found)})
    tree.attrs = {"schema": SCHEMA, "versions": json.dumps({name: version(name) for name in PACKAGES})}
    write_netcdf(tree, path)
    return Path(path)


def load_surfaces(path: str | Path) -> tuple[Surface, ...]:
    """Read the surfaces that :func:`~forecaster.save_surfaces` wrote.

    Parameters
    ----------
    path : str or Path
        A netCDF file.

    Returns
    -------
    tuple of Surface
        Their draws are bit-identical to those that were saved, and so is every answer.

    Raises
    ------
    PosteriorFileError
        No such file, no file of surfaces, one of another version, or one whose runs do not match their own hash.

    Examples
    --------
    >>> import forecaster
    >>> forecaster.load_surfaces("surface.nc")  # doctest: +SKIP
    (Surface language modelling/farseer/decoder: 411 runs, ...
    """
    path = Path(path)
    again = f"fit again with `forecaster surface RUNS --save {path}`"
    found = schema_of(path)
    if found != SCHEMA:
        what = "no netCDF file" if found is None else f"a file of schema {found!r}"
        raise PosteriorFileError(f"{path}: found {what}; expected surfaces of schema {SCHEMA!r}; {again}")
    import xarray as xr

    with xr.open_datatree(path, engine="h5netcdf") as opened:
        tree = opened.load()
    try:
        return tuple(_surface(path, node.to_dataset()) for node in tree.children.values())
    except (KeyError, ValueError, TypeError, msgspec.MsgspecError) as error:
        raise PosteriorFileError(
            f"{path}: found a file of surfaces that was changed or is incomplete ({error}); {again}"
        ) from error


def schema_of(path: str | Path) -> str | None:
    """The schema that a netCDF file names, empty where it names none; None where it is no such file.

    PosteriorFileError where there is no file.
    """
    path = Path(path)
    if not path.is_file():
        raise PosteriorFileError(
            f"{path}: no such file; `forecaster fit CURVES -o {path}` or `forecaster surface RUNS --save {path}` "
            "makes one"
        )
    import h5netcdf

    try:
        with h5netcdf.File(path, "r") as file:
            return str(file.attrs.get("schema", ""))
    except (OSError, ValueError):
        return None


def data_hash(design: SurfaceDesign) -> str:
    """SHA-256 of the name and the runs of a design."""
    made = hashlib.sha256(json.dumps(design.key).encode())
    for name in (*ROWS, *STORED_COLUMNS):
        values = getattr(design, name)
        if values is not None:
            made.update(name.encode() + np.ascontiguousarray(values, dtype="<f8").tobytes())
    return made.hexdigest()


def _dataset(one: Surface) -> xr.Dataset:
    import xarray as xr

    design, drawn = one.design, one.draws
    data: dict[str, Any] = {name: ("row", np.asarray(getattr(design, name), dtype=float)) for name in ROWS}
    data |= {name: ("row", values) for name in STORED_COLUMNS if (values := getattr(design, name)) is not None}
    data["values"] = (("chain", "draw", "quantity"), np.ascontiguousarray(drawn.values))
    attrs: dict[str, Any] = {name: getattr(design, name) for name in ("domain", "task", "architecture", *CENTRE)}
    attrs |= {"data_hash": data_hash(design), "card": msgspec.json.encode(_plain(design.card)).decode(), "law": LAW}
    attrs |= {"engine": drawn.engine, "ess": drawn.ess, "r_hat": drawn.r_hat, "seed": one.seed}
    attrs["units"] = msgspec.json.encode(design.units).decode()
    attrs |= {} if design.noise is None else {"noise": design.noise}
    return xr.Dataset(data, {"quantity": list(design.quantities)}, attrs)


def _plain(card: SurfaceCard) -> dict[str, Any]:
    return {"name": card.name, "title": card.title, "priors": dict(card.priors), "memory": card.memory}


def _surface(path: Path, data: xr.Dataset) -> Surface:
    attrs = data.attrs
    rows: dict[str, Any] = {name: data[name].values for name in ROWS} | {
        name: data[name].values for name in STORED_COLUMNS if name in data
    }
    rows["above"] = rows["above"] > 0.5
    named: dict[str, Any] = {name: str(attrs[name]) for name in ("domain", "task", "architecture")}
    centre: dict[str, Any] = {name: float(attrs[name]) for name in CENTRE}
    noise = float(attrs["noise"]) if "noise" in attrs else None
    card = msgspec.json.decode(str(attrs["card"]), type=SurfaceCard)
    units = msgspec.json.decode(str(attrs["units"]), type=Units)
    design = SurfaceDesign(**named, **rows, **centre, card=card, noise=noise, units=units)
    if data_hash(design) != attrs["data_hash"]:
        raise PosteriorFileError(f"{path}: its runs do not match their own hash; fit again")
    drawn = SurfaceDraws(data["values"].values, float(attrs["ess"]), float(attrs["r_hat"]), str(attrs["engine"]))  # type: ignore[arg-type]
    return Surface(design, drawn, int(attrs["seed"]))
