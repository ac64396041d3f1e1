"""Prices of runs: hours stated, or as they were measured; money and days by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from forecaster.errors import CostsError
from forecaster.resources.prices.costs import Costs, Hours
from forecaster.surfaces.pricing import day_after, pricing_of, quantiles_of
from forecaster.surfaces.requirement import surface_requirement

COSTS = Costs(per_item=((np.inf, 1e-9),), fixed=5.0, per_gpu_hour=2.0, items_per_week=7e10, gpus=4.0)


def test_stated_hours_are_compute_over_what_an_hour_does(fitted_surface):
    pricing = pricing_of(fitted_surface, replace(COSTS, flops_per_gpu_hour=1e17))
    bill = pricing.bill(np.log([9.6e20]), np.array([8e10]))
    assert pricing.owned == pytest.approx(6e10)
    assert bill.items[0] == pytest.approx(2e10)
    assert bill.order[0] == pytest.approx(25.0)
    assert bill.hours[0] == pytest.approx(9600.0)
    assert bill.cost[0] == pytest.approx(25.0 + 19_200.0)
    assert bill.days[0] == pytest.approx(2.0 + 9600.0 / 4.0 / 24.0)


def test_measured_hours_are_followed_with_draws_around_them(fitted_surface):
    pricing = pricing_of(fitted_surface, COSTS)
    assert pricing.hours(np.log([1e21]))[0] == pytest.approx(1e3, rel=0.02)
    drawn = pricing.drawn(np.full(400, np.log(1e21)), np.full(400, np.log(1e10)))
    assert drawn.items.max() == 0.0
    assert np.median(drawn.hours) == pytest.approx(1e3, rel=0.02)
    never = pricing.drawn(np.r_[np.inf, np.full(399, np.log(1e21))], np.r_[np.inf, np.full(399, 20.0)])
    assert np.isinf(never.cost[0])
    assert np.isfinite(never.cost[1:]).all()


def test_a_price_of_hours_without_what_they_do_is_refused(fitted_surface):
    plain = replace(fitted_surface, design=replace(fitted_surface.design, log_hours=None))
    with pytest.raises(CostsError, match="flops_per_gpu_hour"):
        pricing_of(plain, COSTS)
    with pytest.raises(CostsError, match="know no model size"):
        pricing_of(plain, Costs(gpu_hours=Hours(1e-3)))
    assert not pricing_of(plain, Costs()).timed


def test_quantiles_are_those_of_the_draws_and_never_stays_never(fitted_surface):
    pricing = pricing_of(fitted_surface, replace(COSTS, flops_per_gpu_hour=1e17))
    logs = np.log(np.r_[np.linspace(1e20, 2e20, 1500), np.full(500, np.inf)])
    row = quantiles_of(
        pricing, logs, np.where(np.isfinite(logs), np.log(1e10), np.inf), {"": 0.5, "_upper": 0.9}, date(2027, 1, 4)
    )
    assert row["gpu_hours"] == pytest.approx(np.quantile(np.exp(logs) / 1e17, 0.5, method="inverted_cdf"))
    assert row["date_upper"] == "never"
    assert day_after(date(2027, 1, 4), 2.5) == "2027-01-07"
    assert quantiles_of(None, logs, logs, {"": 0.5}, date(2027, 1, 4))["date"] is None


def test_a_requirement_has_money_and_dates_with_intervals(fitted_surface):
    costs = replace(COSTS, flops_per_gpu_hour=1e17)
    found = surface_requirement(fitted_surface, 2.4, costs=costs, start=date(2027, 1, 4)).table.iloc[0]
    assert found["cost_lower"] <= found["cost_q50"] <= found["cost_upper"]
    assert found["gpu_hours_q50"] == pytest.approx(found["flops_q50"] / 1e17, rel=1e-6)
    assert found["date_lower"] <= found["date_q50"] <= found["date_upper"]
    plain = surface_requirement(fitted_surface, 2.4, params=1e9).table.iloc[0]
    assert np.isnan(plain["cost_q50"])
