"""The verbs around a fit: validate, fit, backtest, inspect, domains."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from forecaster.cli import checking, console, outputs, remarks, source, values
from forecaster.cli.app import Asked, Curves, Failures, FigureFile, Json, Level, TableFile, deliver, verb


@verb
def validate(asked: Curves, output: TableFile = None) -> Failures:
    """Check a table of curves and show how it was read. Nothing is fitted."""
    from forecaster.inference.validation import validate as ask

    outputs.check_output(output, outputs.TABLE_SUFFIXES, "--output")
    given = asked.given()
    result = ask(given.chosen, card=given.card)
    if given.card is None:
        remarks.on_generic(given.chosen)
    console.print_notes(result.notes)
    return deliver(result, asked.as_json, output)


@verb
def fit(
    asked: Asked,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to save the posterior (.nc).")] = None,
    draws: Annotated[
        int | None, typer.Option("--draws", min=100, help="Number of draws in each of the four chains.")
    ] = None,
    level: Level = 0.8,
) -> Failures:
    """Sample the posterior of the curves of each task, summarise it and save it."""
    outputs.check_output(output, source.POSTERIOR_SUFFIXES, "--output")
    values.check_share(level, "--level")
    from forecaster.inference.contents import fit_summary

    given = asked.given()
    posterior = given.posterior(asked.fitting, draws)
    checks = checking.verdicts(posterior, given.choice, seed=asked.seed)
    if output is not None:
        posterior.save(output)
        outputs.wrote(output)
    saved = None if output is None else str(output)
    result = fit_summary(posterior, level, checks=checks, saved=saved)
    result = replace(result, table=given.choice.rows(result.table))
    return deliver(result, asked.as_json, company=given.choice.company(given.curves))


@verb
def backtest(
    asked: Asked,
    hide: Annotated[
        float | None,
        typer.Option(
            "--hide",
            help="Decades of the largest sizes to hide. Default: rows marked in a column `split`, or half a decade.",
            show_default=False,
        ),
    ] = None,
    baselines: Annotated[bool, typer.Option("--baselines/--no-baselines", help="Also fit simple baselines.")] = True,
    level: Level = 0.8,
    figure: FigureFile = None,
    output: TableFile = None,
) -> Failures:
    """How accurate are forecasts of these curves? Hide the largest sizes, forecast them and score."""
    outputs.check_files(output, figure)
    values.check_share(level, "--level")
    values.check_positive(hide, "--hide", "decades above 0, such as 1.0")
    from forecaster.evaluation.backtest import backtest as ask
    from forecaster.evaluation.holdout import in_words, usual_split

    given = asked.given()
    curves, card = given.curves, given.cards(asked.fitting) if asked.fitting.floor else given.card
    remarks.on_curves(curves, given.card)
    split = usual_split(curves) if hide is None else hide
    if hide is None and split != "column":
        console.say(f"Note: no --hide was given. {in_words(split)}")
    with console.progress("Backtesting") as tell:
        result = ask(
            curves,
            split=split,
            card=card,
            engine=asked.engine,
            seed=asked.seed,
            level=level,
            baselines=baselines,
            about=given.choice.architecture or None,
            on_progress=tell,
        )
    return deliver(result, asked.as_json, output, figure, given.choice.company(curves))


@verb
def domains(
    name: Annotated[
        str | None, typer.Argument(help="Name or file of a card; without it, all cards are listed.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> Failures:
    """List the domain cards, or show the priors of one card with their sources."""
    from forecaster.domains import catalogue

    return deliver(catalogue.shelf() if name is None else catalogue.priors(name), as_json)


@verb
def inspect(
    posterior: Annotated[
        Path, typer.Argument(metavar="POSTERIOR", help="A saved posterior (.nc).", show_default=False)
    ],
    as_json: Json = False,
) -> Failures:
    """Show what a saved posterior holds: data, cards, engine, seed, versions."""
    from forecaster.inference import contents
    from forecaster.inference.storage import load_posterior

    return deliver(contents.contents(load_posterior(posterior)), as_json)
