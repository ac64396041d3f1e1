"""Errors and sizes are called what the table calls them, and only else what the card does."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from forecaster.curves.reading.read import read_curves
from forecaster.domains.loading import load_card
from forecaster.errors import CurveMisreadError
from forecaster.inference.fit import cards_of, cards_of_well_read
from forecaster.inference.posterior import Posterior
from forecaster.inference.units import error_named, units_of

ROWS = {"n": [10, 100, 1000], "error": [0.5, 0.3, 0.2]}


def posterior(domain: str, n: str, error: str, times: float = 1.0, **options: Any) -> Posterior:
    """A posterior without draws: units need none."""
    table = pd.DataFrame({n: ROWS["n"], error: [times * e for e in ROWS["error"]]})
    names = {"domain": domain, "architecture": "net"}
    curves = read_curves(table, columns={"n": n, "error": error}, constants=names, **options)
    return Posterior(SimpleNamespace(attrs={}), curves, cards_of(curves))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("domain", "n", "error", "options", "card", "size", "said"),
    [
        ("speech", "hours", "test_WER", {}, "speech-recognition", "hours", "a word error rate of 20 %"),
        ("speech", "hours", "test_WER", {"times": 100, "percent": True}, None, "hours", "a word error rate of 20 %"),
        ("tabular", "train_rows", "log_loss", {}, "generic-loss", "rows", "a log loss of 0.2"),
        ("tabular", "n", "error", {}, "tabular-classification", "rows", "an error rate of 20 %"),
        (
            "atoms",
            "frames",
            "energy MAE (meV/atom)",
            {},
            "generic-loss",
            "frames",
            "a mean absolute error of energy of 0.2 meV/atom",
        ),
        ("inspection", "n_images", "f1", {"score": "f1"}, "generic-error-rate", "images", "an error (1 - F1) of 0.8"),
        ("elsewhere", "documents in training", "error", {}, "generic", "documents", "an error of 0.2"),
    ],
)
def test_a_sentence_has_the_tables_metric_and_units(domain, n, error, options, card, size, said):
    found = posterior(domain, n, error, **options)
    (group,) = found.groups
    units = units_of(found, group)
    assert card in (None, found.cards[group].name)
    assert units.size_name == size
    assert units.phrase(units.error_plain(found.curves.curves[0].error[-1])) == said
    assert error_named(found) in (
        units.error_name,
        f"{units.error_name} ({units.unit})",
        f"error ({units.error_name})",
        "error",
    )


def test_errors_above_one_stop_a_card_of_shares_and_no_other():
    table = pd.DataFrame({"domain": "tabular", "architecture": "net", "n": ROWS["n"], "error": [1.4, 0.9, 0.3]})
    curves = read_curves(table)
    with pytest.raises(CurveMisreadError) as caught:
        cards_of_well_read(curves)
    assert caught.value.rule == "above-one"
    assert cards_of_well_read(curves, "generic")
    assert cards_of_well_read(curves, load_card("word-language-modelling"))
    assert cards_of_well_read(read_curves(table, as_they_are=True))
    assert cards_of_well_read(read_curves(table.assign(domain="speech")))  # more words may be put in than there are
    assert cards_of_well_read(read_curves(table.assign(metric="log loss")))
