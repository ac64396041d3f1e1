"""Does the model fit the measurements? Leave-one-out, posterior predictive and prior predictive checks.

Three questions, each answered with at most ``DRAWS`` posterior draws:

* each size from the others (leave one size out): p(y_i | y_-i, theta) of the Gaussian curve, from the precision matrix
  (Buerkner, Gabry & Vehtari 2021, "Efficient leave-one-out cross-validation for Bayesian non-factorized normal and
  Student-t models", section 2), weighted by Pareto-smoothed importance sampling (Vehtari et al. 2017, 2024; ArviZ);
* replicated curves (posterior predictive check; Gelman, Meng & Stern 1996): does the measured curve jump, run or bend
  as curves of the model do?
* the card alone (prior predictive check): how much of the measured curve, and of its shape, lies in the card's 95 %
  band?

The measurement of a size is the mean of its repeats' log errors, with the noise of that mean. The variance of
the repeats around it informs only the noise; it is kept when the mean is left out.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from forecaster._support import workers
from forecaster.checks.prior_predictive import prior_inside, prior_log_errors
from forecaster.domains.quantities import CENTRES
from forecaster.inference.fit import Progress
from forecaster.inference.importance.weights import TRUSTED_K, weighted_quantiles, without_ties
from forecaster.inference.parameters import CurveDraws
from forecaster.inference.posterior import Posterior
from forecaster.inference.predictive import LeftOut, blocks, left_out, replicates
from forecaster.model.design import Design, SizedCurve
from forecaster.prediction.curve_keys import CurveKey
from forecaster.results.columns import CURVE, GIVEN_LEVEL, Column, Columns, interval, size

DRAWS = 400  # enough for a probability of 1 in 100; more would slow every question down
AT_ONCE = 50  # curves per unit of work: a few seconds
INTERVAL = 0.8  # probability of the interval that the other sizes give
STATISTICS = ("jump", "run", "bend")
FEWEST_SIZES = 4  # fewer sizes have no thirds and too few steps for a correlation


P_VALUES = (
    "posterior predictive p-values: jumps, regular departures from the law, bend; null for the last two of fewer than "
    "four sizes"
)
FITS = Columns(
    "a curve (curves whose draws are not all finite numbers are left out)",
    CURVE,
    Column("points", "count", "its different sizes"),
    (Column(name, "chance", P_VALUES) for name in ("p_jump", "p_run", "p_bend")),
    Column("prior_inside", "share", "share of errors inside the card's 95 % band (prior predictive)"),
    Column(
        "prior_inside_shape",
        "share",
        "the same for errors relative to the mean of their curve, whatever their unit; this one is judged",
    ),
    Column("elpd_loo", "number", "log density of its log errors, each from the other sizes (PSIS-LOO)"),
    Column("p_loo", "number", "effective number of parameters"),
    Column(
        "k_high", "share", f"share of sizes whose Pareto k exceeds {TRUSTED_K:g}: leaving those out cannot be judged"
    ),
    Column("inside", "share", f"share of errors inside the {100 * INTERVAL:g} % interval that the other sizes give"),
    Column(
        "p_surprise",
        "chance",
        "chance, if the model is right, that any size is as surprising as the most surprising one",
    ),
    Column("surprise_n", "size", "that size"),
)
FIT_POINTS = Columns(
    "a curve and size",
    CURVE,
    size("the size measured"),
    Column("error", "error", "the (geometric) mean error measured there"),
    interval("expected", "error", "prediction of the other sizes: median and interval"),
    GIVEN_LEVEL,
    Column("elpd", "number", "term of `elpd_loo`: log density of the log error"),
    Column("p_loo", "number", "term of the effective number of parameters"),
    Column("pareto_k", "number", "Pareto k of leaving this size out"),
    Column("pit", "chance", "probability, given the other sizes, of an error at most as large"),
)


@dataclass(frozen=True, eq=False)
class Assessment:
    """``points``, one row a measured size (columns ``FIT_POINTS``); ``curves``, one row a curve (columns ``FITS``).

    For ``p_jump, p_run, p_bend`` see :func:`replicated`.
    """

    points: pd.DataFrame
    curves: pd.DataFrame


class ThinnedCurve(NamedTuple):
    """A curve and its thinned posterior draws."""

    design: Design
    data: SizedCurve
    draws: CurveDraws  # [chain, draw]


class Loo(NamedTuple):
    """PSIS-LOO of each point: [point] each, but ``weights`` [chain, draw, point], which sum to 1 over the draws."""

    elpd: np.ndarray
    p_loo: np.ndarray
    pareto_k: np.ndarray
    weights: np.ndarray


def assess(posterior: Posterior, *, seed: int = 0, on_progress: Progress = lambda *_: None) -> Assessment:
    """All checks of this module for every curve.

    Curves with draws that are not finite are left out. The numbers depend on the seed but not on the other curves.
    Many curves are distributed over processes.
    """
    fitted = [f for f in _fitted(posterior) if all(np.isfinite(getattr(f.draws, name)).all() for name in CENTRES)]
    if not fitted:
        return Assessment(pd.DataFrame(), pd.DataFrame())
    pieces = [fitted[i : i + AT_ONCE] for i in range(0, len(fitted), AT_ONCE)]
    found: list[Assessment] = []
    on_progress(f"0 of {len(fitted)} curves", 0.0)
    for piece in workers.shared_out(partial(_assessed, seed), pieces):
        found.append(piece)
        done = min(len(found) * AT_ONCE, len(fitted))
        on_progress(f"{done} of {len(fitted)} curves", done / len(fitted))
    points, curves = (pd.concat([getattr(a, n) for a in found], ignore_index=True) for n in ("points", "curves"))
    return Assessment(points, curves)


def _fitted(posterior: Posterior) -> Iterator[ThinnedCurve]:
    for curve in posterior.curves.curves:
        design = posterior.designs[(curve.domain, curve.task)]
        data = design.curve_of(curve.architecture)
        assert data is not None
        yield ThinnedCurve(design, data, thinned(posterior, curve.label))


def _assessed(seed: int, fitted: Sequence[ThinnedCurve]) -> Assessment:
    """The assessment of some curves, with one call of ArviZ for all their sizes."""
    answers, curves = [], []
    for design, data, draws in fitted:
        rng = CurveKey(data.curve.domain, data.curve.task, data.curve.architecture).stream(seed)
        key = {"domain": data.curve.domain, "task": data.curve.task, "architecture": data.curve.architecture}
        one, p = _questions(design, data, draws, rng)
        answers.append((key, data, one, rng))
        prior = prior_log_errors(design, data, DRAWS, rng)
        shape = prior_inside(data.y - data.y.mean(), prior - prior.mean(1, keepdims=True))
        held = {"prior_inside": prior_inside(data.y, prior), "prior_inside_shape": shape}
        curves.append(key | {"points": len(data.x)} | p | held)
    weighed = psis_loo(np.concatenate([one.log_density for _, _, one, _ in answers], 2))
    ends = np.cumsum([len(f.data.x) for f in fitted])[:-1]
    parts = [Loo(*part) for part in zip(*(np.split(v, ends, -1) for v in weighed), strict=True)]
    tables = [_points(key, data, one, loo, rng) for (key, data, one, rng), loo in zip(answers, parts, strict=True)]
    rows = [row | _summary(table) for row, table in zip(curves, tables, strict=True)]
    return Assessment(pd.concat(tables, ignore_index=True), pd.DataFrame(rows))


def thinned(posterior: Posterior, label: str, most: int = DRAWS) -> CurveDraws:
    """At most ``most`` draws of a measured curve, evenly spaced within each chain: [chain, draw]."""
    chains = int(posterior.tree["posterior"].sizes["chain"])
    step = -(-posterior.draws // max(most, chains))
    return posterior.curve(label).map(lambda drawn: drawn.reshape(chains, -1)[:, ::step])


def _questions(
    design: Design, data: SizedCurve, draws: CurveDraws, rng: np.random.Generator
) -> tuple[LeftOut, dict[str, float]]:
    """Leave-one-out of each size, and p-values of the discrepancies; in blocks, to bound memory."""
    shape, points = draws.level.shape, len(data.x)
    found = []
    for law, covariance in blocks(design, data, draws.map(np.ravel)):
        found.append((*left_out(data.y, law, covariance), *replicated(data, law, covariance, rng)))
    *one, measured, drawn = (np.concatenate(v) for v in zip(*found, strict=True))
    return LeftOut(*(v.reshape(*shape, points) for v in one)), p_values(measured, drawn)


# Each size from the others ------------------------------------------------------------------------


def psis_loo(log_density: Float[np.ndarray, "chain draw point"]) -> Loo:
    """Leave-one-out by Pareto-smoothed importance sampling, by ArviZ.

    The relative efficiency is set to 1: thinned draws are nearly independent, and it affects only the length of the
    smoothed tail.
    """
    import xarray as xr
    from arviz_stats.loo import loo

    known: Any = xr.Dataset({"log_error": (("chain", "draw", "point"), without_ties(log_density))})
    with warnings.catch_warnings():  # large Pareto k are counted here, no warning is needed
        warnings.simplefilter("ignore")
        found: Any = loo(xr.DataTree.from_dict({"/log_likelihood": known}), pointwise=True, reff=1.0)
    elpd, weights = found.elpd_i.values, np.exp(found.log_weights.transpose("chain", "draw", "point").values)
    most = log_density.max((0, 1))
    mixed = most + np.log(np.mean(np.exp(log_density - most), (0, 1)))
    return Loo(elpd, mixed - elpd, found.pareto_k.values, weights)


def _points(key: Mapping[str, str], data: SizedCurve, one: LeftOut, loo: Loo, rng: np.random.Generator) -> pd.DataFrame:
    """Rows of ``Assessment.points`` of one curve, smallest size first."""
    from scipy.special import ndtr

    drawn = (one.mean + one.sd * rng.standard_normal(one.mean.shape)).reshape(-1, len(data.x))
    shares = loo.weights.reshape(-1, len(data.x))
    tails = (0.5, 0.5 - INTERVAL / 2, 0.5 + INTERVAL / 2)
    expected = [weighted_quantiles(drawn[:, i], shares[:, i], tails) for i in range(len(data.x))]
    middle, low, high = np.exp(expected).T
    table = pd.DataFrame(
        {
            "n": np.exp(data.x).round(6),
            "error": np.exp(data.y),
            "expected": middle,
            "expected_lower": low,
            "expected_upper": high,
            "level": INTERVAL,
            "elpd": loo.elpd,
            "p_loo": loo.p_loo,
            "pareto_k": loo.pareto_k,
            "pit": np.sum(loo.weights * ndtr((data.y - one.mean) / one.sd), (0, 1)),
        }
    )
    for place, (name, value) in enumerate(key.items()):
        table.insert(place, name, value)
    return table.iloc[::-1]


def _summary(points: pd.DataFrame) -> dict[str, float]:
    """Summary of the sizes of one curve, with a Bonferroni correction of the most surprising one.

    A surprising size usually has a large Pareto k. It is still used: unreliable weights move the prediction towards the
    measurement, never away from it.
    """
    pit = points["pit"].to_numpy()
    tail = 2.0 * np.minimum(pit, 1.0 - pit)
    worst = int(np.argmin(tail))
    elpd, p_loo, k = (points[name].to_numpy() for name in ("elpd", "p_loo", "pareto_k"))
    return {
        "elpd_loo": float(elpd.sum()),
        "p_loo": float(p_loo.sum()),
        "k_high": float(np.mean(k > TRUSTED_K)),
        "inside": float(np.mean(tail >= 1.0 - INTERVAL)),
        "p_surprise": min(1.0, float(tail[worst]) * len(points)),
        "surprise_n": float(points["n"].iloc[worst]),
    }


# Replicated curves --------------------------------------------------------------------------------


def replicated(
    data: SizedCurve, law: np.ndarray, covariance: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Discrepancies of the measured curve and of one replicated curve for each draw: [draw, statistic] each.

    Replicates have the draw's parameters, a new drift and new noise, at the sizes measured. In the order of
    ``STATISTICS``: the largest standardised step (how far a size lies from the prediction of all larger ones); the
    correlation of each such step with the next; the slope of the last third of the sizes minus that of the first, in
    log-log.
    """
    root = np.linalg.cholesky(covariance)
    copies, fresh = replicates(law, root, rng)
    steps = np.linalg.solve(root, (data.y - law)[..., None])[..., 0]
    return discrepancies(data, steps, np.broadcast_to(data.y, law.shape)), discrepancies(data, fresh, copies)


def discrepancies(data: SizedCurve, steps: np.ndarray, y: np.ndarray) -> np.ndarray:
    """[draw, statistic] of curves ``y`` [draw, point] with standardised ``steps``, largest size first."""
    out = np.full((len(y), len(STATISTICS)), np.nan)
    out[:, 0] = np.abs(steps).max(1)
    if len(data.x) >= FEWEST_SIZES:
        before, after = steps[:, :-1], steps[:, 1:]
        out[:, 1] = np.sum(before * after, 1) / np.sum(steps**2, 1)
        third = max(len(data.x) // 3, 2)
        out[:, 2] = _slope(data.x[:third], y[:, :third]) - _slope(data.x[-third:], y[:, -third:])
    return out


def _slope(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Least-squares slope of each row."""
    away = x - x.mean()
    return y @ away / (away @ away)


def p_values(measured: np.ndarray, drawn: np.ndarray) -> dict[str, float]:
    """Posterior predictive p-values: of a jump as large (one-sided), of a run or bend as extreme (two-sided).

    They use the data twice and are therefore conservative: a small one is strong evidence, a middling one weak.
    """
    larger = np.mean(drawn > measured, 0) + 0.5 * np.mean(drawn == measured, 0)
    larger = np.where(np.isnan(measured).any(0), np.nan, larger)
    return {
        "p_jump": float(larger[0]),
        "p_run": float(2.0 * min(larger[1], 1.0 - larger[1])),
        "p_bend": float(2.0 * min(larger[2], 1.0 - larger[2])),
    }
