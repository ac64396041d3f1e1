"""Where the fast engine begins: nested adaptive importance sampling over a batch of groups.

A group's posterior is hyper-parameters (10) over curves (8 parameters each). Given the hyper-parameters the
curves are independent, so there are two small problems instead of one large one:

1. per curve, a cloud of particles with importance weights, whose likelihoods are evaluated once, all together;
2. per group, the hyper-parameters, whose marginal likelihood is a sum over each curve's cloud: particles are
   reweighted to any hyper-parameters by one matrix product, with no further likelihood evaluations.

Both levels use :mod:`forecaster.engines.mixtures`, whose proposals are all that is kept:
:mod:`forecaster.engines.particle_gibbs` draws with them.

JAX compiles the two parts that cost: the curves' likelihood and the clouds' reweighting. What chooses particles
between them is NumPy, so that it can stop as soon as it has found its target.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
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
    particles: int = 1024  # per curve and chain in a sweep, the walkers' own steps included
    adaptation: int = 512  # particles per curve and round while proposals adapt
    hypers: int = 1024  # hyper-parameters per chain at the start
    hyper_adaptation: int = 1024  # hyper-parameters per round while their proposal adapts
    components: int = 12
    hyper_components: int = 8
    rounds: int = 10  # per level, at the most
    walkers: int = 250  # per chain: whole blocks of them
    block: int = 10  # walkers of a chain that share candidates
    candidates: int = 40  # hyper-parameters per block and sweep
    fitting: int = 3  # sweeps after whose walkers proposals are fitted
    memory: float = 0.1  # correlation with the start from which on walkers are draws
    kept: int = 4  # sweeps of draws, at the least
    worth: float = 0.25  # independent draws over draws, up to which sweeps go on
    sweeps: int = 40  # before the first draws, and from there, at the most


class Room(NamedTuple):
    """What compiled programs run in: padded number of curves, threads."""

    width: int
    pool: Executor


class Units(NamedTuple):
    """The pooled prior of a curve's values, [curve, 8]: proposals are standard normal in its units."""

    mean: Array
    sd: Array


class Cloud(NamedTuple):
    """Particles of each curve, in the units of ``units``, and log (likelihood / proposal)."""

    units: Units
    values: Array  # [curve, particle, 8]
    log_weight: Array  # [curve, particle]
    integrated: density.LevelLikelihood  # [curve, particle] each: the likelihood of the rest, and of the level


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
            for a, b in zip(out, _possible(found), strict=True):
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


def _possible(found: density.LevelLikelihood) -> density.LevelLikelihood:
    """A filter that lost its precision far out counts as impossible, not as no number."""
    lost = ~(np.isfinite(found.log_z) & np.isfinite(found.mean) & (np.asarray(found.variance) > 0))
    return density.LevelLikelihood(*(np.where(lost, v, a) for v, a in zip((-1e30, 0.0, 1.0), found, strict=True)))


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


def cloud_of(
    rng: np.random.Generator,
    mixture: Mixture,
    units: Units,
    likelihood: Likelihood,
    n: int,
) -> Cloud:
    """Fresh particles of every curve."""
    points, log_q = mixtures.sample(rng, mixture, n)
    return cloud_at(rng, units, points, log_q, likelihood(plain(units, points)))


def plain(units: Units, points: Array) -> Array:
    """Values [curve, particle, 7] of ``points``, which are in the units of ``units``."""
    return units.mean[:, None, 1:] + units.sd[:, None, 1:] * points


def cloud_at(
    rng: np.random.Generator, units: Units, points: Array, log_q: Array, integrated: density.LevelLikelihood
) -> Cloud:
    """Particles at ``points`` [curve, particle, 7] drawn with log density ``log_q``, each with a level."""
    level = fresh_level(rng, *level_given(integrated, units.mean[:, :1], units.sd[:, :1] ** -2))
    standard = (level - units.mean[:, :1]) / units.sd[:, :1]
    values = np.concatenate([standard[..., None], points], -1)
    return Cloud(units, values, log_weight_of(level, units, integrated, log_q), integrated)


def level_given(integrated: density.LevelLikelihood, mean: Array, precision: Array) -> tuple[Array, Array]:
    """Mean and precision [curve, particle] of the levels that come with the rest of a curve's values.

    ``mean`` and ``precision`` are those of the level's prior.
    """
    total = 1.0 / integrated.variance + precision
    return (integrated.mean / integrated.variance + mean * precision) / total, total


def fresh_level(rng: np.random.Generator, middle: Array, precision: Array) -> Array:
    """Levels [curve, particle] of this mean and precision."""
    return middle + rng.standard_normal(middle.shape) / np.sqrt(precision)


def without_level(integrated: density.LevelLikelihood, mean: Array, variance: Array) -> Array:
    """Log likelihood [curve, particle], up to a constant, with the level integrated over its normal prior."""
    total = integrated.variance + variance
    return integrated.log_z - 0.5 * (np.log(total) + (integrated.mean - mean) ** 2 / total)


def summed(batch: Batch, of_curves: Array) -> Array:
    """Sums [group, ...] of ``of_curves`` [curve, ...] over the curves of each group."""
    return np.add.reduceat(of_curves, np.searchsorted(batch.owner, np.arange(len(batch.mean))), 0)


def log_weight_of(level: Array, units: Units, integrated: density.LevelLikelihood, log_q: Array) -> Array:
    """Log (likelihood / proposal) [curve, particle], up to a constant, where ``log_q`` is that of all but the level."""
    middle, precision = level_given(integrated, units.mean[:, :1], units.sd[:, :1] ** -2)
    log_q_level = 0.5 * (np.log(precision) - precision * (level - middle) ** 2)
    log_like = -0.5 * (np.log(integrated.variance) + (level - integrated.mean) ** 2 / integrated.variance)
    return np.nan_to_num(integrated.log_z + log_like - log_q_level - log_q, nan=-1e30, neginf=-1e30, posinf=-1e30)


def features_of(values: Array) -> Array:
    """What the curves' prior depends on: squares and values, [curve, 16, particle], in single precision.

    In a cloud's own units both are of order one, and errors of 1e-6 in a log weight are far below its noise.
    """
    across = values.astype(np.float32).transpose(0, 2, 1)
    return np.concatenate([across**2, across], 1)


def coefficients_of(hyper: Array, batch: Batch, units: Units) -> tuple[Array, Array]:
    """The curves' normal prior under ``hyper`` [group, k, 10] as a product with :func:`features_of`.

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
    of = features_of(cloud.values)
    log_weight = (cloud.log_weight - cloud.log_weight.max(1, keepdims=True)).astype(np.float32)
    spare = room.width - len(of)
    of, log_weight = (np.concatenate([a, np.repeat(a[-1:], spare, 0)]) for a in (of, log_weight))

    def marginal(coefficients: Array) -> Array:
        with jax.enable_x64(True):  # a setting of the thread
            return np.asarray(_log_marginal(of, log_weight, coefficients), float)[: len(batch.owner)]

    def log_likelihood(standard: Array, _: Array | None = None) -> Array:
        hyper = batch.mean[:, None] + batch.sd[:, None] * standard
        coefficients, constant = coefficients_of(hyper, batch, cloud.units)
        single = coefficients.astype(np.float32)
        single = np.concatenate([single, np.repeat(single[-1:], spare, 0)])
        half = single.shape[1] // 2
        found = np.concatenate(list(room.pool.map(marginal, (single[:, :half], single[:, half:]))), 1)
        return summed(batch, found + constant)

    return log_likelihood


WIDER = 1.3  # proposals are fitted under a prior this much wider: the hyper-parameters' posterior is skewed where
# only the prior speaks (a floor near zero), and a proposal without that tail gives a few particles all the weight


def pooled_prior(batch: Batch, mean: Array, variance: Array) -> Units:
    """Of each curve's values given moments [group, 10] of the hyper-parameters."""
    learned = np.exp(2.0 * mean[:, -2:] + 2.0 * variance[:, -2:])  # mean of the squared spread
    spread = np.concatenate([learned, batch.spread_fixed**2], -1)
    sd = WIDER * np.sqrt(variance[:, :-2] + spread)
    return Units(mean[:, :-2][batch.owner], sd[batch.owner])


class Proposals(NamedTuple):
    """What the adaptation hands to the sweeps."""

    curves: Mixture
    units: Units
    hypers: Mixture


def at_the_prior(batch: Batch, effort: Effort) -> Proposals:
    """Where the adaptation begins."""
    return Proposals(
        mixtures.prior_mixture(len(batch.owner), len(Local._fields), effort.components),
        pooled_prior(batch, batch.mean, batch.sd**2),
        mixtures.prior_mixture(len(batch.mean), batch.mean.shape[1], effort.hyper_components),
    )


def adapted(rng: np.random.Generator, batch: Batch, likelihood: Likelihood, room: Room, effort: Effort) -> Proposals:
    """Fit the curves' proposals under what is known of the group, then the group's under the curves."""
    curves, units, hypers = at_the_prior(batch, effort)
    target = _curve_target(likelihood, units)
    curves = mixtures.adapt(rng, curves, target, effort.adaptation, effort.rounds).mixture
    cloud = cloud_of(rng, curves, units, likelihood, effort.adaptation)
    like = hyper_likelihood(batch, cloud, room)
    hypers = mixtures.adapt(rng, hypers, like, effort.hyper_adaptation, effort.rounds, each_alone=False).mixture
    mean, variance = mixtures.moments(hypers)
    new = pooled_prior(batch, batch.mean + batch.sd * mean, batch.sd**2 * variance)
    curves = mixtures.rescaled(curves, *(a[:, 1:] for a in (*units, *new)))
    return Proposals(curves, new, hypers)


def _curve_target(likelihood: Likelihood, units: Units) -> Callable[[Array, Array], Array]:
    """Log likelihood of [curve, particle, 7] of some curves with the level integrated over its pooled prior."""
    mean, sd = units.mean[:, None], units.sd[:, None]

    def log_likelihood(points: Array, rows: Array) -> Array:
        middle, scale = mean[rows], sd[rows]
        integrated = likelihood(middle[..., 1:] + scale[..., 1:] * points, rows)
        return without_level(integrated, middle[..., 0], scale[..., 0] ** 2)

    return log_likelihood
