"""The verb on what trackers export: import."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from forecaster.cli import console, outputs, values
from forecaster.cli.app import PRINTING, READING, Failures, FigureFile, Json, Names, deliver, verb
from forecaster.curves.how_read import HowRead

ALL = "This {0} for all runs."


@verb
def import_(
    source: Annotated[
        list[Path],
        typer.Argument(
            metavar="SOURCE...",
            help="What a tracker exported: a file, a folder of runs, or several.",
            show_default=False,
        ),
    ],
    mapping: Annotated[
        Names,
        typer.Option(
            *("--map", "--columns"),
            help="What a column of the export is: n=train_size,error=val_loss,architecture=model. n may be a product: "
            "n=step*256.",
            show_default=False,
        ),
    ] = None,
    take: Annotated[
        str | None,
        typer.Option(
            "--take", help="Which point of a run counts: last, best, best=COLUMN, step=N or every.", show_default=False
        ),
    ] = None,
    names: Annotated[
        str | None,
        typer.Option(
            "--names", help="What names of runs say, as '{architecture}-n{n}'; * is anything.", show_default=False
        ),
    ] = None,
    where: Annotated[
        Names, typer.Option("--where", help="Use only COLUMN=VALUE; repeatable, twice for either.", show_default=False)
    ] = None,
    keep_unfinished: Annotated[
        bool, typer.Option("--keep-unfinished", help="Count runs that crashed or are running, too.")
    ] = False,
    format: Annotated[
        str | None,
        typer.Option(
            "--format", help="The one kind of export to read, where a folder has several.", show_default=False
        ),
    ] = None,
    domain: Annotated[str | None, typer.Option("--domain", help=ALL.format("domain"), show_default=False)] = None,
    task: Annotated[str | None, typer.Option("--task", help=ALL.format("task"), show_default=False)] = None,
    architecture: Annotated[
        str | None, typer.Option("--architecture", help=ALL.format("architecture"), show_default=False)
    ] = None,
    metric: Annotated[
        str | None, typer.Option("--metric", help="What the error is.", rich_help_panel=READING, show_default=False)
    ] = None,
    n_test: Annotated[
        str | None,
        typer.Option("--n-test", help="Test cases behind each error.", rich_help_panel=READING, show_default=False),
    ] = None,
    score: Annotated[
        str | None,
        typer.Option("--score", help="Errors stand as this score, as f1.", rich_help_panel=READING, show_default=False),
    ] = None,
    percent: Annotated[
        bool, typer.Option("--percent", help="Errors, or scores, are in per cent.", rich_help_panel=READING)
    ] = False,
    full_size: Annotated[
        str | None,
        typer.Option(
            "--full-size", help="What sizes in per cent are a share of.", rich_help_panel=READING, show_default=False
        ),
    ] = None,
    decimal: Annotated[
        Literal["comma", "point"] | None,
        typer.Option("--decimal", help="The decimal mark.", rich_help_panel=READING, show_default=False),
    ] = None,
    as_they_are: Annotated[
        bool, typer.Option("--as-they-are", help="Take what looks misread all the same.", rich_help_panel=READING)
    ] = False,
    figure: FigureFile = None,
    output: Annotated[
        Path | None,
        typer.Option(
            *("--output", "-o"),
            help="Write the input table: .csv, .parquet or .json.",
            rich_help_panel=PRINTING,
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> Failures:
    """Make the table of curves from what a tracker or a trainer exported: W&B, MLflow, TensorBoard and others."""
    outputs.check_files(output, figure)
    cases = values.size(n_test, "--n-test")
    size = values.size(full_size, "--full-size")
    from forecaster.curves.importers.import_runs import imported
    from forecaster.curves.importers.request import Request
    from forecaster.curves.reading.columns import parse_columns, parse_where

    given = {"domain": domain, "task": task, "architecture": architecture, "metric": metric, "n_test": cases}
    how = HowRead(
        source=str(source[0]),
        columns=parse_columns(mapping or (), "--map"),
        constants={ours: value for ours, value in given.items() if value is not None},
        where=parse_where(where or ()),
        score=score,
        percent=percent,
        full_size=size,
        decimal=decimal,
        as_they_are=as_they_are,
    )
    more = () if output is None else ("-o", str(output))
    result = imported(Request(tuple(source), how, take, names, format, keep_unfinished, more))
    console.print_notes(result.notes)
    if output is None and not as_json:
        console.say("Note: no file was written; -o curves.csv writes the table.")
    return deliver(result, as_json, output, figure)
