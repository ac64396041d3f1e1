"""Numbers as people write them: decimal and thousands marks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from helpers.tables import codes, write
from hypothesis import given
from hypothesis import strategies as st

from forecaster.curves.reading.numbers import decided, kind_of, value_of
from forecaster.curves.reading.read import read_curves
from forecaster.errors import CurveColumnsError, CurveRowsError


def columns(n, error, separator=";"):
    """A table of one curve as text."""
    rows = [f'd{separator}a{separator}"{a}"{separator}"{b}"' for a, b in zip(n, error, strict=True)]
    return "\n".join([separator.join(["domain", "architecture", "n", "error"]), *rows])


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("1000", "plain"),
        ("1e6", "plain"),
        ("1.000", "either point"),
        ("1,000", "either comma"),
        ("0.520", "point"),
        ("1234.567", "point"),
        ("1.5", "point"),
        ("2.00e19", "point"),
        ("0,52", "comma"),
        (",5", "comma"),
        ("1,000,000", "point"),
        ("1,000.5", "point"),
        ("1.000.000", "comma"),
        ("1.000,5", "comma"),
        ("1,00,000", "point"),
        ("1 000,5", "comma"),
        ("1'000.500", "point"),
        ("1_000", "plain"),
        ("1_0", None),
        ("1.2.3", None),
        ("1,2,3", None),
        ("5 10", None),
    ],
)
def test_what_a_mark_may_be(text, kind):
    assert kind_of(text) == kind


@given(value=st.decimals(min_value=0, max_value=10**9, places=2))
def test_both_styles_say_the_same_number(value):
    us = f"{value:,.2f}"
    eu = us.translate(str.maketrans(",.", ".,"))
    assert value_of(us, "point") == value_of(eu, "comma") == float(value)
    assert decided([us]) == "point"
    assert decided([eu]) == "comma"
    assert value_of(f"{value:,.2f}".replace(",", " "), "point") == float(value)


@given(value=st.floats(1e-300, 1e300))
def test_what_python_writes_is_read_back(value):
    assert value_of(repr(value), "point") == value
    assert value_of(f"-{value!r}", "point") == -value


CASES = {  # sizes, errors, separator: the sizes and errors read
    "European": (["1.000", "2.000", "10.000"], ["0,52", "0,44", "0,31"], ";", [1000, 2000, 10000], 0.52),
    "European, commas between": (["1.000", "2.000", "10.000"], ["0,52", "0,4", "0,3"], ",", [1000, 2000, 10000], 0.52),
    "European, small ones plain": (["500", "1.000", "10.000"], ["0,52", "0,44", "0,31"], ";", [500, 1000, 10000], 0.52),
    "American": (["1,000", "2,000", "10,000"], ["0.52", "0.44", "0.31"], ",", [1000, 2000, 10000], 0.52),
    "American, semicolons": (["1,000", "2,000", "10,000"], ["0.52", "0.44", "0.3"], ";", [1000, 2000, 10000], 0.52),
    "Swiss": (["1'000", "2'000", "10'000"], ["0.52", "0.44", "0.31"], ",", [1000, 2000, 10000], 0.52),
    "French": (["1 000", "2 000", "10 000"], ["0,52", "0,44", "0,31"], ";", [1000, 2000, 10000], 0.52),
    "three places": (["0.167", "1.000", "10.000"], ["0.520", "0.440", "0.310"], ",", [0.167, 1, 10], 0.52),
    "printed to three places": (["1.000", "2.000", "10.000"], ["0.520", "0.440", "0.310"], ",", [1, 2, 10], 0.52),
    "losses": (["100", "200", "400"], ["3.237", "2.954", "2.752"], ",", [100, 200, 400], 3.237),
    "money in Europe": (["100", "200", "400"], ["1.250", "900", "810,5"], ";", [100, 200, 400], 1250),
}


@pytest.mark.parametrize("name", CASES)
def test_marks_are_decided_by_all_cells(tmp_path, name):
    n, error, separator, sizes, first = CASES[name]
    table = read_curves(write(tmp_path, columns(n, error, separator))).table
    np.testing.assert_array_equal(table["n"], sizes)
    assert table["error"][0] == first


UNSURE = {
    "round thousands, nothing else": (["1.000", "2.000", "10.000"], ["520", "440", "310"], ";"),
    "round thousands beside two places": (["1.000", "2.000", "10.000"], ["0.52", "0.44", "0.31"], ","),
    "commas in errors": (["100", "200", "400"], ["1,250", "1,100", "1,010"], ";"),
    "both marks in one column": (["1.000", "2,000", "10.000"], ["0,52", "0,44", "0,31"], ";"),
}


@pytest.mark.parametrize("name", UNSURE)
def test_what_nothing_tells_is_asked(tmp_path, name):
    n, error, separator = UNSURE[name]
    path = write(tmp_path, columns(n, error, separator))
    with pytest.raises(CurveColumnsError) as caught:
        read_curves(path)
    for mark in ("comma", "point"):
        assert f"forecaster validate {path} --decimal {mark}" in str(caught.value)


def test_the_mark_that_is_named_decides(tmp_path):
    path = write(tmp_path, columns(["1.000", "2.000", "10.000"], ["520", "440", "310"]))
    assert read_curves(path, decimal="comma").table["n"].tolist() == [1000, 2000, 10000]
    assert read_curves(path, decimal="point").table["n"].tolist() == [1, 2, 10]
    with pytest.raises(CurveRowsError, match=r"row 2: found error '0\.52'"):
        read_curves(write(tmp_path, columns(["1.000", "2.000", "10.000"], ["0.52", "0,44", "0,31"])), decimal="comma")


def test_how_numbers_were_read_is_said(tmp_path):
    (note,) = read_curves(write(tmp_path, columns(["1.000", "2.000", "9.000"], ["0,52", "0,44", "0,31"]))).notes
    assert note.code == "numbers"
    assert "1.000 as 1000" in note.text
    assert "0,52 as 0.52" in note.text


def test_columns_that_are_not_ours_tell_as_well(tmp_path):
    text = "domain;architecture;n;error;hours\nd;a;1.000;520;1,5\nd;a;2.000;440;2,5\nd;a;10.000;310;9,5\n"
    assert read_curves(write(tmp_path, text)).table["n"].tolist() == [1000, 2000, 10000]


def test_numbers_that_are_no_texts_are_as_they_are():
    table = pd.DataFrame({"domain": "d", "architecture": "a", "n": [1.0, 2.0, 10.0], "error": [0.5, 0.4, 0.3]})
    found = read_curves(table)
    assert found.table["n"].tolist() == [1, 2, 10]
    assert codes(found.notes) == []


@pytest.mark.parametrize(
    ("cells", "error", "sd"),
    [
        (["0.612 ± 0.023", "0.5 ± 0.02", "0.4 ±0.01"], 0.612, 0.023),
        (["0.612 +/- 0.023", "0.5 +/- 0.02", "0.4+/-0.01"], 0.612, 0.023),
        (["0.612 (0.023)", "0.5 (0.02)", "0.4 (0.01)"], 0.612, 0.023),
        (["0.612±0.023", "0.5±0.02", "0.4"], 0.612, 0.023),
        ([r"$0.612 \pm 0.023$", r"$0.5 \pm 0.02$", r"$0.4 \pm 0.01$"], 0.612, 0.023),
        (["**61.2% ± 2.3%**", "50% ± 2%", "40% ± 1%"], 0.612, 0.023),
        (["61.2 ± 2.3 %", "50 ± 2 %", "40 ± 1 %"], 0.612, 0.023),
        (["61 (2)", "50 (2)", "40 (1)"], 61, 2),
    ],
)
def test_a_mean_and_its_deviation_are_told_apart(cells, error, sd):
    table = {"domain": "d", "architecture": "a", "n": [1, 10, 100], "error": cells}
    found = read_curves(pd.DataFrame(table))
    assert found.table["error"][0] == pytest.approx(error)
    assert found.table["error_sd"][0] == pytest.approx(sd)
    assert "error-sd" in codes(found.notes)
    with pytest.raises(CurveColumnsError, match="expected one of the two"):
        read_curves(pd.DataFrame(table), constants={"error_sd": 0.1})


@pytest.mark.parametrize("cell", ["61.2(23)", "61.2 (2)", "61.2 ±", "61.2 ± x", "61.2 - 2.3"])
def test_what_may_be_digits_or_a_deviation_is_refused(cell):
    table = {"domain": "d", "architecture": "a", "n": [1, 10, 100], "error": [cell, "50.0", "40.0"]}
    with pytest.raises(CurveRowsError, match="row 2: found error"):
        read_curves(pd.DataFrame(table))


def test_per_cent_signs_are_in_all_cells_or_in_none():
    table = pd.DataFrame({"domain": "d", "architecture": "a", "n": [1, 10, 100], "error": ["50%", "40 %", "30%"]})
    found = read_curves(table)
    assert found.table["error"].tolist() == [0.5, 0.4, 0.3]
    assert found.reading.percent
    with pytest.raises(CurveRowsError, match="row 2: found error '50%'"):
        read_curves(table.assign(error=["50%", "0.4", "0.3"]))
