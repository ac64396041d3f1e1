"""The verbs that question a posterior: forecast, requirement, compare, check."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from forecaster.cli import checking, outputs, points, remarks, source, values
from forecaster.cli.app import Asked, Failures, FigureFile, Kind, Level, TableFile, deliver, verb
from forecaster.errors import OptionError


@verb
def forecast(
    asked: Asked,
    at: Annotated[str, typer.Option("--at", help="Sizes, e.g. 1e6,1.5M, or a table of points (.csv, .parquet).")],
    kind: Kind = None,
    level: Level = 0.8,
    quantiles: Annotated[str, typer.Option("--quantiles", help="Additional quantiles, e.g. 0.025,0.5,0.975.")] = "",
    save_draws: Annotated[
        Path | None, typer.Option("--save-draws", help="Also write the predictive draws to a file (.nc).")
    ] = None,
    figure: FigureFile = None,
    output: TableFile = None,
) -> Failures:
    """Forecast the error at sizes that were not measured, with intervals."""
    outputs.check_output(output, outputs.TABLE_SUFFIXES, "--output")
    outputs.check_output(save_draws, source.POSTERIOR_SUFFIXES, "--save-draws")
    outputs.check_output(figure, outputs.FIGURE_SUFFIXES, "--figure")
    values.check_share(level, "--level")
    shares = values.numbers(quantiles, "--quantiles", "shares between 0 and 1, such as 0.025,0.5") if quantiles else []
    for share in shares:
        values.check_share(share, "--quantiles")
    points.check_points(at)
    from forecaster.prediction.forecast import forecast as ask

    given = asked.given()
    posterior = given.posterior(asked.fitting)
    wanted = points.points_of(given.choice, posterior, at)
    checks = checking.verdicts(posterior, given.choice, points.sizes_in(wanted), seed=asked.seed)
    result = ask(posterior, wanted, kind=kind, level=level, quantiles=shares, seed=asked.seed, checks=checks)
    if save_draws is not None:
        result.save_draws(save_draws)
        outputs.wrote(save_draws)
    return deliver(result, asked.as_json, output, figure, given.choice.company(given.curves))


@verb
def requirement(
    asked: Asked,
    target: Annotated[str, typer.Option("--target", help="Errors (not accuracies) to reach, e.g. 0.05,0.03.")],
    limit: Annotated[
        str | None, typer.Option("--limit", help="Largest size you could have, e.g. 1.5M: is it enough?")
    ] = None,
    horizon: Annotated[str | None, typer.Option("--horizon", help="Largest size to search.")] = None,
    budget: Annotated[str | None, typer.Option("--budget", hidden=True)] = None,
    costs: Annotated[
        Path | None, typer.Option("--costs", help="Price list (.toml), as of decide: money and dates, too.")
    ] = None,
    kind: Kind = None,
    level: Level = 0.8,
    figure: FigureFile = None,
    output: TableFile = None,
) -> Failures:
    """How much data a target error needs, and the probability that no amount is enough."""
    outputs.check_files(output, figure)
    if budget is not None:
        raise typer.BadParameter(
            f"found --budget {budget}, which is reserved for money. For the largest size that you could have use "
            f"--limit {budget}",
            param_hint="--budget",
        )
    values.check_share(level, "--level")
    targets = values.numbers(target, "--target", "errors above 0, such as 0.05 or 0.05,0.03")
    most, far = values.size(limit, "--limit"), values.size(horizon, "--horizon")
    from forecaster.resources.prices.costs_file import read_costs
    from forecaster.resources.requirement import requirement as ask

    prices = None if costs is None else read_costs(costs)
    given = asked.given()
    remarks.on_targets(given.curves, targets)

    posterior = given.posterior(asked.fitting)
    checks = checking.verdicts(posterior, given.choice, seed=asked.seed)
    chosen = given.choice.keys(posterior)
    options = {"limit": most, "horizon": far, "kind": kind, "level": level, "seed": asked.seed, "costs": prices}
    result = ask(posterior, targets, **options, curves=chosen, checks=checks)
    return deliver(result, asked.as_json, output, figure, given.choice.company(given.curves))


@verb
def compare(
    asked: Asked,
    at: Annotated[str | None, typer.Option("--at", help="Sizes at which to compare, e.g. 1e6,1.5M.")] = None,
    kind: Kind = None,
    level: Level = 0.8,
    rope: Annotated[
        float,
        typer.Option(
            "--rope",
            min=0.0,
            help="Exponents within this relative difference count as equal, and slopes that change the ratio of the "
            "errors by no more with ten times the data.",
        ),
    ] = 0.1,
    across: Annotated[
        Literal["metric"] | None,
        typer.Option("--across", help="Compare the metrics of each architecture (column `metric`), not architectures."),
    ] = None,
    figure: FigureFile = None,
    output: TableFile = None,
) -> Failures:
    """Which architecture is better where, what that is worth in data, and who gains from more of it."""
    outputs.check_files(output, figure)
    values.check_share(level, "--level")
    sizes = values.sizes(at)
    if across and kind:
        raise OptionError(f"found --kind {kind} beside --across {across}; slopes of metrics are those of the mean")
    given = asked.given(by_metric=across is not None)
    if across is None:
        remarks.refuse_lonely(given.curves)
    posterior = given.posterior(asked.fitting)
    checks = checking.verdicts(posterior, given.choice, sizes, seed=asked.seed)
    chosen = given.choice.keys(posterior) if given.choice.architecture else None
    options: dict[str, Any] = {"curves": chosen, "at": sizes, "rope": rope, "level": level, "checks": checks}
    options["seed"] = asked.seed
    if across is not None:
        from forecaster.comparison.metrics import compare_metrics

        found = compare_metrics(posterior, **options)
        return deliver(found, asked.as_json, output, figure)
    from forecaster.comparison.compare import compare as ask

    result = ask(posterior, kind=kind, **options)
    return deliver(result, asked.as_json, output, figure, given.choice.company(given.curves))


@verb
def check(
    asked: Asked,
    at: Annotated[str | None, typer.Option("--at", help="Sizes you will ask about, e.g. 1e6,1.5M.")] = None,
    output: TableFile = None,
) -> Failures:
    """Can these numbers support a decision? Verdicts on the fit: PASS, REVIEW or FAIL."""
    outputs.check_output(output, outputs.TABLE_SUFFIXES, "--output")
    sizes = values.sizes(at)
    given = asked.given()
    result = checking.checked(given.posterior(asked.fitting), given.choice, sizes, seed=asked.seed, refit=True)
    company = given.choice.company(given.curves)
    return deliver(result, asked.as_json, output, company=company)
