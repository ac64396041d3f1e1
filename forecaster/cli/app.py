"""The command line: arguments in, results out; no statistics here.

Each verb is one function. What all questions share (the curves, how to read and fit them) stands once, in
:class:`Curves` and :class:`Asked`; :func:`verb` spreads it into options. Exit codes: 0 done, 1 an input that cannot
be used, 2 wrong usage, 3 a check said FAIL. Heavy modules are imported inside the verbs.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from forecaster import __version__
from forecaster.cli import console, outputs
from forecaster.cli.choosing import Choice
from forecaster.cli.source import Fitting, Given, Reading, read
from forecaster.errors import ForecasterError, OptionError, UnknownCardError

app = typer.Typer(
    help="Learning curves in, credible intervals for error and data requirements out.",
    epilog="Exit codes: 0 done, 1 an input cannot be used, 2 wrong usage, 3 a check said FAIL, 130 interrupted.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

READING, FITTING, CHOOSING, PRINTING = "Reading the curves", "Fitting", "What is answered about", "Printing"
ONLY = "Answer about this one; repeatable. Others are fitted too. Once, it names all rows if no column does."
Names = list[str] | None
USAGE = (OptionError, UnknownCardError)  # wrong whatever the input holds
USAGE = (OptionError, UnknownCardError)  # wrong whatever the input holds
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
class Curves:
    """The curves that a verb is about, and how they are read."""

    source: Annotated[
        Path, typer.Argument(metavar="CURVES", show_default=False, help="Curves (.csv, .parquet) or a posterior (.nc).")
    ]
    columns: Annotated[Names, _option("--columns", "Our name = the file's, as n=train_size.", READING)] = None
    accuracy: Annotated[bool, _option("--accuracy", "Errors stand as accuracies; targets are errors.", READING)] = False
    split: Annotated[str | None, _option("--split", "Use only rows of this split, as fit.", READING)] = None
    leave_out: Annotated[
        Names, _option("--leave-out", "Do not fit this architecture, or domain/task/architecture; repeatable.", READING)
    ] = None
    domain: Annotated[Names, _option("--domain", ONLY, CHOOSING)] = None
    task: Annotated[Names, _option("--task", ONLY, CHOOSING)] = None
    architecture: Annotated[Names, _option("--architecture", ONLY, CHOOSING)] = None
    card: Annotated[str | None, _option("--card", "Domain card: a name, or a .toml file.", FITTING)] = None
    as_json: Json = False

    @property
    def fitting(self) -> Fitting:
        return Fitting()

    def given(self) -> Given:
        """What the file holds: read here, once."""
        out, columns = tuple(self.leave_out or ()), tuple(self.columns or ())
        reading = Reading(columns, self.accuracy, self.split, out, self.card)
        named = Choice(*(tuple(names or ()) for names in (self.domain, self.task, self.architecture)))
        return read(self.source, reading, named, self.fitting)


@dataclass(frozen=True)
class Asked(Curves):
    """The curves that a question is about, how they are read, and how they are fitted."""

    engine: Annotated[Literal["jax", "nuts"], _option("--engine", "jax is fast, nuts the reference.", FITTING)] = "jax"
    seed: Annotated[int, _option("--seed", "The same seed gives the same numbers.", FITTING, min=0)] = 0
    cache: Annotated[
        bool, _option("--cache/--no-cache", "Keep and use earlier fits and compiled programs.", FITTING)
    ] = True

    @property
    def fitting(self) -> Fitting:
        return Fitting(self.engine, self.seed, self.cache)


def verb(body: Callable[..., Any]) -> Callable[..., Any]:
    """Make ``body`` a command: ``asked`` becomes options, an error a message and exit 1 or 2, FAIL exit 3.

    ``body`` returns the checks that said FAIL.
    """
    own = signature(body).parameters
    asked = own["asked"].annotation if "asked" in own else None
    shared = signature(asked).parameters if asked else {}
    spread = [*shared.values(), *(p for name, p in own.items() if name != "asked")]
    spread.sort(key=lambda p: p.name == "as_json")

    @functools.wraps(body)
    def command(**given: Any) -> None:
        as_json = given["as_json"]
        if asked:
            given = {"asked": asked(**{k: given.pop(k) for k in shared}), **given}
        try:
            failures = body(**given)
        except BrokenPipeError:  # `forecaster ... | head` is no error
            raise
        except (ForecasterError, OSError) as error:
            console.print_error(error, body.__name__, as_json)
            raise typer.Exit(2 if isinstance(error, USAGE) else 1) from None
        if failures:
            console.say(console.beware(failures))
            raise typer.Exit(3)

    keyword = [p.replace(kind=Parameter.KEYWORD_ONLY) for p in spread]
    command.__signature__ = Signature(keyword)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in keyword}
    return command


def deliver(
    result: Any,
    as_json: bool,
    output: Path | None = None,
    figure: Path | None = None,
    company: str = "",
) -> Failures:
    """Print a result, write its figure and its table where asked; the checks that said FAIL.

    ``company`` says what was fitted beside the curves that it is about.
    """
    if company:
        result = replace(result, text=f"{result.text}\n{company}".strip())
    if figure is not None:
        outputs.write_figure(result.plot(), figure)
    if output is not None:
        outputs.write_table(result.table, output)
    if as_json:
        console.print_json(result.to_dict())
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
