"""What the priors do: whether the group lies where its card expects, and whether the data say more than the card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from forecaster.checks.limits import CONFLICT, EXPONENT_KNOWN, FLOOR_KNOWN, PRIOR_SHARE, RIDGE, worst_of
from forecaster.domains.quantities import CENTRES, LEARNED_SPREADS
from forecaster.inference.parameters import CurveDraws
from forecaster.inference.posterior import Posterior
from forecaster.results.check import PASS, Check

# What the data say of each quantity where it lies below its card's prior, and where above: "... this card expects".
FOUND = {
    "level": ("errors at the largest sizes are smaller than", "errors at the largest sizes are larger than"),
    "log_exponent": ("errors fall more slowly with data than", "errors fall more steeply with data than"),
    "log_break": ("the power law begins at smaller sizes than", "the power law begins at larger sizes than"),
    "floor_logit": (
        "less of the error is of the kind that no data removes than",
        "more of the error is of the kind that no data removes than",
    ),
    "log_noise": ("runs scatter less than", "runs scatter more than"),
    "log_drift": ("the curves keep closer to a smooth law than", "the curves stray farther from a smooth law than"),
    "log_slope": ("the curves keep a steadier slope than", "the slopes of the curves change more than"),
    "log_sharpness": (
        "the power law sets in more suddenly than",
        "the power law sets in more gradually than",
    ),
    "level_spread": ("errors of architectures are more alike than", "errors of architectures differ more than"),
    "log_exponent_spread": (
        "architectures gain more alike from data than",
        "architectures differ more in what they gain from data than",
    ),
}
NEXT = "read the card's prior and its source; use another card, or your own, if this field differs"
UNIT = (
    "check the units of error and of size; dividing all errors by one number (as per cent by 100, or by the error of "
    "guessing) changes no forecast but for the unit, and puts them where a card expects them; else use another card"
)
SMOOTH = (
    "harmless if the errors are as they were measured: ranges are, if anything, too wide; make sure that nobody "
    "smoothed the curves or copied their repeats"
)
HARMLESS = ("log_noise", "log_drift", "log_slope")  # where below the prior


def prior_conflict(posterior: Posterior) -> Iterator[Check]:
    """Whether each group lies where its card expects; in words, what the data say instead."""
    away, found = {}, {}
    log_spread: np.ndarray = posterior.tree.posterior["log_spread"].values
    for i, group in enumerate(posterior.groups):
        design, label = posterior.designs[group], "/".join(group)
        learned = np.concatenate([posterior.centre(group), log_spread[:, :, i].reshape(-1, 2)], 1)
        off = (learned.mean(0) - design.hyper_mean) / design.hyper_sd
        if len(design.curves) == 1:
            off = off[: len(CENTRES)]  # one curve tells of no spread: it widens where the curve lies far off
        worst = int(np.argmax(np.abs(off)))
        away[label] = abs(off[worst])
        found[label] = (*CENTRES, *LEARNED_SPREADS)[worst], bool(off[worst] > 0)

    def say(label: str, v: float) -> str:
        quantity, above = found[label]
        side = "above" if above else "below"
        return (
            f"{label}: {FOUND[quantity][above]} this card expects ({quantity} lies {v:.1f} prior sds {side} the middle "
            "of the card's prior)"
        )

    yield from worst_of(
        "prior-data conflict",
        away,
        CONFLICT,
        say,
        "every group lies where its card expects: at most {worst} prior sds away",
        _next(*found[max(away, key=lambda label: away[label])]),
    )


def _next(quantity: str, above: bool) -> str:
    if quantity == "level":
        return UNIT
    return SMOOTH if quantity in HARMLESS and not above else NEXT


def identified(posterior: Posterior) -> Iterator[Check]:
    """Whether the data tell floor and exponent apart, and from their priors."""
    prior_only = {"exponent": {}, "floor": {}}
    for curve in posterior.curves.curves:
        draws = posterior.curve(curve.label)
        design = posterior.designs[(curve.domain, curve.task)]
        learned = np.exp(2.0 * design.hyper_mean[-1] + 2.0 * design.hyper_sd[-1] ** 2)  # mean of a squared lognormal
        prior_exponent = np.hypot(design.hyper_sd[1], np.sqrt(learned))
        prior_floor = np.hypot(design.hyper_sd[3], design.spread_fixed[1])
        prior_only["exponent"][curve.label] = np.std(draws.log_exponent) / prior_exponent
        prior_only["floor"][curve.label] = np.std(draws.floor_logit) / prior_floor
    yield from _ridge({curve.label: posterior.curve(curve.label) for curve in posterior.curves.curves})
    for name, shares in prior_only.items():
        yield from worst_of(
            f"{name} from the prior",
            shares,
            PRIOR_SHARE,
            lambda label, v, name=name: (
                f"{label}: the {name} is known little better than before the data (sd {v:.0%} of its prior's)"
            ),
            f"the data inform every {name}: posterior sd at most {{worst}} of the prior's",
            "measure larger sizes; until then, read the card's prior as part of the answer",
        )


def _ridge(drawn: Mapping[str, CurveDraws]) -> Iterator[Check]:
    """Whether it is open which of floor and exponent it is: not where both are known well, however they go together."""
    ridge = {label: abs(_correlation(d.log_exponent, d.floor_logit)) for label, d in drawn.items()}
    narrow = [label for label, r in ridge.items() if RIDGE.verdict(r) != PASS and _well_known(drawn[label])]
    if narrow and len(narrow) == len(ridge):
        text = "every floor and every exponent is known well, though one goes with the other"
        yield Check("exponent-floor ridge", PASS, text)
        return
    but = f" (but for {len(narrow)} whose floor and exponent are known well all the same)" if narrow else ""
    yield from worst_of(
        "exponent-floor ridge",
        {label: r for label, r in ridge.items() if label not in narrow},
        RIDGE,
        lambda label, v: (
            f"{label}: the floor and the exponent cannot be told apart (correlation {v:.2f} in size); "
            "forecasts far ahead rest on which of the two it is"
        ),
        "floors and exponents can be told apart: correlation at most {worst} in size" + but,
        "measure a larger size, or state a floor in the card (human level, label noise)",
    )


def _well_known(draws: CurveDraws) -> bool:
    log_floor = draws.level - np.logaddexp(0.0, -draws.floor_logit)
    return bool(np.std(log_floor) < FLOOR_KNOWN and np.std(draws.log_exponent) < EXPONENT_KNOWN)


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson correlation; NaN where either does not vary."""
    if np.std(one) == 0 or np.std(other) == 0:
        return float("nan")
    return float(np.corrcoef(one, other)[0, 1])
