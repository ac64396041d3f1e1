"""Sizes: letters, durations, per cent."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from helpers.tables import codes
from hypothesis import given
from hypothesis import strategies as st

from forecaster.curves.reading.read import read_curves
from forecaster.curves.reading.sizes import given_size, size_of, unit_of
from forecaster.errors import CurveColumnsError, CurveRowsError, RequestError


def sizes(cells, column="n", **options):
    """The sizes that a column of these cells is read as, and the notes."""
    error = np.linspace(0.5, 0.3, len(cells))
    table = pd.DataFrame({"domain": "d", "architecture": "a", column: cells, "error": error})
    found = read_curves(table, columns={"n": column}, **options)
    return found.table["n"].tolist(), found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10k", 1e4),
        ("1.5M", 1.5e6),
        ("75.3 B", 75.3e9),
        ("1.234 B", 1.234e9),
        ("2.00e19", 2e19),
        ("1,000", None),
        ("1_000", 1e3),
        ("3 T", 3e12),
        ("2bn", 2e9),
        ("5 million", 5e6),
        ("10 GB", 1e10),
        ("n=100", 100),
        ("100 images", 100),
        ("10k tokens", 1e4),
        ("10^5", 1e5),
        ("$2 × 10^{5}$", 2e5),
        ("~500", 500),
        ("", None),
        ("k", None),
        ("1kk", None),
        ("v1.2", None),
        ("1q", None),
        ("1.2.3", None),
    ],
)
def test_a_size_is_read_as_charts_write_it(text, value):
    found = size_of(text)
    if text == "1,000":
        assert found is not None
        assert found.value == 1000
    else:
        assert (None if found is None else found.value) == (None if value is None else pytest.approx(value))


@given(number=st.integers(1, 999), letter=st.sampled_from("kKmMbBgGtT"))
def test_letters_stand_for_thousands(number, letter):
    times = {"k": 1e3, "m": 1e6, "b": 1e9, "g": 1e9, "t": 1e12}[letter.lower()]
    assert given_size(f"{number}{letter}") == given_size(f"{number} {letter}") == number * times


@pytest.mark.parametrize("text", ["1.000", "2.500", "10 min", "25 %", "0", "-5", "inf", "nan", "1e999", "100 images"])
def test_an_option_takes_counts_alone_and_none_that_may_be_two(text):
    assert given_size(text) is None


def test_letters_in_a_column_are_said():
    found, curves = sizes(["6k", "12k", "1.5M"])
    assert found == [6000, 12000, 1.5e6]
    assert codes(curves.notes) == ["numbers"]
    assert "6k as 6000" in curves.notes[0].text


@pytest.mark.parametrize(
    ("column", "cells", "expected", "unit"),
    [
        ("hours", ["10 min", "1 h", "10 h"], [1 / 6, 1, 10], "hours"),
        ("audio", ["30s", "10 min", "1 h 30 min"], [1 / 120, 1 / 6, 1.5], "hours"),
        ("minutes", ["30 s", "10 min", "2h"], [0.5, 10, 120], "minutes"),
        ("audio", ["10m", "1h", "1d"], [1 / 6, 1, 24], "hours"),
        ("hours of speech", ["10 min", "1", "10"], [1 / 6, 1, 10], "hours"),
    ],
)
def test_durations_become_the_unit_of_the_columns_name(column, cells, expected, unit):
    found, curves = sizes(cells, column)
    assert found == pytest.approx(expected)
    assert curves.reading.size_unit == unit
    assert "durations" in codes(curves.notes)


def test_a_lone_m_without_durations_is_a_million():
    assert sizes(["500k", "1m", "2m"])[0] == [5e5, 1e6, 2e6]


@pytest.mark.parametrize(
    ("cells", "full"),
    [
        (["10 min", "1", "10"], None),
        (["10 images", "20 tokens", "30 images"], None),
        (["1%", "5", "10"], 1000),
    ],
)
def test_units_that_do_not_agree_are_refused(cells, full):
    with pytest.raises(CurveRowsError, match="found n"):
        sizes(cells, full_size=full)


def test_per_cent_needs_the_full_size():
    with pytest.raises(CurveColumnsError) as caught:
        sizes(["1%", "5 %", "100%"])
    assert "full_size=100" in str(caught.value)
    found, curves = sizes(["1%", "5 %", "100%"], full_size=50_000)
    assert found == [500, 2500, 50_000]
    assert "full-size" in codes(curves.notes)
    assert sizes([0.25, 0.5, 1.0], full_size=1000)[0] == [250, 500, 1000]
    with pytest.raises(CurveColumnsError, match="neither in per cent nor shares"):
        sizes([25, 50, 100], full_size=1000)
    with pytest.raises(RequestError, match="--full-size: found -1"):
        sizes([0.25, 0.5, 1.0], full_size=-1)


def test_units_of_time_in_names():
    assert unit_of("labelled hours") == "hours"
    assert unit_of("train_min") == "minutes"
    assert unit_of("tokens") is None
