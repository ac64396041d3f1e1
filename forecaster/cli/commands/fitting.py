"""The verbs before a question: validate, fit, backtest, inspect, domains."""

from pathlib import Path
from typing import Annotated

import typer

from forecaster.cli import console, outputs, source
from forecaster.cli.app import Asked, Failures, FigureFile, Json, Level, TableFile, deliver, verb


@verb
def validate(asked: Asked, output: TableFile = None) -> Failures:
    """Check a table of curves and show what was understood. Nothing is sampled."""
    from forecaster.curves.summary import summarise, warnings_of
    from forecaster.inference.fit import cards_of
    from forecaster.results.result import Listing

    outputs.check_output(output, outputs.TABLE_SUFFIXES, "--output")
    curves, card = asked.curves.curves_and_card()
    cards = cards_of(curves, card)
    if card is None:
        source.say_generic(curves)
    chance: dict[tuple[str, str] | str, float] = {
        group: card.chance.value for group, card in cards.items() if card.chance is not None
    }
    notes = (*curves.notes, *source.above_share(curves, card), *warnings_of(curves, chance))
    console.print_notes(notes)
    table = summarise(curves)
    table["card"] = [cards[key].name for key in zip(table["domain"], table["task"], strict=True)]
    said = [{"code": n.code, "text": n.text, "curve": n.curve} for n in notes]
    return deliver(Listing(table, source.fittable(curves), command="validate"), asked.as_json, output, notes=said)


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
    from forecaster.results.result import Listing

    posterior = asked.curves.posterior(draws, architectures=True)
    checks = source.verdicts(posterior)
    if output is not None:
        posterior.save(output)
        console.say(f"Wrote {output}")
    text = (
        f"Each quantity lies between lower and upper with a chance of {100 * level:g} %: the exponent (how fast error "
        "falls with data), the floor (error that no data removes), alpha (the intercept). ess_bulk and ess_tail are "
        "effective sample sizes of each quantity, by ArviZ; ess_curve says how many independent draws the engine "
        "counts for the whole curve, and limits both."
    )
    saved = None if output is None else str(output)
    result = Listing(posterior.summary(level), text, checks, command="fit")
    return deliver(result, asked.as_json, posterior=saved)


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

    if name is None:
        return deliver(catalogue.shelf(), as_json)
    listing, card = catalogue.priors(name)
    return deliver(listing, as_json, card=catalogue.card_facts(card))


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

    listing, manifest = contents.contents(load_posterior(posterior))
    return deliver(listing, as_json, manifest=manifest)
