"""Early transients: the first points of a training log, which fall far faster than the law that follows.

While a network leaves its random start, its error falls by a law of its own. Of such a log (many sizes, spaced
about equally) the first points that fall faster than any learning curve do, and several times faster than
what follows them, are no part of the curve.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from forecaster.curves.repeats import distinct

FEWEST = 20  # sizes of a log
GROWTH = 0.5  # exponent of steps against sizes: 0 of a log (every so many steps), 1 of sizes in geometric steps
STEEPEST = 1.0  # exponent beyond which no learning curve is known to fall (error falls faster than 1 / n)
FASTER = 4.0  # times the exponent of all that follows
MOST = 0.25  # share of a log's sizes that may be transient


def transient_end(n: Float[np.ndarray, " measurement"], error: Float[np.ndarray, " measurement"]) -> float:
    """The size at which the curve begins after an early transient; the smallest of what is not the log of one run.

    ``n`` ascending. Sizes are dropped one by one as long as mean error falls from the first to the second faster than
    1 / n, and with more than four times the exponent of all that follows.
    """
    found = distinct(n, np.log(error))
    x, y = found.x, found.y
    if len(x) < FEWEST or np.polyfit(x[1:], np.log(np.diff(np.exp(x))), 1)[0] > GROWTH:
        return float(n[0])
    first = 0
    while first < MOST * len(x):
        slope = (y[first + 1] - y[first]) / (x[first + 1] - x[first])
        rest = np.polyfit(x[first + 1 :], y[first + 1 :], 1)[0]
        if slope >= -STEEPEST or slope >= FASTER * min(rest, 0.0):
            break
        first += 1
    return float(n[found.which == first][0])
