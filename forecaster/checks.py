"""check: may this posterior be used to decide? Verdicts on sampling, data, priors, fit to the data, and the question.

Each check is one row however many curves it looks at: the worst curve speaks, up to three are named. A check
whose quantity the posterior does not carry is absent; numbers that could not be computed are skipped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from forecaster.curves import KEYS, Note, summarise, warnings_of
from forecaster.diagnostics import SUMMARISED
from forecaster.errors import RequestError
from forecaster.forecast import Target, forecast
from forecaster.inference import Progress
from forecaster.model_checks import card_sensitivity, foreseen, left_out, replicated
from forecaster.posterior import Posterior, diagnostics
from forecaster.predictive import assess
from forecaster.prior_checks import identified, prior_conflict
from forecaster.requirement import plain_size
from forecaster.results import Check, Result, rows_of
from forecaster.rises import LEAST, Rise
from forecaster.sensitivity import card_table
from forecaster.verdicts import (
    DIVERGENCES,
    ESS,
    EXTRAPOLATION,
    FAIL,
    FAR,
    MEMORY,
    PASS,
    R_HAT,
    REVIEW,
    RISE,
    TAILS,
    also,
    narrowed,
    worst_of,
)


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
        return overall(self.checks)


SLACK = 1.0 - 1e-9  # rounding must not carry a size at a limit beyond it


def check(posterior: Posterior, *, at: Sequence[float] = (), on_progress: Progress = lambda *_: None) -> Health:
    """Every check that applies; with the sizes ``at``, also how far they lie beyond the data, and on what prior they
    rest.

    Raises RequestError where a size is no positive number.
    """
    sizes = np.asarray(at, dtype=float)
    wrong = sizes[~(np.isfinite(sizes) & (sizes > 0))]
    if wrong.size:
        raise RequestError(f"at: found {wrong[0]:g}; expected a positive size, such as 1e6")
    found = assess(posterior, on_progress=on_progress)
    changed = card_table(forecast(posterior, sizes)) if sizes.size else pd.DataFrame()
    checks = (
        *_sampling(posterior),
        *_engine(posterior),
        *prior_conflict(posterior),
        *identified(posterior),
        *foreseen(found),
        *_design(posterior),
        *left_out(found),
        *replicated(found),
        *_extrapolation(posterior, sizes),
        *card_sensitivity(changed),
    )
    return Health(table_of(checks), _text(checks), checks, found.curves, found.points, changed)


def overall(checks: Sequence[Check]) -> str:
    """The worst verdict of all."""
    found = {check.verdict for check in checks}
    return next((v for v in (FAIL, REVIEW) if v in found), PASS)


def table_of(checks: Sequence[Check]) -> pd.DataFrame:
    """One row a check, without the list of all its curves: see :class:`Health`."""
    return pd.DataFrame([c.as_row() for c in checks], columns=["name", "verdict", "curve", "text", "next_step"])


def about(found: Health, chosen: Sequence[Target]) -> Health:
    """What of it is about these curves and their groups: verdicts, and the tables by curve."""
    labels = {t.label for t in chosen} | {"/".join(t.group) for t in chosen}
    checks = tuple(narrowed(one, labels) for one in found.checks)

    def own(table: Any) -> pd.DataFrame:
        keys = [Target(*key) in chosen for key in zip(*(table[c] for c in KEYS), strict=True)] if len(table) else []
        return table[np.array(keys, dtype=bool)].reset_index(drop=True)

    tables = own(found.fit), own(found.fit_points), own(found.sensitivity)
    return Health(table_of(checks), _text(checks), checks, *tables)


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
    read = found["quantity"].isin(SUMMARISED)
    found["ess"] = found["ess_bulk"].where(~read, np.fmin(found["ess_bulk"], found["ess_tail"]))
    found["tail"] = found["ess_tail"].mask(read)
    more = "fit again with more draws"
    for name, column, limits, what, fine, step in (
        (
            "r-hat", "r_hat", R_HAT, "R-hat", "chains agree: the largest R-hat is {worst}",
            f"{more}; if it stays, with the reference engine, `--engine nuts`",
        ),
        (
            "ess", "ess", ESS, "effective sample size",
            "enough draws: the smallest effective sample size is {worst}", more,
        ),
        (
            "tails", "tail", TAILS, "effective sample size of the tails",
            "enough draws in the tails of what no interval reports, too: {worst} at the least", more,
        ),
    ):  # fmt: skip
        known = found.dropna(subset=[column]).sort_values(column, ascending=not limits.rising)
        worst = known.drop_duplicates("curve").set_index("curve")

        def say(label: str, value: float, worst=worst, what=what) -> str:
            return f"{label}: {what} of {worst.loc[label, 'quantity']} is {value:.4g}"

        yield from worst_of(name, worst[column].to_dict(), limits, say, fine, step)


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
        yield from worst_of(
            "divergences",
            share,
            DIVERGENCES,
            lambda label, v: f"{label}: {v:.2%} of transitions diverged; parts of the posterior may be missed",
            "the largest share of divergent transitions is {worst}",
            "fit again with more tuning, or with a card whose priors are tighter",
        )
    for name, limits, said, passed in ENGINE_CHECKS:
        if name in stats:
            yield from worst_of(
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


# What was measured, and what is asked -----------------------------------------------------------------

NOTES = {
    "span": ("every curve spans a decade of sizes or more", "measure smaller and larger sizes"),
    "one-seed": ("every curve has repeats", "repeat some sizes with other seeds"),
    "stray-run": (
        "no run stands apart from the others at its size",
        "look at that run; if it failed, or was mistyped, leave its row out and fit again",
    ),
    "non-monotone": ("no curve rises by more than 5 %", ""),
    "near-chance": ("every curve is better than guessing", "measure larger sizes, where something is learned"),
}
RISEN = {  # what to do about a rise, by whether error is still up at the largest sizes
    False: "look at the runs at those sizes; drop those that failed",
    True: "where the largest sizes rise, measure a larger one or find out why",
}


def _design(posterior: Posterior) -> Iterator[Check]:
    chances: dict[tuple[str, str] | str, float] = {
        group: card.chance.value for group, card in posterior.cards.items() if card.chance is not None
    }
    notes = warnings_of(posterior.curves, chances)
    rises = {curve.label: curve.rise for curve in posterior.curves.curves}
    most = summarise(posterior.curves)["best_so_far_rise"].to_numpy().max()
    for code, (fine, step) in NOTES.items():
        found = [note for note in notes if note.code == code]
        if found and code == "non-monotone":
            yield _non_monotone(found, {label for label, rise in rises.items() if rise and rise.at_end})
        elif found:
            curves = tuple(note.curve for note in found if note.curve)
            each = tuple((note.curve, REVIEW, note.text) for note in found if note.curve)
            yield Check(code, REVIEW, found[0].text + also(curves[1:]), step, curves, each)
        elif code != "near-chance" or chances:
            yield Check(code, PASS, fine + (NOISE if code == "non-monotone" and most > LEAST else ""))
    yield from _ill_behaved(rises, most)


NOISE = " and more than its noise explains"


def _non_monotone(found: Sequence[Note], still_up: Set[str]) -> Check:
    """A rise in between is a failed run or a dip of its own; one at the largest sizes is what forecasts start from."""
    texts, steps, curves, each = [], [], [], []
    for at_end, step in RISEN.items():
        own = [note for note in found if (note.curve in still_up) == at_end]
        if own:
            labels = [note.curve for note in own if note.curve]
            texts.append(own[0].text + also(labels[1:]))
            steps.append(step)
            curves += labels
            each += [(note.curve, REVIEW, note.text) for note in own if note.curve]
    return Check("non-monotone", REVIEW, "; ".join(texts), "; ".join(steps), tuple(curves), tuple(each))


def _ill_behaved(rises: Mapping[str, Rise | None], most: float) -> Iterator[Check]:
    def say(label: str, v: float) -> str:
        rise = rises[label]
        where = " at its largest sizes" if rise and rise.at_end else ""
        text = f"{label}: error rises {np.expm1(v):.0%} above the best so far{where}; "
        return text + "its intervals rest on the drift, not on the law"

    yield from worst_of(
        "ill-behaved",
        {label: rise.size if rise else 0.0 for label, rise in rises.items()},
        RISE,
        say,
        "no curve rises by more than 20 % above its best so far" + (NOISE if most >= RISE.review else ""),
        "find out why it rises before relying on this curve",
    )


def _extrapolation(posterior: Posterior, sizes: np.ndarray) -> Iterator[Check]:
    """How many measured spans the farthest size lies beyond the data, on either side.

    What lies below the smallest size is seldom decided on: it may call for a look, but fails nothing.
    """
    if not sizes.size:
        return
    far, below = {}, {}
    for curve in posterior.curves.curves:
        group = posterior.designs[(curve.domain, curve.task)]
        span = np.log(curve.n[-1] / curve.n[0]) or group.x_ref - group.x_min  # of one size: it leans on its group
        above, down = np.log(sizes.max() / curve.n[-1]), np.log(curve.n[0] / sizes.min())
        above, spans = ((max(v, 0.0) / span * SLACK if span > 0 else np.inf) for v in (above, down))
        far[curve.label] = max(above, min(spans, EXTRAPOLATION.fail))
        if far[curve.label] > above:
            below[curve.label] = f"{down / np.log(10):.1f} decades below its smallest size, {spans:.1f}"

    def say(label: str, v: float) -> str:
        if label in below:
            return (
                f"{label}: {plain_size(sizes.min())} lies {below[label]} times the measured span away; nothing "
                "measured says from which size on error falls there"
            )
        text = f"{label}: {plain_size(sizes.max())} lies {v:.1f} times the measured span beyond its largest size"
        return text + ("; far beyond what any held-out score supports" if v > FAR else "")

    yield from worst_of(
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
    asks = "asks" if len(named[REVIEW]) == 1 else "ask"
    said = f"{len(named[REVIEW])} of {len(checks)} checks {asks} to be read first ({', '.join(named[REVIEW])})"
    if named[FAIL]:
        also = f"; {said}" if named[REVIEW] else ""
        return f"FAIL: do not decide on this posterior; failed: {', '.join(named[FAIL])}{also}."
    return f"REVIEW: {said}; none failed." if named[REVIEW] else f"PASS: all {len(checks)} checks passed."
