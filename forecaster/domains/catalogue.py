"""catalogue: what is there to look at without asking any question: domain cards, and what a posterior holds."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from forecaster.domains.domain import Domain, Prior
from forecaster.domains.loading import load_card, load_domains
from forecaster.results.result import Listing

NORMAL_90 = 1.6449  # half of a 90 % interval, in standard deviations


def shelf() -> Listing:
    """The shipped cards: name, what they are for, the exponent's prior median and 90 % interval."""
    rows = []
    for card in load_domains().values():
        low, middle, high = _span(card.priors["log_exponent"])
        rows.append(
            {
                "name": card.name,
                "title": card.title,
                "exponent": math.exp(middle),
                "exponent_q5": math.exp(low),
                "exponent_q95": math.exp(high),
                "chance": None if card.chance is None else card.chance.value,
                "size_unit": card.size_unit,
            }
        )
    text = (
        "exponent is the prior median of how fast error falls with data, beside its 90 % interval. "
        "`forecaster domains NAME` shows one card's priors with their sources."
    )
    return Listing(pd.DataFrame(rows), text)


def priors(name: str) -> tuple[Listing, Domain]:
    """One card: a row for each prior, with its source."""
    card = load_card(name)
    rows = []
    for quantity, prior in card.priors.items():
        low, middle, high = (math.exp(v) if prior.family == "lognormal" else v for v in _span(prior))
        fixed = prior.family == "fixed"
        rows.append(
            {
                "quantity": quantity,
                "family": prior.family,
                "median": middle,
                "q5": None if fixed else low,
                "q95": None if fixed else high,
                "source": prior.source,
                "why": prior.why,
            }
        )
    facts = [f"{card.title}. Sizes in {card.size_unit}; error: {card.error_unit}; law: {card.law}."]
    for label, known in (("Guessing gives", card.chance), ("People reach", card.human_level)):
        if known is not None:
            facts.append(f"{label} {known.value:g} ({known.source}: {known.why})")
    facts += ["Sources:", *(f"  {key}: {said}" for key, said in card.citations.items())]
    return Listing(pd.DataFrame(rows), "\n".join(facts)), card


def card_facts(card: Domain) -> dict[str, Any]:
    """What ``--json`` says of a card beside its priors."""
    known = {
        k: None if v is None else {"value": v.value, "source": v.source, "why": v.why}
        for k, v in (("chance", card.chance), ("human_level", card.human_level))
    }
    facts = {k: getattr(card, k) for k in ("name", "title", "law", "size_unit", "error_unit", "card_hash")}
    return facts | {"aliases": list(card.aliases)} | known | {"citations": dict(card.citations)}


def _span(prior: Prior) -> tuple[float, float, float]:
    """5 %, 50 % and 95 % points on the scale on which the prior is normal (its value, where it is fixed)."""
    half = NORMAL_90 * prior.scale
    return prior.location - half, prior.location, prior.location + half
