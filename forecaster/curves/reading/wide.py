"""Wide tables: a column a model, a column a run of a chart's export, or a column a size, put into rows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from forecaster._support.frames import Table
from forecaster.curves.how_read import Wide
from forecaster.curves.learning_curves import Note, listed
from forecaster.curves.misread.exports import BANDS, BETWEEN
from forecaster.curves.reading.columns import KNOWN, parts_of
from forecaster.curves.reading.names import KEEPING, near, rank
from forecaster.curves.reading.numbers import BLANK
from forecaster.curves.reading.scores import plain
from forecaster.curves.reading.sizes import size_of
from forecaster.errors import CurveColumnsError

DEVIATION = re.compile(r"(.+?)[ _\-(]+(std|sd|stdev|std_dev)\)?", re.I)
FEWEST_COLUMNS = 3  # columns that are sizes, for a table to be one of a column a size


@dataclass(frozen=True)
class Melted:
    """A table in rows; the note that says so; the columns of the file that are none any more."""

    raw: Table
    wide: Wide | None = None
    notes: tuple[Note, ...] = ()


def melted(name: str, raw: Table, wide: Wide | None, mapping: Mapping[str, str]) -> tuple[Melted, dict[str, str]]:
    """The table in rows, where it is a wide one: as ``wide`` says, or where its header leaves no doubt.

    What is left of the mapping is given back: ``architecture=a+b`` with ``wide="models"``, or ``n=100+1k`` with
    ``wide="sizes"``, name the columns that are put into rows, and are used up by that.
    """
    if wide is None:
        wide = "models" if _chart(raw) else "sizes" if _only_sizes(raw, mapping) else None
        if wide is None:
            return Melted(raw), dict(mapping)
    ours = {"models": "architecture", "sizes": "n"}[wide]
    listed_here = parts_of(mapping[ours], raw.columns) if ours in mapping else None
    rest = {k: v for k, v in mapping.items() if k != ours or listed_here is None or (wide == "models" and _chart(raw))}
    if wide == "models" and _chart(raw):
        made, what = _from_chart(raw), "a column a run, as charts are exported"
    else:
        columns = listed_here or (_sizes(raw) if wide == "sizes" else _models(raw, rest))
        if len(columns) < 2:
            what = {"models": "columns of numbers that serve as nothing else", "sizes": "columns named by sizes"}[wide]
            raise CurveColumnsError(
                f"{name}: found fewer than two {what} for --wide {wide}; the columns are {listed(raw.columns, 50)}; "
                f"expected several. Leave --wide out, or name them: --columns {ours}=ONE+OTHER"
            )
        made, what = _in_rows(raw, columns, ours), f"a column {'a model' if wide == 'models' else 'a size'}"
    said = f"{name}: the table has {what}; its {len(raw)} rows were read as {len(made)} measurements (--wide {wide})"
    return Melted(made, wide, (Note("wide", said),)), rest


def may_be_models(raw: Table, mapping: Mapping[str, str]) -> list[str]:
    """The columns that would be models, were the table one of a column a model; none where one may be the error."""
    if any(rank("error", column) is not None and not column.startswith("error") for column in raw):
        errors = [c for c in raw if rank("error", c) is not None]
        if len(errors) < 2 or near("error", errors) is not None:
            return []
    columns = _models(raw, mapping)
    return columns if len(columns) > 1 else []


# A column a run of a chart ------------------------------------------------------------------------


def _chart(raw: Table) -> bool:
    """Whether the header is that of a chart's export: ``RUN - METRIC`` again and again, with its bands or not."""
    names = [c for c in raw if BETWEEN in c and not BANDS.fullmatch(c)]
    banded = {found[1] for column in raw if (found := BANDS.fullmatch(column))}
    metrics = {column.rpartition(BETWEEN)[2] for column in names}
    return bool(banded & set(names)) or (
        len(names) > 1 and len(metrics) < len(names) and len(names) >= len(list(raw)) - 3
    )


def _from_chart(raw: Table) -> Table:
    """One row a run and step; a column for each metric; the bands are set aside."""
    names = [c for c in raw if BETWEEN in c and not BANDS.fullmatch(c)]
    ids = [c for c in raw if c not in names and not BANDS.fullmatch(c)]
    runs: dict[str, dict[str, str]] = {}
    for column in names:
        run, _, metric = column.rpartition(BETWEEN)
        runs.setdefault(run.strip(), {})[metric.strip()] = column
    parts = []
    for run, own in runs.items():
        part = raw[[*ids, *own.values()]].set_axis([*ids, *own], axis=1)
        parts.append(part.assign(**{_free("architecture", part): run}))
    return _stacked(parts)


# A column a model, or a size ----------------------------------------------------------------------


def _only_sizes(raw: Table, mapping: Mapping[str, str]) -> bool:
    """Whether the header leaves no doubt that columns are sizes: three or more are, and nothing else may be."""
    sizes = _sizes(raw)
    others = [column for column in raw if column not in sizes]
    taken = {*mapping, *map(plain, raw)}
    return len(sizes) >= FEWEST_COLUMNS and bool(others) and not taken & {"n", "error"} and near("n", others) is None


def _sizes(raw: Table) -> list[str]:
    found = [column for column in raw if (size := size_of(column)) is not None and size.value > 0]
    return [column for column in found if any(map(_looks_measured, raw[column]))]


def _models(raw: Table, mapping: Mapping[str, str]) -> list[str]:
    """Columns of numbers that serve as nothing else."""
    used = {part for theirs in mapping.values() for part in parts_of(theirs, raw.columns) or ()}
    used |= {near(ours, raw) for ours in ("n", "seed") if ours not in mapping} - {None}
    left = [c for c in raw if c not in used and plain(c) not in KNOWN and not re.fullmatch(KEEPING, c.lower())]
    left = [c for c in left if not any(rank(ours, c) for ours in ("n", "compute", "params", "seed"))]
    numbers = [c for c in left if len(raw) and all(map(_looks_measured, raw[c])) and any(map(_given, raw[c]))]
    return [c for c in numbers if _deviation_of(c, numbers) is None]


def _deviation_of(column: str, columns: Sequence[str]) -> str | None:
    """The column whose standard deviation a column holds, by its name: ``cnn_std`` beside ``cnn``."""
    found = DEVIATION.fullmatch(column)
    bases = () if found is None else (found[1].strip(), *(f"{found[1].strip()}{end}" for end in ("_mean", " mean")))
    return next((base for base in bases if base in columns and base != column), None)


def _in_rows(raw: Table, columns: Sequence[str], ours: str) -> Table:
    every = [column for column in raw if column not in columns]
    spread = {base: c for c in every if (base := _deviation_of(c, columns)) is not None}
    ids = [column for column in every if column not in spread.values()]
    parts = []
    for column in columns:
        part = raw[[*ids, column]].set_axis([*ids, "error"], axis=1) if "error" not in ids else None
        if part is None:
            raise CurveColumnsError(
                "found the column 'error' beside those of a wide table; expected one of the two. Rename or drop it."
            )
        label = re.sub(r"[ _]mean$", "", column) if ours == "architecture" else column
        part = part.assign(**{_free(ours, part): label})
        parts.append(part.assign(error_sd=raw[spread[column]] if column in spread else None) if spread else part)
    return _stacked(parts)


def _free(ours: str, part: Table) -> str:
    """The name of the new column; one that has it already is refused by its own name."""
    if ours in part:
        raise CurveColumnsError(
            f"found the column {ours!r} beside those of a wide table; expected one of the two. Rename or drop it."
        )
    return ours


def _stacked(parts: Sequence[Table]) -> Table:
    return pd.concat([part.astype(object) for part in parts]) if parts else pd.DataFrame()


def _given(cell: Any) -> bool:
    return str(cell).strip().lower() not in BLANK


def _looks_measured(cell: Any) -> bool:
    """Whether a cell may hold an error: a number, or nothing."""
    return not _given(cell) or re.match(r"\s*[-+−*$]*\s*[.,]?\d", str(cell)) is not None
