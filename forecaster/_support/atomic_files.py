"""Files written whole, or not at all: one, or several that belong together.

What is being written stands under a name of its own, ``*.part``, beside the place that it is for, and is renamed when
it is whole. What a process that was killed left behind is removed by the next one that writes there.
"""

from __future__ import annotations

import errno
import functools
import hashlib
import io
import os
import re
import secrets
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecaster.errors import PosteriorFileError, UnwritableError

if TYPE_CHECKING:
    import xarray as xr

PART = re.compile(r"([0-9a-f]{8})-(\d+)-[0-9a-f]{16}\.part")  # where and by which process, then what none other has
DAY = 86_400.0  # seconds after which no process is still writing
FULL = (errno.ENOSPC, errno.EDQUOT)

# What this process is writing at the moment, so that it can go where the process must end at once.
_unfinished: set[Path] = set()
_lock = threading.Lock()


def write_whole(path: str | Path, write: Callable[[str], Any]) -> None:
    """Let ``write`` make a file under a temporary name, then rename it: whole, or not there at all.

    Raises UnwritableError, with the name of the file, where the system refuses it, as a full disk does.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise PosteriorFileError(f"{path}: no such folder {path.parent}; make it first or choose another path")
    sweep(path.parent)
    with _said_of(path), _begun(path.parent) as temporary:
        temporary.touch(exist_ok=False)  # with the rights of any other file, whatever other threads do
        write(str(temporary))
        _finish(temporary, path)


def write_netcdf(data: xr.DataTree | xr.Dataset, path: str | Path) -> None:
    """Write netCDF whole. It is made in memory: HDF5 ends the process where it cannot write, as on a full disk."""
    made = io.BytesIO()
    data.to_netcdf(made, engine="h5netcdf")
    content = made.getvalue()
    write_whole(path, lambda temporary: Path(temporary).write_bytes(content))


@contextmanager
def written_together(folder: str | Path) -> Iterator[Path]:
    """A temporary folder for files that belong together; they are moved into ``folder`` when all are there, those in
    folders of their own into folders of the same names.

    Where ``folder`` is new, so are the folders that it lies in, and all appear at once; where it is there, files of
    the same names are replaced. After an error nothing has changed.
    Raises UnwritableError, with the name of the folder, where the system refuses it.
    """
    folder = Path(folder)
    missing = [part for part in (folder, *folder.parents) if not part.exists()]
    top = missing[-1] if missing else folder
    place = top.parent if missing else folder
    sweep(place)
    with _said_of(folder), _begun(place) as temporary:
        inside = temporary / folder.relative_to(top)
        inside.mkdir(parents=True)
        yield inside
        files = sorted(file.relative_to(inside) for file in inside.rglob("*") if file.is_file())
        if taken := [folder / file for file in files if (folder / file).is_dir()]:
            raise UnwritableError(f"{taken[0]}: found a folder where a file is to be written; move it away")
        if taken := [folder / file.parent for file in files if (folder / file.parent).is_file()]:
            raise UnwritableError(f"{taken[0]}: found a file where a folder is to be written; move it away")
        if missing and not top.exists():
            _finish(temporary, top)
            return
        for file in files:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            _finish(inside / file, folder / file)


def sweep(folder: Path) -> None:
    """Remove what processes that are gone left half-written in ``folder``."""
    with suppress(OSError):
        for entry in os.scandir(folder):
            named = PART.fullmatch(entry.name)
            if named and _left(named[1], int(named[2]), entry):
                _remove(Path(entry.path))


def drop_unfinished() -> None:
    """Remove what this process is writing, for it is about to end: nothing is begun or finished after this."""
    _lock.acquire()
    for path in _unfinished:
        _remove(path)


@contextmanager
def _begun(folder: Path) -> Iterator[Path]:
    """A name in ``folder`` that only this process uses; what is left under it goes in the end."""
    temporary = folder / f"{_here()}-{os.getpid()}-{secrets.token_hex(8)}.part"
    with _lock:
        _unfinished.add(temporary)
    try:
        yield temporary
    finally:
        _remove(temporary)
        with _lock:
            _unfinished.discard(temporary)


def _finish(temporary: Path, path: Path) -> None:
    with _lock:
        os.replace(temporary, path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


@functools.cache
def _here() -> str:
    """Which machine, or container, numbers the processes that we see: eight letters."""
    try:
        numbered = os.readlink("/proc/self/ns/pid")
    except OSError:
        numbered = ""
    return hashlib.sha256(f"{socket.gethostname()} {numbered}".encode()).hexdigest()[:8]


def _left(where: str, process: int, entry: os.DirEntry[str]) -> bool:
    """Whether nobody is writing this any more: its process is gone or, where that cannot be known, it is old."""
    if where == _here() and os.name == "posix":
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        except OSError:
            pass
    return time.time() - entry.stat(follow_symlinks=False).st_mtime > DAY


@contextmanager
def _said_of(path: Path) -> Iterator[None]:
    """An error of the operating system as an error about ``path``."""
    try:
        yield
    except UnwritableError:
        raise
    except OSError as error:
        what = error.strerror or str(error)
        if error.errno in FULL:
            raise UnwritableError(f"{path}: disk full ({what}); free some space, or choose another path") from error
        raise UnwritableError(f"{path}: cannot be written ({what}); free it, or choose another path") from error
