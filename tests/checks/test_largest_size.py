"""A measurement at the largest size that no fit without it expects is named, whatever the fit with it makes of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecaster.checks.check import check
from forecaster.checks.largest_size import ID
from forecaster.curves.reading.read import read_curves
from forecaster.inference.fit import fit
from forecaster.results.check import PASS, REVIEW

SIZES = np.array([100, 200, 400, 800, 1600, 3200])


def fitted(last):
    """Two curves that fall smoothly; the last error of the first is ``last`` times what it should be."""
    rng = np.random.default_rng(2)
    rows = []
    for name, exponent in (("a", 0.3), ("b", 0.28)):
        error = 0.4 * (SIZES / SIZES[0]) ** -exponent * np.exp(0.01 * rng.standard_normal(len(SIZES)))
        error[-1] *= last if name == "a" else 1.0
        rows += [("d", name, n, e) for n, e in zip(SIZES, error, strict=True)]
    table = pd.DataFrame(rows, columns=["domain", "architecture", "n", "error"])
    return fit(read_curves(table), card="generic-error-rate", draws=250, fallback=False)


@pytest.mark.parametrize(("last", "verdict"), [(1.0, PASS), (1.6, REVIEW)])
def test_the_largest_size_against_a_fit_without_it(last, verdict):
    held = fitted(last)
    found = {c.id: c for c in check(held, refit=True).checks}
    assert found[ID].verdict == verdict
    assert found[ID].curve == ("d/all/a" if verdict == REVIEW else None)
    assert ID not in {c.id for c in check(held).checks}
