"""Hold out the largest sizes of each curve."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from forecaster.curves.learning_curves import KEYS, Curve, LearningCurves, Note
from forecaster.errors import RequestError

FEWEST_SIZES = 3  # fitted sizes that a curve needs to be scored
USUAL = 0.5  # decades hidden by default
Split = str | float | None


def usual_split(curves: LearningCurves) -> str | float:
    """What is hidden by default: marked rows, or the last half of a decade.

    Less, where more than half of the curves that could be scored would not keep three sizes.
    """
    if _marked(curves.table):
        return "column"
    most = [m for c in curves.curves if (m := _most(c)) > 0.0]
    room = float(np.quantile(most, 0.5, method="lower")) if most else USUAL
    return min(USUAL, np.floor(1000.0 * room) / 1000.0 or room)


def in_words(split: str | float) -> str:
    """A sentence on the hidden sizes."""
    if isinstance(split, str):
        return "Hidden were the rows whose split is extrapolate."
    return f"Hidden were the sizes above {10.0**-split:.2g} times the largest of each curve ({split:g} decades)."


def hide(curves: LearningCurves, split: Split = None) -> tuple[LearningCurves, LearningCurves, tuple[Note, ...]]:
    """The fitted curves, the hidden rows, and notes on what is left out; ``split`` as :func:`usual_split` by default.

    ``column`` hides rows whose ``split`` is ``extrapolate``, a number the sizes within so many decades of the largest.
    """
    table: Any = curves.table
    split = usual_split(curves) if split is None else split
    if isinstance(split, str):
        if split != "column":
            raise RequestError(f"split: found {split!r}; expected 'column', or decades to hide such as 0.5 or 1.0")
        if not _marked(table):
            raise RequestError(
                f"{curves.source}: found no column `split` with rows `extrapolate`; "
                "expected one, or give the decades to hide instead: --hide 1.0, or split=1.0 in Python"
            )
        out = table["split"].eq("extrapolate")
    else:
        if not (np.isfinite(split) and split > 0):
            raise RequestError(f"split: found {split:g}; expected decades to hide above 0, such as 0.5 or 1.0")
        out = table["n"] > table.groupby(KEYS)["n"].transform("max") * 10.0**-split * (1 + 1e-9)
    sizes = table[~out].groupby(KEYS)["n"].nunique()
    most = sizes.groupby(level=["domain", "task"]).max()
    ready = set(most[most >= FEWEST_SIZES].index)
    notes = [
        Note("group-skipped", f"{'/'.join(g)}: left out; no curve has {FEWEST_SIZES} sizes that are not hidden")
        for g in curves.groups
        if g not in ready
    ]
    inside = np.array([key in ready for key in zip(table["domain"], table["task"], strict=True)], dtype=bool)
    if not (inside & out).any():
        raise _nothing_to_score(curves)
    shown, unseen = (
        replace(curves, table=table[inside & rows].reset_index(drop=True), notes=()) for rows in (~out, out)
    )
    enough = {c.label for c in shown.curves if scorable(c)}
    beyond = [c.label in enough for c in unseen.curves]
    if not any(beyond):
        raise _nothing_to_score(curves)
    for c, fine in zip(unseen.curves, beyond, strict=True):
        if not fine:
            text = f"{c.label}: not scored; fewer than {FEWEST_SIZES} of its sizes are not hidden"
            notes.append(Note("curve-not-scored", text, c.label))
    return shown, unseen, tuple(notes)


def _nothing_to_score(curves: LearningCurves) -> RequestError:
    """The refusal: the most that may be hidden, or that no curve has enough sizes."""
    most = max(map(_most, curves.curves), default=0.0)
    step = f"hide fewer decades: at most {np.floor(1000 * most) / 1000:g} leave a curve so many"
    if most == 0.0:
        step = (
            f"a backtest needs {FEWEST_SIZES + 1} sizes of a curve, {FEWEST_SIZES} to fit and one to hide, and the "
            f"most here are {max(len(np.unique(c.n)) for c in curves.curves)}: measure more sizes"
        )
    return RequestError(f"{curves.source}: found no curve with {FEWEST_SIZES} fitted sizes and hidden ones; {step}")


def scorable(curve: Curve) -> bool:
    return len(np.unique(curve.n)) >= FEWEST_SIZES


def _most(curve: Curve) -> float:
    """Decades that may be hidden of a curve so that it keeps three sizes; 0 where it has no fourth."""
    n = np.unique(curve.n)
    return float(np.log10(n[-1] / n[FEWEST_SIZES - 1])) if len(n) > FEWEST_SIZES else 0.0


def _marked(table: Any) -> bool:
    """Whether a column says which rows are to be hidden."""
    return "split" in table and bool(table["split"].eq("extrapolate").any())
