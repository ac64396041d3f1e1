"""From a table to designs: families and sizes, what is refused, what repeats."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from helpers.surfaces import DATA, table

from forecaster.curves.reading.read import read_curves
from forecaster.errors import RequestError
from forecaster.surfaces.model.card import load_surface_card
from forecaster.surfaces.model.design import ALL, designs_of, levels

CARD = load_surface_card()


def designs(made: pd.DataFrame):
    return list(designs_of(read_curves(made, two_axes=True), CARD))


def test_architectures_of_one_size_each_are_one_surface():
    (found,) = designs(table())
    assert found.key == ("language", "text", ALL)
    assert len(found.y) == len(table())
    assert found.x0 == pytest.approx(np.log(table()["params"]).mean())


def test_architectures_of_several_sizes_are_families():
    both = pd.concat([table().assign(architecture=name) for name in ("dense", "moe")], ignore_index=True)
    assert [found.architecture for found in designs(both)] == ["dense", "moe"]


def test_units_of_the_loss_do_not_matter_to_the_prior():
    one, other = (designs(table().assign(error=table()["error"] * times))[0] for times in (1.0, 100.0))
    np.testing.assert_allclose(one.y - one.mean[0], other.y - other.mean[0])


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (table().drop(columns="params"), "no column params"),
        (table().assign(params=[*table()["params"][:-1], np.nan]), "1 rows without"),
        (table(params=(1e8, 1e9)), "2 different model sizes"),
        (table(data=DATA[:2]).assign(architecture="lm"), "2 different amounts of data"),
        (table().assign(unique_n=-1.0), "unique_n"),
    ],
)
def test_what_has_no_two_axes_is_refused(made, said):
    with pytest.raises(RequestError, match=said):
        designs(made)


def test_repeats_make_a_row_surer_and_unique_data_are_bounded():
    made = table().assign(repeats=4, unique_n=1e9)
    (found,) = designs(made)
    assert found.relative == pytest.approx(np.full(len(made), 0.25))
    assert found.log_unique == pytest.approx(np.full(len(made), np.log(1e9)))
    assert designs(table())[0].log_unique == pytest.approx(designs(table())[0].t)


def test_values_that_are_nearly_alike_are_one_level():
    assert levels(np.log([1.0, 1.01, 2.0, 2.1, 4.0])) == 4


def test_reported_noise_sets_the_prior_of_noise_and_its_shape():
    made = table().assign(repeats=4, error_sd=table()["error"] * np.where(np.arange(16) % 2, 0.01, 0.04))
    (found,) = designs(made)
    assert found.mean[6] == pytest.approx(np.log(0.02))
    assert found.sd[6] < CARD.priors["log_noise"].sd
    assert found.relative == pytest.approx(np.where(np.arange(16) % 2, 0.25, 4.0) / 4.0)
    (some,) = designs(made.assign(error_sd=made["error_sd"].where(np.arange(16) % 2 == 0)))
    assert some.relative == pytest.approx(np.full(16, 0.25))
    assert designs(table())[0].noise is None


def test_untuned_runs_are_apart_and_tuned_ones_must_do_alone():
    made = table()
    (found,) = designs(made.assign(untuned=np.where(made["params"] == made["params"].max(), "yes", "no")))
    assert found.quantities[-1] == "log_excess"
    assert len(found.tuned.y) + len(found.untuned.y) == len(made)
    assert np.exp(found.untuned.x) == pytest.approx(made["params"].max())
    assert designs(made.assign(untuned=0))[0].quantities == designs(made)[0].quantities
    with pytest.raises(RequestError, match="2 different model sizes"):
        designs(made.assign(untuned=(made["params"] > made["params"].median()).astype(int)))
