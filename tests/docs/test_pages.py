"""The documents: tutorials run as printed, pages of results are those of their numbers, the site builds offline."""

from __future__ import annotations

import doctest
import importlib.util
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.documents import transcripts

import forecaster

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
RESULTS = ROOT / "benchmarks" / "results"
FUNCTIONS = [name for name in forecaster.__all__ if name[0].islower()]
PAGES = sorted(path for path in DOCS.rglob("*.md") if "_build" not in path.parts)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(DOCS)))
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(DOCS)))
def test_every_page_is_in_the_menu(page):
    name = page.relative_to(DOCS).with_suffix("").as_posix()
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    menu = [line for block in re.findall(r"```\{toctree\}\n(.*?)```", index, re.S) for line in block.splitlines()]
    assert name == "index" or name in menu


def test_architecture_is_short_and_names_every_folder():
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 120
    folders = {path.name for path in (ROOT / "forecaster").iterdir() if (path / "__init__.py").is_file()}
    assert {name for name in folders if f"{name}/" not in text} == set()


def test_the_reference_holds_every_public_name():
    text = (DOCS / "api.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\.\. auto\w+:: (\w+)", text, re.M))
    assert named == set(forecaster.__all__)


def test_exit_codes_stand_in_the_documents_as_in_the_help():
    from typer.testing import CliRunner

    from forecaster.cli.main import app

    said = "0 done, 1 an input cannot be used, 2 wrong usage, 3 a check said FAIL"
    shown = CliRunner().invoke(app, ["--help"]).stdout
    assert said in (DOCS / "how-to" / "command-line.md").read_text(encoding="utf-8")
    assert said in " ".join(re.sub(r"[│╭╮╰╯─]", " ", shown).split())


def test_every_command_is_in_the_documents():
    from forecaster.cli.main import app

    text = (DOCS / "how-to" / "command-line.md").read_text(encoding="utf-8")
    names = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    assert names
    assert {name for name in names if f"`forecaster {name}" not in text} == set()


def recording():
    """``benchmarks/recording.py``."""
    spec = importlib.util.spec_from_file_location("recording", ROOT / "benchmarks" / "recording.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pages_of_results_are_those_of_their_numbers():
    writer = recording()
    pages = writer.load(RESULTS)
    assert {path.stem for path in RESULTS.glob("*.md")} == set(pages)
    for name, page in pages.items():
        assert (RESULTS / f"{name}.md").read_text(encoding="utf-8") == writer.page_of(name, page), name


def test_every_table_of_results_says_when_and_how():
    for page in recording().load(RESULTS).values():
        for title, table in page["tables"].items():
            assert re.fullmatch(r"\d{4}-\d\d-\d\d", table["measured"]), title
            assert re.match(r"[0-9a-f]{7}", table["commit"]), title
            assert table["command"].startswith("uv run "), title
            assert table["rows"], title


def test_a_recorded_table_takes_the_place_of_the_one_before(tmp_path, monkeypatch):
    writer = recording()
    monkeypatch.setattr(
        sys, "argv", ["speed.py", "--data", "/somewhere/curves", "--output", str(tmp_path / "speed.md")]
    )
    writer.record(
        tmp_path / "speed.md", "Seconds", [{"data": "a", "held": 0.5, "s": 1.5, "none": None}], shares=["held"]
    )
    writer.record(tmp_path / "speed.md", "Seconds", [{"data": "b", "held": 0.25, "s": float("nan")}], shares=["held"])
    (table,) = json.loads((tmp_path / "results.json").read_text())["speed"]["tables"].values()
    assert table["rows"] == [{"data": "b", "held": 0.25, "s": None}]
    assert table["command"] == "uv run python benchmarks/speed.py --data curves"
    text = (tmp_path / "speed.md").read_text()
    assert "| b | 25 % | - |" in text
    assert "| a |" not in text


def test_the_changelog_has_this_version():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[?{re.escape(forecaster.__version__)}\b", text, re.M)


@pytest.mark.parametrize("name", [n for n in forecaster.__all__ if callable(getattr(forecaster, n)) and n[0].islower()])
def test_public_functions_say_what_they_take_and_give(name):
    function = getattr(forecaster, name)
    text = function.__doc__ or ""
    sections = set(re.findall(r"^ *(\w+)\n *-{3,}$", text, re.M))
    assert {"Returns", "Examples"} <= sections
    parameters = inspect.signature(function).parameters
    assert "Parameters" in sections or not parameters
    for parameter in parameters:
        assert re.search(rf"^ *(\w+, )*{parameter}(, \w+)* : ", text, re.M), parameter


@pytest.mark.parametrize("name", FUNCTIONS)
def test_examples_in_docstrings_run(name, digits_posterior):
    """Those that sample anew are skipped there: the README and the tutorials run the same calls."""
    function = getattr(forecaster, name)
    (found,) = doctest.DocTestFinder(recurse=False).find(function, name, globs={"posterior": digits_posterior})
    said: list[str] = []
    with transcripts.desk():
        failed, tried = doctest.DocTestRunner().run(found, out=said.append)
    assert tried > 0
    assert failed == 0, "".join(said)


def test_the_site_builds_without_a_warning_and_asks_nothing_of_the_network(tmp_path):
    if importlib.util.find_spec("sphinx") is None:
        pytest.skip("the group `docs` is not installed; .ci/run builds the site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", str(DOCS), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = re.compile(r"<(?:script|img|iframe)[^>]*\ssrc=\"(?:https?:)?//|<link[^>]*\shref=\"(?:https?:)?//")
    for path in tmp_path.rglob("*.html"):
        assert not loaded.search(path.read_text(encoding="utf-8")), path.name
    for path in (tmp_path / "_static").rglob("*.css"):
        assert not re.search(r"url\(\s*[\"']?(?:https?:)?//|@import\s+[\"'](?:https?:)?//", path.read_text()), path.name
    assert "<math" in (tmp_path / "model.html").read_text(encoding="utf-8")
