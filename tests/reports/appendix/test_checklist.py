"""The reporting checklist: its numbers are those of the table of curves and of the memo's own tables."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers.synthetic import GROUP, SIZES, posterior, values

import forecaster
from forecaster.curves.learning_curves import Note
from forecaster.reports.appendix.checklist import NONE, NOT_TOLD
from forecaster.reports.memo import memo

CURVES = {"steep": values(level=-2.5, sd={"level": 0.05}), "flat": values(level=-1.9, sd={"level": 0.05}, seed=1)}


def with_table(fitted, *notes, **columns):
    """The same draws, of a table with more columns, or of which reading said more."""
    curves = forecaster.read_curves(fitted.curves.table.assign(**columns))
    return forecaster.Posterior(fitted.tree, replace(curves, notes=(*curves.notes, *notes)), fitted.cards)


def answers(made):
    """``{"Model size": "not told", ...}``"""
    return {name: value for part in made.page["appendix"]["checklist"] for name, value in part.rows}


@pytest.fixture(scope="module")
def fitted():
    return posterior(CURVES)


@pytest.fixture(scope="module")
def plain(fitted):
    return memo(fitted, sizes=[1e6], target=0.06, seed=3)


def test_it_has_the_parts_of_the_survey_at_the_end(plain):
    parts = [part.name for part in plain.page["appendix"]["checklist"]]
    assert parts == ["Law", "Runs and data", "Fit", "Validation", "Left out"]
    for text in (plain.markdown, plain.html):
        places = [text.index("Provenance"), text.rindex("(Mis)Fitting") if "(Mis)" in text else text.rindex("Fitting")]
        assert places == sorted(places)
    assert all(name and value for part in plain.page["appendix"]["checklist"] for name, value in part.rows)


def test_what_the_table_lacks_is_not_told(plain):
    found = answers(plain)
    for name in ("Model size", "Compute", "Passes over the data", "Hyper-parameters", "Error measured on"):
        assert found[name] == NOT_TOLD, name
    assert found["Rows left out in reading"] == NONE
    assert found["Curves without a forecast"] == NONE


def test_what_the_table_has_is_told(fitted):
    n = fitted.curves.table["n"]
    found = answers(memo(with_table(fitted, params=n / 10, epochs=3, n_test=400), sizes=[1e6], target=0.06))
    assert found["Model size"].startswith(f"{min(SIZES) / 10:g} to {max(SIZES) / 10:,.0f}")
    assert found["Hyper-parameters"] == "best models at each size"
    assert found["Passes over the data"].split()[0] == "3"
    assert found["Error measured on"].split()[0] == "400"
    assert found["Compute"] == NOT_TOLD


def test_counts_are_those_of_the_tables(fitted, plain):
    found, table = answers(plain), fitted.curves.table
    assert found["Measurements"].split(",")[0] == str(len(table))
    assert found["Sizes"].split(",")[0] == str(table["n"].nunique())
    verdicts = plain.tables["verdicts"]["verdict"].value_counts()
    for verdict in ("PASS", "REVIEW", "FAIL"):
        assert f"{verdicts.get(verdict, 0)} {verdict}" in found["Checks"]
    fit = plain.tables["fit"]
    assert found["Left-out sizes"].startswith(f"{(fit['inside'] * fit['points']).sum():.0f} of {fit['points'].sum()} ")
    moved = plain.tables["card"]["moved"].abs().max()
    assert f"{moved:.2f}" in found["Other priors"]
    assert f"fit {fitted.manifest['seed']}, memo 3" in found["Seeds"]


def test_what_was_left_out_is_told(fitted):
    note = Note("n-min", "table: 3 rows of sizes below 10 were left out (--n-min)")
    one = fitted.curves.select(architecture="flat")
    rising = one.table.assign(architecture="rising", error=np.repeat([0.3, 0.28, 0.4, 0.6, 0.95], 2))
    aside = one.with_rows(rising)
    whole = replace(with_table(fitted, note, Note("numbers", "table: read so")), set_aside=aside)
    found = answers(memo(whole, "/".join(GROUP), sizes=[1e6], target=0.06))
    assert found["Rows left out in reading"] == "3 rows of sizes below 10 were left out (--n-min)"
    assert found["Curves without a forecast"].startswith("rising: ")
