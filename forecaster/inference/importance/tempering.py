"""Proposals adapted to targets by tempering: the likelihood is raised to a power that leaves usable weights.

Population Monte Carlo (Cappé et al. 2008, M-PMC), batched over a leading axis of independent targets, as
:mod:`~forecaster.inference.importance.student_mixture` is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from scipy.special import softmax

from forecaster.inference.importance import settings, student_mixture
from forecaster.inference.importance.student_mixture import Mixture

# Powers of the likelihood (inverse temperatures) to try, from 1 downwards.
POWERS = settings.STEP ** -np.arange(1 - np.log(settings.LEAST_POWER) / np.log(settings.STEP))


class Adapted(NamedTuple):
    """Proposals, the power of the likelihood that they reached, and how many points of each were evaluated."""

    mixture: Mixture
    power: Float[np.ndarray, " target"]
    evaluations: Int[np.ndarray, " target"]


def adapted(
    rng: np.random.Generator,
    mixture: Mixture,
    log_likelihood: Callable[[np.ndarray, np.ndarray], np.ndarray],
    n: int,
    rounds: int,
    enough: float = 1.0,
) -> Adapted:
    """Fit the proposals to ``prior * likelihood``: ``rounds`` at most, fewer where targets are found earlier.

    ``log_likelihood`` maps points [k, n, d] of k targets, and their indices [k], to [k, n]. It is given ``n`` points in
    the first rounds, more in later ones. A target that is found, up to the power ``enough`` of its likelihood, takes no
    part in later rounds.
    """
    targets = np.arange(len(mixture.mean))
    best, current, best_power = mixture, mixture, np.zeros(len(targets))
    evaluations = np.zeros(len(targets), int)
    for done in range(rounds):
        now = current.only(targets)
        count = n * 2 ** min(done // settings.DOUBLE_EVERY, settings.DOUBLINGS)
        points, log_q = student_mixture.sample(rng, now, count)
        likelihood = np.nan_to_num(log_likelihood(points, targets), nan=-1e30, neginf=-1e30, posinf=-1e30)
        evaluations[targets] += count
        rest = student_mixture.standard_normal(points) - log_q
        power = temper(likelihood, rest, settings.EFFECTIVE)
        fitted = student_mixture.fitted(
            rng, now.weight.shape[1], points, softmax(power[:, None] * likelihood + rest, -1)
        )
        lost = power < settings.LOST * best_power[targets]  # go back and try again
        known = _where(power >= best_power[targets], now, best.only(targets))
        best, current = _put(best, targets, known), _put(current, targets, _where(lost, known, fitted))
        best_power[targets] = np.maximum(power, best_power[targets])
        targets = targets[power < enough]
        if not len(targets):
            break
    return Adapted(current, best_power, evaluations)


def temper(
    log_likelihood: Float[np.ndarray, "target n"], rest: Float[np.ndarray, "target n"], effective: float
) -> Float[np.ndarray, " target"]:
    """Largest power of the likelihood whose weights have this many ``effective`` points.

    Where there is none, the power with the most effective points. The effective sample size is not monotone in the
    power: a narrow proposal may fit the full likelihood better than a tempered one.
    """
    most, best = np.full(len(rest), -np.inf), np.ones(len(rest))
    short = np.arange(len(rest))
    for power in POWERS:
        ess = log_ess(power * log_likelihood[short] + rest[short])
        better = ess > most[short]
        most[short[better]], best[short[better]] = ess[better], power
        short = short[ess < np.log(effective)]
        if not len(short):
            break
    return best


def log_ess(log_weights: Float[np.ndarray, "b n"]) -> Float[np.ndarray, " b"]:
    """Log of Kish's effective sample size of unnormalised log weights."""
    weights = np.exp(log_weights - log_weights.max(-1, keepdims=True))
    return 2.0 * np.log(weights.sum(-1)) - np.log(np.einsum("...n,...n->...", weights, weights))


def _put(mixture: Mixture, targets: Int[np.ndarray, " k"], these: Mixture) -> Mixture:
    """``mixture`` with ``these`` in place of its ``targets``."""

    def put(a: Shaped[np.ndarray, "b ..."], new: Shaped[np.ndarray, "k ..."]) -> Shaped[np.ndarray, "b ..."]:
        out = a.copy()
        out[targets] = new
        return out

    return Mixture(*map(put, mixture, these))


def _where(choose: Bool[np.ndarray, " b"], this: Mixture, other: Mixture) -> Mixture:
    """``this`` for the targets of ``choose``, else ``other``."""
    return Mixture(*(np.where(choose.reshape(-1, *[1] * (a.ndim - 1)), a, b) for a, b in zip(this, other, strict=True)))
