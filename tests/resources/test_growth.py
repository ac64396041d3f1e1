"""What runs take as the data grows, from a table to numbers at other sizes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from helpers import synthetic
from helpers.unchecked import unchecked

import forecaster
from forecaster.curves.reading.read import read_curves
from forecaster.domains.loading import load_card
from forecaster.errors import RequestError
from forecaster.prediction.curve_keys import CurveKey
from forecaster.resources.spent import grid_variance, growth_of, line_of

HESTNESS = (  # card, multiple of the data, multiple of the model (Hestness et al. 2019, Table 1)
    ("word-language-modelling", 100, 23),
    ("character-language-modelling", 971, 456),
    ("machine-translation", 750, 90),
    ("speech-recognition", 33, 6.6),
    ("image-classification-top1", 81, 12),
)
SIGMA, EXPONENT = 1e-3, 0.7


def grid(architectures=("a", "b"), sigma=SIGMA, exponent=EXPONENT, **more):
    """A posterior of curves of best models, with what their runs took."""
    sizes = [1e5, 2e5, 4e5, 8e5, 16e5]
    posterior = synthetic.posterior(
        {name: synthetic.values(4000, seed=k) for k, name in enumerate(architectures)}, sizes=sizes
    )
    table = posterior.curves.table.copy()
    params = sigma * table["n"] ** exponent
    added = {"params": params, "compute": 6.0 * params * table["n"], "gpu_hours": 1e-9 * params * table["n"], **more}
    curves = read_curves(table.assign(**added))
    return type(posterior)(posterior.tree, curves, posterior.cards)


@pytest.mark.parametrize(("card", "data", "model"), HESTNESS)
def test_priors_give_the_paper_s_models_for_the_paper_s_data(card, data, model):
    exponent = load_card(card).growth["params"].location
    assert data**exponent == pytest.approx(model, rel=0.025)  # as it is printed, to two digits


def test_exact_laws_are_found_and_carried_on():
    posterior = grid()
    found = forecaster.growth(posterior, [1e8])
    table = found.table.set_index(["architecture", "quantity"])
    params = SIGMA * 1e8**EXPONENT
    assert table.loc[("a", "params"), "yhat"] == pytest.approx(params, rel=0.05)
    assert table.loc[("b", "compute"), "yhat"] == pytest.approx(6.0 * params * 1e8, rel=0.1)
    exponents = found.exponents.set_index(["architecture", "quantity"])["exponent"]
    assert exponents["a", "params"] == pytest.approx(EXPONENT, abs=0.02)
    assert exponents["a", "gpu_hours"] == pytest.approx(1.0 + EXPONENT, abs=0.03)
    within = (table["yhat_lower"] < table["yhat"]) & (table["yhat"] < table["yhat_upper"])
    assert within.all()


def test_one_model_all_along_has_no_size_that_grows_but_a_compute_that_does():
    posterior = grid(params=1e6)
    quantities = set(forecaster.growth(posterior).table["quantity"])
    assert quantities == {"compute", "gpu_hours"}
    with pytest.raises(RequestError, match="params"):
        forecaster.growth(synthetic.posterior({"a": synthetic.values()}))


def test_draws_go_with_those_of_the_error():
    posterior = grid()
    key = CurveKey(*synthetic.GROUP, "a")
    line = line_of(posterior, key, "params")
    assert line is not None
    assert len(line.slope) == posterior.draws
    assert line is growth_of(posterior, key.group)["params"].lines["a"]
    far = line.along(np.where(np.arange(posterior.draws) % 2 == 0, np.inf, np.log(1e7)))
    assert np.isinf(far[::2]).all()
    assert np.exp(np.median(far[1::2])) == pytest.approx(SIGMA * 1e7**EXPONENT, rel=0.05)
    assert line_of(posterior, key, "seconds") is None


def test_a_grid_of_doublings_is_known_to_a_step():
    assert grid_variance(np.log([1.0, 1.0, 2.0, 4.0, 4.0, 8.0])) == pytest.approx(np.log(2.0) ** 2 / 12.0)
    assert grid_variance(np.zeros(4)) == 0.0


def test_refusals():
    ask = unchecked(forecaster.growth)
    for options, match in (({"at": [-1.0]}, "at"), ({"level": 1.0}, "level")):
        with pytest.raises(RequestError, match=match):
            ask(grid(), **options)
    with pytest.raises(RequestError, match="posterior"):
        ask(pd.DataFrame())
