"""A requirement in other units: each draw of the size needed, carried through lines and prices."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from helpers import synthetic

import forecaster
from forecaster.errors import CostsError

START = date(2027, 1, 4)
COSTS = {"currency": "EUR", "per_item": 0.01, "items_per_week": 1e6, "per_gpu_hour": 2.0, "gpus": 4}


def runs(**more):
    drawn = {"a": synthetic.values(4000, floor_logit=-2.0, sd={"log_exponent": 0.2, "floor_logit": 1.0})}
    posterior = synthetic.posterior(drawn)
    table = posterior.curves.table
    added = {"params": 1e-2 * table["n"] ** 0.7, "gpu_hours": 1e-4 * table["n"], **more}
    return type(posterior)(posterior.tree, forecaster.read_curves(table.assign(**added)), posterior.cards)


def sizes_of(found):
    return np.sort(found.draws.values.ravel())


def test_quantiles_are_those_of_the_size_carried_through_exact_laws():
    found = forecaster.requirement(runs(), 0.1, costs=COSTS, start=START)
    row = found.resources.iloc[0]
    n = float(np.quantile(sizes_of(found), 0.5, method="inverted_cdf"))
    assert row["params_q50"] == pytest.approx(1e-2 * n**0.7, rel=0.03)
    assert row["gpu_hours_q50"] == pytest.approx(1e-4 * n, rel=0.03)
    bought = n - synthetic.SIZES[-1]
    assert row["cost_q50"] == pytest.approx(0.01 * bought + 2.0 * 1e-4 * n, rel=0.03)
    days = (date.fromisoformat(row["date_q50"]) - START).days
    assert days == pytest.approx(7.0 * bought / 1e6 + 1e-4 * n / 4.0 / 24.0, rel=0.03, abs=1.0)


def test_never_is_never_in_every_unit():
    found = forecaster.requirement(runs(), 0.03, costs=COSTS, start=START)
    row = found.resources.iloc[0]
    assert found.table["p_never"].iloc[0] > 0.5
    assert np.isinf(row[["params_q50", "gpu_hours_q50", "cost_q50"]].astype(float)).all()
    assert row["date_q50"] == "never"
    assert row["params_q10"] < np.inf


def test_without_prices_or_runs_there_is_nothing_to_say():
    posterior = synthetic.posterior({"a": synthetic.values()})
    assert len(forecaster.requirement(posterior, 0.1).resources) == 0
    alone = forecaster.requirement(runs(), 0.1).resources
    assert {"params_q50", "gpu_hours_q50"} <= set(alone)
    assert not {"cost_q50", "date_q50"} & set(alone)
    priced = forecaster.requirement(posterior, 0.1, costs={"per_item": 1.0}).resources
    assert "cost_q50" in priced
    with pytest.raises(CostsError):
        forecaster.requirement(posterior, 0.1, costs={"per_itm": 1.0})


def test_decide_takes_the_hours_that_were_measured():
    posterior = runs()
    found = forecaster.decide(posterior, COSTS, [1e6], target=0.1, penalty=1e6)
    row = found.table[found.table["n"] == 1e6].iloc[0]
    assert row["cost_training"] == pytest.approx(2.0 * 1e-4 * 1e6, rel=0.02)
    said = forecaster.decide(posterior, COSTS | {"gpu_hours": 5.0}, [1e6], target=0.1, penalty=1e6).table
    assert said[said["n"] == 1e6]["cost_training"].iloc[0] == pytest.approx(10.0)


def test_the_figure_has_a_range_for_each_unit_and_a_burn_up(tmp_path):
    found = forecaster.requirement(runs(), [0.1, 0.03], costs=COSTS, start=START)
    figure = found.plot()
    labelled = {axes.get_ylabel() for axes in figure.axes}
    assert {"Parameters", "Accelerator hours", "Cost, EUR"} <= labelled
    assert any(axes.get_title() == "Data owned, by date" for axes in figure.axes)
    figure.savefig(tmp_path / "need.png")
    assert not any(axes.get_title() for axes in forecaster.requirement(runs(), 0.1).plot().axes)
    forecaster.growth(runs()).plot().savefig(tmp_path / "growth.png")
