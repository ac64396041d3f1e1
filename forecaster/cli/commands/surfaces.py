"""The verb over two axes, size of model and of data: surface."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from forecaster.cli import outputs, points, values
from forecaster.cli.app import FITTING, Curves, Failures, FigureFile, Level, TableFile, deliver, verb
from forecaster.cli.commands.weighing.worth import points_in, surfaces_of
from forecaster.cli.source import POSTERIOR_SUFFIXES
from forecaster.errors import OptionError

POINTS = "amounts of data above 0 with --params, or a .csv or .parquet file with columns n and params"


@verb
def surface(
    asked: Curves,
    flops: Annotated[
        str | None,
        typer.Option(
            "--flops",
            help="Compute of runs to plan, e.g. 1e21,1e22: 6 N D, or as the column compute. By default the largest "
            "measured and ten times that.",
            show_default=False,
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", help="Points to forecast: a table (.csv, .parquet) with columns n and params, or sizes."),
    ] = None,
    params: Annotated[
        str | None, typer.Option("--params", help="Model sizes for amounts of data in --at, e.g. 7e9,13B.")
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            "--target", help="Losses to reach: what they take at best, or models of --params.", show_default=False
        ),
    ] = None,
    costs: Annotated[
        Path | None,
        typer.Option("--costs", help="With --target: a price list (.toml), for money and dates.", show_default=False),
    ] = None,
    unique: Annotated[
        str | None, typer.Option("--unique", help="The different data there are; more of them are repeated.")
    ] = None,
    kind: Annotated[
        Literal["mean", "new-run"], typer.Option("--kind", help="The average over runs, or one new run.")
    ] = "mean",
    level: Level = 0.8,
    engine: Annotated[
        Literal["importance", "nuts"],
        typer.Option("--engine", help="Sampler: importance (fast) or nuts (PyMC reference).", rich_help_panel=FITTING),
    ] = "importance",
    seed: Annotated[
        int,
        typer.Option("--seed", help="The same seed gives the same numbers.", min=0, rich_help_panel=FITTING),
    ] = 0,
    save: Annotated[
        Path | None,
        typer.Option("--save", help="Also save the fitted surfaces (.nc), for any later question.", show_default=False),
    ] = None,
    figure: FigureFile = None,
    output: TableFile = None,
) -> Failures:
    """Loss over model size and data: forecasts at any point, and how to spend a compute best."""
    outputs.check_files(output, figure)
    outputs.check_output(save, POSTERIOR_SUFFIXES, "--save")
    values.check_share(level, "--level")
    if sum(one is not None for one in (flops, at, target)) > 1:
        raise OptionError("found several of --flops, --at and --target; expected one of them")
    if target is not None and figure is not None:
        raise OptionError("found --figure beside --target; expected --flops or --at, which are drawn")
    if params is not None and at is None and target is None:
        raise OptionError(f"found --params {params} without --at; expected amounts of data as well: --at 1e11,1e12")
    if costs is not None and target is None:
        raise OptionError("found --costs without --target; expected a loss to reach, or `forecaster decide --two-axes`")
    wanted = values.sizes(flops, "--flops", "compute above 0, such as 1e21,1e22") or None
    losses = None if target is None else values.numbers(target, "--target", "losses above 0, such as 2.5")
    sizes, unique_n = values.sizes(params, "--params") or None, values.size(unique, "--unique")
    places = _points(at, params)
    from forecaster.surfaces.posterior.storage import save_surfaces

    found = surfaces_of(asked, engine, seed)
    if save is not None:
        save_surfaces(found, save)
        outputs.wrote(save)
    if losses is not None:
        from forecaster.surfaces.requirement import surface_requirement

        needed = surface_requirement(found, losses, params=sizes, level=level, costs=costs, seed=seed)
        return deliver(needed, asked.as_json, output)
    from forecaster.surfaces.surface import surface as ask

    options: dict[str, Any] = {"flops": wanted, "at": places, "params": sizes, "unique_n": unique_n}
    result = ask(found, **options, kind=kind, level=level, seed=seed)
    return deliver(result, asked.as_json, output, figure)


def _points(at: str | None, params: str | None) -> Any:
    """Amounts of data, or the rows of a file of points."""
    if at is None:
        return None
    if not at.lower().endswith(points.POINT_SUFFIXES):
        if params is None:
            raise OptionError(f"found --at {at} without --params; expected {POINTS}")
        return values.sizes(at, "--at", POINTS)
    return points_in(at, f"--at {at}", POINTS)
