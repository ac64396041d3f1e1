"""triage: what keeps the error up, bias, variance, data mismatch or over-use of the dev set, and what would help.

The numbers are those of one trained model. What they vary by from run to run is not in any interval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from forecaster.errors import OptionError, RequestError
from forecaster.inference.posterior import Posterior, expect_posterior
from forecaster.ladders import actions as deeds
from forecaster.ladders import prose
from forecaster.ladders.gaps import VARIANCE, Gap, gaps_of, p_largest
from forecaster.ladders.more_data import MORE_DATA, curve_of, with_more_data
from forecaster.ladders.rung import DEV, HUMAN, TEST, TRAIN, TRAIN_DEV, Given, Rung, rung_of
from forecaster.results.columns import GIVEN_LEVEL, LEVEL, Column, Columns, declared, interval
from forecaster.results.message import joined
from forecaster.results.result import Result, Shown

RANGE_LEVEL = 0.99  # level of the ranges of an unseen error and of the curve there, which meet if they are of one error


@dataclass(frozen=True, eq=False, repr=False)
class Triage(Result):
    """The rungs of the ladder with the gaps below them, and what they speak for."""

    actions: pd.DataFrame = field(default_factory=pd.DataFrame)
    more_data: pd.DataFrame = field(default_factory=pd.DataFrame)
    stays: Mapping[str, float] = field(default_factory=dict)

    command = "triage"
    columns = declared(
        table=Columns(
            "a rung",
            Column("rung", "text", "`human`, `train`, `train-dev`, `dev` or `test`", key=True),
            interval("error", "error", "the error that was measured, and what it may be on all such cases"),
            Column("cases", "count", "cases that it was measured on; `inf`: taken as exact"),
            Column("cause", "text", "what lies between this rung and the one before; null on the first"),
            interval("gap", "error", "how much higher than the rung before: median and equal-tailed interval"),
            Column("p_positive", "chance", "chance that it is higher at all"),
            Column("p_largest", "chance", "chance that this gap is the largest"),
            GIVEN_LEVEL,
        ),
        actions=deeds.TABLE,
        more_data=MORE_DATA,
    )
    keys = declared(
        stays="with a curve and a human error: the bias that stays however much data, floor minus human error, as "
        "`median`, `lower`, `upper` and the chance `p_positive`; else empty"
    )

    def shown(self, most: int) -> tuple[Shown, ...]:
        """The ladder; the actions; what more data would do, where a curve was given."""
        found = [Shown(self.table, self.columns["table"]), Shown(self.actions, self.columns["actions"])]
        if len(self.more_data):
            caption = "What the learning curve says of more data:"
            found.append(Shown(self.more_data, self.columns["more_data"], caption))
        return tuple(found)


def triage(
    *,
    human: Given | None = None,
    train: Given | None = None,
    train_dev: Given | None = None,
    dev: Given | None = None,
    test: Given | None = None,
    matter: float = 0.0,
    posterior: Posterior | None = None,
    architecture: str | None = None,
    n: float | None = None,
    level: float = LEVEL,
    seed: int = 0,
) -> Triage:
    """What keeps the error of a trained model up, and what would lower it.

    Each error is a rate (``0.08``, taken as exact), a rate and its number of cases (``(0.08, 2000)`` or
    ``"0.08:2000"``), wrong cases of all (``"160/2000"``), or a mean loss with its sd over cases and their number
    (``(2.31, 1.2, 2000)``). Any may be left out; two or more are needed.

    Parameters
    ----------
    human : str, float or sequence of float, optional
        The best that is known, such as the error of the best people: what no model is expected to be better than.
    train : optional
        On the training cases.
    train_dev : optional
        On unseen cases from the distribution of the training data.
    dev : optional
        On unseen cases from the distribution that matters, by which choices were made.
    test : optional
        On cases like those, by which none were.
    matter : float
        Gaps up to this speak for nothing.
    posterior : Posterior, optional
        Of learning curves of this error: says how far more data would lower it.
    architecture : str, optional
        Which of its curves.
    n : float, optional
        Size of the training set behind these errors; by default the curve's largest.
    level : float
        Probability inside the intervals.
    seed : int
        The same seed gives the same numbers.

    Returns
    -------
    Triage
        A row a rung; ``actions`` has a row for each thing that could be done.

    Raises
    ------
    OptionError
        A rate that is none, fewer than two rungs, rates beside losses, a level outside (0, 1); ``n`` or
        ``architecture`` without a posterior.
    RequestError
        A posterior of several curves without ``architecture``, or of errors of another kind.

    Notes
    -----
    Cases are taken as independent draws, different for each rung. The spread from training run to training run is not
    in the intervals; the training error is of cases that were fitted, which flatters it.

    Examples
    --------
    >>> import forecaster
    >>> found = forecaster.triage(human=0.01, train="800/10000", dev=(0.10, 2000))
    >>> found.table["cause"].tolist()[1:]
    ['avoidable bias', 'variance or data mismatch']
    >>> found.actions["action"].iloc[0], found.actions["verdict"].iloc[0]
    ('a bigger model, or longer training', 'supported')
    """
    given = {HUMAN: human, TRAIN: train, TRAIN_DEV: train_dev, DEV: dev, TEST: test}
    rungs = _rungs(given)
    _check(matter, posterior, architecture, n, level)
    gaps = gaps_of(rungs, seed)
    table = _table(rungs, gaps, level)
    deed = deeds.actions(gaps, matter)
    ahead, stays, apart = pd.DataFrame(columns=list(MORE_DATA.names)), {}, None
    if posterior is not None:
        key = curve_of(posterior, architecture, rates=not any(rung.of_loss for rung in rungs))
        gap = next((gap.draws for gap in gaps if VARIANCE in gap.kinds), None)
        ahead, now, floor = with_more_data(posterior, key, n, gap, level, seed)
        if rungs[0].name == HUMAN:
            stays = _stays(floor, rungs[0], level, seed)
        apart = _apart(now, rungs)
    said = prose.said(table, deed, ahead, stays, rungs, apart)
    return Triage(table, joined(said, "\n"), (), deed, ahead, stays)


def _rungs(given: Mapping[str, Given | None]) -> list[Rung]:
    rungs = [rung_of(name, value) for name, value in given.items() if value is not None]
    if len(rungs) < 2:
        found = rungs[0].name if rungs else "none"
        raise OptionError(
            f"triage: found {found}; expected two errors or more of {', '.join(given)}, such as --human 0.01 "
            "--train 0.08:10000 --dev 0.10:2000"
        )
    losses = [rung.name for rung in rungs if rung.of_loss]
    rates = [rung.name for rung in rungs if rung.sd is None and np.isfinite(rung.cases)]
    if losses and rates:
        raise OptionError(
            f"triage: found losses ({', '.join(losses)}) beside rates of cases ({', '.join(rates)}); expected one "
            "kind: of a loss the mean, the sd over cases and the cases, such as 2.31:1.2:2000"
        )
    return rungs


def _check(matter: float, posterior: Any, architecture: str | None, n: float | None, level: float) -> None:
    if not 0.0 < level < 1.0:
        raise OptionError(f"level: found {level:g}; expected a share between 0 and 1, such as 0.8")
    if not 0.0 <= matter < np.inf:
        raise OptionError(f"matter: found {matter:g}; expected a difference of errors of 0 or more, such as 0.005")
    if posterior is None:
        lonely = [name for name, value in (("architecture", architecture), ("n", n)) if value is not None]
        if lonely:
            raise OptionError(f"{lonely[0]}: found no curves that it belongs to; expected a posterior or a table too")
        return
    expect_posterior(posterior)
    if n is not None and not 0.0 < n < np.inf:
        raise RequestError(f"n: found {n:g}; expected a training-set size above 0")


def _table(rungs: list[Rung], gaps: list[Gap], level: float) -> pd.DataFrame:
    largest = p_largest(gaps)
    rows: list[dict[str, Any]] = []
    for i, rung in enumerate(rungs):
        low, high = rung.interval(level)
        row: dict[str, Any] = {"rung": rung.name, "error": rung.error, "error_lower": low, "error_upper": high}
        row |= {"cases": rung.cases, "cause": None, "gap": np.nan, "gap_lower": np.nan, "gap_upper": np.nan}
        row |= {"p_positive": np.nan, "p_largest": np.nan, "level": level}
        if i:
            drawn = gaps[i - 1].draws
            row |= {"cause": gaps[i - 1].name} | _quantiles("gap", drawn, level)
            row |= {"p_positive": float(np.mean(drawn > 0.0)), "p_largest": float(largest[i - 1])}
        rows.append(row)
    return pd.DataFrame(rows, columns=list(Triage.columns["table"].names))


def _apart(now: np.ndarray, rungs: list[Rung]) -> tuple[str, float, float] | None:
    """The unseen error's name, value and the curve's there, where the two ranges have nothing in common."""
    unseen = next((rung for name in (TRAIN_DEV, DEV, TEST) for rung in rungs if rung.name == name), None)
    if unseen is None:
        return None
    low, high = unseen.interval(RANGE_LEVEL)
    below, above = np.quantile(now, [0.5 - RANGE_LEVEL / 2, 0.5 + RANGE_LEVEL / 2])
    return None if low <= above and below <= high else (unseen.name, unseen.error, float(np.median(now)))


def _stays(floor: np.ndarray, human: Rung, level: float, seed: int) -> dict[str, float]:
    left = floor - human.draws(np.random.default_rng([seed, 47]), len(floor))
    median, low, high = _quantiles("", left, level).values()
    return {"median": median, "lower": low, "upper": high, "p_positive": float(np.mean(left > 0.0))}


def _quantiles(name: str, draws: np.ndarray, level: float) -> dict[str, float]:
    middle, low, high = np.quantile(draws, [0.5, 0.5 - level / 2, 0.5 + level / 2])
    return {name: float(middle), f"{name}_lower": float(low), f"{name}_upper": float(high)}
