"""Hold out the largest sizes of each curve."""

from __future__ import annotations

from typing import Any

import numpy as np

from forecaster.curves.learning_curves import KEYS, Curve, LearningCurves, Note
from forecaster.errors import RequestError

FEWEST_SIZES = 3  # fitted sizes that a curve needs to be scored


def hide(curves: LearningCurves, split: str | float) -> tuple[LearningCurves, LearningCurves, tuple[Note, ...]]:
    """The fitted curves, the hidden rows, and notes on what is left out."""
    table: Any = curves.table
    if isinstance(split, str):
        if split != "column":
            raise RequestError(f"split: found {split!r}; expected 'column', or decades to hide such as 0.5 or 1.0")
        if "split" not in table or not table["split"].eq("extrapolate").any():
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
        LearningCurves(table[inside & rows].reset_index(drop=True), (), curves.source) for rows in (~out, out)
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
    """The refusal: the most that may be hidden, or that no curve has sizes enough."""
    sizes = [np.unique(c.n) for c in curves.curves]
    most = max((float(np.log10(n[-1] / n[FEWEST_SIZES - 1])) for n in sizes if len(n) > FEWEST_SIZES), default=0.0)
    step = f"hide fewer decades: at most {np.floor(1000 * most) / 1000:g} leave a curve so many"
    if most == 0.0:
        step = (
            f"a backtest needs {FEWEST_SIZES + 1} sizes of a curve, {FEWEST_SIZES} to fit and one to hide, and the "
            f"most here are {max(map(len, sizes))}: measure more sizes"
        )
    return RequestError(f"{curves.source}: found no curve with {FEWEST_SIZES} fitted sizes and hidden ones; {step}")


def scorable(curve: Curve) -> bool:
    return len(np.unique(curve.n)) >= FEWEST_SIZES
