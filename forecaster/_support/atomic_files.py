"""Files written whole, or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from forecaster.errors import PosteriorFileError, UnwritableError


def write_whole(path: str | Path, write: Callable[[str], Any]) -> None:
    """Let ``write`` make a file under a temporary name, then rename it: whole, or not there at all."""
    path = Path(path)
    if not path.parent.is_dir():
        raise PosteriorFileError(f"{path}: no such folder {path.parent}; make it first or choose another path")
    temporary = path.with_name(f"{secrets.token_hex(8)}.part")
    with _said_of(path):
        temporary.touch(exist_ok=False)  # with the rights of any other file, whatever other threads do
    try:
        write(str(temporary))
        with _said_of(path):
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """The folder and those that it lies in, where they are not there."""
    with _said_of(path):
        path.mkdir(parents=True, exist_ok=True)


@contextmanager
def _said_of(path: Path) -> Iterator[None]:
    """What the system refuses, as a refusal of ``path``."""
    try:
        yield
    except OSError as error:
        raise UnwritableError(
            f"{path}: cannot be written ({error.strerror}); free it, or choose another path"
        ) from error
