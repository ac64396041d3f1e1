"""What was asked, turned into curves, sizes and verdicts: choices are honoured, or refused by name."""

from __future__ import annotations

import importlib
import json
import sys

import pytest
from helpers.synthetic import posterior, values
from typer.testing import CliRunner

from forecaster.cli import source
from forecaster.cli.main import app
from forecaster.errors import RequestError

QUESTIONS = {
    "forecast": ["--at", "2400,12000"],
    "requirement": ["--target", "0.01", "--budget", "1e5"],
    "check": ["--at", "12000"],
}


def run(*arguments):
    """Result of ``forecaster ARGUMENTS``, in this process."""
    return CliRunner().invoke(app, [str(a) for a in arguments], prog_name="forecaster")


def parsed(done):
    return json.loads(done.stdout, parse_constant=pytest.fail)


def test_checks_of_chosen_architectures_are_about_these(tmp_path):
    """One chain of four elsewhere in one curve of three: R-hat fails of that one."""
    drawn = values(400, log_drift=-2.5, log_noise=-2.0, sd={"level": 0.05})
    apart = drawn.copy()
    apart[:100] += 1.0
    path = posterior({"cnn": apart, "mlp": drawn, "vit": drawn}).save(tmp_path / "three.nc")
    others = ["--architecture", "mlp", "--architecture", "vit", "--json"]
    for verb, options in QUESTIONS.items():
        done = run(verb, path, *options, *others)
        assert done.exit_code == 0, verb
        assert "cnn" not in done.stdout, verb
        assert "a check says FAIL of curves not asked about" in done.stderr, verb
        own = run(verb, path, *options, "--architecture", "cnn")
        assert own.exit_code == 3, verb
        assert "not asked about" not in own.stderr, verb
    found = parsed(run("check", path, *QUESTIONS["check"], *others))
    assert {row["architecture"] for name in ("fit", "fit_points", "sensitivity") for row in found[name]} == {
        "mlp",
        "vit",
    }
    whole = parsed(run("check", path, *QUESTIONS["check"], "--json"))
    assert [row["name"] for row in found["checks"]] == [row["name"] for row in whole["checks"]]


def test_points_of_a_table_are_chosen_by_architecture(digits_file, tmp_path):
    points = tmp_path / "points.csv"
    key = "tabular-classification,digits"
    points.write_text(f"domain,task,architecture,n\n{key},mlp,5000\n{key},rbf-svm,5000\n")
    done = run("forecast", digits_file, "--at", points, "--architecture", "mlp", "--json")
    assert [row["architecture"] for row in parsed(done)["table"]] == ["mlp"]


def test_a_forecast_below_the_smallest_measured_size_is_noted(digits_file):
    below, within = (run("forecast", digits_file, "--at", size, "--json") for size in ("5,1e4", "1200,1e4"))
    assert "below its smallest measured size" in below.stderr
    assert "below" not in within.stderr
    assert below.stderr.count("Note: ") == 1  # said once of all three


def test_a_posterior_gives_its_curves_to_validate_and_backtest(digits_curves, digits_file, monkeypatch):
    found = parsed(run("validate", digits_file, "--architecture", "mlp", "--json"))
    (row,) = found["table"]
    assert (row["architecture"], row["points"]) == ("mlp", len(digits_curves.select(architecture="mlp").table))
    assert row["card"] == "tabular-classification"
    asked = []
    importlib.import_module("forecaster.evaluation.backtest")

    def backtest(curves, **options):
        asked.append((curves, options))
        raise RequestError("seen")

    monkeypatch.setattr(sys.modules["forecaster.evaluation.backtest"], "backtest", backtest)
    assert "seen" in run("backtest", digits_file, "--hide", "0.5").stderr
    ((curves, options),) = asked
    assert curves.data_hash == digits_curves.data_hash
    (card,) = options["card"].values()
    assert card.name == "tabular-classification"


def test_errors_above_one_are_noted_where_the_card_calls_them_shares(tmp_path, capsys):
    path = tmp_path / "curves.csv"
    rows = "".join(f"image classification top1,cnn,{n},{e}\n" for n, e in ((10, 140), (99, 70), (999, 40)))
    path.write_text("domain,architecture,n,error\n" + rows)
    done = run("validate", path, "--json")
    assert "error-above-one" in [note["code"] for note in parsed(done)["notes"]]
    for card, said in ((None, True), ("generic", False), ("word-language-modelling", False)):
        source.say_notes(source.Source(path).curves(), card)
        assert ("divide per cent by 100" in capsys.readouterr().err) == said


def test_targets_are_errors_with_accuracy_too(tmp_path, capsys):
    path = tmp_path / "curves.csv"
    path.write_text("domain,architecture,n,error\n" + "".join(f"v,cnn,{n},{1 - 9 / n}\n" for n in (20, 99, 999)))
    source.check_targets(source.Source(path, accuracy=True), [0.05])
    assert "0.05 is an accuracy of 95.00%" in capsys.readouterr().err
    source.check_targets(source.Source(path), [0.05])
    assert capsys.readouterr().err == ""
