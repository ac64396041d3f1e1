"""Cells as numbers, where faults of a table are looked for."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecaster.curves.misread.fault import numbers_of


def test_a_whole_number_beyond_all_floats_is_infinite():
    found = numbers_of(pd.Series([1, 10**400, "x", None, 2.5], dtype=object)).to_numpy()
    np.testing.assert_array_equal(found, [1.0, np.inf, np.nan, np.nan, 2.5])
