"""test_set_size: how many test cases prove a target error, or tell two error rates apart.

A forecast is of the error on the population; whether anyone can show that error depends on the test set. The powers are
exact binomial sums (:mod:`~forecaster.curves.binomial_power`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecaster.curves import binomial_power
from forecaster.errors import RequestError
from forecaster.results.columns import Column, Columns, declared
from forecaster.results.message import Message, joined, message
from forecaster.results.result import Result
from forecaster.results.wording import percent, plain_number, size

PROVE, TELL, PAIRED = "prove", "tell-apart", "tell-apart-paired"


@dataclass(frozen=True, eq=False, repr=False)
class CasesNeeded(Result):
    """Sizes of a test set for one question, by the power that is wanted."""

    command = "testset"
    columns = declared(
        table=Columns(
            "a power that is wanted",
            Column("cases", "count", "the smallest number of test cases that has this power; `inf`: no number has"),
            Column("power", "chance", "the exact chance that a test set of so many cases shows it"),
            Column(
                "what",
                "text",
                "`prove`: an error below `other`; `tell-apart`: which of two rates is lower, each on cases of its own; "
                "`tell-apart-paired`: the same on the same cases",
            ),
            Column("error", "error", "the true error that is expected"),
            Column("other", "error", "the target to prove, or the other error rate"),
            Column("wanted", "share", "the power that was asked for", given=True, key=True),
            Column("level", "share", "confidence of the proof", given=True),
            Column("most_wrong", "count", "with so many wrong cases or fewer it is proven; null for two rates"),
            Column("discordance", "share", "share of cases that exactly one of the two gets wrong; null unless paired"),
            Column("design_effect", "ratio", "cases that one independent case is worth, for those in clusters"),
        )
    )


def test_set_size(
    *,
    error: float | None = None,
    target: float | None = None,
    error_a: float | None = None,
    error_b: float | None = None,
    paired: bool = False,
    discordance: float | None = None,
    power: float | Sequence[float] = binomial_power.POWER,
    level: float = binomial_power.CONFIDENCE,
    cluster_size: float = 1.0,
    correlation: float = 0.0,
) -> CasesNeeded:
    """The smallest test set that proves a target error, or that tells two error rates apart.

    Ask for a proof with ``error`` and ``target``, for a difference with ``error_a`` and ``error_b``. All are shares of
    cases.

    Parameters
    ----------
    error : float
        The true error that is expected, such as a forecast.
    target : float
        The error that is to be proven: the test shows that the error is below it. One-sided exact binomial test.
    error_a, error_b : float
        Two true error rates: a test set for each (two-sided z test of two proportions), or, if ``paired``, one test set
        for both (exact McNemar test).
    paired : bool
        Both are measured on the same cases.
    discordance : float, optional
        Share of cases that exactly one of the two gets wrong. By default as if they erred independently, which is
        cautious: who errs on the same cases needs fewer.
    power : float or sequence of float
        Chance that the test set shows it; a row each.
    level : float
        Confidence of the proof: 1 minus the chance of showing what is not so.
    cluster_size : float
        Mean number of cases that come together, such as the questions on one text; 1 for independent cases.
    correlation : float
        Intra-class correlation of being wrong within a cluster, from 0 to 1.

    Returns
    -------
    CasesNeeded
        A row a power: ``cases``, and the exact ``power`` that they have (before any allowance for clusters).

    Raises
    ------
    RequestError
        Rates that are no shares, a target that is not above the error, two rates that are equal, a discordance that
        they cannot have, a half of one question and a half of the other.

    Notes
    -----
    Clusters multiply the number of cases by the design effect, 1 + (cluster_size - 1) * correlation (Kish 1965).

    Examples
    --------
    >>> import forecaster
    >>> forecaster.test_set_size(error=0.02, target=0.025).table[["cases", "most_wrong"]].values.tolist()
    [[5490.0, 118.0]]
    >>> int(forecaster.test_set_size(error_a=0.08, error_b=0.10, paired=True, discordance=0.08).table["cases"].iloc[0])
    1645
    """
    wanted = [float(p) for p in np.atleast_1d(np.asarray(power, dtype=float))]
    check_shares(level=[level], power=wanted)
    effect = design_effect(cluster_size, correlation)
    if error_a is None and error_b is None:
        one, other = _proof(error, target)
        rows = [_to_prove(one, other, p, level) for p in wanted]
    else:
        if error is not None or target is not None:
            raise RequestError("test_set_size: found both questions; expected error and target, or error_a and error_b")
        one, other = _two(error_a, error_b)
        apart = discordance_of(one, other, discordance) if paired else math.nan
        rows = [_to_tell(one, other, apart, p, level) for p in wanted]
    for row in rows:
        if effect > 1.0:
            row["most_wrong"] = math.nan  # cases in clusters count for less than a binomial test takes them for
        row["cases"] = math.ceil(row["cases"] * effect - 1e-9) if math.isfinite(row["cases"]) else math.inf
        row["design_effect"] = effect
    table = pd.DataFrame(rows, columns=list(CasesNeeded.columns["table"].names))
    table["cases"] = table["cases"].astype(float)
    return CasesNeeded(table, joined(map(_said, rows), "\n"))


def _to_prove(error: float, target: float, power: float, level: float) -> dict[str, Any]:
    cases = binomial_power.cases_to_prove(error, target, power, level)
    known = math.isfinite(cases)
    return {
        "cases": cases,
        "power": binomial_power.power_to_prove(int(cases), error, target, level) if known else math.nan,
        "what": PROVE,
        "error": error,
        "other": target,
        "wanted": power,
        "level": level,
        "most_wrong": float(binomial_power.most_wrong(int(cases), target, level)) if known else math.nan,
        "discordance": math.nan,
    }


def _to_tell(one: float, other: float, discordance: float, power: float, level: float) -> dict[str, Any]:
    """Two rates; paired where a discordance is known."""
    if math.isnan(discordance):
        cases = binomial_power.cases_to_tell(one, other, power, level)
        reached = binomial_power.power_to_tell(int(cases), one, other, level) if math.isfinite(cases) else math.nan
    else:
        cases = binomial_power.cases_paired(one, other, discordance, power, level)
        of_paired = binomial_power.power_paired
        reached = of_paired(int(cases), one, other, discordance, level) if math.isfinite(cases) else math.nan
    return {
        "cases": cases,
        "power": reached,
        "what": TELL if math.isnan(discordance) else PAIRED,
        "error": one,
        "other": other,
        "wanted": power,
        "level": level,
        "most_wrong": math.nan,
        "discordance": discordance,
    }


def _said(row: dict[str, Any]) -> Message:
    """One row in words."""
    one, other = (f"{plain_number(float(f'{100 * row[name]:.6g}'))} %" for name in ("error", "other"))
    values = {name: row[name] for name in ("cases", "power", "error", "other", "wanted")}
    sure = f"{100 * row['level']:g} % confidence"
    if math.isinf(row["cases"]):
        text = f"No test set of up to {size(binomial_power.MOST_CASES)} cases tells {one} from {other}."
        return message("no-test-set", text, **values)
    many = f"{row['cases']:,.0f} test cases"
    clustered = f" (a design effect of {row['design_effect']:.3g} included)" if row["design_effect"] > 1 else ""
    often = f"with a chance of {percent(row['power'])}"
    if row["what"] == PROVE:
        text = f"{many}{clustered} prove with {sure} that an error of {one} is below {other}, {often}"
        alone = math.isfinite(row["most_wrong"])
        text += f": it is proven where at most {row['most_wrong']:,.0f} of them are wrong." if alone else "."
    elif row["what"] == TELL:
        text = f"{many}{clustered} for each of two error rates, of {one} and {other}, show with {sure} which is lower"
        text += f", {often}."
    else:
        text = f"{many}{clustered} on which both are measured show with {sure} which of {one} and {other} is lower"
        text += f", {often}, if exactly one is wrong on {100 * row['discordance']:.3g} % of them."
    return message(row["what"], text, **values)


# What may be asked --------------------------------------------------------------------------------


def _proof(error: float | None, target: float | None) -> tuple[float, float]:
    if error is None or target is None:
        lacking = "error" if error is None else "target"
        raise RequestError(f"test_set_size: found no {lacking}; expected error and target, or error_a and error_b")
    check_shares(error=[error], target=[target])
    if target <= error:
        raise RequestError(
            f"target: found {target:g} at an expected error of {error:g}; expected a larger one: no test set proves an "
            "error below what it is"
        )
    return error, target


def _two(error_a: float | None, error_b: float | None) -> tuple[float, float]:
    if error_a is None or error_b is None:
        raise RequestError("test_set_size: found one error rate; expected two, error_a and error_b")
    check_shares(error_a=[error_a], error_b=[error_b])
    if error_a == error_b:
        raise RequestError(f"error_b: found {error_b:g}, the same as error_a; expected two rates that differ")
    return error_a, error_b


def discordance_of(one: float, other: float, given: float | None) -> float:
    """The share of cases that exactly one gets wrong; by default as if they erred independently."""
    least, most = abs(one - other), min(one + other, 2.0 - one - other)
    found = one * (1.0 - other) + other * (1.0 - one) if given is None else given
    if not least - 1e-12 <= found <= most + 1e-12:
        raise RequestError(
            f"discordance: found {found:g}; error rates of {one:g} and {other:g} have one from {least:g} to {most:g}"
        )
    return found


def design_effect(cluster_size: float, correlation: float) -> float:
    if not (math.isfinite(cluster_size) and cluster_size >= 1.0):
        raise RequestError(f"cluster_size: found {cluster_size:g}; expected a number of cases of 1 or more")
    if not 0.0 <= correlation <= 1.0:
        raise RequestError(f"correlation: found {correlation:g}; expected a share from 0 to 1, such as 0.3")
    return 1.0 + (cluster_size - 1.0) * correlation


def check_shares(**named: Sequence[float]) -> None:
    for name, values in named.items():
        for value in values:
            if not 0.0 < value < 1.0:
                raise RequestError(f"{name}: found {value:g}; expected a share between 0 and 1, such as 0.05 for 5 %")
