"""The verbs on the errors of one trained model, and on the cases behind them: triage, testset."""

from pathlib import Path
from typing import Annotated, Any

import typer

from forecaster.cli import outputs, values
from forecaster.cli.app import FITTING, Failures, FigureFile, Json, Level, TableFile, deliver, verb
from forecaster.cli.choosing import Choice
from forecaster.cli.source import Fitting, Reading, read
from forecaster.errors import OptionError

RATE = "RATE, RATE:CASES or WRONG/CASES; of a loss MEAN:SD:CASES"
PROVE, TELL, PICK, SEE, PLACE = (
    "--error and --target",
    "--error-a and --error-b",
    "--best-of, --error and --cases",
    "--curves and --at",
    "--curves, --labels and --target",
)
QUESTIONS = f"one question: {PROVE}; {TELL}; {PICK}; {SEE}; or {PLACE}"
COUNT = "a whole number of 1 or more, such as 2000 or 10k"


@verb
def triage(
    human: Annotated[str | None, typer.Option("--human", help="The best that is known, as that of people.")] = None,
    train: Annotated[str | None, typer.Option("--train", metavar=RATE, help="Error on the training cases.")] = None,
    train_dev: Annotated[
        str | None, typer.Option("--train-dev", help="On unseen cases from the distribution of the training data.")
    ] = None,
    dev: Annotated[
        str | None, typer.Option("--dev", help="On unseen cases that matter, by which choices were made.")
    ] = None,
    test: Annotated[str | None, typer.Option("--test", help="On cases like those, by which none were.")] = None,
    matter: Annotated[float, typer.Option("--matter", help="Gaps up to this difference of errors are ignored.")] = 0.0,
    curves: Annotated[
        Path | None,
        typer.Option(
            "--curves",
            help="Learning curves of this error (a table or a saved posterior): what more data would do.",
            show_default=False,
        ),
    ] = None,
    architecture: Annotated[str | None, typer.Option("--architecture", help="Which of these curves.")] = None,
    n: Annotated[
        str | None, typer.Option("--n", help="Training-set size behind these errors; by default the curve's largest.")
    ] = None,
    level: Level = 0.8,
    seed: Annotated[
        int, typer.Option("--seed", help="The same seed gives the same numbers.", min=0, rich_help_panel=FITTING)
    ] = 0,
    figure: FigureFile = None,
    output: TableFile = None,
    as_json: Json = False,
) -> Failures:
    """What keeps the error up: bias, variance, other data than the target, or over-use of the dev set?"""
    outputs.check_files(output, figure)
    values.check_share(level, "--level")
    from forecaster.ladders.triage import triage as ask

    rungs: dict[str, Any] = {"human": human, "train": train, "train_dev": train_dev, "dev": dev, "test": test}
    options: dict[str, Any] = {"matter": matter, "n": values.size(n, "--n"), "level": level, "seed": seed}
    if curves is None:
        return deliver(ask(**rungs, **options, architecture=architecture), as_json, output, figure)
    ask(**rungs, matter=matter)  # what is wrong with the rungs is said before anything is fitted
    chosen = Choice(architecture=() if architecture is None else (architecture,))
    given = read(curves, Reading(), chosen, Fitting(seed=seed))
    posterior = given.posterior(Fitting(seed=seed))
    found = ask(**rungs, **options, posterior=posterior, architecture=architecture)
    return deliver(found, as_json, output, figure)


@verb
def testset(
    error: Annotated[float | None, typer.Option("--error", help="The true error that is expected.")] = None,
    target: Annotated[float | None, typer.Option("--target", help="The error that is to be proven.")] = None,
    error_a: Annotated[float | None, typer.Option("--error-a", help="One of two errors to tell apart.")] = None,
    error_b: Annotated[float | None, typer.Option("--error-b", help="The other.")] = None,
    best_of: Annotated[
        str | None, typer.Option("--best-of", help="Numbers of models whose best is picked, e.g. 10,100.")
    ] = None,
    cases: Annotated[str | None, typer.Option("--cases", help="Test cases (or dev cases) there are.")] = None,
    curves: Annotated[
        Path | None,
        typer.Option("--curves", help="Learning curves (a table or a saved posterior).", show_default=False),
    ] = None,
    at: Annotated[str | None, typer.Option("--at", help="Larger training-set sizes, e.g. 1e6,1.5M.")] = None,
    labels: Annotated[str | None, typer.Option("--labels", help="Labels that come next: to train or to test?")] = None,
    architecture: Annotated[
        list[str] | None, typer.Option("--architecture", help="Only this curve; repeatable.")
    ] = None,
    paired: Annotated[
        bool | None, typer.Option("--paired/--unpaired", help="Both models are tested on the same cases, or not.")
    ] = None,
    discordance: Annotated[
        float | None, typer.Option("--discordance", help="Share of cases that exactly one of the two gets wrong.")
    ] = None,
    clusters: Annotated[
        str | None,
        typer.Option("--clusters", help="Mean cases that come together and their correlation, e.g. 5:0.3."),
    ] = None,
    power: Annotated[str, typer.Option("--power", help="Wanted chances that the test shows it, e.g. 0.8,0.9.")] = "0.8",
    confidence: Annotated[float, typer.Option("--confidence", help="Confidence that showing it takes.")] = 0.95,
    level: Level = 0.8,
    seed: Annotated[
        int, typer.Option("--seed", help="The same seed gives the same numbers.", min=0, rich_help_panel=FITTING)
    ] = 0,
    output: TableFile = None,
    as_json: Json = False,
) -> Failures:
    """How many test cases: to prove a target, to tell two models apart, to see what a forecast promises?"""
    outputs.check_output(output, outputs.TABLE_SUFFIXES, "--output")
    given = {
        "--error": error, "--target": target, "--error-a": error_a, "--error-b": error_b, "--best-of": best_of,
        "--cases": cases, "--curves": curves, "--at": at, "--labels": labels, "--architecture": architecture or None,
        "--paired": paired, "--discordance": discordance, "--clusters": clusters,
    }  # fmt: skip
    question = _question({name for name, value in given.items() if value is not None})
    size, correlation = _clusters(clusters)
    grouped: dict[str, float] = {"cluster_size": size, "correlation": correlation}
    powers = values.numbers(power, "--power", "shares between 0 and 1, such as 0.8")
    for name, value in (("--confidence", confidence), ("--level", level), *(("--power", p) for p in powers)):
        values.check_share(value, name)
    from forecaster.decisions.cases import labels as label_uses
    from forecaster.decisions.cases import needed, promise, selection

    if question in (PROVE, TELL):
        rates = {"error": error, "target": target, "error_a": error_a, "error_b": error_b}
        shown: dict[str, Any] = {"paired": bool(paired), "discordance": discordance, **grouped}
        return deliver(needed.test_set_size(**rates, **shown, power=powers, level=confidence), as_json, output)
    if question == PICK:
        assert best_of is not None
        assert error is not None
        models = values.sizes(best_of, "--best-of", COUNT)
        there = _count(cases, "--cases")
        assert there is not None
        return deliver(selection.selection_bias(models=models, error=error, cases=there, level=level), as_json, output)
    assert curves is not None
    sizes = values.sizes(at)
    if len(powers) > 1:
        raise OptionError(f"--power: found {power}; expected one share beside --curves")
    chosen = Choice(architecture=tuple(architecture or ()))
    held = read(curves, Reading(), chosen, Fitting(seed=seed))
    options: dict[str, Any] = {"confidence": confidence, "level": level, "seed": seed}
    posterior = held.posterior(Fitting(seed=seed))
    options["curves"] = held.choice.keys(posterior)
    if question == PLACE:
        next_, there = _count(labels, "--labels"), _count(cases, "--cases")
        assert next_ is not None
        assert target is not None
        found: Any = label_uses.label_use(posterior, labels=next_, target=target, cases=there, **options)
    else:
        options |= {"paired": paired is not False, "discordance": discordance, "power": powers[0], **grouped}
        found = promise.forecast_in_cases(posterior, sizes, **options)
    return deliver(found, as_json, output)


BETWEEN = {"--paired", "--discordance", "--clusters"}  # what two models, or cases, have in common
TAKES = {
    PROVE: ({"--error", "--target"}, {"--clusters"}),
    TELL: ({"--error-a", "--error-b"}, BETWEEN),
    PICK: ({"--best-of", "--error", "--cases"}, set()),
    SEE: ({"--curves", "--at"}, {"--architecture", *BETWEEN}),
    PLACE: ({"--curves", "--labels", "--target"}, {"--architecture", "--cases"}),
}


def _question(given: set[str]) -> str:
    """Which question these options ask; OptionError where they ask none, or more than one."""
    for question, (needs, allows) in TAKES.items():
        if needs <= given <= needs | allows:
            return question
    found = ", ".join(sorted(given)) or "no question"
    raise OptionError(f"testset: found {found}; expected {QUESTIONS}")


def _clusters(text: str | None) -> tuple[float, float]:
    """``"5:0.3"`` as the size of clusters and the correlation in them."""
    if text is None:
        return 1.0, 0.0
    parts = text.split(":")
    try:
        size, correlation = map(float, parts)
    except ValueError:
        raise OptionError(
            f"--clusters: found {text!r}; expected the mean cases that come together and their correlation, as 5:0.3"
        ) from None
    return size, correlation


def _count(text: str | None, option: str) -> float | None:
    """A whole number of 1 or more, or none where the option is not given."""
    found = values.size(text, option)
    if found is not None and (found < 1.0 or found != round(found)):
        raise OptionError(f"{option}: found {text}; expected {COUNT}")
    return found
