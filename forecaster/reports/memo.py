"""memo: the decision memo in Markdown and HTML, a headline first and its assumptions last.

No statistics here: forecast, requirement, compare and check answer, ``sentences`` and the templates say it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from forecaster.checks.check import table_of
from forecaster.curves.learning_curves import Group
from forecaster.errors import RequestError
from forecaster.inference.posterior import Posterior, expect_posterior
from forecaster.plots.comparison import comparison_figure
from forecaster.plots.floor import floor_figure
from forecaster.plots.forecast import forecast_figure, measured_table
from forecaster.plots.requirement import requirement_figure
from forecaster.plots.style import STYLE, capital, unique
from forecaster.prediction.forecast import LEVEL
from forecaster.reports import advice, appendix, captions, findings
from forecaster.reports.answers import Answers
from forecaster.reports.collect import ask
from forecaster.reports.rendering import Memo
from forecaster.reports.tables import floor_rows, options_note, options_rows, requirement_rows
from forecaster.results.check import Check
from forecaster.results.wording import listed, times_in


def memo(
    posterior: Posterior,
    group: Group | str | None = None,
    *,
    sizes: Sequence[float] | None = None,
    target: float | None = None,
    level: float = LEVEL,
    title: str | None = None,
    size_unit: str | None = None,
    command: str | None = None,
    seed: int = 0,
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
    level : float
        Probability inside the intervals.
    title : str, optional
        The memo's title.
    size_unit : str, optional
        What sizes count, such as ``FLOPs``, where that is not what the card says.
    command : str, optional
        The command line to print in the appendix.
    seed : int
        The same seed gives the same numbers.

    Returns
    -------
    Memo
        ``markdown``, ``html``, ``figures`` and ``tables``; ``save`` writes them.

    Raises
    ------
    RequestError
        An unknown group, a size, target or level out of range.

    Examples
    --------
    >>> import forecaster
    >>> memo = forecaster.memo(posterior, sizes=[2_400, 12_000])  # doctest: +SKIP
    >>> memo.save("reports")  # doctest: +SKIP
    """
    expect_posterior(posterior)
    answers = ask(posterior, _group(posterior, group), sizes, target, level, size_unit, seed)
    drawn = _draw(answers)
    tables = {
        "forecast": answers.found.table,
        "requirement": answers.need.table,
        "floor": answers.floors,
        "card": answers.priors,
        "fit": answers.assessed.curves,
        "fit_points": answers.assessed.points,
        "verdicts": table_of(answers.checks),
    }
    if answers.comparison is not None:
        tables |= {"comparison": answers.comparison.table, "exponents": answers.comparison.exponents}
    title = title or f"{answers.group[1]}: what more data will buy"
    facts = _facts(answers, drawn) | {"title": title}
    facts["appendix"] = appendix.facts(answers, seed, command)
    text = "\n".join([facts["headline"], *facts["recommendation"]])
    return Memo(answers.options, text, answers.checks, title, facts, drawn, tables)


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
            "forecast": forecast_figure(a.found, group=a.group, units=a.units),
            "requirement": requirement_figure(a.need, units=a.units),
        }
        if a.comparison is not None:
            drawn["exponents"] = comparison_figure(a.comparison)
        drawn["floor"] = floor_figure(a.floors, units=a.units, order=order)
        for figure in drawn.values():  # lay out once: a layout done anew for each file would differ in its last digits
            figure.draw_without_rendering()
            figure.set_layout_engine("none")
    return drawn


# What the templates are given ---------------------------------------------------------------------


def _facts(a: Answers, drawn: Mapping[str, Figure]) -> dict[str, Any]:
    said = captions.captions(a)
    return {
        "about": _about(a),
        "verdict": a.verdict,
        "health": findings.health(a),
        "number": a.interval(a.best)[0],
        "number_of": a.units.error_name,
        "headline": findings.headline(a),
        "context": findings.context(a),
        "recommendation": advice.recommendation(a),
        "changes": findings.changes(a),
        "figures": {name: dict(zip(("heading", "alt", "caption"), said[name], strict=True)) for name in drawn},
        "options": options_rows(a),
        "options_note": options_note(a),
        "requirement": requirement_rows(a),
        "floor": floor_rows(a),
        "checks": [_said(c, a.group) for c in a.checks],
        "several": a.several,
        "times_in": times_in(a.level),
    }


def _said(one: Check, group: Group) -> dict[str, Any]:
    """A check as sentences; within a memo on one group, curves go by their architecture."""
    row = one.as_row() | {"name": one.name.replace("_", " ").replace("-", " ")}
    for key in ("text", "next_step"):
        label = "/".join(group) + "/"
        text = str(row[key]).strip()
        text = text.replace(label, "") if text.startswith(label) else capital(text.replace(label, ""))
        row[key] = f"{text}." if text and text[-1] not in ".!?" else text
    return row


def _about(a: Answers) -> str:
    names, shown = a.posterior.designs[a.group].architectures, unique(a.options)
    whom, some = listed(list(names)), ""
    if len(shown) < len(names):
        whom = f"{len(names)} architectures"
        some = f" This memo is about the {len(shown)} likeliest to be best at one of its sizes."
    rows = len(measured_table(a.posterior, a.group))
    means = "" if a.units.error_name == "error" else f" Error here means {a.units.error_name}."
    return f"{a.group[0]} · {a.group[1]} · {rows:,} measurements of {whom}, up to {a.sized(a.largest)}.{means}{some}"
