"""Weighing: the options of a question, with their draws, and which of them is to be chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from forecaster.curves.learning_curves import Group, LearningCurves
from forecaster.decisions.choice import best_of, rating_of
from forecaster.decisions.loss import rated
from forecaster.decisions.options import Offers, Option, errors_of, options_of, owned_size, reached_of
from forecaster.decisions.ordering import orders
from forecaster.decisions.question import Question, check_mistakes, check_one_task
from forecaster.errors import RequestError
from forecaster.inference.posterior import Posterior, expect_posterior
from forecaster.inference.units import units_of
from forecaster.prediction.crossings import HORIZON_FACTOR, largest_size
from forecaster.prediction.curve_keys import CurveKey, chosen_keys
from forecaster.prediction.observation import usual_kind
from forecaster.prediction.requirement import requirement
from forecaster.resources.needs import measured_hours
from forecaster.resources.prices.costs import Costs
from forecaster.resources.prices.costs_file import read_costs
from forecaster.results.check import Check

Needed = Mapping[CurveKey, np.ndarray]


@dataclass(frozen=True, eq=False)
class CheckedQuestion:
    """A question that was checked: of which curves, of one (domain, task), and at which prices."""

    posterior: Posterior
    keys: tuple[CurveKey, ...]
    costs: Costs
    question: Question

    @property
    def group(self) -> Group:
        return self.keys[0].group

    @property
    def owned(self) -> float:
        """Items owned already."""
        return owned_size(self.posterior, self.group, self.costs)

    @property
    def point(self) -> float:
        """A point of error: a percentage point where errors are shares, else one unit."""
        return 0.01 if units_of(self.posterior, self.group).percent else 1.0


@dataclass(frozen=True, eq=False)
class Weighed:
    """The options of a question with their draws.

    ``needed`` is the data that each draw of a curve needs for the target (None without one), ``within`` the largest
    size of each curve that the limits leave, ``checks`` what the requirement says of the target.
    """

    offers: Offers
    needed: Needed | None
    within: Mapping[CurveKey, float]
    checks: tuple[Check, ...]


def fitted(given: object, seed: int) -> Posterior:
    """The posterior that was given, or that of the curves given; RequestError for anything else."""
    if isinstance(given, LearningCurves):
        from forecaster.inference.cache import fit_cached

        return fit_cached(given, seed=seed)
    expect_posterior(given)
    assert isinstance(given, Posterior)
    return given


def asked_of(
    posterior: Posterior,
    costs: str | Path | Costs | Mapping[str, Any],
    question: Question,
    *,
    kind: str | None,
    curves: Sequence[CurveKey | str] | None = None,
) -> CheckedQuestion:
    """The question with its curves and prices.

    ``kind`` None is the usual one. RequestError where no curve can be forecast, for curves of several tasks and for
    mistakes of errors that are no shares; CostsError for a price list that cannot be used.
    """
    keys = chosen_keys(posterior, curves)
    if not keys:
        raise RequestError("found no curve that can be forecast; expected one at least")
    check_one_task(key.group for key in keys)
    group = keys[0].group
    measured = [*posterior.curves.curves, *(posterior.set_aside.curves if posterior.set_aside else ())]
    own = [c for c in measured if (c.domain, c.task) == group]
    prices = read_costs(costs, dict.fromkeys(c.architecture for c in own))
    if question.value.form == "mistakes":
        check_mistakes([float(c.error.max()) for c in own])
    prices = measured_hours(prices, posterior, tuple(keys), question.seed)
    return CheckedQuestion(posterior, tuple(keys), prices, replace(question, kind=kind or usual_kind(posterior, group)))


def weighed(asked: CheckedQuestion, more: Sequence[float] = ()) -> Weighed:
    """The options at the sizes asked for, or at those worth weighing, and at some ``more``."""
    question, costs, keys, owned = asked.question, asked.costs, asked.keys, asked.owned
    needed, checks = _needed(asked)
    limits = limits_of(asked)
    far = max(HORIZON_FACTOR * largest_size(asked.posterior.designs[asked.group]), owned, *question.at)
    within = {key: orders.largest_within(key, costs, owned, limits, far) for key in keys}
    sizes = [*(question.at or _sizes(asked, needed, within)), *more]
    options = options_of(asked.posterior, keys, costs, sizes, question.value.volume)
    return Weighed(_offers(asked, options, needed, limits), needed, within, checks)


def limits_of(asked: CheckedQuestion) -> orders.SpendingLimits:
    """Budget and days until the deadline."""
    deadline, question = asked.costs.deadline, asked.question
    days = np.inf if deadline is None else float((deadline - question.today).days)
    return orders.SpendingLimits(np.inf if question.budget is None else question.budget, days)


def chosen_of(offers: Offers, question: Question) -> tuple[int, str]:
    """The option to choose, and why: ``best``, ``cheapest`` at the risk, ``least-risk`` where none is so sure,
    ``lowest-error``."""
    inside, some = np.flatnonzero(offers.allowed), offers.only(offers.allowed)
    if offers.value.priced:
        return int(inside[best_of(rating_of(some, question.attitude)(1.0, 1.0))]), "best"
    if question.risk is not None:
        paid = some.cost + np.array([o.running for o in some.options])
        enough = 1.0 - some.p_target <= question.risk + 1e-12
        if enough.any():
            return int(inside[np.argmin(np.where(enough, paid, np.inf))]), "cheapest"
        idle = np.array([o.idle for o in some.options])
        return int(inside[np.argmin(np.where(idle, some.errors.mean(0), np.inf))]), "least-risk"
    return int(inside[best_of(rated(some.errors, question.attitude))]), "lowest-error"


def _needed(asked: CheckedQuestion) -> tuple[Needed | None, tuple[Check, ...]]:
    """The data that each draw of each curve needs for the target, and the checks of that requirement."""
    question = asked.question
    if question.value.target is None:
        return None, ()
    need = requirement(
        asked.posterior,
        question.value.target,
        limit=max(question.at) if question.at else None,
        kind=question.kind,
        seed=question.seed,
        curves=asked.keys,
    )
    assert need.draws is not None
    drawn = need.draws.values.reshape(-1, need.draws.shape[-1])
    return {key: drawn[:, i] for i, key in enumerate(asked.keys)}, need.checks


def _sizes(asked: CheckedQuestion, needed: Needed | None, within: Mapping[CurveKey, float]) -> list[float]:
    """The sizes that are options where none are given."""
    question, costs, keys, owned = asked.question, asked.costs, asked.keys, asked.owned
    far = max(within.values())
    if question.value.priced:
        idle = options_of(asked.posterior, keys, costs, [], question.value.volume)[: len(keys)]
        worst = _offers(asked, idle, needed).loss().max(0).min()
        limits = orders.SpendingLimits(budget=float(worst))  # what costs more than doing nothing can lose is never best
        far = min(far, max(orders.largest_within(key, costs, owned, limits, far) for key in keys))
    sizes = orders.default_sizes(owned, far, needed)
    if question.value.priced:
        reach = {key: min(n, far) for key, n in within.items()}
        best = orders.best_size(asked.posterior, keys, needed, costs, question, reach, owned=owned, point=asked.point)
        sizes += [] if best is None else [min(orders.rounded_up(best), far)]
    elif question.risk is not None and needed is not None:
        wanted = [(orders.order_for(needed[key], question.risk), within[key]) for key in keys]
        sizes += [min(orders.rounded_up(n), most) for n, most in wanted if n <= most]
    else:
        sizes += [orders.rounded_down(n) for n in within.values() if owned < n < HORIZON_FACTOR * owned]
    return sorted(n for n in set(sizes) if n > owned)


def _offers(
    asked: CheckedQuestion,
    options: tuple[Option, ...],
    needed: Needed | None,
    limits: orders.SpendingLimits = orders.NO_LIMITS,
) -> Offers:
    """The options with their draws."""
    question = asked.question
    errors = errors_of(asked.posterior, options, question.kind, question.seed)
    reached = None if needed is None else reached_of(options, needed)
    allowed = np.array([o.idle or (o.cost <= limits.budget and o.days <= limits.days) for o in options])
    return Offers(options, question.value, errors, reached, asked.point, allowed)
