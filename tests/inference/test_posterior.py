"""Posterior files: what is saved is what is read, what was changed is refused; one group of many is a posterior."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from helpers.synthetic import posterior, values
from helpers.unchecked import unchecked

import forecaster
from forecaster.curves.learning_curves import LearningCurves
from forecaster.domains.quantities import CENTRES
from forecaster.errors import PosteriorFileError, RequestError
from forecaster.inference.assembly import assemble
from forecaster.inference.datatree import table_dataset, table_of
from forecaster.inference.engines.interface import GroupDraws
from forecaster.inference.storage import load_posterior
from forecaster.monitoring.update import update
from forecaster.prediction.forecast import forecast

GROUPS = (("vision", "a"), ("vision", "b"))


@pytest.fixture(scope="module")
def held():
    drawn = [values(seed=i, sd={"level": 0.05, "log_exponent": 0.1, "log_break": 0.1}) for i in range(3)]
    return posterior(dict(zip(("vision/a/cnn", "vision/b/cnn", "vision/b/mlp"), drawn, strict=True)))


def assert_same_curve(one, two, label):
    a, b = (p.curve(label) for p in (one, two))
    assert a.reference == b.reference
    for name in CENTRES:
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def assert_same(one, two):
    assert one.groups == two.groups
    assert one.manifest == two.manifest
    pd.testing.assert_frame_equal(one.curves.table, two.curves.table)
    for group in one.groups:
        assert one.cards[group].card_hash == two.cards[group].card_hash
        np.testing.assert_array_equal(one.centre(group), two.centre(group))
        np.testing.assert_array_equal(one.spread(group), two.spread(group))
    for curve in one.curves.curves:
        assert_same_curve(one, two, curve.label)


def test_a_reload_is_the_same_to_the_bit(held, tmp_path):
    read = load_posterior(held.save(tmp_path / "held.nc"))
    assert_same(held, read)
    pd.testing.assert_frame_equal(*(forecast(p, [1e6], seed=1).table for p in (held, read)))


def test_nothing_but_the_file_is_left_behind(held, tmp_path):
    held.save(tmp_path / "held.nc")
    assert [p.name for p in tmp_path.iterdir()] == ["held.nc"]
    with pytest.raises(PosteriorFileError, match="no such folder"):
        held.save(tmp_path / "absent" / "held.nc")


def test_a_file_whose_data_were_changed_is_refused(held, tmp_path):
    path = held.save(tmp_path / "held.nc")
    with h5py.File(path, "r+") as file:
        file["measurements/error"][0] *= 1.01
    with pytest.raises(PosteriorFileError, match="hash"):
        load_posterior(path)


@pytest.mark.parametrize("content", [b"", b"domain,architecture\n", None])
def test_what_is_no_posterior_is_refused(tmp_path, content):
    path = tmp_path / "no.nc"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PosteriorFileError, match=r"no\.nc"):
        load_posterior(path)


@pytest.mark.parametrize("group", GROUPS)
def test_one_group_of_many_is_a_posterior(held, group, tmp_path):
    own = held.only(group)
    assert own.groups == (group,)
    assert_same(own, load_posterior(own.save(tmp_path / "own.nc")))
    np.testing.assert_array_equal(own.centre(group), held.centre(group))
    for curve in own.curves.curves:
        assert_same_curve(own, held, curve.label)
    whole = held.diagnostics()
    names = {"/".join(group), *(c.label for c in own.curves.curves)}
    pd.testing.assert_frame_equal(
        own.diagnostics(), whole[whole["curve"].isin(names)].reset_index(drop=True), check_exact=False
    )


def test_diagnostics_are_each_callers_own(held):
    mine = held.diagnostics()
    mine["r_hat"] = 9.0
    assert not (held.diagnostics()["r_hat"] == 9.0).any()


def changed(held, path, **attrs):
    """The posterior's file with other attributes; None takes one away."""
    held.save(path)
    with h5py.File(path, "r+") as file:
        for name, value in attrs.items():
            del file.attrs[name]
            if value is not None:
                file.attrs[name] = value
    return path


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ("forecaster-posterior/4", "written by an earlier version of forecaster.*fit its curves again with"),
        ("forecaster-posterior/99", "written by a later version of forecaster.*install that version"),
        ("forecaster/1", "found a netCDF file of schema 'forecaster/1'"),
        (None, "found a netCDF file without forecaster's schema; expected a posterior written by `forecaster fit`"),
    ],
)
def test_another_schema_is_refused_with_what_to_do(held, tmp_path, schema, said):
    path = changed(held, tmp_path / "held.nc", schema=schema)
    with pytest.raises(PosteriorFileError, match=said) as refused:
        load_posterior(path)
    assert f"{path}: found" in str(refused.value)
    posterior_file = schema is not None and schema.startswith("forecaster-posterior")
    kept = path if posterior_file else tmp_path / "posterior.nc"  # what is something else is not to be written over
    assert f"`forecaster fit CURVES -o {kept}`" in str(refused.value)


def test_draws_of_a_forecast_are_no_posterior(held, tmp_path):
    path = tmp_path / "draws.nc"
    forecast(held, [1e6]).save_draws(path)
    with pytest.raises(PosteriorFileError, match="without forecaster's schema; expected a posterior written by"):
        load_posterior(path)


def test_a_file_that_lost_a_part_is_refused(held, tmp_path):
    with pytest.raises(PosteriorFileError, match="incomplete"):
        load_posterior(changed(held, tmp_path / "held.nc", cards="{}"))
    path = held.save(tmp_path / "part.nc")
    with h5py.File(path, "r+") as file:
        del file["measurements"]
    with pytest.raises(PosteriorFileError, match="incomplete"):
        load_posterior(path)


VERBS: dict[str, Any] = {
    "forecast": lambda given: unchecked(forecaster.forecast)(given, [1e6]),
    "requirement": lambda given: unchecked(forecaster.requirement)(given, 0.1),
    "compare": lambda given: unchecked(forecaster.compare)(given),
    "check": lambda given: unchecked(forecaster.check)(given),
    "memo": lambda given: unchecked(forecaster.memo)(given),
    "update": lambda given: unchecked(update)(given, given),
}


@pytest.mark.parametrize("verb", VERBS)
def test_what_is_no_posterior_is_told_how_to_become_one(held, verb):
    with pytest.raises(
        RequestError, match=r"found learning curves; expected .* posterior = forecaster\.fit\(curves\) first"
    ):
        VERBS[verb](held.curves)
    with pytest.raises(RequestError, match=r"found 'held\.nc'; expected .* forecaster\.load_posterior"):
        VERBS[verb]("held.nc")
    with pytest.raises(RequestError, match="found a DataFrame; expected a posterior"):
        VERBS[verb](held.curves.table)


ODD = [
    "train/loss",
    "row",
    "",
    " ",
    "a b",
    "column 6",
    "column_6",
    "模型",
    "ü",
    "/",
    ".",
    "../x",
    "a\x00b",
    "1",
    "chain",
]


def test_columns_of_any_name_and_kind_are_kept(held, tmp_path):
    """A column that is not ours never matters, and comes back under its own name."""
    table = held.curves.table.copy()
    for i, name in enumerate(ODD):
        table[name] = [f"{name}{i}".replace("\0", "")] * len(table)
    table["half"] = np.float16(0.5)
    table["whole"] = np.int8(3)
    table["when"] = pd.Timestamp("2026-01-01")
    table["kind"] = pd.Categorical(["a"] * len(table))
    table["odd text"] = "a\0b"
    table["mixed"] = [1, "x", None, *[True] * (len(table) - 3)]
    stored = table_of(xr.open_dataset(saved(table_dataset(table), tmp_path / "table.nc"), engine="h5netcdf"))
    assert stored.columns.tolist() == table.columns.tolist()
    for name in (*ODD, "half", "whole", "n", "error", "domain"):
        assert stored[name].tolist() == table[name].tolist(), name
    assert stored["odd text"].tolist() == ["ab"] * len(table)
    assert stored["mixed"].tolist()[:4] == ["1", "x", "", "True"]


def saved(data, path):
    data.to_netcdf(path, engine="h5netcdf")
    return path


def test_a_posterior_of_a_trackers_export_is_kept(held, tmp_path):
    """Trackers name their columns with slashes."""
    curves = LearningCurves(held.curves.table.assign(**{"train/loss": 0.1}), (), "export.csv")
    draws = [
        GroupDraws(held.tree.posterior["centre"].values[:, :, i], held.tree.posterior["log_spread"].values[:, :, i],
                   np.stack([held.tree.posterior[name].values[..., rows] for name in CENTRES], -1), "jax", {}, {})
        for i, rows in enumerate(([0], [1, 2]))
    ]  # fmt: skip
    made = assemble(curves, held.cards, draws, seed=0)
    read = load_posterior(made.only(GROUPS[1]).save(tmp_path / "part.nc"))
    assert read.curves.table["train/loss"].tolist() == [0.1] * len(read.curves.table)
    assert load_posterior(made.save(tmp_path / "all.nc")).curves.data_hash == curves.data_hash
