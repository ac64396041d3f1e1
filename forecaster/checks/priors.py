"""Checks of the priors: does the group lie where its card expects, and do the data inform its parameters?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from scipy import special

from forecaster.checks.limits import (
    CONFLICT,
    EXPONENT_KNOWN,
    FLOOR_CONFLICT,
    FLOOR_KNOWN,
    FLOOR_MOVED,
    PRIOR_SHARE,
    RIDGE,
    worst_of,
)
from forecaster.domains.floor_evidence import FloorEvidence
from forecaster.domains.quantities import CENTRES, LEARNED_SPREADS
from forecaster.inference.parameters import CurveDraws
from forecaster.inference.posterior import Posterior
from forecaster.model import floor_terms, law
from forecaster.model.design import Design
from forecaster.model.floor_conflicts import smallest_error
from forecaster.results.check import PASS, REVIEW, Check
from forecaster.results.message import Message, message
from forecaster.results.wording import percent

# What the data show where a quantity lies below its prior, and where above: "... than this card expects".
FOUND = {
    "level": ("errors at the largest sizes are smaller", "errors at the largest sizes are larger"),
    "log_exponent": ("errors fall more slowly with data", "errors fall more steeply with data"),
    "log_break": ("the power law begins at smaller sizes", "the power law begins at larger sizes"),
    "floor_logit": ("less of the error is irreducible", "more of the error is irreducible"),
    "log_noise": ("runs vary less", "runs vary more"),
    "log_drift": ("the curves keep closer to a smooth law", "the curves depart farther from a smooth law"),
    "log_slope": ("the slopes of the curves change less", "the slopes of the curves change more"),
    "log_sharpness": ("the power law sets in more abruptly", "the power law sets in more gradually"),
    "level_spread": ("errors of architectures differ less", "errors of architectures differ more"),
    "log_exponent_spread": (
        "the exponents of architectures differ less",
        "the exponents of architectures differ more",
    ),
}
NEXT = "read the card's prior and its source; if your field differs, use another card or write your own"
UNIT = (
    "check the units of error and size; dividing all errors by one number (100 for per cent, or the error of guessing) "
    "changes only the unit of a forecast and brings errors to where a card expects them; otherwise use another card"
)
SMOOTH = (
    "harmless if the errors are as measured (the intervals are, if anything, too wide); make sure that nobody smoothed "
    "the curves or copied their repeats"
)
HARMLESS = ("log_noise", "log_drift", "log_slope")  # where they lie below the prior


def prior_conflict(posterior: Posterior) -> Iterator[Check]:
    """Prior-data conflict: does each group lie where its card expects?"""
    away, found = {}, {}
    log_spread: np.ndarray = posterior.tree.posterior["log_spread"].values
    for i, group in enumerate(posterior.groups):
        design, label = posterior.designs[group], "/".join(group)
        learned = np.concatenate([posterior.centre(group), log_spread[:, :, i].reshape(-1, 2)], 1)
        off = (learned.mean(0) - design.hyper_mean) / design.hyper_sd
        if len(design.curves) == 1:
            off = off[: len(CENTRES)]  # one curve does not inform the spreads: they widen where it lies far off
        worst = int(np.argmax(np.abs(off)))
        away[label] = abs(off[worst])
        found[label] = (*CENTRES, *LEARNED_SPREADS)[worst], bool(off[worst] > 0)

    def say(label: str, v: float) -> Message:
        quantity, above = found[label]
        side = "above" if above else "below"
        text = (
            f"{label}: {FOUND[quantity][above]} than this card expects ({quantity} lies {v:.1f} prior sds {side} the "
            "prior mean)"
        )
        return message("prior-conflict", text, quantity=quantity, above=above, sds=v)

    yield from worst_of(
        "prior-data-conflict",
        away,
        CONFLICT,
        say,
        lambda v: message(
            "no-conflict", f"every group lies where its card expects (at most {v:.1f} prior sds away)", sds=v
        ),
        _next(*found[max(away, key=lambda label: away[label])]),
    )


def floor_evidence(posterior: Posterior) -> Iterator[Check]:
    """Does the evidence on the floor agree with the curves, and with itself? No check where there is none."""
    plain, chances, against, moved = posterior.floors_without_evidence, {}, {}, {}
    for design in posterior.designs.values():
        if design.card.floor is None:
            continue
        yield from _consistent(design)
        for label in (c.curve.label for c in design.curves if c.curve.label in plain):
            parts = agreement(design.card.floor, plain[label])
            against[label] = min(parts, key=lambda said: parts[said])
            chances[label] = parts[against[label]]
            moved[label] = abs(_shift(plain[label], _log_floor(posterior.curve(label))))

    def say(label: str, v: float) -> Message:
        low, high = np.exp(np.quantile(plain[label], (0.1, 0.9)))
        text = (
            f"{label}: without the evidence its floor would be {low:.3g} to {high:.3g} (80 %), which contradicts "
            f"{against[label]} ({percent(v)} chance of as much)"
        )
        return message("floor-conflict", text, p=v, evidence=against[label])

    yield from worst_of(
        "floor-evidence",
        chances,
        FLOOR_CONFLICT,
        say,
        lambda v: message("floor-agrees", "the measurements do not contradict the evidence on the floor", p=v),
        "check that the evidence is about this test set and these errors; leave it out, or leave out an architecture "
        "that it is not about (--leave-out)",
    )
    yield from worst_of(
        "floor-rests-on-evidence",
        moved,
        FLOOR_MOVED,
        lambda label, v: message(
            "rests-on-evidence",
            f"{label}: the evidence moves the floor out of the 80 % range that it would have without it, by {v:.1f} "
            "half-widths; far forecasts rest on the evidence, which the measurements do not confirm",
            moved=v,
        ),
        lambda v: message(
            "moved-little",
            f"the evidence leaves every floor within the 80 % range that it has without it ({v:.1f} half-widths)",
            moved=v,
        ),
        "make sure of the evidence, or measure a larger size",
    )


def _shift(before: np.ndarray, after: np.ndarray) -> float:
    """How far the median of draws moves, in half-widths of the 80 % range before."""
    low, middle, high = np.quantile(before, (0.1, 0.5, 0.9))
    moved = float(np.median(after)) - middle
    return float(moved / (high - middle if moved > 0 else middle - low))


def agreement(evidence: FloorEvidence, log_floor: np.ndarray) -> dict[str, float]:
    """How probable it is that log floors [draw] are as far from each part of the evidence, by what it says.

    The draws are those of a fit without it. Of people and of a range, two-sided; of wrong labels, one-sided: the chance
    that no more labels are wrong than the floor.
    """
    found: dict[str, float] = {}
    if evidence.human is not None:
        middle, variance = floor_terms.log_moments(evidence.human)
        sds = (float(np.sqrt(variance + sd**2)) for sd in (floor_terms.BELOW, floor_terms.ABOVE))
        found[f"a human-level error of {evidence.human}"] = _two_sided(_below(log_floor - middle, *sds))
    if evidence.stated is not None:
        middle, sd = floor_terms.log_scale(evidence.stated)
        found[f"a stated range of {evidence.stated}"] = _two_sided(_below(log_floor - middle, sd, sd))
    if evidence.label_noise is not None:
        below = special.betainc(*evidence.label_noise.beta, np.exp(log_floor))
        found[f"wrong labels, {evidence.label_noise}"] = float(np.mean(below))
    return found


def _below(away: np.ndarray, below: float, above: float) -> np.ndarray:
    """Distribution function of a normal of two halves, with an sd below zero and one above."""
    sd, weight = np.where(away < 0, below, above), 2.0 / (below + above)
    lower = weight * below * special.ndtr(np.minimum(away, 0.0) / sd)
    return lower + weight * above * (special.ndtr(np.maximum(away, 0.0) / sd) - 0.5)


def _two_sided(below: np.ndarray) -> float:
    return float(2.0 * min(below.mean(), 1.0 - below.mean()))


def _consistent(design: Design) -> Iterator[Check]:
    """Whether people do better than labels allow, or worse than a model that was measured."""
    evidence, label = design.card.floor, f"{design.domain}/{design.task}"
    if not evidence or evidence.human is None:
        return
    step = "check that both were measured on the same test set, with the same labels"
    low, high = (float(special.betaincinv(*evidence.human.beta, q)) for q in (0.05, 0.95))
    noise = evidence.label_noise
    if noise is not None and float(special.betaincinv(*noise.beta, 0.05)) > high:
        text = (
            f"{label}: people err on fewer cases ({evidence.human}) than have wrong labels ({noise}); their answers "
            "were judged by other labels than the models are"
        )
        yield Check("floor-human", REVIEW, message("human-below-labels", text), step, (label,))
    smallest = smallest_error(design)
    if low > smallest.upper:
        text = (
            f"{label}: people err more ({evidence.human}) than the best model measured ({smallest}); their error then "
            "says little of the floor"
        )
        yield Check("floor-human", REVIEW, message("human-above-model", text), step, (label,))


def _next(quantity: str, above: bool) -> str:
    if quantity == "level":
        return UNIT
    return SMOOTH if quantity in HARMLESS and not above else NEXT


def identified(posterior: Posterior) -> Iterator[Check]:
    """Identifiability: do the data tell floor and exponent apart, and from their priors?"""
    prior_only = {"exponent": {}, "floor": {}}
    for curve in posterior.curves.curves:
        draws = posterior.curve(curve.label)
        design = posterior.designs[(curve.domain, curve.task)]
        learned = np.exp(2.0 * design.hyper_mean[-1] + 2.0 * design.hyper_sd[-1] ** 2)  # mean of a squared lognormal
        prior_exponent = np.hypot(design.hyper_sd[1], np.sqrt(learned))
        prior_only["exponent"][curve.label] = np.std(draws.log_exponent) / prior_exponent
        prior_only["floor"][curve.label] = np.std(draws.floor_logit) / _prior_of_floor(design, curve.architecture)
    yield from _correlated({curve.label: posterior.curve(curve.label) for curve in posterior.curves.curves})
    for name, shares in prior_only.items():
        yield from worst_of(
            f"{name}-from-the-prior",
            shares,
            PRIOR_SHARE,
            lambda label, v, name=name: message(
                "prior-only",
                f"{label}: the data say little about the {name}: its posterior sd is {100 * v:.0f} % of the prior's",
                share=v,
            ),
            lambda v, name=name: message(
                "informed",
                f"the data inform every {name} (posterior sd at most {100 * v:.0f} % of the prior's)",
                share=v,
            ),
            "measure larger sizes; until then, read the card's prior as part of the answer",
        )


def _prior_of_floor(design: Design, architecture: str) -> float:
    """Sd of the logit of a floor before the data, given the evidence on it."""
    if design.card.floor is None:
        return float(np.hypot(design.hyper_sd[3], design.spread_fixed[1]))
    level = float(design.levels[design.architectures.index(architecture)])
    effect = float(design.card.effects_of(architecture)[3])
    low, high = floor_terms.logit_quantiles(design.card, level, (0.1, 0.9), effect, len(design.curves))
    return 0.5 * (high - low) / floor_terms.NORMAL_Q90


def _correlated(drawn: Mapping[str, CurveDraws]) -> Iterator[Check]:
    """Posterior correlation of floor and exponent. It does not matter where both are well known."""
    id = "floor-exponent-correlation"
    found = {label: abs(_correlation(d.log_exponent, d.floor_logit)) for label, d in drawn.items()}
    narrow = [label for label, r in found.items() if RIDGE.verdict(r) != PASS and _well_known(drawn[label])]
    if narrow and len(narrow) == len(found):
        yield Check(id, PASS, message("both-well-known", "every floor and exponent is well known, though correlated"))
        return
    but = f", but for {len(narrow)} whose floor and exponent are well known" if narrow else ""
    yield from worst_of(
        id,
        {label: r for label, r in found.items() if label not in narrow},
        RIDGE,
        lambda label, v: message(
            "not-separated",
            f"{label}: floor and exponent are not separately identified (absolute correlation {v:.2f}); far forecasts "
            "depend on which of the two explains the curve",
            correlation=v,
        ),
        lambda v: message(
            "separated",
            f"floor and exponent are separately identified (largest absolute correlation {v:.2f}{but})",
            correlation=v,
            well_known=len(narrow),
        ),
        "measure a larger size, or say what is known of the floor (--human, --label-noise or --floor)",
    )


def _well_known(draws: CurveDraws) -> bool:
    return bool(np.std(_log_floor(draws)) < FLOOR_KNOWN and np.std(draws.log_exponent) < EXPONENT_KNOWN)


def _log_floor(draws: CurveDraws) -> np.ndarray:
    return law.log_floor(np, draws.level, draws.floor_logit)


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson correlation; NaN where either does not vary."""
    if np.std(one) == 0 or np.std(other) == 0:
        return float("nan")
    return float(np.corrcoef(one, other)[0, 1])
