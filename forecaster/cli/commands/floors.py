"""The verb on the irreducible error: floor."""

from typing import Annotated

import typer

from forecaster.cli import checking, console, outputs, values
from forecaster.cli.app import Asked, Failures, FigureFile, Kind, Level, TableFile, deliver, verb


@verb
def floor(
    asked: Asked,
    at: Annotated[
        str | None,
        typer.Option("--at", help="Sizes at which forecasts with and without the evidence are compared."),
    ] = None,
    kind: Kind = None,
    level: Level = 0.8,
    figure: FigureFile = None,
    output: TableFile = None,
) -> Failures:
    """What the irreducible error is made of, and what evidence on it changes in the forecast."""
    outputs.check_files(output, figure)
    values.check_share(level, "--level")
    sizes = values.sizes(at)
    given = asked.given()
    from forecaster.floors.split import expect_evidence
    from forecaster.floors.split import floor as ask

    expect_evidence(given.cards(asked.fitting))
    posterior = given.posterior(asked.fitting)
    checks = checking.verdicts(posterior, given.choice, sizes, seed=asked.seed)
    options = {"kind": kind, "level": level, "seed": asked.seed, "cache": asked.cache}
    with console.progress("Fitting without the evidence") as tell:
        result = ask(
            posterior, at=sizes, curves=given.choice.keys(posterior), **options, checks=checks, on_progress=tell
        )
    return deliver(result, asked.as_json, output, figure, given.choice.company(given.curves))
