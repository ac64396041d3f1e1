"""The verbs that weigh variants of a recipe: effect, screen."""

from dataclasses import replace
from typing import Annotated

import typer

from forecaster.cli import checking, outputs, remarks, values
from forecaster.cli.app import Asked, Failures, FigureFile, Kind, Level, TableFile, deliver, verb


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
    outputs.check_files(output, figure)
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


@verb
def screen(
    asked: Asked,
    at: Annotated[str, typer.Option("--at", help="The size at which one of them is to be used, e.g. 1.5M.")],
    risk: Annotated[
        float, typer.Option("--risk", help="Largest chance, over all looks, of losing one that is over 1 % better.")
    ] = 0.05,
    spent: Annotated[float, typer.Option("--spent", help="What earlier looks used of that chance.")] = 0.0,
    cost: Annotated[
        list[str] | None,
        typer.Option("--cost", help="Cost of training on one item, as 0.02 or NAME=0.05; repeatable."),
    ] = None,
    kind: Kind = None,
    figure: FigureFile = None,
    output: TableFile = None,
) -> Failures:
    """Search small, then scale: which architectures may be dropped now, and at what risk?"""
    outputs.check_files(output, figure)
    values.check_share(risk, "--risk")
    target = values.size(at, "--at")
    assert target is not None
    general, own = values.costs(cost or [])
    given = asked.given()
    remarks.refuse_lonely(given.curves)
    from forecaster.decisions.screen import screen as ask

    posterior = given.posterior(asked.fitting)
    checks = checking.verdicts(posterior, given.choice, [target], seed=asked.seed)
    names = {c.architecture for c in posterior.curves.curves}
    costs = {name: own.get(name, general) for name in names}
    chosen = given.choice.keys(posterior)
    options = {"risk": risk, "spent": spent, "costs": costs, "curves": chosen, "kind": kind, "seed": asked.seed}
    result = ask(posterior, target, **options, checks=checks)
    return deliver(result, asked.as_json, output, figure, given.choice.company(given.curves))
