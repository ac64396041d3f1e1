"""The command line: arguments in, results out; no statistics here.

Each verb is one function. The options that all questions share (the curves, how to read and fit them) are declared
once, in :class:`Curves` and :class:`Asked`; :func:`verb` adds them to a verb. Exit codes: 0 done, 1 an input that
cannot be used, 2 wrong usage, 3 a check said FAIL. Heavy modules are imported inside the verbs.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from forecaster import __version__
from forecaster.cli import console, outputs, values
from forecaster.cli.choosing import Choice
from forecaster.cli.source import Fitting, Given, Reading, read
from forecaster.curves.how_read import VALIDATE, Command
from forecaster.errors import ForecasterError, OptionError, UnknownCardError

app = typer.Typer(
    help="Forecast learning curves: credible intervals for the error at larger sizes and for the data a target needs.",
    epilog="Exit codes: 0 done, 1 an input cannot be used, 2 wrong usage, 3 a check said FAIL, 130 interrupted.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

READING, FITTING, CHOOSING, PRINTING = "Reading the curves", "Fitting", "Choosing curves", "Printing"
ONLY = "Show only this {0}; repeatable. The others are still fitted. Without a column `{0}` it names all rows."
Names = list[str] | None
USAGE = (OptionError, UnknownCardError)  # exit code 2: wrong whatever the input holds
CELLS = ("columns", "where", "wide", "score", "accuracy", "percent", "full_size", "decimal", "n_min", "as_they_are")
REPEATED = {
    *CELLS,
    "metric",
    "n_test",
    "repeats",
    "error_sd",
    "domain",
    "task",
    "architecture",
}  # a suggestion names them
Failures = tuple[Any, ...]  # the checks with the verdict FAIL
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object, described in docs/json.md.", rich_help_panel=PRINTING)
]
Level = Annotated[float, typer.Option("--level", help="Probability of each interval.")]
TableFile = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", help="Also write the table to a file: .csv, .parquet or .json.", rich_help_panel=PRINTING
    ),
]
Kind = Annotated[
    Literal["mean", "new-run", "new-cases"] | None,
    typer.Option(
        "--kind",
        help="The average over runs, one new run, or the average over runs on new test cases. By default the last "
        "where n_test is known, else the first.",
        show_default=False,
    ),
]
FigureFile = Annotated[
    Path | None, typer.Option("--figure", help="Also draw a figure: .png, .svg or .pdf.", rich_help_panel=PRINTING)
]


def _option(name: str, text: str, panel: str, **more: Any) -> Any:
    return typer.Option(name, help=text, rich_help_panel=panel, **more)


@dataclass(frozen=True)
class Curves:
    """The curves that a verb needs, and how they are read."""

    source: Annotated[
        Path,
        typer.Argument(
            metavar="CURVES",
            show_default=False,
            help="A table of learning curves (.csv, .json, .parquet ...) or a saved posterior (.nc).",
        ),
    ]
    columns: Annotated[Names, _option("--columns", "Map a column: NAME=FILE_COLUMN, e.g. n=train_size.", READING)] = (
        None
    )
    where: Annotated[
        Names,
        _option("--where", "Use only rows of COLUMN=VALUE; repeatable, twice for either.", READING),
    ] = None
    wide: Annotated[
        Literal["models", "sizes"] | None,
        _option("--wide", "There is a column a model, or a column a size.", READING),
    ] = None
    score: Annotated[
        str | None,
        _option("--score", "Errors stand as this score, as f1 or r2; targets are errors.", READING),
    ] = None
    accuracy: Annotated[bool, _option("--accuracy", "The same as --score accuracy.", READING)] = False
    percent: Annotated[bool, _option("--percent", "Errors, or scores, are in per cent.", READING)] = False
    full_size: Annotated[
        str | None, _option("--full-size", "What sizes in per cent are a share of, as 1.2M.", READING)
    ] = None
    decimal: Annotated[
        Literal["comma", "point"] | None, _option("--decimal", "The decimal mark, where cells do not tell it.", READING)
    ] = None
    n_min: Annotated[str | None, _option("--n-min", "Leave out rows of smaller sizes than this.", READING)] = None
    as_they_are: Annotated[bool, _option("--as-they-are", "Read a table that looks misread all the same.", READING)] = (
        False
    )
    metric: Annotated[str | None, _option("--metric", "What the error is, for all rows.", READING)] = None
    n_test: Annotated[str | None, _option("--n-test", "Test cases behind each error rate.", READING)] = None
    repeats: Annotated[str | None, _option("--repeats", "Runs that each error is the mean of.", READING)] = None
    error_sd: Annotated[
        float | None, _option("--error-sd", "Standard deviation of one run's error, as the errors stand.", READING)
    ] = None
    split: Annotated[str | None, _option("--split", "Use only rows with this value of `split`, e.g. fit.", READING)] = (
        None
    )
    leave_out: Annotated[
        Names,
        _option(
            "--leave-out", "Leave this architecture (or domain/task/architecture) out of the fit; repeatable.", READING
        ),
    ] = None
    domain: Annotated[Names, _option("--domain", ONLY.format("domain"), CHOOSING)] = None
    task: Annotated[Names, _option("--task", ONLY.format("task"), CHOOSING)] = None
    architecture: Annotated[Names, _option("--architecture", ONLY.format("architecture"), CHOOSING)] = None
    card: Annotated[
        str | None, _option("--card", "Domain card: a name (see `forecaster domains`) or a .toml file.", FITTING)
    ] = None
    as_json: Json = False
    typed: Command = VALIDATE  # the verb, and its options that are not about reading: no option itself

    @property
    def fitting(self) -> Fitting:
        return Fitting()

    def reads(self) -> list[str]:
        """The options given that say how a table is read, or which priors it has: wrong beside what was saved."""
        read = (*CELLS, "metric", "n_test", "repeats", "error_sd", "split", "leave_out", "card")
        return [f"--{name.replace('_', '-')}" for name in read if getattr(self, name) not in (None, False)]

    def given(self, *, by_metric: bool = False, two_axes: bool = False) -> Given:
        """The contents of the file, read once; ``by_metric``: with a task for each metric; ``two_axes``: a surface."""
        if self.accuracy and self.score not in (None, "accuracy"):
            raise OptionError(f"found --accuracy and --score {self.score}; expected one of the two")
        counts = {"n_test": values.size(self.n_test, "--n-test"), "repeats": values.size(self.repeats, "--repeats")}
        reading = Reading(
            columns=tuple(self.columns or ()),
            where=tuple(self.where or ()),
            constants={"metric": self.metric, **counts, "error_sd": self.error_sd},
            wide=self.wide,
            score="accuracy" if self.accuracy else self.score,
            percent=self.percent,
            full_size=values.size(self.full_size, "--full-size"),
            decimal=self.decimal,
            n_min=values.size(self.n_min, "--n-min"),
            as_they_are=self.as_they_are,
            split=self.split,
            leave_out=tuple(self.leave_out or ()),
            card=self.card,
            typed=self.typed,
            by_metric=by_metric,
            two_axes=two_axes,
        )
        named = Choice(*(tuple(names or ()) for names in (self.domain, self.task, self.architecture)))
        return read(self.source, reading, named, self.fitting)


@dataclass(frozen=True)
class Asked(Curves):
    """The curves of a question, how they are read, and how they are fitted."""

    engine: Annotated[
        Literal["jax", "nuts"], _option("--engine", "Inference engine: jax (fast) or nuts (PyMC reference).", FITTING)
    ] = "jax"
    seed: Annotated[int, _option("--seed", "The same seed gives the same numbers.", FITTING, min=0)] = 0
    cache: Annotated[bool, _option("--cache/--no-cache", "Reuse and store fits and compiled programs.", FITTING)] = True
    record: Annotated[
        bool, _option("--record/--no-record", "Test the forecast on the largest sizes, hidden; and say so.", FITTING)
    ] = True
    human: Annotated[
        str | None,
        _option("--human", "Human-level error and the cases it was measured on, as 0.01:500 or 5/500.", FITTING),
    ] = None
    label_noise: Annotated[
        str | None,
        _option("--label-noise", "Share of test labels that are wrong, of relabelled cases, as 20/1000.", FITTING),
    ] = None
    floor: Annotated[
        str | None,
        _option("--floor", "Where the irreducible error lies with 80 %, as 0.01,0.03; needs --because.", FITTING),
    ] = None
    because: Annotated[str | None, _option("--because", "The reason of the range in --floor.", FITTING)] = None

    @property
    def fitting(self) -> Fitting:
        return Fitting(self.engine, self.seed, self.cache, self.record, self._floor())

    def _floor(self) -> Any:
        """The evidence on the floor, if any; OptionError where it makes no sense."""
        stated = {"human": self.human, "label_noise": self.label_noise, "floor": self.floor, "because": self.because}
        if all(value is None for value in stated.values()):
            return None
        from forecaster.domains.floor_evidence import FloorEvidence

        return FloorEvidence.of(**stated)


def verb(body: Callable[..., Any]) -> Callable[..., Any]:
    """Make ``body`` a command: ``asked`` becomes options; errors exit with 1 or 2, failed checks with 3.

    ``body`` returns the checks that failed.
    """
    own, called = signature(body).parameters, body.__name__.rstrip("_")  # `next_` is the command next
    asked = own["asked"].annotation if "asked" in own else None
    shared = {name: p for name, p in signature(asked).parameters.items() if name != "typed"} if asked else {}
    spread = [*shared.values(), *(p for name, p in own.items() if name != "asked")]
    spread.sort(key=lambda p: p.name == "as_json")

    @functools.wraps(body)
    def command(ctx: Any, **given: Any) -> None:
        as_json = given["as_json"]
        if asked:
            typed = Command(called, _typed(ctx))
            given = {"asked": asked(**{k: given.pop(k) for k in shared}, typed=typed), **given}
        try:
            failures = body(**given)
        except BrokenPipeError:  # `forecaster ... | head` is no error
            raise
        except (ForecasterError, OSError) as error:
            console.print_error(error, called, as_json)
            raise typer.Exit(2 if isinstance(error, USAGE) else 1) from None
        if failures:
            console.say(console.beware(failures))
            raise typer.Exit(3)

    spread.append(Parameter("ctx", Parameter.KEYWORD_ONLY, annotation=typer.Context))
    command.__name__ = called
    keyword = [p.replace(kind=Parameter.KEYWORD_ONLY) for p in spread]
    command.__signature__ = Signature(keyword)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in keyword}
    return command


def _typed(context: Any) -> tuple[str, ...]:
    """The options that were typed, as they were, but for those that say how the table is read."""
    found: list[str] = []
    for option in context.command.params:
        source, value = context.get_parameter_source(option.name or ""), context.params.get(option.name or "")
        if (
            option.param_type_name != "option"
            or option.name in REPEATED
            or source is None
            or source.name != "COMMANDLINE"
        ):
            continue
        if isinstance(value, bool):
            found.append((option.opts if value else option.secondary_opts)[0])
        else:
            each = value if isinstance(value, list | tuple) else [value]
            found += [part for one in each for part in (option.opts[0], str(one))]
    return tuple(found)


def deliver(
    result: Any,
    as_json: bool,
    output: Path | None = None,
    figure: Path | None = None,
    company: str = "",
) -> Failures:
    """Print a result and write its figure and table where asked; returns the checks that failed.

    ``company`` is a sentence on the other curves that were fitted with those shown.
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
