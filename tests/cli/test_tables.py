"""Tables on a terminal: what is said beside them fits what they show; the kind of a column says how it is written."""

from __future__ import annotations

import datetime
import io

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from forecaster.cli import console, tables
from forecaster.results.columns import CURVE, KINDS, Column, Columns, interval
from forecaster.results.result import Result

SAID = "The error lies between yhat_lower and yhat_upper."
FORECASTS = Columns("a curve", CURVE[-1], interval("yhat", "error", "the forecast"), Column("q*", "error", "more"))
FILES = Columns("a file", CURVE[:2], Column("file", "text", "the path"))


class Answer(Result):
    """A forecast in short."""

    columns = {"table": FORECASTS}  # noqa: RUF012


def printed(table: pd.DataFrame, columns: Columns, width: int = 100, **more) -> str:
    file = io.StringIO()
    tables.print_table(Console(file=file, width=width, **more), table, columns)
    return file.getvalue()


def test_bounds_in_brackets_are_not_called_by_names_of_columns(capsys):
    narrow = pd.DataFrame({"architecture": ["cnn", "mlp"], "yhat": 0.63, "yhat_lower": 0.34, "yhat_upper": 0.72})
    console.print_result(Answer(narrow, SAID))
    assert SAID in capsys.readouterr().out
    wide = narrow.assign(**{f"q{k}": 0.123 for k in range(20)})
    console.print_result(Answer(wide, SAID))
    shown = capsys.readouterr().out
    assert "0.630 (0.340 to 0.720)" in shown
    assert "The error lies between the bounds in brackets beside yhat." in shown
    assert "yhat_lower" not in shown


def test_a_table_without_those_bounds_changes_no_text():
    assert tables.as_printed(SAID, pd.DataFrame({"n": [1.0]}), FORECASTS, 100) == SAID


def test_a_ratio_no_larger_than_can_be_told_is_a_bound():
    columns = Columns(
        "a pair", interval("ratio", "ratio", "of data"), Column("ratio_least", "ratio", "least", bound="least")
    )
    table = pd.DataFrame({"ratio": [0.05], "ratio_lower": [0.05], "ratio_upper": [np.inf], "ratio_least": [0.05]})
    assert "≤ 0.0500 (≤ 0.0500 to never)" in printed(table, columns, 30)


def test_names_that_stand_before_long_texts_are_not_a_table_of_their_own():
    files = [f"/a/folder/whose/name/is/rather/long/memo-{task}-{kind}.md" for task in "ab" for kind in ("x", "y")]
    table = pd.DataFrame({"domain": "vision", "task": ["a", "a", "b", "b"], "file": files})
    lines = printed(table, FILES).splitlines()
    assert lines[0] == "domain vision"
    assert [line.strip() for line in lines[1:]] == [f"{f.split('-')[1]}: {f}" for f in files]
    assert "task" in printed(table.assign(file=[f[-10:] for f in files]), FILES)


def test_no_line_of_prose_ends_in_blanks(capsys):
    console.print_result(Answer(pd.DataFrame({"yhat": [0.5]}), "in words " * 60))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 5
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.parametrize("terminal", [False, True])
def test_no_line_ends_in_blanks(terminal):
    columns = Columns("a check", Column("name", "text", "which", key=True), Column("verdict", "verdict", "what"))
    table = pd.DataFrame({"name": ["a", "long enough"], "verdict": ["REVIEW", "PASS"]})
    out = printed(table, columns, force_terminal=terminal, color_system="standard" if terminal else None)
    plain = [line.replace("\x1b[0m", "") for line in out.splitlines()]
    assert plain
    assert all(line == line.rstrip() for line in plain)
    assert ("\x1b[33mREVIEW" in out) is terminal


def test_columns_not_for_a_terminal_are_left_out():
    columns = Columns("a size", Column("n", "size", "size"), Column("horizon", "size", "reach", terminal=False))
    assert "horizon" not in printed(pd.DataFrame({"n": [1.0], "horizon": [2.0]}), columns)


def test_what_the_question_fixed_is_said_once_where_all_rows_are_alike():
    columns = Columns("a target", Column("target", "error", "goal", given=True), Column("n", "size", "size"))
    assert printed(pd.DataFrame({"target": [0.0125, 0.0125], "n": [1.0, 2.0]}), columns).startswith("target 0.0125\n")
    several = printed(pd.DataFrame({"target": [0.0125, 0.02], "n": [1.0, 2.0]}), columns).splitlines()
    assert several[0].split() == ["target", "n"]


def test_columns_that_nobody_declared_are_shown_all_the_same():
    shown = printed(pd.DataFrame({"mine": [0.5], "words": ["some"]}), Columns("a row"))
    assert all(part in shown for part in ("mine", "0.500", "words", "some"))


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("error", 0.0123456, "0.0123"),
        ("error", 0.00001234, "1.23e-5"),
        ("error", 0.0, "0"),
        ("size", 2400.0, "2,400"),
        ("size", 123456.7, "123,000"),
        ("size", 1.5e6, "1.5e6"),
        ("size", 999999.9, "1,000,000"),
        ("size", float("inf"), "never"),
        ("size", float("nan"), "-"),
        ("ratio", float("inf"), "never"),
        ("number", 0.99999, "1.00"),
        ("number", float("-inf"), "-inf"),
        ("chance", 0.0004, "<1 %"),
        ("chance", 0.999, ">99 %"),
        ("chance", 0.123, "12 %"),
        ("share", 0.0, "0 %"),
        ("share", 1.0, "100 %"),
        ("count", 12000, "12,000"),
        ("count", float("nan"), "-"),
        ("flag", True, "yes"),
        ("flag", np.bool_(False), "no"),
        ("flag", 1.0, "yes"),
        ("verdict", "PASS", "PASS"),
        ("text", None, ""),
        ("name", "mean", "mean"),
        ("money", 1234567.8, "1,234,568"),
        ("money", 0.4, "0.40"),
        ("date", datetime.date(2027, 3, 1), "2027-03-01"),
    ],
)
def test_values_are_written_for_people(kind, value, shown):
    assert tables.cell(Column("any", kind, "a value"), value) == shown


@pytest.mark.parametrize(
    ("kind", "value", "shown"), [("share", 0.975, "97.5 %"), ("error", 0.003, "0.003"), ("size", 1.5e6, "1.5e6")]
)
def test_what_was_given_keeps_its_digits(kind, value, shown):
    assert tables.cell(Column("any", kind, "a value", given=True), value) == shown


def test_every_kind_is_written():
    assert all(tables.cell(Column("any", kind, "a value"), 0.5) for kind in KINDS)  # pyright: ignore
