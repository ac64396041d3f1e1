"""The fast engine's method: nested adaptive importance sampling over a batch of groups.

A group's posterior is hyper-parameters (10) over curves (8 parameters each). Given the hyper-parameters the
curves are independent, so there are two small problems instead of one large one:

1. per curve, a cloud of particles with importance weights, whose likelihoods are evaluated once, all together;
2. per group, the hyper-parameters, whose marginal likelihood is a sum over each curve's cloud: particles are
   reweighted to any hyper-parameters by one matrix product, with no further likelihood evaluations.

Both levels use :mod:`forecaster.engines.mixtures`. The final draws come in independent replicates ("chains"):
each has its own clouds and its own hyper-parameters, so that R-hat between them measures Monte Carlo error.

JAX compiles the two parts that cost: the curves' likelihood and the clouds' reweighting. What chooses particles
between them is NumPy, so that it can stop as soon as it has found its target.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from forecaster import density
from forecaster.density import Constants, CurveArrays, Local
from forecaster.engines import mixtures
from forecaster.engines.mixtures import Mixture

Array = Any  # a NumPy array, or a JAX array inside a compiled function; docstrings name its axes


class Batch(NamedTuple):
    """Groups and their curves, end to end."""

    curves: CurveArrays  # [curve, point] each, NumPy
    constants: Constants  # [curve] each
    owner: Array  # [curve] index of its group, ascending
    mean: Array  # [group, 10] prior means of the hyper-parameters
    sd: Array  # [group, 10]
    spread_fixed: Array  # [group, 6]
    effects: Array  # [curve, 8] known differences from the group's centre: particles and draws are relative to them


class Effort(NamedTuple):
    """How hard to work."""

    chains: int = 4
    draws: int = 1000  # per chain
    particles: int = 3072  # per curve and chain in the final clouds
    adaptation: int = 2048  # particles per curve and round while proposals adapt
    hypers: int = 3072  # hyper-parameters per chain in the final step
    hyper_adaptation: int = 3072  # hyper-parameters per round while their proposal adapts
    components: int = 12
    hyper_components: int = 8
    stages: int = 2
    rounds: int = 10  # per stage and level, at the most
    refinements: int = 2


class Room(NamedTuple):
    """What compiled programs run in: padded number of curves, threads."""

    width: int
    pool: Executor


class Draws(NamedTuple):
    """Posterior draws and how they were come by."""

    hyper: Array  # [group, chain, draw, 10]
    values: Array  # [curve, chain, draw, 8]: level and Local, effects included
    hyper_ess: Array  # [group]
    hyper_log_weights: Array  # [group, chain, hypers]
    curve_ess: Array  # [curve] Kish ESS of the marginal particle weights, over chains
    particle_weights: Array  # [curve, chain, particle] marginal weights, summing to one
    proposals: Proposals
    evaluations: Array  # [curve] of its likelihood


class Units(NamedTuple):
    """The pooled prior of a curve's values in one stage, [curve, 8]: proposals are standard normal in its units."""

    mean: Array
    sd: Array


class Cloud(NamedTuple):
    """Particles of each curve, in the units of ``units``, and log (likelihood / proposal)."""

    units: Units
    values: Array  # [curve, particle, 8]
    log_weight: Array  # [curve, particle]
    level_mean: Array  # [curve, particle] of the level's likelihood, in plain units
    level_variance: Array


# Of plain values [curve, particle, 7] of the curves with these indices (all where there are none), as NumPy arrays.
Likelihood = Callable[..., density.LevelLikelihood]
BESIDE = 8  # curves that a compiled program takes at the most
AT_ONCE = (
    16384  # particles, of all curves together, that one call of a compiled program takes: their state fits a cache
)


@jax.jit
def _level_likelihood(points: Array, curves: CurveArrays, constants: Constants) -> density.LevelLikelihood:
    """``points`` [7, curve, particle]."""
    return density.level_likelihood(Local(*points), curves, constants)


def likelihood_of(batch: Batch, room: Room) -> Likelihood:
    """The compiled likelihood of the batch's curves, or of some of them, a few at a time, padded with copies."""
    every, width = np.arange(len(batch.owner)), min(room.width, BESIDE)
    each = min(1024, max(64, AT_ONCE // width // 64 * 64))
    curves = batch.curves
    if (curves.repeats == 1.0).all():
        curves = curves._replace(within=None)  # a program without that term

    def part(rows: Array, points: Array, out: density.LevelLikelihood, at: tuple[slice, slice]) -> None:
        """Fill ``out`` at the curves and particles of ``at``; ``rows`` names the curves of the batch."""
        here = points[at]
        padded = np.arange(width) % len(here)
        here = here[padded][:, np.arange(each) % here.shape[1]]
        own = jax.tree.map(lambda a: a[rows[at[0]]][padded], (curves, batch.constants))
        constants = Constants(*(c[:, None] for c in own[1]))
        with jax.enable_x64(True):  # a setting of the thread
            found = _level_likelihood(np.moveaxis(here, -1, 0), own[0], constants)
            for a, b in zip(out, found, strict=True):
                whole = a[at]
                whole[...] = np.asarray(b)[: whole.shape[0], : whole.shape[1]]

    def likelihood(points: Array, rows: Array = every) -> density.LevelLikelihood:
        points = points + batch.effects[rows][:, None, 1:]
        out = density.LevelLikelihood(*(np.empty(points.shape[:2]) for _ in range(3)))
        ats = [
            (slice(i, i + width), slice(j, j + each))
            for i in range(0, len(rows), width)
            for j in range(0, points.shape[1], each)
        ]
        list(room.pool.map(lambda at: part(rows, points, out, at), ats))
        return out

    return likelihood


def counted(likelihood: Likelihood, counts: Array) -> Likelihood:
    """The same, adding to ``counts`` [curve] for how many particles it was called."""

    every = np.arange(len(counts))

    def noted(points: Array, rows: Array = every) -> density.LevelLikelihood:
        counts[rows] += points.shape[1]
        return likelihood(points, rows)

    return noted


BLOCK = 32  # hyper-parameters whose particle weights are held in memory together


@jax.jit
def _log_marginal(of: Array, log_weight: Array, coefficients: Array) -> Array:
    """Log of the summed particle weights under each hyper-parameter: [curve, hyper]."""

    def block(some: Array) -> Array:
        log_weights = jnp.einsum("ckf,cfn->ckn", some, of) + log_weight[:, None]
        return jax.nn.logsumexp(log_weights, -1)

    c, k, f = coefficients.shape
    blocks = jnp.moveaxis(coefficients.reshape(c, k // BLOCK, BLOCK, f), 1, 0)
    return jnp.moveaxis(jax.lax.map(block, blocks), 0, 1).reshape(c, k)


def cloud_of(rng: np.random.Generator, mixture: Mixture, units: Units, likelihood: Likelihood, n: int) -> Cloud:
    """Fresh particles of every curve."""
    points, log_q = mixtures.sample(rng, mixture, n)
    mean, sd = units.mean[:, None], units.sd[:, None]
    z, level_mean, level_variance = likelihood(mean[..., 1:] + sd[..., 1:] * points)
    precision = 1.0 / level_variance + 1.0 / sd[..., 0] ** 2
    centre = (level_mean / level_variance + mean[..., 0] / sd[..., 0] ** 2) / precision
    noise = rng.standard_normal(z.shape)
    level = centre + noise / np.sqrt(precision)
    log_q_level = 0.5 * (np.log(precision) - noise**2)
    log_like_level = -0.5 * (np.log(level_variance) + (level - level_mean) ** 2 / level_variance)
    log_weight = np.nan_to_num(z + log_like_level - log_q_level - log_q, nan=-1e30, neginf=-1e30, posinf=-1e30)
    values = np.concatenate([((level - mean[..., 0]) / sd[..., 0])[..., None], points], -1)
    return Cloud(units, values, log_weight, level_mean, level_variance)


def _features(cloud: Cloud) -> Array:
    """What the curves' prior depends on: squares and values, [curve, 16, particle], in single precision.

    In a cloud's own units both are of order one, and errors of 1e-6 in a log weight are far below its noise.
    """
    across = cloud.values.astype(np.float32).transpose(0, 2, 1)
    return np.concatenate([across**2, across], 1)


def _coefficients(hyper: Array, batch: Batch, units: Units) -> tuple[Array, Array]:
    """The curves' normal prior under ``hyper`` [group, k, 10] as a product with :func:`_features`.

    Factors [curve, k, 16] and constants [curve, k].
    """
    fixed = np.broadcast_to(np.log(batch.spread_fixed)[:, None], (*hyper.shape[:2], batch.spread_fixed.shape[1]))
    log_spread = np.concatenate([hyper[..., -2:], fixed], -1)[batch.owner] - np.log(units.sd)[:, None]
    centre = (hyper[..., :-2][batch.owner] - units.mean[:, None]) / units.sd[:, None]
    precision = np.exp(-2.0 * log_spread)
    constant = -(0.5 * precision * centre**2 + log_spread).sum(-1)
    return np.concatenate([-0.5 * precision, precision * centre], -1), constant


def hyper_likelihood(batch: Batch, cloud: Cloud, room: Room) -> Callable[..., Array]:
    """Log marginal likelihood [group, k] of hyper-parameters [group, k, 10] in units of their prior."""
    of = _features(cloud)
    log_weight = (cloud.log_weight - cloud.log_weight.max(1, keepdims=True)).astype(np.float32)
    spare = room.width - len(of)
    of, log_weight = (np.concatenate([a, np.repeat(a[-1:], spare, 0)]) for a in (of, log_weight))
    first = np.searchsorted(batch.owner, np.arange(len(batch.mean)))

    def marginal(coefficients: Array) -> Array:
        with jax.enable_x64(True):  # a setting of the thread
            return np.asarray(_log_marginal(of, log_weight, coefficients), float)[: len(batch.owner)]

    def log_likelihood(standard: Array, _: Array | None = None) -> Array:
        hyper = batch.mean[:, None] + batch.sd[:, None] * standard
        coefficients, constant = _coefficients(hyper, batch, cloud.units)
        single = coefficients.astype(np.float32)
        single = np.concatenate([single, np.repeat(single[-1:], spare, 0)])
        half = single.shape[1] // 2
        found = np.concatenate(list(room.pool.map(marginal, (single[:, :half], single[:, half:]))), 1)
        return np.add.reduceat(found + constant, first, 0)

    return log_likelihood


def _weights(hyper: Array, batch: Batch, cloud: Cloud) -> Callable[[int], Array]:
    """Unnormalised weights [k, particle] of one curve's particles under each of its group's [group, k, 10]."""
    of, (coefficients, _) = _features(cloud), _coefficients(hyper, batch, cloud.units)
    log_weight = (cloud.log_weight - cloud.log_weight.max(1, keepdims=True)).astype(np.float32)

    def weights(curve: int) -> Array:
        out = coefficients[curve].astype(np.float32) @ of[curve]
        out += log_weight[curve]
        out -= out.max(1, keepdims=True)
        return np.exp(out, out=out)

    return weights


WIDER = 1.3  # proposals are fitted under a prior this much wider: the hyper-parameters' posterior is skewed where
# only the prior speaks (a floor near zero), and a proposal without that tail gives a few particles all the weight


def pooled_prior(batch: Batch, mean: Array, variance: Array) -> Units:
    """Of each curve's values given moments [group, 10] of the hyper-parameters."""
    learned = np.exp(2.0 * mean[:, -2:] + 2.0 * variance[:, -2:])  # mean of the squared spread
    spread = np.concatenate([learned, batch.spread_fixed**2], -1)
    sd = WIDER * np.sqrt(variance[:, :-2] + spread)
    return Units(mean[:, :-2][batch.owner], sd[batch.owner])


class Proposals(NamedTuple):
    """What the adaptation hands to the final step."""

    curves: Mixture
    units: Units
    hypers: Mixture
    power: Array  # [curve] of the likelihood, that the adaptation reached: 1 is all of it


def at_the_prior(batch: Batch, effort: Effort) -> Proposals:
    """Where the adaptation begins."""
    return Proposals(
        mixtures.prior_mixture(len(batch.owner), len(Local._fields), effort.components),
        pooled_prior(batch, batch.mean, batch.sd**2),
        mixtures.prior_mixture(len(batch.mean), batch.mean.shape[1], effort.hyper_components),
        np.zeros(len(batch.owner)),
    )


def adapted(
    rng: np.random.Generator, batch: Batch, likelihood: Likelihood, room: Room, effort: Effort, start: Proposals
) -> Proposals:
    """Fit the curves' proposals under what is known of the group, then the group's under the curves, in turn."""
    curves, units, hypers, power = start
    for _ in range(effort.stages):
        target = _curve_target(likelihood, units)
        curves, power, *_ = mixtures.adapt(rng, curves, target, effort.adaptation, effort.rounds)
        cloud = cloud_of(rng, curves, units, likelihood, effort.adaptation)
        like = hyper_likelihood(batch, cloud, room)
        found = mixtures.adapt(rng, hypers, like, effort.hyper_adaptation, effort.rounds, each_alone=False)
        hypers = found.mixture
        mean, variance = mixtures.moments(hypers)
        new = pooled_prior(batch, batch.mean + batch.sd * mean, batch.sd**2 * variance)
        curves = mixtures.rescaled(curves, *(a[:, 1:] for a in (*units, *new)))
        units = new
    for _ in range(effort.refinements):
        cloud = cloud_of(rng, curves, units, likelihood, effort.adaptation)
        like = hyper_likelihood(batch, cloud, room)
        found = mixtures.adapt(rng, hypers, like, effort.hyper_adaptation, effort.rounds, settled=1, each_alone=False)
        hypers = found.mixture
        curves = _refined(rng, batch, curves, cloud, found)
    return Proposals(curves, units, hypers, power)


def _curve_target(likelihood: Likelihood, units: Units) -> Callable[[Array, Array], Array]:
    """Log likelihood of [curve, particle, 7] of some curves with the level integrated over its pooled prior."""
    mean, sd = units.mean[:, None], units.sd[:, None]

    def log_likelihood(points: Array, rows: Array) -> Array:
        middle, scale = mean[rows], sd[rows]
        z, level, variance = likelihood(middle[..., 1:] + scale[..., 1:] * points, rows)
        variance = variance + scale[..., 0] ** 2
        with np.errstate(invalid="ignore"):  # a filter that lost its precision far out counts as impossible
            return z - 0.5 * (np.log(variance) + (level - middle[..., 0]) ** 2 / variance)

    return log_likelihood


HYPERS_SEEN = 64  # draws of hyper-parameters over which a curve's marginal weights are averaged
TOO_FEW = 50.0  # effective particles below which a proposal is not fitted to them


def _refined(rng, batch: Batch, curves: Mixture, cloud: Cloud, found: mixtures.Adapted) -> Mixture:
    """Proposals fitted to the curves' marginal posteriors, as the hyper-parameters found so far see them."""
    pick = mixtures.stratified(rng, found.weights, HYPERS_SEEN)
    chosen = np.take_along_axis(found.points, pick[..., None], 1)
    weights = _weights(batch.mean[:, None] + batch.sd[:, None] * chosen, batch, cloud)
    marginal = np.empty(cloud.log_weight.shape)
    for c in range(len(marginal)):
        one = weights(c)
        marginal[c] = (one / one.sum(1, keepdims=True)).mean(0)
    marginal /= marginal.sum(1, keepdims=True)
    fitted = mixtures.refitted(rng, curves, cloud.values[..., 1:], marginal)
    return mixtures.where(1.0 / (marginal**2).sum(1) >= TOO_FEW, fitted, curves)


def posterior(
    rng: np.random.Generator, batch: Batch, width: int, effort: Effort, start: Proposals | None = None
) -> Draws:
    """Draws from the posterior of each group of the batch, whose curves are padded to ``width``.

    With ``start`` the adaptation goes on from what an earlier call has found.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        room = Room(width, pool)
        counts = np.zeros(len(batch.owner))
        likelihood = counted(likelihood_of(batch, room), counts)
        proposals = adapted(rng, batch, likelihood, room, effort, start or at_the_prior(batch, effort))
        chains = [_replicate(r, batch, likelihood, room, proposals, effort) for r in rng.spawn(effort.chains)]
    hyper, values, log_w, weights = (np.stack(parts, 1) for parts in zip(*chains, strict=True))
    return Draws(
        hyper,
        values + batch.effects[:, None, None],
        np.exp(mixtures.log_ess(log_w)).sum(-1),
        log_w,
        (1.0 / (weights**2).sum(-1)).sum(-1),
        weights,
        proposals,
        counts,
    )


def _replicate(rng, batch: Batch, likelihood: Likelihood, room: Room, proposals: Proposals, effort: Effort) -> tuple:
    """One chain: weigh hyper-parameters, resample them, then choose each curve's particles given them."""
    cloud = cloud_of(rng, proposals.curves, proposals.units, likelihood, effort.particles)
    standard, log_q = mixtures.sample(rng, proposals.hypers, effort.hypers)
    log_w = hyper_likelihood(batch, cloud, room)(standard) + mixtures.standard_normal(standard) - log_q
    ancestors = mixtures.stratified(rng, mixtures.softmax(log_w, 1), effort.draws)
    ancestors = rng.permuted(ancestors, axis=1)
    chosen = batch.mean[:, None] + batch.sd[:, None] * np.take_along_axis(standard, ancestors[..., None], 1)
    values, weights = _choose(rng, batch, cloud, chosen)
    return _refresh(rng, batch, chosen, values), values, log_w, weights


def _choose(rng: np.random.Generator, batch: Batch, cloud: Cloud, hyper: Array) -> tuple[Array, Array]:
    """A particle of each curve for each of ``hyper`` [group, draw, 10]: values [curve, draw, 8], marginal weights."""
    weights = _weights(hyper, batch, cloud)
    curves, n = cloud.log_weight.shape
    pick, marginal = np.empty((curves, hyper.shape[1]), int), np.empty((curves, n))
    uniform = rng.random(pick.shape)
    for c in range(curves):
        one = weights(c)
        pick[c], total = _pick(one, uniform[c])
        marginal[c] = (1.0 / total) @ one
    values = cloud.units.mean[:, None] + cloud.units.sd[:, None] * np.take_along_axis(cloud.values, pick[..., None], 1)
    values[..., 0] = _level(rng, cloud, pick, hyper[batch.owner])
    return values, marginal / marginal.sum(1, keepdims=True)


CELL = 64  # particles whose weights are first summed together; numbers of particles are multiples of it


def _pick(weights: Array, uniform: Array) -> tuple[Array, Array]:
    """For each row of ``weights`` [k, particle] the particle at quantile ``uniform`` [k], and the row's sum.

    First the cell, then the particle inside it: sums of cells cost a tenth of cumulative sums of particles.
    """
    k, n = weights.shape
    cells = weights.reshape(k, n // CELL, CELL)
    upto = np.cumsum(cells.sum(-1), 1, dtype=float)
    wanted = uniform * upto[:, -1]
    cell = np.minimum((upto < wanted[:, None]).sum(1), n // CELL - 1)
    rows = np.arange(k)
    inside = np.cumsum(cells[rows, cell], 1, dtype=float)
    left = wanted - np.where(cell > 0, upto[rows, cell - 1], 0.0)
    return cell * CELL + np.minimum((inside < left[:, None]).sum(1), CELL - 1), upto[:, -1]


def _level(rng: np.random.Generator, cloud: Cloud, pick: Array, hyper: Array) -> Array:
    """A fresh level given everything else, which is exactly normal: [curve, draw]."""
    mean = np.take_along_axis(cloud.level_mean, pick, 1)
    variance = np.take_along_axis(cloud.level_variance, pick, 1)
    prior_precision = np.exp(-2.0 * hyper[..., -2])
    precision = 1.0 / variance + prior_precision
    centre = (mean / variance + hyper[..., 0] * prior_precision) / precision
    return centre + rng.standard_normal(pick.shape) / np.sqrt(precision)


REFRESHES = 10  # Gibbs sweeps over the hyper-parameters given the curves, which cost no likelihood


def _refresh(rng: np.random.Generator, batch: Batch, hyper: Array, values: Array) -> Array:
    """Move each draw's hyper-parameters given its curves: [group, draw, 10]; resampling had left copies.

    Centres given spreads are exactly normal; the two learned spreads take a Metropolis step each. ``values`` is
    [curve, draw, 8].
    """
    first = np.searchsorted(batch.owner, np.arange(len(batch.mean)))
    count = np.bincount(batch.owner)[:, None, None].astype(float)
    total, squares = (np.add.reduceat(a, first, 0) for a in (values, values[..., :2] ** 2))
    mean, sd = batch.mean[:, None], batch.sd[:, None]
    fixed = np.broadcast_to(batch.spread_fixed[:, None], (*hyper.shape[:2], batch.spread_fixed.shape[1]))

    def log_spread_density(log_spread: Array, centre: Array) -> Array:
        around = squares - 2.0 * centre[..., :2] * total[..., :2] + count * centre[..., :2] ** 2
        prior = -0.5 * ((log_spread - mean[..., -2:]) / sd[..., -2:]) ** 2
        return prior - count * log_spread - 0.5 * around * np.exp(-2.0 * log_spread)

    log_spread = hyper[..., -2:]
    centre = hyper[..., :-2]
    wide = 1.5 / np.sqrt(1.0 / sd[..., -2:] ** 2 + 2.0 * count)
    for _ in range(REFRESHES):
        spread = np.concatenate([np.exp(log_spread), fixed], -1)
        precision = 1.0 / sd[..., :-2] ** 2 + count / spread**2
        middle = (mean[..., :-2] / sd[..., :-2] ** 2 + total / spread**2) / precision
        centre = middle + rng.standard_normal(middle.shape) / np.sqrt(precision)
        proposed = log_spread + wide * rng.standard_normal(log_spread.shape)
        gain = log_spread_density(proposed, centre) - log_spread_density(log_spread, centre)
        log_spread = np.where(np.log(rng.random(gain.shape)) < gain, proposed, log_spread)
    return np.concatenate([centre, log_spread], -1)
