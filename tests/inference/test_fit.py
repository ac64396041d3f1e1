"""What a fit is asked with: refused where it cannot be used, as the command line does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.tables import frame
from helpers.unchecked import unchecked

from forecaster.curves.reading.read import read_curves
from forecaster.errors import RequestError
from forecaster.inference.fit import fit


@pytest.mark.parametrize("given", ["clean.csv", Path("clean.csv"), frame()], ids=["name", "path", "table"])
def test_curves_that_were_not_read_are_refused(given: Any):
    with pytest.raises(RequestError, match=r"expected learning curves that were read.*read_curves first") as refused:
        unchecked(fit)(given)
    assert ("'clean.csv'" if not hasattr(given, "columns") else "a DataFrame") in str(refused.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"seed": -1}, "seed: found -1; expected a whole number of 0 or more"),
        ({"draws": 10}, "draws: found 10; expected 100 or more"),
        ({"engine": "mcmc"}, "engine: found 'mcmc'; expected one of jax, nuts"),
    ],
)
def test_settings_out_of_range_are_refused(options: dict[str, Any], said: str):
    with pytest.raises(RequestError, match=said):
        fit(read_curves(frame()), **options)
