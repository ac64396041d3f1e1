"""The command line: quick to start, one JSON object, clear refusals, the documented exit codes."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from helpers.synthetic import posterior, values
from rich.cells import cell_len
from rich.console import Console
from typer.testing import CliRunner

from forecaster.cli import checking, console, source, tables
from forecaster.cli.choosing import Choice
from forecaster.cli.main import app
from forecaster.comparison.comparison import FEWER
from forecaster.inference import cache
from forecaster.results.check import Check
from forecaster.results.message import message

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "forecaster" / "examples" / "digits.csv"
VERBS = [
    "import",
    "validate",
    "fit",
    "forecast",
    "requirement",
    "compare",
    "check",
    "floor",
    "downstream",
    "surface",
    "effect",
    "screen",
    "decide",
    "growth",
    "next",
    "measure",
    "triage",
    "testset",
    "backtest",
    "watch",
    "update",
    "register",
    "score",
    "verify",
    "memo",
    "demo",
    "domains",
    "inspect",
    "cache",
]
QUESTIONS = {
    "forecast": ["--at", "2400,12000"],
    "requirement": ["--target", "0.01,0.005", "--limit", "1e5"],
    "compare": ["--at", "2400"],
    "check": ["--at", "12000"],
}


def run(*arguments):
    """Result of ``forecaster ARGUMENTS``, in this process."""
    return CliRunner().invoke(app, [str(a) for a in arguments], prog_name="forecaster")


def documented():
    """``{"forecast": {"table": {"domain", ...}}}`` as docs/json.md says it."""
    text = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
    found: dict[str, dict[str, set[str]]] = {}
    for section in re.split(r"^## ", text, flags=re.M)[1:]:
        verb, _, body = section.partition("\n")
        lists = re.finditer(r"Rows\s+of\s+`(\w+)`.*?\n\n((?:\|[^\n]*\n?)+)", body, flags=re.S)
        found[verb] = {
            m[1]: {key for line in m[2].splitlines()[2:] for key in re.findall(r"`([^`*]+)`", line.split("|")[1])}
            for m in lists
        }
    return found


DOCUMENTED = documented()
SOMETIMES = {"note"}  # only in tables with a curve that cannot be forecast
PRICED = {"resources"}  # tables that need a price list, or what runs took


def parsed(done):
    """The one JSON object on stdout."""
    assert done.stdout.count("\n") == 1, done.stdout
    return json.loads(done.stdout, parse_constant=pytest.fail)


def assert_documented(found, section):
    assert {"schema", "command", "checks", "text", "table"} <= set(found)
    assert found["schema"] == "forecaster/1"
    assert found["command"] == section.split()[0]
    for name, keys in DOCUMENTED[section].items():
        assert found[name] or name in PRICED, name
        for row in found[name]:
            assert set(row) == keys - SOMETIMES


# Starting --------------------------------------------------------------------------------------------


def test_starting_imports_nothing_heavy():
    heavy = ["numpy", "pandas", "jax", "pymc", "arviz", "xarray", "scipy", "matplotlib", "msgspec", "rich"]
    code = f"import sys, forecaster.cli.main; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_saved_posterior_is_asked_without_jax(digits_file):
    """Which would take most of a second to load, and is asked for by packages that merely allow for it."""
    arguments = ["forecast", str(digits_file), "--at", "2400"]
    code = f"import sys; from forecaster.cli.main import app; app({arguments!r}, standalone_mode=False)"
    code += "; print('jax._src' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"


def test_version():
    from forecaster import __version__

    assert __version__ in run("--version").stdout


def test_these_are_all_verbs():
    assert {command.callback.__name__ for command in app.registered_commands} == set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_and_is_documented(verb):
    done = run(verb, "--help")
    assert done.exit_code == 0
    assert "--json" in done.stdout
    assert f"`forecaster {verb}" in (ROOT / "docs" / "how-to" / "command-line.md").read_text(encoding="utf-8")
    assert verb in DOCUMENTED


@pytest.mark.parametrize("arguments", [["forecast", "x.csv"], ["fit", "x.csv", "--engine", "magic"], ["nonsense"]])
def test_wrong_usage_exits_with_2(arguments):
    assert run(*arguments).exit_code == 2


# Results ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", QUESTIONS)
def test_questions_answer_in_documented_json(verb, digits_file):
    done = run(verb, digits_file, *QUESTIONS[verb], "--json")
    assert done.exit_code in (0, 3), done.stderr
    assert_documented(parsed(done), verb)


@pytest.mark.parametrize("verb", ["forecast", "requirement", "check"])
def test_the_record_can_be_left_out(verb, digits_file):
    found = parsed(run(verb, digits_file, *QUESTIONS[verb], "--no-record", "--json"))
    assert found["record"] == []
    assert found["record_total"] == {}
    assert not {"record", "pooling"} & {check["id"] for check in found["checks"]}


@pytest.mark.parametrize("verb", QUESTIONS)
def test_questions_answer_in_words_and_fit_the_width(verb, digits_file, tmp_path):
    table = tmp_path / "table.csv"
    done = run(verb, digits_file, *QUESTIONS[verb], "-o", table)
    assert done.exit_code in (0, 3), done.stderr
    assert "rbf-svm" in done.stdout or verb == "check"
    assert max(map(len, done.stdout.splitlines())) <= console.WIDTH
    assert DOCUMENTED[verb]["table"] - SOMETIMES == set(pd.read_csv(table).columns)


def test_other_verbs_answer_in_documented_json(digits_file, tmp_path):
    for section, arguments in {
        "validate": ["validate", EXAMPLE],
        "domains": ["domains"],
        "domains NAME": ["domains", "generic"],
        "inspect": ["inspect", digits_file],
        "fit": ["fit", digits_file],
    }.items():
        done = run(*arguments, "--json")
        assert done.exit_code in (0, 3), done.stderr
        assert_documented(parsed(done), section)


def test_a_memo_writes_the_files_that_its_json_names(digits_file, tmp_path):
    done = run("memo", digits_file, "-o", tmp_path / "new" / "folder", "--target", "0.01", "--json")
    assert done.exit_code in (0, 3), done.stderr
    found = parsed(done)
    assert_documented(found, "memo")
    files = [Path(row["file"]) for row in found["table"]]
    assert {".md", ".html"} <= {path.suffix for path in files}
    assert all(path.stat().st_size > 0 for path in files)
    assert not [path for path in files if path.name.endswith("-page.html")]


def test_a_memo_with_its_page_opens_it_with_the_question_that_was_asked(digits_file, tmp_path):
    costs = tmp_path / "costs.toml"
    costs.write_text(PRICES)
    done = run("memo", digits_file, "-o", tmp_path, "--page", "--target", "0.01", "--costs", costs, "--json")
    assert done.exit_code in (0, 3), done.stderr
    (page,) = [Path(row["file"]) for row in parsed(done)["table"] if row["file"].endswith("-page.html")]
    (told,) = re.findall(r'<script id="data" type="application/json">(.*?)</script>', page.read_text(), re.S)
    data = json.loads(told)
    assert data["question"]["target"] == 0.01
    assert data["prices"]["items_per_week"] == 2000
    options = pd.read_csv(tmp_path / f"{digits_file.stem}-tables" / "options.csv")
    assert data["question"]["n"] in options["n"].tolist()


PRICES = 'currency = "EUR"\nper_item = 0.5\nitems_per_week = 2000\n'


def test_a_memo_in_money_has_the_options_of_decide(digits_file, tmp_path):
    costs = tmp_path / "costs.toml"
    costs.write_text(PRICES)
    asked = ["--costs", costs, "--at", "2400,12000", "--target", "0.003", "--penalty", "20000"]
    done = run("memo", digits_file, "-o", tmp_path / "memo", *asked, "--json")
    assert done.exit_code in (0, 3), done.stderr
    stem = digits_file.stem
    assert tmp_path / "memo" / f"{stem}-tables" / "options.csv" in {Path(row["file"]) for row in parsed(done)["table"]}
    options = pd.read_csv(tmp_path / "memo" / f"{stem}-tables" / "options.csv")
    found = parsed(run("decide", digits_file, *asked, "--json"))["table"]
    for name in ("n", "cost", "yhat", "p_target", "loss_mean", "best"):
        assert options[name].tolist() == pytest.approx([row[name] for row in found], nan_ok=True), name
    assert "EUR" in (tmp_path / "memo" / f"{stem}.html").read_text()


def test_a_memo_of_several_tasks_has_no_price_list_for_all(tmp_path):
    curves = {f"vision/{task}/cnn": values(400) for task in "ab"}
    path, costs = posterior(curves).save(tmp_path / "two.nc"), tmp_path / "costs.toml"
    costs.write_text(PRICES)
    asked = ["memo", path, "-o", tmp_path / "memo", "--costs", costs, "--target", "0.1", "--penalty", "10"]
    done = run(*asked)
    assert done.exit_code == 1
    assert "--task" in done.stderr
    assert not (tmp_path / "memo").exists()
    assert run(*asked, "--task", "a").exit_code in (0, 3)


def test_filters_choose_what_is_answered(digits_file):
    done = run("forecast", digits_file, "--at", "1e4", "--architecture", "rbf-svm", "--architecture", "mlp", "--json")
    assert [row["architecture"] for row in parsed(done)["table"]] == ["mlp", "rbf-svm"]
    done = run("requirement", digits_file, "--target", "0.01", "--architecture", "mlp", "--json")
    assert [row["architecture"] for row in parsed(done)["table"]] == ["mlp"]
    done = run("compare", digits_file, "--architecture", "mlp", "--json")
    assert {(row["a"], row["b"]) for row in parsed(done)["table"]} == {
        ("mlp", "nearest-neighbours"),
        ("mlp", "rbf-svm"),
    }


def test_a_task_of_a_posterior_is_judged_by_itself(tmp_path):
    """What is the matter with another task neither shows nor counts."""
    drawn = values(400, log_drift=-2.5, log_noise=-2.0, sd={"level": 0.05})
    apart = drawn.copy()
    apart[:100] += 1.0  # one chain of four elsewhere
    curves = {f"vision/{task}/{net}": v for task, v in (("a", drawn), ("b", apart)) for net in ("cnn", "mlp")}
    path = posterior(curves).save(tmp_path / "two.nc")
    for verb, options in QUESTIONS.items():
        both = run(verb, path, *options)
        assert (both.exit_code, "R-hat" in both.stderr + both.stdout) == (3, True), verb
        alone = run(verb, path, *options, "--task", "a", "--json")
        assert alone.exit_code == 0, alone.output
        assert "vision/b" not in alone.stdout + alone.stderr


def test_points_may_come_from_a_table_and_name_a_new_architecture(digits_file, tmp_path):
    points = tmp_path / "points.csv"
    points.write_text("domain,task,architecture,n\ntabular-classification,digits,transformer,5000\n")
    done = run("forecast", digits_file, "--at", points, "--quantiles", "0.025,0.5", "--json")
    (row,) = parsed(done)["table"]
    assert row["architecture"] == "transformer"
    assert row["q2.5"] < row["yhat_lower"] < row["q50"] < row["yhat_upper"]
    assert "no measurements" in done.stderr
    assert "was meant" not in done.stderr


def test_a_misspelt_name_in_a_table_of_points_is_pointed_out(digits_file, tmp_path):
    points = tmp_path / "points.csv"
    points.write_text("domain,task,architecture,n\ntabular-classification,digits,RBF_svm,5000\n")
    done = run("forecast", digits_file, "--at", points, "--json")
    assert "If rbf-svm was meant, correct the name" in " ".join(done.stderr.split())


def test_draws_and_figure_are_written(digits_file, tmp_path):
    import xarray as xr

    draws, figure = tmp_path / "draws.nc", tmp_path / "figure.svg"
    done = run("forecast", digits_file, "--at", "1e4", "--save-draws", draws, "--figure", figure)
    assert done.exit_code in (0, 3), done.stderr
    assert set(xr.open_dataset(draws).sizes) == {"chain", "draw", "point"}
    assert "<svg" in figure.read_text()


def test_a_fit_is_made_once(digits_curves, tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "cache_folder", lambda: tmp_path / "fits")
    fits = []
    monkeypatch.setattr(cache, "fit", lambda *a, **k: fits.append(k["seed"]) or original(*a, **k))
    first = cache.fit_cached(digits_curves)
    again = cache.fit_cached(digits_curves)
    assert fits == [0]
    assert first.curve("tabular-classification/digits/mlp").level.tolist() == (
        again.curve("tabular-classification/digits/mlp").level.tolist()
    )
    (entry,) = (tmp_path / "fits").iterdir()
    entry.write_bytes(b"damaged")
    cache.fit_cached(digits_curves)
    assert fits == [0, 0]
    assert cache.key_of(digits_curves, "generic", "jax", 0, None) != entry.stem
    assert cache.key_of(digits_curves, None, "jax", 1, None) != entry.stem


original = cache.fit


def test_a_cache_that_cannot_be_written_makes_nothing_fail(digits_curves, digits_posterior, tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setattr(cache, "cache_folder", lambda: blocked / "fits")
    monkeypatch.setattr(cache, "fit", lambda *a, **k: digits_posterior)
    assert cache.fit_cached(digits_curves) is digits_posterior


# Refusals --------------------------------------------------------------------------------------------

TURNED = ("good.csv", "--accuracy", "--as-they-are")  # errors, taken for accuracies
REFUSED = {
    "no such file": (["forecast", "none.csv", "--at", "1e6"], "no such file"),
    "no such posterior": (["forecast", "none.nc", "--at", "1e6"], "no such file"),
    "not a posterior": (["inspect", "bad.nc"], "not a posterior file"),
    "bad rows": (["forecast", "bad.csv", "--at", "1e6"], "row 3"),
    "no such points": (["forecast", "good.csv", "--at", "points.csv"], "points.csv"),
    "no such folder": (["fit", "good.csv", "-o", "none/posterior.nc"], "no folder none"),
    "no such architecture": (["validate", "good.csv", "--architecture", "mlp"], "mlp"),
    "no such split": (["validate", "good.csv", "--split", "fit"], "split"),
    "memo into a file": (["memo", "good.csv", "-o", "good.csv"], "expected a folder"),
    "memo beyond a file": (["memo", "good.csv", "-o", "good.csv/a/b"], "found a file at good.csv; expected a folder"),
    "no posterior where curves may come from one": (["validate", "bad.nc"], "not a posterior file"),
    "a memo of some architectures": (["memo", "good.csv", "-o", "new", "--architecture", "cnn"], "weighs all"),
    "money without prices": (["memo", "good.csv", "-o", "new", "--target", "0.1", "--penalty", "5"], "price list"),
    "a risk of no target": (["memo", "good.csv", "-o", "new", "--risk", "0.1"], "no target"),
    "no such price list": (["memo", "good.csv", "-o", "new", "--costs", "none.toml"], "none.toml"),
    "a memo of an unknown one": (["memo", "good.csv", "-o", "new", "--architecture", "vit"], "expected one of cnn"),
    "a check of an unknown one": (["check", "good.csv", "--architecture", "vit"], "expected one of cnn"),
    "an accuracy as target": (
        ["requirement", "good.csv", "--accuracy", "--as-they-are", "--target", "0.95"],
        "ask for --target 0.05",
    ),
    "per cent as target": (
        ["memo", "good.csv", "-o", "new", "--accuracy", "--as-they-are", "--target", "90"],
        "ask for --target 0.1",
    ),
    "too few sizes to backtest": (["backtest", "good.csv", "--hide", "1"], "needs 4 sizes of a curve"),
}

MISUSED = {  # wrong whatever the input holds
    "no share of decades": (["backtest", "good.csv", "--hide", "0"], "decades above 0"),
    "bad size": (["forecast", "good.csv", "--at", "1e6,many"], "'many'"),
    "negative size": (["forecast", "good.csv", "--at", "-5"], "'-5'"),
    "bad level": (["forecast", "good.csv", "--at", "1e6", "--level", "80"], "share between 0 and 1"),
    "bad quantile": (["forecast", "good.csv", "--at", "1e6", "--quantiles", "2"], "share between 0 and 1"),
    "bad suffix": (["forecast", "good.csv", "--at", "1e6", "-o", "table.txt"], ".csv or .parquet or .json"),
    "bad figure": (["forecast", "good.csv", "--at", "1e6", "--figure", "figure.gif"], ".png"),
    "bad target": (["requirement", "good.csv", "--target", "0"], "'0'"),
    "bad limit": (["requirement", "good.csv", "--target", "0.1", "--limit", "-1"], "--limit"),
    "bad penalty": (["memo", "good.csv", "-o", "new", "--penalty", "-5"], "amount from 0 up"),
    "bad letter after a size": (["forecast", "good.csv", "--at", "100q"], "'100q'"),
    "bad card": (["validate", "good.csv", "--card", "nonsense"], "no domain card named"),
    "bad columns": (["validate", "good.csv", "--columns", "n"], "--columns"),
    "a split of a posterior": (["fit", "bad.nc", "--split", "fit"], "fitted already"),
    "curves left out of a posterior": (["fit", "bad.nc", "--leave-out", "cnn"], "fitted already"),
    "a card for a posterior": (["check", "bad.nc", "--card", "generic"], "fitted already"),
    "no such card": (["domains", "nonsense"], "no domain card named"),
}


@pytest.mark.parametrize(
    ("arguments", "said", "code"),
    [(*case, 1) for case in REFUSED.values()] + [(*case, 2) for case in MISUSED.values()],
    ids=[*REFUSED, *MISUSED],
)
def test_bad_input_and_wrong_usage_are_refused(arguments, said, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [f"vision,cnn,{n},{e}\n" for n, e in ((100, 0.5), (1000, 0.3), (10000, 0.2))]
    Path("good.csv").write_text("domain,architecture,n,error\n" + "".join(rows))
    Path("bad.csv").write_text("domain,architecture,n,error\n" + rows[0] + "vision,cnn,10,-1\n")
    Path("bad.nc").write_text("nothing")
    before = sorted(tmp_path.rglob("*"))
    plain = run(*arguments)
    assert plain.exit_code == code, plain.output
    assert plain.stdout == ""
    assert plain.stderr.count("Error: ") == 1
    assert "Traceback" not in plain.stderr
    assert said in plain.stderr
    found = parsed(run(*arguments, "--json"))
    assert set(found) == {"schema", "command", "error"}
    assert said in found["error"]["message"]
    assert sorted(tmp_path.rglob("*")) == before


def test_an_unknown_architecture_of_a_posterior_is_refused(digits_file):
    done = run("forecast", digits_file, "--at", "1e4", "--architecture", "rbf")
    assert done.exit_code == 1
    assert "rbf-svm" in done.stderr


@pytest.mark.parametrize(
    ("curves", "said"),
    [
        ([], "these numbers"),
        (["d/t/a"], "the numbers of d/t/a"),
        (["d/t/a", "d/t/b", "d/t/c", "d/t/e"], "the numbers of d/t/a, d/t/b, d/t/c and 1 more"),
    ],
)
def test_what_failed_is_named(curves, said):
    failed = Check("ess", "FAIL", message("few", "few draws"), "sample longer", tuple(curves))
    again = Check("r-hat", "FAIL", message("apart", "chains disagree"), "sample longer", tuple(curves[:1]))
    assert console.beware([failed, again]) == f"A check failed: do not decide on {said}."


@pytest.mark.parametrize("verb", ["forecast", "requirement", "compare"])
def test_a_failed_check_exits_with_3(verb, digits_file, monkeypatch):
    failed = Check("r-hat", "FAIL", message("apart", "the chains disagree"), "sample longer")
    monkeypatch.setattr(checking, "verdicts", lambda *a, **k: (failed,))
    done = run(verb, digits_file, *QUESTIONS[verb], "--json")
    assert done.exit_code == 3
    assert parsed(done)["checks"] == [failed.as_row()]
    assert "the chains disagree" in done.stderr


def test_a_domain_without_a_card_is_noted(tmp_path):
    path = tmp_path / "curves.csv"
    path.write_text("domain,architecture,n,error\n" + "".join(f"plankton,cnn,{n},{9 / n}\n" for n in (10, 99, 999)))
    done = run("validate", path)
    assert done.exit_code == 0
    assert "generic card" in done.stderr
    assert "generic card" not in done.stdout


# Names for all rows ----------------------------------------------------------------------------------


@pytest.fixture
def unnamed(tmp_path):
    """A log of one run, as a tracker exports it: no domain, no task, no architecture."""
    path = tmp_path / "log.csv"
    rows = [f"{n},{0.5 * n**-0.3:.5f},{seed}\n" for n in (100, 300, 1000, 3000, 10000) for seed in (1, 2)]
    path.write_text("n,error,seed\n" + "".join(rows))
    return path


NAMED = ("--domain", "vision", "--task", "cats", "--architecture", "cnn")


def test_names_stand_for_columns_that_the_file_lacks(unnamed, tmp_path):
    whole = tmp_path / "whole.csv"
    pd.read_csv(unnamed).assign(domain="vision", task="cats", architecture="cnn").to_csv(whole, index=False)
    named = source.read(unnamed, source.Reading(), Choice(("vision",), ("cats",), ("cnn",)))
    assert named.choice == Choice()
    read = source.read(whole, source.Reading(), Choice(("vision",)))
    assert read.choice == Choice(("vision",))
    assert named.curves.data_hash == read.curves.data_hash
    tables = [parsed(run("validate", *asked, "--json"))["table"] for asked in ([unnamed, *NAMED], [whole])]
    assert tables[0] == tables[1]


def test_names_for_all_rows_work_with_every_verb(unnamed, tmp_path):
    memo = ["memo", unnamed, *NAMED, "-o", tmp_path / "memo", "--target", "0.01"]
    for arguments in (
        ["validate", unnamed, *NAMED],
        ["fit", unnamed, *NAMED, "-o", tmp_path / "posterior.nc"],
        ["forecast", unnamed, *NAMED, "--at", "1e5"],
        ["requirement", unnamed, *NAMED, "--target", "0.01"],
        ["check", unnamed, *NAMED],
        ["backtest", unnamed, *NAMED, "--hide", "0.4", "--no-baselines"],
        memo,
    ):
        done = run(*arguments, "--json")
        assert done.exit_code in (0, 3), (arguments, done.stderr)
        rows = parsed(done)["table"]
        assert {(row["domain"], row["task"]) for row in rows if "domain" in row} <= {("vision", "cats")}
        assert "vision" in done.stdout, arguments
    assert "nothing to compare" in run("compare", unnamed, *NAMED).stderr
    kept = run("memo", tmp_path / "posterior.nc", "-o", tmp_path / "again", *NAMED)
    assert "weighs all architectures" in kept.stderr


def test_names_for_all_rows_choose_no_points(unnamed, tmp_path):
    points = tmp_path / "points.csv"
    points.write_text("domain,task,architecture,n\nvision,cats,cnn,1e5\nvision,cats,vit,1e5\n")
    done = run("forecast", unnamed, *NAMED, "--at", points, "--json")
    assert [row["architecture"] for row in parsed(done)["table"]] == ["cnn", "vit"]


@pytest.mark.parametrize(
    ("header", "options", "said"),
    [
        ("domain,architecture,n,error", ["--domain", "text"], "found no domain 'text'"),
        ("Domain,architecture,n,error", ["--domain", "text"], "--columns domain=Domain"),
        ("field,architecture,n,error", ["--domain", "a", "--domain", "b"], "--columns domain=field"),
        ("field,architecture,n,error", ["--domain", " "], "expected one name or number for all rows"),
    ],
)
def test_a_name_filters_where_the_file_has_the_column(header, options, said, tmp_path):
    path = tmp_path / "curves.csv"
    path.write_text(header + "\n" + "".join(f"vision,cnn,{n},{9 / n}\n" for n in (10, 99, 999)))
    done = run("validate", path, *options)
    assert (done.exit_code, done.stderr.count("Error: ")) == (1, 1)
    assert said in done.stderr


# Names and rows that are too many ------------------------------------------------------------------------


LONG_NAMES = [
    "bert-base-uncased-finetuned-lr3e-5-warmup-500-batch32",
    "bert-base-uncased-finetuned-lr3e-5-warmup-500-batch64",
]


@pytest.fixture(scope="module")
def long_names(tmp_path_factory):
    """A posterior of three architectures, two of them with names of 53 characters."""
    drawn = {name: values(level=-2.0 + 0.1 * i, sd={"level": 0.05}) for i, name in enumerate([*LONG_NAMES, "cnn"])}
    return posterior(drawn).save(tmp_path_factory.mktemp("long") / "long.nc")


@pytest.mark.parametrize("verb", ["forecast", "requirement", "compare"])
def test_long_names_are_shortened_in_tables_and_told_below(verb, long_names):
    done = run(verb, long_names, *{**QUESTIONS, "forecast": ["--at", "1e6"]}[verb])
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= console.WIDTH
    header = next(line for line in lines if "p_never" in line or "yhat" in line or "p_better " in line)
    assert header.split()[0] == ("a" if verb == "compare" else "architecture")
    told = {line.split(": ")[0]: line.split(": ")[1].strip() for line in lines if "…" in line and ": " in line}
    assert sorted(set(told.values())) == LONG_NAMES  # tables with less room have shorter ones
    for short in told:
        assert any(line.startswith(short + " ") for line in lines), short


def test_names_that_fit_are_left_as_they_are(long_names, digits_file):
    assert "Names in full" not in run("forecast", digits_file, "--at", "1e4").stdout
    best = run("compare", long_names, "--at", "1e5").stdout.partition("p_best")[2].partition("Who is ahead")[0]
    assert all(f" {name} " in best for name in LONG_NAMES), "this table has room for them"


def test_wide_letters_do_not_push_columns_out(tmp_path):
    names = ["模型" * 12, "模型" * 12 + "b"]
    path = posterior({name: values(sd={"level": 0.05}) for name in names}).save(tmp_path / "wide.nc")
    assert max(map(cell_len, run("compare", path).stdout.splitlines())) <= console.WIDTH


@pytest.mark.parametrize("columns", [60, 80])
def test_tables_fit_a_narrow_terminal_without_losing_digits(columns, digits_posterior):
    from forecaster.prediction.forecast import forecast

    file = io.StringIO()
    found = forecast(digits_posterior, [12_000])
    tables.print_table(Console(file=file, width=columns), found.table, found.columns["table"])
    said = file.getvalue()
    assert max(map(len, said.splitlines())) <= columns
    assert said.count("12,000") == 3 * said.count("architecture") >= 6


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """Twelve architectures, the last by name the best and the one before it its closest rival."""
    drawn = {f"net-{i:02}": values(level=-1.0 - 0.1 * i, sd={"level": 0.05}, seed=i) for i in range(12)}
    return posterior(drawn).save(tmp_path_factory.mktemp("crowd") / "crowd.nc")


def test_of_many_pairs_a_terminal_shows_those_of_the_likely_best(crowd, tmp_path):
    file = tmp_path / "pairs.csv"
    done = run("compare", crowd, "--at", "1e5", "-o", file)
    rows = [line.split()[:2] for line in done.stdout.splitlines() if re.match(r"net-\d+ +net-", line)]
    pieces = len([line for line in done.stdout.splitlines() if re.match("a +b ", line)])
    assert len(rows) == pieces * FEWER
    assert rows[0] == ["net-11", "net-10"]
    assert {a for a, _ in rows[:11]} == {"net-11"}
    assert f"{FEWER} of 66 pairs" in done.stdout
    assert len(pd.read_csv(file)) == len(parsed(run("compare", crowd, "--at", "1e5", "--json"))["table"]) == 66


def test_of_many_rows_a_terminal_shows_those_that_need_least(crowd):
    done = run("requirement", crowd, "--target", "0.2,0.15,0.1")
    rows = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("net-")]
    assert f"{console.ROWS} of 36 rows" in done.stdout
    assert rows.count("net-11") == 3 * rows.count("net-02") // 3
    assert "net-00" not in rows
    assert done.stdout.index("net-11:") < done.stdout.index("net-10:")


def test_progress_shows_only_for_long_work(capsys, monkeypatch):
    monkeypatch.setattr(console, "PATIENCE", 0.05)
    with console.progress("Quick"):
        pass
    assert capsys.readouterr().err == ""
    state = console._Progress("Fitting")
    state.tell("sampling", 0.5)
    state.stop.wait = lambda seconds: seconds == console.PROGRESS_SECONDS
    state.watch()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("Fitting: sampling (50 %")


def test_a_shell_completes_verbs_and_options():
    """As bash asks: the words so far, and which of them is being typed."""
    for words, place, offered in (
        ("forecaster fore", "1", "forecast"),
        ("forecaster forecast --lea", "2", "--leave-out"),
    ):
        asked = {"_FORECASTER_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": place}
        command = [sys.executable, "-m", "forecaster"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | asked)
        assert offered in done.stdout.split(), done.stderr
