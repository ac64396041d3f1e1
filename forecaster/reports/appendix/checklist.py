"""The checklist for reports of scaling laws, filled in from what the memo knows.

Its questions are those of Li et al. 2025, "(Mis)Fitting: A Survey of Scaling Laws" (arXiv 2502.18969): law, runs and
data, fit, validation, and what was left out. What the table of curves does not say is "not told".
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from forecaster.checks.card_sensitivity import AS_IT_IS
from forecaster.checks.predictive import INTERVAL, STATISTICS
from forecaster.curves.learning_curves import LearningCurves
from forecaster.domains.domain import Domain
from forecaster.domains.quantities import CENTRES, LEARNED
from forecaster.reports.answers import Answers
from forecaster.results.track_record import held
from forecaster.results.wording import chance, counted, listed, plain_size, times_in

NOT_TOLD = "not told"
NONE = "none"
ENGINES = {"jax": "particle Gibbs with many walkers", "nuts": "NUTS"}
LEFT_OUT = ("unmeasured", "size-0", "duplicates", "n-min", "transient")  # notes on rows that reading left out


class Part(NamedTuple):
    """One heading of the checklist, with its questions and their answers."""

    name: str
    rows: tuple[tuple[str, str], ...]


def checklist(a: Answers, seed: int) -> tuple[Part, ...]:
    """The checklist of one memo; ``seed`` is the memo's."""
    card = a.posterior.cards[a.group]
    return (
        Part("Law", tuple(_law(a, card))),
        Part("Runs and data", tuple(_data(a))),
        Part("Fit", tuple(_fit(a, card, seed))),
        Part("Validation", tuple(_validation(a))),
        Part("Left out", tuple(_left_out(a))),
    )


Rows = Iterable[tuple[str, str]]


def _law(a: Answers, card: Domain) -> Rows:
    units = a.facts.units
    names = {name: name.removeprefix("log_").removesuffix("_logit") for name in CENTRES}
    yield "Form", f"{card.law.replace('_', ' ')}: the formula of this appendix, with drift and noise around it"
    yield "Variables", f"{units.error_name} against training data in {units.size_name}"
    yield "Parameters of each curve", listed([*names.values()])
    yield (
        "Shared by the curves",
        f"a centre of each; the spreads of {listed([names[n] for n in LEARNED])}",
    )
    yield "Priors", f"card {card.name}, hash {card.card_hash[:16]}"


def _data(a: Answers) -> Rows:
    table: Any = a.posterior.curves.table
    runs = table.groupby(["architecture", "n"]).size()
    units = a.facts.units
    yield "Measurements", f"{len(table):,}, of {counted(table['architecture'].nunique(), 'architecture')}"
    yield "Sizes", f"{table['n'].nunique()}, {_range(table['n'])} {units.size_name}"
    yield "Measurements at a size", _range(runs)
    yield "Model size", _column(table, "params", "parameters")
    yield "Compute", _column(table, "compute", "FLOPs")
    yield "Passes over the data", _column(table, "epochs", "epochs")
    yield "Hyper-parameters", "best models at each size" if a.group in a.posterior.curves.tuned else NOT_TOLD
    yield "Checkpoint of a run", NOT_TOLD
    yield "Error measured on", _column(table, "n_test", "test cases")
    yield "Error in the table", a.whole.curves.reading.turned or "as it is"


def _range(values: Any) -> str:
    low, high = float(values.min()), float(values.max())
    return plain_size(low) if low == high else f"{plain_size(low)} to {plain_size(high)}"


def _column(table: Any, name: str, unit: str) -> str:
    """The range of a column; not told where it is missing or has no number."""
    values = table[name].dropna() if name in table else ()
    return f"{_range(values)} {unit}" if len(values) else NOT_TOLD


def _fit(a: Answers, card: Domain, seed: int) -> Rows:
    known = a.whole.manifest
    sizes: Mapping[Any, int] = a.whole.tree.posterior.sizes
    engine = str(known["engine"])
    fitted = json.loads(known["versions"]).get("forecaster", NOT_TOLD)
    yield "Objective", "posterior: normal log errors and the priors of the card"
    yield "Algorithm", ENGINES.get(engine, engine)
    yield "Draws", f"{sizes['chain']} chains of {sizes['draw']:,}"
    yield "Seeds", f"fit {known['seed']}, memo {seed}"
    yield "Converged", _checked(a, "r-hat", "ess")
    yield "Code", f"forecaster {fitted}"


def _checked(a: Answers, *ids: str) -> str:
    """What these checks found, with their verdicts."""
    found = [f"{c.verdict}: {c.text.strip().rstrip('.')}" for c in a.facts.checks if c.id in ids]
    return "; ".join(found) or NOT_TOLD


def _validation(a: Answers) -> Rows:
    total = a.facts.track.total
    fit: Any = a.assessed.curves
    inside, points = round((fit["inside"] * fit["points"]).sum()), int(fit["points"].sum())
    record = f"80 % ranges held {held(total)} hidden errors" if total else a.facts.track.why or NONE
    yield "Extrapolation, largest sizes hidden", record
    yield "Left-out sizes", f"{inside:,} of {points:,} in ranges that hold {times_in(INTERVAL)}"
    least = [float(fit[f"p_{name}"].min()) for name in STATISTICS]
    shown = [f"{name} {chance(p)}" for name, p in zip(STATISTICS, least, strict=True) if not math.isnan(p)]
    yield "Posterior predictive, least p", ", ".join(shown) or NOT_TOLD
    yield "Intervals", f"equal-tailed, {times_in(a.facts.level)}"
    yield "Other priors", _moved(a)
    verdicts = [c.verdict for c in a.facts.checks]
    yield "Checks", ", ".join(f"{verdicts.count(v)} {v}" for v in ("PASS", "REVIEW", "FAIL"))


def _moved(a: Answers) -> str:
    """How far the forecast moves at most under another prior, in half-widths of its interval."""
    moved: Any = a.priors.loc[a.priors["change"] != AS_IT_IS, "moved"].abs()
    if moved.isna().all():
        return NOT_TOLD
    refit = f"; {int(moved.isna().sum())} need a new fit" if moved.isna().any() else ""
    return f"move the forecast by at most {moved.max():.2f} half-widths of its interval{refit}"


def _left_out(a: Answers) -> Rows:
    curves, facts = a.posterior.curves, a.facts
    where = [f"{name} is not {listed(list(of))}" for name, of in a.whole.curves.reading.where.items()]
    names = set(a.posterior.designs[a.group].architectures) - set(facts.options["architecture"])
    yield "Rows left out in reading", "; ".join([*where, *_notes(curves)]) or NONE
    yield "Curves without a forecast", "; ".join(f"{n}: {why}" for n, why in facts.set_aside.items()) or NONE
    yield "Curves fitted, but not in this memo", listed(sorted(names)) if names else NONE
    strays = sum(len(curve.strays) for curve in curves.curves)
    yield "Outliers", f"none left out; {counted(strays, 'run')} stray from the others at their size"


def _notes(curves: LearningCurves) -> list[str]:
    """What reading says that it left out."""
    return [note.text.removeprefix(f"{curves.source}: ") for note in curves.notes if note.code in LEFT_OUT]
