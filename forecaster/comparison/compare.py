"""compare: which architecture is better where, what a difference is worth in data, who gains from more.

Every answer comes from paired draws: both architectures are compared within each draw of the group's posterior. In this
order: who is ahead at which size, the data exchange rate, where the order changes, who gains from more data
(:mod:`~forecaster.comparison.where`); then effective slopes, then exponents (:mod:`~forecaster.comparison.contrast`).
An exponent is that of the reducible error alone, so it says little of who gains.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from forecaster.comparison import contrast, where
from forecaster.comparison.comparison import Comparison
from forecaster.comparison.drawn import Drawn, GroupQuestion, drawn, question
from forecaster.comparison.prose import prose
from forecaster.curves.learning_curves import Group
from forecaster.errors import RequestError
from forecaster.inference.posterior import Posterior, expect_posterior
from forecaster.prediction.curve_keys import CurveKey, chosen_keys
from forecaster.prediction.observation import check_kind
from forecaster.prediction.set_aside import set_aside
from forecaster.results.check import Check
from forecaster.results.columns import LEVEL
from forecaster.results.message import joined

MOST_ARCHITECTURES = 12  # architectures whose pairs are compared where none are named: 66 pairs


def compare(
    posterior: Posterior,
    *,
    group: Group | str | None = None,
    pairs: Sequence[tuple[str, str]] | None = None,
    curves: Sequence[CurveKey | str] | None = None,
    at: Sequence[float] = (),
    kind: str | None = None,
    rope: float = 0.1,
    level: float = LEVEL,
    decide_at: float = 0.9,
    most: int | None = MOST_ARCHITECTURES,
    seed: int = 0,
    checks: tuple[Check, ...] = (),
) -> Comparison:
    """Which architecture is better at which size, what the difference is worth in data, and who gains from more.

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
        Sizes at which errors are compared; by default the group's largest measured one and ten times it. Gains and
        effective slopes are from the largest measured size to those beyond it.
    kind : {"mean", "new-run", "new-cases"}
        Whose error, as in :func:`~forecaster.forecast`; by default ``new-cases`` where ``n_test`` is known, else
        ``mean``.
    rope : float
        Region of practical equivalence: exponents whose ratio is within ``1 + rope`` either way count as equal, and
        effective slopes with which ten times the data changes the ratio of the errors by at most that.
    level : float
        Probability inside each interval, between 0 and 1.
    decide_at : float
        Probability that a verdict needs.
    most : int or None
        How many architectures are paired where no pairs are named; None for all. The probabilities of being best and
        of gaining most are always those among all, also of pairs and curves that are named.
    seed : int
        The same seed gives the same numbers.
    checks : tuple of Check
        Verdicts to carry along.

    Returns
    -------
    Comparison
        ``table`` has a row per pair and size: who is ahead, and the data exchange rate. ``crossings``, ``slopes`` and
        ``exponents`` are about pairs as well, ``best`` (with gains) and ``curves`` about architectures.

    Raises
    ------
    RequestError
        An unknown group, architecture or kind, no pair to compare, a number out of range.

    Examples
    --------
    >>> import forecaster
    >>> duel = forecaster.compare(posterior, pairs=[("mlp", "rbf-svm")], at=[12_000])
    >>> duel.table[["a", "b", "n"]].values.tolist()
    [['mlp', 'rbf-svm', 12000.0]]
    """
    expect_posterior(posterior)
    check_numbers(at, rope, level, decide_at)
    check_kind(kind)
    asked = _about(posterior, curves) if curves is not None else _chosen(posterior, group, pairs)
    sizes = np.asarray(at, dtype=float)
    fixed = {"level": level, "rope": rope, "decide_at": decide_at, "seed": seed}
    compared = [
        _compared(question(posterior, one, sizes, kind, **fixed), wanted, most if wanted.about is None else None)
        for one, wanted in asked
    ]
    tables = {
        name: pd.DataFrame([row for one in compared for row in getattr(one, name)])
        for name in ("table", "crossings", "best", "slopes", "exponents", "curves")
    }
    if "note" in tables["best"]:
        tables["best"]["note"] = tables["best"]["note"].fillna("")
    return Comparison(
        text=joined(prose(tables), "\n"),
        checks=checks,
        posterior=posterior,
        exponent_draws={label: draws for one in compared for label, draws in one.exponent_draws.items()},
        gain_draws={label: draws for one in compared for label, draws in one.gain_draws.items()},
        **tables,
    )


class _Wanted(NamedTuple):
    """Pairs of one group; unless they are ``ordered``, the one that is ahead comes first.

    ``about`` are the architectures asked about; None for all.
    """

    pairs: list[tuple[str, str]]
    ordered: bool
    about: frozenset[str] | None


class _Compared(NamedTuple):
    """Rows of each table for one group, and draws by label."""

    table: where.Rows
    crossings: where.Rows
    best: where.Rows
    slopes: where.Rows
    exponents: where.Rows
    curves: where.Rows
    exponent_draws: dict[str, np.ndarray]
    gain_draws: dict[str, np.ndarray]


def _compared(asked: GroupQuestion, wanted: _Wanted, most: int | None) -> _Compared:
    """Every answer on one group; only pairs among its ``most`` leading architectures, unless that is None."""
    names, pairs = asked.design.architectures, wanted.pairs
    errors = {name: asked.log_errors(name) for name in names}
    gained = {name: where.gain(asked, own) for name, own in errors.items()}
    best = where.best(asked, gained)
    if most is not None:
        leaders = _leaders(best, names, most)
        pairs = [(a, b) for a, b in pairs if a in leaders and b in leaders]
    if not wanted.ordered:
        pairs = [(b, a) if contrast.share(errors[b][:, -1] - errors[a][:, -1]) < 0.5 else (a, b) for a, b in pairs]
    curves = {
        name: drawn(asked, name, errors, [a for a, b in pairs if b == name])
        for name in dict.fromkeys(name for pair in pairs for name in pair)
    }
    rows = [_pair(asked, curves[a], curves[b]) for a, b in pairs]
    about = [name for name in names if wanted.about is None or name in wanted.about]
    log_exponents = {name: asked.log_exponent(name) for name in about}
    return _Compared(
        table=[row for own, _, _, _ in rows for row in own],
        crossings=[own for _, own, _, _ in rows],
        best=[row for row in best if wanted.about is None or row["architecture"] in wanted.about],
        slopes=[row for _, _, own, _ in rows for row in own],
        exponents=[own for _, _, _, own in rows],
        curves=[
            asked.keys
            | {"architecture": name}
            | contrast.of_interval("exponent", np.exp(drawn_log), asked.level)
            | {"level": asked.level}
            for name, drawn_log in log_exponents.items()
        ],
        exponent_draws={"/".join((*asked.group, name)): np.exp(own) for name, own in log_exponents.items()},
        gain_draws={"/".join((*asked.group, name)): gained[name] for name in about},
    )


def _pair(asked: GroupQuestion, a: Drawn, b: Drawn) -> tuple[where.Rows, dict[str, Any], where.Rows, dict[str, Any]]:
    """Rows of one pair: at each size, where the order changes, slopes to each size beyond the data, exponents."""
    names, fixed = asked.keys | {"a": a.name, "b": b.name}, (asked.rope, asked.level, asked.decide_at)
    slopes = [
        names | {"n_from": asked.today, "n": float(asked.sizes[i])} | contrast.slopes(one, other, *fixed)
        for i, one, other in zip(asked.beyond, a.slopes, b.slopes, strict=True)
    ]
    exponents = names | contrast.exponents(a.log_exponent, b.log_exponent, *fixed)
    return where.ahead(asked, a, b), where.crossing(asked, a, b), slopes, exponents


def check_numbers(at: Sequence[float], rope: float, level: float, decide_at: float) -> None:
    """RequestError for a number that makes no sense."""
    sizes = np.asarray(at, dtype=float)
    wrong = sizes[~(np.isfinite(sizes) & (sizes > 0))]
    if wrong.size:
        raise RequestError(f"at: found {wrong[0]:g}; expected a positive size, such as 1e6")
    if not (np.isfinite(rope) and rope >= 0):
        raise RequestError(f"rope: found {rope:g}; expected a share of 0 or more, such as 0.1 for within 10 %")
    if not 0 < level < 1:
        raise RequestError(f"level: found {level:g}; expected a share between 0 and 1, such as 0.8")
    if not 0.5 < decide_at < 1:
        raise RequestError(f"decide_at: found {decide_at:g}; expected a probability between 0.5 and 1, such as 0.9")


def _chosen(
    posterior: Posterior, group: Group | str | None, pairs: Sequence[tuple[str, str]] | None
) -> Iterator[tuple[Group, _Wanted]]:
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
    return (
        (g, _Wanted(own, pairs is not None, _names(own) if pairs is not None else None))
        for g, own in found.items()
        if own
    )


def _about(posterior: Posterior, curves: Sequence[CurveKey | str]) -> Iterator[tuple[Group, _Wanted]]:
    """Each group that holds some of these curves, with their pairs; of a single one, those with all others."""
    keys = chosen_keys(posterior, curves)
    found: dict[Group, _Wanted] = {}
    for group in dict.fromkeys(key.group for key in keys):
        named = [key.architecture for key in keys if key.group == group]
        others = [name for name in posterior.designs[group].architectures if name not in named]
        alone = [(named[0], other) for other in others]
        own = list(combinations(named, 2)) if len(named) > 1 else alone
        aside = {key.architecture for key in set_aside(posterior, curves) if key.group == group}
        found[group] = _Wanted(own, len(named) == 1, _names(own) | aside)
    if not any(own.pairs for own in found.values()):
        listed = ", ".join(key.label for key in keys)
        raise RequestError(f"nothing to compare: found {listed}; expected two architectures of one domain and task")
    return ((group, own) for group, own in found.items() if own.pairs)


def _names(pairs: Sequence[tuple[str, str]]) -> frozenset[str]:
    return frozenset(name for pair in pairs for name in pair)


def _leaders(best: Sequence[Mapping[str, Any]], names: Sequence[str], most: int) -> list[str]:
    """The ``most`` architectures most likely to be best at one of the sizes, in their own order."""
    chance = {name: max(r["p_best"] for r in best if r["architecture"] == name) for name in names}
    first = sorted(names, key=lambda name: -chance[name])[:most]
    return [name for name in names if name in first]
