"""backtest: hide the largest sizes of curves, forecast them and score the forecasts.

Only fitted rows reach the fit and the baselines. The sizes of hidden rows are used to forecast there, their errors only
to score; the intervals of one rival (``conformal.py``) rest on the hidden errors of all other curves. A hidden error is
compared with the predictive distribution of a measurement like it, an average over runs where the rows are averages
(``observation.new_run`` with ``as_rows``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from forecaster.curves.learning_curves import KEYS, Curve, LearningCurves, Note
from forecaster.curves.repeats import distinct
from forecaster.errors import RequestError
from forecaster.evaluation import declarations, prose, scoring, tables
from forecaster.evaluation.baselines import BASELINES
from forecaster.evaluation.conformal import LAW, Band, bands, distance_scale
from forecaster.evaluation.holdout import Split, hide, in_words, scorable, usual_split
from forecaster.evaluation.requirement import needed_by, requirement_row
from forecaster.evaluation.tables import OURS, slug
from forecaster.inference.fit import Cards, Progress, expect_curves, fit
from forecaster.inference.posterior import Posterior
from forecaster.prediction import observation
from forecaster.prediction.forecast import LEVEL
from forecaster.prediction.paths import CurveKey, chosen_keys, curve_paths
from forecaster.results.columns import declared
from forecaster.results.message import joined
from forecaster.results.result import Result, Shown

MOST_DRAWS = 1000
BEYOND = 100.0  # requirements are searched to this multiple of the largest hidden size
PER_DECADE = 24


@dataclass(frozen=True, eq=False, repr=False)
class Backtest(Result):
    """The hidden errors, their forecasts and scores. ``fitted`` are the curves that were not hidden."""

    totals: pd.DataFrame = field(default_factory=pd.DataFrame)
    calibration: pd.DataFrame = field(default_factory=pd.DataFrame)
    points: pd.DataFrame = field(default_factory=pd.DataFrame)
    requirement: pd.DataFrame = field(default_factory=pd.DataFrame)
    pairs: pd.DataFrame = field(default_factory=pd.DataFrame)
    chances: pd.DataFrame = field(default_factory=pd.DataFrame)
    summary: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    fitted: LearningCurves | None = None

    command = "backtest"
    columns = declared(
        table=declarations.TABLE,
        totals=declarations.TOTALS,
        calibration=declarations.CALIBRATION,
        points=declarations.POINTS,
        requirement=declarations.REQUIREMENT,
        pairs=declarations.PAIRS,
        chances=declarations.CHANCES,
    )
    keys = declared(
        summary="the headline numbers: our row of `totals`, then of the requirement and of the ranking, by name",
        notes="what was left out, and why: a list of `code`, `text`, `curve`",
    )

    def shown(self, most: int) -> tuple[Shown, ...]:
        """A row a curve, then a row a method; with many pairs, the calibration of their chances."""
        found = [Shown(*tables.judged(self.table)), Shown(*tables.methods(self.totals))]
        if len(set(self.calibration["distance"])) > 2:  # beside `all`, more than one distance
            caption = "Hidden errors inside intervals; in brackets the range if calibrated, 9 times in 10:"
            found.append(Shown(tables.ahead(self.calibration), declarations.AHEAD, caption))
        if len(self.pairs) >= tables.FEWEST_PAIRS:
            caption = "How often the favoured architecture of a pair was the better one, by the chance it was given:"
            found.append(Shown(tables.ranges(self.chances), declarations.RANGES, caption))
        return tuple(found)


def backtest(
    curves: LearningCurves,
    *,
    split: Split = None,
    card: Cards = None,
    engine: str = "jax",
    seed: int = 0,
    level: float = LEVEL,
    baselines: bool = True,
    about: Sequence[CurveKey | str] | None = None,
    on_progress: Progress | None = None,
) -> Backtest:
    """How accurate are forecasts of these curves? Hide the largest sizes, forecast them and score.

    Parameters
    ----------
    curves : LearningCurves
        What :func:`~forecaster.read_curves` gave.
    split : "column" or float, optional
        By default ``column`` where rows are marked so, else half a decade, or what leaves half of the curves three
        sizes. ``column`` hides the rows whose ``split`` is ``extrapolate``. A number hides, of each curve, the sizes
        within so many decades of its largest: 1.0 is the last factor of ten. Curves with fewer than three fitted sizes
        are fitted, not scored.
    card, engine, seed, on_progress : optional
        As of :func:`~forecaster.fit`.
    level : float
        Probability inside the intervals of ``table`` and ``points``.
    about : sequence, optional
        Curves that are scored: keys, labels (``domain/task/architecture``) or architectures. All are fitted.
    baselines : bool
        Also score simple rivals, such as the last point and a straight line in log-log.

    Returns
    -------
    Backtest
        ``table`` has a row per curve, ``totals`` per method, ``calibration`` per level and distance.

    Raises
    ------
    RequestError
        A split that hides nothing that can be scored (the message says how much can be hidden), a level outside (0, 1),
        and as of :func:`~forecaster.fit`.

    Examples
    --------
    >>> import forecaster
    >>> curves = forecaster.read_curves("forecaster/examples/digits.csv")
    >>> found = forecaster.backtest(curves, split=0.5)  # doctest: +SKIP
    """
    expect_curves(curves)
    if not 0 < level < 1:
        raise RequestError(f"level: found {level:g}; expected a share between 0 and 1, such as 0.8")
    tell = on_progress or (lambda *_: None)
    split = usual_split(curves) if split is None else split
    fitted, hidden, notes = hide(curves, split)
    posterior = fit(
        fitted,
        card=card,
        engine=engine,
        seed=seed,
        diverging=True,  # what a forecast says of them counts, too
        on_progress=lambda what, share: tell(what, 0.8 * share),
    )
    wanted = {key.label for key in chosen_keys(posterior, about)}
    unseen = {c.label: c for c in hidden.curves if c.label in wanted}
    if not any(c.label in unseen and scorable(c) for c in posterior.curves.curves):
        raise RequestError(f"about: found {', '.join(sorted(wanted))}; expected curves that can be scored")
    surrounding = _bands(posterior, hidden) if baselines else {}
    scored, pairs = [], []
    for group in posterior.groups:
        tell(f"scoring {'/'.join(group)}", 0.8 + 0.2 * posterior.groups.index(group) / len(posterior.groups))
        found = []
        for known in posterior.curves.curves:
            if (known.domain, known.task) == group and known.label in unseen and scorable(known):
                band = surrounding.get(known.label)
                found.append(_forecast(posterior, known, unseen[known.label], level, band, seed))
        pairs += [_pair(*two, x) for two in combinations(found, 2) if (x := _common(*two)) is not None]
        scored += [one._replace(runs=np.empty((0, 0))) for one in found]
    tell("done", 1.0)
    return _assembled(fitted, scored, pairs, notes, level, in_words(split))


def _bands(posterior: Posterior, hidden: LearningCurves) -> dict[str, Band]:
    """The conformal band of every curve that can be scored, asked about or not."""
    unseen = {c.label: c for c in hidden.curves}
    known = [c for c in posterior.curves.curves if c.label in unseen and scorable(c)]
    return bands({c.label: (c, unseen[c.label]) for c in known})


def _assembled(
    fitted: LearningCurves,
    scored: Sequence[_Scored],
    ranked: Sequence[_Pair],
    notes: tuple[Note, ...],
    level: float,
    hidden: str,
) -> Backtest:
    pairs = pd.DataFrame([pair.row for pair in ranked])
    table = pd.DataFrame([one.row for one in scored])
    points = pd.concat([one.points for one in scored], ignore_index=True)
    needs = pd.DataFrame([one.requirement for one in scored if one.requirement is not None])
    rivals = [name for name in BASELINES if f"rmsle_{slug(name)}" in table]
    scores = scoring.pooled([one.scores for one in scored])
    band = scoring.pooled([one.band for one in scored if one.band is not None]) if rivals else None
    found = tables.totals(table, scores, pairs, needs, rivals, band)
    numbers = tables.summary(found, needs, pairs)
    said = joined(prose.prose(table, found, numbers, notes, level), "\n")
    return Backtest(
        table=table.drop(columns=[c for c in table if str(c).startswith("mae_log")]),
        text=f"{hidden}\n{said}",
        totals=found,
        calibration=tables.calibration(points, scores.replicas, band),
        points=points,
        requirement=needs,
        pairs=pairs,
        chances=tables.chances(pairs, np.array([pair.stand_ins for pair in ranked])),
        summary=numbers,
        notes=notes,
        fitted=fitted,
    )


class _Scored(NamedTuple):
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


class _Pair(NamedTuple):
    """Two curves: a row of the table, and whether ``a`` is the better one in draws that stand in for the truth."""

    row: dict[str, Any]
    stand_ins: np.ndarray  # [replica]


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
    first, last = known.n[-1], BEYOND * max(sizes[-1], known.n[-1])
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


def _forecast(posterior: Posterior, known: Curve, unseen: Curve, level: float, band: Band | None, seed: int) -> _Scored:
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
    return _Scored(row, pd.DataFrame(keys | columns), scores, need, _by_size(known), hidden, predicted, run, around)


def _point_scores(predicted: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    rmse = float(np.sqrt(np.mean((np.exp(predicted) - np.exp(truth)) ** 2)))
    return {"rmsle": scoring.rmsle(predicted, truth), "rmse": rmse, "mae_log": float(np.mean(abs(predicted - truth)))}


def _by_size(curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    found = distinct(curve.n, np.log(curve.error))
    return found.x, found.y


def _common(a: _Scored, b: _Scored) -> float | None:
    """Log of the largest size that both curves reach among hidden sizes; None where they share no range."""
    last = min(a.hidden[0][-1], b.hidden[0][-1])
    first = max(a.hidden[0][0], b.hidden[0][0])
    return float(last) if last >= first - 1e-9 else None


def _pair(a: _Scored, b: _Scored, x: float) -> _Pair:
    """Whether each method ranks two architectures as observed at ``x``, the largest log size that both reach."""

    def gap(of: Callable[[_Scored], tuple[np.ndarray, np.ndarray]], at: float) -> float:
        return float(np.interp(at, *of(a)) - np.interp(at, *of(b)))

    observed = gap(lambda one: one.hidden, x)
    measured = gap(lambda one: one.fit, min(a.fit[0][-1], b.fit[0][-1]))
    ahead = _measured_at(a, x) < _measured_at(b, x)
    row = {k: a.row[k] for k in KEYS[:2]} | {"a": a.row["architecture"], "b": b.row["architecture"]}
    row |= {"n": np.exp(x), "log_ratio": observed, "p_better": float(np.mean(ahead))}
    gaps = {name: gap(lambda one, name=name: (one.hidden[0], one.predicted[name]), x) for name in a.predicted}
    row["right"] = _right(gaps.pop(OURS), observed)
    row["right_measured"] = _right(measured, observed)
    row |= {f"right_{slug(name)}": _right(value, observed) for name, value in gaps.items()}
    return _Pair(row, scoring.stand_ins(ahead))


def _measured_at(one: _Scored, x: float) -> np.ndarray:
    """Log error as measured at log size ``x``, [draw], between hidden sizes as the observed one is interpolated."""
    sizes = one.hidden[0]
    after = min(int(np.searchsorted(sizes, x)), len(sizes) - 1)
    before = max(after - 1, 0)
    gap = sizes[after] - sizes[before]
    share = np.clip((x - sizes[before]) / gap, 0.0, 1.0) if gap > 0 else 1.0
    return (1.0 - share) * one.runs[:, before] + share * one.runs[:, after]


def _right(predicted: float, observed: float) -> float:
    """1 where the sign agrees, one half where the prediction (or the truth) ties."""
    product = np.sign(predicted) * np.sign(observed)
    return float(0.5 * (1.0 + product))
