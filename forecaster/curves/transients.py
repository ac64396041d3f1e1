"""Early transients: the first points of a training log, which fall far faster than the law that follows.

While a network leaves its random start, its error falls by a law of its own. Of such a log (many sizes, spaced
about equally) the first points that fall faster than any learning curve do, and several times faster than
what follows them, are no part of the curve.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from forecaster.curves.how_read import HowRead
from forecaster.curves.learning_curves import KEYS, Note
from forecaster.curves.repeats import means_by_size
from forecaster.errors import CurveFileError

FEWEST_SIZES = 20  # sizes of a log
GROWTH = 0.5  # exponent of steps against sizes: 0 of a log (every so many steps), 1 of sizes in geometric steps
STEEPEST = 1.0  # exponent beyond which no learning curve is known to fall (error falls faster than 1 / n)
FASTER = 4.0  # times the exponent of all that follows
MOST_TRANSIENT = 0.25  # share of a log's sizes that may be transient


def transient_end(n: Float[np.ndarray, " measurement"], error: Float[np.ndarray, " measurement"]) -> float:
    """The size at which the curve begins after an early transient; the smallest of what is not the log of one run.

    ``n`` ascending. Sizes are dropped one by one as long as mean error falls from the first to the second faster than
    1 / n, and with more than four times the exponent of all that follows.
    """
    found = means_by_size(n, np.log(error))
    x, y = found.x, found.y
    if len(x) < FEWEST_SIZES or np.polyfit(x[1:], np.log(np.diff(np.exp(x))), 1)[0] > GROWTH:
        return float(n[0])
    first = 0
    while first < MOST_TRANSIENT * len(x):
        slope = (y[first + 1] - y[first]) / (x[first + 1] - x[first])
        rest = np.polyfit(x[first + 1 :], y[first + 1 :], 1)[0]
        if slope >= -STEEPEST or slope >= FASTER * min(rest, 0.0):
            break
        first += 1
    return float(n[found.which == first][0])


def without_start(name: str, table: pd.DataFrame, how: HowRead) -> tuple[pd.DataFrame, list[Note]]:
    """The rows from ``how.n_min`` on, without early transients of logs; and notes on what was left out.

    CurveFileError where nothing is left.
    """
    found: list[Note] = []
    rows: Any = table
    if how.n_min is not None:
        rows = rows[rows["n"] >= how.n_min]
        if rows.empty:
            largest = table["n"].max()
            raise CurveFileError(f"{name}: found no size from {how.n_min:g} on (--n-min); the largest is {largest:g}.")
        if left := len(table) - len(rows):
            found.append(Note("n-min", f"{name}: {left} rows of sizes below {how.n_min:g} were left out (--n-min)"))
    if how.as_they_are:
        return rows.reset_index(drop=True), found
    begins = rows["n"].to_numpy(copy=True)
    for key, at in rows.reset_index(drop=True).groupby(KEYS, sort=False).indices.items():
        own = rows.iloc[at]
        begins[at] = start = transient_end(own["n"].to_numpy(), own["error"].to_numpy())
        if left := int((own["n"] < start).sum()):
            label = "/".join(map(str, key))
            said = f"{left} rows below {start:g} were left out as an early transient (--as-they-are keeps them)"
            found.append(Note("transient", f"{label}: {said}", label))
    return rows[rows["n"].to_numpy() >= begins].reset_index(drop=True), found
