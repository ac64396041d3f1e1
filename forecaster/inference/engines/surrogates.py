"""A surrogate of each curve's likelihood, under which all that hyper-parameters have to say is in closed form.

The likelihood of a curve's seven values, its level integrated out, is approximated by a mixture of normals and a small
constant. Given hyper-parameters the prior of those values is normal, so that the product of both is a mixture of
normals again: its integral says how likely the hyper-parameters are, and draws from it are proposals made for them. Of
the prior's spreads only that of the exponent is learned; with the exponent last, Cholesky factors for any
hyper-parameters differ in their last entry alone, and none has to be computed again.

Draws are exact all the same: :mod:`forecaster.inference.engines.surrogate_sweep` accepts them by the likelihood itself. The
constant bounds likelihood over surrogate, so that no corner of the posterior is left for ever.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from forecaster.inference.engines import clouds, mixtures
from forecaster.inference.engines.clouds import Units
from forecaster.inference.engines.likelihoods import Batch, Likelihood
from forecaster.inference.engines.mixtures import Mixture

Array = Any  # of the library ``xp``, which is NumPy or jax.numpy; docstrings name its axes
CONSTANT = 0.05  # share of the constant in a surrogate
SHRINK = 0.05  # of components towards the covariance of all points: what is fitted here is no proposal by itself


class Surrogate(NamedTuple):
    """Of the likelihood of each curve of one group, in the units of its pooled prior; the exponent is coordinate 0.

    A component is ``exp(constant + linear z - z' precision z / 2)``, where ``precision`` may be singular. ``inner`` is
    the precision of the other six coordinates under the prior's fixed spreads, and ``root`` its Cholesky factor.
    """

    mean: Array  # [8] of the units, level first
    sd: Array  # [8]
    spread: Array  # [6] the prior's fixed spreads, in these units
    quadratic: Array  # [curve, component, 36] minus half of it times features is the logarithm of a component
    marginal: Array  # [curve, 2 component, 28] as :func:`log_marginals` needs them
    drawing: Array  # [curve, 84, component] as :func:`draws` needs them: 6 x 6, 6 x 6, 6 and 6 numbers
    last: Array  # [curve, component] square of the Cholesky factor's last entry, without the exponent's prior
    linear: Array  # [curve, component] of the exponent
    level: Array  # [curve, 2] mean and variance of the level


def of_clouds(
    rng: np.random.Generator,
    batch: Batch,
    proposals: Mixture,
    units: Units,
    likelihood: Likelihood,
    components: int,
    particles: int,
) -> list[Surrogate]:
    """Of each group of the batch, fitted to fresh clouds of so many particles from these proposals."""
    cloud = clouds.cloud_of(rng, proposals, units, likelihood, particles)
    points = cloud.values[..., 1:]
    log_like = clouds.without_level(cloud.integrated, units.mean[:, :1], units.sd[:, :1] ** 2)
    log_weight = log_like + mixtures.standard_normal(points) - mixtures.proposal_logpdf(proposals, points)
    weights = mixtures.softmax(np.nan_to_num(log_weight, nan=-1e30), 1)
    fitted = mixtures.refitted(rng, components, points, weights, SHRINK)
    level = (weights * cloud.integrated.mean).sum(1)
    spread = (weights * (cloud.integrated.variance + (cloud.integrated.mean - level[:, None]) ** 2)).sum(1)
    level = np.stack([level, spread], 1)
    return [_of_group(g, np.flatnonzero(batch.owner == g), fitted, units, batch, level) for g in range(len(batch.mean))]


def _of_group(group: int, rows: Array, fitted: Mixture, units: Units, batch: Batch, level: Array) -> Surrogate:
    mean, sd = units.mean[rows[0]], units.sd[rows[0]]  # of a group, all curves alike
    return _closed(mixtures.rows_of(fitted, rows), mean, sd, batch.spread_fixed[group] / sd[2:], level[rows])


def _closed(fitted: Mixture, mean: Array, sd: Array, spread: Array, level: Array) -> Surrogate:
    """Of mixtures that were fitted to likelihood times standard normal prior: that prior is divided out of each
    component, as far as the rest has a precision of zero or more in every direction."""
    curves, _, d = fitted.mean.shape
    values, vectors = np.linalg.eigh(np.linalg.inv(fitted.chol @ fitted.chol.swapaxes(-1, -2)))
    values = np.maximum(values, 1.0)
    whole = (vectors * values[..., None, :]) @ vectors.swapaxes(-1, -2)
    linear = (whole @ fitted.mean[..., None])[..., 0]
    constant = np.log((1.0 - CONSTANT) * fitted.weight) + 0.5 * (
        np.log(values).sum(-1) - (linear * fitted.mean).sum(-1)
    )
    precision = np.concatenate([whole - np.eye(d), np.zeros((curves, 1, d, d))], 1)
    linear = np.concatenate([linear, np.zeros((curves, 1, d))], 1)
    constant = np.concatenate([constant, np.full((curves, 1), np.log(CONSTANT))], 1)

    prior = spread**-2
    inverse = np.linalg.inv(np.linalg.cholesky(precision[..., 1:, 1:] + np.diag(prior)))
    coupling = (inverse @ precision[..., 1:, :1])[..., 0]
    towards = (inverse * prior).swapaxes(-1, -2)
    offset = (inverse @ linear[..., 1:, None])[..., 0]
    log_det = np.log(np.diagonal(inverse, axis1=-2, axis2=-1)).sum(-1)
    at_zero = constant + log_det + 0.5 * (offset**2).sum(-1)
    half = _forms(at_zero, (towards @ offset[..., None])[..., 0], 0.5 * towards @ towards.swapaxes(-1, -2))
    none = np.zeros_like(towards)
    parts = (towards, inverse, offset, coupling)
    across = _forms((coupling * offset).sum(-1), (towards @ coupling[..., None])[..., 0], none)
    return Surrogate(
        mean=mean,
        sd=sd,
        spread=spread,
        quadratic=_forms(-2.0 * constant, -2.0 * linear, precision),
        marginal=np.concatenate([half, across], 1),
        drawing=np.concatenate([a.reshape(*a.shape[:2], -1) for a in parts], -1).swapaxes(1, 2),
        last=precision[..., 0, 0] - (coupling**2).sum(-1),
        linear=linear[..., 0],
        level=level,
    )


def _forms(constant: Array, linear: Array, square: Array) -> Array:
    """``constant + linear z + z' square z`` as a product with :func:`features` of z."""
    row, column = np.triu_indices(square.shape[-1])
    upper = square[..., row, column] * np.where(row == column, 1.0, 2.0)
    return np.concatenate([constant[..., None], linear, upper], -1)


def features(xp: Any, points: Array) -> Array:
    """``1``, each coordinate, each product of two, of ``points`` [..., d, n]: [..., 1 + d + d (d + 1) / 2, n]."""
    d = points.shape[-2]
    first, second = np.triu_indices(d)
    products = points[..., first, :] * points[..., second, :]
    return xp.concatenate([xp.ones_like(points[..., :1, :]), points, products], -2)


def _log_sum(xp: Any, log_weight: Array) -> tuple[Array, Array]:
    """Of [curve, component, k], the log of the sum over components [curve, k], and weights over the largest."""
    most = log_weight.max(1)
    weights = xp.exp(log_weight - most[:, None])
    return xp.log(weights.sum(1)) + most, weights


def log_components(xp: Any, surrogate: Surrogate, points: Array) -> Array:
    """Logs [curve, component, n] of the surrogate's components at ``points`` [curve, 7, n] in its units.

    Up to a constant of each curve. Their sum is the surrogate.
    """
    return -0.5 * (surrogate.quadratic @ features(xp, points))


def log_likelihood(xp: Any, surrogate: Surrogate, points: Array) -> Array:
    """Log [curve, n] of the surrogate at ``points`` [curve, 7, n] in its units, up to a constant of each curve."""
    return _log_sum(xp, log_components(xp, surrogate, points))[0]


def _prior(xp: Any, surrogate: Surrogate, hyper: Array) -> tuple[Array, Array, Array]:
    """Centres [7, k], exponent first, and inverse square of the exponent's spread [k] of ``hyper`` [10, k].

    And the log of that spread; all in the surrogate's units.
    """
    centre = (hyper[1:8] - surrogate.mean[1:, None]) / surrogate.sd[1:, None]
    log_spread = hyper[9] - xp.log(surrogate.sd[1])
    return centre, xp.exp(-2.0 * log_spread), log_spread


def level_term(xp: Any, surrogate: Surrogate, hyper: Array) -> Array:
    """Log density [curve, k] of the curves' levels, as far as known, under ``hyper`` [10, k]."""
    variance = xp.exp(2.0 * hyper[8]) + surrogate.level[:, 1:]
    return -0.5 * (xp.log(variance) + (surrogate.level[:, :1] - hyper[0]) ** 2 / variance)


def log_marginals(xp: Any, surrogate: Surrogate, hyper: Array) -> tuple[Array, Array]:
    """Log integral [curve, k] of surrogate times prior under ``hyper`` [10, k], and shares of components in it.

    The shares [curve, component, k] are relative to the largest. Levels are left to :func:`level_term`.
    """
    centre, inverse, log_spread = _prior(xp, surrogate, hyper)
    exponent, others = centre[0], centre[1:]
    found = surrogate.marginal @ features(xp, others)
    half, across = xp.split(found, 2, 1)
    square = surrogate.last[..., None] + inverse
    rest = surrogate.linear[..., None] + exponent * inverse - across
    total, shares = _log_sum(xp, half + 0.5 * (rest**2 / square - xp.log(square)))
    prior = 0.5 * ((others / surrogate.spread[:, None]) ** 2).sum(0) + 0.5 * exponent**2 * inverse + log_spread
    return total - prior, shares


def log_marginal(xp: Any, surrogate: Surrogate, hyper: Array) -> Array:
    """Log likelihood [k] of ``hyper`` [10, k] by the surrogates of all curves, up to a constant."""
    return (log_marginals(xp, surrogate, hyper)[0] + level_term(xp, surrogate, hyper)).sum(0)


class _Given(NamedTuple):
    """Of each of some points, its component times the prior under some hyper-parameters, which is normal."""

    inner: Array  # [curve, 6, j, k] middle of the six quantities, before ``back``
    back: Array  # [curve, 6, 6, j, k] the lower triangle whose transpose takes them back
    coupling: Array  # [curve, 6, j, k] row of the Cholesky factor that belongs to the exponent
    root: Array  # [curve, j, k] square root of the exponent's precision
    rest: Array  # [curve, j, k] its middle times that

    @classmethod
    def of(cls, xp: Any, surrogate: Surrogate, hyper: Array, component: Array, kind: Any) -> _Given:
        """Of each ``component`` [curve, j, k] under ``hyper`` [10, k].

        What each point needs of its component comes by a product with ones and zeros, twice as fast as by an index.
        Sums of six are written out, which compiles to one pass over the points.
        """
        centre, inverse, _ = _prior(xp, surrogate, hyper)
        curves, j, k = component.shape
        every = xp.arange(surrogate.last.shape[1])[:, None]
        own = (component.reshape(curves, 1, -1) == every).astype(kind)
        towards, back, offset, coupling = xp.split((surrogate.drawing @ own).reshape(curves, -1, j, k), (36, 72, 78), 1)
        towards, back = (a.reshape(curves, 6, 6, j, k) for a in (towards, back))
        last, linear = ((a[:, None] @ own).reshape(curves, j, k) for a in (surrogate.last, surrogate.linear))
        inner = offset + sum(towards[:, i] * centre[1 + i] for i in range(6))
        root = xp.sqrt(last + inverse)
        rest = linear + centre[0] * inverse - sum(coupling[:, i] * inner[:, i] for i in range(6))
        return cls(inner, back, coupling, root, rest / root)


def draws(xp: Any, surrogate: Surrogate, hyper: Array, component: Array, normal: Array) -> Array:
    """Points [curve, 7, j, k] of surrogate times prior under ``hyper`` [10, k]: of ``component`` [curve, j, k].

    ``normal`` [curve, 7, j, k] are standard normals.
    """
    given = _Given.of(xp, surrogate, hyper, component, normal.dtype)
    exponent = (given.rest + normal[:, 0]) / given.root
    inner = given.inner + normal[:, 1:] - given.coupling * exponent[:, None]
    others = sum(given.back[:, i] * inner[:, i, None] for i in range(6))
    return xp.concatenate([exponent[:, None], others], 1)


def normals(xp: Any, surrogate: Surrogate, hyper: Array, component: Array, points: Array) -> Array:
    """The standard normals [curve, 7, j, k] of which :func:`draws` makes ``points`` [curve, 7, j, k]."""
    given = _Given.of(xp, surrogate, hyper, component, points.dtype)
    inner: dict[int, Array] = {}
    for i in reversed(range(6)):
        further = points[:, 1 + i] - sum(given.back[:, m, i] * inner[m] for m in range(i + 1, 6))
        inner[i] = further / given.back[:, i, i]
    others = [inner[i] - given.inner[:, i] + given.coupling[:, i] * points[:, 0] for i in range(6)]
    return xp.stack([points[:, 0] * given.root - given.rest, *others], 1)
