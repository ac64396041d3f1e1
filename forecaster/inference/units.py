"""The units of a group's sizes and errors."""

from __future__ import annotations

from forecaster.curves.learning_curves import Group
from forecaster.inference.posterior import Posterior
from forecaster.results.wording import Units


def units_of(posterior: Posterior, group: Group) -> Units:
    """Units from the group's card and, where the table names it, its metric.

    Percent where errors are shares (:meth:`~forecaster.posterior.Posterior.of_shares`).
    """
    card = posterior.cards[group]
    name = next(iter(posterior.curves.metrics[group]), card.error_unit.split(",")[0].strip())
    return Units(card.size_unit, "error" if name.startswith("1 - ") else name, group in posterior.of_shares)
