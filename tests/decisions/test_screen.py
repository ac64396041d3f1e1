"""What may be dropped, against chances in closed form, and how often that loses the best where draws are right."""

from __future__ import annotations

import json

import numpy as np
import pytest
from helpers import synthetic
from scipy import stats

from forecaster.cli import values
from forecaster.cli.console import print_result
from forecaster.decisions.screen import MARGIN, drops, prose, screen
from forecaster.errors import OptionError, RequestError
from forecaster.results.wording import Units

TARGET = 1e6
STEEP = {"exponent": 0.3, "log_break": -20.0, "floor_logit": -20.0}


def group(levels, sd=0.05, **more):
    """Power laws of one exponent, whose levels are known to ``sd``, all apart."""
    drawn = {
        f"net-{k}": synthetic.values(2000, level=level, sd={"level": sd}, seed=k, **(STEEP | more))
        for k, level in enumerate(levels)
    }
    return synthetic.posterior(drawn)


def test_chances_and_regrets_are_those_of_normals():
    found = screen(group([-2.0, -1.96]), TARGET)
    table = found.table.set_index("architecture")
    gap, sd = 0.04, 0.05 * np.sqrt(2)
    assert table.loc["net-0", "p_best"] == pytest.approx(stats.norm.cdf(gap / sd), abs=0.02)
    near = stats.norm.cdf((np.log1p(MARGIN) - gap) / sd)
    assert table.loc["net-1", "p_within_1pct"] == pytest.approx(near, abs=0.02)
    mean = gap * stats.norm.cdf(gap / sd) + sd * stats.norm.pdf(gap / sd)  # E max(0, gap), in log
    level = np.exp(-2.0) * 10**-0.3
    assert table.loc["net-1", "regret_mean"] == pytest.approx(level * mean, rel=0.06)
    q90 = gap + stats.norm.ppf(0.9) * sd
    assert table.loc["net-1", "regret_q90"] == pytest.approx(level * (np.exp(q90) - 1.0), rel=0.1)


def test_what_is_dropped_keeps_to_the_risk_and_the_next_would_not():
    rng = np.random.default_rng(0)
    log_error = np.linspace(0.0, 0.4, 9)[:, None] + 0.12 * rng.standard_normal((9, 20_000))
    dropped, lost = drops(log_error, np.ones(9, dtype=bool), 0.05)
    assert dropped.tolist() == sorted(dropped.tolist())  # the worst are dropped
    assert 0 < lost <= 0.05
    best, kept = log_error[dropped].min(0), log_error[~dropped].min(0)
    assert lost == pytest.approx(np.mean(best < kept + np.log1p(-MARGIN)))
    more = dropped.copy()
    more[np.flatnonzero(~dropped)[-1]] = True
    assert np.mean(log_error[more].min(0) < log_error[~more].min(0) + np.log1p(-MARGIN)) > 0.05
    assert drops(log_error, np.ones(9, dtype=bool), 0.2)[0].sum() > dropped.sum()
    assert drops(log_error, np.arange(9) < 8, 0.05)[0].tolist()[-1] is False
    assert drops(np.zeros((3, 50)), np.ones(3, dtype=bool), 0.9)[0].sum() == 2  # one is kept, whatever the risk


@pytest.mark.parametrize(("claimed", "within"), [(1.0, True), (0.4, False)])
def test_the_best_is_lost_as_seldom_as_is_said_and_more_often_by_draws_too_narrow(claimed, within):
    """400 searches among eight, each forecast with an error of sd 0.3; the twin claims to know it to 0.12."""
    rng, lost = np.random.default_rng(1), 0
    for _ in range(400):
        truth = 0.3 * rng.standard_normal(8)
        middle = truth + 0.3 * rng.standard_normal(8)
        middle, sd = 0.5 * middle, 0.3 * np.sqrt(0.5)  # the posterior under the prior that truths come from
        log_error = middle[:, None] + claimed * sd * rng.standard_normal((8, 1000))
        dropped, _ = drops(log_error, np.ones(8, dtype=bool), 0.1)
        lost += truth[dropped].min(initial=np.inf) < truth[~dropped].min() + np.log1p(-MARGIN)
    assert (lost / 400 <= stats.binom.ppf(0.99, 400, 0.1) / 400) == within


def test_several_looks_share_one_risk():
    posterior = group([-2.0, -1.9, -1.87, -1.8], sd=0.05)
    first = screen(posterior, TARGET, risk=0.1)
    assert 0 < first.risk <= 0.1
    assert first.spent == first.risk
    second = screen(posterior, TARGET, risk=0.1, spent=first.spent)
    assert second.spent <= 0.1
    assert second.spent == pytest.approx(first.spent + second.risk)
    assert (second.table["verdict"] == "drop").sum() < (first.table["verdict"] == "drop").sum()
    assert (screen(posterior, TARGET, risk=0.1, spent=0.5).table["verdict"] == "keep").all()


def test_a_curve_that_has_not_left_small_data_is_too_early_to_drop_unless_it_is_hopeless():
    """All three would be dropped by their chances; the early one of 2 to 5 % is not, as little shows yet."""
    drawn = {
        "good": synthetic.values(4000, level=-2.0, sd={"level": 0.02}),
        "bad": synthetic.values(4000, level=-1.0, sd={"level": 0.02}, seed=1),
        "early": synthetic.values(4000, level=-1.3, log_break=5.5, sd={"level": 0.02, "log_exponent": 0.8}, seed=2),
        "hopeless": synthetic.values(4000, level=-0.5, log_break=5.5, sd={"level": 0.02}, seed=3),
    }
    found = screen(synthetic.posterior(drawn), TARGET)
    table = found.table.set_index("architecture")
    assert 0.01 < table.loc["early", "p_best"] < 0.05
    assert table["verdict"].to_dict() == {"good": "keep", "bad": "drop", "early": "undecided", "hopeless": "drop"}
    assert "too-early" in [one.id for one in messages(found)]
    assert table["note"].astype(bool).to_dict() == {"good": False, "bad": False, "early": True, "hopeless": False}


def messages(found, risk=0.05):
    """The messages of a screening of one group."""
    return prose(found.table.to_dict("records"), found.risk, 0.0, risk, Units("rows", "error rate", percent=True))


def test_costs_are_those_of_what_is_left():
    posterior = group([-2.0, -1.98, -1.0], sd=0.05)
    found = screen(posterior, TARGET, costs={"net-0": 0.02, "net-1": 0.05, "net-2": 7.0})
    table = found.table.set_index("architecture")
    assert table["cost_to_resolve"].to_dict() == pytest.approx({"net-0": 2e4, "net-1": 5e4, "net-2": 0.0})
    assert found.cost_to_resolve == pytest.approx(7e4)
    alone = screen(group([-2.0, -1.0], sd=0.02), TARGET)
    assert alone.cost_to_resolve == 0.0  # one is left: nothing to resolve
    with pytest.raises(RequestError, match="net-2"):
        screen(posterior, TARGET, costs={"net-0": 1.0, "net-1": 1.0})


def test_groups_are_screened_apart_and_candidates_may_be_chosen():
    levels = {"vision/a/x": -2.0, "vision/a/y": -1.0, "vision/b/x": -1.0, "vision/b/y": -2.0}
    drawn = {name: synthetic.values(400, level=v, sd={"level": 0.02}, **STEEP) for name, v in levels.items()}
    table = screen(synthetic.posterior(drawn), TARGET).table
    dropped = table[table["verdict"] == "drop"]
    assert sorted(zip(dropped["task"], dropped["architecture"], strict=True)) == [("a", "y"), ("b", "x")]
    three = group([-2.0, -1.9, -1.0], sd=0.02)
    assert screen(three, TARGET, curves=["net-1", "net-2"]).table["architecture"].tolist() == ["net-1", "net-2"]


def test_tables_json_terminal_and_figure(digits_posterior, capsys):
    found = screen(digits_posterior, 12_000, risk=0.1)
    assert not found.columns["table"].faults(found.table.columns)
    assert found.table["p_best"].sum() == pytest.approx(1.0)
    told = json.loads(found.to_json())
    assert told["risk"] == found.risk
    assert told["cost_to_resolve"] == found.cost_to_resolve
    ids = [one.id for one in messages(found, 0.1)]
    assert ids[0] in ("drop", "drop-nothing")
    assert ids[1:3] == ["left", "choose-now"]
    print_result(found)
    assert "verdict" in capsys.readouterr().out
    assert found.plot().axes


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"at": -1.0}, "positive size"),
        ({"risk": 0.0}, "between 0 and 1"),
        ({"risk": 5.0}, "between 0 and 1"),
        ({"spent": -0.1}, "spent"),
        ({"costs": -1.0}, "costs"),
        ({"curves": ["net-0"]}, "nothing to screen"),
    ],
)
def test_what_cannot_be_screened_is_refused(options, said):
    with pytest.raises(RequestError, match=said):
        screen(group([-2.0, -1.0]), **({"at": TARGET} | options))


def test_costs_on_the_command_line():
    assert values.costs([]) == (1.0, {})
    assert values.costs(["0.02", "mlp=0.05"]) == (0.02, {"mlp": 0.05})
    for wrong in ("mlp", "mlp=", "mlp=-1"):
        with pytest.raises(OptionError, match="--cost"):
            values.costs([wrong])


def test_new_cases_count_where_the_test_set_is_known(digits_posterior):
    """An unknown offset of each architecture makes the best one less sure, and no drop more."""
    found, mean = (screen(digits_posterior, 4800, kind=kind) for kind in (None, "mean"))
    assert found.table.equals(screen(digits_posterior, 4800, kind="new-cases").table)
    assert found.table["p_best"].max() < mean.table["p_best"].max()
    assert (found.table["verdict"] == "drop").sum() <= (mean.table["verdict"] == "drop").sum()
