"""The fast engine's program: nested adaptive importance sampling over a batch of groups, in pure JAX.

A group's posterior is hyper-parameters (9) over curves (7 parameters each). Given the hyper-parameters the
curves are independent, so the program keeps two small problems instead of one large one:

1. per curve, a cloud of particles with importance weights, whose likelihoods are evaluated once, all together;
2. per group, the hyper-parameters, whose marginal likelihood is a sum over each curve's cloud: particles are
   reweighted to any hyper-parameters by one matrix product, with no further likelihood evaluations.

Both levels use :mod:`forecaster.engines.mixtures`. The final draws come in independent replicates ("chains"):
each has its own clouds and its own hyper-parameters, so that R-hat between them measures Monte Carlo error.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from forecaster import density
from forecaster.density import Constants, CurveArrays, Local, normal_logpdf
from forecaster.engines import mixtures
from forecaster.engines.mixtures import Mixture

Array = Any  # a JAX array; docstrings name its axes


HYPER_BLOCK = 32  # hyper-parameters whose particle weights are held in memory together; counts are multiples of it


class GroupPriors(NamedTuple):
    """Priors of each group: hyper means and sds [group, 9], fixed spreads [group, 5], constants [group] each."""

    mean: Array
    sd: Array
    spread_fixed: Array
    constants: Constants


class Effort(NamedTuple):
    """How hard to work; static, so each value compiles once."""

    chains: int = 4
    draws: int = 1000  # per chain
    particles: int = 4096  # per curve and chain in the final clouds
    adaptation: int = 2048  # particles per round while proposals adapt
    hypers: int = 2048  # hyper-parameter proposals per chain in the final step
    components: int = 8
    stages: int = 2
    curve_rounds: int = 8  # per stage
    hyper_rounds: int = 8  # per stage
    hyper_adaptation: int = 2048
    hyper_cloud: int = 1024  # particles per curve while the hyper-parameters' proposal adapts


class Draws(NamedTuple):
    """Posterior draws and how they were come by."""

    hyper: Array  # [group, chain, draw, 9]
    values: Array  # [curve, chain, draw, 7]: level and Local
    hyper_ess: Array  # [group]
    hyper_log_weights: Array  # [group, chain, hypers]
    curve_ess: Array  # [curve] Kish ESS of the marginal particle weights, over chains
    particle_weights: Array  # [curve, chain, particle] marginal weights, summing to one
    power: Array  # [curve] tempering power reached by the adaptation (1 is all of the likelihood)


class Cloud(NamedTuple):
    """Particles of each curve: values and log (likelihood / proposal)."""

    values: Array  # [curve, particle, 7]
    log_weight: Array  # [curve, particle]
    level_mean: Array  # [curve, particle] of the level's likelihood
    level_variance: Array


def _local(points: Array) -> Local:
    return Local(*(points[..., i] for i in range(6)))


def _curve_likelihood(curves: CurveArrays, constants: Constants, level_mean: Array, level_sd: Array):
    """Log likelihood of [curve, particle, 5] with the level integrated over a normal."""

    def log_likelihood(points: Array) -> Array:
        z, mean, variance = density.level_likelihood(_local(points), curves, constants)
        return z + normal_logpdf(mean, level_mean[:, None], variance + level_sd[:, None] ** 2)

    return log_likelihood


def _cloud(
    key: Array, mixture: Mixture, mean: Array, sd: Array, curves: CurveArrays, constants: Constants, n: int
) -> Cloud:
    """Fresh particles of every curve; ``mean`` and ``sd`` [curve, 7] are the pooled prior of this round."""
    k_points, k_level = jax.random.split(key)
    points, log_q = mixtures.sample(k_points, mixture, mean[:, 1:], sd[:, 1:], n)
    z, level_mean, level_variance = density.level_likelihood(_local(points), curves, constants)
    precision = 1.0 / level_variance + 1.0 / sd[:, :1] ** 2
    centre = (level_mean / level_variance + mean[:, :1] / sd[:, :1] ** 2) / precision
    level = centre + jax.random.normal(k_level, z.shape) / jnp.sqrt(precision)
    log_q = log_q + normal_logpdf(level, centre, 1.0 / precision)
    log_weight = z + normal_logpdf(level, level_mean, level_variance) - log_q
    log_weight = jnp.nan_to_num(log_weight, nan=-1e30, neginf=-1e30)
    return Cloud(jnp.concatenate([level[..., None], points], -1), log_weight, level_mean, level_variance)


def _coefficients(hyper: Array, spread_fixed: Array) -> tuple[Array, Array]:
    """Normal log densities of the curve's values as a product with [values**2, values]: [k, 14], [k]."""
    log_spread = jnp.concatenate(
        [hyper[..., -2:], jnp.broadcast_to(jnp.log(spread_fixed), (*hyper.shape[:-1], spread_fixed.shape[-1]))], -1
    )
    precision = jnp.exp(-2.0 * log_spread)
    centre = hyper[..., :-2]
    constant = -(0.5 * precision * centre**2 + log_spread + 0.5 * np.log(2 * np.pi)).sum(-1)
    return jnp.concatenate([-0.5 * precision, precision * centre], -1), constant


def _reweighted(hyper: Array, spread_fixed: Array, cloud_values: Array, log_weight: Array) -> Array:
    """Log weights of one group's particles under each hyper-parameter: [k, curve, particle]."""
    coefficients, constant = _coefficients(hyper, spread_fixed)
    features = jnp.concatenate([cloud_values**2, cloud_values], -1)
    return jnp.einsum("kf,cnf->kcn", coefficients, features) + constant[:, None, None] + log_weight


def _hyper_likelihood(spread_fixed: Array, values: Array, log_weight: Array, real: Array):
    """Log marginal likelihood [group, k] of hyper-parameters [group, k, 9] over clouds [group, curve, particle]."""
    n = values.shape[2]

    def log_likelihood(hyper: Array) -> Array:
        def one(args: tuple) -> Array:
            hyper, s, v, w, r = args

            def block(h: Array) -> Array:
                return (r * (jax.nn.logsumexp(_reweighted(h, s, v, w), -1) - np.log(n))).sum(-1)

            return jax.lax.map(block, hyper.reshape(-1, HYPER_BLOCK, hyper.shape[-1])).reshape(-1)

        return jax.lax.map(one, (hyper, spread_fixed, values, log_weight, real))

    return log_likelihood


WIDER = 1.3  # proposals are fitted under a prior this much wider: the hyper-parameters' posterior is skewed where
# only the prior speaks (a floor near zero), and a proposal without that tail gives a few particles all the weight


def _pooled_prior(hyper_mean: Array, hyper_var: Array, spread_fixed: Array) -> tuple[Array, Array]:
    """Mean and sd [group, 7] of a curve's values given moments [group, 9] of the hyper-parameters."""
    learned = jnp.exp(2.0 * hyper_mean[:, -2:] + 2.0 * hyper_var[:, -2:])  # mean of the squared spread
    spread_var = jnp.concatenate([learned, spread_fixed**2], -1)
    return hyper_mean[:, :-2], WIDER * jnp.sqrt(hyper_var[:, :-2] + spread_var)


def _moments(mixture: Mixture) -> tuple[Array, Array]:
    mean = jnp.einsum("bm,bmd->bd", mixture.weight, mixture.mean)
    inner = jnp.einsum("bmij->bmi", mixture.chol**2) * mixtures.DEGREES / (mixtures.DEGREES - 2.0)
    var = jnp.einsum("bm,bmd->bd", mixture.weight, inner + (mixture.mean - mean[:, None]) ** 2)
    return mean, var


def posterior(key: Array, curves: CurveArrays, real: Array, priors: GroupPriors, effort: Effort) -> Draws:
    """Draws from the posterior of each group.

    ``curves`` are [group * curve, ...]; ``real`` [group, curve] is 0.0 for padding.
    """
    groups, width = real.shape
    by_curve = lambda a: jnp.repeat(jnp.asarray(a), width, 0)  # noqa: E731
    constants = Constants(*(by_curve(c)[:, None] for c in priors.constants))
    keys = jax.random.split(key, 2)
    prior_mean, prior_sd = jnp.asarray(priors.mean), jnp.asarray(priors.sd)

    def grouped(cloud: Cloud, n: int) -> tuple[Array, Array]:
        return cloud.values.reshape(groups, width, n, 7), cloud.log_weight.reshape(groups, width, n)

    def stage(carry: tuple, key: Array) -> tuple[tuple, Array]:
        """Fit the curves' proposals under what is known of the group, then the group's under the curves."""
        proposal, hyper, mean, sd = carry
        k_curves, k_cloud, k_hyper = jax.random.split(key, 3)
        like = _curve_likelihood(curves, constants, mean[:, 0], sd[:, 0])
        proposal, power = mixtures.adapt(
            k_curves, proposal, like, mean[:, 1:], sd[:, 1:], effort.adaptation, effort.curve_rounds
        )
        cloud = _cloud(k_cloud, proposal, mean, sd, curves, constants, effort.hyper_cloud)
        like = _hyper_likelihood(priors.spread_fixed, *grouped(cloud, effort.hyper_cloud), real)
        hyper, _ = mixtures.adapt(
            k_hyper, hyper, like, prior_mean, prior_sd, effort.hyper_adaptation, effort.hyper_rounds
        )
        mean, sd = (by_curve(a) for a in _pooled_prior(*_moments(hyper), priors.spread_fixed))
        return (proposal, hyper, mean, sd), power[-1]

    mean, sd = (by_curve(a) for a in _pooled_prior(prior_mean, prior_sd**2, priors.spread_fixed))
    start = (
        mixtures.prior_mixture(mean[:, 1:], sd[:, 1:], effort.components),
        mixtures.prior_mixture(prior_mean, prior_sd, 1),
        mean,
        sd,
    )
    (proposal, hyper, mean, sd), power = jax.lax.scan(stage, start, jax.random.split(keys[0], effort.stages))

    def replicate(key: Array) -> tuple:
        k_cloud, k_draws = jax.random.split(key)
        cloud = _cloud(k_cloud, proposal, mean, sd, curves, constants, effort.particles)
        return _final(k_draws, hyper, priors, cloud, *grouped(cloud, effort.particles), real, effort)

    h, values, log_w, weights = jax.lax.map(replicate, jax.random.split(keys[1], effort.chains))
    chain_second = lambda a: jnp.moveaxis(a, 0, 1)  # noqa: E731
    weights = chain_second(weights)
    log_w = chain_second(log_w)
    return Draws(
        chain_second(h),
        chain_second(values),
        jnp.exp(mixtures.log_ess(log_w)).sum(-1),
        log_w,
        (1.0 / (weights**2).sum(-1)).sum(-1),
        weights,
        power[-1],
    )


def _final(key, hyper_proposal, priors, cloud, values, log_weight, real, effort: Effort) -> tuple:
    """One replicate: weigh hyper-parameters, resample them, then choose each curve's particles given them."""
    groups, width, n, _ = values.shape
    k_hyper, k_resample, k_pick, k_level, k_mix, k_refresh = jax.random.split(key, 6)
    sd = jnp.asarray(priors.sd)
    hyper, log_q = mixtures.sample(k_hyper, hyper_proposal, jnp.asarray(priors.mean), sd, effort.hypers)
    like = _hyper_likelihood(priors.spread_fixed, values, log_weight, real)(hyper)
    log_w = like + mixtures.normal_prior(hyper, jnp.asarray(priors.mean), sd) - log_q
    edges = jnp.cumsum(jax.nn.softmax(log_w, -1), -1)
    uniform = (jnp.arange(effort.draws) + jax.random.uniform(k_resample, (groups, 1))) / effort.draws
    ancestors = jax.vmap(jnp.searchsorted)(edges, uniform * edges[:, -1:])
    ancestors = jnp.minimum(ancestors, effort.hypers - 1)
    ancestors = jax.vmap(jax.random.permutation)(jax.random.split(k_mix, groups), ancestors)
    chosen = jnp.take_along_axis(hyper, ancestors[..., None], 1)  # group draw 9

    def one_group(args: tuple) -> tuple[Array, Array]:
        h, s, v, w, u = args  # h [draw, 9], u [draw, curve]

        def block(args: tuple) -> tuple[Array, Array]:
            h_block, u_block = args
            weights = jnp.exp(_stable(_reweighted(h_block, s, v, w)))
            cumulative = jnp.cumsum(weights, -1)
            total = cumulative[..., -1:]
            pick = jax.vmap(jax.vmap(jnp.searchsorted))(cumulative, u_block * total[..., 0])
            return jnp.minimum(pick, n - 1), (weights / total).sum(0)

        spare = -effort.draws % HYPER_BLOCK
        split = lambda a: jnp.concatenate([a, a[:spare]]).reshape(-1, HYPER_BLOCK, *a.shape[1:])  # noqa: E731
        pick, weights = jax.lax.map(block, (split(h), split(u)))
        return pick.reshape(-1, width)[: effort.draws], weights.sum(0) / (effort.draws + spare)

    u = jax.random.uniform(k_pick, (groups, effort.draws, width))
    pick, weights = jax.lax.map(one_group, (chosen, priors.spread_fixed, values, log_weight, u))
    pick = jnp.moveaxis(pick, 1, 2).reshape(groups * width, effort.draws)
    drawn = jnp.take_along_axis(cloud.values, pick[..., None], 1)
    level = _redraw_level(k_level, cloud, pick, jnp.repeat(chosen, width, 0))
    drawn = jnp.concatenate([level[..., None], drawn[..., 1:]], -1)
    refreshed = _refresh(k_refresh, chosen, drawn.reshape(groups, width, effort.draws, -1), real, priors)
    return refreshed, drawn, log_w, weights.reshape(groups * width, n)


REFRESHES = 10  # Gibbs sweeps over the hyper-parameters given the curves, which cost no likelihood


def _refresh(key: Array, hyper: Array, values: Array, real: Array, priors: GroupPriors) -> Array:
    """Move each draw's hyper-parameters given its curves: [group, draw, 9]; resampling had left copies.

    Centres given spreads are exactly normal; the two learned spreads take a Metropolis step each. ``values`` is
    [group, curve, draw, 7].
    """
    count = real.sum(1)[:, None, None]
    here = real[:, :, None, None]
    mean, sd = (jnp.asarray(a)[:, None] for a in (priors.mean, priors.sd))
    fixed = jnp.asarray(priors.spread_fixed)[:, None]

    def log_spread_density(log_spread: Array, centre: Array) -> Array:
        squares = (here * (values[..., :2] - centre[:, None, :, :2]) ** 2).sum(1)
        prior = -0.5 * ((log_spread - mean[..., -2:]) / sd[..., -2:]) ** 2
        return prior - count * log_spread - 0.5 * squares * jnp.exp(-2.0 * log_spread)

    def sweep(carry: tuple, key: Array) -> tuple[tuple, None]:
        centre, log_spread = carry
        k_centre, k_step, k_accept = jax.random.split(key, 3)
        spread = jnp.concatenate([jnp.exp(log_spread), jnp.broadcast_to(fixed, (*centre.shape[:2], 5))], -1)
        precision = 1.0 / sd[..., :-2] ** 2 + count / spread**2
        middle = (mean[..., :-2] / sd[..., :-2] ** 2 + (here * values).sum(1) / spread**2) / precision
        centre = middle + jax.random.normal(k_centre, centre.shape) / jnp.sqrt(precision)
        wide = 1.5 / jnp.sqrt(1.0 / sd[..., -2:] ** 2 + 2.0 * count)
        proposed = log_spread + wide * jax.random.normal(k_step, log_spread.shape)
        gain = log_spread_density(proposed, centre) - log_spread_density(log_spread, centre)
        accept = jnp.log(jax.random.uniform(k_accept, gain.shape)) < gain
        return (centre, jnp.where(accept, proposed, log_spread)), None

    start = (hyper[..., :-2], hyper[..., -2:])
    (centre, log_spread), _ = jax.lax.scan(sweep, start, jax.random.split(key, REFRESHES))
    return jnp.concatenate([centre, log_spread], -1)


def _stable(log_weights: Array) -> Array:
    return log_weights - jax.lax.stop_gradient(log_weights.max(-1, keepdims=True))


def _redraw_level(key: Array, cloud: Cloud, pick: Array, hyper: Array) -> Array:
    """A fresh level given everything else, which is exactly normal: [curve, draw]."""
    mean = jnp.take_along_axis(cloud.level_mean, pick, 1)
    variance = jnp.take_along_axis(cloud.level_variance, pick, 1)
    prior_precision = jnp.exp(-2.0 * hyper[..., -2])
    precision = 1.0 / variance + prior_precision
    centre = (mean / variance + hyper[..., 0] * prior_precision) / precision
    return centre + jax.random.normal(key, pick.shape) / jnp.sqrt(precision)
