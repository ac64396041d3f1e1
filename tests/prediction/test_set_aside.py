"""Curves that cannot be forecast: rows without numbers, no share in any chance, all others untouched."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from helpers.synthetic import GROUP, SIZES, posterior, values

from forecaster.checks.check import check
from forecaster.cli.choosing import Choice
from forecaster.comparison.compare import compare
from forecaster.curves.reading.read import read_curves
from forecaster.errors import CurveContentError
from forecaster.inference import datatree
from forecaster.inference.fit import fit, forecastable
from forecaster.inference.storage import load_posterior
from forecaster.prediction.forecast import forecast
from forecaster.prediction.options import options_table
from forecaster.prediction.requirement import requirement

AHEAD = 10.0 * SIZES[-1]


def table(name, errors):
    return pd.DataFrame({"domain": GROUP[0], "task": GROUP[1], "architecture": name, "n": SIZES, "error": errors})


RISING = table("rising", [0.30, 0.28, 0.40, 0.60, 0.95])


@pytest.fixture(scope="module")
def whole():
    return posterior({"steep": values(exponent=0.4), "flat": values(exponent=0.2, level=-1.9)})


@pytest.fixture(scope="module")
def measured(whole):
    return read_curves(pd.concat([whole.curves.table, RISING], ignore_index=True))


@pytest.fixture(scope="module")
def held(whole, measured):
    return replace(whole, set_aside=measured.select(architecture="rising"))


def test_a_fit_parts_the_curves(measured):
    kept, aside = forecastable(measured)
    assert [c.architecture for c in kept.curves] == ["flat", "steep"]
    assert [c.architecture for c in aside.curves] == ["rising"]
    with pytest.raises(CurveContentError, match="FAIL"):
        fit(measured.select(architecture="rising"))


def test_others_forecast_as_without_it(whole, held):
    alone, beside = (forecast(one, [AHEAD]).table for one in (whole, held))
    numbers = ["yhat", "yhat_lower", "yhat_upper"]
    pd.testing.assert_frame_equal(alone[numbers], beside[beside["architecture"] != "rising"][numbers])


def test_its_row_says_what_was_measured_last(held):
    found = forecast(held, [AHEAD, 2 * AHEAD])
    own = found.table[found.table["architecture"] == "rising"]
    assert own[["yhat", "yhat_lower", "yhat_upper"]].isna().all(axis=None)
    assert own["note"].str.contains("0.95").all()
    assert np.isnan(found.errors(own.index.to_numpy())).all()
    need = requirement(held, 0.05)
    assert need.table.set_index("architecture").loc["rising", "q50":"p_never"].isna().all()
    assert need.leading(1)["architecture"].tolist()[-1] == "rising"


def test_asked_about_alone(held):
    assert forecast(held, [AHEAD], curves=["rising"]).table["yhat"].isna().all()
    assert requirement(held, 0.05, curves=["rising"]).table["q50"].isna().all()
    (key,) = Choice(architecture=("rising",)).keys(held)
    assert key.architecture == "rising"


def test_it_is_never_likely_best(whole, held):
    options = options_table(forecast(held, [AHEAD]))
    assert options.set_index("architecture")["p_best"].to_dict() == pytest.approx(
        options_table(forecast(whole, [AHEAD])).set_index("architecture")["p_best"].to_dict() | {"rising": 0.0}
    )
    best = compare(held, at=[AHEAD]).best.set_index("architecture")
    assert best.loc["rising", "p_best"] == 0.0
    assert best["p_best"].sum() == pytest.approx(1.0)


def test_it_fails_for_itself(held):
    (failed,) = check(held).failures
    assert failed.curves == ("/".join((*GROUP, "rising")),)
    assert "0.95" in failed.text


def test_it_is_kept_on_disk(held, whole, tmp_path):
    parts = {f"/{name}": node.to_dataset() for name, node in whole.tree.children.items()}
    tree = xr.DataTree.from_dict(parts | datatree.measurements(whole.curves, held.set_aside))
    tree.attrs = dict(whole.tree.attrs)
    path = replace(held, tree=tree).save(tmp_path / "held.nc")
    found = load_posterior(path)
    assert found.set_aside is not None
    assert found.set_aside.data_hash == held.set_aside.data_hash
    assert found.only(GROUP).set_aside is not None
