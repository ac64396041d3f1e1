"""The verb about what runs take: growth."""

from typing import Annotated

import typer

from forecaster.cli import checking, outputs, values
from forecaster.cli.app import Asked, Failures, FigureFile, Level, TableFile, deliver, verb


@verb
def growth(
    asked: Asked,
    at: Annotated[str | None, typer.Option("--at", help="Sizes at which to say what a run takes, e.g. 1e8,1B.")] = None,
    level: Level = 0.8,
    figure: FigureFile = None,
    output: TableFile = None,
) -> Failures:
    """How the best model's size, compute and hours grow with the data (params, compute, gpu_hours, seconds)."""
    outputs.check_files(output, figure)
    values.check_share(level, "--level")
    sizes = values.sizes(at)
    given = asked.given()
    from forecaster.resources.growth import growth as ask

    posterior = given.posterior(asked.fitting)
    checks = checking.verdicts(posterior, given.choice, sizes, seed=asked.seed)
    options = {"level": level, "seed": asked.seed, "curves": given.choice.keys(posterior)}
    result = ask(posterior, sizes, **options, checks=checks)
    return deliver(result, asked.as_json, output, figure, given.choice.company(given.curves))
