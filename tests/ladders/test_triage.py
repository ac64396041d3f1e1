"""triage: Ng's examples, intervals that hold at their level, what the curve adds, and what is refused."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from helpers import synthetic
from helpers.unchecked import unchecked
from scipy import stats
from typer.testing import CliRunner

import forecaster
from forecaster.cli.main import app
from forecaster.errors import OptionError, RequestError
from forecaster.ladders.gaps import BIAS, MISMATCH, OVERUSE, VARIANCE, gaps_of
from forecaster.ladders.rung import Rung, rung_of

LEVEL = 0.8
BIGGER, MORE = "a bigger model, or longer training", "more data"
LIKE, NEW = "more data like the target", "a new dev set"


def supported(found):
    """The actions that are supported."""
    return set(found.actions[found.actions["verdict"] == "supported"]["action"])


# Ng's examples ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("errors", "reads"),
    [
        # the lecture: with people at 1 % it is bias, with people at 7.5 % variance
        ({"human": 0.01, "train": 0.08, "train_dev": 0.10}, {BIGGER}),
        ({"human": 0.075, "train": 0.08, "train_dev": 0.10}, {MORE}),
        # Machine Learning Yearning, chapter 20
        ({"human": 0.0, "train": 0.01, "train_dev": 0.11}, {MORE}),
        ({"human": 0.0, "train": 0.15, "train_dev": 0.16}, {BIGGER}),
        ({"human": 0.0, "train": 0.15, "train_dev": 0.30}, {BIGGER, MORE}),
        ({"human": 0.0, "train": 0.005, "train_dev": 0.01, "matter": 0.01}, set()),  # it is doing well
        # chapter 21: speech in noise that people get wrong as well
        ({"human": 0.14, "train": 0.15, "train_dev": 0.30}, {MORE}),
        # chapters 40 and 41
        ({"human": 0.0, "train": 0.01, "train_dev": 0.015, "dev": 0.10}, {LIKE}),
        ({"human": 0.0, "train": 0.01, "train_dev": 0.05, "dev": 0.05}, {MORE}),
        ({"human": 0.0, "train": 0.10, "train_dev": 0.11, "dev": 0.12}, {BIGGER}),
        ({"human": 0.0, "train": 0.10, "train_dev": 0.11, "dev": 0.20}, {BIGGER, LIKE}),
        # the lecture on dev sets: the test error is far above that of the set that choices were made on
        ({"human": 0.0, "train": 0.01, "train_dev": 0.015, "dev": 0.02, "test": 0.10}, {NEW}),
    ],
)
def test_examples_are_read_as_their_author_reads_them(errors, reads):
    found = forecaster.triage(**errors)
    assert supported(found) == reads
    cases = {name: (value, 50_000) if name != "matter" else value for name, value in errors.items()}
    assert supported(forecaster.triage(**cases)) == reads


def test_few_cases_cannot_tell():
    """8 and 10 % of 100 cases each may be the same; from the training to the dev error there are two causes."""
    few = forecaster.triage(human=0.075, train=(0.08, 100), train_dev=(0.10, 100)).actions.set_index("action")
    assert few.loc[[MORE, BIGGER], "verdict"].tolist() == ["cannot tell", "cannot tell"]
    assert few.loc[[LIKE, NEW], "verdict"].tolist() == ["cannot tell", "cannot tell"]
    assert few.loc[[LIKE, NEW], "p_matters"].isna().all()
    both = forecaster.triage(human=0.0, train=0.01, dev=0.11)
    assert both.table["cause"].tolist()[2] == f"{VARIANCE} or {MISMATCH}"
    verdicts = both.actions.set_index("action")["verdict"]
    assert verdicts[[MORE, LIKE, BIGGER]].tolist() == ["cannot tell", "cannot tell", "not supported"]


# Intervals -------------------------------------------------------------------------------------------

RATES = np.exp(np.linspace(np.log(0.02), np.log(0.5), 40))


@pytest.mark.parametrize("level", [0.8, 0.95])
@pytest.mark.parametrize("cases", [50, 200, 1_000, 5_000, 50_000])
def test_intervals_of_rungs_hold_at_their_level_averaged_over_rates(cases, level):
    """Exact binomial sums, over the counts that have any probability."""
    held = []
    for rate in RATES:
        low, high = stats.binom.ppf([1e-9, 1.0 - 1e-9], cases, rate)
        step = max(int((high - low) // 120), 1)  # of many counts, every so many: the interval's ends move smoothly
        counts = np.arange(low, high + 1.0, step)
        inside = [a <= rate <= b for a, b in (Rung("dev", k / cases, float(cases)).interval(level) for k in counts)]
        mass = stats.binom.pmf(counts, cases, rate)
        held.append(mass[inside].sum() / mass.sum())
    assert np.mean(held) == pytest.approx(level, abs=0.02)


@pytest.mark.parametrize("cases", [50, 1_000, 50_000])
def test_intervals_of_gaps_hold_at_their_level_averaged_over_rates(cases):
    """Simulated test sets, a seed for all of them: 2 points are two and a half standard errors."""
    rng, held = np.random.default_rng(cases), []
    for low, high in np.exp(rng.uniform(np.log(0.02), np.log(0.5), (2_400, 2))):
        wrong = rng.binomial(cases, (low, high))
        one, other = (Rung(name, k / cases, float(cases)) for name, k in zip(("train", "dev"), wrong, strict=True))
        (gap,) = gaps_of([one, other], 0, 1_000)
        ends = np.quantile(gap.draws, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
        held.append(ends[0] <= high - low <= ends[1])
    assert np.mean(held) == pytest.approx(LEVEL, abs=0.02)


def test_losses_have_students_intervals():
    rung = rung_of("dev", "2.31:1.2:400")
    assert rung.interval(0.95) == pytest.approx(stats.t.interval(0.95, 399, 2.31, 1.2 / 20))
    found = forecaster.triage(human=2.0, train=(2.2, 1.1, 500), dev=(2.31, 1.2, 400)).table
    gap = found.iloc[2]
    wide = stats.norm.ppf(0.9) * np.hypot(1.1 / np.sqrt(500), 1.2 / 20)
    assert [gap["gap_lower"], gap["gap_upper"]] == pytest.approx([0.11 - wide, 0.11 + wide], abs=0.003)


def test_a_shared_rung_is_the_same_draw_in_both_gaps():
    """Where the training error is uncertain, what it adds to one gap it takes off the other."""
    rungs = [rung_of("human", 0.01), rung_of("train", (0.1, 60)), rung_of("train-dev", (0.2, 10_000))]
    one, other = gaps_of(rungs, 0)
    assert np.corrcoef(one.draws, other.draws)[0, 1] < -0.95
    assert (one.draws + other.draws).std() == pytest.approx(np.sqrt(0.2 * 0.8 / 10_000), rel=0.05)


def test_chances_are_shares_of_draws():
    table = forecaster.triage(human="1/100", train="8/100", train_dev="16/100", dev="25/100", test="25/100").table
    assert table["p_largest"].iloc[1:].sum() == pytest.approx(1.0)
    assert table["cause"].tolist()[1:] == [BIAS, VARIANCE, MISMATCH, OVERUSE]
    a, b = (stats.beta(k + 0.5, 100 - k + 0.5) for k in (8, 16))
    x = np.linspace(0.0, 1.0, 20_001)
    exact = np.trapezoid(a.cdf(x) * b.pdf(x), x)
    assert table["p_positive"].iloc[2] == pytest.approx(exact, abs=0.01)


# The curve -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def curves():
    """Two curves with floors of 5 % of their error at the largest size."""
    drawn = {name: synthetic.values(level=level, sd={"level": 0.01}) for name, level in (("a", -2.0), ("b", -3.0))}
    return synthetic.posterior(drawn)


def test_the_curve_says_what_more_data_removes(curves):
    error = forecaster.forecast(curves, [1e5, 2e5, 1e6], curves=["a"]).table["yhat"].to_numpy()
    rungs = {"human": 0.001, "train": 0.04, "train_dev": float(error[0])}
    found = forecaster.triage(**rungs, posterior=curves, architecture="a")
    ahead = found.more_data.set_index("factor")
    assert ahead["n"].tolist()[:2] == [2e5, 1e6]
    np.testing.assert_allclose(ahead["yhat"].iloc[:2], error[1:])
    np.testing.assert_allclose(ahead["removed"].iloc[:2], error[0] - error[1:], rtol=1e-3)
    share = (error[0] - error[1:]) / (error[0] - 0.04)
    np.testing.assert_allclose(ahead["share"].iloc[:2], np.minimum(share, 1.0), rtol=1e-3)
    assert found.stays["median"] == pytest.approx(ahead["yhat"].iloc[2] - 0.001, rel=1e-6)
    assert json.loads(found.to_json())["more_data"][2]["factor"] == "inf"
    assert "that of the curve there" not in found.text
    elsewhere = forecaster.triage(train=0.04, dev=(0.5, 2_000), posterior=curves, architecture="a")
    assert "that of the curve there" in elsewhere.text
    later = forecaster.triage(**rungs, posterior=curves, architecture="a", n=2e5).more_data
    assert later["n"].iloc[0] == 4e5
    no_gap = forecaster.triage(train_dev=0.09, dev=0.1, posterior=curves, architecture="a")
    assert no_gap.more_data["share"].isna().all()
    assert no_gap.stays == {}


# What is refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({}, "found none; expected two errors"),
        ({"train": 0.1}, "found train; expected two errors"),
        ({"train": "8 %", "dev": 0.1}, "train: found 8 %"),
        ({"train": 0.1, "dev": "10:2000"}, "dev: found 10:2000, a share of 10"),
        ({"train": 0.1, "dev": "0.1:0"}, "dev: found 0.1:0, of 0 cases"),
        ({"train": 0.1, "dev": "3/2"}, "dev: found 3/2, a share of 1.5"),
        ({"train": 0.1, "dev": "1/0"}, "dev: found 1/0, of 0 cases"),
        ({"train": 0.1, "dev": "1/2/3"}, "dev: found 1/2/3"),
        ({"train": -0.1, "dev": 0.1}, "train: found -0.1"),
        ({"train": float("nan"), "dev": 0.1}, "train: found nan"),
        ({"train": (1.0, -2.0, 10), "dev": 0.1}, "train: found"),
        ({"train": (2.3, 1.0, 10), "dev": "0.1:50"}, r"losses \(train\) beside rates of cases \(dev\)"),
        ({"train": 2.3, "dev": "0.1:50"}, r"losses \(train\) beside rates of cases \(dev\)"),
        ({"train": 0.1, "dev": 0.2, "level": 80}, "level: found 80"),
        ({"train": 0.1, "dev": 0.2, "matter": -1.0}, "matter: found -1"),
        ({"train": 0.1, "dev": 0.2, "n": 100.0}, "n: found no curves"),
        ({"train": 0.1, "dev": 0.2, "architecture": "a"}, "architecture: found no curves"),
    ],
)
def test_what_cannot_be_a_ladder_is_refused(asked, says):
    with pytest.raises(OptionError, match=says):
        unchecked(forecaster.triage)(**asked)


def test_curves_that_do_not_belong_are_refused(curves):
    with pytest.raises(RequestError, match="found 2 curves"):
        forecaster.triage(train=0.1, dev=0.2, posterior=curves)
    with pytest.raises(RequestError, match="unheard-of"):
        forecaster.triage(train=0.1, dev=0.2, posterior=curves, architecture="unheard-of")
    with pytest.raises(RequestError, match="n: found -1"):
        forecaster.triage(train=0.1, dev=0.2, posterior=curves, architecture="a", n=-1.0)
    losses = synthetic.posterior({"a": synthetic.values(level=0.5, sd={"level": 0.01})}, card="generic-loss")
    with pytest.raises(RequestError, match="found a curve whose errors are no shares of cases"):
        forecaster.triage(train=0.1, dev=0.2, posterior=losses)


# The command line ------------------------------------------------------------------------------------


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments], prog_name="forecaster")


def test_on_the_command_line(tmp_path, curves):
    saved = curves.save(tmp_path / "posterior.nc")
    asked = ["triage", "--human", "0.01", "--train", "0.08:10000", "--dev", "200/2000", "--json"]
    found = json.loads(run(*asked, "--curves", saved, "--architecture", "a", "--n", "100k").stdout)
    same = forecaster.triage(human=0.01, train=(0.08, 10_000), dev="200/2000", posterior=curves, architecture="a")
    assert found["command"] == "triage"
    assert found["table"] == json.loads(same.to_json())["table"]
    assert found["more_data"][0]["n"] == 200_000.0
    figure = tmp_path / "ladder.svg"
    assert run(*asked, "--figure", figure).exit_code == 0
    assert figure.is_file()
    refused = run("triage", "--train", "8 %", "--dev", "0.1")
    assert refused.exit_code == 2
    assert re.search("found 8 %", refused.output)
