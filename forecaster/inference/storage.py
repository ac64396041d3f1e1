"""Posteriors on disk: netCDF, checked when read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from forecaster.curves.how_read import HowRead
from forecaster.curves.learning_curves import LearningCurves, Note
from forecaster.curves.reading.files import kind_of_file
from forecaster.domains.domain import Domain
from forecaster.errors import PosteriorFileError
from forecaster.inference.datatree import SCHEMA, table_of
from forecaster.inference.posterior import Posterior

if TYPE_CHECKING:
    import xarray as xr


def load_posterior(path: str | Path) -> Posterior:
    """Read a posterior that :meth:`Posterior.save` wrote.

    Parameters
    ----------
    path : str or Path
        A netCDF file.

    Returns
    -------
    Posterior
        Bit-identical to the one that was saved.

    Raises
    ------
    PosteriorFileError
        No such file, not a posterior, one of another version, or one whose curves do not match its own data hash. The
        message says how to make one.

    Examples
    --------
    >>> import forecaster
    >>> path = posterior.save("digits.nc")
    >>> forecaster.load_posterior(path).groups
    (('tabular-classification', 'digits'),)
    """
    import xarray as xr

    path = Path(path)
    if not path.is_file():
        raise PosteriorFileError(f"{path}: no such file; `forecaster fit CURVES -o {path}` makes one")
    try:
        tree = xr.open_datatree(path, engine="h5netcdf").load()
        tree.close()
    except Exception as error:
        if kind_of_file(path) is not None:
            raise PosteriorFileError(
                f"{path}: found a table of curves, expected a posterior; "
                f"`forecaster fit {path} -o {path.with_suffix('.nc')}` makes one"
            ) from None
        raise PosteriorFileError(
            f"{path}: not a posterior file ({type(error).__name__}); "
            f"expected netCDF written by `forecaster fit`; fit again with `forecaster fit CURVES -o {path}`"
        ) from error
    _check_schema(path, tree.attrs.get("schema"))
    try:
        return _decoded(path, tree)
    except (KeyError, ValueError, TypeError, msgspec.MsgspecError) as error:
        raise PosteriorFileError(
            f"{path}: found a posterior file that was changed or is incomplete ({error}); expected it as "
            f"`forecaster fit` wrote it; fit again with `forecaster fit CURVES -o {path}`"
        ) from error


def _check_schema(path: Path, found: object) -> None:
    """PosteriorFileError unless the file's schema is that of this version."""
    if found == SCHEMA:
        return
    again = f"`forecaster fit CURVES -o {path}`"
    kind, _, number = str(found).partition("/")
    own = SCHEMA.partition("/")
    if kind != own[0] or not number.isdecimal():
        said = "without forecaster's schema" if found is None else f"of schema {str(found)!r}"
        raise PosteriorFileError(
            f"{path}: found a netCDF file {said}; expected a posterior written by `forecaster fit`; "
            f"`forecaster fit CURVES -o {path.with_name('posterior.nc')}` makes one"
        )
    if int(number) > int(own[2]):
        step = f"install that version or a later one, or fit again with {again}"
        raise PosteriorFileError(
            f"{path}: found a posterior of schema {found!r}, written by a later version of forecaster; "
            f"expected {SCHEMA!r}; {step}"
        )
    raise PosteriorFileError(
        f"{path}: found a posterior of schema {found!r}, written by an earlier version of forecaster; "
        f"expected {SCHEMA!r}; fit its curves again with {again}"
    )


def _decoded(path: Path, tree: xr.DataTree) -> Posterior:
    table = table_of(tree["measurements"].to_dataset())
    notes = tuple(Note(*n) for n in json.loads(tree.attrs["notes"]))
    reading = msgspec.json.decode(tree.attrs.get("reading", "{}"), type=HowRead)
    curves = LearningCurves(table, notes, str(tree.attrs["source"]), reading)
    if curves.data_hash != tree.attrs["data_hash"]:
        raise PosteriorFileError(f"{path}: its curves do not match its own data hash; fit again")
    named = msgspec.json.decode(tree.attrs["cards"], type=dict[str, Domain])
    cards = {g: named["/".join(g)] for g in curves.groups}
    aside = None
    if "set_aside" in tree.children:
        aside = LearningCurves(table_of(tree["set_aside"].to_dataset()), (), curves.source)
    return Posterior(tree, curves, cards, aside)
