"""A surface's own record, on runs whose truth is known."""

from __future__ import annotations

from helpers.surfaces import DATA, PARAMS, table

from forecaster.surfaces.posterior.fitting import fit_surface
from forecaster.surfaces.record import record_of


def test_forecasts_of_hidden_runs_are_counted(fitted_surface):
    found = record_of(fitted_surface)
    assert found is not None
    assert found.hidden == found.held_80 + found.too_low + found.too_high == 3
    assert found.off < 0.02
    assert found.beyond > 1.0


def test_few_runs_leave_no_record():
    assert record_of(fit_surface(table(params=PARAMS[:3], data=DATA[:3]).iloc[[0, 4, 8, 1, 3]])) is None
