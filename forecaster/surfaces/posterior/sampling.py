"""Draws from the posterior of a surface: adaptive importance sampling, or NUTS as the reference.

Nine or ten dimensions and a density that costs little (``density.py``) need no Markov chain. The proposal of
:mod:`~forecaster.inference.importance.sampler` is fitted from the modes that a search from several starts finds. Four
independent sets of its points, weighted, are the chains: their Kish effective sizes and their R-hat tell how far draws
can be trusted. Where they cannot be, the proposal is fitted to more points, twice at the most.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from forecaster.inference.engines.ensemble import convergence
from forecaster.inference.importance import sampler, tempering
from forecaster.inference.importance.sampler import POINTS, LogLikelihood, OfPoints, Points
from forecaster.inference.importance.student_mixture import Mixture
from forecaster.surfaces.model import density
from forecaster.surfaces.model.card import QUANTITIES
from forecaster.surfaces.model.design import SurfaceDesign

CHAINS, DRAWS = 4, 500  # of each chain
MODE_WIDENING = 1.5  # variances of the first proposals over those of the curvature at the modes
ENOUGH_ESS, LEAST_ESS, MOST_R_HAT = 800.0, 400.0, 1.02  # effective size that ends sampling; what draws are trusted from
NUTS_THINNING = 4  # draws of NUTS, whose draws are correlated, of which one is kept
EFFORTS = (1, 4, 16)  # times as many points, where fewer did not do
STARTS = (-1.0, 0.0, 1.5)  # of the coupling's log, in prior sds, for the search of modes
GRADIENT_STEP, CURVATURE_STEP = 1e-4, 1e-2  # of finite differences: gradient, curvature
BOUND = 6.0  # prior sds within which modes are searched
Engine = Literal["importance", "nuts"]


@dataclass(frozen=True, eq=False)
class SurfaceDraws:
    """Draws of one surface: ``values`` [chain, draw, quantity] in its design's order, and diagnostics."""

    values: Float[np.ndarray, "chain draw quantity"]
    ess: float
    r_hat: float
    engine: Engine

    @property
    def trusted(self) -> bool:
        return self.ess >= LEAST_ESS and self.r_hat <= MOST_R_HAT


def sample(design: SurfaceDesign, *, seed: int, engine: Engine = "importance") -> SurfaceDraws:
    """Draws from the posterior of ``design``; the same seed gives the same draws."""
    if engine == "nuts":
        return by_nuts(design, seed=seed)
    with threadpool_limits(1, "blas"):  # products are small: threads wait for one another, ten times as long
        return by_importance(design, seed=seed)


def by_importance(design: SurfaceDesign, *, seed: int) -> SurfaceDraws:
    """Draws by adaptive importance sampling."""
    target = target_of(design)
    rng = np.random.default_rng([seed, 7])
    found: list[SurfaceDraws] = []
    start = first_proposals(target, len(design.quantities))
    for effort in EFFORTS:
        mixture = sampler.adapted(rng, start, target, POINTS * effort)
        found.append(weighted(rng, mixture, target, design, 2 * POINTS * effort))
        if found[-1].trusted and found[-1].ess >= ENOUGH_ESS:
            break
        start = mixture
    return max(found, key=lambda one: (one.trusted, one.ess))


def target_of(design: SurfaceDesign) -> LogLikelihood:
    """The log likelihood of points in units in which the prior is standard normal."""
    data = density.rotated(design)

    def log_likelihood(points: Points) -> OfPoints:
        with np.errstate(over="ignore", invalid="ignore"):  # exponents far out in the tails
            values = design.mean + design.sd * points
            found = density.log_likelihood(np, values, data) + density.log_likelihood_above(np, values, design.untuned)
        return np.nan_to_num(found, nan=-1e30, neginf=-1e30, posinf=-1e30)

    return log_likelihood


# Proposals ------------------------------------------------------------------------------------------


def first_proposals(target: LogLikelihood, d: int = len(QUANTITIES)) -> Mixture:
    """Normal approximations at the modes found from several starts, and the prior itself, in ``d`` dimensions."""
    means, factors = [np.zeros(d)], [np.eye(d)]
    for k in STARTS:
        mode = _mode(target, k, d)
        means.append(mode)
        factors.append(np.sqrt(MODE_WIDENING) * np.linalg.cholesky(_covariance(target, mode)))
    weight = np.full(len(means), 1.0 / len(means))
    return Mixture.of(weight[None], np.stack(means)[None], np.stack(factors)[None])


def _log_posterior(target: LogLikelihood, points: Points) -> OfPoints:
    return target(points) - 0.5 * (points**2).sum(-1)


def _mode(target: LogLikelihood, log_k: float, d: int) -> Float[np.ndarray, " quantity"]:
    """A mode of the posterior, from the prior's mean with another coupling; gradients by differences, in one call."""
    eye = GRADIENT_STEP * np.eye(d)
    start = np.zeros(len(eye))
    start[5] = log_k

    def value_and_slope(z: np.ndarray) -> tuple[float, np.ndarray]:
        found = -_log_posterior(target, np.vstack([z, z + eye, z - eye]))
        ahead, behind = found[1 : 1 + len(eye)], found[1 + len(eye) :]
        return float(found[0]), (ahead - behind) / (2.0 * GRADIENT_STEP)

    bounds = [(-BOUND, BOUND)] * len(eye)
    return minimize(value_and_slope, start, jac=True, method="L-BFGS-B", bounds=bounds).x


def _covariance(target: LogLikelihood, mode: Float[np.ndarray, " quantity"]) -> np.ndarray:
    """The inverse curvature at a mode, no wider than the prior."""
    d = len(mode)
    eye = CURVATURE_STEP * np.eye(d)
    corners = np.array(
        [[s * eye[i] + r * eye[j] for s in (1, -1) for r in (1, -1)] for i in range(d) for j in range(d)]
    )
    found = -_log_posterior(target, mode + corners.reshape(-1, d)).reshape(d, d, 4)
    curvature = (found[..., 0] - found[..., 1] - found[..., 2] + found[..., 3]) / (4.0 * CURVATURE_STEP**2)
    values, vectors = np.linalg.eigh(0.5 * (curvature + curvature.T))
    return (vectors / np.maximum(values, 1.0)) @ vectors.T


# Draws ----------------------------------------------------------------------------------------------


def weighted(
    rng: np.random.Generator,
    mixture: Mixture,
    target: LogLikelihood,
    design: SurfaceDesign,
    points: int,
) -> SurfaceDraws:
    """Four independent sets of weighted points, each resampled to its draws, in random order."""
    chains, sizes = [], []
    for _ in range(CHAINS):
        drawn, log_weight = sampler.weighted(rng, mixture, target, points)
        chains.append(sampler.resampled(rng, drawn, log_weight, DRAWS))
        sizes.append(min(float(np.exp(tempering.log_ess(log_weight[None])[0])), DRAWS))
    z = np.stack(chains)
    r_hat = float(convergence.r_hat(z[None])[0])
    return SurfaceDraws(design.mean + design.sd * z, float(np.sum(sizes)), r_hat, "importance")


def by_nuts(design: SurfaceDesign, *, seed: int, tune: int = 1000) -> SurfaceDraws:
    """Draws by NUTS on the PyMC model: minutes for a few dozen runs, hours for hundreds."""
    import arviz as az
    import nutpie

    from forecaster.surfaces.model import pymc_model

    compiled = nutpie.compile_pymc_model(pymc_model.build(design))
    trace: Any = nutpie.sample(
        compiled,
        draws=NUTS_THINNING * DRAWS,
        tune=tune,
        chains=CHAINS,
        seed=seed,
        target_accept=0.95,
        progress_bar=False,
    )
    found = np.asarray(trace.posterior["values"].values)
    ess = min(_least_ess(az, found), float(CHAINS * DRAWS))
    return SurfaceDraws(found[:, ::NUTS_THINNING], ess, float(convergence.r_hat(found[None])[0]), "nuts")


def _least_ess(az: Any, values: Float[np.ndarray, "chain draw quantity"]) -> float:
    """The smallest effective size over the quantities."""
    return float(min(az.ess(np.ascontiguousarray(values[..., i])) for i in range(values.shape[-1])))
