"""How an export was read, in sentences."""

from __future__ import annotations

from forecaster._support.frames import Table
from forecaster.curves.importers.choosing import Chosen
from forecaster.curves.importers.formats import FoundRuns
from forecaster.curves.importers.points import RUN
from forecaster.curves.importers.request import Request
from forecaster.curves.importers.take import Optimism, in_words
from forecaster.curves.learning_curves import KEYS
from forecaster.results.wording import counted


def text_of(request: Request, found: FoundRuns, chosen: Chosen, table: Table, cost: Optimism | None) -> str:
    counts = len(set(table[RUN]))
    passed = f", beside {counted(found.passed, 'other file')}" if found.passed else ""
    curves = len(table[KEYS].drop_duplicates())
    said = [
        f"{counted(len(table), 'measurement')} of {counted(curves, 'curve')}, from {counts} of "
        f"{len(found.export.names)} runs in {found.format.title}{passed}."
    ]
    if chosen.dropped:
        said.append(f"Left out: {', '.join(f'{count} {reason}' for reason, count in chosen.dropped.items())}.")
    elif request.keep_unfinished:
        said.append("Unfinished runs count, too (--keep-unfinished).")
    said.append(_counts(request, found, cost))
    served = [f"{ours} is {theirs!r}" for ours, theirs in chosen.columns.items()]
    served += [f"{ours} is {value!r} for all rows" for ours, value in request.how.constants.items()]
    turned = f" The error is {chosen.how.turned}." if chosen.how.turned is not None else ""
    return "\n".join([*said, f"Read so: {'; '.join(served)}.{turned}", "The same in full:", f"  {request.command()}"])


def _counts(request: Request, found: FoundRuns, cost: Optimism | None) -> str:
    """Which point of a run counts, in a sentence."""
    take = request.taken
    if found.format.single:
        return "Each run has one value, its last as the tracker keeps it."
    if take.how == "every":
        return "Every point of a run counts."
    if take.how == "step":
        return f"Each run counts with its point at step {take.step:g}."
    if take.how == "last":
        return "Each run counts with its last point."
    if take.column is not None:
        return f"Each run counts with the point that is best by {take.column!r}."
    late = "it is chosen after the fact, so that it is too low; too few points say by how much"
    return f"Each run counts with its best point. Beware: {in_words(cost) if cost else late}."
