"""requirement: how much data a target error needs, with the chance that no amount within reach will do.

The answer is a skewed distribution with mass at infinity, so it is given as quantiles, which may be infinite, and as
probabilities. Mahmood et al. 2022 (arXiv:2207.01725) show how far point estimates of it err.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from jaxtyping import Float

from forecaster._support.numbers import positive
from forecaster.curves.learning_curves import KEYS
from forecaster.errors import RequestError
from forecaster.inference.posterior import Posterior, expect_posterior
from forecaster.inference.units import units_of
from forecaster.model import law
from forecaster.prediction import observation
from forecaster.prediction.crossings import HORIZON_FACTOR, first_log_size, largest_size, looked_at, searched
from forecaster.prediction.curve_keys import CurveKey, chosen_keys
from forecaster.prediction.draws import by_point
from forecaster.prediction.paths import curve_paths
from forecaster.prediction.requirement_prose import leading_rows, prose, risen
from forecaster.prediction.set_aside import NOTE, last_measured, set_aside
from forecaster.results.check import REVIEW, Check, also
from forecaster.results.columns import CURVE, GIVEN_LEVEL, LEVEL, Column, Columns, declared
from forecaster.results.message import joined, message
from forecaster.results.result import Result, Shown
from forecaster.results.track_record import RECORD, TOTAL, Totals, TrackRecord
from forecaster.results.wording import plain_number, plain_size

if TYPE_CHECKING:
    import xarray as xr

QUANTILES = {"q5": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95}
NEEDED = "quantiles of the size at which the error first reaches the target"
TAKEN: dict[str, tuple[Literal["number", "money", "date"], str]] = {
    "params": ("number", "parameters of the best model"),
    "compute": ("number", "training compute, in FLOPs"),
    "gpu_hours": ("number", "accelerator hours of one training"),
    "seconds": ("number", "seconds of one training"),
    "cost": ("money", "what it costs: the data beyond what is owned, and one training"),
    "date": ("date", "day on which it is trained, if ordered today; `never` where no size is enough"),
}
RESOURCES = Columns(
    "a curve and target whose table, or price list, says what runs take",
    CURVE,
    Column("target", "error", "the error to reach", key=True),
    *(
        Column(f"{name}_{q}", kind, f"{said}: the {q[1:]} % quantile over draws", optional=True)
        for name, (kind, said) in TAKEN.items()
        for q in ("q10", "q50", "q90")
    ),
)
EXAMPLES = {"target": "0.05", "limit": "1e6", "horizon": "1e9"}


@dataclass(frozen=True, eq=False, repr=False)
class Requirement(Result):
    """The data that target errors need; ``draws`` holds the sizes behind the rows (chain, draw, point).

    Sizes are in the unit of the card. ``inf`` means not up to ``horizon``; a size equal to the group's smallest
    measured one, or to a smaller limit, means that size or a smaller one. Probabilities are shares of draws.
    """

    draws: xr.DataArray | None = None
    posterior: Posterior | None = None
    track: TrackRecord = field(default_factory=TrackRecord)
    resources: pd.DataFrame = field(default_factory=pd.DataFrame)
    order: Mapping[str, Any] | None = None

    command = "requirement"
    columns = declared(
        table=Columns(
            "a curve and target",
            CURVE,
            Column("target", "error", "the error to reach", given=True),
            Column("p_within_limit", "chance", "chance that the limit is enough; null without a limit"),
            *(Column(q, "size", NEEDED, terminal=q in ("q25", "q50", "q75")) for q in ("q5", "q25", "q50")),
            *(
                Column(f"q50_{end}", "size", "equal-tailed interval of that size, of probability `level`", bound=end)
                for end in ("lower", "upper")
            ),
            *(Column(q, "size", NEEDED, terminal=q in ("q25", "q50", "q75")) for q in ("q75", "q95")),
            GIVEN_LEVEL,
            Column("p_never", "chance", "chance that no size up to `horizon` reaches it"),
            Column("p_floor_above", "chance", "chance that the floor of the law lies above the target", terminal=False),
            Column("limit", "size", "the largest size that you could have; null without a limit", given=True),
            Column("horizon", "size", "the largest size searched", terminal=False),
            Column(
                "already_met", "chance", "chance that the target is reached within the measured sizes", terminal=False
            ),
            Column(
                "p_risen",
                "chance",
                "chance that it is, but the error at the largest of them is above it again",
                terminal=False,
            ),
            Column("kind", "text", "what reaches the target: `mean`, `new-run` or `new-cases`", given=True),
            NOTE,
        ),
        record=RECORD,
        resources=RESOURCES,
    )
    keys = declared(
        **TOTAL,
        order="by which prices and when: `currency`, items `owned`, `items_per_week`, the day of the order (`start`); "
        "null without a price list",
    )

    @property
    def record(self) -> pd.DataFrame:
        """How forecasts of these curves did when the largest sizes were hidden."""
        return self.track.table

    @property
    def record_total(self) -> Totals:
        return self.track.total

    def leading(self, most: int) -> pd.DataFrame:
        """The ``most`` rows that need the least data, every group and target in turn; then those without numbers."""
        table: Any = self.table
        answered = _answered(table)
        return pd.concat([answered.iloc[leading_rows(answered, most)], table[table["q50"].isna()]])

    def shown(self, most: int) -> tuple[Shown, ...]:
        rows = len(self.table)
        note = f"{most} of {rows:,} rows, the least data first; --json or --output FILE.csv gives all."
        shown = (Shown(self.leading(most), self.columns["table"], note=note if rows > most else ""),)
        if not len(self.resources):
            return shown
        known = self.columns["resources"].pick(*map(str, self.resources.columns))
        return (*shown, Shown(self.resources, known, "The same in what a run takes:"))


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
) -> Requirement:
    """:func:`forecaster.requirement` in sizes alone, without what they take in money or hours."""
    expect_posterior(posterior)
    errors = np.unique(positive("target", target, EXAMPLES["target"]))[::-1]
    observation.check_kind(kind)
    if not 0 < level < 1:
        raise RequestError(f"level: found {level:g}; expected a share between 0 and 1, such as 0.8")
    for name, value in (("limit", limit), ("horizon", horizon)):
        if value is not None:
            positive(name, value, EXAMPLES[name])
    if limit is not None and horizon is not None and limit > horizon:
        raise RequestError(f"limit: found {limit:g}, beyond the horizon {horizon:g}; expected a horizon as far")
    wanted = chosen_keys(posterior, curves)
    rows, columns = [], []
    for one in wanted:
        design, own = posterior.designs[one.group], kind or observation.usual_kind(posterior, one.group)
        far = horizon or max(HORIZON_FACTOR * largest_size(design), limit or 0.0)
        sizes, high, above = _sizes(posterior, one, errors, searched(design, far, limit), own, seed)
        last = largest_size(design, one.architecture)
        for k, error in enumerate(errors):
            rows.append(_row(one, error, sizes[:, k], high[:, k], above[k], limit, far, last, own, level))
            columns.append(sizes[:, k])
    table, aside = pd.DataFrame(rows), _aside_rows(posterior, curves, errors, kind)
    if aside:
        table = pd.concat([table.assign(note=""), pd.DataFrame(aside)], ignore_index=True)
        columns += [np.full(posterior.draws, np.nan)] * len(aside)
    found = (*checks, *_within_sight(posterior, wanted, errors), *_risen(_answered(table)))
    draws = by_point("n", np.stack(columns, 1), table, (*KEYS, "target", "kind"), posterior)
    largest = {one.group: largest_size(posterior.designs[one.group]) for one in wanted}
    units = {group: units_of(posterior, group) for group in largest}
    track = posterior.record.of({(k.domain, k.task, k.architecture) for k in wanted}) if record else TrackRecord()
    text = track.after(joined(prose(_answered(table), largest, units), "\n"))
    return Requirement(table, text, found, draws, posterior, track)


def _within_sight(posterior: Posterior, wanted: Sequence[CurveKey], errors: np.ndarray) -> Iterator[Check]:
    """REVIEW where a target lies above every measured error: it may be in another unit."""
    if not wanted:
        return
    groups = {one.group for one in wanted}
    worst = max(float(c.error.max()) for c in posterior.curves.curves if (c.domain, c.task) in groups)
    high = errors[errors > worst]
    if high.size:
        yield Check(
            "target",
            REVIEW,
            message(
                "above-all-errors",
                f"a target of {plain_number(high[0])} lies above every measured error (largest {worst:.3g})",
                target=float(high[0]),
                largest=worst,
            ),
            "give the target in the unit of the errors, such as 0.05 for 5 %",
        )


def _risen(table: pd.DataFrame) -> Iterator[Check]:
    """REVIEW where curves reached a target and are above it again at their largest measured size."""
    rows = [row for row in table.to_dict("records") if risen(row)]
    if rows:
        labels = [f"{r['domain']}/{r['task']}/{r['architecture']}" for r in rows]
        worst = rows[0]
        reached = f"{labels[0]}: an error of {plain_number(worst['target'])} was reached by {plain_size(worst['q50'])}"
        yield Check(
            "risen",
            REVIEW,
            message(
                "risen-again",
                f"{reached}, but at the largest measured size the error is above it again{also(labels[1:])}",
                target=worst["target"],
                n=worst["q50"],
            ),
            "find out why the error rises; the sizes given are where it first reaches the target, not where it stays",
            tuple(labels),
        )


def _sizes(
    posterior: Posterior, one: CurveKey, errors: np.ndarray, span: tuple[float, float], kind: str, seed: int
) -> tuple[Float[np.ndarray, "draw target"], np.ndarray, Float[np.ndarray, " target"]]:
    """For each target: sizes needed [draw, target], whether the error at the largest measured size is above it [draw,
    target] (False without measurements), and the share of draws whose floor is above it [target]."""
    whole = curve_paths(posterior, one, span, seed=seed).whole
    asked = observation.on_grid(whole, kind)
    x, paths = looked_at(whole, asked, span)
    log_errors = np.log(errors)
    sizes = np.stack([np.exp(first_log_size(x, paths, e)) for e in log_errors], 1)
    data = whole.origin.data
    last = np.full(whole.draws, -np.inf) if data is None else paths[:, np.flatnonzero(x <= data.x.max() + 1e-9)[-1]]
    log_floor = np.log(law.floor(np, whole.parameters.level, whole.parameters.floor_logit))
    log_floor = log_floor + asked[-1] - whole.log_error[-1]  # offset of a run, or of other test cases
    return sizes, last[:, None] > log_errors, np.mean(log_floor[:, None] > log_errors, 0)


def _row(
    one: CurveKey,
    error: float,
    sizes: np.ndarray,
    high: np.ndarray,
    above: float,
    limit: float | None,
    horizon: float,
    last: float,
    kind: str,
    level: float,
) -> dict[str, object]:
    """One row of the table; quantiles are order statistics, since infinities cannot be averaged."""
    shares = QUANTILES | {"q50_lower": 0.5 - level / 2, "q50_upper": 0.5 + level / 2}
    quantiles = np.quantile(sizes, list(shares.values()), method="inverted_cdf")
    found = dict(zip(shares, quantiles.tolist(), strict=True))
    met = sizes <= last * (1 + 1e-12)
    return {
        "domain": one.domain,
        "task": one.task,
        "architecture": one.architecture,
        "target": float(error),
        "p_within_limit": np.nan if limit is None else float(np.mean(sizes <= limit * (1 + 1e-12))),
        **{name: found[name] for name in ("q5", "q25", "q50", "q50_lower", "q50_upper", "q75", "q95")},
        "level": float(level),
        "p_never": float(np.mean(np.isinf(sizes))),
        "p_floor_above": float(above),
        "limit": np.nan if limit is None else float(limit),
        "horizon": float(horizon),
        "already_met": float(np.mean(met)),
        "p_risen": float(np.mean(met & high)),
        "kind": kind,
    }


def _aside_rows(
    posterior: Posterior, curves: Sequence[CurveKey | str] | None, errors: np.ndarray, kind: str | None
) -> list[dict[str, Any]]:
    """Rows of curves that cannot be forecast: a note in place of numbers."""
    chances = ("p_within_limit", "p_never", "p_floor_above", "already_met", "p_risen")
    numbers = (*QUANTILES, "q50_lower", "q50_upper", *chances, "level", "limit", "horizon")
    return [
        {"domain": one.domain, "task": one.task, "architecture": one.architecture, "target": float(error)}
        | dict.fromkeys(numbers, np.nan)
        | {"kind": kind or observation.usual_kind(posterior, one.group), "note": last_measured(curve)}
        for one, curve in set_aside(posterior, curves).items()
        for error in errors
    ]


def _answered(table: Any) -> pd.DataFrame:
    """The rows of curves that can be forecast."""
    return table[table["q50"].notna()].reset_index(drop=True) if len(table) else table
