"""The verbs that ask a posterior: forecast, requirement, compare, check."""

from pathlib import Path
from typing import Annotated

import typer

from forecaster.cli import console, outputs, points, source
from forecaster.cli.app import Asked, Failures, FigureFile, Kind, Level, TableFile, deliver, verb


@verb
def forecast(
    asked: Asked,
    at: Annotated[str, typer.Option("--at", help="Sizes, as 1e6,1e7, or a table of points (.csv, .parquet).")],
    kind: Kind = "mean",
    level: Level = 0.8,
    quantiles: Annotated[str, typer.Option("--quantiles", help="Also these, as 0.025,0.5,0.975.")] = "",
    draws: Annotated[Path | None, typer.Option("--draws", help="Also write the predictive draws (.nc).")] = None,
    figure: FigureFile = None,
    output: TableFile = None,
) -> Failures:
    """The error at sizes nobody has trained yet, with intervals."""
    outputs.check_output(output, outputs.TABLE_SUFFIXES, "--output")
    outputs.check_output(draws, source.POSTERIOR_SUFFIXES, "--draws")
    outputs.check_output(figure, outputs.FIGURE_SUFFIXES, "--figure")
    source.check_share(level, "--level")
    shares = source.numbers(quantiles, "--quantiles", "shares between 0 and 1, such as 0.025,0.5") if quantiles else []
    for share in shares:
        source.check_share(share, "--quantiles")
    points.check_points(at)
    from forecaster.prediction.forecast import forecast as ask

    posterior = asked.curves.posterior()
    wanted = points.points_of(asked.curves, posterior, at)
    checks = source.verdicts(posterior, points.sizes_in(wanted), asked.architecture)
    result = ask(posterior, wanted, kind=kind, level=level, quantiles=shares, seed=asked.seed, checks=checks)
    if draws is not None:
        result.save_draws(draws)
        console.say(f"Wrote {draws}")
    return deliver(result, asked.as_json, output, figure)


@verb
def requirement(
    asked: Asked,
    target: Annotated[str, typer.Option("--target", help="The error (never accuracy) to reach, as 0.05,0.03.")],
    budget: Annotated[float | None, typer.Option("--budget", help="Largest size you could afford.")] = None,
    horizon: Annotated[float | None, typer.Option("--horizon", help="Search no further than this size.")] = None,
    kind: Kind = "mean",
    figure: FigureFile = None,
    output: TableFile = None,
) -> Failures:
    """The data needed to reach a target error, and the chance that no amount will do."""
    outputs.check_output(output, outputs.TABLE_SUFFIXES, "--output")
    outputs.check_output(figure, outputs.FIGURE_SUFFIXES, "--figure")
    targets = source.numbers(target, "--target", "errors above 0, such as 0.05 or 0.05,0.03")
    source.check_size(budget, "--budget")
    source.check_size(horizon, "--horizon")
    source.check_targets(asked.curves, targets)
    from forecaster.prediction.requirement import requirement as ask

    posterior = asked.curves.posterior()
    checks = source.verdicts(posterior, names=asked.architecture)
    chosen = source.targets(asked.curves, posterior)
    result = ask(
        posterior, targets, budget=budget, horizon=horizon, kind=kind, seed=asked.seed, curves=chosen, checks=checks
    )
    return deliver(result, asked.as_json, output, figure)


@verb
def compare(
    asked: Asked,
    at: Annotated[str | None, typer.Option("--at", help="Sizes at which to compare, as 1e6,1e7.")] = None,
    rope: Annotated[float, typer.Option("--rope", min=0.0, help="Relative difference that counts as equal.")] = 0.1,
    figure: FigureFile = None,
    output: TableFile = None,
) -> Failures:
    """Which architecture is better, at which size, and what the difference is worth in data."""
    outputs.check_output(output, outputs.TABLE_SUFFIXES, "--output")
    outputs.check_output(figure, outputs.FIGURE_SUFFIXES, "--figure")
    sizes = source.sizes_of(at)
    from forecaster.comparison.compare import compare as ask

    posterior = asked.curves.posterior()
    group, pairs = source.pairs_of(asked.curves, posterior)
    checks = source.verdicts(posterior, sizes)
    result = ask(posterior, group=group, pairs=pairs, at=sizes, rope=rope, seed=asked.seed, checks=checks)
    return deliver(result, asked.as_json, output, figure)


@verb
def check(
    asked: Asked,
    at: Annotated[str | None, typer.Option("--at", help="Sizes you want to ask about, as 1e6,1e7.")] = None,
    output: TableFile = None,
) -> Failures:
    """May these numbers be decided on? Verdicts on the fit: PASS, REVIEW or FAIL."""
    outputs.check_output(output, outputs.TABLE_SUFFIXES, "--output")
    sizes = source.sizes_of(at)
    result = source.checked(asked.curves.posterior(), sizes, asked.architecture)
    return deliver(result, asked.as_json, output)
