"""The generative story as a batched, pure JAX log density (the fast path); tests hold it equal to model.py.

Arrays are padded to fixed shapes and travel as arguments, never as constants, so that one compiled program
serves every data set of a similar size. Axes: ``curve`` x ``point`` for data, ``curve`` x ``particle`` for
parameters. Importing this module imports JAX; only the engines do so.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from types import SimpleNamespace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from forecaster.domains.quantities import CENTRES, LEARNED
from forecaster.model import drift, floor_terms, law, test_set_noise
from forecaster.model.design import LOCAL, Design

Array = jax.Array | np.ndarray
OfPoints = Float[Array, "curve point"]
OfCurves = Float[Array, " curve"]
PointsFirst = Float[Array, "point *others"]
OfParticles = Float[Array, "curve particle"]
Broadcast = Float[Array, "..."]  # with others: any axes, of one or more
LOG_2PI = float(np.log(2.0 * np.pi))
CHUNK = 4  # padded numbers of points are multiples of this
# The laws' functions in single precision. There log1p takes twice the time of log, a quarter of all that a likelihood
# takes, to keep digits of terms that are added to others of order one.
SINGLE = SimpleNamespace(**vars(jnp) | {"log1p": lambda value: jnp.log(1.0 + value)})


class CurveArrays(NamedTuple):
    """Sizes of each curve in descending order, padded at the end."""

    x: OfPoints  # log size
    y: OfPoints  # mean log error of the repeats at this size
    repeats: OfPoints  # how many measurements that mean holds
    within: OfPoints | None  # sum of squares of the repeats around their mean; None where no size was measured twice
    known: OfPoints  # variance of one measurement's log error that is known and fresh (test set, reported spread)
    scale: OfPoints  # of the learned noise's variance, one at the largest size
    present: OfPoints  # 1.0 for a measured size, 0.0 for padding
    x_ref: OfCurves  # log of the largest size measured in the group
    x_min: OfCurves  # log of the smallest size measured in the group
    luck: OfCurves | None  # scale of test-set sampling error; None where no test set is known
    floor: Float[Array, "curve 8"] | None = None  # measured level, and terms of evidence on the floor; None without any


class Local(NamedTuple):
    """Parameters of one curve given its level."""

    log_exponent: OfParticles
    log_break: OfParticles  # relative to x_min
    floor_logit: OfParticles
    log_noise: OfParticles
    log_drift: OfParticles
    log_slope: OfParticles
    log_sharpness: OfParticles


class LevelLikelihood(NamedTuple):
    """The likelihood as a function of the level: ``exp(log_z) * Normal(level; mean, variance)``."""

    log_z: OfParticles
    mean: OfParticles
    variance: OfParticles


def normal_logpdf(value: Broadcast, mean: Broadcast, variance: Broadcast) -> Broadcast:
    """Log density of a normal, by its variance."""
    return -0.5 * (LOG_2PI + jnp.log(variance) + (value - mean) ** 2 / variance)


def level_likelihood(local: Local, curves: CurveArrays, memory: Broadcast | float) -> LevelLikelihood:
    """Integrate the drift out of each curve's likelihood, exactly, leaving a Gaussian in its level.

    Evidence on the floor, where there is any, is part of the likelihood of each curve.

    ``memory`` is the slope's, a number or [curve, 1].
    """
    x, y, repeats, known, scale, present = (
        _by_point(a) for a in (curves.x, curves.y, curves.repeats, curves.known, curves.scale, curves.present)
    )
    x_ref, x_min = (jnp.asarray(a)[:, None] for a in (curves.x_ref, curves.x_min))
    exponent, sharpness = jnp.exp(local.log_exponent), jnp.exp(local.log_sharpness)
    xp = SINGLE if exponent.dtype == jnp.float32 else jnp
    decayed = law.decay(xp, x, x_ref, exponent, x_min + local.log_break, sharpness)
    shape = law.log_shape(xp, decayed, local.floor_logit)
    shape = jax.lax.optimization_barrier(shape)  # otherwise XLA recomputes it for each of its uses
    residual = y - shape
    noise = jnp.exp(2.0 * local.log_noise) * scale
    variances = (jnp.exp(2.0 * local.log_drift), jnp.exp(2.0 * local.log_slope))
    passed = _steps(x_ref - x)
    luck = None
    if curves.luck is not None:
        luck = _steps(test_set_noise.parted_since(jnp, shape, shape[:1], jnp.asarray(curves.luck)[:, None]))

    zero = jnp.zeros(residual.shape[1:])
    initial = (drift.start(jnp, zero, variances[1]), zero, zero, zero)
    sizes = (passed, luck, residual, (noise + known) / repeats, present)
    chunks = jax.tree.map(lambda a: jnp.reshape(a, (-1, CHUNK, *a.shape[1:])), sizes)
    (_, yy, uy, uu), log_f = jax.lax.scan(lambda c, s: _filter(c, s, variances, memory), initial, chunks)
    points = jnp.asarray(curves.present).sum(1)[:, None]
    log_z = -0.5 * (points * LOG_2PI + log_f.sum(0) + yy - uy**2 / uu - LOG_2PI + jnp.log(uu))
    if curves.within is not None:
        spread, within = noise + known, _by_point(curves.within)
        repeat_term = jnp.log(repeats) + (repeats - 1.0) * (LOG_2PI + jnp.log(spread)) + within / spread
        log_z = log_z - 0.5 * (present * repeat_term).sum(0)
    if curves.floor is not None:
        level, *terms = (jnp.asarray(curves.floor)[:, i, None] for i in range(8))
        log_z = log_z + floor_terms.of_curves(xp, local.floor_logit, level, terms)
    return LevelLikelihood(log_z, uy / uu, 1.0 / uu)


def _by_point(values: OfPoints) -> Float[jax.Array, "point curve 1"]:
    """With an axis for particles."""
    return jnp.asarray(values).T[:, :, None]


def _steps(values: PointsFirst) -> PointsFirst:
    """How far each point is from the one before; the first, from zero."""
    return values - jnp.concatenate([jnp.zeros_like(values[:1]), values[:-1]])


def _filter(carry: tuple, sizes: tuple, variances: tuple, memory: Broadcast | float) -> tuple:
    """Filter CHUNK sizes: their variances multiply without underflow, so one logarithm serves them all."""
    state, yy, uy, uu = carry
    product = jnp.ones_like(yy)
    for i in range(CHUNK):
        passed, luck, residual, noise, present = jax.tree.map(lambda a, i=i: a[i], sizes)
        state = drift.predict(state, drift.transition(jnp, passed, memory), *variances)
        state = state if luck is None else state._replace(dd=state.dd + luck)
        state, (data, unit, f) = drift.update(state, residual, noise, present)
        weight = present / f
        product = product * jnp.where(present > 0, f, 1.0)
        yy, uy, uu = yy + weight * data**2, uy + weight * unit * data, uu + weight * unit**2
        state, yy, uy, uu, product = jax.lax.optimization_barrier((state, yy, uy, uu, product))
    return (state, yy, uy, uu), jnp.log(product)


def log_likelihood(level: OfParticles, local: Local, curves: CurveArrays, memory: Broadcast | float) -> OfParticles:
    """Log density of each curve's log errors given its parameters."""
    integrated = level_likelihood(local, curves, memory)
    return integrated.log_z + normal_logpdf(level, integrated.mean, integrated.variance)


def log_density(
    hyper: Float[Array, "particle 10"],
    level: OfParticles,
    local: Local,
    curves: CurveArrays,
    design: Design,
    memory: Broadcast | float,
) -> Float[Array, " particle"]:
    """Joint log density of one group.

    ``hyper`` holds the centres and the logs of the two learned spreads, in the order of
    ``domains.CENTRES``.
    """
    centre, spread = (
        hyper[:, :-2],
        jnp.concatenate(
            [
                jnp.exp(hyper[:, -2:]),
                jnp.broadcast_to(jnp.asarray(design.spread_fixed), (hyper.shape[0], len(design.spread_fixed))),
            ],
            1,
        ),
    )
    prior = normal_logpdf(hyper, jnp.asarray(design.hyper_mean), jnp.asarray(design.hyper_sd) ** 2).sum(1)
    values = jnp.stack([level, *local])  # quantity x curve x particle
    middle = centre.T[:, None, :] + jnp.asarray(design.effects).T[:, :, None]
    curve_prior = normal_logpdf(values, middle, spread.T[:, None, :] ** 2).sum((0, 1))
    return prior + curve_prior + log_likelihood(level, local, curves, memory).sum(0)


def split_free(
    design: Design, free: Float[Array, " free"]
) -> tuple[Float[Array, " 8"], Float[Array, " 2"], OfCurves, Float[Array, "7 curve"]]:
    """Centres, log spreads, levels and other quantities of a vector of free variables.

    Those are the reference model's, in its order: the last are offsets in units of the spread, [local, curve].
    """
    count = len(design.curves)
    ends = np.cumsum([len(CENTRES), len(LEARNED), count])
    centre, log_spread, level, offset = (free[a:b] for a, b in pairwise([0, *ends, None]))
    spread = jnp.concatenate([jnp.exp(log_spread), jnp.asarray(design.spread_fixed)])[1:, None]
    middle = centre[1:, None] + design.effects[:, 1:].T
    return centre, log_spread, level, middle + spread * offset.reshape(len(LOCAL), count)


def of_free_variables(design: Design, curves: CurveArrays, memory: float) -> Callable[[Array], Array]:
    """The joint log density of the reference model's free variables, one vector (:func:`split_free`)."""

    def density(free: Float[Array, " free"]) -> Float[Array, ""]:
        centre, log_spread, level, local = split_free(design, free)
        hyper = jnp.concatenate([centre, log_spread])[None]
        joint = log_density(hyper, level[:, None], Local(*local[..., None]), curves, design, memory)[0]
        spread = log_spread[1:].sum() + np.log(design.spread_fixed).sum()  # of offsets, not of values
        return joint + len(design.curves) * spread

    return density
