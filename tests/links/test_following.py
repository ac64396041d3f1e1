"""The verdict: right on tasks of which the truth is known, and open where runs cannot tell."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

from forecaster.links.fit import fit_link
from forecaster.links.following import FEWEST_RUNS, FOLLOWS, NOT, UNKNOWN, following, lowest, ruled
from forecaster.links.link import Link, Runs

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
LOSS = np.linspace(1.8, 3.2, 24)
ONE = np.ones(1)
GOOD = {"k": 0.1, "surprise": 0.5, "gain": 20.0, "order_chance": 1e-6, "explained": 0.9, "moved_chance": 1e-9}


def of_link(loss=LOSS):
    return Link(0.15 * ONE, 0.75 * ONE, 2.4 * ONE, 0.2 * ONE, ONE).at(loss)[0]


RATES = {  # the second to last is the first turned back where it is hidden, the last as unequal without any connection
    FOLLOWS: of_link(),
    NOT: np.where(LOSS[8] > LOSS, of_link(2 * LOSS[8] - LOSS), of_link()),
    "unrelated": np.random.default_rng(3).permutation(of_link()),
    UNKNOWN: np.full(24, 0.75),
}


@pytest.mark.parametrize("rate", RATES)
def test_verdicts_where_the_truth_is_plain(rate):
    rng = np.random.default_rng(11)
    runs = Runs(LOSS, rng.binomial(1500, RATES[rate]) / 1500, np.full(24, 1500.0))
    found = following(runs, 0.75, fit_link(runs, 0.75, rng), rng)
    assert found.verdict == (NOT if rate == "unrelated" else rate)
    assert found.hidden.sum() == 8
    assert LOSS[found.hidden].max() < LOSS[~found.hidden].min()
    if rate == FOLLOWS:
        assert found.inside >= 0.5
        assert found.explained > 0.9
    assert (found.forecast[1] <= found.forecast[0]).all()
    assert (found.forecast[0] <= found.forecast[2]).all()


def test_few_runs_cannot_tell():
    few = FEWEST_RUNS - 1
    runs = Runs(LOSS[:few], of_link()[:few], np.full(few, np.nan))
    rng = np.random.default_rng(12)
    found = following(runs, None, fit_link(runs, None, rng), rng)
    assert (found.verdict, found.why) == (UNKNOWN, "few")
    assert not found.hidden.any()


@pytest.mark.parametrize(
    ("change", "verdict", "why"),
    [
        ({}, FOLLOWS, "foretold"),
        ({"k": 0.9}, UNKNOWN, "draws"),
        ({"surprise": 0.001}, NOT, "missed"),
        ({"gain": 0.1}, UNKNOWN, "open"),
        ({"order_chance": 0.2}, UNKNOWN, "open"),
        ({"explained": 0.1}, NOT, "unexplained"),
        ({"explained": 0.1, "moved_chance": np.nan}, UNKNOWN, "open"),
        ({"explained": 0.1, "moved_chance": 0.4}, UNKNOWN, "open"),
    ],
)
def test_each_part_of_the_rule_can_change_the_verdict(change, verdict, why):
    assert ruled(GOOD | change) == (verdict, why)


def test_a_third_is_hidden_whatever_the_order():
    loss = np.random.default_rng(1).permutation(np.arange(10.0))
    assert set(loss[lowest(loss)]) == {0.0, 1.0, 2.0}


@pytest.mark.slow
def test_verdicts_are_seldom_wrong():
    """Of 40 tasks of each kind; a rate of 10 % shows more than 8 with a chance below 2 %."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        benchmark = importlib.import_module("downstream")
    rows = {world: benchmark.row_of(world, 40, seed=0) for world in benchmark.WORLDS}
    most = 8 / 40
    assert rows["follows"]["not"] <= most
    assert rows["learned"]["not"] <= most
    assert rows["follows"]["follows"] > 0.5
    for world in ("unrelated", "jump", "turns back"):
        assert rows[world]["follows"] <= most, world
