"""The units in which a group's errors are told: of its card, and of the metric that the table names."""

from __future__ import annotations

import pytest
from helpers.synthetic import GROUP, posterior, values

from forecaster.curves.reading.read import read_curves
from forecaster.inference.posterior import Posterior
from forecaster.inference.units import units_of
from forecaster.results.wording import Units


def measured_by(metric: str | None, *, card: str = "generic", error: list[float] | None = None) -> Posterior:
    """A posterior of one group, whose table names this metric."""
    found = posterior({"cnn": values()}, card=card, error=None if error is None else {"cnn": error})
    table = found.curves.table if metric is None else found.curves.table.assign(metric=metric)
    return Posterior(found.tree, read_curves(table, as_they_are=True), found.cards)


@pytest.mark.parametrize(
    ("metric", "card", "error_name", "percent"),
    [
        ("top-1 error", "image-classification-top1", "top-1 error", True),
        ("1 - accuracy", "image-classification-top1", "error rate", True),
        ("cross-entropy", "word-language-modelling", "cross-entropy", False),
    ],
)
def test_the_metric_names_the_error(metric, card, error_name, percent):
    found = units_of(measured_by(metric, card=card), GROUP)
    assert (found.error_name, found.percent) == (error_name, percent)


@pytest.mark.parametrize("card", ["image-classification-top1", "word-language-modelling"])
def test_the_card_names_sizes_and_where_no_metric_is_named_errors_too(card):
    found = measured_by(None, card=card)
    own = found.cards[GROUP]
    assert units_of(found, GROUP) == Units(own.size_unit, own.error_unit.split(",")[0], "share" in own.error_unit)


def test_errors_above_one_are_no_shares():
    assert units_of(measured_by(None, card="image-classification-top1"), GROUP).percent
    above = measured_by(None, card="image-classification-top1", error=[1.2, 0.9, 0.7, 0.6, 0.5])
    assert not units_of(above, GROUP).percent
