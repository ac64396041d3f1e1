"""What is kept between processes stays within bounds, and half-written programs go."""

from __future__ import annotations

import json
import os
import warnings
import zlib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from forecaster._support import kept_files
from forecaster.cli.main import app


def keep(path: Path, size: int, age: float = 0.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.urandom(size))
    os.utime(path, (path.stat().st_mtime - age,) * 2)
    return path


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setattr(kept_files, "cache_root", lambda: tmp_path)
    return tmp_path


def test_the_least_recently_used_goes_first(root):
    old, new = keep(root / "fits" / "old.nc", 100, age=50), keep(root / "fits" / "new.nc", 100)
    lowered = keep(root / "compiled" / "a", 100, age=20)
    kept_files.bound(root, 250)
    assert [p.exists() for p in (old, new, lowered)] == [False, True, True]
    kept_files.bound(root, 0)
    assert not new.exists()
    assert not lowered.exists()


def test_the_verb_tells_bounds_and_clears(root):
    run = lambda *options: json.loads(CliRunner().invoke(app, ["cache", *options, "--json"]).stdout)["table"]  # noqa: E731
    assert [row["files"] for row in run()] == [0, 0]
    keep(root / "fits" / "one.nc", 1000, age=50)
    keep(root / "compiled" / "a", 2000)
    fits, programs = run()
    assert (fits["holds"], fits["files"], fits["bytes"], fits["folder"]) == ("fits", 1, 1000, str(root / "fits"))
    assert (programs["files"], programs["bytes"]) == (1, 2000)
    assert [row["bytes"] for row in run("--keep", "2k")] == [0, 2000]
    other = keep(root / "their.txt", 10)
    assert [row["files"] for row in run("--clear")] == [0, 0]
    assert [row["files"] for row in run("--clear")] == [0, 0]
    assert other.exists()


def test_cut_off_programs_go_after_a_warning_and_whole_ones_stay(root, recwarn):
    whole, cut, other = (root / "compiled" / f"{name}-cache" for name in ("whole", "cut", "other"))
    content = zlib.compress(os.urandom(100_000))
    whole.parent.mkdir()
    whole.write_bytes(content)
    cut.write_bytes(content[:50_000])
    other.write_bytes(b"(\xb5/\xfd of another format")
    for path in (whole, cut, other):
        os.utime(path, (1e9, 1e9))
    with kept_files.mended(root):
        pass
    assert cut.exists(), "nobody has met it"
    with kept_files.mended(root):
        warnings.warn("Error reading persistent compilation cache entry for 'jit_f': zlib.error", stacklevel=1)
        warnings.warn("something else", stacklevel=1)
    assert [p.exists() for p in (whole, cut, other)] == [True, False, True]
    assert [str(w.message) for w in recwarn] == ["something else"]


def test_what_a_full_disk_cut_off_goes_at_once(root):
    folder = root / "compiled"
    folder.mkdir()
    with kept_files.mended(root):
        (folder / "new-cache").write_bytes(zlib.compress(os.urandom(1000))[:100])
        (folder / "empty-cache").touch()
    assert list(folder.iterdir()) == []


def test_jax_compiles_anew_what_was_cut_off(root, capfd):
    """In a process of its own, as compiled programs live as long as a process."""
    import subprocess
    import sys

    code = f"""
import jax
from pathlib import Path
from forecaster._support import kept_files
root = Path({str(root)!r})
jax.config.update("jax_compilation_cache_dir", str(root / "compiled"))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
with kept_files.mended(root):
    jax.jit(lambda x: (x * 2.0).sum())(jax.numpy.ones(3)).block_until_ready()
"""

    def compiled() -> dict[str, int]:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert "persistent" not in done.stderr
        return {p.name: p.stat().st_size for p in (root / "compiled").glob("jit__lambda*-cache")}

    first = compiled()
    (name,) = first
    path = root / "compiled" / name
    path.write_bytes(path.read_bytes()[:100])
    assert compiled() == {}, "met, and removed"
    assert compiled() == first
