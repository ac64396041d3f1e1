"""The verbs that write documents: memo, demo."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from forecaster.cli import console, interrupts, outputs, remarks, values
from forecaster.cli.app import Failures, Json, Kind, Level, deliver, verb
from forecaster.cli.commands.weighing.worth import Weighed, has_two_axes, runs_asked, surfaces_of
from forecaster.errors import OptionError

CHAPTER = (
    "A further question to answer: next, screen, growth; effect baseline=A treated=B; triage train=0.01 dev=0.08:2000; "
    "record registry=FILE outcomes=FILE; surface fitted=FILE flops=1e21; or none. May be given several times."
)
Pdf = Annotated[bool, typer.Option("--pdf", help="Also write PDF (needs the extra forecaster[pdf], and Pango).")]


@verb
def memo(
    asked: Weighed,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the memo's files.")],
    at: Annotated[str | None, typer.Option("--at", help="Sizes that are options, e.g. 1e4,100k.")] = None,
    chapter: Annotated[
        list[str] | None, typer.Option("--chapter", help=CHAPTER, show_default=False, metavar="NAME [KEY=VALUE ...]")
    ] = None,
    title: Annotated[str | None, typer.Option("--title", help="Title of the memo.")] = None,
    author: Annotated[str | None, typer.Option("--author", help="Who signs it.")] = None,
    dated: Annotated[
        datetime | None, typer.Option("--date", help="Its date.", formats=["%Y-%m-%d"], show_default="today")
    ] = None,
    size_unit: Annotated[str | None, typer.Option("--size-unit", help="Unit of the sizes, e.g. FLOPs.")] = None,
    page: Annotated[
        bool, typer.Option("--page", help="Also write a page that answers offline for other targets, sizes and prices.")
    ] = False,
    pdf: Pdf = False,
    kind: Kind = None,
    level: Level = 0.8,
) -> Failures:
    """Write a decision memo for each domain and task: what to buy, as Markdown and HTML, with figures and tables."""
    outputs.check_folder(output)
    values.check_share(level, "--level")
    asked.check()
    outputs.check_pdf(pdf)
    if has_two_axes(asked):
        if chapter:
            raise OptionError("found --chapter; expected none with --two-axes: chapters are about curves in data alone")
        written = {"title": title, "author": author, "dated": dated.date() if dated else None}
        return _memo_on_surfaces(asked, output, at, kind, level, **written, page=page, pdf=pdf)
    from forecaster.reports.chapters.catalogue import parsed

    sizes, worth, chapters = values.sizes(at), asked.worth, parsed(chapter or [])
    from forecaster.decisions.question import check_mistakes, check_one_task
    from forecaster.reports.deciding import Asked, Worth
    from forecaster.reports.examples import memos_of

    weighed = Worth(**{name: value for name, value in worth.items() if name != "target"}, costs=asked.prices())
    Asked(sizes, asked.target, kind, level, worth=weighed).check()
    given = asked.given()
    remarks.refuse_architectures(given.curves, given.choice, given.saved is not None)
    if asked.costs is not None:
        check_one_task((c.domain, c.task) for c in given.curves.curves)
        asked.prices(given.curves.table["architecture"])
    if asked.cost_per_mistake is not None:
        check_mistakes(given.curves.table["error"].to_numpy())
    remarks.on_targets(given.curves, [] if asked.target is None else [asked.target])
    posterior = given.posterior(asked.fitting)
    options = {**worth, "costs": weighed.costs, "sizes": sizes or None, "title": title, "kind": kind, "level": level}
    options |= {"chapters": chapters, "author": author, "dated": dated.date() if dated else None}
    options |= {"size_unit": size_unit, "seed": asked.seed, "record": asked.record, "page": page, "pdf": pdf}
    with console.progress("Writing") as tell:
        made = memos_of(posterior, output, asked.source.stem, tell=tell, command=remarks.command_line(), **options)
    interrupts.wrote([Path(file) for file in made.table["file"]])
    return deliver(made, asked.as_json)


def _memo_on_surfaces(
    asked: Weighed, output: Path, at: str | None, kind: str | None, level: float, **written: Any
) -> Failures:
    """The same of runs over model size and data: a memo for each surface."""
    if asked.rounds > 1:
        raise OptionError("found --rounds; expected none with --two-axes: it decides on single runs")
    worth = {name: value for name, value in asked.worth.items() if name != "rounds"}
    runs, prices = runs_asked(asked, at), asked.prices()
    from forecaster.reports.two_axes.written import surface_memos

    options: dict[str, Any] = {**worth, **runs, **written, "costs": prices, "kind": kind or "mean", "level": level}
    found = surfaces_of(asked, seed=asked.seed)
    with console.progress("Writing") as tell:
        options |= {"seed": asked.seed, "command": remarks.command_line()}
        made = surface_memos(found, output, asked.source.stem, tell=tell, **options)
    interrupts.wrote([Path(file) for file in made.table["file"]])
    return deliver(made, asked.as_json)


@verb
def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the memos.")] = Path("forecaster-demo"),
    only: Annotated[
        Literal["digits", "characters", "grid"] | None,
        typer.Option("--only", help="Only this example.", show_default=False),
    ] = None,
    cache: Annotated[
        bool, typer.Option("--cache/--no-cache", help="Reuse and store fits and compiled programs.")
    ] = True,
    pdf: Pdf = False,
    as_json: Json = False,
) -> Failures:
    """Write memos for the shipped examples: handwritten digits, source text, and a grid of models and texts."""
    outputs.check_folder(output)
    outputs.check_pdf(pdf)
    from forecaster.reports.demo.run import run

    with console.progress("Demo") as tell:
        made = run(output, only, cache=cache, pdf=pdf, tell=tell)
    interrupts.wrote([Path(file) for file in made.table["file"]])
    return deliver(made, as_json)
