"""Files written whole, or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from forecaster.errors import PosteriorFileError


def write_whole(path: str | Path, write: Callable[[str], Any]) -> None:
    """Let ``write`` make a file under a temporary name, then rename it: whole, or not there at all."""
    path = Path(path)
    if not path.parent.is_dir():
        raise PosteriorFileError(f"{path}: no such folder {path.parent}; make it first or choose another path")
    handle, temporary = tempfile.mkstemp(suffix=".part", dir=path.parent)
    os.close(handle)
    try:
        write(temporary)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # a temporary file is private; the finished one is like any other
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)
