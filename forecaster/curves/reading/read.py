"""From a file or a data frame to validated learning curves.

A table has one row per measurement. ``domain``, ``architecture``, ``n`` and ``error`` are required; ``task``,
``metric``, ``seed``, ``error_sd`` with ``repeats``, ``n_test``, ``params``, ``compute`` and ``split`` not; other
columns are kept as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from forecaster._support.frames import Table
from forecaster.curves.contents import check_table, curve_notes
from forecaster.curves.how_read import VALIDATE, Command, Decimal, HowRead, Wide
from forecaster.curves.learning_curves import KEYS, NO_TASK, NOISE, LearningCurves, Note, listed
from forecaster.curves.misread.exports import unfinished
from forecaster.curves.misread.refusal import expect_well_read
from forecaster.curves.reading import suggestions
from forecaster.curves.reading.cells import MarkEvidence
from forecaster.curves.reading.columns import (
    REQUIRED,
    absent,
    check_constants,
    constant_notes,
    mapping_of,
    parts_of,
    renamed,
    rows_where,
    stripped,
    there,
    where_of,
    with_constants,
)
from forecaster.curves.reading.files import load
from forecaster.curves.reading.rows import SPLITS, Rows, rows_of
from forecaster.curves.reading.scores import named_score
from forecaster.curves.reading.wide import melted
from forecaster.curves.transients import without_start
from forecaster.errors import CurveColumnsError, CurveFileError, RequestError


def read_curves(
    source: str | Path | pd.DataFrame,
    *,
    columns: Mapping[str, str | Sequence[str]] | None = None,
    constants: Mapping[str, str | float] | None = None,
    where: Mapping[str, Any] | None = None,
    score: str | None = None,
    percent: bool = False,
    full_size: float | None = None,
    wide: Wide | None = None,
    decimal: Decimal | None = None,
    accuracy: bool = False,
    n_min: float | None = None,
    as_they_are: bool = False,
    two_axes: bool = False,
) -> LearningCurves:
    """Read and validate learning curves.

    Parameters
    ----------
    source : str, Path or pandas.DataFrame
        A file (.csv, .tsv, .txt, .json, .jsonl, .parquet, or one of these with .gz), or a data frame, one row per
        measurement. See the page on the input table for its columns.
    columns : mapping, optional
        Our column names to those of the table, such as ``{"n": "train_size"}``. Several columns make one name:
        ``{"task": ("heuristic", "feature_set")}`` or ``"heuristic+feature_set"``. A column of the table that already
        has one of our names, and is not the one mapped to it, is kept under that name with an underscore (``n_``).
    constants : mapping, optional
        One value for all rows of a column that the table lacks once mapped, such as ``{"domain": "language"}``.
    where : mapping, optional
        Keep the rows that have this value, or one of these, in a column of the table: ``{"split": "val"}``.
    score : str, optional
        The error column holds scores that are 1 at best, such as ``accuracy``, ``f1`` or ``r2``, which become errors:
        1 - score; or scikit-learn's ``neg_...``, which become -score.
    percent : bool
        Errors or scores are in per cent, and are divided by 100.
    full_size : float, optional
        The size that sizes in per cent (``25 %``), or shares of 1, are a share of.
    wide : {"models", "sizes"}, optional
        The table has a column a model (or run), or a column a size, and its cells are errors. The export of a chart,
        and a header of sizes, are recognised without it.
    decimal : {"comma", "point"}, optional
        The decimal mark, where the cells do not tell it.
    accuracy : bool
        The same as ``score="accuracy"``.
    n_min : float, optional
        Leave out rows of smaller sizes.
    as_they_are : bool
        Read a table that looks misread all the same: errors that rise as accuracies do, different models or conditions
        under one name, the log of a run with its early transient.
    two_axes : bool
        The table has errors over two axes, ``n`` and ``params``, as :func:`~forecaster.surface` needs them: models of
        all sizes may share an architecture, and every row is a final loss.

    Returns
    -------
    LearningCurves
        The validated table, sorted, with remarks in ``notes``, and how it was read in ``reading``.

    Raises
    ------
    CurveFileError
        The table as a whole cannot be used; also its subclasses, such as CurveColumnsError for a missing column.
    CurveRowsError
        Some rows cannot be used. All of them are named, with what was found and what was expected.
    CurveMisreadError
        All rows can be used, but the table does not seem to be what it was read as. The message says how to read it.
    RequestError
        A mapping, a constant or a source that makes no sense, such as a constant for a column that is there.

    Examples
    --------
    >>> import forecaster
    >>> curves = forecaster.read_curves("forecaster/examples/digits.csv")
    >>> len(curves.curves)
    7
    >>> curves.groups
    (('tabular-classification', 'digits'),)
    """
    if accuracy and score not in (None, "accuracy"):
        raise RequestError(f"found accuracy=True and score={score!r}; expected one of the two")
    how = HowRead(
        columns=mapping_of(columns or {}),
        where=where_of(where or {}),
        score="accuracy" if accuracy else score,
        percent=percent,
        full_size=full_size,
        wide=wide,
        decimal=decimal,
        n_min=n_min,
        as_they_are=as_they_are,
        two_axes=two_axes,
    )
    check_constants(constants or {})
    return Cells.of(source, how).curves(constants or {})


def read_rows(source: str | Path | pd.DataFrame, *, two_axes: bool = False) -> Table:
    """The measurements of a table alone, in file order: nothing is asked of the curves that they make.

    A ``domain``, ``task`` or ``architecture`` that the table does not name is ``all``.
    """
    cells = Cells.of(source, HowRead(two_axes=two_axes))
    absent = {name: NO_TASK for name in ("domain", "architecture") if name in cells.missing}
    return cells.rows(absent).table.reset_index(drop=True)


@dataclass(frozen=True, eq=False)
class Cells:
    """The raw table of a file, read once, with its rows chosen and in long form."""

    raw: Table
    how: HowRead
    mapping: Mapping[str, str]  # what is left of ``how.columns`` once a wide table is in rows
    notes: tuple[Note, ...]
    evidence: MarkEvidence
    command: Command

    @classmethod
    def of(cls, source: str | Path | pd.DataFrame, how: HowRead, command: Command | None = None) -> Cells:
        """Read the file. ``how`` is what was command for; ``command`` the rest of what was typed, for suggestions."""
        check_options(how)
        loaded = load(source)
        name, raw = loaded.name, stripped(loaded.name, loaded.raw)
        evidence = MarkEvidence(raw, loaded.separator)
        chosen = rows_where(name, raw, how.where)
        made, mapping = melted(name, chosen, how.wide, how.columns)
        how = replace(how, source=name, wide=made.wide)
        return cls(made.raw, how, mapping, (*loaded.notes, *made.notes), evidence, command or VALIDATE)

    @property
    def missing(self) -> tuple[str, ...]:
        """Our columns that the table has not: those that ``constants`` may give."""
        return absent(renamed(self.how.source, self.raw, self.mapping))

    def by_metric(self) -> Cells:
        """The same cells read so that each metric of the column ``metric`` has tasks of its own, named after both."""
        metric = self.mapping.get("metric", "metric")
        if metric not in self.raw:
            raise CurveColumnsError(
                f"{self.how.source}: found no column {metric!r} with several metrics; {there(self.raw)}. Name the one "
                "that says what each error is: --columns metric=THAT"
            )
        task = self.mapping.get("task", "task")
        named = {"metric": metric, "task": f"{task}+{metric}" if parts_of(task, self.raw.columns) else metric}
        how = replace(self.how, columns={**self.how.columns, **named})
        return replace(self, mapping={**self.mapping, **named}, how=how)

    def curves(self, constants: Mapping[str, str | float]) -> LearningCurves:
        """The validated curves, as :func:`read_curves` says."""
        made = self.rows(constants)
        return _validated(self.how.source, made.table, made.how, [*self.notes, *made.notes], self.command)

    def rows(self, constants: Mapping[str, str | float]) -> Rows:
        """The measurements alone, in file order: nothing is asked of the curves that they make."""
        check_constants(constants)
        name, how = self.how.source, replace(self.how, constants=dict(constants))
        frame = with_constants(name, renamed(name, self.raw, self.mapping), constants)
        if lacking := [column for column in REQUIRED if column not in frame]:
            raise CurveColumnsError(suggestions.missing(name, self.raw, how, lacking, self.command))
        if frame.empty:
            raise CurveFileError(f"{name}: found a header and no data rows; expected a row per measurement.")
        how = replace(how, error_column=self.mapping.get("error", "" if how.wide else "error"))
        made = rows_of(name, _our_split(name, frame, how, self.command), how, self.command, self.evidence)
        notes = [*constant_notes(name, frame, constants), *made.notes]
        if running := unfinished(self.raw):
            said = f"{running} runs have not finished, and count with what they have; `import` leaves them out"
            notes.append(Note("unfinished", f"{name}: {said}"))
        return replace(made, notes=tuple(notes))


def check_options(how: HowRead) -> None:
    """RequestError for options of reading that make no sense."""
    if how.score is not None:
        named_score(how.score)
    if how.full_size is not None and not 0 < how.full_size < float("inf"):
        raise RequestError(f"--full-size: found {how.full_size:g}; expected a size above 0, such as 50000")
    if how.n_min is not None and not 0 < how.n_min < float("inf"):
        raise RequestError(f"--n-min: found {how.n_min:g}; expected a size above 0, such as 1000")
    for option, given, may in (
        ("--wide", how.wide, ("models", "sizes")),
        ("--decimal", how.decimal, ("comma", "point")),
    ):
        if given is not None and given not in may:
            raise RequestError(f"{option}: found {given!r}; expected {' or '.join(may)}")


def _our_split(name: str, frame: Table, how: HowRead, command: Command) -> Table:
    """A column ``split`` of training, validation and test rows is not ours, and its rows are not to be pooled."""
    if "split" not in frame or "split" in how.columns or "split" in how.constants:
        return frame
    kinds = {str(cell).strip().lower() for cell in frame["split"]}
    if kinds & {*SPLITS, "", "nan", "none"}:
        return frame
    if rows := suggestions.held_out_rows(frame, how):
        lines = "\n".join(["Run:", *command.lines(replace(how, where={**how.where, **rows}))])
        raise CurveColumnsError(
            f"{name}: found rows of {listed(sorted(kinds))} in the column 'split'; expected one kind of them: errors "
            f"on training and on held-out cases are not one curve.\n{lines}"
        )
    return frame.rename(columns={"split": "split_"}) if len(kinds) == 1 else frame


def _validated(name: str, table: Table, how: HowRead, notes: list[Note], command: Command) -> LearningCurves:
    """The curves of a canonical table: without exact duplicates, sorted, and fit to be used."""
    try:
        twice = table.duplicated()
    except TypeError:  # an unknown column holds lists
        twice = table.astype(str).duplicated()
    if twice.any():
        rows = listed(table.index[twice], quote=False)
        said = f"exact duplicate rows dropped: {rows}; true repeats need a column `seed` that tells them apart"
        notes.append(Note("duplicates", f"{name}: {said}"))
    order = [*KEYS, "n", *(column for column in ("seed", "error", *NOISE, "split") if column in table)]
    table = table[~twice].sort_values(order, ignore_index=True)
    if not how.two_axes:  # whose rows are final losses, and no run's log
        table, more = without_start(name, table, how)
        notes += more
    check_table(name, table, short=how.two_axes)
    expect_well_read(table, how, command)
    return LearningCurves(table, (*notes, *curve_notes(table, how.score is not None)), name, how)
