"""Memos on disk for every group of a posterior, and the examples that the package ships with the questions to them.

No statistics here: the memo module answers; this one names files and reports progress.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from importlib.resources import as_file, files
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd

from forecaster._support.atomic_files import written_together
from forecaster.curves.learning_curves import LearningCurves
from forecaster.curves.reading.read import read_curves
from forecaster.inference.fit import Progress
from forecaster.inference.posterior import Posterior
from forecaster.reports.chapters.catalogue import Wanted
from forecaster.reports.memo import memo
from forecaster.resources.prices.costs import Costs
from forecaster.resources.prices.costs_file import read_costs
from forecaster.results.columns import GROUP, Column, Columns, declared
from forecaster.results.result import Result, Shown


@dataclass(frozen=True)
class Example:
    """A shipped table of curves and the question its memo answers."""

    name: str
    target: float
    sizes: tuple[float, ...]
    title: str
    penalty: float | None = None  # with the price list that ships
    size_unit: str | None = None
    chapters: Wanted | None = None  # by default those that the data allow
    later: float | None = None  # sizes above are taken for runs of a later day, whose forecast is registered


EXAMPLES = (
    Example(
        "digits",
        0.003,
        (2400.0, 4800.0, 7200.0, 12_000.0),
        "Handwritten digits: should more images be labelled?",
        penalty=20_000.0,
        size_unit="images",
        chapters={"next": {"refits": 0}, "screen": {}},
        later=600.0,
    ),
    Example("characters", 1.7, (3.4e7, 6.8e7, 1.7e8), "Source text: should more text be collected?"),
)


@dataclass(frozen=True)
class GridExample:
    """A shipped table of runs over model size and data, its price list, and the question its memo answers."""

    name: str
    target: float
    penalty: float
    costs: str
    title: str


GRID = GridExample("grid", 2.7, 2000.0, "grid-costs", "Source text: should a larger model be trained, on more text?")
START = date(2027, 1, 4)  # on which the examples place their orders, so that their dates stay


@dataclass(frozen=True, eq=False, repr=False)
class Written(Result):
    """The files that memos were written to."""

    command = "memo"
    columns = declared(table=Columns("a file written", GROUP, Column("file", "text", "the path of the file")))

    def shown(self, most: int) -> Sequence[Shown]:
        """The documents and figures; the tables beside them in a line."""
        table: Any = self.table
        tables = table["file"].str.endswith(".csv")
        folders = ", ".join(dict.fromkeys(str(Path(file).parent) for file in table.loc[tables, "file"]))
        note = f"The tables behind their numbers, as CSV: {folders}" if folders else ""
        return (Shown(table[~tables].reset_index(drop=True), self.columns["table"], note=note),)


@dataclass(frozen=True, eq=False, repr=False)
class Demo(Written):
    """The files that the memos of the shipped examples were written to."""

    command = "demo"


def example_curves(name: str, *, two_axes: bool = False) -> LearningCurves:
    """The shipped curves ``digits`` or ``characters``; ``grid`` has two axes."""
    with as_file(files("forecaster") / "examples" / f"{name}.csv") as path:
        found = read_curves(path, two_axes=two_axes)
    return replace(found, source=f"{name}.csv", reading=replace(found.reading, source=f"{name}.csv"))


def example_costs(name: str = "costs") -> Costs:
    """A shipped price list: ``costs`` for more digits, ``grid-costs`` for larger character models."""
    with as_file(files("forecaster") / "examples" / f"{name}.toml") as path:
        return read_costs(path)


def memos_of(
    posterior: Posterior,
    folder: Path,
    stem: str,
    *,
    tell: Progress,
    page: bool = False,
    pdf: bool = False,
    **options: Any,
) -> Written:
    """Write a memo for each group into ``folder``: ``stem``, with the task's name where there are several groups.

    With the interactive ``page`` of each, if asked. All of them, or none.
    """
    rows, checks = [], []
    names = [stem] if len(posterior.groups) == 1 else [f"{stem}-{s}" for s in slugs(posterior.groups)]
    with written_together(folder) as aside:
        for i, (group, name) in enumerate(zip(posterior.groups, names, strict=True)):
            tell("/".join(group), i / len(posterior.groups))
            found = memo(posterior, group, **options)
            files = [folder / file for file in found.write(aside, name, page=page, pdf=pdf)]
            rows += [{"domain": group[0], "task": group[1], "file": str(file)} for file in files]
            checks += [c for c in found.checks if c not in checks]
    table = pd.DataFrame(rows, columns=["domain", "task", "file"])
    return Written(table, "Each memo is written as Markdown and as HTML, with its figures and tables.", tuple(checks))


def slugs(groups: Sequence[Sequence[str]]) -> list[str]:
    """A unique name for each group: where file names would be alike, later ones are numbered from 2 on."""
    plain = [_slug(" ".join(group)) for group in groups]
    taken, found = set(plain), list[str]()
    for name in plain:
        if name in found:
            name = next(n for k in count(2) if (n := f"{name}-{k}") not in taken)
        taken.add(name)
        found.append(name)
    return found


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "memo"
