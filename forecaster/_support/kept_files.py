"""What is kept between processes, fits and compiled programs: how much there is, and keeping it within bounds.

All of it lies in one folder of the user's; every file in it can go at any time, and is then made again.
"""

from __future__ import annotations

import re
import shutil
import time
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forecaster._support import atomic_files
from forecaster.errors import UnwritableError

MOST_BYTES = 1_000_000_000  # of all that is kept; the least recently used goes first
PARTS = {"fits": "fits", "compiled": "compiled programs"}  # folders, and what they hold
COMPILED = "*-cache"  # JAX's own files
BROKEN = re.compile(r"Error (reading|writing) persistent compilation cache entry")  # JAX's own words


def cache_root() -> Path:
    """The folder, as the platform has it; ``XDG_CACHE_HOME`` moves it on Linux."""
    from platformdirs import user_cache_path

    return user_cache_path("forecaster")


@dataclass(frozen=True)
class Kept:
    """What one part of the folder holds."""

    holds: str
    folder: Path
    files: int
    size: int  # bytes


def kept(root: Path) -> tuple[Kept, ...]:
    """Each part: its folder, how many files it holds, and how large they are."""
    found = []
    for name, holds in PARTS.items():
        sizes = [size for _, size, _ in _files(root / name)]
        found.append(Kept(holds, root / name, len(sizes), sum(sizes)))
    return tuple(found)


def bound(root: Path, most: int = MOST_BYTES) -> None:
    """Drop the least recently used files until no more than ``most`` bytes are left."""
    files = sorted((entry for name in PARTS for entry in _files(root / name)), reverse=True)
    total = 0
    for _, size, path in files:
        total += size
        if total > most:
            with suppress(OSError):
                path.unlink(missing_ok=True)


def clear(root: Path) -> None:
    """Remove all that is kept; UnwritableError where the system refuses."""
    for name in PARTS:
        try:
            shutil.rmtree(root / name)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise UnwritableError(f"{error.filename or root / name}: cannot be removed ({error.strerror})") from error


@contextmanager
def mended(root: Path) -> Iterator[None]:
    """A context in which programs are compiled and kept; half-written ones go, and the rest stays within bounds.

    JAX writes its files in place, leaves those that a full disk or a killed process cut off, and does not write over
    them. It warns of each, which tells a user nothing that could be done; so this does it.
    """
    began, told, folder = time.time(), list[str](), root / "compiled"
    try:
        with warnings.catch_warnings():
            usual = warnings.showwarning

            def show(message: Warning | str, *rest: Any) -> None:
                if BROKEN.match(str(message)):
                    told.append(str(message))
                else:
                    usual(message, *rest)

            warnings.showwarning = show
            yield
    finally:
        for path in folder.glob(COMPILED):
            with suppress(OSError):
                if (told or path.stat().st_mtime >= began - 1.0) and not _whole(path):
                    path.unlink(missing_ok=True)
        for place in (root / "fits", folder):
            atomic_files.sweep(place)
        bound(root)


def _whole(path: Path) -> bool:
    """Whether a compressed file ends where it should; True where its format is not known."""
    try:
        with path.open("rb") as file:
            start = file.read(2)
            if len(start) < 2 or start[0] != 0x78:
                return len(start) == 2  # no zlib: zstandard, say
            reader = zlib.decompressobj()
            reader.decompress(start)
            while block := file.read(1 << 20):
                reader.decompress(block)
            return reader.eof
    except zlib.error:
        return False
    except OSError:
        return True


def _files(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """When it was last used, its size in bytes, and the path of each file."""
    for path in folder.rglob("*"):
        with suppress(OSError):
            if path.is_file():
                stat = path.stat()
                yield max(stat.st_mtime, stat.st_atime), stat.st_size, path
