"""How large a test set has to be: what is asked, answered and refused. The powers have tests of their own."""

from __future__ import annotations

import json

import numpy as np
import pytest
from helpers.unchecked import unchecked

import forecaster
from forecaster.curves import binomial_power
from forecaster.errors import RequestError


def test_a_proof_has_a_row_a_power():
    found = forecaster.test_set_size(error=0.02, target=0.025, power=[0.5, 0.8, 0.95])
    table = found.table
    found.columns["table"].check(table)
    assert table["wanted"].tolist() == [0.5, 0.8, 0.95]
    assert (np.diff(table["cases"]) > 0).all()
    assert (table["power"] >= table["wanted"]).all()
    assert table["what"].unique().tolist() == ["prove"]
    assert json.loads(found.to_json())["command"] == "testset"


def test_two_rates_take_a_test_set_each_or_one_for_both():
    apart = forecaster.test_set_size(error_a=0.10, error_b=0.08).table.iloc[0]
    assert apart["cases"] == binomial_power.cases_to_tell(0.10, 0.08)
    independent = forecaster.test_set_size(error_a=0.10, error_b=0.08, paired=True).table.iloc[0]
    assert independent["discordance"] == pytest.approx(0.10 * 0.92 + 0.08 * 0.90)
    alike = forecaster.test_set_size(error_a=0.10, error_b=0.08, paired=True, discordance=0.04).table.iloc[0]
    assert alike["cases"] < 0.5 * apart["cases"] < independent["cases"]
    assert [row["what"] for row in (apart, alike)] == ["tell-apart", "tell-apart-paired"]


def test_clusters_multiply_the_cases():
    alone, clustered = (
        forecaster.test_set_size(error=0.02, target=0.03, **more).table.iloc[0]
        for more in ({}, {"cluster_size": 5, "correlation": 0.3})
    )
    assert clustered["design_effect"] == pytest.approx(1.0 + 4 * 0.3)
    assert clustered["cases"] == np.ceil(alone["cases"] * 2.2)
    assert alone["most_wrong"] > 0
    assert np.isnan(clustered["most_wrong"])


def test_no_test_set_is_large_enough():
    found = forecaster.test_set_size(error=0.02, target=0.02 * (1 + 1e-8))
    assert found.table["cases"].tolist() == [np.inf]
    assert json.loads(found.to_json())["table"][0]["cases"] == "inf"


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({}, "found no error"),
        ({"error": 0.1}, "found no target"),
        ({"error": 0.1, "target": 0.1}, "target: found 0.1"),
        ({"error": 2.0, "target": 0.1}, "error: found 2"),
        ({"error": 0.1, "target": 0.2, "error_a": 0.1}, "found both"),
        ({"error_a": 0.1}, "found one error rate"),
        ({"error_a": 0.1, "error_b": 0.1}, "error_b: found 0.1"),
        ({"error_a": 0.1, "error_b": 0.2, "paired": True, "discordance": 0.05}, "discordance: found 0.05"),
        ({"error_a": 0.1, "error_b": 0.2, "paired": True, "discordance": 0.35}, "discordance: found 0.35"),
        ({"error": 0.1, "target": 0.2, "power": 80}, "power: found 80"),
        ({"error": 0.1, "target": 0.2, "level": 1.0}, "level: found 1"),
        ({"error": 0.1, "target": 0.2, "cluster_size": 0.5}, "cluster_size: found 0.5"),
        ({"error": 0.1, "target": 0.2, "correlation": 2.0}, "correlation: found 2"),
    ],
)
def test_what_cannot_be_asked_is_refused(asked, error):
    with pytest.raises(RequestError, match=error):
        unchecked(forecaster.test_set_size)(**asked)
