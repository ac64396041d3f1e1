"""The functions of a page, run in Node."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

NODE = shutil.which("node")
ASK = Path(__file__).parents[1] / "reports" / "page" / "ask.mjs"


def node(script: str, **given: Any) -> dict[str, Any]:
    """What the functions of a page's script give for questions about its data, or for calls."""
    if NODE is None:
        pytest.skip("needs node on the path, to run the page's functions")
    with TemporaryDirectory() as folder:
        module = Path(folder) / "answers.mjs"
        module.write_text(script, encoding="utf-8")
        said = json.dumps({"module": str(module), **given})
        done = subprocess.run([NODE, ASK], input=said, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
