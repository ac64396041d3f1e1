"""Take: which of the recorded points of a run counts, and what choosing the best costs in optimism."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from forecaster.errors import OptionError, RequestError

How = Literal["last", "best", "step", "every"]
WANTED = "last, best, best=COLUMN, step=N or every"


@dataclass(frozen=True)
class Take:
    """Which points count: the last, the best (by ``column``, or by the error itself), that of a step, or every one."""

    how: How
    column: str | None = None
    step: float | None = None

    @classmethod
    def of(cls, text: str) -> Take:
        """``last``, ``best``, ``best=val_loss``, ``step=2000`` or ``every``; OptionError if it is none of these."""
        how, sign, value = (part.strip() for part in text.partition("="))
        if how in ("last", "every") and not sign:
            return cls(how)  # pyright: ignore[reportArgumentType]
        if how == "best" and bool(sign) == bool(value):
            return cls("best", column=value or None)
        number = re.fullmatch(r"\d+(\.\d*)?(e\+?\d+)?", value, re.I) if how == "step" else None
        if number is None:
            raise OptionError(f"--take: found {text!r}; expected {WANTED}, such as step=2000")
        return cls("step", step=float(value))


@dataclass(frozen=True)
class Optimism:
    """How much lower the best points of runs lie than others, as shares of the error; medians over runs.

    ``below_last``: than the last points. ``below_neighbours``: than the mean of the points just before and after, which
    is mostly the luck of the choice. ``runs`` is the number of runs with three points or more.
    """

    runs: int
    below_last: float
    below_neighbours: float


def taken(
    take: Take,
    run: Int[np.ndarray, " point"],
    measured: Bool[np.ndarray, " point"],
    chosen_by: Float[np.ndarray, " point"],
    step: Float[np.ndarray, " point"],
) -> Int[np.ndarray, " taken"]:
    """The points that count, in their order, of those that were ``measured``; ``chosen_by`` is lower where better.

    Points of a run stand in their order. Raises RequestError where no run has the step.
    """
    if take.how == "every":
        return np.flatnonzero(measured)
    if take.how == "step":
        found = np.flatnonzero(measured & (step == take.step))
        if not len(found):
            known = np.unique(step[measured & ~np.isnan(step)])
            raise RequestError(
                f"--take step={take.step:g}: found no run with an error at that step; expected one of {_some(known)}"
            )
        return found[_last_of_each(run[found])]
    given = np.flatnonzero(measured)
    if take.how == "last":
        return given[_last_of_each(run[given])]
    given = given[~np.isnan(chosen_by[given])]
    order = np.lexsort((given, chosen_by[given], run[given]))
    first = np.flatnonzero(np.diff(run[given][order], prepend=-1))
    return np.sort(given[order][first])


def _last_of_each(run: Int[np.ndarray, " point"]) -> Int[np.ndarray, " run"]:
    """The place of the last point of each run."""
    order = np.argsort(run, kind="stable")
    last = np.flatnonzero(np.diff(run[order], append=-1))
    return np.sort(order[last])


def _some(steps: Sequence[float] | Float[np.ndarray, " step"]) -> str:
    few = [f"{step:g}" for step in steps]
    return ", ".join(few if len(few) <= 6 else [*few[:3], "...", *few[-2:]])


def optimism(run: Int[np.ndarray, " point"], error: Float[np.ndarray, " point"]) -> Optimism | None:
    """What taking the best point of each run costs; None where no run has three points."""
    last, neighbours = [], []
    given = np.flatnonzero(np.isfinite(error) & (error > 0))
    order = given[np.argsort(run[given], kind="stable")]
    for own in np.split(error[order], np.flatnonzero(np.diff(run[order])) + 1):
        if len(own) < 3:
            continue
        best = int(np.argmin(own))
        around = [own[at] for at in (best - 1, best + 1) if 0 <= at < len(own)]
        last.append(1.0 - own[best] / own[-1])
        neighbours.append(1.0 - own[best] / float(np.mean(around)))
    if not last:
        return None
    return Optimism(len(last), float(np.median(last)), float(np.median(neighbours)))


def in_words(found: Optimism) -> str:
    """What the best point costs, in a sentence."""
    return (
        f"the best point of a run is chosen after the fact, so that it is too low: here it lies {found.below_last:.1%} "
        f"below the last point and {found.below_neighbours:.1%} below the points around it (median of {found.runs})"
    )
