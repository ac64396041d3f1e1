"""The fitted function: draws against dense conditioning, the truth of simulations, and where it was measured."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from helpers.surfaces import BESIROGLU, design, loss, table

from forecaster.errors import RequestError
from forecaster.surfaces.fitted import Surface
from forecaster.surfaces.model import density, drift
from forecaster.surfaces.posterior.fitting import fit_surface
from forecaster.surfaces.posterior.sampling import SurfaceDraws


@pytest.fixture(scope="module")
def fitted():
    return fit_surface(table())


def held(values: np.ndarray, draws: int = 4000) -> Surface:
    """A surface whose draws all have the same parameters: what differs is the drift."""
    return Surface(
        design(), SurfaceDraws(np.broadcast_to(values, (4, draws // 4, len(values))), 1e3, 1.0, "importance")
    )


def test_given_its_parameters_it_is_the_conditional_of_a_dense_normal():
    made = design()
    values = made.mean.copy()
    values[6], values[7] = np.log(0.004), np.log(0.02)  # noise, drift
    surface = held(values)
    params, n = np.array([1e8, 7e8, 2e10]), np.array([2e9, 9e9, 5e11])
    drawn = surface.log_loss(n, params)
    there = np.stack([np.log(params) - made.x0, np.log(n) - made.t0], -1)
    noise, wander = (float(v[0, 0]) for v in density.variances(np, values[None]))
    known, across, own = (
        wander * drift.correlation(np, a, b, made.card.memory)
        for a, b in ((made.places, made.places), (there, made.places), (there, there))
    )
    data = density.rotated(made)
    level = density.law_at(np, values[None], data.u, data.t, data.log_unique, data.t0)[0]
    gain = np.linalg.solve(known + noise * np.eye(len(level)), across.T).T
    mean = surface.law_log_loss(n, params)[0] + gain @ (made.y - level)
    covariance = own - gain @ across.T
    sd = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose((drawn.mean(0) - mean) / sd, 0.0, atol=0.08)
    np.testing.assert_allclose(np.cov(drawn.T) / np.outer(sd, sd), covariance / np.outer(sd, sd), atol=0.08)


def test_one_question_has_one_answer(fitted):
    n, params = np.array([1e10, 1e12]), np.array([5e8, 5e10])
    both = fitted.log_loss(n, params)
    for i in range(2):
        np.testing.assert_allclose(fitted.log_loss(n[i], params[i])[:, 0], both[:, i], rtol=1e-12)


def test_it_knows_the_law_it_was_made_from(fitted):
    params, n = np.array([1e9, 6e9]), np.array([1e10, 1.2e11])
    low, high = np.quantile(fitted.log_loss(n, params), [0.005, 0.995], axis=0)
    truth = np.log(loss(BESIROGLU, params, n))
    assert ((low < truth) & (truth < high)).all()
    found = fitted.parameters
    for name, value in (("E", BESIROGLU.floor), ("a", BESIROGLU.a), ("b", BESIROGLU.b), ("k", BESIROGLU.k)):
        assert found.loc[name, "q2.5"] < value < found.loc[name, "q97.5"]


def test_more_of_either_helps_by_the_law_and_never_below_the_floor(fitted):
    grid = np.geomspace(1e8, 1e14, 9)
    for drawn in (fitted.law_log_loss(grid, 1e9), fitted.law_log_loss(1e10, grid)):
        assert (np.diff(drawn, axis=1) < 0).all()
    assert (fitted.law_log_loss(1e30, 1e9)[:, 0] >= fitted.log_limit(1e9) - 1e-6).all()
    assert (fitted.log_limit(1e9) > np.log(fitted.constants.floor)).all()


def test_one_run_scatters_more_than_the_average(fitted):
    mean, run = fitted.log_loss(1e10, 1e9), fitted.new_run(1e10, 1e9)
    assert run.std() > mean.std()
    np.testing.assert_array_equal(run, fitted.new_run(1e10, 1e9))


def test_repeating_data_is_worse_than_more_of_them(fitted):
    fresh, again = fitted.law_log_loss(6e11, 1e9), fitted.law_log_loss(6e11, 1e9, 6e9)
    assert (again > fresh).all()
    assert (fitted.law_log_loss(6e11, 1e9, 6e11) == fresh).all()


def test_it_says_where_it_was_measured(fitted):
    n, params = np.array([2e9, 1e10, 6e11, 1e10]), np.array([1e8, 1e9, 1e9, 1e8 / 2])
    assert fitted.outside(n, params).tolist() == [False, False, True, True]
    assert fitted.decades_beyond(n, params) == pytest.approx([0.0, 0.0, 1.0, 0.0])


def test_sizes_that_are_none_are_refused(fitted):
    with pytest.raises(RequestError, match="above 0"):
        fitted.log_loss([1e9, 0.0], 1e9)


def test_several_surfaces_are_not_one():
    made = table()
    with pytest.raises(RequestError, match="found 2 surfaces"):
        fit_surface(pd.concat([made, made.assign(task="code")], ignore_index=True))


def test_runs_marked_untuned_do_not_lift_the_surface():
    made = table()
    late = made["n"].eq(made["n"].max()) & made["params"].ne(made["params"].max())
    made["error"] = made["error"] * np.where(late, np.repeat([1.02, 1.06, 1.1, 1.0], 4), 1.0)
    told = fit_surface(made.assign(untuned=late))
    n, params = np.full(3, made["n"].max()), np.sort(made["params"].unique())[:3]
    truth = np.log(loss(BESIROGLU, params, n))
    off = [np.abs(np.median(one.log_loss(n, params), 0) - truth).max() for one in (told, fit_surface(made))]
    assert off[0] < 0.4 * off[1]
    low, high = np.quantile(told.log_loss(n, params), [0.01, 0.99], axis=0)
    assert ((low < truth) & (truth < high)).all()
    assert 0.02 < told.parameters["q50"]["excess"] < 0.15
    assert "excess" not in fit_surface(table()).parameters.index


@pytest.mark.parametrize("unique_n", [None, 3e10])
def test_a_mesh_has_the_losses_of_its_points(fitted_surface, unique_n):
    n, params = np.array([2e9, 5e10, 7e11]), np.array([1e8, 4e9])
    data, sizes = (part.ravel() for part in np.meshgrid(n, params))
    wanted = fitted_surface.log_loss(data, sizes, None if unique_n is None else np.minimum(data, unique_n))
    found = fitted_surface.mesh(n, params, unique_n)
    assert found.shape == (len(wanted), 2, 3)
    np.testing.assert_allclose(found.reshape(wanted.shape), wanted, atol=1e-11)
