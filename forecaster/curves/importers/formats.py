"""Formats: every export that is read, which of them a file is, and all runs of a file or a folder."""

from __future__ import annotations

import os
import sqlite3
import struct
import tokenize
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from forecaster.curves.importers.export import Export, Format, all_of
from forecaster.curves.importers.seen import EVENTS, Seen, label_of
from forecaster.curves.importers.trackers import (
    mlflow_database,
    mlflow_folder,
    mlflow_table,
    tensorboard_csv,
    tensorboard_events,
    wandb_chart,
    wandb_history,
    wandb_runs,
)
from forecaster.curves.importers.trainers import huggingface, keras, lightning, lm_eval, records, scikit_learn
from forecaster.curves.learning_curves import listed
from forecaster.curves.reading.files import KINDS
from forecaster.errors import CurveFileError, OptionError

FORMATS: tuple[Format, ...] = tuple(
    module.FORMAT
    for module in (
        *(wandb_runs, wandb_chart, wandb_history, mlflow_table, mlflow_database, mlflow_folder),
        *(tensorboard_csv, tensorboard_events, huggingface, lightning, keras, lm_eval, scikit_learn, records),
    )
)
SUFFIXES = (*KINDS, ".db", ".sqlite", ".sqlite3", ".npz", ".log")  # of files in a folder that are looked at
# What a reader may raise at a damaged file, beside what it says itself.
DAMAGED = (
    *(ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError, SyntaxError),
    *(
        MemoryError,
        OSError,
        EOFError,
        struct.error,
        zlib.error,
        zipfile.BadZipFile,
        sqlite3.Error,
        NotImplementedError,
        tokenize.TokenError,
    ),
)


@dataclass(frozen=True, eq=False)
class FoundRuns:
    """The runs of a source, in one format; how many files of a folder were passed over."""

    format: Format
    export: Export
    files: int
    passed: int = 0


def find(sources: Sequence[Path], wanted: str | None = None) -> FoundRuns:
    """The runs of files and folders; ``wanted`` is the one format to read.

    Raises CurveFileError, saying what was seen, where nothing is an export or a file is damaged, and OptionError for
    an unknown ``wanted``.
    """
    known = {one.id: one for one in FORMATS}
    if wanted is not None and wanted not in known:
        raise OptionError(f"--format: found {wanted!r}; expected one of {', '.join(known)}")
    seen = [one for source in sources for one in _looked_at(source)]
    claimed = [(form, one) for one in seen if (form := format_of(one)) is not None]
    if wanted is not None:
        claimed = [(form, one) for form, one in claimed if form.id == wanted]
    kinds = Counter(form.id for form, _ in claimed)
    if not kinds:
        raise CurveFileError(_nothing(sources, seen, wanted))
    if len(kinds) > 1:
        said = ", ".join(f"{count} of {known[name].title} ({name})" for name, count in kinds.most_common())
        raise CurveFileError(
            f"{_named(sources)}: found exports of several kinds: {said}; expected one kind, so that no run counts "
            f"twice. Say which: --format {kinds.most_common(1)[0][0]}"
        )
    form = claimed[0][0]
    exports = _merged(form, [_read(form, one) for _, one in claimed])
    return FoundRuns(form, all_of(exports), len(claimed), len(seen) - len(claimed))


def format_of(seen: Seen) -> Format | None:
    """The format of a file; None where none claims it."""
    try:
        return next((form for form in FORMATS if form.claims(seen)), None)
    except DAMAGED:
        return None


def _looked_at(source: Path) -> Iterator[Seen]:
    """The file; of a folder all files that may be exports, and the folders that are runs of MLflow."""
    if not source.exists():
        raise CurveFileError(
            f"{source}: found no such file; expected an export of a tracker, or a folder of them. Check the path."
        )
    if source.is_file():
        yield Seen(source, label_of(source, source))
        return
    for here, folders, files in os.walk(source):
        folder = Seen(Path(here), label_of(Path(here), source))
        if mlflow_folder.claims(folder):
            folders.clear()
            yield folder
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            bare = name.lower().removesuffix(".gz")
            if EVENTS in name or Path(bare).suffix in SUFFIXES:
                path = Path(here) / name
                if path.is_file():
                    yield Seen(path, label_of(path, source))


def _read(form: Format, seen: Seen) -> Export:
    with _whole(form, seen.path):
        return form.read(seen)


@contextmanager
def _whole(form: Format, path: object) -> Iterator[None]:
    """CurveFileError in place of what a reader raises at a damaged file."""
    try:
        yield
    except DAMAGED as error:
        what = str(error).partition("\n")[0][:200] or type(error).__name__
        raise CurveFileError(
            f"{path}: found {form.title} that cannot be read ({what}); expected a whole one. Export it again, or "
            "leave it out."
        ) from None


def _merged(form: Format, exports: Sequence[Export]) -> list[Export]:
    """The exports, those of one run made one where a format spreads a run over files."""
    if form.together is None:
        return list(exports)
    runs: dict[str, list[Export]] = {}
    for one in exports:
        runs.setdefault(one.names[0], []).append(one)
    merged = []
    for name, parts in runs.items():
        with _whole(form, name):
            merged.append(parts[0] if len(parts) == 1 else form.together(parts))
    return [replace(one, step=exports[0].step) for one in merged]


def _nothing(sources: Sequence[Path], seen: Sequence[Seen], wanted: str | None) -> str:
    """A message where no file is a known export: what was found, and the next step."""
    known = [f"  {form.id}: {form.title}" for form in FORMATS]
    if len(sources) == 1 and sources[0].is_dir():
        source = Seen(sources[0], "")
        kinds = Counter(one.said for one in seen)
        some = "; ".join(f"{count} times {said}" if count > 1 else said for said, count in kinds.most_common(3))
        saw = f"{source.said}{'; in it ' + some if some else ''}"
    else:
        saw = listed((one.said for one in seen), 3, quote=False)
    what = f"no {wanted} in " if wanted else ""
    said = f"{_named(sources)}: found {what}{saw}; expected an export of a tracker or trainer. These are read:"
    said = "\n".join([said, *known])
    if len(seen) == 1 and seen[0].kind in ("table", "json", "lines", "parquet") and seen[0].names and not wanted:
        return f"{said}\nA table of any other kind is read as it is. Run:\n  forecaster validate {sources[0]}"
    return f"{said}\nExport the runs as one of these."


def _named(sources: Sequence[Path]) -> str:
    return listed(sources, 3, quote=False)
