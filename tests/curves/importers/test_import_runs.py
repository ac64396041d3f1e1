"""import_runs: what has to be told, what is left out, and the table that comes of it."""

from __future__ import annotations

import json
import re
import shlex

import numpy as np
import pandas as pd
import pytest
from helpers.exports import BY_PATH, FIXTURES, FOLDER
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from forecaster import ForecasterError, read_curves
from forecaster.cli.main import app
from forecaster.curves.importers.import_runs import import_runs
from forecaster.curves.importers.imported import Imported
from forecaster.errors import (
    CurveColumnsError,
    CurveFileError,
    CurveMisreadError,
    CurveRowsError,
    OptionError,
    RequestError,
)

NAMED = pytest.mark.parametrize("fixture", FIXTURES, ids=lambda fixture: fixture.path)
WANDB = BY_PATH["wandb_runs.csv"]


def commands_in(text):
    """The commands that a message shows."""
    return [shlex.split(line)[1:] for line in re.findall(r"^  (forecaster import .*)$", text, re.M)]


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments], prog_name="forecaster")


def kept_run(folder, errors, **columns):
    """A log of one run, as Lightning writes it."""
    table = pd.DataFrame({"epoch": range(len(errors)), "step": range(len(errors)), "val_loss": errors, **columns})
    path = folder / "metrics.csv"
    table.to_csv(path, index=False)
    return path


# What is asked ------------------------------------------------------------------------------------


@NAMED
def test_untold_it_asks_and_what_it_suggests_works(fixture, tmp_path):
    """Pasted one after another, with a domain in place of NAME, the commands lead to the same table."""
    words = ["import", fixture.at]
    for _ in range(3):
        done = run(*words)
        if done.exit_code == 0:
            break
        assert done.exit_code == 1, done.output
        words, *_ = commands_in(done.stderr)
        assert not (tmp_path / "curves.csv").exists()
    else:
        pytest.fail(done.output)
    done = run(*words, "-o", tmp_path / "curves.csv")
    assert done.exit_code == 0, done.stderr
    table = pd.read_csv(tmp_path / "curves.csv")
    expected = fixture.expected()
    assert sorted(table["n"]) == pytest.approx(sorted(n for _, n in expected))
    if fixture.path != "keras":  # whose first error is another than that of the fixture
        assert sorted(table["error"]) == pytest.approx(sorted(expected.values()), rel=fixture.near)


@pytest.mark.parametrize("fixture", [f for f in FIXTURES if f.path != "scikit_learn"], ids=lambda fixture: fixture.path)
def test_n_is_never_guessed(fixture):
    columns = {"error": fixture.columns.get("error", "error"), "architecture": "run"}
    with pytest.raises(CurveColumnsError, match=r"\bn\b"):
        import_runs(fixture.at, columns=columns, constants={"domain": "d"}, take=None if fixture.single else "last")


def test_the_point_that_counts_is_asked_for():
    fixture = BY_PATH["lightning"]
    with pytest.raises(RequestError) as asked:
        import_runs(fixture.at, **fixture.options(take=None))
    takes = [words[words.index("--take") + 1] for words in commands_in(str(asked.value))]
    assert takes == ["last", "best"]
    assert "%" in str(asked.value)


def test_where_n_grows_every_point_is_offered():
    fixture = BY_PATH["wandb_history"]
    told = fixture.options(take=None, columns={**fixture.columns, "n": "tokens", "architecture": "run"})
    with pytest.raises(RequestError) as asked:
        import_runs(fixture.at, **told)
    assert "every" in [words[words.index("--take") + 1] for words in commands_in(str(asked.value))]
    found = import_runs(fixture.at, **(told | {"take": "every"}))
    assert len(found.table) == 8 * 5
    with pytest.raises(RequestError, match="every"):
        import_runs(fixture.at, **fixture.options(take="every"))


def test_one_point_a_run_leaves_no_choice(tmp_path):
    path = kept_run(tmp_path, [0.5])
    told = {"columns": {"n": "step*100", "error": "val_loss", "architecture": "run"}, "constants": {"domain": "d"}}
    with pytest.raises(ForecasterError):  # of size 0
        import_runs(path, **told)
    path = kept_run(tmp_path, [np.nan, 0.5])
    assert import_runs(path, **told).table["n"].tolist() == [100]


def test_an_export_of_last_values_has_no_best():
    with pytest.raises(RequestError, match="last"):
        import_runs(WANDB.at, **WANDB.options(take="best"))
    assert import_runs(WANDB.at, **WANDB.options(take="last")).table["error"].notna().all()


def test_scores_need_a_name(tmp_path):
    path = tmp_path / "tree.npz"
    np.savez(path, train_sizes=[10, 20, 40], test_scores=[[0.5], [0.7], [0.8]])
    told = {"columns": {"architecture": "run"}, "constants": {"domain": "d"}}
    with pytest.raises(RequestError, match="--score"):
        import_runs(path, **told)
    found = import_runs(path, **told, score="r2")
    assert found.table["error"].tolist() == pytest.approx([0.5, 0.3, 0.2])


# What is left out ---------------------------------------------------------------------------------


def test_unfinished_runs_are_counted_or_kept():
    found = import_runs(WANDB.at, **WANDB.options(keep_unfinished=True))
    assert found.table["run"].str.contains("mlp-n4000").any()
    assert found.dropped == {"without 'val/loss'": 1}


def test_where_no_run_has_finished_the_command_that_keeps_them_works(tmp_path):
    table = pd.read_csv(WANDB.at).assign(State="running")
    table.to_csv(tmp_path / "runs.csv", index=False)
    with pytest.raises(CurveFileError, match="10 running") as refused:
        import_runs(tmp_path / "runs.csv", **WANDB.options())
    (words,) = commands_in(str(refused.value))
    assert run(*words).exit_code == 0


def test_diverged_runs_are_counted(tmp_path):
    table = pd.read_csv(WANDB.at).assign(State="finished").fillna({"val/loss": 1.0}).astype({"val/loss": object})
    table.loc[0, "val/loss"] = "Infinity"
    table.to_csv(tmp_path / "runs.csv", index=False)
    assert import_runs(tmp_path / "runs.csv", **WANDB.options()).dropped == {"with 'val/loss' infinite": 1}


def test_where_chooses_runs():
    found = import_runs(WANDB.at, **WANDB.options(where={"model": "cnn"}))
    assert set(found.table["architecture"]) == {"cnn"}
    assert found.dropped == {"crashed": 1}


def test_different_settings_under_one_name_are_not_taken_for_repeats(tmp_path):
    rates = pd.concat([pd.read_csv(WANDB.at).assign(lr=lr) for lr in (0.1, 0.2)], ignore_index=True)
    rates["val/loss"] = rates["val/loss"] * (1 + rates["lr"])
    rates.to_csv(tmp_path / "runs.csv", index=False)
    with pytest.raises(CurveMisreadError, match="lr") as refused:
        import_runs(tmp_path / "runs.csv", **WANDB.options())
    assert all(run(*words).exit_code == 0 for words in commands_in(str(refused.value)))


def test_runs_of_one_size_are_repeats_told_apart_by_their_names(tmp_path):
    table = pd.read_csv(WANDB.at)
    again = table.assign(Name=table["Name"] + "-again", **{"val/loss": table["val/loss"] * 1.01})
    pd.concat([table, again]).to_csv(tmp_path / "runs.csv", index=False)
    found = import_runs(tmp_path / "runs.csv", **WANDB.options())
    assert [note.code for note in found.notes] == ["repeats"]
    assert found.table["seed"].tolist() == found.table["run"].tolist()


def test_bad_cells_are_told_with_their_runs(tmp_path):
    table = pd.read_csv(WANDB.at).astype({"train_size": object})
    table.loc[1, "train_size"] = "many"
    table.to_csv(tmp_path / "runs.csv", index=False)
    with pytest.raises(CurveRowsError, match="cnn-n500") as refused:
        import_runs(tmp_path / "runs.csv", **WANDB.options())
    assert [row.cell for row in refused.value.rows] == ["'many'"]


# The table ----------------------------------------------------------------------------------------


@NAMED
def test_the_table_is_one_that_is_read(fixture, tmp_path):
    found = import_runs(fixture.at, **fixture.options())
    assert isinstance(found, Imported)
    if found.curves is None:
        assert "unusable" in {note.code for note in found.notes}
        return
    found.table.to_csv(tmp_path / "curves.csv", index=False)
    again = read_curves(tmp_path / "curves.csv")
    assert again.data_hash == found.curves.data_hash


@NAMED
def test_the_command_it_prints_makes_the_same(fixture, tmp_path):
    found = import_runs(fixture.at, **fixture.options())
    done = run(*shlex.split(found.again)[1:], "-o", tmp_path / "again.csv")
    assert done.exit_code == 0, done.stderr
    again = pd.read_csv(tmp_path / "again.csv")
    assert again["error"].tolist() == pytest.approx(found.table["error"].tolist())
    assert again["architecture"].tolist() == found.table["architecture"].tolist()


def test_what_the_error_is_stays_known():
    keras = BY_PATH["keras"]
    assert set(import_runs(keras.at, **keras.options()).table["metric"]) == {"mean absolute error"}
    digits = import_runs(BY_PATH["scikit_learn"].at, **BY_PATH["scikit_learn"].options())
    assert set(digits.table["metric"]) == {"error rate"}


def test_a_product_is_a_size():
    fixture = BY_PATH["lightning"]
    told = {**fixture.columns, "n": "hparams.train_size*2*1k"}
    found = import_runs(fixture.at, **fixture.options(columns=told))
    assert sorted(found.table["n"].unique()) == [500_000, 1_000_000, 2_000_000, 4_000_000]
    with pytest.raises(CurveColumnsError, match="nothing"):
        import_runs(fixture.at, **fixture.options(columns={**fixture.columns, "n": "step*nothing"}))


def test_names_that_are_not_as_the_pattern_says_are_shown():
    with pytest.raises(CurveColumnsError, match="neuron-n=160"):
        import_runs(BY_PATH["keras"].at, columns={"error": "val_mae"}, names="{architecture}-size{n}", take="last")
    with pytest.raises(OptionError, match="--names"):
        import_runs(BY_PATH["keras"].at, columns={"error": "val_mae"}, names="no field", take="last")


def test_the_best_by_one_column_reports_another(tmp_path):
    path = kept_run(tmp_path, [0.9, 0.5, 0.7], test_error=[0.8, 0.6, 0.3], n=[100] * 3)
    told = {"columns": {"n": "n", "error": "test_error", "architecture": "run"}, "constants": {"domain": "d"}}
    assert import_runs(path, **told, take="best").table["error"].tolist() == [0.3]
    assert import_runs(path, **told, take="best=val_loss").table["error"].tolist() == [0.6]
    assert import_runs(path, **told, take="step=0").table["error"].tolist() == [0.8]
    with pytest.raises(RequestError, match="accuracy"):
        import_runs(path, **told, take="best=accuracy")
    with pytest.raises(RequestError, match="0, 1, 2"):
        import_runs(path, **told, take="step=7")


def test_runs_without_the_step_are_counted(tmp_path):
    for n, errors in ((100, [0.9, 0.5]), (200, [0.8, 0.4, 0.3]), (400, [0.7, 0.3, 0.2])):
        (tmp_path / f"n={n}").mkdir()
        kept_run(tmp_path / f"n={n}", errors)
    told = {"columns": {"n": "name.n", "error": "val_loss"}, "constants": {"domain": "d", "architecture": "a"}}
    found = import_runs(tmp_path, **told, take="step=2")
    assert found.table["error"].tolist() == [0.3, 0.2]
    assert list(found.dropped.values()) == [1]


ERRORS = st.lists(st.floats(0.01, 10.0), min_size=1, max_size=8)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(runs=st.lists(ERRORS, min_size=1, max_size=4), take=st.sampled_from(["last", "best"]))
def test_any_logs_give_their_last_or_least_errors(tmp_path_factory, runs, take):
    folder = tmp_path_factory.mktemp("runs")
    for i, errors in enumerate(runs):
        (folder / f"n={100 * (i + 1)}").mkdir()
        kept_run(folder / f"n={100 * (i + 1)}", errors)
    found = import_runs(
        folder,
        columns={"n": "name.n", "error": "val_loss"},
        constants={"domain": "d", "architecture": "a"},
        take=take,
        as_they_are=True,
    )
    expected = [errors[-1] if take == "last" else min(errors) for errors in runs]
    assert found.table["error"].tolist() == pytest.approx(expected)
    assert found.table["n"].tolist() == [100 * (i + 1) for i in range(len(runs))]


# The command line ---------------------------------------------------------------------------------


def test_a_refused_import_writes_nothing(tmp_path):
    done = run("import", WANDB.at, "-o", tmp_path / "curves.csv")
    assert done.exit_code == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["--take", "first"], ["--map", "n"], ["--map", "size=a"], ["--format", "excel"]])
def test_wrong_options_are_wrong_usage(words):
    assert run("import", FOLDER / "keras", *words).exit_code == 2


def test_json_has_the_table_what_was_left_out_and_the_command():
    done = run(*shlex.split(import_runs(WANDB.at, **WANDB.options()).again)[1:], "--json")
    found = json.loads(done.stdout)
    assert found["command"] == "import"
    assert len(found["table"]) == 8
    assert found["dropped"] == {"crashed": 1, "running": 1}
    assert run(*shlex.split(found["again"])[1:]).exit_code == 0


def test_a_figure_and_a_parquet_file(tmp_path):
    words = [*shlex.split(import_runs(WANDB.at, **WANDB.options()).again)[1:], "-o", tmp_path / "curves.parquet"]
    done = run(*words, "--figure", tmp_path / "curves.png")
    assert done.exit_code == 0, done.stderr
    assert len(pd.read_parquet(tmp_path / "curves.parquet")) == 8
    assert (tmp_path / "curves.png").stat().st_size > 0


# Where reading meets an export ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["wandb_runs.csv", "mlflow_runs.csv", "records.jsonl", "mlflow.db", "mlruns", "keras/neuron-n=40.csv"]
)
def test_reading_an_export_points_to_import(path):
    with pytest.raises(ForecasterError) as refused:
        read_curves(FOLDER / path)
    assert f"forecaster import {shlex.quote(str(FOLDER / path))}" in str(refused.value)


def test_reading_says_that_runs_have_not_finished(tmp_path):
    columns = {"n": "train_size", "error": "val/loss", "architecture": "model"}
    curves = read_curves(WANDB.at, columns=columns, constants={"domain": "d"})
    assert "unfinished" in {note.code for note in curves.notes}
    table = pd.read_csv(WANDB.at).query("State == 'finished'")
    curves = read_curves(table, columns=columns, constants={"domain": "d"})
    assert "unfinished" not in {note.code for note in curves.notes}


# The shipped export -------------------------------------------------------------------------------


def test_the_shipped_export_holds_runs_of_the_digits():
    examples = FOLDER.parents[3] / "forecaster" / "examples"
    columns = {
        "n": "train_size",
        "error": "test/error",
        "architecture": "model",
        "seed": "seed",
        "n_test": "test/cases",
    }
    found = import_runs(examples / "runs.csv", columns=columns, constants={"domain": "d"}).table
    keys = ["architecture", "n", "seed"]
    measured = pd.read_csv(examples / "digits.csv").astype({"seed": str, "n": float})
    both = found.merge(measured, on=keys, how="left", suffixes=("", "_measured"), validate="one_to_one")
    assert len(both) == 63
    assert both["error"].tolist() == pytest.approx(both["error_measured"].tolist())
    assert both["n_test"].tolist() == both["n_test_measured"].tolist()
