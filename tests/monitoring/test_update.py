"""New measurements: judged by the old forecast, then fitted; what moved."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from helpers import synthetic

from forecaster.errors import RequestError
from forecaster.monitoring.update import judged_rows, summary, surprises, update
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.forecast import forecast

KEY = CurveKey(*synthetic.GROUP, "cnn")


@pytest.fixture(scope="module")
def held():
    drawn = synthetic.values(2000, log_drift=-3.5, log_noise=np.log(0.03), sd={"level": 0.01, "log_exponent": 0.1})
    return synthetic.posterior({"cnn": drawn})


def rows(posterior, factor, n=(3e5, 1e6)):
    """New rows at the median forecast times ``factor``."""
    middle = forecast(posterior, list(n)).table["yhat"].to_numpy()
    return pd.DataFrame(
        {"domain": "vision", "task": "top-1", "architecture": "cnn", "n": n, "error": factor * middle, "seed": 0}
    )


def test_measurements_as_forecast_pass_and_others_do_not(held):
    usual = judged_rows(held, KEY, rows(held, 1.0), 0.8, seed=0)
    assert (usual["p_value"] > 0.3).all()
    assert (usual["yhat_lower"] < usual["error"]).all()
    assert (usual["error"] < usual["yhat_upper"]).all()
    assert [(c.id, c.verdict, c.message.id) for c in surprises(usual)] == [("new-measurements", "PASS", "as-forecast")]
    assert summary(usual).id == "all-as-forecast"
    odd = judged_rows(held, KEY, rows(held, 1.6), 0.8, seed=0)
    (said,) = surprises(odd)
    assert (said.verdict, said.message.id, said.message.values["n"]) == ("REVIEW", "surprising", 3e5)
    assert summary(odd).id == "some-surprising"
    assert {k: summary(odd).values[k] for k in ("sizes", "curves", "surprising")} == {
        "sizes": 2,
        "curves": 1,
        "surprising": 1,
    }
    assert odd["p_joint"].iloc[0] < 0.01
    assert odd["ess"].iloc[0] < usual["ess"].iloc[0]


def test_a_second_measurement_is_judged_given_the_first(held):
    """A curve that lies high at the first new size is expected high at the next."""
    alone = judged_rows(held, KEY, rows(held, 1.15, [1e6]), 0.8, seed=0).iloc[-1]
    after = judged_rows(held, KEY, rows(held, 1.15), 0.8, seed=0).iloc[-1]
    assert after["yhat"] > alone["yhat"]
    assert after["p_value"] > alone["p_value"]


def test_an_update_says_what_moved(digits_curves):
    """Two of three learners measured at a larger size; the third's forecast stays about where it was."""
    table = digits_curves.table
    last = table["n"] == table["n"].max()
    kept, fresh = digits_curves.with_rows(table[~last]), table[last & (table["architecture"] != "mlp")]
    from forecaster.inference.cache import fit_cached

    before = fit_cached(kept, seed=0)
    found = update(before, fresh, at=[4e3], target=0.01, seed=0)
    assert found.posterior is not None
    assert len(found.posterior.curves.table) == len(table) - int((last & (table["architecture"] == "mlp")).sum())
    assert set(found.judged["architecture"]) == {"nearest-neighbours", "rbf-svm"}
    moved = found.table.set_index(["architecture", "quantity"])
    assert set(moved.index.get_level_values("quantity")) == {"forecast", "requirement", "p_best"}
    old = forecast(before, [4e3]).table.set_index("architecture")["yhat"]
    new = forecast(found.posterior, [4e3]).table.set_index("architecture")["yhat"]
    for name in old.index:
        row = moved.loc[(name, "forecast")]
        assert row["before"] == pytest.approx(old[name], rel=1e-6)
        assert row["after"] == pytest.approx(new[name], rel=1e-6)
    assert abs(moved.loc[("mlp", "forecast"), "moved_sd"]) < 0.5
    chances = found.table[found.table["quantity"] == "p_best"]
    assert chances[["before", "after"]].sum().to_numpy() == pytest.approx([1.0, 1.0])
    said = json.loads(found.to_json())
    assert (said["command"], len(said["judged"])) == ("update", len(found.judged))


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (pd.DataFrame(columns=["domain", "task", "architecture", "n", "error"]), "found none"),
        (pd.DataFrame({"architecture": ["cnn"], "n": [1e6]}), "found no column error"),
        (
            pd.DataFrame({"domain": ["speech"], "architecture": ["cnn"], "n": [1e6], "error": [0.1]}),
            "found speech/top-1",
        ),
    ],
)
def test_rows_that_cannot_be_used_are_refused(held, new, said):
    with pytest.raises(RequestError, match=said):
        update(held, new)
