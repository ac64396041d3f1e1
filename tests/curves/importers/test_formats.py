"""Formats: every fixture reads into the curves that its program measured, and no format claims another's files."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from helpers.exports import EXPECTED, FIXTURES, FOLDER

from forecaster.curves.importers import formats
from forecaster.curves.importers.import_runs import import_runs
from forecaster.curves.importers.seen import Seen, label_of
from forecaster.errors import CurveFileError, OptionError

NAMED = pytest.mark.parametrize("fixture", FIXTURES, ids=lambda fixture: fixture.path)
MANY = [fixture for fixture in FIXTURES if not fixture.single]


def errors_of(table):
    """Errors by architecture and size."""
    return {(a, n): e for a, n, e in zip(table["architecture"], table["n"], table["error"], strict=True)}


def files():
    """Every file of the fixtures that may be an export, with the folder's name; runs of MLflow as folders."""
    for path in sorted(FOLDER.rglob("*")):
        inside = path.relative_to(FOLDER).parts
        run = inside[0] == "mlruns" and len(inside) == 3 and path.is_dir()
        exported = path.is_file() and inside[0] != "mlruns" and path.suffix != ".yaml" and path.name != "expected.json"
        if run or exported:
            yield inside[0], path


@NAMED
def test_it_reads_into_the_right_curves(fixture):
    found = import_runs(fixture.at, **fixture.options())
    assert found.format == fixture.format
    assert found.dropped == fixture.dropped
    expected = fixture.expected()
    assert errors_of(found.table) == pytest.approx(expected, rel=fixture.near)
    assert found.runs == len(expected) + sum(fixture.dropped.values())


@pytest.mark.parametrize("fixture", MANY, ids=lambda fixture: fixture.path)
def test_the_best_point_is_the_best_that_was_measured(fixture):
    found = import_runs(fixture.at, **fixture.options(take="best"))
    assert errors_of(found.table) == pytest.approx(fixture.expected("best"), rel=fixture.near)
    assert (found.optimism is None) == (fixture.path == "huggingface")  # which has two points a run


def test_every_writer_has_its_fixture():
    assert {fixture.writer for fixture in FIXTURES} == set(EXPECTED)
    assert {fixture.format for fixture in FIXTURES} == {form.id for form in formats.FORMATS}


@pytest.mark.parametrize(("top", "path"), list(files()), ids=lambda part: getattr(part, "name", part))
def test_one_format_alone_claims_a_file(top, path):
    claims = [form.id for form in formats.FORMATS if form.claims(Seen(path, label_of(path, path)))]
    assert claims == [fixture.format for fixture in FIXTURES if fixture.path == top]


@pytest.mark.parametrize(
    "path",
    ["forecaster/examples/digits.csv", "forecaster/examples/grid.csv", "forecaster/examples/costs.toml", "README.md"],
)
def test_what_no_tracker_wrote_is_nobodys(path):
    path = FOLDER.parents[3] / path
    assert formats.format_of(Seen(path, "x")) is None
    with pytest.raises(CurveFileError):
        import_runs(path)


@pytest.mark.parametrize(
    ("name", "content", "seen"),
    [
        ("a.csv", b"alpha,beta\n1,2\n", ["alpha", "beta"]),
        ("a.json", b'{"gamma": 1, "delta": [2]}', ["gamma", "delta"]),
        ("a.jsonl", b'{"gamma": 1}\n{"gamma": 2}\n', ["gamma"]),
        ("a.bin", b"\x80\x04\x95abc\x00\x00\x00\x00", ["\\x80\\x04"]),
        ("a.npz", b"PK\x03\x04nothing", ["zip"]),
        ("a.parquet", b"PAR1nothing", ["Parquet"]),
        ("a.db", b"SQLite format 3\0nothing", ["SQLite"]),
        ("run.wandb", b":W&B\x0f\xbe\x00\x00\x00\x00\x00", ["W&B", "sync"]),
        ("empty.csv", b"", ["no bytes"]),
    ],
)
def test_an_unknown_file_is_answered_with_what_was_seen(tmp_path, name, content, seen):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(CurveFileError) as refused:
        import_runs(path)
    said = str(refused.value)
    assert [word for word in seen if word not in said] == []
    assert str(path) in said


def test_a_folder_without_exports_tells_what_is_in_it(tmp_path):
    (tmp_path / "weights.npz").write_bytes(b"PK\x03\x04")
    (tmp_path / "words.txt").write_text("alpha beta\n")
    with pytest.raises(CurveFileError, match=r"weights\.npz"):
        import_runs(tmp_path)
    with pytest.raises(CurveFileError, match="no such file"):
        import_runs(tmp_path / "none")


def test_a_folder_with_exports_of_two_kinds_asks_which(tmp_path):
    for name in ("keras", "lightning"):
        shutil.copytree(FOLDER / name, tmp_path / name)
    with pytest.raises(CurveFileError) as refused:
        import_runs(tmp_path)
    assert all(word in str(refused.value) for word in ("keras", "lightning", "--format"))
    assert formats.find([tmp_path], "keras").format.id == "keras"
    with pytest.raises(CurveFileError, match="no mlflow-runs"):
        formats.find([tmp_path], "mlflow-runs")
    with pytest.raises(OptionError, match="lightning"):
        formats.find([tmp_path], "lightening")


def test_several_files_are_one_import():
    some = sorted((FOLDER / "keras").iterdir())
    assert len(formats.find(some).export.names) == len(some)


def test_a_damaged_file_is_named(tmp_path):
    state = json.loads((FOLDER / "huggingface/line-n64/trainer_state.json").read_text())
    state["log_history"][0]["step"] = "soon"
    path = tmp_path / "trainer_state.json"
    path.write_text(json.dumps(state))
    with pytest.raises(CurveFileError, match="soon") as refused:
        import_runs(path)
    assert str(path) in str(refused.value)


# What single formats promise ------------------------------------------------------------------------


def test_checkpoints_are_copies_of_one_run():
    found = formats.find([FOLDER / "huggingface"])
    assert found.files > len(found.export.names) == 3


def test_cases_and_direction_of_lm_eval(tmp_path):
    """Of a mean of other scores, as many cases as give a share its standard error."""
    path = next((FOLDER / "lm_eval").rglob("*.json"))
    value = json.loads(path.read_text())
    value["results"]["toy_choice"] |= {
        "bleu,none": 0.4,
        "bleu_stderr,none": 0.01,
        "ppl,none": 12.5,
        "ppl_stderr,none": "N/A",
    }
    value["higher_is_better"]["toy_choice"] |= {"bleu": True, "ppl": False}
    changed = tmp_path / path.name
    changed.write_text(json.dumps(value))
    table = formats.find([changed]).export.table.set_index("measure")
    acc = value["results"]["toy_choice"]["acc,none"]
    assert table.loc["acc", "error"] == pytest.approx(1 - acc)
    assert table.loc["acc", "n_test"] == 40
    assert table.loc["ppl", "error"] == 12.5
    share = table.loc["bleu", "n_test"] - 1
    assert np.sqrt(0.4 * 0.6 / share) == pytest.approx(0.01, rel=1e-3)


def test_folds_are_averaged(tmp_path):
    scores = np.array([[0.5, 0.7], [0.8, 0.9], [0.9, np.nan]])
    path = tmp_path / "tree.npz"
    np.savez(path, train_sizes=[10, 20, 40], train_scores=scores, test_scores=scores)
    found = import_runs(path, columns={"architecture": "run"}, constants={"domain": "d"}, score="accuracy")
    assert found.table["error"].tolist() == pytest.approx([0.4, 0.15, 0.1])
    assert found.table["error_sd"].tolist()[:2] == pytest.approx(
        [np.std([0.5, 0.7], ddof=1), np.std([0.8, 0.9], ddof=1)]
    )
    assert found.table["repeats"].tolist() == [2, 2, 1]
    assert set(found.table["architecture"]) == {"tree"}


def test_a_pickle_in_an_npz_is_not_opened(tmp_path):
    path = tmp_path / "tree.npz"
    np.savez(path, train_sizes=np.array([{}], dtype=object), test_scores=np.array([[1.0]]))
    with pytest.raises(CurveFileError):
        import_runs(path)


def test_names_of_files_say_run_and_tag():
    found = formats.find([FOLDER / "tensorboard_csv"]).export
    assert {"val_loss", "train_loss", "step"} == set(found.table)
    assert len(found.names) == 8


def test_dicts_of_the_api_are_spread_out_though_python_wrote_them():
    table = formats.find([FOLDER / "wandb_api.csv"]).export.table
    assert {"config.data.train_size", "config.lr", "summary.val.loss", "summary.train/grad_norm"} <= set(table)


def test_runs_of_one_name_stay_two(tmp_path):
    table = pd.read_csv(FOLDER / "wandb_runs.csv").assign(Name="same", State="finished")
    table["val/loss"] = table["val/loss"].fillna(0.5)
    path = tmp_path / "runs.csv"
    table.to_csv(path, index=False)
    columns = {"n": "train_size", "error": "val/loss", "architecture": "model"}
    found = import_runs(path, columns=columns, constants={"domain": "d"})
    assert found.table["run"].is_unique
