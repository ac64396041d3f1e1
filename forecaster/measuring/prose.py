"""The sentences and verdicts on a measurement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from forecaster.measuring.choice import Best
from forecaster.measuring.running import duration
from forecaster.measuring.runs import Job, Run, named
from forecaster.results.check import FAIL, PASS, REVIEW, Check
from forecaster.results.message import Message, message
from forecaster.results.wording import counted, listed

HOW = {
    "validation": "chosen by validation error and reported by test error",
    "other seeds": "chosen by the mean error of the other seeds",
    "itself": "chosen by the error that is reported",
}
RUNS_NAMED = 4  # sizes or runs that one sentence names


def messages(found: Sequence[Best], runs: Sequence[Run], jobs: Sequence[Job], points: int) -> tuple[Message, ...]:
    """What was measured, and how the models were chosen."""
    names = list(dict.fromkeys(best.architecture for best in found))
    sizes = sorted({best.n for best in found})
    failed = sum(run.trained is None for run in runs)
    hours = sum(run.took for run in runs) / 3600.0
    made = f"{counted(len(runs), 'run')} took {duration(3600.0 * hours)} in all"
    span = f"{counted(len(sizes), 'size')} from {sizes[0]:,} to {sizes[-1]:,}" if sizes else "no size"
    text = f"Measured {listed(names[:RUNS_NAMED])}{' and others' if len(names) > RUNS_NAMED else ''} at {span}: {made}."
    said = [message("measured", text, runs=len(runs), jobs=len(jobs), failed=failed, hours=hours, sizes=len(sizes))]
    tuned = [best for best in found if best.by != "nothing"]
    if tuned:
        how = tuned[0].by
        text = f"At each size the best of {points} points of the grid is taken, {HOW[how]}."
        said.append(message("chosen", text, points=points, by=how))
    return tuple(said)


def checks(
    found: Sequence[Best], runs: Sequence[Run], jobs: Sequence[Job], unusable: Sequence[Run]
) -> tuple[Check, ...]:
    """Verdicts: whether all runs finished, and what the grid and the way of choosing do to the curve."""
    tuned = [best for best in found if best.by != "nothing"]
    verdicts = [_finished(runs, jobs)]
    if unusable:
        text = f"{counted(len(unusable), 'run')} had no error at all, which has no logarithm; left out of the table"
        step = "say how many test cases there are (`n_test`): none wrong then counts as half a case"
        verdicts.append(Check("no-error", REVIEW, message("no-error", text, runs=len(unusable)), step))
    if tuned:
        verdicts.append(_grid_edge(tuned))
    if any(best.by == "itself" for best in tuned):
        text = "the best of the grid is chosen by the error that is reported of it, which is too low on average"
        step = "let the trainer give a test error beside the validation error, or measure several seeds"
        verdicts.append(Check("choice", REVIEW, message("choice", text), step))
    return tuple(verdicts)


def _finished(runs: Sequence[Run], jobs: Sequence[Job]) -> Check:
    failed = [run for run in runs if run.trained is None]
    missing = len(jobs) - len(runs)
    if failed:
        first = next(iter(failed[0].message.splitlines()), "it said nothing")
        text = f"{len(failed)} of {counted(len(jobs), 'run')} failed; {failed[0].job.label}: {first}"
        step = "mend what failed, and give the same command with --retry (retry=True): no other run is made again"
        return Check("runs", FAIL, message("runs", text, failed=len(failed), missing=missing), step)
    if missing:
        text = f"{missing} of {counted(len(jobs), 'run')} are not made yet"
        return Check("runs", REVIEW, message("runs", text, failed=0, missing=missing), "give the same command again")
    return Check("runs", PASS, message("runs", f"all {counted(len(jobs), 'run')} finished", failed=0, missing=0))


def _grid_edge(tuned: Sequence[Best]) -> Check:
    """Whether the best of the grid lies inside it: a best beyond would have a lower error, and another slope."""
    on = [(best, edge) for best in tuned for edge in best.edges]
    if not on:
        return Check("grid-edge", PASS, message("grid-edge", "the best lies inside the grid at every size", sizes=[]))
    said = [f"n = {best.n:,}: {edge}" for best, edge in on]
    shown = "; ".join(said[:RUNS_NAMED]) + (f"; and {len(said) - RUNS_NAMED} more" if len(said) > RUNS_NAMED else "")
    values: dict[str, Any] = {"sizes": [best.n for best, _ in on], "edges": [str(edge) for _, edge in on]}
    sides = sorted({(edge.name, edge.side) for _, edge in on})
    step = "add " + listed([f"a {'smaller' if side == 'smallest' else 'larger'} {name}" for name, side in sides])
    step += (
        " to the grid: only the new runs are made. Errors at an edge may be too high, and the curve too flat or too "
    )
    step += "steep for it"
    text = f"the best lies on the grid's edge at {counted(len({best.n for best, _ in on}), 'size')} ({shown})"
    return Check("grid-edge", REVIEW, message("grid-edge", text, **values), step)


def planned(sizes: Sequence[int], seeds: int, points: int, left: int, hours: float, count: int) -> Message:
    """What is to be run, and how long that is expected to take."""
    what = f"{counted(len(sizes), 'size')} with {counted(seeds, 'seed')} and {counted(points, 'point')} of the grid"
    if not left:
        return message("planned", f"{what}: all runs are made.", left=0, hours=0.0)
    text = f"{what}: {counted(left, 'run')} to make."
    if hours == hours:
        side = f", {count} side by side" if count > 1 else ""
        text += f" They are expected to take about {duration(3600.0 * hours)}{side}, by the times of the runs so far."
    else:
        text += " No run was timed yet: measure the smallest sizes, then ask again."
    return message("planned", text, left=left, hours=hours)


def described(best: Best) -> tuple[str, str, str]:
    """The point of the grid, the steps around it and its edges, in words."""
    steps = ", ".join(f"{name} x{ratio:.3g}" for name, ratio in (best.steps or {}).items())
    return named(best.point), steps, ", ".join(f"{edge.side} {edge.name}" for edge in best.edges)
