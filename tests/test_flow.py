"""Knowledge flows one way: a folder imports only from folders above it, and no two files import each other."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "forecaster"

FLOW = (
    *("errors", "_support", "results", "curves", "measuring", "domains", "model", "inference"),
    *("prediction", "links", "resources", "surfaces", "comparison", "evaluation", "checks", "floors"),
    *("registry", "monitoring", "decisions", "ladders", "estimators"),
    *("plots", "reports", "cli", "__main__"),
)

# A result asks for its figure when it is asked to be drawn; figures know results, and results only this name.
BY_NAME = {("results/result.py", "forecaster.plots.dispatch")}


def modules(package: Path) -> dict[str, Path]:
    """Files of the package by dotted name, ``__init__`` left out: those of folders hold a sentence each."""
    return {
        ".".join(("forecaster", *path.relative_to(package).with_suffix("").parts)): path
        for path in sorted(package.rglob("*.py"))
        if path.name != "__init__.py"
    }


def imports_of(path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    """Modules of the package that a file imports, wherever it does, for types alone too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield from (name for name in (inner if inner in known else node.module,) if name in known)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)


def upward(package: Path) -> list[tuple[str, str]]:
    """Imports of a folder below."""
    known = modules(package)
    pairs = [(name, other) for name, path in known.items() for other in imports_of(path, known)]
    return [(a, b) for a, b in pairs if FLOW.index(a.split(".")[1]) < FLOW.index(b.split(".")[1])]


def in_order(package: Path) -> list[str]:
    """Modules so that each stands below all that it imports; CycleError where there is no such order."""
    known = modules(package)
    return list(graphlib.TopologicalSorter({n: set(imports_of(p, known)) for n, p in known.items()}).static_order())


def test_every_folder_has_its_place():
    assert {name.split(".")[1] for name in modules(PACKAGE)} == set(FLOW)


def test_folders_import_only_from_above():
    assert upward(PACKAGE) == []


def test_files_import_in_one_direction():
    assert set(in_order(PACKAGE)) == set(modules(PACKAGE))


def test_modules_named_in_strings_are_the_known_ones():
    found = set()
    for path in modules(PACKAGE).values():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "import_module" and node.args:
                named = node.args[0]
                if isinstance(named, ast.Constant) and str(named.value).startswith("forecaster"):
                    found.add((path.relative_to(PACKAGE).as_posix(), named.value))
    assert found == BY_NAME


def test_no_folder_is_too_full_to_see():
    folders = {path.parent for path in modules(PACKAGE).values()}
    full = {f.name: n for f in folders if (n := len([p for p in f.glob("*.py") if p.name != "__init__.py"])) > 12}
    assert full == {}


@pytest.mark.parametrize(
    ("file", "text", "finds"),
    [
        ("curves/upward.py", "from forecaster.cli.main import app", "upward"),
        ("curves/typed.py", "if TYPE_CHECKING:\n    from forecaster.reports import memo", "upward"),
        ("curves/one.py", "from forecaster.curves.other import b", "circle"),
    ],
)
def test_a_wrong_way_import_is_seen(tmp_path, file, text, finds):
    for name in ("cli/main.py", "reports/memo.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "curves").mkdir()
    (tmp_path / "curves/other.py").write_text("from forecaster.curves.one import a")
    (tmp_path / file).write_text(text)
    if finds == "upward":
        assert upward(tmp_path)
    else:
        with pytest.raises(graphlib.CycleError):
            in_order(tmp_path)
