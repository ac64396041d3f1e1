"""The library of fields: which files make a field, and what is taken of each.

A field is what one card would describe. Curves are thinned to as many sizes as people usually measure, and of large
files a few tasks and curves are taken, by a fixed seed, so that a field of 815 curves weighs no more than one of five.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecaster.curves.learning_curves import KEYS, LearningCurves
from forecaster.curves.reading.read import read_curves

TASKS = 15  # most tasks of one file
CURVES = 14  # most curves of one task
SIZES = 8  # fitted sizes of a curve that are kept: as many as people usually measure
Table = Any  # a DataFrame, where pandas' own annotations know no better


@dataclass(frozen=True)
class Field:
    """One field: its name, the kind of its errors (``rate`` or ``loss``), and its files, without ``.csv``."""

    name: str
    kind: str
    files: tuple[str, ...]


LIBRARY = (
    Field("images", "rate", ("ic_birds_caltech", "ic_cifar", "fields/inspection")),
    Field("tables", "rate", ("lcdb",)),
    Field("life sciences", "rate", ("fields/antibody", "fields/bioactivity", "fields/rna_cancer")),
    Field("sound retrieval", "rate", ("fields/sound_retrieval",)),
    Field("benchmark tasks", "rate", ("bb",)),
    Field("translation", "loss", ("nmt",)),
    Field("language models", "loss", ("chinchilla", "overtraining", "farseer")),
    Field("training runs", "loss", ("training_runs",)),
    Field("drug response", "loss", ("drug_response",)),
    Field(
        "physical simulation",
        "loss",
        ("fields/forcefields", "fields/pde_operators", "fields/blackhole_surrogate", "fields/robot_reach"),
    ),
    Field("regression", "loss", ("fields/teacher_student",)),
)


def curves_of(field: Field, folder: Path, *, sizes: int = SIZES, hidden: int | None = None) -> LearningCurves:
    """The field's curves, each with at most ``sizes`` fitted sizes; of the hidden ones all, or ``hidden`` at most.

    The domain of every curve is the name of the field, its task is that of the file behind the name of the file.
    """
    tables = [_of_file(folder, name) for name in field.files]
    table: Table = pd.concat(tables, ignore_index=True).assign(domain=field.name)
    kept = pd.concat([_thinned(rows, sizes, hidden) for _, rows in table.groupby(KEYS, sort=False)])
    return read_curves(kept)


def groups(curves: Iterable[LearningCurves]) -> LearningCurves:
    """Several fields as one table, so that one call fits them all."""
    return read_curves(pd.concat([one.table for one in curves], ignore_index=True))


def _of_file(folder: Path, name: str) -> Table:
    read = read_curves(folder / f"{name}.csv")
    table: Table = read.table
    rng = np.random.default_rng(0)
    tasks = sorted({task for _, task in read.groups})
    if len(tasks) > TASKS:
        table = table[table["task"].isin(rng.choice(tasks, TASKS, replace=False))]
    table = pd.concat(list(_few(table, rng)))
    short = name.rpartition("/")[2]
    return table[
        [*KEYS, "n", "error", *(c for c in ("error_sd", "repeats", "n_test", "seed", "split") if c in table)]
    ].assign(task=short + "/" + table["domain"] + "/" + table["task"])


def _few(table: Table, rng: np.random.Generator) -> Iterator[Table]:
    for _, rows in table.groupby(KEYS[:2], sort=False):
        names = sorted(rows["architecture"].unique())
        yield rows[rows["architecture"].isin(rng.choice(names, CURVES, replace=False))] if len(names) > CURVES else rows


def _thinned(rows: Table, sizes: int, hidden: int | None) -> Table:
    """A curve with so many fitted and hidden sizes, evenly spread over log size with both ends kept."""
    fitted = ~rows["split"].eq("extrapolate")
    keep = rows["n"].isin(spread(rows.loc[fitted, "n"].unique(), sizes)) & fitted
    unseen = rows.loc[~fitted, "n"].unique()
    return rows[keep | (~fitted & rows["n"].isin(unseen if hidden is None else spread(unseen, hidden)))]


def spread(sizes: np.ndarray, count: int) -> np.ndarray:
    """At most ``count`` of these sizes, those nearest to an even grid of log size."""
    if len(sizes) <= count:
        return sizes
    x = np.log(sizes)
    grid = np.linspace(x.min(), x.max(), count)
    return sizes[np.unique(abs(x[:, None] - grid).argmin(0))]
