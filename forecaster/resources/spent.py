"""What runs took, by curve: the columns ``params``, ``compute``, ``gpu_hours`` and ``seconds`` against size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from forecaster._support.frames import Table
from forecaster._support.streams import stream
from forecaster.curves.best_models import of_best_models, one_model
from forecaster.curves.learning_curves import Group
from forecaster.domains.domain import Prior
from forecaster.domains.loading import load_card
from forecaster.inference.posterior import Posterior
from forecaster.prediction.curve_keys import CurveKey
from forecaster.resources.regression import Drawn, Line, Observations, lines

PRIORS = {"params": "params", "compute": "compute", "gpu_hours": "hours", "seconds": "hours"}
QUANTITIES: Mapping[str, str] = {
    "params": "parameters of the best model",
    "compute": "training compute (FLOPs)",
    "gpu_hours": "accelerator hours of one training",
    "seconds": "seconds of one training",
}
FEWEST_SIZES = 2  # sizes of a line


@dataclass(frozen=True, eq=False)
class Growth:
    """Lines of one quantity in a group, by architecture, and the centre of their slopes."""

    quantity: str
    prior: Prior
    lines: Mapping[str, Line]
    measured: Mapping[str, Observations]
    centre: Drawn


def growth_of(posterior: Posterior, group: Group, seed: int = 0) -> Mapping[str, Growth]:
    """How what runs take grows with the data, by quantity: those that the table has for two sizes of a curve or more.

    Model size only where curves are of best models: of one model all along it does not grow. One draw for each
    posterior draw, so that a requirement's draws carry over.
    """
    kept = _KEPT.setdefault(posterior, {})
    if (group, seed) not in kept:
        kept[group, seed] = _grown(posterior, group, seed)
    return kept[group, seed]


_KEPT: WeakKeyDictionary[Posterior, dict[tuple[Group, int], Mapping[str, Growth]]] = WeakKeyDictionary()


def line_of(posterior: Posterior, key: CurveKey, quantity: str, seed: int = 0) -> Line | None:
    """The line of one curve; None where the table does not have the quantity for it."""
    found = growth_of(posterior, key.group, seed).get(quantity)
    return None if found is None else found.lines.get(key.architecture)


def _grown(posterior: Posterior, group: Group, seed: int) -> Mapping[str, Growth]:
    table: Table = posterior.curves.table
    own = table[(table["domain"] == group[0]) & (table["task"] == group[1])]
    found = {}
    for quantity in (q for q in QUANTITIES if q in own):
        measured = {
            str(name): one
            for name, rows in own.groupby("architecture", sort=False)
            if (one := measured_of(rows, quantity)) is not None
        }
        if measured:
            prior = prior_of(posterior, group, quantity)
            rng = stream("/".join((*group, quantity)), seed)
            drawn, centre = lines(list(measured.values()), prior.location, prior.scale, posterior.draws, rng)
            found[quantity] = Growth(quantity, prior, dict(zip(measured, drawn, strict=True)), measured, centre)
    return found


def prior_of(posterior: Posterior, group: Group, quantity: str) -> Prior:
    """The prior of the exponent: the card's, or that of any field where a card has none."""
    own = posterior.cards[group].growth
    name = PRIORS[quantity]
    return own[name] if name in own else load_card("generic").growth[name]


def measured_of(rows: Table, quantity: str) -> Observations | None:
    """Means of log values by size of one curve; None where there are too few sizes, or nothing that grows."""
    told = rows[rows[quantity].notna() & (rows[quantity] > 0)]
    if told["n"].nunique() < FEWEST_SIZES:
        return None
    if quantity == "params" and (not of_best_models(told) or one_model(told["params"])):
        return None
    logs = np.log(told[quantity].astype(float)).groupby(told["n"].to_numpy()).mean()
    x, y = np.log(np.asarray(logs.index, dtype=float)), logs.to_numpy(dtype=float)
    return Observations(x, y, grid_variance(y) if quantity == "params" else 0.0)


def grid_variance(log_params: np.ndarray) -> float:
    """Variance of the best size of a grid around that of all sizes: uniform over a step, the median of those seen."""
    steps = np.diff(np.unique(log_params.round(9)))
    return float(np.median(steps)) ** 2 / 12.0 if len(steps) else 0.0
