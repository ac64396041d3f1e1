"""A surface's own record: its largest runs hidden, forecast from the others, and looked at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecaster.errors import RequestError
from forecaster.surfaces.compute import Compute
from forecaster.surfaces.fitted import Surface
from forecaster.surfaces.model.design import expect_levels
from forecaster.surfaces.posterior.fitting import fitted_to

HIDDEN_SHARE = 0.1  # of the runs, those of the largest compute
FEWEST_HIDDEN = 3  # hidden runs
INTERVAL = 0.8


@dataclass(frozen=True)
class Record:
    """How forecasts of hidden runs did: how many there were, and lay inside their 80 % intervals.

    ``too_low`` counts forecasts below the outcome, ``too_high`` those above.

    ``off`` is the root mean square of log forecast less log outcome; ``beyond`` how many times the largest compute that
    was shown the largest hidden one took.
    """

    hidden: int
    held_80: int
    too_low: int
    too_high: int
    off: float
    beyond: float


def record_of(surface: Surface) -> Record | None:
    """The record of the tenth of runs with the largest compute; None where the others do not make a surface."""
    design = surface.design.tuned
    spent = Compute.of(surface.design).log_flops(design.x, design.t)
    count = max(int(np.ceil(HIDDEN_SHARE * len(spent))), FEWEST_HIDDEN)
    last = np.argsort(spent, kind="stable")[-count:]
    hidden = np.isin(np.arange(len(spent)), last)
    shown = design.rows(~hidden)
    try:
        expect_levels(shown)
    except RequestError:
        return None
    fitted = fitted_to(shown, seed=surface.seed)
    own = design.rows(hidden)
    drawn = fitted.new_run(np.exp(own.t), np.exp(own.x), np.exp(own.log_unique), seed=surface.seed)
    low, high = np.quantile(drawn, [0.5 - INTERVAL / 2, 0.5 + INTERVAL / 2], axis=0)
    above, below = int((own.y > high).sum()), int((own.y < low).sum())
    off = float(np.sqrt(np.mean((np.median(drawn, 0) - own.y) ** 2)))
    beyond = float(np.exp(spent[hidden].max() - spent[~hidden].max()))
    return Record(count, count - above - below, above, below, off, beyond)
