"""What code something came from: a changed line must never serve what an older one left in a cache."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path


def of_code(names: Iterable[str]) -> str:
    """SHA-256 (hex) of modules of this package, or of all in a folder, by their names."""
    digest = hashlib.sha256()
    for path in sorted(_files(names)):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _files(names: Iterable[str]) -> Iterator[Path]:
    home = Path(__file__).parent
    for name in names:
        yield from (home / name).glob("*.py") if (home / name).is_dir() else [home / f"{name}.py"]
