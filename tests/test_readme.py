"""The README says what happens: its commands run, their words are those printed, its Python runs.

``uv run python tests/test_readme.py`` writes the output of every command anew; ``forecaster demo`` draws its figure.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from forecaster.cli.main import app

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.S | re.M)
SHIFTING = {"never", "small", "power", "law", "floor", "data"}  # words that a digit of difference may change


def blocks(language):
    return [m[2] for m in BLOCK.finditer(README.read_text(encoding="utf-8")) if m[1] == language]


def commands(block):
    """``(command, output)`` of a console block, in order."""
    found = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return [(command, "\n".join(output)) for command, output in found]


def run(command):
    """The exit code, stdout and stderr of a command, without its ``uv run``."""
    program, *arguments = shlex.split(command.removeprefix("uv run "))
    assert program == "forecaster"
    return CliRunner().invoke(app, arguments, prog_name=program)


def words(text):
    return set(re.findall(r"[A-Za-z_]{3,}", text)) - SHIFTING


@pytest.fixture(scope="module", autouse=True)
def desk(tmp_path_factory):
    """A folder with the examples in it, where the README's commands run."""
    folder, before = tmp_path_factory.mktemp("readme"), Path.cwd()
    for path in (ROOT / "forecaster" / "examples").glob("*.csv"):
        shutil.copy(path, folder)
    os.chdir(folder)
    yield folder
    os.chdir(before)


def test_commands_print_what_the_readme_shows():
    told = [pair for block in blocks("console") for pair in commands(block)]
    assert told[0][1].strip(), "the README opens with a real transcript"
    for command, output in told:
        done = run(command)
        assert done.exit_code in (0, 3), (command, done.stderr)
        assert words(output) <= words(done.stdout + done.stderr), command


def test_python_runs():
    names: dict = {}
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), names)
    assert names["worst"] in ("PASS", "REVIEW", "FAIL")


def test_links_lead_somewhere():
    targets = re.findall(r"\]\(([^)#:]+)\)", README.read_text(encoding="utf-8"))
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_exit_codes_stand_in_the_readme_as_in_the_help():
    said = "0 done, 1 an input cannot be used, 2 wrong usage, 3 a check said FAIL"
    assert said in README.read_text(encoding="utf-8")
    assert said in " ".join(re.sub(r"[│╭╮╰╯─]", " ", run("forecaster --help").stdout).split())


def rewritten(match):
    """A console block with the outputs that its commands have now."""
    if match[1] != "console":
        return match[0]
    lines = []
    for command, _ in commands(match[2]):
        done = run(command)
        assert done.exit_code == 0, (command, done.stderr)
        said = done.stdout if done.stdout.strip() else done.stderr
        lines += [f"$ {command}", *(line.rstrip() for line in said.splitlines())]
    return "\n".join(["```console", *lines, "```"])


def update():
    """Run every command of the README where its files are, and write down what it prints."""
    import tempfile

    os.environ["COLUMNS"] = "100"
    with tempfile.TemporaryDirectory() as folder:
        for path in (ROOT / "forecaster" / "examples").glob("*.csv"):
            shutil.copy(path, folder)
        os.chdir(folder)
        README.write_text(BLOCK.sub(rewritten, README.read_text(encoding="utf-8")), encoding="utf-8")
        os.chdir(ROOT)


if __name__ == "__main__":
    update()
