"""A sweep over one group whose curves have surrogates: many walkers, each with proposals made for it, in one program.

1. Each walker chooses among fresh candidates for the hyper-parameters and its own, by the surrogates' marginal
   likelihoods: a step that leaves the surrogate posterior invariant.
2. Under what it chose it draws a few particles of each curve from surrogate times prior, and as many under what it
   has, its own curve among them. The means of likelihood over surrogate of both say whether the step is taken: an
   estimate of what the likelihood itself says of it (Liu 2001, surrogate transitions; Andrieu, Doucet & Holenstein
   2010, particle marginal Metropolis-Hastings with a conditional cloud). Either way each curve becomes one of the
   particles, by weight.
3. Before that each curve takes a random-walk step of its own, afterwards an exact level and Gibbs steps of the
   hyper-parameters given the curves.

All leave the posterior invariant, however good the surrogates. Walkers share nothing but proposals.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from forecaster import density
from forecaster.density import Constants, CurveArrays, LevelLikelihood, Local
from forecaster.engines import clouds, conditionals, likelihoods, mixtures, particle_gibbs, programs, surrogates
from forecaster.engines.likelihoods import Batch, Likelihood
from forecaster.engines.mixtures import DEFENSIVE, DEGREES, LARGEST, SMALLEST, Mixture
from forecaster.engines.particle_gibbs import Walkers
from forecaster.engines.shapes import WIDTHS, padded_to
from forecaster.engines.surrogates import Surrogate

Array = Any  # a JAX or NumPy array; docstrings name its axes
PARTICLES = 6  # of each curve under a walker's new hyper-parameters, and under those it has
SHARED = ("mean", "sd", "spread")  # fields of a surrogate that are not one a curve
CANDIDATES = 10  # hyper-parameters that each walker chooses from, beside its own


class Group(NamedTuple):
    """What a sweep takes as given, of one group whose curves are padded with copies of the last."""

    real: Array  # [curve] one, or zero for a copy
    mean: Array  # [10] prior of the hyper-parameters
    sd: Array  # [10]
    spread_fixed: Array  # [6]
    effects: Array  # [curve, 7]
    lift: Array  # [curve, 1] log error at the largest size, to which `curves` are relative
    curves: CurveArrays
    constants: Constants
    surrogate: Surrogate
    hypers: Mixture  # proposals, of one target: [component, ...]
    steps: Mixture  # [curve, component, ...] in the surrogate's units


def groups_of(batch: Batch, of_groups: list[Surrogate], hypers: Mixture, steps: Mixture) -> list[Group]:
    """Of the groups of a batch, in the precision that its likelihood takes; ``steps`` are in the surrogates' units."""
    kind = np.float32 if likelihoods.single_serves(batch) else np.float64
    about, lift = likelihoods.centred(likelihoods.needed(batch.curves))
    constants = Constants(*(c[:, None] for c in batch.constants))
    of_curves = (batch.effects[:, 1:], lift, about, constants, steps)

    def one(g: int) -> Group:
        rows = padded_rows(batch, g)
        effects, of_rows, curves, fixed, walk = jax.tree.map(lambda a: a[rows], of_curves)
        within = rows - rows[0]
        padded = Surrogate(*(a if name in SHARED else a[within] for name, a in of_groups[g]._asdict().items()))
        real = np.diff(rows, prepend=rows[0] - 1) > 0
        prior = (batch.mean[g], batch.sd[g], batch.spread_fixed[g])
        own = Mixture(*(a[g] for a in hypers))
        whole = Group(real, *prior, effects, of_rows, curves, fixed, padded, own, walk)
        return jax.tree.map(lambda a: np.asarray(a, kind), whole)

    return [one(g) for g in range(len(batch.mean))]


def padded_rows(batch: Batch, group: int) -> Array:
    """The group's curves, the last of them again until there are as many as a program serves."""
    rows = np.flatnonzero(batch.owner == group)
    return rows[np.minimum(np.arange(padded_to(len(rows), WIDTHS)), len(rows) - 1)]


class State(NamedTuple):
    """A chain's walkers, as the program has them."""

    hyper: Array  # [10, walker]
    values: Array  # [curve, 8, walker]
    integrated: LevelLikelihood  # [curve, walker] each


class Chance(NamedTuple):
    """All that a sweep leaves to chance: what ends in ``at``, ``with`` or ``least`` is uniform, the rest normal."""

    component_at: Array  # [k] of the candidates, k = candidate x walker
    prior_at: Array  # [k]
    squares_with: Array  # [4, k]
    candidate: Array  # [k, 10]
    chosen_at: Array  # [walker]
    particle_component_at: Array  # [curve, j, walker], j = 2 PARTICLES - 1
    particle: Array  # [curve, 7, j, walker]
    step_component_at: Array  # [curve, walker]
    length_at: Array  # [curve, walker]
    step: Array  # [curve, 7, walker]
    step_least: Array  # [curve, walker]
    least: Array  # [walker]
    particle_at: Array  # [curve, walker]
    level: Array  # [curve, walker]
    refreshed: conditionals.Chance  # of [walker, quantity]

    @classmethod
    def drawn(cls, rng: np.random.Generator, curves: int, walkers: int, kind: type) -> Chance:
        """Of a sweep of so many walkers, as ``kind`` of numbers."""
        k, j = CANDIDATES * walkers, 2 * PARTICLES - 1
        shapes = [(k,), (k,), (4, k), (k, 10), (walkers,), (curves, j, walkers), (curves, 7, j, walkers)]
        shapes += [(curves, walkers), (curves, walkers), (curves, 7, walkers), (curves, walkers), (walkers,)]
        shapes += [(curves, walkers), (curves, walkers)]
        uniform = ("at", "with", "least")
        drawn = [
            (rng.random if name.endswith(uniform) else rng.standard_normal)(shape, dtype=kind)
            for name, shape in zip(cls._fields, shapes, strict=False)
        ]
        return cls._make([*drawn, conditionals.Chance.drawn(rng, (walkers,), kind)])


def _index(weights: Array, uniform: Array, axis: int) -> Array:
    """An index of ``axis`` by these weights; ``uniform`` lacks that axis."""
    upto = jnp.cumsum(weights, axis)
    last = jax.lax.index_in_dim(upto, -1, axis)
    found = (upto < jnp.expand_dims(uniform, axis) * last).sum(axis)
    return jnp.minimum(found, weights.shape[axis] - 1)


def _softmax(log_weight: Array, axis: int) -> Array:
    """Weights over the largest."""
    return jnp.exp(log_weight - log_weight.max(axis, keepdims=True))


def _standard_normal(points: Array) -> Array:
    """Log density [k] of ``points`` [10, k]."""
    return -0.5 * ((points**2).sum(0) + len(points) * density.LOG_2PI)


def _proposal(hypers: Mixture, points: Array) -> Array:
    """Log density [k] of the proposals at ``points`` [10, k], the prior mixed in."""
    distance = jnp.maximum(hypers.quadratic @ surrogates.features(jnp, points), 0.0)
    power = -0.5 * (DEGREES + len(points))
    inside = (hypers.height[:, None] * (1.0 + distance / DEGREES) ** power).sum(0)
    return jnp.log((1.0 - DEFENSIVE) * inside + DEFENSIVE * jnp.exp(_standard_normal(points)))


def _candidates(group: Group, chance: Chance) -> Array:
    """Fresh hyper-parameters [10, k] in units of their prior, independent of one another."""
    hypers = group.hypers
    which = _index(hypers.weight[:, None], chance.component_at, 0)
    squares = -2.0 * jnp.log1p(-chance.squares_with).sum(0)  # chi-square of DEGREES = 8 degrees of freedom
    scale = jnp.sqrt(DEGREES / jnp.maximum(squares, 1e-3))
    points = hypers.mean[which] + scale[:, None] * jnp.einsum("kij,kj->ki", hypers.chol[which], chance.candidate)
    return jnp.where(chance.prior_at[:, None] < DEFENSIVE, chance.candidate, points).T


def _chosen(state: State, group: Group, chance: Chance) -> tuple[Array, Array, Array]:
    """Hyper-parameters [10, walker] by the surrogates; shares [curve, component, walker] under these and their own."""
    walkers = state.hyper.shape[1]
    own = (state.hyper - group.mean[:, None]) / group.sd[:, None]
    standard = jnp.concatenate([own, _candidates(group, chance)], 1)
    hyper = group.mean[:, None] + group.sd[:, None] * standard
    marginal, shares = surrogates.log_marginals(jnp, group.surrogate, hyper)
    marginal = (group.real[:, None] * (marginal + surrogates.level_term(jnp, group.surrogate, hyper))).sum(0)
    total = marginal + _standard_normal(standard) - _proposal(group.hypers, standard)
    which = _index(_softmax(total.reshape(-1, walkers), 0), chance.chosen_at, 0)  # zero: their own
    at = which * walkers + jnp.arange(walkers)
    return hyper[:, at], shares[..., at], shares[..., :walkers]


def _stepped(state: State, group: Group, chance: Chance) -> Array:
    """Where a random walk would take each curve's values [curve, 7, walker], which are in the surrogate's units."""
    which = _index(group.steps.weight[..., None], chance.step_component_at, 1)
    curve = jnp.arange(len(which))[:, None]
    low, high = np.log(SMALLEST), np.log(LARGEST)
    length = jnp.exp(low + (high - low) * chance.length_at) * 2.38 / np.sqrt(7.0)
    step = jnp.einsum("cwij,cjw->ciw", group.steps.chol[curve, which], chance.step)
    return _standard(group, state.values) + length[:, None] * step


def _standard(group: Group, values: Array) -> Array:
    """[curve, 8, walker] in the surrogate's units, without level."""
    mean, sd = group.surrogate.mean, group.surrogate.sd
    return (values[:, 1:] - mean[1:, None]) / sd[1:, None]


def _log_prior(group: Group, hyper: Array, values: Array) -> Array:
    """Of ``values`` [curve, 7, walker], in the surrogate's units, under ``hyper`` [10, walker], up to a constant."""
    surrogate = group.surrogate
    centre = (hyper[1:8] - surrogate.mean[1:, None]) / surrogate.sd[1:, None]
    spread = jnp.exp(hyper[9:]) / surrogate.sd[1]
    fixed = jnp.broadcast_to(surrogate.spread[:, None], (len(surrogate.spread), hyper.shape[1]))
    return -0.5 * (((values - centre) / jnp.concatenate([spread, fixed])) ** 2).sum(1)


def _evaluated(group: Group, points: Array, likelihood: Callable[..., LevelLikelihood]) -> LevelLikelihood:
    """At ``points`` [curve, 7, ...] in the surrogate's units: [curve, ...] each."""
    curves, d, *rest = points.shape
    mean, sd = group.surrogate.mean[1:, None], group.surrogate.sd[1:, None]
    plain = mean + sd * points.reshape(curves, d, -1) + group.effects[..., None]
    out = likelihoods.possible(jnp, likelihood(Local(*jnp.moveaxis(plain, 1, 0)), group.curves, group.constants))
    out = out._replace(mean=out.mean + group.lift)
    return LevelLikelihood(*(a.reshape(curves, *rest) for a in out))


def _level_out(integrated: LevelLikelihood, hyper: Array) -> Array:
    """Log likelihood with levels integrated under ``hyper`` [10, walker]; the last axis is walkers."""
    return clouds.without_level(integrated, hyper[0], jnp.exp(2.0 * hyper[8]), jnp)


def _sweep(
    state: State,
    group: Group,
    chance: Chance,
    likelihood: Callable[..., LevelLikelihood] = density.level_likelihood,
) -> State:
    surrogate, count = group.surrogate, PARTICLES
    new, new_shares, own_shares = _chosen(state, group, chance)
    first, others = slice(count), slice(count, None)

    def drawn(hyper: Array, shares: Array, at: slice) -> Array:
        """Particles [curve, 7, j, walker] under ``hyper``."""
        which = _index(shares[:, :, None], chance.particle_component_at[:, at], 1)
        return surrogates.draws(jnp, surrogate, hyper, which, chance.particle[:, :, at])

    fresh, beside = drawn(new, new_shares, first), drawn(state.hyper, own_shares, others)
    standing, tried = _standard(group, state.values), _stepped(state, group, chance)
    found = _evaluated(group, jnp.concatenate([fresh, beside, tried[:, :, None]], 2), likelihood)

    of_step = LevelLikelihood(*(a[:, -1] for a in found))
    gain = _log_prior(group, state.hyper, tried) + _level_out(of_step, state.hyper)
    gain = gain - _log_prior(group, state.hyper, standing) - _level_out(state.integrated, state.hyper)
    takes = jnp.log(chance.step_least) < gain
    standing = jnp.where(takes[:, None], tried, standing)
    integrated = LevelLikelihood(
        *(
            jnp.concatenate([a[:, :-1], jnp.where(takes, a[:, -1], b)[:, None]], 1)
            for a, b in zip(found, state.integrated, strict=True)
        )
    )
    points = jnp.concatenate([fresh, beside, standing[:, :, None]], 2)
    return _settled(state, group, chance, new, points, integrated)


def _settled(
    state: State, group: Group, chance: Chance, new: Array, points: Array, integrated: LevelLikelihood
) -> State:
    """Walkers at new hyper-parameters or their own, at one of the ``points`` [curve, 7, 2 PARTICLES, walker]."""
    surrogate, count = group.surrogate, PARTICLES
    curves, d, _, walkers = points.shape
    theirs = surrogates.log_likelihood(jnp, surrogate, points.reshape(curves, d, -1)).reshape(curves, -1, walkers)

    def log_weight(hyper: Array, at: slice) -> Array:
        """Likelihood over surrogate, [curve, PARTICLES, walker]."""
        some = LevelLikelihood(*(a[:, at] for a in integrated))
        return _level_out(some, hyper) - surrogates.level_term(jnp, surrogate, hyper)[:, None] - theirs[:, at]

    of_new, of_own = log_weight(new, slice(count)), log_weight(state.hyper, slice(count, None))
    gain = jax.nn.logsumexp(of_new, 1) - jax.nn.logsumexp(of_own, 1)
    takes = jnp.log(chance.least) < (group.real[:, None] * gain).sum(0)
    hyper = jnp.where(takes, new, state.hyper)
    at = _index(_softmax(jnp.where(takes, of_new, of_own), 1), chance.particle_at, 1)
    at = jnp.where(takes, at, at + count)[:, None]
    integrated = LevelLikelihood(*(jnp.take_along_axis(a, at, 1)[:, 0] for a in integrated))
    picked = jnp.take_along_axis(points, at[:, None], 2)[:, :, 0]
    middle, precision = clouds.level_given(integrated, hyper[0], jnp.exp(-2.0 * hyper[8]))
    level = middle + chance.level / jnp.sqrt(precision)
    values = surrogate.mean[1:, None] + surrogate.sd[1:, None] * picked
    values = jnp.concatenate([level[:, None], values], 1)
    return State(_refreshed(group, chance, hyper, values), values, integrated)


def _refreshed(group: Group, chance: Chance, hyper: Array, values: Array) -> Array:
    """Hyper-parameters [10, walker] given the curves."""
    total = (group.real[:, None, None] * values).sum(0).T
    squares = (group.real[:, None, None] * values**2).sum(0).T[:, : conditionals.SPREADS]
    prior = conditionals.Prior(group.mean, group.sd, group.spread_fixed)
    count, chances = group.real.sum(), chance.refreshed
    return conditionals.given_curves(jnp, prior, count, hyper.T, total, squares, chances, jax.lax.scan).T


@functools.cache
def program() -> Callable[[State, Group, Chance], State]:
    """The compiled sweep."""
    return programs.compiled(_sweep, State(0, 0, LevelLikelihood(0, 0, 0)))


def start(
    rng: np.random.Generator, batch: Batch, likelihood: Likelihood, of_groups: list[Surrogate], hypers: Mixture, effort
) -> Walkers:
    """One chain's walkers, by the surrogates alone: the hyper-parameters by weight, then the curves given them."""
    standard, log_q = mixtures.sample(rng, hypers, effort.hypers)
    log_weight = mixtures.standard_normal(standard) - log_q
    hyper = batch.mean[:, None] + batch.sd[:, None] * standard
    log_weight += np.stack([surrogates.log_marginal(np, s, h.T) for s, h in zip(of_groups, hyper, strict=True)])
    chosen = rng.permuted(mixtures.stratified(rng, mixtures.softmax(log_weight, 1), effort.walkers), axis=1)
    hyper = np.take_along_axis(hyper, chosen[..., None], 1)
    drawn = np.concatenate([_start(rng, s, h.T) for s, h in zip(of_groups, hyper, strict=True)])
    values = np.concatenate([np.zeros((*drawn.shape[:2], 1)), drawn], -1)
    return particle_gibbs.given_the_curves(rng, batch, Walkers(hyper, values, likelihood(drawn)))


def _start(rng: np.random.Generator, surrogate: Surrogate, hyper: Array) -> Array:
    """Values [curve, walker, 7] of a group's curves under ``hyper`` [10, walker]."""
    shares = surrogates.log_marginals(np, surrogate, hyper)[1]
    upto = np.cumsum(shares, 1)
    component = (upto < rng.random((len(shares), 1, hyper.shape[1])) * upto[:, -1:]).sum(1)[:, None]
    normal = rng.standard_normal((len(shares), 7, *component.shape[1:]))
    points = surrogates.draws(np, surrogate, hyper, component, normal)[:, :, 0].swapaxes(1, 2)
    return surrogate.mean[1:] + surrogate.sd[1:] * points


def sweep(rng: np.random.Generator, walkers: Walkers, batch: Batch, groups: list[Group]) -> Walkers:
    """One chain's walkers after a sweep of each group."""
    parts = [_of_group(rng, walkers, group, padded_rows(batch, g), g) for g, group in enumerate(groups)]
    real = np.bincount(batch.owner)
    hyper, values = np.stack([p.hyper for p in parts]), [p.values[:n] for p, n in zip(parts, real, strict=True)]
    of_curves = zip(*([a[:n] for a in p.integrated] for p, n in zip(parts, real, strict=True)), strict=True)
    integrated = LevelLikelihood(*(np.concatenate(a) for a in of_curves))
    return Walkers(hyper.swapaxes(1, 2), np.concatenate(values).swapaxes(1, 2), integrated)


def _of_group(rng: np.random.Generator, walkers: Walkers, group: Group, rows: Array, g: int) -> State:
    kind = group.mean.dtype
    integrated = LevelLikelihood(*(a[rows] for a in walkers.integrated))
    state = State(walkers.hyper[g].T, walkers.values[rows].swapaxes(1, 2), integrated)
    state = jax.tree.map(lambda a: np.asarray(a, kind), state)
    chance = Chance.drawn(rng, len(rows), walkers.hyper.shape[1], kind.type)
    with jax.enable_x64(kind == np.float64):  # a setting of the thread
        return jax.tree.map(lambda a: np.asarray(a, float), program()(state, group, chance))


def evaluations(walkers: int) -> int:
    """Of each curve's likelihood in a sweep of so many walkers."""
    return 2 * PARTICLES * walkers
