"""Choosing on a dev set: by how much picking the best of several models flatters.

The best of K models on m cases is the one with the fewest wrong. Where all K have the same true error and err
independently, the expected fewest is an exact sum over the binomial distribution; what is reported then lies below the
true error by the difference. Models that are alike have less to choose from, so that this is the most that it can be.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float

from forecaster.curves import binomial_power
from forecaster.errors import RequestError
from forecaster.results.columns import GIVEN_LEVEL, LEVEL, Column, Columns, declared, interval
from forecaster.results.message import Message, joined, message
from forecaster.results.result import Result
from forecaster.results.wording import plain_number, rounded

MOST_MODELS = 10**9


@dataclass(frozen=True, eq=False, repr=False)
class SelectionBias(Result):
    """How far below its true error the best of several models is measured."""

    command = "testset"
    columns = declared(
        table=Columns(
            "a number of models",
            Column("models", "count", "models among which the best on the dev set is picked", key=True),
            Column("cases", "count", "cases of the dev set", given=True),
            Column("error", "error", "true error of each of them", given=True),
            interval("best", "error", "the error that the best of them is measured at: mean and equal-tailed interval"),
            Column("flattery", "error", "how far the mean lies below the true error: the most, for independent models"),
            GIVEN_LEVEL,
        )
    )


def selection_bias(
    *, models: float | Sequence[float], error: float, cases: float, level: float = LEVEL
) -> SelectionBias:
    """By how much picking the best of several models on one dev set flatters it.

    Parameters
    ----------
    models : int or sequence of int
        Numbers of models among which the best is picked; a row each.
    error : float
        The true error of each: a share of cases.
    cases : int
        Cases of the dev set.
    level : float
        Probability inside the interval.

    Returns
    -------
    SelectionBias
        A row a number of models.

    Raises
    ------
    RequestError
        Fewer than one model or case, an error or level outside (0, 1).

    Notes
    -----
    For models with one true error that err independently: an upper bound where they are alike. By the normal formula
    it is sqrt(e (1 - e) / m) times the mean maximum of K normal numbers; here the binomial sums are exact.

    Examples
    --------
    >>> import forecaster
    >>> found = forecaster.selection_bias(models=[10, 100], error=0.05, cases=2000)
    >>> [round(100 * value, 2) for value in found.table["flattery"]]
    [0.74, 1.18]
    """
    numbers = [float(v) for v in np.atleast_1d(np.asarray(models, dtype=float))]
    for name, values, most in (("models", numbers, MOST_MODELS), ("cases", [float(cases)], binomial_power.MOST_CASES)):
        for value in values:
            if not (1.0 <= value <= most and value == math.floor(value)):
                raise RequestError(f"{name}: found {value:g}; expected a whole number of 1 or more, up to {most:g}")
    for name, value in (("error", error), ("level", level)):
        if not 0.0 < value < 1.0:
            raise RequestError(f"{name}: found {value:g}; expected a share between 0 and 1, such as 0.05 for 5 %")
    rows = [_row(k, error, int(cases), level) for k in numbers]
    table = pd.DataFrame(rows, columns=list(SelectionBias.columns["table"].names))
    return SelectionBias(table, joined([_said(row) for row in rows], "\n"))


def _row(models: float, error: float, cases: int, level: float) -> dict[str, float]:
    counts, fewest = fewest_wrong(models, error, cases)
    mean = float(counts @ fewest)
    low, high = (float(counts[np.searchsorted(np.cumsum(fewest), p)]) for p in (0.5 - level / 2, 0.5 + level / 2))
    row = {"models": models, "cases": float(cases), "error": error, "best": mean / cases}
    return row | {
        "best_lower": low / cases,
        "best_upper": high / cases,
        "flattery": max(error - mean / cases, 0.0),
        "level": level,
    }


def fewest_wrong(
    models: float, error: float, cases: int
) -> tuple[Float[np.ndarray, " count"], Float[np.ndarray, " count"]]:
    """Counts of wrong cases, and the probability that each is the fewest of so many models."""
    counts = binomial_power.around(cases, error)
    with np.errstate(divide="ignore"):
        above = np.log1p(-binomial_power.cdf(counts, cases, error))  # log probability of more
    at_most = -np.expm1(models * above)
    found = np.diff(at_most, prepend=0.0)
    return counts, found / found.sum()


def _said(row: dict[str, float]) -> Message:
    def points(v: float) -> str:
        return plain_number(rounded(100.0 * v, 3))

    text = (
        f"The best of {row['models']:,.0f} models on {row['cases']:,.0f} cases is measured at {points(row['best'])} % "
        f"({points(row['best_lower'])} to {points(row['best_upper'])}) where each errs on {points(row['error'])} %: "
        f"{points(row['flattery'])} points too good at most, less where the models are alike."
    )
    return message("selection-flatters", text, **row)
