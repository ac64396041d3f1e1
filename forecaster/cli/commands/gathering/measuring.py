"""The verb that trains: measure."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from forecaster.cli import console, interrupts, outputs, values
from forecaster.cli.app import Failures, FigureFile, Json, TableFile, deliver, verb
from forecaster.errors import OptionError

READING, NAMES = "Reading the output", "Names for the table"
RECORD = ".runs.jsonl"
SCRIPT = re.compile(r"([\w.-]+)\.\w+$")


@verb
def measure(
    command: Annotated[
        str,
        typer.Option(
            "--command", help="What trains a model: a command line with {n}, {seed} and names of the grid in braces."
        ),
    ],
    reads: Annotated[
        str,
        typer.Option(
            "--read",
            help="Regular expression for the error in its output, as 'val_error=([-+.e0-9]+)'; or with groups named "
            "error, test_error, params, compute, n_test, seconds, gpu_hours. The last match counts.",
            rich_help_panel=READING,
        ),
    ],
    sizes: Annotated[str, typer.Option("--sizes", help="Training-set sizes: 1000:64000:x2, 1k:5k:+1k or 1k,2k,4k.")],
    seeds: Annotated[str, typer.Option("--seeds", help="Number of repeats, or the seeds themselves: 0,1,2.")] = "3",
    grid: Annotated[
        list[str] | None,
        typer.Option("--grid", help="NAME=VALUES of models to choose among, as width=64,128,256; repeatable."),
    ] = None,
    read_test: Annotated[
        str | None,
        typer.Option("--read-test", help="The same for the error to report, on test data.", rich_help_panel=READING),
    ] = None,
    read_params: Annotated[
        str | None,
        typer.Option("--read-params", help="The same for the number of parameters.", rich_help_panel=READING),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(
            "--record",
            help="File that every run is put down in, by default beside the table; runs in it are not made again.",
            show_default=False,
        ),
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", help="Runs side by side; -1 for one a core.")] = 1,
    gpus: Annotated[
        float, typer.Option("--gpus", help="Accelerators that each run holds, for gpu_hours.", min=0)
    ] = 0.0,
    retry: Annotated[bool, typer.Option("--retry", help="Make runs again that failed before.")] = False,
    plan: Annotated[
        bool,
        typer.Option("--plan", help="Show the runs and what they may take, by those recorded; run and write nothing."),
    ] = False,
    goal: Annotated[
        str | None,
        typer.Option(
            "--next",
            help="Run and write nothing: say where to go on, for forecast:SIZE, requirement:ERROR or choice:SIZE.",
            show_default=False,
        ),
    ] = None,
    domain: Annotated[str, typer.Option("--domain", help="The field.", rich_help_panel=NAMES)] = "measured",
    task: Annotated[str, typer.Option("--task", help="The data set.", rich_help_panel=NAMES)] = "error",
    architecture: Annotated[
        str | None,
        typer.Option(
            "--architecture",
            help="What is trained; by default the program's name.",
            rich_help_panel=NAMES,
            show_default=False,
        ),
    ] = None,
    metric: Annotated[str | None, typer.Option("--metric", help="What the error is.", rich_help_panel=NAMES)] = None,
    n_test: Annotated[
        str | None, typer.Option("--n-test", help="Test cases behind each error rate.", rich_help_panel=NAMES)
    ] = None,
    output: TableFile = None,
    figure: FigureFile = None,
    as_json: Json = False,
) -> Failures:
    """Measure a curve: train on shards of growing size, take the best of a grid at each, record every run."""
    outputs.check_files(output, figure)
    if plan and goal is not None:
        raise OptionError("found --plan and --next; expected one of the two")
    path = record or (output.with_suffix(RECORD) if output else Path(f"measured{RECORD}"))
    from forecaster.measuring.measure import measured, planned
    from forecaster.measuring.plan import TableNames, plan_of
    from forecaster.measuring.trainers.commands import CommandTrainer

    patterns = {"error": reads, "test_error": read_test, "params": read_params}
    read = {name: text for name, text in patterns.items() if text is not None}
    trainer = CommandTrainer(command, read, max(jobs, 1))
    names = TableNames(domain, task, metric, values.size(n_test, "--n-test"))
    points = _grid(grid or [])
    options: dict[str, Any] = {"grid": points, "architecture": architecture or _name(command), "names": names}
    asked = plan_of(trainer, sizes, _seeds(seeds), gpus=gpus, **options)
    if asked.most_points > 1 and len(asked.seeds) == 1 and "test_error" not in trainer.patterns:
        raise OptionError(
            "found a grid, one seed and one error; expected an error to report that did not choose: "
            "--read-test 'test_error=([-+.e0-9]+)', or --seeds 3"
        )
    if plan:
        return deliver(planned(asked, path, jobs=jobs, retry=retry), as_json)  # the files are for the curve itself
    if goal is not None:
        return _next(asked, path, goal, sizes, as_json)
    interrupts.wrote([path])
    console.say(f"Runs are put down in {path} as they finish; the same command goes on from there.")
    with console.progress("Measuring") as tell:
        result = measured(asked, path, jobs=jobs, retry=retry, on_progress=tell)
    return deliver(result, as_json, output, figure)


def _next(asked: Any, path: Path, goal: str, sizes: str, as_json: bool) -> Failures:
    """What to measure next, by the runs so far: the answer of the verb ``next``."""
    from forecaster.decisions.measuring.next_measurement import next_measurement
    from forecaster.evaluation.fitting import fit_cached
    from forecaster.measuring.tables import result_of

    curves = result_of(asked, asked.so_far(path), path).curves()
    with console.progress("Fitting the curve so far") as tell:
        posterior = fit_cached(curves, on_progress=tell)
    with console.progress("Fitting simulated results") as tell:
        found = next_measurement(posterior, goal, on_progress=tell)
    if found.pick is not None:
        added = f"{sizes},{round(float(found.pick['n']))}"
        found = replace(found, text=f"{found.text}\nTo measure it: the same command with --sizes {added}.")
    return deliver(found, as_json)


def _seeds(text: str) -> int | list[int]:
    """A number of seeds, or the seeds."""
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        raise OptionError(f"--seeds: found {text!r}; expected a number such as 3, or seeds such as 0,1,2") from None
    return found if len(found) > 1 else found[0]


def _grid(given: list[str]) -> dict[str, list[Any]]:
    """``["width=64,128"]`` as names to values, numbers where they are such."""
    from forecaster._support.numbers import number_or_text

    found: dict[str, list[Any]] = {}
    for one in given:
        name, sign, text = (part.strip() for part in one.partition("="))
        if not sign or not name.isidentifier() or not text or name in found:
            raise OptionError(f"--grid: found {one!r}; expected NAME=VALUES once for each name, as in width=64,128,256")
        found[name] = [number_or_text(part.strip()) for part in text.split(",")]
    return found


def _name(command: str) -> str:
    """What trains: the name of the first script in a command line, or of the program."""
    words = command.split() or ["model"]
    found = (SCRIPT.search(word) for word in words)
    return next((match[1] for match in found if match), words[0].rsplit("/", 1)[-1])
