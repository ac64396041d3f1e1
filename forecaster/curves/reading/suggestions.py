"""Suggestions: the whole command that reads a table, from what was typed and what columns are likeliest to be."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from forecaster._support.frames import Table
from forecaster.curves.how_read import Command, HowRead
from forecaster.curves.learning_curves import KEYS, listed
from forecaster.curves.misread.exports import hint
from forecaster.curves.reading import names
from forecaster.curves.reading.cells import bare, numerals_of, texts_of
from forecaster.curves.reading.columns import REQUIRED, left, parts_of, there
from forecaster.curves.reading.names import KEEPING, near, ranked, score_in
from forecaster.curves.reading.numbers import BLANK, NUMERAL, value_of
from forecaster.curves.reading.scores import plain, score_of
from forecaster.curves.reading.sizes import size_of
from forecaster.curves.reading.wide import may_be_models

PLACEHOLDER = "NAME"
SUBSETS = ("split", "subset", "partition", "phase", "set", "eval_split", "eval_set")
HELD_OUT_SPLITS = (
    "test",
    "val",
    "valid",
    "validation",
    "dev",
    "eval",
    "heldout",
    "held_out",
    "held-out",
)  # which one to take
VALUE = r"value|result|mean|y|l|metric_value"  # of what a column `metric` names
FULL = 100.0  # a full size that leaves per cent as they are
FEWEST_SIZES = 3  # sizes that make a curve


def missing(name: str, raw: Table, how: HowRead, lacking: Sequence[str], command: Command) -> str:
    """What is missing, the whole command that names it, and the reasons where there is a choice or a condition."""
    found = guessed(raw, how, lacking)
    said = [f"{name}: found no column {listed(lacking)}; {there(raw)}; expected {', '.join(REQUIRED)}."]
    said += hint(raw, name)
    hopeless = [c for c in ("n", "error") if c in lacking and c not in found.columns and found.wide == how.wide]
    if not hopeless:
        said += ["Run:", *command.lines(found)]
    elif how.as_command:
        said.append(f"Where a tracker or trainer wrote it: {shlex.join(['forecaster', 'import', name])}")
    return "\n".join([*said, *reasons(raw, how, found, lacking, hopeless)])


def guessed(raw: Table, how: HowRead, lacking: Sequence[str]) -> HowRead:
    """How the table is likeliest meant: columns for those that are missing, each taken once, or names for all rows."""
    columns = dict(how.columns)
    wide = how.wide
    sized_ = "n" not in lacking or near("n", _could_be("n", raw, left(raw, ()))) is not None
    if sized_ and "error" in lacking and not _candidates("error", raw, columns) and may_be_models(raw, columns):
        wide, lacking = "models", [column for column in lacking if column not in ("error", "architecture")]
    for ours in (c for c in ("n", "error", "architecture", "domain") if c in lacking):
        theirs = next(iter(_candidates(ours, raw, columns) or _by_cells(ours, raw, columns)), None)
        if theirs is not None:
            columns[ours] = theirs
    for ours in ("compute", "params", "seed"):
        theirs = near(ours, _could_be(ours, raw, left(raw, _used(raw, columns))))
        if ours not in raw and ours not in columns and ours not in how.constants and theirs is not None:
            columns[ours] = theirs
    if "params" not in columns and names.rank("params", columns.get("architecture", "")) is not None:
        columns["params"] = columns["architecture"]
    if wide is None or wide == how.wide:
        columns |= _apart(raw, columns, how)
    names_for_all = {ours: PLACEHOLDER for ours in KEYS if ours in lacking and ours not in columns}
    found = replace(how, columns=columns, constants={**how.constants, **names_for_all}, wide=wide)
    found = replace(found, where={**found.where, **held_out_rows(raw, found), **_one_metric(raw, found)})
    return turned(raw, sized(raw, found))


def turned(raw: Table, how: HowRead, named_so: str | None = None) -> HowRead:
    """With the score that the error column holds by its name, and with ``percent`` where its cells say so.

    ``named_so`` is the name of that column where the frame has it under ours.
    """
    column = how.columns.get("error", "error")
    if column not in raw:
        return how
    measure = named_so or column
    if not names.is_error(measure) and score_in(measure) is None and "metric" in raw:
        kept = how.where.get("metric", ())
        measure = kept[0] if kept else next(iter(dict.fromkeys(str(cell) for cell in raw["metric"])), measure)
    score = score_in(measure)
    named = how.score if how.score or score is None else score.name
    cells = raw[column]
    if measure in how.where.get("metric", ()) and "metric" in raw:
        cells = cells[[str(cell).strip() == measure for cell in raw["metric"]]]
    return replace(how, score=named, percent=how.percent or in_percent(measure, cells, named is not None))


def sized(raw: Table, how: HowRead) -> HowRead:
    """With a full size where sizes are in per cent: 100, which leaves them as they are."""
    column = how.columns.get("n", "n")
    if how.full_size is None and column in raw:
        found = [size_of(text) for text in texts_of(raw[column]) if text.lower() not in BLANK]
        if any(size is not None and size.kind == "percent" for size in found):
            return replace(how, full_size=FULL)
    return how


def in_percent(name: str, cells: Table, score: bool) -> bool:
    """Whether numbers are per cent: by their signs, or above what shares can be."""
    texts = texts_of(cells)
    if texts and all("%" in text for text in texts if text.lower() not in BLANK):
        return True
    values = _values(cells)
    if not len(values):
        return False
    most = float(np.max(values))
    if score:
        of = score_of(name)
        return 1.0 < most <= 1000.0 and not (of is not None and of.negated)
    return (most > 2.0 and names.is_rate(name)) or (most > 1.0 and names.says_percent(name))


# Which column -------------------------------------------------------------------------------------


def _used(raw: Table, columns: Mapping[str, str]) -> list[str]:
    return [part for theirs in columns.values() for part in parts_of(theirs, raw.columns) or ()]


def _candidates(ours: str, raw: Table, columns: Mapping[str, str]) -> list[str]:
    """The columns that may be ours by name and by cells, the likeliest first."""
    possible = _could_be(ours, raw, left(raw, _used(raw, columns)))
    found = ranked(ours, possible)
    if ours == "error":
        found += [column for column in possible if re.fullmatch(VALUE, plain(column)) and column not in found]
    if ours == "architecture" and not found:
        free = [c for c in raw if c not in _used(raw, columns) and names.rank("params", c) is not None]
        sizes = _could_be("task", raw, free)
        found = [c for c in sizes if 1 < len(set(map(str, raw[c]))) <= len(raw) / FEWEST_SIZES] or _by_size(raw, sizes)
    return found


def _by_cells(ours: str, raw: Table, columns: Mapping[str, str]) -> list[str]:
    """Of columns whose names say nothing: whole numbers above 0 may be sizes, and any numbers errors."""
    left_ = [c for c in left(raw, _used(raw, columns)) if not names.neither(c) and (ours == "n" or not _is_size(c))]
    possible = [c for c in _could_be(ours, raw, left_) if _varies(raw[c])] if ours in ("n", "error") else []
    return [c for c in possible if ours == "error" or all(_whole(cell) for cell in raw[c])]


def _is_size(column: str) -> bool:
    return names.rank("n", column) is not None


def _whole(cell: object) -> bool:
    """Whether a cell is a size: a whole number above 0, or one with a unit."""
    if isinstance(cell, str):
        found = size_of(cell) or size_of(cell, "comma")
        return found is not None and found.value > 0 and (found.kind != "count" or found.value % 1 == 0)
    return _is_number(cell) and float(cell) > 0 and float(cell) % 1 == 0  # type: ignore[arg-type]


def _by_size(raw: Table, sizes: Sequence[str]) -> list[str]:
    """Model sizes as names, where one at least was measured often enough to be a curve."""
    return [c for c in sizes if raw[c].nunique() > 1 and raw[c].value_counts().max() >= FEWEST_SIZES]


def _could_be(ours: str, raw: Table, columns: Iterable[str]) -> list[str]:
    """The columns whose cells could be ours: numbers, more than one of them, or names that come more than once."""
    if ours in (*KEYS, "seed"):
        return [c for c in columns if _names_rows(raw[c], len(raw))]
    return [c for c in columns if _all_numbers(raw[c], ours) and (ours == "error" or _varies(raw[c]))]


def _names_rows(cells: Table, rows: int) -> bool:
    """Whether cells are names for groups of rows: neither blank nor different in every one."""
    kinds = {str(cell).strip() for cell in cells}
    return not all(kind.lower() in BLANK for kind in kinds) and len(kinds) < max(rows, 2)


def _varies(cells: Table) -> bool:
    return len(cells) < 2 or len({str(cell) for cell in cells}) > 1


def _all_numbers(cells: Table, ours: str) -> bool:
    """Whether cells are numbers, blank ones aside, and not all of them are blank."""
    given = [cell for cell in cells if str(cell).strip().lower() not in BLANK]
    return bool(given) and all(
        _is_number(cell) if not isinstance(cell, str) else _reads(cell, ours) for cell in given[:50]
    )


def _reads(text: str, ours: str) -> bool:
    if ours != "error":
        return size_of(text, "point") is not None or size_of(text, "comma") is not None
    return bool(numerals_of([text.strip()]))


def _is_number(cell: object) -> bool:
    if isinstance(cell, bool | np.bool_):
        return False
    try:
        return bool(np.isfinite(float(cell)))  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return False


def _values(cells: Table) -> list[float]:
    """The numbers of a column, by a decimal point; cells that hold none are left out."""
    found = []
    for cell in cells:
        if isinstance(cell, str):
            begins = re.match(NUMERAL, bare(cell))
            value = None if begins is None else value_of(begins[0], "point")
            found += [] if value is None else [value]
        elif _is_number(cell):
            found.append(float(cell))
    return found


def held_out_rows(raw: Table, how: HowRead) -> dict[str, tuple[str, ...]]:
    """Of a table that holds training, validation and test rows, the held-out ones to keep."""
    for column in raw:
        if plain(column) not in SUBSETS or column in how.where:
            continue
        kinds = {str(cell).strip(): str(cell).strip().lower() for cell in raw[column]}
        held = [kind for last in HELD_OUT_SPLITS for kind, lower in kinds.items() if lower == last]
        if len(kinds) > 1 and held and not set(kinds.values()) & {"fit", "extrapolate"}:
            return {column: (held[0],)}
    return {}


def _one_metric(raw: Table, how: HowRead) -> dict[str, tuple[str, ...]]:
    """Of a table with several metrics in a column, the one to keep: an error before a score."""
    column = how.columns.get("metric", "metric")
    kinds = list(dict.fromkeys(str(cell).strip() for cell in raw[column])) if column in raw else []
    if len(kinds) < 2 or column in how.where or (names.is_error(how.columns.get("error", "value"))):
        return {}
    return {column: ((near("error", kinds) or kinds[0]),)}


def _apart(raw: Table, columns: Mapping[str, str], how: HowRead) -> dict[str, str]:
    """``task`` from columns of names that tell apart rows of one curve, size and seed whose errors differ."""
    if "task" in raw or "task" in columns or "task" in how.constants or "n" not in {*columns, *raw}:
        return {}
    keys = [part for ours in ("architecture", "domain", "n", "seed") for part in _parts(ours, raw, columns)]
    others = left(raw, _used(raw, columns))
    names_of = [
        c for c in _could_be("task", raw, others) if not re.fullmatch(KEEPING, c.lower()) and c not in how.where
    ]
    names_of = [
        c for c in names_of if plain(c) not in SUBSETS and (names.rank("task", c) or not _all_numbers(raw[c], "n"))
    ]
    texts = raw[[*keys, *names_of]].map(str)
    made: list[str] = []
    for column in names_of:
        if not texts.duplicated([*keys, *made]).any():
            break
        sizes = texts.groupby([*(k for k in keys if k not in _parts("n", raw, columns)), *made, column])
        enough = sizes[_parts("n", raw, columns)[0]].nunique().median() >= FEWEST_SIZES
        fewer = texts.duplicated([*keys, *made, column]).sum() < texts.duplicated([*keys, *made]).sum()
        made += [column] if enough and fewer and texts[column].nunique() > 1 else []
    return {"task": "+".join(made)} if made else {}


def _parts(ours: str, raw: Table, columns: Mapping[str, str]) -> list[str]:
    theirs = columns.get(ours, ours)
    return parts_of(theirs, raw.columns) or []


# In words -----------------------------------------------------------------------------------------


def reasons(raw: Table, how: HowRead, found: HowRead, lacking: Sequence[str], hopeless: Sequence[str]) -> list[str]:
    """A line on each column where there is a choice or a condition."""
    said = []
    for ours in (column for column in KEYS if column in lacking):
        cards = "; `forecaster domains` lists the names that have cards" if ours == "domain" else ""
        instead = f", in place of {ours}={found.columns[ours]}," if ours in found.columns else ""
        if ours not in found.columns and ours not in found.constants:
            continue
        line = f"--{ours} {PLACEHOLDER}{instead} takes all rows to be of one {ours}{cards}."
        others = [
            c for c in _could_be(ours, raw, left(raw, _used(raw, found.columns))) if not _all_numbers(raw[c], "n")
        ]
        others = [column for column in others if not re.fullmatch(KEEPING, column.lower())]
        if others and ours not in found.columns:
            line += f" Where a column names it: --columns {ours}=THAT, as {listed(others, 5)}."
        said.append(line)
    for ours in ("n", "error"):
        if ours in lacking and ours in found.columns:
            others = _candidates(ours, raw, {k: v for k, v in found.columns.items() if k != ours})
            others = [column for column in others if column != found.columns[ours]]
            if others:
                said.append(f"{found.columns[ours]!r} was taken for {ours}; it may also be {listed(others, 8)}.")
    for ours in hopeless:
        what = "n, the training-set size of each row," if ours == "n" else "error, which is lower where better,"
        others = _could_be(ours, raw, left(raw, _used(raw, found.columns)))
        may = f"may be {listed(others, 8)}: --columns {ours}=THAT" if others else "is in none of the columns: add one"
        said.append(f"{what} {may}.")
    return [*said, *_conditions(raw, how, found)]


def _conditions(raw: Table, how: HowRead, found: HowRead) -> list[str]:
    said = []
    size, error = found.columns.get("n", ""), found.columns.get("error", "")
    for ours, theirs in (("n", size), ("error", error)):
        if theirs and ours not in how.columns and names.rank(ours, theirs) is None:
            said.append(f"{theirs!r} was taken for {ours} by its cells alone, since no name says more.")
    if names.is_steps(size) and "n" not in how.columns:
        said.append(
            "A step is a size where each one takes as many new examples; n = steps x batch size says it better."
        )
    if names.of_training(error) and "error" not in how.columns:
        said.append(f"{error!r} seems to be measured on the training set; an error on held-out cases says more.")
    if found.full_size is not None and how.full_size is None:
        said.append("--full-size 100 leaves sizes in per cent; put the size of the whole training set in its place.")
    if found.wide is not None and how.wide is None:
        said.append("--wide models takes each column of numbers for a model, and its cells for errors.")
    if found.score is not None and how.score is None:
        turned_ = (
            f"{found.columns.get('error', 'error')!r} rises where a model gets better: --score turns it into an error"
        )
        said.append(f"{turned_}, {found.turned}.")
    if found.percent and not how.percent:
        said.append("--percent divides by 100.")
    if found.where != how.where:
        (column, value), *_ = [(c, v) for c, v in found.where.items() if c not in how.where]
        said.append(f"--where keeps the rows whose {column!r} is {value[0]!r}.")
    spread = [c for c in left(raw, ()) if names.SPREAD & set(plain(c).split("_")) and re.search("std|sd", c.lower())]
    if spread and "error_sd" not in found.columns:
        said.append(f"Where {spread[0]!r} is the spread of the error over runs, add error_sd={spread[0]} to --columns.")
    return said
