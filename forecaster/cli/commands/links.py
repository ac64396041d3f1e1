"""The verb about tasks measured beside a loss: downstream."""

from dataclasses import replace
from typing import Annotated

import typer

from forecaster.cli import checking, outputs, values
from forecaster.cli.app import Asked, Failures, FigureFile, Level, TableFile, deliver, verb
from forecaster.cli.source import Given, is_posterior
from forecaster.errors import RequestError


@verb
def downstream(
    asked: Asked,
    loss: Annotated[str, typer.Option("--loss", help="The loss: a metric of the column `metric`, or a column.")],
    error: Annotated[
        str | None,
        typer.Option("--error", help="The error rate, likewise; --accuracy where it is one. By default as read."),
    ] = None,
    at: Annotated[str | None, typer.Option("--at", help="Losses, e.g. 2.1,1.9.")] = None,
    at_n: Annotated[
        str | None, typer.Option("--at-n", help="Training-set sizes whose loss is forecast first, e.g. 1e9,10B.")
    ] = None,
    chance: Annotated[
        list[str] | None,
        typer.Option("--chance", help="Error rate of guessing, as 0.75 or TASK=0.75; repeatable. Else it is learned."),
    ] = None,
    level: Level = 0.8,
    figure: FigureFile = None,
    output: TableFile = None,
) -> Failures:
    """Does a task's error rate follow the loss of the same runs, and what is it at a lower loss?"""
    outputs.check_files(output, figure)
    values.check_share(level, "--level")
    losses = values.numbers(at, "--at", "losses above 0, such as 2.1,1.9") if at else []
    sizes = values.sizes(at_n, "--at-n")
    general, own = values.shares(chance or [], "--chance")
    if is_posterior(asked.source):
        raise RequestError(
            f"{asked.source}: found a posterior; expected the table that has both losses and error rates"
        )
    rates = _part(asked, error, "--error")
    from forecaster.curves.reading.columns import KNOWN
    from forecaster.links.downstream import downstream as ask

    named = {c.task: general for c in rates.curves.curves if general is not None} | own
    options = {"chance": named, "level": level, "seed": asked.seed, "as_they_are": asked.as_they_are}
    if not sizes:
        own_column = loss in rates.curves.table and loss not in KNOWN
        beside = loss if own_column else _part(_without_scores(asked), loss, "--loss").curves
        result = ask(rates.curves, beside, losses, **options)
        return deliver(result, asked.as_json, output, figure)
    measured = _part(_without_scores(asked), loss, "--loss", as_they_are=asked.as_they_are)
    posterior = measured.posterior(asked.fitting)
    checks = checking.verdicts(posterior, measured.choice, sizes, seed=asked.seed)
    options["curves"] = measured.choice.keys(posterior) if measured.choice.architecture else None
    result = ask(rates.curves, posterior, losses, at_n=sizes, **options, checks=checks)
    return deliver(result, asked.as_json, output, figure)


def _part(asked: Asked, name: str | None, option: str, as_they_are: bool = True) -> Given:
    """The rows of the table that hold one of the two metrics.

    A link needs no curves, so that many models of one name, or errors that rise, are no fault here.
    """
    from forecaster.curves.reading.columns import parse_columns, parse_where
    from forecaster.curves.reading.files import load
    from forecaster.links.pairs import how_to_read

    columns, where = parse_columns(asked.columns or ()), parse_where(asked.where or ())
    if name is not None:
        more, rows = how_to_read(columns, load(asked.source).raw, name, option)
        columns, where = columns | more, where | rows
    own = replace(
        asked,
        columns=[f"{ours}={theirs}" for ours, theirs in columns.items()],
        where=[f"{column}={value}" for column, kept in where.items() for value in kept],
    )
    return replace(own, as_they_are=as_they_are).given()


def _without_scores(asked: Asked) -> Asked:
    """As losses are read: no scores, no per cent, no test cases, and no task but their own."""
    return replace(asked, accuracy=False, score=None, percent=False, n_test=None, metric=None, task=None)
