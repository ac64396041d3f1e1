"""requirement: the data that a target needs, and what that takes in parameters, compute, hours, money and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from forecaster.inference.posterior import Posterior, expect_posterior
from forecaster.prediction import requirement as sizes
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.requirement import Requirement
from forecaster.resources.needs import with_resources
from forecaster.resources.prices.costs import Costs
from forecaster.resources.prices.costs_file import read_costs
from forecaster.results.check import Check
from forecaster.results.columns import LEVEL


def requirement(
    posterior: Posterior,
    target: float | Sequence[float],
    *,
    limit: float | None = None,
    horizon: float | None = None,
    kind: str | None = None,
    level: float = LEVEL,
    seed: int = 0,
    curves: Sequence[CurveKey | str] | None = None,
    checks: tuple[Check, ...] = (),
    record: bool = True,
    costs: str | Path | Costs | Mapping[str, Any] | None = None,
    start: date | None = None,
) -> Requirement:
    """How much data each curve needs for a target error, and the probability that no amount will do.

    Each posterior draw is one whole curve (law and drift, given the measurements), searched from the group's smallest
    measured size to the horizon for the first size at which it is at or below the target. A size between two measured
    ones counts only if the curve is at or below the target at the larger of the two as well.

    Parameters
    ----------
    posterior : Posterior
        What :func:`~forecaster.fit` gave.
    target : float or sequence of float
        Errors to reach, in the unit of the error.
    limit : float, optional
        A size; the result gives the probability that it is enough.
    horizon : float, optional
        The largest size searched; by default 1,000 times the largest measured one, or the limit where
        that is larger.
    kind : {"mean", "new-run", "new-cases"}
        What is to reach the target: the average run, one single run (as good or bad at every size), or the average run
        on the population that the test set was drawn from. By default the last where ``n_test`` is known, else the
        first.
    level : float
        Probability inside the interval of the size needed, between 0 and 1.
    seed : int
        The same seed gives the same numbers.
    curves : sequence, optional
        Curves asked about: keys, labels (``domain/task/architecture``) or architectures. By default all measured ones.
    checks : tuple of Check
        Verdicts to carry along.
    record : bool
        Say how forecasts of these curves did when their largest sizes were hidden, where the posterior knows.
    costs : path, Costs or mapping, optional
        The price list of :func:`~forecaster.decide`: what the data costs, and the day on which it is trained.
    start : date, optional
        The day on which it is ordered; by default today.

    Returns
    -------
    Requirement
        One row per curve and target; quantiles are sizes, infinite where the answer is never. ``resources`` has them in
        parameters, FLOPs, hours, money and dates, as far as the table (``params`` of best models, ``compute``,
        ``gpu_hours``, ``seconds``) and the price list say.

    Raises
    ------
    RequestError
        A target, limit or horizon that is not a positive number, a limit beyond the horizon, a level outside (0, 1), an
        unknown kind or curve.
    CostsError
        A price list that cannot be used.

    Examples
    --------
    >>> import forecaster
    >>> need = forecaster.requirement(posterior, 0.02, limit=12_000)
    >>> bool(need.table["p_never"].between(0, 1).all())
    True
    """
    expect_posterior(posterior)
    options: dict[str, Any] = {"limit": limit, "horizon": horizon, "kind": kind, "level": level, "seed": seed}
    found = sizes.requirement(posterior, target, **options, curves=curves, checks=checks, record=record)
    names = dict.fromkeys(found.table["architecture"])
    prices = None if costs is None else read_costs(costs, names)
    return with_resources(found, prices, start or date.today(), seed)
