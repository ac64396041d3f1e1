"""compare: which architecture is better at a size, which is steeper, where they cross, what a difference is worth.

Every answer comes from paired draws: both architectures are compared within each draw of the group's posterior. The
overlap of the two marginal posteriors is reported but decides nothing: architectures that share a hierarchy may overlap
widely and yet be ordered with near certainty. Verdicts on exponents use a region of practical equivalence (Kruschke
2018, doi:10.1177/2515245918771304).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from forecaster.comparison.overlap import overlap
from forecaster.comparison.prose import A_STEEPER, B_STEEPER, EQUAL, UNDECIDED, leading_pairs, prose
from forecaster.curves.learning_curves import Group
from forecaster.errors import RequestError
from forecaster.inference.posterior import Posterior, expect_posterior
from forecaster.model.design import Design
from forecaster.prediction.crossings import REACH, first_log_size, largest_size, looked_at, searched
from forecaster.prediction.forecast import log_errors
from forecaster.prediction.options import lowest_at
from forecaster.prediction.paths import CurveKey, CurvePaths, chosen_keys, curve_paths
from forecaster.prediction.set_aside import NOTE, last_measured, set_aside
from forecaster.results.check import Check
from forecaster.results.columns import GIVEN_LEVEL, GROUP, Column, Columns, declared, interval, size
from forecaster.results.message import joined
from forecaster.results.result import Result, Shown

LEVEL = 0.8  # of every interval here, by default
MOST = 12  # architectures whose pairs are compared where none are named: 66 pairs
LIKELIEST = 3  # minimum number of architectures shown at a size


NAMES = (*GROUP, *(Column(name, "name", "the pair of architectures", key=True) for name in "ab"))
OF_GROUP = (*GROUP, Column("architecture", "name", "the architecture", key=True))


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Result):
    """Pairs of architectures a, b of a group; intervals are medians and equal-tailed at ``level``.

    ``exponent_draws`` holds the draws [draw] of each curve's exponent by label.
    """

    at_table: pd.DataFrame = field(default_factory=pd.DataFrame)
    best: pd.DataFrame = field(default_factory=pd.DataFrame)
    exponents: pd.DataFrame = field(default_factory=pd.DataFrame)
    exponent_draws: Mapping[str, np.ndarray] = field(default_factory=dict)
    posterior: Posterior | None = None

    command = "compare"
    columns = declared(
        table=Columns(
            "a pair of architectures `a`, `b`",
            NAMES,
            interval("exponent_a", "number", "exponent of a", terminal=False),
            interval("exponent_b", "number", "exponent of b", terminal=False),
            interval("difference", "number", "exponent of a minus that of b, paired by draw"),
            GIVEN_LEVEL,
            Column(
                "overlap",
                "share",
                "overlap coefficient of the two exponents' densities (1 the same, 0 disjoint); it decides nothing",
                terminal=False,
            ),
            Column("p_steeper", "chance", "chance that a's exponent is larger"),
            Column("p_equal", "chance", "chance that the exponents are within `rope` of each other"),
            Column("p_clearly_steeper", "chance", "chance that a is steeper by more than that", terminal=False),
            Column("p_clearly_shallower", "chance", "chance that a is shallower by more than that", terminal=False),
            Column("rope", "ratio", "relative difference that counts as equal", given=True),
            Column("verdict", "text", "on the exponents: `A steeper`, `B steeper`, `practically equal`, `undecided`"),
            Column("decide_at", "share", "probability that a verdict needs", terminal=False, given=True),
            *(
                Column(
                    f"crossover_{q}",
                    "size",
                    "quantiles of the last size at which the order of the errors changes, from the smallest measured "
                    "for both; `inf`: no change up to `horizon`",
                    terminal=q == "q50",
                )
                for q in ("q5", "q50", "q95")
            ),
            Column("p_crossover", "chance", "chance that the order changes up to `horizon`"),
            Column("p_better_finally", "chance", "chance that a's error is the lower one at `horizon`", terminal=False),
            Column("horizon", "size", "the largest size searched", terminal=False),
            interval(
                "data_ratio",
                "ratio",
                "data that a needs for b's error at `data_ratio_n`, relative to that size; `inf`: never",
            ),
            Column(
                "data_ratio_least",
                "ratio",
                'the smallest ratio that can be resolved: one that is no larger is a bound, "at most"',
                bound="least",
            ),
            Column("data_ratio_n", "size", "b's largest measured size", terminal=False),
        ),
        at_table=Columns(
            "a pair and size",
            NAMES,
            size(),
            Column("p_better", "chance", "chance that a's error is the lower one"),
            interval("error_ratio", "ratio", "error of a over that of b"),
            GIVEN_LEVEL,
        ),
        best=Columns(
            "an architecture and size",
            GROUP,
            size(),
            OF_GROUP[-1],
            Column("p_best", "chance", "chance that its error is the lowest of its group"),
            NOTE,
        ),
        exponents=Columns(
            "an architecture",
            OF_GROUP,
            interval("exponent", "number", "median and interval of its exponent"),
            GIVEN_LEVEL,
        ),
    )

    def leading(self, most: int) -> pd.DataFrame:
        """The ``most`` pairs of the architectures most likely to be best, every group in turn."""
        return self.table.iloc[leading_pairs(self.table, self.at_table, self.best, most)]

    def shown(self, most: int) -> tuple[Shown, ...]:
        """The pairs, and the chances of being best at each size."""
        rows = len(self.table)
        note = (
            f"{most} of {rows:,} pairs, those of the architectures most likely to be best first; "
            "--json or --output FILE.csv gives all."
        )
        pairs = Shown(self.leading(most), self.columns["table"], note=note if rows > most else "")
        return (pairs, self._likeliest(most)) if len(self.best) else (pairs,)

    def _likeliest(self, most: int) -> Shown:
        """The chances of being best; of more than ``most`` rows, the largest at each size."""
        best, keys = self.best, ["domain", "task", "n"]
        if len(best) <= most:
            return Shown(best, self.columns["best"])
        groups = best.groupby(keys, sort=False)
        ranked = best.assign(at=groups.ngroup()).sort_values("p_best", ascending=False, kind="stable")
        chosen = ranked.groupby("at", sort=False).head(max(most // groups.ngroups, LIKELIEST))
        shown = chosen.sort_values("at", kind="stable").drop(columns="at")
        note = f"{len(shown)} of {len(best):,} rows, the most likely to be best; --json gives all."
        return Shown(shown, self.columns["best"], note=note)


class _Group(NamedTuple):
    """A group's simulated curves, from which every question is answered."""

    posterior: Posterior
    group: Group
    design: Design
    seed: int
    sizes: Float[np.ndarray, " at"]  # asked about, ascending
    horizon: float
    level: float

    def interval(self, name: str, draws: np.ndarray) -> dict[str, float]:
        """Median and interval; order statistics where draws are infinite."""
        method = "linear" if np.isfinite(draws).all() else "inverted_cdf"
        bounds = (0.5 - self.level / 2, 0.5, 0.5 + self.level / 2)
        low, middle, high = np.quantile(draws, bounds, method=method).tolist()
        return {name: middle, f"{name}_lower": low, f"{name}_upper": high}

    def paths(self, architecture: str) -> CurvePaths:
        """The paths of an architecture, from the smallest measured size of the group to the horizon."""
        span = searched(self.design, self.horizon)
        return curve_paths(self.posterior, CurveKey(*self.group, architecture), span, seed=self.seed).whole

    def log_exponent(self, architecture: str) -> Float[np.ndarray, " draw"]:
        return self.posterior.curve("/".join((*self.group, architecture))).log_exponent

    @property
    def keys(self) -> dict[str, str]:
        return {"domain": self.group[0], "task": self.group[1]}


def compare(
    posterior: Posterior,
    *,
    group: Group | str | None = None,
    pairs: Sequence[tuple[str, str]] | None = None,
    curves: Sequence[CurveKey | str] | None = None,
    at: Sequence[float] = (),
    rope: float = 0.1,
    level: float = LEVEL,
    decide_at: float = 0.9,
    most: int | None = MOST,
    seed: int = 0,
    checks: tuple[Check, ...] = (),
) -> Comparison:
    """Which architecture is better at which size, and what the difference is worth in data.

    Draws of two architectures of a group are paired, so every difference is computed draw by draw.

    Parameters
    ----------
    posterior : Posterior
        What :func:`~forecaster.fit` gave.
    group : (str, str) or str, optional
        A (domain, task), or ``domain/task``; by default every group.
    pairs : sequence of (str, str), optional
        Pairs of architectures; by default all pairs among the ``most`` most likely to be best.
    curves : sequence, optional
        Curves asked about, as keys, labels (``domain/task/architecture``) or architectures: pairs among them, or of a
        single one with all others of its group.
    at : sequence of float
        Sizes at which errors are compared; by default the group's largest measured one and ten times it.
    rope : float
        Region of practical equivalence: exponents whose ratio is within ``1 + rope`` either way count as equal.
    level : float
        Probability inside each interval, between 0 and 1.
    decide_at : float
        Probability that a verdict needs.
    most : int or None
        How many architectures are paired where no pairs are named; None for all. The probabilities of being best are
        always those among all.
    seed : int
        The same seed gives the same numbers.
    checks : tuple of Check
        Verdicts to carry along.

    Returns
    -------
    Comparison
        ``table`` has a row per pair, ``at_table`` per pair and size, ``best`` per architecture and size.

    Raises
    ------
    RequestError
        An unknown group or architecture, no pair to compare, a number out of range.

    Examples
    --------
    >>> import forecaster
    >>> duel = forecaster.compare(posterior, pairs=[("mlp", "rbf-svm")], at=[12_000])
    >>> duel.table[["a", "b"]].values.tolist()
    [['mlp', 'rbf-svm']]
    """
    expect_posterior(posterior)
    _check_numbers(at, rope, decide_at)
    if not 0 < level < 1:
        raise RequestError(f"level: found {level:g}; expected a share between 0 and 1, such as 0.8")
    asked = _about(posterior, curves) if curves is not None else _chosen(posterior, group, pairs)
    named = pairs is not None or curves is not None
    compared = [
        _compared(_group(posterior, chosen, at, level, seed), wanted, rope, decide_at, None if named else most)
        for chosen, wanted in asked
    ]
    table, at_table, best, exponents = (
        pd.DataFrame([row for one in compared for row in getattr(one, name)])
        for name in ("pairs", "at", "best", "exponents")
    )
    if "note" in best:
        best["note"] = best["note"].fillna("")
    draws = {label: drawn for one in compared for label, drawn in one.draws.items()}
    text = joined(prose(table, at_table, best), "\n")
    return Comparison(table, text, checks, at_table, best, exponents, draws, posterior)


class _Compared(NamedTuple):
    """Rows of each table for one group, and the draws of its exponents by label."""

    pairs: list[dict[str, Any]]
    at: list[dict[str, Any]]
    best: list[dict[str, Any]]
    exponents: list[dict[str, Any]]
    draws: dict[str, np.ndarray]


def _group(posterior: Posterior, group: Group, at: Sequence[float], level: float, seed: int) -> _Group:
    design = posterior.designs[group]
    largest = largest_size(design)
    sizes = np.unique(np.asarray(at, dtype=float)) if len(at) else largest * np.array([1.0, 10.0])
    return _Group(posterior, group, design, seed, sizes, REACH * largest, level)


def _compared(
    curves: _Group, wanted: Sequence[tuple[str, str]], rope: float, decide_at: float, most: int | None
) -> _Compared:
    """Every answer on one group; only pairs among its ``most`` leading architectures, unless that is None."""
    best, names = _best_rows(curves), curves.design.architectures
    if most is not None:
        leaders = _leaders(best, names, most)
        wanted = [(a, b) for a, b in wanted if a in leaders and b in leaders]
    return _Compared(
        pairs=[_pair_row(curves, a, b, rope, decide_at) for a, b in wanted],
        at=[row for a, b in wanted for row in _at_rows(curves, a, b)],
        best=best,
        exponents=_exponent_rows(curves),
        draws={"/".join((*curves.group, name)): np.exp(curves.log_exponent(name)) for name in names},
    )


def _check_numbers(at: Sequence[float], rope: float, decide_at: float) -> None:
    sizes = np.asarray(at, dtype=float)
    wrong = sizes[~(np.isfinite(sizes) & (sizes > 0))]
    if wrong.size:
        raise RequestError(f"at: found {wrong[0]:g}; expected a positive size, such as 1e6")
    if not (np.isfinite(rope) and rope >= 0):
        raise RequestError(f"rope: found {rope:g}; expected a share of 0 or more, such as 0.1 for within 10 %")
    if not 0.5 < decide_at < 1:
        raise RequestError(f"decide_at: found {decide_at:g}; expected a probability between 0.5 and 1, such as 0.9")


def _chosen(
    posterior: Posterior, group: Group | str | None, pairs: Sequence[tuple[str, str]] | None
) -> Iterator[tuple[Group, list[tuple[str, str]]]]:
    """Each group to look at, with its pairs."""
    groups = {"/".join(g): g for g in posterior.groups}
    if group is not None:
        wanted = group if isinstance(group, str) else "/".join(group)
        if wanted not in groups:
            raise RequestError(f"group: found {wanted!r}; this posterior holds: {', '.join(groups)}")
        groups = {wanted: groups[wanted]}
    names = {g: posterior.designs[g].architectures for g in groups.values()}
    found = {g: list(combinations(own, 2)) for g, own in names.items()}
    if pairs is not None:
        for a, b in pairs:
            if a == b or not any(a in own and b in own for own in names.values()):
                listed = "; ".join(f"{'/'.join(g)}: {', '.join(own)}" for g, own in names.items())
                raise RequestError(f"pair: found {a!r} with {b!r}; expected two architectures of one group ({listed})")
        found = {g: [(a, b) for a, b in pairs if a in own and b in own] for g, own in names.items()}
    if not any(found.values()):
        raise RequestError("nothing to compare: no group holds two architectures with measurements")
    return ((g, own) for g, own in found.items() if own)


def _about(posterior: Posterior, curves: Sequence[CurveKey | str]) -> Iterator[tuple[Group, list[tuple[str, str]]]]:
    """Each group that holds some of these curves, with their pairs; of a single one, those with all others."""
    keys = chosen_keys(posterior, curves)
    found: dict[Group, list[tuple[str, str]]] = {}
    for group in dict.fromkeys(key.group for key in keys):
        named = [key.architecture for key in keys if key.group == group]
        others = [name for name in posterior.designs[group].architectures if name not in named]
        found[group] = list(combinations(named, 2)) if len(named) > 1 else [(named[0], other) for other in others]
    if not any(found.values()):
        listed = ", ".join(key.label for key in keys)
        raise RequestError(f"nothing to compare: found {listed}; expected two architectures of one domain and task")
    return ((group, own) for group, own in found.items() if own)


def _leaders(best: Sequence[Mapping[str, Any]], names: Sequence[str], most: int) -> list[str]:
    """The ``most`` architectures most likely to be best at one of the sizes, in their own order."""
    chance = {name: max(r["p_best"] for r in best if r["architecture"] == name) for name in names}
    first = sorted(names, key=lambda name: -chance[name])[:most]
    return [name for name in names if name in first]


def _pair_row(curves: _Group, a: str, b: str, rope: float, decide_at: float) -> dict[str, Any]:
    log_a, log_b = curves.log_exponent(a), curves.log_exponent(b)
    ratio, close = log_a - log_b, np.log1p(rope)
    steeper, shallower = np.mean(ratio > close), np.mean(ratio < -close)
    equal = 1.0 - steeper - shallower
    row: dict[str, Any] = curves.keys | {"a": a, "b": b}
    row |= curves.interval("exponent_a", np.exp(log_a)) | curves.interval("exponent_b", np.exp(log_b))
    row |= curves.interval("difference", np.exp(log_a) - np.exp(log_b))
    row |= {
        "level": curves.level,
        "overlap": overlap(log_a, log_b),
        "p_steeper": _share(ratio),
        "p_equal": float(equal),
        "p_clearly_steeper": float(steeper),
        "p_clearly_shallower": float(shallower),
        "rope": rope,
        "verdict": _verdict(steeper, equal, shallower, decide_at),
        "decide_at": decide_at,
    }
    return row | _crossover(curves, a, b) | _data_ratio(curves, a, b)


def _verdict(steeper: float, equal: float, shallower: float, decide_at: float) -> str:
    if equal >= decide_at:
        return EQUAL
    if steeper >= decide_at:
        return A_STEEPER
    return B_STEEPER if shallower >= decide_at else UNDECIDED


def _share(positive: np.ndarray) -> float:
    """Share of draws above zero; ties count half, so that a and b may change places."""
    return float(np.mean(positive > 0) + 0.5 * np.mean(positive == 0))


def _together(one: CurvePaths, other: CurvePaths, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Log sizes from ``low`` to ``high`` on the grid that both share, and the first's log error less the other's."""
    mine, theirs = (paths.fixed(low, high) for paths in (one, other))
    return one.x[mine], (one.average[mine] - other.average[theirs]).T


def _crossover(curves: _Group, a: str, b: str) -> dict[str, float]:
    """The last size at which the order of the errors changes, per draw; ``inf`` where it never does.

    Searched from the smallest size measured for both: below it one of them has no measurements.
    """
    x, gap = _together(curves.paths(a), curves.paths(b), _first(curves, a, b), float(np.log(curves.horizon)))
    above = gap > 0
    turns = above[:, 1:] != above[:, :-1]
    last, draw = turns.shape[1] - 1 - np.argmax(turns[:, ::-1], 1), np.arange(len(gap))
    before, after = gap[draw, last], gap[draw, last + 1]
    moved = np.where(before != after, before - after, 1.0)
    at = x[last] + before / moved * (x[last + 1] - x[last])
    any_turn = turns.any(1)
    size = np.exp(np.where(any_turn, at, np.inf))
    low, middle, high = np.quantile(size, [0.05, 0.5, 0.95], method="inverted_cdf").tolist()
    return {
        "crossover_q5": low,
        "crossover_q50": middle,
        "crossover_q95": high,
        "p_crossover": float(np.mean(any_turn)),
        "p_better_finally": _share(-gap[:, -1]),
        "horizon": curves.horizon,
    }


def _data_ratio(curves: _Group, a: str, b: str) -> dict[str, float]:
    """Data that ``a`` needs for the error of ``b`` at b's largest measured size, relative to that size."""
    largest = largest_size(curves.design, b)
    goal = curves.paths(b).average_at([largest])[:, 0]
    mine, span = curves.paths(a), searched(curves.design, curves.horizon)
    needed = first_log_size(*looked_at(mine, mine.average, span), goal)
    row = curves.interval("data_ratio", np.exp(needed) / largest)
    return row | {"data_ratio_least": span[0] / largest, "data_ratio_n": largest}


def _first(curves: _Group, a: str, b: str) -> float:
    """Log of the smallest size from which on both have measurements."""
    measured = (curves.design.curve_of(name) for name in (a, b))
    return max(curve.x[-1] for curve in measured if curve is not None)


def _at_rows(curves: _Group, a: str, b: str) -> list[dict[str, Any]]:
    one, other = (
        log_errors(curves.posterior, CurveKey(*curves.group, name), curves.sizes, seed=curves.seed) for name in (a, b)
    )
    rows = []
    for i, n in enumerate(curves.sizes.tolist()):
        gap = one[:, i] - other[:, i]
        row = curves.keys | {"a": a, "b": b, "n": n}
        row |= {"p_better": _share(-gap)} | curves.interval("error_ratio", np.exp(gap))
        rows.append(row | {"level": curves.level})
    return rows


def _best_rows(curves: _Group) -> list[dict[str, Any]]:
    """Probability that each architecture has the lowest error of its group at each size."""
    names, lowest = lowest_at(curves.posterior, curves.group, curves.sizes, seed=curves.seed)
    shares = lowest.mean(1)
    rows = [
        curves.keys | {"n": n, "architecture": name, "p_best": float(shares[k, i])}
        for i, n in enumerate(curves.sizes.tolist())
        for k, name in enumerate(names)
    ]
    aside = {key: curve for key, curve in set_aside(curves.posterior).items() if key.group == curves.group}
    return rows + [
        curves.keys | {"n": n, "architecture": key.architecture, "p_best": 0.0, "note": last_measured(curve)}
        for n in curves.sizes.tolist()
        for key, curve in aside.items()
    ]


def _exponent_rows(curves: _Group) -> list[dict[str, Any]]:
    return [
        curves.keys
        | {"architecture": name}
        | curves.interval("exponent", np.exp(curves.log_exponent(name)))
        | {"level": curves.level}
        for name in curves.design.architectures
    ]
