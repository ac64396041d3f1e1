"""One curve of a backtest: its hidden rows forecast and scored, beside rivals."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from forecaster.curves.learning_curves import KEYS, Curve
from forecaster.curves.repeats import means_by_size
from forecaster.evaluation import scoring
from forecaster.evaluation.requirement import needed_by, requirement_row
from forecaster.evaluation.rivals.baselines import BASELINES
from forecaster.evaluation.rivals.conformal import LAW, Band, distance_scale
from forecaster.evaluation.tables import OURS, slug
from forecaster.inference.posterior import Posterior
from forecaster.prediction import observation
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.paths import curve_paths

MOST_DRAWS = 1000
SEARCHED_TO = 100.0  # requirements are searched to this multiple of the largest hidden size
PER_DECADE = 24


class ScoredCurve(NamedTuple):
    """One curve: rows of the tables, the scores of its points, and the values that pairs are compared by."""

    row: dict[str, Any]
    points: pd.DataFrame
    scores: scoring.PointScores
    requirement: dict[str, Any] | None
    fit: tuple[np.ndarray, np.ndarray]  # log n, log error
    hidden: tuple[np.ndarray, np.ndarray]
    predicted: dict[str, np.ndarray]  # log error at the hidden sizes by method
    runs: np.ndarray  # log error as measured, [draw, hidden size]
    band: scoring.PointScores | None = None  # of the conformal rival, where there are rivals


class _Drawn(NamedTuple):
    """Draws of one curve in log error: the mean curve on a grid, and measurements at its hidden rows."""

    grid: np.ndarray
    paths: np.ndarray  # [draw, grid]
    at: np.ndarray  # index into the grid of each hidden size
    mean: np.ndarray  # [draw, row]
    noise: np.ndarray  # [draw, row]
    run: np.ndarray  # [draw, row]


def _draw(posterior: Posterior, known: Curve, sizes: np.ndarray, index: np.ndarray, seed: int) -> _Drawn:
    """``index`` gives the size of each hidden row; nothing else of the hidden rows is used."""
    target = CurveKey(known.domain, known.task, known.architecture)
    first, last = known.n[-1], SEARCHED_TO * max(sizes[-1], known.n[-1])
    grid = np.geomspace(first, last, int(PER_DECADE * np.log10(last / first)) + 2)
    grid = np.unique(np.append(grid, sizes))
    paths = curve_paths(posterior, target, grid, seed=seed, thin=-(-posterior.draws // MOST_DRAWS))
    at = np.searchsorted(grid, sizes)
    run, noise = observation.new_run(paths, sizes[index], _repeat(index), as_rows=True)
    mean = paths.at(grid)
    return _Drawn(grid, mean, at, mean[:, at[index]], noise, run)


def _repeat(index: np.ndarray) -> list[int]:
    """Which of the runs of one size each row is: 0, 1, ..."""
    seen: dict[int, int] = {}
    out = []
    for size in index.tolist():
        out.append(seen.get(size, 0))
        seen[size] = out[-1] + 1
    return out


def scored_curve(
    posterior: Posterior, known: Curve, unseen: Curve, level: float, band: Band | None, seed: int
) -> ScoredCurve:
    """One curve, scored; beside rivals where the band of the one that has intervals is given."""
    sizes, index = np.unique(unseen.n, return_inverse=True)
    drawn = _draw(posterior, known, sizes, index, seed)
    truth = np.log(unseen.error)
    scores = scoring.score(drawn.run, truth, drawn.mean, drawn.noise)
    low, middle, high = np.quantile(drawn.run, [0.5 - level / 2, 0.5, 0.5 + level / 2], axis=0)
    keys = {k: getattr(known, k) for k in KEYS}
    row = keys | {"fit_sizes": len(np.unique(known.n)), "points": len(truth), "n_fit": known.n[-1], "n_last": sizes[-1]}
    row |= _point_scores(middle, truth) | {"bias": float(np.mean(middle - truth))}
    row |= {"crps": scores.crps.mean(), "log_score": scores.log_score.mean(), "msce": scoring.msce(scores.pit)}
    row |= {"covered": scoring.covers(scores.pit, level).mean(), "width": np.median(high - low), "level": level}
    mean = drawn.paths[:, drawn.at]
    predicted = {OURS: np.median(mean, 0)}
    far: dict[str, np.ndarray] = {}
    for name, extrapolate in BASELINES.items() if band is not None else ():
        far[name] = np.log(extrapolate(known.n, known.error, drawn.grid))
        predicted[name] = far[name][drawn.at]
        row |= {f"{k}_{slug(name)}": v for k, v in _point_scores(predicted[name][index], truth).items()}
    around = None
    if band is not None:
        around = band.score(predicted[LAW][index], distance_scale(unseen.n, known.n[-1]), truth)
        best = min(BASELINES, key=lambda name: row[f"rmsle_{slug(name)}"])
        lost = np.log(max(row["rmsle"], 1e-9) / max(row[f"rmsle_{slug(best)}"], 1e-9))
        row |= {"best_baseline": best, "lost_to_it": lost}
    columns = {"n": unseen.n, "error": unseen.error, "yhat": np.exp(middle)}
    columns |= {"yhat_lower": np.exp(low), "yhat_upper": np.exp(high)}
    columns |= {"decades_beyond": np.maximum(np.log10(unseen.n / known.n[-1]), 0.0)}
    columns |= {name: getattr(scores, name) for name in ("pit", "crps", "log_score")}
    observed = np.bincount(index, truth) / np.bincount(index)
    run = np.stack([drawn.run[:, index == k].mean(1) for k in range(len(sizes))], 1)
    need = requirement_row(keys, known, (sizes, observed, run), (drawn.grid, drawn.paths), level)
    if need is not None:
        need |= needed_by(far, drawn.grid, need)
    hidden = (np.log(sizes), observed)
    return ScoredCurve(row, pd.DataFrame(keys | columns), scores, need, _by_size(known), hidden, predicted, run, around)


def _point_scores(predicted: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    rmse = float(np.sqrt(np.mean((np.exp(predicted) - np.exp(truth)) ** 2)))
    return {"rmsle": scoring.rmsle(predicted, truth), "rmse": rmse, "mae_log": float(np.mean(abs(predicted - truth)))}


def _by_size(curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    found = means_by_size(curve.n, np.log(curve.error))
    return found.x, found.y
