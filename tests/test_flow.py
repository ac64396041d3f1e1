"""Knowledge flows one way: a module imports only from those above it in FLOW."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "forecaster"

FLOW = (
    *("errors", "names", "files", "fingerprint", "processes", "results", "sizes", "rises", "strays"),
    *("curves", "columns", "reading"),
    *("laws", "drift", "domains", "card_files", "scatter", "design", "model", "simulate", "density", "engines"),
    *("curve_draws", "diagnostics", "posterior", "inference", "fitcache", "catalogue"),
    *("measurement", "forecast", "verdicts", "requirement", "overlap", "comparison", "units"),
    *("predictive", "sensitivity", "scoring", "baselines", "model_checks", "prior_checks", "checks"),
    *("fonts", "looks", "figures", "backtest_tables", "backtest_requirement", "backtest_figures", "backtest"),
    *("sentences", "advice", "appendix", "memo", "demo"),
    *("layout", "console", "request", "points", "cli"),
)

# Drawing is imported where a result is asked for its plot, not before: results stay light, and figures know results.
LATE = {("forecast", "figures"), ("requirement", "figures"), ("comparison", "figures")}


def imports_of(path: Path, late: bool) -> set[str]:
    """Modules of the package that a file imports: at its top level, or (``late``) inside functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    inside = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in typing_only or (id(node) in inside) != late:
            continue
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        parts = [name.split(".") for name in names]
        found |= {p[1] for p in parts if p[0] == "forecaster" and len(p) > 1 and p[1] in stems()}
    return found


def stems() -> set[str]:
    return {path.stem for path in PACKAGE.glob("[a-z]*.py")} | {"engines"}


def test_every_module_has_its_place():
    assert stems() <= set(FLOW), sorted(stems() - set(FLOW))


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("[a-z]*.py")), ids=lambda path: path.stem)
def test_modules_import_only_from_above(path):
    above = set(FLOW[: FLOW.index(path.stem)])
    assert imports_of(path, late=False) <= above
    below = {(path.stem, name) for name in imports_of(path, late=True) - above}
    assert below == {pair for pair in LATE if pair[0] == path.stem}


@pytest.mark.parametrize("path", sorted((PACKAGE / "engines").glob("*.py")), ids=lambda path: f"engines/{path.stem}")
def test_engines_import_only_from_above_and_each_other(path):
    above = {*FLOW[: FLOW.index("engines")], "engines"}
    assert imports_of(path, late=False) | imports_of(path, late=True) <= above


def test_a_wrong_way_import_is_seen(tmp_path):
    twin = tmp_path / "curves.py"
    twin.write_text("from forecaster.cli import app\nfrom forecaster import memo, laws\n")
    assert {"cli", "laws"} <= imports_of(twin, late=False)
