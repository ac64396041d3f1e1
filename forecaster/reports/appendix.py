"""What stands behind a memo: the law, the priors with their sources, and where its numbers came from."""

from __future__ import annotations

import json
import math
from pathlib import PurePath
from typing import Any

from forecaster.checks.card_sensitivity import AS_IT_IS
from forecaster.checks.predictive import DRAWS, INSIDE
from forecaster.curves.learning_curves import Group
from forecaster.domains.domain import Architecture, Domain, Prior
from forecaster.inference.posterior import Posterior
from forecaster.plots.comparison import exponent_table
from forecaster.reports.answers import Answers
from forecaster.results.wording import chance, size, times_in

FORMULA = "error(n) = floor + (error(N) − floor) × [ (1 + (n/b)^(1/s)) / (1 + (N/b)^(1/s)) ]^(−s × exponent)"
QUANTITIES = {
    "level": "log error at the largest size, across architectures",
    "log_exponent": "log exponent, across architectures",
    "log_break": "log size of the break, above the smallest size",
    "floor_logit": "floor as a share of the error at the largest size (logit)",
    "log_noise": "log noise of one run at the largest size (sd of log error)",
    "log_drift": "log drift (sd of log error per square-root nat)",
    "level_spread": "spread of architectures in level",
    "log_exponent_spread": "spread of architectures in log exponent",
    "log_break_spread": "spread in break",
    "floor_logit_spread": "spread in floor",
    "log_noise_spread": "spread in noise",
    "log_drift_spread": "spread in drift",
    "log_slope_spread": "spread in the wandering of the slope",
    "log_slope": "log of the wandering of the slope, per nat of size",
    "slope_memory": "memory of the slope, in nats of size",
    "log_sharpness": "log of the width s of the break, in nats of size",
    "log_sharpness_spread": "spread in the width of the break",
    "steady": "share of the drift's time that runs with log size",
    "volatility": "how uncertain the drift's width is beyond the measured sizes (sd of its log)",
    "late_chance": "chance that the floor gives way beyond the measured sizes",
    "late_slope": "mean exponent of the fall where it does, relative to the curve's slope at its largest size",
    "known_share": "share of the test-set noise that is fresh at each size",
}


def facts(a: Answers, seed: int, command: str | None) -> dict[str, Any]:
    """What the template's appendix shows."""
    posterior, group = a.posterior, a.group
    card = posterior.cards[group]
    named = {name: found for name in posterior.designs[group].architectures if (found := card.known_as(name))}
    every = (*card.priors.values(), *named.values())
    sources = {key: i for i, key in enumerate(dict.fromkeys(known.source for known in every), 1)}
    known = [("Error of guessing", card.chance), ("Human-level error", card.human_level)]
    return {
        "formula": FORMULA,
        "assumptions": _assumptions(posterior, group, a.sized(a.largest)),
        "fit": _fit(a),
        "fit_note": FIT_NOTE.format(inside=times_in(INSIDE), draws=DRAWS),
        "changed": _changed(a),
        "changed_note": _changed_note(a),
        "exponents": _exponents(posterior, group),
        "priors": [
            {"name": _named(name), "prior": _prior(p), "why": p.why, "source": sources[p.source]}
            for name, p in card.priors.items()
        ],
        "known": [
            *(f"{name}: {e.value:g}. {e.why}" for name, e in known if e is not None),
            *(f"{_differs(name, found)} [{sources[found.source]}]" for name, found in named.items()),
        ],
        "sources": [{"number": i, "text": card.citations.get(key, key)} for key, i in sources.items()],
        "provenance": _provenance(a.whole, card, seed),
        "command": command,
    }


FIT_NOTE = (
    "Foretold: how many of the measured errors lie in the range that the curve's other sizes give; if the model is "
    "right, about {inside}. Farthest out: the size that lies farthest from what the others say, and the chance that "
    "any size does so. Jumps, regular departures, bend: of {draws} curves made by the model, the share that jump as "
    "far, depart from the law as regularly, or bend as unusually as the measured one; a share near 0 means that the "
    "model does not make such curves. Expected by the card: how many of the measured errors, relative to the mean of "
    "their curve, lie where the card alone, before any measurement, expected 95 in 100; nearly none would mean that "
    "the card is about other curves."
)


def _fit(a: Answers) -> list[list[str]]:
    """One row an architecture: how well the model fits what was measured."""
    out = []
    for row in a.assessed.curves.to_dict("records"):
        points = row["points"]
        shown = [chance(row[f"p_{name}"]) for name in ("jump", "run", "bend")]
        foretold, foreseen = (f"{round(row[k] * points)} of {points}" for k in ("inside", "prior_inside_shape"))
        farthest = f"{size(row['surprise_n'])} ({chance(row['p_surprise'])})"
        out.append([row["architecture"], foretold, farthest, *shown, foreseen])
    return out


def _changed(a: Answers) -> list[list[str]]:
    """One row an architecture: the forecast of the headline's size, and under each changed prior."""
    out = []
    for name, mine in a.priors.groupby("architecture", sort=False):
        rows = mine.to_dict("records")
        d = 1 + a.units.decimals(rows[0]["yhat_lower"], rows[0]["yhat_upper"])  # moves are smaller than the range
        cells = ["needs a new fit" if math.isnan(r["yhat"]) else a.units.error(r["yhat"], d) for r in rows]
        out.append([str(name), *cells])
    return out


def _changed_note(a: Answers) -> str:
    card = a.posterior.cards[a.group]
    exponent, floor = card.priors["log_exponent"], card.priors["floor_logit"]
    exponents = " or ".join(f"{math.exp(exponent.location + s * exponent.scale):.2g}" for s in (-1, 1))
    floors = " or ".join(f"{100 / (1 + math.exp(-floor.location - s * floor.scale)):.0f} %" for s in (-1, 1))
    worst = float(a.priors.loc[a.priors["change"] != AS_IT_IS, "pareto_k"].max())
    return (
        f"The forecast at {a.sized(a.headline_n)} had the card expected other curves: an exponent of about "
        f"{exponents}, a floor of about {floors} of the error at the largest size, or a drift half or twice as large. "
        f"Nothing was fitted again: the same draws were given other weights (largest Pareto k {worst:.2f}; above 0.7 "
        "weights are not to be trusted, and the table says so)."
    )


def _named(quantity: str) -> str:
    return QUANTITIES.get(quantity, quantity.replace("_", " "))


def _differs(name: str, known: Architecture) -> str:
    """What the card knows of an architecture by its name."""
    effects = ", ".join(
        f"{quantity.replace('_', ' ')} {value:+g}".replace("-", "−") for quantity, value in known.effects.items()
    )
    return f"{name} is known by name, and set apart from the others by so much: {effects}. {known.why}"


def _assumptions(posterior: Posterior, group: Group, largest: str) -> list[str]:
    card = posterior.cards[group]
    return [
        f"Law: error falls from a plateau at small data, as a power of the training size n, towards a floor. N is the "
        f"largest measured size ({largest}), b the size at which the plateau turns into the "
        f"power law, s how sharply. Beyond b this is alpha × n^(−exponent) + floor (Hestness et al. 2017).",
        "Drift: real curves leave any smooth law. The log error may wander from it as a random walk in log n, with a "
        "slope that wanders and forgets; how much is learned from the curves, so ranges widen with distance. Beyond "
        "the measured sizes how much is uncertain in itself.",
        f"Late fall: what looks like a floor may give way beyond the measured sizes. With a chance of "
        f"{100 * card.late_chance:.0f} % the error that looks irreducible falls, too, with an exponent of about "
        f"{card.late_slope:g} times the slope the curve has at N; the card says what that is based on.",
        "Noise: the log error of one run scatters normally around the curve, besides what is known of the size of the "
        f"test set{_trend(posterior.designs[group].noise_trend)}. Errors on one test set share its luck, which is not "
        "taken for the slope of a curve. Ranges in this memo are for the average over runs of a recipe, not for one "
        "run, on a test set as lucky as that measured on.",
        "Pooling: architectures of one task are taken to be alike in exponent, floor, break, drift and noise, by as "
        "much as the measurements say; a short curve borrows from the others.",
        "Ranges are equal-tailed credible intervals; chances are shares of posterior draws, paired across "
        "architectures.",
    ]


def _trend(trend: float) -> str:
    """How noise changes with size, where repeats have told."""
    change = 100.0 * math.expm1(math.log(2.0) * trend)
    if abs(change) < 1.0:
        return ""
    less = "less" if change < 0 else "more"
    return f"; as runs of one size say, by {abs(change):.0f} % {less} with each doubling of n"


def _exponents(posterior: Posterior, group: Group) -> list[list[str]]:
    rows = exponent_table(posterior, group).to_dict("records")
    return [[r["architecture"], f"{r['q50']:.3f}", f"{r['q10']:.3f} – {r['q90']:.3f}"] for r in rows]


def _prior(prior: Prior) -> str:
    if prior.family == "fixed":
        return f"fixed at {prior.value:g}"
    if prior.family == "lognormal":
        return f"lognormal, median {prior.median:g}, sd of the log {prior.sd:g}"
    return f"normal, mean {prior.mean:g}, sd {prior.sd:g}".replace("mean -", "mean −")


def _provenance(posterior: Posterior, card: Domain, seed: int) -> list[tuple[str, str]]:
    """Where the numbers came from; file names without their folders."""
    known = posterior.manifest
    versions = ", ".join(f"{k} {v}" for k, v in json.loads(known["versions"]).items())
    return [
        ("Data", f"{PurePath(known['source']).name}, {len(posterior.curves.table):,} rows"),
        ("Data hash (SHA-256)", str(known["data_hash"])),
        ("Domain card", f"{card.name} ({card.title}), hash {card.card_hash[:16]}"),
        ("Law", card.law),
        ("Engine", f"{known['engine']}, {posterior.draws:,} draws"),
        ("Seeds", f"fit {known['seed']}, memo {seed}"),
        ("Versions", versions),
    ]
