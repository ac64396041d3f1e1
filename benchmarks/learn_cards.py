"""Learn the numbers of the shipped cards: one hierarchical fit over the library of fields.

    uv run python benchmarks/learn_cards.py --data FOLDER
    uv run python benchmarks/learn_cards.py --data FOLDER --output models

The card of any error rate, and that of any loss, are the predictive distribution of one more field of that kind; the
card of a field of the library that of one more (domain, task) of it (``hierarchy.py``). `--output` puts the numbers,
and what they were learned from, into the prior tables of the cards in a folder, and leaves all else there as it is:
constants, aliases, known errors, priors for best models. The card of tables is not written: the one learned from scores
of forecasts does better on them (benchmarks/lab/2026-11-fields.md).
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from hierarchy import Learned, Likelihood, any_card_of, card_of, learned, own_card_of
from learning import ITERATIONS, library_likelihoods, start
from library import LIBRARY, curves_of

from forecaster.domains.domain import Domain, Prior
from forecaster.domains.quantities import CENTRES, CONSTANTS, QUANTITIES

OF_KIND = {"generic-error-rate": "rate", "generic-loss": "loss"}
OF_FIELD = {
    "image-classification-top1": "images",
    "machine-translation": "translation",
    "word-language-modelling": "language models",
}
SOURCE = "field-library"
NORMAL_90 = 1.6449  # half of a 90 % interval, in standard deviations
KINDS = {"rate": "error rates", "loss": "losses"}


def main() -> int:
    """Learn every card; print what is learned, or write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the library")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="folder of cards to write into")
    parser.add_argument("--iterations", type=int, default=ITERATIONS, help="fits of the library")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    absent = [f"{name}.csv" for field in LIBRARY for name in field.files if not (chosen.data / f"{name}.csv").is_file()]
    if absent:
        print(f"{chosen.data}: found no {', '.join(absent)}; cards are learned from the whole library", file=sys.stderr)
        return 1
    fields = {field.name: field for field in LIBRARY}
    curves = {name: curves_of(field, chosen.data) for name, field in fields.items()}
    parts = library_likelihoods(fields, curves, iterations=chosen.iterations, seed=chosen.seed)
    for name, (card, why) in cards(parts, learned(parts, np.random.default_rng(chosen.seed))).items():
        print(
            f"{name}\n{tables(card, why)}"
            if chosen.output is None
            else written(chosen.output / f"{name}.toml", card, why)
        )
    return 0


def cards(parts: Sequence[Likelihood], found: Learned) -> dict[str, tuple[Domain, str]]:
    """Every card with its numbers, and what they were learned from in words."""

    def of(parts: Sequence[Likelihood]) -> str:
        return f"{', '.join(dict.fromkeys(p.field for p in parts))} ({sum(p.curves for p in parts)} curves)"

    out = {"generic": (any_card_of(start("loss"), found), f"One more field of either kind; learned from {of(parts)}")}
    for name, kind in OF_KIND.items():
        own = [p for p in parts if p.kind == kind]
        out[name] = (card_of(start(kind), found, kind), f"One more field of {KINDS[kind]}; learned from {of(own)}")
    for name, field in OF_FIELD.items():
        own = [p for p in parts if p.field == field]
        said = f"One more task of {of(own)}, pulled towards other {KINDS[own[0].kind]}"
        out[name] = (own_card_of(start(own[0].kind), found, field), said)
    return out


def written(path: Path, card: Domain, why: str) -> str:
    """Put the priors into a card's file, in place of its own but for constants."""
    text = path.read_text(encoding="utf-8")
    head, rest = text.split("[priors.", 1)
    constants = [t for t in re.findall(r"\[priors\.[^\[]*", "[priors." + rest) if _quantity(t) in CONSTANTS]
    after = re.search(r"^\[(?!priors\.)", rest, re.M)
    tail = rest[after.start() :] if after else ""
    body = "\n\n".join([tables(card, why), *(t.strip() for t in constants)])
    path.write_text(f"{head}{body}\n" + (f"\n{tail}" if tail else ""), encoding="utf-8")
    return f"{path}: {len(QUANTITIES) - len(CONSTANTS)} priors"


def tables(card: Domain, why: str) -> str:
    """The prior tables of a card, but for constants."""
    return "\n\n".join(_table(q, card.priors[q], why) for q in QUANTITIES if q not in CONSTANTS)


def _table(quantity: str, prior: Prior, why: str) -> str:
    lines = [f"[priors.{quantity}]  # {WHAT[quantity]}", f'family = "{prior.family}"']
    for key in ("mean", "median", "sd", "value"):
        number = getattr(prior, key)
        lines += [] if number is None else [f"{key} = {number:.2g}"]
    lines += ["relative = true"] if prior.relative else []
    source = "forecaster-judgement" if prior.relative else SOURCE
    said = RELATIVE if prior.relative else f"{why}{_span(quantity, prior)}."
    return "\n".join([*lines, f'source = "{source}"', f'why = "{said}"'])


def _span(quantity: str, prior: Prior) -> str:
    if prior.family == "fixed":
        return ""
    low, high = (prior.location + s * NORMAL_90 * prior.scale for s in (-1, 1))
    scale = (lambda v: 100.0 / (1.0 + np.exp(-v))) if quantity == "floor_logit" else np.exp
    if quantity == "log_break":
        return f"; {low:.2g} to {high:.2g} nats above the smallest size (90 %)"
    per_cent = 100.0 if quantity in ("log_noise", "log_drift", "log_slope") else 1.0
    unit = " %" if per_cent > 1 or quantity == "floor_logit" else ""
    return f"; {per_cent * scale(low):.2g} to {per_cent * scale(high):.2g}{unit} (90 %)"


def _quantity(table: str) -> str:
    return table.removeprefix("[priors.").split("]", 1)[0]


RELATIVE = (
    "The unit of such errors is arbitrary, so their level counts from the errors measured last, within a factor of 5 "
    "(90 %), which says nothing."
)
SPREADS = "sd of architectures around the centre of"
WHAT = {
    "level": "log error at the largest measured size: centre across architectures",
    "log_exponent": "log of the exponent: centre across architectures",
    "log_break": "log(size where the plateau of small data ends) - log(smallest measured size): centre",
    "floor_logit": "logit of the floor as a share of the error at the largest measured size: centre",
    "log_noise": "log of the noise of one run, as a sd of log error: centre",
    "log_drift": "log of the drift of log error from the law, per square-root nat of size: centre",
    "log_slope": "log of the sd of a slope that wanders from the law's, per nat of size: centre",
    "log_sharpness": "log of the nats of size over which the plateau turns into the power law: centre",
} | {f"{quantity}_spread": f"{SPREADS} {quantity}" for quantity in CENTRES}

if __name__ == "__main__":
    sys.exit(main())
