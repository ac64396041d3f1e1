"""The verbs that weigh variants of a recipe: effect, screen."""

from dataclasses import replace
from typing import Annotated

import typer

from forecaster.cli import checking, outputs, remarks, values
from forecaster.cli.app import Asked, Failures, FigureFile, Level, TableFile, deliver, verb


@verb
def effect(
    asked: Asked,
    baseline: Annotated[str, typer.Option("--baseline", help="The architecture without the treatment.")],
    treated: Annotated[str, typer.Option("--treated", help="The same with it.")],
    at: Annotated[
        str | None, typer.Option("--at", help="Sizes at which its worth in data is told, e.g. 1e6,1.5M.")
    ] = None,
    level: Level = 0.8,
    rope_exponent: Annotated[
        float,
        typer.Option("--rope-exponent", min=0.0, help="Relative change of exponent or floor that counts as none."),
    ] = 0.1,
    rope_log: Annotated[
        float, typer.Option("--rope-log", min=0.0, help="Change of log reducible error that counts as none.")
    ] = 0.02,
    figure: FigureFile = None,
    output: TableFile = None,
) -> Failures:
    """What did a treatment do: shift the curve, steepen it, lower its floor, and what is that worth in data?"""
    outputs.check_output(output, outputs.TABLE_SUFFIXES, "--output")
    outputs.check_output(figure, outputs.FIGURE_SUFFIXES, "--figure")
    values.check_share(level, "--level")
    sizes = values.sizes(at)
    given = asked.given()
    remarks.refuse_lonely(given.curves)
    from forecaster.comparison.effect import effect as ask

    posterior, both = given.posterior(asked.fitting), replace(given.choice, architecture=(baseline, treated))
    checks = checking.verdicts(posterior, both, sizes, seed=asked.seed)
    options = {"rope_exponent": rope_exponent, "rope_log": rope_log, "level": level, "seed": asked.seed}
    result = ask(posterior, baseline=baseline, treated=treated, at=sizes, **options, checks=checks)
    return deliver(result, asked.as_json, output, figure, both.company(given.curves))
