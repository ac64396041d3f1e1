"""Surfaces on disk: bit-identical, refused where they were changed, asked without JAX."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from helpers.surfaces import table
from typer.testing import CliRunner

from forecaster.cli.main import app
from forecaster.errors import PosteriorFileError
from forecaster.surfaces.posterior.fitting import fit_surface
from forecaster.surfaces.posterior.storage import data_hash, load_surfaces, save_surfaces, schema_of

POINTS = ([1e10, 1e12], [1e9, 1e10])


def test_what_is_read_is_what_was_saved(fitted_surface, surface_file):
    (found,) = load_surfaces(surface_file)
    np.testing.assert_array_equal(found.log_loss(*POINTS), fitted_surface.log_loss(*POINTS))
    assert found.design.key == fitted_surface.design.key
    assert found.design.units == fitted_surface.design.units
    assert found.draws.ess == fitted_surface.draws.ess
    assert data_hash(found.design) == data_hash(fitted_surface.design)
    np.testing.assert_array_equal(found.design.log_hours, fitted_surface.design.log_hours)


def test_several_surfaces_and_untuned_runs_are_kept(fitted_surface, tmp_path):
    made = table().assign(architecture="moe", untuned=np.arange(16) % 5 == 0, error_sd=0.01)
    other = fit_surface(made)
    path = save_surfaces([fitted_surface, other], tmp_path / "two.nc")
    first, second = load_surfaces(path)
    assert [first.design.architecture, second.design.architecture] == ["lm", "moe"]
    np.testing.assert_array_equal(second.log_loss(*POINTS), other.log_loss(*POINTS))
    assert second.design.noise == other.design.noise
    assert second.parameters.index.tolist()[-1] == "excess"


def test_the_hash_is_that_of_the_runs(fitted_surface):
    design = fitted_surface.design
    moved = replace(design, y=design.y + 1e-12 * (np.arange(16) == 3))
    assert data_hash(moved) != data_hash(design)
    assert data_hash(replace(design, architecture="other")) != data_hash(design)


def test_files_that_are_no_surfaces_are_refused(surface_file, tmp_path):
    with pytest.raises(PosteriorFileError, match="no such file"):
        load_surfaces(tmp_path / "none.nc")
    other = tmp_path / "posterior.nc"
    xr.DataTree(xr.Dataset(attrs={"schema": "forecaster-posterior/5"})).to_netcdf(other, engine="h5netcdf")
    with pytest.raises(PosteriorFileError, match="forecaster-posterior"):
        load_surfaces(other)
    text = tmp_path / "text.nc"
    text.write_text("n,error")
    assert schema_of(text) is None
    with pytest.raises(PosteriorFileError, match="no netCDF"):
        load_surfaces(text)
    changed = tmp_path / "changed.nc"
    with xr.open_datatree(surface_file, engine="h5netcdf") as opened:
        tree = opened.load()
    tree["surface 0"]["y"] = tree["surface 0"]["y"] * 1.001
    tree.to_netcdf(changed, engine="h5netcdf")
    with pytest.raises(PosteriorFileError, match="do not match"):
        load_surfaces(changed)
    del tree["surface 0"].attrs["card"]
    tree.to_netcdf(changed, engine="h5netcdf", mode="w")
    with pytest.raises(PosteriorFileError, match="incomplete"):
        load_surfaces(changed)


def test_the_command_saves_and_answers_from_the_file_alone(tmp_path):
    runs, saved = tmp_path / "runs.csv", tmp_path / "s.nc"
    table().assign(architecture="lm").to_csv(runs, index=False)
    asked = ["--at", "1e11", "--params", "1e9", "--json"]
    first = CliRunner().invoke(app, ["surface", str(runs), *asked, "--save", str(saved)])
    again = CliRunner().invoke(app, ["surface", str(saved), *asked])
    one, other = (json.loads(done.stdout.splitlines()[0]) for done in (first, again))
    assert one == other
    wrong = CliRunner().invoke(app, ["surface", str(saved), "--percent"])
    assert wrong.exit_code == 2
    assert "--percent" in wrong.output
    lost = CliRunner().invoke(app, ["surface", str(saved), "--architecture", "gru"])
    assert lost.exit_code == 1
    assert "gru" in lost.output


def test_no_question_to_a_saved_surface_loads_jax(surface_file):
    code = (
        "import sys, forecaster; "
        f"one, = forecaster.load_surfaces({str(surface_file)!r}); "
        "forecaster.surface(one, at=[1e11], params=1e9); "
        "sys.exit('jax' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
