"""The wheel, installed alone: it holds the cards, the examples and the memo's templates, and starts."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import forecaster

ROOT = Path(__file__).parents[1]
LISTS = r"^(\w+):\n((?:  .+\n)+)"  # of a flat YAML file
MODULES = {"arviz": "arviz_stats"}  # where a package's module has another name
INDIRECT = {  # asked for by name: JAX exports programs by flatbuffers, xarray writes by these two, pandas Parquet
    *("flatbuffers", "h5netcdf", "h5py", "pyarrow"),
}


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder into which the built wheel is installed, without its dependencies."""
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("needs uv on the path, to build the wheel")
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([uv, "build", "--wheel", "--quiet", "--out-dir", folder, ROOT], check=True)
    (wheel,) = folder.glob("forecaster-*.whl")
    target = folder / "installed"
    subprocess.run([uv, "pip", "install", "--quiet", "--no-deps", "--target", target, wheel], check=True)
    return target


def run(installed, tmp_path, *command):
    """Python with the wheel before everything else, away from the checkout."""
    environment = os.environ | {"PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, *command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_is_what_runs(installed, tmp_path):
    found = run(installed, tmp_path, "-c", "import forecaster; print(forecaster.__file__)")
    assert Path(found.strip()).is_relative_to(installed)


def test_the_wheel_holds_every_card(installed, tmp_path):
    listed = json.loads(run(installed, tmp_path, "-m", "forecaster", "domains", "--json"))
    names = {row["name"] for row in listed["table"]}
    assert names == {path.stem for path in (ROOT / "models").glob("*.toml")}
    assert (installed / "forecaster" / "cards" / "references.bib").is_file()


def test_the_wheel_holds_the_examples_and_templates(installed):
    shipped = {path.name for path in (installed / "forecaster" / "examples").iterdir()}
    assert {"digits.csv", "characters.csv"} <= shipped
    templates = {path.name for path in (ROOT / "forecaster" / "reports" / "templates").iterdir()}
    assert {"memo.md.j2", "memo.html.j2"} <= templates
    assert templates <= {path.name for path in (installed / "forecaster" / "reports" / "templates").iterdir()}


def test_the_wheel_holds_the_page_and_the_licence_of_its_chart(installed):
    assets = Path("forecaster", "reports", "page", "assets")
    ours = {path.relative_to(ROOT) for path in (ROOT / assets).rglob("*") if path.is_file()}
    assert {assets / "curves" / "answers.mjs", assets / "surface" / "answers.mjs", assets / "uplot" / "LICENSE"} <= ours
    assert all((installed / path).is_file() for path in ours)


def test_the_wheel_holds_nothing_else(installed):
    tops = {path.name for path in installed.iterdir()} - {"bin", ".lock"}
    assert {name for name in tops if not name.endswith(".dist-info")} == {"forecaster"}


def test_help_starts(installed, tmp_path):
    script = installed / "bin" / "forecaster"
    assert script.is_file()
    assert "Usage" in run(installed, tmp_path, str(script), "--help")


def test_the_wheel_holds_the_skill_file(installed):
    path = Path("forecaster") / "skill" / "SKILL.md"
    assert (installed / path).read_bytes() == (ROOT / path).read_bytes()


def test_the_citation_is_that_of_the_package():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    told = dict(re.findall(r"^(\S+): *(\S.*)$", text, re.M))
    assert told["version"] == forecaster.__version__
    assert told["title"].strip('"').startswith(f"{project['name']}: ")
    listed = {key: re.findall(r"^  - (?:name: )?(.+)$", body, re.M) for key, body in re.findall(LISTS, text, re.M)}
    assert " AND ".join(listed["license"]) == project["license"]
    assert listed["authors"] == [author["name"] for author in project["authors"]]
    assert listed["keywords"] == project["keywords"]


def test_what_a_user_must_install_is_used():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "forecaster").rglob("*.py"))
    used = set(re.findall(r"^\s*(?:import|from) (\w+)", code, flags=re.M))
    names = {re.split(r"[<>= \[]", text)[0] for text in declared} - INDIRECT
    assert {name for name in names if MODULES.get(name, name.replace("-", "_")) not in used} == set()
