"""check: may this posterior be used to decide? Verdicts on sampling, data, priors, fit to the data, and the question.

Each check is one row however many curves it looks at: the worst curve speaks, up to three are named. A check
whose quantity the posterior does not carry is absent; numbers that could not be computed are skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from forecaster.curves import summarise, warnings_of
from forecaster.domains import CENTRES, LEARNED_SPREADS
from forecaster.errors import RequestError
from forecaster.forecast import forecast
from forecaster.posterior import Posterior, diagnostics
from forecaster.predictive import DRAWS, INSIDE, TRUSTED_K, Assessment, assess
from forecaster.results import Check, Result, rows_of
from forecaster.sensitivity import AS_IT_IS, card_table

PASS, REVIEW, FAIL = "PASS", "REVIEW", "FAIL"
NEVER = np.inf  # a limit that no number passes


@dataclass(frozen=True)
class Limits:
    """Where a number stops being good: ``review`` and ``fail``; ``rising``: larger is worse."""

    review: float
    fail: float
    rising: bool = True

    def verdict(self, value: float) -> str:
        """PASS, REVIEW or FAIL; a value at the limit of ``review`` needs a look, one at ``fail`` still may pass it."""
        if not self.rising:
            return FAIL if value < self.fail else REVIEW if value < self.review else PASS
        return FAIL if value > self.fail else REVIEW if value >= self.review else PASS


# Vehtari et al. 2021 (doi:10.1214/20-BA1221): below 1.01 chains agree; above 1.05 even their means are in doubt.
R_HAT = Limits(1.01, 1.05)
# The same: 400 make the standard error of a 5 % quantile about a tenth of the posterior sd; 100 not a quarter.
ESS = Limits(400.0, 100.0, rising=False)
# Share of divergent transitions: a few may be numerical; from one in a hundred on, part of the posterior is missed.
DIVERGENCES = Limits(1e-3, 1e-2)
# Correlation with where the draws began: at r, up to r of what the start had got wrong is still in them.
MEMORY = Limits(0.1, 0.5)
# Prior sds between the posterior mean and the prior mean: 2.5 happens once in 80 if the card is right. The data
# have overruled the card by then, so the card is what to look at; it is no ground to refuse the posterior.
CONFLICT = Limits(2.5, NEVER)
# Correlation of log exponent and floor: beyond 0.9, knowing one would cut the other's variance by four fifths.
RIDGE = Limits(0.9, NEVER)
# Posterior over prior sd: at 0.8 the data have removed a third of the prior's variance.
PRIOR_SHARE = Limits(0.8, NEVER)
# Decades beyond the data over decades measured. Held-out scores cover about one; no evidence at all backs more than
# four, where even a right law leaves the drift's scale, learned on so short a span, unknown.
EXTRAPOLATION = Limits(1.0, 4.0)
FAR = 2.0  # spans beyond the data from which the sentence is stronger
# Rise above the best error so far that no falling law can follow, of log error: 20 %.
RISE = Limits(float(np.log(1.2)), NEVER)
# Chance, if the model is right, of what was seen in one curve (or group): one false alarm in a hundred of each kind.
UNLIKELY = Limits(0.01, 0.0, rising=False)
# Share of a curve's sizes whose Pareto k is too large: few points and many parameters make some of them influential
# (at most a quarter in sixty curves drawn from the generic card); from a half on, leaving out tells little.
INFLUENTIAL = Limits(0.5, NEVER)
# Share of a curve's errors inside the card's 95 % band. The sizes of a curve move together: a right card may leave
# half of one outside (in 5 of those sixty curves), but seldom more than two thirds (in none).
FORESEEN = Limits(1.0 / 3.0, -NEVER, rising=False)
# Half widths of the forecast's interval by which another prior moves its middle: at 1 the old end is the new middle.
MOVED = Limits(0.5, NEVER)
NAMES_SHOWN = 3
Table = Any  # a DataFrame, where pandas' own annotations know no better


@dataclass(frozen=True, eq=False)
class Health(Result):
    """Columns: ``name, verdict, curve, text, next_step``, one row per check; ``curve`` is the worst one's label.

    ``fit`` and ``fit_points`` are the tables of :class:`~forecaster.predictive.Assessment` by curve and by size,
    ``sensitivity`` that of :func:`~forecaster.sensitivity.card_table` at the sizes asked about (empty without any).
    """

    fit: pd.DataFrame = field(default_factory=pd.DataFrame)
    fit_points: pd.DataFrame = field(default_factory=pd.DataFrame)
    sensitivity: pd.DataFrame = field(default_factory=pd.DataFrame)
    command = "check"

    def to_dict(self) -> dict[str, Any]:
        tables = {"fit": self.fit, "fit_points": self.fit_points, "sensitivity": self.sensitivity}
        return super().to_dict() | {name: rows_of(table) for name, table in tables.items()}

    @property
    def verdict(self) -> str:
        """The worst verdict of all checks."""
        found = {check.verdict for check in self.checks}
        return next((v for v in (FAIL, REVIEW) if v in found), PASS)


def check(posterior: Posterior, *, at: Sequence[float] = ()) -> Health:
    """Every check that applies; with the sizes ``at``, also how far they lie beyond the data, and on what prior they
    rest.

    Raises RequestError where a size is no positive number.
    """
    sizes = np.asarray(at, dtype=float)
    wrong = sizes[~(np.isfinite(sizes) & (sizes > 0))]
    if wrong.size:
        raise RequestError(f"at: found {wrong[0]:g}; expected a positive size, such as 1e6")
    found = assess(posterior)
    changed = card_table(forecast(posterior, sizes)) if sizes.size else pd.DataFrame()
    checks = (
        *_sampling(posterior),
        *_engine(posterior),
        *_priors(posterior),
        *_foreseen(found),
        *_design(posterior),
        *_left_out(found),
        *_replicated(found),
        *_extrapolation(posterior, sizes),
        *_sensitivity(changed),
    )
    columns = ["name", "verdict", "curve", "text", "next_step"]
    table = pd.DataFrame([c.as_row() for c in checks], columns=columns)
    return Health(table, _text(checks), checks, found.curves, found.points, changed)


def _worst(
    name: str,
    values: Mapping[str, float],
    limits: Limits,
    say: Callable[[str, float], str],
    fine: str,
    next_step: str,
) -> Iterator[Check]:
    """One check from a number per curve or group: what ``say`` tells of the worst, and who else is not fine.

    Nothing where there is no number. ``fine`` is the sentence when all pass, with ``{worst}`` filled in.
    """
    known = {label: float(v) for label, v in values.items() if not np.isnan(v)}
    if not known:
        return
    order = sorted(known, key=lambda label: known[label], reverse=limits.rising)
    worst = order[0]
    verdict = limits.verdict(known[worst])
    if verdict == PASS:
        yield Check(name, PASS, fine.format(worst=f"{known[worst]:.4g}"))
        return
    others = [label for label in order[1:] if limits.verdict(known[label]) != PASS]
    yield Check(name, verdict, say(worst, known[worst]) + _and(others), next_step, worst)


def _and(others: Sequence[str]) -> str:
    """`` (also A, B and 3 more)``, naming up to ``NAMES_SHOWN`` with the worst."""
    shown = ", ".join(others[: NAMES_SHOWN - 1])
    more = len(others) - NAMES_SHOWN + 1
    return f" (also {shown}{f' and {more} more' if more > 0 else ''})" if others else ""


# How the sampling went --------------------------------------------------------------------------------


def _sampling(posterior: Posterior) -> Iterator[Check]:
    finite = {str(k): bool(np.isfinite(v.values).all()) for k, v in posterior.tree["posterior"].data_vars.items()}
    broken = [name for name, fine in finite.items() if not fine]
    if broken:
        text = f"draws of {', '.join(broken)} are not all finite numbers"
        yield Check("finite draws", FAIL, text, "fit again with the reference engine, `--engine nuts`, and report this")
    else:
        yield Check("finite draws", PASS, "every draw is a finite number")
    found = diagnostics(posterior)
    found["ess"] = found[["ess_bulk", "ess_tail"]].min(axis=1)
    for name, column, limits, what, fine, step in (
        (
            "r-hat", "r_hat", R_HAT, "R-hat", "chains agree: the largest R-hat is {worst}",
            "fit again with more draws; if it stays, with the reference engine, `--engine nuts`",
        ),
        (
            "ess", "ess", ESS, "effective sample size (bulk or tail)",
            "enough draws: the smallest effective sample size is {worst}", "fit again with more draws",
        ),
    ):  # fmt: skip
        known = found.dropna(subset=[column]).sort_values(column, ascending=not limits.rising)
        worst = known.drop_duplicates("curve").set_index("curve")

        def say(label: str, value: float, worst=worst, what=what) -> str:
            return f"{label}: {what} of {worst.loc[label, 'quantity']} is {value:.4g}"

        yield from _worst(name, worst[column].to_dict(), limits, say, fine, step)


ENGINE_CHECKS = (
    (
        "memory",
        MEMORY,
        "draws of {label} remember where the sampling began: correlation {value:.2f}",
        "draws of the curves have forgotten where the sampling began: correlation {worst}",
    ),
    (
        "hyper_memory",
        MEMORY,
        "draws of the group {label} remember where the sampling began: correlation {value:.2f}",
        "draws of the groups have forgotten where the sampling began: correlation {worst}",
    ),
    (
        "curve_ess",
        ESS,
        "{label} rests on few independent draws: {value:.0f}",
        "every curve rests on enough independent draws: {worst}",
    ),
    (
        "hyper_ess",
        ESS,
        "the group {label} rests on few independent draws: {value:.0f}",
        "every group rests on enough independent draws: {worst}",
    ),
)


def _engine(posterior: Posterior) -> Iterator[Check]:
    """Checks on what only some engines report."""
    stats = posterior.tree["sample_stats"].to_dataset()
    if "divergences" in stats and "transitions" in stats:
        share = _by_label(stats["divergences"] / stats["transitions"])
        yield from _worst(
            "divergences",
            share,
            DIVERGENCES,
            lambda label, v: f"{label}: {v:.2%} of transitions diverged; parts of the posterior may be missed",
            "the largest share of divergent transitions is {worst}",
            "fit again with more tuning, or with a card whose priors are tighter",
        )
    for name, limits, said, passed in ENGINE_CHECKS:
        if name in stats:
            yield from _worst(
                name.replace("_", " "),
                _by_label(stats[name]),
                limits,
                lambda label, v, said=said: said.format(label=label, value=v),
                passed,
                "fit again with more draws, or with the reference engine, `--engine nuts`",
            )


def _by_label(values) -> dict[str, float]:
    """Numbers by curve or group."""
    return dict(zip(values[values.dims[0]].values.tolist(), values.values.tolist(), strict=True))


# What the priors do -----------------------------------------------------------------------------------


def _priors(posterior: Posterior) -> Iterator[Check]:
    conflict, quantity_of = {}, {}
    log_spread: np.ndarray = posterior.tree.posterior["log_spread"].values
    for group in posterior.groups:
        design, label = posterior.designs[group], "/".join(group)
        i = posterior.groups.index(group)
        spreads = log_spread[:, :, i].reshape(-1, 2)
        learned = np.concatenate([posterior.centre(group), spreads], 1)
        away = np.abs(learned.mean(0) - design.hyper_mean) / design.hyper_sd
        worst = int(np.argmax(away))
        conflict[label], quantity_of[label] = away[worst], (*CENTRES, *LEARNED_SPREADS)[worst]
    yield from _worst(
        "prior-data conflict",
        conflict,
        CONFLICT,
        lambda label, v: f"{label}: the data put {quantity_of[label]} {v:.1f} prior sds away from the card's prior",
        "every group lies where its card expects: at most {worst} prior sds away",
        "read the card's prior and its source; use another card, or your own, if this field differs",
    )
    yield from _identified(posterior)


def _identified(posterior: Posterior) -> Iterator[Check]:
    """Whether the data tell floor and exponent apart, and from their priors."""
    ridge, prior_only = {}, {"exponent": {}, "floor": {}}
    for curve in posterior.curves.curves:
        draws = posterior.curve(curve.label)
        design = posterior.designs[(curve.domain, curve.task)]
        ridge[curve.label] = abs(_correlation(draws.log_exponent, draws.floor_logit))
        learned = np.exp(2.0 * design.hyper_mean[-1] + 2.0 * design.hyper_sd[-1] ** 2)  # mean of a squared lognormal
        prior_exponent = np.hypot(design.hyper_sd[1], np.sqrt(learned))
        prior_floor = np.hypot(design.hyper_sd[3], design.spread_fixed[1])
        prior_only["exponent"][curve.label] = np.std(draws.log_exponent) / prior_exponent
        prior_only["floor"][curve.label] = np.std(draws.floor_logit) / prior_floor
    yield from _worst(
        "exponent-floor ridge",
        ridge,
        RIDGE,
        lambda label, v: (
            f"{label}: the floor and the exponent cannot be told apart (correlation {v:.2f} in size); "
            "forecasts far ahead rest on which of the two it is"
        ),
        "floors and exponents can be told apart: correlation at most {worst} in size",
        "measure a larger size, or state a floor in the card (human level, label noise)",
    )
    for name, shares in prior_only.items():
        yield from _worst(
            f"{name} from the prior",
            shares,
            PRIOR_SHARE,
            lambda label, v, name=name: (
                f"{label}: the {name} is known little better than before the data (sd {v:.0%} of its prior's)"
            ),
            f"the data inform every {name}: posterior sd at most {{worst}} of the prior's",
            "measure larger sizes; until then, read the card's prior as part of the answer",
        )


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson correlation; NaN where either does not vary."""
    if np.std(one) == 0 or np.std(other) == 0:
        return float("nan")
    return float(np.corrcoef(one, other)[0, 1])


# What was measured, and what is asked -----------------------------------------------------------------

NOTES = {
    "span": ("every curve spans a decade of sizes or more", "measure smaller and larger sizes"),
    "one-seed": ("every curve has repeats", "repeat some sizes with other seeds"),
    "non-monotone": ("no curve rises by more than 5 %", "look at the runs at those sizes; drop those that failed"),
    "near-chance": ("every curve is better than guessing", "measure larger sizes, where something is learned"),
}


def _design(posterior: Posterior) -> Iterator[Check]:
    chances: dict[tuple[str, str] | str, float] = {
        group: card.chance.value for group, card in posterior.cards.items() if card.chance is not None
    }
    notes = warnings_of(posterior.curves, chances)
    for code, (fine, step) in NOTES.items():
        found = [note for note in notes if note.code == code]
        if found:
            others = _and([note.curve or "" for note in found[1:]])
            yield Check(code, REVIEW, found[0].text + others, step, found[0].curve)
        elif code != "near-chance" or chances:
            yield Check(code, PASS, fine)
    rises = summarise(posterior.curves)["best_so_far_rise"].tolist()
    yield from _worst(
        "ill-behaved",
        {c.label: rise for c, rise in zip(posterior.curves.curves, rises, strict=True)},
        RISE,
        lambda label, v: (
            f"{label}: error rises {np.expm1(v):.0%} above the best so far; its intervals rest on the drift, "
            "not on the law"
        ),
        "no curve rises by more than 20 % above its best so far",
        "find out why it rises before relying on this curve",
    )


# Whether the model fits what was measured --------------------------------------------------------------

LOOK = "look at the runs at that size: a failed run, another recipe or another test set; drop or repeat it"
DRIFTS = "treat intervals of this curve as too narrow; measure more sizes, and see a backtest before deciding"
REPLICATED = {
    "jump": ("jumps", "has a jump from one size to the next larger than", "jumps", LOOK),
    "run": ("runs", "departs from its law in a more regular way than", "departs from its law", DRIFTS),
    "bend": ("bend", "bends between small and large sizes otherwise than", "bends", DRIFTS),
}


def _labels(table: Table) -> list[str]:
    """``domain/task/architecture`` of each row."""
    return ["/".join(map(str, key)) for key in table[["domain", "task", "architecture"]].itertuples(index=False)]


def _by_curve(table: Table, column: str) -> dict[str, float]:
    return dict(zip(_labels(table), table[column].tolist(), strict=True)) if len(table) else {}


def _foreseen(found: Assessment) -> Iterator[Check]:
    """Whether the card, before any data, held the measured errors likely."""
    yield from _worst(
        "foreseen by the card",
        _by_curve(found.curves, "prior_inside"),
        FORESEEN,
        lambda label, v: (
            f"{label}: the card contradicts the measurements: {_percent(v)} of them lie where it expects 95 % of them"
        ),
        "the card held what was measured likely: of every curve at least a third lies in its 95 % band",
        "check the unit of error and sizes; then use another card, or write your own, with levels like those measured",
    )


def _left_out(found: Assessment) -> Iterator[Check]:
    """Whether each size is what the others say, and whether leaving it out can tell."""
    if found.curves.empty:
        return
    points: Table = found.points.assign(label=_labels(found.points), out=(found.points["pit"] - 0.5).abs())
    farthest = points.sort_values("out").drop_duplicates("label", keep="last").set_index("label")

    def say(label: str, v: float) -> str:
        row = farthest.loc[label]
        return (
            f"{label}: at size {row['n']:g} the error is {row['error']:.3g}, where the other sizes say "
            f"{row['expected_lower']:.3g} to {row['expected_upper']:.3g} ({_percent(INSIDE)} range); {_chance(v)}"
        )

    yield from _worst(
        "left-out sizes", _by_curve(found.curves, "p_surprise"), UNLIKELY, say,
        "every measured size is what the other sizes let expect", LOOK,
    )  # fmt: skip
    yield from _ranges(points)
    many = int((points["pareto_k"] > TRUSTED_K).sum())
    yield from _worst(
        "influential sizes",
        _by_curve(found.curves, "k_high"),
        INFLUENTIAL,
        lambda label, v: (
            f"{label}: {_percent(v)} of its sizes sway the fit so much that leaving them out cannot be judged "
            f"(Pareto k above {TRUSTED_K:g}; {many} of {len(points)} sizes in all)"
        ),
        f"few sizes sway the fit by themselves: {many} of {len(points)} have a Pareto k above {TRUSTED_K:g}",
        "measure more sizes; until then rely on a backtest for how far to believe this curve",
    )


def _ranges(points: Table) -> Iterator[Check]:
    """Whether the ranges that the other sizes give hold as many errors as they claim, group by group.

    Too few is what misleads; the chance is binomial, as if sizes were independent. Too many is safe, and told.
    """
    from scipy.stats import binom

    inside = points["out"] <= INSIDE / 2
    groups = points["domain"] + "/" + points["task"]
    counted = {str(label): (int(own.sum()), len(own)) for label, own in inside.groupby(groups, sort=False)}
    yield from _worst(
        "ranges of left-out sizes",
        {label: float(binom.cdf(hits, total, INSIDE)) for label, (hits, total) in counted.items()},
        UNLIKELY,
        lambda label, v: (
            f"{label}: {counted[label][0]} of {counted[label][1]} measured errors lie in the {_percent(INSIDE)} range "
            f"that the other sizes give; {_chance(v)}: the model is too sure of itself"
        ),
        f"ranges are wide enough: {_percent(inside.mean())} of the measured errors lie in the {_percent(INSIDE)} range "
        "that the other sizes give",
        DRIFTS,
    )


def _replicated(found: Assessment) -> Iterator[Check]:
    """Whether curves made by the model look like the measured one."""
    for statistic, (name, does, plainly, step) in REPLICATED.items():
        yield from _worst(
            name,
            _by_curve(found.curves, f"p_{statistic}"),
            UNLIKELY,
            lambda label, v, does=does: (
                f"{label}: the measured curve {does} the model's own curves do (as in {_share(v)} of them)"
            ),
            f"every measured curve {plainly} as the model's own curves do",
            step,
        )


def _share(p: float) -> str:
    """A share of ``DRAWS`` replicates, which cannot tell a smaller one."""
    return f"{p:.1%}" if p > 0 else f"fewer than 1 in {DRAWS}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _chance(p: float) -> str:
    """``expected once in 12,000 such curves``."""
    return f"expected once in {1 / p:,.0f} such cases" if p > 1e-9 else "not expected at all"


def _sensitivity(table: Table) -> Iterator[Check]:
    """Whether the forecast at the sizes asked for hangs on one number of the card."""
    if table.empty:
        return
    known: Table = table[table["change"] != AS_IT_IS].assign(
        label=lambda t: _labels(t), away=lambda t: t["moved"].abs()
    )
    now: Table = table[table["change"] == AS_IT_IS].assign(label=lambda t: _labels(t)).set_index(["label", "n"])["yhat"]
    worst = known.dropna(subset=["away"]).sort_values("away").drop_duplicates("label", keep="last").set_index("label")

    def say(label: str, v: float) -> str:
        row = worst.loc[label]
        return (
            f"{label}: with the card's prior on the {row['prior']} {row['change']}, the forecast at {row['n']:g} would "
            f"be {row['yhat']:.3g} in place of {now[(label, row['n'])]:.3g} ({v:.1f} half widths of its range)"
        )

    yield from _worst(
        "card sensitivity", worst["away"].to_dict(), MOVED, say,
        "no forecast hangs on one prior: another exponent, floor or drift moves it by {worst} half widths of its range",
        "read that prior's source in the card; decide as if the forecast could be either, or measure a larger size",
    )  # fmt: skip
    doubtful = known[known["pareto_k"] > TRUSTED_K]
    if len(doubtful):
        changes = dict.fromkeys(f"{p} {c}" for p, c in zip(doubtful["prior"], doubtful["change"], strict=True))
        k = doubtful["pareto_k"].to_numpy().max()
        text = (
            f"reweighting cannot tell what these other priors would do: {', '.join(changes)} (Pareto k up to {k:.2g})"
        )
        yield Check("card reweighting", REVIEW, text, "fit again under a card changed so (`--card`), and compare")
    else:
        yield Check("card reweighting", PASS, "draws could be reweighted to every other prior that was tried")


def _extrapolation(posterior: Posterior, sizes: np.ndarray) -> Iterator[Check]:
    if not sizes.size:
        return
    far = {}
    for curve in posterior.curves.curves:
        span = np.log(curve.n[-1] / curve.n[0])
        far[curve.label] = max(np.log(sizes.max() / curve.n[-1]), 0.0) / span if span > 0 else np.inf

    def say(label: str, v: float) -> str:
        text = f"{label}: {sizes.max():g} lies {v:.1f} times the measured span beyond its largest size"
        return text + ("; far beyond what any held-out score supports" if v > FAR else "")

    yield from _worst(
        "extrapolation",
        far,
        EXTRAPOLATION,
        say,
        "no size asked for lies more than one measured span beyond the data (at most {worst})",
        "measure a size on the way there and fit again",
    )


def _text(checks: Sequence[Check]) -> str:
    """One sentence over all checks."""
    named = {v: [c.name for c in checks if c.verdict == v] for v in (FAIL, REVIEW)}
    said = f"{len(named[REVIEW])} of {len(checks)} checks ask to be read first ({', '.join(named[REVIEW])})"
    if named[FAIL]:
        also = f"; {said}" if named[REVIEW] else ""
        return f"FAIL: do not decide on this posterior; failed: {', '.join(named[FAIL])}{also}."
    return f"REVIEW: {said}; none failed." if named[REVIEW] else f"PASS: all {len(checks)} checks passed."
