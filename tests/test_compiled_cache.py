"""Compiled programs are kept between processes, unless that is not wanted."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import numpy as np
from platformdirs import user_cache_path
from forecaster.card_files import load_card
from forecaster.inference import fit
from forecaster.simulate import simulate
curves = simulate(load_card("generic"), np.geomspace(1e3, 1e5, 5), architectures=1, seed=0).curves
fit(curves, card="generic", draws=100, cache=CACHE, fallback=False)
folder = user_cache_path("forecaster") / "compiled"
print(sum(1 for _ in folder.rglob("*")) if folder.exists() else 0)
"""


@pytest.mark.parametrize("cache", [True, False])
def test_programs_are_kept_only_if_asked_for(cache, tmp_path, monkeypatch):
    for name in ("XDG_CACHE_HOME", "HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    code = PROGRAM.replace("CACHE", str(cache))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (int(done.stdout) > 0) == cache
