"""The verbs on new measurements of what was forecast: watch, update."""

from pathlib import Path
from typing import Annotated

import typer

from forecaster.cli import console, outputs, source, values
from forecaster.cli.app import Failures, FigureFile, Json, Level, TableFile, deliver, verb
from forecaster.errors import OptionError

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
