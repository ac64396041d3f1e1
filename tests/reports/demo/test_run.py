"""The demo: a memo for each shipped example, whose questions can be asked of what ships."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from forecaster.decisions.two_axes.deciding import surface_decision
from forecaster.reports import examples
from forecaster.reports.demo import run
from forecaster.surfaces.posterior.fitting import fit_surface


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    return run.run(tmp_path_factory.mktemp("demo"), "grid")


def files(made) -> dict[str, Path]:
    return {Path(file).name: Path(file) for file in made.table["file"]}


def test_the_grid_is_decided_with_money_hours_and_a_date(grid):
    surface = fit_surface(examples.example_curves("grid", two_axes=True))
    costs = examples.example_costs(examples.GRID.costs)
    found = surface_decision(
        surface, costs, target=examples.GRID.target, penalty=examples.GRID.penalty, start=examples.START
    )
    written = pd.read_csv(files(grid)["options.csv"])
    (best,) = written[written["best"]].to_dict("records")
    for name in ("params", "n", "buy", "cost", "gpu_hours", "p_target"):
        assert best[name] == pytest.approx(found.best[name])
    assert best["date"] == found.best["date"]
    assert best["cost"] > 0
    assert best["gpu_hours"] > 0
    assert best["date"] > examples.START.isoformat()


def test_the_grids_memo_stands_beside_its_tables(grid):
    named = files(grid)
    assert {"grid.md", "grid.html", "grid-options.png", "optimum.csv"} <= set(named)
    assert examples.GRID.title in named["grid.html"].read_text(encoding="utf-8")
    assert all(path.is_file() for path in named.values())


def test_all_examples_are_written_or_the_one_that_was_named(monkeypatch, tmp_path):
    made = pd.DataFrame({"domain": ["d"], "task": ["t"], "file": ["f"]})
    said = examples.Written(made, "Written.", ())
    monkeypatch.setattr(run, "_on_grid", lambda example, *_: iter([said]))
    monkeypatch.setattr(run, "_on_curves", lambda example, *_: iter([said, said]))
    assert [len(run.run(tmp_path, only).table) for only in (None, "grid", "digits")] == [5, 1, 2]
