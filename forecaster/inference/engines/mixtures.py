"""Mixtures of Student-t distributions as importance proposals: drawn from, evaluated, and fitted to weighted points.

Everything is batched over a leading axis of independent targets, whose prior is standard normal: callers scale. It
runs in NumPy: each step is a handful of matrix products, and what JAX would compile for it took ten times as long to
compile as to run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

Array = Any  # a NumPy array; docstrings name its axes
DEGREES = 8.0  # of freedom of every component: heavier tails than the targets
DEFENSIVE = 0.1  # weight of the prior inside every proposal: it bounds the importance weights
EM_STEPS = 5
SHRINK = 0.25
LEAST = 1e-300  # keeps logarithms finite
ROUNDING = 1e-13  # of a matrix's largest eigenvalue: less may be rounding
CELLS = 4_000_000  # features that are computed at a time: few enough for any memory


class Mixture(NamedTuple):
    """Proposal of each target, ready to be drawn from and to be evaluated."""

    weight: Array  # [b, m] of the components
    mean: Array  # [b, m, d]
    chol: Array  # [b, m, d, d] lower Cholesky factors
    quadratic: Array  # [b, m, 1 + d + d (d + 1) / 2]: a product with features is the squared Mahalanobis distance
    height: Array  # [b, m] weighted density at the mean

    @classmethod
    def of(cls, weight: Array, mean: Array, chol: Array) -> Mixture:
        from scipy.special import gammaln

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


def rows_of(mixture: Mixture, rows: Any) -> Mixture:
    """Those of some targets."""
    return Mixture(*(a[rows] for a in mixture))


def prior_mixture(targets: int, dimensions: int, components: int) -> Mixture:
    """All components at the prior."""
    return Mixture.of(
        np.full((targets, components), 1.0 / components),
        np.zeros((targets, components, dimensions)),
        np.broadcast_to(np.eye(dimensions), (targets, components, dimensions, dimensions)).copy(),
    )


def mixed(these: Sequence[Mixture], shares: Sequence[float] | None = None) -> Mixture:
    """One proposal of the components of all, in these ``shares`` (default: alike)."""
    if len(these) == 1:
        return these[0]
    shares = shares or [1.0 / len(these)] * len(these)
    parts = (m._replace(weight=m.weight * s, height=m.height * s) for m, s in zip(these, shares, strict=True))
    return Mixture(*(np.concatenate(each, 1) for each in zip(*parts, strict=True)))


def rescaled(mixture: Mixture, mean: Array, sd: Array, new_mean: Array, new_sd: Array) -> Mixture:
    """The same distribution in the units of another prior; ``mean`` and ``sd`` are [b, d]."""
    ratio = (sd / new_sd)[:, None]
    return Mixture.of(
        mixture.weight, mixture.mean * ratio + ((mean - new_mean) / new_sd)[:, None], mixture.chol * ratio[..., None]
    )


def features(points: Array) -> Array:
    """``1``, each coordinate, each product of two, of ``points`` [b, n, d]: [b, 1 + d + d (d + 1) / 2, n].

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


def distances(mixture: Mixture, of: Array) -> Array:
    """Squared Mahalanobis distances [b, m, n] of points from every component, given their :func:`features`."""
    found = mixture.quadratic @ of
    return np.maximum(found, 0.0, out=found)


def components_pdf(mixture: Mixture, of: Array) -> tuple[Array, Array]:
    """Weighted density of each component given points' :func:`features`, and the squared distances: [b, m, n]."""
    distance = distances(mixture, of)
    fallen = _root_of_power(1.0 + distance / DEGREES, round(DEGREES) + mixture.mean.shape[-1])
    return np.divide(mixture.height[..., None], fallen, out=fallen), distance


def _root_of_power(base: Array, power: int) -> Array:
    """The square root of ``base`` to a whole ``power``, by multiplications: faster than logarithms."""
    out = np.sqrt(base) if power % 2 else np.ones_like(base)
    half = power // 2
    while half:
        if half % 2:
            out *= base
        base, half = base * base, half // 2
    return out


def softmax(values: Array, axis: int) -> Array:
    """Weights that sum to one along ``axis``, from their logarithms."""
    out = np.exp(values - values.max(axis, keepdims=True))
    out /= out.sum(axis, keepdims=True)
    return out


def sample(rng: np.random.Generator, mixture: Mixture, n: int, *, independent: bool = False) -> tuple[Array, Array]:
    """``n`` points of each proposal, the prior mixed in: points [b, n, d], log density [b, n].

    Stratified over the components, which has less noise; or ``independent`` of one another, as some methods ask.
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


SMALLEST, LARGEST = 0.2, 1.5  # steps of a random walk in standard deviations of a component


def steps(rng: np.random.Generator, mixture: Mixture, n: int) -> Array:
    """Steps [b, n, d] of a random walk, as wide as some component and in its directions; signs are even.

    Of many lengths, as what suits the middle of a posterior does not suit its corners.
    """
    b, _, d = mixture.mean.shape
    out = _scaled(rng, mixture, multinomial(rng, mixture.weight, n))[:, rng.permutation(n)]
    out *= np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST), (b, n, 1))) * 2.38 / np.sqrt(d)
    return out


def _scaled(rng: np.random.Generator, mixture: Mixture, counts: Array) -> Array:
    """Of each component as many normals around zero as ``counts`` [b, m] says, one after the other: [b, n, d]."""
    b, _, d = mixture.mean.shape
    chol = mixture.chol.reshape(-1, d, d)
    normal = rng.standard_normal((int(counts.sum()), d))
    out = np.empty_like(normal)
    at = 0
    for k, count in enumerate(counts.ravel().tolist()):
        np.matmul(normal[at : at + count], chol[k].T, out=out[at : at + count])
        at += count
    return out.reshape(b, -1, d)


def _counts(which: Array, m: int) -> Array:
    """How often each of ``m`` indices stands in each row of ``which`` [b, n]: [b, m]."""
    b = len(which)
    return np.bincount((which + m * np.arange(b)[:, None]).ravel(), minlength=b * m).reshape(b, m)


def multinomial(rng: np.random.Generator, weights: Array, n: int) -> Array:
    """How many of ``n`` independent draws fall to each index of each row of ``weights``: [b, m]."""
    return rng.multinomial(n, weights / weights.sum(1, keepdims=True))


def _parts(points: Array) -> list[slice]:
    """Targets that are computed together, for their ``points`` [b, n, d]."""
    b, n, d = points.shape
    step = max(CELLS // (n * _terms(d)), 1)
    return [slice(at, at + step) for at in range(0, b, step)]


def proposal_logpdf(mixture: Mixture, points: Array) -> Array:
    """Log density [b, n] of the proposal, the prior mixed in, at ``points`` [b, n, d]."""
    return np.concatenate([_proposal_logpdf(rows_of(mixture, some), points[some]) for some in _parts(points)])


def _proposal_logpdf(mixture: Mixture, points: Array) -> Array:
    density = components_pdf(mixture, features(points))[0].sum(1)
    return np.log((1.0 - DEFENSIVE) * density + DEFENSIVE * np.exp(standard_normal(points)))


def stratified(rng: np.random.Generator, weights: Array, n: int) -> Array:
    """``n`` indices for each row of ``weights`` [b, m], in ascending order, by stratified sampling: [b, n]."""
    b, m = weights.shape
    edges = np.cumsum(weights, 1)
    edges = edges / edges[:, -1:] + np.arange(b)[:, None]
    uniform = (np.arange(n) + rng.random((b, n))) / n + np.arange(b)[:, None]
    found = np.searchsorted(edges.ravel(), uniform.ravel(), side="right").reshape(b, n)
    return np.clip(found - m * np.arange(b)[:, None], 0, m - 1)


def standard_normal(points: Array) -> Array:
    """Log density of independent standard normals at ``points`` [..., d]: [...]."""
    return -0.5 * (np.einsum("...d,...d->...", points, points) + points.shape[-1] * np.log(2 * np.pi))


def fit(mixture: Mixture, points: Array, weights: Array, shrink: float = SHRINK) -> Mixture:
    """Weighted EM for the t components; ``weights`` [b, n] sum to one.

    Covariances are shrunk towards that of all points: few points are effective while the likelihood is tempered,
    and a proposal should rather be too wide than too narrow.
    """
    fitted = [_fit(rows_of(mixture, some), points[some], weights[some], shrink) for some in _parts(points)]
    return Mixture(*(np.concatenate(each) for each in zip(*fitted, strict=True)))


def _fit(mixture: Mixture, points: Array, weights: Array, shrink: float) -> Mixture:
    d = points.shape[-1]
    of = features(points)
    overall = covariance(of, weights)
    for _ in range(EM_STEPS):
        share, distance = components_pdf(mixture, of)
        share *= (weights / share.sum(1))[:, None]
        total = share.sum(-1)
        share *= (DEGREES + d) / (DEGREES + distance)
        moments = share @ of.swapaxes(1, 2)
        mass = moments[..., :1] + LEAST
        mean = moments[..., 1 : 1 + d] / mass
        second = _symmetric(moments[..., 1 + d :], d)
        spread = second - mass[..., None] * mean[..., :, None] * mean[..., None, :]
        spread /= (total + LEAST)[..., None, None]
        spread = (1.0 - shrink) * spread + shrink * overall[:, None]
        alive = (total > 1e-2)[..., None]
        chol = np.where(alive[..., None], _cholesky(spread, overall[:, None]), mixture.chol)
        weight = (total + 1e-3) / (total + 1e-3).sum(1, keepdims=True)
        mixture = Mixture.of(weight, np.where(alive, mean, mixture.mean), chol)
    return mixture


def _cholesky(spread: Array, instead: Array) -> Array:
    """Cholesky factors; ``instead`` is taken where rounding has left a matrix that has none."""
    try:
        return np.linalg.cholesky(spread)
    except np.linalg.LinAlgError:  # of any of them, and which is not said
        good = np.zeros(spread.shape[:-2], bool)
        if np.isfinite(spread).all():
            values = np.linalg.eigvalsh(spread)
            good = values[..., 0] > ROUNDING * values[..., -1]
        return np.linalg.cholesky(np.where(good[..., None, None], spread, instead))


def _symmetric(upper: Array, d: int) -> Array:
    """[..., d (d + 1) / 2] as symmetric matrices [..., d, d]."""
    index = np.zeros((d, d), int)
    row, column = np.triu_indices(d)
    index[row, column] = index[column, row] = np.arange(len(row))
    return upper[..., index]


def covariance(of: Array, weights: Array) -> Array:
    """Weighted covariance [b, d, d] given :func:`features`, with a ridge that keeps it positive definite."""
    d = int((np.sqrt(8.0 * of.shape[1] + 1.0) - 3.0) / 2.0)
    moments = (of @ weights[..., None])[..., 0]
    mean = moments[:, 1 : 1 + d] / moments[:, :1]
    cov = _symmetric(moments[:, 1 + d :], d) / moments[:, :1, None] - mean[:, :, None] * mean[:, None, :]
    scale = np.maximum(np.diagonal(cov, axis1=1, axis2=2), 0.0)
    return cov + np.eye(d) * (1e-6 * scale + 1e-10)[:, None, :]


def spread_out(rng: np.random.Generator, components: int, points: Array, weights: Array) -> Mixture:
    """Start EM afresh: means at weighted random points, covariances those of all the points."""
    b, m, d = len(points), components, points.shape[-1]
    overall = np.concatenate([covariance(features(points[some]), weights[some]) for some in _parts(points)])
    chol = _cholesky(overall, np.eye(d))
    order = np.argsort(points[..., 0], 1)  # strata along the first coordinate
    pick = stratified(rng, np.take_along_axis(weights, order, 1), m)
    chosen = np.take_along_axis(order, pick, 1)
    means = np.take_along_axis(points, chosen[..., None], 1)
    return Mixture.of(np.full((b, m), 1.0 / m), means, np.broadcast_to(0.7 * chol[:, None], (b, m, d, d)))


def refitted(
    rng: np.random.Generator, components: int, points: Array, weights: Array, shrink: float = SHRINK
) -> Mixture:
    """EM from a fresh start on weighted points [b, n, d]."""
    return fit(spread_out(rng, components, points, weights), points, weights, shrink)


def moments(mixture: Mixture) -> tuple[Array, Array]:
    """Mean and variance [b, d] of each proposal, without the prior inside."""
    mean = np.einsum("bm,bmd->bd", mixture.weight, mixture.mean)
    inner = (mixture.chol**2).sum(-1) * DEGREES / (DEGREES - 2.0)
    return mean, np.einsum("bm,bmd->bd", mixture.weight, inner + (mixture.mean - mean[:, None]) ** 2)
