"""memo: the decision memo in Markdown and HTML: the answer first, the assumptions last.

No statistics here: decide, forecast, requirement, compare and check give the answers; ``opening``, ``findings``,
``advice`` and the templates put them into words.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure

from forecaster._support.frames import Table
from forecaster.checks.check import table_of
from forecaster.curves.learning_curves import Group
from forecaster.errors import RequestError
from forecaster.inference.posterior import Posterior, expect_posterior
from forecaster.plots.comparison import gain_figure
from forecaster.plots.decisions.decision import options_figure
from forecaster.plots.floor import floor_figure
from forecaster.plots.forecast import curve_table, forecast_figure, measured_table
from forecaster.plots.requirement import requirement_figure
from forecaster.plots.style import STYLE, WIDTH, capital, unique
from forecaster.reports import advice, captions, findings
from forecaster.reports.answers import Answers, Facts
from forecaster.reports.appendix import sections
from forecaster.reports.chapters import catalogue
from forecaster.reports.chapters.chapter import Chapter, low
from forecaster.reports.collect import ask
from forecaster.reports.deciding import Asked, Decided, Worth
from forecaster.reports.opening import reasons
from forecaster.reports.opening.answer import answer
from forecaster.reports.opening.heading import about, kicker
from forecaster.reports.opening.options import options_of, page_table, shown
from forecaster.reports.opening.settling import stopped
from forecaster.reports.page.page import Opening
from forecaster.reports.rendering import Memo, frozen
from forecaster.reports.tables import floor_rows, options_note, options_rows, requirement_rows
from forecaster.resources.prices.costs import Costs
from forecaster.resources.prices.costs_file import read_costs
from forecaster.results.check import Check
from forecaster.results.columns import LEVEL
from forecaster.results.message import Message, joined, message

NARROW = 4.3  # inches, of the first page's figure on a telephone


def memo(
    posterior: Posterior,
    group: Group | str | None = None,
    *,
    sizes: Sequence[float] | None = None,
    target: float | None = None,
    costs: str | Path | Costs | Mapping[str, Any] | None = None,
    penalty: float | None = None,
    value_per_point: float | None = None,
    cost_per_mistake: float | None = None,
    volume: float | None = None,
    budget: float | None = None,
    risk: float | None = None,
    attitude: str = "mean",
    rounds: int = 1,
    start: date | None = None,
    kind: str | None = None,
    level: float = LEVEL,
    chapters: Sequence[str] | catalogue.Wanted | None = None,
    title: str | None = None,
    author: str | None = None,
    dated: date | None = None,
    size_unit: str | None = None,
    command: str | None = None,
    seed: int = 0,
    record: bool = True,
) -> Memo:
    """Write a decision memo on one group: what to buy, in money where prices are given, else in data.

    Parameters
    ----------
    posterior : Posterior
        What :func:`~forecaster.fit` gave.
    group : (str, str) or str, optional
        A (domain, task), or ``domain/task``; by default the first.
    sizes : sequence of float, optional
        The options. By default those that :func:`~forecaster.decide` weighs; the later pages then have 2, 5, 10, 30 and
        100 times the largest measured size, as far as the data reach.
    target : float, optional
        The error to reach; on the later pages by default what the best architecture is forecast to reach at the option
        nearest to ten times today's data.
    costs : path, Costs or mapping, optional
        The price list: ``costs.toml``, or its keys in a dictionary. Without one the memo says what to buy, not what it
        costs.
    penalty, value_per_point, cost_per_mistake, volume : float, optional
        What an error costs, as in :func:`~forecaster.decide`. With a target alone the cheapest option is sought that
        reaches it with 3 chances in 4 or, where none does, at even odds.
    budget, risk : float, optional
        The most that may be paid; the accepted chance of missing the target, in place of a penalty.
    attitude : {"mean", "cvar", "regret"}
        Which loss is lowest for the best option.
    rounds : int
        Orders that may follow one another.
    start : date, optional
        The day on which orders are placed; by default today.
    kind : {"mean", "new-run", "new-cases"}
        What every number is about: the average run on the test set at hand, one new run, or the average run on new test
        cases (needs ``n_test``), as in :func:`~forecaster.forecast`; by default the last where ``n_test`` is known,
        else the first.
    level : float
        Probability inside the intervals.
    chapters : sequence of str, or mapping of str to mapping, optional
        Further questions to answer, a chapter each: names, or names with arguments. By default those that the data
        allow and that take no time: ``screen`` for three architectures and more, ``growth`` where the table says what
        runs took.

        - ``next`` (``goal``, ``refits``): what :func:`~forecaster.next_measurement` proposes for the memo's question.
        - ``screen`` (``at``, ``risk``): which architectures :func:`~forecaster.screen` drops.
        - ``effect`` (``baseline``, ``treated``): what :func:`~forecaster.effect` finds between two of them.
        - ``growth``: what runs take at the options, by :func:`~forecaster.growth`.
        - ``surface`` (``fitted``, ``flops``): the best model size for a compute, by a fitted (or saved) surface.
        - ``triage`` (``human``, ``train``, ``train_dev``, ``dev``, ``test``, ``matter``, ``n``): what
          :func:`~forecaster.triage` finds in these errors.
        - ``record`` (``registry``, ``outcomes``, ``head``): how registered forecasts did, by :func:`~forecaster.score`.
    title : str, optional
        The memo's title.
    author : str, optional
        Who signs it.
    dated : date, optional
        The memo's date; by default today.
    size_unit : str, optional
        The unit of sizes, such as ``FLOPs``, if not the card's.
    command : str, optional
        The command line to print in the appendix.
    seed : int
        The same seed gives the same numbers.
    record : bool
        Say how forecasts of these curves did when their largest sizes were hidden, and what they would be with each
        curve fitted alone, where the posterior carries its record. That fits each curve twice.

    Returns
    -------
    Memo
        ``markdown``, ``html``, ``figures`` and ``tables``; ``save`` writes them. ``interactive`` is a page that answers
        for other targets, sizes, prices and budgets.

    Raises
    ------
    RequestError
        An unknown group, kind or chapter, a size, target or level out of range, ``new-cases`` where no test set is
        known, money without a price list.
    CostsError
        A price list that cannot be used.

    Examples
    --------
    >>> import forecaster
    >>> memo = forecaster.memo(posterior, target=0.003, costs="costs.toml", penalty=20_000)  # doctest: +SKIP
    >>> memo.save("reports")  # doctest: +SKIP
    """
    expect_posterior(posterior)
    further = catalogue.wanted(chapters)
    value = (penalty, value_per_point, cost_per_mistake, volume)
    worth = Worth(costs, *value, budget, risk, attitude, rounds, start)
    answers = ask(
        posterior, _group(posterior, group), Asked(sizes, target, kind, level, size_unit, seed, record, worth)
    )
    more = catalogue.written(answers, seed, further, stopped=stopped(answers.facts))
    answers = replace(answers, facts=answers.facts.checked(c for one in more for c in one.checks))
    facts, decision = answers.facts, answers.decision
    curves = _curves(answers)
    drawn = _draw(answers, curves) | {one.name: frozen(low(one.figure)) for one in more}
    title = title or f"Should more data be bought for {answers.group[1]}?"
    said = _said(facts, decision)
    page = _page(facts, decision, said, drawn, more) | {"title": title, "about": about(answers)}
    page["kicker"] = kicker(author, dated or date.today())
    page["appendix"] = sections.facts(answers, seed, command)
    text = joined(said.answer, "\n")
    narrow = {"options": frozen(_on_options(answers, curves, NARROW))}
    table = page_table(decision)
    asked = _opening(answers, worth, seed, page)
    tables = _tables(answers, curves) | {name: table for one in more for name, table in one.tables.items()}
    messages = (*said.all, *(one.said for one in more))
    return Memo(table, text, facts.checks, title, messages, page, drawn, tables, narrow, asked)


def _group(posterior: Posterior, group: Group | str | None) -> Group:
    known = {"/".join(g): g for g in posterior.groups}
    name = next(iter(known)) if group is None else group if isinstance(group, str) else "/".join(group)
    if name not in known:
        raise RequestError(f"group: found {name!r}; this posterior holds: {', '.join(known)}")
    return known[name]


def _opening(a: Answers, worth: Worth, seed: int, page: Mapping[str, Any]) -> Opening:
    """With what the page beside the memo opens: the memo's own question."""
    facts = a.facts
    return Opening(
        posterior=a.posterior,
        group=a.group,
        names=tuple(unique(facts.options)),
        units=facts.units,
        kind=facts.kind,
        level=facts.level,
        seed=seed,
        target=facts.target,
        n=facts.headline_n,
        costs=read_costs({} if worth.costs is None else worth.costs),
        budget=worth.budget,
        start=worth.start or date.today(),
        title=page["title"],
        about=page["about"],
        verdict=facts.verdict,
        health=page["health"],
        value=worth.value(facts.target),
    )


def _tables(a: Answers, curves: Table) -> dict[str, pd.DataFrame]:
    """Every table behind the page but the options."""
    facts, decision = a.facts, a.decision.found
    tables = {
        "orders": decision.orders,
        "test_cases": decision.test_cases,
        "by_size": facts.options,
        "forecast": a.found.table,
        "curves": curves,
        "requirement": a.need.table,
        "floor": facts.floors,
        "card": a.priors,
        "fit": a.assessed.curves,
        "fit_points": a.assessed.points,
        "verdicts": table_of(facts.checks),
        "record": facts.track.table,
        "pooling": pd.DataFrame() if facts.pooling is None else facts.pooling.table,
    }
    if a.comparison is not None:
        of = a.comparison
        tables |= {"comparison": of.table, "crossings": of.crossings, "gains": of.best}
        tables |= {"slopes": of.slopes, "exponents": of.exponents}
    return tables


# Figures ------------------------------------------------------------------------------------------


def _curves(a: Answers) -> Table:
    """The curves as far as the farthest option."""
    options: Any = a.decision.found.table[shown(a.decision)]
    return curve_table(a.found, group=a.group, until=max(float(options["n"].max()), *a.facts.sizes))


def _draw(a: Answers, curves: Table) -> dict[str, Figure]:
    order = a.posterior.designs[a.group].architectures
    with rc_context(STYLE):
        drawn = {
            "options": _on_options(a, curves),
            "forecast": forecast_figure(a.found, group=a.group, units=a.facts.units, curves=curves),
            "requirement": requirement_figure(a.need, units=a.facts.units),
        }
        if a.comparison is not None and a.facts.headline_n in a.comparison.gain_sizes:
            drawn["gains"] = gain_figure(a.comparison, a.facts.headline_n)
        drawn["floor"] = floor_figure(a.facts.floors, units=a.facts.units, order=order)
    return {name: frozen(figure) for name, figure in drawn.items()}


def _on_options(a: Answers, curves: Table, width: float = WIDTH) -> Figure:
    """The options on the curve of the chosen architecture, with its nearest rival."""
    options: Any = a.decision.found.table[shown(a.decision)]
    names = reasons.charted(a.facts, a.decision)
    points = measured_table(a.posterior, a.group)
    some = pd.concat([curves[curves["architecture"] == name] for name in names], ignore_index=True)
    some = some[some["n"] <= 1.05 * max(float(options["n"].max()), 2.0 * a.facts.largest)]
    chosen = options[options["architecture"] == names[0]]
    if stopped(a.facts):
        chosen = chosen.assign(best=False)
    target = a.facts.target if a.facts.target_given else None
    with rc_context(STYLE):
        return options_figure(
            chosen, some, points[points["architecture"].isin(names)], a.facts.units, target=target, width=width
        )


# What the templates show --------------------------------------------------------------------------


@dataclass(frozen=True)
class Said:
    """The messages of a memo, each where the page has it."""

    answer: list[Message]
    lines: list[findings.Change]
    changes: list[findings.Change]
    headline: Message
    context: Message
    more: list[Message]  # on how much data the target needs

    @property
    def all(self) -> tuple[Message, ...]:
        """In the order of the page."""
        lines, changes = ([how for _, how in some] for some in (self.lines, self.changes))
        return (*self.answer, *lines, *changes, self.headline, self.context, *self.more)


def _said(a: Facts, d: Decided) -> Said:
    changes = [*reasons.money_change(d), *findings.changes(a)]
    more = [] if stopped(a) else advice.purchase(a)
    return Said(answer(a, d), reasons.lines(a, d), changes, findings.headline(a), findings.context(a), more)


def _page(a: Facts, d: Decided, said: Said, drawn: Mapping[str, Figure], chapters: Sequence[Chapter]) -> dict[str, Any]:
    captioned = captions.captions(a, d) | {
        one.name: (one.heading, one.alt, message("chapter", one.caption)) for one in chapters
    }
    figures = {}
    for name in drawn:
        heading, alt, caption = captioned[name]
        figures[name] = {"heading": heading, "alt": alt, "caption": caption.text}
    return {
        "verdict": a.verdict,
        "currency": html.escape(d.found.asked["currency"]),
        "health": findings.health(a).text,
        "answer": [one.text for one in said.answer],
        "lines": [(what, how.text) for what, how in said.lines],
        "choices": options_of(a, d),
        "headline": said.headline.text,
        "context": said.context.text,
        "more": [one.text for one in said.more],
        "changes": [(what, how.text) for what, how in said.changes],
        "figures": figures,
        "chapters": chapters,
        "options": options_rows(a),
        "options_note": options_note(a),
        "requirement": requirement_rows(a),
        "floor": floor_rows(a),
        "checks": [_sentences(c, a.group) for c in a.checks],
        "several": a.several,
    }


def _sentences(one: Check, group: Group) -> dict[str, Any]:
    """A check as sentences; within a memo on one group, curves are named by their architecture."""
    row = one.as_row() | {"name": capital(one.name)}
    for key in ("text", "next_step"):
        label = "/".join(group) + "/"
        text = str(row[key]).strip().replace("/".join(group) + ": ", "all architectures: ")
        text = text.replace(label, "") if text.startswith(label) else capital(text.replace(label, ""))
        row[key] = f"{text}." if text and text[-1] not in ".!?" else text
    return row
