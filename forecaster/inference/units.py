"""The units of a group's sizes and errors."""

from __future__ import annotations

from forecaster.curves.learning_curves import Group
from forecaster.curves.metrics import metric_of, size_unit_of_reading
from forecaster.inference.posterior import Posterior
from forecaster.results.wording import Units


def units_of(posterior: Posterior, group: Group) -> Units:
    """Units as the table names them: by its metric, by the names of its columns; else those of the group's card.

    Percent where errors are shares (:meth:`~forecaster.posterior.Posterior.of_shares`), or were given in per cent.
    """
    card, reading = posterior.cards[group], posterior.curves.reading
    metric = metric_of(next(iter(posterior.curves.metrics[group]), card.error_unit.split(",")[0]))
    percent = group in posterior.of_shares or reading.percent
    unit = "" if percent else metric.unit
    return Units(size_unit_of_reading(reading) or card.size_unit, metric.phrase, percent, unit)


def error_named(posterior: Posterior) -> str:
    """What all errors are, with their unit: ``word error rate``; ``error`` where the table names none, or several."""
    named = {of for group in posterior.groups for of in posterior.curves.metrics[group] or ("error",)}
    if len(named) > 1:
        return "error"
    metric = metric_of(named.pop())
    return f"error ({metric})" if metric.kind == "complement" else str(metric)


def no_shares(posterior: Posterior, group: Group) -> bool:
    """Whether a group's errors are known to be no shares of cases: one is above 1, or a metric says so."""
    above = max(float(data.curve.error.max()) for data in posterior.designs[group].curves) > 1.0
    return group not in posterior.of_shares and (above or bool(posterior.curves.metrics.get(group)))
