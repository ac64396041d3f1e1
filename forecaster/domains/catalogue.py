"""catalogue: what is there to look at without asking any question: domain cards, and what a posterior holds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pandas as pd

from forecaster.domains.domain import Domain, Prior
from forecaster.domains.loading import load_card, load_domains
from forecaster.results.columns import Column, Columns, declared
from forecaster.results.result import Result

HALF_OF_90 = 1.6449  # half of a 90 % interval, in standard deviations


@dataclass(frozen=True, eq=False, repr=False)
class CardList(Result):
    """The shipped domain cards."""

    command = "domains"
    columns = declared(
        table=Columns(
            "a card",
            Column("name", "text", "the card", key=True),
            Column("title", "text", "what it is for"),
            Column("exponent", "number", "prior median of the exponent: how fast error falls with data"),
            (Column(f"exponent_{q}", "number", "its 90 % interval") for q in ("q5", "q95")),
            Column("chance", "error", "the error of guessing, where the card knows it"),
            Column("size_unit", "text", "what sizes count"),
        )
    )


@dataclass(frozen=True, eq=False, repr=False)
class CardPriors(Result):
    """The priors of one domain card, with their sources."""

    card: Mapping[str, Any] = field(default_factory=dict)

    command = "domains"
    columns = declared(
        table=Columns(
            "a prior",
            Column("quantity", "text", "what the prior is on (see `models/README.md`)", key=True),
            Column("family", "text", "its family: `normal`, `lognormal` or `fixed`"),
            Column("median", "number", "its median, or fixed value"),
            (Column(q, "number", "its 90 % interval; null of a fixed value") for q in ("q5", "q95")),
            Column("source", "text", "where the numbers come from"),
            Column("why", "text", "what that source says"),
        )
    )
    keys = declared(
        card="`name`, `title`, `law`, `size_unit`, `error_unit`, `card_hash`, `aliases`, `chance`, `human_level`, "
        "`floor` (evidence on it), `citations`"
    )


def shelf() -> CardList:
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
    return CardList(pd.DataFrame(rows), text)


def priors(name: str) -> CardPriors:
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
    facts += [f"Of the floor it knows {said}." for said in (card.floor.said if card.floor else ())]
    facts += ["Sources:", *(f"  {key}: {said}" for key, said in card.citations.items())]
    return CardPriors(pd.DataFrame(rows), "\n".join(facts), card=card_facts(card))


def card_facts(card: Domain) -> dict[str, Any]:
    """Facts on a card in ``--json``, beside its priors."""
    known: dict[str, Any] = {
        k: None if v is None else {"value": v.value, "source": v.source, "why": v.why}
        for k, v in (("chance", card.chance), ("human_level", card.human_level))
    }
    facts = {k: getattr(card, k) for k in ("name", "title", "law", "size_unit", "error_unit", "card_hash")}
    known["floor"] = msgspec.to_builtins(card.floor)
    return facts | {"aliases": list(card.aliases)} | known | {"citations": dict(card.citations)}


def _span(prior: Prior) -> tuple[float, float, float]:
    """5 %, 50 % and 95 % points on the scale on which the prior is normal (its value, where it is fixed)."""
    half = HALF_OF_90 * prior.scale
    return prior.location - half, prior.location, prior.location + half
