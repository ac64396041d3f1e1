"""Files whole or not at all: on a full disk, beside what others left, in folders that are new."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from helpers.synthetic import posterior, values

from forecaster._support import atomic_files
from forecaster._support.atomic_files import write_whole, written_together
from forecaster.errors import PosteriorFileError, UnwritableError

SD = {"level": 0.05}


@pytest.fixture
def full_disk(tmp_path):
    """A file system of 200 kB, which only root may make."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(folder)]
    made = subprocess.run(mount, capture_output=True, check=False)
    if made.returncode:
        pytest.skip("needs the right to mount a small file system")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.fixture(scope="module")
def held():
    return posterior({name: values(1000, sd=SD, seed=i) for i, name in enumerate(("cnn", "mlp"))})


def together(folder, **texts):
    with written_together(folder) as aside:
        for name, text in texts.items():
            (aside / name).write_text(text)


def limited(code: str, *arguments: object) -> subprocess.CompletedProcess:
    """The code in a process whose files may not grow beyond 100 kB, as an overfull quota refuses them."""
    resource = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
    command = [sys.executable, "-B", "-c", resource + textwrap.dedent(code), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_posterior_on_a_full_disk_is_refused_by_name(full_disk, held):
    with pytest.raises(UnwritableError, match=r"x\.nc: disk full \(No space left on device\); free some space"):
        held.save(full_disk / "x.nc")
    assert list(full_disk.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit")
@pytest.mark.parametrize("what", ["--save-draws", "-o"])
def test_the_command_line_ends_with_1_where_a_file_cannot_grow(what, held, tmp_path):
    """HDF5 would end the process by a segmentation fault."""
    path = held.save(tmp_path / "held.nc")
    sizes = ",".join(f"{n}e6" for n in range(1, 21))
    verb = ["forecast", path, "--at", sizes] if what == "--save-draws" else ["fit", path]
    target = tmp_path / "new.nc"
    done = limited("import sys; from forecaster.cli.main import main; main()", *verb, what, target)
    assert done.returncode == 1, done.stderr
    assert f"Error: {target}: cannot be written (File too large)" in done.stderr
    assert "Traceback" not in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["held.nc"]


def test_of_a_set_of_files_a_full_disk_keeps_none(full_disk):
    (full_disk / "old.txt").write_text("old")
    for folder in (full_disk, full_disk / "new" / "folder"):
        with pytest.raises(UnwritableError, match=r"small.*: disk full"):
            together(folder, **{"old.txt": "new", "large": "0" * 300_000})
        assert [(p.name, p.read_text()) for p in full_disk.iterdir()] == [("old.txt", "old")]


def test_a_memo_on_a_full_disk_leaves_nothing(full_disk, held):
    from typer.testing import CliRunner

    from forecaster.cli.main import app

    path = held.save(full_disk.parent / "held.nc")
    done = CliRunner().invoke(app, ["memo", str(path), "-o", str(full_disk / "memo")])
    assert done.exit_code == 1
    assert f"Error: {full_disk / 'memo'}: disk full" in done.stderr
    assert list(full_disk.iterdir()) == []


def test_a_set_of_files_replaces_those_of_its_names_and_no_others(tmp_path):
    (tmp_path / "a").write_text("old")
    (tmp_path / "b").write_text("old")
    with written_together(tmp_path) as aside:
        (aside / "a").write_text("new")
        assert (tmp_path / "a").read_text() == "old"
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"a": "new", "b": "old"}


@pytest.mark.parametrize("there", [(), ("one",), ("one", "two")])
def test_new_folders_appear_with_all_that_is_in_them(there, tmp_path):
    tmp_path.joinpath(*there).mkdir(exist_ok=True, parents=True)
    folder = tmp_path / "one" / "two"
    with written_together(folder) as aside:
        (aside / "a").write_text("new")
        assert (tmp_path / "one").exists() == ("one" in there)
        assert not (folder / "a").exists()
    assert [p.name for p in folder.iterdir()] == ["a"]
    assert list(tmp_path.rglob("*.part")) == []


def test_an_error_in_a_set_leaves_nothing_of_it(tmp_path):
    with pytest.raises(TypeError):
        together(tmp_path / "one" / "two", a="new", b=None)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_way_is_named(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(UnwritableError, match="a: found a folder where a file is to be written"):
        together(tmp_path, a="new")
    (tmp_path / "file").write_text("")
    with pytest.raises(UnwritableError, match="new: cannot be written"):
        together(tmp_path / "file" / "new", a="new")
    with pytest.raises(PosteriorFileError, match="no such folder"):
        write_whole(tmp_path / "none" / "a", print)


def part(folder: Path, process: int, age: float = 0.0, where: str | None = None) -> Path:
    path = folder / f"{where or atomic_files._here()}-{process}-{'0' * 16}.part"
    path.write_text("half")
    os.utime(path, (path.stat().st_atime - age, path.stat().st_mtime - age))
    return path


def gone() -> int:
    """The number of a process that has ended."""
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def test_only_what_nobody_is_writing_is_swept(tmp_path):
    day = atomic_files.DAY
    left = [part(tmp_path, gone()), part(tmp_path, 1, 2 * day), part(tmp_path, gone() + 1, 2 * day, "0" * 8)]
    kept = [part(tmp_path, os.getpid()), part(tmp_path, 1, where="1" * 8), tmp_path / "their.part"]
    kept[-1].write_text("another program's")
    os.utime(kept[-1], (0, 0))
    folder = tmp_path / f"{atomic_files._here()}-{gone()}-{'1' * 16}.part"
    folder.mkdir()
    (folder / "memo.md").write_text("half")
    write_whole(tmp_path / "new", lambda name: Path(name).write_text("whole"))
    assert [p for p in (*left, folder) if p.exists()] == []
    assert [p for p in kept if not p.exists()] == []


def test_a_quota_is_a_full_disk(tmp_path):
    def refuse(_: str) -> None:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    with pytest.raises(UnwritableError, match=r"new: disk full \(Disk quota exceeded\)"):
        write_whole(tmp_path / "new", refuse)
    assert list(tmp_path.iterdir()) == []
