"""Programs are kept between processes, unless that is not wanted: compiled ones by JAX, lowered ones by us."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from forecaster._support import atomic_files, code_hash
from forecaster.errors import UnwritableError
from forecaster.inference.engines import fast, programs

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


def test_where_nothing_can_be_kept_nothing_is(tmp_path, monkeypatch):
    """A home that cannot be written, as in many containers: JAX would warn of each program."""
    (tmp_path / "file").write_text("")
    for name in ("XDG_CACHE_HOME", "HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "file"))
    assert fast.cache_folder() is None
    before = jax.config.jax_compilation_cache_dir
    try:
        with fast._settled(cache=True):
            assert jax.config.jax_compilation_cache_dir is None
    finally:
        jax.config.update("jax_compilation_cache_dir", before)


@pytest.fixture
def folder(tmp_path):
    """Where JAX keeps what it compiles, for one test."""
    before = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    yield tmp_path / "lowered"
    jax.config.update("jax_compilation_cache_dir", before)


class Traced:
    """A function that counts how often JAX traces it."""

    def __init__(self):
        self.times = 0

    def compiled(self):
        """As a process of its own would have it: nothing in memory."""

        def pair(a, b):
            self.times += 1
            return a @ b, {"sum": a.sum()}

        return programs.compiled(pair, (0, {"sum": 0}))


A = np.arange(6.0, dtype=np.float32).reshape(2, 3)


def test_lowered_programs_are_not_traced_again(folder):
    traced = Traced()
    for _ in range(3):
        product, rest = traced.compiled()(A, A.T)
        np.testing.assert_array_equal(product, A @ A.T)
        assert rest["sum"] == A.sum()
    assert traced.times == len(list(folder.iterdir())) == 1


@pytest.mark.parametrize("other", [A[:, :2], A.astype(np.int32)], ids=["shape", "type"])
def test_other_arguments_are_other_programs(folder, other):
    traced = Traced()
    for a in (A, other):
        np.testing.assert_array_equal(traced.compiled()(a, a.T)[0], a @ a.T)
    assert traced.times == len(list(folder.iterdir())) == 2


def test_other_code_is_another_program(folder, monkeypatch):
    traced = Traced()
    traced.compiled()(A, A.T)
    monkeypatch.setattr(code_hash, "of_code", lambda _: "another")
    traced.compiled()(A, A.T)
    assert traced.times == len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("damage", [lambda whole: whole[:-1], lambda whole: whole[:-1] + b"?", lambda _: b""])
def test_damaged_files_are_lowered_anew(folder, damage):
    traced = Traced()
    traced.compiled()(A, A.T)
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    np.testing.assert_array_equal(traced.compiled()(A, A.T)[0], A @ A.T)
    assert traced.times == 2
    assert path.read_bytes() == whole


def test_a_folder_that_cannot_be_written_is_left(tmp_path, folder):
    folder.write_text("a file where the folder would be")
    traced = Traced()
    np.testing.assert_array_equal(traced.compiled()(A, A.T)[0], A @ A.T)
    assert traced.times == 1


def test_without_a_cache_nothing_is_kept(folder):
    jax.config.update("jax_compilation_cache_dir", None)
    traced = Traced()
    np.testing.assert_array_equal(traced.compiled()(A, A.T)[0], A @ A.T)
    assert traced.times == 1
    assert not folder.exists()


def test_fingerprints_follow_the_code(tmp_path, monkeypatch):
    """A line more, a file more: another one; and a folder counts with all its modules."""
    monkeypatch.setattr(code_hash, "__file__", str(tmp_path / "fingerprint.py"))
    (tmp_path / "engines").mkdir()
    for name in ("laws.py", "engines/one.py"):
        (tmp_path / name).write_text("x = 1\n")
    seen = {code_hash.of_code(("laws", "engines"))}
    (tmp_path / "laws.py").write_text("x = 2\n")
    seen.add(code_hash.of_code(("laws", "engines")))
    (tmp_path / "engines" / "two.py").write_text("x = 1\n")
    seen.add(code_hash.of_code(("laws", "engines")))
    (tmp_path / "other.py").write_text("x = 1\n")
    assert code_hash.of_code(("laws", "engines")) in seen
    assert len(seen) == 3


def test_a_full_disk_keeps_nothing_and_stops_nothing(tmp_path, monkeypatch):
    """What cannot be written is named by the path that was asked for; the cache of programs does without it."""

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "touch", full)
    with pytest.raises(UnwritableError, match=r"kept: cannot be written \(No space left on device\)"):
        atomic_files.write_whole(tmp_path / "kept", print)
    programs._keep(tmp_path / "kept", b"lowered")
    assert not list(tmp_path.iterdir())
