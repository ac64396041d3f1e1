"""Sensitivity of a forecast to the assumed floor and to the card's priors.

The tables regroup or reweight the draws of a :class:`Forecast`; nothing is sampled again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecaster._support.frames import Table
from forecaster.checks.limits import MOVED, worst_of
from forecaster.checks.model_fit import labels
from forecaster.domains.domain import Domain
from forecaster.domains.quantities import CENTRES
from forecaster.errors import RequestError
from forecaster.inference.importance.weights import TRUSTED_K, smoothed, weighted_quantiles
from forecaster.inference.posterior import Posterior
from forecaster.model import law
from forecaster.prediction.forecast import POINT_KEYS, Forecast
from forecaster.prediction.options import lowest_rows
from forecaster.results.check import PASS, REVIEW, Check
from forecaster.results.columns import CURVE, GIVEN_LEVEL, Column, Columns, interval, size
from forecaster.results.message import Message, message


@dataclass(frozen=True)
class Change:
    """A changed prior: the means of ``moved`` (names of ``CENTRES``) shift by ``sds`` prior sds or by ``nats``."""

    prior: str
    change: str
    moved: tuple[str, ...]
    sds: float = 0.0
    nats: float = 0.0

    def shift(self, card: Domain) -> np.ndarray:
        """Shift of each prior mean, [8] in the order of ``CENTRES``."""
        chosen = np.array([name in self.moved for name in CENTRES])
        return chosen * (self.sds * card.hyper_sd[: len(CENTRES)] + self.nats)


DRIFTS = ("log_drift", "log_slope")
DOUBLE = float(np.log(2.0))
CHANGES = (
    Change("exponent", "one sd lower", ("log_exponent",), sds=-1.0),
    Change("exponent", "one sd higher", ("log_exponent",), sds=1.0),
    Change("floor", "one sd lower", ("floor_logit",), sds=-1.0),
    Change("floor", "one sd higher", ("floor_logit",), sds=1.0),
    Change("drift", "halved", DRIFTS, nats=-DOUBLE),
    Change("drift", "doubled", DRIFTS, nats=DOUBLE),
)
AS_IT_IS = "as in the card"
FLOORS = Columns(
    "a curve, size and part of the draws",
    CURVE,
    size(),
    Column("part", "count", "which part of the draws, 1 with the lowest floors", key=True),
    interval("floor", "error", "median floor within the part, and its range"),
    interval("yhat", "error", "the forecast within the part: median and equal-tailed interval"),
    GIVEN_LEVEL,
    Column("p_best", "chance", "chance of the lowest error of the group at that size, within the part"),
)
SENSITIVITY = Columns(
    "a curve, size asked about and change of the card (none without sizes)",
    CURVE,
    size(),
    Column("prior", "text", "`card`, `exponent`, `floor` or `drift`"),
    Column("change", "text", f"how its prior is changed; `{AS_IT_IS}`"),
    interval("yhat", "error", "the forecast under that prior, by reweighting; null where only another fit can tell"),
    GIVEN_LEVEL,
    Column("pareto_k", "number", f"Pareto k of the weights; above {TRUSTED_K:g} they are not used"),
    Column("moved", "number", "shift of `yhat`, in half-widths of the forecast's interval (of logs)"),
)
MOVES = "shift of the forecast under a lower and a higher prior; `refit` where only another fit can tell"


def floor_table(found: Forecast, bins: int = 5) -> pd.DataFrame:
    """The forecast for low to high floors: draws split into ``bins`` equal parts by their floor.

    Its columns are ``FLOORS``. Measured curves only; others are left out.
    """
    posterior = _posterior_of(found)
    lowest = lowest_rows(found)
    measured = {c.label for c in posterior.curves.curves}
    rows = []
    for row, record in enumerate(found.table.to_dict("records")):
        key = {k: record[k] for k in POINT_KEYS}
        label = "/".join(str(key[k]) for k in POINT_KEYS[:3])
        if label not in measured:
            continue
        draws, errors = posterior.curve(label), found.errors([row])[:, 0]
        floor = law.floor(np, draws.level, draws.floor_logit)
        tails = [0.5 - record["level"] / 2, 0.5, 0.5 + record["level"] / 2]
        for part, chosen in enumerate(np.array_split(np.argsort(floor, kind="stable"), bins), 1):
            low, middle, high = np.quantile(errors[chosen], tails)
            rows.append(
                key
                | {
                    "part": part,
                    "floor": np.median(floor[chosen]),
                    "floor_lower": floor[chosen[0]],
                    "floor_upper": floor[chosen[-1]],
                    "yhat": middle,
                    "yhat_lower": low,
                    "yhat_upper": high,
                    "level": record["level"],
                    "p_best": lowest[row, chosen].mean(),
                }
            )
    return pd.DataFrame(rows)


def card_table(found: Forecast) -> pd.DataFrame:
    """The forecast under changed priors, by importance weights: a row for the card as it is and for each change.

    Its columns are ``SENSITIVITY``; ``prior`` and ``change`` are those of ``CHANGES``. Where ``pareto_k`` exceeds
    ``TRUSTED_K`` only a fit under the changed card can tell, and forecast and ``moved`` are NaN.
    """
    posterior = _posterior_of(found)
    rows = []
    groups = list(zip(found.table["domain"], found.table["task"], strict=True))
    for group in dict.fromkeys(groups):
        centre, card = posterior.centre(group), posterior.designs[group].card
        weighed = [(change, *prior_weights(centre, card, change)) for change in CHANGES]
        for row in (i for i, other in enumerate(groups) if other == group):
            record: dict[str, Any] = found.table.iloc[row].to_dict()
            errors = found.errors([row])[:, 0]
            key = {k: record[k] for k in POINT_KEYS}
            now = np.array([record["yhat"], record["yhat_lower"], record["yhat_upper"]])
            rows.append(key | _said("card", AS_IT_IS, now, now, record["level"], np.nan))
            tails = (0.5, 0.5 - record["level"] / 2, 0.5 + record["level"] / 2)
            for change, weights, k in weighed:
                then = weighted_quantiles(errors, weights, tails) if k <= TRUSTED_K else np.full(3, np.nan)
                rows.append(key | _said(change.prior, change.change, then, now, record["level"], k))
    return pd.DataFrame(rows)


def _posterior_of(found: Forecast) -> Posterior:
    if found.posterior is None:
        raise RequestError("this forecast carries no posterior; make it with forecast()")
    return found.posterior


def moves(table: Table) -> tuple[pd.DataFrame, Columns]:
    """From :func:`card_table`, one row a curve and size: the forecast, and its shift under each changed prior."""
    keys, rows = SENSITIVITY.names[:4], []
    for key, mine in table.groupby(list(keys), sort=False):
        row = dict(zip(keys, key, strict=True)) | {"yhat": mine["yhat"].iloc[0]}
        for prior, own in mine.iloc[1:].groupby("prior", sort=False):
            shifts = (100.0 * (v / row["yhat"] - 1.0) for v in own["yhat"])
            row[prior] = ", ".join("refit" if np.isnan(v) else f"{v:+.0f} %" for v in shifts)
        rows.append(row)
    found = pd.DataFrame(rows)
    priors = (Column(str(name), "text", MOVES) for name in found.columns[len(keys) + 1 :])
    return found, Columns("a curve and size", SENSITIVITY.pick(*keys, "yhat"), priors)


def _said(prior: str, change: str, then: np.ndarray, now: np.ndarray, level: float, k: float) -> dict[str, Any]:
    """The last columns of a row of :func:`card_table`; ``then`` and ``now`` are median, lower and upper end."""
    half = 0.5 * np.log(now[2] / now[1])
    return {
        "prior": prior,
        "change": change,
        "yhat": then[0],
        "yhat_lower": then[1],
        "yhat_upper": then[2],
        "level": level,
        "pareto_k": k,
        "moved": np.log(then[0] / now[0]) / half if half > 0 else np.nan,
    }


def prior_weights(centre: np.ndarray, card: Domain, change: Change) -> tuple[np.ndarray, float]:
    """Weights of posterior draws under a changed prior [draw], which sum to 1, and their Pareto k.

    Given a group's hyper-parameters, curves and data are independent of the card's means. The ratio of the two
    posteriors is therefore that of two normal densities of the centres [draw, 8]. Weights are Pareto-smoothed by ArviZ
    (Vehtari et al. 2024).
    """
    mean, sd, shift = card.hyper_mean[: len(CENTRES)], card.hyper_sd[: len(CENTRES)], change.shift(card)
    log_ratio = ((shift * (centre - mean) - 0.5 * shift**2) / sd**2).sum(1)
    log_weights, k = smoothed(log_ratio)
    return np.exp(log_weights), k


def card_sensitivity(table: Table) -> Iterator[Check]:
    """Does the forecast at the sizes asked about depend on a single prior of the card?"""
    if table.empty:
        return
    known: Table = table[table["change"] != AS_IT_IS].assign(label=lambda t: labels(t), away=lambda t: t["moved"].abs())
    now: Table = table[table["change"] == AS_IT_IS].assign(label=lambda t: labels(t)).set_index(["label", "n"])["yhat"]
    worst = known.dropna(subset=["away"]).sort_values("away").drop_duplicates("label", keep="last").set_index("label")

    def say(label: str, v: float) -> Message:
        row = worst.loc[label]
        text = (
            f"{label}: with the card's prior on the {row['prior']} {row['change']}, the forecast at {row['n']:g} would "
            f"be {row['yhat']:.3g} instead of {now[(label, row['n'])]:.3g} ({v:.1f} half-widths of its interval)"
        )
        return message("sensitive", text, prior=str(row["prior"]), change=str(row["change"]), moved=v)

    yield from worst_of(
        "card-sensitivity",
        worst["away"].to_dict(),
        MOVED,
        say,
        lambda v: message(
            "robust",
            "forecasts are robust to the priors on exponent, floor and drift: changing one of them moves the median by "
            f"at most {v:.1f} half-widths of the interval",
            moved=v,
        ),
        "read that prior's source in the card; allow for either forecast, or measure a larger size",
    )
    doubtful = known[known["pareto_k"] > TRUSTED_K]
    if len(doubtful):
        changes = dict.fromkeys(f"{p} {c}" for p, c in zip(doubtful["prior"], doubtful["change"], strict=True))
        k = float(doubtful["pareto_k"].to_numpy().max())
        text = (
            f"reweighting cannot tell the effect of these other priors: {', '.join(changes)} (Pareto k up to {k:.2f})"
        )
        found = message("not-reweightable", text, changes=list(changes), pareto_k=k)
        yield Check("card-reweighting", REVIEW, found, "fit again under a card with that change (`--card`) and compare")
    else:
        found = message("reweighted", "the draws could be reweighted to every other prior that was tried")
        yield Check("card-reweighting", PASS, found)
