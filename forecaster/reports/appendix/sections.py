"""The appendix of a memo: the law, the priors with their sources, and where its numbers came from."""

from __future__ import annotations

import json
import math
from pathlib import PurePath
from typing import Any

from forecaster.checks.card_sensitivity import AS_IT_IS
from forecaster.checks.predictive import DRAWS, INTERVAL
from forecaster.curves.learning_curves import Group
from forecaster.domains.domain import Architecture, Domain, Prior
from forecaster.inference.posterior import Posterior
from forecaster.plots.comparison import exponent_table
from forecaster.reports.advice import LIKELY
from forecaster.reports.answers import Answers
from forecaster.reports.appendix.checklist import checklist
from forecaster.results.message import Message, message
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
    "log_slope_spread": "spread in the drift of the slope",
    "log_slope": "log drift of the slope (sd per nat of size)",
    "slope_memory": "correlation length of the slope, in nats of size",
    "log_sharpness": "log of the width s of the break, in nats of size",
    "log_sharpness_spread": "spread in the width of the break",
    "volatility": "uncertainty of the drift's scale beyond the measured sizes (sd of its log)",
}


def facts(a: Answers, seed: int, command: str | None) -> dict[str, Any]:
    """The values of the appendix in the templates."""
    posterior, group = a.posterior, a.group
    card = posterior.cards[group]
    named = {name: found for name in posterior.designs[group].architectures if (found := card.known_as(name))}
    every = (*card.priors.values(), *named.values())
    sources = {key: i for i, key in enumerate(dict.fromkeys(known.source for known in every), 1)}
    known = [("Error of guessing", card.chance), ("Human-level error", card.human_level)]
    return {
        "decision": _decision(a),
        "formula": FORMULA,
        "assumptions": [one.text for one in assumptions(a)],
        "fit": _fit(a),
        "fit_note": FIT_NOTE.format(inside=times_in(INTERVAL), draws=DRAWS),
        "changed": _changed(a),
        "changed_note": _changed_note(a),
        "exponents": _exponents(posterior, group),
        "priors": [
            {"name": _named(name), "prior": _prior(p), "why": p.why, "source": sources[p.source]}
            for name, p in card.priors.items()
        ],
        "known": [
            *(f"{name}: {e.value:g}. {e.why}" for name, e in known if e is not None),
            *(f"{differs(name, found).text} [{sources[found.source]}]" for name, found in named.items()),
        ],
        "sources": [{"number": i, "text": card.citations.get(key, key)} for key, i in sources.items()],
        "provenance": _provenance(a.whole, card, seed),
        "checklist": checklist(a, seed),
        "command": command,
    }


DECISION = ("lowest-risk", "evpi", "attitude", "running-unknown", "test-cases-idle", "no-test-cases")


def _decision(a: Answers) -> list[str]:
    """How the options were weighed, and what the decision's sentences say beyond the first pages."""
    if a.decision.open:
        return []
    said = [one.text for one in a.decision.found.messages if one.id in DECISION]
    weighed = (
        "Options are weighed on the same posterior draws that forecasts and requirements summarise; all of them, with "
        "the parts of their costs and, where an error has a price, their losses, are in the table options.csv."
    )
    return [weighed, *said]


FIT_NOTE = (
    "Leave-one-out: how many of the measured errors lie in the interval that the curve's other sizes give; if the "
    "model is right, about {inside}. Most surprising: the size that is least probable given the others, and the chance "
    "that any size is as improbable. Jumps, regular departures, bend: of {draws} curves simulated from the model, the "
    "share that jump as far, depart from the law as regularly, or bend as unusually as the measured one; a share near "
    "0 means that such curves are not typical of the model. Prior predictive: how many of the measured errors, "
    "relative to the mean of their curve, lie in the card's 95 % band before any measurement; if nearly none do, the "
    "card is for other curves."
)


def _fit(a: Answers) -> list[list[str]]:
    """One row an architecture: how well the model fits what was measured."""
    out = []
    for row in a.assessed.curves.to_dict("records"):
        points = row["points"]
        shown = [chance(row[f"p_{name}"]) for name in ("jump", "run", "bend")]
        loo, prior = (f"{round(row[k] * points)} of {points}" for k in ("inside", "prior_inside_shape"))
        farthest = f"{size(row['surprise_n'])} ({chance(row['p_surprise'])})"
        out.append([row["architecture"], loo, farthest, *shown, prior])
    return out


def _changed(a: Answers) -> list[list[str]]:
    """One row an architecture: the forecast at the headline's size, and under each changed prior."""
    out = []
    for name, mine in a.priors.groupby("architecture", sort=False):
        rows = mine.to_dict("records")
        d = 1 + a.facts.units.decimals(rows[0]["yhat_lower"], rows[0]["yhat_upper"])  # moves are smaller than the range
        cells = ["needs a new fit" if math.isnan(r["yhat"]) else a.facts.units.error(r["yhat"], d) for r in rows]
        out.append([str(name), *cells])
    return out


def _changed_note(a: Answers) -> str:
    card = a.posterior.cards[a.group]
    exponent, floor = card.priors["log_exponent"], card.priors["floor_logit"]
    exponents = " or ".join(f"{math.exp(exponent.location + s * exponent.scale):.2g}" for s in (-1, 1))
    floors = " or ".join(f"{100 / (1 + math.exp(-floor.location - s * floor.scale)):.0f} %" for s in (-1, 1))
    worst = float(a.priors.loc[a.priors["change"] != AS_IT_IS, "pareto_k"].max())
    return (
        f"The forecast at {a.facts.sized(a.facts.headline_n)} under other priors: an exponent of about {exponents}, a "
        f"floor of about {floors} of the error at the largest size, or a drift half or twice as large. Nothing was "
        f"fitted again: the draws were reweighted (largest Pareto k {worst:.2f}; above 0.7 weights cannot be trusted, "
        "and the table says that a new fit is needed)."
    )


def _named(quantity: str) -> str:
    return QUANTITIES.get(quantity, quantity.replace("_", " "))


def differs(name: str, known: Architecture) -> Message:
    """What the card knows about an architecture of this name."""
    effects = ", ".join(
        f"{quantity.replace('_', ' ')} {value:+g}".replace("-", "−") for quantity, value in known.effects.items()
    )
    text = f"The card knows {name} by name; its priors differ from those of the others by: {effects}. {known.why}"
    return message("known-by-name", text, architecture=name, effects=dict(known.effects))


RANGES = {
    "mean": "Ranges in this memo are for the average over runs of a training configuration, on the test set at hand.",
    "new-run": "Ranges in this memo are for one new run of a training configuration, on the test set at hand.",
    "new-cases": "Ranges in this memo are for the average over runs of a training configuration, on new test cases.",
}


def assumptions(a: Answers) -> list[Message]:
    """What the model assumes, in words."""
    facts = a.facts
    trend = a.posterior.designs[a.group].noise_trend
    return [
        message(
            "law",
            "Law: the error falls from a plateau at small data, as a power of the training size n, towards a floor. N "
            f"is the largest measured size ({facts.sized(facts.largest)}), b the size at which the plateau turns into "
            "the power law, s how gradually. Beyond b the law is alpha × n^(−exponent) + floor (Hestness et al. 2017).",
        ),
        message(
            "drift",
            "Drift: real curves depart from any smooth law. The log error follows a random walk in log n around it, "
            "whose slope is itself a mean-reverting random walk. The scale of the drift is learned from the curves, so "
            "ranges widen with distance. Beyond the measured sizes, the amount of drift is itself uncertain.",
        ),
        message(
            "noise",
            "Noise: the log errors of single runs vary normally around the curve, in addition to the sampling error "
            f"known from the size of the test set{_trend(trend)}. Errors measured on the same test set share sampling "
            f"error; the model separates this from the curve's slope. {RANGES[facts.kind]}",
            trend=trend,
        ),
        message(
            "pooling",
            "Pooling: exponents, floors, breaks, drift and noise of the architectures of one task come from a common "
            "distribution, whose spread is learned from the measurements; a short curve borrows from the others.",
        ),
        message(
            "ranges",
            "Ranges are equal-tailed credible intervals. Chances are shares of posterior draws, paired across "
            "architectures.",
        ),
        message(
            "policy",
            f"An architecture is recommended with its data; where its chance of being the best is below "
            f"{100 * LIKELY:.0f} %, the page says that the choice is open.",
        ),
    ]


def _trend(trend: float) -> str:
    """How noise changes with size, where repeated runs show it."""
    change = 100.0 * math.expm1(math.log(2.0) * trend)
    if abs(change) < 1.0:
        return ""
    less = "less" if change < 0 else "more"
    return f"; repeated runs show {abs(change):.0f} % {less} with each doubling of n"


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
