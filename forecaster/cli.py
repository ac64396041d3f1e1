"""The command line: arguments in, results out; no statistics here.

Each verb is one function. What all questions share (the curves, how to read and fit them) stands once, in
:class:`Asked`; :func:`verb` spreads it into options. Exit codes: 0 done, 1 an input that cannot be used, 2 wrong
usage, 3 a check said FAIL. Heavy modules are imported inside the verbs.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from forecaster import __version__, console, points, request
from forecaster.errors import ForecasterError

app = typer.Typer(
    help="Learning curves in, credible intervals for error and data requirements out.",
    epilog="Exit codes: 0 done, 1 an input cannot be used, 2 wrong usage, 3 a check said FAIL.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

READING, FITTING, CHOOSING, PRINTING = "Reading the curves", "Fitting", "Choosing curves", "Printing"
ONLY = "Only this one; may be repeated. Once, it names all rows if no column does."
Names = list[str] | None
Failures = tuple[Any, ...]  # the checks that said FAIL
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object (see docs/json.md).", rich_help_panel=PRINTING)
]
Level = Annotated[float, typer.Option("--level", help="Probability inside each interval.")]
TableFile = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Also write the table: .csv, .parquet or .json.", rich_help_panel=PRINTING),
]
Kind = Annotated[
    Literal["mean", "new-run", "new-cases"],
    typer.Option("--kind", help="The average over runs, one new run, or the average on cases not tested on."),
]
FigureFile = Annotated[
    Path | None, typer.Option("--figure", help="Also draw it: .png, .svg or .pdf.", rich_help_panel=PRINTING)
]


def _option(name: str, text: str, panel: str, **more: Any) -> Any:
    return typer.Option(name, help=text, rich_help_panel=panel, **more)


@dataclass(frozen=True)
class Asked:
    """What every question is asked with."""

    source: Annotated[
        Path, typer.Argument(metavar="CURVES", show_default=False, help="Curves (.csv, .parquet) or a posterior (.nc).")
    ]
    columns: Annotated[Names, _option("--columns", "Our name = the file's, as n=train_size.", READING)] = None
    accuracy: Annotated[bool, _option("--accuracy", "Errors stand as accuracies; targets are errors.", READING)] = False
    split: Annotated[str | None, _option("--split", "Use only rows of this split, as fit.", READING)] = None
    domain: Annotated[Names, _option("--domain", ONLY, CHOOSING)] = None
    task: Annotated[Names, _option("--task", ONLY, CHOOSING)] = None
    architecture: Annotated[Names, _option("--architecture", ONLY, CHOOSING)] = None
    card: Annotated[str | None, _option("--card", "Domain card: a name, or a .toml file.", FITTING)] = None
    engine: Annotated[Literal["jax", "nuts"], _option("--engine", "jax is fast, nuts the reference.", FITTING)] = "jax"
    seed: Annotated[int, _option("--seed", "The same seed gives the same numbers.", FITTING, min=0)] = 0
    cache: Annotated[
        bool, _option("--cache/--no-cache", "Keep and use earlier fits and compiled programs.", FITTING)
    ] = True
    as_json: Json = False

    @property
    def curves(self) -> request.Source:
        names = {name: tuple(getattr(self, name) or ()) for name in ("columns", "domain", "task", "architecture")}
        return request.Source(
            self.source, accuracy=self.accuracy, split=self.split, card=self.card, engine=self.engine, seed=self.seed,
            cache=self.cache, **names,
        )  # fmt: skip


def verb(body: Callable[..., Any]) -> Callable[..., Any]:
    """Make ``body`` a command: ``Asked`` becomes options, an input error a message and exit 1, FAIL exit 3.

    ``body`` returns the checks that said FAIL.
    """
    own = signature(body).parameters
    shared = signature(Asked).parameters if "asked" in own else {}
    spread = [*shared.values(), *(p for name, p in own.items() if name != "asked")]
    spread.sort(key=lambda p: p.name == "as_json")

    @functools.wraps(body)
    def command(**given: Any) -> None:
        as_json = given["as_json"]
        if shared:
            given = {"asked": Asked(**{k: given.pop(k) for k in shared}), **given}
        try:
            with console.letters_told():
                failures = body(**given)
        except BrokenPipeError:  # `forecaster ... | head` is no error
            raise
        except (ForecasterError, OSError) as error:
            console.print_error(error, body.__name__, as_json)
            raise typer.Exit(1) from None
        if failures:
            console.say(console.beware(failures))
            raise typer.Exit(3)

    keyword = [p.replace(kind=Parameter.KEYWORD_ONLY) for p in spread]
    command.__signature__ = Signature(keyword)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in keyword}
    app.command()(command)
    return command


def _deliver(
    result: Any, as_json: bool, output: Path | None = None, figure: Path | None = None, **extra: Any
) -> Failures:
    """Print a result, write its figure and its table where asked; the checks that said FAIL."""
    if figure is not None:
        request.write_figure(result.plot(), figure)
    if output is not None:
        request.write_table(result.table, output)
    if as_json:
        from forecaster.results import plain

        console.print_json(result.to_dict() | plain(extra))
    else:
        console.print_result(result)
    if result.command != "check":
        console.print_checks(result.checks)
    return result.failures


@app.callback(invoke_without_command=True)
def _main(version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False) -> None:
    if version:
        typer.echo(f"forecaster {__version__}")
        raise typer.Exit


@verb
def validate(asked: Asked, output: TableFile = None) -> Failures:
    """Check a table of curves and show what was understood. Nothing is sampled."""
    from forecaster.catalogue import Listing
    from forecaster.curves import summarise, warnings_of
    from forecaster.inference import cards_of

    request.check_output(output, request.TABLE_SUFFIXES, "--output")
    curves, card = asked.curves.curves_and_card()
    cards = cards_of(curves, card)
    if card is None:
        request.say_generic(curves)
    chance: dict[tuple[str, str] | str, float] = {
        group: card.chance.value for group, card in cards.items() if card.chance is not None
    }
    notes = (*curves.notes, *request.above_share(curves, card), *warnings_of(curves, chance))
    console.print_notes(notes)
    table = summarise(curves)
    table["card"] = [cards[key].name for key in zip(table["domain"], table["task"], strict=True)]
    said = [{"code": n.code, "text": n.text, "curve": n.curve} for n in notes]
    return _deliver(Listing(table, request.fittable(curves), command="validate"), asked.as_json, output, notes=said)


@verb
def fit(
    asked: Asked,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to save the posterior (.nc).")] = None,
    draws: Annotated[int | None, typer.Option("--draws", min=100, help="Draws of each of four chains.")] = None,
    level: Level = 0.8,
) -> Failures:
    """Sample the posterior of all curves, summarise it, and save it."""
    request.check_output(output, request.POSTERIOR_SUFFIXES, "--output")
    request.check_share(level, "--level")
    from forecaster.catalogue import Listing

    posterior = asked.curves.posterior(draws, architectures=True)
    checks = request.verdicts(posterior)
    if output is not None:
        posterior.save(output)
        console.say(f"Wrote {output}")
    text = (
        f"Each quantity lies between lower and upper with a chance of {100 * level:g} %: the exponent (how fast error "
        "falls with data), the floor (error that no data removes), alpha (the intercept)."
    )
    saved = None if output is None else str(output)
    result = Listing(posterior.summary(level), text, checks, command="fit")
    return _deliver(result, asked.as_json, posterior=saved)


@verb
def forecast(
    asked: Asked,
    at: Annotated[str, typer.Option("--at", help="Sizes, as 1e6,1e7, or a table of points (.csv, .parquet).")],
    kind: Kind = "mean",
    level: Level = 0.8,
    quantiles: Annotated[str, typer.Option("--quantiles", help="Also these, as 0.025,0.5,0.975.")] = "",
    draws: Annotated[Path | None, typer.Option("--draws", help="Also write the predictive draws (.nc).")] = None,
    figure: FigureFile = None,
    output: TableFile = None,
) -> Failures:
    """The error at sizes nobody has trained yet, with intervals."""
    request.check_output(output, request.TABLE_SUFFIXES, "--output")
    request.check_output(draws, request.POSTERIOR_SUFFIXES, "--draws")
    request.check_output(figure, request.FIGURE_SUFFIXES, "--figure")
    request.check_share(level, "--level")
    shares = request.numbers(quantiles, "--quantiles", "shares between 0 and 1, such as 0.025,0.5") if quantiles else []
    for share in shares:
        request.check_share(share, "--quantiles")
    points.check_points(at)
    from forecaster.forecast import forecast as ask

    posterior = asked.curves.posterior()
    wanted = points.points_of(asked.curves, posterior, at)
    checks = request.verdicts(posterior, points.sizes_in(wanted), asked.architecture)
    result = ask(posterior, wanted, kind=kind, level=level, quantiles=shares, seed=asked.seed, checks=checks)
    if draws is not None:
        result.save_draws(draws)
        console.say(f"Wrote {draws}")
    return _deliver(result, asked.as_json, output, figure)


@verb
def requirement(
    asked: Asked,
    target: Annotated[str, typer.Option("--target", help="The error (never accuracy) to reach, as 0.05,0.03.")],
    budget: Annotated[float | None, typer.Option("--budget", help="Largest size you could afford.")] = None,
    horizon: Annotated[float | None, typer.Option("--horizon", help="Search no further than this size.")] = None,
    kind: Kind = "mean",
    figure: FigureFile = None,
    output: TableFile = None,
) -> Failures:
    """The data needed to reach a target error, and the chance that no amount will do."""
    request.check_output(output, request.TABLE_SUFFIXES, "--output")
    request.check_output(figure, request.FIGURE_SUFFIXES, "--figure")
    targets = request.numbers(target, "--target", "errors above 0, such as 0.05 or 0.05,0.03")
    request.check_size(budget, "--budget")
    request.check_size(horizon, "--horizon")
    request.check_targets(asked.curves, targets)
    from forecaster.requirement import requirement as ask

    posterior = asked.curves.posterior()
    checks = request.verdicts(posterior, names=asked.architecture)
    chosen = request.targets(asked.curves, posterior)
    result = ask(
        posterior, targets, budget=budget, horizon=horizon, kind=kind, seed=asked.seed, targets=chosen, checks=checks
    )
    return _deliver(result, asked.as_json, output, figure)


@verb
def compare(
    asked: Asked,
    at: Annotated[str | None, typer.Option("--at", help="Sizes at which to compare, as 1e6,1e7.")] = None,
    rope: Annotated[float, typer.Option("--rope", help="Relative difference that counts as equal.")] = 0.1,
    figure: FigureFile = None,
    output: TableFile = None,
) -> Failures:
    """Which architecture is better, at which size, and what the difference is worth in data."""
    request.check_output(output, request.TABLE_SUFFIXES, "--output")
    request.check_output(figure, request.FIGURE_SUFFIXES, "--figure")
    sizes = request.sizes_of(at)
    from forecaster.comparison import compare as ask

    posterior = asked.curves.posterior()
    group, pairs = request.pairs_of(asked.curves, posterior)
    checks = request.verdicts(posterior, sizes)
    result = ask(posterior, group=group, pairs=pairs, at=sizes, rope=rope, seed=asked.seed, checks=checks)
    return _deliver(result, asked.as_json, output, figure)


@verb
def check(
    asked: Asked,
    at: Annotated[str | None, typer.Option("--at", help="Sizes you want to ask about, as 1e6,1e7.")] = None,
    output: TableFile = None,
) -> Failures:
    """May these numbers be decided on? Verdicts on the fit: PASS, REVIEW or FAIL."""
    request.check_output(output, request.TABLE_SUFFIXES, "--output")
    sizes = request.sizes_of(at)
    result = request.checked(asked.curves.posterior(), sizes, asked.architecture)
    return _deliver(result, asked.as_json, output, verdict=result.verdict)


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
    request.check_output(output, request.TABLE_SUFFIXES, "--output")
    request.check_output(figure, request.FIGURE_SUFFIXES, "--figure")
    request.check_share(level, "--level")
    from forecaster.backtest import backtest as ask

    curves, card = asked.curves.curves_and_card()
    request.say_notes(curves, card)
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
    return _deliver(result, asked.as_json, output, figure)


@verb
def memo(
    asked: Asked,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the memo's files.")],
    target: Annotated[float | None, typer.Option("--target", help="The error (never accuracy) to reach.")] = None,
    at: Annotated[str | None, typer.Option("--at", help="Sizes that are options, as 1e4,1e5.")] = None,
    title: Annotated[str | None, typer.Option("--title", help="Title of the memo.")] = None,
    size_unit: Annotated[str | None, typer.Option("--size-unit", help="What sizes count, such as FLOPs.")] = None,
    level: Level = 0.8,
) -> Failures:
    """A decision memo in Markdown and HTML, with a figure, one for each domain and task."""
    request.check_folder(output)
    request.check_share(level, "--level")
    sizes = request.sizes_of(at)
    request.check_size(target, "--target", "an error above 0, such as 0.05")
    request.refuse_architectures(asked.curves)
    request.check_targets(asked.curves, [] if target is None else [target])
    from forecaster.demo import memos_of

    posterior = asked.curves.posterior()
    options = {"sizes": sizes or None, "target": target, "title": title, "level": level, "seed": asked.seed}
    options["size_unit"] = size_unit
    with console.progress("Writing") as tell:
        made = memos_of(posterior, output, asked.source.stem, tell=tell, command=request.command_line(), **options)
    return _deliver(made, asked.as_json)


@verb
def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the memos.")] = Path("reports"),
    only: Annotated[
        Literal["digits", "characters"] | None, typer.Option("--only", help="Only this example.", show_default=False)
    ] = None,
    cache: Annotated[
        bool, typer.Option("--cache/--no-cache", help="Keep and use earlier fits and compiled programs.")
    ] = True,
    as_json: Json = False,
) -> Failures:
    """Write memos for the two shipped examples: handwritten digits and source text."""
    request.check_folder(output)
    from forecaster.demo import run

    with console.progress("Demo") as tell:
        made = run(output, only, cache=cache, tell=tell)
    return _deliver(made, as_json)


@verb
def domains(
    name: Annotated[
        str | None, typer.Argument(help="A card's name or file; without it, all are listed.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> Failures:
    """List the domain cards, or show one card's priors with their sources."""
    from forecaster import catalogue

    if name is None:
        return _deliver(catalogue.shelf(), as_json)
    listing, card = catalogue.priors(name)
    return _deliver(listing, as_json, card=catalogue.card_facts(card))


@verb
def inspect(
    posterior: Annotated[
        Path, typer.Argument(metavar="POSTERIOR", help="A saved posterior (.nc).", show_default=False)
    ],
    as_json: Json = False,
) -> Failures:
    """What a saved posterior holds: data, cards, engine, seed, versions."""
    from forecaster import catalogue
    from forecaster.posterior import load_posterior

    listing, manifest = catalogue.contents(load_posterior(posterior))
    return _deliver(listing, as_json, manifest=manifest)


if __name__ == "__main__":
    app()
