"""Names that fit: no wider than asked, never alike, and as they are where they fit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from forecaster.results.short_names import shortened, width

BERT = "bert-base-uncased-finetuned-lr{}e-5-warmup-500-batch{}"
LETTERS = st.text(st.sampled_from("ab-模~2…"), max_size=30)


@given(st.lists(LETTERS, max_size=8), st.integers(8, 20))
def test_shortened_names_fit_and_are_told_apart(names, most):
    found = shortened(names, most)
    assert set(found) == set(names)
    assert len(set(found.values())) == len(found)
    assert all(width(text) <= most for text in found.values())
    assert all(found[name] == name for name in names if width(name) <= most)


def test_beginning_and_end_are_kept():
    assert shortened([BERT.format(3, 32), "cnn"], 24) == {
        BERT.format(3, 32): "bert-base-un…500-batch32",
        "cnn": "cnn",
    }


def test_names_that_differ_in_the_middle_show_where():
    found = shortened([BERT.format(3, 32), BERT.format(1, 32)], 30)
    assert ["lr3e" in found[BERT.format(3, 32)], "lr1e" in found[BERT.format(1, 32)]] == [True, True]
    assert all(text.startswith("bert-base") and text.endswith("batch32") for text in found.values())


def test_names_that_differ_in_more_than_fits_are_numbered():
    found = shortened(["a" * 20 + x + "b" * 30 + y + "c" * 20 for x in "xy" for y in "xy"], 12)
    assert sum("~" in text for text in found.values()) == 2


def test_widths_are_those_of_a_terminal():
    for text in ("größe-模型", "emoji 🚀", "e\u0301", "plain"):
        assert width(text) == cell_len(text)
