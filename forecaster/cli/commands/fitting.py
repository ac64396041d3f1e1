"""The verbs before a question: validate, fit, backtest, inspect, domains."""

from pathlib import Path
from typing import Annotated

import typer

from forecaster.cli import console, outputs, source
from forecaster.cli.app import Asked, Failures, FigureFile, Json, Level, TableFile, deliver, verb


@verb
def validate(asked: Asked, output: TableFile = None) -> Failures:
    """Check a table of curves and show what was understood. Nothing is sampled."""
    from forecaster.inference.validation import validate as ask

    outputs.check_output(output, outputs.TABLE_SUFFIXES, "--output")
    curves, card = asked.curves.curves_and_card()
    result = ask(curves, card=card)
    if card is None:
        source.say_generic(curves)
    console.print_notes(result.notes)
    return deliver(result, asked.as_json, output)


@verb
def fit(
    asked: Asked,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to save the posterior (.nc).")] = None,
    draws: Annotated[int | None, typer.Option("--draws", min=100, help="Draws of each of four chains.")] = None,
    level: Level = 0.8,
) -> Failures:
    """Sample the posterior of all curves, summarise it, and save it."""
    outputs.check_output(output, source.POSTERIOR_SUFFIXES, "--output")
    source.check_share(level, "--level")
    from forecaster.inference.contents import fit_summary

    posterior = asked.curves.posterior(draws, architectures=True)
    checks = source.verdicts(posterior)
    if output is not None:
        posterior.save(output)
        console.say(f"Wrote {output}")
    saved = None if output is None else str(output)
    return deliver(fit_summary(posterior, level, checks=checks, saved=saved), asked.as_json)


@verb
def backtest(
    asked: Asked,
    hide: Annotated[
        float | None, typer.Option("--hide", help="Decades of largest sizes to hide; default: split.")
    ] = None,
    baselines: Annotated[bool, typer.Option("--baselines/--no-baselines", help="Fit the rivals too.")] = True,
    level: Level = 0.8,
    figure: FigureFile = None,
    output: TableFile = None,
) -> Failures:
    """How far may forecasts of these curves be believed? Hide the largest sizes, forecast them, score."""
    outputs.check_output(output, outputs.TABLE_SUFFIXES, "--output")
    outputs.check_output(figure, outputs.FIGURE_SUFFIXES, "--figure")
    source.check_share(level, "--level")
    source.check_size(hide, "--hide", "decades above 0, such as 1.0")
    from forecaster.evaluation.backtest import backtest as ask

    curves, card = asked.curves.curves_and_card()
    source.say_notes(curves, card)
    with console.progress("Backtesting") as tell:
        result = ask(
            curves,
            split="column" if hide is None else hide,
            card=card,
            engine=asked.engine,
            seed=asked.seed,
            level=level,
            baselines=baselines,
            on_progress=tell,
        )
    return deliver(result, asked.as_json, output, figure)


@verb
def domains(
    name: Annotated[
        str | None, typer.Argument(help="A card's name or file; without it, all are listed.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> Failures:
    """List the domain cards, or show one card's priors with their sources."""
    from forecaster.domains import catalogue

    return deliver(catalogue.shelf() if name is None else catalogue.priors(name), as_json)


@verb
def inspect(
    posterior: Annotated[
        Path, typer.Argument(metavar="POSTERIOR", help="A saved posterior (.nc).", show_default=False)
    ],
    as_json: Json = False,
) -> Failures:
    """What a saved posterior holds: data, cards, engine, seed, versions."""
    from forecaster.inference import contents
    from forecaster.inference.storage import load_posterior

    return deliver(contents.contents(load_posterior(posterior)), as_json)
