"""Learning curves: read, validate, select, summarise. Nothing here knows of Bayes.

A table has one row per measurement. ``domain``, ``architecture``, ``n`` and ``error`` are required; ``task``,
``metric``, ``seed``, ``error_sd`` with ``repeats``, ``n_test``, ``params``, ``compute`` and ``split`` not;
other columns are kept as they are. One (``domain``, ``task``, ``architecture``) is a curve; the curves of one
(``domain``, ``task``) form a group. Rows count as lines do in an editor: the header is 1, the first row 2.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from forecaster.errors import (
    BadRow,
    CurveColumnsError,
    CurveContentError,
    CurveFileError,
    CurveRowsError,
    RequestError,
)

KEYS = ["domain", "task", "architecture"]
REQUIRED = ("domain", "architecture", "n", "error")
NOISE = ("error_sd", "repeats", "n_test")
NUMBERS = ("n", "error", *NOISE, "params", "compute")
KNOWN = (*KEYS, "n", "error", "metric", "seed", *NOISE, "params", "compute", "split")
SPLITS = ("fit", "extrapolate")
NO_TASK = "all"  # the task of rows that name none
BLANK = frozenset({"", "na", "n/a", "nan", "null", "none", "<na>"})  # a number that is not given
LOW, HIGH = 1e-100, 1e100  # beyond these, products and ratios of columns leave the range of float64
Table = Any  # a DataFrame or Series within this file, where pandas' own annotations know no better


@dataclass(frozen=True)
class Note:
    """A remark that stops nothing: a ``code`` for programs, a sentence for people, a curve's label."""

    code: str
    text: str
    curve: str | None = None


@dataclass(frozen=True, eq=False)
class Curve:
    """One learning curve: ``error`` (positive, lower is better) against ``n`` (amount of training data).

    The arrays are float64, read-only and of one shape (point,), by ascending ``n``; repeats are kept.
    ``noise_sd`` is the known sd of log error at each point (0 where nothing is known): the binomial part
    ``sqrt((1 - error) / (error * n_test))`` and ``error_sd / sqrt(repeats) / error``, in quadrature. ``seed``
    names each point's run ("" where unnamed); None without such a column, as ``metric``.
    """

    domain: str
    task: str
    architecture: str
    metric: str | None
    n: Float[np.ndarray, " point"]
    error: Float[np.ndarray, " point"]
    noise_sd: Float[np.ndarray, " point"]
    seed: tuple[str, ...] | None

    @property
    def label(self) -> str:
        """``domain/task/architecture``."""
        return "/".join((self.domain, self.task, self.architecture))


@dataclass(frozen=True, eq=False)
class LearningCurves:
    """A validated table of learning curves, as :func:`read_curves` gives it.

    ``table`` begins with ``domain, task, architecture, n, error``, sorted by the first four, then ``seed``;
    ``notes`` are remarks from reading; ``source`` is the file's name as it was given, or ``table``.
    """

    table: pd.DataFrame
    notes: tuple[Note, ...]
    source: str

    @cached_property
    def curves(self) -> tuple[Curve, ...]:
        """Every curve, in table order."""
        table: Table = self.table
        by_curve = table.groupby(KEYS, sort=False)
        starts = np.flatnonzero(np.diff(by_curve.ngroup().to_numpy(), prepend=-1))
        columns = [np.array(table["n"]), np.array(table["error"]), _noise(table)]
        for column in columns:
            column.flags.writeable = False
        metrics = by_curve["metric"].max() if "metric" in table else [None] * len(starts)
        seeds = table["seed"].tolist() if "seed" in table else None
        found = []
        keys = table[KEYS].iloc[starts].itertuples(index=False, name=None)
        for key, start, stop, metric in zip(keys, starts, [*starts[1:], len(table)], metrics, strict=True):
            domain, task, architecture = key
            n, error, noise = (column[start:stop] for column in columns)
            seed = None if seeds is None else tuple(seeds[start:stop])
            found.append(Curve(domain, task, architecture, metric or None, n, error, noise, seed))
        return tuple(found)

    @cached_property
    def groups(self) -> tuple[tuple[str, str], ...]:
        """The (domain, task) pairs, in table order."""
        return tuple(dict.fromkeys((curve.domain, curve.task) for curve in self.curves))

    @cached_property
    def data_hash(self) -> str:
        """SHA-256 (hex) of domain, task, architecture, n, error and the noise columns.

        Row order, file format, the file's column names and all other columns make no difference.
        """
        table = self.table.reindex(columns=[*KEYS, "n", "error", *NOISE])
        table = table.sort_values(list(table.columns)).astype(object)
        content = json.dumps({name: column.tolist() for name, column in table.items()})
        return hashlib.sha256(content.encode()).hexdigest()

    def select(
        self,
        domain: str | Sequence[str] | None = None,
        task: str | Sequence[str] | None = None,
        architecture: str | Sequence[str] | None = None,
        split: str | Sequence[str] | None = None,
    ) -> LearningCurves:
        """Keep the rows with these names (one or several of each kind; None keeps all).

        Raises RequestError, listing what exists, if a name is not there or there is no ``split`` column.
        """
        table: Table = self.table
        for column, wanted in zip((*KEYS, "split"), (domain, task, architecture, split), strict=True):
            if wanted is None:
                continue
            known = _listed(table[column].unique()) if column in table else "the names in such a column. Add it"
            names = [wanted] if isinstance(wanted, str) else list(wanted)
            lost = [name for name in names if column not in table or not table[column].eq(name).any()]
            if lost or not names:
                raise RequestError(
                    f"{self.source}: found no {column} {_listed(lost)} among the rows asked for; "
                    f"expected one of {known}. `validate` lists all curves."
                )
            table = table[table[column].isin(names)]
        chosen = LearningCurves(table.reset_index(drop=True), (), self.source)
        labels = {None, *(curve.label for curve in chosen.curves)}
        return LearningCurves(chosen.table, tuple(n for n in self.notes if n.curve in labels), self.source)


def read_curves(
    source: str | Path | pd.DataFrame, *, columns: Mapping[str, str] | None = None, accuracy: bool = False
) -> LearningCurves:
    """Read and validate learning curves from a CSV file (UTF-8), a Parquet file or a data frame.

    ``columns`` maps our names to the file's: ``{"n": "train_size"}``; a column of the file that has our name
    already is then kept as ``n_``. With ``accuracy`` the error column holds accuracies in (0, 1) and becomes
    1 - accuracy. Raises CurveFileError (or a subclass) if the table as a whole cannot be used, CurveRowsError
    with all bad rows together, RequestError for a mapping or a source that makes no sense.
    """
    for ours in columns or {}:
        _check_name(ours)
    name, raw = _load(source)
    table = _clean(name, _renamed(name, raw, dict(columns or {})), accuracy)
    try:
        twice = table.duplicated()
    except TypeError:  # an unknown column holds lists
        twice = table.astype(str).duplicated()
    notes = []
    if twice.any():
        rows = _listed(table.index[twice], quote=False)
        said = f"exact duplicate rows dropped: {rows}; true repeats need a column `seed` that tells them apart"
        notes.append(Note("duplicates", f"{name}: {said}"))
    order = [*KEYS, "n", *(column for column in ("seed", "error", *NOISE, "split") if column in table)]
    table = table[~twice].sort_values(order, ignore_index=True)
    _check_table(name, table)
    return LearningCurves(table, (*notes, *_curve_notes(table, accuracy)), name)


def parse_columns(texts: Sequence[str]) -> dict[str, str]:
    """``["n=train_size,error=err"]`` as ``{"n": "train_size", "error": "err"}``; RequestError if not so."""
    found: dict[str, str] = {}
    for part in (part for text in texts for part in text.split(",")):
        ours, _, theirs = (piece.strip() for piece in part.partition("="))
        if not ours or not theirs or found.get(ours, theirs) != theirs:
            what = f"{ours!r} twice" if ours and theirs else repr(part)
            raise RequestError(f"--columns: found {what}; expected OURS=THEIRS once each, as in n=train_size")
        _check_name(ours)
        found[ours] = theirs
    return found


def _check_name(ours: str) -> None:
    if ours not in KNOWN:
        known = ", ".join(KNOWN)
        raise RequestError(f"--columns: found {ours!r} left of '='; expected one of our names: {known}")


def _listed(names: Iterable[Any], most: int = 20, quote: bool = True) -> str:
    texts = [repr(str(name)) if quote else str(name) for name in names]
    return ", ".join(texts[:most]) + (f" and {len(texts) - most} more" if len(texts) > most else "")


# From a file to a frame of raw cells, indexed by row number ---------------------------------------


def _load(source: str | Path | pd.DataFrame) -> tuple[str, Table]:
    if isinstance(source, pd.DataFrame):
        return "table", source.set_axis(pd.RangeIndex(2, len(source) + 2))
    if not isinstance(source, str | Path):
        raise RequestError(f"found a {type(source).__name__}; expected the path of a file, or a data frame")
    path, name, wanted = Path(source), str(source), "expected a .csv or .parquet file"
    reader = {".csv": _from_csv, ".parquet": _from_parquet, ".pq": _from_parquet}.get(path.suffix.lower())
    try:
        if path.is_dir():
            raise CurveFileError(f"{name}: found a directory; {wanted}. Name the file in it.")
        if not path.exists():
            raise CurveFileError(f"{name}: found no such file; {wanted}. Check the path.")
        if reader is None:
            raise CurveFileError(f"{name}: found the suffix {path.suffix!r}; {wanted}. Save the table as one.")
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise CurveFileError(f"{name}: found a path that cannot be read ({error}); {wanted}.") from None
    return name, reader(name, data)


def _from_csv(name: str, data: bytes) -> Table:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, byte = error.object.count(b"\n", 0, error.start) + 1, error.object[error.start]
        raise CurveFileError(
            f"{name}: line {line}: found the byte 0x{byte:02x}, which is not UTF-8; expected text in UTF-8. "
            "Save the file as 'CSV UTF-8'."
        ) from None
    records: list[list[str]] = []
    lines, line = [], 1
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for record in reader:
            if any(map(str.strip, record)):
                records.append(record)
                lines.append(line)
            line = reader.line_num + 1
    except csv.Error as error:
        raise CurveFileError(
            f"{name}: line {line}: found malformed CSV ({error}); expected fields between commas, those "
            "that hold a comma or a quote in double quotes. Mend the line."
        ) from None
    if not records:
        raise CurveFileError(f"{name}: found an empty file; expected a header and a row per measurement.")
    width = len(records[0])
    ragged = [f"line {at} has {len(r)}" for at, r in zip(lines, records, strict=True) if len(r) != width]
    if ragged:
        raise CurveFileError(
            f"{name}: found rows of unequal length: {_listed(ragged, quote=False)} fields; expected {width} "
            "as in the header. Mend these lines: a field that holds a comma needs double quotes."
        )
    header = [cell.strip() or f"column {index}" for index, cell in enumerate(records[0], start=1)]
    return pd.DataFrame(records[1:], columns=header, index=lines[1:], dtype=object)


def _from_parquet(name: str, data: bytes) -> Table:
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(io.BytesIO(data))
        table.validate(full=True)
        frame = table.to_pandas(ignore_metadata=True)
    except Exception as error:  # a damaged file raises nearly anything
        what = str(error).partition("\n")[0] or type(error).__name__
        raise CurveFileError(
            f"{name}: found a file that cannot be read as Parquet ({what}); expected a whole Parquet file. "
            "Write it again."
        ) from None
    return frame.set_axis(pd.RangeIndex(2, len(frame) + 2))


def _renamed(name: str, raw: Table, mapping: dict[str, str]) -> Table:
    """The frame under our names; a column whose name the mapping gives away gets a trailing underscore."""
    raw = raw.set_axis([str(column).strip() for column in raw.columns], axis=1)
    there = f"the columns are {_listed(raw.columns, 50)}"
    if raw.columns.has_duplicates:
        twice = _listed(raw.columns[raw.columns.duplicated()].unique())
        raise CurveColumnsError(f"{name}: found the column {twice} twice; expected each once. Rename or drop one.")
    lost = {ours: theirs for ours, theirs in mapping.items() if theirs not in raw}
    if lost:
        said = f"--columns {','.join(f'{ours}={theirs}' for ours, theirs in lost.items())}"
        found = f"found no column {_listed(lost.values())}"
        raise CurveColumnsError(f"{name}: {found} for {said}; {there}; expected one of these.")
    frame = {ours: raw[theirs] for ours, theirs in mapping.items()}
    for column in raw.columns.difference(list(mapping.values()), sort=False):
        kept = column
        while kept in frame or (kept != column and kept in raw):
            kept += "_"
        frame[kept] = raw[column]
    missing = [column for column in REQUIRED if column not in frame]
    if missing:
        near = {column.lower(): column for column in frame}
        example = ",".join(f"{column}={near.get(column, 'NAME')}" for column in missing)
        raise CurveColumnsError(
            f"{name}: found no column {_listed(missing)}; {there}; expected {', '.join(REQUIRED)}. "
            f"If yours have other names, map them with --columns {example}"
        )
    if raw.empty:
        raise CurveFileError(f"{name}: found a header and no data rows; expected a row per measurement.")
    return pd.DataFrame(frame)


# From raw cells to the canonical table ------------------------------------------------------------


def _text(value: Any) -> str:
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, float | np.floating):  # whole numbers beside gaps arrive as floats
        return "" if np.isnan(value) else str(int(value)) if value.is_integer() else str(value)
    return str(value).strip().encode(errors="replace").decode()


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
    cells = [_number(cell) for cell in column.to_numpy(dtype=object)]
    wrong = np.array([cell is None for cell in cells], dtype=bool)
    return np.array([np.nan if cell is None else cell for cell in cells], dtype=np.float64), wrong


def _bad(raw: Table, mask: Bool[np.ndarray, " row"], expected: str) -> list[BadRow]:
    def shown(cell: Any) -> str:
        text = repr(_text(cell)) if isinstance(cell, str) else _text(cell)
        return "an empty cell" if text in ("", "''") else text if len(text) <= 40 else f"{text[:37]}..."

    cells = zip(raw.index[mask], raw.to_numpy(dtype=object)[mask], strict=True)
    return [BadRow(int(row), f"{raw.name} {shown(cell)}", expected) for row, cell in cells]


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


def _clean(name: str, raw: Table, accuracy: bool) -> Table:
    """The canonical table, in file order and indexed by row number; all bad rows are refused together."""
    bad: list[BadRow] = []
    table: dict[str, Any] = dict.fromkeys(KEYS, NO_TASK)
    for column in (column for column in KNOWN if column in raw):
        if column in NUMBERS:
            table[column], more = _clean_numbers(raw[column], accuracy)
            bad += more
            continue
        texts = pd.Series([_text(cell) for cell in raw[column].to_numpy(dtype=object)], raw.index, dtype="str")
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
        raise CurveRowsError(name, bad, f"Correct these rows of {name} and read it again; nothing was written.")
    return pd.DataFrame(table | {column: raw[column] for column in raw if column not in KNOWN}, index=raw.index)


def _check_table(name: str, table: Table) -> None:
    """Refuse what no single row shows: mixed metrics in a curve, groups in which no curve has three sizes."""
    named: Table = table[table["metric"] != ""] if "metric" in table else table[:0].assign(metric="")
    kinds = named.groupby(KEYS)["metric"].unique()
    mixed = [f"{'/'.join(key)} ({_listed(sorted(names))})" for key, names in kinds.items() if len(names) > 1]
    if mixed:
        raise CurveContentError(
            f"{name}: found several metrics in one curve: {_listed(mixed, quote=False)}; expected one "
            "metric per curve. Keep one, or give each metric its own `task`."
        )
    sizes = table.groupby(KEYS)["n"].nunique().groupby(level=["domain", "task"]).max()
    short = [f"{domain}/{task} (at most {most})" for (domain, task), most in sizes[sizes < 3].items()]
    if short:
        raise CurveContentError(
            f"{name}: found no curve with three different sizes n in {_listed(short, quote=False)}; expected "
            "at least one such curve per domain and task. Measure more sizes, or leave these groups out."
        )


def _curve_notes(table: Table, accuracy: bool) -> list[Note]:
    """What reading remarks about single curves; ``{}`` in a sentence counts the rows (or sizes) concerned."""
    metric = table.get("metric", pd.Series("", table.index, dtype="str")).str.lower()
    first, sizes = ~table.duplicated([*KEYS, "n"]), table.groupby(KEYS)["n"].transform("nunique")
    tested = table["n_test"] > 0 if "n_test" in table else False
    percent = (table["error"] > 1) & metric.str.contains("error rate|accuracy")
    unconverted = metric.str.contains("accuracy") & (not accuracy)
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
            unconverted,
            "rows with accuracy as metric: {}; read as errors, convert with --accuracy",
        ),
    ]
    notes = []
    for code, mask, text in said:
        for key, rows in table[mask].groupby(KEYS).size().items():
            label = "/".join(key)
            notes.append(Note(code, f"{label}: {text.format(rows)}", label))
    return notes


def _noise(table: Table) -> Float[np.ndarray, " row"]:
    """Known sd of log error per row, 0 where unknown."""
    sd, repeats, n_test = table.reindex(columns=NOISE).astype(float).to_numpy().T
    error = table["error"].to_numpy()
    spread = np.nan_to_num(sd / error) / np.sqrt(np.nan_to_num(repeats, nan=1.0))
    return np.hypot(spread, np.sqrt(np.nan_to_num(np.clip(1.0 - error, 0.0, None) / (error * n_test))))


# What a table shows before any fit ----------------------------------------------------------------


def summarise(curves: LearningCurves) -> pd.DataFrame:
    """One row per curve, in table order.

    ``points``; ``sizes`` (different n); ``n_min``, ``n_max`` and ``decades`` between them; ``seeds``
    (different seeds; if none is named, the most points at one size); ``error_first``, ``error_last``
    (geometric mean at smallest and largest size); ``noise``, the sd of log error: from repeats at one
    size where there are any, else 1.48 x the median absolute residual from the line (in log n) through a
    size's two neighbours, scaled to one point, NaN below three sizes; ``best_so_far_rise``: largest rise
    of log error (mean per size) above the best at smaller sizes.
    """
    rows = []
    for curve in curves.curves:
        x, y, count, noise = _per_size(curve)
        row = {key: getattr(curve, key) for key in KEYS}
        row |= {"points": len(curve.n), "sizes": len(x), "n_min": curve.n[0], "n_max": curve.n[-1]}
        row["decades"] = (x[-1] - x[0]) / np.log(10)
        row["seeds"] = len({seed for seed in curve.seed or () if seed}) or int(count.max())
        row |= {"error_first": np.exp(y[0]), "error_last": np.exp(y[-1]), "noise": noise}
        row["best_so_far_rise"] = np.max(y - np.minimum.accumulate(y))
        rows.append(row)
    return pd.DataFrame(rows)


def _per_size(curve: Curve) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Log n, mean log error and number of points of each size; the noise that :func:`summarise` describes."""
    n, where, count = np.unique(curve.n, return_inverse=True, return_counts=True)
    x, log_error = np.log(n), np.log(curve.error)
    y = np.bincount(where, log_error) / count
    if len(where) > len(n):
        return x, y, count, float(np.sqrt(np.sum((log_error - y[where]) ** 2) / (len(where) - len(n))))
    weight = (x[1:-1] - x[:-2]) / (x[2:] - x[:-2])
    residual = y[1:-1] - (1 - weight) * y[:-2] - weight * y[2:]
    scaled = np.abs(residual) / np.sqrt(1 + (1 - weight) ** 2 + weight**2)
    return x, y, count, 1.48 * float(np.median(scaled)) if len(scaled) else np.nan


def warnings_of(
    curves: LearningCurves, chance: Mapping[tuple[str, str] | str, float] | None = None
) -> tuple[Note, ...]:
    """What the design of the measurements cannot tell, without any fit; one note per curve and code.

    Codes: ``span`` (sizes span under one decade), ``one-seed`` (no repeats, no ``error_sd`` over repeats),
    ``non-monotone`` (rises over 5 % above the best so far), ``near-chance`` (no error over 5 % below that of
    guessing, which ``chance`` gives for the curve's (domain, task), or else for its domain).
    """
    known: Table = curves.table.reindex(columns=[*KEYS, "repeats", "error_sd"])
    known = known[(known["repeats"] > 1) & known["error_sd"].notna()]
    averaged = set(known[KEYS].itertuples(index=False, name=None))
    levels = chance or {}
    notes = []
    for curve, row in zip(curves.curves, summarise(curves).to_dict("records"), strict=True):
        said = {}
        rise, level = (
            row["best_so_far_rise"],
            levels.get((curve.domain, curve.task), levels.get(curve.domain)),
        )
        if row["n_max"] < 10 * row["n_min"]:
            said["span"] = f"sizes span {row['decades']:.2f} decades; under one, the exponent is hard to tell"
        if row["points"] == row["sizes"] and (curve.domain, curve.task, curve.architecture) not in averaged:
            said["one-seed"] = "one run per size; the spread between runs cannot be seen"
        if rise > np.log(1.05):
            said["non-monotone"] = f"error rises {np.expm1(rise):.0%} above its best; a law that falls cannot follow"
        if level is not None and curve.error.min() >= 0.95 * level:
            said["near-chance"] = f"every error is above or within 5 % of guessing ({level:g}); nothing learned yet"
        notes += [Note(code, f"{curve.label}: {text}", curve.label) for code, text in said.items()]
    return tuple(notes)
