"""backtest: hide the largest sizes of curves, forecast them and score the forecasts.

Only fitted rows reach the fit and the baselines. The sizes of hidden rows are used to forecast there, their errors only
to score; the intervals of one rival (``conformal.py``) rest on the hidden errors of all other curves. A hidden error is
compared with the predictive distribution of a measurement like it, an average over runs where the rows are averages
(``observation.new_run`` with ``as_rows``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import pandas as pd

from forecaster.curves.learning_curves import LearningCurves, Note
from forecaster.errors import RequestError
from forecaster.evaluation import declarations, prose, scoring, tables
from forecaster.evaluation.holdout import Split, hide, in_words, scorable, usual_split
from forecaster.evaluation.one_curve import ScoredCurve, scored_curve
from forecaster.evaluation.ranking import RankedPair, common_size, ranked_pair
from forecaster.evaluation.rivals.baselines import BASELINES
from forecaster.evaluation.rivals.conformal import Band, bands
from forecaster.evaluation.tables import slug
from forecaster.inference.fit import Cards, Progress, expect_curves, fit
from forecaster.inference.posterior import Posterior
from forecaster.prediction.curve_keys import CurveKey, chosen_keys
from forecaster.results.columns import LEVEL, declared
from forecaster.results.message import joined
from forecaster.results.result import Result, Shown


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
        diverging=True,  # their forecasts are scored, too
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
                found.append(scored_curve(posterior, known, unseen[known.label], level, band, seed))
        pairs += [ranked_pair(*two, x) for two in combinations(found, 2) if (x := common_size(*two)) is not None]
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
    scored: Sequence[ScoredCurve],
    ranked: Sequence[RankedPair],
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
