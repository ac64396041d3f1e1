"""Fit to the data: sizes from the others as SciPy has them, LOO as a refit, misfits flagged and truth not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers import synthetic
from scipy import stats
from scipy.special import logsumexp

from forecaster.checks.check import check
from forecaster.checks.predictive import assess, p_values, psis_loo, replicated, thinned
from forecaster.checks.prior_predictive import prior_log_errors, prior_paths
from forecaster.curves.reading.read import read_curves
from forecaster.domains.loading import load_card
from forecaster.domains.quantities import CENTRES
from forecaster.inference.fit import fit
from forecaster.inference.importance.weights import weighted_quantiles
from forecaster.inference.posterior import Posterior
from forecaster.inference.predictive import left_out, moments
from forecaster.model.simulate import simulate
from forecaster.results.check import PASS, REVIEW

LABEL = "vision/top-1/cnn"
FITS = ("prior-predictive", "left-out-sizes", "left-out-coverage", "jumps", "runs", "bend")
SIZES = np.geomspace(100, 100_000, 12)


def curve_of(held, label=LABEL):
    design = held.designs[tuple(label.split("/")[:2])]
    return design, next(c for c in design.curves if c.curve.label == label)


def conditional(y, mean, covariance, i):
    """p(y_i | y_-i) by partitioning the covariance: mean and variance."""
    rest = np.delete(np.arange(len(y)), i)
    gain = np.linalg.solve(covariance[np.ix_(rest, rest)], covariance[rest, i])
    return mean[i] + gain @ (y[rest] - mean[rest]), covariance[i, i] - gain @ covariance[rest, i]


def test_each_size_from_the_others_is_scipys_conditional():
    drawn = synthetic.values(40, log_drift=-2.5, log_slope=-3.0, log_noise=-3.0, sd=dict.fromkeys(CENTRES, 0.2))
    held = synthetic.posterior({"cnn": drawn}, error={"cnn": [0.5, 0.41, 0.3, 0.26, 0.2]}, seeds=3)
    design, data = curve_of(held)
    mean, covariance = moments(design, data, thinned(held, LABEL))
    found = left_out(data.y, mean, covariance)
    assert found.log_density.shape == (4, 10, 5)
    joint = stats.multivariate_normal
    for place in [(0, 0), (1, 5), (3, 9)]:
        m, c = mean[place], covariance[place]
        for i in range(len(data.y)):
            rest = np.delete(np.arange(len(data.y)), i)
            alone = joint(m[rest], c[np.ix_(rest, rest)]).logpdf(data.y[rest])
            assert found.log_density[place][i] == pytest.approx(joint(m, c).logpdf(data.y) - alone, abs=1e-8)
            centre, variance = conditional(data.y, m, c, i)
            assert found.mean[place][i] == pytest.approx(centre, abs=1e-8)
            assert found.sd[place][i] == pytest.approx(np.sqrt(variance), rel=1e-8)


def test_a_sizes_noise_is_that_of_the_mean_of_its_repeats():
    drawn = synthetic.values(40, log_noise=-2.0)
    one, four = (synthetic.posterior({"cnn": drawn}, seeds=seeds) for seeds in (1, 4))
    noises = [np.diagonal(moments(*curve_of(h), thinned(h, LABEL))[1][0, 0]) for h in (one, four)]
    np.testing.assert_allclose(noises[0], np.exp(-4.0), rtol=1e-4)
    _, repeated = curve_of(four)
    np.testing.assert_allclose(noises[1], np.exp(-4.0) * repeated.scale / 4, rtol=1e-4)


def conjugate(y, shape, covariance, prior_sd=1.0):
    """Posterior mean and variance of a level with a normal prior around -2, for data level + shape."""
    weights = np.linalg.solve(covariance, np.ones(len(y)))
    precision = prior_sd**-2 + weights.sum()
    return (weights @ (y - shape) - 2.0 / prior_sd**2) / precision, 1.0 / precision


def test_loo_is_a_refit_without_the_size():
    held = synthetic.posterior({"cnn": synthetic.values(40, log_drift=-2.5, log_noise=-2.5)})
    design, data = curve_of(held)
    mean, covariances = moments(design, data, thinned(held, LABEL))
    shape, covariance = mean[0, 0] + 2.0, covariances[0, 0]
    rng = np.random.default_rng(0)
    y = shape - 2.0 + np.linalg.cholesky(covariance) @ rng.standard_normal(len(shape))
    middle, variance = conjugate(y, shape, covariance)
    level = middle + np.sqrt(variance) * rng.standard_normal((4, 5000, 1))
    one = left_out(y, level + shape, covariance)
    found = psis_loo(one.log_density)
    assert found.pareto_k[0] > 0.5 > found.pareto_k[1:].max()  # the reference size pins the level: variance is 1/4
    close = np.where(found.pareto_k < 0.5, 0.005, 0.1)  # of 20,000 draws; the error at large k shrinks slowly with more
    np.testing.assert_allclose(found.weights.sum((0, 1)), 1.0)
    pit = np.sum(found.weights * stats.norm.cdf(y, one.mean, one.sd), (0, 1))
    for i in range(len(y)):
        rest = np.delete(np.arange(len(y)), i)
        m, v = conjugate(y[rest], shape[rest], covariance[np.ix_(rest, rest)])
        gain = np.linalg.solve(covariance[np.ix_(rest, rest)], covariance[rest, i])
        slope = 1.0 - gain.sum()  # of the conditional mean in the level
        centre = shape[i] + gain @ (y[rest] - shape[rest]) + slope * m
        sd = np.sqrt(covariance[i, i] - gain @ covariance[rest, i] + slope**2 * v)
        assert found.elpd[i] == pytest.approx(stats.norm(centre, sd).logpdf(y[i]), abs=close[i])
        assert pit[i] == pytest.approx(stats.norm(centre, sd).cdf(y[i]), abs=close[i])
    flat = one.log_density.reshape(-1, len(y))
    np.testing.assert_allclose(found.p_loo, logsumexp(flat, 0) - np.log(len(flat)) - found.elpd, atol=1e-12)


def test_replicates_are_draws_of_the_same_curve_and_their_p_values_uniform():
    """Under one known parameter, p-values of curves from the model are uniform: none of the double use of data."""
    drawn = synthetic.values(1000, log_drift=-2.5, log_slope=-3.0, log_noise=-3.0)
    held = synthetic.posterior({"cnn": drawn}, sizes=SIZES, seeds=1)
    design, data = curve_of(held)
    law, covariance = (v.reshape(-1, *v.shape[2:]) for v in moments(design, data, thinned(held, LABEL)))
    rng, found = np.random.default_rng(0), []
    for _ in range(120):
        y = law[0] + np.linalg.cholesky(covariance[0]) @ rng.standard_normal(len(data.x))
        found.append(p_values(*replicated(replace(data, y=y), law, covariance, rng)))
    for name in ("p_jump", "p_run", "p_bend"):
        assert stats.kstest([p[name] for p in found], "uniform").pvalue > 1e-3, name


def test_prior_prediction_is_the_forward_simulation():
    """Against ``simulate``, which draws the drift by another route."""
    card = load_card("generic-error-rate")
    simulated = simulate(card, SIZES, groups=1000, architectures=1, seed=0)
    wanted = np.array([np.log(c.error) for c in simulated.curves.curves])
    held = synthetic.posterior({"cnn": synthetic.values(40)}, sizes=SIZES, seeds=1)
    found = prior_log_errors(*curve_of(held), 4000, np.random.default_rng(1))[:, ::-1]
    for i in range(len(SIZES)):
        assert stats.ks_2samp(wanted[:, i], found[:, i]).pvalue > 1e-3


def test_weighted_quantiles_count_draws_as_often_as_they_weigh():
    rng = np.random.default_rng(0)
    values, counts = rng.standard_normal(2000), rng.integers(1, 6, 2000)
    found = weighted_quantiles(values, counts / counts.sum(), (0.1, 0.5, 0.9))
    np.testing.assert_allclose(found, np.quantile(np.repeat(values, counts), (0.1, 0.5, 0.9)), atol=0.01)


def test_a_group_alone_says_the_same_as_among_others():
    drawn = synthetic.values(400, log_drift=-2.5, log_noise=-2.0, sd={"level": 0.05})
    held = synthetic.posterior({"vision/a/cnn": drawn, "vision/b/cnn": drawn[::-1]})
    alone, among = assess(held.only(("vision", "b"))).curves, assess(held).curves
    assert alone["task"].tolist() == ["b"]
    assert alone.iloc[0].to_dict() == among.iloc[1].to_dict()


def test_short_curves_and_broken_draws_do_not_stop_it():
    drawn = synthetic.values(400, log_drift=-2.5, log_noise=-2.0, sd={"level": 0.05})
    held = synthetic.posterior({"cnn": drawn, "mlp": drawn.copy()}, sizes=(1000, 3000, 9000))
    held.tree["posterior"]["log_break"].values[0, 0, 1] = np.nan
    found = assess(held).curves
    assert found["architecture"].tolist() == ["cnn"]
    assert np.isnan(found["p_bend"]).all()
    held.tree["posterior"]["log_break"].values[0, 0, 0] = np.nan
    assert assess(held).curves.empty


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("jumps", np.eye(12)[5] * 0.6),
        ("runs", np.full(12, 0.2)),
        ("bend", 0.6 * ((np.arange(12) - 5.5) / 5.5) ** 2),
    ],
)
def test_curves_unlike_the_models_are_flagged(name, shape):
    """Draws that know the law and its noise (10 %), and errors that leave it by ``shape``."""
    drawn = synthetic.values(400, log_noise=np.log(0.1))
    error = synthetic.posterior({"cnn": drawn}, sizes=SIZES, seeds=1).curves.curves[0].error
    error = error * np.exp(0.1 * np.random.default_rng(0).standard_normal(12))
    lawful = synthetic.posterior({"cnn": drawn}, sizes=SIZES, seeds=1, error={"cnn": error})
    assert verdicts(lawful)[name].verdict == PASS
    odd = synthetic.posterior({"cnn": drawn}, sizes=SIZES, seeds=1, error={"cnn": error * np.exp(shape)})
    assert verdicts(odd)[name].verdict == REVIEW


# Fitted curves --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def truth():
    """One group drawn from its own card, and the posterior of the fast engine."""
    simulated = simulate(load_card("generic-error-rate"), SIZES, architectures=3, seeds=2, seed=5)
    return fit(simulated.curves, card="generic-error-rate", draws=500, fallback=False)


def broken(truth, change):
    """The same group with one curve's errors changed, fitted again."""
    table = truth.curves.table.copy()
    mine = table["architecture"] == "architecture-01"
    table.loc[mine, "error"] = change(table.loc[mine])
    return fit(read_curves(table), card="generic-error-rate", draws=500, fallback=False)


def verdicts(held):
    return {c.id: c for c in check(held).checks if c.id in FITS}


def test_curves_of_the_model_are_not_flagged(truth):
    found = verdicts(truth)
    assert set(found) == set(FITS)
    assert {name: c.text for name, c in found.items() if c.verdict != PASS} == {}


def test_one_wrong_size_is_named(truth):
    def wrong(rows):
        return rows["error"] * np.where(np.isclose(rows["n"], SIZES[6], rtol=1e-3), 0.3, 1.0)

    found = verdicts(broken(truth, wrong))
    assert found["left-out-sizes"].verdict == REVIEW
    assert found["left-out-sizes"].curve.endswith("architecture-01")
    assert found["left-out-sizes"].message.values["n"] == pytest.approx(SIZES[6], rel=1e-3)
    assert found["left-out-sizes"].next_step


def test_a_card_about_other_curves_is_flagged(truth):
    """Errors that fall with the fourth power of the data."""
    found = verdicts(broken(truth, lambda rows: rows["error"] * (rows["n"] / SIZES[-1]) ** -4))["prior-predictive"]
    assert (found.verdict, found.message.id) == (REVIEW, "contradicted")


def test_another_unit_of_error_contradicts_no_card(truth):
    table = truth.curves.table
    held = Posterior(truth.tree, read_curves(table.assign(error=1e-4 * table["error"])), truth.cards)
    assert assess(held).curves["prior_inside"].max() < 0.5
    assert assess(held).curves["prior_inside_shape"].tolist() == assess(truth).curves["prior_inside_shape"].tolist()
    found = verdicts(held)["prior-predictive"]
    assert (found.verdict, found.curves) == (PASS, ())
    assert found.message.id == "foreseen-at-another-level"


def test_a_card_foresees_the_luck_of_a_small_test_set():
    """How far the smallest size parts from the largest varies by the luck between them, beyond path and noise."""
    held = synthetic.on_test_set(synthetic.posterior({"cnn": synthetic.values()}, card="tabular-classification"), 200)
    design, data = curve_of(held)
    assert data.luck > 0

    def prior(of):
        return of(np.random.default_rng(0))  # the same paths each time

    paths, drawn = prior(lambda rng: prior_paths(design.card, data.x[::-1], design.x_ref, design.x_min, 40_000, rng))
    variance = [
        np.var(
            np.diff(
                prior(lambda rng, one=one: prior_log_errors(design, one, 40_000, rng))[:, [0, -1]] - paths[:, [-1, 0]]
            )
        )
        for one in (data, replace(data, luck=0.0))
    ]
    expected = drawn.luck(data, data.x[-1:]).mean()
    assert variance[0] - variance[1] == pytest.approx(expected, rel=0.1)
