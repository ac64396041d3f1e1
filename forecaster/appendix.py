"""What stands behind a memo: the law, the priors with their sources, and where its numbers came from."""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import Any

from forecaster.domains import Domain, Prior
from forecaster.figures import exponent_table
from forecaster.posterior import Group, Posterior
from forecaster.units import size

FORMULA = "error(n) = floor + (error(N) − floor) × [ (1 + (n/b)^(1/s)) / (1 + (N/b)^(1/s)) ]^(−s × exponent)"
QUANTITIES = {
    "level": "log error at the largest size, across architectures",
    "log_exponent": "log exponent, across architectures",
    "log_break": "log size of the break, above the smallest size",
    "floor_logit": "floor as a share of the error at the largest size (logit)",
    "log_noise": "log noise of one run (sd of log error)",
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
    "sharpness": "sharpness s of the break, in nats of size",
    "known_share": "share of the test-set noise that is fresh at each size",
}


def facts(posterior: Posterior, group: Group, largest: float, seed: int, command: str | None) -> dict[str, Any]:
    """What the template's appendix shows."""
    card = posterior.cards[group]
    sources = {key: i for i, key in enumerate(dict.fromkeys(p.source for p in card.priors.values()), 1)}
    known = [("Error of guessing", card.chance), ("Human-level error", card.human_level)]
    return {
        "formula": FORMULA,
        "assumptions": _assumptions(posterior, group, largest),
        "exponents": _exponents(posterior, group),
        "priors": [
            {"name": _named(name), "prior": _prior(p), "why": p.why, "source": sources[p.source]}
            for name, p in card.priors.items()
        ],
        "known": [f"{name}: {e.value:g}. {e.why}" for name, e in known if e is not None],
        "sources": [{"number": i, "text": card.citations.get(key, key)} for key, i in sources.items()],
        "provenance": _provenance(posterior, card, seed),
        "command": command,
    }


def _named(quantity: str) -> str:
    return QUANTITIES.get(quantity, quantity.replace("_", " "))


def _assumptions(posterior: Posterior, group: Group, largest: float) -> list[str]:
    card = posterior.cards[group]
    return [
        f"Law: error falls from a plateau at small data, as a power of the training size n, towards a floor. N is the "
        f"largest measured size ({size(largest)} {card.size_unit}), b the size at which the plateau turns into the "
        f"power law, s how sharply. Beyond b this is alpha × n^(−exponent) + floor (Hestness et al. 2017).",
        "Drift: real curves leave any smooth law. The log error may wander from it as a random walk in log n, with a "
        "slope that wanders and forgets; how much is learned from the curves, so ranges widen with distance.",
        "Noise: the log error of one run scatters normally around the curve, besides what is known of the size of the "
        "test set. Ranges in this memo are for the average over runs of a recipe, not for one run.",
        "Pooling: architectures of one task are taken to be alike in exponent, floor, break, drift and noise, by as "
        "much as the measurements say; a short curve borrows from the others.",
        "Ranges are equal-tailed credible intervals; chances are shares of posterior draws, paired across "
        "architectures.",
    ]


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
