"""update: compare new measurements with the old forecast, fit again with them, and report what changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from forecaster._support.frames import Table
from forecaster.curves.learning_curves import KEYS
from forecaster.curves.reading.read import read_curves
from forecaster.curves.repeats import means_by_size
from forecaster.evaluation.fitting import fit
from forecaster.inference.fit import Progress
from forecaster.inference.importance.weights import weighted_quantiles
from forecaster.inference.posterior import Posterior, expect_posterior
from forecaster.monitoring.evidence import joint_p_value, p_values
from forecaster.monitoring.new_rows import New, without_blank
from forecaster.monitoring.new_rows import new_rows as read_new
from forecaster.prediction.conditioning import Predictive, predictive
from forecaster.prediction.curve_keys import CurveKey, set_aside_keys
from forecaster.prediction.forecast import log_errors
from forecaster.prediction.observation import usual_kind
from forecaster.prediction.options import lowest_at
from forecaster.prediction.requirement import requirement
from forecaster.results.check import PASS, REVIEW, Check
from forecaster.results.columns import CURVE, GIVEN_LEVEL, LEVEL, Column, Columns, declared, interval, size
from forecaster.results.message import Message, message
from forecaster.results.result import Result, Shown
from forecaster.results.wording import counted, plain_size

SURPRISING = 0.01  # joint p-value below which new measurements are surprising
COMPARED_AT = 10.0  # without sizes, forecasts are compared at this multiple of the largest measured size


@dataclass(frozen=True, eq=False, repr=False)
class Update(Result):
    """What new measurements changed, and how probable they were. ``posterior`` is the new one."""

    judged: pd.DataFrame = field(default_factory=pd.DataFrame)
    posterior: Posterior | None = None

    command = "update"
    columns = declared(
        table=Columns(
            "a quantity of a curve",
            CURVE,
            Column("quantity", "text", "`forecast`, `requirement` or `p_best`", key=True),
            size("its size; null of a requirement"),
            Column("target", "error", "its error; null but of a requirement", key=True),
            Column("before", "number", "its median (for `p_best` the chance) before"),
            Column("after", "number", "the same with the new measurements"),
            Column(
                "moved_sd",
                "number",
                "its change in posterior sds before: of log error, of log size where finite, of being the best",
            ),
        ),
        judged=Columns(
            "a curve and new size",
            CURVE,
            size("the size measured"),
            Column("error", "error", "the (geometric) mean error measured there"),
            Column("runs", "count", "measurements that it is the mean of"),
            interval("yhat", "error", "predicted by the old forecast and the smaller new sizes"),
            GIVEN_LEVEL,
            Column("p_value", "chance", "two-sided p-value, given the smaller new sizes"),
            Column("p_joint", "chance", "p-value of all new measurements of the curve together"),
            Column("ess", "number", "effective sample size of the old draws given all of them"),
        ),
    )

    def shown(self, most: int) -> tuple[Shown, ...]:
        """What changed, then the new measurements beside the old forecast."""
        moved = Shown(self.table, self.columns["table"])
        return moved, Shown(
            self.judged, self.columns["judged"], "The new measurements, and what the old forecast predicted:"
        )


def update(
    posterior: Posterior,
    new_rows: New,
    *,
    at: Sequence[float] = (),
    target: float | None = None,
    level: float = LEVEL,
    engine: str = "jax",
    seed: int = 0,
    on_progress: Progress | None = None,
) -> Update:
    """Fit again with new measurements; report how forecast, requirement and the chance of being best changed.

    Parameters
    ----------
    posterior : Posterior
        The posterior before the new measurements.
    new_rows : str, Path, pandas.DataFrame or LearningCurves
        The new measurements alone, a table with the columns of :func:`forecaster.read_curves`; ``task`` may be left
        out where the posterior holds one. Architectures may be new, domains and tasks not.
    at : sequence of float
        Sizes whose forecast is compared; by default ten times the largest size that was measured before.
    target : float or None
        An error whose requirement is compared.
    level : float
        Probability inside each interval.
    engine : str
        ``jax`` or ``nuts``, as in :func:`forecaster.fit`.
    seed : int
        The same seed gives the same numbers.
    on_progress : callable or None
        Called with what is being done and the share that is done.

    Returns
    -------
    Update
        ``table`` holds what changed, ``judged`` the new measurements beside the old forecast, ``posterior`` the new
        posterior.

    Raises
    ------
    RequestError
        Where there are no new rows, or rows of a (domain, task) that the posterior does not hold.
    CurveContentError
        Where rows cannot be used, as :func:`forecaster.read_curves` says.

    Examples
    --------
    >>> import forecaster, pandas
    >>> posterior = forecaster.load_posterior("digits.nc")  # doctest: +SKIP
    >>> new = pandas.DataFrame({"architecture": ["mlp"], "n": [2400], "error": [0.02]})
    >>> found = forecaster.update(posterior, new, target=0.01)  # doctest: +SKIP
    """
    expect_posterior(posterior)
    rows = read_new(posterior, new_rows)
    measured = [posterior.curves, *([] if posterior.set_aside is None else [posterior.set_aside])]
    together = pd.concat([*(without_blank(one.table) for one in measured), rows], ignore_index=True)
    reading = posterior.curves.reading
    fresh = replace(read_curves(together, as_they_are=reading.as_they_are), reading=reading)
    aside = set_aside_keys(posterior)
    judged = [judged_rows(posterior, key, own, level, seed) for key, own in _by_key(rows) if key not in aside]
    judged = (
        pd.concat(judged, ignore_index=True) if judged else pd.DataFrame(columns=list(Update.columns["judged"].names))
    )
    options = {"engine": engine, "seed": seed, "record": bool(posterior.record.why), "on_progress": on_progress}
    after = fit(fresh, card=posterior.cards, **options)
    groups = list(dict.fromkeys(zip(rows["domain"], rows["task"], strict=True)))
    table = pd.DataFrame([row for group in groups for row in _moved(posterior, after, group, at, target, seed)])
    return Update(table, summary(judged).text, tuple(surprises(judged)), judged, after)


def _by_key(rows: pd.DataFrame) -> Iterator[tuple[CurveKey, pd.DataFrame]]:
    groups: Any = rows.groupby(KEYS, sort=False)
    yield from ((CurveKey(*key), own) for key, own in groups)


def judged_rows(posterior: Posterior, key: CurveKey, rows: pd.DataFrame, level: float, seed: int) -> pd.DataFrame:
    """The new measurements of one curve, averaged by size, smallest first, each given those before it."""
    own = rows.sort_values("n")
    found = means_by_size(own["n"].to_numpy(dtype=float), np.log(own["error"].to_numpy(dtype=float)))
    n, y = np.exp(found.x), found.y
    whole = predictive(posterior, key, n, runs=found.repeats, seed=seed)
    p = p_values(whole.pit(y))
    expected = np.array([_expected(whole, y, i, level) for i in range(len(n))])
    return pd.DataFrame(
        {
            "domain": key.domain,
            "task": key.task,
            "architecture": key.architecture,
            "n": n.round(6),
            "error": np.exp(y),
            "runs": found.repeats,
            "yhat": expected[:, 1],
            "yhat_lower": expected[:, 0],
            "yhat_upper": expected[:, 2],
            "level": level,
            "p_value": p,
            "p_joint": joint_p_value(p),  # independent under the forecast
            "ess": whole.weights(y).ess,
        }
    )


def _expected(whole: Predictive, y: np.ndarray, i: int, level: float) -> np.ndarray:
    """Lower end, median and upper end of the ``i``-th measurement given those before it."""
    before = whole.first(i)
    mean, variance = whole.following(y[:i], i)
    weights = before.weights(y[:i]).values if i else np.full(len(mean), 1.0 / len(mean))
    z = np.random.default_rng(0).standard_normal(len(mean))
    shares = (0.5 - level / 2, 0.5, 0.5 + level / 2)
    return np.exp(weighted_quantiles(mean + np.sqrt(variance) * z, weights, shares))


def _moved(
    before: Posterior, after: Posterior, group: tuple[str, str], at: Sequence[float], target: float | None, seed: int
) -> Iterator[dict[str, Any]]:
    sizes = np.asarray(at, dtype=float) if len(at) else COMPARED_AT * np.exp([before.designs[group].x_ref])
    held = after.designs[group].architectures if group in after.designs else ()
    names = [name for name in before.designs[group].architectures if name in held]
    kinds = {usual_kind(one, group) for one in (before, after) if group in one.groups}
    kind = kinds.pop() if len(kinds) == 1 else "mean"  # new rows without n_test: the test set is no longer known
    chances = [dict(zip(*_best(one, group, sizes, kind, seed), strict=True)) for one in (before, after)]
    for name in names:
        key = CurveKey(*group, name)
        row = {"domain": group[0], "task": group[1], "architecture": name}
        old, new = (log_errors(one, key, sizes, kind, seed=seed) for one in (before, after))
        for i, n in enumerate(sizes.tolist()):
            ends = [float(np.median(drawn[:, i])) for drawn in (old, new)]
            moved = (ends[1] - ends[0]) / max(float(old[:, i].std()), 1e-12)
            yield row | _quantity(
                "forecast", n=n, before=float(np.exp(ends[0])), after=float(np.exp(ends[1])), moved=moved
            )
            p, q = (float(chance[name][i]) for chance in chances)
            sd = max(np.sqrt(p * (1.0 - p)), 1.0 / np.sqrt(len(old)))
            yield row | _quantity("p_best", n=n, before=p, after=q, moved=(q - p) / sd)
        if target is not None:
            yield row | _requirement_moved(before, after, key, target, kind, seed)


def _best(
    posterior: Posterior, group: tuple[str, str], sizes: np.ndarray, kind: str, seed: int
) -> tuple[list[str], np.ndarray]:
    names, lowest = lowest_at(posterior, group, sizes, kind=kind, seed=seed)
    return names, lowest.mean(1)


def _requirement_moved(
    before: Posterior, after: Posterior, key: CurveKey, target: float, kind: str, seed: int
) -> dict[str, float | str]:
    found = [requirement(one, target, curves=[key], kind=kind, seed=seed) for one in (before, after)]
    ends = [float(one.table["q50"].iloc[0]) for one in found]
    sizes = np.log(np.asarray(found[0].draws).ravel())
    finite = sizes[np.isfinite(sizes)]
    sd = float(finite.std()) if len(finite) > 1 else np.nan
    moved = (np.log(ends[1]) - np.log(ends[0])) / sd if np.isfinite(ends).all() and sd > 0 else np.nan
    return _quantity("requirement", target=target, before=ends[0], after=ends[1], moved=moved)


def _quantity(
    name: str, *, before: float, after: float, moved: float, n: float = np.nan, target: float = np.nan
) -> dict[str, float | str]:
    return {"quantity": name, "n": n, "target": target, "before": before, "after": after, "moved_sd": moved}


def surprises(judged: Table) -> Iterator[Check]:
    """One check a curve: are the new measurements probable under the old forecast?"""
    for key, own in judged.groupby(KEYS, sort=False):
        label, p = "/".join(key), float(own["p_joint"].iloc[0])
        if p >= SURPRISING:
            found = message("as-forecast", f"{label}: as forecast (p = {p:.2g})", p=p)
            yield Check("new-measurements", PASS, found, curves=(label,))
            continue
        worst = own.loc[own["p_value"].idxmin()]
        text = (
            f"{label}: the forecast held the new measurements for improbable (p {_p(p)}); the most surprising is "
            f"{worst['error']:.3g} at {plain_size(worst['n'])}, where {worst['yhat_lower']:.3g} to "
            f"{worst['yhat_upper']:.3g} was forecast"
        )
        yield Check(
            "new-measurements",
            REVIEW,
            message("surprising", text, p=p, n=float(worst["n"]), error=float(worst["error"])),
            "look at that run: its training configuration, data and test set; then decide which fit to trust",
            (label,),
        )


def _p(value: float) -> str:
    return f"= {value:.2g}" if value >= 0.001 else "< 0.001"


def summary(judged: Table) -> Message:
    """How many new sizes there were, and for how many curves they were surprising."""
    curves = judged.drop_duplicates(KEYS)
    odd = int((curves["p_joint"] < SURPRISING).sum())
    text = f"{counted(len(judged), 'new size')} of {counted(len(curves), 'curve')} compared with the old forecast: "
    text += f"surprising for {odd}." if odd else "all as forecast."
    return message(
        "some-surprising" if odd else "all-as-forecast",
        f"{text} The new fit includes them.",
        sizes=len(judged),
        curves=len(curves),
        surprising=odd,
    )
