"""downstream: the error rate of a task at a loss, or at a size; and whether the task follows its loss at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from forecaster._support.streams import stream
from forecaster.curves.learning_curves import Group, LearningCurves
from forecaster.errors import RequestError
from forecaster.inference.posterior import Posterior
from forecaster.links import prose
from forecaster.links.fit import DRAWS, FittedLink, fit_link
from forecaster.links.following import following, highest
from forecaster.links.pairs import Pairs, pairs_of
from forecaster.links.rows import FIT, LINK, link_row, parameter_rows, row_at_loss, rows_at_sizes, run_rows
from forecaster.links.trust import trust
from forecaster.prediction.curve_keys import CurveKey
from forecaster.results.check import Check
from forecaster.results.columns import (
    ARCHITECTURE,
    DOMAIN,
    GIVEN_LEVEL,
    LEVEL,
    TASK,
    Column,
    Columns,
    declared,
    interval,
)
from forecaster.results.message import Message, joined
from forecaster.results.result import Result, Shown

LOSSES_BELOW = (0.0, 0.25, 0.5)  # of the range of measured losses below the lowest, where no losses are given
RATE = "error"
GUESSING_MARGIN = 0.05  # by which runs that guess may err more often than guessing: biased answers


@dataclass(frozen=True, eq=False, repr=False)
class Downstream(Result):
    """Error rates at losses or sizes; the verdict on each task in ``links``. ``fits`` holds the draws of each link."""

    links: pd.DataFrame = field(default_factory=pd.DataFrame)
    parameters: pd.DataFrame = field(default_factory=pd.DataFrame)
    runs: pd.DataFrame = field(default_factory=pd.DataFrame)
    messages: tuple[Message, ...] = ()
    fits: Mapping[Group, FittedLink] = field(default_factory=dict)

    command = "downstream"
    columns = declared(
        table=Columns(
            "a task and loss, or size of an architecture",
            DOMAIN,
            TASK,
            Column("architecture", "name", "whose loss is forecast", key=True, optional=True),
            Column("n", "size", "training-set size at which it is", key=True, optional=True),
            Column("loss", "number", "the loss: as given, or the median of its forecast", key=True),
            Column("loss_lower", "number", "ends of the interval of its forecast", optional=True, bound="lower"),
            Column("loss_upper", "number", "ends of the interval of its forecast", optional=True, bound="upper"),
            interval("yhat", RATE, "error rate, the average over runs: posterior median and equal-tailed interval"),
            Column("run_lower", RATE, "what one run may show on the test set: ends of its interval"),
            Column("run_upper", RATE, "what one run may show on the test set: ends of its interval"),
            GIVEN_LEVEL,
            Column("below", "number", "how far the loss lies below the lowest measured, in ranges of measured losses"),
            Column("verdict", "text", "whether the task follows its loss"),
        ),
        links=Columns(
            "a task",
            DOMAIN,
            TASK,
            Column("verdict", "text", "`follows`, `does not follow its loss` or `cannot tell`"),
            Column("why", "text", "the part of the rule that said so", terminal=False),
            Column("runs", "count", "runs with both a loss and an error rate"),
            Column("unmatched", "count", "error rates without a loss, left out", terminal=False),
            Column("hidden", "count", "runs of lowest loss that were hidden from the link and foretold"),
            Column("inside", "share", "of these, inside their intervals"),
            Column("surprise", "chance", "that runs of the link itself lie as far off as the hidden ones"),
            Column("gain", "number", "log score of the link, minus that of a constant or a guess, on hidden runs"),
            Column("order", "number", "rank correlation of loss and error over all runs"),
            Column("order_chance", "chance", "of as much without a connection", terminal=False),
            Column("explained", "share", "of the variance beyond sampling noise, by the link of all runs"),
            Column("moved_chance", "chance", "that test cases alone make errors differ as much", terminal=False),
            Column("reach", "number", "how far hidden runs lay below the others, in ranges of these", terminal=False),
            Column("k", "number", "shape of the importance weights, the largest of the task's fits", terminal=False),
            Column("ess", "number", "effective sample size of the link's draws", terminal=False),
        ),
        parameters=Columns(
            "a task and parameter of its link",
            DOMAIN,
            TASK,
            Column("parameter", "text", "`floor`, `ceiling`, `midpoint`, `width` or `scatter`", key=True),
            interval("value", "number", "posterior median and equal-tailed interval"),
            GIVEN_LEVEL,
            Column("prior", "text", "what was assumed before"),
            Column("source", "text", "why"),
        ),
        runs=Columns(
            "a run",
            DOMAIN,
            TASK,
            ARCHITECTURE,
            Column("n", "size", "training-set size", key=True),
            Column("loss", "number", "its loss"),
            Column("error", RATE, "its error rate"),
            Column("hidden", "flag", "whether it was hidden from the link that foretold it"),
            interval("foretold", RATE, "of a hidden run: median and interval of what it may show"),
        ),
    )

    def shown(self, most: int) -> Sequence[Shown]:
        """Verdicts, then error rates."""
        known = self.columns["links"]
        names = [column.name for column in known if column.terminal]
        links: Any = self.links
        return [
            Shown(links[names], known.pick(*names)),
            Shown(self.table, self.columns["table"], "Error rates:"),
        ]


def downstream(
    errors: LearningCurves,
    loss: LearningCurves | Posterior | str,
    at: Sequence[float] = (),
    *,
    at_n: Sequence[float] = (),
    curves: Sequence[CurveKey | str] | None = None,
    chance: float | Mapping[str, float] | None = None,
    level: float = LEVEL,
    seed: int = 0,
    as_they_are: bool = False,
    checks: tuple[Check, ...] = (),
) -> Downstream:
    """The error rate of a task at a loss, by a link fitted to runs with both; and whether the task follows its loss.

    Parameters
    ----------
    errors : LearningCurves
        Error rates of one task or several, shares of cases from 0 to 1; ``n_test`` makes known what is sampling noise.
    loss : str, LearningCurves or Posterior
        A column of the errors' table; or the losses of the same runs, matched by domain, architecture, n and, where
        both have them, params, seed and compute; or the posterior of these losses, which sizes ``at_n`` need.
    at : sequence of float
        Losses. By default, without ``at_n``, the lowest measured one and two below it.
    at_n : sequence of float
        Training-set sizes whose loss is forecast; its draws are carried through those of the link.
    curves : sequence, optional
        Of the losses: architectures, labels or keys that ``at_n`` is about; by default all.
    chance : float or mapping, optional
        Error rate of guessing, such as 0.75 for four choices; for all tasks, or by task. Learned where not given.
    level : float
        Probability inside each interval.
    seed : int
        The same seed gives the same numbers.
    as_they_are : bool
        Take error rates that rise as the loss falls, as they are.
    checks : tuple of Check
        Verdicts to carry along.

    Returns
    -------
    Downstream
        ``table`` has a row per task and loss or size, ``links`` the verdict on each task.

    Raises
    ------
    RequestError
        Runs that cannot be matched, too few of them, sizes without a posterior, a number out of range.

    Examples
    --------
    >>> import forecaster
    >>> errors = forecaster.read_curves("tasks.csv", columns={"error": "acc"}, score="accuracy")  # doctest: +SKIP
    >>> forecaster.downstream(errors, "loss", [2.1, 1.9], chance=0.75).links["verdict"]  # doctest: +SKIP
    """
    _check(at, at_n, loss, level)
    posterior = loss if isinstance(loss, Posterior) else None
    given = posterior.curves if posterior is not None else loss
    assert not isinstance(given, Posterior)
    tasks = pairs_of(errors, given, as_they_are=as_they_are)
    links, parameters, runs, rows, fits, said = [], [], [], [], {}, []
    for one in tasks:
        guess = _chance(chance, one)
        label = "/".join(one.group)
        draws = posterior.draws if posterior is not None and len(at_n) else DRAWS
        fitted = fit_link(one.runs, guess, stream(label, seed, LINK), draws)
        evidence = following(one.runs, guess, fitted, stream(label, seed, FIT), level)
        asked = [row_at_loss(one, fitted, value, level, seed) for value in _losses(at, at_n, one)]
        if posterior is not None:
            asked += rows_at_sizes(posterior, one, fitted, at_n, curves, level, seed)
        links.append(link_row(one, fitted, evidence))
        rows += [row | {"verdict": evidence.verdict} for row in asked]
        parameters += parameter_rows(one, fitted, level)
        runs.append(run_rows(one, evidence))
        fits[one.group] = fitted
        said.append(prose.said(links[-1], asked, level))
    table, found = _in_order(rows), pd.DataFrame(links)
    text = joined([*said, prose.covers(level)], "\n")
    return Downstream(
        table,
        text,
        (*trust(table, found), *checks),
        found,
        pd.DataFrame(parameters),
        pd.concat(runs, ignore_index=True),
        tuple(said),
        fits,
    )


def _in_order(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """The rows with the declared columns that any of them has; a loss that was given is its own interval."""
    table: Any = pd.DataFrame(rows)
    for end in (name for name in ("loss_lower", "loss_upper") if name in table):
        table[end] = table[end].fillna(table["loss"])
    if "architecture" in table:
        table["architecture"] = table["architecture"].fillna("")
    return table[[name for name in Downstream.columns["table"].names if name in table]]


def _check(at: Sequence[float], at_n: Sequence[float], loss: object, level: float) -> None:
    for name, values, such in (("at", at, "losses, such as 2.1"), ("at_n", at_n, "sizes above 0, such as 1e9")):
        wrong = [v for v in values if not np.isfinite(v) or (name == "at_n" and v <= 0)]
        if wrong:
            raise RequestError(f"{name}: found {wrong[0]:g}; expected {such}")
    if len(at_n) and not isinstance(loss, Posterior):
        raise RequestError("at_n: found sizes, and no forecast of the loss; expected loss=forecaster.fit(losses)")
    if not 0 < level < 1:
        raise RequestError(f"level: found {level:g}; expected a share between 0 and 1, such as 0.8")


def _chance(chance: float | Mapping[str, float] | None, one: Pairs) -> float | None:
    """The error rate of guessing at a task; RequestError where errors say that it is an accuracy."""
    found = chance.get(one.group[1]) if isinstance(chance, Mapping) else chance
    if found is None:
        return None
    if not 0 < found <= 1:
        raise RequestError(f"chance: found {found:g}; expected an error rate above 0, such as 0.75 for four choices")
    worst = float(one.runs.error[highest(one.runs.loss)].mean())
    if worst > found + GUESSING_MARGIN:
        turned = f", or {1 - found:g} where {found:g} is its accuracy" if worst <= 1 - found + GUESSING_MARGIN else ""
        raise RequestError(
            f"chance: found {found:g} for {one.group[1]}, whose runs of highest loss err more often, {worst:.3g} on "
            f"average; expected the error rate of guessing: leave it out, so that it is learned{turned}"
        )
    return float(found)


def _losses(at: Sequence[float], at_n: Sequence[float], one: Pairs) -> list[float]:
    if len(at) or len(at_n):
        return [float(v) for v in at]
    low, spread = float(one.runs.loss.min()), float(np.ptp(one.runs.loss))
    return [float(f"{low - share * spread:.4g}") for share in LOSSES_BELOW]
