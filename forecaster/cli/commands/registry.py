"""The verbs on forecasts that are written down before the run: register, score, verify."""

from pathlib import Path
from typing import Annotated

import typer

from forecaster.cli import checking, outputs, values
from forecaster.cli.app import Asked, Failures, FigureFile, Json, Kind, TableFile, deliver, verb
from forecaster.errors import RegistryError

JSONL = (".jsonl",)
Forecasts = Annotated[
    Path, typer.Argument(metavar="FORECASTS", help="What `register` wrote (.jsonl).", show_default=False)
]
Head = Annotated[
    str | None,
    typer.Option("--head", help="A hash that was published, or its first 8 digits or more: it must be in the file."),
]


@verb
def register(
    asked: Asked,
    at: Annotated[str, typer.Option("--at", help="Sizes that will be measured, e.g. 1e6,1.5M.")],
    due: Annotated[str, typer.Option("--due", help="Date by which outcomes are expected, as 2027-03-01.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The file that the forecast is added to (.jsonl).")
    ] = Path("forecasts.jsonl"),
    target: Annotated[
        str | None, typer.Option("--target", help="Errors; the chance of each is registered, e.g. 0.05,0.02.")
    ] = None,
    kind: Kind = None,
    runs: Annotated[int, typer.Option("--runs", min=1, help="Runs that the outcome will be the mean of.")] = 1,
    note: Annotated[str, typer.Option("--note", help="What a reader should know of the run that is to come.")] = "",
    hub: Annotated[
        Path | None,
        typer.Option("--hub", help="Also write all numbers in the long form of the forecast hubs: .csv or .parquet."),
    ] = None,
) -> Failures:
    """Write a forecast down before the run, in a file that shows whether it was changed afterwards."""
    outputs.check_output(output, JSONL, "--output")
    outputs.check_output(hub, outputs.TABLE_SUFFIXES, "--hub")
    sizes = values.sizes(at)
    targets = values.numbers(target, "--target", "errors, such as 0.05,0.02") if target else []
    given = asked.given()
    from forecaster.registry.register import KIND
    from forecaster.registry.register import register as ask

    posterior = given.posterior(asked.fitting)
    checks = checking.verdicts(posterior, given.choice, sizes, seed=asked.seed)
    options = {"due": due, "target": targets, "kind": kind or KIND, "runs": runs, "note": note, "seed": asked.seed}
    result = ask(posterior, sizes, output, curves=given.choice.keys(posterior), **options, checks=checks)
    outputs.wrote(output)
    if hub is not None:
        outputs.write_table(result.hub, hub)
    return deliver(result, asked.as_json, company=given.choice.company(given.curves))


@verb
def score(
    forecasts: Forecasts,
    outcomes: Annotated[
        Path,
        typer.Argument(metavar="OUTCOMES", help="What was measured: n, error, names of curves.", show_default=False),
    ],
    head: Head = None,
    within: Annotated[
        float, typer.Option("--within", min=0.0, help="Relative difference of sizes that count as one.")
    ] = 0.01,
    figure: FigureFile = None,
    output: TableFile = None,
    as_json: Json = False,
) -> Failures:
    """How did registered forecasts turn out, and what record do they make?"""
    outputs.check_files(output, figure)
    from forecaster.registry.score import score as ask

    return deliver(ask(forecasts, outcomes, head=head, within=within), as_json, output, figure)


@verb
def verify(forecasts: Forecasts, head: Head = None, output: TableFile = None, as_json: Json = False) -> Failures:
    """Is a file of registered forecasts whole, unedited and in order? Exit code 1 where it is not."""
    outputs.check_output(output, outputs.TABLE_SUFFIXES, "--output")
    from forecaster.registry.verify import verify as ask

    result = ask(forecasts, head=head)
    if not result.intact:
        raise RegistryError(result.text)
    return deliver(result, as_json, output)
