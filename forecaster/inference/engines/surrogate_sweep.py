"""A sweep over one group whose curves have surrogates: many walkers, each with proposals made for it, in one program.

1. Each walker chooses among fresh candidates for the hyper-parameters and its own, by the surrogates' marginal
   likelihoods and what is known to be wrong with them (:mod:`forecaster.inference.engines.corrections`): a step that leaves the
   distribution of both invariant.
2. Under what it has it draws a few particles of each curve from surrogate times prior, its own curve among them, and
   under what it chose those that the same random numbers make there: that of its own curve is read off it. The means
   of likelihood over surrogate of both say whether the step is taken: estimates of what the likelihood itself says of
   it (Liu 2001, surrogate transitions; Andrieu, Doucet & Holenstein 2010, particle marginal Metropolis-Hastings with a
   conditional cloud), whose errors are alike (Deligiannidis, Doucet & Pitt 2018, correlated pseudo-marginal method).
   Either way each curve becomes one of the particles, by weight.
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

from forecaster.inference.engines import (
    clouds,
    conditionals,
    corrections,
    likelihoods,
    mixtures,
    particle_gibbs,
    programs,
    surrogates,
)
from forecaster.inference.engines.likelihoods import Batch, Likelihood
from forecaster.inference.engines.mixtures import DEFENSIVE, DEGREES, LARGEST, SMALLEST, Mixture
from forecaster.inference.engines.particle_gibbs import Walkers
from forecaster.inference.engines.surrogate_chance import PARTICLES, Chance, OfCurvesChance
from forecaster.inference.engines.surrogate_group import Group, OfCurves, Seen, padded_rows
from forecaster.inference.engines.surrogates import Surrogate
from forecaster.model import density
from forecaster.model.density import LevelLikelihood, Local

Array = Any  # a JAX or NumPy array; docstrings name its axes
AT_ONCE = 8  # curves that go through a sweep together; of more each goes alone, so that its arrays fit caches


class Curves(NamedTuple):
    """Where a chain's walkers have their curves."""

    values: Array  # [curve, 8, walker], level first
    integrated: LevelLikelihood  # [curve, walker] each


class State(NamedTuple):
    """A chain's walkers, as the program has them."""

    hyper: Array  # [10, walker]
    curves: Curves


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


def _by_curve(part: Callable[..., Any], given: Any) -> Any:
    """``part`` of what is ``given`` [curve, ...]: of all curves at once, or, of many on a processor, one by one."""
    curves = len(jax.tree.leaves(given)[0])
    if curves <= AT_ONCE or jax.default_backend() != "cpu":
        return part(given)

    def one(of_curve: Any) -> Any:
        return jax.tree.map(lambda a: a[0], part(jax.tree.map(lambda a: a[None], of_curve)))

    return jax.lax.map(one, jax.tree.map(jnp.asarray, given))


def _marginal(surrogate: Surrogate, hyper: Array) -> tuple[Array, Array]:
    """Log [curve, k] that surrogates give to ``hyper`` [10, k], levels included, and shares [curve, component, k]."""
    marginal, shares = surrogates.log_marginals(jnp, surrogate, hyper)
    return marginal + surrogates.level_term(jnp, surrogate, hyper), shares


def _chosen(state: State, group: Group, chance: Chance) -> Array:
    """Hyper-parameters [10, walker] by the surrogates, among their own and fresh ones."""
    walkers = state.hyper.shape[1]
    standard = jnp.concatenate([group.standard(state.hyper), _candidates(group, chance)], 1)
    hyper = group.mean[:, None] + group.sd[:, None] * standard
    marginal = _by_curve(
        lambda curves: curves.real[:, None] * _marginal(group.surrogate(curves), hyper)[0], group.of_curves
    ).sum(0)
    total = marginal + corrections.at(jnp, group.correction, standard)
    total = total + _standard_normal(standard) - _proposal(group.hypers, standard)
    which = _index(_softmax(total.reshape(-1, walkers), 0), chance.chosen_at, 0)  # zero: their own
    return hyper[:, which * walkers + jnp.arange(walkers)]


def _correction(group: Group, hyper: Array) -> Array:
    """Of the surrogates at ``hyper`` [10, k], [k]."""
    return corrections.at(jnp, group.correction, group.standard(hyper))


def _stepped(standing: Array, steps: Mixture, chance: OfCurvesChance) -> Array:
    """Where a random walk would take each curve's values [curve, 7, walker], which are in the surrogate's units."""
    which = _index(steps.weight[..., None], chance.step_component_at, 1)
    curve = jnp.arange(len(which))[:, None]
    low, high = np.log(SMALLEST), np.log(LARGEST)
    length = jnp.exp(low + (high - low) * chance.length_at) * 2.38 / np.sqrt(7.0)
    step = jnp.einsum("cwij,cjw->ciw", jnp.asarray(steps.chol)[curve, which], chance.step)
    return standing + length[:, None] * step


def _standard(surrogate: Surrogate, values: Array) -> Array:
    """[curve, 8, walker] in the surrogate's units, without level."""
    return (values[:, 1:] - surrogate.mean[1:, None]) / surrogate.sd[1:, None]


def _log_prior(surrogate: Surrogate, hyper: Array, values: Array) -> Array:
    """Of ``values`` [curve, 7, walker], in the surrogate's units, under ``hyper`` [10, walker], up to a constant."""
    centre = (hyper[1:8] - surrogate.mean[1:, None]) / surrogate.sd[1:, None]
    spread = jnp.exp(hyper[9:]) / surrogate.sd[1]
    fixed = jnp.broadcast_to(surrogate.spread[:, None], (len(surrogate.spread), hyper.shape[1]))
    return -0.5 * (((values - centre) / jnp.concatenate([spread, fixed])) ** 2).sum(1)


def _evaluated(
    surrogate: Surrogate, own: OfCurves, points: Array, likelihood: Callable[..., LevelLikelihood]
) -> LevelLikelihood:
    """At ``points`` [curve, 7, ...] in the surrogate's units: [curve, ...] each.

    Barriers on both sides: fused with what makes the points, the likelihood makes each of them several times.
    """
    curves, d, *rest = points.shape
    mean, sd = surrogate.mean[1:, None], surrogate.sd[1:, None]
    plain = mean + sd * points.reshape(curves, d, -1) + own.effects[..., None]
    plain = jax.lax.optimization_barrier(jnp.moveaxis(plain, 1, 0))
    out = jax.lax.optimization_barrier(tuple(likelihood(Local(*plain), own.curves, own.constants)))
    out = likelihoods.possible(jnp, LevelLikelihood(*out))
    out = out._replace(mean=out.mean + own.lift)
    return LevelLikelihood(*(a.reshape(curves, *rest) for a in out))


def _level_out(integrated: LevelLikelihood, hyper: Array) -> Array:
    """Log likelihood with levels integrated under ``hyper`` [10, walker]; the last axis is walkers."""
    return clouds.without_level(integrated, hyper[0], jnp.exp(2.0 * hyper[8]), jnp)


class Particles(NamedTuple):
    """Of each curve, under what walkers have and under what they chose."""

    points: Array  # [curve, 7, PARTICLES, walker] in the surrogate's units; the last is where walkers stand
    integrated: LevelLikelihood  # [curve, PARTICLES, walker] each


def _random_numbers(
    surrogate: Surrogate, hyper: Array, shares: Array, points: Array, chance: OfCurvesChance
) -> tuple[Array, Array]:
    """A uniform number [curve, j, walker] and normals [curve, 7, j, walker] that make these points under ``hyper``.

    The first chooses the component by ``shares`` [curve, component, walker].
    """
    curves, d, j, walkers = points.shape
    of_points = surrogates.log_components(jnp, surrogate, points.reshape(curves, d, -1)).reshape(curves, -1, j, walkers)
    component = _index(_softmax(of_points, 1), chance.own_component_at, 1)
    upto = jnp.cumsum(shares, 1)[:, :, None]
    end, share = (jnp.take_along_axis(a, component[:, None], 1)[:, 0] for a in (upto, shares[:, :, None]))
    uniform = (end - share * chance.own_within_at) / upto[:, -1]
    return uniform, surrogates.normals(jnp, surrogate, hyper, component, points)


def _particles(
    hyper: Array,
    new: Array,
    curves: Curves,
    own: OfCurves,
    surrogate: Surrogate,
    chance: OfCurvesChance,
    likelihood: Callable[..., LevelLikelihood],
) -> tuple[Particles, Particles]:
    """Under ``hyper`` and ``new`` [10, walker], by the same random numbers, after a step of each curve."""
    count, (shares, new_shares) = PARTICLES, (_marginal(surrogate, h)[1] for h in (hyper, new))
    standing = _standard(surrogate, curves.values)
    tried = _stepped(standing, own.steps, chance)
    either = jnp.stack([standing, tried], 2)
    uniform, normal = _random_numbers(surrogate, hyper, shares, either, chance)
    uniform = jnp.concatenate([chance.component_at, uniform], 1)
    normal = jnp.concatenate([chance.particle, normal], 2)
    beside = surrogates.draws(
        jnp, surrogate, hyper, _index(shares[:, :, None], chance.component_at, 1), chance.particle
    )
    there = surrogates.draws(jnp, surrogate, new, _index(new_shares[:, :, None], uniform, 1), normal)
    found = _evaluated(surrogate, own, jnp.concatenate([beside, tried[:, :, None], there], 2), likelihood)

    of_step = LevelLikelihood(*(a[:, count - 1] for a in found))
    gain = _log_prior(surrogate, hyper, tried) + _level_out(of_step, hyper)
    gain = gain - _log_prior(surrogate, hyper, standing) - _level_out(curves.integrated, hyper)
    takes = jnp.log(chance.step_least) < gain

    def with_last(some: Array, if_taken: Array, if_not: Array, axis: int) -> Array:
        """``some`` particles, and where walkers stand, along ``axis``."""
        last = jnp.where(jnp.expand_dims(takes, tuple(range(1, axis))), if_taken, if_not)
        return jnp.concatenate([some, jnp.expand_dims(last, axis)], axis)

    own_found = (
        with_last(a[:, : count - 1], s, b, 1) for a, s, b in zip(found, of_step, curves.integrated, strict=True)
    )
    new_found = (with_last(a[:, count : 2 * count - 1], a[:, -1], a[:, -2], 1) for a in found)
    return (
        Particles(with_last(beside, tried, standing, 2), LevelLikelihood(*own_found)),
        Particles(
            with_last(there[:, :, : count - 1], there[:, :, -1], there[:, :, -2], 2), LevelLikelihood(*new_found)
        ),
    )


def _weighed(hyper: Array, particles: Particles, surrogate: Surrogate, at: Array) -> tuple[Array, Curves]:
    """Log sum of likelihood over surrogate [curve, walker] under ``hyper``, and one of the particles by that weight.

    Its values [curve, 7, walker] are in the surrogate's units.
    """
    curves, d, count, walkers = particles.points.shape
    theirs = surrogates.log_likelihood(jnp, surrogate, particles.points.reshape(curves, d, -1))
    log_weight = _level_out(particles.integrated, hyper) - theirs.reshape(curves, count, walkers)
    log_weight = log_weight - surrogates.level_term(jnp, surrogate, hyper)[:, None]
    which = _index(_softmax(log_weight, 1), at, 1)[:, None]
    integrated = LevelLikelihood(*(jnp.take_along_axis(a, which, 1)[:, 0] for a in particles.integrated))
    values = jnp.take_along_axis(particles.points, which[:, None], 2)[:, :, 0]
    return jax.nn.logsumexp(log_weight, 1), Curves(values, integrated)


def _sweep(
    state: State,
    group: Group,
    chance: Chance,
    likelihood: Callable[..., LevelLikelihood] = density.level_likelihood,
) -> tuple[State, Seen]:
    hyper, new = state.hyper, _chosen(state, group, chance)

    def part(given: tuple[Curves, OfCurves, OfCurvesChance]) -> tuple[tuple[Array, Curves], ...]:
        curves, own, numbers = given
        surrogate = group.surrogate(own)
        of_each = _particles(hyper, new, curves, own, surrogate, numbers, likelihood)
        at = numbers.particle_at
        return tuple(_weighed(h, p, surrogate, at) for h, p in zip((hyper, new), of_each, strict=True))

    given = (state.curves, group.of_curves, chance.of_curves)
    (of_own, if_own), (of_new, if_new) = _by_curve(part, given)
    real = group.of_curves.real[:, None]
    of_own, of_new = ((real * a).sum(0) for a in (of_own, of_new))
    had, chosen = (_correction(group, h) for h in (hyper, new))
    takes = jnp.log(chance.least) < of_new - chosen - (of_own - had)
    curves = jax.tree.map(lambda a, b: jnp.where(takes, a, b), if_new, if_own)
    seen = Seen(jnp.concatenate([hyper, new], 1), jnp.concatenate([of_own, of_new]))
    return _settled(group, chance, jnp.where(takes, new, hyper), curves), seen


def _settled(group: Group, chance: Chance, hyper: Array, curves: Curves) -> State:
    """With levels, in plain units, and with hyper-parameters anew given the curves."""
    middle, precision = clouds.level_given(curves.integrated, hyper[0], jnp.exp(-2.0 * hyper[8]))
    level = middle + chance.of_curves.level / jnp.sqrt(precision)
    values = group.shared["mean"][1:, None] + group.shared["sd"][1:, None] * curves.values
    values = jnp.concatenate([level[:, None], values], 1)
    return State(_refreshed(group, chance, hyper, values), Curves(values, curves.integrated))


def _refreshed(group: Group, chance: Chance, hyper: Array, values: Array) -> Array:
    """Hyper-parameters [10, walker] given the curves."""
    real = group.of_curves.real
    total = (real[:, None, None] * values).sum(0).T
    squares = (real[:, None, None] * values**2).sum(0).T[:, : conditionals.SPREADS]
    prior = conditionals.Prior(group.mean, group.sd, group.spread_fixed)
    count, chances = real.sum(), chance.refreshed
    return conditionals.given_curves(jnp, prior, count, hyper.T, total, squares, chances, jax.lax.scan).T


@functools.cache
def program() -> Callable[[State, Group, Chance], tuple[State, Seen]]:
    """The compiled sweep."""
    return programs.compiled(_sweep, (State(0, Curves(0, LevelLikelihood(0, 0, 0))), Seen(0, 0)))


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


def sweep(rng: np.random.Generator, walkers: Walkers, batch: Batch, groups: list[Group]) -> tuple[Walkers, list[Seen]]:
    """One chain's walkers after a sweep of each group, and what it saw of each group's hyper-parameters."""
    parts, seen = zip(
        *(_of_group(rng, walkers, group, padded_rows(batch, g), g) for g, group in enumerate(groups)), strict=True
    )
    real = np.bincount(batch.owner)
    of_curves = [jax.tree.map(lambda a, n=n: a[:n], p.curves) for p, n in zip(parts, real, strict=True)]
    curves = jax.tree.map(lambda *a: np.concatenate(a), *of_curves)
    hyper = np.stack([p.hyper for p in parts]).swapaxes(1, 2)
    return Walkers(hyper, curves.values.swapaxes(1, 2), curves.integrated), list(seen)


def _of_group(rng: np.random.Generator, walkers: Walkers, group: Group, rows: Array, g: int) -> tuple[State, Seen]:
    kind = group.mean.dtype
    integrated = LevelLikelihood(*(a[rows] for a in walkers.integrated))
    state = State(walkers.hyper[g].T, Curves(walkers.values[rows].swapaxes(1, 2), integrated))
    state = jax.tree.map(lambda a: np.asarray(a, kind), state)
    chance = Chance.drawn(rng, len(rows), walkers.hyper.shape[1], kind.type)
    with jax.enable_x64(kind == np.float64):  # a setting of the thread
        return jax.tree.map(lambda a: np.asarray(a, float), program()(state, group, chance))


def evaluations(walkers: int) -> int:
    """Of each curve's likelihood in a sweep of so many walkers."""
    return (2 * PARTICLES + 1) * walkers
