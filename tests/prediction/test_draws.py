"""Draws behind a table: named, in the order of the posterior's chains, and the table is their summary."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from helpers import synthetic

from forecaster.prediction.forecast import forecast
from forecaster.prediction.requirement import requirement


@pytest.fixture(scope="module")
def held():
    sd = {"level": 0.05, "log_exponent": 0.1}
    return synthetic.posterior({name: synthetic.values(sd=sd, seed=i) for i, name in enumerate(("cnn", "mlp"))})


def test_draws_of_a_forecast_are_labelled(held, tmp_path):
    found = forecast(held, [2e5, 1e6])
    assert found.draws.dims == ("chain", "draw", "point")
    assert set(found.draws.coords) == {"chain", "draw", "domain", "task", "architecture", "n", "kind"}
    for name in ("domain", "task", "architecture", "n", "kind"):
        assert found.draws[name].values.tolist() == found.table[name].tolist()
    low, middle, high = found.draws.quantile([0.1, 0.5, 0.9], dim=("chain", "draw")).values
    np.testing.assert_allclose(np.stack([low, middle, high], 1), found.table[["yhat_lower", "yhat", "yhat_upper"]])
    found.save_draws(tmp_path / "draws.nc")
    with xr.open_dataset(tmp_path / "draws.nc", engine="h5netcdf") as read:
        xr.testing.assert_identical(read["error"].load(), found.draws)


def test_draws_of_a_requirement_are_labelled(held):
    found = requirement(held, [0.1, 0.12])
    assert found.draws is not None
    assert found.draws.dims == ("chain", "draw", "point")
    assert set(found.draws.coords) == {"chain", "draw", "domain", "task", "architecture", "target", "kind"}
    for name in ("domain", "task", "architecture", "target", "kind"):
        assert found.draws[name].values.tolist() == found.table[name].tolist()
    np.testing.assert_allclose(found.draws.median(("chain", "draw")), found.table["q50"], rtol=0.01)


def test_draws_stand_where_those_of_the_parameters_do(held):
    """Draw by draw, a curve without drift is its own law: high levels go with high errors at the reference size."""
    errors = forecast(held, [1e5]).draws
    for point, name in enumerate(errors["architecture"].values):
        level = held.tree["posterior"]["level"].sel(curve=f"vision/top-1/{name}")
        assert np.corrcoef(level.values.ravel(), np.log(errors.isel(point=point).values.ravel()))[0, 1] > 0.9
