"""Every result holds the tables that it declares, to the column; its docstring and the JSON reference say the same."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import jsonschema
import msgspec
import pandas as pd
import pytest
from helpers.exports import BY_PATH
from helpers.synthetic import SIZES, posterior, values
from helpers.unchecked import unchecked

import forecaster
from forecaster import import_runs
from forecaster.domains import catalogue
from forecaster.evaluation import backtest as module
from forecaster.floors.split import compared
from forecaster.inference.cache import kept
from forecaster.inference.contents import contents, fit_summary
from forecaster.monitoring import update as updating
from forecaster.reports.examples import Demo, Written, memos_of
from forecaster.results.result import Result, described

ROOT = Path(__file__).parents[2]
HIDDEN = (300_000.0, 1_000_000.0)


def generator():
    """The module that writes docs/json.md."""
    spec = importlib.util.spec_from_file_location("generate_json", ROOT / "docs" / "generate_json.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.fixture(scope="module")
def fitted():
    """Three architectures, made up."""
    drawn = {name: values(level=-2.0 + 0.1 * i, sd={"level": 0.05}, seed=i) for i, name in enumerate("abc")}
    return posterior(drawn)


def fitted_with_evidence(fitted):
    """The same draws, under a card that holds evidence on the floor."""
    evidence = forecaster.FloorEvidence.of(human="5/500", label_noise="3/500")
    cards = {group: msgspec.structs.replace(card, floor=evidence) for group, card in fitted.cards.items()}
    return forecaster.Posterior(fitted.tree, fitted.curves, cards)


def by_metric():
    """One architecture by two metrics."""
    made = posterior({f"d/{metric}/a": values(sd={"level": 0.05}, seed=i) for i, metric in enumerate(("loss", "wer"))})
    table = made.curves.table
    return forecaster.Posterior(made.tree, forecaster.read_curves(table.assign(metric=table["task"])), made.cards)


def task_of(fitted):
    """Error rates of a task on the runs of these losses."""
    table = fitted.curves.table
    rate = 0.7 / (1.0 + (0.1 / table["error"]) ** 3)
    return forecaster.read_curves(table.assign(task="quiz", error=rate), as_they_are=True)


def with_runs(fitted):
    """The same, where the table says what runs took."""
    table = fitted.curves.table
    curves = forecaster.read_curves(table.assign(params=table["n"] ** 0.7, gpu_hours=1e-3 * table["n"]))
    return forecaster.Posterior(fitted.tree, curves, fitted.cards)


def measured():
    """A measurement with everything a run can tell, of a grid; one run failed."""

    def train(n, seed, width):
        if (n, seed) == (20, 1):
            raise ValueError("diverged")
        error = 0.1 + width / n
        return forecaster.Trained(error=error, test_error=error, params=width, compute=n, n_test=50)

    return forecaster.measure(train, [10, 20, 40], 2, grid={"width": [1, 2, 4]}, metric="error rate", gpus=1.0)


@pytest.fixture(scope="module")
def backtested(fitted):
    """A backtest of those, with larger sizes hidden; nothing is sampled."""
    table = fitted.curves.table
    last = table[table["n"] == SIZES[-1]]
    parts = [table, *(last.assign(n=n, error=last["error"] * (SIZES[-1] / n) ** 0.2) for n in HIDDEN)]
    curves = forecaster.read_curves(pd.concat(parts, ignore_index=True))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "fit", lambda *_, **__: fitted)
        return [forecaster.backtest(curves, split=1.1, baselines=rivals) for rivals in (True, False)]


@pytest.fixture(scope="module")
def updated(fitted):
    """New measurements of one curve; nothing is sampled."""
    table = fitted.curves.table
    new = table[(table["architecture"] == "a") & (table["n"] == SIZES[-1])].assign(n=HIDDEN[0])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(updating, "fit", lambda *_, **__: fitted)
        return forecaster.update(fitted, new, target=0.05)


@pytest.fixture(scope="module")
def results(fitted, backtested, updated, fitted_surface, tmp_path_factory):
    """One result of every kind, and some asked otherwise."""
    folder = tmp_path_factory.mktemp("memos")
    written = forecaster.register(fitted, [1e6], folder / "forecasts.jsonl", due="2027-03-01", target=[0.05])
    surface = fitted_surface
    return {
        "register": written,
        "score": forecaster.score(written.file, written.table.assign(error=written.table["yhat"])),
        "verify": forecaster.verify(written.file),
        "watch": forecaster.watch(fitted, written.table.assign(error=written.table["yhat"])),
        "import": import_runs(BY_PATH["lightning"].at, **BY_PATH["lightning"].options(take="best")),
        "import of folds": import_runs(BY_PATH["scikit_learn"].at, **BY_PATH["scikit_learn"].options()),
        "validate": forecaster.validate(fitted.curves),
        "fit": fit_summary(fitted),
        "forecast": forecaster.forecast(fitted, [1e6]),
        "forecast with quantiles": forecaster.forecast(fitted, [1e6], quantiles=(0.025, 0.5)),
        "requirement": forecaster.requirement(fitted, [0.1, 0.05]),
        "requirement with a limit": forecaster.requirement(fitted, 0.05, limit=1e7),
        "compare": forecaster.compare(fitted, at=[1e6]),
        "compare --across metric": forecaster.compare_metrics(by_metric()),
        "floor": compared(fitted_with_evidence(fitted), fitted, at=[1e6]),
        "effect": forecaster.effect(fitted, baseline="a", treated="b", at=[1e6]),
        "screen": forecaster.screen(fitted, 1e6),
        "next": forecaster.next_measurement(fitted, "choice:1e6", refits=0),
        "measure": measured(),
        "measure without a grid": forecaster.measure(lambda n, seed: 1 / n, [10, 20], 1),
        "measure --plan": forecaster.measure_plan(lambda n, seed: 1 / n, [10, 20], gpus=1),
        "growth": forecaster.growth(with_runs(fitted), [1e6]),
        "downstream": forecaster.downstream(task_of(fitted), fitted.curves, [0.05]),
        "downstream at sizes": forecaster.downstream(task_of(fitted), fitted, [0.05], at_n=[1e6]),
        "requirement with resources": forecaster.requirement(with_runs(fitted), 0.05, costs={"per_item": 1.0}),
        "surface --at": forecaster.surface(surface, at=[1e10], params=[1e9]),
        "surface": forecaster.surface(surface, flops=1e21),
        "surface --target": forecaster.surface_requirement(surface, 2.4, params=1e9),
        "decide --two-axes": forecaster.surface_decision(surface, None, flops=[1e22], target=2.2, risk=0.25),
        "next --two-axes": forecaster.surface_next(surface, at=1e12, params=1e10),
        "surface_memo in Python": forecaster.surface_memo(surface, flops=[1e22]),
        "check": forecaster.check(fitted, at=[1e6]),
        "check without sizes": forecaster.check(fitted),
        "decide": forecaster.decide(fitted, {"per_item": 1.0}, target=0.1, penalty=1e5, rounds=2),
        "decide by a budget": forecaster.decide(fitted, {"per_item": 1.0}, [1e6], budget=1e6),
        "backtest": backtested[0],
        "backtest without rivals": backtested[1],
        "memo": memos_of(fitted, folder, "memo", tell=lambda *_: None),
        "domains": catalogue.shelf(),
        "domains NAME": catalogue.priors("generic"),
        "inspect": contents(fitted),
        "cache": kept(),
        "memo in Python": forecaster.memo(fitted),
        "update": updated,
        "triage": forecaster.triage(human=0.01, train=(0.08, 1000), dev=(0.1, 500), posterior=fitted, architecture="a"),
        "testset": forecaster.test_set_size(error=0.02, target=0.03),
        "testset --curves --at": forecaster.forecast_in_cases(fitted, [1e6]),
        "testset --labels": forecaster.label_use(fitted, labels=1_000, target=0.2, cases=500),
        "testset --best-of": forecaster.selection_bias(models=[1, 10], error=0.05, cases=2_000),
    }


KINDS = [
    *("validate", "fit", "forecast", "forecast with quantiles", "requirement", "requirement with a limit", "compare"),
    *(
        "floor",
        "effect",
        "screen",
        "next",
        "measure",
        "measure without a grid",
        "measure --plan",
        "growth",
        "downstream",
        "downstream at sizes",
        "requirement with resources",
        "surface --at",
        "surface --target",
        "surface",
        "decide --two-axes",
        "next --two-axes",
        "surface_memo in Python",
        "check",
        "check without sizes",
        "decide",
        "decide by a budget",
        "backtest",
        "backtest without rivals",
        "register",
        "score",
        "verify",
        "watch",
        "memo",
        "domains",
        "domains NAME",
    ),
    *(
        "triage",
        "inspect",
        "cache",
        "memo in Python",
        "update",
        "compare --across metric",
        "testset",
        "testset --curves --at",
        "testset --labels",
        "testset --best-of",
    ),
]


@pytest.mark.parametrize("kind", KINDS)
def test_tables_have_the_declared_columns(kind, results):
    result = results[kind]
    assert next(iter(result.tables)) == "table"
    assert result.tables["table"] is result.table
    assert set(result.tables) == set(result.columns)
    for name, table in result.tables.items():
        result.columns[name].check(table)
    assert len(result.table) > 0


@pytest.mark.parametrize("kind", KINDS)
def test_json_has_the_tables_and_keys_that_are_declared(kind, results):
    result = results[kind]
    found = json.loads(result.to_json())
    assert set(found) == {"schema", "command", "checks", "text", *result.columns, *result.keys}
    for name, columns in result.columns.items():
        assert all(columns.faults(row) == [] for row in found[name]), name


@pytest.mark.parametrize("kind", KINDS)
def test_json_is_what_the_schema_of_its_section_says(kind, results):
    """An outside validator finds no fault in what is printed, and one where it is broken in any of four ways."""
    result = results[kind]
    page = generator()
    section = next(name for name, made in page.RESULTS.items() if made is type(result))
    schema = json.loads((page.SCHEMAS / f"{page.slug(section)}.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    found = json.loads(result.to_json())
    assert [f"{'/'.join(map(str, e.path))}: {e.message}" for e in validator.iter_errors(found)] == []
    first = found["table"][0]
    needed = next(c.name for c in result.columns["table"] if not c.optional and not c.pattern)
    for broken in (
        found | {"command": "none"},
        {key: value for key, value in found.items() if key != "text"},
        found | {"table": [first | {"not declared": 1}]},
        found | {"table": [{key: value for key, value in first.items() if key != needed}]},
    ):
        assert not validator.is_valid(broken)


@pytest.mark.parametrize("kind", KINDS)
def test_a_terminal_is_shown_declared_columns(kind, results):
    for shown in results[kind].shown(30):
        assert shown.columns.faults(shown.table.columns) == [] or kind.startswith("backtest")
        assert all(shown.columns.named(str(name)) is not None for name in shown.table)


@pytest.mark.parametrize("kind", KINDS)
def test_results_say_in_a_few_lines_what_they_are(kind, results):
    lines = repr(results[kind]).splitlines()
    assert 1 <= len(lines) <= 5
    assert max(map(len, lines)) <= 100
    assert lines[0].startswith(f"{type(results[kind]).__name__}: {len(results[kind].table)} row")


def test_every_type_of_result_is_in_the_reference_and_in_these_tests(results):
    page = generator()
    assert set(page.RESULTS.values()) == {type(one) for one in results.values()} | {Demo}

    def below(kind):
        return {kind}.union(*(below(one) for one in kind.__subclasses__()))

    ours = {kind for kind in below(Result) - {Result} if kind.__module__.startswith("forecaster.")}
    assert ours == set(page.RESULTS.values())
    assert issubclass(Demo, Written)


def test_docstrings_list_the_columns(results):
    for kind in {type(one) for one in results.values()}:
        assert kind.__doc__ is not None
        assert all(part in kind.__doc__ for part in described(kind))
        named = set(re.findall(r"[\w*]+", kind.__doc__))
        assert {name for columns in kind.columns.values() for name in columns.names} <= named, kind
    assert described(Result) == []


def test_the_reference_is_what_is_generated():
    found = generator()
    assert found.PAGE.read_text(encoding="utf-8") == found.page(), "run: python docs/generate_json.py"


def test_the_schemas_are_what_is_generated():
    found = generator()
    written = {path.name: path.read_text(encoding="utf-8") for path in found.SCHEMAS.iterdir()}
    assert written == found.schemas(), "run: python docs/generate_json.py"


def test_figures_are_drawn_or_refused_by_name(results):
    from matplotlib.figure import Figure

    memo = results["memo in Python"]
    assert memo.plot() is next(iter(memo.figures.values()))
    panels = results["validate"].plot().axes
    assert [axes.get_title(loc="left") for axes in panels] == ["a", "b", "c"]
    assert isinstance(results["forecast"].plot(), Figure)
    with pytest.raises(TypeError, match="CardList has no figure"):
        results["domains"].plot()


def test_a_validation_says_what_a_fit_would_see():
    rising = [("unheard-of", "t", "net", n, e) for n, e in ((10, 0.3), (20, 0.2), (30, 0.35))]
    found = forecaster.validate(
        forecaster.read_curves(pd.DataFrame(rising, columns=["domain", "task", "architecture", "n", "error"]))
    )
    assert found.table["card"].tolist() == ["generic"]
    assert found.text.startswith("3 measurements make 1 curve; it can be fitted.")
    assert {note.code for note in found.notes} >= {"span", "one-seed", "non-monotone"}
    assert json.loads(found.to_json())["notes"][0].keys() == {"code", "text", "curve"}
    with pytest.raises(forecaster.ForecasterError, match="read_curves first"):
        unchecked(forecaster.validate)("curves.csv")
