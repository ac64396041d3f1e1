"""What a forecast promises, in test cases: to see the improvement, to be as sure as the forecast.

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
from forecaster.prediction.crossings import largest_size
from forecaster.prediction.curve_keys import CurveKey, chosen_keys
from forecaster.prediction.forecast import log_errors
from forecaster.results.columns import CURVE, GIVEN_LEVEL, LEVEL, Column, Columns, declared, interval, size
from forecaster.results.message import Message, joined, message
from forecaster.results.result import Result
from forecaster.results.wording import about, chance, percent, plain_number, rounded
from forecaster.results.wording import size as sized

DRAWS = 200  # over which chances are averaged: a standard error of 3 points at most
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


def forecast_in_cases(
    posterior: Posterior,
    at: Sequence[float],
    *,
    curves: Sequence[CurveKey | str] | None = None,
    paired: bool = True,
    discordance: float | None = None,
    power: float = binomial_power.POWER,
    confidence: float = binomial_power.CONFIDENCE,
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
    for key in curves_of_shares(posterior, curves):
        start = largest_size(posterior.designs[key.group], key.architecture)
        for n in at:
            if not start < n < math.inf:
                raise RequestError(
                    f"at: found {n:g} for {key.label}; expected a size above the largest measured one, {start:g}"
                )
            errors = errors_at(posterior, key, [start, n], seed)
            row = {"domain": key.domain, "task": key.task, "architecture": key.architecture, "n": float(n)}
            row |= median_and_range(errors[:, 1], level)
            row |= {"now": float(np.median(errors[:, 0])), "p_lower": float(np.mean(errors[:, 1] < errors[:, 0]))}
            row |= _seen(errors, effect, **options) | {"worth": _worth(errors[:, 1])}
            rows.append(row | {"level": level, "wanted": power, "design_effect": effect})
    table = pd.DataFrame(rows, columns=list(ForecastInCases.columns["table"].names))
    return ForecastInCases(table, joined([_promised(row) for row in rows], "\n"))


# The numbers -----------------------------------------------------------------------------------------


def curves_of_shares(posterior: Posterior, curves: Sequence[CurveKey | str] | None) -> list[CurveKey]:
    """The curves asked about; RequestError where their errors are no shares of cases."""
    keys = chosen_keys(posterior, curves)
    wrong = [key.label for key in keys if no_shares(posterior, key.group)]
    if wrong:
        raise RequestError(
            f"{wrong[0]}: found errors that are no shares of cases; expected those that count wrong cases"
        )
    return keys


def errors_at(posterior: Posterior, key: CurveKey, sizes: Sequence[float], seed: int) -> Float[np.ndarray, "draw size"]:
    """Draws of the average error at the sizes, strictly between 0 and 1."""
    errors = np.exp(log_errors(posterior, key, np.asarray(sizes, dtype=float), "mean", seed))
    return np.clip(errors, 1e-12, 1.0 - 1e-12)


def median_and_range(errors: Errors, level: float) -> dict[str, float]:
    """The forecast's median and equal-tailed interval, as columns."""
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


# In words --------------------------------------------------------------------------------------------


def as_percent(error: float) -> str:
    return f"{plain_number(rounded(100.0 * error, 3))} %"


def _promised(row: dict[str, Any]) -> Message:
    values = {name: row[name] for name in ("architecture", "n", "cases", "p_seen", "worth")}
    text = (
        f"{row['architecture']} at {sized(row['n'])}: from {as_percent(row['now'])} now to {as_percent(row['yhat'])}. "
    )
    if math.isinf(row["cases"]):
        text += "No test set shows that fall."
    else:
        text += (
            f"{row['cases']:,.0f} test cases show that fall with a chance of {percent(row['power'])}; over all that "
        )
        text += f"the forecast holds possible the chance is {chance(row['p_seen'])}."
    worth = "exactly" if math.isinf(row["worth"]) else f"as well as {about(row['worth'])} test cases would"
    return message("promise", f"{text} The forecast tells that error {worth}.", **values)
