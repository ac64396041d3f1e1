"""Declared columns: what a table may hold, and what the terminal, the reference and docstrings are told."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest
from helpers.unchecked import unchecked

from forecaster.results.columns import CURVE, KINDS, Column, Columns, declared, interval, size

FOUND = Columns(
    "a curve and size",
    CURVE,
    size(),
    interval("yhat", "error", "the forecast"),
    Column("card", "text", "the card", optional=True),
    Column("rmsle_*", "number", "rivals, in logs", optional=True),
    Column("rmse_*", "error", "rivals", optional=True),
    Column("rmse_all", "error", "all of them"),
)
NAMES = ["domain", "task", "architecture", "n", "yhat", "yhat_lower", "yhat_upper", "rmse_all"]


def test_a_table_as_declared_passes():
    assert FOUND.faults(NAMES) == []
    rivals = ["rmsle_a", "rmse_a", "rmsle_b", "rmse_b"]
    assert FOUND.faults([*NAMES[:-1], "card", *rivals, "rmse_all"]) == []
    FOUND.check(pd.DataFrame(columns=NAMES))
    FOUND.check(pd.DataFrame())


@pytest.mark.parametrize(
    ("names", "fault"),
    [
        ([*NAMES[1:]], "no column domain"),
        ([*NAMES, "colour"], "unknown column colour"),
        ([NAMES[1], NAMES[0], *NAMES[2:]], "column domain after task"),
        ([*NAMES, "rmsle_a"], "column rmsle_a after rmse_all"),
    ],
)
def test_each_fault_is_named(names, fault):
    assert FOUND.faults(names) == [fault]
    with pytest.raises(ValueError, match=fault):
        FOUND.check(pd.DataFrame(columns=names))


def test_a_name_in_full_goes_before_a_pattern():
    found = FOUND.named("rmse_all")
    assert found is not None
    assert found.help == "all of them"
    assert FOUND.named("rmse_last") == FOUND[-2]
    assert FOUND.named("colour") is None


def test_bounds_belong_to_their_column():
    middle, lower, upper = interval("error_ratio", "ratio", "a over b")
    assert [c.of for c in (middle, lower, upper)] == ["error_ratio"] * 3
    assert [c.bound for c in (middle, lower, upper)] == ["", "lower", "upper"]


def test_declarations_that_contradict_themselves_are_refused():
    with pytest.raises(ValueError, match="expected one of name, text"):
        unchecked(Column.__post_init__)(SimpleNamespace(name="n", kind="length"))
    with pytest.raises(ValueError, match="ends in _lower"):
        Column("yhat", "error", "the forecast", bound="lower")
    with pytest.raises(ValueError, match="n stand twice"):
        Columns("a size", size(), size())
    with pytest.raises(TypeError):
        declared(table=FOUND)["table"] = FOUND  # type: ignore[index]


def test_picked_columns_stand_in_the_order_asked_for_and_are_shown():
    hidden = Columns("a curve", Column("a", "count", "one", terminal=False), Column("b", "count", "two"))
    assert hidden.pick("b", "a").names == ("b", "a")
    assert all(column.terminal for column in hidden.pick("b", "a"))
    with pytest.raises(KeyError):
        hidden.pick("c")


def test_neighbours_that_mean_the_same_are_told_once():
    assert FOUND.lines()[0] == "``domain``, ``task``, ``architecture``: the curve (name)"
    assert FOUND.reference()[2] == "| `yhat`, `yhat_lower`, `yhat_upper` | error | the forecast |"
    told = [name for line in FOUND.reference() for name in line.split("|")[1].replace("`", "").split(",")]
    assert [name.strip() for name in told] == list(FOUND.names)


def test_kinds_are_told_apart():
    assert len(set(KINDS)) == len(KINDS)
