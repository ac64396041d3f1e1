"""requirement: how much data a target error needs, with the chance that no amount within reach will do.

The answer is a skewed distribution with mass at infinity (Mahmood et al. 2022, arXiv:2207.01725, show how far a point
estimate of it errs), so it is given as quantiles that may be infinite and as probabilities.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from forecaster import laws, measurement
from forecaster.design import Design
from forecaster.errors import RequestError
from forecaster.forecast import KINDS, Target, check_targets, log_error_paths, targets_of
from forecaster.posterior import Posterior
from forecaster.results import Check, Result
from forecaster.verdicts import REVIEW, also

PER_DECADE = 24  # sizes a decade at which a path is looked at: steps of 10 %
REACH = 1e6  # default horizon, as a multiple of the group's largest measured size
QUANTILES = {"q5": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95}
STANDING = ("q50", "q75", "q95", "p_never")  # columns by which rows are ordered, the least data first
NAMED = 8  # rows that the text spells out; the table has all
MET = 0.95  # chance that a target was reached already, from which it counts as met
EXAMPLES = {"target": "0.05", "budget": "1e6", "horizon": "1e9"}
WHO = {
    "mean": "its average run",
    "new-run": "one new run of it",
    "new-cases": "its average run, on cases it was not tested on,",
}


@dataclass(frozen=True, eq=False)
class Requirement(Result):
    """Columns: ``domain, task, architecture, target, q5, q25, q50, q75, q95, p_never, p_floor_above,
    p_within_budget, budget, horizon, already_met, p_risen, kind``.

    The quantiles are sizes, in the unit of the card; ``inf`` means never within ``horizon``, and a size equal to
    the group's smallest measured one, or to a smaller budget, means there or before. Probabilities are shares of
    draws: ``p_never`` not reached within the horizon, ``p_floor_above`` the law's floor above the target,
    ``already_met`` reached at or below the curve's largest measured size, ``p_risen`` reached there and yet above the
    target at that size, ``p_within_budget`` NaN without a budget.
    ``draws`` [draw, row] are the sizes behind the rows.
    """

    draws: Float[np.ndarray, "draw row"] | None = None
    posterior: Posterior | None = None
    command = "requirement"

    def leading(self, most: int) -> pd.DataFrame:
        """The ``most`` rows that need the least data, every group and target in turn."""
        return self.table.iloc[_leading(self.table, most)]


def requirement(
    posterior: Posterior,
    target: float | Sequence[float],
    *,
    budget: float | None = None,
    horizon: float | None = None,
    kind: str = "mean",
    seed: int = 0,
    targets: Sequence[Target | str] | None = None,
    checks: tuple[Check, ...] = (),
) -> Requirement:
    """The first size at which each curve's error is at or below each ``target`` error.

    Each posterior draw is one whole curve (law and drift, conditioned on the measurements), looked at in steps of
    10 % of size from the group's smallest measured size to ``horizon``, log-linear between. A size between two
    measured ones counts where the larger of the two is at or below the target as well (:func:`confirmed`). ``kind``
    is ``mean`` (the recipe's average run), ``new-run`` (one run, as lucky or unlucky at every size) or ``new-cases``
    (the average run on cases it was not tested on; ``n_test`` says how far those may differ). ``targets`` are the
    curves asked about: targets, labels or architectures; None for every measured curve. Raises RequestError for a
    target, budget or horizon that is no positive number, an unknown kind or curve, a budget beyond the horizon.
    """
    errors = np.unique(_positive("target", np.atleast_1d(np.asarray(target, dtype=float))))[::-1]
    if kind not in KINDS:
        raise RequestError(f"kind: found {kind!r}; expected one of {', '.join(KINDS)}")
    for name, value in (("budget", budget), ("horizon", horizon)):
        if value is not None:
            _positive(name, np.array([value], dtype=float))
    if budget is not None and horizon is not None and budget > horizon:
        raise RequestError(f"budget: found {budget:g}, beyond the horizon {horizon:g}; expected a horizon as far")
    wanted = _chosen(posterior, targets)
    rows, columns = [], []
    for one in wanted:
        design = posterior.designs[one.group]
        far = horizon or max(REACH * largest_size(design), budget or 0.0)
        grid = log_grid(design, far, budget)
        sizes, high, above = _sizes(posterior, one, errors, grid, kind, one.stream(seed))
        last = largest_size(design, one.architecture)
        for k, error in enumerate(errors):
            rows.append(_row(one, error, sizes[:, k], high[:, k], above[k], budget, far, last, kind))
            columns.append(sizes[:, k])
    table = pd.DataFrame(rows)
    found = (*checks, *_within_sight(posterior, wanted, errors), *_risen(table))
    return Requirement(table, _text(table, posterior), found, np.stack(columns, 1), posterior)


def _within_sight(posterior: Posterior, wanted: Sequence[Target], errors: np.ndarray) -> Iterator[Check]:
    """A verdict where a target lies above every error measured: such a number is often one in another unit."""
    groups = {one.group for one in wanted}
    worst = max(float(c.error.max()) for c in posterior.curves.curves if (c.domain, c.task) in groups)
    high = errors[errors > worst]
    if high.size:
        yield Check(
            "target",
            REVIEW,
            f"a target of {plain_number(high[0])} lies above every error measured, the largest of which is {worst:.3g}",
            "give the target in the unit of the errors, such as 0.05 for 5 %",
        )


def risen(row: Mapping[Any, Any]) -> bool:
    """Whether a row's error, more likely than not, was at the target and is above it again where measured last."""
    return row["p_risen"] > 0.5


def _risen(table: pd.DataFrame) -> Iterator[Check]:
    """A verdict where curves reached a target and are above it again at the largest size that they were measured at."""
    rows = [row for row in table.to_dict("records") if risen(row)]
    if rows:
        labels = [f"{r['domain']}/{r['task']}/{r['architecture']}" for r in rows]
        reached = (
            f"{labels[0]}: an error of {plain_number(rows[0]['target'])} was reached by {plain_size(rows[0]['q50'])}"
        )
        yield Check(
            "risen",
            REVIEW,
            f"{reached}, but at the largest size measured the error is above it again{also(labels[1:])}",
            "find out why the error rises; the sizes say where it first is at the target, not that it stays there",
            tuple(labels),
        )


def largest_size(design: Design, architecture: str | None = None) -> float:
    """Largest measured size of the architecture; of its group where it is None or has no data."""
    own = [c.curve.n[-1] for c in design.curves if c.curve.architecture == architecture]
    return float(max(own or [c.curve.n[-1] for c in design.curves]))


def log_grid(design: Design, horizon: float, budget: float | None = None) -> Float[np.ndarray, " size"]:
    """Log sizes from the group's smallest measured one, or a smaller ``budget``, up to ``horizon``."""
    end = float(np.log(horizon))
    first = min(design.x_min, np.inf if budget is None else float(np.log(budget)))
    if end <= design.x_min:
        raise RequestError(
            f"horizon: found {horizon:g}; expected more than the smallest measured size {np.exp(design.x_min):g}"
        )
    count = int(np.ceil((end - first) / np.log(10.0) * PER_DECADE)) + 1
    return np.linspace(first, end, max(count, 2))


def with_measured(x: Float[np.ndarray, " size"], design: Design, architecture: str) -> Float[np.ndarray, " more"]:
    """The log sizes ``x`` and those at which the architecture was measured."""
    data = design.curve_of(architecture)
    return x if data is None else np.union1d(x, data.x)


def confirmed(
    x: Float[np.ndarray, " size"], paths: Float[np.ndarray, "draw size"], design: Design, architecture: str
) -> Float[np.ndarray, "draw size"]:
    """Paths for :func:`first_log_size`: up to the largest measured size none below the next measured one.

    Between measured sizes a rough curve's paths dip below all that was measured, somewhere; nobody would train there
    hoping for that. ``x`` holds the measured sizes (:func:`with_measured`).
    """
    data = design.curve_of(architecture)
    if data is None:
        return paths
    sizes = data.x[::-1]
    inside = np.flatnonzero(x <= sizes[-1])
    following = np.searchsorted(x, sizes)[np.searchsorted(sizes, x[inside])]
    out = paths.copy()
    out[:, inside] = np.maximum(paths[:, inside], paths[:, following])
    return out


def first_log_size(
    x: Float[np.ndarray, " size"], paths: Float[np.ndarray, "draw size"], log_target: float | np.ndarray
) -> Float[np.ndarray, " draw"]:
    """Log size at which each path first is at or below ``log_target`` (one, or one a draw); ``inf`` where never.

    ``x`` ascends; between its points paths are straight in log-log; ``x[0]`` where the path starts there.
    """
    goal = np.broadcast_to(np.asarray(log_target, dtype=float), len(paths))
    reached = paths <= goal[:, None]
    at, draw = np.argmax(reached, 1), np.arange(len(paths))
    before = np.maximum(at - 1, 0)
    high, low = paths[draw, before], paths[draw, at]
    drop = np.where(at > 0, high - low, 1.0)
    share = np.where(at > 0, (high - goal) / np.where(drop > 0, drop, 1.0), 0.0)
    size = x[before] + share * (x[at] - x[before])
    return np.where(reached.any(1), size, np.inf)


def _sizes(
    posterior: Posterior, one: Target, errors: np.ndarray, grid: np.ndarray, kind: str, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "draw target"], np.ndarray, Float[np.ndarray, " target"]]:
    """Sizes needed for each error, whether it is above that [draw, target] at the largest size measured (nowhere, where
    nothing was), and the share of draws whose floor is above it."""
    design = posterior.designs[one.group]
    x = with_measured(grid, design, one.architecture)
    paths, draws = log_error_paths(posterior, one, np.exp(x), rng)
    data, luck = design.curve_of(one.architecture), np.zeros(len(paths))
    if kind == "new-run":
        noise, walk = draws.noise(x, design), 0.0
        if data is not None:
            share, noise = design.card.known_share, noise + measurement.of_one_run(data.curve)
            walk = measurement.luck(rng, data.curve, share, np.exp(x), paths)[0]
            noise = measurement.own_variance(data.curve, share, noise, paths)
        lucky = rng.standard_normal((len(paths), 1)) * np.sqrt(noise)
        paths, luck = paths + walk + lucky, lucky[:, -1]
    elif kind == "new-cases" and data is not None:
        luck = measurement.new_cases(rng, data.curve, len(paths))
        paths = paths + luck[:, None]
    within, log_errors = x <= grid[-1], np.log(errors)
    paths = confirmed(x, paths, design, one.architecture)[:, within]
    sizes = np.stack([np.exp(first_log_size(x[within], paths, e)) for e in log_errors], 1)
    last = np.full(len(paths), -np.inf) if data is None else paths[:, np.flatnonzero(x[within] <= data.x.max())[-1]]
    high = last[:, None] > log_errors
    log_floor = np.log(laws.floor(np, draws.level, draws.floor_logit))
    above = np.mean((log_floor + luck)[:, None] > log_errors, 0)
    return sizes, high, above


def _row(
    one: Target,
    error: float,
    sizes: np.ndarray,
    high: np.ndarray,
    above: float,
    budget: float | None,
    horizon: float,
    last: float,
    kind: str,
) -> dict[str, object]:
    """One row of the table; quantiles are order statistics, since infinities cannot be averaged."""
    found = np.quantile(sizes, list(QUANTILES.values()), method="inverted_cdf")
    met = sizes <= last * (1 + 1e-12)
    return {
        "domain": one.domain,
        "task": one.task,
        "architecture": one.architecture,
        "target": float(error),
        **dict(zip(QUANTILES, found.tolist(), strict=True)),
        "p_never": float(np.mean(np.isinf(sizes))),
        "p_floor_above": float(above),
        "p_within_budget": np.nan if budget is None else float(np.mean(sizes <= budget * (1 + 1e-12))),
        "budget": np.nan if budget is None else float(budget),
        "horizon": float(horizon),
        "already_met": float(np.mean(met)),
        "p_risen": float(np.mean(met & high)),
        "kind": kind,
    }


def _positive(name: str, numbers: np.ndarray) -> np.ndarray:
    wrong = numbers[~(np.isfinite(numbers) & (numbers > 0))]
    if numbers.size == 0 or wrong.size:
        found = f"{wrong[0]:g}" if wrong.size else "none"
        raise RequestError(f"{name}: found {found}; expected a positive number, such as {EXAMPLES[name]}")
    return numbers


def _chosen(posterior: Posterior, targets: Sequence[Target | str] | None) -> list[Target]:
    """The curves asked about; a text is the label or the architecture of measured ones."""
    measured = targets_of(posterior)
    if targets is None:
        return list(measured)
    found: list[Target] = []
    for one in targets:
        if isinstance(one, Target):
            found.append(one)
            continue
        named = [t for t in measured if one in (t.label, t.architecture)]
        if not named:
            known = ", ".join(t.label for t in measured)
            raise RequestError(f"no curve {one!r} in this posterior; it holds: {known}")
        found += named
    if not found:
        raise RequestError("no curves to ask about; name some, or leave the choice out for all")
    check_targets(posterior, found)
    return list(dict.fromkeys(found))


# In words ---------------------------------------------------------------------------------------------


def plain_size(size: float) -> str:
    """A size for people: three digits, with separators up to ten million."""
    if not np.isfinite(size):
        return "no size within the horizon"
    rounded = float(f"{size:.3g}")
    return f"{rounded:,.0f}" if 100 <= rounded < 1e7 else f"{rounded:.3g}".replace("e+0", "e").replace("e+", "e")


def plain_number(value: float) -> str:
    """A number that is no size, such as a target, as it was given; thousands with separators."""
    return f"{value:,.0f}" if 1e6 <= abs(value) < 1e15 else f"{value:,g}"


def percent(share: float) -> str:
    """A probability for people; never 0 or 100 %, which draws cannot tell, as in the tables."""
    return "under 1 %" if share < 0.01 else "over 99 %" if share > 0.99 else f"{100 * share:.0f} %"


def leading(groups: Sequence[Hashable], standing: Sequence[tuple[float, ...]], most: int) -> list[int]:
    """Positions of the ``most`` rows of lowest standing, every group in turn; as they stand where there are no more."""
    if len(groups) <= most:
        return list(range(len(groups)))
    place = {group: i for i, group in enumerate(dict.fromkeys(groups))}
    rank, taken = {}, Counter()
    for i in sorted(range(len(groups)), key=lambda i: standing[i]):
        rank[i] = taken[groups[i]]
        taken[groups[i]] += 1
    chosen = sorted(rank, key=lambda i: (rank[i], place[groups[i]]))[:most]
    return sorted(chosen, key=lambda i: (place[groups[i]], rank[i]))


def _leading(table: pd.DataFrame, most: int) -> list[int]:
    groups = list(table[["domain", "task", "target"]].itertuples(index=False, name=None))
    needed = table[[*STANDING]].itertuples(index=False, name=None)
    return leading(groups, list(needed), most)


def _text(table: pd.DataFrame, posterior: Posterior) -> str:
    rows = table.to_dict("records")
    said = [_sentence(rows[i]) for i in _leading(table, NAMED)]
    if len(rows) > NAMED:
        said.append(f"Of each target, these need the least data; the whole table has {len(rows) - NAMED} more rows.")
    reach = {}
    for row in rows:
        measured = largest_size(posterior.designs[(row["domain"], row["task"])])
        times = f"{plain_size(row['horizon'] / measured)} times the largest measured size"
        reach[f"{row['domain']}/{row['task']}"] = f"{plain_size(row['horizon'])} ({times})"
    within = reach.values() if len(set(reach.values())) == 1 else [f"{far} for {g}" for g, far in reach.items()]
    said.append(f"Never means not within {', '.join(dict.fromkeys(within))}.")
    said.append("Chances are shares of posterior draws; drift from the law, and floors that give way, are in them.")
    return "\n".join(said)


def _sentence(row: dict) -> str:
    """One row in words."""
    name = f"{row['domain']}/{row['task']}/{row['architecture']}"
    low, middle, high = (row[q] for q in ("q5", "q50", "q95"))
    goal = f"an error of {plain_number(row['target'])}"
    if row["already_met"] > MET:
        said = f"{name}: {percent(row['already_met'])} of draws reach {goal} within the sizes measured"
        rises = f", and {percent(row['p_risen'])} are above it again at the largest of them"
        return f"{said}{rises if risen(row) else ''}."
    if np.isinf(low):
        said = f"{name} is not expected to reach {goal}"
    elif np.isinf(high):
        half = "more likely than not, no size will do" if np.isinf(middle) else f"even odds by {plain_size(middle)}"
        said = f"{name}: there is a 95 % chance that {goal} takes at least {plain_size(low)} ({half})"
    else:
        said = (
            f"{name}: there is a 90 % chance that {WHO[row['kind']]} first reaches {goal} at a size "
            f"between {plain_size(low)} and {plain_size(high)}, with even odds by {plain_size(middle)}"
        )
    if row["p_never"] > 0:
        said += f"; in {percent(row['p_never'])} of draws never"
    if row["p_floor_above"] > 0:
        said += f", and in {percent(row['p_floor_above'])} the floor of the law is above the target"
    if row["already_met"] > 0:
        said += f"; {percent(row['already_met'])} that the sizes measured already reach it"
    if np.isfinite(row["budget"]):
        said += f"; {percent(row['p_within_budget'])} that {plain_size(row['budget'])} is enough"
    return said + "."
