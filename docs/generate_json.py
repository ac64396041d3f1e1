"""Write ``docs/json.md`` and ``docs/schemas/`` from what the results declare: ``python docs/generate_json.py``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from forecaster.checks.check import CheckReport
from forecaster.comparison.comparison import Comparison
from forecaster.comparison.effect import Effect
from forecaster.comparison.metrics import MetricComparison
from forecaster.curves.importers.imported import Imported
from forecaster.decisions.cases.labels import LabelUse
from forecaster.decisions.cases.needed import CasesNeeded
from forecaster.decisions.cases.promise import ForecastInCases
from forecaster.decisions.cases.selection import SelectionBias
from forecaster.decisions.decision import Decision
from forecaster.decisions.measuring.proposal import Proposal
from forecaster.decisions.screen import Screening
from forecaster.decisions.two_axes.decision import SurfaceDecision
from forecaster.decisions.two_axes.proposal import SurfaceProposal
from forecaster.domains.catalogue import CardList, CardPriors
from forecaster.evaluation.backtest import Backtest
from forecaster.floors.split import FloorSplit
from forecaster.inference.cache import Kept
from forecaster.inference.contents import Contents, FitSummary
from forecaster.inference.validation import Validation
from forecaster.ladders.triage import Triage
from forecaster.links.downstream import Downstream
from forecaster.measuring.measured import Measured, MeasuringPlan
from forecaster.monitoring.update import Update
from forecaster.monitoring.watch import Watch
from forecaster.prediction.forecast import Forecast
from forecaster.prediction.requirement import Requirement
from forecaster.registry.register import Registered
from forecaster.registry.scored import Scored
from forecaster.registry.verify import Verification
from forecaster.reports.examples import Demo, Written
from forecaster.reports.rendering import Memo
from forecaster.reports.two_axes.memo import SurfaceMemo
from forecaster.resources.growth import GrowthTable
from forecaster.results.columns import KINDS, Columns
from forecaster.results.result import SCHEMA, Result
from forecaster.results.schemas import refusal, schema_of
from forecaster.surfaces.answers import ComputeOptimum, SurfaceForecast
from forecaster.surfaces.requirement import SurfaceRequirement

PAGE = Path(__file__).with_name("json.md")
SCHEMAS = Path(__file__).with_name("schemas")

RESULTS: Mapping[str, type[Result]] = {
    "import": Imported,
    "validate": Validation,
    "fit": FitSummary,
    "forecast": Forecast,
    "requirement": Requirement,
    "compare": Comparison,
    "growth": GrowthTable,
    "floor": FloorSplit,
    "downstream": Downstream,
    "surface": ComputeOptimum,
    "surface --at": SurfaceForecast,
    "surface --target": SurfaceRequirement,
    "effect": Effect,
    "screen": Screening,
    "compare --across metric": MetricComparison,
    "check": CheckReport,
    "decide": Decision,
    "decide --two-axes": SurfaceDecision,
    "next": Proposal,
    "measure": Measured,
    "measure --plan": MeasuringPlan,
    "next --two-axes": SurfaceProposal,
    "triage": Triage,
    "testset": CasesNeeded,
    "testset --curves --at": ForecastInCases,
    "testset --labels": LabelUse,
    "testset --best-of": SelectionBias,
    "backtest": Backtest,
    "watch": Watch,
    "update": Update,
    "register": Registered,
    "score": Scored,
    "verify": Verification,
    "memo": Written,
    "demo": Demo,
    "domains": CardList,
    "domains NAME": CardPriors,
    "inspect": Contents,
    "cache": Kept,
    "memo in Python": Memo,
    "surface_memo in Python": SurfaceMemo,
}

MORE = {
    "measure": "With `--next` the object is that of `next`.",
    "check": "With `--architecture` verdicts and tables are about these curves and their groups, in the `checks` of "
    "`forecast` and `requirement`, too.",
    "memo in Python": "What `forecaster.memo(...).to_json()` gives; the command of that name lists the files it wrote.",
    "surface_memo in Python": "What `forecaster.surface_memo(...).to_json()` gives.",
}

MEANINGS = {
    "name": "a name that the user gave",
    "text": "words",
    "size": "an amount of training data, or a number of parameters; `inf` means never",
    "error": "in the unit of the errors that were given",
    "ratio": "of two sizes or two errors",
    "chance": "a probability estimated from posterior draws, between 0 and 1",
    "share": "a share that was counted or chosen, between 0 and 1",
    "count": "a whole number",
    "number": "any other number",
    "flag": "true or false, or 1 and 0",
    "verdict": "`PASS`, `REVIEW` or `FAIL`",
    "money": "in the currency of the costs",
    "date": "year-month-day",
}

HEAD = f"""# The JSON of every command

Written by `python docs/generate_json.py` from what the results declare of their tables; a test holds this page, the
declarations and the commands together.

With `--json` a command prints exactly one JSON object on stdout, on one line; notes, warnings and progress go to
stderr.

## What every object has

| Key | Meaning |
| --- | --- |
| `schema` | `"{SCHEMA}"`: the version of this layout; it changes when a key goes or changes its meaning |
| `command` | the verb that was asked |
| `checks` | a list of verdicts on the fit: `id` (stable), `name`, `verdict` (`PASS`, `REVIEW`, `FAIL`), `curve` \
(the worst, or null), `curves` (all, or groups, of that verdict, the worst first), `text`, `next_step` |
| `text` | the result in words, with what an interval covers |
| `table` | a list of rows, an object each |

Sizes, errors and shares are numbers. An infinite size ("never") is the string `"inf"`; a missing value is null.
Chances and shares lie between 0 and 1. A `*` in the name of a key stands for any text; such keys, and a few others, are
there only where they apply.

An input that cannot be used gives `schema`, `command` and `error` with `class` and `message` instead; the message also
stands on stderr. The exit code says the same: 0 done, 1 an input cannot be used, 2 wrong usage (an option's value is
wrong whatever the input holds; of an option that is unknown or missing there is no JSON), 3 a check said FAIL (the
object is complete, and `checks` says which).

The columns `domain`, `task` and `architecture` name a curve everywhere.

Each section below has a JSON Schema (draft 2020-12) of its name in `docs/schemas/`, such as
[`forecast.json`](schemas/forecast.json) and [`surface-at.json`](schemas/surface-at.json); `error.json` is that of an
input that cannot be used.

| Kind of value | Meaning |
| --- | --- |
"""


def page() -> str:
    """The whole page."""
    kinds = "\n".join(f"| {kind} | {MEANINGS[kind]} |" for kind in KINDS)
    return HEAD + kinds + "\n" + "".join(section(verb, kind) for verb, kind in RESULTS.items())


def section(verb: str, kind: type[Result]) -> str:
    """What the object of one verb has beside what every object has."""
    found = [f"\n## {verb}\n"]
    if verb in MORE:
        found.append(f"{MORE[verb]}\n")
    if kind.keys:
        rows = (f"| `{name}` | {said} |" for name, said in kind.keys.items())
        found.append("\n".join(["Beside its tables:\n", "| Key | Meaning |", "| --- | --- |", *rows, ""]))
    found += [rows_of(name, columns) for name, columns in kind.columns.items()]
    return "\n".join(found)


def rows_of(name: str, columns: Columns) -> str:
    """The reference of one table."""
    head = [f"Rows of `{name}`, one {columns.rows}:\n", "| Key | Kind | Meaning |", "| --- | --- | --- |"]
    return "\n".join([*head, *columns.reference(), ""])


def schemas() -> dict[str, str]:
    """The text of every file of ``docs/schemas/`` by its name."""
    found = {f"{slug(verb)}.json": schema_of(kind, verb) for verb, kind in RESULTS.items()} | {"error.json": refusal()}
    return {name: json.dumps(schema, indent=1, ensure_ascii=False) + "\n" for name, schema in found.items()}


def slug(verb: str) -> str:
    """The name of a verb's file, without its ending: ``surface --at`` has ``surface-at``."""
    return "-".join(re.findall(r"[a-z]+", verb.lower().replace("_", "-")))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    SCHEMAS.mkdir(exist_ok=True)
    for left in SCHEMAS.glob("*.json"):
        left.unlink()
    for name, text in schemas().items():
        (SCHEMAS / name).write_text(text, encoding="utf-8")
