"""Tables on a terminal: what is said beside them fits what they show."""

from __future__ import annotations

import io

import pandas as pd
from rich.console import Console

from forecaster.cli import console, tables
from forecaster.results.result import Result

SAID = "The error lies between yhat_lower and yhat_upper."


def printed(table: pd.DataFrame, columns: int = 100) -> str:
    file = io.StringIO()
    tables.print_table(Console(file=file, width=columns), table)
    return file.getvalue()


def test_bounds_in_brackets_are_not_called_by_names_of_columns(capsys):
    narrow = pd.DataFrame({"architecture": ["cnn", "mlp"], "yhat": 0.63, "yhat_lower": 0.34, "yhat_upper": 0.72})
    console.print_result(Result(narrow, SAID))
    assert SAID in capsys.readouterr().out
    wide = narrow.assign(**{f"q{k}": 0.123 for k in range(20)})
    console.print_result(Result(wide, SAID))
    shown = capsys.readouterr().out
    assert "0.630 (0.340 to 0.720)" in shown
    assert "The error lies between the bounds in brackets beside yhat." in shown
    assert "yhat_lower" not in shown


def test_a_table_without_those_bounds_changes_no_text():
    assert tables.as_printed(SAID, pd.DataFrame({"n": [1.0]}), 100) == SAID


def test_names_that_stand_before_long_texts_are_not_a_table_of_their_own():
    files = [f"/a/folder/whose/name/is/rather/long/memo-{task}-{kind}.md" for task in "ab" for kind in ("x", "y")]
    table = pd.DataFrame({"domain": "vision", "task": ["a", "a", "b", "b"], "file": files})
    lines = printed(table).splitlines()
    assert lines[0] == "domain vision"
    assert [line.strip() for line in lines[1:]] == [f"{f.split('-')[1]}: {f}" for f in files]
    assert "task" in printed(table.assign(file=[f[-10:] for f in files]))
