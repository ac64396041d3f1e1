"""Compiled programs are kept between processes, unless that is not wanted; damaged ones are made again."""

from __future__ import annotations

import ast
import errno
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from jax.experimental import serialize_executable

from forecaster._support import atomic_files, code_hash
from forecaster.errors import UnwritableError
from forecaster.inference import cache
from forecaster.inference.engines.ensemble import compilation, sampler

PROGRAM = """
import numpy as np
from platformdirs import user_cache_path
from forecaster.domains.loading import load_card
from forecaster import fit
from forecaster.model.simulate import simulate
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
    assert sampler.cache_folder() is None
    with sampler._configured(cache=True):
        assert compilation._folder is None


@pytest.fixture
def folder(tmp_path):
    """Where programs are kept, for one test."""
    before = compilation._folder
    compilation.keep_in(tmp_path / "compiled")
    yield tmp_path / "compiled"
    compilation.keep_in(before)


class Traced:
    """A function that counts how often JAX traces it."""

    def __init__(self):
        self.times = 0

    def compiled(self):
        """As a process of its own would have it: nothing in memory."""

        def pair(a, b):
            self.times += 1
            return a @ b, {"sum": a.sum()}

        pair.__module__ = "forecaster.model.law"  # its code, by whose change a program becomes another
        return compilation.compiled(pair)


A = np.arange(6.0, dtype=np.float32).reshape(2, 3)


def test_kept_programs_are_not_compiled_again(folder):
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


DAMAGES = {
    "cut short": lambda whole: whole[: len(whole) // 2],
    "one byte": lambda whole: whole[:-1] + bytes([whole[-1] ^ 1]),
    "empty": lambda _: b"",
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.filterwarnings("error")
def test_damaged_files_are_compiled_anew_once_and_in_silence(folder, damage):
    """As a full disk leaves them: the first process after it puts them right."""
    traced = Traced()
    traced.compiled()(A, A.T)
    (path,) = folder.iterdir()
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    for _ in range(2):
        np.testing.assert_array_equal(traced.compiled()(A, A.T)[0], A @ A.T)
        assert traced.times == 2
    assert compilation._load(path) is not None


@pytest.mark.filterwarnings("error")
def test_programs_that_do_not_load_are_compiled_anew(folder, monkeypatch):
    """Whole, but of no use to this JAX."""

    def refused(*_: object) -> None:
        raise ValueError("of another machine")

    traced = Traced()
    traced.compiled()(A, A.T)
    with monkeypatch.context() as patched:
        patched.setattr(serialize_executable, "deserialize_and_load", refused)
        np.testing.assert_array_equal(traced.compiled()(A, A.T)[0], A @ A.T)
    assert traced.times == 2
    traced.compiled()(A, A.T)
    assert traced.times == 2


def test_a_folder_that_cannot_be_written_is_left(tmp_path, folder):
    folder.write_text("a file where the folder would be")
    traced = Traced()
    np.testing.assert_array_equal(traced.compiled()(A, A.T)[0], A @ A.T)
    assert traced.times == 1


def test_without_a_cache_nothing_is_kept(folder):
    compilation.keep_in(None)
    traced = Traced()
    np.testing.assert_array_equal(traced.compiled()(A, A.T)[0], A @ A.T)
    assert traced.times == 1
    assert not folder.exists()


def test_the_hash_of_code_follows_files_of_any_depth(tmp_path, monkeypatch):
    """Files elsewhere do not count; a part that is missing is told."""
    (tmp_path / "engines" / "deep").mkdir(parents=True)
    for name in ("law.py", "other.py", "engines/one.py", "engines/deep/two.py"):
        (tmp_path / name).write_text("x = 1\n")
    monkeypatch.setattr(code_hash, "PACKAGE", tmp_path)
    parts = ("law.py", "engines")
    seen = {code_hash.of_code(parts)}
    for name in ("law.py", "engines/deep/two.py", "engines/one.py"):
        (tmp_path / name).write_text("y = 2\n")
        seen.add(code_hash.of_code(parts))
    assert len(seen) == 4
    (tmp_path / "other.py").write_text("x = 2\n")
    assert code_hash.of_code(parts) in seen
    with pytest.raises(FileNotFoundError, match="gone"):
        code_hash.of_code(("law.py", "gone"))


@pytest.mark.parametrize(("code", "start"), [(cache.CODE, "inference.fit"), (compilation.CODE, "inference.engines")])
def test_the_hash_sees_all_that_makes_draws(code, start):
    """Every module that the engine, or a fit, imports from the package lies in a part that is hashed."""
    hashed = {path for part in code for path in code_hash.files_of(part)}
    waiting = [path for path in code_hash.PACKAGE.rglob("*.py") if start in ".".join(path.with_suffix("").parts)]
    seen = set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("forecaster."):
                names = [f"{node.module}.{alias.name}" for alias in node.names] + [str(node.module)]
                files = [code_hash.PACKAGE.joinpath(*name.split(".")[1:]).with_suffix(".py") for name in names]
                waiting += [file for file in files if file.is_file()]
    # Messages, files and wording make no draws.
    draws = {p for p in seen if p.relative_to(code_hash.PACKAGE).parts[0] not in ("errors.py", "_support", "results")}
    assert draws
    assert draws <= hashed


def test_a_full_disk_keeps_nothing_and_stops_nothing(tmp_path, monkeypatch):
    """What cannot be written is named by the path that was asked for; the cache of programs does without it."""

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "touch", full)
    with pytest.raises(UnwritableError, match=r"kept: disk full \(No space left on device\)"):
        atomic_files.write_whole(tmp_path / "kept", print)
    compilation._keep(tmp_path / "kept", b"program")
    assert not list(tmp_path.iterdir())
