"""Conditioning on new measurements of a curve without a new fit: densities, weights and paths.

Given one posterior draw, drift, test-set sampling error and run noise are Gaussian, so that new measurements have a
normal predictive density, and the curve given them is normal again. Both are exact, by dense algebra over the curve's
measured sizes. Posterior draws are then weighted by that density (importance sampling from the old posterior to the new
one), which updates the parameters, including those of the hierarchy. The effective sample size of the weights shows how
far the result can be trusted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float

from forecaster.errors import RequestError
from forecaster.inference.importance.weights import Weights, weights_of
from forecaster.inference.posterior import Posterior
from forecaster.inference.predictive import BLOCK
from forecaster.model import drift
from forecaster.prediction import observation
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.paths import CONDITION, CurvePaths, curve_paths

Sizes = Float[np.ndarray, " size"]
Others = Float[np.ndarray, " other"]
Covariance = Float[np.ndarray, "draw size other"]


@dataclass(frozen=True, eq=False)
class Predictive:
    """The joint predictive density of new measurements of one curve, draw by draw.

    ``n`` are their sizes, ``mean`` [draw, size] and ``covariance`` [draw, size, size] those of the log errors that will
    be measured, given the draw's parameters and the old measurements; ``noise`` is the part of the covariance that is
    not of the mean curve: run noise, and the test set's sampling error beyond the largest measured size.
    """

    paths: CurvePaths
    n: Sizes
    mean: Float[np.ndarray, "draw size"]
    covariance: Covariance
    noise: Covariance

    @cached_property
    def _factor(self) -> Covariance:
        return np.linalg.cholesky(self.covariance)

    def log_density(self, log_error: Float[np.ndarray, "... size"]) -> Float[np.ndarray, "... draw"]:
        """Log density of each draw for measured log errors, or for several sets of them."""
        several = np.reshape(np.asarray(log_error, dtype=float), (-1, len(self.n)))
        # One factorisation a draw: the first set's distances from the mean, then how the others differ from that set.
        apart = np.broadcast_to((several[1:] - several[:1]).T, (len(self.mean), len(self.n), len(several) - 1))
        white = np.linalg.solve(self._factor, np.concatenate([(several[0] - self.mean)[..., None], apart], -1))
        white[..., 1:] += white[..., :1]
        log_det = np.log(np.diagonal(self._factor, axis1=-2, axis2=-1)).sum(-1)
        found = -0.5 * (white**2).sum(-2).T - log_det - 0.5 * len(self.n) * np.log(2.0 * np.pi)
        return found.reshape(*np.shape(log_error)[:-1], len(self.mean))

    def weights(self, log_error: Float[np.ndarray, " size"]) -> Weights:
        """Weights of the draws given measured log errors."""
        return weights_of(self.log_density(log_error))

    def draw(self) -> Float[np.ndarray, "draw size"]:
        """One set of simulated measurements for each draw, on the curve's own path."""
        factor = np.linalg.cholesky(self.noise)
        z = self.paths.origin.stream(CONDITION).standard_normal((*self.mean.shape, 1))
        return self.paths.at(self.n) + (factor @ z)[..., 0]

    def given(
        self,
        log_error: Float[np.ndarray, " size"],
        n: Sequence[float] | Float[np.ndarray, " at"],
        *,
        paths: CurvePaths | None = None,
    ) -> Float[np.ndarray, "draw at"]:
        """Mean log errors at sizes ``n`` given the measured ones too, to be weighted by :meth:`weights`.

        Each path is conditioned on the new measurements by Matheron's rule: the simulated path, plus the regression of
        the curve on the measurements times the difference between actual and simulated measurements. ``paths`` is the
        curve on a grid that covers ``n``, by default this one.
        """
        held, wanted = paths or self.paths, np.asarray(n, dtype=float)
        cross = self.shared_with(wanted, paths=held)
        missed = np.asarray(log_error, dtype=float) - self.draw()
        return held.at(wanted) + (cross @ np.linalg.solve(self.covariance, missed[..., None]))[..., 0]

    def shared_with(
        self, n: Sequence[float] | Float[np.ndarray, " at"], *, paths: CurvePaths | None = None
    ) -> Covariance:
        """Covariance, by draw, of the mean log error at sizes ``n`` with the measurements, given the old ones."""
        return _given_old(paths or self.paths, np.log(np.asarray(n, dtype=float)), np.log(self.n))[1]

    def first(self, count: int) -> Predictive:
        """The predictive density of the first so many of the measurements."""
        some = slice(None, count)
        parts = self.mean[:, some], self.covariance[:, some, some], self.noise[:, some, some]
        return Predictive(self.paths, self.n[some], *parts)

    def following(
        self, log_error: Float[np.ndarray, " before"], i: int
    ) -> tuple[Float[np.ndarray, " draw"], Float[np.ndarray, " draw"]]:
        """Mean and variance, by draw, of measurement ``i`` given those before it."""
        cross, seen = self.covariance[:, i, :i], self.covariance[:, :i, :i]
        gap = np.stack([np.asarray(log_error, dtype=float) - self.mean[:, :i], cross], -1)
        solved = np.linalg.solve(seen, gap) if i else gap
        mean, known = np.einsum("di,dik->kd", cross, solved)
        return self.mean[:, i] + mean, self.covariance[:, i, i] - known

    def pit(self, log_error: Float[np.ndarray, " size"]) -> Sizes:
        """Probability integral transform of each measurement given those before it, in their order.

        Independent and uniform where the measurements are draws of the predictive distribution.
        """
        from scipy.special import ndtr

        y = np.asarray(log_error, dtype=float)
        white = np.linalg.solve(self._factor, (y - self.mean)[..., None])[..., 0]
        sd = np.diagonal(self._factor, axis1=-2, axis2=-1)
        steps = -0.5 * white**2 - np.log(sd)
        before = np.concatenate([np.zeros((len(steps), 1)), np.cumsum(steps, 1)[:, :-1]], 1)
        return np.array([weights_of(before[:, i]).values @ ndtr(white[:, i]) for i in range(len(y))])


def predictive(
    posterior: Posterior,
    key: CurveKey,
    n: Sequence[float] | Sizes,
    *,
    runs: int | Sequence[int] | np.ndarray = 1,
    seed: int = 0,
) -> Predictive:
    """The predictive density of measurements at sizes ``n``, each an average of so many ``runs``.

    Run noise is divided by the runs, the test set's sampling error is not. RequestError for a size that is not
    positive, or fewer runs than one.
    """
    sizes = np.atleast_1d(np.asarray(n, dtype=float))
    each = np.broadcast_to(np.asarray(runs, dtype=float), sizes.shape)
    for name, values, least in (("n", sizes, np.nextafter(0.0, 1.0)), ("runs", each, 1.0)):
        wrong = values[~(np.isfinite(values) & (values >= least))]
        if len(wrong):
            raise RequestError(
                f"{name}: found {wrong[0]:g}; expected {'a size above 0' if name == 'n' else '1 or more'}"
            )
    paths = curve_paths(posterior, key, sizes, seed=seed)
    mean, curve = _given_old(paths, np.log(sizes), np.log(sizes))
    own = observation.own_variance(paths, sizes, mean) / each
    noise = own[:, :, None] * np.eye(len(sizes)) + _luck_ahead(paths, np.log(sizes))
    return Predictive(paths, sizes, mean, curve + noise, noise)


def _given_old(paths: CurvePaths, x: Sizes, other: Others) -> tuple[Float[np.ndarray, "draw size"], Covariance]:
    """Mean of the curve at log sizes ``x``, and its covariance with that at ``other``, given the old measurements."""
    law, data = _law(paths, x), paths.origin.data
    if data is None:
        return law, _covariance(paths, x, other)
    found = [
        _given_old_of(_subset(paths, chosen), law[chosen], x, other)
        for chosen in np.array_split(np.arange(paths.draws), -(-paths.draws * len(data.x) ** 2 // BLOCK))
    ]
    mean, covariance = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return mean, covariance


def _given_old_of(
    paths: CurvePaths, law: Float[np.ndarray, "draw size"], x: Sizes, other: Others
) -> tuple[Float[np.ndarray, "draw size"], Covariance]:
    data, values = paths.origin.data, paths.parameters
    assert data is not None
    noise = data.noise(values.log_noise)
    known = _covariance(paths, data.x, data.x) + noise[:, :, None] * np.eye(len(data.x))
    to_x, to_other = _covariance(paths, data.x, x), _covariance(paths, data.x, other)
    gain = np.linalg.solve(known, to_x).transpose(0, 2, 1)
    residual = data.y - values.law(data.x)
    return law + (gain @ residual[..., None])[..., 0], _covariance(paths, x, other) - gain @ to_other


def _law(paths: CurvePaths, x: Sizes) -> Float[np.ndarray, "draw size"]:
    """Log error of the law at log sizes ``x``."""
    return paths.parameters.law(x)


def _covariance(paths: CurvePaths, x: Sizes, other: Others) -> Covariance:
    """Prior covariance of the mean curve's departures from its law (drift, sampling error) at two sets of log sizes."""
    values, origin = paths.parameters, paths.origin
    scales, changed = origin.scales, origin.beyond[:, None, None]
    x_ref = values.reference.x_ref
    t, u = (x_ref - x)[:, None], (x_ref - other)[None, :]
    level, slope = scales.level[:, None, None], scales.slope[:, None, None]
    carry = [
        scales.memory * -np.expm1(-abs(time) / scales.memory) for time in (t, u)
    ]  # covariance with the slope there
    shared = slope * np.sign(t) * np.sign(u) * carry[0] * carry[1]
    alone = drift.covariance_between(np, abs(t), abs(u), level, slope, scales.memory) - slope * carry[0] * carry[1]
    beyond = (t < 0) & (u < 0)
    same = np.where((t < 0) == (u < 0), np.where(beyond, changed**2, 1.0) * alone, 0.0)
    if origin.data is None:
        return shared + same
    luck = [values.luck(origin.data, at) for at in (x, other)]
    return shared + same + np.minimum(luck[0][:, :, None], luck[1][:, None, :])


def _luck_ahead(paths: CurvePaths, x: Sizes) -> Covariance:
    """Covariance of the test set's sampling error beyond the largest measured size, by the law's errors."""
    curve = paths.curve
    zero = np.zeros((paths.draws, len(x), len(x)))
    if curve is None or np.isnan(observation.cases(curve)):
        return zero
    last = np.log(curve.n[-1])
    errors = np.exp(_law(paths, np.append(last, x)))
    grown = (1.0 / np.minimum(errors[:, 1:], errors[:, :1]) - 1.0 / errors[:, :1]) / observation.cases(curve)
    variance = np.where(x > last, np.clip(grown, 0.0, 1.0), 0.0)
    return np.minimum(variance[:, :, None], variance[:, None, :])


def _subset(paths: CurvePaths, chosen: np.ndarray) -> CurvePaths:
    """The same curve with some of its draws only, for uses that need no grid."""
    origin = paths.origin
    some = replace(
        origin,
        parameters=origin.parameters.map(lambda drawn: drawn[chosen]),
        beyond=origin.beyond[chosen],
    )
    return replace(paths, origin=some)
