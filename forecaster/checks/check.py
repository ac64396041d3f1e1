"""check: may this posterior be used for a decision? Verdicts on sampling, data, priors, fit and question.

Each check is one row however many curves it covers: it reports the worst curve and names up to three. A check whose
quantity is not in the posterior is absent; numbers that could not be computed are skipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from forecaster.checks.card_sensitivity import SENSITIVITY, card_sensitivity, card_table, moves
from forecaster.checks.extrapolation import extrapolation
from forecaster.checks.largest_size import largest_size
from forecaster.checks.measurements import can_be_forecast, measurements
from forecaster.checks.model_fit import foreseen, left_out, replicated
from forecaster.checks.predictive import FIT_POINTS, FITS, assess
from forecaster.checks.priors import floor_evidence, identified, prior_conflict
from forecaster.checks.sampling import engine, sampling
from forecaster.checks.track_record import companions, own_record
from forecaster.curves.learning_curves import KEYS
from forecaster.errors import RequestError
from forecaster.evaluation.pooling import POOLING, pooling
from forecaster.inference.fit import Progress
from forecaster.inference.posterior import Posterior, expect_posterior
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.forecast import forecast
from forecaster.results.check import FAIL, PASS, REVIEW, Check, narrowed
from forecaster.results.columns import Column, Columns, declared
from forecaster.results.result import Result, Shown
from forecaster.results.track_record import RECORD, TOTAL, Totals, TrackRecord

CHECKS = Columns(
    "a check",
    Column("id", "text", "the check, as a stable name for programs", terminal=False),
    Column("name", "text", "the check, in words", key=True),
    Column("verdict", "verdict", "`PASS`, `REVIEW` (read before deciding) or `FAIL` (do not decide on this)"),
    Column("curve", "text", "the curve (or group) that it is about, the worst of several; null if about all"),
    Column("text", "text", "what was found"),
    Column("next_step", "text", "what to do about it"),
)
READ = (  # columns on the fit of the model that a terminal shows
    *("domain", "task", "architecture", "points", "inside", "p_surprise", "p_jump", "p_run", "p_bend"),
    "prior_inside_shape",
)

TESTED = (
    "domain",
    "task",
    "architecture",
    "n_fit",
    "hidden",
    "held_80",
    "too_low",
    "too_high",
    "mean_error",
    "p_value",
)
POOLING_COLUMNS = ("domain", "task", "architecture", "n", "yhat", "alone", "moved", "crps", "crps_alone")


@dataclass(frozen=True, eq=False, repr=False)
class CheckReport(Result):
    """Verdicts on a fit, how well the model fits the measurements, and how sensitive forecasts are to the priors."""

    fit: pd.DataFrame = field(default_factory=pd.DataFrame)
    fit_points: pd.DataFrame = field(default_factory=pd.DataFrame)
    sensitivity: pd.DataFrame = field(default_factory=pd.DataFrame)
    pooling: pd.DataFrame = field(default_factory=pd.DataFrame)
    track: TrackRecord = field(default_factory=TrackRecord)

    command = "check"
    columns = declared(
        table=CHECKS, fit=FITS, fit_points=FIT_POINTS, sensitivity=SENSITIVITY, record=RECORD, pooling=POOLING
    )
    keys = declared(verdict="the worst of all verdicts", **TOTAL)

    @property
    def record(self) -> pd.DataFrame:
        """How forecasts of these curves did when the largest sizes were hidden."""
        return self.track.table

    @property
    def record_total(self) -> Totals:
        return self.track.total

    def shown(self, most: int) -> tuple[Shown, ...]:
        """The verdicts; the fit of the model, a row a curve; sensitivity to the priors, a row a curve and size."""
        found = [Shown(self.table, CHECKS)]
        if not self.fit.empty:
            caption = "How well the model fits the measurements:"
            found.append(Shown(self.fit.loc[:, [*READ]], FITS.pick(*READ), caption))
        if not self.sensitivity.empty:
            caption = "The forecast, and its shift under lower and higher priors in the card:"
            found.append(Shown(*moves(self.sensitivity), caption))
        if not self.record.empty:
            caption = "The forecasts' own record, with the largest sizes hidden:"
            found.append(Shown(self.record.loc[:, [*TESTED]], RECORD.pick(*TESTED), caption))
        if not self.pooling.empty:
            caption = "The forecast, and what it would be with the curve fitted alone:"
            found.append(Shown(self.pooling.loc[:, [*POOLING_COLUMNS]], POOLING.pick(*POOLING_COLUMNS), caption))
        return tuple(found)

    @property
    def verdict(self) -> str:
        """The worst verdict of all checks."""
        return overall(self.checks)


def check(
    posterior: Posterior,
    *,
    at: Sequence[float] = (),
    refit: bool = False,
    seed: int = 0,
    record: bool = True,
    on_progress: Progress = lambda *_: None,
) -> CheckReport:
    """May these numbers be used for a decision? Verdicts on sampling, data, priors, fit and question.

    Parameters
    ----------
    posterior : Posterior
        What :func:`~forecaster.fit` gave.
    at : sequence of float
        Sizes that will be asked about: how far they lie beyond the data, and how far the answer rests on the priors.
    refit : bool
        Fit again: suspicious measurements at largest sizes are judged by a fit without them and, where the posterior
        carries its record, each curve is fitted alone, to see what its companions do to the forecast. It takes two or
        three times as long as a fit does.
    seed : int
        The same seed gives the same numbers.
    record : bool
        Judge how forecasts of these curves did when their largest sizes were hidden, where the posterior knows.
    on_progress : callable, optional
        Called with a sentence and the share done, between 0 and 1.

    Returns
    -------
    CheckReport
        One row per check; ``verdict`` is the worst of all: PASS, REVIEW (read before deciding) or FAIL (do not decide
        on this).

    Raises
    ------
    RequestError
        A size that is no positive number.

    Examples
    --------
    >>> import forecaster
    >>> report = forecaster.check(posterior, at=[12_000])
    >>> report.verdict in ("PASS", "REVIEW", "FAIL")
    True
    """
    expect_posterior(posterior)
    sizes = np.asarray(at, dtype=float)
    wrong = sizes[~(np.isfinite(sizes) & (sizes > 0))]
    if wrong.size:
        raise RequestError(f"at: found {wrong[0]:g}; expected a positive size, such as 1e6")
    found = assess(posterior, seed=seed, on_progress=on_progress)
    changed = card_table(forecast(posterior, sizes, seed=seed, record=False)) if sizes.size else pd.DataFrame()
    track = posterior.record if record else TrackRecord()
    apart = None
    if refit and track.why:
        on_progress("fitting each curve alone", 0.9)
        apart = pooling(posterior, max(at, default=None), seed=seed)
    checks = (
        *sampling(posterior),
        *engine(posterior),
        *prior_conflict(posterior),
        *floor_evidence(posterior),
        *identified(posterior),
        *foreseen(found),
        *can_be_forecast(posterior),
        *measurements(posterior),
        *left_out(found),
        *replicated(found),
        *(largest_size(posterior, found.points, seed, on_progress) if refit else ()),
        *extrapolation(posterior, sizes),
        *card_sensitivity(changed),
        *own_record(track),
        *companions(apart),
    )
    tables = found.curves, found.points, changed, pd.DataFrame() if apart is None else apart.table
    return CheckReport(table_of(checks), track.after(_text(checks)), checks, *tables, track)


def overall(checks: Sequence[Check]) -> str:
    """The worst verdict of all."""
    found = {check.verdict for check in checks}
    return next((v for v in (FAIL, REVIEW) if v in found), PASS)


def table_of(checks: Sequence[Check]) -> pd.DataFrame:
    """One row a check, without the list of all its curves: see :class:`CheckReport`."""
    return pd.DataFrame([c.as_row() for c in checks], columns=CHECKS.names)


def about(found: CheckReport, chosen: Sequence[CurveKey]) -> CheckReport:
    """The part of a report that concerns these curves and their groups."""
    labels = {t.label for t in chosen} | {"/".join(t.group) for t in chosen}
    checks = tuple(narrowed(one, labels) for one in found.checks)

    def own(table: Any) -> pd.DataFrame:
        keys = [CurveKey(*key) in chosen for key in zip(*(table[c] for c in KEYS), strict=True)] if len(table) else []
        return table[np.array(keys, dtype=bool)].reset_index(drop=True)

    tables = own(found.fit), own(found.fit_points), own(found.sensitivity), own(found.pooling)
    track = found.track.of({(key.domain, key.task, key.architecture) for key in chosen})
    return CheckReport(table_of(checks), track.after(_text(checks)), checks, *tables, track)


def _text(checks: Sequence[Check]) -> str:
    """One sentence over all checks."""
    named = {v: [c.name for c in checks if c.verdict == v] for v in (FAIL, REVIEW)}
    calls = "calls" if len(named[REVIEW]) == 1 else "call"
    said = f"{len(named[REVIEW])} of {len(checks)} checks {calls} for a look first ({', '.join(named[REVIEW])})"
    if named[FAIL]:
        also = f"; {said}" if named[REVIEW] else ""
        return f"FAIL: do not decide on this posterior; failed: {', '.join(named[FAIL])}{also}."
    return f"REVIEW: {said}; none failed." if named[REVIEW] else f"PASS: all {len(checks)} checks passed."
