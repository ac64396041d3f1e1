"""decide: what to buy, given what data, training, running and errors cost.

Options, doing nothing among them, are weighed on the posterior draws that forecasts and requirements summarise: the
error of an option is the forecast at its size, and its chance of the target that of the requirement within that size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from forecaster.curves.learning_curves import LearningCurves
from forecaster.decisions import prose
from forecaster.decisions.cases.value import numbers_of_cases, worth_of_cases
from forecaster.decisions.decision import Decision
from forecaster.decisions.loss import Value
from forecaster.decisions.ordering import orders
from forecaster.decisions.ordering.plan import plan_of
from forecaster.decisions.outcome import deadline_of, options_table, worth_of_choice
from forecaster.decisions.question import Question
from forecaster.decisions.weighing import CheckedQuestion, asked_of, chosen_of, fitted, weighed
from forecaster.inference.posterior import Posterior
from forecaster.inference.units import units_of
from forecaster.prediction.curve_keys import CurveKey
from forecaster.resources.prices.costs import Costs
from forecaster.results.check import Check
from forecaster.results.columns import LEVEL
from forecaster.results.message import joined


def decide(
    posterior: Posterior | LearningCurves,
    costs: str | Path | Costs | Mapping[str, Any],
    at: Sequence[float] = (),
    *,
    target: float | None = None,
    penalty: float | None = None,
    value_per_point: float | None = None,
    cost_per_mistake: float | None = None,
    volume: float | None = None,
    budget: float | None = None,
    risk: float | None = None,
    attitude: str = "mean",
    rounds: int = 1,
    test_cases: Sequence[float] = (),
    kind: str | None = None,
    level: float = LEVEL,
    start: date | None = None,
    seed: int = 0,
    curves: Sequence[CurveKey | str] | None = None,
    checks: tuple[Check, ...] = (),
) -> Decision:
    """What to buy: each option's cost, error, chance of the target and loss, and the best one.

    An option is an architecture trained at a size; items beyond what is owned are bought. Doing nothing is one, too.
    Its loss is what is paid, what its answers cost, and what its error costs. What an error costs is said in one of
    three ways: ``penalty`` (lost where the ``target`` is missed), ``value_per_point``, or ``cost_per_mistake`` with
    ``volume``. Without one, a ``risk`` asks for the cheapest option that misses the target no more often, and a
    ``budget`` alone for the lowest error that it buys.

    Parameters
    ----------
    posterior : Posterior or LearningCurves
        What :func:`~forecaster.fit` gave, about one (domain, task); curves are fitted first.
    costs : path, Costs or mapping
        The price list: ``costs.toml``, or its keys in a dictionary.
    at : sequence of float
        Training-set sizes that are options; by default multiples of what is owned, what the target needs at the usual
        risks, and the best size found.
    target : float, optional
        Error to reach, in the unit of the errors. It is reached by a size where the data that it needs is no more.
    penalty : float, optional
        Money lost where the target is missed.
    value_per_point : float, optional
        Money for each point of error: a percentage point where errors are shares, else one unit.
    cost_per_mistake, volume : float, optional
        Money for each mistake, and answers that the model will give; errors are then shares of cases. ``volume`` also
        counts for the price of answers.
    budget : float, optional
        The most that may be paid for an option.
    risk : float, optional
        Accepted chance of missing the target, between 0 and 1, in place of a penalty.
    attitude : {"mean", "cvar", "regret"}
        The best option has the lowest mean loss; the lowest mean loss of the worst tenth of cases (CVaR); or the lowest
        mean regret of the worst tenth (minimax regret that does not hang on a single draw).
    rounds : int
        Orders that may follow one another, each after a measurement at the size bought so far.
    test_cases : sequence of float
        Numbers of test cases to weigh, where the price list has ``per_test_item``; kind ``new-cases``.
    kind : {"mean", "new-run", "new-cases"}, optional
        Whose error counts, as in :func:`~forecaster.forecast`; by default new cases where ``n_test`` is known.
    level : float
        Probability inside each interval.
    start : date, optional
        The day on which orders are placed; by default today.
    seed : int
        The same seed gives the same numbers.
    curves : sequence, optional
        Curves that are options: keys, labels or architectures. By default all of the task.
    checks : tuple of Check
        Verdicts to carry along.

    Returns
    -------
    Decision
        ``table`` has a row per option; ``recommendation``, ``plan``, ``evpi``, break-evens and ``flips_when`` beside.

    Raises
    ------
    RequestError
        No value of an error, or several; more than one task; a number out of range.
    CostsError
        A price list that cannot be used.

    Examples
    --------
    >>> import forecaster
    >>> costs = {"currency": "EUR", "per_item": 1.0}
    >>> found = forecaster.decide(posterior, costs, [2_400, 12_000], target=0.01, penalty=20_000)
    >>> found.recommendation.id in ("buy", "do-not-buy")
    True
    """
    value = Value(target, penalty, value_per_point, cost_per_mistake, volume)
    sizes = tuple(float(n) for n in at)
    cases = tuple(float(n) for n in test_cases)
    question = Question(
        value, sizes, budget, risk, attitude, rounds, cases, kind or "mean", level, start or date.today(), seed
    )
    question.check()
    return _decided(asked_of(fitted(posterior, seed), costs, question, kind=kind, curves=curves), checks)


def _decided(asked: CheckedQuestion, checks: tuple[Check, ...]) -> Decision:
    """The answer to a question that was checked."""
    posterior, costs, question, owned = asked.posterior, asked.costs, asked.question, asked.owned
    found = weighed(asked)
    offers, needed, within = found.offers, found.needed, found.within
    chosen, reason = chosen_of(offers, question)
    extra: dict[str, Any] = {}
    if question.value.priced:
        extra |= worth_of_choice(offers, costs, question, chosen)
    if needed is not None:
        risks = [*orders.RISKS, *([] if question.risk is None else [question.risk])]
        extra["lowest_risk"] = orders.lowest_risk(needed, within)
        extra["orders"] = orders.orders_table(needed, costs, owned, within, risks)
    if costs.per_test_item is not None and question.value.priced and question.kind == "new-cases":
        numbers = numbers_of_cases(posterior, asked.keys, question.test_cases)
        extra["test_cases"] = worth_of_cases(posterior, offers, costs, numbers, kind=question.kind, seed=question.seed)
    if costs.deadline is not None:
        extra["deadline"] = deadline_of(costs.deadline, offers.options[chosen], question.today)
    plan = plan_of(posterior, costs, offers, needed, owned, within, question) if question.rounds > 1 else None
    table, units = options_table(offers, chosen, question, costs), units_of(posterior, asked.group)
    messages = prose.messages(prose.DecisionFacts(offers, chosen, reason, table, units, costs, question, plan, extra))
    return Decision(
        table,
        joined(messages, "\n"),
        (*checks, *found.checks),
        messages=messages,
        recommendation=messages[0],
        plan=None if plan is None else asdict(plan),
        asked={"currency": costs.currency, "owned": owned, **question.told()},
        posterior=posterior,
        **extra,
    )
