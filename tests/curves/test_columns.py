"""Columns of other names and of none: what is suggested, and names that stand for all rows."""

from __future__ import annotations

import re
import shlex

import numpy as np
import pandas as pd
import pytest
from helpers.tables import codes, frame

from forecaster.curves.columns import near, parse_columns
from forecaster.curves.reading import Cells, read_curves
from forecaster.errors import CurveColumnsError, RequestError


def missing(source, mapping=None):
    """Our columns that a table has not."""
    return Cells.of(source, mapping or {}).missing


def log(**columns):
    """A table as a tracker exports it: two models of four sizes each."""
    rows = {"Name": [f"run-{i}" for i in range(8)], "model": ["dense"] * 4 + ["moe"] * 4}
    rows |= {"tokens": [1e6, 1e7, 1e8, 1e9] * 2, "val_loss": [4, 3.5, 3.2, 3, 4.2, 3.4, 3.1, 2.9], "State": "finished"}
    return pd.DataFrame({**rows, **columns})


def refusal(table, **options):
    with pytest.raises(CurveColumnsError) as caught:
        read_curves(table, **options)
    return str(caught.value)


def added(said):
    """The options that a refusal says to add, and the arguments for Python."""
    options, python = said.split("\nAdd:\n")[1].splitlines()[:2]
    return shlex.split(options), eval(f"dict{python.strip().removeprefix('(in Python: ').join('()')[:-1]}")


# Suggestions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "meant"),
    [
        ("tokens val_loss model", "n=tokens,error=val_loss,architecture=model"),
        ("step loss model", "n=step,error=loss,architecture=model"),
        ("samples loss model flops", "n=samples,error=loss,architecture=model,compute=flops"),
        ("_step train_loss val_loss run", "n=_step,error=val_loss,architecture=run"),
        ("trainSize test/error Model", "n=trainSize,error=test/error,architecture=Model"),
        (
            "Step tokens_seen eval/loss arch num_params",
            "n=tokens_seen,error=eval/loss,architecture=arch,params=num_params",
        ),
        ("N ERROR Architecture", "n=N,error=ERROR,architecture=Architecture"),
        ("train_loss test_error val_size n_train method", "n=n_train,error=test_error,architecture=method"),
        ("dataset_size val_acc model", "n=dataset_size,error=val_acc,architecture=model --accuracy"),
    ],
)
def test_near_names_are_suggested_in_one_line(columns, meant):
    names = ("model", "arch", "method", "run", "architecture")
    data = {c: ["a", "a", "b", "b"] if c.lower() in names else [1, 2, 3, 4] for c in columns.split()}
    said = refusal(pd.DataFrame({"domain": "d", **data}))
    assert f"\n  --columns {meant}\n" in said
    options, python = added(said)
    assert parse_columns([options[1]]) == python["columns"]
    assert python.get("accuracy", False) == ("--accuracy" in options)


def test_what_is_suggested_is_read():
    said = refusal(log())
    assert "\n  --columns n=tokens,error=val_loss,architecture=model --domain NAME\n" in said
    curves = read_curves(log(), **added(said)[1])
    assert [curve.label for curve in curves.curves] == ["NAME/all/dense", "NAME/all/moe"]


def test_names_with_spaces_can_be_pasted():
    said = refusal(log().rename(columns={"tokens": "training tokens"}), columns={"error": "val_loss"})
    options, python = added(said)
    assert options[:2] == ["--columns", "n=training tokens,architecture=model"]
    assert python["columns"] == {"n": "training tokens", "architecture": "model"}


def test_a_missing_domain_names_both_ways_where_a_column_is_left():
    mapping = {"n": "tokens", "error": "val_loss", "architecture": "model"}
    alone = refusal(log(), columns=mapping)
    assert "--columns" not in alone
    assert "(in Python: constants={'domain': 'NAME'})" in alone
    assert "--domain NAME takes all rows to be of one domain; `forecaster domains` lists the names" in alone
    both = refusal(log(corpus=["books"] * 4 + ["web"] * 4), columns=mapping)
    assert "Where a column names it: --columns domain=THAT, as 'corpus'." in both
    sure = refusal(log(Domain=["books"] * 4 + ["web"] * 4), columns=mapping)
    assert "\n  --columns domain=Domain\n" in sure
    assert "--domain NAME, in place of domain=Domain, takes all rows to be of one domain" in sure


def test_a_column_that_nothing_may_be_is_to_be_added():
    said = refusal(pd.DataFrame({"domain": "d", "architecture": ["a"] * 3, "error": [0.3, 0.2, 0.1]}))
    assert "--columns" not in said
    assert said.endswith("n, the training-set size of each row, is in none of the columns: add one.")
    other = refusal(frame().rename(columns={"n": "thousands"}))
    assert "\n  --columns n=THAT\n" in other
    assert "n, the training-set size of each row, may be 'thousands'." in other


def test_steps_are_said_to_be_no_sizes_by_themselves():
    assert "n = steps x batch size" in refusal(log().rename(columns={"tokens": "_step"}))
    assert "batch size" not in refusal(log(_step=1000))


@pytest.mark.parametrize("column", ["train_loss", "error_sd", "val_samples", "learning_rate", "runtime"])
def test_names_that_mean_something_else_are_not_suggested(column):
    assert [near(ours, [column]) for ours in ("n", "error", "architecture", "domain")] == [None] * 4


def test_odd_cells_do_not_stop_a_suggestion():
    odd = pd.DataFrame({"model": [[1], {}, None], "size": [None, 10**400, True], 7: [1j, pd.NaT, "half \ud800"]})
    assert "found no column 'domain', 'architecture', 'n', 'error'" in refusal(odd)
    assert "found no column" in refusal(odd[:0])


# Names for all rows -----------------------------------------------------------------------------------


@pytest.mark.parametrize("column", ["domain", "architecture"])
def test_a_constant_stands_for_a_column_that_is_lacking(column, tmp_path):
    whole = frame()
    lacks = whole.drop(columns=column)
    assert column in missing(lacks)
    lacks.to_csv(tmp_path / "lacks.csv", index=False)
    for source in (lacks, tmp_path / "lacks.csv"):
        found = read_curves(source, constants={column: whole[column][0]})
        pd.testing.assert_frame_equal(found.table, read_curves(whole).table)
        assert found.notes == ()


def test_constants_may_be_names_and_numbers_of_any_other_column():
    curves = read_curves(frame(), constants={"task": "t", "n_test": 1000, "metric": "top-1 error", "split": "fit"})
    assert (curves.curves[0].task, curves.curves[0].metric) == ("t", "top-1 error")
    np.testing.assert_array_equal(curves.table["n_test"], 1000)


def test_a_constant_counts_after_the_mapping():
    renamed = frame().rename(columns={"domain": "task", "architecture": "domain"})
    curves = read_curves(renamed, columns={"architecture": "domain"}, constants={"domain": "x"})
    assert curves.curves[0].label == "x/vision/cnn"
    assert "domain" in missing(renamed, {"architecture": "domain"})
    assert "domain" not in missing(renamed)


@pytest.mark.parametrize("theirs", ["domain", "Domain"])
def test_a_constant_beside_its_column_is_refused(theirs):
    said = refusal(frame().rename(columns={"domain": theirs}), constants={"domain": "vision"})
    assert f"table: found the column '{theirs}' and 'vision' for all rows beside it; expected one of the two" in said
    assert "domain" not in missing(frame().rename(columns={"domain": theirs}))


@pytest.mark.parametrize(
    "constants", [{"n": 100}, {"error": 0.1}, {"colour": "red"}, {"domain": " "}, {"domain": ["a", "b"]}]
)
def test_what_cannot_be_one_value_of_all_rows_is_refused(constants):
    with pytest.raises(RequestError, match=r"^constants: found .*; expected one "):
        read_curves(frame(), constants=constants)


def test_a_bad_constant_is_a_bad_row_like_any_other():
    with pytest.raises(Exception, match=re.escape("found n_test -5; expected a number above 0, or an empty cell")):
        read_curves(frame(), constants={"n_test": -5})


def test_a_name_for_all_rows_is_remarked_on_where_a_column_tells_them_apart():
    mapping = {"n": "tokens", "error": "val_loss"}
    found = read_curves(log(), columns=mapping, constants={"domain": "d", "architecture": "dense"})
    note = next(note for note in found.notes if note.code == "constant")
    assert (
        "of architecture 'dense', though the column 'model' tells 2 apart; for these --columns architecture"
        in note.text
    )
    alike = log(model="dense", Name="x")
    assert "constant" not in codes(
        read_curves(alike, columns=mapping, constants=dict.fromkeys(("domain", "architecture"), "d")).notes
    )
