"""The test run checks types and shapes: what contradicts an annotation is refused, in every process of it."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.unchecked import unchecked
from jaxtyping import TypeCheckError

from forecaster.inference.engines.interface import GroupDraws
from forecaster.model.run_noise import relative


def draws(centre: tuple[int, ...]) -> GroupDraws:
    return GroupDraws(np.zeros(centre), np.zeros((4, 10, 2)), np.zeros((4, 10, 3, 8)), "synthetic", {})


def test_the_right_shapes_pass():
    assert relative(0.0, np.zeros(3), 0.0).shape == (3,)
    assert draws((4, 10, 8)).engine == "synthetic"


@pytest.mark.parametrize("centre", [(4, 10), (4, 10, 7), (4, 11, 8)])
def test_a_wrong_shape_is_refused(centre):
    with pytest.raises(TypeCheckError):
        draws(centre)


def test_a_wrong_type_is_refused_where_checks_are_not_left_out():
    wrong = np.zeros((3, 2))
    with pytest.raises(TypeCheckError):
        relative(0.0, wrong, 0.0)
    assert unchecked(relative)(0.0, wrong, 0.0).shape == (3, 2)
