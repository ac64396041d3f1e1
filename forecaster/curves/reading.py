"""Reading: from a file or a data frame to a validated table of learning curves.

A table has one row per measurement. ``domain``, ``architecture``, ``n`` and ``error`` are required; ``task``,
``metric``, ``seed``, ``error_sd`` with ``repeats``, ``n_test``, ``params``, ``compute`` and ``split`` not;
other columns are kept as they are. Rows count as lines do in an editor: the header is 1, the first row 2.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from forecaster.curves.columns import (
    KNOWN,
    REQUIRED,
    absent,
    check_constants,
    check_mapping,
    completed,
    constant_notes,
    renamed,
)
from forecaster.curves.files import SUFFIXES, load
from forecaster.curves.learning_curves import KEYS, NOISE, LearningCurves, Note, Table, listed
from forecaster.errors import BadRow, CurveContentError, CurveRowsError

NUMBERS = ("n", "error", *NOISE, "params", "compute")
SPLITS = ("fit", "extrapolate")
NO_TASK = "all"  # the task of rows that name none
BLANK = frozenset({"", "na", "n/a", "nan", "null", "none", "<na>"})  # a number that is not given
NO_ERROR = (
    "{} on few test cases says only that the error is below about 1 / n_test: put {} there,\n"
    "which is half a case wrong, or leave it out.\n"
)
RISING, NEARLY_ALL = 0.8, 0.8  # rank correlation of error with size; share of a group's curves that have it
PER_CENT = 100.0  # the highest accuracy
LOW, HIGH = 1e-100, 1e100  # beyond these, products and ratios of columns leave the range of float64


def read_curves(
    source: str | Path | pd.DataFrame,
    *,
    columns: Mapping[str, str] | None = None,
    accuracy: bool = False,
    constants: Mapping[str, str | float] | None = None,
) -> LearningCurves:
    """Read and validate learning curves.

    Parameters
    ----------
    source : str, Path or pandas.DataFrame
        A CSV file (UTF-8), a Parquet file, or a data frame, one row per measurement. See the page on the input table
        for its columns.
    columns : mapping, optional
        Our column names to those of the table, such as ``{"n": "train_size"}``. A column of the table that already has
        one of our names, and is not the one mapped to it, is kept under that name with an underscore (``n_``).
    accuracy : bool
        The error column holds accuracies between 0 and 1, which become errors: 1 - accuracy.
    constants : mapping, optional
        One value for all rows of a column that the table lacks once mapped, such as ``{"domain": "language"}``.

    Returns
    -------
    LearningCurves
        The validated table, sorted, with remarks in ``notes``.

    Raises
    ------
    CurveFileError
        The table as a whole cannot be used; also its subclasses, such as CurveColumnsError for a missing column.
    CurveRowsError
        Some rows cannot be used. All of them are named, with what was found and what was expected.
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
    check_constants(constants or {})
    return Cells.of(source, columns or {}).curves(accuracy, constants or {})


@dataclass(frozen=True, eq=False)
class Cells:
    """A table as it stands in a file, read once, and what its columns are to be called."""

    name: str
    raw: Table
    mapping: Mapping[str, str]

    @classmethod
    def of(cls, source: str | Path | pd.DataFrame, mapping: Mapping[str, str]) -> Cells:
        check_mapping(mapping)
        return cls(*load(source), mapping)

    @property
    def missing(self) -> tuple[str, ...]:
        """Our columns that the table has not: those that ``constants`` may give."""
        return absent(renamed(self.name, self.raw, self.mapping))

    def curves(self, accuracy: bool, constants: Mapping[str, str | float]) -> LearningCurves:
        """The validated curves, as :func:`read_curves` says."""
        check_constants(constants)
        frame = completed(self.name, self.raw, self.mapping, constants)
        return _validated(self.name, frame, accuracy, self.mapping, constants)


def _validated(
    name: str, frame: Table, accuracy: bool, mapping: Mapping[str, str], given: Mapping[str, str | float]
) -> LearningCurves:
    table = _clean(name, frame, accuracy, mapping)
    try:
        twice = table.duplicated()
    except TypeError:  # an unknown column holds lists
        twice = table.astype(str).duplicated()
    notes = constant_notes(name, frame, given)
    if twice.any():
        rows = listed(table.index[twice], quote=False)
        said = f"exact duplicate rows dropped: {rows}; true repeats need a column `seed` that tells them apart"
        notes.append(Note("duplicates", f"{name}: {said}"))
    order = [*KEYS, "n", *(column for column in ("seed", "error", *NOISE, "split") if column in table)]
    table = table[~twice].sort_values(order, ignore_index=True)
    _check_table(name, table)
    return LearningCurves(table, (*notes, *_curve_notes(table, accuracy)), name)


# From a file to a frame of raw cells, indexed by row number ---------------------------------------


# From raw cells to the canonical table ------------------------------------------------------------


def _text(value: Any) -> str:
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, float | np.floating):  # whole numbers beside gaps arrive as floats
        return "" if np.isnan(value) else str(int(value)) if value.is_integer() else str(value)
    return str(value).strip().encode(errors="replace").decode()


def _texts(cells: Collection[Any]) -> list[str]:
    """The text of each cell; of a name that stands in many rows it is found once."""
    if set(map(type, cells)) <= {str}:
        known = {cell: _text(cell) for cell in set(cells)}
        return [known[cell] for cell in cells]
    return [_text(cell) for cell in cells]


def _number(value: Any) -> float | None:
    """The number in a cell, NaN if it is blank, None if it holds something else."""
    if isinstance(value, bool | np.bool_):
        return None
    if value is None or value is pd.NA or value is pd.NaT:
        return np.nan
    try:
        return float(value)
    except OverflowError:
        return np.inf
    except (TypeError, ValueError):
        return np.nan if isinstance(value, str) and value.strip().lower() in BLANK else None


def _numbers(column: Table) -> tuple[Float[np.ndarray, " row"], Bool[np.ndarray, " row"]]:
    """A column as float64 (NaN where blank), and which cells hold something that is not a number."""
    if pd.api.types.is_float_dtype(column) or pd.api.types.is_integer_dtype(column):
        return column.to_numpy(dtype=np.float64, na_value=np.nan), np.zeros(len(column), dtype=bool)
    raw = column.to_numpy(dtype=object)
    if set(map(type, raw)) <= {str}:
        try:
            return raw.astype(np.float64), np.zeros(len(raw), dtype=bool)
        except ValueError:
            pass  # some are blank, or no numbers
    cells = [_number(cell) for cell in raw]
    wrong = np.array([cell is None for cell in cells], dtype=bool)
    return np.array([np.nan if cell is None else cell for cell in cells], dtype=np.float64), wrong


def _bad(raw: Table, mask: Bool[np.ndarray, " row"], expected: str) -> list[BadRow]:
    def shown(cell: Any) -> str:
        text = repr(_text(cell)) if isinstance(cell, str) else _text(cell)
        return "an empty cell" if text in ("", "''") else text if len(text) <= 40 else f"{text[:37]}..."

    cells = zip(raw.index[mask], raw.to_numpy(dtype=object)[mask], strict=True)
    return [BadRow(int(row), str(raw.name), shown(cell), expected) for row, cell in cells]


def _clean_numbers(raw: Table, accuracy: bool) -> tuple[Float[np.ndarray, " row"], list[BadRow]]:
    """The values of a number column (NaN where blank) and its bad rows."""
    values, wrong = _numbers(raw)
    expected, fine = "a number above 0", values > 0
    if raw.name == "error_sd":
        expected, fine = "a number that is 0 or more", values >= 0
    if raw.name == "error" and accuracy:
        expected, fine = "an accuracy between 0 and 1, both excluded", (values > 0) & (values < 1)
        if ((values > 1) & (values <= 100)).any():
            expected += " (these look like percent: divide them by 100)"
    if raw.name not in REQUIRED:
        expected, fine = f"{expected}, or an empty cell", fine | np.isnan(values)
    fine &= ~wrong & ~np.isinf(values)
    far = fine & ((values > HIGH) | ((values < LOW) & (raw.name != "error_sd")))
    bad = _bad(raw, ~fine, expected) + _bad(raw, far, f"{expected}, from {LOW:g} to {HIGH:g}")
    return (1.0 - values if raw.name == "error" and accuracy else values + 0.0), bad  # no negative zero


def _next_step(name: str, raw: Table, accuracy: bool, theirs: str, bad: Sequence[BadRow]) -> str:
    """What to do about bad rows: first those without any error, then those where none was measured."""
    values, wrong = _numbers(raw)
    said = ("An accuracy of 1", "1 - 0.5 / n_test") if accuracy else ("An error of 0", "0.5 / n_test")
    hint = NO_ERROR.format(*said) if (values == float(accuracy)).any() else ""
    blank = np.isnan(values) & ~wrong
    if blank.any():
        hint += f"Where no error was measured, leave the row out; in Python:\n  {_measured(name, theirs)}\n"
    todo = "Leave these rows out of" if blank.sum() == len(bad) else "Correct these rows of"
    return f"{hint}{todo} {name} and read it again; nothing was written."


def _measured(name: str, theirs: str) -> str:
    """Python that leaves out the rows whose error is blank, into a file beside the first."""
    path = Path(name)
    kind = SUFFIXES.get(path.suffix.lower())
    if kind is None:
        return f"table.dropna(subset=[{theirs!r}])"
    kept = str(path.with_name(f"{path.stem}-measured{path.suffix}"))
    return f"pandas.read_{kind}({name!r}).dropna(subset=[{theirs!r}]).to_{kind}({kept!r}, index=False)"


def _clean(name: str, raw: Table, accuracy: bool, mapping: Mapping[str, str]) -> Table:
    """The canonical table, in file order and indexed by row number; all bad rows are refused together."""
    bad: list[BadRow] = []
    table: dict[str, Any] = dict.fromkeys(KEYS, NO_TASK)
    for column in (column for column in KNOWN if column in raw):
        if column in NUMBERS:
            table[column], more = _clean_numbers(raw[column], accuracy)
            bad += more
            continue
        texts = pd.Series(_texts(raw[column].to_numpy(dtype=object)), raw.index, dtype="str")
        if column == "split":
            texts = texts.str.lower()
            bad += _bad(raw[column], ~texts.isin(SPLITS).to_numpy(), "fit or extrapolate")
        elif column in REQUIRED:
            bad += _bad(raw[column], (texts == "").to_numpy(), "a name")
        elif column == "task":
            texts = texts.where(texts != "", NO_TASK)
        elif column == "metric" and accuracy:
            texts = texts.where(texts == "", "1 - " + texts)
        table[column] = texts
    if bad:
        bad.sort(key=lambda row: row.row)
        theirs = mapping.get("error", "error")
        raise CurveRowsError(name, bad, _next_step(name, raw["error"], accuracy, theirs, bad))
    return pd.DataFrame(table | {column: raw[column] for column in raw if column not in KNOWN}, index=raw.index)


def _check_table(name: str, table: Table) -> None:
    """Refuse what no single row shows: mixed metrics in a curve, groups in which no curve has three sizes."""
    named: Table = table[table["metric"] != ""] if "metric" in table else table[:0].assign(metric="")
    kinds = named.groupby(KEYS)["metric"].unique()
    mixed = [f"{'/'.join(key)} ({listed(sorted(names))})" for key, names in kinds.items() if len(names) > 1]
    if mixed:
        raise CurveContentError(
            f"{name}: found several metrics in one curve: {listed(mixed, quote=False)}; expected one "
            "metric per curve. Keep one, or give each metric its own `task`."
        )
    keys: Table = table[KEYS].drop_duplicates()
    alike = keys.groupby(keys["domain"].str.cat([keys["task"], keys["architecture"]], sep="/"))
    twice = [
        f"{label} ({listed(map(repr, own.itertuples(index=False, name=None)), quote=False)})"
        for label, own in alike
        if len(own) > 1
    ]
    if twice:
        raise CurveContentError(
            f"{name}: found different curves that are one name when written as domain/task/architecture: "
            f"{listed(twice, quote=False)}; expected names that stay apart. Use another sign than / in one of them."
        )
    sizes = table.groupby(KEYS)["n"].nunique().groupby(level=["domain", "task"]).max()
    short = [f"{domain}/{task} (at most {most})" for (domain, task), most in sizes[sizes < 3].items()]
    if short:
        raise CurveContentError(
            f"{name}: found no curve with three different sizes n in {listed(short, quote=False)}; expected "
            "at least one such curve per domain and task. Measure more sizes, or leave these groups out."
        )


def _curve_notes(table: Table, accuracy: bool) -> list[Note]:
    """What reading remarks about single curves; ``{}`` in a sentence counts the rows (or sizes) concerned."""
    metric = table.get("metric", pd.Series("", table.index, dtype="str")).str.lower()
    first, sizes = ~table.duplicated([*KEYS, "n"]), table.groupby(KEYS)["n"].transform("nunique")
    tested = table["n_test"] > 0 if "n_test" in table else False
    percent = (table["error"] > 1) & metric.str.contains("error rate|accuracy")
    named = metric.str.contains("accuracy")
    rising = "as accuracies do; if they are accuracies, use --accuracy, with per cent divided by 100"
    if accuracy:
        rising = "though taken for accuracies; if the column holds errors, leave --accuracy out"
    said = [
        ("repeats", ~first, "measurements at a size measured before: {}; kept as repeats"),
        ("few-sizes", first & (sizes < 3), "different sizes: {}; the curve borrows from others of its group"),
        (
            "binomial-skipped",
            (table["error"] >= 1) & tested,
            "errors of 1 or more: {}; n_test is not used there",
        ),
        ("error-above-one", percent, "errors above 1: {}; the metric is a rate, so this may be percent"),
        (
            "accuracy",
            named & (not accuracy),
            "rows with accuracy as metric: {}; read as errors, convert with --accuracy",
        ),
        ("rising", first & ~named & _rising(table), "error rises over the sizes measured ({}), " + rising),
    ]
    notes = []
    for code, mask, text in said:
        for key, rows in table[mask].groupby(KEYS).size().items():
            label = "/".join(key)
            notes.append(Note(code, f"{label}: {text.format(rows)}", label))
    return notes


def _rising(table: Table) -> Bool[np.ndarray, " row"]:
    """Rows of curves that rise with size, where nearly all of their group do: errors fall, accuracies rise."""
    means: Table = table.groupby([*KEYS, "n"])["error"].mean()
    curves = means.groupby(level=KEYS)
    starts = np.flatnonzero(np.diff(curves.ngroup().to_numpy(), prepend=-1))
    each = (np.split(a, starts[1:]) for a in (means.to_numpy(), curves.rank().to_numpy()))
    rises = np.array([_rises(*own) for own in zip(*each, strict=True)])
    judged = np.diff(starts, append=len(means)) >= 3
    found = pd.DataFrame({"rises": rises, "judged": judged}, index=means.index[starts].droplevel("n"))
    of_group: Table = found[judged].groupby(level=KEYS[:2])["rises"].mean()
    nearly_all = of_group.reindex(found.index.droplevel("architecture")).to_numpy() >= NEARLY_ALL
    return (rises & judged & nearly_all)[table.groupby(KEYS).ngroup().to_numpy()]


def _rises(errors: Float[np.ndarray, " size"], ranks: Float[np.ndarray, " size"]) -> bool:
    """Whether one curve's mean errors, and their ranks, rise with size."""
    if len(errors) < 3 or ranks.min() == ranks.max() or errors.max() > PER_CENT:
        return False
    return bool(np.corrcoef(ranks, np.arange(len(ranks)))[0, 1] > RISING)
