"""Wide tables: a column a model, a run of a chart, or a size."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from helpers.tables import codes, frame, write

from forecaster.curves.reading.read import read_curves
from forecaster.errors import CurveColumnsError

LONG = pd.concat([frame(architecture="cnn"), frame(architecture="vit", error=[0.7, 0.35, 0.15])])
MODELS = LONG.pivot(index="n", columns="architecture", values="error").reset_index()
SIZES = LONG.pivot(index="architecture", columns="n", values="error").reset_index().rename_axis(columns=None)
DOMAIN = {"domain": "vision"}
WHOLE = read_curves(LONG)


def test_a_column_a_model():
    found = read_curves(MODELS, wide="models", constants=DOMAIN)
    assert found.data_hash == WHOLE.data_hash
    assert codes(found.notes) == ["wide"]
    assert found.reading.wide == "models"


def test_models_may_be_named(tmp_path):
    more = MODELS.assign(patience=[3, 4, 5])
    found = read_curves(more, wide="models", columns={"architecture": "cnn+vit"}, constants=DOMAIN)
    assert found.data_hash == WHOLE.data_hash
    assert "patience" in found.table
    assert len(read_curves(more, wide="models", constants=DOMAIN).curves) == 3


def test_deviations_beside_models_are_theirs():
    found = read_curves(MODELS.assign(cnn_std=0.01, vit_std=0.02), wide="models", constants=DOMAIN)
    assert [curve.architecture for curve in found.curves] == ["cnn", "vit"]
    np.testing.assert_array_equal(found.table["error_sd"], [0.01] * 3 + [0.02] * 3)


def test_models_are_suggested_where_no_column_may_be_the_error():
    with pytest.raises(CurveColumnsError) as caught:
        read_curves(MODELS.rename(columns={"n": "train_size"}))
    assert "columns={'n': 'train_size'}, constants={'domain': 'NAME'}, wide='models'" in str(caught.value)
    with pytest.raises(CurveColumnsError) as caught:
        read_curves(MODELS.rename(columns={"n": "train_size", "cnn": "val_loss", "vit": "train_loss"}))
    assert "wide" not in str(caught.value)


@pytest.mark.parametrize("style", ["{}", "n={}", "N = {}", "{} images", "train_{}"])
def test_a_column_a_size_is_recognised(style):
    renamed = SIZES.set_axis(["architecture", *(style.format(n) for n in (100, 1000, 10000))], axis=1)
    found = read_curves(renamed, constants=DOMAIN)
    assert found.data_hash == WHOLE.data_hash
    assert found.reading.wide == "sizes"
    again = read_curves(renamed, wide="sizes", constants=DOMAIN)
    assert again.data_hash == WHOLE.data_hash


def test_sizes_may_have_letters_and_cells_deviations():
    renamed = SIZES.set_axis(["architecture", "100", "1k", "10k"], axis=1).astype(str)
    renamed[["100", "1k", "10k"]] += " ± 0.01"
    found = read_curves(renamed, constants=DOMAIN)
    assert found.table["n"].tolist() == [100, 1000, 10000] * 2
    assert set(found.table["error_sd"]) == {0.01}


def test_sizes_in_per_cent_in_a_header():
    renamed = SIZES.set_axis(["architecture", "1%", "10 %", "100%"], axis=1)
    assert read_curves(renamed, full_size=10_000, constants=DOMAIN).data_hash == WHOLE.data_hash
    with pytest.raises(CurveColumnsError, match="full_size=100"):
        read_curves(renamed, constants=DOMAIN)


@pytest.mark.parametrize("header", [["NDCG@5", "NDCG@10", "NDCG@50"], ["2 a", "3 a", "x"], ["top1", "top5", "top10"]])
def test_names_with_numbers_are_no_sizes(header):
    with pytest.raises(CurveColumnsError):
        read_curves(SIZES.set_axis(["architecture", *header], axis=1), constants=DOMAIN)


def chart(**more):
    """The export of a chart of two runs, with bands."""
    steps = np.array([0, 10, 20, 40])
    table = {"Step": steps}
    for k, run in enumerate(("big - lr 0.1", "small"), start=1):
        loss = 3.0 * k * (steps + 1.0) ** -0.2
        bands = {f"{run} - val/loss{end}": loss for end in ("", "__MIN", "__MAX")}
        table |= bands
    return pd.DataFrame(table | more)


def test_the_export_of_a_chart_is_recognised(tmp_path):
    path = write(tmp_path, chart().to_csv(index=False, quoting=1))
    found = read_curves(path, columns={"n": "Step", "error": "val/loss"}, constants=DOMAIN)
    assert [curve.architecture for curve in found.curves] == ["big - lr 0.1", "small"]
    assert found.table["n"].tolist() == [10, 20, 40] * 2
    assert codes(found.notes) == ["wide", "size-0"]
    assert (found.reading.wide, found.reading.error_column) == ("models", "val/loss")
    assert not any("__M" in column for column in found.table)


def test_a_chart_of_several_metrics_has_a_column_of_each():
    more = {f"{run} - val/acc": np.linspace(0.2, 0.6, 4) for run in ("big - lr 0.1", "small")}
    found = read_curves(chart(**more), columns={"n": "Step", "error": "val/acc"}, score="accuracy", constants=DOMAIN)
    assert "val/loss" in found.table
    np.testing.assert_allclose(found.table["error"].unique(), 1 - np.linspace(0.2, 0.6, 4)[1:])


def test_a_chart_without_bands():
    bare = chart()[["Step", "big - lr 0.1 - val/loss", "small - val/loss"]]
    found = read_curves(bare, columns={"n": "Step", "error": "val/loss"}, constants=DOMAIN)
    assert len(found.curves) == 2


def test_rows_of_a_wide_table_keep_their_numbers():
    with pytest.raises(Exception, match="row 3: found error -1"):
        read_curves(MODELS.assign(vit=[0.7, -1, 0.15]), wide="models", constants=DOMAIN)
    found = read_curves(MODELS.assign(vit=[0.7, None, 0.15]), wide="models", constants=DOMAIN)
    assert len(found.table) == 5


@pytest.mark.parametrize("wide", ["models", "sizes"])
def test_a_long_table_is_no_wide_one(wide):
    with pytest.raises(CurveColumnsError, match="expected"):
        read_curves(frame(), wide=wide)
