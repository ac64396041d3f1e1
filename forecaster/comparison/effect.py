"""effect: what a treatment did to a learning curve: shifted, steepened, lowered its floor or moved its onset.

Two answers from one posterior. What the treatment is worth in data, and whether that grows, comes from the simulated
curves (:mod:`~forecaster.prediction.paths`), as in ``compare``. Which quantity moved comes from ``mechanism.py``, which
takes a treatment to leave most of them as they are. Runs paired by seed are used in both (``pairing.py``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from forecaster._support.streams import stream
from forecaster.comparison.effect_prose import FADES, GROWS, NONE, STEADY, UNDECIDED, prose
from forecaster.comparison.mechanism import QUANTITIES, Moves, moves
from forecaster.comparison.pairing import Pairing, given_gap, more_known, pairing
from forecaster.curves.learning_curves import Group
from forecaster.errors import RequestError
from forecaster.inference.posterior import Posterior, expect_posterior
from forecaster.model.design import SizedCurve
from forecaster.prediction.crossings import HORIZON_FACTOR, first_log_size, largest_size, looked_at, searched
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.paths import CurvePaths, curve_paths
from forecaster.results.check import Check
from forecaster.results.columns import GIVEN_LEVEL, GROUP, LEVEL, Column, Columns, declared, interval, size
from forecaster.results.message import joined
from forecaster.results.result import Result, Shown
from forecaster.results.wording import listed

DECIDE_AT = 0.8
ROPE_ONSET = float(np.log(1.5))  # nats of size
ROPE_TREND = 0.1  # change of the log of the worth per nat of size that counts as none: a quarter per decade
TREND_START = 0.25  # of the measured range of log size: the trend begins there
SHOWN_SIZES = 5  # measured sizes at which the worth is given by default
QUANTILES = {"worth_q10": 0.5 - LEVEL / 2, "worth_q50": 0.5, "worth_q90": 0.5 + LEVEL / 2}  # to the digit as compare's
PAIR = (*GROUP, *(Column(name, "name", f"the {name} curve", key=True, given=True) for name in ("baseline", "treated")))


@dataclass(frozen=True, eq=False, repr=False)
class Effect(Result):
    """What a treatment changed, and what it is worth in data."""

    worth: pd.DataFrame = field(default_factory=pd.DataFrame)
    mechanism: str = UNDECIDED
    p_mechanism: Mapping[str, float] = field(default_factory=dict)
    trend: str = UNDECIDED
    p_trend: Mapping[str, float] = field(default_factory=dict)
    paired: Mapping[str, float] = field(default_factory=dict)

    command = "effect"
    columns = declared(
        table=Columns(
            "a quantity of the curve",
            PAIR,
            Column(
                "quantity",
                "text",
                "`intercept` (reducible error where the curves begin), `exponent`, `floor`, or `onset` (the size from "
                "which error falls as a power law)",
                key=True,
            ),
            interval(
                "difference",
                "number",
                "log of the treated curve's quantity over the baseline's: -0.30 is 26 % less, 0 unmoved",
            ),
            GIVEN_LEVEL,
            Column("p_moved", "chance", "chance that it moved by more than `rope`"),
            Column("p_within_rope", "chance", "chance that it did not", terminal=False),
            Column("rope", "number", "difference, either way, that counts as none"),
        ),
        worth=Columns(
            "a size",
            PAIR,
            size("training data of the treated curve"),
            *(
                Column(
                    name,
                    "ratio",
                    "quantiles of the data that the baseline needs for the same error, over that size; `inf`: never",
                )
                for name in QUANTILES
            ),
            Column("p_above_1", "chance", "chance that the treatment is worth more than no data"),
        ),
    )
    keys = declared(
        mechanism="what moved: names of quantities joined by `and`, `none` or `undecided`",
        p_mechanism="chance that each quantity moved by more than its `rope`, and that `none` did, by name",
        trend="what the worth does as data grow: `grows`, `steady`, `fades` or `undecided`",
        p_trend="the chance of the first three",
        paired="how many pairs of `runs` share size and seed, and the `correlation` of their noise that was used; "
        "empty where runs are not paired",
    )

    def shown(self, most: int) -> tuple[Shown, ...]:
        """What moved, then what it is worth."""
        caption = "Data that the baseline needs for the same error, as a multiple:"
        return Shown(self.table, self.columns["table"]), Shown(self.worth, self.columns["worth"], caption)


class _Pair(NamedTuple):
    """Both curves of a group, and draws [size, draw] of their log errors on the grid, given paired runs."""

    group: Group
    names: tuple[str, str]
    data: tuple[SizedCurve, SizedCurve]
    paths: tuple[CurvePaths, CurvePaths]
    log_error: tuple[np.ndarray, np.ndarray]
    span: tuple[float, float]

    @property
    def keys(self) -> dict[str, str]:
        return dict(zip(("domain", "task", "baseline", "treated"), (*self.group, *self.names), strict=True))


def effect(
    posterior: Posterior,
    *,
    baseline: str,
    treated: str,
    group: Group | str | None = None,
    at: Sequence[float] = (),
    rope_exponent: float = 0.1,
    rope_log: float = 0.02,
    level: float = LEVEL,
    decide_at: float = DECIDE_AT,
    seed: int = 0,
    checks: tuple[Check, ...] = (),
) -> Effect:
    """What did a treatment do to the learning curve: shift it, steepen it, lower its floor, move its onset?

    Parameters
    ----------
    posterior : Posterior
        What :func:`~forecaster.fit` gave.
    baseline, treated : str
        Two architectures of one (domain, task): the recipe without and with the treatment. Runs with the same ``seed``
        at the same size are taken as paired: their noise may be shared.
    group : (str, str) or str, optional
        The (domain, task), or ``domain/task``, where more than one holds both.
    at : sequence of float
        Sizes at which the worth in data is told; by default up to five measured ones, and ten times the largest.
    rope_exponent : float
        Relative change of exponent or floor that counts as none.
    rope_log : float
        Change of log reducible error (the intercept) that counts as none. The onset's is half its size.
    level : float
        Probability inside each interval of the differences.
    decide_at : float
        Probability that a verdict needs.
    seed : int
        The same seed gives the same numbers.
    checks : tuple of Check
        Verdicts to carry along.

    Returns
    -------
    Effect
        ``table`` has a row per quantity, ``worth`` per size; ``mechanism`` and ``trend`` are the verdicts.

    Raises
    ------
    RequestError
        Curves that are not two of one group, several groups that hold both, a number out of range.

    Examples
    --------
    >>> import forecaster
    >>> found = forecaster.effect(posterior, baseline="rbf-svm", treated="mlp")
    >>> found.table["quantity"].tolist()
    ['intercept', 'exponent', 'floor', 'onset']
    """
    expect_posterior(posterior)
    _check_numbers(at, rope_exponent, rope_log, level, decide_at)
    chosen = _group_of(posterior, group, baseline, treated)
    design = posterior.designs[chosen]
    data = _data_of(design.curve_of(baseline)), _data_of(design.curve_of(treated))
    paired = pairing(data[0].curve, data[1].curve)
    sizes = np.unique(np.asarray(at, dtype=float)) if len(at) else _usual_sizes(data)
    pair = _pair(posterior, chosen, (baseline, treated), data, paired, sizes, seed)

    ropes = np.array([rope_log, np.log1p(rope_exponent), np.log1p(rope_exponent), ROPE_ONSET])
    first, second = (
        (own, posterior.curve("/".join((*chosen, name)))) for own, name in zip(data, pair.names, strict=True)
    )
    moved = moves(first, second, ropes, stream("/".join((*chosen, *pair.names)), seed), paired)
    named = moved.named(decide_at)

    table = pd.DataFrame(_quantities(pair, moved, level))
    worth = pd.DataFrame([_worth_row(pair, n) for n in sizes.tolist()])
    p_trend = _trend(pair)
    trend = next((name for name, p in p_trend.items() if p >= decide_at), UNDECIDED)
    mechanism = UNDECIDED if named is None else listed(list(named)) or NONE
    p_mechanism = dict(zip(QUANTITIES, moved.p_moved.tolist(), strict=True)) | {NONE: moved.p_none}
    shared = {} if paired is None else {"runs": paired.count, "correlation": paired.correlation}
    last = min(float(one.curve.n[-1]) for one in data)
    text = joined(prose(table, worth, named, moved.p_none, (trend, p_trend), shared, last), "\n")
    return Effect(table, text, checks, worth, mechanism, p_mechanism, trend, p_trend, shared)


def _check_numbers(at: Sequence[float], rope_exponent: float, rope_log: float, level: float, decide_at: float) -> None:
    sizes = np.asarray(at, dtype=float)
    wrong = sizes[~(np.isfinite(sizes) & (sizes > 0))]
    if wrong.size:
        raise RequestError(f"at: found {wrong[0]:g}; expected a positive size, such as 1e6")
    for name, value, example in (("rope_exponent", rope_exponent, "0.1 for 10 %"), ("rope_log", rope_log, "0.02")):
        if not (np.isfinite(value) and value >= 0):
            raise RequestError(f"{name}: found {value:g}; expected 0 or more, such as {example}")
    if not 0 < level < 1:
        raise RequestError(f"level: found {level:g}; expected a share between 0 and 1, such as 0.8")
    if not 0.5 < decide_at < 1:
        raise RequestError(f"decide_at: found {decide_at:g}; expected a probability between 0.5 and 1, such as 0.8")


def _group_of(posterior: Posterior, group: Group | str | None, baseline: str, treated: str) -> Group:
    """The one group that holds both curves."""
    names = {g: posterior.designs[g].architectures for g in posterior.groups}
    wanted = None if group is None else group if isinstance(group, str) else "/".join(group)
    if wanted is not None:
        names = {g: own for g, own in names.items() if "/".join(g) == wanted}
        if not names:
            known = ", ".join("/".join(g) for g in posterior.groups)
            raise RequestError(f"group: found {wanted!r}; this posterior holds: {known}")
    found = [g for g, own in names.items() if baseline in own and treated in own]
    if baseline == treated or not found:
        known = "; ".join(f"{'/'.join(g)}: {', '.join(own)}" for g, own in names.items())
        raise RequestError(
            f"found baseline {baseline!r} and treated {treated!r}; expected two architectures of one domain and task "
            f"that can be forecast ({known})"
        )
    if len(found) > 1:
        raise RequestError(
            f"found {baseline!r} and {treated!r} in {len(found)} groups; expected one: name it, such as by --domain "
            f"{found[0][0]} --task {found[0][1]}, or group={'/'.join(found[0])!r} in Python"
        )
    return found[0]


def _data_of(curve: SizedCurve | None) -> SizedCurve:
    assert curve is not None  # of a group that holds it
    return curve


def _usual_sizes(data: tuple[SizedCurve, SizedCurve]) -> Float[np.ndarray, " at"]:
    """Some measured sizes of the treated curve within the baseline's range, and ten times the largest."""
    known, measured = (np.unique(one.curve.n) for one in data)
    inside = measured[(measured >= known[0]) & (measured <= known[-1])]
    inside = inside if len(inside) else measured
    evenly = np.linspace(np.log(inside[0]), np.log(inside[-1]), SHOWN_SIZES)
    nearest = np.abs(np.log(inside)[:, None] - evenly).argmin(0)
    return np.append(np.unique(inside[nearest]), 10.0 * max(known[-1], measured[-1]))


def _pair(
    posterior: Posterior,
    group: Group,
    names: tuple[str, str],
    data: tuple[SizedCurve, SizedCurve],
    paired: Pairing | None,
    sizes: Float[np.ndarray, " at"],
    seed: int,
) -> _Pair:
    """Draws of both curves, conditioned on what paired runs say of the gap between them."""
    design = posterior.designs[group]
    span = searched(design, max(HORIZON_FACTOR * largest_size(design), float(sizes.max())))
    covered = (min(span[0], float(sizes.min())), span[1])
    one, other = (curve_paths(posterior, CurveKey(*group, name), covered, seed=seed).whole for name in names)
    average = one.average, other.average
    if paired is not None:
        moved = _given_pairs(data, (one, other), paired, stream("/".join((*group, *names)), seed, 1))
        average = average[0] + moved[0] - one.log_error, average[1] + moved[1] - other.log_error
    return _Pair(group, names, data, (one, other), average, span)


def _given_pairs(
    data: tuple[SizedCurve, SizedCurve], paths: tuple[CurvePaths, CurvePaths], paired: Pairing, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Log errors of both curves on their grids, given the gap of paired runs."""
    at = np.log(paired.n)
    one, other = (
        np.median(path.parameters.noise(at), 0) + _known(own, at) for path, own in zip(paths, data, strict=True)
    )
    variance = more_known(one, other, paired.runs, paired.correlation)
    gap = (paths[1].at(paired.n) - paths[0].at(paired.n)).T
    states = given_gap(np.concatenate([path.log_error for path in paths]), gap, paired.gap, variance, rng)
    return states[: len(paths[0].x)], states[len(paths[0].x) :]


def _known(data: SizedCurve, x: Float[np.ndarray, " size"]) -> Float[np.ndarray, " size"]:
    """Variance of one run that is known, at measured log sizes."""
    return data.known[np.abs(data.x[:, None] - x).argmin(0)]


def _quantities(pair: _Pair, moved: Moves, level: float) -> list[dict[str, Any]]:
    ends = np.quantile(moved.changes, [0.5, 0.5 - level / 2, 0.5 + level / 2], axis=0).T
    rows = []
    for name, (middle, low, high), p, rope in zip(QUANTITIES, ends, moved.p_moved, moved.ropes, strict=True):
        row = pair.keys | {"quantity": name, "difference": middle, "difference_lower": low, "difference_upper": high}
        row |= {"level": level, "p_moved": float(p), "p_within_rope": float(1.0 - p), "rope": float(rope)}
        rows.append(row)
    return rows


def _log_needed(pair: _Pair, n: float) -> Float[np.ndarray, " draw"]:
    """Log of the data that the baseline needs for the treated curve's error at ``n``; ``inf`` for never."""
    mine, theirs = pair.paths
    goal = theirs.read(pair.log_error[1], [n])[:, 0]
    return first_log_size(*looked_at(mine, pair.log_error[0], pair.span), goal)


def _worth_row(pair: _Pair, n: float) -> dict[str, Any]:
    worth = np.exp(_log_needed(pair, n)) / n
    method = "linear" if np.isfinite(worth).all() else "inverted_cdf"
    quantiles = np.quantile(worth, list(QUANTILES.values()), method=method).tolist()
    above = float(np.mean(worth > 1.0) + 0.5 * np.mean(worth == 1.0))
    return pair.keys | {"n": n} | dict(zip(QUANTILES, quantiles, strict=True)) | {"p_above_1": above}


def _trend(pair: _Pair) -> dict[str, float]:
    """Chances that the worth grows, stays or fades over the measured sizes, by its change per nat."""
    first = max(float(one.x[-1]) for one in pair.data)
    last = min(float(one.x[0]) for one in pair.data)
    first = first + TREND_START * (last - first)
    if last - first < 1e-6:
        return dict.fromkeys((GROWS, STEADY, FADES), float("nan"))
    early, late = (_log_needed(pair, float(np.exp(x))) - x for x in (first, last))
    with np.errstate(invalid="ignore"):  # never at both sizes: neither
        slope = (late - early) / (last - first)
    return {
        GROWS: float(np.mean(slope > ROPE_TREND)),
        STEADY: float(np.mean(np.abs(slope) <= ROPE_TREND)),
        FADES: float(np.mean(slope < -ROPE_TREND)),
    }
