"""Every command that a message prints can be pasted: it is run, and those that it prints, until one is done."""

from __future__ import annotations

import gzip
import json
import shlex

import numpy as np
import pytest
from typer.testing import CliRunner

from forecaster.cli.main import app

N = (100, 1000, 10000)
WORD_ERRORS = "30 s,91.1\n10 min,50.2\n1 h,31.5\n10 h,20.9\n"
RUNS = "".join(f"run-{n}-{s},finished,{n},{s},{3 * n**-0.1 + s / 100:.4f}\n" for n in N for s in (0, 1))


def rows(header, *columns):
    return "\n".join([header, *(",".join(map(str, row)) for row in zip(*columns, strict=True))])


TABLES = {
    "plain names.csv": rows("train_rows,cv_MAE,train_MAE", N, (958, 430, 339), (592, 346, 271)),
    "semicolons.csv": 'size;rmse\n"1.000";"0,52"\n"2.000";"0,44"\n"10.000";"0,31"\n',
    "either mark.csv": "size;rmse\n1.000;520\n2.000;440\n10.000;310\n",
    "accuracy.csv": rows("config.model,config.train_size,val/acc", "mmm", N, (52.4, 62.1, 69.9)),
    "scores.tsv": "Documents in training\tRecall\tF1 score\n295\t.17\t.10\n591\t.21\t.12\n886\t.23\t.14\n",
    "negative.csv": rows("Model,N_train,Test R2", "mmm", N, (-0.4, 0.1, 0.3)),
    "negated.csv": rows("train_sizes,test_neg_mse", N, (-5, -4, -3)),
    "per cent.csv": rows("model,train size,F1", "mmm", ("1%", "10%", "100%"), ("61 ± 2", "72 ± 1", "87 ± 0.5")),
    "hours.csv": "speech,test_WER\n" + WORD_ERRORS,
    "letters.csv": rows("tokens_seen,macro_loss", ("75.3 B", "220 B", "542 B"), (3.24, 2.95, 2.75)),
    "models.csv": rows("train_size,resnet,vit", N, (0.5, 0.3, 0.2), (0.6, 0.35, 0.15)),
    "sizes.csv": "Method,100,1k,10k\nBERT,.5,.4,.3\nGPT,.6,.45,.2\n",
    "chart.csv": rows("Step,a - val/loss,a - val/loss__MIN,b - val/loss", (0, 5, 10, 20), *[(5, 4, 3, 2)] * 3),
    "conditions.csv": rows(
        "rule,method,rows,rmse", ["x"] * 3 + ["y"] * 3, ["m"] * 6, N * 2, np.round(np.linspace(0.5, 0.1, 6), 2)
    ),
    "runs.csv": "Name,State,data.size,seed,val/loss\n" + RUNS + "run-x,crashed,500,0,\n",
    "splits.csv": rows("split,n,error,model", ["train"] * 3 + ["val"] * 3, N * 2, [0.1] * 3 + [0.5, 0.4, 0.3], "m" * 6),
    "metrics.csv": rows("metric,n,value,model", ["f1"] * 3 + ["mae"] * 3, N * 2, [0.1, 0.2, 0.3, 5, 4, 3], "m" * 6),
    "unknown.csv": rows("Umfang,Fehler", N, (0.5, 0.4, 0.3)),
    "params.csv": rows("params,tokens,loss", ["70M"] * 3 + ["1B"] * 3, N * 2, [3, 2.5, 2.2, 2.8, 2.2, 1.9]),
    "fractions.csv": rows("fraction,accuracy", (0.1, 0.5, 1.0), (0.6, 0.7, 0.8)),
    "records.jsonl": "\n".join(json.dumps({"config": {"n_train": n}, "eval": {"loss": n**-0.1}}) for n in N),
    "packed.csv.gz": gzip.compress(rows("n_train,err", N, (0.5, 0.4, 0.3)).encode("utf-16")),
    "ours.csv": rows("domain,architecture,n,error", "ddd", "aaa", N, (0.5, 0.4, 0.3)),
    "steps.csv": rows(
        "iter,train_loss,val_mIoU,val_abs_rel", (200, 400, 800), ("", "", ""), (32, 54, 72), (2.2, 0.3, 0.2)
    ),
}


def run(*arguments):
    """Result of ``forecaster ARGUMENTS``, in this process."""
    return CliRunner().invoke(app, [str(a) for a in arguments], prog_name="forecaster")


def printed(done):
    """The commands that were printed, each on its own line."""
    said = done.stdout.splitlines() + done.stderr.splitlines()
    return [shlex.split(line)[1:] for line in said if line.startswith("  forecaster ")]


def ends(arguments, left=3):
    """The results that a command, and all that it suggests, end in."""
    done = run(*arguments)
    assert done.exception is None or isinstance(done.exception, SystemExit), arguments
    if done.exit_code == 0:
        return [done]
    assert done.exit_code == 1, done.output
    suggested = printed(done)
    assert suggested, done.output
    assert left, f"no end: {done.output}"
    return [end for command in suggested for end in ends(command, left - 1)]


@pytest.mark.parametrize("name", TABLES)
def test_what_is_suggested_ends_in_curves_and_in_a_command_that_gives_them_again(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = TABLES[name]
    (tmp_path / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    for done in ends(["validate", name, "--json"]):
        assert "can be fitted" in done.stdout
    for done in ends(["validate", name]):
        (again,) = printed(done)
        assert run(*again).stdout == done.stdout


def test_a_suggestion_keeps_the_verb_and_its_other_options(tmp_path):
    path = tmp_path / "my table.csv"
    path.write_text(TABLES["accuracy.csv"])
    others = ["--at", "100k,1M", "--seed", "3", "--no-cache", "--card", "generic"]
    done = run("forecast", path, *others, "--domain", "image")
    (command,) = printed(done)
    assert command[:2] == ["forecast", str(path)]
    assert set(others) <= set(command)
    assert command[command.index("--domain") + 1] == "image"
    assert command.count("--domain") == 1
    assert "--percent" in command
    assert command[command.index("--score") + 1] == "accuracy"


def test_names_that_choose_are_kept_beside_those_that_name_all_rows(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(rows("architecture,train_rows,rmse", "mmm", N, (0.5, 0.4, 0.3)))
    (command,) = printed(run("check", path, "--architecture", "m"))
    assert command.count("--architecture") == 1
    assert command[command.index("--architecture") + 1] == "m"
    assert run("validate", *command[1:]).exit_code == 0


def test_values_for_all_rows_are_options(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(rows("domain,architecture,n,error", "ddd", "aaa", N, (0.5, 0.4, 0.3)))
    options = ["--metric", "top-1 error", "--n-test", "10k", "--repeats", "3", "--error-sd", "0.01"]
    done = run("validate", path, *options)
    (again,) = printed(done)
    assert run(*again).stdout == done.stdout
    assert [again[again.index(option) + 1] for option in options[::2]] == ["top-1 error", "10000", "3", "0.01"]
    assert run("validate", path, "--n-test", "none").exit_code == 2


def test_what_was_understood_is_said(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(TABLES["accuracy.csv"])
    (command,) = printed(run("validate", path))
    said = " ".join(run(*command).stdout.split())
    assert "n is 'config.train_size'" in said
    assert "error is 1 - accuracy / 100 of 'val/acc'" in said
    assert "domain is 'NAME' for all rows" in said


@pytest.mark.parametrize(
    "options", [["--score", "loss"], ["--where", "x"], ["--accuracy", "--score", "f1"], ["--columns", "x"]]
)
def test_options_that_make_no_sense_are_wrong_usage(options, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(TABLES["ours.csv"])
    assert run("validate", path, *options).exit_code == 2


def test_how_a_table_is_read_is_no_option_of_a_posterior(digits_file):
    for options in (["--score", "f1"], ["--percent"], ["--where", "a=b"], ["--n-test", "10"], ["--wide", "models"]):
        done = run("validate", digits_file, *options)
        assert done.exit_code == 2
        assert f"found {options[0]} beside a saved posterior" in done.stderr
