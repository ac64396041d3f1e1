"""The card of a surface: what ships can be used, and what cannot be used is refused by line."""

from __future__ import annotations

import numpy as np
import pytest

from forecaster.domains.shelf import shelf
from forecaster.errors import CardError
from forecaster.surfaces.model.card import PRIORS, load_surface_card, parse

TEXT = (shelf() / "surfaces" / "losses.toml").read_text(encoding="utf-8")


def test_the_shipped_card_lets_the_coupling_be_a_half_or_two():
    card = load_surface_card()
    assert list(card.priors) == list(PRIORS)
    k = card.priors["log_k"]
    low, high = np.exp(k.mean + k.sd * np.array([-1.645, 1.645]))
    assert low < 0.5 < 2.0 < high
    assert all(prior.why and prior.source for prior in card.priors.values())


def test_a_card_of_ones_own_is_read(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(TEXT.replace("value = 1.5", "value = 3.0"), encoding="utf-8")
    assert load_surface_card(path).memory == 3.0


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("[priors.log_a]", "[priors.log_z]", "no prior for log_a"),
        ("sd = 0.7", "sd = -1.0", "sd = -1.0"),
        ('source = "hoffmann2022"', 'source = "nobody"', "nobody"),
        ("value = 1.5", "", "value"),
        ("[memory]", "[remembered]", "no memory"),
        ("mean = 0.0\nsd = 0.5", "mean = 0.0", "sd"),
    ],
)
def test_a_fault_is_named(old, new, found):
    with pytest.raises(CardError, match=found):
        parse(TEXT.replace(old, new, 1), "own.toml")
