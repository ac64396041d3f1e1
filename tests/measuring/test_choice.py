"""The best of a grid: what was planted is found, and what is reported is not too low."""

from __future__ import annotations

import numpy as np
import pytest

from forecaster.measuring.choice import best_of
from forecaster.measuring.runs import Job, Run, Trained, points_of


def made(errors, tests=None, points=None):
    """Runs of one size from errors, [point, seed]; NaN is a failed run."""
    errors = np.asarray(errors, dtype=float)
    points = points or points_of({"width": [2**k for k in range(len(errors))]})
    runs = []
    for i, own in enumerate(errors):
        for seed, error in enumerate(own):
            told = None if tests is None else float(np.asarray(tests)[i, seed])
            trained = None if np.isnan(error) else Trained(float(error), told)
            runs.append(Run(Job("net", 100, seed, points[i]), 1.0, trained))
    return best_of(runs, points)


def reported(best):
    return [run.trained.reported for run in best.rows]


def test_validation_chooses_and_test_is_reported():
    best = made([[0.3, 0.4], [0.2, 0.3], [0.5, 0.1]], tests=[[1, 2], [3, 4], [5, 6]])
    assert (best.by, best.point, reported(best)) == ("validation", (("width", 2),), [3, 4])
    assert best.margin == pytest.approx(0.3 / 0.25)
    assert best.edges == ()
    assert best.steps == {"width": 2.0}


def test_other_seeds_choose_where_there_is_one_error():
    best = made([[0.1, 0.5, 0.5], [0.3, 0.3, 0.3]])
    assert best.by == "other seeds"
    assert reported(best) == [0.3, 0.5, 0.5]  # the first seed's 0.1 had no part in choosing for itself


def test_the_least_of_the_errors_reported_is_too_low_and_ours_is_not():
    """All models are equally good: what is reported of the best has to be what all of them have."""
    rng = np.random.default_rng(0)
    ours, itself, by_validation = [], [], []
    for _ in range(400):
        errors = 1.0 + 0.1 * rng.standard_normal((8, 3))
        ours.append(np.mean(reported(made(errors))))
        by_validation.append(np.mean(reported(made(errors, tests=1.0 + 0.1 * rng.standard_normal((8, 3))))))
        itself.append(errors[errors.mean(1).argmin()].mean())
    allowed = 4 * 0.1 / np.sqrt(400 * 3)
    assert abs(np.mean(by_validation) - 1.0) < allowed
    assert abs(np.mean(ours) - 1.0) < allowed
    assert np.mean(itself) < 1.0 - 5 * allowed


def test_one_seed_and_one_error_are_chosen_by_themselves():
    assert made([[0.2], [0.1]]).by == "itself"
    assert made([[0.2, 0.3]]).by == "nothing"


def test_a_model_that_lacks_a_seed_is_left_out():
    best = made([[0.1, np.nan], [0.3, 0.4]])
    assert best.point == (("width", 2),)
    assert made([[np.nan], [np.nan]]) is None


@pytest.mark.parametrize(("good", "side"), [(0, "smallest"), (2, None), (4, "largest")])
def test_the_edge_of_the_grid_is_told(good, side):
    errors = np.full((5, 2), 0.5)
    errors[good] = 0.1
    assert [edge.side for edge in made(errors).edges] == ([side] if side else [])


def test_names_without_an_order_have_no_edge():
    points = points_of({"optimizer": ["adam", "sgd"], "width": [1, 2, 4], "depth": [2]})
    errors = np.full((6, 1), 0.5)
    errors[1] = 0.1
    best = made(errors, points=points)
    assert dict(best.point) == {"optimizer": "adam", "width": 2, "depth": 2}
    assert best.edges == ()
    assert set(best.steps) == {"width"}
