"""A forecast in test cases: powers by binomial sums of SciPy, chances by simulation, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import synthetic
from helpers.unchecked import unchecked
from scipy import stats

import forecaster
from forecaster.errors import RequestError

LAST = synthetic.SIZES[-1]


@pytest.fixture(scope="module")
def sure():
    """A curve that is known."""
    return synthetic.posterior({"net": synthetic.values(level=-2.0, exponent=0.4)})


@pytest.fixture(scope="module")
def unsure():
    """A curve whose exponent, and so whose future, is not."""
    return synthetic.posterior({"net": synthetic.values(level=-2.0, exponent=0.3, sd={"log_exponent": 0.6})})


def errors_at(posterior, *sizes):
    """Median average errors."""
    return forecaster.forecast(posterior, sizes, kind="mean").table["yhat"].to_numpy()


def test_the_power_is_that_of_mcnemars_test(sure):
    """Summed over all outcomes: how many cases differ, and how many of those go which way."""
    now, then = errors_at(sure, LAST, 10 * LAST)
    row = forecaster.forecast_in_cases(sure, [10 * LAST]).table.iloc[0]
    apart = now * (1 - then) + then * (1 - now)
    assert row["discordance"] == pytest.approx(apart)

    def power(m):
        differ = np.arange(1, m + 1)
        wins = 0.5 * (1.0 + (now - then) / apart)
        shown = []
        for d in differ:
            k = np.arange(d + 1)
            p = 2.0 * stats.binom.cdf(k, d, 0.5)  # two-sided, of so few cases that the better one alone gets wrong
            shown.append(stats.binom.pmf(k, d, 1.0 - wins)[p <= 0.05].sum())
        return float(stats.binom.pmf(differ, m, apart) @ np.array(shown))

    assert row["power"] == pytest.approx(power(int(row["cases"])), abs=1e-9)
    assert row["power"] >= 0.8 > power(int(0.9 * row["cases"]))
    assert row["p_seen"] == pytest.approx(row["power"], abs=1e-6)  # nothing else is possible
    assert row["worth"] == np.inf or row["worth"] > 1e9


def test_an_unsure_forecast_may_not_be_seen(unsure):
    row = forecaster.forecast_in_cases(unsure, [10 * LAST]).table.iloc[0]
    assert row["power"] >= 0.8 > row["p_seen"]
    errors = forecaster.forecast(unsure, [10 * LAST], kind="mean").errors([0])[:, 0]
    middle = np.median(errors)
    assert row["worth"] == pytest.approx(middle * (1 - middle) / errors.var(), rel=1e-6)


def test_unpaired_takes_a_test_set_each_and_clusters_more(sure):
    paired, apart, clustered = (
        forecaster.forecast_in_cases(sure, [10 * LAST], **more).table.iloc[0]
        for more in ({}, {"paired": False}, {"cluster_size": 5.0, "correlation": 0.3})
    )
    now, then = errors_at(sure, LAST, 10 * LAST)
    told = forecaster.test_set_size(error_a=now, error_b=then).table.iloc[0]
    assert apart["cases"] == told["cases"]
    assert np.isnan(apart["discordance"])
    assert clustered["cases"] == np.ceil(paired["cases"] * 2.2)


def test_where_labels_go_is_weighed_by_the_chance_of_the_proof(unsure):
    found = forecaster.label_use(unsure, labels=20_000, target=0.13, cases=400)
    table = found.table
    assert table["to_test"].tolist() == [0, 5_000, 10_000, 15_000, 20_000]
    assert (table["to_test"] + table["to_train"] == 20_000).all()
    assert table["n"].tolist() == (LAST + table["to_train"]).tolist()
    rng = np.random.default_rng(0)
    errors = forecaster.forecast(unsure, table["n"].tolist(), kind="mean").errors(range(5))
    for i, row in enumerate(table.to_dict("records")):
        m = int(row["cases"])
        proven = stats.binom.cdf(np.arange(m + 1), m, 0.13) <= 0.05  # by so many wrong cases
        seen = proven[rng.binomial(m, np.resize(errors[:, i], 40_000))]
        assert row["p_proven"] == pytest.approx(seen.mean(), abs=0.01)
        assert row["p_proven"] <= row["p_below"] + 0.05
    best = table[table["best"]]
    assert best["p_proven"].max() == table["p_proven"].max()


def test_a_test_set_that_is_small_gets_the_labels_and_a_large_one_does_not(sure):
    """The error lies just below the target: what is lacking is proof. Or just above: what is lacking is training."""
    below, above = (float(errors_at(sure, LAST)[0]) * factor for factor in (1.05, 0.97))
    small = forecaster.label_use(sure, labels=50_000, target=below, cases=200).table
    large = forecaster.label_use(sure, labels=50_000, target=above, cases=1_000_000).table
    assert not small["best"].iloc[0]
    assert large["best"].iloc[0]
    assert not large["best"].iloc[-1]
    nowhere = forecaster.label_use(sure, labels=10, target=0.01, cases=100)
    assert not nowhere.table["best"].any()
    assert "can prove" in nowhere.text


def test_the_test_set_at_hand_is_that_of_the_curves(sure):
    tested = synthetic.on_test_set(sure, 700)
    assert forecaster.label_use(tested, labels=100, target=0.2).table["cases"].iloc[0] == 700
    with pytest.raises(RequestError, match="found no number of test cases"):
        forecaster.label_use(sure, labels=100, target=0.2)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"at": [LAST]}, "at: found 100000 for vision/top-1/net"),
        ({"at": [np.inf]}, "at: found inf"),
        ({"power": 80}, "power: found 80"),
        ({"confidence": 1.0}, "confidence: found 1"),
        ({"level": 0.0}, "level: found 0"),
        ({"discordance": 0.9}, "discordance: found 0.9"),
        ({"cluster_size": 0.0}, "cluster_size: found 0"),
        ({"curves": ["unheard-of"]}, "unheard-of"),
    ],
)
def test_what_a_forecast_cannot_be_asked_is_refused(sure, asked, says):
    with pytest.raises(RequestError, match=says):
        unchecked(forecaster.forecast_in_cases)(sure, **({"at": [10 * LAST]} | asked))


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"labels": 0}, "labels: found 0"),
        ({"labels": 10.5}, "labels: found 10.5"),
        ({"target": 2.0}, "target: found 2"),
        ({"cases": 0}, "cases: found 0"),
        ({"confidence": 95}, "confidence: found 95"),
    ],
)
def test_labels_that_cannot_be_placed_are_refused(sure, asked, says):
    with pytest.raises(RequestError, match=says):
        unchecked(forecaster.label_use)(sure, **({"labels": 100, "target": 0.2, "cases": 500} | asked))


def test_losses_have_no_wrong_cases():
    losses = synthetic.posterior({"net": synthetic.values(level=0.5)}, card="generic-loss")
    with pytest.raises(RequestError, match="no shares of cases"):
        forecaster.forecast_in_cases(losses, [10 * LAST])
