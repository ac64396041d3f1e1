"""Proposals adapted to targets by tempering: the likelihood is raised to a power that leaves usable weights.

Population Monte Carlo (Cappé et al. 2008, M-PMC), batched over a leading axis of independent targets, as
:mod:`forecaster.inference.engines.mixtures` are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from forecaster.inference.engines import mixtures
from forecaster.inference.engines.mixtures import Mixture

Array = Any  # a NumPy array; docstrings name its axes


def log_ess(log_weights: Array) -> Array:
    """Log of Kish's effective sample size of unnormalised log weights [..., n]."""
    weights = np.exp(log_weights - log_weights.max(-1, keepdims=True))
    return 2.0 * np.log(weights.sum(-1)) - np.log(np.einsum("...n,...n->...", weights, weights))


POWERS = np.geomspace(1.0, 1e-4, 36)  # likelihood powers that are tried; a step is a factor of 1.3


def temper(log_likelihood: Array, rest: Array, effective: float) -> Array:
    """Largest power of the likelihood whose weights keep so many of the points ``effective``: [b].

    Where none does, the power with the most effective points. (The effective size is not monotone in the
    power: a narrow proposal serves the full likelihood better than a weak one.)
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


class Adapted(NamedTuple):
    """What :func:`adapt` found: proposals, and the tempering power [b] that they reached."""

    mixture: Mixture
    power: Array


EFFECTIVE = 50  # points that the likelihood is tempered to leave
EVERY, DOUBLED = 2, 4  # after so many rounds points are doubled, so many times: targets that are hard to find need more


def adapt(
    rng: np.random.Generator,
    mixture: Mixture,
    log_likelihood: Callable[[Array, Array], Array],
    n: int,
    rounds: int,
    enough: float = 1.0,
) -> Adapted:
    """Fit the proposals to ``prior * likelihood``: ``rounds`` at the most, fewer where targets are found earlier.

    ``log_likelihood`` maps points [k, n, d] of k targets, and their indices [k], to [k, n]. It is given ``n`` points in
    the first rounds, more in later ones. A target that is found, up to the power ``enough`` of its likelihood, takes no
    part in later rounds.
    """
    targets = np.arange(len(mixture.mean))
    best, best_power = mixture, np.zeros(len(targets))
    current, found = mixture, np.zeros(len(targets), bool)
    for done in range(rounds):
        now = mixtures.rows_of(current, targets)
        count = n * 2 ** min(done // EVERY, DOUBLED)
        points, log_q = mixtures.sample(rng, now, count)
        likelihood = np.nan_to_num(log_likelihood(points, targets), nan=-1e30, neginf=-1e30, posinf=-1e30)
        rest = mixtures.standard_normal(points) - log_q
        power = temper(likelihood, rest, EFFECTIVE)
        weights = mixtures.softmax(power[:, None] * likelihood + rest, -1)
        fitted = mixtures.refitted(rng, now.weight.shape[1], points, weights)
        failed = power < 0.5 * best_power[targets]  # a proposal that lost the target: go back and try again
        known = where(power >= best_power[targets], now, mixtures.rows_of(best, targets))
        best, current = put(best, targets, known), put(current, targets, where(failed, known, fitted))
        best_power[targets] = np.maximum(power, best_power[targets])
        found[targets] |= power >= enough
        if found.all():
            break
        targets = np.flatnonzero(~found)
    return Adapted(current, best_power)


def put(mixture: Mixture, targets: Array, these: Mixture) -> Mixture:
    """``mixture`` with ``these`` in place of its ``targets``."""
    out = Mixture(*(np.array(a) for a in mixture))
    for a, new in zip(out, these, strict=True):
        a[targets] = new
    return out


def where(choose: Array, this: Mixture, other: Mixture) -> Mixture:
    """``this`` for the targets of ``choose`` [b], else ``other``."""
    return Mixture(*(np.where(choose.reshape(-1, *[1] * (a.ndim - 1)), a, b) for a, b in zip(this, other, strict=True)))
