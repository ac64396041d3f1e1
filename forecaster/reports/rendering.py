"""A memo as Markdown and HTML."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, ClassVar

import jinja2
import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure

from forecaster._support.atomic_files import written_together
from forecaster.checks.card_sensitivity import FLOORS, SENSITIVITY
from forecaster.checks.check import CHECKS
from forecaster.checks.predictive import FIT_POINTS, FITS
from forecaster.comparison.comparison import Comparison
from forecaster.comparison.effect import Effect
from forecaster.decisions.decision import Decision
from forecaster.decisions.measuring.proposal import Proposal
from forecaster.decisions.screen import Screening
from forecaster.errors import RequestError
from forecaster.evaluation.pooling import POOLING
from forecaster.ladders.triage import Triage
from forecaster.plots import style
from forecaster.plots.forecast import CURVES
from forecaster.prediction.forecast import Forecast
from forecaster.prediction.options import OPTIONS
from forecaster.prediction.requirement import Requirement
from forecaster.registry.scored import Scored
from forecaster.reports.page.document import Asks
from forecaster.reports.pdf import pdf_of
from forecaster.resources.growth import GrowthTable
from forecaster.results.columns import Column, Columns, declared
from forecaster.results.message import Message
from forecaster.results.result import Result
from forecaster.results.track_record import RECORD
from forecaster.surfaces.answers import ComputeOptimum

PAGE = Columns(
    "an option and architecture",
    Decision.columns["table"],
    Column("shown", "flag", "whether the first page has it"),
)
TABLES = "tables"  # what the folder of a memo's tables is called, after its stem


@dataclass(frozen=True, eq=False, repr=False)
class Memo(Result):
    """A memo on one group: ``table`` holds the options, ``details`` all other tables by name, ``figures`` its figures.

    ``text`` is its answer, ``messages`` are its sentences with their ids; ``markdown`` and ``html`` are the whole memo.
    ``interactive`` is a page beside it on which target, size, prices and budget can be moved, and ``opening`` what it
    is made from. For one architecture there is no comparison. ``narrow`` are figures that a telephone shows in place of
    others.
    """

    title: str = ""
    messages: tuple[Message, ...] = ()
    page: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, Figure] = field(default_factory=dict)
    details: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    narrow: Mapping[str, Figure] = field(default_factory=dict)
    opening: Asks | None = None

    command = "memo"
    template: ClassVar[str] = "memo"
    columns = declared(
        table=PAGE,
        orders=Decision.columns["orders"],
        test_cases=Decision.columns["test_cases"],
        by_size=OPTIONS,
        forecast=Forecast.columns["table"],
        curves=CURVES,
        requirement=Requirement.columns["table"],
        floor=FLOORS,
        card=SENSITIVITY,
        fit=FITS,
        fit_points=FIT_POINTS,
        verdicts=CHECKS,
        record=RECORD,
        pooling=POOLING,
        comparison=Comparison.columns["table"],
        crossings=Comparison.columns["crossings"],
        gains=Comparison.columns["best"],
        slopes=Comparison.columns["slopes"],
        exponents=Comparison.columns["exponents"],
        next=Proposal.columns["table"],
        screen=Screening.columns["table"],
        effect=Effect.columns["table"],
        effect_worth=Effect.columns["worth"],
        growth=GrowthTable.columns["table"],
        growth_exponents=GrowthTable.columns["exponents"],
        surface=ComputeOptimum.columns["table"],
        triage=Triage.columns["table"],
        triage_actions=Triage.columns["actions"],
        triage_more_data=Triage.columns["more_data"],
        registered=Scored.columns["table"],
        registered_record=Scored.columns["record"],
    )
    keys = declared(
        title="the title of the memo",
        messages="its answer, the lines below and what would change it: `id` (stable), `text` and the `values` in it",
    )

    @property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """The options (``table``) and all other tables by name; those of what was not asked have no rows."""
        given = {"table": self.table, **self.details}
        return {name: given[name] if len(given.get(name, ())) else _empty(own) for name, own in self.columns.items()}

    def plot(self) -> Figure:
        """The first of the memo's figures: the options on the learning curve."""
        return next(iter(self.figures.values()))

    @property
    def markdown(self) -> str:
        """The memo in Markdown, its figures beside it as ``memo-*.png``."""
        return self._markdown("memo")

    @cached_property
    def html(self) -> str:
        """The memo as one self-contained HTML file."""
        return self._html(None)

    def _html(self, beside: str | None) -> str:
        """The same, with a link to the page ``beside`` it."""
        images, narrow = ({k: _svg(v) for k, v in some.items()} for some in (self.figures, self.narrow))
        template = _templates().get_template(f"{self.template}.html.j2")
        text = template.render(self.page, images=images, narrow=narrow, beside=beside)
        for unit in ("%", self.page["currency"]):
            text = text.replace(f" {unit}", f"\u00a0{unit}") if unit else text  # a number and its unit stay on one line
        return text

    @cached_property
    def interactive(self) -> str:
        """A page that answers offline for other targets, sizes, prices and budgets, as one self-contained HTML file.

        Its numbers are those of :func:`~forecaster.forecast`, :func:`~forecaster.requirement` and
        :func:`~forecaster.decide` (of a surface: :func:`~forecaster.surface_decision`), as closely as the grids of
        quantiles tell that it carries.
        """
        if self.opening is None:
            raise RequestError(
                "this memo has no page; those of forecaster.memo(posterior) and forecaster.surface_memo(surface) have"
            )
        return self.opening.html

    @cached_property
    def pdf(self) -> bytes:
        """The memo as PDF, as a browser prints it; RequestError where the extra ``forecaster[pdf]`` is missing."""
        return pdf_of(self.html)

    def save(
        self, folder: str | Path, stem: str = "memo", *, page: bool = False, pdf: bool = False
    ) -> tuple[Path, ...]:
        """Write ``stem.md``, ``stem.html``, figures ``stem-*.png``, and the tables behind all numbers: all, or none.

        The tables are ``stem-tables/*.csv``, one for each of ``tables``.

        Parameters
        ----------
        folder : str or Path
            Made where it does not exist.
        stem : str
            Beginning of every file's name.
        page : bool
            Also write :attr:`interactive`, as ``stem-page.html``.
        pdf : bool
            Also write :attr:`pdf`, as ``stem.pdf``.

        Returns
        -------
        tuple of Path
            The files written.

        Raises
        ------
        RequestError
            PDF is asked for, and WeasyPrint or Pango is missing.
        UnwritableError
            A folder stands where a file is to be written, or the system refuses the file.
        """
        with written_together(folder) as aside:
            names = self.write(aside, stem, page=page, pdf=pdf)
        return tuple(Path(folder) / name for name in names)

    def write(self, folder: Path, stem: str, *, page: bool = False, pdf: bool = False) -> tuple[str, ...]:
        """Write the same files into an existing folder, in turn; returns their names."""
        beside = f"{stem}-page.html"
        texts = {f"{stem}.md": self._markdown(stem), f"{stem}.html": self._html(beside) if page else self.html}
        texts |= {beside: self.interactive} if page else {}
        pictures = {f"{stem}-{name}.png": figure for name, figure in self.figures.items()}
        for name, figure in pictures.items():
            save_png(figure, folder / name)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
        if pdf:
            (folder / f"{stem}.pdf").write_bytes(self.pdf)
        printed = [f"{stem}.pdf"] if pdf else []
        return (*texts, *printed, *pictures, *self._write_tables(folder, stem))

    def _write_tables(self, folder: Path, stem: str) -> Iterator[str]:
        """One file a declared table, so that none of an earlier memo stays."""
        (folder / f"{stem}-{TABLES}").mkdir(exist_ok=True)
        for name, table in self.tables.items():
            file = f"{stem}-{TABLES}/{'options' if name == 'table' else name}.csv"
            table.to_csv(folder / file, index=False)
            yield file

    def _markdown(self, stem: str) -> str:
        images = {name: f"{stem}-{name}.png" for name in self.figures}
        return (
            _templates()
            .get_template(f"{self.template}.md.j2")
            .render(self.page, images=images, folder=f"{stem}-{TABLES}")
        )

    def _repr_html_(self) -> str:
        return self.html


def _empty(columns: Columns) -> pd.DataFrame:
    """A table without rows."""
    return pd.DataFrame(columns=[column.name for column in columns if not column.pattern])


def frozen(figure: Figure) -> Figure:
    """One layout for all files: repeated layouts differ in the last digits."""
    with rc_context(style.STYLE):
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
    return figure


def _svg(figure: Figure) -> str:
    """The figure as a data URI."""
    buffer = io.BytesIO()
    with rc_context(style.STYLE):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode()


def save_png(figure: Figure, path: Path) -> None:
    """Write a figure in the style of memos."""
    with rc_context(style.STYLE):
        figure.savefig(path, format="png", dpi=160, metadata={"Software": None})


@cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("forecaster.reports"),
        autoescape=lambda name: bool(name and name.endswith(".html.j2")),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["md"] = _markdown_text
    return environment


def _markdown_text(text: object) -> str:
    """Text escaped for Markdown, whatever characters names hold."""
    out = " ".join(str(text).split())
    for mark in "\\`*_{}[]<>|#":
        out = out.replace(mark, "\\" + mark)
    return out
