"""Files written whole, or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from forecaster.errors import PosteriorFileError


def write_whole(path: str | Path, write: Callable[[str], Any]) -> None:
    """Let ``write`` make a file under a temporary name, then rename it: whole, or not there at all."""
    path = Path(path)
    if not path.parent.is_dir():
        raise PosteriorFileError(f"{path}: no such folder {path.parent}; make it first or choose another path")
    temporary = path.with_name(f"{secrets.token_hex(8)}.part")
    temporary.touch(exist_ok=False)  # with the rights of any other file, whatever other threads do
    try:
        write(str(temporary))
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
