"""Mixtures of Student-t distributions as importance proposals: drawn from, evaluated, and fitted to weighted points.

Everything is batched over a leading axis of independent targets, whose prior is standard normal: callers scale. In
NumPy, since each step is a few matrix products, which JAX takes ten times as long to compile as to run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.special import gammaln

from forecaster.inference.importance import settings
from forecaster.inference.importance.settings import DEFENSIVE, DEGREES

LEAST_WEIGHT = 1e-300  # keeps logarithms finite
ROUNDING = 1e-13  # relative to a matrix's largest eigenvalue: smaller ones may be rounding errors


class Mixture(NamedTuple):
    """The proposal of each target; ``of`` prepares what drawing and evaluation need."""

    weight: Float[np.ndarray, "target component"]
    mean: Float[np.ndarray, "target component d"]
    chol: Float[np.ndarray, "target component d d"]  # lower Cholesky factors
    quadratic: Float[np.ndarray, "target component feature"]  # times features: the squared Mahalanobis distance
    height: Float[np.ndarray, "target component"]  # weighted density at the mean

    @classmethod
    def of(
        cls,
        weight: Float[np.ndarray, "target component"],
        mean: Float[np.ndarray, "target component d"],
        chol: Float[np.ndarray, "target component d d"],
    ) -> Mixture:
        d = mean.shape[-1]
        inverse = np.linalg.inv(chol)
        precision = inverse.swapaxes(-1, -2) @ inverse
        towards = (precision @ mean[..., None])[..., 0]
        row, column = np.triu_indices(d)
        squares = precision.reshape(*mean.shape[:2], d * d).take(row * d + column, -1)
        squares *= np.where(row == column, 1.0, 2.0)
        quadratic = np.concatenate([(towards * mean).sum(-1, keepdims=True), -2.0 * towards, squares], -1)
        constant = gammaln((DEGREES + d) / 2.0) - gammaln(DEGREES / 2.0) - d / 2.0 * np.log(DEGREES * np.pi)
        height = weight * np.exp(constant) / np.diagonal(chol, axis1=-2, axis2=-1).prod(-1)
        return cls(weight, mean, chol, quadratic, height)

    def only(self, targets: Any) -> Mixture:
        """The proposals of some targets."""
        return Mixture(*(a[targets] for a in self))


def prior_mixture(targets: int, dimensions: int, components: int) -> Mixture:
    """All components at the prior."""
    return Mixture.of(
        np.full((targets, components), 1.0 / components),
        np.zeros((targets, components, dimensions)),
        np.broadcast_to(np.eye(dimensions), (targets, components, dimensions, dimensions)).copy(),
    )


def rescaled(
    mixture: Mixture,
    mean: Float[np.ndarray, "target d"],
    sd: Float[np.ndarray, "target d"],
    new_mean: Float[np.ndarray, "target d"],
    new_sd: Float[np.ndarray, "target d"],
) -> Mixture:
    """The same distribution in the units of another prior."""
    ratio = (sd / new_sd)[:, None]
    return Mixture.of(
        mixture.weight, mixture.mean * ratio + ((mean - new_mean) / new_sd)[:, None], mixture.chol * ratio[..., None]
    )


# Densities ------------------------------------------------------------------------------------------


def features(points: Float[np.ndarray, "target n d"]) -> Float[np.ndarray, "target feature n"]:
    """``1``, each coordinate and each product of two, of which there are 1 + d + d (d + 1) / 2.

    Quadratic forms of all components are then one matrix product, and so are the moments that EM needs.
    """
    b, n, d = points.shape
    out = np.empty((b, _terms(d), n))
    out[:, 0] = 1.0
    across = out[:, 1 : 1 + d]
    across[...] = points.transpose(0, 2, 1)
    at = 1 + d
    for i in range(d):  # in the order of triu_indices, without the copies that indexing with them makes
        np.multiply(across[:, i : i + 1], across[:, i:], out=out[:, at : at + d - i])
        at += d - i
    return out


def _terms(d: int) -> int:
    """Features of a point of ``d`` coordinates."""
    return 1 + d + d * (d + 1) // 2


def distances(mixture: Mixture, of: Float[np.ndarray, "target feature n"]) -> Float[np.ndarray, "target component n"]:
    """Squared Mahalanobis distances from every component, given points' :func:`features`."""
    found = mixture.quadratic @ of
    return np.maximum(found, 0.0, out=found)


def components_pdf(
    mixture: Mixture, of: Float[np.ndarray, "target feature n"]
) -> tuple[Float[np.ndarray, "target component n"], Float[np.ndarray, "target component n"]]:
    """Weighted density of each component given points' :func:`features`, and the squared distances."""
    distance = distances(mixture, of)
    fallen = _root_of_power(1.0 + distance / DEGREES, round(DEGREES) + mixture.mean.shape[-1])
    return np.divide(mixture.height[..., None], fallen, out=fallen), distance


def _root_of_power(base: np.ndarray, power: int) -> np.ndarray:
    """The square root of ``base`` to a whole ``power``, by multiplications: faster than logarithms."""
    out = np.sqrt(base) if power % 2 else np.ones_like(base)
    half = power // 2
    while half:
        if half % 2:
            out *= base
        base, half = base * base, half // 2
    return out


def proposal_logpdf(mixture: Mixture, points: Float[np.ndarray, "target n d"]) -> Float[np.ndarray, "target n"]:
    """Log density of the proposal, the prior mixed in."""

    def part(these: Mixture, points: np.ndarray) -> np.ndarray:
        density = components_pdf(these, features(points))[0].sum(1)
        return np.log((1.0 - DEFENSIVE) * density + DEFENSIVE * np.exp(standard_normal(points)))

    return np.concatenate(_in_parts(part, mixture, points))


def standard_normal(points: Float[np.ndarray, "*n d"]) -> Float[np.ndarray, "*n"]:
    """Log density of independent standard normals."""
    return -0.5 * (np.einsum("...d,...d->...", points, points) + points.shape[-1] * np.log(2 * np.pi))


def _in_parts(function: Callable[..., Any], mixture: Mixture, points: np.ndarray, *each: np.ndarray) -> list[Any]:
    """``function`` applied to few enough targets at a time to bound memory."""
    b, n, d = points.shape
    step = max(settings.CELLS // (n * _terms(d)), 1)
    parts = [slice(at, at + step) for at in range(0, b, step)]
    return [function(mixture.only(some), points[some], *(a[some] for a in each)) for some in parts]


# Draws ----------------------------------------------------------------------------------------------


def sample(
    rng: np.random.Generator, mixture: Mixture, n: int, *, independent: bool = False
) -> tuple[Float[np.ndarray, "target n d"], Float[np.ndarray, "target n"]]:
    """``n`` points of each proposal, the prior mixed in, and their log density.

    Stratified over the components, which reduces noise, or ``independent``, as Gibbs sampling requires.
    """
    b, m, d = mixture.mean.shape
    counts = multinomial(rng, mixture.weight, n) if independent else _counts(stratified(rng, mixture.weight, n), m)
    points = _scaled(rng, mixture, counts)
    points *= np.sqrt(DEGREES / rng.chisquare(DEGREES, (b, n, 1)))
    points += np.repeat(mixture.mean.reshape(-1, d), counts.ravel(), 0).reshape(b, n, d)
    if independent:
        of_prior = rng.random((b, n)) < DEFENSIVE
        points[of_prior] = rng.standard_normal((int(of_prior.sum()), d))
    else:
        every = round(1 / DEFENSIVE)
        points[:, ::every] = rng.standard_normal((b, len(range(0, n, every)), d))
    return points, proposal_logpdf(mixture, points)


def random_walk(rng: np.random.Generator, mixture: Mixture, n: int) -> Float[np.ndarray, "target n d"]:
    """Symmetric random-walk steps with the covariance of a random component.

    Their lengths vary around the optimum for normal targets, 2.38 / sqrt(d) (Roberts, Gelman & Gilks 1997).
    """
    b, _, d = mixture.mean.shape
    out = _scaled(rng, mixture, multinomial(rng, mixture.weight, n))[:, rng.permutation(n)]
    shortest, longest = np.log((settings.SHORTEST_STEP, settings.LONGEST_STEP))
    out *= np.exp(rng.uniform(shortest, longest, (b, n, 1))) * 2.38 / np.sqrt(d)
    return out


def _scaled(
    rng: np.random.Generator, mixture: Mixture, counts: Int[np.ndarray, "target component"]
) -> Float[np.ndarray, "target n d"]:
    """Of each component so many normals around zero, one component after the other."""
    b, _, d = mixture.mean.shape
    chol = mixture.chol.reshape(-1, d, d)
    normal = rng.standard_normal((int(counts.sum()), d))
    out = np.empty_like(normal)
    at = 0
    for k, count in enumerate(counts.ravel().tolist()):
        np.matmul(normal[at : at + count], chol[k].T, out=out[at : at + count])
        at += count
    return out.reshape(b, -1, d)


def _counts(which: Int[np.ndarray, "target n"], m: int) -> Int[np.ndarray, "target {m}"]:
    """How often each of ``m`` indices is in each row."""
    b = len(which)
    return np.bincount((which + m * np.arange(b)[:, None]).ravel(), minlength=b * m).reshape(b, m)


def multinomial(
    rng: np.random.Generator, weights: Float[np.ndarray, "target component"], n: int
) -> Int[np.ndarray, "target component"]:
    """Multinomial counts of ``n`` independent draws over the components."""
    return rng.multinomial(n, weights / weights.sum(1, keepdims=True))


def stratified(rng: np.random.Generator, weights: Float[np.ndarray, "target m"], n: int) -> Int[np.ndarray, "target n"]:
    """``n`` indices by weight, in ascending order, by stratified sampling."""
    b, m = weights.shape
    edges = np.cumsum(weights, 1)
    edges = edges / edges[:, -1:] + np.arange(b)[:, None]
    uniform = (np.arange(n) + rng.random((b, n))) / n + np.arange(b)[:, None]
    found = np.searchsorted(edges.ravel(), uniform.ravel(), side="right").reshape(b, n)
    return np.clip(found - m * np.arange(b)[:, None], 0, m - 1)


# Fits -----------------------------------------------------------------------------------------------


def fitted(
    rng: np.random.Generator,
    components: int,
    points: Float[np.ndarray, "target n d"],
    weights: Float[np.ndarray, "target n"],
) -> Mixture:
    """Weighted EM for the t components (Cappé et al. 2008), from random means; ``weights`` sum to one.

    Covariances are shrunk towards that of all points: few points are effective while the likelihood is tempered, and
    too wide a proposal is safer than too narrow a one.
    """
    b, m = len(points), components
    order = np.argsort(points[..., 0], 1)  # strata along the first coordinate
    pick = stratified(rng, np.take_along_axis(weights, order, 1), m)
    chosen = np.take_along_axis(order, pick, 1)
    at = Mixture(
        np.full((b, m), 1.0 / m),
        np.take_along_axis(points, chosen[..., None], 1),
        *(np.empty((b, 0)) for _ in range(3)),  # a part at a time
    )
    found = _in_parts(_em, at, points, weights)
    return Mixture(*(np.concatenate(each) for each in zip(*found, strict=True)))


def _em(begin: Mixture, points: Float[np.ndarray, "target n d"], weights: Float[np.ndarray, "target n"]) -> Mixture:
    d = points.shape[-1]
    of = features(points)
    overall = covariance(of, weights)
    chol = settings.START_WIDTH * _cholesky(overall, np.eye(d))[:, None]
    mixture = Mixture.of(begin.weight, begin.mean, np.broadcast_to(chol, (*begin.mean.shape, d)))
    for _ in range(settings.EM_STEPS):
        share, distance = components_pdf(mixture, of)
        share *= (weights / share.sum(1))[:, None]
        total = share.sum(-1)
        share *= (DEGREES + d) / (DEGREES + distance)
        moments = share @ of.swapaxes(1, 2)
        mass = moments[..., :1] + LEAST_WEIGHT
        mean = moments[..., 1 : 1 + d] / mass
        second = _symmetric(moments[..., 1 + d :], d)
        spread = second - mass[..., None] * mean[..., :, None] * mean[..., None, :]
        spread /= (total + LEAST_WEIGHT)[..., None, None]
        spread = (1.0 - settings.SHRINKAGE) * spread + settings.SHRINKAGE * overall[:, None]
        alive = (total > settings.EMPTY)[..., None]
        chol = np.where(alive[..., None], _cholesky(spread, overall[:, None]), mixture.chol)
        weight = total + settings.FLOOR_WEIGHT
        mixture = Mixture.of(weight / weight.sum(1, keepdims=True), np.where(alive, mean, mixture.mean), chol)
    return mixture


def _cholesky(
    spread: Float[np.ndarray, "*b d d"], instead: Float[np.ndarray, "... d d"]
) -> Float[np.ndarray, "*b d d"]:
    """Cholesky factors; ``instead`` is used where rounding has left a matrix without one."""
    try:
        return np.linalg.cholesky(spread)
    except np.linalg.LinAlgError:  # of some matrix, without saying which
        good = np.zeros(spread.shape[:-2], bool)
        if np.isfinite(spread).all():
            values = np.linalg.eigvalsh(spread)
            good = values[..., 0] > ROUNDING * values[..., -1]
        return np.linalg.cholesky(np.where(good[..., None, None], spread, instead))


def _symmetric(upper: Float[np.ndarray, "*b half"], d: int) -> Float[np.ndarray, "*b {d} {d}"]:
    """Symmetric matrices from their upper triangles."""
    index = np.zeros((d, d), int)
    row, column = np.triu_indices(d)
    index[row, column] = index[column, row] = np.arange(len(row))
    return upper[..., index]


def covariance(
    of: Float[np.ndarray, "target feature n"], weights: Float[np.ndarray, "target n"]
) -> Float[np.ndarray, "target d d"]:
    """Weighted covariance given :func:`features`, with a ridge that keeps it positive definite."""
    d = int((np.sqrt(8.0 * of.shape[1] + 1.0) - 3.0) / 2.0)
    moments = (of @ weights[..., None])[..., 0]
    mean = moments[:, 1 : 1 + d] / moments[:, :1]
    cov = _symmetric(moments[:, 1 + d :], d) / moments[:, :1, None] - mean[:, :, None] * mean[:, None, :]
    scale = np.maximum(np.diagonal(cov, axis1=1, axis2=2), 0.0)
    return cov + np.eye(d) * (settings.RIDGE * scale + settings.LEAST_VARIANCE)[:, None, :]


def moments(mixture: Mixture) -> tuple[Float[np.ndarray, "target d"], Float[np.ndarray, "target d"]]:
    """Mean and variance of each proposal, without the prior inside."""
    mean = np.einsum("bm,bmd->bd", mixture.weight, mixture.mean)
    inner = (mixture.chol**2).sum(-1) * DEGREES / (DEGREES - 2.0)
    return mean, np.einsum("bm,bmd->bd", mixture.weight, inner + (mixture.mean - mean[:, None]) ** 2)
