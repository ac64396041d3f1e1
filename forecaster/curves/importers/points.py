"""Points: the columns that an export offers: what names of runs say, products, cells as numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from forecaster._support.frames import Table
from forecaster.curves.importers.export import Export
from forecaster.curves.importers.settings import pairs_in, pattern
from forecaster.curves.learning_curves import listed
from forecaster.curves.reading.columns import KNOWN, parts_of
from forecaster.curves.reading.sizes import size_of
from forecaster.errors import CurveColumnsError

RUN = "run"  # the column with the name of each run, unless the export has one of that name


def with_names(source: str, export: Export, names: str | None) -> tuple[Table, dict[str, str]]:
    """The columns of an export, those that the names of runs say among them; which of them are ours by name.

    Raises CurveColumnsError where a name is not as the pattern says.
    """
    table = export.table.set_axis([str(column).strip() for column in export.table.columns], axis=1)
    if table.columns.has_duplicates:
        twice = listed(table.columns[table.columns.duplicated()].unique())
        raise CurveColumnsError(f"{source}: found the column {twice} twice; expected each once. Rename or drop one.")
    said = [pairs_in(name) for name in export.names]
    ours: dict[str, str] = {}
    if names is not None:
        found = [pattern(names).fullmatch(name) for name in export.names]
        wrong = [name for name, one in zip(export.names, found, strict=True) if one is None]
        if wrong:
            raise CurveColumnsError(
                f"{source}: found runs whose names are not as --names {names!r} says: {listed(wrong, 5)}; expected "
                "names like that. Change the pattern (* stands for anything), or give other runs."
            )
        more = [{f"name.{key}": value for key, value in one.groupdict().items()} for one in found if one is not None]
        said = [own | other for own, other in zip(said, more, strict=True)]
        ours = {key: f"name.{key}" for key in pattern(names).groupindex if key in KNOWN}
    told = pd.DataFrame(said, index=range(len(said)), dtype=object).assign(**{RUN: list(export.names)})
    told = told.drop(columns=[column for column in told if column in table])
    spread = told.iloc[export.run].reset_index(drop=True)
    return pd.concat([table.reset_index(drop=True), spread], axis=1), ours


def with_products(source: str, table: Table, columns: Mapping[str, str]) -> Table:
    """The table with a column for each product such as ``step*256`` that the mapping names.

    Raises CurveColumnsError where a factor is neither a column of numbers nor a number.
    """
    made = table
    for theirs in dict.fromkeys(columns.values()):
        if "*" in theirs and parts_of(theirs, table.columns) is None:
            made = made.assign(**{theirs: product(source, table, theirs)})
    return made


def product(source: str, table: Table, text: str) -> Table:
    """The column that ``step*batch_size*2`` is; blank where a factor is."""
    value = np.ones(len(table))
    for factor in (part.strip() for part in text.split("*")):
        if factor in table:
            value = value * as_numbers(table[factor])
        elif (number := size_of(factor)) is not None and number.value > 0:
            value = value * number.value
        else:
            raise CurveColumnsError(
                f"{source}: found {factor!r} in the product {text!r}; expected columns and numbers with * between "
                f"them; the columns are {listed(table.columns, 50)}."
            )
    return pd.Series(value, table.index, dtype=object).where(~np.isnan(value), None)


def as_numbers(column: Table) -> Float[np.ndarray, " point"]:
    """The numbers of a column, NaN where a cell is none, or is not finite."""
    found = np.array([_number(cell) for cell in column], dtype=np.float64)
    return np.where(np.isfinite(found), found, np.nan)


def _number(cell: Any) -> float:
    if isinstance(cell, str):
        text = re.sub(r"\s*%$", "", cell.strip())
        size = None if re.fullmatch(r"[-+\d.eE]+", text) else size_of(text)
        cell = text if size is None else size.value
    try:
        return float(cell)
    except (TypeError, ValueError, OverflowError):
        return float("nan")
