"""Compute and its best use: the law's optimum, the compute that a table tells, and cubics along isoFLOP slices."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.surfaces import BESIROGLU, design, loss, parameters_of, table

from forecaster.surfaces.compute import Compute, lowest, near_isoflop, optimum, slices
from forecaster.surfaces.fitted import Surface
from forecaster.surfaces.model import law
from forecaster.surfaces.posterior.sampling import SurfaceDraws

FLOPS = 1e21


@pytest.fixture(scope="module")
def exact():
    """A surface of which every draw is the published law, with hardly any drift."""
    made = design(table(noise=0.0))
    there = parameters_of(BESIROGLU, made.x0, made.t0)
    values = np.array([*there, np.log(1e-3), np.log(1e-8), np.log(15.4)])
    return Surface(made, SurfaceDraws(np.broadcast_to(values, (4, 5, len(values))), 1e3, 1.0, "importance"))


def test_the_optimum_is_the_published_one(exact):
    found = optimum(exact, FLOPS, Compute())
    assert np.exp(found.x) == pytest.approx(np.full(20, 2.778e9), rel=2e-3)
    assert np.exp(found.t) == pytest.approx(np.full(20, 6.00e10), rel=2e-3)
    assert np.exp(found.log_loss) == pytest.approx(np.full(20, 2.3055), rel=1e-3)


def test_with_few_different_data_the_best_model_is_larger_and_worse(exact):
    fresh, again = optimum(exact, FLOPS, Compute()), optimum(exact, FLOPS, Compute(), unique_n=5e9)
    assert (again.x > fresh.x).all()
    assert (again.log_loss > fresh.log_loss).all()
    grid = np.linspace(20.0, 24.0, 4001)
    data = FLOPS / 6.0 / np.exp(grid)
    unique = np.minimum(5e9, data)
    worth = unique * (1.0 + 15.4 * (1.0 - np.exp(-(data / unique - 1.0) / 15.4)))
    assert again.x == pytest.approx(np.full(20, grid[loss(BESIROGLU, np.exp(grid), worth).argmin()]), abs=5e-3)


def test_compute_is_six_n_d_or_what_the_table_says():
    made = table()
    plain = Compute.of(design(made))
    assert plain.log_data(np.log(FLOPS), np.log(1e9)) == pytest.approx(np.log(FLOPS / 6e9))
    assert plain.largest == pytest.approx(6 * (made["n"] * made["params"]).max())
    dearer = made.assign(compute=8.0 * made["n"] * made["params"] * (made["params"] / 1e9) ** -0.05)
    told = Compute.of(design(dearer))
    assert told.log_data(np.log(FLOPS), np.log(1e8)) == pytest.approx(np.log(FLOPS / 8e8 / 10**0.05))
    assert told.log_flops(np.log(1e9), np.log(1e10)) == pytest.approx(np.log(8e19))
    assert told.largest == pytest.approx(dearer["compute"].max())


def test_where_small_models_cost_more_a_larger_one_is_best(exact):
    fewer = Compute(float(np.log(6.0)), -0.1, np.log(2.778e9))
    found = optimum(exact, FLOPS, fewer)
    grid = np.linspace(20.0, 24.0, 4001)
    best = grid[loss(BESIROGLU, np.exp(grid), np.exp(fewer.log_data(np.log(FLOPS), grid))).argmin()]
    assert found.x == pytest.approx(np.full(20, best), abs=5e-3)
    assert best > np.log(2.78e9)


def test_cubics_along_slices_find_the_optimum_without_the_law(exact):
    rows = []
    for flops in (1e19, 1e20, 1e21):
        best = np.exp(law.log_best_size(np, BESIROGLU, np.log(flops / 6.0)))
        for params in best * np.geomspace(0.2, 5.0, 9):
            rows.append((params, flops / 6.0 / params))
    made = table().iloc[np.zeros(len(rows), dtype=int)].reset_index(drop=True)
    made[["params", "n"]] = rows
    made["error"] = loss(BESIROGLU, made["params"].to_numpy(), made["n"].to_numpy())
    grid = design(made.assign(architecture="lm"))
    surface = Surface(grid, SurfaceDraws(exact.draws.values, 1e3, 1.0, "importance"))
    found = slices(surface, Compute())
    assert [one.sizes for one in found] == [9, 9, 9]
    for one in found:
        best = np.exp(law.log_best_size(np, BESIROGLU, np.log(one.flops / 6.0)))
        assert one.params == pytest.approx(best, rel=0.03)


def test_slices_need_sizes_and_a_common_compute():
    x = np.linspace(20.0, 23.0, 6)
    assert [len(rows) for rows in near_isoflop(np.full(6, 47.0), x)] == [6]
    assert near_isoflop(np.linspace(47.0, 50.0, 6), x) == []
    assert near_isoflop(np.full(6, 47.0), np.linspace(20.0, 20.5, 6)) == []
    assert near_isoflop(np.full(4, 47.0), x[:4]) == []


def test_the_lowest_of_a_parabola_is_its_vertex():
    grid = np.linspace(-2.0, 2.0, 9)
    x, value = lowest(grid, 5.0 + (grid - 0.3)[None] ** 2)
    assert (x[0], value[0]) == pytest.approx((0.3, 5.0))
    assert lowest(grid, grid[None])[0][0] == pytest.approx(-2.0, abs=0.51)
