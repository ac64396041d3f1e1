"""points: sizes to forecast, or a table of points, turned into rows of curve and size."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from forecaster._support.frames import Table
from forecaster.cli import console
from forecaster.cli.choosing import Choice
from forecaster.cli.values import SIZES, sizes
from forecaster.errors import RequestError

if TYPE_CHECKING:
    from forecaster.inference.posterior import Posterior
    from forecaster.prediction.curve_keys import CurveKey

POINT_SUFFIXES = (".csv", ".parquet")
ALIKE = 0.8  # from which likeness on two names may be one, misspelt (difflib's ratio)
PLATEAU = "nothing was measured there, and it rests on where the law puts its plateau"
POINTS = f"{SIZES}, or a .csv or .parquet file of points"


def check_points(at: str) -> None:
    """RequestError at once for sizes that are none, or a file of points that is not there."""
    if not at.lower().endswith(POINT_SUFFIXES):
        sizes(at, "--at", POINTS)
    elif not Path(at).is_file():
        raise RequestError(f"--at {at}: found no such file; expected {POINTS}")


def points_of(choice: Choice, posterior: Posterior, at: str) -> Table:
    """The points to forecast: sizes for every curve chosen, or the rows of a file of points."""
    import pandas as pd

    from forecaster.prediction.curve_keys import curve_keys

    if not at.lower().endswith(POINT_SUFFIXES):
        asked = sizes(at, "--at", POINTS)
        rows = [(t.domain, t.task, t.architecture, n) for t in choice.keys(posterior) for n in asked]
        points = pd.DataFrame(rows, columns=["domain", "task", "architecture", "n"])
        _say_below(points, posterior)
        return points
    try:
        points = pd.read_parquet(at) if at.lower().endswith(".parquet") else pd.read_csv(at)
    except Exception as error:
        what = str(error).partition("\n")[0]
        raise RequestError(f"--at {at}: {what}; expected a table with columns domain, task, architecture, n") from None
    for column in ("domain", "task", "architecture"):
        if column in points:
            points[column] = points[column].astype(str)
    _say_unseen(points, curve_keys(posterior))
    _say_below(points, posterior)
    return choice.rows(points) if choice.architecture else points


def _say_unseen(points: Table, measured: Sequence[CurveKey]) -> None:
    """A note on each architecture that was not measured, and which measured one of its task may have been meant."""
    from forecaster.prediction.curve_keys import CurveKey

    if not {"domain", "task", "architecture"} <= set(points.columns):
        return
    rows = points[["domain", "task", "architecture"]].itertuples(index=False, name=None)
    known = set(measured)
    for asked in dict.fromkeys(CurveKey(*row) for row in rows):
        if asked in known:
            continue
        names = {t.architecture.lower(): t.architecture for t in measured if t.group == asked.group}
        close = difflib.get_close_matches(asked.architecture.lower(), names, n=1, cutoff=ALIKE)
        console.say(
            f"Note: {asked.label} has no measurements; forecast as a new architecture of its domain and task."
            + "".join(f" If {names[name]} was meant, correct the name." for name in close)
        )


def _say_below(points: Table, posterior: Posterior) -> None:
    """A note on curves asked about at sizes below the smallest that was measured of them."""
    from forecaster.curves.learning_curves import Note

    if not {"domain", "task", "architecture", "n"} <= set(points.columns):
        return
    smallest = {(c.domain, c.task, c.architecture): float(c.n[0]) for c in posterior.curves.curves}
    notes = [
        Note("below", f"forecast below its smallest measured size, {smallest[key]:g}: {PLATEAU}", "/".join(key))
        for key, own in points.groupby(["domain", "task", "architecture"], sort=False)
        if key in smallest and any(n < smallest[key] for n in sizes_in(own))
    ]
    console.print_notes(notes)


def sizes_in(points: Table) -> list[float]:
    """The different sizes of a table of points, those that are numbers."""
    import pandas as pd

    if "n" not in points:
        return []
    found: Table = pd.to_numeric(points["n"], errors="coerce")
    return sorted(float(n) for n in found.unique() if 0 < n < float("inf"))
