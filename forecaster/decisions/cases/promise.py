"""What a forecast promises, in test cases: to see the improvement, to be as sure as the forecast, to prove a target.

The improvement is the fall of the average error from the largest measured size to a larger one. Both errors come from
one draw of the posterior. A test set sees it with a power that depends on them; averaged over the draws this is the
chance that the improvement will be seen, which unlike the power at the median allows for the forecast's own
uncertainty.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from forecaster.curves import binomial_power
from forecaster.decisions.cases.needed import check_shares, design_effect, discordance_of
from forecaster.errors import RequestError
from forecaster.inference.posterior import Posterior, expect_posterior
from forecaster.inference.units import no_shares
from forecaster.prediction import observation
from forecaster.prediction.crossings import largest_size
from forecaster.prediction.forecast import LEVEL, log_errors
from forecaster.prediction.paths import CurveKey, chosen_keys
from forecaster.results.columns import CURVE, GIVEN_LEVEL, Column, Columns, declared, interval, size
from forecaster.results.message import Message, joined, message
from forecaster.results.result import Result
from forecaster.results.wording import about, chance, percent, plain_number, rounded
from forecaster.results.wording import size as sized

DRAWS = 200  # over which chances are averaged: a standard error of 3 points at most
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of new labels that may go into the test set
TIE = 0.01  # chances nearer than this are not told apart
Errors = Float[np.ndarray, " draw"]


@dataclass(frozen=True, eq=False, repr=False)
class ForecastInCases(Result):
    """The forecast of each curve in test cases."""

    command = "testset"
    columns = declared(
        table=Columns(
            "a curve and size",
            CURVE,
            size(),
            interval("yhat", "error", "forecast of the average error: median and equal-tailed interval"),
            GIVEN_LEVEL,
            Column("now", "error", "median average error at the largest measured size"),
            Column("p_lower", "chance", "chance that the error at `n` is lower than now"),
            Column("cases", "count", "test cases that show so from the two medians; `inf`: no number, or no fall"),
            Column("power", "chance", "the exact chance that so many show it, if the medians are right"),
            Column("p_seen", "chance", "the chance that so many show it, over all that the forecast holds possible"),
            Column("discordance", "share", "share of cases that exactly one of the two gets wrong; null unpaired"),
            Column(
                "worth",
                "number",
                "the forecast's worth: test cases on which a model trained at `n` would be as well known",
            ),
            Column("wanted", "share", "the power that was asked for", given=True),
            Column("design_effect", "ratio", "cases in clusters that one independent case is worth", given=True),
        )
    )


@dataclass(frozen=True, eq=False, repr=False)
class LabelUse(Result):
    """The chance of proving a target, by how many of the next labels go into the test set."""

    command = "testset"
    columns = declared(
        table=Columns(
            "a curve and share of the labels",
            CURVE,
            Column("to_test", "count", "of the next labels, those that go into the test set", key=True),
            Column("to_train", "count", "those that go into the training set"),
            Column("n", "size", "training-set size then"),
            Column("cases", "count", "test cases then"),
            interval("yhat", "error", "forecast of the average error: median and equal-tailed interval"),
            GIVEN_LEVEL,
            Column("p_below", "chance", "chance that this error is below the target"),
            Column("p_proven", "chance", "chance that the test set proves so"),
            Column("best", "flag", "whether no other use of the labels has a clearly higher chance of the proof"),
            Column("target", "error", "the error that is to be proven", given=True),
        )
    )


def forecast_in_cases(
    posterior: Posterior,
    at: Sequence[float],
    *,
    curves: Sequence[CurveKey | str] | None = None,
    paired: bool = True,
    discordance: float | None = None,
    power: float = binomial_power.POWER,
    confidence: float = binomial_power.LEVEL,
    cluster_size: float = 1.0,
    correlation: float = 0.0,
    level: float = LEVEL,
    seed: int = 0,
) -> ForecastInCases:
    """How many test cases show the improvement that a forecast promises, and how many the forecast is worth.

    Parameters
    ----------
    posterior : Posterior
        Of curves whose errors are shares of cases.
    at : sequence of float
        Larger training-set sizes.
    curves : sequence, optional
        Curves asked about: keys, labels or architectures. By default all.
    paired : bool
        Both models are tested on the same cases (exact McNemar test); else on test sets of their own.
    discordance : float, optional
        Share of cases that exactly one of the two gets wrong; by default as if they erred independently, which is
        cautious.
    power, confidence : float
        Chance that the test set shows the improvement, and confidence that showing takes.
    cluster_size, correlation : float
        As of :func:`~forecaster.test_set_size`.
    level : float
        Probability inside the interval of the forecast.
    seed : int
        The same seed gives the same numbers.

    Returns
    -------
    ForecastInCases
        A row a curve and size. ``worth`` is e (1 - e) / sd^2: a test set of so many cases measures the error with the
        standard deviation of the forecast.

    Raises
    ------
    RequestError
        Errors that are no shares of cases, a size that is not above the largest measured one, a share outside (0, 1), a
        discordance that two errors cannot have.

    Examples
    --------
    >>> import forecaster
    >>> found = forecaster.forecast_in_cases(posterior, [1e5])
    >>> bool((found.table["cases"] > 0).all())
    True
    """
    expect_posterior(posterior)
    check_shares(power=[power], confidence=[confidence], level=[level])
    effect = design_effect(cluster_size, correlation)
    options: dict[str, Any] = {"paired": paired, "given": discordance, "power": power, "level": confidence}
    rows = []
    for key in _of_shares(posterior, curves):
        start = largest_size(posterior.designs[key.group], key.architecture)
        for n in at:
            if not start < n < math.inf:
                raise RequestError(
                    f"at: found {n:g} for {key.label}; expected a size above the largest measured one, {start:g}"
                )
            errors = _errors(posterior, key, [start, n], seed)
            row = {"domain": key.domain, "task": key.task, "architecture": key.architecture, "n": float(n)}
            row |= _median_and_range(errors[:, 1], level)
            row |= {"now": float(np.median(errors[:, 0])), "p_lower": float(np.mean(errors[:, 1] < errors[:, 0]))}
            row |= _seen(errors, effect, **options) | {"worth": _worth(errors[:, 1])}
            rows.append(row | {"level": level, "wanted": power, "design_effect": effect})
    table = pd.DataFrame(rows, columns=list(ForecastInCases.columns["table"].names))
    return ForecastInCases(table, joined([_promised(row) for row in rows], "\n"))


def label_use(
    posterior: Posterior,
    *,
    labels: float,
    target: float,
    cases: float | None = None,
    curves: Sequence[CurveKey | str] | None = None,
    confidence: float = binomial_power.LEVEL,
    level: float = LEVEL,
    seed: int = 0,
) -> LabelUse:
    """Do the next labels belong into the training or into the test set, if a target error is to be proven?

    Parameters
    ----------
    posterior : Posterior
        Of curves whose errors are shares of cases.
    labels : int
        How many labels come next.
    target : float
        The error that is to be proven: one-sided exact binomial test.
    cases : int, optional
        Test cases there are; by default as the curves say (``n_test``).
    curves : sequence, optional
        Curves asked about: keys, labels or architectures. By default all.
    confidence : float
        Confidence of the proof.
    level : float
        Probability inside the interval of the forecast.
    seed : int
        The same seed gives the same numbers.

    Returns
    -------
    LabelUse
        A row a curve and use: all to training, a quarter to the test set, and so on.

    Raises
    ------
    RequestError
        Errors that are no shares of cases, no known number of test cases, numbers that are no counts, shares outside
        (0, 1).

    Notes
    -----
    The error at each training-set size and the result of the test are drawn together: the chance of the proof is that
    of an exact binomial test, averaged over the draws of the error.

    Examples
    --------
    >>> import forecaster
    >>> used = forecaster.label_use(posterior, labels=2_000, target=0.03, cases=500).table
    >>> used.groupby("architecture")["best"].any().all()
    np.True_
    """
    expect_posterior(posterior)
    check_shares(target=[target], confidence=[confidence], level=[level])
    _check_count("labels", labels)
    rows = []
    for key in _of_shares(posterior, curves):
        there = _cases_of(posterior, key) if cases is None else cases
        _check_count("cases", there)
        start = largest_size(posterior.designs[key.group], key.architecture)
        shares = [round(share * labels) for share in SHARES]
        sizes = [start + labels - to_test for to_test in shares]
        errors = _errors(posterior, key, sizes, seed)
        own = [
            {"domain": key.domain, "task": key.task, "architecture": key.architecture, "to_test": float(to_test)}
            | {"to_train": float(labels - to_test), "n": n, "cases": float(there + to_test)}
            | _median_and_range(errors[:, i], level)
            | {"level": level, "p_below": float(np.mean(errors[:, i] < target)), "target": target}
            | {"p_proven": _proven(errors[:, i], int(there + to_test), target, confidence)}
            for i, (to_test, n) in enumerate(zip(shares, sizes, strict=True))
        ]
        most = max(row["p_proven"] for row in own)
        rows += [row | {"best": bool(row["p_proven"] > most - TIE and most > 0.0)} for row in own]
    table = pd.DataFrame(rows, columns=list(LabelUse.columns["table"].names))
    return LabelUse(
        table, joined([_belong(one) for _, one in table.groupby(["domain", "task", "architecture"], sort=False)], "\n")
    )


# The numbers -----------------------------------------------------------------------------------------


def _of_shares(posterior: Posterior, curves: Sequence[CurveKey | str] | None) -> list[CurveKey]:
    keys = chosen_keys(posterior, curves)
    wrong = [key.label for key in keys if no_shares(posterior, key.group)]
    if wrong:
        raise RequestError(
            f"{wrong[0]}: found errors that are no shares of cases; expected those that count wrong cases"
        )
    return keys


def _cases_of(posterior: Posterior, key: CurveKey) -> float:
    data = posterior.designs[key.group].curve_of(key.architecture)
    found = math.nan if data is None else observation.cases(data.curve)
    if math.isnan(found):
        raise RequestError(f"{key.label}: found no number of test cases; expected cases=, or --n-test with the curves")
    return found


def _check_count(name: str, value: float) -> None:
    if not (1.0 <= value <= binomial_power.MOST and value == math.floor(value)):
        raise RequestError(f"{name}: found {value:g}; expected a whole number of 1 or more")


def _errors(posterior: Posterior, key: CurveKey, sizes: Sequence[float], seed: int) -> Float[np.ndarray, "draw size"]:
    errors = np.exp(log_errors(posterior, key, np.asarray(sizes, dtype=float), "mean", seed))
    return np.clip(errors, 1e-12, 1.0 - 1e-12)


def _median_and_range(errors: Errors, level: float) -> dict[str, float]:
    found = np.quantile(errors, [0.5, 0.5 - level / 2, 0.5 + level / 2])
    return dict(zip(("yhat", "yhat_lower", "yhat_upper"), map(float, found), strict=True))


def _some(errors: np.ndarray) -> np.ndarray:
    """Draws that chances are averaged over, evenly out of all."""
    return errors[np.linspace(0, len(errors) - 1, min(DRAWS, len(errors))).astype(int)]


def _seen(
    errors: Float[np.ndarray, "draw size"],
    effect: float,
    *,
    paired: bool,
    given: float | None,
    power: float,
    level: float,
) -> dict[str, float]:
    """Cases that show the fall between the medians, their power, and the chance over all draws."""
    now, then = (float(v) for v in np.median(errors, axis=0))
    apart = discordance_of(now, then, given) if paired else math.nan
    if then >= now:
        return {"cases": math.inf, "power": math.nan, "p_seen": math.nan, "discordance": apart}
    if paired:
        independent = binomial_power.cases_paired(now, then, apart, power, level)
    else:
        independent = binomial_power.cases_to_tell(now, then, power, level)
    if math.isinf(independent):
        return {"cases": math.inf, "power": math.nan, "p_seen": math.nan, "discordance": apart}
    m = int(independent)
    if paired:
        reached = binomial_power.power_paired(m, now, then, apart, level)
    else:
        reached = binomial_power.power_to_tell(m, now, then, level)
    some = _some(errors)
    seen = [_power(m, a, b, given, paired, level) for a, b in some.tolist()]
    cases = float(math.ceil(independent * effect - 1e-9))
    return {"cases": cases, "power": reached, "p_seen": float(np.mean(seen)), "discordance": apart}


def _power(m: int, now: float, then: float, given: float | None, paired: bool, level: float) -> float:
    """The chance that m cases show the fall of one draw; 0 where it has none."""
    if then >= now:
        return 0.0
    if not paired:
        return binomial_power.power_to_tell(m, now, then, level)
    least, most = now - then, min(now + then, 2.0 - now - then)
    apart = now * (1.0 - then) + then * (1.0 - now) if given is None else min(max(given, least), most)
    return binomial_power.power_paired(m, now, then, apart, level)


def _worth(errors: Errors) -> float:
    """Test cases whose sampling variance is the forecast's."""
    variance, middle = float(np.var(errors)), float(np.median(errors))
    return middle * (1.0 - middle) / variance if variance > 0.0 else math.inf


def _proven(errors: Errors, cases: int, target: float, confidence: float) -> float:
    """The chance that so many cases prove the target, over the draws of the error: exact for each."""
    wrong = binomial_power.most_wrong(cases, target, confidence)
    return float(np.mean(binomial_power.cdf(float(wrong), float(cases), errors))) if wrong >= 0 else 0.0


# In words --------------------------------------------------------------------------------------------


def _percent(error: float) -> str:
    return f"{plain_number(rounded(100.0 * error, 3))} %"


def _promised(row: dict[str, Any]) -> Message:
    values = {name: row[name] for name in ("architecture", "n", "cases", "p_seen", "worth")}
    text = f"{row['architecture']} at {sized(row['n'])}: from {_percent(row['now'])} now to {_percent(row['yhat'])}. "
    if math.isinf(row["cases"]):
        text += "No test set shows that fall."
    else:
        text += (
            f"{row['cases']:,.0f} test cases show that fall with a chance of {percent(row['power'])}; over all that "
        )
        text += f"the forecast holds possible the chance is {chance(row['p_seen'])}."
    worth = "exactly" if math.isinf(row["worth"]) else f"as well as {about(row['worth'])} test cases would"
    return message("promise", f"{text} The forecast tells that error {worth}.", **values)


def _belong(table: Any) -> Message:
    rows = table.to_dict("records")
    best = [row for row in rows if row["best"]]
    name, total = rows[0]["architecture"], rows[0]["to_train"] + rows[0]["to_test"]
    values = {"architecture": name, "to_test": [row["to_test"] for row in best]}
    target = _percent(rows[0]["target"])
    if not best:
        return message(
            "no-proof", f"{name}: no use of {total:,.0f} labels can prove an error below {target}.", **values
        )
    if len(best) == len(rows):
        text = f"{name}: where the next {total:,.0f} labels go makes no difference to proving an error below {target}"
        return message("either", f"{text} (chance {chance(best[0]['p_proven'])}).", **values)
    top = max(rows, key=lambda row: row["p_proven"])
    text = f"{name}: an error below {target} is proven most likely ({chance(top['p_proven'])}) with "
    text += (
        f"{top['to_test']:,.0f} of the next {total:,.0f} labels in the test set and {top['to_train']:,.0f} in training"
    )
    ends = f"all in training: {chance(rows[0]['p_proven'])}, all in the test set: {chance(rows[-1]['p_proven'])}"
    return message("belong", f"{text} ({ends}).", **values)
