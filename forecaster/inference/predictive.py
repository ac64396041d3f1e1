"""Posterior and prior predictive distributions of the measurements: the groups that ArviZ's model checks need.

Given its parameters, a curve's log errors at the measured sizes are jointly normal: the law, with drift, noise and
test-set sampling error integrated out. The measurement of a size is the mean of its repeats' log errors, with the noise
of that mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from forecaster._support.streams import stream
from forecaster.domains.quantities import CENTRES
from forecaster.inference import datatree
from forecaster.inference.importance.weights import without_ties
from forecaster.inference.parameters import CurveDraws, before_data, of_architecture
from forecaster.model import drift
from forecaster.model.design import Design, SizedCurve

if TYPE_CHECKING:
    import xarray as xr

BLOCK = 4_000_000  # entries of covariances in memory at once: 32 MB each
REPLICATED, PRIOR = 100, 101  # uses of random numbers, beside those of paths


class LeftOut(NamedTuple):
    """Each size given the others and the parameters, [chain, draw, point] each: a normal, and its log density."""

    mean: np.ndarray
    sd: np.ndarray
    log_density: np.ndarray


def moments(design: Design, data: SizedCurve, draws: CurveDraws) -> tuple[np.ndarray, np.ndarray]:
    """Mean [..., point] and covariance [..., point, point] of a curve's log errors, given parameters of shape [...].

    Drift, noise and test-set sampling error are integrated out; a size's noise is that of the mean of its repeats.
    """
    time = design.x_ref - data.x
    level, slope = (np.exp(2.0 * v)[..., None] for v in (draws.log_drift, draws.log_slope))
    wander = drift.covariance(np, time, level[..., None], slope[..., None], design.slope_memory)
    if data.luck:
        parted = draws.luck(data, data.x)
        wander = wander + np.minimum(parted[..., :, None], parted[..., None, :])
    return draws.law(data.x), wander + data.noise(draws.log_noise)[..., None] * np.eye(len(data.x))


def blocks(design: Design, data: SizedCurve, draws: CurveDraws) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """:func:`moments` of ``draws`` [draw] in blocks, in order, which bounds the memory of covariances."""
    count = -(-len(draws) * len(data.x) ** 2 // BLOCK)
    for chosen in np.array_split(np.arange(len(draws)), count):
        yield moments(design, data, draws.map(lambda drawn, chosen=chosen: drawn[chosen]))


def left_out(y: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> LeftOut:
    """p(y_i | y_-i) for every i of a multivariate normal, from its precision matrix: three arrays [..., point].

    With g = precision @ (y - mean) and c the precision's diagonal, the mean is y - g / c and the variance 1 / c
    (Buerkner, Gabry & Vehtari 2021, section 2; Sundararajan & Keerthi 2001).
    """
    precision = np.linalg.inv(covariance)
    diagonal = np.diagonal(precision, axis1=-2, axis2=-1)
    gap = (precision @ (y - mean)[..., None])[..., 0] / diagonal
    sd = diagonal**-0.5
    return LeftOut(y - gap, sd, -0.5 * (np.log(2.0 * np.pi) + (gap / sd) ** 2) - np.log(sd))


def replicates(law: np.ndarray, root: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Replicated curves [draw, point], and the standard normals behind them.

    ``law`` [draw, point] is the mean, ``root`` [draw, point, point] the Cholesky factor of the covariance. A replicate
    has the draw's parameters, a new drift and new noise.
    """
    fresh = rng.standard_normal(law.shape)
    return law + (root @ fresh[..., None])[..., 0], fresh


# Groups of a DataTree -------------------------------------------------------------------------------


def after_data(
    designs: Sequence[Design], draws_of: Callable[[str], CurveDraws], chains: int, seed: int
) -> dict[str, xr.Dataset]:
    """``log_likelihood`` and ``posterior_predictive`` of every size of every curve.

    The log likelihood is that of each size given the other sizes of its curve (:func:`left_out`): sizes of one curve
    are not independent, and this is what leave-one-out takes. Predictive draws are :func:`replicates`. ``draws_of``
    gives the posterior draws of the curve with this label, in the order of the ``chains``.
    """
    likely, copies = [], []
    for design in designs:
        for data in design.curves:
            drawn, rng = draws_of(data.curve.label), stream(data.curve.label, seed, REPLICATED)
            likely.append(_conditional(design, data, drawn))
            copies.append(_replicated(design, data, drawn, rng))
    likelihood, predicted = (_together(v, chains) for v in (likely, copies))
    return {
        "log_likelihood": _of_sizes(designs, datatree.CONDITIONAL, without_ties(likelihood)),
        "posterior_predictive": _of_sizes(designs, datatree.OUTCOME, predicted),
    }


def before_any_data(designs: Sequence[Design], draws: int, seed: int) -> dict[str, xr.Dataset]:
    """``prior`` and ``prior_predictive``: ``draws`` from the cards, as one chain.

    Architectures of one (domain, task) share the draws of its centre and spread.
    """
    hyper = [before_data(d.card, draws, stream(f"{d.domain}/{d.task}", seed, PRIOR)) for d in designs]
    values, copies = [], []
    for design, (centre, log_spread) in zip(designs, hyper, strict=True):
        for data in design.curves:
            rng = stream(data.curve.label, seed, PRIOR)
            drawn = of_architecture(design.card, centre, log_spread, data.curve.architecture, design.reference, rng)
            values.append(np.stack([getattr(drawn, name) for name in CENTRES], -1))
            copies.append(_replicated(design, data, drawn, rng))
    centre, log_spread = (np.stack(v, 1)[None] for v in zip(*hyper, strict=True))
    return {
        "prior": datatree.parameters(designs, centre, log_spread, np.stack(values, 1)[None]),
        "prior_predictive": _of_sizes(designs, datatree.OUTCOME, _together(copies, 1)),
    }


def _conditional(design: Design, data: SizedCurve, draws: CurveDraws) -> np.ndarray:
    """Log density of each size given the others, [draw, size], by ascending size."""
    parts = [left_out(data.y, *normal).log_density for normal in blocks(design, data, draws)]
    return np.concatenate(parts)[:, ::-1]


def _replicated(design: Design, data: SizedCurve, draws: CurveDraws, rng: np.random.Generator) -> np.ndarray:
    """One replicate for each draw, [draw, size], by ascending size."""
    parts = [replicates(law, np.linalg.cholesky(covariance), rng)[0] for law, covariance in blocks(design, data, draws)]
    return np.concatenate(parts)[:, ::-1]


def _together(curves: Sequence[np.ndarray], chains: int) -> np.ndarray:
    """Arrays [draw, size] of one curve each as one [chain, draw, obs]."""
    values = np.concatenate(curves, 1)
    return values.reshape(chains, -1, values.shape[1])


def _of_sizes(designs: Sequence[Design], name: str, values: np.ndarray) -> xr.Dataset:
    """``values`` [chain, draw, obs] with named dimensions."""
    import xarray as xr

    coords = {"chain": np.arange(values.shape[0]), "draw": np.arange(values.shape[1])}
    return xr.Dataset({name: (("chain", "draw", "obs"), values)}, coords | datatree.observations(designs))
