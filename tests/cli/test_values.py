"""Values of options: sizes as people and charts write them."""

from __future__ import annotations

import pytest

from forecaster.cli import values
from forecaster.errors import RequestError


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("100k,1.5M", [1e5, 1.5e6]),
        ("2B", [2e9]),
        ("3 T", [3e12]),
        ("1e6, 12000", [1e6, 12_000.0]),
        ("75.3 b", [75.3e9]),
        (None, []),
    ],
)
def test_sizes_may_have_a_letter(text, found):
    assert values.sizes(text) == found


@pytest.mark.parametrize("text", ["", "k", "1kk", "-1k", "nan", "inf", "1e400", "0", "1,,2", "1.000", "1q"])
def test_other_texts_are_no_sizes(text):
    with pytest.raises(RequestError, match=r"--at: found .*; expected sizes above 0, such as 1e6,1e7 or 100k,1\.5M"):
        values.sizes(text)


def test_errors_have_no_letters():
    with pytest.raises(RequestError, match="'5k'"):
        values.numbers("0.1,5k", "--target", "errors above 0")
    assert values.size("12k", "--limit") == 12_000
    assert values.size(None, "--limit") is None
