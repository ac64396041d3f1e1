"""The verbs that write documents: memo, demo."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from forecaster.cli import console, outputs, source
from forecaster.cli.app import Asked, Failures, Json, Level, deliver, verb


@verb
def memo(
    asked: Asked,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the memo's files.")],
    target: Annotated[float | None, typer.Option("--target", help="The error (never accuracy) to reach.")] = None,
    at: Annotated[str | None, typer.Option("--at", help="Sizes that are options, as 1e4,1e5.")] = None,
    title: Annotated[str | None, typer.Option("--title", help="Title of the memo.")] = None,
    size_unit: Annotated[str | None, typer.Option("--size-unit", help="What sizes count, such as FLOPs.")] = None,
    level: Level = 0.8,
) -> Failures:
    """A decision memo in Markdown and HTML, with a figure, one for each domain and task."""
    outputs.check_folder(output)
    source.check_share(level, "--level")
    sizes = source.sizes_of(at)
    source.check_size(target, "--target", "an error above 0, such as 0.05")
    source.refuse_architectures(asked.curves)
    source.check_targets(asked.curves, [] if target is None else [target])
    from forecaster.reports.examples import memos_of

    posterior = asked.curves.posterior()
    options = {"sizes": sizes or None, "target": target, "title": title, "level": level, "seed": asked.seed}
    options["size_unit"] = size_unit
    with console.progress("Writing") as tell:
        made = memos_of(posterior, output, asked.source.stem, tell=tell, command=source.command_line(), **options)
    return deliver(made, asked.as_json)


@verb
def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the memos.")] = Path("reports"),
    only: Annotated[
        Literal["digits", "characters"] | None, typer.Option("--only", help="Only this example.", show_default=False)
    ] = None,
    cache: Annotated[
        bool, typer.Option("--cache/--no-cache", help="Keep and use earlier fits and compiled programs.")
    ] = True,
    as_json: Json = False,
) -> Failures:
    """Write memos for the two shipped examples: handwritten digits and source text."""
    outputs.check_folder(output)
    from forecaster.reports.examples import run

    with console.progress("Demo") as tell:
        made = run(output, only, cache=cache, tell=tell)
    return deliver(made, as_json)
