"""A posterior's tree is one that ArviZ works on: its own functions are called, and say what ours say."""

from __future__ import annotations

import warnings

import arviz as az
import matplotlib.pyplot as plt
import numpy as np
import pytest
from arviz_base import rcParams
from helpers import synthetic
from scipy import stats

from forecaster.checks.predictive import assess
from forecaster.checks.prior_predictive import prior_log_errors
from forecaster.domains.quantities import CENTRES
from forecaster.errors import RequestError
from forecaster.inference.parameters import before_data
from forecaster.inference.predictive import moments
from forecaster.inference.storage import load_posterior

LABELS = ("vision/a/cnn", "vision/b/cnn", "vision/b/mlp")
GROUPS = ("log_likelihood", "posterior_predictive", "prior", "prior_predictive")


def drawn(seed, draws=400):
    sd = dict.fromkeys(CENTRES, 0.1) | {"level": 0.02}
    return synthetic.values(draws, log_drift=-3.5, log_slope=-4.0, log_noise=-3.0, sd=sd, seed=seed)


@pytest.fixture(scope="module")
def held():
    ess = {"curve_ess": [321.0]}
    return synthetic.posterior({f"vision/{t}/cnn": drawn(i) for i, t in enumerate("ab")}, curve_stats=ess)


@pytest.fixture(scope="module")
def three():
    """One curve of five sizes, two of three, in two groups; measured as the law has it."""
    sizes = {LABELS[1]: (1_000, 9_000, 80_000), LABELS[2]: (500, 9_000, 80_000)}
    rows = {label: drawn(i) for i, label in enumerate(LABELS)}
    return synthetic.posterior(rows, sizes={label: sizes.get(label, synthetic.SIZES) for label in LABELS})


@pytest.fixture(scope="module")
def tree(three):
    return three.with_predictive(seed=3).tree


@pytest.fixture(autouse=True)
def _figures_go_nowhere():
    plt.switch_backend("agg")
    yield
    plt.close("all")


def test_a_summary_of_everything(three):
    found = az.summary(three.tree)
    assert len(found) == 3 * 11 + 2 * (8 + 2)
    values = three.tree.posterior["exponent"].sel(curve=LABELS[2]).values
    assert float(found.loc[f"exponent[{LABELS[2]}]", "mean"]) == pytest.approx(values.mean(), rel=1e-2)


def test_no_variable_has_coordinates_that_others_lack(tree):
    for name in ("posterior", "prior"):
        data = tree[name].to_dataset()
        assert set(data.coords) == set(data.dims)
        assert "group" not in data.dims  # the name of a dimension that ArviZ adds


def test_effective_sizes_and_r_hat_are_arvizs_of_each_quantity(three):
    ours = three.diagnostics().set_index(["curve", "quantity"])
    posterior = three.tree["posterior"]
    for column, ask in {
        "ess_bulk": lambda: az.ess(posterior, method="bulk"),
        "ess_tail": lambda: az.ess(posterior, method="tail", prob=(0.05, 0.95)),
        "r_hat": lambda: az.rhat(posterior),
    }.items():
        theirs = ask()
        for label in LABELS:
            for name in ("exponent", "floor", "alpha", "level", "log_noise"):
                value = float(theirs[name].sel(curve=label))
                assert ours.loc[(label, name), column] == pytest.approx(value, rel=1e-10), (column, name)
        value = float(theirs["centre"].sel(domain_task="vision/b", quantity="log_break"))
        assert ours.loc[("vision/b", "centre[log_break]"), column] == pytest.approx(value, rel=1e-10)
    assert ours["ess_bulk"].round(6).nunique() > 30  # a number for each, not one for all of a curve


def test_the_summary_has_the_same_numbers_and_the_engines_apart(held):
    found = held.summary().set_index(["task", "quantity"])
    known = held.diagnostics().set_index(["curve", "quantity"])
    for task, quantity in found.index:
        row, own = found.loc[(task, quantity)], known.loc[(f"vision/{task}/cnn", quantity)]
        for column in ("r_hat", "ess_bulk", "ess_tail"):
            assert row[column] == own[column]
    assert (found["ess_curve"] == 321.0).all()
    assert found["ess_bulk"].nunique() == len(found)


def test_an_engine_that_counts_no_particles_has_no_ess_curve(three):
    assert three.summary()["ess_curve"].isna().all()


def test_loo_is_the_checks_own(three, tree):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # large Pareto k, which both name
        found = az.loo(tree, pointwise=True, reff=1.0)
    assert found.n_samples == three.draws  # few enough that the check uses them all, too
    points = assess(three).points
    at = tree["log_likelihood"]
    names = [f"{r.domain}/{r.task}/{r.architecture}" for r in points.itertuples()]
    assert at["curve"].values.tolist() == names
    np.testing.assert_allclose(at["n"].values, points["n"])
    np.testing.assert_allclose(found.elpd_i.values, points["elpd"], rtol=1e-9)
    np.testing.assert_allclose(found.pareto_k.values, points["pareto_k"], rtol=1e-6)
    assert found.elpd == pytest.approx(points["elpd"].sum())


def test_loo_and_compare_run_with_their_defaults(three, tree):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert np.isfinite(az.loo(tree).elpd)
        worse = synthetic.posterior(
            {label: drawn(i) + 0.5 * np.eye(8)[0] for i, label in enumerate(LABELS)},
            sizes={c.label: sorted(set(c.n)) for c in three.curves.curves},
            error={c.label: c.error[::2] for c in three.curves.curves},
        )
        table = az.compare({"right": tree, "half a nat too high": worse.with_predictive().tree})
    assert table.index.tolist() == ["right", "half a nat too high"]


def test_checks_of_the_model_are_drawn(tree):
    for group in ("posterior_predictive", "prior_predictive"):
        az.plot_ppc_dist(tree, group=group)
        assert plt.get_fignums()


def test_prior_and_posterior_are_drawn(tree, held):
    az.plot_prior_posterior(tree, var_names=["exponent", "floor", "centre"])
    assert plt.get_fignums()
    one = held.only(("vision", "a")).with_predictive()
    assert len(az.summary(one.tree)) <= rcParams["plot.max_subplots"]
    az.plot_prior_posterior(one.tree)


def test_loo_pit_of_whole_new_curves_is_refused(tree):
    """It would need draws of each size given the others; those of new curves are wider."""
    with pytest.raises((KeyError, ValueError, TypeError)):
        az.loo_pit(tree)


def test_observed_data_are_means_by_curve_and_size(three, tree):
    table = three.curves.table
    by_size = table.assign(log_error=np.log(table["error"])).groupby(["domain", "task", "architecture", "n"], sort=True)
    wanted = by_size["log_error"].mean()
    found = tree["observed_data"]
    names = ["/".join(key[:3]) for key in wanted.index]
    assert found["curve"].values.tolist() == names
    np.testing.assert_allclose(found["n"].values, [key[3] for key in wanted.index])
    np.testing.assert_allclose(found["log_error"].values, wanted.to_numpy())
    assert found["repeats"].values.tolist() == by_size.size().tolist()
    meant = tree["constant_data"].sel(curve=LABELS[2])
    assert [meant[k].item() for k in ("domain", "task", "architecture")] == LABELS[2].split("/")
    assert (meant["n_ref"].item(), meant["n_min"].item()) == (80_000, 500)


def test_replicates_have_the_moments_of_the_curve():
    """One parameter, many draws: mean and covariance against those that the likelihood has."""
    same = synthetic.values(8_000, log_drift=-2.5, log_slope=-3.0, log_noise=-3.0)
    held = synthetic.posterior({"cnn": same})
    copies = held.with_predictive(prior=False).tree["posterior_predictive"]["log_error"].values.reshape(8_000, -1)
    design = held.designs[synthetic.GROUP]
    mean, covariance = (v[0] for v in moments(design, design.curves[0], held.curve("vision/top-1/cnn")))
    mean, covariance = mean[::-1], covariance[::-1, ::-1]
    sd = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(copies.mean(0), mean, atol=5 * sd.max() / np.sqrt(8_000))
    np.testing.assert_allclose(np.cov(copies.T) / np.outer(sd, sd), covariance / np.outer(sd, sd), atol=0.06)


def test_the_prior_is_the_cards_and_its_curves_those_of_the_forward_simulation():
    held = synthetic.posterior({"cnn": drawn(0, 8_000), "mlp": drawn(1, 8_000)})
    tree = held.with_predictive(seed=1).tree
    card = held.cards[synthetic.GROUP]
    prior = tree["prior"]
    assert dict(prior.sizes) | {"chain": 1, "draw": 8_000} == dict(prior.sizes)
    assert set(prior.data_vars) == set(tree["posterior"].data_vars)
    centre = prior["centre"].values[0, :, 0]
    for i in range(8):
        wanted = stats.norm(card.hyper_mean[i], card.hyper_sd[i])
        assert stats.kstest(centre[:, i], wanted.cdf).pvalue > 1e-4
    # Curves of one group share its centre: they go together, as two draws around one centre do.
    level = prior["level"].values[0]
    spread = np.exp(before_data(card, 100_000, np.random.default_rng(0))[1][:, 0])
    shared = card.hyper_sd[0] ** 2
    narrow = prior["log_spread"].values[0, :, 0, 0] < np.median(prior["log_spread"].values[0, :, 0, 0])
    assert np.cov(level[narrow].T)[0, 1] == pytest.approx(shared, rel=0.15)  # where the spread's tail is not in the way
    assert np.var(level[:, 0]) == pytest.approx(shared + np.mean(spread**2), rel=0.15)
    design = held.designs[synthetic.GROUP]
    other = prior_log_errors(design, design.curves[0], 8_000, np.random.default_rng(7))[:, ::-1]
    own = tree["prior_predictive"]["log_error"].values[0, :, : other.shape[1]]
    for i in range(other.shape[1]):
        assert stats.ks_2samp(own[:, i], other[:, i]).pvalue > 1e-4


def test_a_curves_draws_do_not_depend_on_its_company(three, tree):
    alone = three.only(("vision", "b")).with_predictive(seed=3).tree
    among = tree["posterior_predictive"].to_dataset()
    among = among.isel(obs=np.isin(among["curve"], LABELS[1:]))
    np.testing.assert_array_equal(alone["posterior_predictive"]["log_error"], among["log_error"])
    np.testing.assert_array_equal(alone["prior"]["exponent"], tree["prior"]["exponent"].sel(curve=list(LABELS[1:])))
    other = three.with_predictive(seed=4).tree
    assert not np.array_equal(other["posterior_predictive"]["log_error"], tree["posterior_predictive"]["log_error"])


def test_groups_on_request_are_saved_and_parted(three, tmp_path):
    assert not set(GROUPS) & set(three.tree.children)
    assert not {"prior", "prior_predictive"} & set(three.with_predictive(prior=False).tree.children)
    full = three.with_predictive(seed=3)
    assert set(GROUPS) < set(full.tree.children)
    read = load_posterior(full.save(tmp_path / "full.nc"))
    assert read.tree.identical(full.tree)
    part = read.only(("vision", "b"))
    assert set(part.tree.children) == set(read.tree.children)
    assert part.tree["prior_predictive"].sizes["obs"] == 6
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert np.isfinite(az.loo(part.tree).elpd)


def test_broken_draws_make_no_predictions():
    held = synthetic.posterior({"cnn": drawn(0)})
    held.tree["posterior"]["log_break"].values[0, 0, 0] = np.nan
    with pytest.raises(RequestError, match="vision/top-1/cnn: found draws that are not finite"):
        held.with_predictive()
