"""What was asked, turned into curves, sizes and verdicts: choices are honoured, or refused by name."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import pytest
from helpers.synthetic import posterior, values
from typer.testing import CliRunner

from forecaster.cli import remarks, source
from forecaster.cli.choosing import Choice
from forecaster.cli.main import app
from forecaster.errors import RequestError

QUESTIONS = {
    "forecast": ["--at", "2400,12000"],
    "requirement": ["--target", "0.01", "--limit", "1e5"],
    "check": ["--at", "12000"],
}


def run(*arguments):
    """Result of ``forecaster ARGUMENTS``, in this process."""
    return CliRunner().invoke(app, [str(a) for a in arguments], prog_name="forecaster")


def given(path, **reading):
    return source.read(path, source.Reading(**reading), Choice())


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
        assert "a check failed for curves that were not asked about" in done.stderr, verb
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
    assert run("validate", path).exit_code == 1
    done = run("validate", path, "--json", "--as-they-are")
    assert "error-above-one" in [note["code"] for note in parsed(done)["notes"]]
    for card, said in ((None, True), ("generic", False), ("word-language-modelling", False)):
        remarks.on_curves(given(path, as_they_are=True).curves, card)
        assert ("divide per cent by 100" in capsys.readouterr().err) == said


def test_targets_are_errors_with_accuracy_too(tmp_path, capsys):
    path = tmp_path / "curves.csv"
    path.write_text("domain,architecture,n,error\n" + "".join(f"v,cnn,{n},{1 - 9 / n}\n" for n in (20, 99, 999)))
    remarks.on_targets(given(path, score="accuracy").curves, [0.05])
    assert "0.05 is accuracy 95 %" in capsys.readouterr().err
    remarks.on_targets(given(path, as_they_are=True).curves, [0.05])
    assert capsys.readouterr().err == ""


# What is answered about, and what is fitted ---------------------------------------------------------------


@pytest.fixture
def six(tmp_path):
    """Two tasks, of three architectures each."""
    path = tmp_path / "six.csv"
    rows = [
        f"vision,{task},{net},{n},{round(k * n**-0.3, 5)}\n"
        for task in ("cats", "dogs")
        for k, net in enumerate(("cnn", "mlp", "vit"), start=1)
        for n in (100, 300, 1000, 3000)
    ]
    path.write_text("domain,task,architecture,n,error\n" + "".join(rows))
    return path


@pytest.fixture
def fitted(monkeypatch):
    """What is fitted, in place of fitting it."""
    found = []

    def fit(curves, **_):
        found.append(curves)
        return posterior({c.label: values(sd={"level": 0.05}) for c in curves.curves})

    for name in ("cache", "fit"):
        module = importlib.import_module(f"forecaster.inference.{name}")
        monkeypatch.setattr(module, {"cache": "fit_cached", "fit": "fit"}[name], fit)
    return found


ASKED = {
    "fit": [],
    "forecast": ["--at", "100k"],
    "requirement": ["--target", "0.05"],
    "compare": [],
    "check": [],
}


@pytest.mark.parametrize("verb", ASKED)
def test_an_architecture_is_answered_about_and_fitted_with_the_others_of_its_task(verb, six, fitted):
    names = ["--task", "cats", "--architecture", "cnn"]
    done = run(verb, six, *ASKED[verb], *names)
    assert done.exit_code in (0, 3), done.output
    (curves,) = fitted
    assert [c.label for c in curves.curves] == [f"vision/cats/{net}" for net in ("cnn", "mlp", "vit")]
    said = " ".join(done.stdout.split())
    assert "2 other architectures" in said
    found = parsed(run(verb, six, *ASKED[verb], *names, "--json"))
    assert "Fitted with 2 other architectures" in found["text"]
    about = {row.get("architecture", row.get("a")) for row in found["table" if verb != "check" else "fit"]}
    assert about == {"cnn"}
    whole = run(verb, six, *ASKED[verb], "--task", "cats")
    assert "Fitted with" not in whole.stdout


@pytest.mark.parametrize("verb", ASKED)
def test_what_is_left_out_is_not_fitted(verb, six, fitted):
    done = run(verb, six, *ASKED[verb], "--leave-out", "mlp", "--leave-out", "vision/dogs/vit", "--json")
    assert done.exit_code in (0, 3), done.output
    (curves,) = fitted
    assert [c.label for c in curves.curves] == ["vision/cats/cnn", "vision/cats/vit", "vision/dogs/cnn"]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["--leave-out", "resnet"], "found no curve 'resnet' to leave out; expected an architecture"),
        (["--leave-out", "cnn", "--leave-out", "mlp", "--leave-out", "vit"], "found no curve that is not left out"),
        (["--leave-out", "mlp", "--architecture", "mlp"], "found no architecture mlp; expected one of cnn, vit"),
    ],
)
def test_what_cannot_be_left_out_is_refused_before_any_fit(names, said, six, fitted):
    done = run("forecast", six, "--at", "1e5", *names)
    assert done.exit_code == 1
    assert said in " ".join(done.stderr.split())
    assert fitted == []


def test_nothing_is_left_out_of_a_posterior(digits_file):
    done = run("forecast", digits_file, "--at", "1e5", "--leave-out", "mlp")
    assert (done.exit_code, "found --leave-out beside a saved posterior" in done.stderr) == (2, True)


def test_what_is_asked_about_among_several_is_compared(six, fitted):
    two = ["--task", "cats", "--architecture", "cnn", "--architecture", "vit", "--json"]
    found = parsed(run("compare", six, *two))
    (row,) = found["crossings"]
    assert {row["a"], row["b"]} == {row["architecture"] for row in found["best"]} == {"cnn", "vit"}
    both = parsed(run("compare", six, *two[2:]))["crossings"]
    assert [(row["task"], {row["a"], row["b"]}) for row in both] == [("cats", {"cnn", "vit"}), ("dogs", {"cnn", "vit"})]
    assert {row["level"] for row in parsed(run("compare", six, "--level", "0.5", "--json"))["table"]} == {0.5}


@pytest.mark.parametrize("names", [["--leave-out", "mlp", "--leave-out", "vit"], []])
def test_a_single_architecture_is_refused_before_any_fit(names, six, fitted, tmp_path):
    alone = tmp_path / "alone.csv"
    alone.write_text(
        "".join(line for line in six.read_text().splitlines(True) if "mlp" not in line and "vit" not in line)
    )
    done = run("compare", six if names else alone, *names)
    assert done.exit_code == 1
    assert "nothing to compare: found cnn alone in its task" in " ".join(done.stderr.split())
    assert fitted == []


def test_a_memo_of_some_says_what_to_leave_out(six, fitted, tmp_path):
    done = run("memo", six, "-o", tmp_path / "new", "--architecture", "cnn")
    assert "`--leave-out mlp --leave-out vit` in its place" in " ".join(done.stderr.split())
    assert fitted == []


def test_a_file_is_read_once(six, monkeypatch):
    read, before = [], Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda self: read.append(self) or before(self))
    done = run("validate", six, "--domain", "vision", "--accuracy", "--json")
    assert done.exit_code in (0, 1)
    assert read == [six]


def test_the_largest_size_is_a_limit_and_a_budget_is_money(six, fitted):
    done = run("requirement", six, "--target", "0.05", "--budget", "1e6")
    assert done.exit_code == 2
    assert "--limit 1e6" in " ".join(done.stderr.replace("│", " ").split())
    assert fitted == []
    assert "--budget" not in run("requirement", "--help").stdout
    rows = parsed(run("requirement", six, "--target", "0.05", "--limit", "1.5M", "--json"))["table"]
    assert {row["limit"] for row in rows} == {1.5e6}


def test_validating_samples_nothing_and_does_not_ask_how():
    said = run("validate", "--help").stdout
    for option in ("--engine", "--seed", "--cache"):
        assert option not in said
        assert option in run("forecast", "--help").stdout
