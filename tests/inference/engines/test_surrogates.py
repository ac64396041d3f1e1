"""Surrogates against dense algebra; sweeps by them against a posterior in closed form; broken twins that must fail.

The likelihood of the sweeps is normal in every quantity of a curve (``conjugate``), and surrogates are moved off it on
purpose: what makes the draws right is that each move is accepted by the likelihood itself.
"""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.conjugate import CARD, CURVES, batch_of_curves, errors_of_centres, likelihood_of, measured_of
from scipy import stats

from forecaster.inference.engines import (
    corrections,
    fast,
    forgetting,
    likelihoods,
    mixing,
    nested,
    sampling,
    surrogate_group,
    surrogate_sweep,
    surrogates,
)
from forecaster.inference.engines.mixtures import Mixture
from forecaster.inference.engines.surrogates import Surrogate
from forecaster.model.density import LevelLikelihood
from forecaster.model.design import design_of
from forecaster.model.simulate import simulate

# Closed forms against dense algebra -----------------------------------------------------------------

MEAN, SD = np.arange(8) / 4.0 - 1.0, np.linspace(0.5, 1.5, 8)
SPREAD = np.linspace(0.3, 1.2, 6)
WEIGHT = np.array([[0.3, 0.7], [0.9, 0.1]])


def narrow() -> Mixture:
    """Of two curves with two components each, narrower than the prior in every direction."""
    rng = np.random.default_rng(0)
    chol = np.tril(0.1 * rng.standard_normal((2, 2, 7, 7))) + 0.5 * np.eye(7)
    return Mixture.of(WEIGHT, 0.5 * rng.standard_normal((2, 2, 7)), chol)


@pytest.fixture(scope="module")
def surrogate() -> Surrogate:
    return surrogates._closed(narrow(), MEAN, SD, SPREAD, np.array([[-0.9, 0.1], [-1.1, 0.2]]))


def dense(surrogate: Surrogate, curve: int, component: int) -> tuple[float, np.ndarray, np.ndarray]:
    """Constant, linear term and precision of a component, from its quadratic form."""
    row = surrogate.quadratic[curve, component]
    upper = np.zeros((7, 7))
    upper[np.triu_indices(7)] = row[8:]
    return -0.5 * row[0], -0.5 * row[1:8], 0.5 * (upper + upper.T)


def times_prior(
    surrogate: Surrogate, curve: int, component: int, hyper: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Log integral of a component times the prior under ``hyper`` [10], mean and covariance of the product."""
    constant, linear, precision = dense(surrogate, curve, component)
    centre = (hyper[1:8] - MEAN[1:]) / SD[1:]
    inverse = np.concatenate([[np.exp(hyper[9]) / SD[1]], SPREAD]) ** -2.0
    cov = np.linalg.inv(precision + np.diag(inverse))
    towards = linear + inverse * centre
    log_det = np.linalg.slogdet(cov)[1] + np.log(inverse).sum()
    return constant + 0.5 * (towards @ cov @ towards - inverse @ centre**2 + log_det), cov @ towards, cov


def hypers(k: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    return np.concatenate([rng.standard_normal((8, k)), 0.4 * rng.standard_normal((2, k)) - 0.5])


def test_a_surrogate_is_what_was_fitted_over_the_prior(surrogate):
    fitted, points = narrow(), np.random.default_rng(3).standard_normal((7, 50))
    mean, chol = fitted.mean, fitted.chol
    found = surrogates.log_likelihood(np, surrogate, np.stack([points] * 2))
    prior = stats.multivariate_normal(np.zeros(7), np.eye(7)).pdf(points.T)
    for c in range(2):
        parts = (stats.multivariate_normal(mean[c, m], chol[c, m] @ chol[c, m].T).pdf(points.T) for m in range(2))
        share = 1.0 - surrogates.CONSTANT
        expected = surrogates.CONSTANT + share * sum(w * p for w, p in zip(WEIGHT[c], parts, strict=True)) / prior
        np.testing.assert_allclose(found[c], np.log(expected), rtol=1e-9, atol=1e-9)


def test_marginals_are_integrals(surrogate):
    hyper = hypers(20)
    found, shares = surrogates.log_marginals(np, surrogate, hyper)
    for c in range(2):
        parts = np.array([[times_prior(surrogate, c, m, h)[0] for h in hyper.T] for m in range(3)])
        off = found[c] - np.log(np.exp(parts).sum(0))
        np.testing.assert_allclose(off, off[0], atol=1e-9)  # up to a constant
        np.testing.assert_allclose(shares[c] / shares[c].sum(0), np.exp(parts) / np.exp(parts).sum(0), atol=1e-9)


def test_precision_below_zero_is_none():
    """A component wider than the prior says nothing: it becomes a constant."""
    wide = Mixture.of(np.ones((1, 1)), np.zeros((1, 1, 7)), 2.0 * np.eye(7)[None, None])
    found = surrogates._closed(wide, MEAN, SD, SPREAD, np.zeros((1, 2)))
    np.testing.assert_allclose(dense(found, 0, 0)[2], 0.0, atol=1e-12)


@pytest.mark.parametrize("component", [0, 1, 2])
def test_draws_are_of_surrogate_times_prior(surrogate, component):
    hyper, n = hypers(2), 40_000
    normal = np.random.default_rng(2).standard_normal((2, 7, n, 2))
    drawn = surrogates.draws(np, surrogate, hyper, np.full((2, n, 2), component), normal)
    for c in range(2):
        for k in range(2):
            _, mean, cov = times_prior(surrogate, c, component, hyper[:, k])
            sd = np.sqrt(np.diag(cov))
            np.testing.assert_allclose((drawn[c, :, :, k].mean(1) - mean) / sd, 0.0, atol=5 / np.sqrt(n))
            np.testing.assert_allclose(np.cov(drawn[c, :, :, k]) / np.outer(sd, sd), cov / np.outer(sd, sd), atol=0.03)


@pytest.mark.parametrize("component", [0, 1, 2])
def test_normals_are_those_that_draws_were_made_of(surrogate, component):
    hyper, which = hypers(6), np.full((2, 3, 6), component)
    normal = np.random.default_rng(2).standard_normal((2, 7, 3, 6))
    points = surrogates.draws(np, surrogate, hyper, which, normal)
    np.testing.assert_allclose(surrogates.normals(np, surrogate, hyper, which, points), normal, atol=1e-9)


def test_corrections_are_of_any_quadratic_function():
    """As far as the points went that they were fitted to; but for one in a hundred, which count as less far off."""
    rng = np.random.default_rng(5)
    centre, square = rng.standard_normal(10), rng.standard_normal((10, 10))

    def wrong(points: np.ndarray) -> np.ndarray:
        return 7.0 + centre @ points + ((square @ points) * points).sum(0)

    points = 0.3 + 0.1 * rng.standard_normal((10, 4000))
    found = corrections.fitted(points, wrong(points))
    nearer = points.mean(1, keepdims=True) + 0.5 * (points - points.mean(1, keepdims=True))
    about = [a - a.mean() for a in (corrections.at(np, found, nearer), wrong(nearer))]
    np.testing.assert_allclose(*about, atol=0.06 * about[1].std())
    far = corrections.at(np, found, 100.0 * points)
    assert found.least <= far.min()
    assert far.max() <= found.most
    assert (corrections.at(np, corrections.none(), points) == 0.0).all()


def test_libraries_agree(surrogate):
    hyper, points = hypers(5), np.random.default_rng(4).standard_normal((2, 7, 6))
    with jax.enable_x64(True):
        for name, given in (("log_marginals", hyper), ("level_term", hyper), ("log_likelihood", points)):
            by_numpy, by_jax = (getattr(surrogates, name)(xp, surrogate, given) for xp in (np, jnp))
            jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9), by_numpy, by_jax)


# Sweeps against a posterior in closed form ----------------------------------------------------------

BY_CLOUDS = nested.Effort(draws=500, walkers=60, kept=100, worth=0.0)
# Of any share that moves: no other sweeps make up for what these get wrong.
EFFORT = BY_CLOUDS._replace(surrogates=4, surrogate_points=1024, fitting=6, moved=0.0, instead=BY_CLOUDS)
OFF = 0.7  # standard deviations that surrogates are moved off the likelihood


@pytest.fixture(scope="module")
def batch() -> likelihoods.Batch:
    return batch_of_curves()


@pytest.fixture(scope="module")
def measured(batch) -> tuple[np.ndarray, np.ndarray]:
    return measured_of(batch)


def compiled_for(measured, lift: np.ndarray):
    """The sweep with that likelihood, of as many curves as it is padded to."""
    seen, noise = (np.asarray(a, np.float32) for a in measured)

    def likelihood(local, curves, constants):
        rows = np.minimum(np.arange(local[0].shape[0]), CURVES - 1)
        log_z = -0.5 * sum(((v - seen[rows, j + 1, None]) / noise[j + 1]) ** 2 for j, v in enumerate(local))
        mean = jnp.broadcast_to(seen[rows, :1] - lift[rows], log_z.shape)
        return LevelLikelihood(log_z, mean, jnp.full(log_z.shape, noise[0] ** 2))

    return jax.jit(functools.partial(surrogate_sweep._sweep, likelihood=likelihood))


def sampled(monkeypatch, batch, measured) -> sampling.Draws:
    return several(monkeypatch, batch, measured, 1)[0]


def several(monkeypatch, batch, measured, fits: int) -> list[sampling.Draws]:
    lift = np.asarray(likelihoods.centred(batch.curves)[1], np.float32)
    compiled, closed = compiled_for(measured, lift), surrogates._closed
    monkeypatch.setattr(surrogate_sweep, "program", lambda: compiled)
    monkeypatch.setattr(likelihoods, "likelihood_of", lambda *_: likelihood_of(measured))

    def moved(fitted, *rest):
        return closed(Mixture.of(fitted.weight, fitted.mean + OFF * fitted.chol.diagonal(0, 2, 3), fitted.chol), *rest)

    monkeypatch.setattr(surrogates, "_closed", moved)
    return [sampling.posterior(np.random.default_rng(seed), batch, CURVES, EFFORT) for seed in range(fits)]


@pytest.mark.parametrize("width", [CURVES, 6])
def test_sweeps_give_the_posterior_though_surrogates_are_off(monkeypatch, batch, measured, width):
    monkeypatch.setattr(surrogate_group, "WIDTHS", (width,))
    found = several(monkeypatch, batch, measured, 3)
    assert min(f.hyper_ess.min() for f in found) > 100
    assert max(f.hyper_memory.max() for f in found) < EFFORT.memory
    # A bias would show in all. So few walkers claim to be worth half as much again as they are: one fit errs more.
    errors = sum(errors_of_centres(f, batch, measured) for f in found) / np.sqrt(len(found))
    np.testing.assert_array_less(np.abs(errors), 4.0)


DRAWN = surrogate_sweep.Chance.drawn
PADDED = surrogate_group.groups_of
NORMALS = surrogates.normals


def accepting(*_, name: str):
    def with_zeros(chance):
        if name in chance._fields:
            return chance._replace(**{name: 0.0 * getattr(chance, name)})
        return chance._replace(of_curves=with_zeros(chance.of_curves))

    return classmethod(lambda cls, *given: with_zeros(DRAWN(*given)))


def all_real(*given):
    return [g._replace(of_curves=g.of_curves._replace(real=np.ones_like(g.of_curves.real))) for g in PADDED(*given)]


TWINS = {
    "surrogates for the likelihood": (surrogates, "log_likelihood", lambda xp, surrogate, points: 0.0 * points[:, 0]),
    "hyper-parameters always taken": (surrogate_sweep.Chance, "drawn", accepting(name="least")),
    "steps always taken": (surrogate_sweep.Chance, "drawn", accepting(name="step_least")),
    "copies that count": (surrogate_group, "groups_of", all_real),
    "corrections for the likelihood": (surrogate_sweep, "_correction", lambda group, hyper: 0.0 * hyper[0]),
    "curves that go too far": (surrogates, "normals", lambda *given: 2.0 * NORMALS(*given)),
}


@pytest.mark.parametrize("twin", TWINS)
def test_broken_twins_are_caught(monkeypatch, batch, measured, twin):
    monkeypatch.setattr(surrogate_group, "WIDTHS", (6,))
    monkeypatch.setattr(*TWINS[twin])
    found = sampled(monkeypatch, batch, measured)
    assert np.abs(errors_of_centres(found, batch, measured)).max() > 4.0


def test_curves_may_go_one_by_one(monkeypatch):
    """As those of large groups do."""
    curves = simulate(CARD, np.geomspace(1e3, 1e5, 6), architectures=3, seed=3).curves
    batch = fast.batch_of([design_of(curves, curves.groups[0], CARD)])
    sweep, given = surrogate_sweep.sweep, []
    monkeypatch.setattr(surrogate_sweep, "sweep", lambda *g: given.append(g) or sweep(*g))
    effort = EFFORT._replace(kept=2, draws=60)
    sampling.posterior(np.random.default_rng(0), batch, 3, effort)
    _, walkers, _, groups = given[-1]
    after = []
    for at_once in (8, 0):
        monkeypatch.setattr(surrogate_sweep, "AT_ONCE", at_once)
        surrogate_sweep.program.cache_clear()
        after.append(sweep(np.random.default_rng(1), walkers, batch, groups))
    surrogate_sweep.program.cache_clear()
    together, alone = ([a[0].hyper, a[0].values, a[1][0].log_gain] for a in after)
    for one, other in zip(together, alone, strict=True):  # by rounding a walker may go elsewhere
        assert (np.abs(one - other) > 1e-3 * (1.0 + np.abs(one))).mean() < 0.02


def test_what_cannot_be_trusted_goes_on_by_clouds(monkeypatch, batch, measured):
    by_clouds = []
    sweep = sampling.particle_gibbs.sweep
    monkeypatch.setattr(sampling.particle_gibbs, "sweep", lambda *given: by_clouds.append(1) or sweep(*given))
    monkeypatch.setattr(mixing, "LEAST_ESS", np.inf)
    monkeypatch.setattr(sampling, "AFRESH", sampling.AFRESH[:1])
    found = sampled(monkeypatch, batch, measured)
    assert by_clouds
    np.testing.assert_array_less(np.abs(errors_of_centres(found, batch, measured)), 4.0)


def test_surrogates_that_do_not_serve_are_given_up_early(monkeypatch):
    curves = simulate(CARD, np.geomspace(1e3, 1e5, 6), architectures=2, seed=3).curves
    batch = fast.batch_of([design_of(curves, curves.groups[0], CARD)])
    led, by_clouds = [], []
    for module, seen in ((surrogate_sweep, led), (sampling.particle_gibbs, by_clouds)):
        sweep = module.sweep
        monkeypatch.setattr(module, "sweep", lambda *given, sweep=sweep, seen=seen: seen.append(1) or sweep(*given))
    shorter = {"kept": 2, "sweeps": 12, "draws": 100}
    effort = EFFORT._replace(**shorter, fitting=12, moved=1.0 + 1e-9, instead=BY_CLOUDS._replace(**shorter))
    found = sampling.posterior(np.random.default_rng(0), batch, 2, effort)
    assert len(led) == forgetting.JUDGED * effort.chains
    assert len(by_clouds) == found.sweeps[0] * effort.chains


def test_groups_that_surrogates_do_not_serve_are_sampled_by_clouds(monkeypatch):
    """Of two groups the first; each gets its own draws back, as many as asked for."""
    curves = simulate(CARD, np.geomspace(1e3, 1e5, 6), architectures=2, groups=2, seed=3).curves
    batch = fast.batch_of([design_of(curves, g, CARD) for g in curves.groups])
    shorter = {"kept": 4, "sweeps": 12, "draws": 100}
    by_clouds = BY_CLOUDS._replace(**shorter)
    effort = EFFORT._replace(**shorter, moved=0.5, instead=by_clouds)  # these surrogates move about 0.8
    both = sampling.posterior(np.random.default_rng(0), batch, 4, effort)
    by_group, sweep, seen = likelihoods.by_group, sampling.particle_gibbs.sweep, []
    monkeypatch.setattr(
        sampling.particle_gibbs, "sweep", lambda rng, w, b, *rest: seen.append(len(b.mean)) or sweep(rng, w, b, *rest)
    )

    def first_is_poor(reduce, batch, of_curves):
        out = by_group(reduce, batch, of_curves)
        return np.where(np.arange(2) == 0, 0.0, out) if len(batch.mean) == 2 and of_curves.ndim == 1 else out

    monkeypatch.setattr(likelihoods, "by_group", first_is_poor)
    found = sampling.posterior(np.random.default_rng(0), batch, 4, effort)
    assert set(seen) == {1}
    assert found.hyper.shape == both.hyper.shape
    assert np.isfinite(found.values).all()
    middle, wide = both.values.mean((1, 2)), both.values.std((1, 2))
    np.testing.assert_allclose((found.values.mean((1, 2)) - middle) / wide, 0.0, atol=0.6)
