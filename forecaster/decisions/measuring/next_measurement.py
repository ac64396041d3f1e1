"""next_measurement: which runs to make next, what they would teach, and whether they are worth their cost.

Candidates are ranked by a rule that needs no fit (:mod:`~forecaster.decisions.measuring.teaching`), and by the value of
their result where an error costs money (:mod:`~forecaster.decisions.measuring.sample_information`). The best three are
confirmed by fits to simulated results (:mod:`~forecaster.decisions.measuring.refits`): the rule can be too hopeful.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecaster.curves.learning_curves import LearningCurves
from forecaster.decisions.loss import PerOption, Value
from forecaster.decisions.measuring import prose
from forecaster.decisions.measuring.candidates import RUNS, Candidate, Sized, candidates_of, default_sizes
from forecaster.decisions.measuring.goal import Goal, Sought, parsed, sought
from forecaster.decisions.measuring.proposal import CANDIDATES, Proposal
from forecaster.decisions.measuring.refits import OUTCOMES, Refitted, refitted
from forecaster.decisions.measuring.sample_information import Worth, losses_given, worth_of
from forecaster.decisions.measuring.teaching import Results, simulated_results, variance_left, within_budget
from forecaster.decisions.options import Offers
from forecaster.decisions.question import Question
from forecaster.decisions.weighing import CheckedQuestion, asked_of, fitted, weighed
from forecaster.errors import RequestError
from forecaster.inference.fit import Progress
from forecaster.inference.posterior import Posterior
from forecaster.prediction.curve_keys import CurveKey, chosen_keys
from forecaster.resources.prices.costs import Costs
from forecaster.results.check import Check
from forecaster.results.columns import LEVEL
from forecaster.results.message import joined

CONFIRMED = 3  # candidates that refits confirm
TEACHES_NOTHING = 0.98  # share of the variance left from which a measurement is not worth making


@dataclass(frozen=True, eq=False)
class _Ranked:
    """Candidates within the budget, and what each teaches and is worth."""

    candidates: tuple[Candidate, ...]
    results: Results
    left: PerOption
    worth: tuple[Worth, ...] | None  # of its result
    net: tuple[float, ...] | None  # of the measurement, its cost taken off
    flips: PerOption

    @property
    def order(self) -> np.ndarray:
        """The best first."""
        standing = self.left if self.net is None else -np.array(self.net)
        return np.argsort(standing, kind="stable")


def next_measurement(
    posterior: Posterior | LearningCurves,
    goal: str,
    candidates: Sequence[Sized] = (),
    *,
    runs: Sequence[float] = RUNS,
    costs: str | Path | Costs | Mapping[str, Any] | None = None,
    target: float | None = None,
    penalty: float | None = None,
    value_per_point: float | None = None,
    cost_per_mistake: float | None = None,
    volume: float | None = None,
    budget: float | None = None,
    refits: int = OUTCOMES,
    kind: str | None = None,
    level: float = LEVEL,
    seed: int = 0,
    curves: Sequence[CurveKey | str] | None = None,
    checks: tuple[Check, ...] = (),
    on_progress: Progress | None = None,
) -> Proposal:
    """Which runs to make next, for a forecast, a data requirement or a choice among architectures.

    Without a value of an error the best candidate leaves the least variance of what is asked. With one (as in
    :func:`~forecaster.decide`, and with costs) it has the largest expected net benefit, and where none has any the
    answer is to stop.

    Parameters
    ----------
    posterior : Posterior or LearningCurves
        What :func:`~forecaster.fit` gave, about one (domain, task); curves are fitted first.
    goal : str
        ``forecast:SIZE``, the error at that size; ``requirement:ERROR``, the data that error needs; or
        ``choice:SIZE``, which architecture is best there.
    candidates : sequence of float or (str, float)
        Sizes at which runs are possible, for every architecture or for the one named; by default a half, one, two and
        four times what is owned.
    runs : sequence of whole numbers
        Numbers of runs of a candidate.
    costs : path, Costs or mapping, optional
        The price list, as in :func:`~forecaster.decide`. Without one a candidate costs the items it trains on.
    target, penalty, value_per_point, cost_per_mistake, volume : float, optional
        What an error costs, as in :func:`~forecaster.decide`; the target of ``requirement:ERROR`` is that error.
    budget : float, optional
        The most that measurements may cost. Without a value of an error, further picks use up what is left.
    refits : int
        Simulated results that are fitted for each of the best three candidates; 0 for none.
    kind : {"mean", "new-run", "new-cases"}, optional
        Whose error counts, as in :func:`~forecaster.forecast`; by default new cases where ``n_test`` is known.
    level : float
        Probability inside the interval whose width is told.
    seed : int
        The same seed gives the same numbers.
    curves : sequence, optional
        Curves that are asked about: keys, labels or architectures. All of their task can be measured.
    checks : tuple of Check
        Verdicts to carry along.
    on_progress : callable, optional
        Called with a sentence and the share done, between 0 and 1.

    Returns
    -------
    Proposal
        ``table`` has a row per candidate; ``pick`` is the row to measure next, ``stop`` whether to stop.

    Raises
    ------
    RequestError
        A goal or number out of range, curves of several tasks, a value of an error without costs.
    CostsError
        A price list that cannot be used.

    Examples
    --------
    >>> import forecaster
    >>> found = forecaster.next_measurement(posterior, "forecast:12000", [2_400, 4_800], refits=0)
    >>> bool(0 <= found.table["var_left"].min() <= 1)
    True
    """
    wanted = parsed(goal)
    value = Value(_target(wanted, target, penalty), penalty, value_per_point, cost_per_mistake, volume)
    _check(value, costs, budget, refits)
    at = () if wanted.form == "requirement" else (wanted.at,)
    question = Question(value, kind=kind or "mean", level=level, seed=seed)
    question.check_numbers()
    asked = asked_of(fitted(posterior, seed), costs or {}, question, kind=kind, curves=curves)
    posterior = asked.posterior
    all_keys = tuple(key for key in chosen_keys(posterior, None) if key.group == asked.group)
    sizes = list(candidates) or default_sizes(asked.owned, wanted.size)
    offered = candidates_of(all_keys, sizes, runs, None if costs is None else asked.costs, asked.owned)
    some = tuple(c for c in offered if budget is None or c.cost <= budget)
    quantity = sought(posterior, wanted, asked.keys, asked.question.kind, seed)
    ranked = _ranked(asked, some, quantity, at)
    worthless = ranked.net is not None and max(ranked.net, default=0.0) <= 0.0
    best = ranked.order[: 0 if worthless or not refits else CONFIRMED]
    confirmed: dict[int, Refitted] = {}
    if len(best):
        chosen = [some[i] for i in best]
        options: dict[str, Any] = {"outcomes": refits, "level": level, "seed": seed, "on_progress": on_progress}
        again = refitted(posterior, chosen, ranked.results[:, best], quantity, **options)
        confirmed = {int(i): one for i, one in zip(best, again, strict=True) if one is not None}
    picks = _picks(ranked, quantity, confirmed, budget)
    table = _table(ranked, quantity, confirmed, picks, level)
    currency = asked.costs.currency if costs is not None else ""
    said = prose.messages(posterior, quantity, table, currency, level)
    about = " or ".join(key.architecture for key in quantity.keys)
    told = {"goal": str(wanted), "architecture": about, "level": level, "currency": currency, "owned": asked.owned}
    told |= asked.question.told() | {"budget": budget}
    return Proposal(table, joined(said, "\n"), checks, said, not picks, told, posterior)


def _target(goal: Goal, target: float | None, penalty: float | None) -> float | None:
    """The target of a penalty: that given, else the error whose requirement is asked."""
    if target is None and penalty is not None and goal.form == "requirement":
        return goal.at
    return target


def _check(value: Value, costs: object, budget: float | None, refits: int) -> None:
    if value.priced and costs is None:
        raise RequestError(
            "found a value of an error without costs; expected a price list too: --costs costs.toml, which "
            "`forecaster decide --template` writes to fill in"
        )
    if budget is not None and not 0 <= budget < np.inf:
        raise RequestError(f"budget: found {budget:g}; expected an amount from 0 up, such as 5000")
    if refits < 0:
        raise RequestError(f"refits: found {refits}; expected a whole number from 0, such as 16")


def _ranked(asked: CheckedQuestion, some: tuple[Candidate, ...], quantity: Sought, at: tuple[float, ...]) -> _Ranked:
    seed = asked.question.seed
    results = simulated_results(asked.posterior, some, seed)
    left = variance_left(quantity.scores(quantity.values), results)
    if asked.question.value.priced:
        own = [c.n for c in some if c.n > asked.owned]
        offers = weighed(asked, [*own, *(n for n in at if n > asked.owned)]).offers
        loss = offers.loss()
        given = [losses_given(results[:, i], loss) for i in range(len(some))]
        worth = tuple(worth_of(one, loss) for one in given)
        later = [worth_of(one, loss, _owned_afterwards(offers, asked, c)) for one, c in zip(given, some, strict=True)]
        net = tuple(one.gain - c.cost for one, c in zip(later, some, strict=True))
        return _Ranked(some, results, left, worth, net, np.array([one.p_flip for one in worth]))
    if quantity.errors is None:
        return _Ranked(some, results, left, None, None, np.full(len(some), np.nan))
    errors = quantity.errors
    flips = [worth_of(losses_given(results[:, i], errors), errors).p_flip for i in range(len(some))]
    return _Ranked(some, results, left, None, None, np.array(flips))


def _owned_afterwards(offers: Offers, asked: CheckedQuestion, candidate: Candidate) -> PerOption:
    """By how much each option costs less once a candidate was measured: its data is owned, its model trained."""
    costs, owned = asked.costs, asked.owned
    change = np.zeros(len(offers.options))
    for i, option in enumerate(offers.options):
        if option.idle:
            continue
        more = float(costs.order(max(option.n - max(owned, candidate.n), 0.0), already=candidate.buy))
        trained = option.key == candidate.key and abs(option.n - candidate.n) <= 1e-9 * option.n
        change[i] = more - option.items - option.fixed - (option.training if trained else 0.0)
    return change


def _picks(ranked: _Ranked, quantity: Sought, confirmed: Mapping[int, Refitted], budget: float | None) -> list[int]:
    """Positions of the candidates to measure, in order; none where it is to stop."""
    if not len(ranked.candidates):
        return []
    first = int(ranked.order[0])
    if ranked.net is not None:
        return [first] if ranked.net[first] > 0.0 else []
    least = float(ranked.left[first])
    if confirmed:
        first = min(confirmed, key=lambda i: confirmed[i].var_left)
        least = confirmed[first].var_left
    if least >= TEACHES_NOTHING:
        return []
    if budget is None:
        return [first]
    cost = np.array([c.cost for c in ranked.candidates])
    return within_budget(quantity.scores(quantity.values), ranked.results, cost, budget, first)


def _table(
    ranked: _Ranked, quantity: Sought, confirmed: Mapping[int, Refitted], picks: Sequence[int], level: float
) -> pd.DataFrame:
    """One row a candidate."""
    now = quantity.width(quantity.values, level)
    rows = []
    for i, one in enumerate(ranked.candidates):
        again = confirmed.get(i)
        by_rule = float(now ** np.sqrt(ranked.left[i])) if np.isfinite(now) else np.inf
        worth = None if ranked.worth is None else ranked.worth[i]
        rows.append(
            {
                "domain": one.key.domain,
                "task": one.key.task,
                "architecture": one.key.architecture,
                "n": one.n,
                "runs": one.runs,
                "cost": one.cost,
                "width_now": now,
                "width_after": by_rule if again is None else again.width,
                "var_left": ranked.left[i],
                "var_left_refit": np.nan if again is None else again.var_left,
                "p_flip": ranked.flips[i],
                "evsi": np.nan if worth is None else worth.gain,
                "enbs": np.nan if ranked.net is None else ranked.net[i],
                "per_cost": (1.0 - ranked.left[i]) / one.cost if one.cost > 0 else np.nan,
                "evsi_sd": np.nan if worth is None else worth.sd,
                "buy": one.buy,
                "pick": picks.index(i) + 1.0 if i in picks else np.nan,
            }
        )
    return pd.DataFrame(rows, columns=list(CANDIDATES.names))
