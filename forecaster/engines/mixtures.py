"""Mixtures of Student-t distributions as importance proposals, and their adaptation by tempering.

Everything is batched over a leading axis of independent targets and traced by JAX. The scheme is population
Monte Carlo (Cappé et al. 2008, M-PMC) with a likelihood that is tempered until its weights are usable.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

Array = Any  # a JAX array; docstrings name its axes
DEGREES = 8.0  # of freedom of every component: heavier tails than the targets; even, so that a chi-square is a product
DEFENSIVE = 0.1  # weight of the prior inside every proposal: it bounds the importance weights
EM_STEPS = 5
SHRINK = 0.15


class Mixture(NamedTuple):
    """Proposal of each target: component weights [b, m], means [b, m, d], lower Cholesky factors [b, m, d, d]."""

    weight: Array
    mean: Array
    chol: Array


def prior_mixture(mean: Array, sd: Array, components: int) -> Mixture:
    """All components at the prior, [b, d] each."""
    b, d = mean.shape
    chol = jnp.eye(d) * sd[:, None, :]
    return Mixture(
        jnp.full((b, components), 1.0 / components),
        jnp.broadcast_to(mean[:, None, :], (b, components, d)),
        jnp.broadcast_to(chol[:, None], (b, components, d, d)),
    )


def _distances(chol: Array, diff: Array) -> Array:
    """Squared Mahalanobis distances [b, m, n] of ``diff`` [b, m, n, d]."""
    whole = jnp.broadcast_to(jnp.eye(chol.shape[-1]), chol.shape)
    inverse = jax.lax.linalg.triangular_solve(chol, whole, left_side=True, lower=True)
    return (jnp.einsum("bmij,bmnj->bmni", inverse, diff) ** 2).sum(-1)


def _log_t(chol: Array, distance: Array, d: int) -> Array:
    """Log density of each component at squared distances [b, m, n]."""
    log_det = jnp.log(jnp.diagonal(chol, axis1=-2, axis2=-1)).sum(-1)[..., None]
    constant = jax.lax.lgamma((DEGREES + d) / 2.0) - jax.lax.lgamma(DEGREES / 2.0) - d / 2.0 * np.log(DEGREES * np.pi)
    return constant - log_det - (DEGREES + d) / 2.0 * jnp.log1p(distance / DEGREES)


def components_logpdf(mixture: Mixture, points: Array) -> tuple[Array, Array]:
    """Weighted log density of each component at ``points`` [b, n, d], and the squared distances: [b, m, n]."""
    distance = _distances(mixture.chol, points[:, None] - mixture.mean[:, :, None])
    return jnp.log(mixture.weight)[..., None] + _log_t(mixture.chol, distance, points.shape[-1]), distance


def sample(key: Array, mixture: Mixture, mean: Array, sd: Array, n: int) -> tuple[Array, Array]:
    """``n`` points of each proposal, the normal prior (``mean``, ``sd`` [b, d]) mixed in: points, log density."""
    b, m, d = mixture.mean.shape
    k_which, k_normal, k_chi = jax.random.split(key, 3)
    uniform = (jnp.arange(n) + jax.random.uniform(k_which, (b, 1))) / n  # stratified choice of component
    edges = jnp.cumsum(mixture.weight, 1)
    which = jnp.minimum((uniform[..., None] > edges[:, None, :]).sum(-1), m - 1)
    z = jax.random.normal(k_normal, (b, n, d))
    uniforms = jax.random.uniform(k_chi, (int(DEGREES) // 2, b, n), minval=1e-12)
    chi = -2.0 / DEGREES * jnp.log(jnp.prod(uniforms, 0))  # a sum of exponentials
    chol = jnp.take_along_axis(mixture.chol.reshape(b, m, d * d), which[..., None], 1).reshape(b, n, d, d)
    centre = jnp.take_along_axis(mixture.mean, which[..., None], 1)
    points = centre + jnp.einsum("bnij,bnj->bni", chol, z) / jnp.sqrt(chi)[..., None]
    from_prior = jnp.arange(n) % round(1 / DEFENSIVE) == 0
    points = jnp.where(from_prior[None, :, None], mean[:, None] + sd[:, None] * jnp.roll(z, 1, 1), points)
    log_mixture = jax.nn.logsumexp(components_logpdf(mixture, points)[0], 1)
    prior = normal_prior(points, mean, sd)
    return points, jnp.logaddexp(np.log1p(-DEFENSIVE) + log_mixture, np.log(DEFENSIVE) + prior)


def normal_prior(points: Array, mean: Array, sd: Array) -> Array:
    """Log density of independent normals ``mean``, ``sd`` [b, d] at ``points`` [b, n, d]: [b, n]."""
    standard = (points - mean[:, None]) / sd[:, None]
    return -0.5 * (standard**2 + np.log(2 * np.pi)).sum(-1) - jnp.log(sd).sum(-1)[:, None]


def fit(mixture: Mixture, points: Array, weights: Array) -> Mixture:
    """Weighted EM for the t components; ``weights`` [b, n] sum to one.

    Covariances are shrunk towards that of all points: few points are effective while the likelihood is tempered,
    and a proposal should rather be too wide than too narrow.
    """
    d = points.shape[-1]
    overall = covariance(points, weights)

    def step(mixture: Mixture, _: None) -> tuple[Mixture, None]:
        logpdf, distance = components_logpdf(mixture, points)
        share = jax.nn.softmax(logpdf, 1) * weights[:, None]  # b m n
        total = share.sum(-1)
        scaled = share * (DEGREES + d) / (DEGREES + distance)
        mean = jnp.einsum("bmn,bnd->bmd", scaled, points) / (scaled.sum(-1)[..., None] + 1e-12)
        diff = points[:, None] - mean[:, :, None]
        cov = jnp.einsum("bmn,bmni,bmnj->bmij", scaled, diff, diff) / (total[..., None, None] + 1e-12)
        cov = (1.0 - SHRINK) * cov + SHRINK * overall[:, None]
        alive = (total > 1e-2)[..., None]
        chol = jnp.where(alive[..., None], jnp.linalg.cholesky(cov), mixture.chol)
        weight = (total + 1e-3) / (total + 1e-3).sum(1, keepdims=True)
        return Mixture(weight, jnp.where(alive, mean, mixture.mean), chol), None

    return jax.lax.scan(step, mixture, None, length=EM_STEPS)[0]


def covariance(points: Array, weights: Array) -> Array:
    """Weighted covariance [b, d, d], with a ridge that keeps it positive definite."""
    mean = jnp.einsum("bn,bnd->bd", weights, points)
    diff = points - mean[:, None]
    cov = jnp.einsum("bn,bni,bnj->bij", weights, diff, diff)
    scale = jnp.diagonal(cov, axis1=1, axis2=2)
    return cov + jnp.eye(points.shape[-1]) * (1e-6 * scale + 1e-10)[:, None, :]


def spread_out(key: Array, mixture: Mixture, points: Array, weights: Array) -> Mixture:
    """Start EM afresh: means at weighted random points, covariances those of all the points."""
    b, m, d = mixture.mean.shape
    chol = jnp.linalg.cholesky(covariance(points, weights))
    uniform = (jnp.arange(m) + jax.random.uniform(key, (b, 1))) / m
    order = jnp.argsort(points[..., 0], 1)  # strata along the first coordinate
    edges = jnp.cumsum(jnp.take_along_axis(weights, order, 1), 1)
    pick = jnp.minimum((uniform[..., None] > edges[:, None, :]).sum(-1), points.shape[1] - 1)
    chosen = jnp.take_along_axis(order, pick, 1)
    means = jnp.take_along_axis(points, chosen[..., None], 1)
    return Mixture(jnp.full((b, m), 1.0 / m), means, jnp.broadcast_to(0.7 * chol[:, None], (b, m, d, d)))


def log_ess(log_weights: Array) -> Array:
    """Log of Kish's effective sample size of unnormalised log weights [..., n]."""
    return 2.0 * jax.nn.logsumexp(log_weights, -1) - jax.nn.logsumexp(2.0 * log_weights, -1)


POWERS = np.geomspace(1e-4, 1.0, 36)  # likelihood powers that are tried; a step is a factor of 1.3


def temper(log_likelihood: Array, rest: Array, share: float) -> Array:
    """Largest power of the likelihood whose weights keep ``share`` of the points effective: [b].

    Where none does, the power with the most effective points. (The effective size is not monotone in the
    power: a narrow proposal serves the full likelihood better than a weak one.)
    """

    def effective(power: Array) -> Array:
        return log_ess(power * log_likelihood + rest)

    ess = jax.lax.map(effective, jnp.asarray(POWERS))  # power x b
    good = ess > np.log(share * rest.shape[-1])
    largest = len(POWERS) - 1 - jnp.argmax(good[::-1], 0)
    return jnp.asarray(POWERS)[jnp.where(good.any(0), largest, jnp.argmax(ess, 0))]


def adapt(
    key: Array,
    mixture: Mixture,
    log_likelihood: Callable[[Array], Array],
    mean: Array,
    sd: Array,
    n: int,
    rounds: int,
    share: float = 0.1,
) -> tuple[Mixture, Array]:
    """Fit the proposals to ``prior * likelihood`` in ``rounds``; also the tempering power reached, [rounds, b].

    ``log_likelihood`` maps [b, n, d] to [b, n]; the prior is normal with ``mean`` and ``sd`` [b, d].
    """

    def one_round(carry: tuple, key: Array) -> tuple[tuple, Array]:
        current, best, best_power = carry
        k_sample, k_spread = jax.random.split(key)
        points, log_q = sample(k_sample, current, mean, sd, n)
        likelihood = jnp.nan_to_num(log_likelihood(points), nan=-1e30, neginf=-1e30)
        rest = normal_prior(points, mean, sd) - log_q
        power = temper(likelihood, rest, share)
        weights = jax.nn.softmax(power[:, None] * likelihood + rest, -1)
        fitted = fit(spread_out(k_spread, current, points, weights), points, weights)
        failed = power < 0.5 * best_power  # a proposal that lost the target: go back and try again
        best = _where(power >= best_power, current, best)
        best_power = jnp.maximum(power, best_power)
        return (_where(failed, best, fitted), best, best_power), power

    begin = (mixture, mixture, jnp.zeros(mean.shape[0]))
    (mixture, _, _), powers = jax.lax.scan(one_round, begin, jax.random.split(key, rounds))
    return mixture, powers


def _where(choose: Array, this: Mixture, other: Mixture) -> Mixture:
    return jax.tree.map(lambda a, b: jnp.where(choose.reshape(-1, *[1] * (a.ndim - 1)), a, b), this, other)
