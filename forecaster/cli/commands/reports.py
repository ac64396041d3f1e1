"""The verbs that write documents: memo, demo."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from forecaster.cli import console, interrupts, outputs, remarks, values
from forecaster.cli.app import Asked, Failures, Json, Kind, Level, deliver, verb


@verb
def memo(
    asked: Asked,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the memo's files.")],
    target: Annotated[float | None, typer.Option("--target", help="The error (not accuracy) to reach.")] = None,
    at: Annotated[str | None, typer.Option("--at", help="Sizes that are options, e.g. 1e4,100k.")] = None,
    title: Annotated[str | None, typer.Option("--title", help="Title of the memo.")] = None,
    size_unit: Annotated[str | None, typer.Option("--size-unit", help="Unit of the sizes, e.g. FLOPs.")] = None,
    kind: Kind = None,
    level: Level = 0.8,
) -> Failures:
    """Write a decision memo in Markdown and HTML, with figures, for each domain and task."""
    outputs.check_folder(output)
    values.check_share(level, "--level")
    sizes = values.sizes(at)
    values.check_positive(target, "--target", "an error above 0, such as 0.05")
    given = asked.given()
    remarks.refuse_architectures(given.curves, given.choice, given.saved is not None)
    remarks.on_targets(given.curves, [] if target is None else [target])
    from forecaster.reports.examples import memos_of

    posterior = given.posterior(asked.fitting)
    options = {"sizes": sizes or None, "target": target, "title": title, "kind": kind, "level": level}
    options |= {"size_unit": size_unit, "seed": asked.seed, "record": asked.record}
    with console.progress("Writing") as tell:
        made = memos_of(posterior, output, asked.source.stem, tell=tell, command=remarks.command_line(), **options)
    interrupts.wrote([Path(file) for file in made.table["file"]])
    return deliver(made, asked.as_json)


@verb
def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the memos.")] = Path("forecaster-demo"),
    only: Annotated[
        Literal["digits", "characters"] | None, typer.Option("--only", help="Only this example.", show_default=False)
    ] = None,
    cache: Annotated[
        bool, typer.Option("--cache/--no-cache", help="Reuse and store fits and compiled programs.")
    ] = True,
    as_json: Json = False,
) -> Failures:
    """Write memos for the two shipped examples: handwritten digits and source text."""
    outputs.check_folder(output)
    from forecaster.reports.examples import run

    with console.progress("Demo") as tell:
        made = run(output, only, cache=cache, tell=tell)
    interrupts.wrote([Path(file) for file in made.table["file"]])
    return deliver(made, as_json)
