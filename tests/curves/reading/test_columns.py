"""Columns of other names and of none: what is suggested, and names that stand for all rows."""

from __future__ import annotations

import re
import shlex

import numpy as np
import pandas as pd
import pytest
from helpers.tables import codes, frame

from forecaster.curves.how_read import HowRead
from forecaster.curves.reading.columns import parse_columns, parse_where, parts_of
from forecaster.curves.reading.names import near
from forecaster.curves.reading.read import Cells, read_curves
from forecaster.errors import CurveColumnsError, CurveMisreadError, RequestError


def missing(source, mapping=None):
    """Our columns that a table has not."""
    return Cells.of(source, HowRead(columns=mapping or {})).missing


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
    """The arguments for Python that a refusal names."""
    (call,) = [line.strip() for line in said.splitlines() if line.startswith("  (in Python: ")]
    return eval(call.removeprefix("(in Python: read_curves(table, ").removesuffix("))").join(("dict(", ")")))


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
    ],
)
def test_near_names_are_suggested(columns, meant):
    names = ("model", "arch", "method", "run", "architecture")
    data = {c: ["a", "a", "b", "b"] if c.lower() in names else [1, 2, 3, 4] for c in columns.split()}
    assert added(refusal(pd.DataFrame({"domain": "d", **data})))["columns"] == parse_columns([meant])


def test_an_accuracy_is_suggested_with_how_it_is_turned():
    table = {"domain": "d", "dataset_size": [1, 2, 3], "val_acc": [0.5, 0.6, 0.7], "model": "m"}
    found = added(refusal(pd.DataFrame(table)))
    assert (found["score"], found.get("percent")) == ("accuracy", None)
    assert added(refusal(pd.DataFrame(table | {"val_acc": [50, 60, 70]})))["percent"] is True


def test_what_is_suggested_is_read():
    found = added(refusal(log()))
    assert found["columns"] == {"n": "tokens", "error": "val_loss", "architecture": "model"}
    assert found["constants"] == {"domain": "NAME"}
    assert [curve.label for curve in read_curves(log(), **found).curves] == ["NAME/all/dense", "NAME/all/moe"]


def test_names_with_spaces_can_be_pasted(tmp_path):
    path = tmp_path / "my log.csv"
    log().rename(columns={"tokens": "training tokens"}).to_csv(path, index=False)
    said = refusal(path, columns={"error": "val_loss"})
    command = shlex.split(next(line for line in said.splitlines() if line.startswith("  forecaster")))
    assert command[:3] == ["forecaster", "validate", str(path)]
    assert command[3:5] == ["--columns", "n=training tokens,error=val_loss,architecture=model"]


def test_a_missing_domain_names_both_ways_where_a_column_is_left():
    mapping = {"n": "tokens", "error": "val_loss", "architecture": "model"}
    alone = refusal(log(), columns=mapping)
    assert added(alone) == {"columns": mapping, "constants": {"domain": "NAME"}}
    assert "--domain NAME takes all rows to be of one domain; `forecaster domains` lists the names" in alone
    both = refusal(log(corpus=["books"] * 4 + ["web"] * 4), columns=mapping)
    assert "Where a column names it: --columns domain=THAT, as 'corpus'." in both
    sure = refusal(log(Domain=["books"] * 4 + ["web"] * 4), columns=mapping)
    assert added(sure)["columns"]["domain"] == "Domain"
    assert "--domain NAME, in place of domain=Domain, takes all rows to be of one domain" in sure


def test_blank_columns_and_those_different_in_every_row_name_nothing():
    found = added(refusal(log(model=[f"m{i}" for i in range(8)], domain_name="")))
    assert set(found["constants"]) == {"domain", "architecture"}
    assert set(found["columns"]) == {"n", "error"}


def test_a_column_that_nothing_may_be_is_to_be_added():
    said = refusal(pd.DataFrame({"domain": "d", "architecture": ["a"] * 3, "error": [0.3, 0.2, 0.1]}))
    assert "read_curves" not in said
    assert said.endswith("n, the training-set size of each row, is in none of the columns: add one.")


def test_a_column_whose_name_says_nothing_is_taken_by_its_cells():
    other = refusal(frame().rename(columns={"n": "thousands"}))
    assert added(other)["columns"] == {"n": "thousands"}
    assert "by its cells alone" in other
    table = frame().rename(columns={"n": "Umfang", "error": "Fehler"})
    assert added(refusal(table))["columns"] == {"n": "Umfang", "error": "Fehler"}


def test_steps_are_said_to_be_no_sizes_by_themselves():
    assert "n = steps x batch size" in refusal(log().rename(columns={"tokens": "_step"}))
    assert "batch size" not in refusal(log(_step=1000))


@pytest.mark.parametrize("column", ["error_sd", "val_samples", "learning_rate", "runtime", "State", "gpu_hours"])
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


@pytest.mark.parametrize("constants", [{"n": 100}, {"error": 0.1}, {"colour": "red"}, {"domain": " "}])
def test_what_cannot_be_one_value_of_all_rows_is_refused(constants):
    with pytest.raises(RequestError, match=r"^constants: found .*; expected one "):
        read_curves(frame(), constants=constants)


def test_a_bad_constant_is_a_bad_row_like_any_other():
    with pytest.raises(Exception, match=re.escape("found n_test -5; expected a number above 0, or an empty cell")):
        read_curves(frame(), constants={"n_test": -5})


def test_a_name_for_all_rows_is_remarked_on_where_a_column_tells_them_apart():
    mapping = {"n": "tokens", "error": "val_loss"}
    found = read_curves(log(), columns=mapping, constants={"domain": "d", "architecture": "dense"}, as_they_are=True)
    note = next(note for note in found.notes if note.code == "constant")
    assert (
        "of architecture 'dense', though the column 'model' tells 2 apart; for these --columns architecture"
        in note.text
    )
    alike = log(model="dense", Name="x")
    assert "constant" not in codes(
        read_curves(alike, columns=mapping, constants=dict.fromkeys(("domain", "architecture"), "d")).notes
    )


# Names of several columns, rows of some kind ---------------------------------------------------------


def conditions():
    """Two methods of three sizes in four conditions."""
    rows = [
        {"rule": rule, "features": features, "method": method, "rows": n, "rmse": round(k * n**-0.2, 4)}
        for k, (rule, features) in enumerate([("gap", "few"), ("gap", "all"), ("rand", "few"), ("rand", "all")], 1)
        for method in ("tree", "net")
        for n in (50, 100, 200)
    ]
    return pd.DataFrame(rows)


def test_a_name_may_be_made_of_several_columns():
    mapping = {"n": "rows", "error": "rmse", "architecture": "method"}
    for task in ("rule+features", ("rule", "features")):
        curves = read_curves(conditions(), columns={**mapping, "task": task}, constants={"domain": "d"})
        assert [task for _, task in curves.groups] == ["gap, all", "gap, few", "rand, all", "rand, few"]
        assert curves.reading.columns["task"] == "rule+features"
        assert {"rule", "features"} <= set(curves.table)


def test_columns_that_tell_rows_apart_are_suggested_as_task():
    assert added(refusal(conditions()))["columns"]["task"] == "rule+features"
    alike = conditions()[lambda table: table["rule"] == "gap"]
    assert added(refusal(alike))["columns"]["task"] == "features"
    assert "task" not in added(refusal(alike[alike["features"] == "all"]))["columns"]


def test_a_plus_may_stand_in_a_name():
    assert parts_of("a+b", ["a", "b", "a+b"]) == ["a+b"]
    assert parts_of("a+b+c", ["a+b", "c"]) == ["a+b", "c"]
    assert parts_of("a+d", ["a", "b"]) is None


def test_numbers_are_not_made_of_several_columns():
    assert "expected one column of numbers" in refusal(conditions(), columns={"n": "rows+rmse"})


def test_rows_of_some_kind_alone_are_read():
    table = pd.concat([frame(part="val"), frame(part="test", error=[0.6, 0.4, 0.3]), frame(part="train", error=0.1)])
    assert read_curves(table, where={"part": "test"}).table["error"].tolist() == [0.6, 0.4, 0.3]
    assert len(read_curves(table, where={"part": ("val", "test")}, as_they_are=True).table) == 6
    assert len(read_curves(table.assign(epoch=1.0), where={"part": ["val"], "epoch": 1}).table) == 3
    assert "found no row for --where part=dev" in refusal(table, where={"part": "dev"})
    assert "found no column 'kind' for --where kind=a" in refusal(table, where={"kind": "a"})


def test_rows_for_training_and_for_testing_are_not_pooled():
    table = pd.concat([frame(split="train", error=0.1), frame(split="Test")])
    found = added(refusal(table))
    assert found["where"] == {"split": "Test"}
    assert read_curves(table, **found).data_hash == read_curves(frame()).data_hash


def test_of_several_metrics_in_a_column_one_is_kept():
    both = pd.concat([frame(metric="loss", error=[3, 2, 1]), frame(metric="accuracy", error=[0.5, 0.6, 0.7])])
    found = added(refusal(both.rename(columns={"error": "value"})))
    assert (found["where"], found.get("score")) == ({"metric": "loss"}, None)
    with pytest.raises(CurveMisreadError) as caught:
        read_curves(both)
    first = str(caught.value).split("If all is right")[0]
    assert read_curves(both, **added(first)).curves[0].metric == "loss"


def test_options_are_parsed():
    assert parse_where(["split=val", "split=test", "a=b=c"]) == {"split": ("val", "test"), "a": ("b=c",)}
    assert parse_columns(["n=a, b,error=c"]) == {"n": "a, b", "error": "c"}
    with pytest.raises(RequestError, match=r"--where: found 'split'; expected COLUMN=VALUE"):
        parse_where(["split"])
