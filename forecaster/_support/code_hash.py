"""A hash of the code: a changed line must never reuse what an older version left in a cache."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def of_code(parts: Iterable[str]) -> str:
    """SHA-256 (hex) of the source of parts of this package: folders, with all that is below them, or modules.

    ``parts`` are paths below the package, such as ``model`` or ``curves/repeats.py``. FileNotFoundError for one that is
    not there: a module that was moved must not drop out of a cache's key in silence.
    """
    digest = hashlib.sha256()
    for path in sorted(path for part in parts for path in files_of(part)):
        digest.update(str(path.relative_to(PACKAGE)).encode() + path.read_bytes())
    return digest.hexdigest()


def files_of(part: str) -> Iterator[Path]:
    """Source files of a part; FileNotFoundError where it is not there."""
    path = PACKAGE / part
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such part of the package; correct the list that names it")
    yield from path.rglob("*.py") if path.is_dir() else [path]
