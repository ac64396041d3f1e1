"""Simulate learning curves from a card's priors: the generative model, run forwards in NumPy.

For tests of calibration and for benchmarks, where the truth must be known. The drift is drawn from a dense
covariance over both sides of the reference size, written apart from the filter that the engines use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import pandas as pd
from jaxtyping import Real

from forecaster.curves.learning_curves import LearningCurves
from forecaster.curves.reading.read import read_curves
from forecaster.domains.domain import Domain
from forecaster.domains.quantities import CENTRES
from forecaster.model import drift_paths, floor_terms, run_noise, test_set_noise
from forecaster.model import law as laws
from forecaster.model.design import LEAST_NOISE

DOMAIN = "simulated"
TRIES = 1000  # times that as many groups are drawn as are wanted, where evidence on the floor rejects some
Sizes = Sequence[float] | Real[np.ndarray, " _"]


@dataclass(frozen=True, eq=False)
class Simulation:
    """Simulated ``curves`` and the ``truth`` behind them.

    ``truth`` holds ``hyper`` [group, 10] in the order of ``Domain.hyper_mean``; ``values`` [group, curve, 8] in that of
    ``domains.CENTRES``; ``exponent`` and ``floor`` [group, curve]; and ``error`` [group, curve, beyond], the error of
    the mean curve, drift included, at multiples of the group's largest measured size. Groups are the tasks of one
    domain; groups and architectures are named in ascending order.
    """

    curves: LearningCurves
    truth: Mapping[str, np.ndarray]


def simulate(
    card: Domain,
    sizes: Sizes | Sequence[Sizes],
    *,
    groups: int = 1,
    architectures: int = 5,
    seeds: int = 1,
    beyond: Sizes = (10.0,),
    n_test: int | None = None,
    noise_trend: float = 0.0,
    seed: int = 0,
) -> Simulation:
    """Draw whole groups from the priors of ``card``: centres, spreads, curves, drift, test-set and run noise.

    ``sizes`` are those that every architecture is measured at, or a sequence for each architecture; each size
    has ``seeds`` runs, all on one test set of ``n_test`` cases (None: no sampling error). The log sd
    of runs changes by ``noise_trend`` a nat of size.
    """
    rng = np.random.default_rng(seed)
    grid = _grid(sizes, architectures)
    x = [np.log(g) for g in grid]
    x_ref, x_min = max(g.max() for g in x), min(g.min() for g in x)
    ahead = x_ref + np.log(np.asarray(beyond, dtype=float))
    names = [f"architecture-{i:02d}" for i in range(architectures)]
    hyper, values = _drawn(rng, card, names, groups)

    rows, far = [], np.empty((groups, architectures, len(ahead)))
    for i in range(architectures):
        curve = _curve(rng, card, values[:, i], np.concatenate([x[i], ahead]), x_ref, x_min)
        far[:, i] = np.exp(curve[:, len(x[i]) :])
        noise = np.exp(2.0 * values[:, i, CENTRES.index("log_noise"), None])
        noise = noise * run_noise.relative(noise_trend, x[i], x_ref)
        runs = _runs(rng, curve[:, : len(x[i])], noise, seeds, n_test)
        rows.append(_rows(runs, grid[i], names[i], n_test))
    level, log_exponent, _, floor_logit, *_ = np.moveaxis(values, -1, 0)
    truth = {
        "hyper": hyper,
        "values": values,
        "exponent": np.exp(log_exponent),
        "floor": laws.floor(np, level, floor_logit),
        "error": far,
    }
    return Simulation(read_curves(pd.concat(rows, ignore_index=True), as_they_are=True), truth)


def _drawn(rng: np.random.Generator, card: Domain, names: Sequence[str], groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Hyper-parameters [group, 10] and values [group, curve, 8] from the card's priors, and evidence on the floor.

    Evidence rejects whole groups, at the true level; ValueError where it rejects nearly all.
    """
    hyper = card.hyper_mean + card.hyper_sd * rng.standard_normal((groups, len(card.hyper_mean)))
    centre, learned = np.split(hyper, [len(CENTRES)], 1)
    spread = np.concatenate([np.exp(learned), np.tile(card.spread_fixed, (groups, 1))], 1)
    middle = centre[:, None] + np.stack([card.effects_of(name) for name in names])
    values = middle + spread[:, None] * rng.standard_normal((groups, len(names), len(CENTRES)))
    terms = floor_terms.terms_of(card.floor, len(names))
    if terms is None:
        return hyper, values
    plain = msgspec.structs.replace(card, floor=None)
    parts: list[tuple[np.ndarray, np.ndarray]] = []
    for _ in range(TRIES):
        level, floor_logit = values[..., 0], values[..., CENTRES.index("floor_logit")]
        weight = floor_terms.of_curves(np, floor_logit, level, terms).sum(1)
        chosen = np.log(rng.random(len(weight))) < weight
        parts.append((hyper[chosen], values[chosen]))
        if sum(len(h) for h, _ in parts) >= groups:
            found = [np.concatenate(each)[:groups] for each in zip(*parts, strict=True)]
            return found[0], found[1]
        hyper, values = _drawn(rng, plain, names, groups)
    raise ValueError("found evidence on the floor that the card's priors hardly allow; expected less of it, or others")


def _curve(
    rng: np.random.Generator, card: Domain, values: np.ndarray, x: np.ndarray, x_ref: float, x_min: float
) -> np.ndarray:
    """Log error of the mean curve at ``x``, drift included, for parameters [group, 8]: [group, x]."""
    groups = len(values)
    level, log_exponent, log_break, floor_logit, _, log_drift, log_slope, log_sharpness = values.T[..., None]
    law = laws.log_error(np, x, x_ref, level, log_exponent, x_min + log_break, floor_logit, np.exp(log_sharpness))
    changed = drift_paths.scale_beyond(rng, card.volatility, groups)
    level_path, slope_path = _paths(rng, x_ref - x, card.slope_memory, changed)
    return law + np.exp(log_drift) * level_path + np.exp(log_slope) * slope_path


def _runs(rng: np.random.Generator, curve: np.ndarray, noise: np.ndarray, seeds: int, n_test: int | None) -> np.ndarray:
    """Log errors of runs [group, size, seed] of variance ``noise`` around mean curves [group, size], by ascending size.

    Sizes share the sampling error of the test set. The sampling error at the largest size is part of the level.
    """
    variance = noise + LEAST_NOISE**2
    if n_test is not None:
        grown = test_set_noise.parted(curve, 1.0 / n_test)
        walk = drift_paths.walk(rng, grown)
        curve = curve + walk - walk[:, -1:]
    sd = np.broadcast_to(np.sqrt(variance), curve.shape)
    return curve[..., None] + sd[..., None] * rng.standard_normal((*curve.shape, seeds))


def _grid(sizes: Sizes | Sequence[Sizes], architectures: int) -> list[np.ndarray]:
    if np.ndim(sizes[0]) == 0:
        return [np.asarray(sizes, dtype=float)] * architectures
    if len(sizes) != architectures:
        raise ValueError(f"found sizes of {len(sizes)} architectures; expected {architectures}, or one list for all")
    return [np.asarray(s, dtype=float) for s in sizes]


def _paths(rng: np.random.Generator, t: np.ndarray, memory: float, changed: np.ndarray) -> list[np.ndarray]:
    """Both parts of the drift, each of unit scale, at signed times ``t`` [t] from the reference: [draw, t].

    Each has stationary increments and is zero at the reference size, so its variogram says all of it. What the slope
    there says of negative times stays; all else is ``changed`` [draw] times as wide at those.
    """
    away = np.flatnonzero(t)  # all but the reference size itself
    scale = np.where(t[away] < 0, changed[:, None], 1.0)
    here = -np.sign(t[away]) * memory * np.expm1(-np.abs(t[away]) / memory)  # covariance with the slope there
    out = []
    for variogram, known in (
        (np.abs, np.zeros_like(here)),
        (lambda r: 2.0 * memory**2 * (np.abs(r) / memory + np.expm1(-np.abs(r) / memory)), here),
    ):
        row, column = t[away, None], t[None, away]
        covariance = 0.5 * (variogram(row) + variogram(column) - variogram(row - column)) - np.outer(known, known)
        covariance += 1e-12 * covariance * np.eye(len(away)) + 1e-14 * np.eye(len(away))
        own = rng.standard_normal((len(changed), len(away))) @ np.linalg.cholesky(covariance).T
        path = np.zeros((len(changed), len(t)))
        path[:, away] = known * rng.standard_normal((len(changed), 1)) + scale * own
        out.append(path)
    return out


def _rows(runs: np.ndarray, sizes: np.ndarray, architecture: str, n_test: int | None) -> pd.DataFrame:
    """Tidy rows of one architecture in every group; ``runs`` [group, size, seed] are log errors."""
    group, size, seed = (a.ravel() for a in np.indices(runs.shape))
    table = pd.DataFrame(
        {
            "domain": DOMAIN,
            "task": [f"group-{g:04d}" for g in group],
            "architecture": architecture,
            "n": sizes[size],
            "error": np.exp(runs.ravel()),
            "seed": seed,
        }
    )
    return table if n_test is None else table.assign(n_test=n_test)
