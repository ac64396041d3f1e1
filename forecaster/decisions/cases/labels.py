"""Into the training or into the test set: where the next labels belong, if a target error is to be proven."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecaster.curves import binomial_power
from forecaster.decisions.cases.needed import check_shares
from forecaster.decisions.cases.promise import Errors, as_percent, curves_of_shares, errors_at, median_and_range
from forecaster.errors import RequestError
from forecaster.inference.posterior import Posterior, expect_posterior
from forecaster.prediction import observation
from forecaster.prediction.crossings import largest_size
from forecaster.prediction.curve_keys import CurveKey
from forecaster.results.columns import CURVE, GIVEN_LEVEL, LEVEL, Column, Columns, declared, interval
from forecaster.results.message import Message, joined, message
from forecaster.results.result import Result
from forecaster.results.wording import chance

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of new labels that may go into the test set
TIE = 0.01  # chances nearer than this are not told apart


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


def label_use(
    posterior: Posterior,
    *,
    labels: float,
    target: float,
    cases: float | None = None,
    curves: Sequence[CurveKey | str] | None = None,
    confidence: float = binomial_power.CONFIDENCE,
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
    for key in curves_of_shares(posterior, curves):
        there = _cases_of(posterior, key) if cases is None else cases
        _check_count("cases", there)
        start = largest_size(posterior.designs[key.group], key.architecture)
        shares = [round(share * labels) for share in SHARES]
        sizes = [start + labels - to_test for to_test in shares]
        errors = errors_at(posterior, key, sizes, seed)
        own = [
            {"domain": key.domain, "task": key.task, "architecture": key.architecture, "to_test": float(to_test)}
            | {"to_train": float(labels - to_test), "n": n, "cases": float(there + to_test)}
            | median_and_range(errors[:, i], level)
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


def _cases_of(posterior: Posterior, key: CurveKey) -> float:
    data = posterior.designs[key.group].curve_of(key.architecture)
    found = math.nan if data is None else observation.cases(data.curve)
    if math.isnan(found):
        raise RequestError(f"{key.label}: found no number of test cases; expected cases=, or --n-test with the curves")
    return found


def _check_count(name: str, value: float) -> None:
    if not (1.0 <= value <= binomial_power.MOST_CASES and value == math.floor(value)):
        raise RequestError(f"{name}: found {value:g}; expected a whole number of 1 or more")


def _proven(errors: Errors, cases: int, target: float, confidence: float) -> float:
    """The chance that so many cases prove the target, over the draws of the error: exact for each."""
    wrong = binomial_power.most_wrong(cases, target, confidence)
    return float(np.mean(binomial_power.cdf(float(wrong), float(cases), errors))) if wrong >= 0 else 0.0


def _belong(table: Any) -> Message:
    rows = table.to_dict("records")
    best = [row for row in rows if row["best"]]
    name, total = rows[0]["architecture"], rows[0]["to_train"] + rows[0]["to_test"]
    values = {"architecture": name, "to_test": [row["to_test"] for row in best]}
    target = as_percent(rows[0]["target"])
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
