"""Draws of a few parameters by adaptive importance sampling; in their units the prior is standard normal.

A mixture of Student-t distributions is fitted to the posterior by tempered population Monte Carlo
(:mod:`~forecaster.inference.importance.tempering`), then to points weighted by the whole likelihood. Points of the last
mixture, weighted and resampled, are the draws. Up to about ten dimensions, where a density costs little, this needs no
Markov chain: nothing has to converge, several and curved modes are kept, and the weights say whether to trust them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import softmax
from threadpoolctl import threadpool_limits

from forecaster.inference.importance import student_mixture, tempering
from forecaster.inference.importance.student_mixture import Mixture
from forecaster.inference.importance.weights import smoothed

COMPONENTS = 6  # of a mixture
POINTS = 1_000  # of a round of adaptation, at first
ROUNDS = 20  # of adaptation at most; four to eight as a rule
POLISH = 3  # fits to points under the whole likelihood
LAST_FACTOR = 8  # times as many points of the last mixture: k and the tails need them
Points = Float[np.ndarray, "point parameter"]
OfPoints = Float[np.ndarray, " point"]
LogLikelihood = Callable[[Points], OfPoints]


@dataclass(frozen=True, eq=False)
class Sampled:
    """Equally weighted ``values`` [draw, parameter]; Pareto's ``k`` and the effective sample size of their weights."""

    values: Points
    k: float
    ess: float


def sampled(log_likelihood: LogLikelihood, parameters: int, draws: int, rng: np.random.Generator) -> Sampled:
    """Draws of the posterior of ``parameters`` numbers, standard normal before; ``rng`` decides them."""
    with threadpool_limits(1, "blas"):  # products are small: threads wait for one another, ten times as long
        start = student_mixture.prior_mixture(1, parameters, COMPONENTS)
        points, log_ratio = weighted(
            rng, adapted(rng, start, log_likelihood, POINTS), log_likelihood, LAST_FACTOR * POINTS
        )
    log_weight, k = smoothed(log_ratio)
    k = k if np.isfinite(k) else np.inf  # one draw has all the weight
    ess = float(np.exp(tempering.log_ess(log_weight[None])[0]))
    return Sampled(resampled(rng, points, log_weight, draws), k, ess)


def adapted(rng: np.random.Generator, start: Mixture, log_likelihood: LogLikelihood, points: int) -> Mixture:
    """A proposal fitted to the posterior: tempered first, then under the whole likelihood."""

    def of_one(some: np.ndarray, _: np.ndarray) -> np.ndarray:
        return log_likelihood(some[0])[None]

    mixture = tempering.adapted(rng, _with_components(start), of_one, points, ROUNDS).mixture
    for _ in range(POLISH):
        drawn, log_weight = weighted(rng, mixture, log_likelihood, 2 * points)
        if tempering.log_ess(log_weight[None])[0] >= np.log(2.0 * COMPONENTS * drawn.shape[-1]):
            mixture = student_mixture.fitted(rng, COMPONENTS, drawn[None], softmax(log_weight)[None])
    return mixture


def weighted(
    rng: np.random.Generator, mixture: Mixture, log_likelihood: LogLikelihood, points: int
) -> tuple[Points, OfPoints]:
    """Points of the proposal, and the logs of their importance weights, up to a constant."""
    drawn, log_q = student_mixture.sample(rng, mixture, points)
    log_weight = log_likelihood(drawn[0]) + student_mixture.standard_normal(drawn)[0] - log_q[0]
    return drawn[0], np.nan_to_num(log_weight, nan=-1e30, neginf=-1e30, posinf=-1e30)


def resampled(
    rng: np.random.Generator, points: Points, log_weight: OfPoints, draws: int
) -> Float[np.ndarray, "{draws} parameter"]:
    """So many ``draws`` of the points by weight, stratified, in random order."""
    return points[rng.permutation(student_mixture.stratified(rng, softmax(log_weight)[None], draws)[0])]


def _with_components(mixture: Mixture) -> Mixture:
    """As many components as fits have, the first ones again."""
    more = np.arange(COMPONENTS) % mixture.weight.shape[1]
    weight = mixture.weight[:, more]
    return Mixture.of(weight / weight.sum(), mixture.mean[:, more], mixture.chol[:, more])
