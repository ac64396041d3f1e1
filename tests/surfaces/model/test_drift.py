"""Draws of the drift are functions: the same value at a place, however it is asked for."""

from __future__ import annotations

import numpy as np
import pytest

from forecaster.surfaces.model.drift import Waves, correlation


@pytest.fixture(scope="module")
def waves():
    return Waves.drawn(np.random.default_rng(0), 70, 1.5)


def one_by_one(waves, places):
    """By the definition: a sum of cosines at each place."""
    turned = np.einsum("dwk,pk->dpw", waves.frequency, places) + waves.phase[:, None]
    return (waves.height[:, None] * np.cos(turned)).sum(2)


@pytest.mark.parametrize("count", [1, 8, 9, 49, 50, 200])
def test_places_on_a_line_have_the_value_that_they_have_alone(waves, count):
    places = np.array([0.3, -1.0]) + np.arange(count)[:, None] * np.array([0.11, -0.07])
    np.testing.assert_allclose(waves.at(places), one_by_one(waves, places), atol=1e-11)


def test_places_that_are_not_even_are_not_taken_for_a_line(waves):
    places = np.array([0.3, -1.0]) + np.arange(20)[:, None] * np.array([0.11, -0.07])
    places[7] += 1e-6
    places[8, 1] += 0.5
    np.testing.assert_allclose(waves.at(places), one_by_one(waves, places), atol=1e-11)


def test_a_mesh_has_the_values_of_its_places(waves):
    u, v = np.array([-2.0, 0.1, 3.0]), np.array([0.0, 0.4, 5.0, 9.0])
    places = np.stack([part.ravel() for part in np.meshgrid(u, v, indexing="ij")], -1)
    np.testing.assert_allclose(waves.on_mesh(u, v).reshape(70, -1), one_by_one(waves, places), atol=1e-11)


def test_neighbours_on_a_line_go_together_as_the_correlation_says():
    many = Waves.drawn(np.random.default_rng(1), 4000, 1.5)
    places = np.arange(12)[:, None] * np.array([0.3, 0.2])
    found = np.corrcoef(many.at(places).T)
    np.testing.assert_allclose(found, correlation(np, places, places, 1.5), atol=0.08)
