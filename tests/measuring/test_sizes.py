"""Sizes as they are asked for, against NumPy's own ranges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.errors import OptionError
from forecaster.measuring.sizes import sizes_of

QUICK = settings(max_examples=200, deadline=None, derandomize=True)


@QUICK
@given(start=st.integers(1, 10_000), stop=st.integers(1, 10_000_000), ratio=st.sampled_from([1.1, 1.5, 2.0, 3.0, 10.0]))
def test_a_range_that_multiplies(start, stop, ratio):
    text = f"{start}:{stop}:x{ratio}"
    if stop < start:
        with pytest.raises(OptionError, match="rises"):
            sizes_of(text)
        return
    found = sizes_of(text)
    exact = start * ratio ** np.arange(len(found) + 40)
    wanted = np.unique(np.round(exact[exact <= stop * (1 + 1e-12)]).astype(int))
    assert found[0] == start
    assert sorted(set(found)) == list(found)
    if ratio * wanted[-1] < 0.999 * stop or ratio * wanted[-1] > 1.001 * stop:  # not on the very edge of rounding
        assert list(found) == wanted.tolist()


@QUICK
@given(start=st.integers(1, 10_000), count=st.integers(0, 50), step=st.integers(1, 5_000), more=st.floats(0, 0.99))
def test_a_range_that_adds(start, count, step, more):
    stop = start + count * step + int(more * step)
    assert list(sizes_of(f"{start}:{stop}:+{step}")) == list(range(start, stop + 1, step))


@QUICK
@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=20))
def test_a_list_is_in_order_and_each_once(sizes):
    assert sizes_of(",".join(map(str, sizes))) == sizes_of(sizes) == tuple(sorted(set(sizes)))


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("1000:64000:x2", (1000, 2000, 4000, 8000, 16_000, 32_000, 64_000)),
        ("1k:4k:x2,1.5M", (1000, 2000, 4000, 1_500_000)),
        ("1:1e3:x10", (1, 10, 100, 1000)),
        ("5:7:x2", (5,)),
    ],
)
def test_sizes_as_people_write_them(text, sizes):
    assert sizes_of(text) == sizes


@pytest.mark.parametrize(
    "text",
    ["", "0", "-5", "many", "1:2", "1:10:2", "1:10:x1", "1:10:x0.5", "1:10:+0", "10:1:x2", "1:9:x1.0000001", "1:2:3:x2",
     "10 %", "1,,2", "nan", "1:inf:x2"],
)  # fmt: skip
def test_what_is_no_size_is_refused(text):
    with pytest.raises(OptionError, match="found"):
        sizes_of(text)


@pytest.mark.parametrize("sizes", [[], [0], [float("nan")], [float("inf")]])
def test_numbers_that_are_no_sizes_are_refused(sizes):
    with pytest.raises(OptionError, match="found"):
        sizes_of(sizes)
