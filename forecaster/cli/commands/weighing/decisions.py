"""The verbs that weigh money: decide, next."""

from pathlib import Path
from typing import Annotated, Any

import typer

from forecaster.cli import checking, outputs, remarks, values
from forecaster.cli.app import Failures, FigureFile, Kind, Level, TableFile, deliver, verb
from forecaster.cli.commands.weighing.worth import Priced, Weighed, has_two_axes, one_surface, points_in, runs_asked
from forecaster.errors import OptionError

TEMPLATE = Path("costs.toml")
TABLE = "a .csv or .parquet file with columns n and params"


def _write_template(wanted: bool) -> bool:
    """Write a price list to fill in, and end: an option that needs no curves."""
    if not wanted:
        return wanted
    from forecaster.cli import console
    from forecaster.resources.prices.costs_file import TEMPLATE as TEXT

    if TEMPLATE.exists():
        console.say(f"Error: {TEMPLATE}: found a file of this name; expected none: move it, or ask in another folder")
        raise typer.Exit(1)
    outputs.write(TEMPLATE, lambda temporary: Path(temporary).write_text(TEXT, encoding="utf-8"))
    raise typer.Exit


@verb
def decide(
    asked: Weighed,
    at: Annotated[
        str | None, typer.Option("--at", help="Training-set sizes that are options, e.g. 2e4,50k.", show_default=False)
    ] = None,
    test_cases: Annotated[
        str | None, typer.Option("--test-cases", help="Numbers of test cases to weigh.", show_default=False)
    ] = None,
    kind: Kind = None,
    level: Level = 0.8,
    figure: FigureFile = None,
    output: TableFile = None,
    template: Annotated[
        bool,
        typer.Option(
            "--template", help="Write costs.toml to fill in, and exit.", is_eager=True, callback=_write_template
        ),
    ] = False,
) -> Failures:
    """What to buy: data, training, test cases or nothing, given what they and an error cost."""
    del template  # answered before anything else
    outputs.check_files(output, figure)
    values.check_share(level, "--level")
    if asked.costs is None:
        raise OptionError(
            "found no --costs; expected a price list: `forecaster decide --template` writes one to fill in"
        )
    asked.check()
    if has_two_axes(asked):
        return _decide_on_surface(asked, at, test_cases, kind, level, figure, output)
    sizes, worth = values.sizes(at), asked.worth
    cases = values.sizes(test_cases, "--test-cases", "numbers of cases, such as 1000,5000")
    from forecaster.decisions.decide import decide as ask
    from forecaster.decisions.loss import Value
    from forecaster.decisions.question import Question, check_mistakes, check_one_task

    value = Value(asked.target, asked.penalty, asked.value_per_point, asked.cost_per_mistake, worth["volume"])
    limits = (asked.budget, asked.risk, asked.attitude, asked.rounds)
    Question(value, tuple(sizes), *limits, tuple(cases), kind or "mean", level).check()
    prices = asked.prices()
    given = asked.given()
    check_one_task((c.domain, c.task) for c in given.curves.curves)
    asked.prices(given.curves.table["architecture"])
    if value.form == "mistakes":
        check_mistakes(given.curves.table["error"].to_numpy())
    remarks.on_targets(given.curves, [] if asked.target is None else [asked.target])
    posterior = given.posterior(asked.fitting)
    checks = checking.verdicts(posterior, given.choice, sizes, seed=asked.seed)
    options: dict[str, Any] = {**worth, "test_cases": cases, "kind": kind, "level": level, "seed": asked.seed}
    result = ask(posterior, prices, sizes, **options, curves=given.choice.keys(posterior), checks=checks)
    return deliver(result, asked.as_json, output, figure, given.choice.company(given.curves))


def _decide_on_surface(
    asked: Weighed,
    at: str | None,
    test_cases: str | None,
    kind: str | None,
    level: float,
    figure: Path | None,
    output: Path | None,
) -> Failures:
    """The same of runs over model size and data."""
    if test_cases is not None or asked.rounds > 1:
        raise OptionError("found --test-cases or --rounds; expected none with --two-axes: it decides on single runs")
    worth = {name: value for name, value in asked.worth.items() if name != "rounds"}
    runs, prices = runs_asked(asked, at), asked.prices()
    from forecaster.decisions.two_axes.deciding import surface_decision

    options: dict[str, Any] = {**worth, **runs, "kind": kind or "mean", "level": level, "seed": asked.seed}
    return deliver(surface_decision(one_surface(asked), prices, **options), asked.as_json, output, figure)


@verb
def next_(
    asked: Priced,
    goal: Annotated[
        str | None,
        typer.Option(
            "--for",
            help="What to know better: forecast:SIZE, requirement:ERROR or choice:SIZE.",
            show_default=False,
        ),
    ] = None,
    candidates: Annotated[
        str | None,
        typer.Option(
            "--candidates",
            help="Sizes of possible runs, e.g. 2e4,50k or NAME:2e4; with --two-axes a table of n and params.",
            show_default=False,
        ),
    ] = None,
    runs: Annotated[str, typer.Option("--runs", help="Numbers of runs of a candidate.")] = "1,3",
    refits: Annotated[
        int, typer.Option("--refits", help="Simulated results fitted for each of the best three; 0: none.", min=0)
    ] = 16,
    kind: Kind = None,
    level: Level = 0.8,
    figure: FigureFile = None,
    output: TableFile = None,
) -> Failures:
    """Which runs to make next, what they would teach, and whether they are worth their cost."""
    outputs.check_files(output, figure)
    values.check_share(level, "--level")
    asked.check()
    if has_two_axes(asked):
        return _next_on_surface(asked, goal, candidates, kind, level, figure, output)
    if goal is None:
        raise OptionError(
            "found no --for; expected what to know better: --for forecast:1e6, requirement:0.05 or choice:1e6"
        )
    sizes, worth = values.named_sizes(candidates, "--candidates"), asked.worth
    counts = values.sizes(runs, "--runs", "whole numbers from 1, such as 1,3")
    from forecaster.cli import console
    from forecaster.decisions.measuring.goal import parsed
    from forecaster.decisions.measuring.next_measurement import next_measurement as ask

    wanted, prices = parsed(goal), asked.prices()
    given = asked.given()
    targets = [wanted.at] if wanted.form == "requirement" else []
    remarks.on_targets(given.curves, targets if asked.target is None else [*targets, asked.target])
    posterior = given.posterior(asked.fitting)
    at = [] if wanted.form == "requirement" else [wanted.at]
    checks = checking.verdicts(posterior, given.choice, at, seed=asked.seed)
    options: dict[str, Any] = {**worth, "runs": counts, "costs": prices, "refits": refits, "kind": kind, "level": level}
    options |= {"seed": asked.seed, "curves": given.choice.keys(posterior), "checks": checks}
    with console.progress("Fitting simulated results") as tell:
        result = ask(posterior, goal, sizes, **options, on_progress=tell)
    return deliver(result, asked.as_json, output, figure, given.choice.company(given.curves))


def _next_on_surface(
    asked: Priced,
    goal: str | None,
    candidates: str | None,
    kind: str | None,
    level: float,
    figure: Path | None,
    output: Path | None,
) -> Failures:
    """The same of runs over model size and data, for the loss at points or at a compute."""
    form, _, at = (goal or "forecast:").partition(":")
    if form != "forecast" or (goal is None) == (asked.flops is None):
        found = f"--for {goal}" if goal is not None else "no --for"
        raise OptionError(
            f"found {found}; expected with --two-axes --for forecast:1e12 --params 7e10, or --flops 1e23 alone"
        )
    worth = [name for name, value in asked.worth.items() if value is not None and name != "budget"]
    if worth or kind is not None or figure is not None:
        named = ", ".join(f"--{name.replace('_', '-')}" for name in [*worth, *(["kind"] if kind else [])]) or "--figure"
        raise OptionError(f"found {named}; expected none with --two-axes: runs are chosen by what they teach")
    runs, prices = runs_asked(asked, at or None), asked.prices()
    places = None if candidates is None else points_in(candidates, f"--candidates {candidates}", TABLE)
    from forecaster.decisions.two_axes.proposing import surface_next

    options: dict[str, Any] = {**runs, "costs": prices, "budget": asked.budget, "level": level, "seed": asked.seed}
    return deliver(surface_next(one_surface(asked), places, **options), asked.as_json, output)
