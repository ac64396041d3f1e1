"""score: how registered forecasts turned out, one by one and as a record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecaster.errors import RegistryError, RequestError
from forecaster.evaluation.scoring import CHANCE, SELDOM, range_of
from forecaster.registry.chain import in_words, read_chain
from forecaster.registry.judged import JudgedPoint, counting, judged_points
from forecaster.registry.outcomes import (
    AMBIGUOUS,
    CENSORED,
    SAME_SIZE,
    SCORED,
    read_outcomes,
)
from forecaster.registry.registration import INTERVAL, LAST, LAW, Registration
from forecaster.registry.score_prose import none_matched, told, verdicts
from forecaster.registry.scored import Scored
from forecaster.registry.scores import INTERVALS, brier, replica_hits, tail_chance
from forecaster.registry.verify import chain_check, checked

BINS = 5  # of chances, in the reliability table


def score(
    path: str | Path,
    outcomes: str | Path | pd.DataFrame,
    *,
    head: str | None = None,
    within: float = SAME_SIZE,
    today: date | None = None,
) -> Scored:
    """Score registered forecasts against what was measured.

    Parameters
    ----------
    path : str or Path
        What :func:`forecaster.register` wrote. Its chain is verified first.
    outcomes : str, Path or pandas.DataFrame
        The input table: ``n``, ``error`` and the names of the curves where there are several. A column ``outcome`` may
        say ``ambiguous`` (the recipe was changed: nothing is scored), ``above`` or ``below`` (the error is only known
        to be larger, or smaller, than the one given: chances alone are scored).
    head : str, optional
        A published hash, as in :func:`forecaster.verify`.
    within : float
        Relative difference of sizes that count as one.
    today : date, optional
        After which a missing outcome is overdue; by default this machine's date.

    Returns
    -------
    Scored
        ``table`` holds a row a registered point, ``record`` the hits of all that were scored with the range that so few
        allow, ``chances`` and ``reliability`` what became of chances, ``totals`` mean scores and skill. Where a point
        was forecast several times, the record counts the first.

    Raises
    ------
    RegistryError
        The chain is broken, or there is no such file.
    RequestError
        Outcomes that cannot be read or told apart.

    Examples
    --------
    >>> import forecaster
    >>> found = forecaster.score("forecasts.jsonl", "outcomes.csv")  # doctest: +SKIP
    >>> found.totals["hit_80"]  # doctest: +SKIP
    0.83
    """
    if not within >= 0:
        raise RequestError(f"within: found {within}; expected a share of a size, such as 0.01")
    chain = checked(read_chain(path), head)
    if chain.broken is not None:
        raise RegistryError(f"{path}: the chain is broken: {in_words(chain.broken)}. Nothing was scored; see verify")
    if not chain.records:
        raise RegistryError(f"{path}: found no registered forecast; expected a file that `forecaster register` wrote")
    registrations = [Registration.of(one.content) for one in chain.records]
    measured = read_outcomes(outcomes, registrations)
    day = (today or datetime.now(UTC).date()).isoformat()
    judged = judged_points(registrations, measured, day, within)
    if not any(one.outcome.status in (SCORED, CENSORED, AMBIGUOUS) for one in judged):
        raise RequestError(none_matched(judged, measured, within))
    record = _record(judged)
    chances = _chances(judged)
    totals = _totals(judged, chances)
    checks = (chain_check(chain), *verdicts(record, judged))
    text = told(judged, record, totals)
    return Scored(_table(judged), text.text, checks, record, chances, _reliability(chances), totals)


def _table(judged: Sequence[JudgedPoint]) -> pd.DataFrame:
    rows = []
    for one in judged:
        point, scored = one.point, one.score
        known = one.outcome.low if np.isfinite(one.outcome.low) else one.outcome.high
        row: dict[str, Any] = {"forecast_id": one.registration.forecast_id}
        row |= {name: getattr(point, name) for name in ("domain", "task", "architecture", "n")}
        row |= {} if point.params is None else {"params": point.params}
        row |= {"status": one.outcome.status, "counts": one.first and scored is not None}
        row |= {"error": float(np.exp(known)) if np.isfinite(known) else np.nan, "runs": one.outcome.runs}
        row |= dict(zip(INTERVAL, point.interval, strict=True))
        for name in ("crps", "wis", "log_score", "pit"):
            row[name] = np.nan if scored is None else getattr(scored, name)
        for level in (0.8, 0.95):
            row[f"hit_{100 * level:.0f}"] = None if scored is None else scored.hits[level]
        row |= {"off_last": np.nan, "off_law": np.nan}
        if scored is not None:
            row |= {"off_last": scored.off.get(LAST, np.nan), "off_law": scored.off.get(LAW, np.nan)}
        rows.append(row)
    return pd.DataFrame(rows)


def _record(judged: Sequence[JudgedPoint]) -> pd.DataFrame:
    """Hits of every level, beside what calibrated forecasts of the same points would have."""
    scored = counting(judged)
    ids = dict.fromkeys(one.registration.forecast_id for one, _ in scored)
    groups = [[one.point for one, _ in scored if one.registration.forecast_id == name] for name in ids]
    replicas = replica_hits(groups)
    rows = []
    for level in INTERVALS:
        held = sum(own.hits[level] for _, own in scored)
        (low, high), (least, most) = range_of(replicas[level], CHANCE), range_of(replicas[level], SELDOM)
        rows.append(
            {
                "level": level,
                "held": held,
                "scored": len(scored),
                "low": int(np.floor(low)),
                "high": int(np.ceil(high)),
                "low_99": int(np.floor(least)),
                "high_99": int(np.ceil(most)),
                "p_value": tail_chance(held, replicas[level]),
            }
        )
    return pd.DataFrame(rows if scored else [], columns=list(Scored.columns["record"].names))


def _chances(judged: Sequence[JudgedPoint]) -> pd.DataFrame:
    rows = []
    for one in judged:
        for target, p in one.point.chances:
            reached = one.outcome.reached(target)
            if one.first and one.outcome.status in (SCORED, CENSORED) and not np.isnan(reached):
                row: dict[str, Any] = {"forecast_id": one.registration.forecast_id}
                row |= {name: getattr(one.point, name) for name in ("domain", "task", "architecture", "n")}
                row |= {} if one.point.params is None else {"params": one.point.params}
                rows.append(
                    row | {"target": target, "p": p, "reached": bool(reached), "brier": float((p - reached) ** 2)}
                )
    names = [name for name in Scored.columns["chances"].names if name != "params" or any(name in row for row in rows)]
    return pd.DataFrame(rows, columns=names)


def _reliability(chances: Any) -> pd.DataFrame:
    edges = np.linspace(0.0, 1.0, BINS + 1)
    place = np.clip(np.digitize(chances["p"].to_numpy(dtype=float), edges) - 1, 0, BINS - 1)
    rows = [
        {
            "from": edges[i],
            "to": edges[i + 1],
            "events": int(np.sum(place == i)),
            "mean_p": float(chances["p"].to_numpy(dtype=float)[place == i].mean()),
            "came": float(chances["reached"].to_numpy(dtype=float)[place == i].mean()),
        }
        for i in range(BINS)
        if np.any(place == i)
    ]
    return pd.DataFrame(rows, columns=list(Scored.columns["reliability"].names))


def _totals(judged: Sequence[JudgedPoint], chances: Any) -> dict[str, float]:
    scored = [one for _, one in counting(judged)]
    found: dict[str, float] = {"n_scored": len(scored)}
    mean = {"crps_log": "crps", "wis_log": "wis", "log_score": "log_score"}
    found |= {ours: _mean([getattr(one, name) for one in scored]) for ours, name in mean.items()}
    found |= {f"hit_{100 * level:.0f}": _mean([float(one.hits[level]) for one in scored]) for level in (0.8, 0.95)}
    for ours, name in (("skill_last", LAST), ("skill_law", LAW)):
        beside = [one for one in scored if name in one.off]
        off = sum(one.off[name] for one in beside)
        found[ours] = 1.0 - sum(one.crps for one in beside) / off if off > 0 else float("nan")
    p, reached = (chances[name].to_numpy(dtype=float) for name in ("p", "reached"))
    return found | {"events": len(chances), "brier": brier(p, reached)}


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")
