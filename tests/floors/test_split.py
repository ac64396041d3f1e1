"""What the floor is made of: parts against truncated Beta distributions; fits with evidence and without it."""

from __future__ import annotations

import json

import msgspec
import numpy as np
import pandas as pd
import pytest
from helpers.synthetic import posterior, values
from helpers.unchecked import unchecked
from scipy import stats
from typer.testing import CliRunner

import forecaster
from forecaster.cli.main import app
from forecaster.domains.floor_evidence import FloorEvidence
from forecaster.errors import RequestError
from forecaster.floors.split import FLOOR, LABELS, PEOPLE, RECIPE, REST, compared, split
from forecaster.inference import cache
from forecaster.inference.posterior import Posterior

BOTH = FloorEvidence.of(human="40/2000", label_noise="20/2000")
SOME = {"level": 0.02, "floor_logit": 0.4}


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize(
    ("evidence", "names"),
    [
        (BOTH, [LABELS, PEOPLE, RECIPE, FLOOR]),
        (FloorEvidence.of(human="40/2000"), [PEOPLE, RECIPE, FLOOR]),
        (FloorEvidence.of(label_noise="20/2000"), [LABELS, REST, FLOOR]),
        (FloorEvidence.of(floor=(0.01, 0.03), because="x"), [FLOOR]),
    ],
)
def test_parts_add_up_to_the_floor_in_every_draw(evidence, names):
    floor = np.exp(np.log(0.02) + 0.8 * rng().standard_normal(5000))
    parts = split(floor, evidence, rng())
    assert list(parts) == names
    np.testing.assert_array_equal(parts[FLOOR], floor)
    if len(parts) > 1:
        np.testing.assert_allclose(sum(v for k, v in parts.items() if k != FLOOR), floor, rtol=1e-12)
    assert all((v >= 0).all() for v in parts.values())


@pytest.mark.parametrize("floor", [0.008, 0.012, 0.5])
def test_wrong_labels_are_no_more_than_the_floor_and_as_probable_as_the_beta_posterior_says(floor):
    drawn = split(np.full(20_000, floor), BOTH, rng())[LABELS]
    share = stats.beta(20.5, 1980.5)
    assert drawn.max() <= floor
    found = stats.kstest(drawn, lambda q: np.minimum(share.cdf(q) / share.cdf(floor), 1.0))
    assert found.pvalue > 1e-3
    twin = stats.kstest(drawn, stats.beta(40.5, 1960.5).cdf)
    assert twin.pvalue < 1e-3


def test_people_get_wrong_what_is_beyond_the_labels():
    """Far below the floor the parts are those of two Beta variables."""
    parts = split(np.full(50_000, 0.5), BOTH, rng())
    human, labels = stats.beta(40.5, 1960.5), stats.beta(20.5, 1980.5)
    assert parts[LABELS].mean() == pytest.approx(labels.mean(), rel=0.01)
    assert (parts[LABELS] + parts[PEOPLE]).mean() == pytest.approx(human.mean(), rel=0.02)
    at_the_floor = split(np.full(1000, 0.004), BOTH, rng())
    assert at_the_floor[RECIPE].max() < 1e-3  # a floor below what people reach leaves nothing to a recipe


def informed(evidence=BOTH, floor_logit=-1.0, **more):
    found = posterior({"a": values(2000, floor_logit=floor_logit, sd=SOME), "b": values(2000, seed=1, sd=SOME)}, **more)
    cards = {group: msgspec.structs.replace(card, floor=evidence) for group, card in found.cards.items()}
    return Posterior(found.tree, found.curves, cards)


def test_the_table_is_of_the_draws_and_both_forecasts_stand_side_by_side():
    plain = posterior({"a": values(2000, sd=SOME | {"floor_logit": 1.0}), "b": values(2000, seed=1, sd=SOME)})
    found = compared(informed(), plain, at=[1e6, 1e7], level=0.9)
    for name, table in found.tables.items():
        found.columns[name].check(table)
    whole = found.table[found.table["part"] == FLOOR].set_index("architecture")
    for name in ("a", "b"):
        drawn = found.posterior.tree.posterior["floor"].sel(curve=f"vision/top-1/{name}").values
        assert whole.loc[name, "error"] == pytest.approx(np.median(drawn))
        assert whole.loc[name, "error_lower"] == pytest.approx(np.quantile(drawn, 0.05))
    assert found.forecasts["evidence"].tolist() == ["with", "without"] * 4
    assert found.forecasts["n"].tolist() == [1e6, 1e6, 1e7, 1e7] * 2
    expected = forecaster.forecast(informed(), [1e6, 1e7], level=0.9).table
    mine = found.forecasts[found.forecasts["evidence"] == "with"]
    np.testing.assert_allclose(mine["yhat"], expected["yhat"])
    assert json.loads(found.to_json())["evidence"] == list(BOTH.said)
    assert len(found.plot().axes) == 2


def test_without_a_size_forecasts_are_ten_times_as_far_as_the_data():
    found = compared(informed(), posterior({"a": values(2000), "b": values(2000)}))
    assert set(found.forecasts["n"]) == {1e6}


def test_evidence_is_asked_for_and_not_beside_a_posterior():
    plain = posterior({"a": values()})
    with pytest.raises(RequestError, match="--human"):
        forecaster.floor(plain)
    with pytest.raises(RequestError, match=r"posterior\.curves"):
        forecaster.floor(plain, BOTH)
    with pytest.raises(RequestError, match="--human"):
        forecaster.floor(plain.curves)
    with pytest.raises(RequestError, match=r"curves\.csv"):
        unchecked(forecaster.floor)("curves.csv")
    with pytest.raises(RequestError, match="between 0 and 1"):
        compared(informed(), plain, level=80.0)


# Evidence that is refused ----------------------------------------------------------------------------


def refused(curves, evidence, **more) -> str:
    with pytest.raises(RequestError) as caught:
        forecaster.fit(curves, floor=evidence, record=False, **more)
    return str(caught.value)


def curves_of(metric=None, errors=(0.3, 0.2, 0.15, 0.12), n_test=None, tasks=("t",)):
    rows = [("d", task, "net", n, e) for task in tasks for n, e in zip((1e3, 2e3, 4e3, 8e3), errors, strict=True)]
    table = pd.DataFrame(rows, columns=["domain", "task", "architecture", "n", "error"])
    table = table if metric is None else table.assign(metric=metric)
    return forecaster.read_curves(table if n_test is None else table.assign(n_test=n_test))


def test_a_range_above_a_measured_error_is_refused_with_the_error():
    said = refused(curves_of(), FloorEvidence.of(floor=(0.13, 0.2), because="x"))
    assert all(part in said for part in ("d/t", "0.13 to 0.2", "0.12 of net at 8000"))


def test_wrong_labels_above_a_measured_error_are_refused_but_for_sampling_error():
    many = FloorEvidence.of(label_noise="200/1000")
    assert "0.12 of net at 8000" in refused(curves_of(), many)
    assert "0.12 of net" in refused(curves_of(n_test=2000), many)
    few = FloorEvidence.of(label_noise=(0.2, 20))  # four of twenty, which may be a tenth
    assert forecaster.fit(curves_of(), floor=few, record=False).groups == (("d", "t"),)


@pytest.mark.parametrize("metric", ["log loss", "perplexity", "1 - f1", "RMSE"])
def test_shares_of_cases_are_refused_for_errors_that_are_none(metric):
    for evidence in (FloorEvidence.of(human="5/500"), FloorEvidence.of(label_noise="5/500")):
        said = refused(curves_of(metric), evidence)
        assert metric in said
        assert "--floor" in said


def test_evidence_is_about_one_task():
    two = curves_of(tasks=("t", "u"))
    assert "--task" in refused(two, BOTH)
    assert "d/v" in refused(two, {("d", "v"): BOTH})


# One fit ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted(digits_curves):
    """One architecture of the digits under a range far below its floor, and the key of its cache."""
    curves = digits_curves.select(architecture="mlp")
    evidence = FloorEvidence.of(floor=(0.0005, 0.001), because="a test")
    return curves, evidence, forecaster.fit(curves, floor=evidence, record=False)


def test_evidence_enters_the_fit_and_is_kept_with_it(fitted, tmp_path):
    curves, evidence, found = fitted
    plain = forecaster.fit(curves, record=False)
    floors = [np.median(one.tree.posterior["floor"].values) for one in (found, plain)]
    assert floors[0] < 0.5 * floors[1]
    (card,) = forecaster.load_posterior(found.save(tmp_path / "found.nc")).cards.values()
    assert card.floor == evidence
    assert str(evidence) in forecaster.forecast(found, [1e5]).text
    assert "rests on" not in forecaster.forecast(plain, [1e5]).text
    (label,) = found.floors_without_evidence
    assert np.median(found.floors_without_evidence[label]) == pytest.approx(np.log(floors[1]), abs=0.15)
    ids = {check.id: check.verdict for check in forecaster.check(found).checks}
    assert ids["floor-rests-on-evidence"] == "REVIEW"


def test_the_cache_tells_evidence_apart(fitted):
    curves, _, found = fitted
    keys = {
        cache.key_of(curves, cards, "jax", 0, None)
        for cards in (
            None,
            found.cards,
            {curves.groups[0]: msgspec.structs.replace(found.cards[curves.groups[0]], floor=BOTH)},
        )
    }
    assert len(keys) == 3


# The command line ------------------------------------------------------------------------------------

DIGITS = "forecaster/examples/digits.csv"
ONE = [DIGITS, "--leave-out", "naive-bayes", "--architecture", "mlp"]


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_the_command_gives_parts_and_forecasts(tmp_path):
    figure, table = tmp_path / "floor.svg", tmp_path / "floor.csv"
    done = run("floor", *ONE, "--label-noise", "2/1000", "--at", "1e5", "--json", "--figure", figure, "-o", table)
    assert done.exit_code in (0, 3), done.stderr
    found = json.loads(done.stdout)
    assert found["command"] == "floor"
    assert [row["part"] for row in found["table"]] == [LABELS, REST, FLOOR]
    assert [row["evidence"] for row in found["forecasts"]] == ["with", "without"]
    assert "floor-evidence" in {check["id"] for check in found["checks"]}
    assert figure.stat().st_size > 0
    assert len(pd.read_csv(table)) == 3


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["floor", DIGITS], 1, "--label-noise 20/1000"),
        (["fit", DIGITS, "--floor", "0.01,0.02"], 2, "--because"),
        (["forecast", DIGITS, "--at", "1e5", "--human", "0.01"], 2, "0.01:500"),
        (["requirement", DIGITS, "--target", "0.01", "--label-noise", "400/1000"], 1, "rbf-svm"),
        (["compare", "forecaster/examples/characters.csv", "--human", "5/500"], 1, "no share of cases"),
    ],
)
def test_commands_refuse_what_makes_no_sense(arguments, code, said):
    done = run(*arguments)
    assert done.exit_code == code
    assert said in done.stderr


def test_a_saved_posterior_takes_no_evidence(digits_file):
    for option in (["--human", "5/500"], ["--label-noise", "5/500"], ["--floor", "0.001,0.002", "--because", "x"]):
        done = run("forecast", digits_file, "--at", "1e5", *option)
        assert done.exit_code == 2
        assert option[0] in done.stderr
    assert run("floor", digits_file).exit_code == 1
