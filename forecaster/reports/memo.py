"""memo: the decision memo in Markdown and HTML, the headline first and the assumptions last.

No statistics here: forecast, requirement, compare and check give the answers; ``findings``, ``advice`` and the
templates put them into words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure

from forecaster.checks.check import table_of
from forecaster.curves.learning_curves import Group
from forecaster.errors import RequestError
from forecaster.inference.posterior import Posterior, expect_posterior
from forecaster.plots.comparison import gain_figure
from forecaster.plots.floor import floor_figure
from forecaster.plots.forecast import forecast_figure, measured_table
from forecaster.plots.requirement import requirement_figure
from forecaster.plots.style import STYLE, capital, unique
from forecaster.prediction.forecast import LEVEL
from forecaster.reports import advice, appendix, captions, findings
from forecaster.reports.answers import Answers, Facts
from forecaster.reports.collect import ask
from forecaster.reports.rendering import Memo
from forecaster.reports.tables import floor_rows, options_note, options_rows, requirement_rows
from forecaster.results.check import PASS, Check
from forecaster.results.message import Message, joined
from forecaster.results.wording import listed


def memo(
    posterior: Posterior,
    group: Group | str | None = None,
    *,
    sizes: Sequence[float] | None = None,
    target: float | None = None,
    kind: str | None = None,
    level: float = LEVEL,
    title: str | None = None,
    size_unit: str | None = None,
    command: str | None = None,
    seed: int = 0,
    record: bool = True,
) -> Memo:
    """Write a decision memo on one group.

    Parameters
    ----------
    posterior : Posterior
        What :func:`~forecaster.fit` gave.
    group : (str, str) or str, optional
        A (domain, task), or ``domain/task``; by default the first.
    sizes : sequence of float, optional
        The options; by default 2, 5, 10, 30 and 100 times the largest measured size.
    target : float, optional
        The error to reach; by default what the best architecture is forecast to reach at the option nearest to ten
        times today's data.
    kind : {"mean", "new-run", "new-cases"}
        What every number is about: the average run on the test set at hand, one new run, or the average run on new test
        cases (needs ``n_test``), as in :func:`~forecaster.forecast`; by default the last where ``n_test`` is known,
        else the first.
    level : float
        Probability inside the intervals.
    title : str, optional
        The memo's title.
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
        ``markdown``, ``html``, ``figures`` and ``tables``; ``save`` writes them.

    Raises
    ------
    RequestError
        An unknown group or kind, a size, target or level out of range, ``new-cases`` where no test set is known.

    Examples
    --------
    >>> import forecaster
    >>> memo = forecaster.memo(posterior, sizes=[2_400, 12_000])  # doctest: +SKIP
    >>> memo.save("reports")  # doctest: +SKIP
    """
    expect_posterior(posterior)
    answers = ask(posterior, _group(posterior, group), sizes, target, kind, level, size_unit, seed, record)
    facts, drawn = answers.facts, _draw(answers)
    tables = {
        "forecast": answers.found.table,
        "requirement": answers.need.table,
        "floor": facts.floors,
        "card": answers.priors,
        "fit": answers.assessed.curves,
        "fit_points": answers.assessed.points,
        "verdicts": table_of(facts.checks),
        "record": facts.track.table,
        "pooling": pd.DataFrame() if facts.pooling is None else facts.pooling.table,
    }
    if answers.comparison is not None:
        of = answers.comparison
        tables |= {"comparison": of.table, "crossings": of.crossings, "gains": of.best}
        tables |= {"slopes": of.slopes, "exponents": of.exponents}
    title = title or f"{answers.group[1]}: what more data will buy"
    said = _said(facts)
    page = _page(facts, said, drawn) | {"title": title, "about": _about(answers)}
    page["appendix"] = appendix.facts(answers, seed, command)
    text = joined([said.headline, *said.recommendation], "\n")
    return Memo(facts.options, text, facts.checks, title, said.all, page, drawn, tables)


def _group(posterior: Posterior, group: Group | str | None) -> Group:
    known = {"/".join(g): g for g in posterior.groups}
    name = next(iter(known)) if group is None else group if isinstance(group, str) else "/".join(group)
    if name not in known:
        raise RequestError(f"group: found {name!r}; this posterior holds: {', '.join(known)}")
    return known[name]


def _draw(a: Answers) -> dict[str, Figure]:
    order = a.posterior.designs[a.group].architectures
    with rc_context(STYLE):
        drawn = {
            "forecast": forecast_figure(a.found, group=a.group, units=a.facts.units),
            "requirement": requirement_figure(a.need, units=a.facts.units),
        }
        if a.comparison is not None and a.facts.headline_n in a.comparison.gain_sizes:
            drawn["gains"] = gain_figure(a.comparison, a.facts.headline_n)
        drawn["floor"] = floor_figure(a.facts.floors, units=a.facts.units, order=order)
        for figure in drawn.values():  # one layout for all files: repeated layouts differ in the last digits
            figure.draw_without_rendering()
            figure.set_layout_engine("none")
    return drawn


# What the templates show --------------------------------------------------------------------------


@dataclass(frozen=True)
class Said:
    """The messages of a memo, each where the page has it."""

    headline: Message
    context: Message
    health: Message
    record: Message | None
    recommendation: list[Message]
    changes: list[findings.Change]

    @property
    def all(self) -> tuple[Message, ...]:
        """In the order of the page."""
        first = (self.headline, self.context, self.health, *([] if self.record is None else [self.record]))
        return (*first, *self.recommendation, *(how for _, how in self.changes))


def _said(a: Facts) -> Said:
    return Said(
        findings.headline(a),
        findings.context(a),
        findings.health(a),
        findings.own_record(a),
        advice.recommendation(a),
        findings.changes(a),
    )


def _page(a: Facts, said: Said, drawn: Mapping[str, Figure]) -> dict[str, Any]:
    captioned = captions.captions(a)
    figures = {}
    for name in drawn:
        heading, alt, caption = captioned[name]
        figures[name] = {"heading": heading, "alt": alt, "caption": caption.text}
    checks = [_sentences(c, a.group) for c in a.checks]
    return {
        "verdict": a.verdict,
        "health": said.health.text,
        "record": "" if said.record is None else said.record.text,
        "number": a.interval(a.best)[0],
        "number_of": a.units.error_name,
        "headline": said.headline.text,
        "context": said.context.text,
        "recommendation": [one.text for one in said.recommendation],
        "changes": [(what, how.text) for what, how in said.changes],
        "figures": figures,
        "options": options_rows(a),
        "options_note": options_note(a),
        "requirement": requirement_rows(a),
        "floor": floor_rows(a),
        "checks": checks,
        "open_checks": [row for row in checks if row["verdict"] != PASS],
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


def _about(a: Answers) -> str:
    """The line below the title: the data, the unit of the error, and what the numbers are about."""
    facts = a.facts
    names, shown = a.posterior.designs[a.group].architectures, unique(facts.options)
    whom, some = listed(list(names)), ""
    if len(shown) < len(names):
        whom = f"{len(names)} architectures"
        some = f" This memo is about the {len(shown)} most likely to be best at one of its sizes."
    rows = len(measured_table(a.posterior, a.group))
    means = "" if facts.units.error_name == "error" else f" Error here means {facts.units.error_name}."
    return (
        f"{a.group[1]} ({a.group[0]}): {rows:,} measurements of {whom}, up to {facts.sized(facts.largest)}."
        f"{means}{some} {findings.KINDS[facts.kind]}"
    )
