"""Forecasts: of the curves asked about."""

from __future__ import annotations

import pandas as pd
import pytest
from helpers.synthetic import posterior, values

from forecaster.errors import RequestError
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.forecast import forecast

SD = {"level": 0.05}


def test_curves_asked_about_have_the_numbers_that_they_have_among_all():
    held = posterior({f"vision/{task}/{net}": values(sd=SD, seed=k) for task in "ab" for k, net in enumerate("xy")})
    whole = forecast(held, [1e5, 1e6]).table
    for asked, rows in (
        (["x"], whole["architecture"] == "x"),
        (["vision/b/y"], (whole["task"] == "b") & (whole["architecture"] == "y")),
        ([CurveKey("vision", "a", "x")], (whole["task"] == "a") & (whole["architecture"] == "x")),
    ):
        found = forecast(held, [1e5, 1e6], curves=asked).table
        pd.testing.assert_frame_equal(found, whole[rows].reset_index(drop=True))
    with pytest.raises(RequestError, match="no curve 'z'"):
        forecast(held, [1e5], curves=["z"])
