"""The memo on a surface: its numbers are those of the decision, its files whole, its answers those asked for."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from typer.testing import CliRunner

from forecaster.cli.main import app
from forecaster.decisions.two_axes.deciding import surface_decision
from forecaster.reports.two_axes.memo import surface_memo
from forecaster.surfaces.compute import Compute

COSTS = {"currency": "EUR", "per_item": 1e-9, "per_gpu_hour": 2.0, "flops_per_gpu_hour": 1e18, "gpus": 10}
OPTIONS = {"flops": [1e21, 1e22, 1e23], "target": 2.2, "penalty": 5e5, "start": date(2027, 1, 4)}


@pytest.fixture(scope="module")
def made(fitted_surface):
    return surface_memo(fitted_surface, costs=COSTS, command="forecaster memo runs.csv", **OPTIONS)


def ids(found):
    return [one.id for one in found.messages]


def test_its_options_are_those_of_the_decision(made, fitted_surface):
    found = surface_decision(fitted_surface, COSTS, **OPTIONS)
    assert made.table.drop(columns="shown").equals(found.table)
    first = next(one for one in made.messages if one.id == "train-larger")
    assert first.values["cost"] == found.best["cost"]
    for name, table in made.tables.items():
        made.columns[name].check(table)


def test_files_hold_answer_figures_and_tables(made, tmp_path):
    files = made.save(tmp_path, "m")
    names = {file.name for file in files}
    assert {"m.md", "m.html", "m-options.png", "m-isoflop.png", "options.csv", "optimum.csv", "needs.csv"} <= names
    page, text = ((tmp_path / f"m.{kind}").read_text(encoding="utf-8") for kind in ("html", "md"))
    assert page.count("data:image/svg+xml") == 3
    assert made.title in text
    assert "forecaster memo runs.csv" in page
    assert "{{" not in page + text


def test_the_checklist_counts_the_runs_of_the_surface(made, fitted_surface):
    told = {name: value for part in made.page["appendix"]["checklist"] for name, value in part.rows}
    design = fitted_surface.design
    assert told["Runs"] == f"{len(design.y):,}"
    assert told["Model sizes"].split(",")[0] == str(len(np.unique(design.x)))
    verdicts = made.tables["verdicts"]["verdict"]
    assert told["Checks"].startswith(f"{(verdicts == 'PASS').sum()} PASS")
    assert "### Checklist" in made.markdown


def test_with_a_target_alone_costs_are_compute(fitted_surface):
    found = surface_memo(fitted_surface, flops=[1e21, 1e22, 1e23], target=2.2)
    row = found.table[found.table["best"]].iloc[0]
    assert row["cost"] == pytest.approx(row["flops"])
    assert row["p_target"] >= 0.75


def test_without_a_question_it_is_about_ten_times_the_compute(fitted_surface):
    found = surface_memo(fitted_surface)
    row = found.table[found.table["best"]].iloc[0]
    assert row["flops"] == pytest.approx(10 * Compute.of(fitted_surface.design).largest, rel=0.01)
    assert "open" in ids(found)


def test_a_failed_check_recommends_nothing(fitted_surface):
    stuck = replace(fitted_surface, draws=replace(fitted_surface.draws, ess=10.0))
    found = surface_memo(stuck, costs=COSTS, **OPTIONS)
    assert ids(found)[0] == "stopped"
    assert "FAIL" in found.html
    assert not any(row["chosen"] for row in found.page["choices"]["rows"])


def test_the_command_writes_it(surface_file, tmp_path):
    done = CliRunner().invoke(
        app, ["memo", str(surface_file), "--flops", "1e22", "--target", "2.3", "-o", str(tmp_path), "--page"]
    )
    assert done.exit_code == 0, done.output
    assert {f"{surface_file.stem}{end}.html" for end in ("", "-page")} <= {file.name for file in tmp_path.iterdir()}
    assert np.isfinite((tmp_path / f"{surface_file.stem}.html").stat().st_size)


def test_its_page_opens_with_the_run_that_it_recommends(made):
    page = json.loads(
        re.findall(r'<script id="data" type="application/json">(.*?)</script>', made.interactive, re.S)[0]
    )
    best = made.table[made.table["best"]].iloc[0]
    assert page["question"]["params"] == pytest.approx(best["params"], rel=5e-3)
    assert page["question"]["n"] == pytest.approx(best["n"], rel=5e-3)
    assert page["question"]["worth"] == OPTIONS["penalty"]
    assert page["question"]["rate"] == COSTS["flops_per_gpu_hour"]


def test_where_nothing_is_worth_training_the_page_opens_all_the_same(fitted_surface):
    idle = surface_memo(fitted_surface, costs=COSTS, **(OPTIONS | {"penalty": 1.0}))
    assert ids(idle)[0] == "do-not-train"
    assert idle.opening.params > 0
    assert idle.title in idle.interactive


def test_the_html_links_to_the_page_that_is_written_beside_it(made, tmp_path):
    made.save(tmp_path, "m")
    assert "m-page.html" not in (tmp_path / "m.html").read_text(encoding="utf-8")
    made.save(tmp_path, "m", page=True)
    assert 'href="m-page.html"' in (tmp_path / "m.html").read_text(encoding="utf-8")
    assert (tmp_path / "m-page.html").is_file()
