"""A fault: what was seen in a table that was misread, and other readings of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from forecaster._support.frames import Table
from forecaster.curves.how_read import HowRead
from forecaster.curves.learning_curves import KEYS, NO_TASK
from forecaster.curves.metrics import Metric, metric_of, metric_of_reading

FEWEST_SIZES = 3  # sizes that one curve of a group must have


@dataclass(frozen=True)
class Other:
    """Another reading: when it is right, the reading, options beside it, and the verb that takes it so."""

    when: str
    how: HowRead
    more: tuple[str, ...] = ()
    verb: str | None = None  # another one than was asked
    itself: tuple[str, ...] = ()  # verbs that take it so themselves, with the option ``--two-axes``


@dataclass(frozen=True)
class Fault:
    """What shows that a table was misread: the rule's name, a sentence, and other readings, the likeliest first."""

    rule: str
    seen: str
    others: tuple[Other, ...] = ()


def metrics_of(table: Table, how: HowRead) -> Mapping[tuple[str, str], tuple[Metric, ...]]:
    """The metrics of each (domain, task): those of the column ``metric``, else what the error column's name says."""
    own = metric_of_reading(how)
    named = table["metric"] if "metric" in table else pd.Series("", table.index)
    found: dict[tuple[str, str], dict[Metric, None]] = {}
    rows = table[KEYS[:2]].assign(metric=named).drop_duplicates().itertuples(index=False, name=None)
    for domain, task, text in rows:
        metric = metric_of(text) if text else own
        of_group = found.setdefault((domain, task), {})
        if metric is not None:
            of_group[metric] = None
    return {group: tuple(of) for group, of in found.items()}


def grouped_by(table: Table, how: HowRead, ours: str, columns: list[str]) -> tuple[Table, HowRead] | None:
    """The table with ``columns`` added to what ``ours`` (task or architecture) is made of; and how it is read so.

    None where no curve of a group would be left with three sizes, or where a name cannot stand on the command line.
    """
    if any("," in column or "+" in column or "=" in column for column in columns):
        return None
    there = ours in how.columns or (ours not in how.constants and (ours != "task" or (table[ours] != NO_TASK).any()))
    parts = [how.columns.get(ours, ours)] if there else []
    made = table[[ours] if there else []].astype(str).assign(**{c: table[c].astype(str) for c in columns})
    regrouped = table.assign(**{ours: made.agg("+".join, axis=1)})
    sizes = regrouped.groupby(KEYS)["n"].nunique().groupby(level=KEYS[:2]).max()
    if (sizes < FEWEST_SIZES).any():
        return None
    constants = {name: value for name, value in how.constants.items() if name != ours}
    mapping = {**how.columns, ours: "+".join([*parts, *columns])}
    return regrouped, replace(how, columns=mapping, constants=constants)


def numbers_of(cells: Table) -> Table:
    """A column's numbers, NaN where a cell holds none."""
    try:
        numbers: Table = pd.to_numeric(cells, errors="coerce")
    except OverflowError:  # a whole number beyond all floats
        numbers = pd.to_numeric(cells.map(str), errors="coerce")
    return numbers.astype(float)


def curve_labels(table: Table, rows: np.ndarray, most: int = 3) -> str:
    """Names of the curves of some rows, the first few."""
    names = list(dict.fromkeys("/".join(key) for key in table.loc[rows, KEYS].itertuples(index=False, name=None)))
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
