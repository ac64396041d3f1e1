"""The verbs on forecasts over time: watch and update for new measurements; register, score and verify for a record."""

from pathlib import Path
from typing import Annotated, Any

import typer

from forecaster.cli import checking, console, outputs, source, values
from forecaster.cli.app import Asked, Failures, FigureFile, Json, Kind, Level, TableFile, deliver, verb
from forecaster.cli.commands.weighing.worth import is_surface, one_surface
from forecaster.errors import OptionError, RegistryError

JSONL = (".jsonl",)
Forecasts = Annotated[
    Path, typer.Argument(metavar="FORECASTS", help="What `register` wrote (.jsonl).", show_default=False)
]
Head = Annotated[
    str | None,
    typer.Option("--head", help="A hash that was published, or its first 8 digits or more: it must be in the file."),
]
Saved = Annotated[
    Path,
    typer.Argument(metavar="POSTERIOR", help="Saved by `fit` before the new measurements (.nc).", show_default=False),
]
New = Annotated[Path, typer.Argument(metavar="NEW", help="New measurements, in order of arrival.", show_default=False)]


def _loaded(path: Path):
    if not source.is_posterior(path):
        raise OptionError(
            f"{path}: found a file that is no posterior (.nc); expected one made before the new measurements: "
            "forecaster fit CURVES -o before.nc"
        )
    from forecaster.inference.storage import load_posterior

    return load_posterior(path)


@verb
def watch(
    posterior: Saved,
    new: New,
    alpha: Annotated[
        float, typer.Option("--alpha", help="Chance of any false alarm, over all curves and looks.")
    ] = 0.05,
    log: Annotated[Path | None, typer.Option("--log", help="Add this look to a chained file (.jsonl).")] = None,
    level: Level = 0.8,
    figure: FigureFile = None,
    output: TableFile = None,
    as_json: Json = False,
) -> Failures:
    """Do new measurements still follow the forecast? Look as often as you like; exit code 3 on an alarm."""
    outputs.check_files(output, figure)
    outputs.check_output(log, (".jsonl",), "--log")
    values.check_share(level, "--level")
    values.check_share(alpha, "--alpha")
    before = _loaded(posterior)
    from forecaster.monitoring.watch import watch as ask

    return deliver(ask(before, new, alpha=alpha, level=level, log=log), as_json, output, figure)


@verb
def update(
    posterior: Saved,
    new: New,
    save: Annotated[Path | None, typer.Option("--save", help="Where to save the new posterior (.nc).")] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", help="Sizes whose forecast is compared. Default: ten times the largest fitted size."),
    ] = None,
    target: Annotated[float | None, typer.Option("--target", help="An error whose requirement is compared.")] = None,
    level: Level = 0.8,
    output: TableFile = None,
    as_json: Json = False,
) -> Failures:
    """Fit again with new measurements, and tell how the answers changed."""
    outputs.check_output(output, outputs.TABLE_SUFFIXES, "--output")
    outputs.check_output(save, source.POSTERIOR_SUFFIXES, "--save")
    values.check_share(level, "--level")
    sizes = values.sizes(at)
    before = _loaded(posterior)
    from forecaster.monitoring.update import update as ask

    with console.progress("Fitting again") as tell:
        found = ask(before, new, at=sizes, target=target, level=level, on_progress=tell)
    if save is not None and found.posterior is not None:
        found.posterior.save(save)
        outputs.wrote(save)
    return deliver(found, as_json, output)


@verb
def register(
    asked: Asked,
    at: Annotated[str, typer.Option("--at", help="Sizes that will be measured, e.g. 1e6,1.5M.")],
    due: Annotated[str, typer.Option("--due", help="Date by which outcomes are expected, as 2027-03-01.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The file that the forecast is added to (.jsonl).")
    ] = Path("forecasts.jsonl"),
    params: Annotated[
        str | None, typer.Option("--params", help="Sizes of the models, where the table (or file) is of a surface.")
    ] = None,
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
    from forecaster.registry.points import NEW_RUN
    from forecaster.registry.register import register as ask

    options: dict[str, Any] = {"due": due, "target": targets, "kind": kind or NEW_RUN, "runs": runs, "note": note}
    options["seed"] = asked.seed
    company = ""
    if params is not None or is_surface(asked.source):
        from forecaster.surfaces.checks import sampling

        surface = one_surface(asked)
        models = values.sizes(params, "--params")
        result = ask(surface, sizes, output, params=models, **options, checks=(sampling(surface),))
    else:
        given = asked.given()
        posterior = given.posterior(asked.fitting)
        options["checks"] = checking.verdicts(posterior, given.choice, sizes, seed=asked.seed)
        result = ask(posterior, sizes, output, curves=given.choice.keys(posterior), **options)
        company = given.choice.company(given.curves)
    outputs.wrote(output)
    if hub is not None:
        outputs.write_table(result.hub, hub)
    return deliver(result, asked.as_json, company=company)


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
