"""Columns: which of a table's columns is which of ours, names for all rows, and what is said where one is missing."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from forecaster.curves.learning_curves import KEYS, NOISE, Note, Table, listed
from forecaster.errors import CurveColumnsError, CurveFileError, OptionError, RequestError

REQUIRED = ("domain", "architecture", "n", "error")
KNOWN = (*KEYS, "n", "error", "metric", "seed", *NOISE, "params", "compute", "split")
SUGGESTED = ("n", "error", "architecture", "domain")  # the order in which a suggestion names them
ASIDE = ("compute", "params")  # suggested beside those, where a table has them by another name

# Other names of our columns, the likeliest first: patterns of a name in lower case, with _ for what is no letter.
HELD_OUT = r"(.*_)?(val|valid|validation|eval|test|dev|held_?out)_"
STEPS = r"(.*_)?(steps?|iterations?|iters?)"
ACCURACY = r"(?!.*train)(.*_)?(acc|accuracy)(_.*)?"
UNITS = r"(tokens|samples|examples|images|sentences|words|characters|instances)"
NEAR = {
    "n": (
        r"n_?train|(n_|num_)?(train|training|data|dataset|sample|corpus)(_?set)?_(size|n)",
        rf"(?!{HELD_OUT})(.*_)?{UNITS}(_(seen|consumed|processed|trained))?",
        rf"(?!{HELD_OUT})(.*_)?size",
        STEPS,
    ),
    "error": (
        rf"{HELD_OUT}(.*_)?(error|err|error_rate)",
        rf"{HELD_OUT}(.*_)?(loss|nll|cross_entropy|perplexity|ppl|rmse|mse|mae|wer)(_.*)?",
        r"(?!.*train)(.*_)?(error_rate|error|err)",
        r"(?!.*train)(.*_)?(loss|nll|cross_entropy|perplexity|ppl|rmse|mse|mae|wer)",
        ACCURACY,
    ),
    "architecture": (
        r"arch|architecture_.*|model|model_(name|type)|network|net",
        r"method|algorithm|learner|classifier|recipe",
        r"run|run_name|name|experiment|config|variant",
    ),
    "domain": (r"domain_.*|field|area",),
    "task": (r"task_.*|data_?set|data_?set_name|benchmark",),
    "compute": (r"(.*_)?flops?",),
    "params": (r"(.*_)?(params|parameters)",),
}
KEEPING = r"_.*|state|created|runtime|id|notes|user|tags|host|hostname"  # what a tracker notes down of itself


def parse_columns(texts: Sequence[str]) -> dict[str, str]:
    """``["n=train_size,error=err"]`` as ``{"n": "train_size", "error": "err"}``; RequestError if not so."""
    found: dict[str, str] = {}
    for part in (part for text in texts for part in text.split(",")):
        ours, _, theirs = (piece.strip() for piece in part.partition("="))
        if not ours or not theirs or found.get(ours, theirs) != theirs:
            what = f"{ours!r} twice" if ours and theirs else repr(part)
            raise OptionError(f"--columns: found {what}; expected OURS=THEIRS once each, as in n=train_size")
        found[ours] = theirs
    check_mapping(found)
    return found


def check_mapping(mapping: Iterable[str]) -> None:
    """RequestError for a mapping of a name that is not ours."""
    for ours in mapping:
        if ours not in KNOWN:
            known = ", ".join(KNOWN)
            raise OptionError(f"--columns: found {ours!r} left of '='; expected one of our names: {known}")


def check_constants(constants: Mapping[str, str | float]) -> None:
    """RequestError for what cannot be one value of all rows."""
    may = [column for column in KNOWN if column not in ("n", "error")]
    for ours, value in constants.items():
        if ours not in may:
            raise RequestError(f"constants: found {ours!r}; expected one of our names but n and error: {listed(may)}")
        if not pd.api.types.is_scalar(value) or str(value).strip() == "":
            raise RequestError(f"constants: found {value!r} for {ours}; expected one name or number for all rows")


# Our names ----------------------------------------------------------------------------------------


def renamed(name: str, raw: Table, mapping: Mapping[str, str]) -> Table:
    """The frame under our names; a column whose name the mapping gives away gets a trailing underscore."""
    raw = _stripped(name, raw)
    lost = {ours: theirs for ours, theirs in mapping.items() if theirs not in raw}
    if lost:
        said = f"--columns {','.join(f'{ours}={theirs}' for ours, theirs in lost.items())}"
        found = f"found no column {listed(lost.values())}"
        raise CurveColumnsError(f"{name}: {found} for {said}; {_there(raw)}; expected one of these.")
    frame = {ours: raw[theirs] for ours, theirs in mapping.items()}
    for column in raw.columns.difference(list(mapping.values()), sort=False):
        kept = column
        while kept in frame or (kept != column and kept in raw):
            kept += "_"
        frame[kept] = raw[column]
    return pd.DataFrame(frame, index=raw.index)


def completed(name: str, raw: Table, mapping: Mapping[str, str], constants: Mapping[str, str | float]) -> Table:
    """The frame under our names, with a column for each constant; refused where a required one is missing."""
    frame = renamed(name, raw, mapping)
    for ours, value in constants.items():
        if ours not in absent(frame):
            theirs = next(column for column in frame if ours in (column, _plain(column)))
            raise CurveColumnsError(
                f"{name}: found the column {theirs!r} and {value!r} for all rows beside it; expected one of the two. "
                f"Leave {ours!r} out of constants, or drop the column."
            )
    frame = frame.assign(**{k: pd.Series([v] * len(frame), frame.index, dtype=object) for k, v in constants.items()})
    missing = [column for column in REQUIRED if column not in frame]
    if missing:
        raise CurveColumnsError(_missing(name, _stripped(name, raw), mapping, missing))
    if raw.empty:
        raise CurveFileError(f"{name}: found a header and no data rows; expected a row per measurement.")
    return frame


def absent(frame: Table) -> tuple[str, ...]:
    """Our columns that a frame under our names has not, not even in capitals."""
    there = {*frame.columns, *map(_plain, frame.columns)}
    return tuple(column for column in KNOWN if column not in there)


def constant_notes(name: str, frame: Table, constants: Mapping[str, str | float]) -> list[Note]:
    """Remarks on names given for all rows where a column tells rows apart that seems to hold such names."""
    found = []
    for ours in (column for column in KEYS if column in constants):
        theirs = near(ours, _left(frame, ()))
        kinds = 0 if theirs is None else len(set(map(str, frame[theirs])))
        if kinds > 1:
            said = f"all rows are taken to be of {ours} {str(constants[ours])!r}, though the column {theirs!r}"
            found.append(Note("constant", f"{name}: {said} tells {kinds} apart; for these --columns {ours}={theirs}"))
    return found


def _stripped(name: str, raw: Table) -> Table:
    raw = raw.set_axis([str(column).strip() for column in raw.columns], axis=1)
    if raw.columns.has_duplicates:
        twice = listed(raw.columns[raw.columns.duplicated()].unique())
        raise CurveColumnsError(f"{name}: found the column {twice} twice; expected each once. Rename or drop one.")
    return raw


def _there(raw: Table) -> str:
    return f"the columns are {listed(raw.columns, 50)}"


# What is said where one is missing ----------------------------------------------------------------


def near(ours: str, columns: Iterable[str]) -> str | None:
    """The column whose name is likeliest to mean ours."""
    plain = {column: _plain(column) for column in columns}
    for pattern in (ours, *NEAR.get(ours, ())):
        for column, text in plain.items():
            if re.fullmatch(pattern, text):
                return column
    return None


def _plain(column: str) -> str:
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", "_", column)
    return re.sub(r"[^a-z0-9]+", "_", parted.lower()).strip("_")


def _left(raw: Table, used: Iterable[str]) -> list[str]:
    """Columns that are none of ours yet; a comma in a name would end it on the command line."""
    return [column for column in raw if column not in (*KNOWN, *used) and "," not in column]


def _could_be(ours: str, raw: Table, columns: Iterable[str]) -> list[str]:
    """The columns whose cells could be ours: numbers, or names that come more than once."""
    if ours not in KEYS:
        return [column for column in columns if any(map(_is_number, raw[column]))]
    return [c for c in columns if len(set(map(str, raw[c]))) < max(len(raw), 2)]


def _is_number(cell: object) -> bool:
    try:
        return math.isfinite(float(cell))  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return False


def _guessed(raw: Table, mapping: Mapping[str, str], missing: Sequence[str]) -> dict[str, str]:
    """The columns that are likeliest to be those that are missing, each taken once."""
    found: dict[str, str] = {}
    wanted = [column for column in SUGGESTED if column in missing]
    for ours in (*wanted, *(column for column in ASIDE if column not in raw and column not in mapping)):
        left = _left(raw, (*mapping.values(), *found.values()))
        theirs = near(ours, _could_be(ours, raw, left))
        if theirs is not None:
            found[ours] = theirs
    return found


def _missing(name: str, raw: Table, mapping: Mapping[str, str], missing: Sequence[str]) -> str:
    """What is missing, and what to add: on one line as options, on one as arguments in Python, then the reasons."""
    guessed = _guessed(raw, mapping, missing)
    left = _left(raw, (*mapping.values(), *guessed.values()))
    others = {ours: _could_be(ours, raw, left) for ours in missing if ours not in guessed}
    for ours in others.keys() & set(KEYS):
        named = [column for column in others[ours] if not re.fullmatch(KEEPING, column.lower())]
        others[ours] = [column for column in named if not any(map(_is_number, raw[column]))]
    open_ = {ours: "THAT" for ours in others if ours not in KEYS and others[ours]}
    said = [f"{name}: found no column {listed(missing)}; {_there(raw)}; expected {', '.join(REQUIRED)}."]
    added = _added({**guessed, **open_}, {ours: "NAME" for ours in others if ours in KEYS})
    said += ["Add:", *added] if added else []
    return "\n".join([*said, *_reasons(guessed, others)])


def _added(columns: Mapping[str, str], constants: Mapping[str, str]) -> list[str]:
    order = {ours: columns[ours] for ours in (*SUGGESTED, *ASIDE) if ours in columns}
    accuracy = re.fullmatch(ACCURACY, _plain(order.get("error", ""))) is not None
    options = ["--columns", ",".join(f"{k}={v}" for k, v in order.items())] if order else []
    options += [part for ours, value in constants.items() for part in (f"--{ours}", value)]
    python = [f"columns={order}"] if order else []
    python += [f"constants={dict(constants)}"] if constants else []
    if not python:
        return []
    options, python = options + accuracy * ["--accuracy"], python + accuracy * ["accuracy=True"]
    return [f"  {shlex.join(options)}", f"  (in Python: {', '.join(python)})"]


def _reasons(guessed: Mapping[str, str], others: Mapping[str, Sequence[str]]) -> list[str]:
    """A line on each column that is missing, where there is a choice or a condition."""
    said = []
    for ours in (column for column in KEYS if column in guessed or column in others):
        cards = "; `forecaster domains` lists the names that have cards" if ours == "domain" else ""
        instead = f", in place of {ours}={guessed[ours]}," if ours in guessed else ""
        line = f"--{ours} NAME{instead} takes all rows to be of one {ours}{cards}."
        if others.get(ours):
            line += f" Where a column names it: --columns {ours}=THAT, as {listed(others[ours], 5)}."
        said.append(line)
    for ours in (column for column in ("n", "error") if column in others):
        may = f"may be {listed(others[ours], 5)}" if others[ours] else "is in none of the columns: add one"
        what = "n, the training-set size of each row," if ours == "n" else "error, which is lower where better,"
        said.append(f"{what} {may}.")
    if re.fullmatch(STEPS, _plain(guessed.get("n", ""))):
        said.append(
            "A step is a size where each one takes as many new examples; n = steps x batch size says it better."
        )
    return said
