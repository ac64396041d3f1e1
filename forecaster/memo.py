"""memo: the decision memo in Markdown and HTML, a headline first and its assumptions last.

No statistics here: forecast, requirement, compare and check answer, ``sentences`` and the templates say it.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure

from forecaster import advice, appendix, figures, sentences
from forecaster.checks import check, overall, table_of
from forecaster.comparison import compare
from forecaster.design import Design
from forecaster.errors import RequestError, UnwritableError
from forecaster.files import make_folder, write_whole
from forecaster.forecast import LEVEL, Forecast, Target, forecast
from forecaster.looks import Table, capital
from forecaster.posterior import Group, Posterior
from forecaster.predictive import Assessment
from forecaster.requirement import largest_size, requirement
from forecaster.results import Check
from forecaster.sensitivity import card_table, floor_table, options_table
from forecaster.sentences import Answers
from forecaster.units import chance, listed, rounded, size, times, units_of

HEADLINE = 10  # the headline is the option nearest to this multiple
RIVALS = 3  # architectures in the floor figure
TABLED = 2  # those of them in the memo's table
SHOWN = 4  # architectures the memo's table of options always shows at a size, however small their chance


@dataclass(frozen=True, eq=False)
class Memo:
    """A memo on one group: ``figures`` and ``tables`` by name, and the text in two formats."""

    title: str
    facts: Mapping[str, Any]
    figures: Mapping[str, Figure]
    tables: Mapping[str, pd.DataFrame]
    checks: tuple[Check, ...]

    @property
    def failed(self) -> bool:
        """True where a check said FAIL."""
        return any(c.verdict == "FAIL" for c in self.checks)

    @property
    def markdown(self) -> str:
        """The memo in Markdown, its figures beside it as ``memo-*.png``."""
        return self._markdown("memo")

    @cached_property
    def html(self) -> str:
        """The memo as one self-contained HTML file."""
        images = {name: _svg(figure) for name, figure in self.figures.items()}
        text = _templates().get_template("memo.html.j2").render(self.facts, images=images)
        return text.replace(" %", "\u00a0%")  # a number and its unit stay on one line

    def save(self, folder: str | Path, stem: str = "memo") -> tuple[Path, ...]:
        """Write ``stem.md``, ``stem.html`` and the figures ``stem-*.png``; each whole or not at all."""
        folder = Path(folder)
        make_folder(folder)
        texts = {folder / f"{stem}.md": self._markdown(stem), folder / f"{stem}.html": self.html}
        pictures = {folder / f"{stem}-{name}.png": figure for name, figure in self.figures.items()}
        if taken := [path for path in (*texts, *pictures) if path.is_dir()]:
            raise UnwritableError(f"{taken[0]}: found a folder where a file is to be written; move it away")
        for path, figure in pictures.items():
            write_whole(path, lambda temporary, figure=figure: _png(figure, temporary))
        for path, text in texts.items():
            write_whole(path, lambda temporary, text=text: Path(temporary).write_text(text, encoding="utf-8"))
        return (*texts, *pictures)

    def _markdown(self, stem: str) -> str:
        images = {name: f"{stem}-{name}.png" for name in self.figures}
        return _templates().get_template("memo.md.j2").render(self.facts, images=images)

    def _repr_html_(self) -> str:
        return self.html


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
    """Write the memo on one group (by default the first): a (domain, task) or ``domain/task``.

    ``sizes`` are the options; by default 2, 5, 10, 30 and 100 times the largest measured size. ``target`` is the
    error to reach; by default what the best architecture is forecast to reach at the option nearest to ten times.
    ``size_unit`` says what sizes count, such as ``FLOPs`` or ``steps``, where that is not what the card says.
    Raises RequestError for an unknown group, a size, target or level out of range.
    """
    answers = _ask(posterior, _group(posterior, group), sizes, target, level, size_unit, seed)
    drawn = _draw(answers)
    tables = {
        "forecast": answers.found.table,
        "options": answers.options,
        "requirement": answers.need.table,
        "floor": answers.floors,
        "card": answers.priors,
        "fit": answers.assessed.curves,
        "fit_points": answers.assessed.points,
        "checks": table_of(answers.checks),
    }
    if answers.comparison is not None:
        tables |= {"comparison": answers.comparison.table, "exponents": answers.comparison.exponents}
    title = title or f"{answers.group[1]}: what more data will buy"
    facts = _facts(answers, drawn) | {"title": title}
    facts["appendix"] = appendix.facts(answers, seed, command)
    return Memo(title, facts, drawn, tables, answers.checks)


def _group(posterior: Posterior, group: Group | str | None) -> Group:
    known = {"/".join(g): g for g in posterior.groups}
    name = next(iter(known)) if group is None else group if isinstance(group, str) else "/".join(group)
    if name not in known:
        raise RequestError(f"group: found {name!r}; this posterior holds: {', '.join(known)}")
    return known[name]


def _ask(
    whole: Posterior,
    group: Group,
    sizes: Sequence[float] | None,
    target: float | None,
    level: float,
    size_unit: str | None,
    seed: int,
) -> Answers:
    """Put every question of the memo, on the group alone, to the modules that answer it."""
    posterior = whole.only(group)
    design = posterior.designs[group]
    largest = largest_size(design)
    asked = tuple(sorted({float(n) for n in (advice.default_sizes(largest) if sizes is None else sizes)}))
    rows = [(*group, name, n) for name in design.architectures for n in sorted({largest, *asked})]
    at = pd.DataFrame(rows, columns=["domain", "task", "architecture", "n"])
    found = forecast(posterior, at, level=level, seed=seed)
    ends = _ends(posterior, found, largest, seed)
    units = units_of(posterior, group).counting(size_unit)
    headline_n = min(asked, key=lambda n: abs(math.log(n / (HEADLINE * largest))), default=largest)
    at_headline: Table = found.table[found.table["n"] == headline_n]
    goal = advice.default_goal(at_headline, ends) if target is None else float(target)
    options = options_table(found, goal)
    targets = [Target(*group, name) for name in design.architectures]
    several = len(design.architectures) > 1
    verdicts, need = check(posterior, at=list(asked)), requirement(posterior, goal, seed=seed, targets=targets)
    checks = (*verdicts.checks, *(need.checks if target is not None else ()))
    return Answers(
        whole=whole,
        posterior=posterior,
        group=group,
        units=units,
        largest=largest,
        sizes=asked,
        headline_n=headline_n,
        target=goal,
        target_given=target is not None,
        level=level,
        found=found,
        ends=ends,
        elsewhere=_elsewhere(posterior, design, headline_n, level, seed),
        options=options,
        need=need,
        comparison=compare(posterior, group=group, at=asked, seed=seed) if several else None,
        floors=_floors(found, options, headline_n),
        priors=_priors(found, headline_n),
        assessed=Assessment(verdicts.fit_points, verdicts.fit),
        checks=checks,
        verdict=overall(checks),
    )


def _ends(posterior: Posterior, found: Forecast, largest: float, seed: int) -> dict[str, dict[str, Any]]:
    """Of each architecture, a forecast's row at the largest size that it was itself measured at."""
    (design,) = posterior.designs.values()
    rows = {r["architecture"]: r for r in found.table.to_dict("records") if r["n"] == largest}
    own = {name: largest_size(design, name) for name in rows}
    early = [(design.domain, design.task, name, n) for name, n in own.items() if not math.isclose(n, largest)]
    if early:
        at = pd.DataFrame(early, columns=["domain", "task", "architecture", "n"])
        level = float(found.table["level"].iloc[0])
        rows |= {r["architecture"]: r for r in forecast(posterior, at, level=level, seed=seed).table.to_dict("records")}
    return rows


def _elsewhere(posterior: Posterior, design: Design, n: float, level: float, seed: int) -> Forecast | None:
    """The forecast on cases that nobody tested; None where a curve has no test set of known size."""
    if not all(np.isfinite(c.curve.n_test).all() for c in design.curves):
        return None
    at = pd.DataFrame({"architecture": design.architectures, "n": n}).assign(domain=design.domain, task=design.task)
    return forecast(posterior, at, kind="new-cases", level=level, seed=seed)


def _floors(found: Forecast, options: Table, n: float) -> pd.DataFrame:
    """The floor table at the headline's size, for its leading architectures."""
    table: Table = floor_table(found)
    ranked = options[options["n"] == n].head(RIVALS).to_dict("records")
    leaders = [r["architecture"] for i, r in enumerate(ranked) if i < TABLED or r["p_best"] >= 0.01]
    table = table[(table["n"] == n) & table["architecture"].isin(leaders)]
    order = table["architecture"].map(leaders.index)
    return table.iloc[np.argsort(order, kind="stable")].reset_index(drop=True)


def _priors(found: Forecast, n: float) -> pd.DataFrame:
    """What the headline's forecast would be under other priors."""
    at: Table = found.table["n"] == n
    table = found.table[at].reset_index(drop=True)
    assert found.draws is not None
    return card_table(replace(found, table=table, draws=found.draws[:, np.flatnonzero(at)]))


def _draw(a: Answers) -> dict[str, Figure]:
    order = a.posterior.designs[a.group].architectures
    with rc_context(figures.STYLE):
        drawn = {
            "forecast": figures.forecast_figure(a.found, group=a.group, units=a.units),
            "requirement": figures.requirement_figure(a.need, units=a.units),
        }
        if a.comparison is not None:
            drawn["exponents"] = figures.comparison_figure(a.comparison)
        drawn["floor"] = figures.floor_figure(a.floors, units=a.units, order=order)
        for figure in drawn.values():  # lay out once: a layout done anew for each file would differ in its last digits
            figure.draw_without_rendering()
            figure.set_layout_engine("none")
    return drawn


# What the templates are given ---------------------------------------------------------------------


def _facts(a: Answers, drawn: Mapping[str, Figure]) -> dict[str, Any]:
    said = sentences.captions(a)
    return {
        "about": _about(a),
        "verdict": a.verdict,
        "health": sentences.health(a),
        "number": a.interval(a.best)[0],
        "number_of": a.units.error_name,
        "headline": sentences.headline(a),
        "context": sentences.context(a),
        "recommendation": advice.recommendation(a),
        "changes": sentences.changes(a),
        "figures": {name: dict(zip(("heading", "alt", "caption"), said[name], strict=True)) for name in drawn},
        "options": _options_rows(a),
        "options_note": _options_note(a),
        "requirement": _requirement_rows(a),
        "floor": _floor_rows(a),
        "checks": [_said(c, a.group) for c in a.checks],
        "several": a.several,
        "times_in": sentences.times_in(a.level),
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
    names = list(a.posterior.designs[a.group].architectures)
    rows = len(figures.measured_table(a.posterior, a.group))
    means = "" if a.units.error_name == "error" else f" Error here means {a.units.error_name}."
    return f"{a.group[0]} · {a.group[1]} · {rows:,} measurements of {listed(names)}, up to {a.sized(a.largest)}.{means}"


def _options_rows(a: Answers) -> list[dict[str, Any]]:
    """Rows of the table of options, one a size and architecture."""
    out = []
    for n in sorted(a.options["n"].unique()):
        for i, row in enumerate(a.at(n)):
            ratio = a.beyond(row["architecture"], n)
            if i >= SHOWN and row["p_best"] < 0.01 and row["p_target"] < 0.01:
                continue
            middle, low, high = a.interval(row)
            out.append(
                {
                    "size": size(n) if i == 0 else "",
                    "times": _multiple(ratio) if i == 0 or a.uneven else "",
                    "architecture": row["architecture"],
                    "error": middle,
                    "range": a.units.between(low, high),
                    "best": chance(row["p_best"]),
                    "target": chance(row["p_target"]),
                    "first": i == 0,
                    "headline": i == 0 and bool(np.isclose(n, a.headline_n)),
                }
            )
    return out


def _multiple(ratio: float) -> str:
    return "measured" if math.isclose(ratio, 1.0) else times(ratio).replace("about ", "≈ ")


def _options_note(a: Answers) -> str:
    goal = a.units.phrase(a.units.error_plain(a.target))
    said = ""
    if a.uneven:
        said = "Times: the size over the largest at which that architecture was measured; elsewhere it is forecast. "
    said += f"Range: holds the true error {sentences.times_in(a.level)}. Target: the chance of {goal} or less."
    if a.several:
        said += " Best: the chance of the lowest error of all at that size."
    if len(a.at(a.largest)) > SHOWN:
        said += f" Beyond the first {SHOWN}, architectures with next to no chance of either are left out."
    return said


def _requirement_rows(a: Answers) -> list[list[str]]:
    order = {row["architecture"]: i for i, row in enumerate(a.at(a.headline_n))}
    rows = sorted(a.need.table.to_dict("records"), key=lambda r: order[r["architecture"]])
    return [
        [r["architecture"], *(size(rounded(r[q])) for q in ("q25", "q50", "q75", "q95")), chance(r["p_never"])]
        for r in rows
    ]


def _floor_rows(a: Answers) -> list[dict[str, str]]:
    """Floors of the leading architectures, from low to high."""
    words = ("lowest fifth", "low", "middle", "high", "highest fifth")
    out = []
    leaders = list(dict.fromkeys(a.floors["architecture"]))[:TABLED]
    for _, mine in a.floors[a.floors["architecture"].isin(leaders)].groupby("architecture", sort=False):
        d = a.units.decimals(mine["yhat_lower"].min(), mine["yhat_upper"].max())
        for row, word in zip(mine.to_dict("records"), words, strict=True):
            floor, middle, low, high = (a.units.error(row[k], d) for k in ("floor", "yhat", "yhat_lower", "yhat_upper"))
            cells = {"architecture": row["architecture"] if row["part"] == 1 else "", "word": word, "floor": floor}
            out.append(cells | {"error": middle, "range": a.units.between(low, high), "best": chance(row["p_best"])})
    return out


# Files ----------------------------------------------------------------------------------------------


def _svg(figure: Figure) -> str:
    """The figure as a data URI."""
    buffer = io.BytesIO()
    with rc_context(figures.STYLE):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode()


def _png(figure: Figure, path: str) -> None:
    with rc_context(figures.STYLE):
        figure.savefig(path, format="png", dpi=160, metadata={"Software": None})


@cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("forecaster"),
        autoescape=lambda name: bool(name and name.endswith(".html.j2")),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["md"] = _markdown_text
    return environment


def _markdown_text(text: object) -> str:
    """Text as Markdown shows it, whatever characters names hold."""
    out = " ".join(str(text).split())
    for mark in "\\`*_{}[]<>|#":
        out = out.replace(mark, "\\" + mark)
    return out
