"""The head of a memo: what it is, of which day and by whom; the data, the unit of the error, what the numbers mean."""

from __future__ import annotations

from datetime import date

from forecaster.plots.forecast import measured_table
from forecaster.plots.style import unique
from forecaster.reports import findings
from forecaster.reports.answers import Answers
from forecaster.results.wording import listed

NAMED = 3  # architectures that the line below the title names


def written(day: date) -> str:
    """``26 January 2027``."""
    return f"{day.day} {day:%B %Y}"


def kicker(author: str | None, dated: date) -> str:
    """The line above the title: what this is, of which day, and by whom."""
    return " · ".join(["Decision memo", written(dated), *([author] if author else [])])


def about(a: Answers) -> str:
    """The line below the title: the data, the unit of the error, and what the numbers are about."""
    facts = a.facts
    names, shown = a.posterior.designs[a.group].architectures, unique(facts.options)
    whom, some = listed(list(names)) if len(names) <= NAMED else f"{len(names)} architectures", ""
    if len(shown) < len(names):
        some = f" This memo is about the {len(shown)} most likely to be best at one of its sizes."
    rows = len(measured_table(a.posterior, a.group))
    means = "" if facts.units.error_name == "error" else f" Error here means {facts.units.error_name}."
    return (
        f"{a.group[1]} ({a.group[0]}): {rows:,} measurements of {whom}, up to {facts.sized(facts.largest)}."
        f"{means}{some} {findings.KINDS[facts.kind]}"
    )
