"""Ask a posterior every question that a memo needs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from forecaster._support.frames import Table
from forecaster.checks.card_sensitivity import card_table, floor_table
from forecaster.checks.check import check, overall
from forecaster.checks.measurements import DIVERGENCE
from forecaster.checks.predictive import Assessment
from forecaster.checks.track_record import companions
from forecaster.comparison.compare import compare
from forecaster.curves.binomial_power import provable
from forecaster.curves.learning_curves import Group
from forecaster.decisions.cases.needed import test_set_size
from forecaster.evaluation.pooling import pooling
from forecaster.inference.posterior import Posterior
from forecaster.inference.units import units_of
from forecaster.model.design import Design
from forecaster.prediction.crossings import largest_size
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.forecast import Forecast, forecast
from forecaster.prediction.observation import cases, usual_kind
from forecaster.prediction.options import options_table, reaching
from forecaster.prediction.requirement import requirement
from forecaster.prediction.set_aside import last_measured, set_aside
from forecaster.reports import advice
from forecaster.reports.answers import EDGE, Answers, Facts, Measured
from forecaster.reports.deciding import Asked, decided
from forecaster.reports.opening.settling import settled
from forecaster.reports.tables import TABLED
from forecaster.results.check import FAIL, REVIEW, Check

HEADLINE = 10  # the headline is the option nearest to this multiple
LEADING = 12  # architectures that a memo is about, of more
LEAST_SPAN = 1.5  # times the largest size that a memo looks ahead at the least
RIVALS = 3  # architectures in the floor figure


def ask(whole: Posterior, group: Group, asked: Asked) -> Answers:
    """Every answer of a memo on one group; all forecasts and requirements are of one kind, the usual one if none is
    asked for."""
    posterior = whole.only(group)
    asked.check()
    kind, level, seed = asked.kind or usual_kind(posterior, group), asked.level, asked.seed
    design = posterior.designs[group]
    largest = largest_size(design)
    usual = advice.default_sizes(largest, _span(design))
    wanted = usual if asked.sizes is None else asked.sizes
    given = [] if asked.sizes is None else [n for n in asked.sizes if n > largest * EDGE]
    decision = decided(posterior, asked, given or (usual if asked.open else []), kind, usual)
    who = str(decision.best["architecture"]) if decision.buys and not decision.open else None
    chosen = {float(decision.best["n"])} if decision.buys and not decision.open else set[float]()
    sizes = tuple(sorted({float(n) for n in wanted} | chosen))
    rows = [(*group, name, n) for name in design.architectures for n in sorted({largest, *sizes})]
    at = pd.DataFrame(rows, columns=["domain", "task", "architecture", "n"])
    found = forecast(posterior, at, kind=kind, level=level, seed=seed)
    ends = _ends(posterior, found, largest, seed)
    units = units_of(posterior, group).counting(asked.size_unit)
    nearest = min(sizes, key=lambda n: abs(math.log(n / (HEADLINE * largest))), default=largest)
    headline_n = min(chosen, default=nearest)
    at_headline: Table = found.table[found.table["n"] == headline_n]
    goal = advice.default_goal(at_headline, ends) if asked.target is None else float(asked.target)
    options = options_table(found)
    names = _leaders(options, design.architectures, str(decision.best["architecture"]))
    found, options = (_about(one, names) for one in (found, options))
    ends = {name: row for name, row in ends.items() if name in names}
    targets = [CurveKey(*group, name) for name in names]
    several = len(names) > 1
    verdicts = check(posterior, at=list(sizes), seed=seed, record=asked.record)
    tested = several and bool(verdicts.track.why)  # where the forecasts were tested, what companions do to them, too
    apart = pooling(posterior, headline_n, level=level, seed=seed) if tested else None
    need = requirement(posterior, goal, kind=kind, level=level, seed=seed, curves=targets)
    options = reaching(options, need)
    checks = (*map(_of_the_others, verdicts.checks), *companions(apart), *(need.checks if asked.target else ()))
    comparison = compare(posterior, group=group, at=sizes, kind=kind, seed=seed) if several else None
    facts = Facts(
        group=group,
        units=units,
        level=level,
        largest=largest,
        sizes=sizes,
        headline_n=headline_n,
        target=goal,
        target_given=asked.target is not None,
        options=options,
        needs=need.table,
        ends=ends,
        measured=_measured(design),
        floors=_floors(found, options, headline_n, who),
        checks=checks,
        verdict=overall(checks),
        kind=kind,
        set_aside={key.architecture: last_measured(curve) for key, curve in set_aside(posterior).items()},
        gains=None if comparison is None else comparison.best,
        tested=_tested(design, options, headline_n, goal, who),
        elsewhere=_elsewhere(posterior, design, headline_n, level, seed) if kind == "mean" else None,
        track=verdicts.track,
        pooling=apart,
        chosen=who,
    )
    assessed = Assessment(verdicts.fit_points, verdicts.fit)
    decision = settled(facts, decision)
    return Answers(whole, posterior, facts, decision, found, need, comparison, _priors(found, headline_n), assessed)


def _span(design: Design) -> float:
    """How many times the largest size may be, with every curve no farther ahead than its own range of sizes."""
    n = [c.curve.n for c in design.curves]
    ends = [own[-1] * own[-1] / own[0] for own in n if own[-1] > own[0]]
    return max(min(ends, default=LEAST_SPAN) / largest_size(design), LEAST_SPAN)


def _measured(design: Design) -> Mapping[str, Measured]:
    """The measurements of each architecture, summarised."""
    found = {}
    for name in design.architectures:
        data = design.curve_of(name)
        assert data is not None  # a memo is about measured architectures
        n, errors, cases = data.curve.n, np.exp(data.y), float(np.median(data.curve.n_test))
        found[name] = Measured(float(n[0]), float(n[-1]), float(errors[0]), float(errors.min()), cases)
    return found


def _of_the_others(one: Check) -> Check:
    """A memo is about the curves that can be forecast: one that cannot is to be read of, and fails none of them."""
    return replace(one, verdict=REVIEW) if one.id == DIVERGENCE and one.verdict == FAIL else one


def _leaders(options: Table, names: Sequence[str], chosen: str) -> list[str]:
    """The architectures that a memo is about: all, or the ``chosen`` one and the most likely to be best at a size."""
    chance = options.groupby("architecture")["p_best"].max()
    first = sorted(names, key=lambda name: (name != chosen, -chance[name]))[:LEADING]
    return [name for name in names if name in first]


def _about(found: Any, names: Sequence[str]) -> Any:
    """The rows of a table, or of a forecast, that are about these architectures."""
    if isinstance(found, Forecast):
        return replace(found, table=_about(found.table, names))
    return found[found["architecture"].isin(names)].reset_index(drop=True)


def _ends(posterior: Posterior, found: Forecast, largest: float, seed: int) -> dict[str, dict[str, Any]]:
    """For each architecture, the forecast's row at its own largest measured size."""
    (design,) = posterior.designs.values()
    rows = {r["architecture"]: r for r in found.table.to_dict("records") if r["n"] == largest}
    own = {name: largest_size(design, name) for name in rows}
    early = [(design.domain, design.task, name, n) for name, n in own.items() if not math.isclose(n, largest)]
    if early:
        at = pd.DataFrame(early, columns=["domain", "task", "architecture", "n"])
        asked = {"kind": str(found.table["kind"].iloc[0]), "level": float(found.table["level"].iloc[0])}
        rows |= {r["architecture"]: r for r in forecast(posterior, at, seed=seed, **asked).table.to_dict("records")}
    return rows


def _elsewhere(posterior: Posterior, design: Design, n: float, level: float, seed: int) -> pd.DataFrame | None:
    """The forecast on new test cases; None unless the size of every test set is known."""
    if not all(np.isfinite(c.curve.n_test).all() for c in design.curves):
        return None
    at = pd.DataFrame({"architecture": design.architectures, "n": n}).assign(domain=design.domain, task=design.task)
    return forecast(posterior, at, kind="new-cases", level=level, seed=seed).table


def _tested(design: Design, options: Table, n: float, goal: float, chosen: str | None) -> Mapping[str, Any] | None:
    """What the test set of the chosen (or best) architecture can prove at the headline's size, and how large it would
    have to be."""
    rows = options[options["n"] == n].to_dict("records")
    first, *others = sorted(rows, key=lambda row: row["architecture"] != chosen)
    data = design.curve_of(first["architecture"])
    tested, error = math.nan if data is None else cases(data.curve), first["yhat"]
    if math.isnan(tested) or not 0.0 < error < 1.0:
        return None
    found = {"cases": tested, "error": error, "provable": provable(round(tested), error)}
    if error < goal < 1.0:
        found["for_target"] = test_set_size(error=error, target=goal).table["cases"].iloc[0]
    rival = next((row for row in others if error < row["yhat"] < 1.0), None)
    if rival is not None:
        apart = test_set_size(error_a=error, error_b=rival["yhat"]).table["cases"].iloc[0]
        found |= {"rival": rival["architecture"], "other": rival["yhat"], "apart": apart}
    return found


def _floors(found: Forecast, options: Table, n: float, chosen: str | None) -> pd.DataFrame:
    """The floor table at the headline's size, for the chosen architecture and those that lead there."""
    at_n: Table = options[options["n"] == n]
    ranked = at_n.iloc[np.argsort(at_n["architecture"] != chosen, kind="stable")].head(RIVALS).to_dict("records")
    leaders = [r["architecture"] for i, r in enumerate(ranked) if i < TABLED or r["p_best"] >= 0.01]
    at: Table = found.table
    at = at[(at["n"] == n) & at["architecture"].isin(leaders)].reset_index(drop=True)
    table: Table = floor_table(replace(found, table=at))
    order = table["architecture"].map(leaders.index)
    return table.iloc[np.argsort(order, kind="stable")].reset_index(drop=True)


def _priors(found: Forecast, n: float) -> pd.DataFrame:
    """The headline's forecast under other priors."""
    at: Table = found.table["n"] == n
    return card_table(replace(found, table=found.table[at].reset_index(drop=True)))
